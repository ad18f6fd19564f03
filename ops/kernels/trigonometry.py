"""Sine, cosine, tangent and their inverses, of radians and elementwise."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.cpu import trigonometry as cpu
from graphml.ops.kernels.platform import on_cpu


def _choice(fast: Callable[[Array], Array], plain: Callable[[Array], Array]) -> jax.custom_jvp[Array]:
    """`fast` for float32 on CPUs, otherwise `plain`."""

    def function(x: Array) -> Array:
        return fast(x) if on_cpu() and x.dtype == jnp.float32 else plain(x)

    return jax.custom_jvp(function)


sine = _choice(cpu.sine, jnp.sin)
cosine = _choice(cpu.cosine, jnp.cos)
tangent = _choice(cpu.tangent, jnp.tan)
arcsine = _choice(cpu.arcsine, jnp.arcsin)
arccosine = _choice(cpu.arccosine, jnp.arccos)
arctangent = _choice(cpu.arctangent, jnp.arctan)

sine.defjvps(lambda dx, y, x: cosine(x) * dx)
cosine.defjvps(lambda dx, y, x: -sine(x) * dx)
tangent.defjvps(lambda dx, y, x: (1 + y * y) * dx)
arcsine.defjvps(lambda dx, y, x: dx / jnp.sqrt(1 - x * x))
arccosine.defjvps(lambda dx, y, x: -dx / jnp.sqrt(1 - x * x))
arctangent.defjvps(lambda dx, y, x: dx / (1 + x * x))
