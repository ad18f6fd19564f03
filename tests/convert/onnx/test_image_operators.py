"""Resizing, borders, statistics of channels and grids, judged by onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

RNG = np.random.default_rng(2)


def _numbers(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


class Nodes:
    """Nodes that read x and constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def add(self, kind: str, *inputs: Any, **attributes: Any) -> None:
        """Inputs: names, or arrays that become constants."""
        name, read = f"y{len(self.nodes)}", list[str]()
        for i, each in enumerate(inputs):
            if isinstance(each, str):
                read.append(each)
            else:
                read.append(f"{name}_{i}")
                self.constants[f"{name}_{i}"] = each
        self.nodes.append(helper.make_node(kind, read, [name], name=name, **attributes))

    def model(self, inputs: dict[str, Any], opset: int) -> Any:
        return graph(self.nodes, inputs, [node.output[0] for node in self.nodes], self.constants, opset)


# Resizing ------------------------------------------------------------------------------------------------------------


def _resize(made: Nodes, mode: str, scales: list[float], where: str, **attributes: Any) -> None:
    roi: Any = np.float32([0, 0, 0.1, 0.2, 1, 1, 0.8, 1.1]) if where == "tf_crop_and_resize" else ""
    whole = np.float32([1, 1, *scales])
    made.add("Resize", "x", roi, whole, mode=mode, coordinate_transformation_mode=where, **attributes)


def test_resized_images() -> None:
    made = Nodes()
    for i, nearest in enumerate(("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")):
        _resize(made, "nearest", [2, 3], "half_pixel", nearest_mode=nearest)
        where = ("asymmetric", "align_corners", "pytorch_half_pixel", "tf_crop_and_resize")[i]
        _resize(made, "nearest", [1.3, 0.6], where, nearest_mode=nearest)
    for where in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"):
        _resize(made, "linear", [2, 3], where)
        _resize(made, "linear", [1, 0.6], where)
    _resize(made, "linear", [1.5, 0.5], "tf_crop_and_resize", extrapolation_value=7.0)
    _resize(made, "linear", [0.3, 0.4], "half_pixel", antialias=1)
    _resize(made, "cubic", [2, 0.7], "half_pixel", cubic_coeff_a=-0.5)
    _resize(made, "cubic", [1.5, 2], "align_corners", exclude_outside=1)
    _resize(made, "cubic", [0.4, 0.6], "asymmetric", antialias=1)
    made.add("Resize", "x", "", "", np.int64([9, 4]), mode="linear", axes=[2, 3])
    made.add("Resize", "x", "", "", np.int64([9, 9]), axes=[3, 2], keep_aspect_ratio_policy="not_larger")
    made.add("Resize", "x", "", "", np.int64([9, 9]), axes=[2, 3], keep_aspect_ratio_policy="not_smaller")
    made.add("Resize", "x", "", "", np.int64([12, 7]), mode="linear", axes=[2, 3], antialias=1)
    converted = agree(made.model({"x": (np.float32, [1, 2, 6, 7])}, 19), {"x": _numbers(1, 2, 6, 7)})
    layers = {note.name: note.layers for note in converted.nodes}
    assert layers["y2"] == layers["y8"] == layers["y10"] == ("upsample",)


def test_resized_images_of_any_size() -> None:
    """Where no layer does it for every size, positions are computed from the sizes."""
    made = Nodes()
    _resize(made, "nearest", [2, 2], "asymmetric", nearest_mode="floor")
    _resize(made, "nearest", [1.5, 1], "half_pixel")
    _resize(made, "linear", [2, 2], "half_pixel")
    _resize(made, "linear", [1, 1.5], "align_corners")
    _resize(made, "cubic", [1.25, 1], "half_pixel", exclude_outside=1)
    made.nodes.append(helper.make_node("Shape", ["z"], ["sizes"]))
    made.nodes.append(helper.make_node("Resize", ["x", "", "", "sizes"], ["like"], mode="linear"))
    model = made.model({"x": (np.float32, [1, 2, "h", "w"]), "z": (np.float32, [1, 2, "k", "l"])}, 13)
    agree(
        model,
        {"x": _numbers(1, 2, 6, 5), "z": _numbers(1, 2, 7, 9)},
        {"x": _numbers(1, 2, 9, 8), "z": _numbers(1, 2, 18, 4)},
    )


