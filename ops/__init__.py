"""What computes: the operators of each format, and the kernels that they share.

`layers` holds the layer kinds of neural networks, one module per family; importing this package enters them into
the catalogue. Open any family to read what a layer computes; `graphml.catalogue` says what else a row states.
"""

if __name__ != "graphml.ops":
    raise ImportError("import this package as graphml.ops; a top-level 'ops' would register every operator twice")

from graphml.ops import layers as layers
