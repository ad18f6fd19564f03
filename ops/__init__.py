"""The operators, one module per family. Importing this package fills the catalogue.

Open any family to read what a layer computes; `graphml.catalogue` says what a row states besides.
"""

if __name__ != "graphml.ops":
    raise ImportError("import this package as graphml.ops; a top-level 'ops' would register every operator twice")

from graphml.ops import activation as activation
from graphml.ops import affine as affine
from graphml.ops import allocation as allocation
from graphml.ops import arithmetic as arithmetic
from graphml.ops import broadcasting as broadcasting
from graphml.ops import comparison as comparison
from graphml.ops import constant as constant
from graphml.ops import control as control
from graphml.ops import convolution as convolution
from graphml.ops import custom as custom
from graphml.ops import detection as detection
from graphml.ops import elementwise as elementwise
from graphml.ops import gathering as gathering
from graphml.ops import joining as joining
from graphml.ops import masking as masking
from graphml.ops import matrix as matrix
from graphml.ops import movement as movement
from graphml.ops import normalization as normalization
from graphml.ops import ordering as ordering
from graphml.ops import padding as padding
from graphml.ops import pooling as pooling
from graphml.ops import random as random
from graphml.ops import recurrent as recurrent
from graphml.ops import reduction as reduction
from graphml.ops import reshaping as reshaping
from graphml.ops import resizing as resizing
from graphml.ops import shaping as shaping
from graphml.ops import slicing as slicing
from graphml.ops import unary as unary
from graphml.ops import volumes as volumes
