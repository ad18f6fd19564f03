"""Custom layers: two classes that only these tests know."""

import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers
from graphml import register_custom_layer


@register_custom_layer("TestShift", replace=True)
def _shift(*inputs, weights, parameters):
    """The sum of the inputs, plus every weight's sum, plus the numbers among the parameters modulo 7."""
    extra = sum(jnp.sum(w) for w in weights)
    numeric = sum(float(v) % 7 for v in parameters.values() if not isinstance(v, str))
    return sum(inputs) + extra + numeric


@register_custom_layer("TestPair", replace=True)
def _pair(x, *, weights, parameters):
    """Two outputs: x doubled and x halved."""
    return x * 2, x / 2


def _oracle(inputs, f):
    first = np.asarray(inputs[0], np.float64)
    if f["class_name"] == "TestPair":
        return first + first, first / 2
    total = np.zeros_like(first)
    for x in inputs:
        total = total + x
    for weight in f.get("weights", ()):
        total = total + np.asarray(weight, np.float64).sum()
    for value in f.get("parameters", {}).values():
        total = total + (0 if isinstance(value, str) else np.mod(float(value), 7))
    return total


_BASE = Case((numbers(2, 3),), {"class_name": "TestShift", "weights": [numbers(4)], "parameters": {"by": 0.5}})


@st.composite
def _draw(draw):
    parameters = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "by": st.sampled_from([0.5, -1.0]),
                "n": st.integers(-3, 3),
                "word": st.just("a"),
                "on": st.booleans(),
            },
        )
    )
    weights = draw(st.lists(arrays((2,)), max_size=2))
    inputs = tuple(draw(arrays((2, 3))) for _ in range(draw(st.integers(1, 3))))
    return Case(inputs, {"class_name": "TestShift", "weights": weights, "parameters": parameters})


kind(
    "custom",
    oracle=_oracle,
    base=_BASE,
    vary={
        "class_name": ["TestPair"],
        "weights": [None, [numbers(4), numbers(2, 3)]],
        "parameters": [None, {"by": 0.5, "n": 3}, {"by": 2**40 + 1}, {"by": True}],
        "inputs": [Case((numbers(2, 3), numbers(2, 3, seed=1)), {"class_name": "TestShift"})],
    },
    draw=_draw(),
    worked=[
        (Case((np.float32([1, 2]),), {"class_name": "TestPair"}, outputs=2), [[2, 4], [0.5, 1]]),
        (
            Case(
                (np.float32([1, 2]),),
                {"class_name": "TestShift", "weights": [np.float32([1, 1])], "parameters": {"n": 3, "word": "x"}},
            ),
            [[6, 7]],
        ),
    ],
    refuse=[
        (_BASE.but(class_name="Nobody"), "custom layer class 'Nobody' is not registered"),
        (_BASE.but(class_name="Nobody", description="adds a smile"), "its description: adds a smile"),
        (_BASE.but(outputs=3), "the layer declares 3 outputs but produced 1"),
    ],
)
