"""One update step as a pure function: weights and a mini-batch go in, new weights and a loss come out.

`trunk` splits a network into its frozen and trained parts; `losses`, `optimizers` and `augmentation` are the parts of a
step, and `training` combines them. `programs` compiles and keeps the results, `trunk_runner` runs the frozen part.
Read `training` first.
"""
