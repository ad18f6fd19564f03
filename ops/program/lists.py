"""Lists: arrays whose first axis is the list.

A list is [length, *shape of an element]. Where a program does not give the shape of its elements, the list is
[length, 0] until the first element is written. A list that grows does so when an index beyond its end is written,
which must then be known; writing outside of any other list does nothing, and reading outside reads the nearest element.
The front end says which lists grow.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax

from graphml.catalogue import Attributes
from graphml.errors import ShapeError
from graphml.interpreter.budget import check_shape
from graphml.ops.kernels import indexing
from graphml.ops.kernels.arrays import Array
from graphml.ops.program._indices import to_read, to_write
from graphml.ops.program._known import known_integer
from graphml.ops.program.dialect import computed_type, operation


def _index_if_growing(attributes: Attributes) -> tuple[int, ...]:
    return (1,) if attributes["grows"] else ()


def _one_index(index: Array) -> Any:
    if index.size != 1:
        raise ShapeError(f"index has shape {list(index.shape)}; it must be a single number")
    return index.reshape(())


def _corner(index: Any, rank: int) -> list[Any]:
    return [index, *[np.int32(0)] * (rank - 1)]


def _element(ls: Array, index: Any) -> Array:
    """The element at an index that exists."""
    return lax.dynamic_slice(ls, _corner(index, ls.ndim), [1, *ls.shape[1:]]).reshape(ls.shape[1:])


@operation("make_list", version=15, concrete=(0,), differentiable="the result does not depend on values")
def make_list(
    init_length: Array | None = None,
    *,
    dynamic_length: bool,
    elem_shape: tuple[int | str, ...],
    dtype: str,
    grows: bool,
) -> Array:
    """A list of zeros.

    Args:
        init_length: [], the length: 1 unless given; known when the program is traced.
        dynamic_length: whether the length may change; `grows` says whether it does.
        elem_shape: the shape of an element. It is unknown where a size is not positive, or a name.
        dtype: the type of the elements.
        grows: see above.

    Returns:
        [init_length, *elem_shape], or [init_length, 0] where the shape of an element is unknown.

    Raises:
        ShapeError: the length is negative.

    Source: the operation make_list of ML Programs (iOS 15).
    """
    length = 1 if init_length is None else known_integer(init_length, "init_length")
    sizes = [size for size in elem_shape if isinstance(size, int) and size > 0]
    whole = (length, *(sizes if len(sizes) == len(elem_shape) else (0,)))
    check_shape(whole, computed_type(dtype))
    return jnp.zeros(whole, computed_type(dtype))


@operation("list_length", version=15, shape_only=True, differentiable="the result does not depend on values")
def list_length(ls: Array) -> npt.NDArray[np.int32]:
    """The length of a list.

    Args:
        ls: the list.

    Returns:
        int32 [].

    Source: the operation list_length of ML Programs (iOS 15).
    """
    return np.asarray(ls.shape[0], np.int32)


# Reading -------------------------------------------------------------------------------------------------------------


@operation("list_read", version=15)
def list_read(ls: Array, index: Array) -> Array:
    """One element of a list.

    Args:
        ls: the list.
        index: integer []; an index outside of the list reads its nearest element.

    Returns:
        The shape of an element.

    Raises:
        ShapeError: the list is empty, or there is not one index.

    Source: the operation list_read of ML Programs (iOS 15).
    """
    position = to_read(_one_index(index), ls.shape[0], wraps=False)
    return _element(ls, position)


@operation("list_gather", version=15)
def list_gather(ls: Array, indices: Array) -> Array:
    """Several elements of a list as one array.

    Args:
        ls: the list.
        indices: integers [n]; an index outside of the list reads its nearest element.

    Returns:
        [n, *shape of an element].

    Raises:
        ShapeError: the list is empty.

    Source: the operation list_gather of ML Programs (iOS 15).
    """
    return indexing.gather(ls, 0, (to_read(indices, ls.shape[0], wraps=False),), within=True)


# Writing -------------------------------------------------------------------------------------------------------------


def _prepared(ls: Array, element: tuple[int, ...], last: int) -> Array:
    """The list with elements of the shape that is written, grown to include index `last`; -1 keeps the length."""
    if ls.shape[1:] != element:
        if 0 not in ls.shape[1:]:
            raise ShapeError(f"the list holds elements of shape {list(ls.shape[1:])}, not {list(element)}")
        ls = jnp.zeros((ls.shape[0], *element), ls.dtype)
    missing = last + 1 - ls.shape[0]
    if missing <= 0:
        return ls
    check_shape((last + 1, *element), ls.dtype)
    return lax.pad(ls, np.zeros((), ls.dtype), [(0, missing, 0), *[(0, 0, 0)] * len(element)])


@operation("list_write", version=15, concrete=_index_if_growing)
def list_write(ls: Array, index: Array, value: Array, *, grows: bool) -> Array:
    """A list with one element replaced.

    Args:
        ls: the list.
        index: integer [], known when the program is traced where the list grows. Writing elsewhere does nothing.
        value: the element.
        grows: whether zeros are appended to the list up to an index beyond its end.

    Returns:
        The list.

    Raises:
        ShapeError: the element has another shape than the others, or there is not one index.

    Source: the operation list_write of ML Programs (iOS 15).
    """
    position = _one_index(index)
    ls = _prepared(ls, value.shape, known_integer(index, "index") if grows else -1)
    length = ls.shape[0]
    if not length:
        return ls
    place = to_read(position, length, wraps=False)
    outside = (position < 0) | (position >= length)
    written = jnp.where(outside, _element(ls, place), value.astype(ls.dtype))
    return lax.dynamic_update_slice(ls, written[None], _corner(place, ls.ndim))


@operation("list_scatter", version=15, concrete=_index_if_growing)
def list_scatter(ls: Array, indices: Array, value: Array, *, grows: bool) -> Array:
    """A list with several elements replaced.

    Args:
        ls: the list.
        indices: integers [n], known when the program is traced where the list grows. Writing elsewhere does nothing.
        value: [n, *shape of an element].
        grows: whether zeros are appended to the list up to the largest index.

    Returns:
        The list.

    Raises:
        ShapeError: the elements have another shape than the others, or there is not one for each index.

    Source: the operation list_scatter of ML Programs (iOS 15).
    """
    if indices.ndim != 1 or value.shape[:1] != indices.shape:
        raise ShapeError(
            f"value has shape {list(value.shape)}; its length must be that of indices, {list(indices.shape)}"
        )
    last = max((int(index) for index in np.asarray(indices)), default=-1) if grows else -1
    ls = _prepared(ls, value.shape[1:], last)
    positions = to_write(indices, ls.shape[0], wraps=False)
    return indexing.scatter(ls, 0, (positions,), value.astype(ls.dtype), "set")
