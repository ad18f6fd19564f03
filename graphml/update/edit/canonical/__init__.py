"""Rewriting a network into the layers that Core ML can train. What it computes stays the same.

A Model message with its shapes and a recipe goes in; a message and a recipe come out. Layers keep their names. Read
`rewriting` first. `draft` is a network while it is edited, `products` turns constants into weights of layers, `folding`
merges scales and shifts, `ranks` brings vectors to the rank that softmax and flatten need, `probabilities` gives a loss
its softmax.
"""
