"""Blocks of pixels that become channels or images, and back. Images are [N, C, H, W] and arrive channels-last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphml.errors import ShapeError
from graphml.ops.kernels import movement as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.padding import crop, pad_constant
from graphml.ops.program._windows import image_last
from graphml.ops.program.dialect import operation

_SPACE = (1, 2)  # height and width of [N, H, W, C]


def _check_image(x: Array) -> None:
    if x.ndim != 4:
        raise ShapeError(f"x has rank {x.ndim}; it must be an image [N, C, H, W]")


def _to_channels(kernel: Callable[[Array, int], Array], x: Array, block: int, name: str) -> Array:
    _check_image(x)
    _, height, width, _ = x.shape
    if block < 1 or height % block or width % block:
        raise ShapeError(f"{name} is {block}; it must divide the height {height} and the width {width}")
    return kernel(x, block)


def _to_pixels(kernel: Callable[[Array, int], Array], x: Array, block: int, name: str) -> Array:
    _check_image(x)
    if block < 1 or x.shape[-1] % (block * block):
        raise ShapeError(f"{name} is {block}; its square must divide the {x.shape[-1]} channels")
    return kernel(x, block)


@operation("space_to_depth", version=15, layout=image_last)
def space_to_depth(x: Array, *, block_size: int) -> Array:
    """Square blocks of pixels become channels; the position within the block varies slower than the old channel.

    Args:
        x: [N, C, H, W].
        block_size: the side b of a block.

    Returns:
        [N, b^2 * C, H / b, W / b].

    Raises:
        ShapeError: the rank is not 4, or the block does not divide the image.

    Source: the operation space_to_depth of ML Programs (iOS 15).
    """
    return _to_channels(kernels.space_to_depth, x, block_size, "block_size")


@operation("depth_to_space", version=15, layout=image_last)
def depth_to_space(x: Array, *, block_size: int) -> Array:
    """The inverse of `space_to_depth`.

    Args:
        x: [N, C, H, W].
        block_size: the side b of a block.

    Returns:
        [N, C / b^2, H * b, W * b].

    Raises:
        ShapeError: the rank is not 4, or b^2 does not divide the channels.

    Source: the operation depth_to_space of ML Programs (iOS 15).
    """
    return _to_pixels(kernels.depth_to_space, x, block_size, "block_size")


@operation("pixel_shuffle", version=15, layout=image_last)
def pixel_shuffle(x: Array, *, upscale_factor: int) -> Array:
    """`depth_to_space`, where the position within the block varies faster than the new channel.

    Args:
        x: [N, C, H, W].
        upscale_factor: the side f of a block.

    Returns:
        [N, C / f^2, H * f, W * f].

    Raises:
        ShapeError: the rank is not 4, or f^2 does not divide the channels.

    Source: the operation pixel_shuffle of ML Programs (iOS 15).
    """
    return _to_pixels(kernels.pixel_shuffle, x, upscale_factor, "upscale_factor")


@operation("pixel_unshuffle", version=16, layout=image_last)
def pixel_unshuffle(x: Array, *, downscale_factor: int) -> Array:
    """The inverse of `pixel_shuffle`.

    Args:
        x: [N, C, H, W].
        downscale_factor: the side f of a block.

    Returns:
        [N, C * f^2, H / f, W / f].

    Raises:
        ShapeError: the rank is not 4, or the block does not divide the image.

    Source: the operation pixel_unshuffle of ML Programs (iOS 16).
    """
    return _to_channels(kernels.pixel_unshuffle, x, downscale_factor, "downscale_factor")


# Images --------------------------------------------------------------------------------------------------------------


def _sides(block_shape: tuple[int, ...], borders: Any, name: str) -> list[tuple[int, int]]:
    """`borders` as (before, after) of height and width; checks the block too."""
    if len(block_shape) != 2 or min(block_shape) < 1 or borders.shape != (2, 2) or borders.min() < 0:
        raise ShapeError(
            f"block_shape is {list(block_shape)} and {name} {borders.tolist()}; they must be two positive numbers, and "
            "(before, after) of height and width"
        )
    return [(int(before), int(after)) for before, after in borders]


@operation("space_to_batch", version=15, layout=image_last)
def space_to_batch(x: Array, *, block_shape: tuple[int, ...], paddings: Any) -> Array:
    """The pixels of each block become images, after padding with zeros. The position within the block
    varies slower than the old image.

    Args:
        x: [N, C, H, W].
        block_shape: height a and width b of a block.
        paddings: int32 [2, 2], what is added before and after height and width.

    Returns:
        [a * b * N, C, (H + padding) / a, (W + padding) / b].

    Raises:
        ShapeError: the rank is not 4, or the block does not divide the padded image.

    Source: the operation space_to_batch of ML Programs (iOS 15).
    """
    _check_image(x)
    x = pad_constant(x, _SPACE, _sides(block_shape, paddings, "paddings"))
    if any(x.shape[axis] % n for axis, n in zip(_SPACE, block_shape, strict=True)):
        raise ShapeError(f"block_shape {list(block_shape)} does not divide the padded image {list(x.shape[1:3])}")
    return kernels.space_to_batch(x, block_shape)


@operation("batch_to_space", version=15, layout=image_last)
def batch_to_space(x: Array, *, block_shape: tuple[int, ...], crops: Any) -> Array:
    """The inverse of `space_to_batch`: images become the pixels of blocks, and borders are cropped.

    Args:
        x: [N, C, H, W].
        block_shape: height a and width b of a block.
        crops: int32 [2, 2], what is cut off before and after height and width.

    Returns:
        [N / (a * b), C, H * a - crops, W * b - crops].

    Raises:
        ShapeError: the rank is not 4, a * b does not divide N, or the crops exceed the image.

    Source: the operation batch_to_space of ML Programs (iOS 15).
    """
    _check_image(x)
    borders = _sides(block_shape, crops, "crops")
    if x.shape[0] % (block_shape[0] * block_shape[1]):
        raise ShapeError(f"the area of block_shape {list(block_shape)} does not divide the {x.shape[0]} images")
    y = kernels.batch_to_space(x, block_shape)
    sizes = [y.shape[axis] - sum(both) for axis, both in zip(_SPACE, borders, strict=True)]
    if min(sizes) < 0:
        raise ShapeError(f"crops {[list(both) for both in borders]} exceed the image {list(y.shape[1:3])}")
    return crop(y, _SPACE, [before for before, _ in borders], sizes)
