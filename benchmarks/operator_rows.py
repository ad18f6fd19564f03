"""The rows of `operators.py`: each layer kind with its fields, input shapes, ONNX nodes and torch function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from rendering import GATES, needed

Shape = tuple[int, ...]
# Operator, constants, attributes. The first node reads the inputs, each other the node before it; what it reads comes
# before the constants, or where ... stands among them.
Node = tuple[str, Sequence[Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """inputs: arrays, or shapes that are filled with normal numbers (positive: with their magnitudes). native: what
    the others take instead of each input. random: the outputs cannot agree."""

    name: str
    kind: str
    inputs: tuple[Shape | np.ndarray, ...]
    onnx: Sequence[Node] | None
    torch: Callable[..., Any] | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1
    positive: bool = False
    native: tuple[Callable[[np.ndarray], np.ndarray], ...] = ()
    random: bool = False


class Size(NamedTuple):
    image: Shape  # [batch, channels, height, width]
    pixels: Shape  # an image of three channels
    tokens: Shape  # [batch, sequence, features]
    heads: Shape  # attention: [batch, heads, sequence, sequence]
    volume: Shape  # [batch, channels, depth, height, width]
    steps: Shape  # recurrent: [sequence, batch, features]
    vocabulary: int
    boxes: int


SIZES: Mapping[str, Size] = {
    "typical": Size(
        image=(1, 64, 56, 56),
        pixels=(1, 3, 224, 224),
        tokens=(1, 128, 768),
        heads=(1, 12, 128, 128),
        volume=(1, 16, 16, 28, 28),
        steps=(50, 1, 128),
        vocabulary=8000,
        boxes=400,
    ),
    "large": Size(
        image=(8, 64, 112, 112),
        pixels=(8, 3, 448, 448),
        tokens=(8, 512, 768),
        heads=(8, 12, 256, 256),
        volume=(4, 32, 32, 56, 56),
        steps=(100, 32, 256),
        vocabulary=50000,
        boxes=2000,
    ),
}

WITHOUT_PEER: Mapping[str, str] = {
    **dict.fromkeys(("branch", "loop", "loopBreak", "loopContinue", "custom"), "holds other layers"),
    **dict.fromkeys(("loadConstant", "loadConstantND", "rangeStatic", "fillStatic"), "a constant when compiled"),
    **dict.fromkeys(("rangeDynamic", "fillDynamic", "getShape"), "a constant when compiled"),
    **dict.fromkeys(("reshapeStatic", "reshapeDynamic", "reshapeLike", "rankPreservingReshape"), "moves nothing"),
    **dict.fromkeys(("squeeze", "expandDims", "flattenTo2D", "reshape", "flatten", "copy"), "moves nothing"),
    **dict.fromkeys(("broadcastToDynamic", "broadcastToLike"), "as broadcastToStatic"),
    **dict.fromkeys(("sliceDynamic", "sliceBySize"), "as sliceStatic, when compiled"),
    **{
        f"random{name}{how}": f"as random{name}Like"
        for name in ("Normal", "Uniform", "Bernoulli")
        for how in ("Static", "Dynamic")
    },
    "whereNonZero": "the shape of its output depends on values, so it runs uncompiled",
    "cropResize": "no other library samples boxes this way",
}


def _w(*shape: int, spread: float = 0.05) -> np.ndarray:
    return (spread * np.random.default_rng(len(shape)).standard_normal(shape, np.float32)).astype(np.float32)


def _index(below: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, below, shape).astype(np.float32)


def _same(x: np.ndarray) -> np.ndarray:
    return x


def _whole(x: np.ndarray) -> np.ndarray:
    return x.astype(np.int64)


def _truth(x: np.ndarray) -> np.ndarray:
    return x.astype(bool)


def rows(size: str) -> Iterator[Row]:
    """All rows at a size."""
    s, torch = SIZES[size], needed("torch")
    for family in (_elementwise, _pairs, _convolutions, _pools, _norms, _images, _matrices, _movement, _choices):
        yield from family(s, torch)
    for family in (_reductions, _recurrent, _random):
        yield from family(s, torch)


def _elementwise(s: Size, torch: Any) -> Iterator[Row]:
    F = torch.nn.functional

    def row(kind, nodes, function, positive=False, name="", **fields):
        return Row(f"{kind} {name}".strip(), kind, (s.image,), nodes, function, fields, positive=positive)

    def act(name, nodes, function, **numbers):
        return row("activation", nodes, function, name=name, **{name: numbers})

    third = np.float32(0.3)
    yield act("linear", [("Mul", [third], {}), ("Add", [third], {})], lambda x: x * 0.3 + 0.3, alpha=0.3, beta=0.3)
    yield act("ReLU", [("Relu", [], {})], F.relu)
    yield act("leakyReLU", [("LeakyRelu", [], {"alpha": 0.3})], lambda x: F.leaky_relu(x, 0.3), alpha=0.3)
    yield act("thresholdedReLU", [("ThresholdedRelu", [], {"alpha": 0.3})], lambda x: F.threshold(x, 0.3, 0), alpha=0.3)
    yield act("tanh", [("Tanh", [], {})], torch.tanh)
    scaled = [("Mul", [third], {}), ("Tanh", [], {}), ("Mul", [third], {})]
    yield act("scaledTanh", scaled, lambda x: torch.tanh(x * 0.3) * 0.3, alpha=0.3, beta=0.3)
    yield act("sigmoid", [("Sigmoid", [], {})], torch.sigmoid)
    hard = [("HardSigmoid", [], {"alpha": 0.2, "beta": 0.5})]
    yield act("sigmoidHard", hard, lambda x: (x * 0.2 + 0.5).clamp(0, 1), alpha=0.2, beta=0.5)
    yield act("ELU", [("Elu", [], {"alpha": 0.3})], lambda x: F.elu(x, 0.3), alpha=0.3)
    yield act("softsign", [("Softsign", [], {})], F.softsign)
    yield act("softplus", [("Softplus", [], {})], F.softplus)
    slope = _w(s.image[1])
    tensor = torch.from_numpy(slope)
    yield act("PReLU", [("PRelu", [slope[:, None, None]], {})], lambda x: F.prelu(x, tensor), alpha=slope)
    wide = tensor[:, None, None]
    both = {"alpha": slope, "beta": slope}
    yield act("parametricSoftplus", None, lambda x: wide * F.softplus(wide * x), **both)

    for name, nodes, function in (
        ("SQRT", [("Sqrt", [], {})], torch.sqrt),
        ("RSQRT", [("Sqrt", [], {}), ("Reciprocal", [], {})], torch.rsqrt),
        ("INVERSE", [("Reciprocal", [], {})], torch.reciprocal),
        ("EXP", [("Exp", [], {})], torch.exp),
        ("LOG", [("Log", [], {})], torch.log),
        ("ABS", [("Abs", [], {})], torch.abs),
    ):
        yield row("unary", nodes, function, True, name, type=name, epsilon=1e-9)
    for power in (2.0, 1.7):
        constant = np.float32(power)
        yield row(
            "unary",
            [("Pow", [constant], {})],
            lambda x, n=power: x**n,
            True,
            f"POWER {power}",
            type="POWER",
            alpha=power,
        )
    limit = [("Max", [third], {})]
    yield row("unary", limit, lambda x: x.clamp(min=0.3), name="THRESHOLD", type="THRESHOLD", alpha=0.3)
    ends = [np.float32(-1), np.float32(1)]
    yield row("clip", [("Clip", ends, {})], lambda x: x.clamp(-1, 1), min_val=-1.0, max_val=1.0)
    leaky = [("LeakyRelu", [], {"alpha": 0.3}), ("Min", [np.float32(1)], {})]
    yield row("clampedReLU", leaky, lambda x: F.leaky_relu(x, 0.3).clamp(max=1), alpha=0.3, beta=1.0)
    yield row("exp2", [("Pow", [np.float32(2), ...], {})], torch.exp2)
    for name in ("ceil", "floor", "sign", "round", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "erf"):
        yield row(name, [(name.capitalize(), [], {})], getattr(torch, name))
    for name in ("asin", "acos", "atanh", "acosh"):
        x = np.random.default_rng(1).uniform(-0.9, 0.9, s.image).astype(np.float32) + 2 * (name == "acosh")
        yield Row(name, name, (x.astype(np.float32),), [(name.capitalize(), [], {})], getattr(torch, name))
    for mode, theirs in (("EXACT", "none"), ("TANH_APPROXIMATION", "tanh")):
        nodes = [("Gelu", [], {"approximate": theirs})]
        yield row("gelu", nodes, lambda x, how=theirs: F.gelu(x, approximate=how), name=mode, mode=mode)
    quick = lambda x: x * torch.sigmoid(1.702 * x)  # noqa: E731
    yield row("gelu", None, quick, name="SIGMOID_APPROXIMATION", mode="SIGMOID_APPROXIMATION")


def _pairs(s: Size, torch: Any) -> Iterator[Row]:
    two, column = (s.image, s.image), (s.image, (s.image[1], 1, 1))
    for kind, operator, function in (("add", "Add", torch.add), ("multiply", "Mul", torch.mul)):
        yield Row(kind, kind, two, [(operator, [], {})], function)
    for kind, operator, function in (
        ("average", "Mean", lambda a, b: (a + b) * 0.5),
        ("max", "Max", torch.maximum),
        ("min", "Min", torch.minimum),
    ):
        yield Row(kind, kind, two, [(operator, [], {})], function)
    for name, operator, function in (
        ("add", "Add", torch.add),
        ("subtract", "Sub", torch.sub),
        ("multiply", "Mul", torch.mul),
        ("divide", "Div", torch.div),
        ("min", "Min", torch.minimum),
        ("max", "Max", torch.maximum),
        ("pow", "Pow", torch.pow),
    ):
        kind = f"{name}Broadcastable"
        yield Row(kind, kind, column, [(operator, [], {})], function, positive=True)
    yield Row(
        "floorDivBroadcastable",
        "floorDivBroadcastable",
        column,
        [("Div", [], {}), ("Floor", [], {})],
        torch.floor_divide,
    )
    yield Row("modBroadcastable", "modBroadcastable", column, None, torch.remainder)
    for kind, operator, function in (
        ("equal", "Equal", torch.eq),
        ("lessThan", "Less", torch.lt),
        ("lessEqual", "LessOrEqual", torch.le),
        ("greaterThan", "Greater", torch.gt),
        ("greaterEqual", "GreaterOrEqual", torch.ge),
    ):
        yield Row(kind, kind, two, [(operator, [], {})], function)
    yield Row("notEqual", "notEqual", two, [("Equal", [], {}), ("Not", [], {})], torch.ne)
    bits = _index(2, *s.image)
    more = np.ascontiguousarray(bits[..., ::-1])
    for name in ("And", "Or", "Xor"):
        function, kind = getattr(torch, f"logical_{name.lower()}"), f"logical{name}"
        yield Row(kind, kind, (bits, more), [(name, [], {})], function, native=(_truth, _truth))
    yield Row("logicalNot", "logicalNot", (bits,), [("Not", [], {})], torch.logical_not, native=(_truth,))


def _convolutions(s: Size, torch: Any) -> Iterator[Row]:
    F = torch.nn.functional

    def conv(name, shape, weights, stride=1, groups=1, dilation=1):
        w, pad = _w(*weights), weights[-1] // 2 * dilation
        tensor, amounts = torch.from_numpy(w), ((pad, pad),) * 2
        fields = {"weights": w, "n_groups": groups, "stride": (stride,) * 2, "dilation_factor": (dilation,) * 2}
        facts = {"strides": [stride] * 2, "pads": [pad] * 4, "group": groups, "dilations": [dilation] * 2}
        function = lambda x: F.conv2d(x, tensor, None, stride, pad, dilation, groups)  # noqa: E731
        fields["valid"] = {"padding_amounts": amounts}
        return Row(f"convolution {name}", "convolution", (shape,), [("Conv", [w], facts)], function, fields)

    c = s.image[1]
    yield conv("7x7/2", s.pixels, (64, 3, 7, 7), stride=2)
    yield conv("3x3", s.image, (c, c, 3, 3))
    yield conv("3x3/2", s.image, (2 * c, c, 3, 3), stride=2)
    yield conv("3x3 dilated", s.image, (c, c, 3, 3), dilation=2)
    yield conv("1x1", s.image, (4 * c, c, 1, 1))
    yield conv("depthwise 3x3", s.image, (c, 1, 3, 3), groups=c)
    yield conv("depthwise 5x5/2", s.image, (c, 1, 5, 5), stride=2, groups=c)
    yield conv("3x3 in 8 groups", s.image, (c, c // 8, 3, 3), groups=8)

    w = _w(c, c // 2, 4, 4)
    tensor = torch.from_numpy(w)
    fields = {"weights": w, "stride": (2, 2), "is_deconvolution": True, "valid": {"padding_amounts": ((1, 1),) * 2}}
    nodes = [("ConvTranspose", [w], {"strides": [2, 2], "pads": [1] * 4})]
    yield Row(
        "deconvolution 4x4/2",
        "convolution",
        (s.image,),
        nodes,
        lambda x: F.conv_transpose2d(x, tensor, None, 2, 1),
        fields,
    )
    channels = s.volume[1]
    cube = _w(channels, channels, 3, 3, 3)
    stored = torch.from_numpy(cube)
    sizes = {f"stride_{axis}": 1 for axis in ("depth", "height", "width")}
    sizes |= {f"dilation_{axis}": 1 for axis in ("depth", "height", "width")}
    yield Row(
        "convolution3d",
        "convolution3d",
        (s.volume,),
        [("Conv", [cube], {"auto_pad": "SAME_UPPER"})],
        lambda x: F.conv3d(x, stored, None, 1, 1),
        {"weights": cube, "padding_type": "SAME", **sizes},
    )


def _pools(s: Size, torch: Any) -> Iterator[Row]:
    F = torch.nn.functional
    window = {"kernel_size": (3, 3), "stride": (2, 2), "valid": {"padding_amounts": ((1, 1),) * 2}}
    facts = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4}
    mean = lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)  # noqa: E731
    whole = {"global_pooling": True, "valid": {}}
    norm = {**window, "valid": {}}
    for name, fields, nodes, function in (
        ("MAX 3x3/2", {"type": "MAX", **window}, [("MaxPool", [], facts)], lambda x: F.max_pool2d(x, 3, 2, 1)),
        (
            "AVERAGE 3x3/2",
            {"type": "AVERAGE", **window, "avg_pool_exclude_padding": True},
            [("AveragePool", [], facts)],
            mean,
        ),
        (
            "L2 3x3/2",
            {"type": "L2", **norm},
            [("LpPool", [], {"kernel_shape": [3, 3], "strides": [2, 2]})],
            lambda x: F.lp_pool2d(x, 2, 3, 2),
        ),
        ("AVERAGE global", {"type": "AVERAGE", **whole}, [("GlobalAveragePool", [], {})], lambda x: x.mean((2, 3))),
        ("MAX global", {"type": "MAX", **whole}, [("GlobalMaxPool", [], {})], lambda x: x.amax((2, 3))),
    ):
        yield Row(f"pooling {name}", "pooling", (s.image,), nodes, function, fields)
    axes = ("depth", "height", "width")
    cube = {f"kernel_{axis}": 2 for axis in axes} | {f"stride_{axis}": 2 for axis in axes} | {"padding_type": "VALID"}
    shape = {"kernel_shape": [2] * 3, "strides": [2] * 3}
    for name, operator, function in (
        ("MAX", "MaxPool", lambda x: F.max_pool3d(x, 2, 2)),
        ("AVERAGE", "AveragePool", lambda x: F.avg_pool3d(x, 2, 2)),
    ):
        fields = {"type": name, **cube}
        yield Row(f"pooling3d {name}", "pooling3d", (s.volume,), [(operator, [], shape)], function, fields)
    nodes = [("GlobalAveragePool", [], {})]
    yield Row(
        "globalPooling3d", "globalPooling3d", (s.volume,), nodes, lambda x: x.mean((2, 3, 4)), {"type": "AVERAGE"}
    )


def _norms(s: Size, torch: Any) -> Iterator[Row]:
    F = torch.nn.functional
    c, features = s.image[1], s.tokens[-1]
    g, b, m, v = _w(c), _w(c), _w(c), np.abs(_w(c)) + 1
    tg, tb, tm, tv = (torch.from_numpy(w) for w in (g, b, m, v))
    given, own = {"gamma": g, "beta": b, "epsilon": 1e-5}, {"compute_mean_var": True, "instance_normalization": True}
    yield Row(
        "batchnorm",
        "batchnorm",
        (s.image,),
        [("BatchNormalization", [g, b, m, v], {"epsilon": 1e-5})],
        lambda x: F.batch_norm(x, tm, tv, tg, tb, False, 0.0, 1e-5),
        {**given, "mean": m, "variance": v},
    )
    yield Row(
        "batchnorm of the instance",
        "batchnorm",
        (s.image,),
        [("InstanceNormalization", [g, b], {"epsilon": 1e-5})],
        lambda x: F.instance_norm(x, weight=tg, bias=tb, eps=1e-5),
        {**given, **own},
    )
    across = [("MeanVarianceNormalization", [], {"axes": [2, 3]})]
    yield Row("mvn", "mvn", (s.image,), across, F.instance_norm, {"normalize_variance": True, "epsilon": 1e-5})
    unit = lambda x: F.normalize(x.flatten(1)).view(x.shape)  # noqa: E731
    yield Row("l2normalize", "l2normalize", (s.image,), None, unit, {"epsilon": 1e-9})
    fields = {"alpha": 0.1, "beta": 0.75, "local_size": 5, "k": 1.0}
    nodes = [("LRN", [], {"alpha": 0.1, "beta": 0.75, "bias": 1.0, "size": 5})]
    yield Row("lrn", "lrn", (s.image,), nodes, lambda x: F.local_response_norm(x, 5, 0.1, 0.75, 1.0), fields)
    yield Row("softmax", "softmax", (s.image,), [("Softmax", [], {"axis": 1})], lambda x: F.softmax(x, 1))
    for name, shape, axis in (("rows", s.heads, -1), ("channels", s.image, 1)):
        nodes = [("Softmax", [], {"axis": axis})]
        function = lambda x, axis=axis: F.softmax(x, axis)  # noqa: E731
        yield Row(f"softmaxND {name}", "softmaxND", (shape,), nodes, function, {"axis": axis})
    gamma, beta = _w(features), _w(features)
    pair = torch.from_numpy(gamma), torch.from_numpy(beta)
    yield Row(
        "layerNormalization",
        "layerNormalization",
        (s.tokens,),
        [("LayerNormalization", [gamma, beta], {"epsilon": 1e-5})],
        lambda x: F.layer_norm(x, (features,), *pair, eps=1e-5),
        {"gamma": gamma, "beta": beta, "eps": 1e-5},
    )


def _images(s: Size, torch: Any) -> Iterator[Row]:
    F = torch.nn.functional
    batch, c, height, width = s.image
    one = ("scale", [("Mul", [_w(c, 1, 1)], {})], {"scale": _w(c, 1, 1)}, torch.mul)
    two = ("bias", [("Add", [_w(c, 1, 1)], {})], {"bias": _w(c, 1, 1)}, torch.add)
    for kind, nodes, fields, function in (one, two):
        weight = torch.from_numpy(fields[kind])
        yield Row(kind, kind, (s.image,), nodes, lambda x, f=function, w=weight: f(x, w), fields)
    inner = lambda x: x[:, :, 4:-4, 4:-4].contiguous()  # noqa: E731
    ends = [np.int64(n) for n in ([4, 4], [height - 4, width - 4], [2, 3])]
    yield Row("crop", "crop", (s.image,), [("Slice", ends, {})], inner, {"crop_amounts": ((4, 4),) * 2})
    for name, mode, theirs in (
        ("constant", "constant", "constant"),
        ("reflection", "reflect", "reflect"),
        ("replication", "edge", "replicate"),
    ):
        fields = {name: {}, "padding_amounts": ((2, 2),) * 2}
        nodes = [("Pad", [np.int64([0, 0, 2, 2] * 2)], {"mode": mode})]
        function = lambda x, how=theirs: F.pad(x, (2, 2, 2, 2), mode=how)  # noqa: E731
        yield Row(f"padding {name}", "padding", (s.image,), nodes, function, fields)
    nearest = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    twice = [None, np.float32([1, 1, 2, 2])]
    yield Row(
        "upsample NN",
        "upsample",
        (s.image,),
        [("Resize", twice, nearest)],
        lambda x: F.interpolate(x, scale_factor=2, mode="nearest"),
        {"scaling_factor": (2, 2), "mode": "NN"},
    )
    linear = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
    larger = lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)  # noqa: E731
    fields = {"scaling_factor": (2, 2), "mode": "BILINEAR", "linear_upsample_mode": "ALIGN_CORNERS_TRUE"}
    yield Row("upsample BILINEAR", "upsample", (s.image,), [("Resize", twice, linear)], larger, fields)
    new = (height * 3 // 4, width * 3 // 4)
    sizes = [None, None, np.int64([batch, c, *new])]
    smaller = lambda x: F.interpolate(x, new, mode="bilinear", align_corners=True)  # noqa: E731
    fields = {"target_size": new, "mode": "STRICT_ALIGN_ENDPOINTS_MODE"}
    yield Row("resizeBilinear", "resizeBilinear", (s.image,), [("Resize", sizes, linear)], smaller, fields)
    apart = {"mode": "SPACE_TO_DEPTH", "block_size": 2}
    yield Row(
        "reorganizeData SPACE_TO_DEPTH",
        "reorganizeData",
        (s.image,),
        [("SpaceToDepth", [], {"blocksize": 2})],
        None,
        apart,
    )
    together, nodes = (
        {"mode": "PIXEL_SHUFFLE", "block_size": 2},
        [("DepthToSpace", [], {"blocksize": 2, "mode": "CRD"})],
    )
    yield Row(
        "reorganizeData PIXEL_SHUFFLE", "reorganizeData", (s.image,), nodes, lambda x: F.pixel_shuffle(x, 2), together
    )
    shape, axis = (1, *s.image), [("Reshape", [np.int64([batch, c, -1])], {}), ("ReduceSum", [np.int64([-1])], {})]
    yield Row("reduce SUM HW", "reduce", (s.image,), axis, lambda x: x.sum((2, 3)), {"mode": "SUM", "axis": "HW"})
    nodes = [("Transpose", [], {"perm": [0, 1, 3, 4, 2]})]
    yield Row(
        "permute", "permute", (shape,), nodes, lambda x: x.permute(0, 1, 3, 4, 2).contiguous(), {"axis": (0, 2, 3, 1)}
    )
    nodes, halves = (
        [("Split", [], {"axis": 1, "num_outputs": 2})],
        lambda x: [p.contiguous() for p in x.split(c // 2, 1)],
    )
    yield Row("split", "split", (s.image,), nodes, halves, {"n_outputs": 2}, outputs=2)
    join = lambda a, b: torch.cat((a, b), 1)  # noqa: E731
    yield Row("concat", "concat", (s.image, s.image), [("Concat", [], {"axis": 1})], join)
    part = [np.int64([4]), np.int64([c - 4]), np.int64([1])]
    fields = {"axis": "CHANNEL_AXIS", "start_index": 4, "end_index": c - 4, "stride": 1}
    yield Row("slice", "slice", (s.image,), [("Slice", part, {})], lambda x: x[:, 4:-4].contiguous(), fields)
    nodes = [("Tile", [np.int64([3, 1, 1, 1, 1])], {})]
    yield Row(
        "sequenceRepeat", "sequenceRepeat", (shape,), nodes, lambda x: x.repeat(3, 1, 1, 1, 1), {"n_repetitions": 3}
    )
    flat = (*s.tokens[1:], 1, 1)
    product = lambda a, b: (a * b).sum(1)  # noqa: E731
    nodes = [("Mul", [], {}), ("ReduceSum", [np.int64([1])], {})]
    yield Row("dot", "dot", (flat, flat), nodes, product)


def _matrices(s: Size, torch: Any) -> Iterator[Row]:
    F = torch.nn.functional
    batch, length, features = s.tokens
    for name, rows_, out in (("rows", batch * length, 4 * features), ("one row", 1, 1000)):
        w, b = _w(out, features), _w(out)
        tensors = torch.from_numpy(w), torch.from_numpy(b)
        function = lambda x, w=tensors: F.linear(x, *w)  # noqa: E731
        nodes, fields = [("Gemm", [w, b], {"transB": 1})], {"weights": w, "bias": b}
        yield Row(f"innerProduct {name}", "innerProduct", ((rows_, features),), nodes, function, fields)
    w = _w(features, features)
    matrix = torch.from_numpy(w)
    fields = {"weights": np.ascontiguousarray(w.T)}
    yield Row("batchedMatmul stored", "batchedMatmul", (s.tokens,), [("MatMul", [w], {})], lambda x: x @ matrix, fields)
    narrow = (*s.heads[:3], 64)
    yield Row("batchedMatmul of two", "batchedMatmul", (s.heads, narrow), [("MatMul", [], {})], torch.matmul)
    yield Row(
        "batchedMatmul transposed",
        "batchedMatmul",
        (narrow, narrow),
        None,
        lambda a, b: a @ b.transpose(-1, -2),
        {"transpose_b": True},
    )
    table = _w(s.vocabulary, features)
    tensor, index = torch.from_numpy(table), _index(s.vocabulary, batch, length, 1)
    nodes = [("Squeeze", [np.int64([-1])], {}), ("Gather", [table, ...], {})]
    look = lambda i: F.embedding(i[..., 0], tensor)  # noqa: E731
    fields = {"weights": np.ascontiguousarray(table.T)}
    yield Row("embeddingND", "embeddingND", (index,), nodes, look, fields, native=(_whole,))
    nodes = [("Squeeze", [np.int64([2, 3, 4])], {}), ("Gather", [table, ...], {})]
    look = lambda i: F.embedding(i[..., 0, 0, 0], tensor)  # noqa: E731
    yield Row("embedding", "embedding", (index[..., None, None],), nodes, look, fields, native=(_whole,))


def _movement(s: Size, torch: Any) -> Iterator[Row]:
    batch, length, features = s.tokens
    rank, two = len(s.tokens), (s.tokens, s.tokens)

    def row(kind, nodes, function, *inputs, name="", native=(), outputs=1, **fields):
        inputs = inputs or (s.tokens,)
        return Row(f"{kind} {name}".strip(), kind, inputs, nodes, function, fields, native=native, outputs=outputs)

    heads = (batch, length, 12, features // 12)
    swap = [("Transpose", [], {"perm": [0, 2, 1, 3]})]
    yield row("transpose", swap, lambda x: x.transpose(1, 2).contiguous(), heads, name="heads", axes=(0, 2, 1, 3))
    swap = [("Transpose", [], {"perm": [0, 2, 1]})]
    yield row("transpose", swap, lambda x: x.transpose(1, 2).contiguous(), name="matrix", axes=(0, 2, 1))
    yield row("concatND", [("Concat", [], {"axis": -1})], lambda *x: torch.cat(x, -1), *two, axis=-1)
    three = {"axis": -1, "num_splits": 3}
    parts = [("Split", [], {"axis": -1, "num_outputs": 3})]
    yield row("splitND", parts, lambda x: [p.contiguous() for p in x.chunk(3, -1)], outputs=3, **three)
    nodes = [("Concat", [], {"axis": 0}), ("Reshape", [np.int64([2, *s.tokens])], {})]
    yield row("stack", nodes, lambda *x: torch.stack(x), *two, axis=0)
    yield row("tile", [("Tile", [np.int64([1, 1, 3])], {})], lambda x: x.repeat(1, 1, 3), reps=(1, 1, 3))
    flip = [np.int64(n) for n in ([-1], [-(2**31)], [1], [-1])]
    yield row("reverse", [("Slice", flip, {})], lambda x: x.flip(1), reverse_dim=(False, True, False))
    lengths = np.full(batch, length // 2, np.float32)
    turn = [("ReverseSequence", [], {"batch_axis": 0, "time_axis": 1})]
    order = torch.from_numpy(np.r_[np.arange(length // 2)[::-1], length // 2 : length])
    native = (_same, _whole)
    yield row(
        "reverseSeq", turn, lambda x, _: x[:, order], s.tokens, lengths, native=native, batch_axis=0, sequence_axis=1
    )
    ends = [np.int64(n) for n in ([0, 4], [length, features - 4], [1, 2], [2, 1])]
    yield row(
        "sliceStatic",
        [("Slice", ends, {})],
        lambda x: x[:, ::2, 4:-4].contiguous(),
        begin_ids=(0, 0, 4),
        end_ids=(batch, length, features - 4),
        begin_masks=(False,) * rank,
        end_masks=(False,) * rank,
        strides=(1, 2, 1),
        squeeze_masks=(False,) * rank,
    )
    sliding = lambda x: x.unfold(1, 8, 4).movedim(-1, 2).contiguous()  # noqa: E731
    yield row("slidingWindows", None, sliding, axis=1, window_size=8, step=4)
    border = [("Pad", [np.int64([0, 2, 0, 0, 2, 0])], {})]
    around = lambda x: torch.nn.functional.pad(x, (0, 0, 2, 2))  # noqa: E731
    yield row("constantPad", border, around, pad_amounts=(0, 0, 2, 2, 0, 0))
    shape = (batch, length, features)
    nodes = [("Expand", [np.int64(shape)], {})]
    spread = lambda x: x.expand(shape).contiguous()  # noqa: E731
    yield row("broadcastToStatic", nodes, spread, (batch, 1, features), target_shape=shape)
    yield row("fillLike", None, lambda x: torch.full_like(x, 2.0), value=2.0)

    index = _index(length, length // 2)
    pick = lambda x, i: torch.index_select(x, 1, i)  # noqa: E731
    yield row("gather", [("Gather", [], {"axis": 1})], pick, s.tokens, index, native=native, axis=1)
    wide = _index(length, batch, length // 2, features)
    along = [("GatherElements", [], {"axis": 1})]
    take = lambda x, i: torch.take_along_dim(x, i, 1)  # noqa: E731
    yield row("gatherAlongAxis", along, take, s.tokens, wide, native=native, axis=1)
    places = np.stack([_index(batch, 500), _index(length, 500)], -1)
    at = lambda x, i: x[i[:, 0], i[:, 1]]  # noqa: E731
    yield row("gatherND", [("GatherND", [], {})], at, s.tokens, places, native=native)
    native = (_same, _whole, _same)
    once = np.random.default_rng(2).permutation(length)[: length // 2].astype(np.float32)
    update = (batch, length // 2, features)
    put = lambda x, i, u: x.index_copy(1, i, u)  # noqa: E731
    yield row("scatter", None, put, s.tokens, once, update, native=native, axis=1, mode="SCATTER_UPDATE")
    add = lambda x, i, u: x.index_add(1, i, u)  # noqa: E731
    yield row("scatter", None, add, s.tokens, once, update, name="ADD", native=native, axis=1, mode="SCATTER_ADD")
    whole = np.ascontiguousarray(np.broadcast_to(once[None, :, None], update))
    nodes = [("ScatterElements", [], {"axis": 1})]
    put = lambda x, i, u: x.scatter(1, i, u)  # noqa: E731
    yield row("scatterAlongAxis", nodes, put, s.tokens, whole, update, native=native, axis=1, mode="SCATTER_UPDATE")
    rows_ = np.stack([np.zeros_like(once), once], -1)
    put = lambda x, i, u: x.index_put((i[:, 0], i[:, 1]), u)  # noqa: E731
    values = (len(once), features)
    nodes = [("ScatterND", [], {})]
    yield row("scatterND", nodes, put, s.tokens, rows_, values, native=native, mode="SCATTER_UPDATE")


def _choices(s: Size, torch: Any) -> Iterator[Row]:
    batch, length, features = s.tokens
    mask = _index(2, 1, 1, *s.heads[2:])
    native = (_truth, _same, _same)
    low = np.full(1, -1e4, np.float32)
    inputs = (mask, s.heads, low)
    yield Row("whereBroadcastable", "whereBroadcastable", inputs, [("Where", [], {})], torch.where, native=native)
    for kind, upper, function in (("lowerTriangular", 0, torch.tril), ("upperTriangular", 1, torch.triu)):
        yield Row(kind, kind, (s.heads,), [("Trilu", [], {"upper": upper})], function)
    fields = {"num_lower": 3, "num_upper": 3}
    yield Row("matrixBandPart", "matrixBandPart", (s.heads,), None, lambda x: x.triu(-3).tril(3), fields)
    rows_ = (batch * length, features)
    best = lambda x: torch.topk(x, 5, -1)  # noqa: E731
    nodes = [("TopK", [np.int64([5])], {"axis": -1})]
    yield Row("topK 5", "topK", (rows_,), nodes, best, {"axis": -1, "K": 5}, outputs=2)
    one = [("TopK", [np.int64([5])], {"axis": -1})]
    yield Row("topK 5 of many", "topK", ((1, s.vocabulary),), one, best, {"axis": -1, "K": 5}, outputs=2)
    for kind, operator, function in (("argMax", "ArgMax", torch.argmax), ("argMin", "ArgMin", torch.argmin)):
        nodes, fields = [(operator, [], {"axis": -1, "keepdims": 0})], {"axis": -1, "remove_dim": True}
        yield Row(kind, kind, (rows_,), nodes, lambda x, f=function: f(x, -1), fields)
    yield Row("argSort", "argSort", (rows_,), None, lambda x: torch.argsort(x, dim=-1, stable=True), {"axis": 1})
    yield Row("cumSum", "cumSum", (s.tokens,), [("CumSum", [np.int64(-1)], {})], lambda x: x.cumsum(-1), {"axis": -1})
    index = _index(features, batch, length)
    nodes = [("OneHot", [np.int64([features]), np.float32([0, 1])], {})]
    fields = {"one_hot_vector_size": features, "axis": -1, "on_value": 1.0, "off_value": 0.0}
    hot = lambda i: torch.nn.functional.one_hot(i, features).float()  # noqa: E731
    yield Row("oneHot", "oneHot", (index,), nodes, hot, fields, native=(_whole,))
    random = np.random.default_rng(1)
    boxes = random.uniform(0.05, 1, (1, s.boxes, 4)).astype(np.float32) * np.float32([1, 1, 0.05, 0.05])
    scores = random.random((1, s.boxes, 1), np.float32)
    limits = {"iou_threshold": 0.5, "score_threshold": 0.01, "max_boxes": 50}
    constants = [np.int64([50]), np.float32([0.5]), np.float32([0.01])]
    find = [
        ("NonMaxSuppression", constants, {"center_point_box": 1}),
        ("Gather", [np.int64(2)], {"axis": 1}),
        ("Gather", [boxes[0], ...], {}),
    ]
    pair, native = (boxes, scores), (_same, lambda x: np.ascontiguousarray(x.swapaxes(1, 2)))
    yield Row("NonMaximumSuppression", "NonMaximumSuppression", pair, find, None, limits, native=native)


def _reductions(s: Size, torch: Any) -> Iterator[Row]:
    for name, operator, function in (
        ("Sum", "ReduceSum", torch.sum),
        ("Mean", "ReduceMean", torch.mean),
        ("Max", "ReduceMax", torch.amax),
        ("Min", "ReduceMin", torch.amin),
        ("Prod", "ReduceProd", None),
        ("L1", "ReduceL1", lambda x, axes: torch.linalg.vector_norm(x, 1, axes)),
        ("L2", "ReduceL2", lambda x, axes: torch.linalg.vector_norm(x, 2, axes)),
        ("LogSum", "ReduceLogSum", lambda x, axes: x.sum(axes).log()),
        ("LogSumExp", "ReduceLogSumExp", torch.logsumexp),
        ("SumSquare", "ReduceSumSquare", lambda x, axes: (x * x).sum(axes)),
    ):
        for where, shape, axes in (("rows", s.tokens, (-1,)), ("columns", s.tokens, (1,)), ("pixels", s.image, (2, 3))):
            if name not in ("Sum", "Max") and where != "rows":
                continue
            kind = f"reduce{name}"
            nodes = [(operator, [np.int64(axes)], {"keepdims": 0})]
            call = None if function is None else lambda x, f=function, a=axes: f(x, a)
            fields = {"axes": axes, "keep_dims": False}
            x = np.random.default_rng(1).uniform(0.95, 1.05, shape).astype(np.float32) if name == "Prod" else shape
            yield Row(f"{kind} {where}", kind, (x,), nodes, call, fields, positive=name != "Prod")


def _recurrent(s: Size, torch: Any) -> Iterator[Row]:
    read = s.steps[-1]
    size, x = 2 * read, (*s.steps, 1, 1)
    squeezed = ("Squeeze", [np.int64([3, 4])], {})

    def stacked(gates: int) -> list[np.ndarray]:
        return [_w(gates, size, read), _w(gates, size, size), _w(gates, size)]

    def tensors(weights, order=None):
        w, r, b = (torch.from_numpy((p if order is None else p[order]).reshape(-1, *p.shape[2:])) for p in weights)
        return w, r, b, torch.zeros_like(b)

    def onnx(weights, directions=1):
        w, r, b = (np.stack([p.reshape(-1, *p.shape[2:])] * directions) for p in weights)
        return [w, r, np.concatenate([b, np.zeros_like(b)], 1)]

    def named(weights, gates):
        endings = ("weight_matrix", "recursion_matrix", "bias_vector")
        return {f"{g}{e}": p[i] for e, p in zip(endings, weights, strict=True) for i, g in enumerate(gates)}

    zero = lambda x, n=1: x.new_zeros(n, x.shape[1], size)  # noqa: E731
    weights = stacked(1)
    cell = tensors(weights)
    fields = {"activation": "tanh", "sequence_output": True, **named(weights, [""])}
    plain = lambda x: torch.rnn_tanh(x[..., 0, 0], zero(x), cell, True, 1, 0.0, False, False, False)  # noqa: E731
    yield Row(
        "simpleRecurrent",
        "simpleRecurrent",
        (x,),
        [squeezed, ("RNN", onnx(weights), {"hidden_size": size})],
        plain,
        fields,
    )
    weights = stacked(3)
    gates = ("update_gate_", "reset_gate_", "output_gate_")
    fields = {"activations": ("sigmoid", "tanh"), "sequence_output": True, **named(weights, gates)}
    # torch resets behind the product with the state: another function
    nodes = [squeezed, ("GRU", onnx(weights), {"hidden_size": size, "linear_before_reset": 0})]
    yield Row("gru", "gru", (x,), nodes, None, fields)
    weights = stacked(4)
    params, three = {"sequence_output": True}, ("sigmoid", "tanh", "tanh")
    matrices = named(weights, [f"{gate}_" for gate in GATES])
    four = tensors(weights, [0, 2, 3, 1])

    def lstm(x, n=1):
        return torch.lstm(x[..., 0, 0], (zero(x, n), zero(x, n)), four * n, True, 1, 0.0, False, n == 2, False)

    fields = {"activations": three, "params": params, "weight_params": matrices}
    nodes = [squeezed, ("LSTM", onnx(weights), {"hidden_size": size})]
    yield Row("uniDirectionalLSTM", "uniDirectionalLSTM", (x,), nodes, lstm, fields)
    both = {"activations_forward_lstm": three, "activations_backward_lstm": three, "weight_params": [matrices] * 2}
    nodes = [
        squeezed,
        ("LSTM", onnx(weights, 2), {"hidden_size": size, "direction": "bidirectional"}),
        ("Transpose", [], {"perm": [0, 2, 1, 3]}),
    ]
    fields = {"params": params, **both}
    yield Row("biDirectionalLSTM", "biDirectionalLSTM", (x,), nodes, lambda x: lstm(x, 2), fields)


def _random(s: Size, torch: Any) -> Iterator[Row]:
    for kind, nodes, function, fields in (
        ("randomNormalLike", [("RandomNormalLike", [], {})], torch.randn_like, {"std_dev": 1.0}),
        ("randomUniformLike", [("RandomUniformLike", [], {})], torch.rand_like, {"max_val": 1.0}),
        ("randomBernoulliLike", None, lambda x: torch.empty_like(x).bernoulli_(0.3), {"prob": 0.3}),
    ):
        yield Row(kind, kind, (s.tokens,), nodes, function, {"seed": -1, **fields}, random=True)
    fields = {"seed": -1, "num_samples": 20, "is_logits": False}
    draw = lambda p: torch.multinomial(p, 20, replacement=True)  # noqa: E731
    rows_ = (s.tokens[1], s.tokens[2])
    yield Row(
        "categoricalDistribution", "categoricalDistribution", (rows_,), None, draw, fields, positive=True, random=True
    )
