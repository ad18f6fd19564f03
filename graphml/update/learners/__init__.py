"""How each kind of model learns: a model, its recipe and training data go in, a model with new weights comes out.

`learner` is the protocol that tasks drive; `network`, `neighbors` and `pipeline` implement it, and `kinds` picks one of
them. `epochs` holds the rules of training, `runner` applies them to one network. Read `learner`, then `network`.
"""
