"""Completes the interface of a converted network: images, enumerated sizes, class labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphml.build.network import NeuralNetworkBuilder
from graphml.convert.request import ConversionRequest, Flexible, ImageInput, Input, enumerated_shapes
from graphml.errors import FeatureError


def finish_network(spec: Any, request: ConversionRequest, inputs: Mapping[str, Input]) -> None:
    """Turn arrays into images, set default and enumerated shapes, and make a network a classifier, as requested.

    Args:
        spec: The message of the network, which is changed.
        request: The request.
        inputs: {name: input}.

    Raises:
        FeatureError: There are labels, but more than one output.
        SpecError: An input does not have the shape of an image.
    """
    features = {feature.name: feature for feature in spec.description.input}
    for name, one in inputs.items():
        if isinstance(one, ImageInput):
            _make_image(spec, features[name], one)
        elif one.flexible:
            _set_shapes(features[name].type.multiArrayType, one)
    if request.class_labels:
        _make_classifier(spec, request)


def _make_image(spec: Any, feature: Any, one: ImageInput) -> None:
    array = feature.type.multiArrayType
    array.shape[:] = one.default_shape
    bias = one.bias if isinstance(one.bias, tuple) else (one.bias,) * one.channels
    red, green, blue = (bias[::-1] if one.color == "BGR" else bias) if one.channels == 3 else (0.0, 0.0, 0.0)
    NeuralNetworkBuilder(spec=spec).set_pre_processing_parameters(
        feature.name,
        is_bgr=one.color == "BGR",
        red_bias=red,
        green_bias=green,
        blue_bias=blue,
        gray_bias=bias[0] if one.channels == 1 else 0.0,
        image_scale=one.scale,
        image_format="NCHW" if one.channels_first else "NHWC",
    )
    axes = list(one.shape or ())
    height, width = axes[2:] if one.channels_first else axes[1:3]
    image = feature.type.imageType
    if any(isinstance(axis, Flexible) and axis.sizes for axis in (height, width)):
        for shape in enumerated_shapes(one):
            sizes = shape[2:] if one.channels_first else shape[1:3]
            image.enumeratedSizes.sizes.add(height=sizes[0], width=sizes[1])
        return
    for axis, field in ((height, "heightRange"), (width, "widthRange")):
        if isinstance(height, Flexible) or isinstance(width, Flexible):
            low, high = (axis.low, axis.high or -1) if isinstance(axis, Flexible) else (axis, axis)
            bounds = getattr(image.imageSizeRange, field)
            bounds.lowerBound, bounds.upperBound = low, high


def _set_shapes(array: Any, one: Input) -> None:
    array.shape[:] = one.default_shape
    if any(axis.sizes for axis in one.flexible):
        array.ClearField("ShapeFlexibility")
        for shape in enumerated_shapes(one):
            array.enumeratedShapes.shapes.add(shape=shape)


def _make_classifier(spec: Any, request: ConversionRequest) -> None:
    outputs = [feature.name for feature in spec.description.output]
    if len(outputs) != 1:
        raise FeatureError(f"a classifier has one output, the probabilities; this source has {', '.join(outputs)}")
    network = spec.neuralNetwork.SerializeToString()
    spec.neuralNetworkClassifier.ParseFromString(network)  # it has the same fields, and more
    builder = NeuralNetworkBuilder(spec=spec)
    builder.set_class_labels(request.class_labels, prediction_blob=outputs[0])
