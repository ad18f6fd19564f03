"""What the wire says about each layer kind and no descriptor can: arities, versions, weight shapes, meanings of zero.

A kind is named by its field in `NeuralNetworkLayer.layer` ("softmaxND"). A table lists only what differs from the rule
stated above it, so most kinds appear in none of them. `attributes` reads these tables to decode and encode layers;
`validate` reads them to check models.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf.message import Message

from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

Shape = tuple[int, ...]

# The model types that hold layers.
NETWORKS = ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor")


@functools.cache
def kinds() -> tuple[str, ...]:
    """Every layer kind of the format, in wire order."""
    return tuple(field.name for field in NeuralNetworkLayer.DESCRIPTOR.oneofs_by_name["layer"].fields)


def kinds_of(names: str) -> frozenset[str]:
    """A set of kinds from their names in one text."""
    found = frozenset(names.split())
    assert found <= set(kinds()), found - set(kinds())
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
    """The specification version that brought a kind (later behaviours of old kinds: see `validate`)."""
    number = NeuralNetworkLayer.DESCRIPTOR.fields_by_name[kind].number
    if kind == "custom":
        return 2
    if kind in ("resizeBilinear", "cropResize"):
        return 3
    return 1 if number < 600 else 4 if number < 1450 else 5


# Sub-networks of a kind: wire field -> name of the region.
REGIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "branch": {"ifBranch": "if", "elseBranch": "else"},
        "loop": {"conditionNetwork": "condition", "bodyNetwork": "body"},
    }
)

# Sub-networks without which a kind means nothing.
NEEDED_REGIONS: Mapping[str, tuple[str, ...]] = MappingProxyType({"branch": ("ifBranch",), "loop": ("bodyNetwork",)})

# Kinds that leave a turn of the loop around them.
EXITS = ("loopBreak", "loopContinue")

_MANY = 1 << 30

# (fewest, most) inputs; a kind that is not here takes exactly one.
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

# (fewest, most) outputs; a kind that is not here gives exactly one.
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
    """The fewest and the most inputs that a kind takes."""
    return _INPUTS.get(kind, (1, 1))


def output_range(kind: str) -> tuple[int, int]:
    """The fewest and the most outputs that a kind gives."""
    return _OUTPUTS.get(kind, (1, 1))


# Kinds that take a scalar, an array without axes, as it is. To every other kind a scalar is a vector of one number.
KEEP_SCALARS = kinds_of(
    """activation unary add multiply average max min copy clip ceil floor sign round exp2 sin cos tan asin acos atan
    sinh cosh tanh asinh acosh atanh erf gelu clampedReLU equal notEqual lessThan lessEqual greaterThan greaterEqual
    logicalOr logicalXor logicalNot logicalAnd modBroadcastable minBroadcastable maxBroadcastable addBroadcastable
    powBroadcastable divideBroadcastable floorDivBroadcastable multiplyBroadcastable subtractBroadcastable
    whereBroadcastable fillLike randomNormalLike randomUniformLike randomBernoulliLike broadcastToLike
    broadcastToStatic expandDims stack oneHot reshapeLike reshapeStatic reshapeDynamic"""
)


# Fields where the format says that zero (or an empty list) stands for a default. Every other zero is a value.
# Keyed by message, because a field means the same wherever its message is used.
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


# Weights ------------------------------------------------------------------------------------------------------------


def _convolution(p) -> dict[str, Shape]:
    kernel = tuple(p.kernelSize) or (3, 3)
    groups = p.nGroups if p.nGroups else 1
    if p.isDeconvolution:
        return {"weights": (p.kernelChannels, p.outputChannels // groups, *kernel), "bias": (p.outputChannels,)}
    return {"weights": (p.outputChannels, p.kernelChannels, *kernel), "bias": (p.outputChannels,)}


def _convolution3d(p) -> dict[str, Shape]:
    kernel = (p.kernelDepth, p.kernelHeight, p.kernelWidth)
    groups = p.nGroups if p.nGroups else 1
    if p.isDeconvolution:
        return {"weights": (p.inputChannels, p.outputChannels // groups, *kernel), "bias": (p.outputChannels,)}
    return {"weights": (p.outputChannels, p.inputChannels // groups, *kernel), "bias": (p.outputChannels,)}


def _recurrent(p) -> dict[str, Shape]:
    """Shapes by the ending of the field's name, for one cell of any recurrent kind."""
    return {
        "WeightMatrix": (p.outputVectorSize, p.inputVectorSize),
        "RecursionMatrix": (p.outputVectorSize, p.outputVectorSize),
        "BiasVector": (p.outputVectorSize,),
        "PeepholeVector": (p.outputVectorSize,),
    }


