"""coremltools, unchanged, predicts with graphml: each model of coremltools against an answer in NumPy."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import os
import re
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import graphml
from graphml.errors import FeatureError
from graphml.interop import coremltools as plugin
from graphml.interop.coremltools.__main__ import main
from graphml.interop.coremltools.hook import LIBRARY

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    ct = pytest.importorskip("coremltools", reason="coremltools is an optional extra and is not installed here")
    from coremltools.converters.mil import Builder as mb
    from coremltools.converters.mil.mil import types
    from coremltools.models import datatypes
    from coremltools.models.nearest_neighbors import KNearestNeighborsClassifierBuilder
    from coremltools.models.neural_network import NeuralNetworkBuilder
    from coremltools.models.tree_ensemble import TreeEnsembleRegressor

Image = pytest.importorskip("PIL.Image", reason="Pillow is an optional extra and is not installed here")

pytestmark = pytest.mark.filterwarnings("ignore")
VERSION = tuple(int(part) for part in ct.__version__.split(".")[:2])
HAS_PLANS = VERSION >= (8, 1)
compute_plan: Any = importlib.import_module("coremltools.models.compute_plan") if HAS_PLANS else None


def since(*version: int) -> Any:
    return pytest.mark.skipif(version > VERSION, reason=f"coremltools has this from {version[0]}.{version[1]} on")


RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(3, 4)).astype(np.float32)
BIAS = RNG.normal(size=3).astype(np.float32)
X = RNG.normal(size=(2, 4)).astype(np.float32)


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    """Other tests of the same process see coremltools as it is."""
    plugin.install()
    yield
    plugin.uninstall()
    assert ct.models.model._MLModelProxy is None


def dense(x: np.ndarray) -> np.ndarray:
    return np.tanh(x @ WEIGHT.T + BIAS)


def converted(body: Callable[..., Any], *inputs: Any, **options: Any) -> Any:
    """A program of coremltools, converted: an ML Program in float32 unless `options` say otherwise."""
    if VERSION < (8, 0):
        pytest.skip("converters of coremltools 7 need NumPy 1, which JAX does not take")
    target = options.pop("target", ct.target.iOS16)
    program = mb.program(input_specs=list(inputs), opset_version=target)(body)
    if options.get("convert_to") != "neuralnetwork":
        options = {"compute_precision": ct.precision.FLOAT32, "minimum_deployment_target": target} | options
    return ct.convert(program, **{"convert_to": "mlprogram"} | options)


def dense_model(**options: Any) -> Any:
    def body(x: Any) -> Any:
        return mb.tanh(x=mb.linear(x=x, weight=WEIGHT, bias=BIAS), name="y")

    return converted(body, mb.TensorSpec((2, 4)), **options)


def squares(precision: Any) -> Any:
    """tanh(sqrt((300 x)^2) / 1000): the square leaves the range of float16."""

    def body(x: Any) -> Any:
        scaled = mb.mul(x=x, y=300.0, name="scaled")
        squared = mb.mul(x=scaled, y=scaled, name="squared")
        return mb.tanh(x=mb.mul(x=mb.sqrt(x=squared, name="root"), y=0.001, name="small"), name="y")

    return converted(body, mb.TensorSpec((2, 4)), compute_precision=precision)


# Predictions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mlprogram", "neuralnetwork"])
def test_a_converted_model_predicts(kind):
    # the conversion to a network has no operations of iOS 16
    options = {"target": ct.target.iOS13, "convert_to": kind} if kind == "neuralnetwork" else {}
    model = dense_model(**options)
    found = model.predict({"x": X})["y"]
    np.testing.assert_allclose(found, dense(X), rtol=1e-5)
    found += 1  # the caller's own array
    first, second = model.predict([{"x": X}, {"x": 2 * X}])
    np.testing.assert_allclose(first["y"], dense(X), rtol=1e-5)
    np.testing.assert_allclose(second["y"], dense(2 * X), rtol=1e-5)
    np.testing.assert_allclose(model.predict({"x": X.astype(np.float16)})["y"], dense(X), atol=1e-2)
    if VERSION >= (8, 3):
        assert model.load_duration_in_nano_seconds > 0
        assert model.last_predict_duration_in_nano_seconds > 0


def test_float16_comes_back_as_float32():
    model = converted(lambda x: mb.mul(x=x, y=np.float16(2), name="y"), mb.TensorSpec((2, 4), dtype=types.fp16))
    assert model.get_spec().description.output[0].type.multiArrayType.dataType == 65552  # float16
    found = model.predict({"x": X})["y"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 2 * X, rtol=1e-3)


@since(8, 0)
def test_a_program_with_a_state():
    def body(x: Any, total: Any) -> Any:
        value = mb.add(x=mb.cast(x=x, dtype="fp16"), y=mb.read_state(input=total))
        mb.coreml_update_state(state=total, value=value)
        return mb.cast(x=value, dtype="fp32", name="y")

    inputs = mb.TensorSpec((4,)), mb.StateTensorSpec((4,), dtype=types.fp16)
    model = converted(body, *inputs, target=ct.target.iOS18)
    x = np.float32([1, 2, 3, 4])
    for one in (model, ct.models.CompiledMLModel(model.get_compiled_model_path())):
        state, other = one.make_state(), one.make_state()
        assert [one.predict({"x": x}, state)["y"].tolist() for _ in range(3)] == [(n * x).tolist() for n in (1, 2, 3)]
        np.testing.assert_array_equal(one.predict({"x": x}, other)["y"], x)
        if VERSION < (9, 0):
            continue  # it cannot be read
        assert state.read_state("total").dtype == np.float32
        state.write_state("total", -x)
        assert one.predict({"x": x}, state)["y"].tolist() == [0, 0, 0, 0]
        with pytest.raises(RuntimeError, match="the model has no state 'sum'; its states are 'total'"):
            state.read_state("sum")
        with pytest.raises(RuntimeError, match=r"'total' takes a float16 array \[4\], got a float16 array \[3\]"):
            state.write_state("total", np.zeros(3))


@pytest.mark.parametrize("kind", ["mlprogram", "neuralnetwork"])
@pytest.mark.parametrize(("labels", "order"), [(["red", "green", "blue"], "RGB"), ([7, 5, 3], "BGR")])
def test_a_classifier_of_images(kind, labels, order):
    def body(image: Any) -> Any:
        return mb.softmax(x=mb.reduce_mean(x=image, axes=[2, 3], keep_dims=False), axis=-1, name="scores")

    image = ct.ImageType("image", shape=(1, 3, 5, 4), scale=1 / 255, color_layout=getattr(ct.colorlayout, order))
    model = converted(
        body,
        mb.TensorSpec((1, 3, 5, 4)),
        target=ct.target.iOS13 if kind == "neuralnetwork" else ct.target.iOS16,
        convert_to=kind,
        inputs=[image],
        classifier_config=ct.ClassifierConfig(labels),
    )
    colors = RNG.integers(0, 256, (5, 4, 3), np.uint8)
    means = colors.reshape(-1, 3).mean(0) / 255
    expected = np.exp(means) / np.exp(means).sum()
    expected = expected if order == "RGB" else expected[::-1]
    found = model.predict({"image": Image.fromarray(colors)})
    scores = next(value for value in found.values() if isinstance(value, dict))
    assert found["classLabel"] == labels[int(np.argmax(expected))]
    np.testing.assert_allclose([scores[label] for label in labels], expected, rtol=1e-5)
    with pytest.raises(RuntimeError, match=r"the image 'image' is 4 x 4, which is not an allowed size: ... 4 x 5"):
        model.predict({"image": Image.fromarray(colors[:4])})
    with pytest.raises(TypeError, match=r"mode=='RGB'"):  # coremltools' own check
        model.predict({"image": Image.fromarray(colors).convert("L")})


def test_an_image_is_not_rotated():
    """Core ML gets the pixels that Pillow shows, ignoring Exif; graphml reads files, and rotates them."""
    model = converted(
        lambda image: mb.mul(x=image, y=0.5, name="y"),
        mb.TensorSpec((1, 1, 3, 3)),
        inputs=[ct.ImageType("image", shape=(1, 1, 3, 3), color_layout=ct.colorlayout.GRAYSCALE)],
    )
    pixels = RNG.integers(0, 256, (3, 3), np.uint8)
    image = Image.fromarray(pixels)
    image.getexif()[274] = 6  # a quarter turn
    np.testing.assert_array_equal(model.predict({"image": image})["y"][0, 0], pixels / 2)
    message = model.get_spec()
    output = message.description.output[0].type.imageType
    output.width, output.height, output.colorSpace = 3, 3, output.GRAYSCALE
    shown = ct.models.MLModel(message, weights_dir=model.weights_dir).predict({"image": image})["y"]
    assert shown.mode == "L"
    np.testing.assert_allclose(np.asarray(shown), pixels / 2, atol=0.5)


def test_an_updatable_pipeline():
    """A network makes features of x, and the nearest of four known points says the label."""
    network = NeuralNetworkBuilder([("x", datatypes.Array(4))], [("features", datatypes.Array(3))])
    network.add_inner_product("fc", WEIGHT, BIAS, 4, 3, has_bias=True, input_name="x", output_name="features")
    points, labels = RNG.normal(size=(4, 3)).astype(np.float32), ["a", "b", "c", "d"]
    neighbors = KNearestNeighborsClassifierBuilder("features", "label", 3, default_class_label="?", k=1)
    neighbors.is_updatable = True
    neighbors.add_samples(points, labels)
    message = ct.proto.Model_pb2.Model(specificationVersion=4, isUpdatable=True)
    message.description.input.append(network.spec.description.input[0])
    message.description.output.extend(neighbors.spec.description.output)
    message.description.predictedFeatureName = "label"
    message.description.predictedProbabilitiesName = neighbors.spec.description.predictedProbabilitiesName
    message.description.trainingInput.append(network.spec.description.input[0])
    message.description.trainingInput.append(neighbors.spec.description.output[0])
    message.pipelineClassifier.pipeline.models.extend([network.spec, neighbors.spec])
    model = ct.models.MLModel(message)
    for x in X:
        distances = ((x @ WEIGHT.T + BIAS - points) ** 2).sum(1)
        assert model.predict({"x": x})["label"] == labels[int(np.argmin(distances))]


def test_a_tree():
    tree = TreeEnsembleRegressor([("x", datatypes.Double())], "y")
    tree.set_default_prediction_value(0.0)
    tree.add_branch_node(0, 0, 0, 0.5, "BranchOnValueLessThanEqual", 1, 2)
    tree.add_leaf_node(0, 1, 3.0)
    tree.add_leaf_node(0, 2, 4.0)
    model = ct.models.MLModel(tree.spec)
    assert model.predict([{"x": 0.2}, {"x": 0.7}]) == [{"y": 3.0}, {"y": 4.0}]
    if not HAS_PLANS:
        return
    structure = compute_plan.MLModelStructure.load_from_path(model.get_compiled_model_path())
    assert structure.program is structure.neuralnetwork is structure.pipeline is None


@since(8, 0)
def test_functions_units_and_hints(tmp_path):
    functions = ct.utils.MultiFunctionDescriptor()
    for factor in (2, 3):
        path = str(tmp_path / f"{factor}.mlpackage")
        numbers = np.full((2, 8), factor, np.float32)
        model = converted(lambda x: mb.mul(x=x, y=numbers, name="y"), mb.TensorSpec((2, 8)), target=ct.target.iOS18)
        model.save(path)
        functions.add_function(path, "main", f"times{factor}")
    functions.default_function_name = "times2"
    both = str(tmp_path / "both.mlpackage")
    ct.utils.save_multifunction(functions, both)
    x = RNG.normal(size=(2, 8)).astype(np.float32)
    hints: dict[str, Any] = {"allowLowPrecisionAccumulationOnGPU": True} if VERSION >= (9, 0) else {}
    hints["reshapeFrequency"] = ct.ReshapeFrequency.Frequent
    whole = ct.models.MLModel(both)
    compiled = whole.get_compiled_model_path()
    if VERSION >= (8, 2):
        compiled = ct.utils.compile_model(both, str(tmp_path / "both.mlmodelc"))
    for unit, name, factor in zip(ct.ComputeUnit, (None, "times2", "times3", None), (2, 2, 3, 2), strict=True):
        model = ct.models.MLModel(both, compute_units=unit, function_name=name, optimization_hints=hints)
        np.testing.assert_array_equal(model.predict({"x": x})["y"], factor * x)
        again = ct.models.CompiledMLModel(compiled, unit, function_name=name, optimization_hints=hints)
        np.testing.assert_array_equal(again.predict([{"x": x}])[0]["y"], factor * x)
        np.testing.assert_array_equal(graphml.load(model).predict({"x": x})["y"], factor * x)
    with pytest.raises(ValueError, match="function_name times4 not found"):
        ct.models.MLModel(both, function_name="times4")


@since(8, 1)
def test_assets():
    model = dense_model()
    with open(os.path.join(model.weights_dir, "weight.bin"), "rb") as file:
        blobs = {"weights/weight.bin": file.read()}
    data = model.get_spec().SerializeToString()
    for asset in (
        ct.models.model.MLModelAsset.from_memory(data, blobs),
        ct.models.model.MLModelAsset.from_path(model.get_compiled_model_path()),
    ):
        compiled = ct.models.CompiledMLModel.from_asset(asset)
        np.testing.assert_allclose(compiled.predict({"x": X})["y"], dense(X), rtol=1e-5)
    with pytest.raises(RuntimeError, match=r"the blobs do not contain 'weight.bin', the weight file of the model"):
        ct.models.model.MLModelAsset.from_memory(data, {})


# Errors --------------------------------------------------------------------------------------------------------------


def test_a_broken_model_loads_and_says_why_it_cannot_predict(tmp_path):
    message = ct.proto.Model_pb2.Model(specificationVersion=1)
    message.neuralNetwork.layers.add(name="odd")
    with pytest.warns(RuntimeWarning, match=r"(?s)You will not be able to run predict.*layer 'odd'"):
        model = ct.models.MLModel(message)
    with pytest.raises(RuntimeError, match=r"layer 'odd' .* has no kind"):
        model.predict({})
    with pytest.raises(RuntimeError, match=r"layer 'odd' .* has no kind"):
        ct.utils.compile_model(message)
    (tmp_path / "theirs.mlmodelc").mkdir()
    with pytest.raises(RuntimeError, match=r"this .mlmodelc has no model.mil: it is compiled to a private format"):
        ct.models.CompiledMLModel(str(tmp_path / "theirs.mlmodelc"))


def test_wrong_inputs():
    model = dense_model()
    with pytest.raises(RuntimeError, match=r"'x' takes a float32 array \[2, 4\], got a float32 array \[1, 4\]"):
        model.predict({"x": X[:1]})
    with pytest.raises(RuntimeError, match=r"row 2\n +the feature 'x' is missing"):
        model.predict([{"x": X}, {}])
    with pytest.raises(KeyError, match="does not match any of the model input name"):  # coremltools' own check
        model.predict({"z": X})


# What coremltools asks besides ---------------------------------------------------------------------------------------


@since(8, 1)
def test_a_compute_plan():
    model = dense_model()
    plan = compute_plan.MLComputePlan.load_from_path(model.get_compiled_model_path())
    operations = plan.model_structure.program.functions["main"].block.operations
    linear = next(operation for operation in operations if operation.operator_name == "linear")
    assert [output.name for output in operations[-1].outputs] == ["y"]
    assert linear.inputs["x"].bindings[0].name == "x"
    usage = plan.get_compute_device_usage_for_mlprogram_operation(linear)
    assert isinstance(usage.preferred_compute_device, ct.models.compute_device.MLCPUComputeDevice)
    assert plan.get_compute_device_usage_for_mlprogram_operation(operations[0]) is None  # a constant
    assert plan.get_estimated_cost_for_mlprogram_operation(linear) is None  # not known
    assert len(ct.models.MLModel.get_available_compute_devices()) >= 1


@since(8, 1)
def test_the_structure_of_a_pipeline_of_networks():
    network = dense_model(convert_to="neuralnetwork", target=ct.target.iOS13).get_spec()
    message = ct.proto.Model_pb2.Model(specificationVersion=network.specificationVersion)
    message.description.CopyFrom(network.description)
    message.pipeline.models.append(network)
    message.pipeline.names.append("only")
    structure = compute_plan.MLModelStructure.load_from_path(ct.utils.compile_model(message))
    stages: Any = structure.pipeline.sub_models  # its annotation is wrong
    ((name, inner),) = stages
    assert name == "only"
    assert [layer.type for layer in inner.neuralnetwork.layers][-1] == "activation"
    assert inner.neuralnetwork.layers[-1].output_names == ["y"]


def test_the_specification_version_is_lowered(tmp_path):
    for model, path, lowest in (
        (dense_model(convert_to="neuralnetwork", target=ct.target.iOS13), "a.mlmodel", 4),
        (dense_model(target=ct.target.iOS17), "a.mlpackage", 8),
    ):
        message = model.get_spec()
        message.specificationVersion = 9
        path = str(tmp_path / path)
        ct.utils.save_spec(message, path, auto_set_specification_version=True, weights_dir=model.weights_dir)
        assert ct.utils.load_spec(path).specificationVersion == lowest


# Precision -----------------------------------------------------------------------------------------------------------


@since(8, 3)
def test_the_comparator_of_coremltools_names_the_operation_that_overflows():
    tools = importlib.import_module("coremltools.models.ml_program.experimental.debugging_utils")
    comparator = tools.MLModelComparator(squares(ct.precision.FLOAT32), squares(ct.precision.FLOAT16))
    failing = asyncio.run(
        comparator.find_failing_ops({"x": X}, lambda operation, one, other: np.allclose(one, other, rtol=1e-2))
    )
    assert [(operation.type, operation.outputs[0].name) for operation in failing] == [("mul", "squared")]


def test_precision_is_an_option():
    expected = np.tanh(np.abs(300 * X) / 1000)
    for precision in ("float32", "declared", "strict"):
        plugin.install(precision)
        found = squares(ct.precision.FLOAT16).predict({"x": X})["y"]
        overflow = np.abs(300 * X) > 256  # 256 squared is 65536
        assert overflow.any()
        assert not overflow.all()
        wanted = expected if precision == "float32" else np.where(overflow, 1, expected)
        np.testing.assert_allclose(found, wanted, atol=2e-3)
    with pytest.raises(FeatureError, match="compute_precision must be 'declared', 'float32', 'strict' or None"):
        plugin.install("half")


# Coming and going ----------------------------------------------------------------------------------------------------


def test_everything_is_restored_afterwards():
    modules = [ct.models.model, ct.models._compiled_model, ct.models.utils]
    modules += [compute_plan, ct.models.compute_device] if HAS_PLANS else []
    model = dense_model()
    plugin.uninstall()
    before = [dict(vars(module)) for module in modules] + [dict(vars(ct.models.MLModel))]
    np.testing.assert_allclose(model.predict({"x": X})["y"], dense(X), rtol=1e-5)  # a loaded model still predicts
    with pytest.raises(Exception, match="only supported on macOS"):
        dense_model().predict({"x": X})
    if VERSION >= (8, 0):
        with pytest.raises(Exception, match="only supported on macOS"):
            model.make_state()
    with pytest.raises(Exception, match="only support on macOS"):
        ct.utils.compile_model("a.mlmodel")
    finders = list(sys.meta_path)
    plugin.install()
    plugin.install()
    found = importlib.util.find_spec(LIBRARY)
    assert found is not None
    assert found.loader is sys.meta_path[-1]  # after every other one
    dense_model()
    plugin.uninstall()
    assert sys.meta_path == finders
    assert LIBRARY not in sys.modules
    assert [dict(vars(module)) for module in modules] + [dict(vars(ct.models.MLModel))] == before


def test_core_ml_itself_wins(monkeypatch):
    plugin.uninstall()
    real = ModuleType(LIBRARY)
    monkeypatch.setitem(sys.modules, LIBRARY, real)
    finders = list(sys.meta_path)
    plugin.install()
    assert sys.modules[LIBRARY] is real
    assert sys.meta_path == finders
    assert ct.models.model._MLModelProxy is None


def test_a_script_runs_with_it(tmp_path, monkeypatch, capsys):
    plugin.uninstall()
    (tmp_path / "script.py").write_text(
        "import sys, coremltools\nprint(sys.argv[1:], coremltools.models.model._MLModelProxy.precision, __name__)\n"
    )
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    main(["--precision", "strict", str(tmp_path / "script.py"), "--one", "-m"])
    assert capsys.readouterr().out == "['--one', '-m'] strict __main__\n"
    assert sys.path[0] == str(tmp_path)
    with pytest.raises(SystemExit):
        main(["--precision", "half", "script.py"])
    assert "compute_precision must be" in capsys.readouterr().err


CONVERT = """
import coremltools as ct, numpy as np
from coremltools.converters.mil import Builder as mb

