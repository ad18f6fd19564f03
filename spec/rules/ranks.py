"""Rules of ranks: the rank of each blob of a network, and which layers do not accept it.

Ranks are inferred from the declared inputs, layer by layer. A rank that depends on more is unknown, and is not checked.
A rule reports only what no array of that rank can satisfy. A scalar has rank 0 inside the network, but most layers see
a vector of one element instead.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from graphml.errors import with_article
from graphml.spec import layers
from graphml.spec.layers import REGIONS
from graphml.spec.rules.problems import Problem, inside, layer_label
from graphml.spec.wire.model_pb2 import FeatureDescription

Rank = int | None
Ranks = ChainMap[str, Rank]
"""The ranks of the blobs of a region, then of those of the regions around it."""

_MOST = 32  # axes that an array can have here


def rank_problems(network: Any, inputs: Sequence[FeatureDescription]) -> Iterator[Problem]:
    """Every layer whose inputs have a rank that it does not accept."""
    yield from ranks_after(network.layers, _input_ranks(network, inputs))


def ranks_after(messages: Any, ranks: Ranks) -> Iterator[Problem]:
    """The problems of a sequence of layers.

    Args:
        messages: The layers, in order.
        ranks: The ranks of the blobs before them. The blobs that the layers write are added.
    """
    for position, layer in enumerate(messages):
        kind = layer.WhichOneof("layer")
        label = layer_label(layer, position)
        if kind is None:
            ranks.update(dict.fromkeys(layer.output))
        elif kind in REGIONS:
            yield from _sub_networks(layer, kind, label, ranks)
        else:
            params = getattr(layer, kind)
            given = [_seen(kind, ranks.get(name)) for name in layer.input]
            faults = list(_faults(kind, params, given))
            yield from (Problem(label, fault) for fault in faults)
            found = None if faults else _output_rank(kind, params, given)
            ranks.update(dict.fromkeys(layer.output, found if found is None or 0 <= found <= _MOST else None))


def _seen(kind: str, rank: Rank) -> Rank:
    """The rank of an array as a layer sees it."""
    return 1 if rank == 0 and kind not in layers.KEEP_SCALARS else rank


def _input_ranks(network: Any, inputs: Sequence[FeatureDescription]) -> Ranks:
    exact = bool(network.arrayInputShapeMapping or network.imageInputShapeMapping)
    exact = exact or any(layers.since(kind) > 3 for kind in _kinds(network.layers))
    ranks = Ranks()
    for feature in inputs:
        of_type = feature.type.WhichOneof("Type")
        if of_type == "imageType":
            ranks[feature.name] = 4 if network.imageInputShapeMapping else 5
        elif not exact:
            ranks[feature.name] = 5
        elif of_type == "multiArrayType":
            array = feature.type.multiArrayType
            flexible = array.WhichOneof("ShapeFlexibility")
            ranks[feature.name] = (len(array.shape) or None) if flexible is None else None
        else:
            ranks[feature.name] = 1
    return ranks


def _kinds(messages: Any) -> Iterator[str]:
    for message in messages:
        kind = message.WhichOneof("layer")
        if kind is None:
            continue
        yield kind
        for field in REGIONS.get(kind, {}):
            yield from _kinds(getattr(getattr(message, kind), field).layers)


def _sub_networks(layer: Any, kind: str, label: str, ranks: Ranks) -> Iterator[Problem]:
    networks = {name: getattr(getattr(layer, kind), field).layers for field, name in REGIONS[kind].items()}
    if "body" in networks:
        # an iteration may change the rank of a blob that it overwrites
        for name in _written(layer):
            if name in ranks:
                ranks[name] = None
        for name in ("condition", "body"):
            yield from inside(f"{label} > {name}", ranks_after(networks[name], ranks))
        return
    branches = [ranks.new_child(), ranks.new_child()]  # copies would dominate the time
    for (name, messages), branch in zip(networks.items(), branches, strict=True):
        yield from inside(f"{label} > {name}", ranks_after(messages, branch))
    for name in branches[0].maps[0].keys() | branches[1].maps[0].keys():
        first, second = (branch.get(name) for branch in branches)
        ranks[name] = first if first == second else None


def _written(layer: Any) -> Iterator[str]:
    """The blobs that a layer writes, those of its sub-networks included."""
    todo = [layer]
    while todo:
        layer = todo.pop()
        yield from layer.output
        kind = layer.WhichOneof("layer") or ""
        for field in REGIONS.get(kind, {}):
            todo.extend(getattr(getattr(layer, kind), field).layers)


# Ranks of inputs ------------------------------------------------------------------------------------------------------


# The smallest rank of the first input.
_LEAST = {
    **dict.fromkeys(("matrixBandPart", "lowerTriangular", "upperTriangular", "padding", "embeddingND"), 2),
    **dict.fromkeys(("upsample", "resizeBilinear", "reorganizeData", "crop", "lrn", "mvn", "l2normalize"), 3),
    **dict.fromkeys(("softmax", "batchnorm", "flatten", "split", "dot", "scale", "bias"), 3),
    **dict.fromkeys(("convolution", "pooling", "embedding"), 4),
    **dict.fromkeys(("convolution3d", "pooling3d", "globalPooling3d", "permute", "reshape", "cropResize"), 5),
    **dict.fromkeys(("sequenceRepeat", "simpleRecurrent", "gru", "uniDirectionalLSTM", "biDirectionalLSTM"), 5),
}
# The field `axis` names an axis of the first input.
_AXIS = layers.kinds_of(
    """softmaxND concatND splitND gather scatter gatherAlongAxis scatterAlongAxis cumSum argSort topK argMin argMax
    sliceBySize slidingWindows"""
)
# Fields with a number of entries for each axis.
_LISTED = {
    "transpose": ("axes", 1),
    "reverse": ("reverseDim", 1),
    "rankPreservingReshape": ("targetShape", 1),
    "constantPad": ("padAmounts", 2),
    "sliceStatic": ("beginIds", 1),
}
_NEW_AXIS = frozenset(("stack", "oneHot"))
_REDUCTIONS = frozenset(kind for kind in layers.kinds() if kind.startswith("reduce") and kind != "reduce")


def _faults(kind: str, params: Any, given: Sequence[Rank]) -> Iterator[str]:
    rank = given[0] if given else None
    if rank is None:
        return
    least = _LEAST.get(kind, 0)
    if rank < least:
        yield f"expected an input with at least {least} axes, got {rank}"
        return
    if kind in _AXIS:
        yield from _axes([params.axis], rank)
    elif kind in _NEW_AXIS:
        yield from _axes([params.axis], rank + 1, "result")
    elif kind in _REDUCTIONS and not params.reduceAll:
        yield from _axes(params.axes, rank)
    elif kind == "expandDims":
        yield from _axes(params.axes, rank + len(params.axes), "result")
    elif kind == "squeeze" and not params.squeezeAll:
        yield from _axes(params.axes, rank)
    elif kind in _LISTED and kind != "sliceStatic" and len(given) == 1:  # a slice may list more axes than there are
        field, entries = _LISTED[kind]
        yield from _length(field, getattr(params, field), entries * _as_listed(kind, params, rank))
    elif kind == "reverseSeq":
        yield from _axes([params.batchAxis, params.sequenceAxis], rank)
    elif kind == "layerNormalization" and len(params.normalizedShape) > rank:
        sizes = len(params.normalizedShape)
        yield f"normalizedShape must have at most {rank} sizes, the rank of the input, got {sizes}"
    elif kind == "broadcastToStatic" and rank > len(params.targetShape):
        yield f"targetShape must have at least {rank} sizes, the rank of the input, got {len(params.targetShape)}"
    if kind in ("concatND", "stack"):
        others = {other for other in given if other is not None}
        if len(others) > 1:
            yield f"all inputs must have the same rank, got {' and '.join(map(str, sorted(others)))}"


def _as_listed(kind: str, params: Any, rank: int) -> int:
    """The rank for which a layer's list was written: 3 for images, which may have additional leading axes here."""
    field, entries = _LISTED[kind]
    return 3 if rank in (4, 5) and len(getattr(params, field)) == 3 * entries else rank


