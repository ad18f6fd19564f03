"""Each layer kind: name, version, numbers of inputs and outputs, sub-networks, fields where zero is a default."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

NETWORKS = ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor")
"""The model types that contain layers."""


@functools.cache
def kinds() -> tuple[str, ...]:
    """Every layer kind of the format, in wire order."""
    return tuple(field.name for field in NeuralNetworkLayer.DESCRIPTOR.oneofs_by_name["layer"].fields)


def kinds_of(names: str) -> frozenset[str]:
    """A set of kinds.

    Args:
        names: The names of the kinds, separated by white space.
    """
    found = frozenset(names.split())
    assert found <= set(kinds()), f"not layer kinds: {', '.join(sorted(found - set(kinds())))}"
    return found


def descriptor(kind: str) -> Any:
    """The protobuf descriptor of a kind's parameters."""
    return NeuralNetworkLayer.DESCRIPTOR.fields_by_name[kind].message_type


@functools.cache
def snake_case(name: str) -> str:
    """The Python spelling of a wire name: softmaxND -> softmax_nd, flattenTo2D -> flatten_to_2d."""
    name = name.replace("ReLU", "Relu")
    name = re.sub(r"([a-z])(\d+D)(?![a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return name.lower().replace("_2_d", "_2d")


def since(kind: str) -> int:
    """The specification version that introduced a kind (later features of old kinds: `graphml.spec.versions`)."""
    number = NeuralNetworkLayer.DESCRIPTOR.fields_by_name[kind].number
    if kind == "custom":
        return 2
    if kind in ("resizeBilinear", "cropResize"):
        return 3
    return 1 if number < 600 else 4 if number < 1450 else 5


def _regions(kind: str) -> Mapping[str, str]:
    fields = (f for f in descriptor(kind).fields if f.message_type and f.message_type.name == "NeuralNetwork")
    return {field.name: re.sub("(Branch|Network)$", "", field.name) for field in fields}


REGIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {kind: regions for kind in kinds() if (regions := _regions(kind))}
)
"""The kinds with sub-networks: {kind: {wire field: name of the region}}, as in {"ifBranch": "if"}."""

NEEDED_REGIONS: Mapping[str, tuple[str, ...]] = MappingProxyType({"branch": ("ifBranch",), "loop": ("bodyNetwork",)})
"""The wire fields of sub-networks that must not be empty."""

EXITS = ("loopBreak", "loopContinue")
"""The kinds that end an iteration of the innermost loop around them."""

_MANY = 1 << 30

# (fewest, most) inputs; other kinds take exactly one.
_INPUTS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("add", "multiply"), (1, _MANY)),
    **dict.fromkeys(("average", "max", "min", "concat", "concatND", "stack"), (1, _MANY)),
    **dict.fromkeys(("minBroadcastable", "maxBroadcastable", "addBroadcastable", "multiplyBroadcastable"), (2, _MANY)),
    **dict.fromkeys(("modBroadcastable", "powBroadcastable", "divideBroadcastable", "floorDivBroadcastable"), (2, 2)),
    **dict.fromkeys(("subtractBroadcastable", "dot", "cropResize", "logicalAnd", "logicalOr", "logicalXor"), (2, 2)),
    **dict.fromkeys(("equal", "notEqual", "lessThan", "lessEqual", "greaterThan", "greaterEqual"), (1, 2)),
    **dict.fromkeys(("convolution", "crop", "topK", "cumSum", "batchedMatmul"), (1, 2)),
    **dict.fromkeys(("tile", "oneHot", "constantPad"), (1, 2)),
    **dict.fromkeys(("simpleRecurrent", "gru"), (1, 2)),
    **dict.fromkeys(("gather", "gatherND", "gatherAlongAxis", "reverseSeq", "sliceBySize"), (2, 2)),
    **dict.fromkeys(("scatter", "scatterND", "scatterAlongAxis", "whereBroadcastable"), (3, 3)),
    **dict.fromkeys(("broadcastToLike", "broadcastToDynamic", "reshapeLike", "reshapeDynamic"), (2, 2)),
    **dict.fromkeys(("loadConstant", "loadConstantND", "fillStatic", "rangeStatic"), (0, 0)),
    **dict.fromkeys(("loopBreak", "loopContinue"), (0, 0)),
    **dict.fromkeys(("randomNormalStatic", "randomUniformStatic", "randomBernoulliStatic"), (0, 1)),
    "uniDirectionalLSTM": (1, 3),
    "biDirectionalLSTM": (1, 5),
    "rangeDynamic": (1, 3),
    "sliceDynamic": (2, 7),
    "NonMaximumSuppression": (2, 5),
    "loop": (0, 1),
    "custom": (0, _MANY),
}

