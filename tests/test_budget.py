"""A few bytes of a file cannot ask for all the memory there is."""

from __future__ import annotations

import re
from typing import Any

import jax
import numpy as np
import pytest

import graphml
from graphml import catalogue
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import ShapeError
from graphml.interpreter.budget import check_call, check_shape
from graphml.models import ModelConfiguration
from graphml.models.network import NeuralNetwork
from graphml.spec.attributes import Choice

HUGE = 1 << 40
IMAGE = (1, 1, 1, 4, 4)


def padding(amount: int) -> Choice:
    return Choice("valid", {"padding_amounts": {"border_amounts": [{"start_edge_size": amount}] * 2}})


# kind -> attributes that ask for terabytes; where they ask for one input, it is an image
GREEDY: dict[str, dict[str, Any]] = {
    "fillStatic": {"value": 1.0, "target_shape": [HUGE, 4]},
    "rangeStatic": {"end_value": 1e15, "step_size_value": 1.0},
    "randomNormalStatic": {"seed": 1, "output_shape": [2**62, 2**62]},
    "randomUniformStatic": {"seed": 1, "max_val": 1.0, "output_shape": [HUGE]},
    "randomBernoulliStatic": {"seed": 1, "prob": 0.5, "output_shape": [HUGE]},
    "tile": {"reps": [HUGE]},
    "broadcastToStatic": {"target_shape": [HUGE, 1, 1, 1, 4, 4]},
    "sequenceRepeat": {"n_repetitions": HUGE},
    "upsample": {"scaling_factor": [HUGE, 1]},
    "resizeBilinear": {"target_size": [HUGE, HUGE]},
    "constantPad": {"pad_amounts": [0, 0, 0, 0, 0, 0, 0, 0, 0, HUGE], "value": 0.0},
    "oneHot": {"one_hot_vector_size": HUGE, "axis": -1, "on_value": 1.0},
    "pooling": {
        "type": "AVERAGE",
        "kernel_size": [1, 1],
        "stride": [1, 1],
        "pooling_padding_type": padding(HUGE),
        "avg_pool_exclude_padding": True,
    },
}


def greedy(kind: str, **keyword: Any) -> NeuralNetwork:
    builder = NeuralNetworkBuilder({"x": array(*IMAGE)}, {"y": array(1)})
    inputs = [] if "Static" in kind and "broadcast" not in kind else ["x"]
    builder.add(kind, "greedy", inputs, ["y"], **GREEDY[kind])
    found = graphml.load(builder.spec, **keyword)
    assert isinstance(found, NeuralNetwork)
    return found


@pytest.mark.parametrize("kind", GREEDY)
def test_a_layer_that_asks_for_terabytes_is_refused(kind):
    found, given = greedy(kind), {"x": np.ones(IMAGE, np.float32)}
    lowered = found.lower()
    words = (
        r"layer 'greedy' \(" + kind + r"\), number 1\n  an array [\s\S]* more than the limit of 4 GiB; max_array_bytes"
    )
    for run in (
        lambda: found.predict(given),
        lambda: lowered.fn(lowered.params, given),
        lambda: jax.eval_shape(lambda p, x: lowered.intermediates(p, x), lowered.params, given),
    ):
        with pytest.raises(ShapeError, match=words):
            run()


def test_steps_inside_a_layer_count_too():
    window = {"type": "MAX", "kernel_size": [HUGE, HUGE], "stride": [HUGE, HUGE], "pooling_padding_type": padding(HUGE)}
    builder = NeuralNetworkBuilder({"x": array(*IMAGE)}, {"y": array(1)})
    builder.add("pooling", "pool", ["x"], ["y"], **window)
    with pytest.raises(ShapeError, match="more than the limit"):
        graphml.load(builder.spec).predict({"x": np.ones(IMAGE, np.float32)})

    def squared(x):
        return (x[:, None] * x).sum()

    with pytest.raises(ShapeError, match=r"float32\[100000, 100000\] takes 37.25 GiB"):
        check_call(squared, [np.ones(100_000, np.float32)], (), {})
    check_call(squared, [np.ones(1000, np.float32)], (), {})


