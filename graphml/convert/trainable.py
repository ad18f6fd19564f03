"""Which layers of a converted network were trainable in its source, determined from the weights.

Converters do not reliably keep the names of weights, but they keep the values: transposed, with gates in another order,
or with the channels scaled by a batch norm that was merged into them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from graphml.models import Model
from graphml.recipes import Recipe, network_of
from graphml.recipes.messages import keyed_layers
from graphml.spec.attributes import decode, kind_of
from graphml.spec.weights import Quantized
from graphml.spec.wire.model_pb2 import Model as Message
from graphml.update.edit.trainable import Trainable, make_trainable

SourceWeights = Mapping[str, tuple[np.ndarray, bool]]
"""{name: (array, whether it is trainable)} of a model that was converted."""

_CONSTANTS = ("loadConstant", "loadConstantND")
_PRODUCTS = ("batchedMatmul", "convolution")
_SAME_DIRECTION = 1e-4  # relative: the rounding of a channel that was scaled in single precision
_LEAST_NUMBERS = 4  # of a channel, needed to recognize it after scaling


@dataclass(frozen=True)
class SourceLayers:
    """The layers with weights of a converted network, by their role in its source.

    Attributes:
        trainable: the layers whose weights are trainable in the source.
        frozen: those with weights that are not.
        unknown: {layer: why its weights could not be found in the source}.
        notes: {layer: what is uncertain or lost}, of layers that were found.
        sources: {layer: the names of its weights in the source}.
    """

    trainable: tuple[str, ...]
    frozen: tuple[str, ...]
    unknown: Mapping[str, str]
    notes: Mapping[str, str]
    sources: Mapping[str, tuple[str, ...]]


def frozen_layers(weights: SourceWeights, spec: Message) -> SourceLayers:
    """Find the weights of a converted network among those of its source.

    Weights are equal if they have the same values in any order. A kernel without a match is compared by the directions
    of its channels, because a batch norm may have scaled these; if that fails too, its bias decides. Weights that occur
    several times in the source are assigned to layers in order if there are as many of these.

    Args:
        weights: of the source, in the order in which it runs them: see `source_weights`.
        spec: the message of the converted neural network.

    Raises:
        UpdateError: the model is not a neural network.
    """
    search = _SourceSearch(weights, list(_layers(spec)))
    found: dict[str, list[str]] = {"trainable": [], "frozen": []}
    unknown: dict[str, str] = {}
    notes: dict[str, str] = {}
    sources: dict[str, tuple[str, ...]] = {}
    for layer in search.layers:
        names, remark = search.sources_of(layer)
        if not names:
            unknown[layer.key] = remark
            continue
        flags = {weights[name][1] for name in names}
        if len(flags) > 1:
            remark = "some of its weights are trainable in the source and some are not; Core ML trains all or none"
        if remark:
            notes[layer.key] = remark
        sources[layer.key] = names
        found["trainable" if flags == {True} else "frozen"].append(layer.key)
    return SourceLayers(tuple(found["trainable"]), tuple(found["frozen"]), unknown, notes, sources)


def respect_trainable(
    model: Model,
    weights: SourceWeights,
    layers: Sequence[str] | None = None,
    *,
    recipe: Recipe | None = None,
    **settings: Any,
) -> tuple[Trainable, SourceLayers]:
    """Make a converted network trainable where its source is.

    Layers whose weights cannot be found are not changed, unless all weights of the source are trainable.

    Args:
        model: the converted neural network.
        weights: of the source.
        layers: names or patterns of layers; only these learn. None for all.
        recipe: as for `make_trainable`.
        settings: as for `make_trainable`.

    Raises:
        UpdateError: as for `make_trainable`.
    """
    found = frozen_layers(weights, model.spec)
    everything = all(trainable for _, trainable in weights.values())
    frozen = found.frozen if everything else (*found.frozen, *found.unknown)
    return make_trainable(model, layers, frozen=frozen, recipe=recipe, **settings), found


def source_weights(source: Any) -> dict[str, tuple[np.ndarray, bool]]:
    """The weights of a torch module or a Keras model. Any: neither framework needs to be installed.

    Statistics of batch norms and states of random generators, which no gradient changes, are left out.

    Raises:
        TypeError: it is neither.
    """
    if hasattr(source, "named_parameters"):
        return {
            name: (parameter.detach().cpu().float().numpy(), bool(parameter.requires_grad))
            for name, parameter in source.named_parameters()
        }
    if hasattr(source, "layers") and hasattr(source, "weights"):
        found: dict[str, tuple[np.ndarray, bool]] = {}
        for variable in source.weights:
            name = str(variable.path if hasattr(variable, "path") else variable.name)
            array = np.asarray(variable.numpy())
            if array.dtype.kind == "f" and not name.endswith(("moving_mean", "moving_variance")):
                found[name] = (array, bool(variable.trainable))
        return found
    raise TypeError(f"expected a torch module or a Keras model, got {type(source).__name__}")


# The weights of layers ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layer:
    """A layer: its arrays, and whether some of its weights are quantized."""

    key: str
    arrays: Mapping[str, np.ndarray]
    quantized: bool


def _layers(spec: Message) -> Iterator[_Layer]:
    constants: dict[str, Any] = {}
    for key, layer in keyed_layers(network_of(spec)):
        kind, weights = kind_of(layer), decode(layer).weights
        if kind in _CONSTANTS:
            constants.update(dict.fromkeys(layer.output, weights.get("data")))
            continue
        flat = dict(_flat(weights))
        if kind in _PRODUCTS and len(layer.input) == 2 and constants.get(layer.input[1]) is not None:
            flat["weights"] = constants[layer.input[1]]
        quantized = any(isinstance(one, Quantized) or one.dtype == np.int8 for one in flat.values())
        plain = {name: one for name, one in flat.items() if not isinstance(one, Quantized) and one.dtype != np.int8}
        if flat:
            yield _Layer(key, _gates_together(plain), quantized)


def _flat(weights: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(weights, Mapping | list):
        inner = cast("Mapping[Any, Any] | list[Any]", weights)
        for name, one in inner.items() if isinstance(inner, Mapping) else enumerate(inner):
            yield from _flat(one, f"{path}/{name}" if path else str(name))
    elif weights is not None:
        yield path, weights


def _gates_together(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays, with those of the gates of a recurrent layer merged, as in sources."""
    found: dict[str, list[np.ndarray]] = {}
    for name, array in arrays.items():
        where, _, last = name.rpartition("/")
        ending = next((e for e in ("recursion_matrix", "weight_matrix", "bias_vector") if last.endswith(e)), None)
        found.setdefault(name if ending is None else f"{where}/{ending}", []).append(array)
    return {name: one[0] if len(one) == 1 else np.concatenate(one) for name, one in found.items()}


