"""Shaping: the same elements in another shape or order, for image layers of specification 1."""

from __future__ import annotations

import math

import jax.numpy as jnp

from graphml.errors import ShapeError
from graphml.ops.kernels import movement as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers._axes import check_rank
from graphml.ops.layers.dialect import layer


@layer("reshape")
def reshape(x: Array, *, target_shape: tuple[int, ...], mode: str) -> Array:
    """The elements of each sample, in order, in a new shape [C, H, W] or [Seq, C, H, W].

    Args:
        x: [Seq, B, C, H, W].
        target_shape: three sizes keep the sequence; four include it, for each sample separately. One size may be -1,
            which takes the remaining elements.
        mode: CHANNEL_FIRST, or CHANNEL_LAST, which reads and fills with the channel varying fastest.

    Returns:
        Rank 5.

    Raises:
        ShapeError: x has another rank, or the numbers of elements differ.

    Source: ReshapeLayerParams (spec 1).
    """
    check_rank(x, 5, 5)
    if len(target_shape) not in (3, 4):
        raise ShapeError(f"target_shape is {list(target_shape)}; it must be [C, H, W] or [Seq, C, H, W]")
    count = math.prod(x.shape[2:]) * (x.shape[0] if len(target_shape) == 4 else 1)
    named = math.prod(n for n in target_shape if n != -1)
    free = target_shape.count(-1)
    if named < 0 or free > 1 or (count % max(named, 1) if free else count != named):
        raise ShapeError(f"{count} elements do not fill target_shape {list(target_shape)}")
    last = mode == "CHANNEL_LAST"
    x = jnp.moveaxis(x, 2, 4) if last else x
    *sequence, channels, height, width = target_shape
    core = (height, width, channels) if last else (channels, height, width)
    if sequence:
        # for each sample separately, so that no element moves to another sample
        y = jnp.swapaxes(x, 0, 1)
        y = jnp.swapaxes(y.reshape(y.shape[0], *sequence, *core), 0, 1)
    else:
        y = x.reshape(*x.shape[:2], *core)
    return jnp.moveaxis(y, 4, 2) if last else y


@layer("flatten")
def flatten(x: Array, *, mode: str) -> Array:
    """Channels, height and width as one axis of channels; CHANNEL_LAST reads with the channel varying fastest.

    Args:
        x: [..., C, H, W].
        mode: CHANNEL_FIRST or CHANNEL_LAST.

    Returns:
        [..., C * H * W, 1, 1].

    Source: FlattenLayerParams (spec 1).
    """
    check_rank(x, 3)
    y = jnp.moveaxis(x, -3, -1) if mode == "CHANNEL_LAST" else x
    return y.reshape(*x.shape[:-3], x.shape[-3] * x.shape[-2] * x.shape[-1], 1, 1)


@layer("permute")
def permute(x: Array, *, axis: tuple[int, ...]) -> Array:
    """Sequence, channels, height and width in another order; the batch axis stays.

    Args:
        x: [Seq, B, C, H, W].
        axis: a permutation of 0 to 3, which count these four axes without the batch: axis i of the result is axis[i] of
            x. An empty list changes nothing.

    Returns:
        Rank 5.

    Raises:
        ShapeError: x has another rank, or `axis` is not a permutation.

    Source: PermuteLayerParams (spec 1).
    """
    check_rank(x, 5, 5)
    order = tuple(axis) if axis else (0, 1, 2, 3)
    if sorted(order) != [0, 1, 2, 3]:
        raise ShapeError(f"axis is {list(order)}, which is not a permutation of [0, 1, 2, 3]")
    sequence, channels, height, width = ((0, 2, 3, 4)[i] for i in order)
    return jnp.transpose(x, (sequence, 1, channels, height, width))


@layer("reorganizeData", layout="last")
def reorganize_data(x: Array, *, mode: str, block_size: int) -> Array:
    """Square blocks of pixels become channels, or channels become blocks of pixels.

    Args:
        x: [..., C, H, W].
        mode: SPACE_TO_DEPTH, where the position within the block varies slower than the old channel; DEPTH_TO_SPACE,
            its inverse; or PIXEL_SHUFFLE, where the position within the block varies faster.
        block_size: the side b of a block.

    Returns:
        [..., C * b^2, H / b, W / b], or the reverse.

    Raises:
        ShapeError: b is below 2, or does not divide the sizes.

    Source: ReorganizeDataLayerParams (spec 1).
    """
    check_rank(x, 3)
    height, width, channels = x.shape[-3:]
    if block_size < 2:
        raise ShapeError(f"block_size must be 2 or more, got {block_size}")
    if mode == "SPACE_TO_DEPTH":
        if height % block_size or width % block_size:
            raise ShapeError(f"block_size {block_size} does not divide height {height} and width {width}")
        return kernels.space_to_depth(x, block_size)
    if channels % (block_size * block_size):
        raise ShapeError(f"the square of block_size {block_size} does not divide {channels} channels")
    if mode == "PIXEL_SHUFFLE":
        return kernels.pixel_shuffle(x, block_size)
    return kernels.depth_to_space(x, block_size)


@layer("sequenceRepeat", layout="any")
def sequence_repeat(x: Array, *, n_repetitions: int) -> Array:
    """The whole sequence repeated along its axis, -5.

    Args:
        x: [..., Seq, B, C, H, W].
        n_repetitions: the number of repetitions n.

    Returns:
        [..., n * Seq, B, C, H, W].

    Source: SequenceRepeatLayerParams (spec 1).
    """
    check_rank(x, 5)
    return jnp.tile(x, (n_repetitions, 1, 1, 1, 1))
