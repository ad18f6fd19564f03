"""The base of all parts of the builder: the model under construction, and how a layer is appended to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from graphml.build.arguments import Fields
from graphml.errors import GraphError, GraphmlError, SpecError
from graphml.spec import layers
from graphml.spec.attributes import decode, encode, kind_of, weight_messages
from graphml.spec.rules.layer_fields import field_faults
from graphml.spec.versions import required
from graphml.spec.weights import Quantized
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.network_pb2 import NeuralNetwork, NeuralNetworkLayer

# The names of a layer's inputs or outputs; a single name may be given as a string.
Names = Sequence[str] | str | None

# Kinds whose layers may be completed after they have been added, so they are not checked when they are added.
_FILLED_IN_LATER = ("branch", "loop", "custom")


class Core:
    """A network message, the model around it, and how its inputs are mapped.

    Args:
        model: The model, which is changed; None for a sub-network.
        network: The network message in it, to which layers are added.
        exact: Whether arrays keep their declared shapes in the network. None: if a layer needs it;
            False: leave the mapping as it is.
        check: Whether to infer the shapes after each layer.
    """

    def __init__(self, model: Model | None, network: Any, exact: bool | None, check: bool) -> None:
        self._model = model
        self._network = network
        self._exact = exact
        self._check = check
        self._said = self._floor = 0 if model is None else model.specificationVersion

    # The messages ----------------------------------------------------------------------------------------------------

    @property
    def network(self) -> Any:
        """The network message under construction. Layers may be changed through it."""
        return self._network

    nn_spec = network

    @property
    def spec(self) -> Model:
        """The Model message, with the lowest specification version that its content needs.

        It is not a copy: changes to it change what is built, and a higher version set by hand is kept.

        Raises:
            GraphError: If this is the builder of a sub-network, which has no model.
        """
        model = self._whole
        newer = any(layers.since(kind_of(layer)) > 3 for layer in self._network.layers)
        if self._exact or (self._exact is None and newer):
            self._network.arrayInputShapeMapping = 1
            if any(feature.type.HasField("imageType") for feature in model.description.input):
                self._network.imageInputShapeMapping = 1
        if model.specificationVersion != self._said:
            self._floor = model.specificationVersion
        self._said = model.specificationVersion = max(self._floor, required(model))
        return model

    @property
    def _whole(self) -> Model:
        if self._model is None:
            raise GraphError("this is the builder of a sub-network, which has no model")
        return self._model

    @property
    def layers(self) -> list[str]:
        """The names of the layers, in order."""
        return [layer.name for layer in self._network.layers]

    @property
    def layer_specs(self) -> dict[str, NeuralNetworkLayer]:
        """{name: message} of the layers. The messages may be changed."""
        return {layer.name: layer for layer in self._network.layers}

    def _layer(self, name: str) -> NeuralNetworkLayer:
        found = next((layer for layer in self._network.layers if layer.name == name), None)
        if found is None:
            raise GraphError(
                f"there is no layer {name!r}; the layers are {', '.join(map(repr, self.layers)) or 'none yet'}"
            )
        return found

    # Adding ----------------------------------------------------------------------------------------------------------

    def _append(
        self,
        kind: str,
        name: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        fields: Mapping[str, Any],
        *,
        updatable: bool = False,
    ) -> NeuralNetworkLayer:
        if any(layer.name == name for layer in self._network.layers):
            raise GraphError(f"there is already a layer {name!r}")
        regions = layers.REGIONS.get(kind, {})
        names = {key: wire for wire in regions for key in (wire, layers.snake_case(wire))}
        networks = {names[key]: value for key, value in fields.items() if key in names and value is not None}
        layer: Any = encode(kind, {key: value for key, value in fields.items() if key not in names})
        for what, blobs, legal in (
            ("inputs", inputs, layers.input_range(kind)),
            ("outputs", outputs, layers.output_range(kind)),
        ):
            _count(what, blobs, legal)
        for wire, network in networks.items():
            message = network.network if isinstance(network, Core) else network
            _copy(message, getattr(getattr(layer, kind), wire))
        layer.name, layer.isUpdatable = name, updatable
        layer.input.extend(inputs)
        layer.output.extend(outputs)
        if updatable:
            for _, weight in weight_messages(layer):
                weight.isUpdatable = True
        self._network.layers.append(layer)
        return self._network.layers[-1]

    def _add_layer(
        self,
        method: str,
        kind: str | Callable[[Any], str],
        name: str,
        inputs: Names,
        outputs: Names,
        make: Callable[[Any], Fields] | None = None,
        /,
        **arguments: Any,
    ) -> NeuralNetworkLayer:
        """Append the layer that a call of an `add_...` method describes, and check it.

        Args:
            method: The method's name, for errors.
            kind: The layer kind, or a function that chooses it from the arguments.
            name: The layer's name.
            inputs: The names of the blobs that the layer reads, or the only one.
            outputs: The names of the blobs that the layer writes, or the only one.
            make: Turns the arguments into fields. Without it, the arguments are the fields.
            **arguments: The method's other arguments. None leaves a field out.

        Raises:
            SpecError: If the arguments do not describe a layer. The network is then unchanged.
            GraphError: If the name is taken or the layer has too few or too many blobs. The network is then unchanged.
        """
        count = len(self._network.layers)
        context = f"{method}: layer {name!r}"
        try:
            given = SimpleNamespace(**arguments, inputs=_listed(inputs), outputs=_listed(outputs))
            kind = kind if isinstance(kind, str) else kind(given)
            context = f"{context} ({kind})"
            fields = make(given) if make else arguments
            written = {key: _plain(kind, key, value) for key, value in fields.items() if value is not None}
            layer = self._append(kind, name, given.inputs, given.outputs, written)
            _write_hints(layer, arguments)
            if kind not in _FILLED_IN_LATER:
                _check_fields(layer)
                self._check_shapes()
            return layer
        except (GraphmlError, TypeError, ValueError, IndexError, AttributeError) as error:
            del self._network.layers[count:]
            fault, cause = (error, None) if isinstance(error, GraphmlError) else (SpecError(str(error)), error)
            raise fault.in_context(f"{context}, number {count + 1}") from cause

    def _check_shapes(self) -> None:
        """Raise ShapeError if the last layer does not fit, and the builder was asked to check."""


def _count(what: str, names: Sequence[str], legal: tuple[int, int]) -> None:
    fewest, most = legal
    if not fewest <= len(names) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} or more" if most > 99 else f"{fewest} to {most}"
        raise GraphError(f"expected {wanted} {what if wanted != '1' else what[:-1]}, got {len(names)}")


def _copy(message: Any, target: NeuralNetwork) -> None:
    """Copy the layers of a network, which may be a classifier or a regressor, to a sub-network."""
    target.SetInParent()
    target.layers.extend(message.layers)


def _listed(names: Names) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def _plain(kind: str, name: str, value: Any) -> Any:
    """A value as it is stored: names of enum values in capitals, weights as float32 (`add` keeps other types)."""
    wire = next((f for f in layers.descriptor(kind).fields if name in (f.name, layers.snake_case(f.name))), None)
    if wire is None:
        return value
    inner = wire.message_type.name if wire.message_type else ""
    if isinstance(value, str) and (wire.enum_type or inner in ("SamplingMode", "BoxCoordinatesMode")):
        return value.upper()
    if inner == "WeightParams" and not wire.is_repeated and not isinstance(value, Quantized):
        return np.asarray(value, np.float32)
    return value


def _check_fields(layer: NeuralNetworkLayer) -> None:
    """Raise SpecError that lists everything wrong with the fields and weights of a layer."""
    faults = [*field_faults(layer), *_missing(layer)]
    if faults:
        raise SpecError("\n".join(faults))
    decode(layer)


def _missing(layer: NeuralNetworkLayer) -> Iterator[str]:
    kind = kind_of(layer)
    params: Any = getattr(layer, kind)
    needed = len(layer.input) < 2 if kind in ("convolution", "batchedMatmul") else True
    if needed and "weights" in params.DESCRIPTOR.fields_by_name and not params.HasField("weights"):
        yield "the layer has no weights"


def _write_hints(layer: NeuralNetworkLayer, arguments: Mapping[str, Any]) -> None:
    """Store the ranks and shapes of the blobs in the layer, if the method takes them."""
    for end, tensors in (("input", layer.inputTensor), ("output", layer.outputTensor)):
        rank, shape = arguments.get(f"{end}_rank"), arguments.get(f"{end}_shape")
        sizes = [] if shape is None else [int(size) for size in shape]
        if f"{end}_rank" in arguments and (rank or sizes):
            tensors.add(rank=rank if rank else len(sizes), dimValue=sizes)
