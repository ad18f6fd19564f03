"""Matrix products and convolutions in half precision, where the caller of the network allows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from graphml.catalogue import target
from graphml.ops.kernels.arrays import Array


def contract(function: Callable[..., Any], x: Array, y: Array, *rest: Any, **options: Any) -> Array:
    """Call one of JAX's dots or convolutions with the precision that the target asks for.

    When the target allows low precision and is not a CPU, operands and accumulator are float16. On a CPU half precision
    is slower, so nothing changes. Otherwise the precision is JAX's own setting (`jax.default_matmul_precision`).

    Args:
        function: called as function(x, y, *rest, **options).
        x: left operand.
        y: right operand.
        rest: further positional arguments of the function.
        options: keyword arguments of the function.

    Returns:
        The result, in the dtype that it has without low precision.
    """
    if not target().low_precision or target().platform == "cpu":
        return function(x, y, *rest, **options)
    narrow = function(
        x.astype(jnp.float16), y.astype(jnp.float16), *rest, preferred_element_type=jnp.float16, **options
    )
    return narrow.astype(jnp.result_type(x, y))


def matmul(x: Array, y: Array) -> Array:
    """The product of the last two axes of x and y, as `jnp.matmul`, with the precision of the target."""
    return contract(jnp.matmul, x, y)


def working_type(dtype: Any) -> Any:
    """The type in which an operation of several steps computes: float32 for halves, which are then rounded once, at the
    end. Where the target allows low precision, the type itself."""
    return dtype if target().low_precision else jnp.promote_types(dtype, jnp.float32)
