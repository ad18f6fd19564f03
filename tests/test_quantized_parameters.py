"""Compressed weights as parameters: trees, exported programs, checkpoints, floats and back; and mistakes with them."""

from __future__ import annotations

import jax
import jax.export
import ml_dtypes
import numpy as np
import pytest

import graphml
from graphml import FeatureError, GraphError, Quantized, ShapeError, SpecError
from graphml.build import NeuralNetworkBuilder, array
from graphml.spec.program.compression import (
    AffineWeights,
    BlockwiseWeights,
    CastWeights,
    PalettizedWeights,
    SparseWeights,
)
from graphml.spec.weights import quantize

rng = np.random.default_rng(0)
WEIGHTS = rng.normal(size=(4, 6)).astype(np.float32)
X = {"x": rng.normal(size=6).astype(np.float32)}


def network(weights=None) -> graphml.Model:
    builder = NeuralNetworkBuilder({"x": array(6)}, {"y": array(4)})
    weights = quantize(WEIGHTS, bits=5, table=True) if weights is None else weights
    builder.add("innerProduct", "fc", ["x"], ["y"], input_channels=6, output_channels=4, weights=weights)
    return graphml.load(builder.spec)


FORMS = {
    "a table": quantize(WEIGHTS, bits=3, table=True),
    "one scale": quantize(WEIGHTS, bits=6, axis=None),
    "a scale for each channel": quantize(WEIGHTS, bits=4),
    "int8": Quantized(np.int8(np.rint(WEIGHTS * 40)), np.full((4, 1), 1 / 40, np.float32), None, None, 8),
    "affine": AffineWeights(np.int8(np.rint(WEIGHTS * 40)), np.int8(0), np.full(4, 1 / 40, np.float32), 0),
    "affine, unsigned": AffineWeights(np.uint8(np.rint(WEIGHTS * 30) + 128), np.uint8(128), np.float32(1 / 30), 0),
    "blocks": BlockwiseWeights(
        np.rint(WEIGHTS * 2).astype(ml_dtypes.int4).astype(np.int8), np.full((4, 2), 0.5, np.float16), None, 4
    ),
    "blocks with offsets": BlockwiseWeights(
        np.uint8(np.clip(np.rint(WEIGHTS * 40) + 90, 0, 255)),
        np.full((2, 1), 1 / 40, np.float32),
        np.full((2, 1), 90, np.uint8),
        8,
    ),
    "tables": PalettizedWeights(
        rng.integers(0, 4, (4, 6)).astype(np.uint8), rng.normal(size=(2, 1, 4, 1)).astype(np.float32), 0
    ),
    "half precision": CastWeights(WEIGHTS.astype(np.float16)),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_weights_that_did_not_change_get_their_codes_again(form):
    again = graphml.requantize({"a": {"b": form.dequantize()}}, {"a": {"b": form}})["a"]["b"]
    assert type(again) is type(form)
    np.testing.assert_array_equal(again.dequantize(), form.dequantize())


@pytest.mark.parametrize("name", FORMS)
def test_weights_that_were_trained_are_near(name):
    """A weight that has grown has a larger scale or another table, and as many bits as before."""
    form = FORMS[name]
    tuned = np.asarray(form.dequantize(), np.float32) * 3 + 0.01
    found = graphml.requantize([tuned], [form])[0]
    assert type(found) is type(form)
    before, after = (jax.tree.map(lambda a: (a.shape, a.dtype), one) for one in (form, found))
    if name != "one scale":  # that one has a separate bias now, as it had before
        assert jax.tree.leaves(before) == jax.tree.leaves(after)
    step = np.ptp(tuned) / {"a table": 8, "tables": 4, "blocks": 7, "a scale for each channel": 15}.get(name, 60)
    assert np.abs(np.asarray(found.dequantize(), np.float32) - tuned).max() <= step


def test_what_cannot_be_requantized_stays_or_is_refused():
    sparse = SparseWeights(np.uint8([0b101]), np.float32([1, 2]), (4,))
    floats = np.float32([1, 0, 2, 0])
    assert graphml.requantize([floats], [sparse])[0] is floats
    with pytest.raises(ShapeError, match=r"fc/weights\n  the weight has shape \[3\], its storage \[4, 6\]"):
        graphml.requantize({"fc": {"weights": np.zeros(3)}}, {"fc": {"weights": FORMS["int8"]}})
    with pytest.raises(SpecError, match="fc/weights\n  weights must be finite"):
        graphml.requantize({"fc": {"weights": WEIGHTS * np.nan}}, {"fc": {"weights": FORMS["int8"]}})


def test_paths_of_trees_have_names():
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(network().parameters)[0]]
    assert paths == ["['fc']['weights'].codes", "['fc']['weights'].table"]
    assert repr(network().parameters["fc"]["weights"]) == (
        "Quantized(codes=uint8[4, 6], scale=None, bias=None, table=float32[32], bits=5)"
    )


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_exported_programs_take_them(form):
    exported = jax.export.export(jax.jit(lambda params: graphml.dequantize(params)["w"] + 0))({"w": form})
    again = jax.export.deserialize(exported.serialize())
    np.testing.assert_array_equal(again.call({"w": form}), form.dequantize())
    assert again.in_tree == exported.in_tree


