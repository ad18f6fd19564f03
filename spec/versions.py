"""The specification version that the content of a model needs; a file that declares a lower one is invalid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphml.spec import layers
from graphml.spec.attributes import kind_of, weight_messages
from graphml.spec.program.operations import OPSETS, SPECIFICATIONS
from graphml.spec.wire.model_pb2 import FeatureDescription, Model
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

NEWEST = 10
"""The newest version that this reader knows."""

# Model types that were introduced after version 1.
_MODEL_TYPES = {
    **dict.fromkeys(("bayesianProbitRegressor", "customModel"), 2),
    **dict.fromkeys(("nonMaximumSuppression", "textClassifier", "wordTagger", "visionFeaturePrint"), 3),
    **dict.fromkeys(("kNearestNeighborsClassifier", "linkedModel", "itemSimilarityRecommender", "gazetteer"), 4),
    **dict.fromkeys(("wordEmbedding", "soundAnalysisPreprocessing"), 4),
    "serializedModel": 5,
    **dict.fromkeys(("mlProgram", "audioFeaturePrint"), 6),
    "classConfidenceThresholding": 8,
}

_PIPELINES = {"pipeline": None, "pipelineClassifier": "pipeline", "pipelineRegressor": "pipeline"}


def required(model: Model) -> int:
    """The lowest specification version that the content of `model` needs."""
    return max((version for version, _ in reasons(model)), default=1)


def reasons(model: Model) -> Iterator[tuple[int, str]]:
    """Yield (version, what needs it) for everything in a model that is newer than version 1."""
    kind = model.WhichOneof("Type")
    if kind in _MODEL_TYPES:
        yield _MODEL_TYPES[kind], f"model type {kind}"
    if model.isUpdatable:
        yield 4, "an updatable model"
    for feature in (*model.description.input, *model.description.output):
        yield from _feature(feature)
    if kind in layers.NETWORKS:
        network = getattr(model, kind)
        if network.arrayInputShapeMapping or network.imageInputShapeMapping:
            yield 4, "exact shape mapping of inputs"
        yield from _layers(network.layers)
    elif kind == "mlProgram":
        yield from _program(model)
    elif kind in _PIPELINES:
        pipeline = getattr(model, kind)
        for stage in (pipeline.pipeline if _PIPELINES[kind] else pipeline).models:
            yield from reasons(stage)


def _program(model: Model) -> Iterator[tuple[int, str]]:
    for name in sorted(model.mlProgram.functions):
        opset = model.mlProgram.functions[name].opset
        if opset in OPSETS:
            yield SPECIFICATIONS[OPSETS[opset]], f"the operator set {opset} of function {name!r}"
    if model.description.functions:
        yield 9, "a description of functions"
    for description in (model.description, *model.description.functions):
        for feature in description.state:
            yield from _feature(feature)


def _feature(feature: FeatureDescription) -> Iterator[tuple[int, str]]:
    kind = feature.type.WhichOneof("Type")
    if kind == "stateType":
        yield 9, f"state {feature.name!r}"
    elif kind == "sequenceType":
        yield 3, f"sequence {feature.name!r}"
    elif kind == "imageType":
        if feature.type.imageType.WhichOneof("SizeFlexibility"):
            yield 3, f"the flexible size of {feature.name!r}"
        if feature.type.imageType.colorSpace == feature.type.imageType.GRAYSCALE_FLOAT16:
            yield 7, f"the float16 image {feature.name!r}"
    elif kind == "multiArrayType":
        array = feature.type.multiArrayType
        if array.WhichOneof("ShapeFlexibility"):
            yield 3, f"the flexible shape of {feature.name!r}"
        if array.dataType == array.FLOAT16:
            yield 7, f"the float16 array {feature.name!r}"
        if array.dataType == array.INT8:
            yield 10, f"the int8 array {feature.name!r}"
        default = array.WhichOneof("defaultOptionalValue")
        if default and getattr(array, default):
            yield 5, f"the default value of {feature.name!r}"


def _layers(messages: Any) -> Iterator[tuple[int, str]]:
    for layer in messages:
        if layer.WhichOneof("layer") is None:
            continue
        kind = kind_of(layer)
        what = f"layer {layer.name!r} ({kind})"
        if layers.since(kind) > 1:
            yield layers.since(kind), what
        if newer := _behaviour(layer, kind):
            yield newer[0], f"{newer[1]} in {what}"
        for _, weight in weight_messages(layer):
            if weight.HasField("quantization"):
                yield 3, f"quantized weights in {what}"
            elif weight.float16Value:
                yield 2, f"float16 weights in {what}"
        params = getattr(layer, kind)
        for region in layers.REGIONS.get(kind, ()):
            yield from _layers(getattr(params, region).layers)


def _behaviour(layer: NeuralNetworkLayer, kind: str) -> tuple[int, str] | None:
    """The version and name of a later feature of an old kind that is used here."""
    params = getattr(layer, kind)
    if kind == "convolution" and len(layer.input) > 1:
        return 4, "weights as an input"
    if kind == "upsample" and (params.linearUpsampleMode or params.fractionalScalingFactor):
        return 5, "aligned corners or fractional scale"
    if kind == "reorganizeData" and params.mode == params.PIXEL_SHUFFLE:
        return 5, "pixel shuffle"
    if kind in ("innerProduct", "batchedMatmul") and params.int8DynamicQuantize:
        return 5, "8-bit arithmetic"
    if kind == "concatND" and params.interleave:
        return 5, "interleaving"
    if kind == "sliceDynamic" and (len(layer.input) > 6 or params.squeezeMasks):
        return 5, "squeeze masks"
    return None
