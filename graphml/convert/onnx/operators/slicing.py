"""Parts and repetitions: slices, tiles, reversed sequences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Shape, Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import UnsupportedError

_FAR = 1 << 30  # bounds from here on mean the edge


@operator("Slice", moved={"starts": 10, "ends": 10, "axes": 10})
def slice_(
    w: Writer, x: Tensor, starts: Tensor, ends: Tensor, axes: Tensor | None = None, steps: Tensor | None = None
) -> Tensor:
    count = starts.shape[0]
    if count is None:
        raise UnsupportedError("the number of sliced axes depends on the inputs")
    if any(each is not None and each.constant is None for each in (axes, steps)):
        return _by_run_time_axes(w, x, starts, ends, axes, steps)
    found = static.integers(axes, "axes")
    listed = tuple(range(count)) if found is None else tuple(x.axis(axis) for axis in found)
    strides = static.integers(steps, "steps") or (1,) * count
    cuts: dict[int, tuple[int | None, int | None, int]] = {}
    for place, (axis, stride) in enumerate(zip(listed, strides, strict=True)):
        begin, end = (_bound(x, axis, bounds, place, stride) for bounds in (starts, ends))
        if begin == "varies" or end == "varies":
            return _dynamic(w, x, starts, ends, listed, strides)
        cuts[axis] = (begin, end, stride)  # pyright: ignore[reportArgumentType]  (no text is left)
    return basics.slice_axes(w, x, cuts)


def _by_run_time_axes(
    w: Writer, x: Tensor, starts: Tensor, ends: Tensor, axes: Tensor | None, steps: Tensor | None
) -> Tensor:
    """Computed axes or steps: the given bounds are scattered into bounds for all axes."""
    bounds = {"begin": (starts, 0), "end": (ends, _FAR), "step": (steps, 1)}
    if axes is None:
        places = w.constant(np.arange(starts.shape[0] or 0))
    else:
        negative = basics.compare(w, "lessThan", axes, 0.0)
        places = basics.where(w, negative, basics.linear(w, axes, 1.0, float(x.rank)), axes)
    whole = [
        w.constant(np.full(x.rank, other, np.float32))
        if given is None
        else w.layer(
            "scatter", [w.constant(np.full(x.rank, other, np.float32)), places, given], axis=0, mode="SCATTER_UPDATE"
        )
        for given, other in bounds.values()
    ]
    shapes = static.declared_shapes(w)
    if shapes is None:
        free = [w.fresh_size() for _ in range(x.rank)]
        shapes = [tuple(size[which] for size in free) for which in range(w.sets)]
    masks = [False] * x.rank
    fields = {"begin_masks": masks, "end_masks": masks, "squeeze_masks": masks}
    zeros = [0] * x.rank
    return w.layer(
        "sliceDynamic", [x, *whole], dtype=x.dtype, shapes=shapes, end_ids=zeros, strides=[1] * x.rank, **fields
    )


def _bound(x: Tensor, axis: int, bounds: Tensor, place: int, stride: int) -> int | str | None:
    """A bound of a slice: a number that is valid for all sizes, None for the edge, or "varies"."""
    if bounds.known is None:
        return "varies"
    values = [int(each[place]) for each in bounds.known]
    if all(abs(value) >= _FAR for value in values):
        # only the edge towards which the slice runs, or from which it starts
        return None
    if len(set(values)) == 1:
        return values[0]
    sizes = [shape[axis] for shape in x.shapes]
    if stride > 0 and values == sizes:
        return None
    below = {value - size for value, size in zip(values, sizes, strict=True)}
    return below.pop() if len(below) == 1 and max(below) < 0 else "varies"


def _dynamic(w: Writer, x: Tensor, starts: Tensor, ends: Tensor, axes: Sequence[int], strides: Sequence[int]) -> Tensor:
    """Computed bounds: the layer takes one number for each axis."""
    begin = _spread(w, starts, axes, x.rank, 0)
    end = _spread(w, ends, axes, x.rank, 0)
    steps = [1] * x.rank
    for axis, stride in zip(axes, strides, strict=True):
        steps[axis] = stride
    whole = [axis not in axes for axis in range(x.rank)]
    fields = {"strides": steps, "begin_masks": whole, "end_masks": whole, "squeeze_masks": [False] * x.rank}
    return w.layer(
        "sliceDynamic",
        [x, begin, end],
        dtype=x.dtype,
        shapes=_sliced(w, x, starts, ends, axes, strides),
        end_ids=[0] * x.rank,
        **fields,
    )


def _spread(w: Writer, bounds: Tensor, axes: Sequence[int], rank: int, other: int) -> Tensor:
    """One number for each axis of x, from one for each axis that is sliced."""
    if list(axes) == list(range(rank)):
        return bounds
    parts = [
        basics.slice_axis(w, bounds, 0, axes.index(axis), axes.index(axis) + 1)
        if axis in axes
        else w.constant(np.asarray([other], np.int64))
        for axis in range(rank)
    ]
    return basics.concat(w, parts, 0)


def _sliced(
    w: Writer, x: Tensor, starts: Tensor, ends: Tensor, axes: Sequence[int], strides: Sequence[int]
) -> list[Shape]:
    if starts.known is not None and ends.known is not None:
        shapes: list[Shape] = []
        for which, own in enumerate(x.shapes):
            sizes = list(own)
            for place, (axis, stride) in enumerate(zip(axes, strides, strict=True)):
                begin, end = int(starts.known[which][place]), int(ends.known[which][place])
                sizes[axis] = len(range(own[axis])[begin:end:stride])
            shapes.append(tuple(sizes))
        return shapes
    declared = static.declared_shapes(w)
    if declared is not None:
        return declared
    free = {axis: w.fresh_size() for axis in axes}
    return [
        tuple(free[axis][which] if axis in free else size for axis, size in enumerate(own))
        for which, own in enumerate(x.shapes)
    ]


@operator("Tile", since=6)
def tile(w: Writer, x: Tensor, repeats: Tensor) -> Tensor:
    count = repeats.constant
    if count is not None:
        times = [int(number) for number in count]
        shapes = [tuple(size * time for size, time in zip(own, times, strict=True)) for own in x.shapes]
        return w.layer("tile", [x], shapes=shapes, reps=times) if max(times, default=1) > 1 else x
    if repeats.known is None:
        shapes = static.declared_shapes(w)
        if shapes is None:
            free = [w.fresh_size() for _ in range(x.rank)]
            shapes = [tuple(size[which] for size in free) for which in range(w.sets)]
    else:
        shapes = [
            tuple(size * int(time) for size, time in zip(own, times, strict=True))
            for own, times in zip(x.shapes, repeats.known, strict=True)
        ]
    return w.layer("tile", [x, repeats], dtype=x.dtype, shapes=shapes, reps=[])


@operator("ReverseSequence")
def reverse_sequence(w: Writer, x: Tensor, lengths: Tensor, *, batch_axis: int = 1, time_axis: int = 0) -> Tensor:
    return w.layer(
        "reverseSeq", [x, lengths], dtype=x.dtype, shapes=x.shapes, batch_axis=batch_axis, sequence_axis=time_axis
    )
