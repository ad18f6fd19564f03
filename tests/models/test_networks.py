"""Networks behind their interface: values in, values out, weights, programs."""

from __future__ import annotations

import gc
import logging
import tracemalloc

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graphml import spec
from graphml.build import NeuralNetworkBuilder, array, datatypes
from graphml.errors import FeatureError, GraphError, ShapeError, UnsupportedError
from graphml.models import ComputeUnits, FeatureValue, ModelConfiguration, load
from graphml.models.compile.programs import compiler_options
from graphml.models.network import NeuralNetwork
from graphml.spec.weights import quantize
from graphml.spec.wire.features_pb2 import FeatureType as FeatureMessage


def network(message: spec.Model, **keyword) -> NeuralNetwork:
    model = load(message, **keyword)
    assert isinstance(model, NeuralNetwork)
    return model


ALPHA = np.array([0.5, 1.0, -2.0], np.float32)


def prelu(shape=(3, 2, 2), alpha: np.ndarray = ALPHA, **dtypes) -> NeuralNetworkBuilder:
    """y = x where x > 0, else alpha * x, one alpha per channel."""
    kinds = {"input": "float32", "output": "float32", **dtypes}
    builder = NeuralNetworkBuilder(
        {"x": array(*shape, dtype=kinds["input"])}, {"y": array(*shape, dtype=kinds["output"])}
    )
    return builder.add("activation", "act", ["x"], ["y"], PReLU={"alpha": alpha})


def expected(x: np.ndarray, alpha=ALPHA) -> np.ndarray:
    return np.where(x > 0, x, alpha[:, None, None] * x)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# Values --------------------------------------------------------------------------------------------------------------


def test_predict_computes_the_network():
    x = random(3, 2, 2)
    model = network(prelu().spec)
    np.testing.assert_allclose(model.predict({"x": x})["y"], expected(x), rtol=1e-6)
    np.testing.assert_allclose(model.predict({"x": FeatureValue.from_array(x.tolist())})["y"], expected(x), rtol=1e-6)
    np.testing.assert_allclose(model.predict({"x": jnp.asarray(x)})["y"], expected(x), rtol=1e-6)


def test_features_are_checked_first():
    model = network(prelu().spec)
    with pytest.raises(FeatureError, match=r"'x' takes a float32 array \[3, 2, 2\], got a float32 array \[3, 2\]"):
        model.predict({"x": random(3, 2)})
    with pytest.raises(FeatureError, match="'x' is missing"):
        model.predict({})
    with pytest.raises(FeatureError, match=r"no feature 'X'"):
        model.predict({"X": random(3, 2, 2)})
    with pytest.raises(FeatureError, match=r"got a float32 array \[2, 3, 2\]"):
        model.predict({"x": jnp.zeros((2, 3, 2))})


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32"])
def test_outputs_have_the_declared_type(dtype):
    x = np.array([0.5, 1.5, 2.5, -0.6]).reshape(1, 2, 2)
    y = network(prelu((1, 2, 2), ALPHA[1:2], output=dtype).spec).predict({"x": x})["y"]
    assert y.dtype == dtype
    assert y.ravel().tolist() == (
        [0, 2, 2, -1] if dtype == "int32" else x.astype(np.float32).astype(dtype).ravel().tolist()
    )


def test_integer_outputs_hold_what_they_can():
    x = np.array([np.nan, np.inf, -np.inf, 3e9]).reshape(1, 2, 2)
    y = network(prelu((1, 2, 2), ALPHA[1:2], output="int32").spec).predict({"x": x})["y"]
    assert y.ravel().tolist() == [0, 2**31 - 1, -(2**31), 2**31 - 1]


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32"])
def test_inputs_of_any_declared_type_become_floats(dtype):
    x = np.arange(-6, 6).reshape(3, 2, 2)
    y = network(prelu(input=dtype).spec).predict({"x": x})["y"]
    np.testing.assert_allclose(y, expected(x.astype(np.float32)), rtol=1e-6)


