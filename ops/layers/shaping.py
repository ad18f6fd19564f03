"""Shaping: the same numbers in another shape or order, for image layers of specification 1."""

from __future__ import annotations

import math

import jax.numpy as jnp

from graphml.errors import ShapeError
from graphml.ops._axes import need_rank
from graphml.ops.layers.dialect import layer


@layer("reshape")
def reshape(x, *, target_shape: tuple[int, ...], mode: str):
    """The numbers of each batch member, read in order, in a new shape [C, H, W] or [Seq, C, H, W].

    x: [Seq, B, C, H, W]; returns rank 5. Three sizes keep the sequence; four go across it, each batch member by itself.
    One size may be -1, which takes what is left. CHANNEL_LAST reads and fills with the channel running fastest.
    Raises ShapeError for other ranks and when the counts differ. Source: ReshapeLayerParams (spec 1).
    """
    need_rank(x, 5, 5)
    if len(target_shape) not in (3, 4):
        raise ShapeError(f"target_shape is {list(target_shape)}; [C, H, W] and [Seq, C, H, W] are legal")
    count = math.prod(x.shape[2:]) * (x.shape[0] if len(target_shape) == 4 else 1)
    named = math.prod(n for n in target_shape if n != -1)
    free = target_shape.count(-1)
    if named < 0 or free > 1 or (count % max(named, 1) if free else count != named):
        raise ShapeError(f"{count} numbers do not fill target_shape {list(target_shape)}")
    last = mode == "CHANNEL_LAST"
    x = jnp.moveaxis(x, 2, 4) if last else x
    *sequence, channels, height, width = target_shape
    core = (height, width, channels) if last else (channels, height, width)
    if sequence:
        # member by member, or the batch would be torn apart
        y = jnp.swapaxes(x, 0, 1)
        y = jnp.swapaxes(y.reshape(y.shape[0], *sequence, *core), 0, 1)
    else:
        y = x.reshape(*x.shape[:2], *core)
    return jnp.moveaxis(y, 4, 2) if last else y


@layer("flatten")
def flatten(x, *, mode: str):
    """Channels, height and width as one axis of channels; CHANNEL_LAST reads with the channel running fastest.

    x: [..., C, H, W]; returns [..., C * H * W, 1, 1]. Source: FlattenLayerParams (spec 1).
    """
    need_rank(x, 3)
    y = jnp.moveaxis(x, -3, -1) if mode == "CHANNEL_LAST" else x
    return y.reshape(*x.shape[:-3], x.shape[-3] * x.shape[-2] * x.shape[-1], 1, 1)


@layer("permute")
def permute(x, *, axis: tuple[int, ...]):
    """Sequence, channels, height and width in another order; the batch axis stays.

    x: [Seq, B, C, H, W]. axis: a permutation of 0 to 3, which count these four axes without the batch: axis i of the
    result is axis[i] of x. An empty one changes nothing. Source: PermuteLayerParams (spec 1).
    """
    need_rank(x, 5, 5)
    order = tuple(axis) if axis else (0, 1, 2, 3)
    if sorted(order) != [0, 1, 2, 3]:
        raise ShapeError(f"axis is {list(order)}, which is not a permutation of [0, 1, 2, 3]")
    sequence, channels, height, width = ((0, 2, 3, 4)[i] for i in order)
    return jnp.transpose(x, (sequence, 1, channels, height, width))


@layer("reorganizeData", layout="last")
def reorganize_data(x, *, mode: str, block_size: int):
    """Square blocks of pixels become channels, or channels become blocks of pixels.

    x: [..., C, H, W]. SPACE_TO_DEPTH: [..., C * b^2, H / b, W / b], where the position within the block runs slower
    than the old channel. DEPTH_TO_SPACE is its inverse; in PIXEL_SHUFFLE the position within the block runs faster.
    Raises ShapeError when b is below 2 or does not divide the sizes. Source: ReorganizeDataLayerParams (spec 1).
    """
    need_rank(x, 3)
    b = block_size
    *front, height, width, channels = x.shape
    if b < 2:
        raise ShapeError(f"block_size is {b}; it must be 2 or more")
    if mode == "SPACE_TO_DEPTH":
        if height % b or width % b:
            raise ShapeError(f"block_size {b} does not divide height {height} and width {width}")
        y = jnp.swapaxes(x.reshape(*front, height // b, b, width // b, b, channels), -4, -3)
        return y.reshape(*front, height // b, width // b, b * b * channels)
    if channels % (b * b):
        raise ShapeError(f"the square of block_size {b} does not divide {channels} channels")
    left = channels // (b * b)
    if mode == "PIXEL_SHUFFLE":
        y = jnp.moveaxis(x.reshape(*front, height, width, left, b, b), -3, -1)
    else:
        y = x.reshape(*front, height, width, b, b, left)
    return jnp.swapaxes(y, -4, -3).reshape(*front, height * b, width * b, left)


@layer("sequenceRepeat", layout="any")
def sequence_repeat(x, *, n_repetitions: int):
    """The whole sequence again and again along its axis, -5.

    x: [..., Seq, B, C, H, W]; returns [..., n * Seq, B, C, H, W]. Source: SequenceRepeatLayerParams (spec 1).
    """
    need_rank(x, 5)
    return jnp.tile(x, (n_repetitions, 1, 1, 1, 1))
