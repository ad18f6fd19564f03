"""The operations of ML Programs, one module per family.

Arrays of their declared types and constant attributes enter, arrays leave. Start with `dialect`, which says how an
operation is written, then read `activation`.
"""

from graphml.ops.program import activation as activation
from graphml.ops.program import allocation as allocation
from graphml.ops.program import arithmetic as arithmetic
from graphml.ops.program import attention as attention
from graphml.ops.program import blocks as blocks
from graphml.ops.program import classification as classification
from graphml.ops.program import comparison as comparison
from graphml.ops.program import constant as constant
from graphml.ops.program import control as control
from graphml.ops.program import convolution as convolution
from graphml.ops.program import cropping as cropping
from graphml.ops.program import detection as detection
from graphml.ops.program import elementwise as elementwise
from graphml.ops.program import gathering as gathering
from graphml.ops.program import joining as joining
from graphml.ops.program import lists as lists
from graphml.ops.program import masking as masking
from graphml.ops.program import movement as movement
from graphml.ops.program import normalization as normalization
from graphml.ops.program import ordering as ordering
from graphml.ops.program import padding as padding
from graphml.ops.program import pooling as pooling
from graphml.ops.program import products as products
from graphml.ops.program import quantization as quantization
from graphml.ops.program import random as random
from graphml.ops.program import recurrent as recurrent
from graphml.ops.program import reduction as reduction
from graphml.ops.program import reshaping as reshaping
from graphml.ops.program import resizing as resizing
from graphml.ops.program import sampling as sampling
from graphml.ops.program import scattering as scattering
from graphml.ops.program import slicing as slicing
