"""What recipes ask of a Model message: its network, the layers, the classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphml.errors import UpdateError, with_article
from graphml.spec.attributes import kind_of
from graphml.spec.layers import NETWORKS, REGIONS
from graphml.spec.networks import layer_keys
from graphml.spec.wire.features_pb2 import FeatureType
from graphml.spec.wire.model_pb2 import Model


def network_of(model: Model) -> Any:
    """The network in a model. Any: its message is one of three types with the same fields.

    Raises:
        UpdateError: the model is not a neural network.
    """
    kind = model.WhichOneof("Type")
    if kind not in NETWORKS:
        raise UpdateError(f"only neural networks can be trained; this model is {with_article(kind)}")
    return getattr(model, kind)


def is_classifier(model: Model) -> bool:
    """Whether the model is a classifying network."""
    return model.WhichOneof("Type") == "neuralNetworkClassifier"


def class_labels(model: Model) -> tuple[str, ...] | tuple[int, ...]:
    """The classes of a classifier, in the order of its probabilities; empty for other networks."""
    network = network_of(model)
    if not is_classifier(model) or network.WhichOneof("ClassLabels") is None:
        return ()
    return tuple(getattr(network, network.WhichOneof("ClassLabels")).vector)


def label_type(model: Model) -> FeatureType:
    """The type of the label that a classifier predicts.

    Raises:
        UpdateError: the label is not among the outputs.
    """
    name = model.description.predictedFeatureName
    found = next((feature.type for feature in model.description.output if feature.name == name), None)
    if found is None:
        raise UpdateError(f"the classifier has no output {name!r} for its label")
    return found


def keyed_layers(network: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(key in the tree of parameters, layer) of all layers, those of sub-networks too. Any: see `network_of`."""
    for key, layer in zip(layer_keys(network.layers, prefix), network.layers, strict=True):
        yield key, layer
        kind = kind_of(layer)
        for field, name in REGIONS.get(kind, {}).items():
            yield from keyed_layers(getattr(getattr(layer, kind), field), f"{key}/{name}/")


def answer_of(model: Model) -> str:
    """The blob that a loss reads by default: the probabilities of a classifier, or the first output.

    Raises:
        UpdateError: there is none.
    """
    network = network_of(model)
    if is_classifier(model):
        if network.labelProbabilityLayerName:
            return network.labelProbabilityLayerName
        if not network.layers or not network.layers[-1].output:
            raise UpdateError("the classifier has no layer that could compute its probabilities")
        return network.layers[-1].output[0]
    if not model.description.output:
        raise UpdateError("the model has no output that a loss could read")
    return model.description.output[0].name
