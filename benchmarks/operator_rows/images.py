"""Rows of image layers: convolution, pooling, normalization, padding, cropping, resizing, pixel shuffling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from operator_rows.row import Row, Size, small


def convolutions(s: Size, torch: Any) -> Iterator[Row]:
    F = torch.nn.functional

    def conv(name, shape, weights, stride=1, groups=1, dilation=1):
        w, pad = small(*weights), weights[-1] // 2 * dilation
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

    w = small(c, c // 2, 4, 4)
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
    cube = small(channels, channels, 3, 3, 3)
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


def pools(s: Size, torch: Any) -> Iterator[Row]:
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


def norms(s: Size, torch: Any) -> Iterator[Row]:
    F = torch.nn.functional
    c, features = s.image[1], s.tokens[-1]
    g, b, m, v = small(c), small(c), small(c), np.abs(small(c)) + 1
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
    gamma, beta = small(features), small(features)
    pair = torch.from_numpy(gamma), torch.from_numpy(beta)
    yield Row(
        "layerNormalization",
        "layerNormalization",
        (s.tokens,),
        [("LayerNormalization", [gamma, beta], {"epsilon": 1e-5})],
        lambda x: F.layer_norm(x, (features,), *pair, eps=1e-5),
        {"gamma": gamma, "beta": beta, "eps": 1e-5},
    )


def images(s: Size, torch: Any) -> Iterator[Row]:
    F = torch.nn.functional
    batch, c, height, width = s.image
    one = ("scale", [("Mul", [small(c, 1, 1)], {})], {"scale": small(c, 1, 1)}, torch.mul)
    two = ("bias", [("Add", [small(c, 1, 1)], {})], {"bias": small(c, 1, 1)}, torch.add)
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
