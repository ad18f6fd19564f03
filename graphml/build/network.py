"""A neural network written layer by layer.

builder = NeuralNetworkBuilder({"x": array(3, 8, 8)}, {"y": None})
builder.add("convolution", "conv", ["x"], ["h"], weights=w, bias=b, same={"asymmetry_mode": "BOTTOM_RIGHT_HEAVY"})
builder.add("activation", "relu", ["h"], ["y"], nonlinearity_type="ReLU")
builder.save("net.mlmodel")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from graphml import spec
from graphml.errors import GraphError, GraphmlError, SpecError
from graphml.spec import layers
from graphml.spec.attributes import encode, kind_of, weight_messages
from graphml.spec.versions import required
from graphml.spec.wire.features_pb2 import ArrayFeatureType, FeatureType, ImageFeatureType

Dtype = Literal["float32", "float64", "int32", "float16"]

_DTYPES = {"float32": "FLOAT32", "float64": "DOUBLE", "int32": "INT32", "float16": "FLOAT16"}


def array(*shape: int, dtype: Dtype = "float32", optional: bool = False) -> FeatureType:
    """The type of a multi-array feature; no shape declares none."""
    if dtype not in _DTYPES:
        raise SpecError(f"arrays are {', '.join(_DTYPES)}, not {dtype!r}")
    feature = FeatureType(isOptional=optional)
    feature.multiArrayType.dataType = ArrayFeatureType.ArrayDataType.Value(_DTYPES[dtype])
    feature.multiArrayType.shape.extend(shape)
    return feature


def image(width: int, height: int, color: Literal["GRAYSCALE", "RGB", "BGR"] = "RGB") -> FeatureType:
    """The type of an image feature, in pixels."""
    feature = FeatureType()
    feature.imageType.width, feature.imageType.height = width, height
    feature.imageType.colorSpace = ImageFeatureType.ColorSpace.Value(color)
    return feature


class NeuralNetworkBuilder:
    """Builds the specification of a network; what it writes is a valid Core ML file of the lowest version possible.

    inputs, outputs: name -> feature type (`array`, `image`, or any FeatureType message); None declares a float32 array
    of unknown shape. exact: keep array shapes as they are (specification 4); None: exactly when a layer needs it.
    class_labels: makes the network a classifier; `probabilities` then names the blob that holds them, and outputs are
    the label and the dictionary.
    """

    def __init__(
        self,
        inputs: Mapping[str, FeatureType | None],
        outputs: Mapping[str, FeatureType | None],
        *,
        exact: bool | None = None,
        class_labels: Sequence[str] | Sequence[int] | None = None,
        probabilities: str | None = None,
    ) -> None:
        self._exact = exact
        self._model = spec.Model()
        description = self._model.description
        for name, feature in inputs.items():
            description.input.add(name=name).type.CopyFrom(array() if feature is None else feature)
        if class_labels is None:
            self._network = self._model.neuralNetwork
            for name, feature in outputs.items():
                description.output.add(name=name).type.CopyFrom(array() if feature is None else feature)
        else:
            self._network = self._model.neuralNetworkClassifier
            self._declare_classes(class_labels, probabilities, outputs)
        self._network.SetInParent()

    def _declare_classes(self, labels: Sequence[Any], probabilities: str | None, outputs: Mapping[str, Any]) -> None:
        description, network = self._model.description, self._network
        strings = all(isinstance(label, str) for label in labels)
        (network.stringClassLabels if strings else network.int64ClassLabels).vector.extend(labels)
        name = probabilities if probabilities is not None else next(iter(outputs), "probabilities")
        network.labelProbabilityLayerName = name
        label = description.output.add(name="classLabel")
        dictionary = description.output.add(name=name)
        for feature in (label, dictionary):
            feature.type.SetInParent()
        if strings:
            label.type.stringType.SetInParent()
            dictionary.type.dictionaryType.stringKeyType.SetInParent()
        else:
            label.type.int64Type.SetInParent()
            dictionary.type.dictionaryType.int64KeyType.SetInParent()
        description.predictedFeatureName = "classLabel"
        description.predictedProbabilitiesName = name

    def add(
        self,
        kind: str,
        name: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        /,
        *,
        updatable: bool = False,
        **fields: Any,
    ) -> NeuralNetworkBuilder:
        """Append a layer and return the builder.

        kind: the wire name ("innerProduct"). fields: its attributes and weights in snake_case or as on the wire; sizes
        and flags that follow from the weights are filled in. Sub-networks of branches and loops are builders or
        NeuralNetwork messages. updatable: marks the layer and its weights for training.
        Raises SpecError or GraphError at the offending call, naming the layer.
        """
        try:
            self._append(kind, name, list(inputs), list(outputs), updatable, fields)
        except GraphmlError as error:
            raise error.in_context(f"layer {name!r} ({kind}), number {len(self._network.layers) + 1}") from None
        return self

    def _append(
        self, kind: str, name: str, inputs: list[str], outputs: list[str], updatable: bool, fields: dict[str, Any]
    ) -> None:
        if any(layer.name == name for layer in self._network.layers):
            raise GraphError(f"there is a layer {name!r} already")
        regions = layers.REGIONS.get(kind, {})
        networks = {
            wire: fields.pop(key) for wire in regions for key in (wire, layers.snake_case(wire)) if key in fields
        }
        layer = encode(kind, fields)
        for what, names, (fewest, most) in (
            ("inputs", inputs, layers.input_range(kind)),
            ("outputs", outputs, layers.output_range(kind)),
        ):
            if not fewest <= len(names) <= most:
                wanted = str(fewest) if fewest == most else f"{fewest} or more" if most > 99 else f"{fewest} to {most}"
                raise GraphError(f"it has {len(names)} {what}, {wanted} are legal")
        for wire, network in networks.items():
            message = network.network if isinstance(network, NeuralNetworkBuilder) else network
            getattr(getattr(layer, kind), wire).CopyFrom(message)
        layer.name, layer.isUpdatable = name, updatable
        layer.input.extend(inputs)
        layer.output.extend(outputs)
        if updatable:
            for _, weight in weight_messages(layer):
                weight.isUpdatable = True
        self._network.layers.append(layer)

    def preprocess(
        self,
        image: str = "",
        *,
        scale: float | None = None,
        red_bias: float = 0.0,
        green_bias: float = 0.0,
        blue_bias: float = 0.0,
        gray_bias: float = 0.0,
        mean_image: np.ndarray | None = None,
    ) -> NeuralNetworkBuilder:
        """Preprocess an image input: pixel * scale + bias, or pixel - mean_image ([channels, height, width])."""
        step = self._network.preprocessing.add(featureName=image)
        if mean_image is not None:
            step.meanImage.meanImage.extend(np.asarray(mean_image, np.float32).ravel().tolist())
        else:
            step.scaler.channelScale = 1.0 if scale is None else scale
            step.scaler.redBias, step.scaler.greenBias, step.scaler.blueBias = red_bias, green_bias, blue_bias
            step.scaler.grayBias = gray_bias
        return self

    @property
    def network(self):
        """The NeuralNetwork message as it stands, for use as a sub-network."""
        return self._network

    @property
    def spec(self):
        """The finished Model message: a copy, with the lowest specification version that its content needs."""
        model = spec.Model()
        model.CopyFrom(self._model)
        network = getattr(model, str(model.WhichOneof("Type")))
        newer = any(layers.since(kind_of(layer)) > 3 for layer in network.layers)
        if self._exact or (self._exact is None and newer):
            network.arrayInputShapeMapping = 1
            has_image = any(feature.type.HasField("imageType") for feature in model.description.input)
            network.imageInputShapeMapping = int(has_image)
        model.specificationVersion = required(model)
        return model

    def save(self, path: str | Path) -> None:
        """Write the model to a .mlmodel file or .mlpackage folder."""
        spec.write(self.spec, path)
