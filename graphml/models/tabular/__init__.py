"""Models of rows of numbers: linear models, trees, support vectors, neighbors and recommenders.

A row of features goes in, a number or a class with its probabilities comes out. Start with `base`, which makes rows and
runs many of them together; each other module is one kind of model.
"""
