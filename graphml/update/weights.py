"""Setting trained weights by parameter key: finding the weight, and checking the value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np

from graphml.errors import UpdateError
from graphml.recipes.parameters import ParameterKey

Path = tuple[Any, ...]

NAMES = {"weights": "weights", "biases": "bias"}
"""The keys of weights, and the weight of a layer that each of them refers to."""

VALUE = "val"
"""The only weight of a constant in an ML Program."""

_DIRECTIONS = ("forward", "backward")  # of the two sets of weights of a bidirectional layer


def checked_weight(train: Mapping[str, Any], key: ParameterKey, value: Any) -> tuple[Path, np.ndarray]:
    """Find the weight that a key refers to, and check its new value.

    Args:
        train: the weights that are trained, {layer: {weight: array}}.
        key: its scope is a layer (in a sub-network, its path) or a constant of a program, then the name of the weight
            if the layer has others than `weights` and `bias`, such as gamma or forward/input_gate_weight_matrix.
        value: the new value, with as many elements as the old one.

    Returns:
        The path of the weight in `train`, and the value as float32 in the shape of the old one.

    Raises:
        UpdateError: no trained weight has this key (the message lists all keys), or the value has another size.
    """
    given = str(key)
    places = dict(_places(train))
    if given not in places:
        raise UpdateError(f"{given} cannot be set; these trained weights can: {', '.join(places)}")
    path = places[given]
    array, old = np.asarray(value, np.float32), at(train, path)
    if array.size != old.size:
        raise UpdateError(f"{given} must have shape {list(old.shape)}, got {list(array.shape)}")
    return path, array.reshape(old.shape)


def at(tree: Any, path: Path) -> Any:
    """The leaf of a tree at a path."""
    for step in path:
        tree = tree[step]
    return tree


def with_weight(tree: Any, path: Path, value: Any) -> Any:
    """A copy of the tree with another leaf; everything else is shared."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(tree, list):
        return [with_weight(one, rest, value) if i == step else one for i, one in enumerate(cast("list[Any]", tree))]
    return {**tree, step: with_weight(tree[step], rest, value)}


def _places(train: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """(key as text, path) of every weight that is trained."""
    for layer, weights in train.items():
        for kind, plain in NAMES.items():
            if plain in weights:
                yield f"{layer}/{kind}", (layer, plain)
        for names, path in _leaves(weights, (), (layer,)):
            if names not in (("weights",), ("bias",)):
                kind = "biases" if names and ("bias" in names[-1] or names[-1] == "beta") else "weights"
                yield "/".join((layer, *names, kind)), path


def _leaves(tree: Any, names: tuple[str, ...], path: Path) -> Iterator[tuple[tuple[str, ...], Path]]:
    if isinstance(tree, Mapping):
        for name, inner in cast("Mapping[str, Any]", tree).items():
            # the message around the matrices of an LSTM is not part of their names, nor is that of a constant's value
            own = names if name in ("weight_params", VALUE) else (*names, name)
            yield from _leaves(inner, own, (*path, name))
    elif isinstance(tree, list):
        matrices = cast("list[Any]", tree)
        for i, inner in enumerate(matrices):
            yield from _leaves(inner, (*names, _DIRECTIONS[i] if len(matrices) == 2 else str(i)), (*path, i))
    else:
        yield names, path