@pytest.mark.parametrize(("kind", "opset"), [("Upsample", 9), ("Resize", 10)])
def test_resizing_of_old_versions(kind: str, opset: int) -> None:
    made = Nodes()
    made.add(kind, "x", np.float32([1, 1, 2, 3]))
    made.add(kind, "x", np.float32([1, 1, 2, 1.5]), mode="linear")
    if kind == "Resize":
        made.add(kind, "x", np.float32([1, 1, 0.6, 1]))
    agree(made.model({"x": (np.float32, [1, 2, 4, 6])}, opset), {"x": _numbers(1, 2, 4, 6)})


# Borders and blocks --------------------------------------------------------------------------------------------------


def test_borders() -> None:
    made = Nodes()
    made.add("Pad", "x", np.int64([0, 1, 2, 0, 1, 0, 0, 3]), np.float32(2.5))
    made.add("Pad", "x", np.int64([0, 0, -1, 2, 0, 1, 1, -2]))
    made.add("Pad", "x", np.int64([2, 1, 1, 0]), "", np.int64([-1, 2]), mode="reflect")
    made.add("Pad", "x", np.int64([1, 2, 0, 3]), "", np.int64([1, 3]), mode="edge")
    made.add("Pad", "x", np.int64([1, 2, 2, 3]), "", np.int64([1, 3]), mode="reflect")
    made.add("Pad", "x", np.int64([3, 2, 1, 7]), "", np.int64([2, 3]), mode="wrap")
    made.add("CenterCropPad", "x", np.int64([8, 3]), axes=[2, 3])
    made.add("DepthToSpace", "x", blocksize=2)
    made.add("DepthToSpace", "x", blocksize=2, mode="CRD")
    made.add("SpaceToDepth", "x", blocksize=2)
    agree(made.model({"x": (np.float32, [1, 4, 6, 4])}, 19), {"x": _numbers(1, 4, 6, 4)})


def test_borders_of_any_size() -> None:
    """Amounts, a number and sizes that are known only when the model runs."""
    made = Nodes()
    made.add("Pad", "x", np.int64([0, 0, 1, 2, 0, 0, 0, 1]), mode="edge")
    made.add("Pad", "x", np.int64([0, 0, 3, 2, 0, 0, 0, 1]), mode="wrap")
    made.add("Pad", "x", np.int64([0, 1, 2, 0, 0, 1, 1, 0]), mode="reflect")
    made.add("Pad", "x", np.int64([0, 0, 1, 2, 0, 0, -1, 1]), "number")
    made.add("Pad", "x", "amounts", np.float32(1))
    made.add("CenterCropPad", "x", np.int64([9, 6]), axes=[2, 3])
    inputs = {"x": (np.float32, [1, 2, "h", "w"]), "number": (np.float32, [1]), "amounts": (np.int64, [8])}
    feeds = [
        {"x": _numbers(1, 2, h, w), "number": np.float32([h]), "amounts": np.int64([0, 1, a, 0, 0, 0, 2, a])}
        for h, w, a in ((6, 7, 1), (11, 5, 3))
    ]
    agree(made.model(inputs, 19), *feeds)


# Statistics of channels ----------------------------------------------------------------------------------------------


def test_statistics_of_channels() -> None:
    made = Nodes()
    positive = np.abs(_numbers(3)) + 0.5
    for x in ("x2", "x3", "x4", "x5"):
        made.add("BatchNormalization", x, _numbers(3), _numbers(3), _numbers(3), positive, epsilon=1e-3)
    made.add("BatchNormalization", "x4", "p", "p", "p", "p")
    for x in ("x3", "x4", "x5"):
        made.add("InstanceNormalization", x, _numbers(3), _numbers(3), epsilon=1e-3)
        made.add("LRN", x, size=3, alpha=0.5, beta=0.6, bias=1.5)
    made.add("InstanceNormalization", "x4", "p", "p")
    shapes = {"x2": [2, 3], "x3": [2, 3, 5], "x4": [2, 3, 4, 5], "x5": [2, 3, 2, 3, 4], "p": [3]}
    inputs = {name: (np.float32, shape) for name, shape in shapes.items()}
    feed = {name: _numbers(*shape) for name, shape in shapes.items()} | {"p": positive}
    # onnxruntime has LRN for images only
    made.nodes = [node for node in made.nodes if node.op_type != "LRN" or node.input[0] == "x4"]
    agree(made.model(inputs, 17), feed, atol=1e-4)


