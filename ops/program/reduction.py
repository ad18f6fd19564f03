"""Reductions: sums, means, extremes and the like, along given axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp

from graphml.catalogue import Layout, Ranks
from graphml.ops.kernels import reductions as kernels
from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.kernels.elementwise import integer_quotient
from graphml.ops.program._half import rounded_once
from graphml.ops.program._images import laid_axes, laid_axis
from graphml.ops.program._names import named
from graphml.ops.program.dialect import named_operations, operation

Axes = tuple[int, ...]

# Of floats -----------------------------------------------------------------------------------------------------------

# Operation -> (the function, description)
_REDUCTIONS: Mapping[str, tuple[Callable[[Array, Axes], Array], str]] = {
    "reduce_l1_norm": (kernels.reduce_l1_norm, "The sum of absolute values"),
    "reduce_l2_norm": (kernels.reduce_l2_norm, "The square root of the sum of squares, with gradient 0 at zero"),
    "reduce_log_sum": (kernels.reduce_log_sum, "The logarithm of the sum"),
    "reduce_log_sum_exp": (kernels.reduce_log_sum_exp, "The logarithm of the sum of exponentials, without overflow"),
    "reduce_max": (kernels.reduce_max, "The maximum"),
    "reduce_mean": (kernels.reduce_mean, "The mean"),
    "reduce_min": (kernels.reduce_min, "The minimum"),
    "reduce_prod": (kernels.reduce_product, "The product"),
    "reduce_sum": (kernels.reduce_sum, "The sum"),
    "reduce_sum_square": (kernels.reduce_sum_square, "The sum of squares"),
}


# Of integers ---------------------------------------------------------------------------------------------------------


def _by_name(name: str, before: Callable[[Array], Array] = lambda x: x) -> Callable[[Array, Axes], Array]:
    """NumPy's reduction of a function of x, in the type of x."""

    def reduce(x: Array, axes: Axes) -> Array:
        xp = array_namespace(x)
        return getattr(xp, name)(before(x), axes, keepdims=True).astype(x.dtype)

    return reduce


_sum = _by_name("sum")


def _mean(x: Array, axes: Axes) -> Array:
    count = array_namespace(x).asarray(math.prod(x.shape[axis] for axis in axes), x.dtype)
    return integer_quotient(_sum(x, axes), count, down=False)


_INTEGERS: Mapping[str, Callable[[Array, Axes], Array]] = {
    "reduce_l1_norm": _by_name("sum", abs),
    "reduce_max": _by_name("max"),
    "reduce_mean": _mean,
    "reduce_min": _by_name("min"),
    "reduce_prod": _by_name("prod"),
    "reduce_sum": _sum,
    "reduce_sum_square": _by_name("sum", lambda x: x * x),
}

# The operations ------------------------------------------------------------------------------------------------------


def _layout(attributes: Mapping[str, Any], ranks: Ranks) -> Layout:
    """Images stay channels-last where the result has their axes, or none but one of them."""
    rank = ranks[0] or 0
    axes = attributes["axes"] if "axes" in attributes else (attributes["axis"],)
    if rank < 3:
        return "wire"
    if attributes["keep_dims"] or axes is None:
        return "either"
    reduced = {axis % rank for axis in axes}
    left = [axis for axis in range(rank) if axis not in reduced]
    return "either" if len(left) < 3 and sum(axis >= rank - 3 for axis in left) < 2 else "wire"


def _reduction(kind: str, of_floats: Callable[[Array, Axes], Array], words: str) -> Callable[..., Array]:
    of_integers = _INTEGERS.get(kind)

    @rounded_once
    def reduce(x: Array, *, axes: Axes | None, keep_dims: bool) -> Array:
        along = laid_axes(axes, x.ndim)
        if jnp.issubdtype(x.dtype, jnp.floating):
            result = of_floats(x, along)
        elif of_integers is not None:
            result = of_integers(x, along)
        else:
            result = of_floats(jnp.asarray(x, jnp.float32), along).astype(x.dtype)
        return result if keep_dims else result.reshape([n for axis, n in enumerate(x.shape) if axis not in along])

    reduce.__doc__ = f"""{words}, along `axes`.

    Half precision is summed in float32. Results of integers are truncated to integers; sums that int32
    cannot hold wrap around.

    Args:
        x: any shape.
        axes: may count from the end; None for all. An empty list reduces nothing.
        keep_dims: whether the axes stay, with size 1.

    Returns:
        The rank of x, or less without `keep_dims`.

    Raises:
        ShapeError: x lacks an axis, or one is given twice.

    Source: the operation {kind} of ML Programs (iOS 15).
    """
    return reduce


named_operations({kind: _reduction(kind, *row) for kind, row in _REDUCTIONS.items()}, version=15, layout=_layout)


_NO_GRADIENT = "positions are integers, which have no gradient"
_POSITION_TYPES = {"int32": jnp.int32, "uint16": jnp.uint16}


def _positions(kind: str, find: Callable[[Array, int], Array], words: str) -> None:
    """Register both versions of an operation that finds a position."""

    def reduce(x: Array, *, axis: int, keep_dims: bool) -> Array:
        axis = laid_axis(axis, x.ndim)
        found = find(jnp.asarray(x), axis)
        return found if keep_dims else found.squeeze(axis)

    def reduce_to(x: Array, *, axis: int, keep_dims: bool, output_dtype: str) -> Array:
        dtype = named(output_dtype, _POSITION_TYPES, "output_dtype")
        return reduce(x, axis=axis, keep_dims=keep_dims).astype(dtype)

    text = """The position of the {words} along an axis, the first of equal ones (the format does not say).

    Args:
        x: any rank >= 1. A NaN counts as the {words}.
        axis: may count from the end.
        keep_dims: whether the axis stays, with size 1.{more}

    Returns:
        Positions of type {type}, of the rank of x, or one less without `keep_dims`.

    Raises:
        ShapeError: x has no such axis.{refusal}

    Source: the operation {kind} of ML Programs (iOS {version}).
    """
    reduce.__doc__ = text.format(kind=kind, words=words, more="", refusal="", type="int32", version=15)
    more = "\n        output_dtype: int32 or uint16."
    refusal = "\n        SpecError: there is no such type."
    reduce_to.__doc__ = text.format(
        kind=kind, words=words, more=more, refusal=refusal, type="`output_dtype`", version=17
    )
    operation(kind, version=15, layout=_layout, differentiable=_NO_GRADIENT)(reduce)
    operation(kind, version=17, layout=_layout, differentiable=_NO_GRADIENT)(reduce_to)


_positions("reduce_argmax", kernels.position_of_max, "maximum")
_positions("reduce_argmin", kernels.position_of_min, "minimum")
