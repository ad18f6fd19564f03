"""Reshaping: the same numbers, in the same order, under another shape; and constant borders."""

from __future__ import annotations

import math

from graphml.errors import ShapeError
from graphml.ops._axes import as_listed, from_start
from graphml.ops._known import module, whole_numbers
from graphml.ops.layers.dialect import layer


def _reshape(x, target: tuple[int, ...]):
    """x in another shape, where one -1 takes what is left."""
    size = math.prod(x.shape)
    if min(target, default=0) < -1 or target.count(-1) > 1:
        raise ShapeError(f"the shape {list(target)} is not legal: sizes, and at most one -1 for what is left")
    rest = math.prod(n for n in target if n != -1)
    fits = rest > 0 and size % rest == 0 if -1 in target else size == rest
    if not fits:
        raise ShapeError(f"x has shape {list(x.shape)}; its {size} elements do not fill {list(target)}")
    return x.reshape(target)


@layer("copy", layout="any")
def copy(x):
    """x itself: the layer that may write a blob again. x: any shape. Source: CopyLayerParams (spec 4)."""
    return x


# Axes of length 1 -----------------------------------------------------------------------------------------------------


@layer("squeeze")
def squeeze(x, *, axes: tuple[int, ...], squeeze_all: bool):
    """x without the named axes, or with `squeeze_all` without any of length 1.

    x: any rank >= 1; returns as many axes fewer. The prose always keeps one; the format's tools count on a scalar where
    none is left, so that expandDims makes a vector of it. Axes may count from the end. Raises ShapeError for an axis
    that is longer. Source: SqueezeLayerParams (spec 4).
    """
    dropped = (
        {axis for axis, n in enumerate(x.shape) if n == 1} if squeeze_all else {from_start(a, x.ndim) for a in axes}
    )
    for axis in dropped:
        if x.shape[axis] != 1:
            raise ShapeError(f"axis {axis} of x holds {x.shape[axis]}; only axes of length 1 can go")
    return _reshape(x, tuple(n for axis, n in enumerate(x.shape) if axis not in dropped))


@layer("expandDims")
def expand_dims(x, *, axes: tuple[int, ...]):
    """x with additional axes of length 1.

    x: any rank. `axes` are places in the result and may count from the end. Raises ShapeError when one is named twice.
    Source: ExpandDimsLayerParams (spec 4).
    """
    rank = x.ndim + len(axes)
    places = {from_start(axis, rank) for axis in axes}
    if len(places) < len(axes):
        raise ShapeError(f"axes is {list(axes)}, which names a place twice")
    sizes = iter(x.shape)
    return _reshape(x, tuple(1 if axis in places else next(sizes) for axis in range(rank)))


# Other shapes ---------------------------------------------------------------------------------------------------------


@layer("flattenTo2D")
def flatten_to_2d(x, *, axis: int):
    """A matrix: the axes before `axis` are its rows, the others its columns.

    x: any rank >= 1. `axis` may count from the end, and may be the rank itself, which leaves one column.
    Source: FlattenTo2DLayerParams (spec 4).
    """
    axis = x.ndim if axis == x.ndim else from_start(axis, x.ndim)
    return _reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@layer("reshapeLike")
def reshape_like(x, like):
    """x in the shape of the second input, whose values do not matter.

    Raises ShapeError when the numbers of elements differ. Source: ReshapeLikeLayerParams (spec 4).
    """
    return _reshape(x, like.shape)


@layer("reshapeStatic")
def reshape_static(x, *, target_shape: tuple[int, ...]):
    """x in a fixed shape, where one -1 takes what is left. A 0 is a size, as in NumPy: the format says nothing of it.

    Raises ShapeError when the numbers of elements differ. Source: ReshapeStaticLayerParams (spec 4).
    """
    return _reshape(x, target_shape)


@layer("reshapeDynamic", concrete=(1,))
def reshape_dynamic(x, shape):
    """x in the shape that the second input holds, known when the network is traced; one -1 takes what is left.

    shape: [R]; returns rank R. Raises ShapeError when the numbers of elements differ.
    Source: ReshapeDynamicLayerParams (spec 4).
    """
    return _reshape(x, whole_numbers(shape, "the shape"))


@layer("rankPreservingReshape")
def rank_preserving_reshape(x, *, target_shape: tuple[int, ...]):
    """x in another shape of the same rank, where a 0 keeps an axis as it is and one -1 takes what is left.

    Three sizes are those of an image [C, H, W], see `as_listed`. Raises ShapeError for another rank and when the
    numbers of elements differ. Source: RankPreservingReshapeLayerParams (spec 4).
    """
    x = as_listed(x, len(target_shape))
    if len(target_shape) != x.ndim:
        raise ShapeError(f"target_shape has {len(target_shape)} sizes; x has rank {x.ndim}")
    return _reshape(x, tuple(n if wanted == 0 else wanted for n, wanted in zip(x.shape, target_shape, strict=True)))


# Borders --------------------------------------------------------------------------------------------------------------


@layer("constantPad", concrete=(1,))
def constant_pad(x, amounts=None, *, value: float, pad_amounts: tuple[int, ...], pad_to_given_output_size_mode: bool):
    """x with a border of one number: before and after each axis in turn.

    x: any rank >= 1; returns this rank; six `pad_amounts` are for an image [C, H, W], see `as_listed`. A second input,
    known when the network is traced, replaces them.
    With `pad_to_given_output_size_mode` an amount is the length that the axis shall have, grown at that side; an axis
    that is long enough, or whose amounts are 0, stays. Raises ShapeError unless there are two amounts for each axis,
    none negative. Source: ConstantPaddingLayerParams (spec 4).
    """
    if amounts is None:
        amounts, x = pad_amounts, as_listed(x, len(pad_amounts) // 2)
    else:
        amounts = whole_numbers(amounts, "the second input")
    if len(amounts) != 2 * x.ndim or min(amounts) < 0:
        raise ShapeError(f"the amounts are {list(amounts)}; x needs {2 * x.ndim} of them, none negative")
    pairs = list(zip(amounts[::2], amounts[1::2], strict=True))
    if pad_to_given_output_size_mode:
        if any(before and after for before, after in pairs):
            raise ShapeError(f"the amounts are {list(amounts)}; an axis can be given its length at one side only")
        pairs = [(max(before - n, 0), max(after - n, 0)) for n, (before, after) in zip(x.shape, pairs, strict=True)]
    return module(x).pad(x, pairs, constant_values=value)
