"""Joining and splitting."""

from __future__ import annotations

import numpy as np

from graphml.errors import ShapeError
from graphml.ops.kernels import movement as kernels
from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.kernels.axes import normalize_axis
from graphml.ops.program._images import images_as_they_come, laid_axis
from graphml.ops.program._windows import image_either
from graphml.ops.program.dialect import operation


def _shapes(values: tuple[Array, ...]) -> str:
    return ", ".join(str(list(x.shape)) for x in values)


@operation("concat", version=15, layout=images_as_they_come)
def concat(*values: Array, axis: int, interleave: bool) -> Array:
    """Concatenate along an axis; with `interleave`, first all their first elements, then the second ones ...

    Args:
        values: arrays of equal shape, except on the axis unless `interleave` is set. Scalars count as vectors of one
            element.
        axis: may count from the end.
        interleave: see above.

    Returns:
        The rank of the values.

    Raises:
        ShapeError: the shapes do not match.

    Source: the operation concat of ML Programs (iOS 15).
    """
    if not values:
        raise ShapeError("concat needs at least one value, got none")
    if all(x.ndim == 0 for x in values):
        values = tuple(x.reshape(1) for x in values)
    axis = laid_axis(axis, values[0].ndim)
    same = {x.shape if interleave else (*x.shape[:axis], *x.shape[axis + 1 :]) for x in values}
    if len(same) > 1 or len({x.ndim for x in values}) > 1:
        except_axis = "" if interleave else " except on the axis"
        raise ShapeError(f"values have shapes {_shapes(values)}; they must be equal{except_axis}")
    return kernels.interleave(values, axis) if interleave else kernels.concatenate(values, axis)


@operation("stack", version=15)
def stack(*values: Array, axis: int) -> Array:
    """Stack along a new axis.

    Args:
        values: arrays of equal shape.
        axis: the position of the new axis in the result; may count from the end.

    Returns:
        One rank more.

    Raises:
        ShapeError: the shapes differ.

    Source: the operation stack of ML Programs (iOS 15).
    """
    if len({x.shape for x in values}) != 1:
        raise ShapeError(f"values have shapes {_shapes(values)}; they must be equal")
    return array_namespace(*values).stack(values, normalize_axis(axis, values[0].ndim + 1))


@operation("split", version=15, layout=image_either)
def split(x: Array, *, num_splits: int | None, split_sizes: tuple[int, ...] | None, axis: int) -> list[Array]:
    """Consecutive parts of one axis: of the given sizes or, without them, `num_splits` equal ones.

    Args:
        x: any rank >= 1.
        num_splits: the number of parts; ignored if `split_sizes` is given.
        split_sizes: the sizes of the parts.
        axis: may count from the end.

    Returns:
        That many arrays of the rank of x.

    Raises:
        ShapeError: the sizes do not add up to the axis, the number does not divide it, or both are missing.

    Source: the operation split of ML Programs (iOS 15).
    """
    place = laid_axis(axis, x.ndim)
    length = x.shape[place]
    if split_sizes is None:
        if num_splits is None or num_splits < 1 or length % num_splits:
            raise ShapeError(f"an axis of size {length} cannot be split into {num_splits} equal parts")
        split_sizes = (length // num_splits,) * num_splits
    if sum(split_sizes) != length or min(split_sizes, default=0) < 0:
        raise ShapeError(f"split_sizes {list(split_sizes)} add up to {sum(split_sizes)}; the axis has size {length}")
    return array_namespace(x).split(x, np.cumsum(split_sizes)[:-1].tolist(), place)
