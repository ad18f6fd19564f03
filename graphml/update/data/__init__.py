"""Training data: samples in any form go in, arrays in mini-batches come out, from memory or from files.

Start with `samples`.
"""
