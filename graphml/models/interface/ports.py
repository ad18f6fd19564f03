"""The interface of a neural network as its layers see it: ports, preprocessing, and the labels of a classifier."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphml.descriptions import Description, FeatureDescription, FeatureType
from graphml.errors import GraphError, SpecError
from graphml.frontends.layer_interface import Port, Preprocessing

_IN_NETWORKS = (FeatureType.MULTI_ARRAY, FeatureType.IMAGE, FeatureType.INT64, FeatureType.DOUBLE)


@dataclass(frozen=True)
class Classes:
    """The labels of a classifier and the names of its outputs.

    Attributes:
        labels: the classes, in the order of the probabilities.
        blob: the probabilities.
        label_name: the output for the most probable label.
        probabilities_name: the output for the dictionary of probabilities; None if only the label is given.
    """

    labels: tuple[str, ...] | tuple[int, ...]
    blob: str
    label_name: str
    probabilities_name: str | None


def classes_of(network: Any, description: Description) -> Classes | None:
    """The classes of a message with class labels, a network or another kind of model; None for other messages."""
    if "ClassLabels" not in network.DESCRIPTOR.oneofs_by_name:
        return None
    member = network.WhichOneof("ClassLabels")
    named = description.predicted_probabilities_name
    types = {f.name: f.type for f in description.outputs}
    if types.get(named, FeatureType.DICTIONARY) is not FeatureType.DICTIONARY:
        named = ""  # declared as an array, not as a dictionary
    dictionaries = [name for name, of_type in types.items() if of_type is FeatureType.DICTIONARY]
    return Classes(
        labels=tuple(getattr(network, member).vector) if member else (),
        blob=_probability_blob(network) if hasattr(network, "layers") else "",
        label_name=description.predicted_feature_name if description.predicted_feature_name else "classLabel",
        probabilities_name=named if named else next(iter(dictionaries), None),
    )


def _probability_blob(network: Any) -> str:
    """The blob that `labelProbabilityLayerName` names (a blob, in spite of its name), else that of the last layer."""
    if network.labelProbabilityLayerName:
        return network.labelProbabilityLayerName
    return next((layer.output[0] for layer in reversed(network.layers) if layer.output), "")


def input_ports(network: Any, description: Description) -> tuple[Port, ...]:
    """The ports of the inputs.

    Raises:
        SpecError: Preprocessing does not fit the declared images.
        GraphError: An input is a feature that networks do not take.
    """
    steps = _preprocessing(network, description)
    return tuple(_input(feature, steps.get(feature.name)) for feature in description.inputs)


def _input(feature: FeatureDescription, steps: Preprocessing | None) -> Port:
    if feature.type not in _IN_NETWORKS:
        raise GraphError(f"the input {feature.name!r} is {feature.takes}; networks take arrays, images and numbers")
    if feature.image is not None:
        shape = feature.image.shape
        return Port(feature.name, shape, image=True, optional=feature.optional, preprocessing=steps)
    shape = (1,) if feature.array is None else feature.array.shape
    default = 0.0 if feature.array is None or feature.array.default is None else float(feature.array.default)
    return Port(feature.name, shape, optional=feature.optional, default=default)


def output_ports(description: Description, classes: Classes | None) -> tuple[Port, ...]:
    """The ports of the outputs: the declared arrays, images and numbers, and the probabilities of a classifier.

    Ports with flexible sizes have no shape, because the declared one only holds for inputs of the default size.
    """
    ports = []
    for feature in description.outputs:
        if classes is not None and feature.name in (classes.label_name, classes.probabilities_name):
            continue
        if feature.type not in _IN_NETWORKS:
            raise GraphError(f"the output {feature.name!r} is {feature.takes}, which no layer can produce")
        shape = (1,)
        if feature.array is not None:
            shape = None if feature.array.flexible else feature.array.shape
        elif feature.image is not None:
            shape = None if feature.image.flexible else feature.image.shape
        ports.append(Port(feature.name, shape, image=feature.image is not None))
    if classes is not None and all(port.name != classes.blob for port in ports):
        ports.append(Port(classes.blob, (len(classes.labels),)))
    return tuple(ports)


def _preprocessing(network: Any, description: Description) -> dict[str, Preprocessing]:
    images = {f.name: f.image for f in description.inputs if f.image is not None}
    out: dict[str, Preprocessing] = {}
    for message in network.preprocessing:
        name = message.featureName
        if not name and len(images) == 1:
            name = next(iter(images))
        constraint = images.get(name)
        if constraint is None:
            raise SpecError(f"preprocessing for {name!r}: the images are {', '.join(map(repr, images)) or 'none'}")
        if name in out:
            raise SpecError(f"preprocessing for {name!r} is given twice")
        if message.WhichOneof("preprocessor") == "meanImage":
            mean = np.array(message.meanImage.meanImage, np.float32)
            if mean.size != math.prod(constraint.shape):
                raise SpecError(
                    f"the mean image for {name!r} has {mean.size} values, the image {list(constraint.shape)}"
                )
            out[name] = Preprocessing(mean=mean.reshape(constraint.shape))
        elif message.HasField("scaler"):
            step = message.scaler
            colors = (step.redBias, step.greenBias, step.blueBias)
            bias = {"RGB": colors, "BGR": colors[::-1]}.get(constraint.color_space, (step.grayBias,))
            out[name] = Preprocessing(scale=step.channelScale, bias=bias if any(bias) else ())
    return out
