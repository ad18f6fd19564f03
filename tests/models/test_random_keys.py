"""The keys of layers that draw random numbers: given, made for each call, or not needed."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import FeatureError, GraphError
from graphml.models import load


def test_layers_that_draw_random_numbers_take_a_key():
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(4)}, exact=True)
    builder.add("randomNormalLike", "draw", ["x"], ["n"], seed=-1, mean=0.0, std_dev=1.0)
    builder.add("addBroadcastable", "sum", ["x", "n"], ["y"])
    model = load(builder.spec)
    first = model.predict({"x": np.zeros(4)}, key=jax.random.key(1))["y"]
    assert first.any()
    np.testing.assert_array_equal(model.predict({"x": np.zeros(4)}, key=jax.random.key(1))["y"], first)
    assert (model.predict({"x": np.zeros(4)}, key=jax.random.key(2))["y"] != first).any()
    rows = model.predict_batch([{"x": np.zeros(4)}] * 3, key=jax.random.key(1))
    for outputs in rows:
        np.testing.assert_allclose(outputs["y"], first, rtol=1e-6)
    assert model.trace_count == 2


def noisy() -> NeuralNetworkBuilder:
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(4)}, exact=True)
    builder.add("randomUniformLike", "draw", ["x"], ["n"], seed=-1, min_val=0.0, max_val=1.0)
    return builder.add("addBroadcastable", "sum", ["x", "n"], ["y"])


def noisy_loop(growing: bool) -> NeuralNetworkBuilder:
    """The draw is inside a loop; with `growing` the host runs it, one iteration at a time."""
    body = NeuralNetworkBuilder({}, {})
    body.add("randomUniformLike", "draw", ["x"], ["r"], seed=-1, min_val=0.0, max_val=1.0)
    join, fields = ("concatND", {"axis": 0}) if growing else ("addBroadcastable", {})
    body.add(join, "join", ["h", "r"], ["t"], **fields)
    body.add("copy", "back", ["t"], ["h"])
    builder = NeuralNetworkBuilder({"x": array(4), "n": array(1)}, {"y": array(4)}, exact=True)
    builder.add("copy", "start", ["x"], ["h"]).add("loop", "l", ["n"], [], body_network=body)
    return builder.add(
        "sliceStatic",
        "end",
        ["h"],
        ["y"],
        begin_ids=(-4,),
        end_ids=(0,),
        strides=(1,),
        begin_masks=(False,),
        end_masks=(True,),
    )


@pytest.mark.parametrize(
    "key", [3, 2**80, "a", np.zeros(5, np.uint32), np.zeros(2), jax.random.split(jax.random.key(0))]
)
def test_what_is_not_a_key_is_refused(key):
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(4)})
    model = load(builder.add("randomNormalLike", "draw", ["x"], ["y"], seed=-1, std_dev=1.0).spec)
    row = {"x": np.zeros(4)}
    for run in (model.predict, model.intermediates, lambda row, **more: model.predict_batch([row], **more)):
        with pytest.raises(FeatureError, match=r"key must be a random key such as jax\.random\.key\(0\), got"):
            run(row, key=key)


def test_keys_of_the_old_style_are_keys():
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(4)})
    model = load(builder.add("randomNormalLike", "draw", ["x"], ["y"], seed=-1, std_dev=1.0).spec)
    old, new = jax.random.PRNGKey(1), jax.random.key(1)
    first, second = model.predict_batch([{"x": np.zeros(4)}] * 2, key=old)
    expected = model.predict({"x": np.zeros(4)}, key=new)["y"]
    np.testing.assert_array_equal(first["y"], expected)
    np.testing.assert_array_equal(second["y"], expected)


def test_without_a_key_every_call_and_every_row_draws_anew():
    model, row = load(noisy().spec), {"x": np.zeros(4)}
    rows = model.predict_batch([row] * 3)
    answers = [model.predict(row), model.predict(row), *rows, model.predict_batch([row])[0]]
    answers += [{"y": model.intermediates(row)["y"]}, {"y": model.intermediates(row, ["y"])["y"]}]
    assert all(((one["y"] >= 0) & (one["y"] < 1)).all() for one in answers)
    assert len({one["y"].tobytes() for one in answers}) == len(answers)
    key = jax.random.key(5)
    np.testing.assert_array_equal(model.intermediates(row, key=key)["y"], model.predict(row, key=key)["y"])


def test_the_functions_of_a_network_stay_pure():
    model, row = load(noisy().spec), {"x": np.zeros(4, np.float32)}
    lowered = model.lower()
    for function in (lambda: lowered.fn(lowered.params, row), lambda: model.as_function()(row)):
        with pytest.raises(GraphError, match=r"layer 'draw' .*\n.*pass key=jax.random.key"):
            function()


@pytest.mark.parametrize("growing", [False, True])
def test_random_draws_in_loops_need_no_key_either(growing):
    model = load(noisy_loop(growing).spec)
    row = {"x": np.zeros(4), "n": np.float32([3])}
    assert model.draws()
    answers = [model.predict(row), model.predict(row), *model.predict_batch([row] * 3)]
    assert len({one["y"].tobytes() for one in answers}) == 5
    one, same, other = (model.predict(row, key=jax.random.key(seed))["y"] for seed in (0, 0, 1))
    assert one.tolist() == same.tolist() != other.tolist()


def test_layers_with_a_seed_need_no_key():
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(4)}, exact=True)
    model = load(builder.add("randomNormalLike", "y", ["x"], ["y"], seed=0, mean=0.0, std_dev=1.0).spec)
    assert not model.draws()
    first, second = (model.predict({"x": np.zeros(4)})["y"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
