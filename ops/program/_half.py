"""Half precision: operations of several steps round once, at the end."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import jax.numpy as jnp

from graphml.ops.kernels.precision import working_type

F = TypeVar("F", bound=Callable[..., Any])


def rounded_once(function: F) -> F:
    """Compute half-precision inputs in float32, and round the result to the type of the inputs.

    The types of a program are those of values between operations; they do not say how an operation computes. Where the
    target allows low precision, all steps are in half precision.

    Args:
        function: called as function(*arrays, **attributes); returns one array.

    Returns:
        The function for inputs of every type.
    """

    @functools.wraps(function)
    def wide(*arrays: Any, **attributes: Any) -> Any:
        types = {a.dtype for a in arrays if a is not None and jnp.issubdtype(a.dtype, jnp.floating)}
        if len(types) != 1:
            return function(*arrays, **attributes)
        (dtype,) = types
        return function(
            *(a.astype(working_type(dtype)) if a is not None and a.dtype == dtype else a for a in arrays), **attributes
        ).astype(dtype)

    return cast(F, wide)
