"""Padding."""

from __future__ import annotations

from graphml.errors import GraphError, ShapeError
from graphml.ops.kernels import padding as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.program._images import laid_axis
from graphml.ops.program._known import known_integers
from graphml.ops.program._windows import image_either
from graphml.ops.program.dialect import operation


@operation("pad", version=15, concrete=(1,), layout=image_either)
def pad(x: Array, pad: Array, *, mode: str, constant_val: float) -> Array:
    """Pad x: with a constant, its reflection without the edge, or its edge repeated.

    Args:
        x: any rank.
        pad: integers [2 N], known when the program is traced: how many elements before and after each of the last N
            axes in turn.
        mode: constant, reflect or replicate.
        constant_val: the constant.

    Returns:
        The rank of x.

    Raises:
        ShapeError: an amount is negative, there are too many, or a reflection is longer than the axis.
        GraphError: there is no such mode.

    Source: the operation pad of ML Programs (iOS 15).
    """
    amounts = known_integers(pad, "pad")
    count = len(amounts) // 2
    if len(amounts) % 2 or count > x.ndim or min(amounts, default=0) < 0:
        raise ShapeError(f"pad is {list(amounts)}; it must be two numbers for each of the last axes of {list(x.shape)}")
    axes = [laid_axis(axis - count, x.ndim) for axis in range(count)]
    pairs = list(zip(amounts[::2], amounts[1::2], strict=True))
    if mode == "constant":
        return kernels.pad_constant(x, axes, pairs, constant_val)
    if mode == "reflect":
        for axis, both in zip(axes, pairs, strict=True):
            if max(both) >= x.shape[axis] and max(both) > 0:
                raise ShapeError(
                    f"a reflection of {max(both)} needs more than the {x.shape[axis]} elements of the axis"
                )
        return kernels.pad_from_edge(x, axes, pairs, "reflect")
    if mode == "replicate":
        return kernels.pad_from_edge(x, axes, pairs, "edge")
    raise GraphError(f"mode is {mode!r}; it must be 'constant', 'reflect' or 'replicate'")
