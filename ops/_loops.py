"""Elementwise functions that XLA compiles to plain loops on CPUs.

A fusion of nothing but elementwise instructions it compiles in tiles instead, which takes up to three times as long
(jaxlib 0.10); one scalar constant among them is enough to prevent that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.catalogue import target
from graphml.ops._known import module, numpy_function


@jax.custom_jvp
def in_loops(x):
    """x itself, held between its infinities on CPUs: an instruction that costs nothing and has constants."""
    if target().platform != "cpu" or not jnp.issubdtype(x.dtype, jnp.floating):
        return x
    return lax.clamp(np.asarray(-np.inf, x.dtype), x, np.asarray(np.inf, x.dtype))


in_loops.defjvps(lambda dx, y, x: dx)


def looped_numpy(name: str) -> Callable[..., Any]:
    """`numpy_function`, as a loop where it is JAX's."""
    plain = numpy_function(name)

    def loop(x, *rest):
        return plain(x if module(x, *rest) is np else in_loops(x), *rest)

    return loop