def test_the_batch_axis_of_rank_5_mapping_goes_through():
    x = random(4, 2, 3, 2, 2)
    y = network(prelu().spec).predict({"x": x})["y"]
    np.testing.assert_allclose(y, expected(x), rtol=1e-6)


def scalars() -> spec.Model:
    types = {"double": FeatureMessage(), "int64": FeatureMessage()}
    types["double"].doubleType.SetInParent()
    types["int64"].int64Type.SetInParent()
    builder = NeuralNetworkBuilder(
        {"a": types["double"], "b": types["int64"]}, {"y": types["double"], "z": types["int64"]}
    )
    builder.add("add", "sum", ["a", "b"], ["y"]).add("activation", "same", ["y"], ["z"], linear={"alpha": 1.0})
    return builder.spec


def test_numbers_go_in_and_come_out():
    out = network(scalars()).predict({"a": 0.25, "b": 2})
    assert out == {"y": 2.25, "z": 2}
    assert [type(value) for value in out.values()] == [float, int]
    with pytest.raises(FeatureError, match="'b' takes an int"):
        network(scalars()).predict({"a": 1.0, "b": 0.5})


def test_one_number_is_one_number():
    message = prelu().spec
    message.description.output[0].type.doubleType.SetInParent()
    with pytest.raises(ShapeError, match=r"'y' is one number, but the network returns \[3, 2, 2\]"):
        network(message).predict({"x": random(3, 2, 2)})


def optional_input(default: float | None) -> spec.Model:
    builder = NeuralNetworkBuilder({"x": array(2), "state": array(2, optional=True)}, {"y": array(2)})
    message = builder.add("add", "sum", ["x", "state"], ["y"]).spec
    if default is not None:
        message.specificationVersion = 5
        message.description.input[1].type.multiArrayType.floatDefaultValue = default
    return message


@pytest.mark.parametrize("default", [None, 0.0, 2.5])
def test_optional_inputs_are_filled(default):
    model = network(optional_input(default))
    filled = 0.0 if default is None else default
    assert model.predict({"x": [1, 2]})["y"].tolist() == [1 + filled, 2 + filled]
    assert model.predict({"x": [1, 2], "state": [10, 20]})["y"].tolist() == [11, 22]
    assert model.trace_count == 1


def test_outputs_without_a_declared_shape_work():
    builder = NeuralNetworkBuilder({"x": array(3, 2, 2)}, {"y": None, "v": None})
    builder.add("activation", "act", ["x"], ["y"], PReLU={"alpha": ALPHA})
    builder.add("reduce", "total", ["x"], ["v"], mode="SUM", axis="HW")
    out = network(builder.spec).predict({"x": np.ones((3, 2, 2))})
    assert out["y"].shape == (3, 2, 2)
    assert out["v"].tolist() == [4, 4, 4]


def test_flexible_inputs_give_outputs_of_their_size():
    message = prelu().spec
    message.specificationVersion = 3
    for feature in (*message.description.input, *message.description.output):
        for low, high in ((3, 3), (1, -1), (1, -1)):
            feature.type.multiArrayType.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)
    model = network(message)
    for shape in ((3, 2, 2), (3, 5, 1), (3, 4, 1), (3, 1, 4)):
        x = random(*shape)
        np.testing.assert_allclose(model.predict({"x": x})["y"], expected(x), rtol=1e-6)
    assert model.trace_count == 4


# Programs ------------------------------------------------------------------------------------------------------------


def test_a_second_prediction_never_compiles():
    model = network(prelu().spec)
    assert model.trace_count == 0
    for seed in range(3):
        model.predict({"x": random(3, 2, 2, seed=seed)})
    model.predict({"x": random(3, 2, 2).tolist()})
    model.predict({"x": random(1, 1, 3, 2, 2).astype(np.float64)})
    model.predict({"x": jnp.zeros((3, 2, 2))})
    assert model.trace_count == 1


