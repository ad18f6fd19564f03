"""What computes: the operators of each format, and the kernels that they share.

`layers` holds the layer kinds of neural networks and `program` the operations of ML Programs, one module per family;
importing this package registers them in the catalogue. An operator takes arrays and attributes, and returns arrays.
`kernels` holds the mathematics, as functions of arrays that know no format. Read `layers/normalization.py` first, then
`kernels/normalization.py`; `graphml.catalogue` describes the other parts of an entry.
"""

if __name__ != "graphml.ops":
    raise ImportError("import this package as graphml.ops; a top-level 'ops' would register every operator twice")

from graphml.ops import layers as layers
from graphml.ops import program as program
