"""Products in half precision, for those who allow them: one place where matrix products and convolutions ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from graphml.catalogue import target


def contract(function: Callable[..., Any], x, y, *rest: Any, **options: Any):
    """`function(x, y, *rest, **options)`, where function is one of JAX's dots or convolutions.

    When the target allows low precision and is no CPU, operands and accumulator are float16; the result has the dtype
    that it would have had. On a CPU half precision is slower, so nothing changes. Otherwise the precision is JAX's own
    setting (`jax.default_matmul_precision`).
    """
    if not target().low_precision or target().platform == "cpu":
        return function(x, y, *rest, **options)
    narrow = function(
        x.astype(jnp.float16), y.astype(jnp.float16), *rest, preferred_element_type=jnp.float16, **options
    )
    return narrow.astype(jnp.result_type(x, y))
