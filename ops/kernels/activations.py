"""Activations: elementwise non-linear functions. Parameters are numbers, or arrays that broadcast against x."""

from __future__ import annotations

from typing import TypeAlias

import jax.numpy as jnp
from jax import lax

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.elementwise import softplus

Parameter: TypeAlias = float | Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)). Not by tanh, which gives 0 below -16, and NaN as the gradient of a logarithm of that."""
    return lax.logistic(x)


def leaky_relu(x: Array, alpha: Parameter) -> Array:
    """x where x >= 0, otherwise alpha * x. With an alpha for each channel this is PReLU."""
    return jnp.where(x >= 0, x, alpha * x)


def thresholded_relu(x: Array, alpha: Parameter) -> Array:
    """x where x >= alpha, otherwise 0."""
    return jnp.where(x >= alpha, x, 0)


def clamped_relu(x: Array, alpha: Parameter, beta: Parameter) -> Array:
    """min(beta, x) where x >= 0, otherwise min(beta, alpha * x)."""
    return jnp.minimum(beta, leaky_relu(x, alpha))


def elu(x: Array, alpha: Parameter) -> Array:
    """x where x >= 0, otherwise alpha * (exp(x) - 1)."""
    return jnp.where(x >= 0, x, alpha * jnp.expm1(jnp.minimum(x, 0)))


def scaled_tanh(x: Array, alpha: Parameter, beta: Parameter) -> Array:
    """alpha * tanh(beta * x)."""
    return alpha * jnp.tanh(beta * x)


def hard_sigmoid(x: Array, alpha: Parameter, beta: Parameter) -> Array:
    """alpha * x + beta, clipped to [0, 1]."""
    return jnp.clip(alpha * x + beta, 0, 1)


def softsign(x: Array) -> Array:
    """x / (1 + |x|)."""
    return x / (1 + jnp.abs(x))


def parametric_softplus(x: Array, alpha: Parameter, beta: Parameter) -> Array:
    """alpha * log(1 + exp(beta * x))."""
    return alpha * softplus(beta * x)


def gelu(x: Array) -> Array:
    """x times the probability that a standard normal number is below x."""
    return 0.5 * x * (1 + lax.erf(x * 0.5**0.5))


def gelu_by_tanh(x: Array) -> Array:
    """`gelu`, approximated by a hyperbolic tangent."""
    return 0.5 * x * (1 + jnp.tanh((2 / jnp.pi) ** 0.5 * (x + 0.044715 * x * x * x)))


def gelu_by_sigmoid(x: Array) -> Array:
    """`gelu`, approximated by a sigmoid."""
    return x * sigmoid(1.702 * x)