def _axes(axes: Sequence[int], rank: int, of: str = "input") -> Iterator[str]:
    for axis in axes:
        if not -rank <= axis < rank:
            yield f"axis {axis} is out of range for {with_article(of)} with {rank} axes"


def _length(field: str, values: Sequence[Any], wanted: int) -> Iterator[str]:
    if len(values) not in (0, wanted):
        yield f"{field} must have {wanted} values for its input, got {len(values)}"


# Ranks of outputs -----------------------------------------------------------------------------------------------------

_SAME = layers.kinds_of(
    """convolution pooling activation batchnorm mvn l2normalize softmax lrn crop padding upsample resizeBilinear
    unary scale bias dot reduce split sequenceRepeat reorganizeData slice copy clip ceil floor sign round exp2
    sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf gelu logicalNot scatter scatterND
    scatterAlongAxis softmaxND reverse reverseSeq splitND concatND transpose topK fillLike rankPreservingReshape
    constantPad randomNormalLike randomUniformLike randomBernoulliLike categoricalDistribution matrixBandPart
    lowerTriangular upperTriangular layerNormalization cumSum clampedReLU argSort pooling3d globalPooling3d
    sliceBySize convolution3d embeddingND permute concat simpleRecurrent gru uniDirectionalLSTM
    biDirectionalLSTM"""
)
_BROADCAST = layers.kinds_of(
    """add multiply average max min equal notEqual lessThan lessEqual greaterThan greaterEqual logicalOr logicalXor
    logicalAnd modBroadcastable minBroadcastable maxBroadcastable addBroadcastable powBroadcastable
    divideBroadcastable floorDivBroadcastable multiplyBroadcastable subtractBroadcastable whereBroadcastable"""
)
# The rank depends on the values of an input, on fields that may be anything, or on sub-networks.
_UNKNOWN = layers.kinds_of(
    """reshape flatten innerProduct embedding cropResize gatherND reshapeDynamic broadcastToDynamic fillDynamic
    sliceDynamic randomNormalDynamic randomUniformDynamic randomBernoulliDynamic NonMaximumSuppression branch loop
    loopBreak loopContinue custom"""
)
_CONSTANT = {"getShape": 1, "rangeStatic": 1, "rangeDynamic": 1, "whereNonZero": 2}


