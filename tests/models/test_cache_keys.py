"""Whatever decides what is kept is part of its key: for each fact a test in which nothing else changes."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from types import SimpleNamespace

import jax
import jaxlib.version
import numpy as np
import pytest

import graphml
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import ShapeError
from graphml.models import ComputeUnits, ModelConfiguration, graph_model, load
from graphml.models.compile import cache_keys
from graphml.models.network import NeuralNetwork
from graphml.models.pipelines import linked

X = np.linspace(-1, 1, 4, dtype=np.float32)


def device(platform="cpu", kind="cpu", version="1"):
    return SimpleNamespace(platform=platform, device_kind=kind, client=SimpleNamespace(platform_version=version))


# What surrounds a model ----------------------------------------------------------------------------------------------

SURROUNDINGS = {
    "version of graphml": lambda patch: patch.setattr(graphml, "__version__", "0"),
    "sources of graphml": lambda patch: patch.setattr(cache_keys, "_sources", lambda: (("lower.py", 1, 2),)),
    "version of JAX": lambda patch: patch.setattr(jax, "__version__", "0"),
    "version of jaxlib": lambda patch: patch.setattr(jaxlib.version, "__version__", "0"),
    "processor": lambda patch: patch.setattr(cache_keys, "_processor", lambda: "flags: none"),
    "XLA_FLAGS": lambda patch: patch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true"),
    "LIBTPU_INIT_ARGS": lambda patch: patch.setenv("LIBTPU_INIT_ARGS", "--xla_tpu_enable=true"),
}


@pytest.mark.parametrize("fact", SURROUNDINGS)
def test_versions_processor_and_flags_of_xla(fact, monkeypatch):
    before = cache_keys.surroundings(device())
    assert cache_keys.surroundings(device()) == before
    SURROUNDINGS[fact](monkeypatch)
    assert cache_keys.surroundings(device()) != before


@pytest.mark.parametrize("other", [device(platform="gpu"), device(kind="H100"), device(version="2")])
def test_the_device(other):
    assert cache_keys.surroundings(other) != cache_keys.surroundings(device())


def test_the_sources_are_those_of_every_package_that_lowers(monkeypatch):
    names = {name for name, _, _ in cache_keys._sources()}
    assert names >= {"lower.py", "stages.py", "programs.py", "network.py", "activation.py", "weights.py"}


SETTINGS = {
    "jax_enable_x64": not jax.config.jax_enable_x64,
    "jax_default_matmul_precision": "highest",
    "jax_default_prng_impl": "rbg",
    "jax_threefry_partitionable": not jax.config.jax_threefry_partitionable,
    "jax_random_seed_offset": 7,
    "jax_high_dynamic_range_gumbel": True,
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_jax(name):
    before, old = cache_keys.flags(), getattr(jax.config, name)
    jax.config.update(name, SETTINGS[name])
    try:
        assert cache_keys.flags() != before
    finally:
        jax.config.update(name, old)
    assert cache_keys.flags() == before


# A model -------------------------------------------------------------------------------------------------------------


def dense(size=3):
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(size)})
    weights = np.arange(4 * size, dtype=np.float32).reshape(size, 4)
    return builder.add("innerProduct", "fc", ["x"], ["y"], weights=weights, bias=np.ones(size, np.float32)).spec


def key_of(message, folder, **configuration):
    model = load(message, configuration=ModelConfiguration(cache_directory=folder, **configuration))
    assert isinstance(model, NeuralNetwork)
    assert model._cache is not None
    return model._cache.key


CHANGES = {
    "a weight": lambda m: m.neuralNetwork.layers[0].innerProduct.weights.floatValue.__setitem__(5, 9),
    "a bias": lambda m: m.neuralNetwork.layers[0].innerProduct.bias.floatValue.__setitem__(0, 9),
    "the kind of a layer": lambda m: m.neuralNetwork.layers[0].activation.ReLU.SetInParent(),
    "a wire": lambda m: m.neuralNetwork.layers[0].input.__setitem__(0, "z"),
    "another layer": lambda m: m.neuralNetwork.layers.add(),
    "how inputs are mapped": lambda m: setattr(m.neuralNetwork, "arrayInputShapeMapping", 1),
    "a declared shape": lambda m: m.description.input[0].type.multiArrayType.shape.__setitem__(0, 5),
    "the version": lambda m: setattr(m, "specificationVersion", m.specificationVersion + 1),
    "whether it can be trained": lambda m: setattr(m, "isUpdatable", True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_part_of_a_message(change):
    message = dense()
    before = cache_keys.fingerprint(message)
    assert cache_keys.fingerprint(dense()) == before
    CHANGES[change](message)
    assert cache_keys.fingerprint(message) != before


def test_the_kind_of_a_model():
    message = dense()
    other = type(message)()
    other.CopyFrom(message)
    other.neuralNetworkRegressor.layers.extend(message.neuralNetwork.layers)
    other.neuralNetworkRegressor.arrayInputShapeMapping = message.neuralNetwork.arrayInputShapeMapping
    assert cache_keys.fingerprint(other) != cache_keys.fingerprint(message)


def test_precision_and_the_limits_of_loops_and_arrays(tmp_path, monkeypatch):
    before = key_of(dense(), tmp_path)
    assert key_of(dense(), tmp_path) == before
    keys = {key_of(dense(), tmp_path, **{name: 5}) for name in ("max_loop_iterations", "max_array_bytes")}
    assert len(keys | {before}) == 3
    monkeypatch.setattr(graph_model, "low_precision", lambda configuration, platform: True)
    assert key_of(dense(), tmp_path) != before


def test_what_surrounds_a_model_is_part_of_its_key(tmp_path, monkeypatch):
    before = key_of(dense(), tmp_path)
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    assert key_of(dense(), tmp_path) != before


def test_a_bound_of_iterations_is_not_that_of_another_process(tmp_path):
    """The loop adds one to its state in each iteration, and has no other end."""
    body = NeuralNetworkBuilder({}, {}).add("add", "more", ["s"], ["t"], alpha=1.0).add("copy", "back", ["t"], ["s"])
    condition = NeuralNetworkBuilder({}, {}).add("lessThan", "go", ["s"], ["c"], alpha=1e9)
    builder = NeuralNetworkBuilder({"x": array(1)}, {"y": array(1)})
    builder.add("copy", "start", ["x"], ["s"])
    loop = {"condition_network": condition, "condition_var": "c", "body_network": body}
    builder.add("loop", "loop", [], [], **loop)
    builder.add("copy", "end", ["s"], ["y"])
    for bound in (3, 5, 3):
        configuration = ModelConfiguration(cache_directory=tmp_path / "cache", max_loop_iterations=bound)
        y = load(builder.spec, configuration=configuration).predict({"x": np.zeros(1, np.float32)})["y"]
        assert y.tolist() == [bound]


def test_an_array_kept_under_a_raised_limit_is_refused_under_a_lower_one(tmp_path):
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(16)})
    builder.add("tile", "large", ["x"], ["z"], reps=[4]).add("copy", "end", ["z"], ["y"])
    for limit in (64, 60):
        configuration = ModelConfiguration(cache_directory=tmp_path / "cache", max_array_bytes=limit)
        model = load(builder.spec, configuration=configuration)
        with nullcontext() if limit == 64 else pytest.raises(ShapeError, match="the limit of 60 bytes"):
            assert model.predict({"x": X})["y"].shape == (16,)


# A call --------------------------------------------------------------------------------------------------------------


def test_rows_shapes_types_and_keys_of_a_call(tmp_path):
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(4)})
    builder.add("softmaxND", "y", ["x"], ["y"], axis=-1)
    model = load(builder.spec, configuration=ModelConfiguration(cache_directory=tmp_path / "cache"))
    assert isinstance(model, NeuralNetwork)
    program, prepared = model._program, model._prepared
    calls = [
        lambda: program._call(prepared, {"x": X}, None),
        lambda: program._call(prepared, {"x": X}, None, rows=True),
        lambda: program._call(prepared, {"x": X[:2]}, None),
        lambda: program._call(prepared, {"x": X.astype(np.int32)}, None),
        lambda: program._call(prepared, {"x": X}, jax.random.key(0)),
        lambda: program._call(prepared, {"x": X}, jax.random.key(0, impl="rbg")),
    ]
    for count, call in enumerate(calls, 1):
        call()
        call()
        assert len(list((tmp_path / "cache").glob("*/program"))) == count
        assert len(program._stored_programs.one) + len(program._stored_programs.many) == count


def test_settings_of_jax_are_part_of_a_call(tmp_path):
    model = load(dense(), configuration=ModelConfiguration(cache_directory=tmp_path / "cache"))
    model.predict({"x": X})
    with jax.default_matmul_precision("highest"):
        model.predict({"x": X})
    assert len(list((tmp_path / "cache").glob("*/program"))) == 2


# Models that are shared ----------------------------------------------------------------------------------------------

FIELDS = {
    "compute_units": ComputeUnits.CPU_ONLY,
    "preferred_device": "a device",
    "allow_low_precision_accumulation": True,
    "parameters": {"linked_model_search_path": "there"},
    "cache_directory": "cache",
    "max_loop_iterations": 5,
    "max_image_pixels": 5,
    "most_programs": 5,
    "max_array_bytes": 5,
    "compute_precision": "strict",
}


def test_every_setting_of_a_linked_model_is_known_or_says_nothing():
    fields = {field.name for field in dataclasses.fields(ModelConfiguration)}
    assert fields == FIELDS.keys() | {"model_display_name"}


@pytest.mark.parametrize("field", FIELDS)
def test_configurations_that_differ_share_no_linked_model(field):
    before = tuple(linked._facts(ModelConfiguration()))
    assert tuple(linked._facts(ModelConfiguration(**{field: FIELDS[field]}))) != before