# Matching -------------------------------------------------------------------------------------------------------------


class _SourceSearch:
    """The weights of a source, indexed by their values."""

    def __init__(self, weights: SourceWeights, layers: list[_Layer]) -> None:
        self._weights = weights
        self.layers = layers
        self._named: dict[str, list[str]] = {}  # digest -> names in the source
        for name, (array, _) in weights.items():
            for digest in {_digest(array), _digest(np.asarray(array, np.float16))} - {None}:
                assert digest is not None
                self._named.setdefault(digest, []).append(name)
        self._holders: dict[str, list[tuple[str, str]]] = {}  # digest -> (layer, weight)
        for layer in layers:
            for name, array in layer.arrays.items():
                digest = _digest(array)
                if digest is not None:
                    self._holders.setdefault(digest, []).append((layer.key, name))

    def sources_of(self, layer: _Layer) -> tuple[tuple[str, ...], str]:
        """The names of a layer's weights in the source, and a remark; if there are no names, the reason."""
        found: list[str] = []
        remarks: list[str] = []
        kernels = [name for name in layer.arrays if "bias" not in name]
        for name, array in layer.arrays.items():
            source, remark = self._equal(layer, name, array)
            if source is None and name in kernels and not remark:
                source = self._scaled(array)
                remark = "" if source is None else "its channels are scaled, as by a batch norm that was merged into it"
            if remark:
                remarks.append(remark)
            if source is not None:
                found.append(source)
        if found:
            return tuple(found), "; ".join(dict.fromkeys(remarks))
        if layer.quantized:
            remarks.append("its weights are quantized, so they are no longer those of the source")
        elif not any(map(_digest, layer.arrays.values())):
            remarks.append("its weights are all equal, as in a new layer")
        return (), "; ".join(remarks) or "no weights of the source have its values"

    def _equal(self, layer: _Layer, name: str, array: np.ndarray) -> tuple[str | None, str]:
        """(the source of an array with the same values, a remark)"""
        digest = _digest(array)
        names = self._named.get(digest, []) if digest else []
        if len({self._weights[one][1] for one in names}) <= 1:
            return (names[0] if names else None), ""
        assert digest is not None
        holders = self._holders[digest]
        if len(holders) != len(names):
            return None, f"{', '.join(names)} have the same values, and only some of them are trainable"
        order = names[holders.index((layer.key, name))]
        return order, f"{', '.join(names)} have the same values; it was matched with {order} by its position"

    def _scaled(self, array: np.ndarray) -> str | None:
        """The only source whose channels have the same directions as those of this array."""
        directions = _directions(array, 0)
        if directions is None:
            return None
        found: list[str] = []
        for name, (source, _) in self._weights.items():
            if source.size != array.size or source.ndim != array.ndim:
                continue
            axes = [axis for axis, size in enumerate(source.shape) if size == array.shape[0]]
            for other in (_directions(source, axis) for axis in axes):
                if other is not None and np.allclose(directions, other, rtol=0, atol=_SAME_DIRECTION):
                    found.append(name)
                    break
        return found[0] if len(found) == 1 else None


def _digest(array: np.ndarray) -> str | None:
    """A digest of the values in any order; None if they are all equal, as in new biases."""
    values = np.sort(np.asarray(array, np.float32), axis=None) + np.float32(0)  # no -0
    if values.size < 2 or values[0] == values[-1] or not np.isfinite(values).all():
        return None
    return hashlib.sha256(values.tobytes()).hexdigest()


def _directions(array: np.ndarray, axis: int) -> np.ndarray | None:
    """Each channel divided by its largest magnitude, as sorted magnitudes; None if channels have too few elements."""
    rows = np.abs(np.moveaxis(np.asarray(array, np.float64), axis, 0).reshape(array.shape[axis], -1))
    largest = rows.max(axis=1, keepdims=True, initial=0)
    if rows.shape[1] < _LEAST_NUMBERS or not (largest > 0).all() or (rows == largest).all():
        return None
    return np.sort(rows / largest, axis=1)
