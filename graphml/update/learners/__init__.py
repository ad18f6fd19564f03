"""How each kind of model learns: a model, its recipe and its data go in, a model with new weights comes out.

`learner` is the protocol that tasks drive, with one implementation each for networks, neighbors and pipelines. Start
with `learner`.
"""