def test_statistics_of_the_batch() -> None:
    node = helper.make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y", "mean", "variance"], training_mode=1)
    constants = {"s": _numbers(3), "b": _numbers(3), "m": _numbers(3), "v": np.float32([1, 2, 3])}
    model = graph([node], {"x": (np.float32, ["n", 3, "h", 4])}, ["y", "mean", "variance"], constants, 17)
    # onnxruntime computes the running variance with the count less one, ONNX with the count
    x = _numbers(2, 3, 5, 4)
    found = network_from_onnx(model)
    import graphml

    made = graphml.load(found.model).predict({"x": x})
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
    column = (1, 3, 1, 1)
    wanted = (x - mean.reshape(column)) / np.sqrt(variance.reshape(column) + 1e-5)
    wanted = wanted * constants["s"].reshape(column) + constants["b"].reshape(column)
    np.testing.assert_allclose(made["y"], wanted, 1e-4, 1e-5)
    np.testing.assert_allclose(made["mean"], 0.9 * constants["m"] + 0.1 * mean, 1e-4, 1e-5)
    np.testing.assert_allclose(made["variance"], 0.9 * constants["v"] + 0.1 * variance, 1e-4, 1e-5)


# Grids ---------------------------------------------------------------------------------------------------------------


def test_grids() -> None:
    made = Nodes()
    made.add("GridSample", "x", "grid", padding_mode="zeros")
    made.add("GridSample", "x", "grid", padding_mode="reflection", align_corners=1)
    made.add("GridSample", "x", "grid", mode="nearest", padding_mode="border", align_corners=1)
    made.add("GridSample", "x", "grid", mode="nearest", padding_mode="zeros")
    made.add("GridSample", "x", "grid", mode="cubic", padding_mode="reflection")
    made.add("GridSample", "x5", "grid5", padding_mode="reflection")
    made.add("GridSample", "x5", "grid5", mode="nearest", align_corners=1)
    made.add("AffineGrid", "theta", np.int64([2, 3, 4, 5]))
    made.add("AffineGrid", "theta3", np.int64([1, 2, 3, 4, 5]), align_corners=1)
    shapes = {
        "x": [2, 3, 5, 6],
        "grid": [2, 4, 3, 2],
        "x5": [1, 2, 3, 4, 5],
        "grid5": [1, 2, 3, 2, 3],
        "theta": [2, 2, 3],
        "theta3": [1, 3, 4],
    }
    inputs = {name: (np.float32, shape) for name, shape in shapes.items()}
    feed = {name: _numbers(*shape) for name, shape in shapes.items()}
    agree(made.model(inputs, 20), feed, atol=1e-4)


def test_grids_and_deformed_windows_of_any_size() -> None:
    made = Nodes()
    made.add("GridSample", "x", "grid", mode="bilinear", padding_mode="border")
    weights = _numbers(2, 2, 3, 2)
    made.add("DeformConv", "x", weights, "offset", _numbers(2), "mask", group=2, offset_group=2, pads=[1, 0, 1, 1])
    inputs = {
        "x": (np.float32, ["n", 4, "h", "w"]),
        "grid": (np.float32, ["n", "a", "b", 2]),
        "offset": (np.float32, ["n", 24, "h", "w"]),
        "mask": (np.float32, ["n", 12, "h", "w"]),
    }
    feeds = [
        {
            "x": _numbers(n, 4, h, w),
            "grid": _numbers(n, 3, h, 2),
            "offset": _numbers(n, 24, h, w),
            "mask": _numbers(n, 12, h, w),
        }
        for n, h, w in ((1, 5, 6), (2, 7, 4))
    ]
    agree(made.model(inputs, 19), *feeds, atol=1e-4)


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (helper.make_node("Resize", ["x", "", "", "v"], ["y"]), "the size of the result depends on values"),
        (helper.make_node("Pad", ["x", "v"], ["y"], mode="edge"), "the amounts depend on values"),
        (helper.make_node("CenterCropPad", ["x", "v"], ["y"]), "the shape depends on values"),
        (helper.make_node("ImageDecoder", ["b"], ["y"]), "it decodes a compressed image"),
    ],
)
def test_refused_images(node: Any, reason: str) -> None:
    length = 8 if node.op_type == "Pad" else 4
    inputs = {"x": (np.float32, [1, 2, 5, 5]), "v": (np.int64, [length]), "b": (np.uint8, [9])}
    with pytest.raises(UnsupportedError, match=reason):
        network_from_onnx(graph([node], inputs, ["y"], opset=20))
