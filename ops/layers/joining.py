"""Joining and parting: image layers of specification 1 that put blobs together and cut them up."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from graphml.catalogue import channel_axis
from graphml.errors import ShapeError
from graphml.ops._axes import image_axis, need_rank
from graphml.ops.layers.dialect import layer
from graphml.ops.layers.movement import joined


@layer("concat", layout="either")
def concat(*inputs, sequence_concat: bool):
    """All inputs behind each other along the channels, or along the sequence (axis -5).

    Inputs: one rank, >= 3 (>= 5 for sequences), equal in all other axes. Source: ConcatLayerParams (spec 1).
    """
    for x in inputs:
        need_rank(x, 5 if sequence_concat else 3)
    if len({x.ndim for x in inputs}) > 1:
        raise ShapeError(f"the inputs have ranks {', '.join(str(x.ndim) for x in inputs)}; they must be equal")
    return joined(inputs, inputs[0].ndim + (-5 if sequence_concat else channel_axis()))


@layer("split", layout="either")
def split(x, *, n_outputs: int):
    """The channels in `n_outputs` equal parts.

    x: [..., C, H, W]; returns as many arrays [..., C / n, H, W]. Raises ShapeError when n does not divide C.
    Source: SplitLayerParams (spec 1).
    """
    need_rank(x, 3)
    channels = x.shape[channel_axis()]
    if n_outputs < 1 or channels % n_outputs:
        raise ShapeError(f"{channels} channels cannot be split in {n_outputs} equal parts")
    return jnp.split(x, n_outputs, axis=channel_axis())


@layer("slice", layout="either")
def slice_axis(x, *, start_index: int, end_index: int, stride: int, axis: str):
    """Every `stride`-th position of [start, end) along channels, height or width.

    x: any rank that has the axis. Negative indices count from the end, and an end of 0 is the end of the axis: the
    format's prose does not say so, but its shape rule does, and nothing else would be left. Beyond the axis they are
    clamped, as in NumPy. Raises ShapeError when stride is 0 or nothing is left. Source: SliceLayerParams (spec 1).
    """
    where = image_axis(axis[0], x.ndim)
    size = x.shape[where]
    if stride < 1:
        raise ShapeError("stride is 0; it must be positive")
    start, end, _ = slice(start_index, end_index if end_index else None, stride).indices(size)
    if size and end <= start:
        raise ShapeError(f"nothing of an axis of {size} is left between {start_index} and {end_index}")
    return lax.slice_in_dim(x, start, end, stride, where)
