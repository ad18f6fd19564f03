"""What every part of the builder stands on: the model in the making, and `add`, which appends one layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphml.build.rows import Row
from graphml.errors import GraphError, GraphmlError, SpecError
from graphml.spec import layers
from graphml.spec.attributes import decode, encode, kind_of, weight_messages
from graphml.spec.layer_rules import field_faults
from graphml.spec.versions import required
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.network_pb2 import NeuralNetwork, NeuralNetworkLayer


class Core:
    """A network message, the model around it (None for a sub-network), and how its inputs are mapped.

    exact: keep array shapes as they are; None: exactly when a layer needs it; False: leave the mapping alone.
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
        """The network message as it stands: layers may be changed through it."""
        return self._network

    nn_spec = network

    @property
    def spec(self) -> Model:
        """The Model message, with the lowest specification version that its content needs.

        It is the builder's own: what is changed in it is changed here, and a higher version set by hand is kept.
        Raises GraphError for a sub-network, which has no model around it.
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
            raise GraphError("this is the builder of a sub-network; there is no model around it")
        return self._model

    @property
    def layers(self) -> list[str]:
        """The names of the layers, in order."""
        return [layer.name for layer in self._network.layers]

    @property
    def layer_specs(self) -> dict[str, NeuralNetworkLayer]:
        """Layer name -> its message, which may be changed."""
        return {layer.name: layer for layer in self._network.layers}

    def _layer(self, name: str) -> NeuralNetworkLayer:
        found = next((layer for layer in self._network.layers if layer.name == name), None)
        if found is None:
            raise GraphError(
                f"there is no layer {name!r}; there are {', '.join(map(repr, self.layers)) if self.layers else 'none'}"
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
            raise GraphError(f"there is a layer {name!r} already")
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

    def _add_row(self, method: str, row: Row, name: str, arguments: Mapping[str, Any]) -> NeuralNetworkLayer:
        """The layer that a call of an `add_...` method describes, judged as soon as it is there."""
        count = len(self._network.layers)
        kind = "/".join(row.all_kinds)
        try:
            kind, inputs, outputs, fields = row.written(arguments)
            layer = self._append(kind, name, inputs, outputs, fields)
            _tell_tensors(layer, arguments)
            if not row.incomplete:
                _judge(layer)
                self._check_shapes()
            return layer
        except (GraphmlError, TypeError, ValueError, IndexError, AttributeError) as error:
            del self._network.layers[count:]
            fault, cause = (error, None) if isinstance(error, GraphmlError) else (SpecError(str(error)), error)
            raise fault.in_context(f"{method}: layer {name!r} ({kind}), number {count + 1}") from cause

    def _check_shapes(self) -> None:
        """Raise what the last layer has to say about its shapes, where the builder was asked to check."""


def _count(what: str, names: Sequence[str], legal: tuple[int, int]) -> None:
    fewest, most = legal
    if not fewest <= len(names) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} or more" if most > 99 else f"{fewest} to {most}"
        raise GraphError(f"it has {len(names)} {what}, {wanted} are legal")


def _copy(message: Any, target: NeuralNetwork) -> None:
    """A network as a sub-network: of any of the three kinds of networks, only the layers count."""
    target.SetInParent()
    target.layers.extend(message.layers)


def _judge(layer: NeuralNetworkLayer) -> None:
    """Raise SpecError for everything wrong with the fields of a layer, or with its weights."""
    faults = [*field_faults(layer), *_missing(layer)]
    if faults:
        raise SpecError("\n".join(faults))
    decode(layer)


def _missing(layer: NeuralNetworkLayer) -> Iterator[str]:
    kind = kind_of(layer)
    params: Any = getattr(layer, kind)
    needed = len(layer.input) < 2 if kind in ("convolution", "batchedMatmul") else True
    if needed and "weights" in params.DESCRIPTOR.fields_by_name and not params.HasField("weights"):
        yield "it has no weights"


def _tell_tensors(layer: NeuralNetworkLayer, arguments: Mapping[str, Any]) -> None:
    """Hints about rank and shape, where a method takes them."""
    for end, tensors in (("input", layer.inputTensor), ("output", layer.outputTensor)):
        rank, shape = arguments.get(f"{end}_rank"), arguments.get(f"{end}_shape")
        sizes = [] if shape is None else [int(size) for size in shape]
        if f"{end}_rank" in arguments and (rank or sizes):
            tensors.add(rank=rank if rank else len(sizes), dimValue=sizes)
