"""Pooling of windows, of everything and of regions, judged by onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

RNG = np.random.default_rng(1)
LENGTHS = {1: (10,), 2: (9, 8), 3: (5, 6, 7)}
IMAGES = {f"x{axes}": (np.float32, [2, 3, *sizes]) for axes, sizes in LENGTHS.items()}


def _numbers(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


def _feed(inputs: dict[str, Any]) -> dict[str, Any]:
    return {name: _numbers(*shape) for name, (_, shape) in inputs.items()}


def _pools(kind: str, cases: list[tuple[int, dict[str, Any]]]) -> list[Any]:
    return [helper.make_node(kind, [f"x{n}"], [f"{kind}{i}"], **own) for i, (n, own) in enumerate(cases)]


WINDOWS: list[tuple[int, dict[str, Any]]] = [
    (1, {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}),
    (1, {"kernel_shape": [3], "strides": [2], "ceil_mode": 1}),
    (2, {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [1, 0, 0, 1]}),
    (2, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1}),
    (2, {"kernel_shape": [2, 3], "strides": [3, 2], "pads": [0, 1, 1, 0], "ceil_mode": 1}),
    (2, {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    (2, {"kernel_shape": [2, 2], "auto_pad": "SAME_LOWER"}),
    (3, {"kernel_shape": [2, 3, 2], "strides": [1, 2, 2], "pads": [0, 1, 0, 1, 1, 0]}),
    (3, {"kernel_shape": [2, 2, 2], "strides": [2, 2, 2], "auto_pad": "SAME_UPPER"}),
    (3, {"kernel_shape": [3, 2, 2], "strides": [3, 2, 2], "ceil_mode": 1}),
]
DILATED: list[tuple[int, dict[str, Any]]] = [
    (1, {"kernel_shape": [3], "dilations": [3], "pads": [2, 1]}),
    (2, {"kernel_shape": [3, 2], "dilations": [2, 3], "strides": [2, 1], "pads": [1, 1, 2, 1]}),
    (3, {"kernel_shape": [2, 2, 2], "dilations": [2, 1, 3]}),
]


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool", "LpPool"])
def test_windows(kind: str) -> None:
    cases = [*WINDOWS, *DILATED]
    if kind == "AveragePool":
        cases += [(axes, {**own, "count_include_pad": 1}) for axes, own in cases]
    if kind == "LpPool":
        cases = [(axes, {**own, "p": 2 + i % 2}) for i, (axes, own) in enumerate(cases) if "ceil_mode" not in own]
    nodes = _pools(kind, cases)
    agree(graph(nodes, IMAGES, [node.output[0] for node in nodes], opset=22), _feed(IMAGES), atol=1e-4)


def test_places_of_the_largest() -> None:
    """The first of equal ones counts, as in onnxruntime; the input has few different numbers."""
    cases = [*WINDOWS[:1], *WINDOWS[2:4], *DILATED, (2, {"kernel_shape": [2, 3], "storage_order": 1})]
    nodes = [
        helper.make_node("MaxPool", [f"x{axes}"], [f"y{i}", f"i{i}"], **own) for i, (axes, own) in enumerate(cases)
    ]
    feed = {name: np.round(2 * value) for name, value in _feed(IMAGES).items()}
    outputs = [name for i in range(len(nodes)) for name in (f"y{i}", f"i{i}")]
    agree(graph(nodes, IMAGES, outputs), feed)


def test_max_unpool_inverts_max_pool() -> None:
    nodes = [
        helper.make_node("MaxPool", ["x2"], ["y", "i"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("MaxUnpool", ["y", "i"], ["z"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    agree(graph(nodes, {"x2": (np.float32, [2, 3, 8, 6])}, ["z"]), {"x2": _numbers(2, 3, 8, 6)})


def test_everything() -> None:
    nodes = [
        helper.make_node(kind, [name], [f"{kind}_{name}"], **own)
        for kind, own in (("GlobalAveragePool", {}), ("GlobalMaxPool", {}), ("GlobalLpPool", {"p": 3}))
        for name in IMAGES
    ]
    nodes.append(helper.make_node("GlobalLpPool", ["x2"], ["norm"]))
    agree(graph(nodes, IMAGES, [node.output[0] for node in nodes]), _feed(IMAGES))


def test_windows_of_any_size() -> None:
    cases: list[tuple[str, dict[str, Any]]] = [
        ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1}),
        ("MaxPool", {"kernel_shape": [3, 2], "dilations": [2, 1], "pads": [1, 0, 1, 1]}),
        ("MaxPool", {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [0, 1, 1, 0], "ceil_mode": 1}),
        ("AveragePool", {"kernel_shape": [2, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"}),
        ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1, "count_include_pad": 1}),
        ("AveragePool", {"kernel_shape": [2, 2], "dilations": [2, 2], "pads": [1, 1, 0, 1]}),
        ("LpPool", {"kernel_shape": [3, 2], "p": 3, "pads": [1, 0, 1, 1]}),
        ("GlobalMaxPool", {}),
    ]
    nodes = [helper.make_node(kind, ["x"], [f"y{i}"], **own) for i, (kind, own) in enumerate(cases)]
    nodes.append(helper.make_node("MaxPool", ["x"], ["z", "places"], kernel_shape=[2, 2], strides=[2, 2]))
    outputs = [*(f"y{i}" for i in range(len(cases))), "places"]
    model = graph(nodes, {"x": (np.float32, ["n", 2, "h", "w"])}, outputs, opset=22)
    agree(model, {"x": _numbers(1, 2, 7, 8)}, {"x": _numbers(2, 2, 10, 9)})


def test_regions() -> None:
    boxes = np.float32([[1, 2, 9, 8], [0, 0, 4, 5], [3, -4, 12, 6], [5, 5, 5.2, 5.1], [2, 1, 20, 18]])
    rois = np.concatenate([[[0], [1], [1], [0], [1]], boxes], 1).astype(np.float32)
    sizes = {"output_height": 3, "output_width": 2}
    nodes = [
        helper.make_node("RoiAlign", ["x", "boxes", "images"], ["half"], **sizes, sampling_ratio=2, spatial_scale=0.5),
        helper.make_node("RoiAlign", ["x", "boxes", "images"], ["adaptive"], **sizes, spatial_scale=0.5),
        helper.make_node(
            "RoiAlign",
            ["x", "boxes", "images"],
            ["legacy"],
            **sizes,
            sampling_ratio=3,
            coordinate_transformation_mode="output_half_pixel",
        ),
        helper.make_node("RoiAlign", ["x", "boxes", "images"], ["largest"], **sizes, sampling_ratio=2, mode="max"),
        helper.make_node("MaxRoiPool", ["x", "rois"], ["pooled"], pooled_shape=[3, 2], spatial_scale=0.5),
    ]
    inputs = {
        "x": (np.float32, [2, 3, 10, 12]),
        "boxes": (np.float32, [5, 4]),
        "images": (np.int64, [5]),
        "rois": (np.float32, [5, 5]),
    }
    feed = {"x": _numbers(2, 3, 10, 12), "boxes": boxes, "images": np.int64([0, 1, 1, 0, 1]), "rois": rois}
    agree(graph(nodes, inputs, ["half", "adaptive", "legacy", "largest", "pooled"]), feed)


@pytest.mark.parametrize(
    ("kind", "shape", "attributes", "reason"),
    [
        ("MaxPool", [1, 2, 3, 3, 3, "h"], {}, "has 4 spatial axes"),
        ("MaxPool", [1, 2, "h", 8], {"strides": [2, 2], "pads": [0, 1, 1, 0], "ceil_mode": 1}, "ceil_mode with these"),
    ],
)
def test_refused_windows(kind: str, shape: list[Any], attributes: dict[str, Any], reason: str) -> None:
    node = helper.make_node(kind, ["x"], ["y"], kernel_shape=[2] * (len(shape) - 2), **attributes)
    inputs = {"x": (np.float32, shape)} if len(shape) <= 5 else {"r": (np.float32, [1, 2, 27, 3])}
    nodes = [node]
    if len(shape) > 5:
        nodes.insert(0, helper.make_node("Reshape", ["r", "s"], ["x"]))
    with pytest.raises(UnsupportedError, match=reason):
        network_from_onnx(graph(nodes, inputs, ["y"], {"s": np.int64([1, 2, 3, 3, 3, 3])}))
