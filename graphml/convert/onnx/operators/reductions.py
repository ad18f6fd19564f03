"""Reductions along axes, and the positions of the largest and smallest elements."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import LARGEST_RANK, Tensor
from graphml.convert.onnx.writer import Writer

# The operators whose results have fractions even for integers; ONNX truncates them.
_FRACTIONS = ("ReduceMean", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp")

_AXES_BECAME_AN_INPUT = {"ReduceSum": 13}  # 18 for the others


def _unreduced(w: Writer, kind: str, x: Tensor) -> Tensor:
    """A reduction over no axes: the function that is applied to each element."""
    if kind in ("reduceL1", "reduceL2"):
        return basics.function(w, "ABS", x)
    if kind == "reduceLogSum":
        return basics.function(w, "LOG", x)
    return basics.multiply(w, x, x) if kind == "reduceSumSquare" else x


def _reduction(name: str) -> Callable[..., Tensor]:
    kind = name[0].lower() + name[1:]

    def convert(
        w: Writer, x: Tensor, axes: Tensor | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
    ) -> Tensor:
        listed = static.reduced_axes(w, x, axes, bool(keepdims))
        if not listed and noop_with_empty_axes:
            made = _unreduced(w, kind, x)
        else:
            made = basics.reduce(w, kind, x, listed or None, bool(keepdims))
        return basics.truncate(w, made) if name in _FRACTIONS and x.is_integer else made

    return convert


for _name in (
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
):
    operator(_name, moved={"axes": _AXES_BECAME_AN_INPUT.get(_name, 18)})(_reduction(_name))


def _positions(w: Writer, kind: str, x: Tensor, axis: int, last: bool) -> Tensor:
    """The position of the largest or smallest element along an axis, which stays with size 1."""
    shapes = [tuple(1 if i == axis else size for i, size in enumerate(shape)) for shape in x.shapes]
    if not last:
        return w.layer(kind, [x], dtype=np.int64, shapes=shapes, axis=axis, remove_dim=False)
    turned = w.layer("reverse", [x], shapes=x.shapes, reverse_dim=[i == axis for i in range(x.rank)])
    from_end = w.layer(kind, [turned], dtype=np.int64, shapes=shapes, axis=axis, remove_dim=False)
    size = x.shape[axis]
    if size is not None:
        return basics.linear(w, from_end, -1.0, size - 1)
    return basics.subtract(w, basics.linear(w, basics.size_of(w, x, axis), 1.0, -1.0), from_end)


def _arg(kind: str) -> Callable[..., Tensor]:
    def convert(w: Writer, x: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
        at = x.axis(axis)
        kept = [shape[:at] + (1,) * bool(keepdims) + shape[at + 1 :] for shape in x.shapes]
        if 1 <= x.rank <= LARGEST_RANK:
            found = _positions(w, kind, x, at, bool(select_last_index))
            return found if keepdims else basics.squeeze(w, found, [at])
        merged = [
            (math.prod(shape[:at]), math.prod(shape[at : at + 1]), math.prod(shape[at + 1 :])) for shape in x.shapes
        ]
        found = _positions(w, kind, basics.reshape(w, x, merged, w.features), 1, bool(select_last_index))
        return basics.reshape(w, found, kept if x.rank else [()] * w.sets, w.features)

    return convert


operator("ArgMax")(_arg("argMax"))
operator("ArgMin")(_arg("argMin"))
