"""Values that must be known while converting: constant inputs, and shapes that the model declares."""

from __future__ import annotations

import itertools

import numpy as np

from graphml.convert.onnx.tensors import Array, Shape, Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import UnsupportedError


def required(x: Tensor | None, what: str) -> Array:
    """The value of an input that must be constant.

    Args:
        x: The input.
        what: Its name in the error.

    Raises:
        UnsupportedError: It is computed from the inputs of the model.
    """
    value = None if x is None else x.constant
    if value is None:
        raise UnsupportedError(f"{what} must be a constant; here it is computed from the inputs")
    return value


def integers(x: Tensor | None, what: str) -> tuple[int, ...] | None:
    """The integers in a constant input of rank 0 or 1; None if it is not given. Otherwise as `required`."""
    return None if x is None else tuple(int(number) for number in np.ravel(required(x, what)))


def declared_shapes(w: Writer, output: int = 0) -> list[Shape] | None:
    """The shape of an output of the node as ONNX infers it, for each set of sizes; None unless it is fixed."""
    shape = w.node.shapes[output] if output < len(w.node.shapes) else None
    return None if shape is None or None in shape else [tuple(size or 0 for size in shape)] * w.sets


def reduced_axes(w: Writer, x: Tensor, axes: Tensor | None, keep: bool) -> tuple[int, ...] | None:
    """The axes of a reduction; None for all of them.

    Args:
        w: The writer.
        x: What is reduced.
        axes: The input that lists them. If it is computed, the axes are inferred from the declared result.
        keep: Whether they stay, with size 1.

    Raises:
        UnsupportedError: They are computed, and cannot be inferred from the declared result.
    """
    if axes is None or axes.constant is not None:
        return integers(axes, "axes")
    shape = declared_shapes(w)
    if shape is not None and keep and len(shape[0]) == x.rank:
        return tuple(axis for axis, size in enumerate(shape[0]) if size == 1)
    if shape is not None and not keep:
        kept = itertools.combinations(range(x.rank), len(shape[0]))
        found = [own for own in kept if tuple(x.shape[axis] for axis in own) == shape[0]]
        if len(found) == 1:
            return tuple(axis for axis in range(x.rank) if axis not in found[0])
    return integers(axes, "axes")


def number(x: Tensor | None, what: str, default: float) -> float:
    """The number in a constant input; the default if it is not given. Otherwise as `required`."""
    return default if x is None else float(np.ravel(required(x, what))[0])
