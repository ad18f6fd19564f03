"""Splitting, sequences and optional values of ONNX, judged by onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_models import agree, graph

from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

RANDOM = np.random.default_rng(7)
node = helper.make_node
NUMBERS = {
    "zero": np.int64(0),
    "one": np.int64(1),
    "two": np.int64(2),
    "last": np.int64(-1),
    "sizes": np.int64([1, 4]),
    "uneven": np.int64([2, 0, 3]),
}


def numbers(*shape):
    return np.float32(RANDOM.normal(size=shape))


def test_splits():
    nodes = [
        node("Split", ["x"], ["a", "b", "c"], axis=1),
        node("Split", ["y", "sizes"], ["d", "e"], axis=-1),
        node("Split", ["y", "uneven"], ["f", "empty", "g"], axis=1),
    ]
    feed = {"x": numbers(2, 6), "y": numbers(3, 5)}
    shapes = {name: (np.float32, value.shape) for name, value in feed.items()}
    agree(graph(nodes, shapes, list("abcdefg"), NUMBERS, 13), feed)
    nodes = [
        node("Split", ["x"], ["a", "b", "c"], axis=1, num_outputs=3),
        node("Split", ["y"], ["d", "e"], axis=-1, num_outputs=2),
    ]
    agree(graph(nodes, shapes, list("abcde"), opset=18), feed)
    old = [node("Split", ["x"], ["a", "b"], axis=1, split=[2, 4]), node("Split", ["x"], ["c", "d"])]
    agree(graph(old, {"x": shapes["x"]}, list("abcd"), opset=11), {"x": feed["x"]})


def test_splits_of_an_axis_of_any_size():
    nodes = [
        node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2),
        node("Neg", ["b"], ["c"]),
        node("Add", ["a", "a"], ["d"]),
    ]
    model = graph(nodes, {"x": (np.float32, (2, "n"))}, ["a", "c", "d"], opset=18)
    agree(model, *({"x": numbers(2, size)} for size in (6, 7, 3)))


def test_sequences():
    whole = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    each = helper.make_graph(
        [node("Add", ["item", "x"], ["sum"]), node("Mul", ["sum", "other"], ["product"])],
        "each",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("item", "other")],
        [helper.make_tensor_value_info("product", TensorProto.FLOAT, None)],
    )
    nodes = [
        node("SequenceEmpty", [], ["empty"]),
        node("SequenceInsert", ["empty", "x"], ["single"]),
        node("SequenceConstruct", ["x", "y", "x"], ["three"]),
        node("SequenceInsert", ["three", "y", "one"], ["four"]),
        node("SequenceErase", ["four", "last"], ["back"]),
        node("SequenceErase", ["back"], ["pair"]),
        node("SequenceMap", ["three", "y"], ["mapped"], body=each),
        node("SequenceLength", ["four"], ["length"]),
        node("SequenceAt", ["four", "last"], ["a"]),
        node("SequenceAt", ["mapped", "one"], ["b"]),
        node("SequenceAt", ["four", "which"], ["c"]),
        node("ConcatFromSequence", ["pair"], ["d"], axis=1),
        node("ConcatFromSequence", ["four"], ["e"], axis=-1, new_axis=1),
        node("ConcatFromSequence", ["single"], ["f"], axis=0),
        node("SplitToSequence", ["x", "two"], ["chunks"], axis=1),
        node("SequenceAt", ["chunks", "one"], ["g"]),
        node("SplitToSequence", ["x"], ["rows"], axis=0, keepdims=0),
        node("SequenceAt", ["rows", "one"], ["h"]),
        node("SplitToSequence", ["x", "one_two"], ["parts"], axis=-1),
        node("SequenceAt", ["parts", "zero"], ["i"]),
        node("Optional", ["three"], ["maybe"]),
        node("OptionalHasElement", ["maybe"], ["there"]),
        node("OptionalGetElement", ["maybe"], ["again"]),
        node("SequenceAt", ["again", "one"], ["j"]),
        node("Optional", [], ["nothing"], type=whole),
        node("OptionalHasElement", ["nothing"], ["absent"]),
    ]
    nodes += [node("Cast", [name], [f"{name}1"], to=TensorProto.INT32) for name in ("there", "absent", "length")]
    inputs = {"x": (np.float32, (2, 3)), "y": (np.float32, (2, 3)), "which": (np.int64, ())}
    outputs = [*"abcdefghij", "there1", "absent1", "length1"]
    model = graph(nodes, inputs, outputs, {**NUMBERS, "one_two": np.int64([1, 2])}, 18)
    x, y = numbers(2, 3), numbers(2, 3)
    agree(model, *({"x": x, "y": y, "which": np.int64(which)} for which in (1, 2)))


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([node("SequenceConstruct", ["x"], ["y"])], "the output 'y' is a sequence"),
        (
            [node("SequenceConstruct", ["x"], ["s"]), node("SequenceAt", ["s", "two"], ["y"])],
            "position 2 is out of range for a sequence of 1 tensors",
        ),
        ([node("SplitToSequence", ["x"], ["s"], axis=1), node("SequenceAt", ["s", "two"], ["y"])], "the length of the"),
        ([node("Split", ["x", "count"], ["y", "z"])], "split must be a constant; here it is computed"),
        ([node("Split", ["x", "sizes"], ["y", "z"])], r"axis 0 of size 3 cannot be split into \[1, 4\]"),
    ],
)
def test_what_is_refused(nodes, reason):
    model = graph(nodes, {"x": (np.float32, (3, "n")), "count": (np.int64, (2,))}, ["y"], NUMBERS)
    with pytest.raises(UnsupportedError, match=reason):
        network_from_onnx(model)
