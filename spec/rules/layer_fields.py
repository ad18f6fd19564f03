"""The legal values of each layer kind's fields, before any shape is known: one table of small rules.

A rule takes a layer and its parameters, and yields a sentence for each fault. Fields have their wire names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from graphml.spec import layers
from graphml.spec.rules.field_checks import (
    MOST_AXES,
    Rule,
    at_least,
    border,
    chosen,
    distinct,
    filled,
    lengths,
    not_zero,
    one_free_size,
    ordered,
    pairs,
    permutation,
    probability,
    values_of,
    where_not,
    with_inputs,
)
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer


def field_faults(layer: NeuralNetworkLayer) -> Iterator[str]:
    """The faults of a layer's fields and of its blob counts; weights are checked in `networks`.

    Args:
        layer: The layer. A layer without a kind has no faults here.

    Returns:
        A sentence for each fault.
    """
    kind = layer.WhichOneof("layer")
    if kind is None:
        return
    params = getattr(layer, kind)
    yield from blob_counts(layer)
    yield from _unknown_enums(params)
    for rule in _RULES.get(kind, ()):
        yield from rule(layer, params)


def blob_counts(layer: NeuralNetworkLayer) -> Iterator[str]:
    """A sentence if a layer has too few or too many inputs, and likewise for outputs."""
    kind = layer.WhichOneof("layer") or ""
    yield from _count(layer.input, layers.input_range(kind), "input")
    yield from _count(layer.output, layers.output_range(kind), "output")


def _count(names: Sequence[str], legal: tuple[int, int], what: str) -> Iterator[str]:
    fewest, most = legal
    if not fewest <= len(names) <= most:
        many = most > MOST_AXES
        wanted = f"{fewest} or more" if many else str(fewest) if fewest == most else f"{fewest} to {most}"
        yield f"expected {wanted} {what}{'' if wanted == '1' else 's'}, got {len(names)}"


# Messages in parameters that have enum fields themselves.
_WITH_ENUMS = ("SamePadding", "SamplingMode", "BoxCoordinatesMode")


def _unknown_enums(message: Message) -> Iterator[str]:
    """Enum values that the format does not define, here and in contained messages other than weights and networks."""
    for field, value in message.ListFields():
        if field.enum_type is not None:
            if value not in field.enum_type.values_by_number:
                yield f"{field.name} must be one of {', '.join(field.enum_type.values_by_name)}, got {value}"
        elif field.message_type is not None and field.message_type.name in _WITH_ENUMS:
            yield from _unknown_enums(value)


# Rules of one kind ----------------------------------------------------------------------------------------------------


def _groups(inputs: str) -> Rule:
    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        groups = params.nGroups if params.nGroups else 1
        if groups < 1:
            yield f"nGroups must be at least 1, got {groups}"
            return
        # kernelChannels of a convolution, unlike those of a deconvolution, are the channels of one group
        one_group = inputs == "kernelChannels" and not params.isDeconvolution
        for field in ("outputChannels",) if one_group else ("outputChannels", inputs):
            if getattr(params, field) % groups:
                yield f"nGroups must divide {field}, got {groups} for {getattr(params, field)}"

    return rule


def _computed_weights(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    if len(layer.input) < 2:
        return
    for wrong, what in (
        (params.isDeconvolution, "a deconvolution"),
        (any(factor > 1 for factor in params.dilationFactor), "a dilated convolution"),
        (params.hasBias, "a convolution with a stored bias"),
    ):
        if wrong:
            yield f"{what} cannot take its weights as an input"


def _deconvolved_shape(count: int) -> Rule:
    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        if params.isDeconvolution:
            yield from lengths("outputShape", 0, count)(layer, params)

    return rule


def _matmul(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    if len(layer.input) > 1:
        for flag in ("hasBias", "int8DynamicQuantize"):
            if getattr(params, flag):
                yield f"{flag} needs a stored matrix, but the second input replaces it"


def _int8(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    if not params.int8DynamicQuantize:
        return
    how, linear = params.weights.quantization, params.weights.quantization.linearQuantization
    if not params.weights.int8RawValue or how.numberOfBits != 8 or len(linear.scale) != 1 or len(linear.bias):
        yield "int8DynamicQuantize needs weights in int8RawValue: 8 bits, linear, with one scale and no bias"


def _custom_padding(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    custom = params.DESCRIPTOR.fields_by_name["paddingType"].enum_type.values_by_name["CUSTOM"].number
    for side in ("Front", "Back", "Top", "Bottom", "Left", "Right"):
        amount = getattr(params, f"customPadding{side}")
        if amount < 0:
            yield f"customPadding{side} must be at least 0, got {amount}"
        elif amount and params.paddingType != custom and params.DESCRIPTOR.name.startswith("Pooling"):
            yield f"customPadding{side} must be 0 unless paddingType is CUSTOM, got {amount}"


def _upsample(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    fractional = len(params.fractionalScalingFactor)
    if fractional and len(params.scalingFactor):
        yield "scalingFactor and fractionalScalingFactor are both set; expected one of them"
    if fractional and not (params.mode and params.linearUpsampleMode):
        yield "fractionalScalingFactor needs mode BILINEAR and a linearUpsampleMode other than DEFAULT"
    if params.linearUpsampleMode and not params.mode:
        yield "linearUpsampleMode needs mode BILINEAR"


def _crop(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    if len(layer.input) > 1:
        yield from lengths("offset", 2)(layer, params)
    else:
        yield from border("cropAmounts", legal=(2,))(layer, params)


def _slice(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    start, end = params.startIndex, params.endIndex
    if (0 < end < start) or (end < 0 and start < 0 and start > end):
        yield f"endIndex must not be before startIndex {start}, got {end}"


def _reduce(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    if params.mode == params.ARGMAX and params.axis in (params.CHW, params.HW):
        yield "mode ARGMAX needs a single axis: C, H or W"


def _split(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    if params.nOutputs and params.nOutputs != len(layer.output):
        yield f"nOutputs must be the number of outputs, {len(layer.output)}, got {params.nOutputs}"


def _split_nd(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    count = len(params.splitSizes) if params.splitSizes else params.numSplits
    if count != len(layer.output):
        yield f"numSplits or splitSizes make {count} parts, but the layer has {len(layer.output)} outputs"


def _scale_bias(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    if params.hasBias:
        yield from lengths("shapeBias", 1, 3)(layer, params)


# Only these six are legal inside a recurrent layer.
_RECURRENT_ACTIVATIONS = ("linear", "sigmoid", "tanh", "scaledTanh", "sigmoidHard", "ReLU")


def _activations(field: str, count: int) -> Rule:
    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        values = values_of(params, field)
        if len(values) != count:
            yield f"{field} must have {count} entries, got {len(values)}"
        for value in values:
            kind = value.WhichOneof("NonlinearityType")
            if kind not in _RECURRENT_ACTIVATIONS:
                yield f"{field} must be one of {', '.join(_RECURRENT_ACTIVATIONS)}, got {kind or 'none'}"

    return rule


def _copy(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    if len(layer.input) == 1 and list(layer.input) == list(layer.output):
        yield f"copies {layer.input[0]!r} to itself"


def _slice_static(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    fields = ("beginIds", "beginMasks", "endIds", "endMasks", "strides", "squeezeMasks")
    counts = {len(getattr(params, field)) for field in fields[:5]} | ({len(params.squeezeMasks)} - {0})
    if len(counts) > 1:
        yield f"{', '.join(fields)} have different lengths"


def _constant_pad(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    amounts = params.padAmounts
    if not amounts or len(amounts) % 2:
        yield f"padAmounts must have two values for each axis, got {len(amounts)}"
    elif params.padToGivenOutputSizeMode and any(a and b for a, b in zip(amounts[::2], amounts[1::2], strict=True)):
        yield "padAmounts pads both sides of an axis, but with padToGivenOutputSizeMode one of the two must be 0"


def _range(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
    if len(layer.input) < 3 and not params.stepSizeValue:
        yield "stepSizeValue must not be 0"


def _cells(count: int) -> Rule:
    def rule(layer: NeuralNetworkLayer, params: Any) -> Iterator[str]:
        found = len(params.weightParams) if count > 1 else int(params.HasField("weightParams"))
        if found != count:
            yield f"weightParams must have {count} entries, got {found}"

    return rule


_VECTORS = at_least(1, "inputVectorSize", "outputVectorSize")
_KERNEL_3D = ("kernelDepth", "kernelHeight", "kernelWidth", "strideDepth", "strideHeight", "strideWidth")
_REDUCTIONS = ("L1", "L2", "Max", "Min", "Sum", "Prod", "Mean", "LogSum", "SumSquare", "LogSumExp")
_RANDOM_STATIC = (with_inputs(0, filled("outputShape")), at_least(1, "outputShape"))

_RULES: Mapping[str, tuple[Rule, ...]] = {
    "convolution": (
        chosen("ConvolutionPaddingType"),
        at_least(1, "outputChannels", "kernelChannels"),
        pairs("kernelSize", "stride", "dilationFactor"),
        border("valid", "paddingAmounts"),
        _groups("kernelChannels"),
        _computed_weights,
        _deconvolved_shape(2),
    ),
    "convolution3d": (
        at_least(1, "outputChannels", "inputChannels", *_KERNEL_3D, "dilationDepth", "dilationHeight", "dilationWidth"),
        _groups("inputChannels"),
        _custom_padding,
        _deconvolved_shape(3),
    ),
    "pooling": (
        chosen("PoolingPaddingType"),
        where_not("globalPooling", pairs("kernelSize", "stride")),
        border("valid", "paddingAmounts"),
        lambda layer, params: lengths("paddingAmounts", 0, 2)(layer, params.includeLastPixel),
    ),
    "pooling3d": (at_least(1, *_KERNEL_3D), _custom_padding),
    "activation": (chosen("NonlinearityType"),),
    "innerProduct": (at_least(1, "inputChannels", "outputChannels"), _int8),
    "batchedMatmul": (
        with_inputs(1, at_least(1, "weightMatrixFirstDimension", "weightMatrixSecondDimension"), _int8),
        _matmul,
    ),
    "embedding": (at_least(1, "inputDim", "outputChannels"),),
    "embeddingND": (at_least(1, "vocabSize", "embeddingSize"),),
    "batchnorm": (at_least(1, "channels"),),
    "layerNormalization": (filled("normalizedShape"), at_least(1, "normalizedShape")),
    "lrn": (at_least(0, "k"), at_least(1, "localSize")),
    "padding": (chosen("PaddingType"), border("paddingAmounts")),
    "constantPad": (with_inputs(1, _constant_pad),),
    "crop": (_crop,),
    "cropResize": (pairs("targetSize"),),
    "resizeBilinear": (pairs("targetSize"),),
    "upsample": (pairs("scalingFactor"), lengths("fractionalScalingFactor", 0, 2), _upsample),
    "bias": (lengths("shape", 1, 3), at_least(1, "shape")),
    "scale": (lengths("shapeScale", 1, 3), at_least(1, "shapeScale"), _scale_bias),
    "loadConstant": (lengths("shape", 3), at_least(1, "shape")),
    "loadConstantND": (filled("shape"),),
    "reshape": (lengths("targetShape", 3, 4), one_free_size("targetShape")),
    "reshapeStatic": (filled("targetShape"), one_free_size("targetShape")),
    "rankPreservingReshape": (filled("targetShape"), one_free_size("targetShape")),
    "broadcastToStatic": (filled("targetShape"), at_least(1, "targetShape")),
    "fillStatic": (filled("targetShape"), at_least(1, "targetShape")),
    "permute": (permutation("axis", of=4),),
    "transpose": (filled("axes"), permutation("axes")),
    "expandDims": (filled("axes"), distinct("axes")),
    "squeeze": (where_not("squeezeAll", filled("axes"), distinct("axes")),),
    **{f"reduce{name}": (where_not("reduceAll", filled("axes"), distinct("axes")),) for name in _REDUCTIONS},
    "reduce": (_reduce,),
    "reorganizeData": (at_least(2, "blockSize"),),
    "slice": (at_least(1, "stride"), _slice),
    "sliceStatic": (
        filled("beginIds", "endIds", "strides", "beginMasks", "endMasks"),
        not_zero("strides"),
        _slice_static,
    ),
    "sliceDynamic": (not_zero("strides"),),
    "sliceBySize": (at_least(1, "size"),),
    "slidingWindows": (at_least(1, "windowSize", "step"),),
    "split": (_split,),
    "splitND": (_split_nd, at_least(1, "splitSizes")),
    "tile": (with_inputs(1, filled("reps"), at_least(1, "reps")),),
    "topK": (with_inputs(1, at_least(1, "K")),),
    "oneHot": (with_inputs(1, at_least(1, "oneHotVectorSize")),),
    "argSort": (at_least(0, "axis"),),
    "copy": (_copy,),
    "clip": (ordered("minVal", "maxVal"),),
    "rangeStatic": (not_zero("stepSizeValue"),),
    "rangeDynamic": (_range,),
    "randomNormalStatic": _RANDOM_STATIC,
    "randomUniformStatic": (*_RANDOM_STATIC, ordered("minVal", "maxVal")),
    "randomBernoulliStatic": (*_RANDOM_STATIC, probability("prob")),
    **dict.fromkeys(("randomUniformLike", "randomUniformDynamic"), (ordered("minVal", "maxVal"),)),
    **dict.fromkeys(("randomBernoulliLike", "randomBernoulliDynamic"), (probability("prob"),)),
    "simpleRecurrent": (_VECTORS, _activations("activation", 1)),
    "gru": (_VECTORS, _activations("activations", 2)),
    "uniDirectionalLSTM": (_VECTORS, _activations("activations", 3), _cells(1)),
    "biDirectionalLSTM": (
        _VECTORS,
        _activations("activationsForwardLSTM", 3),
        _activations("activationsBackwardLSTM", 3),
        _cells(2),
    ),
    "custom": (filled("className"),),
}

_ANY_VALUE = layers.kinds_of(
    """mvn l2normalize unary add multiply dot flatten concat sequenceRepeat branch loop gelu equal notEqual lessThan
    lessEqual greaterThan greaterEqual stack gather scatter scatterND softmaxND gatherAlongAxis scatterAlongAxis reverse
    reverseSeq concatND argMin argMax fillLike fillDynamic flattenTo2D randomNormalLike randomNormalDynamic
    categoricalDistribution matrixBandPart lowerTriangular upperTriangular NonMaximumSuppression cumSum clampedReLU
    globalPooling3d"""
)
"""The kinds with fields that may have any value, as far as is known without shapes."""

RULED = frozenset({*_RULES, *_ANY_VALUE})
"""The kinds with rules for their fields, or whose fields may have any value: all with fields, or a test fails."""