def test_a_gradient_needs_floats():
    lowered = network().lower()
    score = lambda params: lowered.fn(params, X)["y"].sum()  # noqa: E731
    with pytest.raises(TypeError, match=r"grad requires real- or complex-valued inputs.*uint8"):  # JAX's own words
        jax.grad(score)(lowered.params)
    assert "compressed arrays: 1, which graphml.dequantize(params) makes floats for gradients" in repr(lowered)
    gradient = jax.grad(score)(graphml.dequantize(lowered.params))["fc"]["weights"]
    np.testing.assert_allclose(gradient, [X["x"]] * 4)
    table = jax.grad(score, allow_int=True)(lowered.params)["fc"]["weights"].table
    codes = lowered.params["fc"]["weights"].codes
    np.testing.assert_allclose(
        table, [(np.broadcast_to(X["x"], (4, 6)))[codes == i].sum() for i in range(32)], atol=1e-5
    )


def test_a_model_is_not_a_pytree_of_parameters():
    with pytest.raises(GraphError, match=r"parameters must be a tree of arrays, such as model.parameters, got"):
        graphml.dequantize(network())


def test_a_tuned_copy_is_as_small_as_the_file(tmp_path):
    model = network(quantize(WEIGHTS, bits=4))
    tuned = model.with_parameters(jax.tree.map(lambda w: w + 0.25, graphml.dequantize(model.parameters)))
    model.save(tmp_path / "before.mlmodel")
    tuned.save(tmp_path / "floats.mlmodel")
    tuned.save(tmp_path / "after.mlmodel", requantize=True)
    sizes = {path.stem: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes["after"] == sizes["before"] < sizes["floats"]
    np.testing.assert_allclose(
        graphml.load(tmp_path / "after.mlmodel").predict(X)["y"], tuned.predict(X)["y"], atol=0.3
    )


@pytest.mark.parametrize("target", [True, False], ids=["with a target", "without a target"])
def test_checkpoints_of_orbax(tmp_path, target):
    checkpoint = pytest.importorskip("orbax.checkpoint", reason="orbax is an optional extra and is not installed here")
    model = network()
    with checkpoint.StandardCheckpointer() as keeper:
        keeper.save(tmp_path / "weights", model.parameters)
        keeper.wait_until_finished()
        like = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), model.parameters)
        restored = keeper.restore(tmp_path / "weights", *([like] if target else []))
    found = model.with_parameters(restored)
    assert isinstance(found.parameters["fc"]["weights"], Quantized)
    np.testing.assert_array_equal(found.predict(X)["y"], model.predict(X)["y"])
    found.save(tmp_path / "again.mlmodel")
    assert graphml.load(tmp_path / "again.mlmodel").spec == model.spec
    if not target:
        lowered = model.lower()
        with pytest.raises(
            GraphError, match=r"'fc/weights' is a mapping with the parts of a Quantized.*Lowered.params"
        ):
            lowered.fn(restored, X)
        with pytest.raises(GraphError, match="fc/weights is a Quantized of codes, table; codes is given"):
            model.with_parameters({"fc": {"weights": {"codes": restored["fc"]["weights"]["codes"]}}})


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda p: {"fcc": p["fc"]}, GraphError, r"no parameters are called 'fcc' \(did you mean 'fc'\?\)"),
        (lambda p: {}, GraphError, "the parameters 'fc' are missing; pass all of Lowered.params"),
        (lambda p: {"fc": {}}, GraphError, "the parameters 'weights' of 'fc' are missing"),
        (
            lambda p: {"fc": WEIGHTS},
            GraphError,
            r"of 'fc' must be a mapping with 'weights', got a float32 array \[4, 6\]",
        ),
        (
            lambda p: {"fc": {"weights": "no"}},
            GraphError,
            r"'fc/weights' must be an array of shape \[4, 6\], got 'no' \(str\)",
        ),
        (lambda p: {"fc": {"weights": WEIGHTS[0]}}, ShapeError, r"'fc/weights' has shape \[4, 6\], got \[6\]"),
        (lambda p: WEIGHTS, GraphError, r"parameters must be a mapping like Lowered.params, .*, got a float32 array"),
    ],
)
def test_wrong_parameters_are_named(change, error, text):
    lowered = network(WEIGHTS).lower()
    with pytest.raises(error, match=text):
        lowered.fn(change(lowered.params), X)


def test_plain_arrays_as_inputs_are_refused():
    model = network(WEIGHTS)
    for call in (model.as_function(), lambda x: model.lower().fn(model.parameters, x)):
        with pytest.raises(FeatureError, match=r"inputs must be given by name, as \{'x': array\}, got a float32 array"):
            call(X["x"])
    with pytest.raises(GraphError, match=r"the network has no input 'xx' \(did you mean 'x'\?\); its inputs are x"):
        model.as_function()({"xx": X["x"]})


def test_predict_under_jit_names_the_function_to_transform():
    with pytest.raises(FeatureError, match=r"'x' is traced by jax.jit.*model.as_function\(\).*model.lower\(\).fn"):
        jax.jit(network().predict)(X)


def test_everything_fits_one_screen():
    nnx_network = pytest.importorskip("graphml.interop.flax", reason="flax is an optional extra").Network
    names = [f"feature_{i}" for i in range(200)]
    builder = NeuralNetworkBuilder({name: array(1) for name in names}, {"y": array(1)})
    builder.add("add", "sum", names, ["y"])
    wide = graphml.load(builder.spec)
    for one in (network(), network().lower(), nnx_network(network().lower()), network().graph, wide, wide.lower()):
        text = repr(one)
        assert sum(1 + len(line) // 100 for line in text.splitlines()) <= 32, text
    module = nnx_network(network().lower())
    assert str(module) == repr(module)
    assert len(str(wide).splitlines()) == 202
    assert repr(wide).endswith("features; print(model) shows all of them")
