"""Compiled programs are kept for the shapes used last, and XLA's executables of all others are let go."""

from __future__ import annotations

import functools
import gc

import jax
import numpy as np
import pytest
from one_model import joined, made
from update.networks import classifier

from graphml import FeatureError
from graphml.build import NeuralNetworkBuilder, array
from graphml.interpreter import stages as staging
from graphml.interpreter.programs import Compiled, Latest
from graphml.models import ModelConfiguration, load
from graphml.models.tabular.base import RowProgram
from graphml.update import recipe_of
from graphml.update.step import programs
from graphml.update.step.trunk import take_apart

MOST = 3


@pytest.fixture(scope="module", autouse=True)
def nothing_left_by_earlier_modules():
    """Their executables could be dropped between two counts."""
    gc.unfreeze()
    jax.clear_caches()
    gc.collect()


def executables() -> int:
    gc.collect()
    return len(jax.local_devices()[0].client.live_executables())


def network(outputs=None, **configuration):
    """Takes vectors of 1 to 100 numbers."""
    builder = NeuralNetworkBuilder({"x": array(5)}, {"y": array(5)})
    builder.add("softmaxND", "y", ["x"], ["y"], axis=-1)
    message = builder.spec
    for feature in (message.description.input[0], message.description.output[0]):
        size = feature.type.multiArrayType.shapeRange.sizeRanges.add()
        size.lowerBound, size.upperBound = 1, 100
    return load(message, configuration=ModelConfiguration(most_programs=MOST, **configuration))


def vector(count):
    return {"x": np.zeros(count, np.float32)}


def one(model, count):
    return model.predict(vector(count))["y"]


def many(model, count):
    return model.predict_batch([vector(count)] * 2)[1]["y"]


@pytest.mark.parametrize("use", [one, many])
@pytest.mark.parametrize("directory", [False, True])
def test_executables_of_the_least_recently_used_shapes_are_dropped(use, directory, tmp_path):
    model = network(**({"cache_directory": tmp_path / "cache"} if directory else {}))
    use(model, 1)
    before = executables()
    for count in range(2, 6):
        np.testing.assert_allclose(use(model, count), np.full(count, 1 / count), rtol=1e-6)
    assert executables() - before == MOST - 1
    assert model.trace_count == 5


def test_shapes_in_use_do_not_compile_again():
    model = network()
    for other in range(10, 14):
        for count in (1, 2, other):  # what is used all the time outlives what is used once
            one(model, count)
    assert model.trace_count == 6
    one(model, 13)
    one(model, 12)
    assert model.trace_count == 7


def test_the_programs_of_pipelines_are_let_go():
    net = network().spec
    scaler = made("scaler", {"y": array(5)}, {"z": array(5)}, scaleValue=[2.0])
    message = joined([net, scaler], {"x": array(5)}, {"z": array(5)})
    for part in (message, message.pipeline.models[1]):
        for feature in (*part.description.input, *part.description.output):
            feature.type.CopyFrom(net.description.input[0].type)
    pipeline = load(message, configuration=ModelConfiguration(most_programs=MOST))
    counts = []
    for count in range(1, 7):
        np.testing.assert_allclose(pipeline.predict(vector(count))["z"], np.full(count, 2 / count), rtol=1e-6)
        counts.append(executables())
    assert counts[-1] == counts[MOST - 1]


def test_the_programs_of_rows_are_let_go(monkeypatch):
    program = RowProgram(lambda weights, rows: rows + weights, np.float64(1), None)
    monkeypatch.setattr(program, "_compiled", Compiled(program._traced, most=MOST, which=program._compiled._which))
    counts = []
    for width in range(1, MOST + 3):
        (result,) = program([np.zeros((1, width))])
        assert result.shape == (1, width)
        counts.append(executables())
    assert counts[-1] == counts[MOST - 1]


def test_the_edges_of_networks_in_stages_are_dropped(monkeypatch):
    monkeypatch.setattr(staging, "CAPACITY", 2)
    monkeypatch.setattr(staging, "Compiled", functools.partial(Compiled, most=MOST))
    builder = NeuralNetworkBuilder({"x": array(5)}, {"y": array(5, 1)})
    builder.add("whereNonZero", "y", ["x"], ["y"])
    lowered = load(builder.spec).lower()
    staged, params, counts = staging.Staged(lowered), lowered.params, []
    for count in range(1, 7):
        assert staged(params, {"x": np.ones(count, np.float32)})["y"].shape == (count, 1)
        counts.append(executables())
    assert counts[-1] == counts[MOST]


def test_the_programs_of_training_are_let_go(monkeypatch):
    monkeypatch.setattr(programs, "MOST_SHAPES", MOST)
    model = classifier()
    parts = take_apart(model.lower(), recipe_of(model.spec))
    trunk, counts = programs.trunk_program(parts), []
    used = {node.key for node in parts.trunk.graph.body.walk()}
    prepared = trunk.prepare({key: weights for key, weights in parts.trunk.params.items() if key in used})
    (port,) = model.interface.inputs
    for rows in range(1, 7):
        inputs = {port.name: np.zeros((rows, *(port.shape or ())), np.float32)}
        made = trunk.run_stacked(prepared, inputs)
        assert {len(blob) for blob in made.values()} == {rows}
        counts.append(executables())
    assert counts[-1] == counts[MOST - 1]


def test_a_function_keeps_one_program_for_each_set_of_shapes():
    traced = []

    def double(x):
        traced.append(x.shape)
        return 2 * x

    compiled = Compiled(double, most=2)
    for count in (1, 2, 1, 3, 1, 2):  # 2 was used longest ago when 3 came
        assert compiled(np.ones(count)).tolist() == [2.0] * count
    assert traced == [(1,), (2,), (3,), (2,)]
    assert jax.vmap(compiled)(np.ones((4, 3))).shape == (4, 3)


def test_the_latest_values_stay():
    latest: Latest[str] = Latest(2)
    latest.put(1, "one")
    latest.put(2, "two")
    assert latest.get(1) == "one"
    latest.put(3, "three")
    assert [latest.get(key) for key in (1, 2, 3)] == ["one", None, "three"]
    assert len(latest) == 2


@pytest.mark.parametrize("most", [0, -1, 2.5, "3"])
def test_what_is_not_a_number_of_programs_is_refused(most):
    with pytest.raises(FeatureError, match="most_programs must be a positive integer, got"):
        ModelConfiguration(most_programs=most)


@pytest.mark.parametrize("name", ["max_loop_iterations", "max_image_pixels", "max_array_bytes"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "x", True])
def test_limits_are_positive_integers(name, value):
    with pytest.raises(FeatureError, match=f"{name} must be a positive integer, got"):
        ModelConfiguration(**{name: value})
    assert getattr(ModelConfiguration(**{name: 7}), name) == 7