def test_a_batch_is_a_loop():
    model = network(prelu().spec)
    rows = [{"x": random(3, 2, 2, seed=i)} for i in range(5)]
    rows.insert(2, {"x": random(2, 1, 3, 2, 2)})
    batch = model.predict_batch(iter(rows))
    assert len(batch) == len(rows)
    for row, outputs in zip(rows, batch, strict=True):
        np.testing.assert_allclose(outputs["y"], model.predict(row)["y"], rtol=1e-6)
    assert model.predict_batch([]) == []


def test_batch_sizes_share_programs():
    model = network(prelu().spec)
    for count in (8, 5, 6, 7, 8):
        assert len(model.predict_batch([{"x": random(3, 2, 2, seed=i)} for i in range(count)])) == count
    assert model.trace_count == 1
    model.predict_batch([{"x": random(3, 2, 2)}] * 3)
    assert model.trace_count == 2


def test_large_batches_run_in_parts(monkeypatch):
    monkeypatch.setattr("graphml.models.compile.batches._ROWS", 8)
    model = network(prelu().spec)
    rows = [{"x": random(3, 2, 2, seed=i)} for i in range(19)]  # 8 + 8 + 3
    for row, outputs in zip(rows, model.predict_batch(rows), strict=True):
        np.testing.assert_allclose(outputs["y"], expected(row["x"]), rtol=1e-6)
    assert model.trace_count == 2


def test_rows_with_large_blobs_run_one_by_one(monkeypatch):
    model = network(prelu().spec)
    rows = [{"x": random(3, 2, 2, seed=i)} for i in range(4)]
    monkeypatch.setattr("graphml.models.compile.batches._CPU_BYTES", 3 * 2 * 2 * 4 + 1)  # one row of its largest blob
    monkeypatch.setattr("graphml.models.compile.batches._BYTES", 3 * 2 * 2 * 4 + 1)
    together = model.predict_batch(rows)
    assert model.trace_count == 1
    assert np.array_equal(model.predict(rows[0])["y"], together[0]["y"])
    assert model.trace_count == 1  # it was the program of a single row


def chosen() -> NeuralNetworkBuilder:
    """The elements of x that are not zero: how many there are depends on their values."""
    builder = NeuralNetworkBuilder([("x", datatypes.Array(4))], [("y", None)], disable_rank5_shape_mapping=True)
    builder.add_where_nonzero(name="where", input_name="x", output_name="places")
    builder.add_gather_nd(name="take", input_names=["x", "places"], output_name="y")
    return builder


def test_shapes_that_depend_on_values_run_in_stages():
    model = chosen().model()
    rows = [{"x": np.float32(row)} for row in ([0, 1, 2, 0], [3, 0, 0, 4], [0, 5, 0, 0])]
    for row, outputs in zip(rows, model.predict_batch(rows), strict=True):
        np.testing.assert_array_equal(outputs["y"], row["x"][row["x"] != 0])
    made = model.compilations()
    assert [each.what for each in made] == ["a stage"] * 3  # the first, and one for each count
    assert "from layer 'where' (whereNonZero), number 1, read sizes [2]" in made[1].why
    assert all(each.seconds > 0 for each in made)
    model.predict({"x": np.float32([0, 0, 6, 7])})
    assert model.trace_count == 3


def test_a_function_of_a_model_goes_through_stages():
    function = chosen().model().as_function()
    gradient = jax.grad(lambda x: (function({"x": x})["y"] ** 2).sum())(np.float32([0, 3, 4, 0]))
    np.testing.assert_array_equal(gradient, [0, 6, 8, 0])
    with pytest.raises(UnsupportedError, match=r"layer 'where'.*\n.*the value of 'x' decides a shape"):
        jax.jit(function)({"x": np.float32([0, 3, 4, 0])})


