"""Convolution, pooling, padding and resizing against onnxruntime."""

import numpy as np
import pytest
from cases import Case, numbers
from one_layer import compiled, same

from graphml.spec.attributes import Choice

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime judges this family and is not installed")
onnx = pytest.importorskip("onnx", reason="onnx builds the judge's models and is not installed")

X = numbers(2, 4, 9, 8)
SAME_UPPER, SAME_LOWER = (Choice("same", {"asymmetry_mode": f"{side}_HEAVY"}) for side in ("BOTTOM_RIGHT", "TOP_LEFT"))


def _valid(top=0, bottom=0, left=0, right=0):
    return Choice("valid", {"padding_amounts": ((top, bottom), (left, right))})


def _complete(*amounts):
    return Choice("includeLastPixel", {"padding_amounts": amounts})


def _answer(node, names, constants, attributes, x=X):
    """What an ONNX node makes of x. names: the node's inputs; "x" is x, "" is left out, the others are constants."""
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(node, names, ["y"], **attributes)],
        "judge",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, list(x.shape))],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def _agrees(kind, fields, want, *inputs):
    same(compiled(kind, Case(inputs or (X,), fields))[0], want, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("shape", "groups", "stride", "dilation", "padding", "theirs"),
    [
        ((6, 4, 3, 3), 1, (1, 1), (1, 1), _valid(), {}),
        ((6, 4, 3, 2), 1, (2, 3), (1, 1), _valid(1, 2, 0, 3), {"pads": [1, 0, 2, 3]}),
        ((6, 4, 3, 3), 1, (1, 2), (2, 1), _valid(1, 1, 1, 1), {"pads": [1, 1, 1, 1]}),
        ((6, 2, 3, 3), 2, (2, 2), (1, 1), SAME_UPPER, {"auto_pad": "SAME_UPPER"}),
        ((8, 1, 4, 4), 4, (2, 2), (1, 1), SAME_LOWER, {"auto_pad": "SAME_LOWER"}),
        ((6, 4, 1, 1), 1, (1, 1), (1, 1), _valid(), {}),
    ],
)
def test_convolution(shape, groups, stride, dilation, padding, theirs):
    w, b = numbers(*shape, seed=1), numbers(shape[0], seed=2)
    ours = {"weights": w, "bias": b, "n_groups": groups, "stride": stride, "dilation_factor": dilation}
    attributes = {"group": groups, "strides": stride, "dilations": dilation, **theirs}
    ours["convolution_padding_type"] = padding
    _agrees("convolution", ours, _answer("Conv", ["x", "w", "b"], {"w": w, "b": b}, attributes))


def test_convolution_with_many_channels():
    x, w = numbers(1, 64, 14, 13, low=-1, high=1), numbers(70, 64, 3, 3, low=-0.2, high=0.2, seed=1)
    want = _answer("Conv", ["x", "w"], {"w": w}, {"pads": [1, 1, 1, 1]}, x)
    _agrees("convolution", {"weights": w, "convolution_padding_type": _valid(1, 1, 1, 1)}, want, x)


@pytest.mark.parametrize(
    ("shape", "groups", "stride", "ours", "theirs"),
    [
        ((4, 3, 4, 4), 1, (2, 2), {"convolution_padding_type": _valid(1, 1, 2, 1)}, {"pads": [1, 2, 1, 1]}),
        ((4, 3, 3, 2), 2, (2, 3), {"convolution_padding_type": _valid()}, {}),
        ((4, 1, 4, 4), 4, (2, 2), {"convolution_padding_type": SAME_UPPER}, {"auto_pad": "SAME_UPPER"}),
        ((4, 3, 5, 4), 1, (2, 1), {"convolution_padding_type": SAME_LOWER}, {"auto_pad": "SAME_LOWER"}),
        (
            (4, 3, 3, 2),
            2,
            (2, 1),
            {"convolution_padding_type": _valid(1, 0, 2, 1), "dilation_factor": (2, 3)},
            {"pads": [1, 2, 0, 1], "dilations": [2, 3]},
        ),
        (
            (4, 3, 3, 3),
            1,
            (2, 2),
            {"convolution_padding_type": SAME_UPPER, "dilation_factor": (2, 1)},
            {"auto_pad": "SAME_UPPER", "dilations": [2, 1]},
        ),
        (
            (4, 3, 3, 3),
            1,
            (2, 2),
            {"convolution_padding_type": _valid(), "dilation_factor": (3, 2), "output_shape": (15, 16)},
            {"output_shape": [15, 16], "auto_pad": "SAME_UPPER", "dilations": [3, 2]},
        ),
        (
            (4, 3, 4, 4),
            1,
            (2, 2),
            {"convolution_padding_type": SAME_LOWER, "output_shape": (17, 17)},
            {"output_shape": [17, 17], "auto_pad": "SAME_UPPER"},
        ),
        (
            (4, 3, 3, 2),
            1,
            (2, 1),
            {"convolution_padding_type": _valid(1, 0, 2, 1), "dilation_factor": (2, 3)},
            {"pads": [1, 2, 0, 1], "dilations": [2, 3]},
        ),
        (
            (4, 2, 3, 3),
            2,
            (2, 2),
            {"convolution_padding_type": SAME_UPPER, "dilation_factor": (2, 3)},
            {"auto_pad": "SAME_UPPER", "dilations": [2, 3]},
        ),
        (
            (4, 3, 3, 3),
            1,
            (2, 2),
            {"convolution_padding_type": _valid(), "dilation_factor": (2, 3), "output_shape": (17, 19)},
            {"output_shape": [17, 19], "auto_pad": "SAME_UPPER", "dilations": [2, 3]},
        ),
    ],
)
def test_deconvolution(shape, groups, stride, ours, theirs):
    w, b = numbers(*shape, seed=1), numbers(shape[1] * groups, seed=2)
    fields = {"weights": w, "bias": b, "n_groups": groups, "stride": stride, "is_deconvolution": True, **ours}
    attributes = {"group": groups, "strides": stride, **theirs}
    _agrees("convolution", fields, _answer("ConvTranspose", ["x", "w", "b"], {"w": w, "b": b}, attributes))


