"""Trained weights by parameter key: which one is meant, and whether a value fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from graphml.errors import UpdateError
from graphml.update.parameters.keys import ParameterKey

Path = tuple[Any, ...]

NAMES = {"weights": "weights", "biases": "bias"}
"""The keys of weights, and what they mean without a further scope."""

_DIRECTIONS = ("forward", "backward")  # of the two sets of weights of a bidirectional layer


def checked_weight(train: Mapping[str, Any], key: ParameterKey, value: Any) -> tuple[Path, np.ndarray]:
    """The place of a weight in the tree of those that are trained, and its new value as float32.

    The scope of a key is a layer, by the path of its key in a sub-network; behind it the name of a weight of a layer
    with others than `weights` and `bias`, such as gamma, or forward/input_gate_weight_matrix. Raises UpdateError that
    lists what can be set.
    """
    given = str(key)
    places = dict(_places(train))
    if given not in places:
        raise UpdateError(f"{given} cannot be set; what is trained and can be set: {', '.join(places)}")
    path = places[given]
    array, old = np.asarray(value, np.float32), at(train, path)
    if array.size != old.size:
        raise UpdateError(f"{given} has shape {list(array.shape)}; the layer's is {list(old.shape)}")
    return path, array.reshape(old.shape)


def at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def with_weight(tree: Any, path: Path, value: Any) -> Any:
    """The tree with another leaf; everything else is shared."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(tree, list):
        return [with_weight(one, rest, value) if i == step else one for i, one in enumerate(tree)]
    return {**tree, step: with_weight(tree[step], rest, value)}


def _places(train: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """(key as text, path) of every weight that is trained."""
    for layer, weights in train.items():
        for kind, plain in NAMES.items():
            if plain in weights:
                yield f"{layer}/{kind}", (layer, plain)
        for names, path in _leaves(weights, (), (layer,)):
            if names not in (("weights",), ("bias",)):
                kind = "biases" if "bias" in names[-1] or names[-1] == "beta" else "weights"
                yield "/".join((layer, *names, kind)), path


def _leaves(tree: Any, names: tuple[str, ...], path: Path) -> Iterator[tuple[tuple[str, ...], Path]]:
    if isinstance(tree, Mapping):
        for name, inner in tree.items():
            # the message around the matrices of an LSTM has no name that people use
            yield from _leaves(inner, names if name == "weight_params" else (*names, name), (*path, name))
    elif isinstance(tree, list):
        for i, inner in enumerate(tree):
            yield from _leaves(inner, (*names, _DIRECTIONS[i] if len(tree) == 2 else str(i)), (*path, i))
    else:
        yield names, path