# The declared shape of each weight, by wire field name or (recurrent kinds) by the ending of it.
_WEIGHT_SHAPES: Mapping[str, Callable[[Any], dict[str, Shape]]] = {
    "convolution": _convolution,
    "convolution3d": _convolution3d,
    "innerProduct": lambda p: {"weights": (p.outputChannels, p.inputChannels), "bias": (p.outputChannels,)},
    "embedding": lambda p: {"weights": (p.outputChannels, p.inputDim), "bias": (p.outputChannels,)},
    "embeddingND": lambda p: {"weights": (p.embeddingSize, p.vocabSize), "bias": (p.embeddingSize,)},
    # stored column by column, that is: the transposed matrix row by row
    "batchedMatmul": lambda p: {
        "weights": (p.weightMatrixSecondDimension, p.weightMatrixFirstDimension),
        "bias": (p.weightMatrixSecondDimension,),
    },
    "batchnorm": lambda p: dict.fromkeys(("gamma", "beta", "mean", "variance"), (p.channels,)),
    "bias": lambda p: {"bias": tuple(p.shape)},
    "scale": lambda p: {"scale": tuple(p.shapeScale), "bias": tuple(p.shapeBias)},
    "loadConstant": lambda p: {"data": tuple(p.shape)},
    "loadConstantND": lambda p: {"data": tuple(p.shape)},
    "layerNormalization": lambda p: dict.fromkeys(("gamma", "beta"), tuple(p.normalizedShape)),
    **dict.fromkeys(("simpleRecurrent", "gru", "uniDirectionalLSTM", "biDirectionalLSTM"), _recurrent),
}


def weight_shape(kind: str, params: Message, field: str) -> Shape | None:
    """The shape that a layer declares for one of its weights; None where only the number of values says it."""
    rule = _WEIGHT_SHAPES.get(kind)
    if rule is None:
        return None
    shapes = rule(params)
    ending = next((e for e in shapes if field == e or field.lower().endswith(e.lower())), None)
    return None if ending is None else tuple(int(n) for n in shapes[ending])


def output_channel_axis(kind: str, params: Message) -> int:
    """The axis of a kind's main weight along which linear quantization may vary."""
    return 1 if getattr(params, "isDeconvolution", False) else 0


def switched_off(params: Any, field: str) -> bool:
    """Whether a flag of the layer says that a weight is not there, whatever is stored in it."""
    names = params.DESCRIPTOR.fields_by_name
    holder = params.params if "params" in names else params
    flags = holder.DESCRIPTOR.fields_by_name
    lower = field.lower()
    for ending, flag in (("bias", "hasBias"), ("biasvector", "hasBiasVector"), ("biasvector", "hasBiasVectors")):
        if lower.endswith(ending) and flag in flags:
            return not getattr(holder, flag)
    return lower.endswith("peepholevector") and "hasPeepholeVectors" in flags and not holder.hasPeepholeVectors


# Sizes and flags that follow from the weights, so that nobody who builds a layer has to repeat them ------------------


def _ends(name: str, ending: str) -> bool:
    """Whether a field's name, in either spelling, ends in `ending`."""
    return name.replace("_", "").lower().endswith(ending)