# (fewest, most) outputs; other kinds give exactly one.
_OUTPUTS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("branch", "loop", "loopBreak", "loopContinue"), (0, 0)),
    **dict.fromkeys(("simpleRecurrent", "gru", "topK"), (1, 2)),
    **dict.fromkeys(("split", "splitND"), (1, _MANY)),
    "uniDirectionalLSTM": (1, 3),
    "biDirectionalLSTM": (1, 5),
    "NonMaximumSuppression": (1, 4),
    "custom": (0, _MANY),
}


def input_range(kind: str) -> tuple[int, int]:
    """The fewest and the most inputs of a kind."""
    return _INPUTS.get(kind, (1, 1))


def output_range(kind: str) -> tuple[int, int]:
    """The fewest and the most outputs of a kind."""
    return _OUTPUTS.get(kind, (1, 1))


KEEP_SCALARS = kinds_of(
    """activation unary add multiply average max min copy clip ceil floor sign round exp2 sin cos tan asin acos atan
    sinh cosh tanh asinh acosh atanh erf gelu clampedReLU equal notEqual lessThan lessEqual greaterThan greaterEqual
    logicalOr logicalXor logicalNot logicalAnd modBroadcastable minBroadcastable maxBroadcastable addBroadcastable
    powBroadcastable divideBroadcastable floorDivBroadcastable multiplyBroadcastable subtractBroadcastable
    whereBroadcastable fillLike randomNormalLike randomUniformLike randomBernoulliLike broadcastToLike
    broadcastToStatic expandDims stack oneHot reshapeLike reshapeStatic reshapeDynamic"""
)
"""The kinds that take a scalar (rank 0) as it is. All others see a vector of one element instead."""


ZERO_MEANS: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        ("ConvolutionLayerParams", "nGroups"): 1,
        ("ConvolutionLayerParams", "kernelSize"): (3, 3),
        ("ConvolutionLayerParams", "stride"): (1, 1),
        ("ConvolutionLayerParams", "dilationFactor"): (1, 1),
        ("Convolution3DLayerParams", "nGroups"): 1,
        ("PoolingLayerParams", "kernelSize"): (3, 3),
        ("PoolingLayerParams", "stride"): (1, 1),
        ("BatchnormLayerParams", "epsilon"): 1e-5,
        ("MeanVarianceNormalizeLayerParams", "epsilon"): 1e-6,
        ("L2NormalizeLayerParams", "epsilon"): 1e-6,
        ("LRNLayerParams", "k"): 1.0,
        ("UnaryFunctionLayerParams", "epsilon"): 1e-6,
        ("UnaryFunctionLayerParams", "scale"): 1.0,
        ("UpsampleLayerParams", "scalingFactor"): (1, 1),
        ("ResizeBilinearLayerParams", "targetSize"): (1, 1),
        ("CropResizeLayerParams", "targetSize"): (1, 1),
        ("ReduceLayerParams", "epsilon"): 1e-6,
        ("SequenceRepeatLayerParams", "nRepetitions"): 1,
        ("LSTMParams", "cellClipThreshold"): 50.0,
        ("CategoricalDistributionLayerParams", "eps"): 1e-10,
        ("CategoricalDistributionLayerParams", "temperature"): 1.0,
    }
)
"""{(message, field): what zero or an empty list means}. In every other field zero is a value.

Keyed by message, because a field means the same wherever its message is used. The schema says "zero means X" or
"empty means X" in the comment of such a field, and a test compares these comments with this table.
"""
