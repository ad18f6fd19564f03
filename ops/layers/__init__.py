"""The layer kinds of neural networks, one module per family.

Blobs and decoded attributes enter, blobs leave; a layer checks shapes, names what is wrong in the words of the format,
and calls a kernel. Start with `activation`. `_axes`, `_borders` and `_integers` hold what families share.
"""

from graphml.ops.layers import activation as activation
from graphml.ops.layers import affine as affine
from graphml.ops.layers import allocation as allocation
from graphml.ops.layers import arithmetic as arithmetic
from graphml.ops.layers import broadcasting as broadcasting
from graphml.ops.layers import comparison as comparison
from graphml.ops.layers import constant as constant
from graphml.ops.layers import control as control
from graphml.ops.layers import convolution as convolution
from graphml.ops.layers import custom as custom
from graphml.ops.layers import detection as detection
from graphml.ops.layers import elementwise as elementwise
from graphml.ops.layers import gathering as gathering
from graphml.ops.layers import joining as joining
from graphml.ops.layers import masking as masking
from graphml.ops.layers import matrix as matrix
from graphml.ops.layers import movement as movement
from graphml.ops.layers import normalization as normalization
from graphml.ops.layers import ordering as ordering
from graphml.ops.layers import padding as padding
from graphml.ops.layers import pooling as pooling
from graphml.ops.layers import random as random
from graphml.ops.layers import recurrent as recurrent
from graphml.ops.layers import reduction as reduction
from graphml.ops.layers import reshaping as reshaping
from graphml.ops.layers import resizing as resizing
from graphml.ops.layers import shaping as shaping
from graphml.ops.layers import slicing as slicing
from graphml.ops.layers import unary as unary
from graphml.ops.layers import volumes as volumes
