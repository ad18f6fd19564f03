"""The shapes of stored weights, and the sizes and flags of a layer that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from google.protobuf.message import Message

from graphml.spec.layers.kinds import descriptor

Shape = tuple[int, ...]


def _convolution(p: Any) -> dict[str, Shape]:
    kernel = tuple(p.kernelSize) or (3, 3)
    groups = p.nGroups if p.nGroups else 1
    if p.isDeconvolution:
        return {"weights": (p.kernelChannels, p.outputChannels // groups, *kernel), "bias": (p.outputChannels,)}
    return {"weights": (p.outputChannels, p.kernelChannels, *kernel), "bias": (p.outputChannels,)}


def _convolution3d(p: Any) -> dict[str, Shape]:
    kernel = (p.kernelDepth, p.kernelHeight, p.kernelWidth)
    groups = p.nGroups if p.nGroups else 1
    if p.isDeconvolution:
        return {"weights": (p.inputChannels, p.outputChannels // groups, *kernel), "bias": (p.outputChannels,)}
    return {"weights": (p.outputChannels, p.inputChannels // groups, *kernel), "bias": (p.outputChannels,)}


def _recurrent(p: Any) -> dict[str, Shape]:
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

# The weights of these are vectors of any length: no field declares their shape.
_ANY_LENGTH = ("activation", "custom")

SHAPED = frozenset({*_WEIGHT_SHAPES, *_ANY_LENGTH})
"""The kinds whose weights have a declared shape or may have any length: all with weights, or a test fails."""


def weight_shape(kind: str, params: Message, field: str) -> Shape | None:
    """The shape that a layer declares for one of its weights; None where only the number of values is known."""
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
    """Whether a flag of the layer says that a weight is absent, whatever is stored in it."""
    names = params.DESCRIPTOR.fields_by_name
    holder = params.params if "params" in names else params
    flags = holder.DESCRIPTOR.fields_by_name
    lower = field.lower()
    for ending, flag in (("bias", "hasBias"), ("biasvector", "hasBiasVector"), ("biasvector", "hasBiasVectors")):
        if lower.endswith(ending) and flag in flags:
            return not getattr(holder, flag)
    return lower.endswith("peepholevector") and "hasPeepholeVectors" in flags and not holder.hasPeepholeVectors


# Sizes and flags that follow from the weights, so that builders of layers need not repeat them -----------------------


def _ends(name: str, ending: str) -> bool:
    """Whether a field's name, in either spelling, ends in `ending`."""
    return name.replace("_", "").lower().endswith(ending)


def _first_cell(weights: Any) -> Mapping[str, Any]:
    """The weights of a cell; of two directions, those of the first."""
    return cast("Sequence[Mapping[str, Any]]", weights)[0] if isinstance(weights, list | tuple) else weights


def _gates(fields: Mapping[str, Any]) -> dict[str, Any]:
    cell = _first_cell(fields.get("weightParams", fields))
    matrix = next(value for name, value in cell.items() if _ends(name, "weightmatrix"))
    return {"outputVectorSize": matrix.shape[0], "inputVectorSize": matrix.shape[1]}


def _lstm(fields: Mapping[str, Any]) -> dict[str, Any]:
    cell = _first_cell(fields["weightParams"])
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
    except inside the `params` of an LSTM, which are returned merged."""
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
