"""Sine, cosine, tangent and their inverses, elementwise, in radians."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.cpu import trigonometry as cpu
from graphml.ops.kernels.platform import on_cpu


def _function(
    fast: Callable[[Array], Array], plain: Callable[[Array], Array], derivative: Callable[[Array, Array], Array]
) -> Callable[[Array], Array]:
    """`fast` for float32 on CPUs, otherwise `plain`; derivative: of x and the value of the function there."""

    @jax.custom_jvp
    def function(x: Array) -> Array:
        return fast(x) if on_cpu() and x.dtype == jnp.float32 else plain(x)

    def jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        (x,), (dx,) = primals, tangents
        y = function(x)
        return y, derivative(x, y) * dx

    function.defjvp(jvp)
    return function


sine = _function(cpu.sine, jnp.sin, lambda x, y: cosine(x))
cosine = _function(cpu.cosine, jnp.cos, lambda x, y: -sine(x))
tangent = _function(cpu.tangent, jnp.tan, lambda x, y: 1 + y * y)
arcsine = _function(cpu.arcsine, jnp.arcsin, lambda x, y: 1 / jnp.sqrt(1 - x * x))
arccosine = _function(cpu.arccosine, jnp.arccos, lambda x, y: -1 / jnp.sqrt(1 - x * x))
arctangent = _function(cpu.arctangent, jnp.arctan, lambda x, y: 1 / (1 + x * x))
