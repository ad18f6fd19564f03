"""A network while it is rewritten: its layers as a list, who writes and reads which blob, and the shapes of blobs."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from graphml.recipes import network_of
from graphml.spec import versions
from graphml.spec.attributes import decode, encode, kind_of
from graphml.spec.layers import EXITS, REGIONS
from graphml.spec.networks import is_exact, layer_keys
from graphml.spec.weights import CompressedWeight
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

Shape = tuple[int, ...]


class Draft:
    """A copy of a network that rewrites change in place.

    Args:
        message: the model; it is copied.
        shapes: {blob: its shape}, of all blobs whose shape is known.
        fixed: whether every input has a single shape, so that the sizes hold for each prediction and not only the
            ranks.

    Attributes:
        layers: the outermost layers in order. Rewrites may change them, and call `changed` when they do.
        shapes: as above; rewrites add the blobs that they make.
    """

    def __init__(self, message: Model, shapes: Mapping[str, Shape], *, fixed: bool) -> None:
        self.message = Model()
        self.message.CopyFrom(message)
        self.network = network_of(self.message)
        _name_probabilities(self.message, self.network)
        self.layers: list[Any] = []
        for key, layer in zip(layer_keys(self.network.layers), self.network.layers, strict=True):
            self.layers.append(NeuralNetworkLayer())
            self.layers[-1].CopyFrom(layer)
            self.layers[-1].name = key  # a numbered key would change with the preceding layers
        self.shapes = dict(shapes)
        self.fixed = fixed
        self.exact = is_exact(self.network)
        self._results = set(_results(self.message, self.network))
        self._arrays = {f.name for f in message.description.output if not f.type.HasField("dictionaryType")}
        self._squeezed: list[Any] = []  # layers that `add_squeezed` has added

    # Questions -------------------------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Forget who writes and reads what."""
        for name in ("_writers", "_readers", "_inner"):
            vars(self).pop(name, None)

    @functools.cached_property
    def _writers(self) -> dict[str, list[Any]]:
        return _index(self.layers, "output")

    @functools.cached_property
    def _readers(self) -> dict[str, list[Any]]:
        return _index(self.layers, "input")

    @functools.cached_property
    def _inner(self) -> set[str]:
        """The blobs that sub-networks read or write."""
        return {blob for layer in self.layers for inner in _inside(layer) for blob in (*inner.input, *inner.output)}

    def writer(self, blob: str) -> Any | None:
        """The only layer that writes a blob; None if it is an input, or written in several places."""
        found = self._writers.get(blob, ())
        return found[0] if len(found) == 1 and blob not in self._inner else None

    def readers(self, blob: str) -> Sequence[Any]:
        """The layers that read a blob, those in sub-networks left out."""
        return self._readers.get(blob, ())

    def is_needed(self, blob: str) -> bool:
        """Whether anything reads a blob, or it is an output of the model."""
        return bool(self.readers(blob)) or blob in self._results or blob in self._inner

    def has_single_reader(self, blob: str) -> bool:
        """Whether one layer reads a blob and nobody else needs it."""
        return len(self.readers(blob)) == 1 and blob not in self._results and blob not in self._inner

    def is_array(self, blob: str) -> bool:
        """Whether the shape of a blob can be seen in an output of the model."""
        return blob in self._arrays

    def rank(self, blob: str) -> int | None:
        """The number of axes of a blob; None if it is not known."""
        return len(self.shapes[blob]) if blob in self.shapes else None

    def constant(self, blob: str) -> np.ndarray | None:
        """The value of a blob that a constant layer writes, in the shape that others see; None for any other blob."""
        layer = self.writer(blob)
        if layer is None or kind_of(layer) not in ("loadConstant", "loadConstantND"):
            return None
        data = floats(decode(layer).weights.get("data"))
        return data if data is None or kind_of(layer) == "loadConstantND" else data[None, None]

    def fresh(self, blob: str, shape: Shape) -> str:
        """A new name for a blob of this shape, like `blob`."""
        taken = {*self.shapes, *self._writers, *self._readers, *self._results, *self._inner}
        while blob in taken:
            blob += "_"
        self.shapes[blob] = shape
        return blob

    # Changes ---------------------------------------------------------------------------------------------------------

    def replace(self, layer: Any, kind: str, inputs: Sequence[str], **fields: Any) -> None:
        """Change the kind of a layer, keeping its name and outputs."""
        new: Any = encode(kind, fields)
        new.name = layer.name
        new.input.extend(inputs)
        new.output.extend(layer.output)
        layer.CopyFrom(new)
        self.changed()

    def reroute(self, last: Any, source: str, chain: Sequence[Any]) -> bool:
        """Let a chain of shape-preserving layers read `source` and write the output of another layer, which is removed.

        Args:
            last: the layer that is removed.
            source: a blob of the shape of its output.
            chain: the layers in order, each the only reader of the one before; if there are none, the readers of the
                output read `source` instead.

        Returns:
            Whether that is possible: without a chain, the output must not be needed under its name.
        """
        result = last.output[0]
        if not chain:
            if result in self._results or result in self._inner:
                return False
            for reader in list(self.readers(result)):
                reader.input[:] = [source if blob == result else blob for blob in reader.input]
        else:
            chain[0].input[0] = source
            for layer in chain:
                self.shapes[layer.output[0]] = self.shapes[result]
            chain[-1].output[0] = result
        self.remove(last)
        return True

    def add(self, kind: str, source: str, result: str, *, after: Any | None, **fields: Any) -> Any:
        """Add a layer that makes one blob from another, after a given layer or, for None, before all layers."""
        names = {layer.name for layer in self.layers}
        layer: Any = encode(kind, fields)
        layer.name = result
        while layer.name in names:
            layer.name += "_"
        layer.input.append(source)
        layer.output.append(result)
        self.layers.insert(0 if after is None else self._position(after) + 1, layer)
        self.changed()
        return layer

    def add_squeezed(self, source: str, result: str, *, after: Any, axes: Sequence[int]) -> None:
        """Add a layer that restores the rank of a blob for its other readers; `finish` drops it if it has none."""
        self._squeezed.append(self.add("squeeze", source, result, after=after, axes=axes))

    def remove(self, layer: Any) -> None:
        """Remove a layer."""
        del self.layers[self._position(layer)]
        self.changed()

    def _position(self, layer: Any) -> int:
        return next(i for i, other in enumerate(self.layers) if other is layer)

    def drop_unread(self) -> bool:
        """Remove the layers whose results nobody needs. Returns whether there were any."""
        found = False
        for layer in reversed(list(self.layers)):
            free = kind_of(layer) not in REGIONS and kind_of(layer) not in EXITS
            if free and layer.output and not any(self.is_needed(blob) for blob in layer.output):
                self.remove(layer)
                found = True
        return found

    def finish(self, losses: Iterable[str]) -> tuple[Model, dict[str, str]]:
        """The rewritten model, and the blobs that were renamed at the end: {name until now: final name}.

        Args:
            losses: the blobs that losses read.
        """
        self._results.update(losses)
        names: dict[str, str] = {}
        for layer in self._squeezed:
            source, result = layer.input[0], layer.output[0]
            if self.readers(result) or self.is_array(result) or result in self._inner:
                continue
            self.remove(layer)
            names[source] = result
        for layer in self.layers:
            for blobs in (layer.input, layer.output):
                blobs[:] = [names.get(blob, blob) for blob in blobs]
        self.changed()
        self._results = {names.get(blob, blob) for blob in self._results}
        self.drop_unread()
        for layer in self.layers:  # the recorded shapes of other ranks
            del layer.inputTensor[:]
            del layer.outputTensor[:]
        del self.network.layers[:]
        self.network.layers.extend(self.layers)
        if self.exact and not is_exact(self.network):
            self.network.arrayInputShapeMapping = 1  # the layers that implied it are gone
        self.message.specificationVersion = max(self.message.specificationVersion, versions.required(self.message))
        return self.message, names


