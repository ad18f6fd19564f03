"""Activations: elementwise non-linearities, in the one layer of specification 1 that holds thirteen of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from graphml.catalogue import Layout, Ranks, Role
from graphml.ops.kernels import activations as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.elementwise import in_loops, softplus
from graphml.ops.layers.dialect import layer
from graphml.spec.attributes import Choice


def _linear(x: Array, alpha: float, beta: float) -> Array:
    return alpha * x + beta


# Wire name of the oneof's member -> f(x, **its scalar fields).
_WITHOUT_WEIGHTS: Mapping[str, Callable[..., Array]] = {
    "linear": _linear,
    "ReLU": jax.nn.relu,
    "leakyReLU": kernels.leaky_relu,
    "thresholdedReLU": kernels.thresholded_relu,
    "tanh": jnp.tanh,
    "scaledTanh": kernels.scaled_tanh,
    "sigmoid": kernels.sigmoid,
    "sigmoidHard": kernels.hard_sigmoid,
    "ELU": kernels.elu,
    "softsign": kernels.softsign,
    "softplus": softplus,
}


def activate(x: Array, choice: Choice) -> Array:
    """Apply an activation without weights, also for recurrent layers."""
    return _WITHOUT_WEIGHTS[choice.name](x, **choice.fields)


def _layout(attributes: Mapping[str, Any], ranks: Ranks) -> Layout:
    choice = attributes["nonlinearity_type"]
    return "last" if choice is not None and choice.name in ("PReLU", "parametricSoftplus") else "any"


def _supported(attributes: Mapping[str, Any]) -> str | None:
    return "the activation has no type" if attributes["nonlinearity_type"] is None else None


def _roles(attributes: Mapping[str, Any]) -> tuple[Role, ...]:
    return ("sigmoid", "rescaling") if attributes["nonlinearity_type"].name == "sigmoid" else ("rescaling",)


@layer("activation", layout=_layout, supported=_supported, roles=_roles)
def activation(x: Array, *, nonlinearity_type: Choice, alpha: Array, beta: Array) -> Array:
    """One of thirteen functions, applied to each element.

    Args:
        x: any shape.
        nonlinearity_type: the function with its numbers.
        alpha: weights of PReLU (one number, or one per channel) and of parametricSoftplus.
        beta: weights of parametricSoftplus.

    Returns:
        The shape of x.

    Source: ActivationParams (spec 1).
    """
    if nonlinearity_type.name == "PReLU":
        return kernels.leaky_relu(x, alpha)
    if nonlinearity_type.name == "parametricSoftplus":
        return kernels.parametric_softplus(x, alpha, beta)
    return activate(in_loops(x) if nonlinearity_type.name == "tanh" else x, nonlinearity_type)
