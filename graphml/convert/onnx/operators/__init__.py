"""The operators of ONNX, one function each, one module per family. Start with `elementwise`."""

from graphml.convert.onnx.operators import activations as activations
from graphml.convert.onnx.operators import bits as bits
from graphml.convert.onnx.operators import channel_statistics as channel_statistics
from graphml.convert.onnx.operators import convolutions as convolutions
from graphml.convert.onnx.operators import einsum as einsum
from graphml.convert.onnx.operators import elementwise as elementwise
from graphml.convert.onnx.operators import grids as grids
from graphml.convert.onnx.operators import indexing as indexing
from graphml.convert.onnx.operators import losses as losses
from graphml.convert.onnx.operators import movement as movement
from graphml.convert.onnx.operators import normalizations as normalizations
from graphml.convert.onnx.operators import padding as padding
from graphml.convert.onnx.operators import pooling as pooling
from graphml.convert.onnx.operators import products as products
from graphml.convert.onnx.operators import quantization as quantization
from graphml.convert.onnx.operators import rearranging as rearranging
from graphml.convert.onnx.operators import reductions as reductions
from graphml.convert.onnx.operators import regions as regions
from graphml.convert.onnx.operators import resizing as resizing
from graphml.convert.onnx.operators import selection as selection
from graphml.convert.onnx.operators import slicing as slicing
from graphml.convert.onnx.operators import spectra as spectra
