"""Layers of a custom class: the network names the class, the user registers the function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast, overload

import jax.numpy as jnp

from graphml.catalogue import target
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers.dialect import layer

Function = Callable[..., Any]

_registered: dict[str, Function] = {}


@overload
def register_custom_layer(class_name: str, function: Function, *, replace: bool = False) -> Function: ...
@overload
def register_custom_layer(class_name: str, *, replace: bool = False) -> Callable[[Function], Function]: ...
def register_custom_layer(class_name: str, function: Function | None = None, *, replace: bool = False) -> Function:
    """Register the function that custom layers of a class compute.

        @register_custom_layer("Swish")
        def swish(x, *, weights, parameters):
            return x * jax.nn.sigmoid(x)

    Args:
        class_name: the name of the class in the network.
        function: f(*inputs, weights: list, parameters: dict) -> array or tuple of arrays, in JAX. It sees blobs in wire
            layout ([..., channels, height, width]); each weight is a flat float array, as the format stores no shape.
        replace: whether to replace a function that the class already has.

    Returns:
        The function, or a decorator when none is given.

    Raises:
        ValueError: the class already has a function, and `replace` is False.
    """
    if function is None:

        def register(given: Function) -> Function:
            return register_custom_layer(class_name, given, replace=replace)

        return register
    if class_name in _registered and not replace:
        raise ValueError(f"custom layer class {class_name!r} already has a function; pass replace=True to replace it")
    _registered[class_name] = function
    return function


def _find(class_name: str) -> Function | None:
    return target().custom_layers.get(class_name, _registered.get(class_name))


def _supported(attributes: Mapping[str, Any]) -> str | None:
    if _find(attributes["class_name"]) is not None:
        return None
    reason = f"custom layer class {attributes['class_name']!r} is not registered"
    return f"{reason}; its description: {attributes['description']}" if attributes["description"] else reason


@layer("custom", wire_only=("description",), supported=_supported)
def custom(*inputs: Array, class_name: str, weights: Any, parameters: Mapping[str, Any]) -> Array | tuple[Array, ...]:
    """The result of the function of the layer's class.

    The function is looked up among the `custom_layers` that the network was lowered with, then among those that
    `register_custom_layer` has registered.

    Args:
        inputs: the arguments of the function.
        class_name: the name of the class.
        weights: a list of flat arrays.
        parameters: numbers, strings and bools by name.

    Returns:
        One array or several.

    Source: CustomLayerParams (spec 2).
    """
    function = _find(class_name)
    assert function is not None, "a network with an unknown class is refused when it is lowered"
    results: Any = function(*inputs, weights=[] if weights is None else list(weights), parameters=dict(parameters))
    if isinstance(results, tuple | list):
        return tuple(jnp.asarray(result) for result in cast("Sequence[Any]", results))
    return jnp.asarray(results)
