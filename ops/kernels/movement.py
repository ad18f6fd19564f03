"""Joining, repeating and rearranging. Axes count from the start; known values give NumPy arrays where the docstring
says so."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from graphml.ops.kernels.arrays import Array, along_axis, array_namespace
from graphml.ops.kernels.cpu import movement as cpu
from graphml.ops.kernels.platform import on_cpu

_MOST_OPERANDS = 64  # copies that are passed as separate operands


def concatenate(arrays: Sequence[Array], axis: int) -> Array:
    """Join arrays of equal shape, apart from one axis, along this axis. Known values give a NumPy array."""
    if array_namespace(*arrays) is np or not on_cpu():
        return array_namespace(*arrays).concatenate(arrays, axis)
    return cpu.concatenate(arrays, axis)


def interleave(arrays: Sequence[Array], axis: int) -> Array:
    """Join arrays of one shape along an axis: their first elements, then their second ones, and so on.

    Known values give a NumPy array.
    """
    shape = arrays[0].shape
    rows = array_namespace(*arrays).stack(arrays, axis + 1)
    return rows.reshape(*shape[:axis], len(arrays) * shape[axis], *shape[axis + 1 :])


def tile(x: Array, repetitions: Sequence[int]) -> Array:
    """Repeat x along its last axes.

    Args:
        x: any rank >= 1; known values give a NumPy array.
        repetitions: positive numbers for the last axes, at most one for each axis.

    Returns:
        The rank of x.
    """
    for axis, count in zip(range(x.ndim)[x.ndim - len(repetitions) :], repetitions, strict=True):
        x = _repeat(x, count, axis)
    return x


def _repeat(x: Array, count: int, axis: int) -> Array:
    """XLA:CPU broadcasts slowly into an axis that is not the first, so a few copies are concatenated."""
    if count == 1:
        return x
    if count <= _MOST_OPERANDS:
        return concatenate([x] * count, axis)
    return array_namespace(x).tile(x, [count if i == axis else 1 for i in range(x.ndim)])


def reverse_sequence(x: Array, lengths: Array, *, batch_axis: int, sequence_axis: int) -> Array:
    """Reverse the first elements of each sequence; the rest stays in place.

    Args:
        x: any rank >= 2.
        lengths: [size of batch_axis], integers; a length beyond the axis means all of it.
        batch_axis: the axis of the sequences.
        sequence_axis: the axis of the elements of a sequence.

    Returns:
        The shape of x.
    """
    size = x.shape[sequence_axis]
    length = along_axis(jnp.clip(lengths, 0, size), batch_axis, x.ndim)
    position = along_axis(jnp.arange(size), sequence_axis, x.ndim)
    source = jnp.where(position < length, length - 1 - position, position)
    return jnp.take_along_axis(x, source, sequence_axis, mode="promise_in_bounds")


# Blocks of pixels, channels last -------------------------------------------------------------------------------------


def space_to_depth(x: Array, block: int) -> Array:
    """Square blocks of pixels become channels; the position within the block varies slower than the old channel.

    Args:
        x: [..., height, width, channels].
        block: side of a block; divides height and width.

    Returns:
        [..., height / block, width / block, block^2 * channels].
    """
    *front, height, width, channels = x.shape
    y = jnp.swapaxes(x.reshape(*front, height // block, block, width // block, block, channels), -4, -3)
    return y.reshape(*front, height // block, width // block, block * block * channels)


def depth_to_space(x: Array, block: int) -> Array:
    """The inverse of `space_to_depth`; block^2 divides the channels."""
    *front, height, width, channels = x.shape
    return _blocks_to_space(x.reshape(*front, height, width, block, block, channels // (block * block)))


def pixel_shuffle(x: Array, block: int) -> Array:
    """`depth_to_space`, where the position within the block varies faster than the new channel."""
    *front, height, width, channels = x.shape
    y = x.reshape(*front, height, width, channels // (block * block), block, block)
    return _blocks_to_space(jnp.moveaxis(y, -3, -1))


def pixel_unshuffle(x: Array, block: int) -> Array:
    """The inverse of `pixel_shuffle`; the block divides height and width."""
    *front, height, width, channels = x.shape
    y = jnp.swapaxes(x.reshape(*front, height // block, block, width // block, block, channels), -4, -3)
    return jnp.moveaxis(y, -1, -3).reshape(*front, height // block, width // block, channels * block * block)


def _blocks_to_space(y: Array) -> Array:
    """[..., height, width, block, block, channels] as an image."""
    *front, height, width, block, _, channels = y.shape
    return jnp.swapaxes(y, -4, -3).reshape(*front, height * block, width * block, channels)


def space_to_batch(x: Array, block: Sequence[int]) -> Array:
    """The pixels of each block become images: the position within the block varies slower than the old image.

    Args:
        x: [images, height, width, channels].
        block: height and width of a block; they divide those of x.

    Returns:
        [block height * block width * images, height / block height, width / block width, channels].
    """
    images, height, width, channels = x.shape
    down, across = block
    y = x.reshape(images, height // down, down, width // across, across, channels)
    return y.transpose(2, 4, 0, 1, 3, 5).reshape(-1, height // down, width // across, channels)


def batch_to_space(x: Array, block: Sequence[int]) -> Array:
    """The inverse of `space_to_batch`; the area of the block divides the images."""
    images, height, width, channels = x.shape
    down, across = block
    y = x.reshape(down, across, images // (down * across), height, width, channels)
    return y.transpose(2, 3, 0, 4, 1, 5).reshape(-1, height * down, width * across, channels)
