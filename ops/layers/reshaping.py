"""Reshaping: the same elements, in the same order, in another shape; and constant borders."""

from __future__ import annotations

from collections.abc import Sequence

from graphml.errors import ShapeError
from graphml.ops.kernels import reshaping as kernels
from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.layers._axes import drop_unlisted_axes, normalize_axis
from graphml.ops.layers._integers import known_integers
from graphml.ops.layers.dialect import layer


@layer("copy", layout="any")
def copy(x: Array) -> Array:
    """x itself: the one layer that may overwrite a blob.

    Args:
        x: any shape.

    Returns:
        x.

    Source: CopyLayerParams (spec 4).
    """
    return x


# Axes of length 1 -----------------------------------------------------------------------------------------------------


@layer("squeeze")
def squeeze(x: Array, *, axes: tuple[int, ...], squeeze_all: bool) -> Array:
    """x without the named axes, or with `squeeze_all` without any of length 1.

    Args:
        x: any rank >= 1.
        axes: those that are dropped; may count from the end.
        squeeze_all: whether all axes of length 1 are dropped. The prose always keeps one; the format's tools expect a
            scalar where none remains, which expandDims makes a vector.

    Returns:
        The rank of x less the dropped axes.

    Raises:
        ShapeError: an axis is longer than 1.

    Source: SqueezeLayerParams (spec 4).
    """
    dropped = (
        {axis for axis, n in enumerate(x.shape) if n == 1} if squeeze_all else {normalize_axis(a, x.ndim) for a in axes}
    )
    for axis in dropped:
        if x.shape[axis] != 1:
            raise ShapeError(f"cannot squeeze axis {axis} of size {x.shape[axis]}; it must have size 1")
    return kernels.reshape(x, tuple(n for axis, n in enumerate(x.shape) if axis not in dropped))


@layer("expandDims")
def expand_dims(x: Array, *, axes: tuple[int, ...]) -> Array:
    """x with additional axes of length 1.

    Args:
        x: any rank.
        axes: their positions in the result; may count from the end.

    Returns:
        The rank of x plus the number of axes.

    Raises:
        ShapeError: an axis is given twice.

    Source: ExpandDimsLayerParams (spec 4).
    """
    return kernels.expand_dims(x, axes)


# Other shapes ---------------------------------------------------------------------------------------------------------


@layer("flattenTo2D")
def flatten_to_2d(x: Array, *, axis: int) -> Array:
    """A matrix: the axes before `axis` are its rows, the others its columns.

    Args:
        x: any rank >= 1.
        axis: may count from the end, and may be the rank itself, which gives one column.

    Returns:
        [rows, columns].

    Raises:
        ShapeError: x has no such axis.

    Source: FlattenTo2DLayerParams (spec 4).
    """
    return kernels.flatten_to_2d(x, axis)


@layer("reshapeLike")
def reshape_like(x: Array, like: Array) -> Array:
    """x in the shape of the second input, whose values do not matter.

    Args:
        x: any shape.
        like: as many elements.

    Returns:
        The shape of `like`.

    Raises:
        ShapeError: the numbers of elements differ.

    Source: ReshapeLikeLayerParams (spec 4).
    """
    return kernels.reshape(x, like.shape)


@layer("reshapeStatic")
def reshape_static(x: Array, *, target_shape: tuple[int, ...]) -> Array:
    """x in a fixed shape, where one -1 takes the remaining elements.

    Args:
        x: any shape.
        target_shape: a 0 is a size, as in NumPy: the format does not mention it.

    Returns:
        [*target_shape].

    Raises:
        ShapeError: the numbers of elements differ.

    Source: ReshapeStaticLayerParams (spec 4).
    """
    return kernels.reshape(x, target_shape)


@layer("reshapeDynamic", concrete=(1,))
def reshape_dynamic(x: Array, shape: Array) -> Array:
    """x in the shape that the second input holds, known when the network is traced; one -1 takes the remaining
    elements.

    Args:
        x: any shape.
        shape: [R].

    Returns:
        Rank R.

    Raises:
        ShapeError: the numbers of elements differ.

    Source: ReshapeDynamicLayerParams (spec 4).
    """
    return kernels.reshape(x, known_integers(shape, "the shape"))


@layer("rankPreservingReshape")
def rank_preserving_reshape(x: Array, *, target_shape: tuple[int, ...]) -> Array:
    """x in another shape of the same rank, where a 0 keeps an axis as it is and one -1 takes the remaining elements.

    Args:
        x: any rank.
        target_shape: one size for each axis; three are those of an image [C, H, W], see `drop_unlisted_axes`.

    Returns:
        As many axes as `target_shape` has sizes.

    Raises:
        ShapeError: the rank or the numbers of elements differ.

    Source: RankPreservingReshapeLayerParams (spec 4).
    """
    x = drop_unlisted_axes(x, len(target_shape))
    if len(target_shape) != x.ndim:
        raise ShapeError(f"target_shape has {len(target_shape)} sizes; x has rank {x.ndim}")
    return kernels.reshape(x, [wanted or n for n, wanted in zip(x.shape, target_shape, strict=True)])


# Borders --------------------------------------------------------------------------------------------------------------


@layer("constantPad", concrete=(1,))
def constant_pad(
    x: Array,
    amounts: Array | None = None,
    *,
    value: float,
    pad_amounts: tuple[int, ...],
    pad_to_given_output_size_mode: bool,
) -> Array:
    """x padded with a constant before and after each axis.

    Args:
        x: any rank >= 1.
        amounts: in place of `pad_amounts`; known when the network is traced.
        value: the number.
        pad_amounts: two for each axis; six are for an image [C, H, W], see `drop_unlisted_axes`.
        pad_to_given_output_size_mode: whether an amount is the length that the axis is padded to, on that side; an
            axis that is long enough, or whose amounts are 0, stays as it is.

    Returns:
        The rank of x.

    Raises:
        ShapeError: there are not two amounts for each axis, or one is negative.

    Source: ConstantPaddingLayerParams (spec 4).
    """
    given: Sequence[int]
    if amounts is None:
        given, x = pad_amounts, drop_unlisted_axes(x, len(pad_amounts) // 2)
    else:
        given = known_integers(amounts, "the second input")
    if len(given) != 2 * x.ndim or min(given) < 0:
        raise ShapeError(f"the amounts are {list(given)}; x needs {2 * x.ndim} of them, none negative")
    pairs = list(zip(given[::2], given[1::2], strict=True))
    if pad_to_given_output_size_mode:
        if any(before and after for before, after in pairs):
            raise ShapeError(f"the amounts are {list(given)}; the length of an axis can be given on one side only")
        pairs = [(max(before - n, 0), max(after - n, 0)) for n, (before, after) in zip(x.shape, pairs, strict=True)]
    return array_namespace(x).pad(x, pairs, constant_values=value)
