"""Neural networks: neuralNetwork, neuralNetworkClassifier, neuralNetworkRegressor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from graphml.frontends.layer_interface import LayerInterface
from graphml.frontends.layers import read_network
from graphml.frontends.sequences import sequence_advice
from graphml.graph import Graph
from graphml.interpreter.budget import check_shape
from graphml.models.graph_model import GraphModel
from graphml.models.interface import ports
from graphml.models.interface.arrays import input_check
from graphml.models.interface.values import input_check_of
from graphml.models.network_weights import write_weights
from graphml.spec import versions
from graphml.spec.networks import all_kinds, draws, is_exact


class NeuralNetwork(GraphModel):
    """A network of layers behind its declared interface; see `GraphModel`.

    Everything inside is float32, unless `lower` gets another dtype. Parameters are {layer: {weight: array}}.
    """

    _node = "layer"

    def _read_graph(self) -> tuple[Graph, LayerInterface]:
        inputs = ports.input_ports(self._network, self.description)
        outputs = ports.output_ports(self.description, self.classes)
        return read_network(self._network, inputs, outputs)

    def _draws_numbers(self) -> bool:
        return draws(self._network.layers)

    def _compute_type(self, platform: str) -> Any:
        return jnp.float32

    def _can_be_cached(self) -> bool:
        # custom layers are functions, which have no key that another process could recognize
        return "custom" not in all_kinds(self._network.layers)

    def _encode(self) -> Any:
        message = type(self._message)()
        message.CopyFrom(self._message)
        write_weights(self.weights, getattr(message, self.kind).layers, self._original.body)
        # half-precision and quantized weights need later versions
        message.specificationVersion = max(message.specificationVersion, versions.required(message))
        return message

    @property
    def interface(self) -> LayerInterface:
        """How arrays enter and leave the network; with `graph` it is what `graphml.lower` takes."""
        found = self._read[1]
        assert isinstance(found, LayerInterface)
        return found

    @property
    def _network(self) -> Any:
        return getattr(self._message, self.kind)

    def _read_classes(self) -> ports.Classes | None:
        return ports.classes_of(self._network, self.description)

    def _make_check(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        inputs, rank5 = ports.input_ports(self._network, self.description), not is_exact(self._network)
        shapes = {port.name: (port.shape, port.default) for port in inputs}
        check = input_check_of(
            self.description,
            lambda feature: input_check(feature, lambda: self._advice(feature.name), rank5=rank5),
        )
        blanks: dict[str, Any] = {}
        for feature in self.description.inputs:
            shape, default = shapes[feature.name]
            if feature.optional and shape is not None:
                check_shape(shape)
                blanks[feature.name] = np.full(shape, default, np.float32)
        return (lambda features: blanks | check(features)) if blanks else check

    def _advice(self, name: str) -> str:
        """How to give an input that is a sequence; empty for others."""
        vectors = {given: size for given, size in self.interface.vectors.items() if given == name}
        return sequence_advice(self._original, vectors)
