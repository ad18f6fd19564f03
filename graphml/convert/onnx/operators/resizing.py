"""Resizing along any axes: each new element is a weighted sum of old ones, axis by axis.

Where the format has an equivalent layer, that layer is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.expressions import Expression, counting, either, entry, size
from graphml.convert.onnx.sampling import Tap, cubic
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import ShapeError, UnsupportedError

_ROUNDINGS = 4e-7  # a few ulps of a float32 near 1
_MANY_TAPS = 6  # from here on a matrix is faster than one gather per tap


@dataclass(frozen=True)
class _Method:
    """How elements are interpolated. The names are those of the attributes of Resize."""

    mode: str = "nearest"
    transformation: str = "half_pixel"
    nearest: str = "round_prefer_floor"
    cubic_a: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False
    extrapolation: float = 0.0


@dataclass(frozen=True)
class _Axis:
    """What happens along one axis.

    Attributes:
        axis: The axis.
        old: The old size.
        new: The new size.
        scale: The factor of positions.
        start: The start of the region for "tf_crop_and_resize", as a fraction of the axis.
        end: The end of the region.
    """

    axis: int
    old: Expression
    new: Expression
    scale: Expression
    start: Expression
    end: Expression


# Operators -----------------------------------------------------------------------------------------------------------


@operator("Upsample", until=8)
def upsample_by_attributes(w: Writer, x: Tensor, *, scales: tuple[float, ...], mode: str = "nearest") -> Tensor:
    return upsample(w, x, w.constant(np.asarray(scales, np.float32)), mode=mode)


@operator("Upsample", since=9)
def upsample(w: Writer, x: Tensor, scales: Tensor, *, mode: str = "nearest") -> Tensor:
    method = _Method("linear" if mode in ("linear", "bilinear") else mode, "asymmetric", "simple")
    return _resize(w, x, None, scales, None, method, range(x.rank))


@operator("Resize", until=10)
def resize_10(w: Writer, x: Tensor, scales: Tensor, *, mode: str = "nearest") -> Tensor:
    return _resize(w, x, None, scales, None, _Method(mode, "asymmetric", "simple"), range(x.rank))


@operator("Resize", since=11)
def resize(
    w: Writer,
    x: Tensor,
    roi: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
    *,
    mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    antialias: int = 0,
    axes: tuple[int, ...] | None = None,
    keep_aspect_ratio_policy: str = "stretch",
) -> Tensor:
    method = _Method(
        mode,
        coordinate_transformation_mode,
        nearest_mode,
        cubic_coeff_a,
        bool(exclude_outside),
        bool(antialias),
        extrapolation_value,
    )
    named = range(x.rank) if axes is None else [x.axis(axis) for axis in axes]
    roi, scales, sizes = (None if each is None or 0 in each.shape else each for each in (roi, scales, sizes))
    return _resize(w, x, roi, scales, sizes, method, named, keep_aspect_ratio_policy)


def _resize(
    w: Writer,
    x: Tensor,
    roi: Tensor | None,
    scales: Tensor | None,
    sizes: Tensor | None,
    method: _Method,
    axes: Sequence[int],
    policy: str = "stretch",
) -> Tensor:
    given = sizes if scales is None else scales
    if given is None:
        raise ShapeError("neither scales nor sizes are given")
    if given.shape != (len(axes),):
        raise ShapeError(f"scales or sizes have the shape {list(given.shape)}; {len(axes)} axes are resized")
    old = [size(w, x, axis) for axis in axes]
    numbers = [entry(w, given, i) for i in range(len(axes))]
    declared = static.declared_shapes(w)
    if scales is None and declared is not None and policy == "stretch":
        numbers = [Expression(w, declared[0][axis]) for axis in axes]
    if scales is None:
        ratios = [number / own for number, own in zip(numbers, old, strict=True)]
        if policy != "stretch":
            common = ratios[0]
            for ratio in ratios[1:]:
                common = common.at_most(ratio) if policy == "not_larger" else common.at_least(ratio)
            ratios, numbers = [common] * len(axes), [(common * own + 0.5).floor() for own in old]
    else:
        ratios, numbers = numbers, [(own * number).floor() for own, number in zip(old, numbers, strict=True)]
    if declared is not None:  # computed from inputs in the network, but known to ONNX
        numbers = [n if n.decided else Expression(w, declared[0][axis]) for axis, n in zip(axes, numbers, strict=True)]
    if not all(number.decided for number in numbers):
        raise UnsupportedError("the size of the result depends on values, not only on sizes")
    whole, none = Expression(w, 1.0), Expression(w, 0.0)
    changes: list[_Axis] = []
    for i, (axis, number, ratio) in enumerate(zip(axes, numbers, ratios, strict=True)):
        start = none if roi is None else entry(w, roi, i)
        end = whole if roi is None else entry(w, roi, i + len(axes))
        if ratio.known is None or ratio.known != 1:  # onnxruntime ignores the region of an axis of scale 1
            changes.append(_Axis(axis, old[i], number, ratio, start, end))
    made = _natural(w, x, changes, method)
    if made is not None:
        return made
    for change in changes:
        x = _along(w, x, change, method)
    return x


# Equivalent layers ---------------------------------------------------------------------------------------------------


def _natural(w: Writer, x: Tensor, changes: Sequence[_Axis], method: _Method) -> Tensor | None:
    """The equivalent layer for images, if there is one."""
    down, across = x.rank - 2, x.rank - 1
    by_axis = {change.axis: change for change in changes}
    if x.rank < 3 or not by_axis or not by_axis.keys() <= {down, across} or method.mode not in ("nearest", "linear"):
        return None
    scales = [1.0 if axis not in by_axis else _scale(by_axis[axis]) for axis in (down, across)]
    if any(scale is None or scale < 1 for scale in scales):
        return None
    factors: Any = [int(scale) for scale in scales if scale is not None and scale == int(scale)]
    whole = len(factors) == 2
    if method.mode == "nearest":
        repeats = whole and all(_repeats(w, change, method) for change in changes)
        return w.layer("upsample", [x], scaling_factor=factors, mode="NN") if repeats else None
    if method.exclude_outside:
        return None
    where = method.transformation
    if where == "pytorch_half_pixel" or (where == "half_pixel_symmetric" and whole):
        where = "half_pixel"  # equivalent if there is more than one new element, and the sizes match the scales
    modes = {"half_pixel": "ALIGN_CORNERS_FALSE", "align_corners": "ALIGN_CORNERS_TRUE", "asymmetric": "DEFAULT"}
    if whole and where in modes:
        return w.layer("upsample", [x], scaling_factor=factors, mode="BILINEAR", linear_upsample_mode=modes[where])
    target = [None if axis not in by_axis else by_axis[axis].new.known for axis in (down, across)]
    sizes = [x.shape[axis] if new is None else int(new) for axis, new in zip((down, across), target, strict=True)]
    exact = all(change.old.known is not None and change.new.known is not None and _exact(change) for change in changes)
    if None in sizes or (where != "align_corners" and not exact):
        return None
    if where in ("align_corners", "asymmetric"):
        mode = "STRICT_ALIGN_ENDPOINTS_MODE" if where == "align_corners" else "UPSAMPLE_MODE"
        return w.layer("resizeBilinear", [x], target_size=sizes, mode={"sampling_method": mode})
    return None


def _scale(change: _Axis) -> float | None:
    return None if change.scale.known is None else float(change.scale.known)


def _exact(change: _Axis) -> bool:
    """Whether the new size is the old one times the scale, without rounding."""
    product = (change.old * change.scale).known
    return product is not None and bool(np.isclose(product, change.new.size, rtol=1e-6))


def _repeats(w: Writer, change: _Axis, method: _Method) -> bool:
    """Whether each element is repeated. For an integer factor, three elements cover all cases."""
    factor = _scale(change)
    if factor == 1:
        return True
    if method.transformation in ("align_corners", "tf_crop_and_resize"):
        return False
    trial = _Axis(0, Expression(w, 3.0), Expression(w, 3.0 * (factor or 0)), change.scale, change.start, change.end)
    index = _taps(w, trial, method)[0][0].known
    return index is not None and np.array_equal(index, np.arange(3 * int(factor or 0)) // int(factor or 1))


# Sums of elements ----------------------------------------------------------------------------------------------------


def _along(w: Writer, x: Tensor, change: _Axis, method: _Method) -> Tensor:
    """x resized along one axis."""
    taps = _taps(w, change, method)
    matrix = _matrix(taps, change)
    if len(taps) >= _MANY_TAPS and matrix is not None:
        made = _times_matrix(w, x, change.axis, matrix)
    else:
        made = _sum(w, x, change.axis, taps)
    if method.transformation != "tf_crop_and_resize":
        return made
    inside = _positions(w, change, method).within(0.0, change.old - 1.0)
    if inside.known is not None and inside.known.all():
        return made
    mask = inside.reshape(_column(x.rank, change.axis))
    return either(mask, Expression(w, made), float(method.extrapolation)).tensor


def _column(rank: int, axis: int) -> list[int]:
    return [-1 if i == axis else 1 for i in range(rank)]


def _sum(w: Writer, x: Tensor, axis: int, taps: Sequence[Tap]) -> Tensor:
    total: Tensor | None = None
    for index, weight in taps:
        part = w.layer("gather", [x, index.tensor], axis=axis)
        if weight is not None:
            part = basics.multiply(w, part, weight.reshape(_column(x.rank, axis)).tensor)
        total = part if total is None else basics.add(w, total, part)
    assert total is not None, "every method has taps"
    return total


def _matrix(taps: Sequence[Tap], change: _Axis) -> np.ndarray[Any, Any] | None:
    """[new, old]: the weights of all elements; None if they are not known."""
    if change.old.known is None:
        return None
    matrix: Any = None
    for index, weight in taps:
        if index.known is None or weight is None or weight.known is None:
            return None
        if matrix is None:
            matrix = np.zeros((index.known.size, change.old.size), np.float32)
        matrix[np.arange(index.known.size), index.known.astype(int)] += weight.known
    return matrix


def _times_matrix(w: Writer, x: Tensor, axis: int, matrix: np.ndarray[Any, Any]) -> Tensor:
    order = [i for i in range(x.rank) if i != axis] + [axis]
    turned = basics.matmul(w, basics.transpose(w, x, order), w.constant(np.ascontiguousarray(matrix.T)))
    return basics.transpose(w, turned, [order.index(i) for i in range(x.rank)])


# Positions and weights -----------------------------------------------------------------------------------------------


def _positions(w: Writer, change: _Axis, method: _Method) -> Expression:
    """The positions of the new elements among the old ones."""
    steps, old, new, scale = counting(w, change.new), change.old, change.new, change.scale
    where = method.transformation
    single = new.at_most(2.0).at_least(1.0) - 1.0  # 0 for one new element, else 1
    if where == "asymmetric":
        return steps / scale
    if where == "align_corners":
        return steps * (old - 1.0) / (new - 1.0).at_least(1.0) * single
    if where == "tf_crop_and_resize":
        part = change.end - change.start
        several = change.start * (old - 1.0) + steps * part * (old - 1.0) / (new - 1.0).at_least(1.0)
        middle = (change.start + change.end) * (old - 1.0) * 0.5
        return either(single, several, middle)
    if where == "half_pixel_symmetric":
        return (old * 0.5) * (1.0 - new / (scale * old)) + (steps + 0.5) / scale - 0.5
    middle = (steps + 0.5) / scale - 0.5
    if where == "pytorch_half_pixel":
        return middle * single
    if where != "half_pixel":
        raise UnsupportedError(f"coordinate_transformation_mode {where!r} is not supported")
    return middle


def _taps(w: Writer, change: _Axis, method: _Method) -> list[Tap]:
    positions, last = _positions(w, change, method), change.old - 1.0
    if method.mode == "nearest":
        return [(_nearest(positions, change, method).clip(0.0, last), None)]
    if method.mode not in ("linear", "cubic"):
        raise UnsupportedError(f"mode {method.mode!r} is not supported")
    reach = 1 if method.mode == "linear" else 2
    spread = Expression(w, 1.0)
    if method.antialias:
        spread = (1.0 / change.scale).at_least(1.0)
        if spread.known is None:
            raise UnsupportedError("antialias needs scales that are constant")
        if spread.known == 1 and method.mode == "linear":
            spread = Expression(w, 1.0)
    most = int(np.ceil(reach * float(spread.known if spread.known is not None else 1)))
    if reach == most == 1 and not method.exclude_outside:
        positions = positions.clip(0.0, last)
    low = positions.floor()
    taps: list[tuple[Expression, Expression]] = []
    for offset in range(1 - most, most + 1):
        index = low + float(offset)
        distance = ((positions - index) / spread).absolute()
        weight = _linear(distance) if method.mode == "linear" else cubic(distance, method.cubic_a)
        if method.exclude_outside:
            weight = weight * index.within(0.0, last)
        taps.append((index.clip(0.0, last), weight))
    if method.exclude_outside or method.antialias:
        total = taps[0][1]
        for _, weight in taps[1:]:
            total = total + weight
        taps = [(index, weight / total) for index, weight in taps]
    return list(taps)


def _nearest(positions: Expression, change: _Axis, method: _Method) -> Expression:
    """The position of one old element for each new one.

    A network may be off by one rounding in a quotient. Where it computes positions, values that close to a tie are
    ties.
    """
    low = high = positions
    if positions.known is None:
        low, high = positions * (1.0 - _ROUNDINGS) - _ROUNDINGS, positions * (1.0 + _ROUNDINGS) + _ROUNDINGS
    if method.nearest == "simple":  # versions without the attribute
        return either(change.scale.below(1.0), low.ceil(), high.floor())
    if method.nearest == "floor":
        return high.floor()
    if method.nearest == "ceil":
        return low.ceil()
    return (low - 0.5).ceil() if method.nearest == "round_prefer_floor" else (high + 0.5).floor()


def _linear(distance: Expression) -> Expression:
    """max(0, 1 - |x|)."""
    return (1.0 - distance).at_least(0.0)
