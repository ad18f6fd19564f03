"""Activations: functions of each element, with constants of the operation or one number for each channel."""

from __future__ import annotations

from graphml.ops.kernels import normalization
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers._axes import normalize_axis
from graphml.ops.program.dialect import operation


@operation("softmax", version=15, roles=("softmax",))
def softmax(x: Array, *, axis: int) -> Array:
    """Exponentials that sum up to 1 along an axis.

    Args:
        x: any shape of rank 1 or more.
        axis: the axis; negative ones count from the end.

    Returns:
        The shape of x.

    Raises:
        ShapeError: x has no such axis.

    Source: the operation softmax of ML Programs (iOS 15).
    """
    return normalization.softmax(x, normalize_axis(axis, x.ndim))
