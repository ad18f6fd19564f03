"""Joining and splitting: image layers of specification 1 that concatenate and split blobs."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from graphml.catalogue import channel_axis
from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.movement import concatenate
from graphml.ops.layers._axes import check_rank, image_axis
from graphml.ops.layers.dialect import layer


@layer("concat", layout="either")
def concat(*inputs: Array, sequence_concat: bool) -> Array:
    """All inputs concatenated along the channels, or along the sequence (axis -5).

    Args:
        inputs: equal ranks, >= 3 (>= 5 for sequences), and equal sizes on all other axes.
        sequence_concat: whether the sequence is the axis.

    Returns:
        The rank of the inputs.

    Raises:
        ShapeError: the ranks are too low or not equal.

    Source: ConcatLayerParams (spec 1).
    """
    for x in inputs:
        check_rank(x, 5 if sequence_concat else 3)
    if len({x.ndim for x in inputs}) > 1:
        raise ShapeError(f"the inputs have ranks {', '.join(str(x.ndim) for x in inputs)}; they must be equal")
    return concatenate(inputs, inputs[0].ndim + (-5 if sequence_concat else channel_axis()))


@layer("split", layout="either")
def split(x: Array, *, n_outputs: int) -> list[Array]:
    """The channels in `n_outputs` equal parts.

    Args:
        x: [..., C, H, W].
        n_outputs: the number of parts n.

    Returns:
        n arrays [..., C / n, H, W].

    Raises:
        ShapeError: n does not divide C.

    Source: SplitLayerParams (spec 1).
    """
    check_rank(x, 3)
    channels = x.shape[channel_axis()]
    if n_outputs < 1 or channels % n_outputs:
        raise ShapeError(f"{channels} channels cannot be split into {n_outputs} equal parts")
    return jnp.split(x, n_outputs, axis=channel_axis())


@layer("slice", layout="either")
def slice_axis(x: Array, *, start_index: int, end_index: int, stride: int, axis: str) -> Array:
    """Every `stride`-th position of [start, end) along channels, height or width.

    Args:
        x: any rank that has the axis.
        start_index: counts from the end when negative, and is clamped to the axis, as in NumPy.
        end_index: as `start_index`. 0 means the end of the axis: the format's prose does not say so, but its shape rule
            does, and otherwise nothing would remain.
        stride: positions from one element to the next.
        axis: CHANNEL_AXIS, HEIGHT_AXIS or WIDTH_AXIS.

    Returns:
        The rank of x.

    Raises:
        ShapeError: the stride is 0, or nothing remains.

    Source: SliceLayerParams (spec 1).
    """
    where = image_axis(axis[0], x.ndim)
    size = x.shape[where]
    if stride < 1:
        raise ShapeError("stride must be positive, got 0")
    start, end, _ = slice(start_index, end_index if end_index else None, stride).indices(size)
    if size and end <= start:
        raise ShapeError(f"the slice from {start_index} to {end_index} of an axis of size {size} is empty")
    return lax.slice_in_dim(x, start, end, stride, where)
