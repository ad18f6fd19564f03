"""Activations: elementwise non-linearities, in the one layer of specification 1 that holds thirteen of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from graphml.catalogue import Layout, Role
from graphml.ops._exponential import softplus
from graphml.ops._loops import in_loops
from graphml.ops.layers.dialect import layer
from graphml.spec.attributes import Choice


def sigmoid(x):
    """1 / (1 + exp(-x)), through tanh: several times faster on CPUs and exact to the last bits."""
    return 0.5 * jnp.tanh(0.5 * x) + 0.5


# Wire name of the oneof's member -> f(x, its scalar fields).
_PLAIN: Mapping[str, Callable[..., Any]] = {
    "linear": lambda x, alpha, beta: alpha * x + beta,
    "ReLU": lambda x: jax.nn.relu(x),
    "leakyReLU": lambda x, alpha: jnp.where(x >= 0, x, alpha * x),
    "thresholdedReLU": lambda x, alpha: jnp.where(x >= alpha, x, 0),
    "tanh": jnp.tanh,
    "scaledTanh": lambda x, alpha, beta: alpha * jnp.tanh(beta * x),
    "sigmoid": sigmoid,
    "sigmoidHard": lambda x, alpha, beta: jnp.clip(alpha * x + beta, 0, 1),
    "ELU": lambda x, alpha: jnp.where(x >= 0, x, alpha * jnp.expm1(jnp.minimum(x, 0))),
    "softsign": lambda x: x / (1 + jnp.abs(x)),
    "softplus": softplus,
}


def activate(x, choice: Choice):
    """An activation without weights, as recurrent layers use them too."""
    return _PLAIN[choice.name](x, **choice.fields)


def _layout(attributes: Mapping[str, Any]) -> Layout:
    choice = attributes["nonlinearity_type"]
    return "last" if choice is not None and choice.name in ("PReLU", "parametricSoftplus") else "any"


def _supported(attributes: Mapping[str, Any]) -> str | None:
    return "the activation has no type" if attributes["nonlinearity_type"] is None else None


def _roles(attributes: Mapping[str, Any]) -> tuple[Role, ...]:
    return ("sigmoid", "rescaling") if attributes["nonlinearity_type"].name == "sigmoid" else ("rescaling",)


@layer("activation", layout=_layout, supported=_supported, roles=_roles)
def activation(x, *, nonlinearity_type: Choice, alpha, beta):
    """One of thirteen functions, applied to each element.

    x: any shape; returns the same. `alpha` and `beta` are the weights of PReLU (one number, or one per channel) and of
    parametricSoftplus; the other types keep their numbers in `nonlinearity_type`.
    Source: ActivationParams (spec 1).
    """
    if nonlinearity_type.name == "PReLU":
        return jnp.where(x >= 0, x, alpha * x)
    if nonlinearity_type.name == "parametricSoftplus":
        return alpha * softplus(beta * x)
    return activate(in_loops(x) if nonlinearity_type.name == "tanh" else x, nonlinearity_type)
