"""Control flow and state. These operations do nothing alone, so each case is a whole graph."""

import numpy as np
from hypothesis import strategies as st
from one_operation import node, nodes

from graphml.graph import Graph
from operation_cases import Case, arrays, numbers, operation, shapes

_X = numbers(2, 3)

operation(
    "identity",
    15,
    oracle=lambda i, a: np.asarray(i["x"]),
    base=Case({"x": _X}),
    vary={"x": [_X + 1, np.int32(3), np.array([True, False])]},
    draw=st.builds(lambda x: Case({"x": x}), shapes().flatmap(arrays)),
    worked=[(Case({"x": np.float32(7)}), 7)],
)


# y = softmax(x) along the last axis if p, else along the first
_BRANCH = Graph(
    ("x", "p"),
    ("y",),
    nodes(
        node(
            "cond",
            "p",
            "",
            regions={
                "if": nodes(node("softmax", "x", "y", key="then", axis=-1)),
                "else": nodes(node("softmax", "x", "y", key="otherwise", axis=0)),
            },
        )
    ),
)


def _branch(x, p):
    return Case({"x": x, "p": np.array(p)}, graph=_BRANCH)


def _branched(i, a):
    powers = np.exp(np.float64(i["x"]))
    return powers / powers.sum(-1 if i["p"] else 0, keepdims=True)


operation(
    "cond",
    15,
    oracle=_branched,
    base=_branch(_X, True),
    vary={"pred": [_branch(_X, False)]},
    draw=st.builds(_branch, arrays((2, 3)), st.booleans()),
    worked=[
        (_branch(np.float32([[0, np.log(3)]]), True), [[0.25, 0.75]]),
        (_branch(np.float32([[0, np.log(3)]]), False), [[1, 1]]),
    ],
)


# while go: x, go, next = softmax(x), next, end
_LOOP = Graph(
    ("x", "go", "next", "end"),
    ("x",),
    nodes(
        node(
            "while_loop",
            "",
            "",
            condition="again",
            counted=False,
            lists=(),
            regions={
                "condition": nodes(node("identity", "go", "again")),
                "body": nodes(
                    node("softmax", "x", "x", key="iteration"),
                    node("identity", "next", "go"),
                    node("identity", "end", "next"),
                ),
            },
        )
    ),
)


def _iterations(x, iterations):
    flags = {"go": np.array(iterations > 0), "next": np.array(iterations > 1), "end": np.array(False)}
    return Case({"x": x, **flags}, graph=_LOOP)


def _looped(i, a):
    x = np.float64(i["x"])
    for flag in ("go", "next"):
        if not i[flag]:
            break
        x = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    return x


operation(
    "while_loop",
    15,
    oracle=_looped,
    base=_iterations(_X, 2),
    vary={"loop_vars": [_iterations(_X, 0), _iterations(_X, 1)]},
    draw=st.builds(_iterations, arrays((2, 3)), st.integers(0, 2)),
    worked=[
        (_iterations(np.float32([0, np.log(3)]), 0), [0, np.log(3)]),
        (_iterations(np.float32([0, np.log(3)]), 1), [0.25, 0.75]),
        (_iterations(np.float32([5, 5]), 2), [0.5, 0.5]),
    ],
    smooth="a loop without a bound has no derivative; tests of the front end have those that count",
    unseen={
        "condition": "the front end gives it; without it no loop of these cases would end",
        "counted": "the front end gives it, whose tests have loops that count",
        "lists": "the front end gives it, whose tests have loops that carry lists",
    },
)


# old = s, s = softmax(x), new = s
_STATE = Graph(
    ("x",),
    ("old", "new"),
    nodes(
        node("read_state", "s", "old"),
        node("softmax", "x", "p"),
        node("write_state", "s p", "s"),
        node("read_state", "s", "new"),
    ),
    state=("s",),
)


def _states(x, s):
    return Case({"x": x}, graph=_STATE, state={"s": s})


def _written(i, a):
    new = np.exp(np.float64(i["x"])) / np.exp(np.float64(i["x"])).sum(-1, keepdims=True)
    return i["s"], new, new


for _kind, _input in (("read_state", "input"), ("write_state", "data")):
    operation(
        _kind,
        18,
        oracle=_written,
        base=_states(_X, _X + 1),
        vary={_input: [_states(_X, _X - 1), _states(2 * _X, _X + 1)]},
        draw=st.builds(_states, arrays((2, 3)), arrays((2, 3))),
        worked=[(_states(np.float32([5, 5]), np.float32([1, 2])), ([1, 2], [0.5, 0.5], [0.5, 0.5]))],
    )