def _gates(fields: Mapping[str, Any]) -> dict[str, Any]:
    matrices = fields.get("weightParams", fields)
    cell = matrices[0] if isinstance(matrices, list | tuple) else matrices
    matrix = next(value for name, value in cell.items() if _ends(name, "weightmatrix"))
    return {"outputVectorSize": matrix.shape[0], "inputVectorSize": matrix.shape[1]}


def _lstm(fields: Mapping[str, Any]) -> dict[str, Any]:
    matrices = fields["weightParams"]
    cell = matrices[0] if isinstance(matrices, list | tuple) else matrices
    flags = {
        "hasBiasVectors": any(_ends(name, "biasvector") for name in cell),
        "hasPeepholeVectors": any(_ends(name, "peepholevector") for name in cell),
    }
    given = {name.replace("_", "").lower() for name in fields.get("params", {})}
    flags = {name: value for name, value in flags.items() if name.lower() not in given}
    return {**_gates(fields), "params": {**flags, **fields.get("params", {})}}


def _convolution_sizes(fields: Mapping[str, Any]) -> dict[str, Any]:
    first, second, *kernel = fields["weights"].shape
    groups = fields.get("nGroups") or 1
    if fields.get("isDeconvolution"):
        return {"outputChannels": second * groups, "kernelChannels": first, "kernelSize": kernel}
    return {"outputChannels": first, "kernelChannels": second, "kernelSize": kernel}


def _convolution3d_sizes(fields: Mapping[str, Any]) -> dict[str, Any]:
    first, second, depth, height, width = fields["weights"].shape
    groups = fields.get("nGroups") or 1
    inputs, outputs = (first, second * groups) if fields.get("isDeconvolution") else (second * groups, first)
    kernel = {"kernelDepth": depth, "kernelHeight": height, "kernelWidth": width}
    return {"inputChannels": inputs, "outputChannels": outputs, "nGroups": groups, **kernel}


_SIZES: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "convolution": ("weights", _convolution_sizes),
    "convolution3d": ("weights", _convolution3d_sizes),
    "innerProduct": (
        "weights",
        lambda f: dict(zip(("outputChannels", "inputChannels"), f["weights"].shape, strict=True)),
    ),
    "embedding": ("weights", lambda f: dict(zip(("outputChannels", "inputDim"), f["weights"].shape, strict=True))),
    "embeddingND": ("weights", lambda f: dict(zip(("embeddingSize", "vocabSize"), f["weights"].shape, strict=True))),
    "batchedMatmul": (
        "weights",
        lambda f: dict(
            zip(("weightMatrixSecondDimension", "weightMatrixFirstDimension"), f["weights"].shape, strict=True)
        ),
    ),
    "batchnorm": ("gamma", lambda f: {"channels": f["gamma"].shape[0]}),
    "bias": ("bias", lambda f: {"shape": f["bias"].shape}),
    "scale": ("scale", lambda f: {"shapeScale": f["scale"].shape}),
    "loadConstant": ("data", lambda f: {"shape": f["data"].shape}),
    "loadConstantND": ("data", lambda f: {"shape": f["data"].shape}),
    "layerNormalization": ("gamma", lambda f: {"normalizedShape": f["gamma"].shape}),
    "simpleRecurrent": ("weightMatrix", _gates),
    "gru": ("updateGateWeightMatrix", _gates),
    "uniDirectionalLSTM": ("weightParams", _lstm),
    "biDirectionalLSTM": ("weightParams", _lstm),
}


def implied(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Wire fields that follow from given weights: sizes and has-bias flags. Given values win over implied ones,
    except inside the `params` of an LSTM, which come back merged."""
    out: dict[str, Any] = {}
    if kind in _SIZES and fields.get(_SIZES[kind][0]) is not None:
        out.update(_SIZES[kind][1](fields))
    names = descriptor(kind).fields_by_name
    if "hasBias" in names and fields.get("bias") is not None:
        out["hasBias"] = True
        if kind == "scale":
            out["shapeBias"] = fields["bias"].shape
    for flag in ("hasBiasVector", "hasBiasVectors"):
        if flag in names and any(_ends(name, "biasvector") for name in fields):
            out[flag] = True
    return out
