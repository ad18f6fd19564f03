"""ONNX models become neural networks.

An ONNX model enters, a Core ML model leaves, with a note on each node. Read `network` first: it goes through the nodes.
`operators` holds one function for each operator, written in the words of `basics`, and of `loops` and `recurrence`
where there are iterations; `functions` has the definitions of operators that consist of others; `writer` collects the
layers and finds their shapes; `assembly` makes the model of them.
"""

from graphml.convert.onnx.catalogue import names as operator_names
from graphml.convert.onnx.network import Converted, NodeNote, network_from_onnx
from graphml.convert.onnx.unsupported import UnsupportedNodes

__all__ = ["Converted", "NodeNote", "UnsupportedNodes", "network_from_onnx", "operator_names"]
