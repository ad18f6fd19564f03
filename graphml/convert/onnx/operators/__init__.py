"""The operators of ONNX, one function each, one module per family. Start with `elementwise`."""

from graphml.convert.onnx.operators import activations as activations
from graphml.convert.onnx.operators import attention as attention
from graphml.convert.onnx.operators import control as control
from graphml.convert.onnx.operators import elementwise as elementwise
from graphml.convert.onnx.operators import generation as generation
from graphml.convert.onnx.operators import indexing as indexing
from graphml.convert.onnx.operators import microsoft as microsoft
from graphml.convert.onnx.operators import movement as movement
from graphml.convert.onnx.operators import random as random
from graphml.convert.onnx.operators import recurrent as recurrent
from graphml.convert.onnx.operators import sequences as sequences
