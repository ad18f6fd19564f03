"""The operators, one module per family. Importing this package fills the catalogue.

Open any family to read what a layer computes; `graphml.catalogue` says what a row states besides.
"""

if __name__ != "graphml.ops":
    raise ImportError("import this package as graphml.ops; a top-level 'ops' would register every operator twice")

from graphml.ops import activation as activation
from graphml.ops import arithmetic as arithmetic