@mb.program(input_specs=[mb.TensorSpec((2, 4))], opset_version=ct.target.iOS16)
def program(x):
    return mb.tanh(x=mb.mul(x=x, y=0.5), name="y")

ct.convert(program, minimum_deployment_target=ct.target.iOS16).save("model.mlpackage")
"""
SUITE = """
import os, sys
assert "coremltools" not in sys.modules
import coremltools as ct, numpy as np
precision = "strict" if "strict" in os.environ["STEP"] else "declared"

def test_it():
    x = np.float32([[1, 2, 3, 4]] * 2)
    model = ct.models.MLModel("model.mlpackage")
    np.testing.assert_allclose(model.predict({"x": x})["y"], np.tanh(x / 2), atol=1e-3)
    assert ct.models.CompiledMLModel(model.get_compiled_model_path())._proxy.precision == precision
"""


@since(8, 0)
def test_the_workflow_of_the_guide_runs(tmp_path):
    """Its steps as they are written, apart from the installation. coremltools is imported after `install`."""
    guide = (Path(__file__).resolve().parents[2] / "docs/tutorials/ci.md").read_text()
    guide, _, _ = guide.partition("For an ONNX model, in place")
    steps = [line.partition(" # ")[0].strip() for line in re.findall(r"^ +- run: (.*)$", guide, re.MULTILINE)]
    assert [step.split()[0] for step in steps] == ["pip", "python", "graphml", "pytest", "pytest"]
    (tmp_path / "convert.py").write_text(CONVERT)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_suite.py").write_text(SUITE)
    for step in steps[1:]:
        name, *arguments = shlex.split(step)
        command = [sys.executable, *(() if name == "python" else ("-m", name)), *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "STEP": step}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        if name == "pytest":
            assert "1 passed" in done.stdout
            assert "_MLModelProxy" not in done.stderr  # coremltools misses nothing
