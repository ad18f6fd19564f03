"""Functions with custom derivatives, as typed decorators."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import jax

Result = TypeVar("Result")


def custom_jvp(*static: int) -> Callable[[Callable[..., Result]], jax.custom_jvp[Result]]:
    """`jax.custom_jvp` for functions with arguments that are not differentiated.

    Args:
        static: the positions of these arguments.

    Returns:
        A decorator.
    """
    return partial(jax.custom_jvp[Result], nondiff_argnums=static)