POOLS = [
    ((2, 2), (2, 2), _valid(), {}),
    ((3, 2), (2, 3), _valid(1, 0, 0, 1), {"pads": [1, 0, 0, 1]}),
    ((3, 3), (2, 2), SAME_UPPER, {"auto_pad": "SAME_UPPER"}),
    ((2, 4), (1, 3), SAME_LOWER, {"auto_pad": "SAME_LOWER"}),
    ((3, 3), (2, 2), _complete(1, 1), {"pads": [1, 1, 1, 1], "ceil_mode": 1}),
    ((3, 2), (3, 3), _complete(1, 0), {"pads": [1, 0, 1, 0], "ceil_mode": 1}),
    ((2, 2), (2, 2), _complete(0, 0), {"ceil_mode": 1}),
]


@pytest.mark.parametrize(("kernel", "stride", "padding", "theirs"), POOLS)
@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool", "AveragePool with padding"])
def test_pooling(kernel, stride, padding, theirs, kind):
    node, _, counted = kind.partition(" with ")
    ours = {"kernel_size": kernel, "stride": stride, "pooling_padding_type": padding}
    attributes = {"kernel_shape": kernel, "strides": stride, **theirs}
    if node == "AveragePool":
        ours |= {"type": "AVERAGE", "avg_pool_exclude_padding": not counted}
        attributes["count_include_pad"] = int(bool(counted))
    _agrees("pooling", ours, _answer(node, ["x"], {}, attributes))


@pytest.mark.parametrize(
    ("name", "node", "attributes"),
    [("MAX", "GlobalMaxPool", {}), ("AVERAGE", "GlobalAveragePool", {}), ("L2", "GlobalLpPool", {"p": 2})],
)
def test_global_pooling(name, node, attributes):
    _agrees("pooling", {"type": name, "global_pooling": True}, _answer(node, ["x"], {}, attributes))


def test_norm_pooling():
    ours = {"type": "L2", "kernel_size": (2, 3), "stride": (1, 2), "pooling_padding_type": _valid(1, 0, 2, 0)}
    theirs = {"kernel_shape": (2, 3), "strides": (1, 2), "pads": [1, 2, 0, 0], "p": 2}
    _agrees("pooling", ours, _answer("LpPool", ["x"], {}, theirs))


@pytest.mark.parametrize(
    ("choice", "mode"),
    [
        (Choice("constant", {"value": 1.5}), "constant"),
        (Choice("reflection"), "reflect"),
        (Choice("replication"), "edge"),
    ],
)
def test_padding(choice, mode):
    constants = {"pads": np.int64([0, 0, 1, 2, 0, 0, 3, 0]), "value": np.float32(1.5)}
    ours = {"padding_type": choice, "padding_amounts": ((1, 3), (2, 0))}
    _agrees("padding", ours, _answer("Pad", ["x", "pads", "value"], constants, {"mode": mode}))


@pytest.mark.parametrize(
    ("kind", "ours", "theirs"),
    [
        ("upsample", {"scaling_factor": (2, 3)}, ("nearest", "asymmetric", (18, 24))),
        ("upsample", {"scaling_factor": (2, 3), "mode": "BILINEAR"}, ("linear", "asymmetric", (18, 24))),
        (
            "upsample",
            {"scaling_factor": (2, 3), "mode": "BILINEAR", "linear_upsample_mode": "ALIGN_CORNERS_TRUE"},
            ("linear", "align_corners", (18, 24)),
        ),
        (
            "upsample",
            {
                "fractional_scaling_factor": (1.5, 0.7),
                "mode": "BILINEAR",
                "linear_upsample_mode": "ALIGN_CORNERS_FALSE",
            },
            ("linear", "half_pixel", (13, 5)),
        ),
        ("resizeBilinear", {"target_size": (5, 11)}, ("linear", "align_corners", (5, 11))),
        ("resizeBilinear", {"target_size": (5, 11), "mode": "UPSAMPLE_MODE"}, ("linear", "asymmetric", (5, 11))),
    ],
)
def test_resizing(kind, ours, theirs):
    mode, transformation, size = theirs
    attributes = {"mode": mode, "coordinate_transformation_mode": transformation, "nearest_mode": "floor"}
    constants = {"sizes": np.int64([2, 4, *size])}
    _agrees(kind, ours, _answer("Resize", ["x", "", "", "sizes"], constants, attributes))


def test_boxes_with_aligned_ends():
    box = np.float32([1.5, 2.25, 6, 4]) / np.float32([8, 7, 8, 7])
    ours = {
        "target_size": (4, 3),
        "mode": "ALIGN_ENDPOINTS_MODE",
        "normalized_coordinates": True,
        "spatial_scale": 1.0,
    }
    theirs = {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize"}
    constants = {"roi": np.float32([0, 0, *box[:2], 1, 1, *box[2:]]), "sizes": np.int64([2, 4, 4, 3])}
    want = _answer("Resize", ["x", "roi", "", "sizes"], constants, theirs)
    _agrees("cropResize", ours, want[None], X[None], box.reshape(1, 1, 4, 1, 1))
