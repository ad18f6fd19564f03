"""Constant folding: nodes with known inputs, computed by ONNX's reference implementation."""

# the onnx package is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphml.convert.onnx.tensors import Array, Tensor
from graphml.errors import need

_LARGEST = 1 << 16  # elements of a value that is made from few numbers, such as a constant of a given shape
_RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli")


def folded(node: Any, opset: int, inputs: Sequence[Tensor | None], sets: int) -> list[Tensor] | None:
    """The outputs of a node whose inputs are all known.

    Args:
        node: A NodeProto without sub-graphs.
        opset: The version of the operator set.
        inputs: What it reads.
        sets: For how many sets of sizes.

    Returns:
        Its outputs; None if an input is not known, the node draws random numbers, the result is large though the inputs
        are small, or the reference implementation cannot compute it.
    """
    given = [tensor for tensor in inputs if tensor is not None]
    shape_only = node.op_type in ("Shape", "Size")
    if node.op_type in _RANDOM or (not shape_only and any(tensor.known is None for tensor in given)):
        return None
    found = [_run(node, opset, inputs, which) for which in range(sets)]
    results: list[Tensor] = []
    for each in zip(*(values or () for values in found), strict=False):
        if not all(isinstance(value, np.ndarray) for value in each):
            return None
        results.append(Tensor(each[0].dtype, [value.shape for value in each], each))
    made = max((value.size for values in found for value in values or ()), default=0)
    read = max((tensor.known[0].size for tensor in given if tensor.known is not None), default=0)
    if not results or (made > _LARGEST and made > 2 * read):
        return None
    return results


def _run(node: Any, opset: int, inputs: Sequence[Tensor | None], which: int) -> list[Array] | None:
    values = [
        None if tensor is None else _stand_in(tensor, which) if tensor.known is None else tensor.known[which]
        for tensor in inputs
    ]
    if node.op_type == "Shape" and values[0] is not None:
        return [_shape(node, values[0].shape)]
    if node.op_type == "Size" and values[0] is not None:
        return [np.asarray(values[0].size, np.int64)]
    onnx = need("onnx", "onnx")
    reference = need("onnx.reference", "onnx")
    names = [name for name, value in zip(node.input, values, strict=True) if value is not None]
    info = onnx.helper.make_empty_tensor_value_info
    outputs = [info(name) for name in node.output if name]
    graph = onnx.helper.make_graph([node], "node", [info(name) for name in dict.fromkeys(names)], outputs)
    version = [onnx.helper.make_opsetid(node.domain, opset)]
    model = onnx.helper.make_model(graph, opset_imports=version, ir_version=10)
    feeds = {name: value for name, value in zip(node.input, values, strict=True) if value is not None}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            made = reference.ReferenceEvaluator(model).run(None, feeds)
    except Exception:  # it raises various classes for what it does not implement; the node is then converted
        return None
    return [np.asarray(value) if isinstance(value, np.generic) else value for value in made]


def _stand_in(tensor: Tensor, which: int) -> Array:
    """An array of the right shape that takes no memory."""
    return np.broadcast_to(np.zeros((), np.float32), tensor.shapes[which])


def _shape(node: Any, shape: tuple[int, ...]) -> Array:
    bounds = {attribute.name: attribute.i for attribute in node.attribute}
    return np.asarray(shape[bounds.get("start", 0) : bounds.get("end", len(shape))], np.int64)