def test_the_limit_can_be_changed():
    builder = NeuralNetworkBuilder({"x": array(1)}, {"y": array(1000)})
    builder.add("fillStatic", "fill", [], ["y"], value=2.0, target_shape=[1000])
    given = {"x": np.ones(1, np.float32)}
    low = graphml.load(builder.spec, configuration=ModelConfiguration(max_array_bytes=3999))
    with pytest.raises(ShapeError, match=r"float32\[1000\] takes 3.906 KiB, more than the limit of 3.905 KiB"):
        low.predict(given)
    for found in (
        graphml.load(builder.spec),
        graphml.load(builder.spec, configuration=ModelConfiguration(max_array_bytes=4000)),
    ):
        assert found.predict(given)["y"].tolist() == [2.0] * 1000
    lowered = low.lower(max_array_bytes=4000)
    assert lowered.fn(lowered.params, given)["y"].shape == (1000,)


@pytest.mark.parametrize(
    ("kind", "inputs", "fields", "words"),
    [
        ("fillDynamic", {"s": 1}, {"value": 1.0}, f"float32[{HUGE}] takes 4 TiB"),
        ("randomNormalDynamic", {"s": 1}, {"mean": 0.0, "std_dev": 1.0}, f"float32[{HUGE}] takes 4 TiB"),
        ("tile", {"x": 3, "s": 1}, {}, f"float32[{3 * HUGE}] takes 12 TiB"),
        ("reshapeDynamic", {"x": 3, "s": 1}, {}, f"do not fill [{HUGE}]"),
        ("cumSum", {"x": 3, "s": 1}, {}, f"axis {HUGE} is out of range"),
    ],
)
def test_a_number_beyond_int32_is_refused_as_it_was_given(kind, inputs, fields, words):
    builder = NeuralNetworkBuilder({name: array(size) for name, size in inputs.items()}, {"y": array(1)})
    model = graphml.load(builder.add(kind, "l", list(inputs), ["y"], **fields).spec)
    given = {name: np.full(size, HUGE, np.float32) for name, size in inputs.items()}
    with pytest.raises(ShapeError, match=re.escape(words)):
        model.predict(given)


def test_strides_beyond_all_integers_take_one_element():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(1)})
    for name, value in (("begin", 1), ("end", 1e30), ("stride", 1e30)):
        builder.add("loadConstantND", name, [], [name], shape=[1], data=[value])
    builder.add("sliceDynamic", "l", ["x", "begin", "end", "stride"], ["y"], begin_masks=[False], end_masks=[False])
    model = graphml.load(builder.spec)
    assert model.predict({"x": np.arange(3, dtype=np.float32)})["y"].tolist() == [1]


def test_sizes_are_compared_without_their_product():
    check_shape((0, 2**62, 2**62))
    with pytest.raises(ShapeError, match=r"takes 2\^62002 bytes"):
        check_shape((2**62,) * 1000, np.float32)
    with pytest.raises(ShapeError, match="must not be negative"):
        check_shape((3, -1))
    with catalogue.lowering_for(catalogue.Target(max_array_bytes=8)):
        check_shape((2,))
        with pytest.raises(ShapeError, match="12 bytes, more than the limit of 8 bytes"):
            check_shape((3,), np.float32)


def test_a_large_blank_input_is_refused():
    builder = NeuralNetworkBuilder({"x": array(2**38)}, {"y": array(1)})
    builder.add("reduceSum", "sum", ["x"], ["y"], reduce_all=True)
    with pytest.raises(ShapeError, match="1 TiB"):
        graphml.load(builder.spec).warm_up()


@pytest.mark.parametrize(("shape", "words"), [((2, 4, 2**31 - 1), "input 'x'"), ((4, 2**27), "lowerTriangular")])
def test_shapes_of_large_inputs_are_refused_before_anything_is_made(shape, words):
    """Masks of triangles are NumPy arrays, which tracing makes."""
    builder = NeuralNetworkBuilder({"x": array(*shape)}, {"y": array(1)})
    lowered = graphml.load(builder.add("lowerTriangular", "low", ["x"], ["y"], k=0).spec).lower(max_array_bytes=1 << 31)
    with pytest.raises(ShapeError, match="more than the limit of 2 GiB") as caught:
        jax.eval_shape(lambda x: lowered.fn(lowered.params, {"x": x}), jax.ShapeDtypeStruct(shape, np.float32))
    assert words in str(caught.value)
