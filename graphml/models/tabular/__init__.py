"""Models of tabular data: linear models, trees, support vectors, nearest neighbours and recommenders.

A row of features goes in, a number or a class with its probabilities comes out. Start with `base`, which builds rows
from features and runs many of them together; each of the other modules is one kind of model.
"""