def test_warming_up_compiles_ahead():
    model = network(prelu().spec)
    model.warm_up()
    assert [each.why for each in model.compilations()] == ["first call for x [3, 2, 2]"]
    model.predict({"x": random(3, 2, 2)})
    assert model.trace_count == 1
    with pytest.raises(FeatureError, match="no input is called 'z'"):
        model.warm_up([{"z": (3, 2, 2)}])
    with pytest.raises(FeatureError, match="x"):
        model.warm_up([{"x": (4, 2, 2)}])


def test_unknown_compiler_options_are_dropped(monkeypatch):
    known = {"xla_cpu_prefer_vector_width": 512}
    monkeypatch.setattr(
        "graphml.models.compile.programs._CPU_FLOAT32", {**known, "xla_cpu_there_is_no_such_thing": True}
    )
    assert compiler_options("cpu") == known
    assert compiler_options("cpu", jnp.float64) == {}
    assert compiler_options("gpu") == {}


def test_layers_that_cannot_run_are_all_named():
    builder = NeuralNetworkBuilder({"x": array(3, 2, 2)}, {"y": array(3, 2, 2)})
    builder.add("custom", "a", ["x"], ["h"], class_name="First").add("custom", "b", ["h"], ["y"], class_name="Second")
    model = network(builder.spec)
    with pytest.raises(UnsupportedError) as error:
        model.predict({"x": random(3, 2, 2)})
    assert "'a' (custom)" in str(error.value)
    assert "'b' (custom)" in str(error.value)


def test_custom_layers_are_functions_of_the_caller():
    builder = NeuralNetworkBuilder({"x": array(3, 2, 2)}, {"y": array(3, 2, 2)})
    builder.add("custom", "twice", ["x"], ["y"], class_name="Times", weights=[np.array([2.0], np.float32)])
    layers = {"Times": lambda x, *, weights, parameters: x * weights[0]}
    x = random(3, 2, 2)
    model = network(builder.spec, custom_layers=layers)
    np.testing.assert_allclose(model.predict({"x": x})["y"], 2 * x, rtol=1e-6)
    thrice = model.with_parameters({"twice": {"weights": [np.array([3.0], np.float32)]}})
    np.testing.assert_allclose(thrice.predict({"x": x})["y"], 3 * x, rtol=1e-6)
    again = network(thrice.spec, custom_layers=layers)
    np.testing.assert_allclose(again.predict({"x": x})["y"], 3 * x, rtol=1e-6)


# The functional face -------------------------------------------------------------------------------------------------


def test_a_network_is_a_differentiable_function():
    model = network(prelu().spec)
    run = model.as_function()
    x = random(3, 2, 2)
    np.testing.assert_allclose(run({"x": x})["y"], expected(x), rtol=1e-6)
    np.testing.assert_allclose(jax.jit(run)({"x": x})["y"], expected(x), rtol=1e-6)
    gradient = jax.grad(lambda x: run({"x": x})["y"].sum())(x)
    np.testing.assert_allclose(gradient, np.where(x > 0, 1, ALPHA[:, None, None] * np.ones_like(x)), rtol=1e-6)


def test_lower_takes_parameters_as_an_argument():
    lowered = network(prelu().spec).lower()
    x = random(3, 2, 2)
    gradient = jax.grad(lambda params: lowered.fn(params, {"x": x})["y"].sum())(lowered.params)
    np.testing.assert_allclose(gradient["act"]["alpha"], np.minimum(x, 0).sum((1, 2)), rtol=1e-5)
    assert lowered.target.platform == jax.default_backend()
    assert network(prelu().spec).lower(platform="cuda").target.platform == "cuda"
    with jax.enable_x64():
        assert network(prelu().spec).lower(dtype=jnp.float64).fn(lowered.params, {"x": x})["y"].dtype == jnp.float64


