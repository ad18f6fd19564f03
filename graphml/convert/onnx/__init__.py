"""Converts ONNX models to neural networks.

The result is a Core ML model with a note on each node. Read `network` first: it goes through the nodes. `operators`
holds one function for each operator, written with the helpers of `basics`, and of `loops` and `recurrence` where there
are iterations; `functions` has the definitions of operators that consist of others; `writer` collects the layers and
infers their shapes; `assembly` turns them into the model.
"""

from graphml.convert.onnx.catalogue import names as operator_names
from graphml.convert.onnx.network import Converted, NodeNote, network_from_onnx
from graphml.convert.onnx.unsupported import UnsupportedNodes

__all__ = ["Converted", "NodeNote", "UnsupportedNodes", "network_from_onnx", "operator_names"]
