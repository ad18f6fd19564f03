"""Padding and cropping."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.expressions import Expression, counting, either, entry, size
from graphml.convert.onnx.operators.convolutions import pad_zeros
from graphml.convert.onnx.tensors import Shape, Tensor
from graphml.convert.onnx.windows import Cut, Pair
from graphml.convert.onnx.writer import Writer
from graphml.errors import ShapeError, UnsupportedError
from graphml.spec.attributes import Choice


@operator("Pad", moved={"pads": 11, "value": 11})
def pad(
    w: Writer,
    x: Tensor,
    pads: Tensor,
    value: Tensor | None = None,
    axes: Tensor | None = None,
    *,
    mode: str = "constant",
) -> Tensor:
    """Negative amounts crop."""
    if axes is not None and axes.constant is None and mode == "constant":
        everything = _amounts_of_all_axes(w, x, pads, axes)
        return pad(w, x, everything, value, mode=mode)
    listed = static.integers(axes, "axes")
    named = list(range(x.rank)) if listed is None else [x.axis(axis) for axis in listed]
    if pads.shape != (2 * len(named),):
        raise ShapeError(f"pads has the shape {list(pads.shape)}; {len(named)} axes need [{2 * len(named)}]")
    if mode == "constant":
        if pads.constant is None:
            return _with_number(w, x, value, lambda part, number: _pad_by_data(w, part, pads, named, number))
        amounts = _amounts(pads, named)
        cuts: dict[int, Cut] = {
            axis: (max(0, -before), -max(0, -after) or None, 1) for axis, (before, after) in amounts.items()
        }
        kept = basics.slice_axes(w, x, cuts)
        grown = {axis: (max(0, before), max(0, after)) for axis, (before, after) in amounts.items()}
        return _with_number(w, kept, value, lambda part, number: pad_zeros(w, part, grown, number))
    if mode not in ("reflect", "edge", "wrap"):
        raise UnsupportedError(f"the mode {mode!r} is not supported")
    made = _image_border(w, x, _amounts(pads, named), mode) if pads.constant is not None else None
    if made is not None:
        return made
    for i, axis in enumerate(named):
        before, after = entry(w, pads, i), entry(w, pads, i + len(named))
        if before.known != 0 or after.known != 0:
            x = _border_of_elements(w, x, axis, before, after, mode)
    return x


def _amounts(pads: Tensor, axes: list[int]) -> dict[int, Pair]:
    assert pads.constant is not None, "checked by the caller"
    numbers = [int(number) for number in pads.constant]
    return {axis: (numbers[i], numbers[i + len(axes)]) for i, axis in enumerate(axes)}


def _amounts_of_all_axes(w: Writer, x: Tensor, pads: Tensor, axes: Tensor) -> Tensor:
    """Amounts for each axis, where the axes of the given amounts are computed."""
    count = axes.shape[0]
    if count is None:
        raise UnsupportedError("the number of axes depends on the inputs")
    own = basics.binary(w, "modBroadcastable", axes, float(x.rank))
    column = basics.reshape(w, own, [(count, 1)] * w.sets)
    chosen = basics.compare(w, "equal", column, w.constant(np.arange(x.rank)[None]))
    both = basics.matmul(w, basics.reshape(w, pads, [(2, count)] * w.sets), chosen)
    return basics.reshape(w, both, [(2 * x.rank,)] * w.sets)


def _with_number(w: Writer, x: Tensor, value: Tensor | None, border: Callable[[Tensor, float], Tensor]) -> Tensor:
    """x padded with a value, which layers need as a constant; a computed one is selected afterwards."""
    number = None if value is None else value.constant
    if value is None or number is not None:
        limit = float(np.finfo(np.float32).max)  # the format's numbers are finite
        return border(x, float(np.clip(0.0 if number is None else float(np.ravel(number)[0]), -limit, limit)))
    ones = basics.fill(w, x.shapes, 1.0, np.bool_, [x])
    return basics.where(w, border(ones, 0.0), border(x, 0.0), value)


def _pad_by_data(w: Writer, x: Tensor, pads: Tensor, axes: list[int], number: float) -> Tensor:
    """The amounts are computed: from sizes, or from data."""
    known = pads.known
    if known is not None and any((each < 0).any() for each in known):
        raise UnsupportedError("a negative amount depends on the sizes of the inputs")
    rows = basics.transpose(w, basics.reshape(w, pads, [(2, len(axes))] * w.sets), [1, 0])
    if axes != list(range(x.rank)):
        none = w.constant(np.zeros((1, 2), np.int64))
        parts = {axis: basics.slice_axis(w, rows, 0, i, i + 1) for i, axis in enumerate(axes)}
        rows = basics.concat(w, [parts.get(axis, none) for axis in range(x.rank)], 0)
    amounts = basics.reshape(w, rows, [(2 * x.rank,)] * w.sets)
    return w.layer("constantPad", [x, amounts], dtype=x.dtype, shapes=_padded(w, x, pads, axes), value=number)


def _padded(w: Writer, x: Tensor, pads: Tensor, axes: list[int]) -> list[Shape]:
    if pads.known is not None:
        shapes: list[Shape] = []
        for own, numbers in zip(x.shapes, pads.known, strict=True):
            more = {axis: int(numbers[i] + numbers[i + len(axes)]) for i, axis in enumerate(axes)}
            shapes.append(tuple(n + more.get(axis, 0) for axis, n in enumerate(own)))
        return shapes
    declared = w.node.shapes[0] or (None,) * x.rank
    columns: list[tuple[int, ...]] = []
    for axis, length in enumerate(declared):
        if axis not in axes:
            columns.append(tuple(own[axis] for own in x.shapes))
        else:
            columns.append(w.fresh_size() if length is None else (length,) * w.sets)
    return list(zip(*columns, strict=True))


def _image_border(w: Writer, x: Tensor, amounts: dict[int, Pair], mode: str) -> Tensor | None:
    """The layer for the last two axes of an image, if it is equivalent."""
    amounts = {axis: both for axis, both in amounts.items() if any(both)}
    space = (x.rank - 2, x.rank - 1)
    if (
        mode == "wrap"
        or x.rank < 3
        or not amounts.keys() <= set(space)
        or min(map(min, amounts.values()), default=0) < 0
    ):
        return None
    both = [amounts.get(axis, (0, 0)) for axis in space]
    if mode == "reflect" and any(max(amounts[axis]) >= own[axis] for axis in amounts for own in x.shapes):
        return None
    kind = "reflection" if mode == "reflect" else "replication"
    return w.layer("padding", [x], padding_type=Choice(kind, {}), padding_amounts=both) if amounts else x


def _border_of_elements(w: Writer, x: Tensor, axis: int, before: Expression, after: Expression, mode: str) -> Tensor:
    """Each element of the result is one of x, at a position computed from its own."""
    length = size(w, x, axis)
    total = length + before + after
    declared = static.declared_shapes(w)
    if not total.decided and declared is not None:
        total = Expression(w, declared[0][axis])
    if not total.decided:
        raise UnsupportedError("the amounts depend on values, not only on sizes")
    position = counting(w, total) - before
    if mode == "edge":
        position = position.clip(0.0, length - 1.0)
    elif mode == "wrap":
        position = position % length
    else:
        last = length - 1.0
        position = last - (last - position % (last * 2.0).at_least(1.0)).absolute()
    return w.layer("gather", [x, position.tensor], axis=axis)


@operator("CenterCropPad")
def center_crop_pad(w: Writer, x: Tensor, shape: Tensor, *, axes: tuple[int, ...] | None = None) -> Tensor:
    """An extra element is cropped, or added, at the end."""
    named = list(range(x.rank)) if axes is None else [x.axis(axis) for axis in axes]
    declared = static.declared_shapes(w)
    for i, axis in enumerate(named):
        wanted = entry(w, shape, i)
        if not wanted.decided and declared is not None:
            wanted = Expression(w, declared[0][axis])
        if not wanted.decided:
            raise UnsupportedError("the shape depends on values, not only on sizes")
        own = x.shape[axis]
        if own is None or wanted.known is None:
            x = _centered(w, x, axis, wanted)
        elif wanted.size <= own:
            start = (own - wanted.size) // 2
            x = basics.slice_axis(w, x, axis, start, start + wanted.size)
        else:
            before = (wanted.size - own) // 2
            x = pad_zeros(w, x, {axis: (before, wanted.size - own - before)})
    return x


def _centered(w: Writer, x: Tensor, axis: int, wanted: Expression) -> Tensor:
    length = size(w, x, axis)
    half = (length - wanted) * 0.5
    start = either((-1.0 * half).below(0.0), half.floor(), half.ceil())
    position = counting(w, wanted) + start
    part = w.layer("gather", [x, position.clip(0.0, length - 1.0).tensor], axis=axis)
    inside = position.within(0.0, length - 1.0).reshape([-1 if i == axis else 1 for i in range(x.rank)])
    return basics.multiply(w, part, inside.tensor)