def test_parameters_are_a_tree_in_the_layout_of_the_file():
    params = network(prelu().spec).parameters
    assert list(params) == ["act"]
    np.testing.assert_array_equal(params["act"]["alpha"], ALPHA)
    with pytest.raises(ValueError, match="read-only"):  # a device may be using this memory
        params["act"]["alpha"][0] = 3


@pytest.mark.parametrize("bits", [None, 8])
def test_a_model_that_only_predicts_keeps_no_stored_weights(bits):
    kernel = random(512, 512)
    builder = NeuralNetworkBuilder({"x": array(512)}, {"y": array(512)})
    weights = kernel if bits is None else quantize(kernel, bits=bits)
    model = network(builder.add("innerProduct", "fc", ["x"], ["y"], weights=weights).spec)
    tracemalloc.start()
    model.predict({"x": np.zeros(512, np.float32)})
    gc.collect()
    assert tracemalloc.get_traced_memory()[0] < 1.5 * kernel.nbytes  # prepared; protobuf's and XLA's are not traced
    tracemalloc.stop()
    stored = model.parameters["fc"]["weights"]
    assert model.parameters["fc"]["weights"] is stored
    assert not (stored.codes if bits else stored).flags.writeable
    np.testing.assert_array_equal(stored.dequantize() if bits else stored, weights.dequantize() if bits else weights)


def test_other_parameters_make_another_model():
    model = network(prelu().spec)
    x = random(3, 2, 2)
    model.predict({"x": x})
    alpha = np.array([1.0, 2.0, 3.0], np.float32)
    other = model.with_parameters({"act": {"alpha": alpha}})
    np.testing.assert_allclose(other.predict({"x": x})["y"], expected(x, alpha), rtol=1e-6)
    np.testing.assert_allclose(other.as_function()({"x": x})["y"], expected(x, alpha), rtol=1e-6)
    np.testing.assert_allclose(model.predict({"x": x})["y"], expected(x), rtol=1e-6)
    assert other.trace_count == model.trace_count == 1  # they share one program
    alpha[:] = 0
    np.testing.assert_array_equal(other.parameters["act"]["alpha"], [1, 2, 3])


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"fc": {}}, GraphError, "no layer with weights is called 'fc'"),
        ({"act": {"beta": ALPHA}}, GraphError, "act has no weight 'beta'"),
        ({"act": ALPHA}, GraphError, "the parameters act must be a mapping, got a ndarray"),
        ({"act": {"alpha": ALPHA[:2]}}, ShapeError, r"act/alpha has shape \[3\], got \[2\]"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(params, error, words):
    with pytest.raises(error, match=words):
        network(prelu().spec).with_parameters(params)


def test_intermediates_are_the_blobs():
    builder = NeuralNetworkBuilder({"x": array(3, 2, 2)}, {"y": array(3, 2, 2)})
    builder.add("activation", "act", ["x"], ["h"], PReLU={"alpha": ALPHA})
    builder.add("activation", "twice", ["h"], ["y"], linear={"alpha": 2.0})
    model = network(builder.spec)
    x = random(3, 2, 2)
    blobs = model.intermediates({"x": x})
    assert sorted(blobs) == ["h", "y"]
    np.testing.assert_allclose(blobs["h"], expected(x)[None, None], rtol=1e-6)
    assert list(model.intermediates({"x": x}, ["h"])) == ["h"]
    with pytest.raises(GraphError, match="no blob 'q'"):
        model.intermediates({"x": x}, ["q"])


# Saving --------------------------------------------------------------------------------------------------------------


def test_an_untouched_model_is_written_as_it_was(tmp_path):
    message = prelu(alpha=ALPHA.astype(np.float16)).spec
    model = network(message)
    model.predict({"x": random(3, 2, 2)})
    model.save(tmp_path / "a.mlmodel")
    assert spec.read(tmp_path / "a.mlmodel") == message
    same = model.with_parameters(model.parameters)
    assert same.spec == message


def test_replaced_weights_are_stored_and_predict_the_same_bits(tmp_path):
    builder = NeuralNetworkBuilder({"x": array(3, 2, 2)}, {"y": array(3, 2, 2)})
    builder.add("activation", "half", ["x"], ["h"], PReLU={"alpha": ALPHA.astype(np.float16)})
    builder.add("activation", "whole", ["h"], ["y"], PReLU={"alpha": ALPHA})
    model = network(builder.spec)
    x = random(3, 2, 2)
    new = model.with_parameters({"half": {"alpha": jnp.asarray(ALPHA) / 3}})
    new.save(tmp_path / "a.mlmodel")
    new.save(tmp_path / "b.mlmodel")
    assert (tmp_path / "a.mlmodel").read_bytes() == (tmp_path / "b.mlmodel").read_bytes()
    again = network(spec.read(tmp_path / "a.mlmodel"))
    np.testing.assert_array_equal(again.predict({"x": x})["y"], new.predict({"x": x})["y"])
    half, whole = (layer.activation.PReLU.alpha for layer in again.spec.neuralNetwork.layers)
    assert len(half.floatValue) == 3
    assert not half.float16Value
    assert whole == model.spec.neuralNetwork.layers[1].activation.PReLU.alpha
    assert model.spec == builder.spec  # the first model is untouched


def test_quantized_weights_keep_their_storage():
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(3)})
    weights = random(3, 4)
    builder.add("innerProduct", "fc", ["x"], ["y"], weights=quantize(weights, bits=4, table=True))
    model = network(builder.spec)
    assert model.spec == builder.spec
    moved = model.with_parameters({"fc": {"weights": quantize(weights, bits=8)}})
    assert moved.spec.neuralNetwork.layers[0].innerProduct.weights.quantization.numberOfBits == 8
    halves = network(prelu().spec).with_parameters({"act": {"alpha": ALPHA.astype(np.float16)}})
    assert (halves.spec.specificationVersion, moved.spec.specificationVersion) == (2, 3)
    floats = model.with_parameters({"fc": {"weights": weights}})
    assert floats.spec.neuralNetwork.layers[0].innerProduct.weights.floatValue[:] == weights.ravel().tolist()