def floats(weight: Any) -> np.ndarray | None:
    """A stored weight as float32; None if it is absent."""
    if weight is None:
        return None
    return np.asarray(weight.dequantize() if isinstance(weight, CompressedWeight) else weight, np.float32)


def _index(layers: Sequence[Any], field: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for layer in layers:
        for blob in dict.fromkeys(getattr(layer, field)):
            found.setdefault(blob, []).append(layer)
    return found


def _inside(layer: Any) -> Iterator[Any]:
    """The layers of a layer's sub-networks, at any depth."""
    for field in REGIONS.get(kind_of(layer), {}):
        for inner in getattr(getattr(layer, kind_of(layer)), field).layers:
            yield inner
            yield from _inside(inner)


def _results(message: Model, network: Any) -> Iterator[str]:
    """The blobs that the model returns."""
    yield from (feature.name for feature in message.description.output)
    if message.HasField("neuralNetworkClassifier"):
        yield network.labelProbabilityLayerName


def _name_probabilities(message: Model, network: Any) -> None:
    """Name the probabilities of a classifier if they are only the last blob, which another layer may write soon."""
    if message.HasField("neuralNetworkClassifier") and not network.labelProbabilityLayerName:
        blobs = (layer.output[0] for layer in reversed(network.layers) if layer.output)
        network.labelProbabilityLayerName = next(blobs, "")
