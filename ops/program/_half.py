"""Half precision: operations of several steps round once, at their end."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import jax.numpy as jnp

from graphml.catalogue import target

F = TypeVar("F", bound=Callable[..., Any])


def rounded_once(function: F) -> F:
    """Compute in float32 what comes in half precision, and round the result to the type of the first input.

    The types of a program say what values between operations are, and leave open how an operation computes. Where the
    target allows low precision, all steps are in half precision.

    Args:
        function: called as function(*arrays, **attributes); returns one array.

    Returns:
        The function for inputs of every type.
    """

    @functools.wraps(function)
    def wide(*arrays: Any, **attributes: Any) -> Any:
        if not is_half(arrays[0].dtype) or target().low_precision:
            return function(*arrays, **attributes)
        widened = (a.astype(jnp.float32) if a is not None and is_half(a.dtype) else a for a in arrays)
        return function(*widened, **attributes).astype(arrays[0].dtype)

    return cast(F, wide)


def is_half(dtype: Any) -> bool:
    """Whether a type is one of the floats of 16 bits."""
    return dtype.itemsize == 2 and bool(jnp.issubdtype(dtype, jnp.floating))
