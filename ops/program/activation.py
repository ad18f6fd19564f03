"""Activations: functions of each element, with constant parameters or one parameter for each channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from graphml.catalogue import Layout, Ranks, Role, channel_axis
from graphml.errors import ShapeError
from graphml.ops.kernels import activations as kernels
from graphml.ops.kernels import normalization
from graphml.ops.kernels.arrays import Array, along_axis
from graphml.ops.kernels.elementwise import softplus
from graphml.ops.program._half import rounded_once
from graphml.ops.program._images import laid_axis
from graphml.ops.program._names import named
from graphml.ops.program.dialect import operation

_GELU: Mapping[str, Callable[[Array], Array]] = {
    "EXACT": kernels.gelu,
    "TANH_APPROXIMATION": kernels.gelu_by_tanh,
    "SIGMOID_APPROXIMATION": kernels.gelu_by_sigmoid,
}

# Operation -> (the function, description, roles)
_PLAIN: Mapping[str, tuple[Callable[[Array], Array], str, tuple[Role, ...]]] = {
    "relu": (jax.nn.relu, "x where it is positive, otherwise 0", ()),
    "relu6": (lambda x: jnp.clip(x, 0, 6), "x clipped to [0, 6]", ()),
    "sigmoid": (kernels.sigmoid, "1 / (1 + exp(-x))", ("sigmoid",)),
    "silu": (lambda x: x * kernels.sigmoid(x), "x times its sigmoid", ()),
    "softplus": (softplus, "log(1 + exp(x)), without overflow and without losing small values", ()),
    "softsign": (kernels.softsign, "x / (1 + |x|)", ()),
}


def _operation(kind: str, function: Callable[[Array], Array], words: str) -> Callable[..., Array]:
    @rounded_once
    def activate(x: Array) -> Array:
        return function(jnp.asarray(x))

    activate.__doc__ = f"""{words}.

    Args:
        x: any shape.

    Returns:
        The shape of x.

    Source: the operation {kind} of ML Programs (iOS 15).
    """
    return activate


for _kind, (_function, _words, _roles) in _PLAIN.items():
    operation(_kind, version=15, layout="any", roles=_roles)(_operation(_kind, _function, _words))


# With parameters -----------------------------------------------------------------------------------------------------


@operation("clamped_relu", version=15, layout="any")
@rounded_once
def clamped_relu(x: Array, *, alpha: float, beta: float) -> Array:
    """min(beta, x) where x >= 0, min(beta, alpha * x) below.

    Args:
        x: any shape.
        alpha: slope below 0.
        beta: the largest result.

    Returns:
        The shape of x.

    Source: the operation clamped_relu of ML Programs (iOS 15).
    """
    return kernels.clamped_relu(x, alpha, beta)


@operation("elu", version=15, layout="any")
@rounded_once
def elu(x: Array, *, alpha: float) -> Array:
    """x where x >= 0, alpha * (exp(x) - 1) below.

    Args:
        x: any shape.
        alpha: minus the limit for x towards -infinity.

    Returns:
        The shape of x.

    Source: the operation elu of ML Programs (iOS 15).
    """
    return kernels.elu(x, alpha)


@operation("gelu", version=15, layout="any")
@rounded_once
def gelu(x: Array, *, mode: str) -> Array:
    """x times the probability that a standard normal number is below x, exactly or by one of two approximations.

    Args:
        x: any shape.
        mode: EXACT, TANH_APPROXIMATION, or SIGMOID_APPROXIMATION, which is x * sigmoid(1.702 * x).

    Returns:
        The shape of x.

    Raises:
        SpecError: there is no such mode.

    Source: the operation gelu of ML Programs (iOS 15).
    """
    return named(mode, _GELU, "mode")(jnp.asarray(x))


@operation("leaky_relu", version=15, layout="any")
@rounded_once
def leaky_relu(x: Array, *, alpha: float) -> Array:
    """x where x >= 0, alpha * x below.

    Args:
        x: any shape.
        alpha: slope below 0.

    Returns:
        The shape of x.

    Source: the operation leaky_relu of ML Programs (iOS 15).
    """
    return kernels.leaky_relu(x, alpha)


@operation("linear_activation", version=15, layout="any")
@rounded_once
def linear_activation(x: Array, *, alpha: float, beta: float) -> Array:
    """alpha * x + beta.

    Args:
        x: any shape.
        alpha: the slope.
        beta: the result for x = 0.

    Returns:
        The shape of x.

    Source: the operation linear_activation of ML Programs (iOS 15).
    """
    return alpha * x + beta


@operation("scaled_tanh", version=15, layout="any")
@rounded_once
def scaled_tanh(x: Array, *, alpha: float, beta: float) -> Array:
    """alpha * tanh(beta * x).

    Args:
        x: any shape.
        alpha: factor of the result.
        beta: factor of x.

    Returns:
        The shape of x.

    Source: the operation scaled_tanh of ML Programs (iOS 15).
    """
    return kernels.scaled_tanh(x, alpha, beta)


@operation("sigmoid_hard", version=15, layout="any")
@rounded_once
def sigmoid_hard(x: Array, *, alpha: float, beta: float) -> Array:
    """alpha * x + beta, clipped to [0, 1].

    Args:
        x: any shape.
        alpha: the slope between the limits.
        beta: the result for x = 0.

    Returns:
        The shape of x.

    Source: the operation sigmoid_hard of ML Programs (iOS 15).
    """
    return kernels.hard_sigmoid(x, alpha, beta)


@operation("thresholded_relu", version=15, layout="any")
def thresholded_relu(x: Array, *, alpha: float) -> Array:
    """x where x >= alpha, otherwise 0.

    Args:
        x: any shape.
        alpha: the smallest number that stays.

    Returns:
        The shape of x.

    Source: the operation thresholded_relu of ML Programs (iOS 15).
    """
    return kernels.thresholded_relu(x, alpha)


# With parameters for each channel ------------------------------------------------------------------------------------


def _layout(attributes: Mapping[str, Any], ranks: Ranks) -> Layout:
    """The channels are axis 1, as in images only where the rank is 4."""
    return "either" if ranks[0] == 4 else "wire"


def _along_channels(x: Array, numbers: Array, name: str) -> Array:
    """One number for each channel, so that it broadcasts over x. Raises ShapeError where the count differs."""
    if not 3 <= x.ndim <= 5:
        raise ShapeError(f"x has rank {x.ndim}; it must be 3, 4 or 5")
    axis = channel_axis() if x.ndim == 4 else 1
    if numbers.shape != (x.shape[axis],):
        raise ShapeError(f"x has {x.shape[axis]} channels, {name} has shape {list(numbers.shape)}")
    return along_axis(numbers, axis, x.ndim)


@operation("prelu", version=15, layout=_layout, stored=("alpha",), roles=("rescaling",))
@rounded_once
def prelu(x: Array, alpha: Array) -> Array:
    """x where x >= 0, alpha * x below, with an alpha for each channel.

    Args:
        x: [batch, C, ...], of rank 3 to 5.
        alpha: [C], slopes below 0.

    Returns:
        The shape of x.

    Raises:
        ShapeError: x has another rank, or another number of channels.

    Source: the operation prelu of ML Programs (iOS 15).
    """
    return kernels.leaky_relu(x, _along_channels(x, alpha, "alpha"))


@operation("softplus_parametric", version=15, layout=_layout, stored=("alpha", "beta"), roles=("rescaling",))
@rounded_once
def softplus_parametric(x: Array, alpha: Array, beta: Array) -> Array:
    """alpha * log(1 + exp(beta * x)), with an alpha and a beta for each channel.

    Args:
        x: [batch, C, ...], of rank 3 to 5.
        alpha: [C], factors of the result.
        beta: [C], factors of x.

    Returns:
        The shape of x.

    Raises:
        ShapeError: x has another rank, or another number of channels.

    Source: the operation softplus_parametric of ML Programs (iOS 15).
    """
    return kernels.parametric_softplus(x, _along_channels(x, alpha, "alpha"), _along_channels(x, beta, "beta"))


# Probabilities -------------------------------------------------------------------------------------------------------


@operation("softmax", version=15, layout="either", roles=("softmax",))
@rounded_once
def softmax(x: Array, *, axis: int) -> Array:
    """exp(x) / sum(exp(x)) along an axis.

    Args:
        x: any shape of rank 1 or more.
        axis: the axis; negative ones count from the end.

    Returns:
        The shape of x.

    Raises:
        ShapeError: x has no such axis.

    Source: the operation softmax of ML Programs (iOS 15).
    """
    return normalization.softmax(x, laid_axis(axis, x.ndim))
