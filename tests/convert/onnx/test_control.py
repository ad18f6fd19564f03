"""Branches, loops and scans of ONNX, judged by onnxruntime."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_models import agree, graph

import graphml
from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

RANDOM = np.random.default_rng(6)
node = helper.make_node
INT, BOOL, FLOAT = TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT
NUMBERS = {
    "zero": np.int64(0),
    "one": np.float32(1),
    "two": np.float32(2),
    "three": np.int64(3),
    "four": np.int64(4),
    "axes": np.int64([0]),
    "true": np.bool_(True),
    "limit": np.float32(20),
}


def numbers(*shape):
    return np.float32(RANDOM.normal(size=shape))


def body(nodes, inputs, outputs):
    """A sub-graph. inputs and outputs: names of floats, or (name, type, shape)."""

    def info(each):
        return helper.make_tensor_value_info(*((each, FLOAT, None) if isinstance(each, str) else each))

    return helper.make_graph(nodes, "body", [info(each) for each in inputs], [info(each) for each in outputs])


def iteration(nodes, carried, made, going=None):
    """A loop body: the iteration number `i`, whether to continue, and the carried values."""
    always = [] if going else [node("Identity", ["going_on"], ["on"])]
    inputs = [("i", INT, []), ("going_on", BOOL, []), *carried]
    return body([*nodes, *always], inputs, [(going or "on", BOOL, []), *made])


def side(kind):
    return body([node(kind, ["x"], [kind])], [], [kind])


def layers(converted):
    return [kind for note in converted.nodes for kind in note.layers]


# Branches ------------------------------------------------------------------------------------------------------------


def test_branches_on_data():
    inner = body([node("If", ["small"], ["e"], then_branch=side("Relu"), else_branch=side("Neg"))], [], ["e"])
    up = body([node("Mul", ["x", "two"], ["a"]), node("Add", ["x", "x"], ["b"])], [], ["a", "b"])
    down = body([node("Neg", ["x"], ["c"]), node("Identity", ["x"], ["d"])], [], ["c", "d"])
    nodes = [
        node("Greater", ["most", "one"], ["large"]),
        node("Less", ["most", "two"], ["small"]),
        node("If", ["large"], ["y", "z"], then_branch=up, else_branch=down),
        node("If", ["large"], ["n"], then_branch=inner, else_branch=side("Abs")),
        node("Sub", ["y", "z"], ["difference"]),
    ]
    model = graph(nodes, {"x": (np.float32, (3,)), "most": (np.float32, ())}, ["difference", "n"], NUMBERS)
    converted = agree(model, *({"x": numbers(3), "most": np.float32(most)} for most in (0.5, 1.5, 3)))
    assert layers(converted).count("branch") == 3  # one of them in a branch of another


def test_branches_that_are_decided_leave_no_trace():
    text = [node("Cast", ["x"], ["text"], to=TensorProto.STRING), node("Cast", ["text"], ["number"], to=FLOAT)]
    nodes = [
        node("Shape", ["x"], ["shape"], start=1, end=2),
        node("Equal", ["shape", "three"], ["is_three"]),
        node("If", ["is_three"], ["y"], then_branch=side("Exp"), else_branch=body(text, [], ["number"])),
    ]
    converted = agree(graph(nodes, {"x": (np.float32, ("n", 3))}, ["y"], NUMBERS), {"x": numbers(2, 3)})
    assert set(layers(converted)) == {"unary"}


def test_branches_of_different_sizes():
    twice = body([node("Concat", ["x", "x"], ["a"], axis=0)], [], ["a"])
    nodes = [
        node("Greater", ["most", "one"], ["large"]),
        node("If", ["large"], ["y"], then_branch=twice, else_branch=side("Neg")),
        node("Softmax", ["y"], ["z"], axis=0),
    ]
    model = graph(nodes, {"x": (np.float32, (3, 2)), "most": (np.float32, ())}, ["z"], NUMBERS)
    agree(model, *({"x": numbers(3, 2), "most": np.float32(most)} for most in (0.5, 3)))


# Loops ---------------------------------------------------------------------------------------------------------------


def test_loops_whose_number_of_iterations_is_known():
    swap = iteration(
        [node("Add", ["a", "x"], ["sum"]), node("Mul", ["sum", "b"], ["t"])], ["a", "b"], ["b", "sum", "t"]
    )
    inner = [node("Add", ["c", "a"], ["c1"]), node("Mul", ["c1", "x"], ["c2"])]
    nested = [
        node("Loop", ["three", "", "a"], ["a1"], body=iteration(inner, ["c"], ["c2"])),
        node("Cast", ["i"], ["number"], to=FLOAT),
        node("Add", ["a1", "number"], ["a2"]),
    ]
    growing = iteration([node("Concat", ["a", "x"], ["a1"], axis=0)], ["a"], ["a1"])
    nodes = [
        node("Loop", ["four", "true", "x", "x"], ["f", "g", "all"], body=swap),
        node("Loop", ["three", "", "x"], ["h"], body=iteration(nested, ["a"], ["a2"])),
        node("Loop", ["three", "", "x"], ["long"], body=growing),
        node("Loop", ["zero", "", "x"], ["same"], body=growing),
        node("Neg", ["same"], ["negated"]),
    ]
    outputs = ["f", "g", "all", "h", "long", "negated"]
    converted = agree(graph(nodes, {"x": (np.float32, (2, 3))}, outputs, NUMBERS), {"x": 0.5 * numbers(2, 3)})
    loops = {note.name: "loop" in note.layers for note in converted.nodes if note.kind == "Loop"}
    assert loops == {"f": True, "h": True, "long": False, "same": False, "a1": True}


def test_loops_whose_end_depends_on_data_or_sizes():
    double = [node("Mul", ["a", "two"], ["a1"]), node("Gather", ["a1", "zero"], ["row"])]
    double.append(node("Gather", ["row", "zero"], ["most"]))
    until = iteration([*double, node("Less", ["most", "limit"], ["less"])], ["a"], ["a1", "most"], going="less")
    while_ = iteration([*double, node("Less", ["most", "limit"], ["less"])], ["a"], ["a1"], going="less")
    plain = iteration([node("Add", ["a", "x"], ["a1"]), node("Abs", ["a1"], ["size"])], ["a"], ["a1", "size"])
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["rows"]),
        node("Loop", ["rows", "", "x"], ["p", "p_all"], body=plain),
        node("Loop", ["count", "", "x"], ["q", "q_all"], body=plain),
        node("Loop", ["ten", "true", "x"], ["r", "r_all"], body=until),
        node("Loop", ["", "true", "x"], ["s"], body=while_),
        node("Loop", ["count", "go", "x"], ["t"], body=while_),
    ]
    inputs = {"x": (np.float32, ("n", 3)), "count": (np.int64, ()), "go": (np.bool_, ())}
    model = graph(nodes, inputs, ["p", "p_all", "q", "q_all", "r", "r_all", "s", "t"], {**NUMBERS, "ten": np.int64(10)})
    feeds = [
        {"x": 1 + np.abs(numbers(rows, 3)), "count": np.int64(count), "go": np.bool_(go)}
        for rows, count, go in ((2, 3, True), (4, 1, False))
    ]
    assert layers(agree(model, *feeds)).count("loop") == 5


def test_loops_whose_iterations_make_a_value_longer():
    longer = [node("Concat", ["a", "x"], ["a1"], axis=0), node("Mul", ["b", "two"], ["b1"])]
    double = [node("Concat", ["a", "a"], ["a1"], axis=1), node("Gather", ["b", "zero"], ["first"])]
    double += [node("Add", ["b", "b"], ["b1"]), node("Less", ["first", "limit"], ["less"])]
    nodes = [
        node(
            "Loop", ["count", "", "x", "v"], ["p", "q", "all"], body=iteration(longer, ["a", "b"], ["a1", "b1", "b1"])
        ),
        node(
            "Loop", ["", "true", "x", "v"], ["r", "s"], body=iteration(double, ["a", "b"], ["a1", "b1"], going="less")
        ),
        node("Softmax", ["p"], ["p1"], axis=0),
    ]
    inputs = {"x": (np.float32, (2, 3)), "v": (np.float32, (3,)), "count": (np.int64, ())}
    model = graph(nodes, inputs, ["p1", "q", "all", "r", "s"], NUMBERS)
    agree(model, *({"x": numbers(2, 3), "v": np.float32([v, 1, 2]), "count": np.int64(n)} for v, n in ((4, 3), (9, 1))))


def test_sequences_in_loops():
    grow = [node("Mul", ["x", "two"], ["x2"]), node("SequenceInsert", ["s", "x2"], ["s1"])]
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None))
    inner = iteration(grow, [], [])
    inner.input.append(helper.make_value_info("s", kind))
    inner.output.append(helper.make_value_info("s1", kind))
    nodes = [
        node("SequenceConstruct", ["x"], ["first"]),
        node("Loop", ["three", "", "first"], ["last"], body=inner),
        node("ConcatFromSequence", ["last"], ["y"], axis=0),
    ]
    agree(graph(nodes, {"x": (np.float32, (2, 3))}, ["y"], NUMBERS), {"x": numbers(2, 3)})


# Scans ---------------------------------------------------------------------------------------------------------------


def test_scans():
    nodes = [node("Add", ["s", "a"], ["s1"]), node("Mul", ["s1", "b"], ["m"]), node("Sub", ["b", "c0"], ["d"])]
    inner = body(nodes, ["s", "a", "b"], ["s1", "m", "d"])
    forms = [
        {},
        {"scan_input_axes": [0, 1], "scan_input_directions": [1, 0], "scan_output_axes": [1, -1]},
        {"scan_output_directions": [0, 1]},
    ]
    nodes, outputs = [], []
    for i, form in enumerate(forms):
        made = [f"{name}{i}" for name in ("last", "m", "d")]
        second = "turned" if i == 1 else "b"
        nodes.append(node("Scan", ["start", "a", second], made, body=inner, num_scan_inputs=2, **form))
        outputs += made
    constants = {"start": numbers(3), "c0": numbers(3)}
    nodes.insert(0, node("Transpose", ["b"], ["turned"], perm=[1, 0]))
    model = graph(nodes, {"a": (np.float32, ("n", 3)), "b": (np.float32, ("n", 3))}, outputs, constants)
    converted = agree(model, *({"a": numbers(size, 3), "b": numbers(size, 3)} for size in (4, 2)))
    assert layers(converted).count("loop") == 3


def test_scans_of_a_batch():
    inner = body([node("Add", ["s", "a"], ["s1"]), node("Neg", ["s1"], ["m"])], ["s", "a"], ["s1", "m"])
    scan = node("Scan", ["", "start", "a"], ["last", "all"], body=inner, num_scan_inputs=1, directions=[1])
    shapes = {"start": (np.float32, (2, 3)), "a": (np.float32, (2, 4, 3))}
    agree(graph([scan], shapes, ["last", "all"], opset=8), {"start": numbers(2, 3), "a": numbers(2, 4, 3)})


# Derivatives and refusals --------------------------------------------------------------------------------------------


def test_gradients_pass_through_loops():
    inner = iteration([node("Mul", ["a", "x"], ["m"]), node("Sin", ["m"], ["a1"])], ["a"], ["a1", "m"])
    model = graph(
        [node("Loop", ["three", "", "x"], ["y", "all"], body=inner)], {"x": (np.float32, (4,))}, ["y", "all"], NUMBERS
    )
    lowered = graphml.load(network_from_onnx(model).model).lower()

    def loss(x):
        made = lowered.fn(lowered.params, {"x": x})
        return jnp.sum(made["y"]) + jnp.sum(made["all"] ** 2)

    def same(x):
        a, total = x, 0.0
        for _ in range(3):
            m = a * x
            a, total = jnp.sin(m), total + jnp.sum(m**2)
        return jnp.sum(a) + total

    x = numbers(4)
    np.testing.assert_allclose(jax.jit(jax.grad(loss))(x), jax.jit(jax.grad(same))(x), rtol=1e-4)


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        (
            [
                node(
                    "Loop",
                    ["count", "", "x"],
                    ["y"],
                    body=iteration([node("Unsqueeze", ["a", "axes"], ["b"])], ["a"], ["b"]),
                )
            ],
            r"Loop \(1: 'y'\): carried value 0 has 1 axes before an iteration and 2 after it",
        ),
        (
            [node("Loop", ["", "", "x"], ["y"], body=iteration([node("Neg", ["a"], ["b"])], ["a"], ["b"]))],
            "nothing ends it",
        ),
        (
            [
                node(
                    "Loop",
                    ["zero", "", "x"],
                    ["y", "z"],
                    body=iteration([node("Neg", ["a"], ["b"])], ["a"], ["b", "b"]),
                )
            ],
            "the loop runs no iterations",
        ),
        (
            [
                node("Cast", ["count"], ["go"], to=BOOL),
                node("If", ["go"], ["y"], then_branch=side("Neg"), else_branch=side("Unknown")),
            ],
            r"(?s)Unknown \(1: 'Unknown'\): the operator is not supported",
        ),
        (
            [
                node("Cast", ["count"], ["go"], to=BOOL),
                node("If", ["go"], ["y"], then_branch=side("Neg"), else_branch=side("Size")),
            ],
            "its branches give results with 1 and 0 axes",
        ),
    ],
)
def test_what_is_refused(nodes, reason):
    with pytest.raises(UnsupportedError, match=reason):
        network_from_onnx(graph(nodes, {"x": (np.float32, (2,)), "count": (np.int64, ())}, ["y"], NUMBERS))
