"""The state of a model: read, written, changed by predictions, refused by other models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from one_model import joined, made
from program_packages import package

from graphml.build import NeuralNetworkBuilder, array
from graphml.build.program import ProgramBuilder
from graphml.errors import FeatureError, ShapeError, UnsupportedError
from graphml.models import ModelConfiguration, load
from graphml.models.program import MLProgram
from graphml.models.state import State
from graphml.spec.files import write

HALF = np.float16
ONES = np.ones(3, np.float32)


def accumulator(path: Path) -> Path:
    """y = x + total; total += x; count += 1."""
    builder = ProgramBuilder("CoreML8")
    x = builder.input("x", (3,))
    total, count = builder.state("total", (3,)), builder.state("count", (1,))
    before = builder.cast(builder.read_state(total), "fp32")
    builder.output("y", builder.add(builder.mul(x, ONES), before))
    builder.write_state(total, builder.cast(builder.add(before, x), "fp16"))
    builder.write_state(count, builder.add(builder.read_state(count), np.ones(1, HALF)))
    return package(path, builder)


def program(path: Path, **keyword: Any) -> MLProgram:
    return load(path, kind=MLProgram, **keyword)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> MLProgram:
    return program(accumulator(tmp_path_factory.mktemp("state") / "a.mlpackage"))


def test_predictions_change_the_state_and_nothing_else_does(model):
    state = model.make_state()
    assert {name: value.tolist() for name, value in state.items()} == {"total": [0, 0, 0], "count": [0]}
    for step in range(3):
        y = model.predict({"x": ONES}, state=state)["y"]
        assert y.tolist() == [1 + step] * 3
    assert state["total"].tolist() == [3, 3, 3]
    assert state["total"].dtype == HALF
    assert state["count"].tolist() == [3]
    other = model.make_state()
    assert model.predict({"x": ONES}, state=other)["y"].tolist() == [1, 1, 1]
    assert state["count"].tolist() == [3]
    assert model.trace_count == 1


def test_a_state_is_read_as_a_copy_and_written_as_a_whole(model):
    state = model.make_state()
    seen = state["total"]
    with pytest.raises(ValueError, match="read-only"):
        seen[0] = 1
    given = HALF([1, 2, 3])
    state["total"] = given
    given[0] = 9
    assert state["total"].tolist() == [1, 2, 3]
    assert seen.tolist() == [0, 0, 0]
    state["count"] = jnp.full(1, 7, jnp.float16)
    assert model.predict({"x": ONES}, state=state)["y"].tolist() == [2, 3, 4]
    assert state["count"].tolist() == [8]
    assert repr(state) == "State(total: float16 array [3], count: float16 array [1])"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("total", np.ones(2, HALF), r"'total' takes a float16 array \[3\], got a float16 array \[2\]"),
        ("total", ONES, r"'total' takes a float16 array \[3\], got a float32 array \[3\]"),
        ("total", [[1], [1, 2]], r"'total' takes a float16 array \[3\]: "),
        ("sum", ONES, "no state 'sum'; its states are 'total', 'count'"),
    ],
)
def test_what_a_state_cannot_hold_is_refused(name, value, message, model):
    state = model.make_state()
    with pytest.raises(FeatureError, match=message):
        state[name] = value
    assert state["total"].tolist() == [0, 0, 0]


def test_a_function_refuses_a_state_of_another_shape(model):
    lowered = model.lower()
    state = {**model.make_state().arrays, "total": jnp.zeros(4)}
    with pytest.raises(ShapeError, match=r"the state 'total' has shape \[3\], got \[4\]"):
        lowered.fn(lowered.params, {"x": ONES}, state=state)


def test_a_name_that_is_no_state_is_refused(model):
    with pytest.raises(FeatureError, match="no state 'sum'"):
        model.make_state()["sum"]


def test_copies_are_independent(model):
    state = model.make_state()
    model.predict({"x": ONES}, state=state)
    branch = state.copy()
    model.predict({"x": ONES}, state=branch)
    assert (state["count"].tolist(), branch["count"].tolist()) == ([1], [2])


def test_a_prediction_that_fails_changes_nothing(model, monkeypatch):
    state = model.make_state()
    with pytest.raises(FeatureError, match="'x' takes"):
        model.predict({"x": np.ones(4)}, state=state)
    with pytest.raises(FeatureError, match="row 2"):
        model.predict_batch([{"x": ONES}, {"x": np.ones(4)}], state=state)

    def fail(blobs):
        raise OSError

    monkeypatch.setitem(vars(model), "present", fail)
    with pytest.raises(OSError):  # noqa: PT011  (raised above)
        model.predict({"x": ONES}, state=state)
    with pytest.raises(OSError):  # noqa: PT011
        model.predict_batch([{"x": ONES}], state=state)
    assert state["count"].tolist() == [0]


def test_rows_run_one_after_the_other(model):
    state, alone = model.make_state(), model.make_state()
    rows = [{"x": np.float32([i, 2 * i, 1])} for i in range(4)]
    found = model.predict_batch(rows, state=state)
    for row, each in zip(rows, found, strict=True):
        np.testing.assert_array_equal(each["y"], model.predict(row, state=alone)["y"])
    assert state["total"].tolist() == alone["total"].tolist() == [6, 12, 4]


# Whose state it is ---------------------------------------------------------------------------------------------------


def test_a_stateful_model_says_how_to_make_a_state(model):
    for call in (
        lambda: model.predict({"x": ONES}),
        lambda: model.predict_batch([{"x": ONES}]),
        lambda: model.intermediates({"x": ONES}),
    ):
        with pytest.raises(FeatureError, match=r"keeps 'total', 'count' .*: pass state=model\.make_state\(\)"):
            call()
    with pytest.raises(FeatureError, match=r"state must come from make_state\(\) of this model, got a dict"):
        model.predict({"x": ONES}, state={"total": ONES})


def test_a_model_without_state_refuses_one(model):
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)})
    network = load(builder.add("softmaxND", "y", ["x"], ["y"], axis=-1).spec)
    with pytest.raises(FeatureError, match="the model has no state: call predict without one"):
        network.make_state()
    for call in (network.predict, lambda x, state: network.predict_batch([x], state=state)):
        with pytest.raises(FeatureError, match="the model has no state: call it without `state`"):
            call({"x": ONES}, state=model.make_state())


def test_a_state_belongs_to_the_models_of_its_file(model, tmp_path):
    state = model.make_state()
    assert model.path is not None
    program(model.path).predict({"x": ONES}, state=state)  # loaded once more
    changed = next(key for key, weights in model.parameters.items() if weights["val"].tolist() == [1, 1, 1])
    model.with_parameters({changed: {"val": np.float32([2, 2, 2])}}).predict({"x": ONES}, state=state)
    assert state["count"].tolist() == [2]
    other = program(accumulator(tmp_path / "a.mlpackage"))
    with pytest.raises(FeatureError, match=r"belongs to another model; make one with make_state\(\) of this model"):
        other.predict({"x": ONES}, state=state)


def test_functions_share_their_states_by_name(tmp_path):
    builder = ProgramBuilder("CoreML8", function="add")
    for name in ("add", "read", "count"):
        if name != "add":
            builder.function(name)
        x = builder.input("x", (2,), "float16")
        total = builder.state("total", (2,))
        if name == "count":
            builder.write_state(builder.state("turns", (1,)), np.ones(1, HALF))
        value = builder.add(builder.read_state(total), x)
        if name == "add":
            builder.write_state(total, value)
        builder.output("y", value)
    path = package(tmp_path / "f.mlpackage", builder)
    add, read, count = (program(path, function_name=name) for name in ("add", "read", "count"))
    state, x = add.make_state(), HALF([1, 2])
    add.predict({"x": x}, state=state)
    assert read.predict({"x": x}, state=state)["y"].tolist() == [2, 4]
    assert state["total"].tolist() == [1, 2]
    with pytest.raises(FeatureError, match=r"the state 'turns' is a float16 array \[1\]; the given state has none"):
        count.predict({"x": x}, state=state)
    both = count.make_state()
    count.predict({"x": x}, state=both)
    add.predict({"x": x}, state=both)
    assert {name: value.tolist() for name, value in both.items()} == {"total": [1, 2], "turns": [1]}


def test_a_link_has_the_state_of_its_target(tmp_path):
    accumulator(tmp_path / "a.mlpackage")
    link = made("linkedModel", {"x": array(3)}, {"y": array(3)}, linkedModelFile={})
    link.linkedModel.linkedModelFile.linkedModelFileName.defaultValue = "a.mlpackage"
    link.linkedModel.linkedModelFile.linkedModelSearchPath.defaultValue = "."
    write(link, tmp_path / "link.mlmodel")
    linked = load(tmp_path / "link.mlmodel")
    state = linked.make_state()
    for step in range(2):
        assert linked.predict({"x": ONES}, state=state)["y"].tolist() == [1 + step] * 3


def test_other_kinds_refuse_a_state(model):
    scaler = load(made("scaler", {"x": array(3)}, {"y": array(3)}, scaleValue=[2.0]))
    with pytest.raises(FeatureError, match="the model has no state: call it without `state`"):
        scaler.predict({"x": ONES}, state=model.make_state())
    with pytest.raises(FeatureError, match="the model has no state"):
        scaler.make_state()


def test_a_stage_of_a_pipeline_has_no_state(model):
    message = joined([model.spec], {"x": array(3)}, {"y": array(3)})
    message.specificationVersion = 9
    with pytest.raises(UnsupportedError, match="it has a state, which a pipeline cannot keep"):
        load(message).predict({"x": ONES})


# As a function, and how it runs --------------------------------------------------------------------------------------


def test_as_a_function_the_state_goes_in_and_out(model):
    lowered = model.lower()
    arrays = {"total": jnp.ones(3, jnp.float16), "count": jnp.zeros(1, jnp.float16)}
    outputs, after = jax.jit(lowered.fn)(lowered.params, {"x": ONES}, state=arrays)
    assert (outputs["y"].tolist(), after["total"].tolist(), after["count"].tolist()) == ([2] * 3, [2] * 3, [1])
    function = model.as_function()
    for call in (function, jax.jit(lambda x, state: function(x, state=state))):
        outputs, after = call({"x": ONES}, state=arrays)
        assert (outputs["y"].tolist(), after["total"].tolist()) == ([2] * 3, [2] * 3)
    state = model.make_state()
    _, after = function({"x": ONES}, state=state)
    assert (after["count"].tolist(), state["count"].tolist()) == ([1], [0])
    gradient = jax.grad(lambda x: function({"x": x}, state=arrays)[1]["total"].astype(jnp.float32).sum())(ONES)
    assert gradient.tolist() == [1, 1, 1]


def test_intermediates_see_the_state_and_do_not_change_it(model):
    state = model.make_state()
    state["total"] = HALF([1, 2, 3])
    found = model.intermediates({"x": ONES}, ["y"], state=state)
    assert found["y"].tolist() == [2, 3, 4]
    assert state["total"].tolist() == [1, 2, 3]


def test_a_state_goes_through_stages(tmp_path):
    builder = ProgramBuilder("CoreML8")
    x, count = builder.input("x", ()), builder.state("count", (1,))
    builder.write_state(count, builder.add(builder.read_state(count), np.ones(1, HALF)))
    doubled = builder.while_loop(lambda v: builder.less(v, 100.0), lambda v: builder.mul(v, 2.0), (x,))
    builder.output("y", doubled)
    model = program(package(tmp_path / "a.mlpackage", builder))
    state = model.make_state()
    for step, x in enumerate((3, 200), 1):
        assert model.predict({"x": [x]}, state=state)["y"].tolist() == [192 if x == 3 else 200]
        assert state["count"].tolist() == [step]
    assert any(each.what == "a stage" for each in model.compilations())


def test_warming_up_compiles_what_predict_runs(tmp_path):
    model = program(accumulator(tmp_path / "a.mlpackage"))
    model.warm_up()
    model.predict({"x": ONES}, state=model.make_state())
    assert model.trace_count == 1


def test_a_cache_directory_keeps_programs_with_state(tmp_path):
    path = accumulator(tmp_path / "a.mlpackage")
    configuration = ModelConfiguration(cache_directory=tmp_path / "cache")
    for traces in (1, 0):
        model = program(path, configuration=configuration)
        state = model.make_state()
        for _ in range(2):
            model.predict({"x": ONES}, state=state)
        assert state["total"].tolist() == [2, 2, 2]
        assert model.trace_count == traces


def test_many_arrays_are_counted_not_listed(model):
    types = {f"k{i}": model.description.states[0].array for i in range(9)}
    assert repr(State(types, "", {})).endswith("k3: float16 array [3], and 5 more)")
