"""What each layer kind demands of its own fields, before any shape is known: one table of small rules.

A rule takes a layer and its parameters and yields sentences about what is wrong. Names of fields are those of the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from graphml.spec import layers
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

Rule = Callable[[Any, Any], Iterator[str]]

_MOST_AXES = 32


def field_faults(layer: NeuralNetworkLayer) -> Iterator[str]:
    """Everything wrong with the fields of a layer that has a kind; weights are judged elsewhere."""
    kind = layer.WhichOneof("layer")
    if kind is None:
        return
    params = getattr(layer, kind)
    yield from blob_counts(layer)
    yield from _unknown_enums(params)
    for rule in _RULES.get(kind, ()):
        yield from rule(layer, params)


def blob_counts(layer: NeuralNetworkLayer) -> Iterator[str]:
    """Whether a layer that has a kind has too few or too many inputs or outputs."""
    kind = layer.WhichOneof("layer") or ""
    yield from _count(layer.input, layers.input_range(kind), "input")
    yield from _count(layer.output, layers.output_range(kind), "output")


def _count(names: Sequence[str], legal: tuple[int, int], what: str) -> Iterator[str]:
    fewest, most = legal
    if not fewest <= len(names) <= most:
        many = most > _MOST_AXES
        wanted = f"{fewest} or more" if many else str(fewest) if fewest == most else f"{fewest} to {most}"
        yield f"has {len(names)} {what}s; {wanted} are legal"


# Messages inside of parameters that have enums themselves.
_WITH_ENUMS = ("SamePadding", "SamplingMode", "BoxCoordinatesMode")


def _unknown_enums(message: Message) -> Iterator[str]:
    """Enum values that the format does not have, here and in contained messages other than weights and networks."""
    for field, value in message.ListFields():
        if field.enum_type is not None:
            if value not in field.enum_type.values_by_number:
                yield f"{field.name} is {value}, which is none of {', '.join(field.enum_type.values_by_name)}"
        elif field.message_type is not None and field.message_type.name in _WITH_ENUMS:
            yield from _unknown_enums(value)


# Rules that fit many kinds --------------------------------------------------------------------------------------------


def _values(params: Any, field: str) -> Sequence[Any]:
    value = getattr(params, field)
    return value if params.DESCRIPTOR.fields_by_name[field].is_repeated else (value,)


def at_least(low: int, *fields: str) -> Rule:
    def rule(layer, params):
        for field in fields:
            wrong = next((value for value in _values(params, field) if not value >= low), None)
            if wrong is not None:
                yield f"{field} is {wrong}; it must be at least {low}"

    return rule


def lengths(field: str, *legal: int) -> Rule:
    def rule(layer, params):
        if len(getattr(params, field)) not in legal:
            yield f"{field} has {len(getattr(params, field))} values; {' or '.join(map(str, legal))} are legal"

    return rule


def pairs(*fields: str) -> Rule:
    """[height, width], both at least 1, or nothing for the default."""
    rules = [rule for field in fields for rule in (lengths(field, 0, 2), at_least(1, field))]
    return lambda layer, params: (fault for rule in rules for fault in rule(layer, params))


def filled(*fields: str) -> Rule:
    def rule(layer, params):
        for field in fields:
            if not len(getattr(params, field)):
                yield f"{field} is empty, but it is required"

    return rule


def distinct(field: str) -> Rule:
    def rule(layer, params):
        values = getattr(params, field)
        if len(set(values)) != len(values):
            yield f"{field} names an axis twice"

    return rule


def chosen(oneof: str) -> Rule:
    def rule(layer, params):
        if params.WhichOneof(oneof) is None:
            members = ", ".join(f.name for f in params.DESCRIPTOR.oneofs_by_name[oneof].fields)
            yield f"{oneof} is not set; it must be one of {members}"

    return rule


def permutation(field: str, of: int | None = None) -> Rule:
    def rule(layer, params):
        axes = getattr(params, field)
        count = len(axes) if of is None else of
        if len(axes) > _MOST_AXES or sorted(axes) != list(range(count)):
            shown = list(axes) if len(axes) <= _MOST_AXES else f"a list of {len(axes)} axes"
            yield f"{field} is {shown}, which is not a permutation of the axes 0 to {count - 1}"

    return rule


def ordered(low: str, high: str) -> Rule:
    def rule(layer, params):
        if not getattr(params, low) <= getattr(params, high):
            yield f"{low} is {getattr(params, low)}, more than {high}, which is {getattr(params, high)}"

    return rule


def probability(field: str) -> Rule:
    def rule(layer, params):
        if not 0 <= getattr(params, field) <= 1:
            yield f"{field} is {getattr(params, field)}; it must lie between 0 and 1"

    return rule


def not_zero(field: str) -> Rule:
    def rule(layer, params):
        if any(value == 0 for value in _values(params, field)):
            yield f"{field} is 0"

    return rule


def one_free_size(field: str, low: int = 0) -> Rule:
    """A target shape: -1, at most once, stands for what is left over."""

    def rule(layer, params):
        sizes = getattr(params, field)
        if sum(size == -1 for size in sizes) > 1:
            yield f"{field} has more than one -1"
        wrong = next((size for size in sizes if size < low and size != -1), None)
        if wrong is not None:
            yield f"{field} holds {wrong}, which is not a size"

    return rule


def with_inputs(count: int, *rules: Rule) -> Rule:
    """Rules for a field that a further input would replace."""
    return lambda layer, params: (fault for rule in rules if len(layer.input) <= count for fault in rule(layer, params))


def where_not(flag: str, *rules: Rule) -> Rule:
    return lambda layer, params: (fault for rule in rules if not getattr(params, flag) for fault in rule(layer, params))


def border(*path: str, legal: tuple[int, ...] = (0, 2)) -> Rule:
    """BorderAmounts: one entry for height, one for width."""

    def rule(layer, params):
        for name in path:
            if not params.HasField(name) and path[-1] != name:
                return
            params = getattr(params, name)
        if len(params.borderAmounts) not in legal:
            wanted = " or ".join(map(str, legal))
            yield f"{path[-1]} has {len(params.borderAmounts)} entries; {wanted} (height, width) are legal"

    return rule


# Rules of one kind ----------------------------------------------------------------------------------------------------


def _groups(inputs: str) -> Rule:
    def rule(layer, params):
        groups = params.nGroups if params.nGroups else 1
        if groups < 1:
            yield f"nGroups is {groups}; it must be at least 1"
            return
        # kernelChannels of a convolution, unlike a deconvolution, are already those of one group
        one_group = inputs == "kernelChannels" and not params.isDeconvolution
        for field in ("outputChannels",) if one_group else ("outputChannels", inputs):
            if getattr(params, field) % groups:
                yield f"nGroups is {groups}, which does not divide {field}, {getattr(params, field)}"

    return rule


def _computed_weights(layer, params):
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
    def rule(layer, params):
        if params.isDeconvolution:
            yield from lengths("outputShape", 0, count)(layer, params)

    return rule


def _matmul(layer, params):
    if len(layer.input) > 1:
        for flag in ("hasBias", "int8DynamicQuantize"):
            if getattr(params, flag):
                yield f"{flag} is set, which needs a stored matrix, but there are two inputs"


def _int8(layer, params):
    if not params.int8DynamicQuantize:
        return
    how, linear = params.weights.quantization, params.weights.quantization.linearQuantization
    if not params.weights.int8RawValue or how.numberOfBits != 8 or len(linear.scale) != 1 or len(linear.bias):
        yield "int8DynamicQuantize needs weights in int8RawValue: 8 bits, linear, with one scale and no bias"


def _custom_padding(layer, params):
    custom = params.DESCRIPTOR.fields_by_name["paddingType"].enum_type.values_by_name["CUSTOM"].number
    for side in ("Front", "Back", "Top", "Bottom", "Left", "Right"):
        amount = getattr(params, f"customPadding{side}")
        if amount < 0:
            yield f"customPadding{side} is {amount}; it must be at least 0"
        elif amount and params.paddingType != custom and params.DESCRIPTOR.name.startswith("Pooling"):
            yield f"customPadding{side} is {amount}, but paddingType is not CUSTOM"


def _upsample(layer, params):
    fractional = len(params.fractionalScalingFactor)
    if fractional and len(params.scalingFactor):
        yield "scalingFactor and fractionalScalingFactor are both set; one of them is legal"
    if fractional and not (params.mode and params.linearUpsampleMode):
        yield "fractionalScalingFactor needs mode BILINEAR and a linearUpsampleMode other than DEFAULT"
    if params.linearUpsampleMode and not params.mode:
        yield "linearUpsampleMode needs mode BILINEAR"


def _crop(layer, params):
    if len(layer.input) > 1:
        yield from lengths("offset", 2)(layer, params)
    else:
        yield from border("cropAmounts", legal=(2,))(layer, params)


def _slice(layer, params):
    start, end = params.startIndex, params.endIndex
    if (0 < end < start) or (end < 0 and start < 0 and start > end):
        yield f"endIndex {end} lies before startIndex {start}"


def _reduce(layer, params):
    if params.mode == params.ARGMAX and params.axis in (params.CHW, params.HW):
        yield "mode ARGMAX takes one axis: C, H or W"


def _split(layer, params):
    if params.nOutputs and params.nOutputs != len(layer.output):
        yield f"nOutputs is {params.nOutputs}, but the layer has {len(layer.output)} outputs"


def _split_nd(layer, params):
    count = len(params.splitSizes) if params.splitSizes else params.numSplits
    if count != len(layer.output):
        yield f"numSplits or splitSizes say {count} parts, but the layer has {len(layer.output)} outputs"


def _scale_bias(layer, params):
    if params.hasBias:
        yield from lengths("shapeBias", 1, 3)(layer, params)


# As a gate or output function only these six are legal.
_RECURRENT_ACTIVATIONS = ("linear", "sigmoid", "tanh", "scaledTanh", "sigmoidHard", "ReLU")


def _activations(field: str, count: int) -> Rule:
    def rule(layer, params):
        values = _values(params, field)
        if len(values) != count:
            yield f"{field} has {len(values)} entries; {count} are needed"
        for value in values:
            kind = value.WhichOneof("NonlinearityType")
            if kind not in _RECURRENT_ACTIVATIONS:
                yield f"{field}: {kind or 'no function'} is none of {', '.join(_RECURRENT_ACTIVATIONS)}"

    return rule


def _copy(layer, params):
    if len(layer.input) == 1 and list(layer.input) == list(layer.output):
        yield f"copies {layer.input[0]!r} onto itself"


def _slice_static(layer, params):
    fields = ("beginIds", "beginMasks", "endIds", "endMasks", "strides", "squeezeMasks")
    counts = {len(getattr(params, field)) for field in fields[:5]} | ({len(params.squeezeMasks)} - {0})
    if len(counts) > 1:
        yield f"{', '.join(fields)} have different lengths"


def _constant_pad(layer, params):
    amounts = params.padAmounts
    if not amounts or len(amounts) % 2:
        yield f"padAmounts has {len(amounts)} values; two for each axis are needed"
    elif params.padToGivenOutputSizeMode and any(a and b for a, b in zip(amounts[::2], amounts[1::2], strict=True)):
        yield "padAmounts pads an axis on both sides, but with padToGivenOutputSizeMode one of the two must be 0"


def _range(layer, params):
    if len(layer.input) < 3 and not params.stepSizeValue:
        yield "stepSizeValue is 0"


def _cells(count: int) -> Rule:
    def rule(layer, params):
        found = len(params.weightParams) if count > 1 else int(params.HasField("weightParams"))
        if found != count:
            yield f"weightParams has {found} entries; {count} are needed"

    return rule


_VECTORS = at_least(1, "inputVectorSize", "outputVectorSize")
_KERNEL_3D = ("kernelDepth", "kernelHeight", "kernelWidth", "strideDepth", "strideHeight", "strideWidth")
_REDUCTIONS = ("L1", "L2", "Max", "Min", "Sum", "Prod", "Mean", "LogSum", "SumSquare", "LogSumExp")
_RANDOM_STATIC = (with_inputs(0, filled("outputShape")), at_least(1, "outputShape"))

_RULES: dict[str, tuple[Rule, ...]] = {
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
"""The kinds with fields that may have any value, as far as can be told before shapes are known."""

RULED = frozenset({*_RULES, *_ANY_VALUE})
"""The kinds with rules for their fields, or whose fields may have any value: all with fields, or a test fails."""
