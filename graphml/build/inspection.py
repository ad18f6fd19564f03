"""The builder's methods that print what has been built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphml.build.core import Core
from graphml.descriptions import describe_feature
from graphml.errors import GraphError, with_article
from graphml.spec.attributes import decode, kind_of


class Inspection(Core):
    """Methods that print parts of the network, the last one first. `graphml inspect` shows a file in more detail."""

    def inspect_layers(self, last: int = -1, verbose: bool = False) -> None:
        """Print the last layers with their inputs and outputs.

        Args:
            last: The number of layers; a negative one prints all.
            verbose: Print the attributes as well.
        """
        count = len(self._network.layers)
        for position in _backwards(count, last):
            layer = self._network.layers[position]
            print(f"[{position}] {layer.name} ({kind_of(layer)}){', updatable' if layer.isUpdatable else ''}")
            print(f"      {_joined(layer.input)} -> {_joined(layer.output)}")
            if verbose:
                for name, value in decode(layer).attributes.items():
                    print(f"      {name} = {value}")

    def inspect_updatable_layers(self) -> None:
        """Print the layers that an update trains."""
        for layer in reversed(self._network.layers):
            if layer.isUpdatable:
                print(f"{layer.name} ({kind_of(layer)}): {_joined(layer.input)} -> {_joined(layer.output)}")

    def inspect_input_features(self) -> None:
        """Print the inputs and their types."""
        _print_features(self._whole.description.input)

    def inspect_output_features(self) -> None:
        """Print the outputs and their types."""
        _print_features(self._whole.description.output)

    def inspect_loss_layers(self) -> None:
        """Print the loss, the blob that it is computed from, and its target."""
        losses = self._network.updateParams.lossLayers
        if not losses:
            print("no loss")
        for position in _backwards(len(losses), -1):
            kind = losses[position].WhichOneof("LossLayerType")
            ends = getattr(losses[position], kind)
            print(f"[{position}] {losses[position].name} ({kind}): {ends.input} against {ends.target}")

    def inspect_optimizer(self) -> None:
        """Print the optimizer, its parameters and the values that they may be set to."""
        kind = self._network.updateParams.optimizer.WhichOneof("OptimizerType")
        print(kind or "no optimizer")
        if kind:
            for field, value in getattr(self._network.updateParams.optimizer, kind).ListFields():
                print(f"      {field.name} = {value.defaultValue}{_allowed(value)}")

    def inspect_conv_channels(self, layer_name: str) -> None:
        """Print the numbers of channels of a convolution.

        Raises:
            GraphError: If there is no such layer, or it is not a convolution.
        """
        self._print_sizes(layer_name, "convolution", ("outputChannels", "kernelChannels"))

    def inspect_innerproduct_channels(self, layer_name: str) -> None:
        """Print the numbers of channels of an inner product.

        Raises:
            GraphError: If there is no such layer, or it is not an inner product.
        """
        self._print_sizes(layer_name, "innerProduct", ("inputChannels", "outputChannels"))

    def _print_sizes(self, name: str, kind: str, fields: Iterable[str]) -> None:
        layer = self._layer(name)
        if kind_of(layer) != kind:
            raise GraphError(f"layer {name!r} is {with_article(kind_of(layer))}, not {with_article(kind)}")
        for field in fields:
            print(f"{field}: {getattr(getattr(layer, kind), field)}")


def _backwards(count: int, last: int) -> Iterator[int]:
    return reversed(range(0 if last < 0 else max(count - last, 0), count))


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"


def _print_features(features: Any) -> None:
    for position in _backwards(len(features), -1):
        print(f"[{position}] {features[position].name}: {describe_feature(features[position]).words}")


def _allowed(parameter: Any) -> str:
    kind = parameter.WhichOneof("AllowedValues")
    if kind == "range":
        return f", from {parameter.range.minValue} to {parameter.range.maxValue}"
    return f", one of {', '.join(map(str, sorted(parameter.set.values)))}" if kind == "set" else ""