def _first_shape(params: Any, field: str) -> Rank:
    return len(getattr(params, field)) or None


# Kind -> rank from (params, ranks of the inputs, all of which are known).
_RANKS: Mapping[str, Callable[[Any, Sequence[int]], Rank]] = {
    "broadcastToLike": lambda p, r: r[-1],
    "reshapeLike": lambda p, r: r[-1],
    "gather": lambda p, r: r[0] - 1 + r[-1],
    "gatherAlongAxis": lambda p, r: r[0],
    "batchedMatmul": lambda p, r: max(r) if len(r) == 1 or min(r) > 1 else None,
    "stack": lambda p, r: r[0] + 1,
    "oneHot": lambda p, r: r[0] + 1,
    "slidingWindows": lambda p, r: r[0] + 1,
    "expandDims": lambda p, r: r[0] + len(p.axes),
    "squeeze": lambda p, r: None if p.squeezeAll else r[0] - len(p.axes),
    "flattenTo2D": lambda p, r: 2,
    "tile": lambda p, r: max(r[0], len(p.reps)) if len(r) == 1 else None,
    "argMin": lambda p, r: r[0] - 1 if p.removeDim else r[0],
    "argMax": lambda p, r: r[0] - 1 if p.removeDim else r[0],
    "sliceStatic": lambda p, r: r[0] - sum(p.squeezeMasks[: r[0]]),
    **dict.fromkeys(
        _REDUCTIONS,
        lambda p, r: r[0] if p.keepDims else 0 if p.reduceAll or not p.axes else r[0] - len(p.axes),
    ),
}
_FROM_FIELD: Mapping[str, Callable[[Any], Rank]] = {
    "loadConstant": lambda p: 5,
    "loadConstantND": lambda p: _first_shape(p, "shape"),
    "fillStatic": lambda p: _first_shape(p, "targetShape"),
    "reshapeStatic": lambda p: _first_shape(p, "targetShape"),
    "broadcastToStatic": lambda p: _first_shape(p, "targetShape"),
    "randomNormalStatic": lambda p: _first_shape(p, "outputShape"),
    "randomUniformStatic": lambda p: _first_shape(p, "outputShape"),
    "randomBernoulliStatic": lambda p: _first_shape(p, "outputShape"),
}


RULED = frozenset({*_SAME, *_BROADCAST, *_UNKNOWN, *_CONSTANT, *_RANKS, *_FROM_FIELD})
"""The kinds with a rule for the rank of their outputs, or that are listed as unknown: all of them, or a test fails."""


def _output_rank(kind: str, params: Any, given: Sequence[Rank]) -> Rank:
    """The rank of the outputs; None where it is not known."""
    if kind in _FROM_FIELD:
        return _FROM_FIELD[kind](params)
    if kind in _CONSTANT:
        return _CONSTANT[kind]
    known = [rank for rank in given if rank is not None]
    if not given or len(known) < len(given):
        return None
    if kind in _LISTED:
        known[0] = _as_listed(kind, params, known[0])
    if kind in _SAME:
        return known[0]
    if kind in _BROADCAST:
        return max(known)
    return _RANKS[kind](params, known) if kind in _RANKS else None
