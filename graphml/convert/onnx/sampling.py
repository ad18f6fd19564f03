"""Images sampled between their pixels: weighted sums of neighbouring pixels at computed positions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from graphml.convert.onnx import basics
from graphml.convert.onnx.expressions import Expression, either, size
from graphml.convert.onnx.tensors import Shape, Tensor
from graphml.convert.onnx.writer import Writer

Tap = tuple[Expression, Expression | None]
"""Positions of pixels along an axis, and their weights; None for 1."""


def linear_taps(position: Expression) -> list[Tap]:
    """The two pixels around positions."""
    low = position.floor()
    part = position - low
    return [(low, 1.0 - part), (low + 1.0, part)]


def cubic_taps(position: Expression, a: float) -> list[Tap]:
    """The four pixels around positions, with Keys' cubic."""
    low = position.floor()
    part = position - low
    distances = [part + 1.0, part, 1.0 - part, 2.0 - part]
    return [(low + float(i - 1), cubic(distance, a)) for i, distance in enumerate(distances)]


def cubic(x: Expression, a: float) -> Expression:
    """Keys' cubic of distances: one polynomial up to 1, another up to 2, then 0."""
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    return either(x.below(1.0), near, far * x.below(2.0))


def zero_outside(taps: Sequence[Tap], last: Expression) -> list[Tap]:
    """The same pixels, with value 0 before the first and after the last one."""
    found: list[Tap] = []
    for index, weight in taps:
        inside = index.within(0.0, last)
        found.append((index.clip(0.0, last), inside if weight is None else weight * inside))
    return found


def pixel_table(w: Writer, x: Tensor) -> Tensor:
    """[images * pixels, channels] of images [images, channels, *axes]."""
    last = basics.transpose(w, x, [0, *range(2, x.rank), 1])
    return basics.reshape(w, last, [(math.prod(shape[:-1]), shape[-1]) for shape in last.shapes], [last])


def sample(
    w: Writer,
    table: Tensor,
    image: Expression,
    sizes: Sequence[Expression],
    taps: Sequence[Sequence[Tap]],
    shapes: Sequence[Shape],
    join: Callable[[Writer, Tensor, Tensor], Tensor] = basics.add,
) -> Tensor:
    """Weighted sums of pixels.

    Args:
        w: The writer.
        table: From `pixel_table`.
        image: Which image is read.
        sizes: The sizes of an image along its axes.
        taps: The pixels along each axis. All of these broadcast against each other.
        shapes: Their broadcast shape, for each set of sizes.
        join: How the weighted pixels are combined.

    Returns:
        [number of positions, channels].
    """
    found: list[Tensor] = []
    columns = [(math.prod(shape), 1) for shape in shapes]

    def walk(axis: int, index: Expression, weight: Expression | None) -> None:
        if axis < len(taps):
            for along, factor in taps[axis]:
                product = factor if weight is None else weight if factor is None else weight * factor
                walk(axis + 1, index * sizes[axis] + along, product)
            return
        flat = basics.reshape(w, index.tensor, [(count,) for count, _ in columns], [index.tensor])
        pixels = w.layer("gather", [table, flat], axis=0)
        if weight is not None:
            pixels = basics.multiply(w, pixels, basics.reshape(w, weight.tensor, columns, [weight.tensor]))
        found.append(pixels)

    walk(0, image, None)
    total = found[0]
    for part in found[1:]:
        total = join(w, total, part)
    return total


def image_sizes(w: Writer, x: Tensor) -> list[Expression]:
    """The sizes of the axes of images [images, channels, *axes]."""
    return [size(w, x, axis) for axis in range(2, x.rank)]