# Configuration -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [ComputeUnits.ALL, ComputeUnits.CPU_AND_GPU, ComputeUnits.CPU_ONLY])
def test_a_model_runs_on_the_units_it_is_given(units):
    x = random(3, 2, 2)
    model = network(prelu().spec, configuration=ModelConfiguration(compute_units=units))
    np.testing.assert_allclose(model.predict({"x": x})["y"], expected(x), rtol=1e-6)
    preferred = ModelConfiguration(compute_units=units, preferred_device=jax.devices("cpu")[0])
    np.testing.assert_allclose(
        network(prelu().spec, configuration=preferred).predict({"x": x})["y"], expected(x), rtol=1e-6
    )


def test_there_is_no_neural_engine():
    configuration = ModelConfiguration(compute_units=ComputeUnits.CPU_AND_NEURAL_ENGINE)
    with pytest.warns(UserWarning, match="no Neural Engine"):
        network(prelu().spec, configuration=configuration).predict({"x": random(3, 2, 2)})


def test_low_precision_has_no_effect_on_a_cpu(caplog):
    if jax.default_backend() != "cpu":
        pytest.skip("this machine has an accelerator, where low precision does have an effect")
    from graphml.models.configuration import _say_no_effect

    _say_no_effect.cache_clear()
    configuration = ModelConfiguration(allow_low_precision_accumulation=True)
    with caplog.at_level(logging.INFO, logger="graphml"):
        for _ in range(2):
            assert not network(prelu().spec, configuration=configuration).lower().target.low_precision
        assert network(prelu().spec, configuration=configuration).lower(platform="cuda").target.low_precision
    assert [record.message for record in caplog.records] == ["allow_low_precision_accumulation has no effect on a CPU"]
