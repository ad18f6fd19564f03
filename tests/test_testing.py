"""`assert_same` accepts what is the same, and says where the rest differs."""

from __future__ import annotations

import contextlib
import sys
import types

import jax.numpy as jnp
import numpy as np
import pytest

from graphml import ProgramBuilder, spec
from graphml.build import NeuralNetworkBuilder, array
from graphml.convert import ImageInput, convert
from graphml.errors import FeatureError, MissingExtraError
from graphml.inspect.compare import compare
from graphml.inspect.compare_page import conclusions
from graphml.models import load
from graphml.testing import assert_same

W = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
SIZES = (2, 3, 5)


def program(factor=0.5):
    builder = ProgramBuilder("CoreML7")
    x = builder.input("x", (2, 3))
    h = builder.linear(x, W, np.zeros(2, np.float32), name="h")
    builder.output("y", builder.mul(h, factor, name="scaled"))
    return builder.model()


@pytest.fixture(scope="module")
def model():
    return program()


def plain(x):
    return 0.5 * (x @ W.T)


# References ----------------------------------------------------------------------------------------------------------


def test_a_function_of_jax_is_the_same(model):
    assert_same(model, plain)
    assert_same(model, lambda x: {"y": jnp.asarray(plain(x))})
    assert_same(model, lambda x: (plain(x),), {"x": np.ones((2, 3), np.float32)})


def test_functions_receive_inputs_by_name_or_in_order():
    builder = ProgramBuilder("CoreML7")
    a, b = builder.input("a", (4,)), builder.input("b", (4,))
    builder.output("y", builder.sub(a, b))
    model = builder.model()
    assert_same(model, lambda b, a: a - b)

    def in_order(first, second):
        a = first  # no parameter
        return a - second

    assert_same(model, in_order)
    assert_same(model, jnp.subtract)
    assert_same(model, np.subtract)


def test_a_difference_names_the_output_its_size_and_its_place(model):
    def off(x):
        return plain(x) + np.float32([[0, 0], [0, 0.25]])

    with pytest.raises(AssertionError) as caught:
        assert_same(model, off, {"x": np.ones((2, 3), np.float32)})
    assert str(caught.value) == (
        "output 'y' [2, 2] differs in 1 of 4 numbers; the largest difference is 0.25 at [1, 1]: 0.9, the reference "
        "gives 1.15 (rtol 0.001, atol 1e-05)\nwith inputs number 1 of those that were given"
    )
    with pytest.raises(AssertionError, match=r"with inputs drawn with seed 4: x \[2, 3\]"):
        assert_same(model, off, seed=4)
    assert_same(model, off, atol=0.3)


def test_another_model_differs_first_inside(model):
    assert_same(model, program())
    with pytest.raises(AssertionError) as caught:
        assert_same(model, program(factor=0.6))
    output, inside, given = str(caught.value).splitlines()
    assert output.startswith("output 'y' [2, 2] differs in 4 of 4 numbers")
    assert inside.startswith(
        "the first value inside that differs is 'scaled_y', operation 'scaled_y' (const), number 1: it [] differs in 1 "
        "of 1 numbers; the largest difference is 0.1: 0.5, the reference gives 0.6"
    )
    assert given == "with inputs drawn with seed 0: x [2, 3]"


def test_the_operation_that_differs_first_is_named():
    def squashed(kind):
        builder = ProgramBuilder("CoreML7")
        h = builder.mul(builder.input("x", (2, 3)), 3.0, name="h")
        builder.output("y", builder.add(getattr(builder, kind)(h, name="squashed"), 1.0))
        return builder.model()

    with pytest.raises(AssertionError, match=r"that differs is 'squashed', operation 'squashed' \(tanh\), number 3"):
        assert_same(squashed("tanh"), squashed("sigmoid"))


def test_a_network_and_a_program_are_compared_with_each_other(model, tmp_path):
    builder = NeuralNetworkBuilder({"given": array(2, 3)}, {"result": None}, exact=True)
    builder.add("batchedMatmul", "h", ["given"], ["h"], weights=W, weight_matrix_first_dimension=3)
    builder.add("multiply", "m", ["h"], ["result"], alpha=0.5)
    builder.save(tmp_path / "net.mlmodel")
    assert_same(tmp_path / "net.mlmodel", model)
    assert_same(str(tmp_path / "net.mlmodel"), plain)


def test_recorded_outputs_need_their_inputs(model):
    x = np.float32([[1, 2, 3], [4, 5, 6]])
    for recorded in ({"y": plain(x)}, plain(x), [plain(x)], {"other name": plain(x)}):
        assert_same(model, recorded, {"x": x})
    with pytest.raises(FeatureError, match="pass inputs"):
        assert_same(model, plain(x))
    with pytest.raises(AssertionError, match=r"output 'y' has the shape \[2, 2\], the reference \[2\]"):
        assert_same(model, np.zeros(2), {"x": x})
    with pytest.raises(FeatureError, match="the model has the outputs 'y'; the recorded outputs gives 2"):
        assert_same(model, [plain(x), plain(x)], {"x": x})


def test_an_onnx_graph_as_file_message_and_session(model, tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is an optional extra and is not installed here")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is an optional extra and is not installed here")
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 3])
    out = onnx.helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, [2, 2])

    def graph(factor):
        weights = [onnx.numpy_helper.from_array(W.T.copy(), "w"), onnx.numpy_helper.from_array(np.float32(factor), "a")]
        nodes = [onnx.helper.make_node("MatMul", ["x", "w"], ["h"]), onnx.helper.make_node("Mul", ["h", "a"], ["out"])]
        made = onnx.helper.make_graph(nodes, "g", [x], [out], weights)
        return onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)

    twin = graph(0.5)
    onnx.save(twin, str(tmp_path / "twin.onnx"))
    assert_same(model, tmp_path / "twin.onnx")
    assert_same(model, twin)
    assert_same(model, runtime.InferenceSession(twin.SerializeToString(), providers=["CPUExecutionProvider"]))
    onnx.save(graph(0.75), str(tmp_path / "other.onnx"))
    with pytest.raises(AssertionError, match="no value inside differs: 1 have equal names in both"):
        assert_same(model, tmp_path / "other.onnx")  # 'h' agrees, and the outputs have different names


@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
def test_the_source_of_an_image_model_receives_what_its_conversion_says(tmp_path, last):
    onnx = pytest.importorskip("onnx", reason="onnx is an optional extra and is not installed here")
    pytest.importorskip("onnxruntime", reason="onnxruntime is an optional extra and is not installed here")
    sizes = [1, 2, 4, 3] if last else [1, 3, 2, 4]
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, sizes)
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 24])
    factor = np.linspace(1, 2, 24, dtype=np.float32).reshape(sizes)
    nodes = [onnx.helper.make_node("Mul", ["x", "a"], ["h"]), onnx.helper.make_node("Flatten", ["h"], ["y"])]
    graph = onnx.helper.make_graph(nodes, "g", [x], [y], [onnx.numpy_helper.from_array(factor, "a")])
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, str(tmp_path / "net.onnx"))
    photo = ImageInput(scale=1 / 64, bias=(-1, 0, 2), color="BGR")
    converted = convert(tmp_path / "net.onnx", {"x": photo}, check=False)
    assert_same(converted, tmp_path / "net.onnx")
    with pytest.raises(AssertionError, match="differs"):
        assert_same(converted, made, pixels=True)
    with pytest.raises(AssertionError, match="received 'x' as the model scales it; pixels=True gives pixels"):
        assert_same(converted, lambda x: x.reshape(1, 24))
    converted.save(tmp_path / "net.mlmodel")
    of_arrays = convert(made, check=False)
    assert_same(converted, of_arrays)
    of_arrays.save(tmp_path / "arrays.mlmodel")
    assert compare(tmp_path / "net.mlmodel", tmp_path / "arrays.mlmodel").agree
    assert compare(tmp_path / "net.mlmodel", tmp_path / "net.onnx").agree
    differs = compare(tmp_path / "net.mlmodel", lambda x: x.reshape(1, 24))
    assert "the second model received x as the first one scales it; see --pixels" in conclusions(differs)


def test_programs_scale_images_where_coremltools_says_so():
    builder = ProgramBuilder("CoreML7")
    x = builder.mul(builder.input("x", (1, 3, 2, 4), image="RGB"), 1 / 64, name="x__scaled__")
    builder.output("y", builder.mul(builder.add(x, -1.0, name="x__biased__"), 2.0))
    model = builder.model()
    assert_same(model, lambda x: x * 2)
    assert_same(model, lambda x: (x / 64 - 1) * 2, pixels=True)

    class ChannelsLast:
        inputs = (types.SimpleNamespace(name="input_1", shape=(None, 2, 4, 3)),)

        def predict_on_batch(self, x):
            return np.transpose(x * 2, (0, 3, 1, 2))

    ChannelsLast.__module__ = "keras.src.models.functional"
    assert_same(model, ChannelsLast())


def test_without_onnxruntime_the_extra_is_named(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'graphml-jax\[onnx\]'"):
        assert_same(model, tmp_path / "net.onnx")


def test_a_coremltools_model(tmp_path):
    coremltools = pytest.importorskip("coremltools", reason="coremltools is an optional extra and is not installed")
    program().save(tmp_path / "twin.mlpackage")
    twin = coremltools.models.MLModel(str(tmp_path / "twin.mlpackage"), skip_model_load=True)
    assert_same(twin, plain)
    assert_same(program(), twin)


class _Tensor:
    """What the adapter uses of a torch tensor."""

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    cpu = clone = detach

    def to(self, device, kind):
        assert (device, kind) == ("here", _HALF)
        return _Tensor(self.array)

    def copy_(self, other):
        self.array[...] = other.array

    def numpy(self):
        return self.array

    @property
    def dtype(self):
        return types.SimpleNamespace(is_floating_point=False)


_HALF = types.SimpleNamespace(is_floating_point=True)


class _Module:
    """A module with a part that is not in training, weights in half precision and a buffer that it changes."""

    def __init__(self):
        self.training, self.part = True, types.SimpleNamespace(training=False)
        self.seen: list[bool] = []
        self.calls = _Tensor(np.zeros(1))
        self.calls.clone = lambda: _Tensor(self.calls.array.copy())

    def modules(self):
        return [self, self.part]

    def parameters(self):
        return [types.SimpleNamespace(device="here", dtype=_HALF)]

    def buffers(self):
        return [self.calls]

    def __call__(self, x):
        self.seen.append(self.training)
        self.calls.array += 1
        return (_Tensor(plain(x.array)),), None


def test_a_torch_module_runs_in_evaluation_mode_and_stays_as_it_was(model, monkeypatch):
    """torch is not installed where these tests run: this is the part of its interface that the adapter uses."""
    fake = types.SimpleNamespace(from_numpy=_Tensor, no_grad=contextlib.nullcontext, float32=0, int64=1, bool=2)
    monkeypatch.setitem(sys.modules, "torch", fake)
    monkeypatch.setattr(_Module, "__module__", "torch.nn.modules.linear")
    monkeypatch.setattr(_Tensor, "__module__", "torch")
    module = _Module()
    assert_same(model, module)
    assert_same(model, module)
    assert module.seen == [False, False]
    assert module.training
    assert not module.part.training
    assert module.calls.array == 0
    x = np.ones((2, 3), np.float32)
    assert_same(model, _Tensor(plain(x)), {"x": x})  # a tensor is recorded outputs


def test_a_keras_model(model, monkeypatch):
    """Keras is not installed where these tests run: this is the part of its interface that the adapter uses."""

    class Sequential:
        def predict_on_batch(self, x):
            return plain(x)

    Sequential.__module__ = "keras.src.models.sequential"
    assert_same(model, Sequential())


# Models of tables ----------------------------------------------------------------------------------------------------


def linear(estimator, names):
    message = spec.Model(specificationVersion=1)
    for name in names:
        message.description.input.add(name=name).type.doubleType.SetInParent()
    message.description.output.add(name="price").type.doubleType.SetInParent()
    message.description.predictedFeatureName = "price"
    message.glmRegressor.weights.add().value.extend(estimator.coef_.tolist())
    message.glmRegressor.offset.append(float(estimator.intercept_))
    return message


def test_an_estimator_of_scikit_learn():
    models = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is an optional extra, not installed here")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 2))
    estimator = models.LinearRegression().fit(x, x @ [2.0, -3.0] + 1)
    assert_same(linear(estimator, ("a", "b")), estimator)
    other = models.LinearRegression().fit(x, x @ [2.0, -3.5] + 1)
    with pytest.raises(AssertionError, match=r"output 'price' \[\] differs in 1 of 1 numbers"):
        assert_same(linear(estimator, ("a", "b")), other)


def test_a_classifier_of_scikit_learn():
    models = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is an optional extra, not installed here")
    x = np.random.default_rng(0).normal(size=(40, 2))
    estimator = models.LogisticRegression().fit(x, np.where(x[:, 0] > 0, "right", "left"))

    def converted(offset):
        message = spec.Model(specificationVersion=1)
        message.description.input.add(name="row").type.multiArrayType.shape.append(2)
        message.description.input[0].type.multiArrayType.dataType = 65600
        message.description.output.add(name="side").type.stringType.SetInParent()
        message.description.output.add(name="shares").type.dictionaryType.stringKeyType.SetInParent()
        message.description.predictedFeatureName = "side"
        message.description.predictedProbabilitiesName = "shares"
        classifier = message.glmClassifier
        classifier.weights.add().value.extend(estimator.coef_[0].tolist())
        classifier.offset.append(float(estimator.intercept_[0]) + offset)
        classifier.stringClassLabels.vector.extend(estimator.classes_.tolist())
        return load(message)

    assert_same(converted(0), estimator)
    with pytest.raises(AssertionError, match="output 'shares'"):
        assert_same(converted(1), estimator)
    with pytest.raises(AssertionError, match="output 'side' is 'right', the reference gives 'left'"):
        assert_same(converted(100), estimator, {"row": np.float64([-1, 0])})


# Inputs --------------------------------------------------------------------------------------------------------------


def test_every_enumerated_shape_is_tried():
    builder = ProgramBuilder("CoreML7")
    x = builder.input("x", [(1, 5), 3])
    builder.output("y", builder.relu(x))
    message = builder.model().spec
    feature = message.description.input[0].type.multiArrayType
    feature.ClearField("shapeRange")
    for size in SIZES:
        feature.enumeratedShapes.shapes.add(shape=[size, 3])
    feature.ClearField("shape")
    feature.shape.extend([2, 3])
    seen: list[tuple[int, ...]] = []

    def relu(x):
        seen.append(x.shape)
        return np.maximum(x, 0)

    assert_same(message, relu)
    assert seen == [(size, 3) for size in SIZES]


def test_indices_reach_the_reference_as_integers():
    builder = NeuralNetworkBuilder({"i": array(6)}, {"y": None}, exact=True)
    builder.add("loadConstantND", "table", [], ["table"], data=W.T)
    builder.add("gather", "g", ["table", "i"], ["y"], axis=0)
    assert_same(builder.model(), lambda i: W.T[i])


def test_a_classifier_of_images_gives_probabilities_in_the_order_of_its_classes():
    builder = ProgramBuilder("CoreML6")
    image = builder.input("photo", (1, 3, 4, 6), image="RGB")
    colours = builder.reduce_mean(builder.mul(image, 1 / 255), axes=[2, 3])
    builder.classifier(builder.softmax(colours, axis=-1), ["red", "green", "blue"])

    def shares(photo):
        e = np.exp(photo.mean((2, 3)) / 255)
        return e / e.sum()

    assert_same(builder.model(), shares)
    with pytest.raises(AssertionError, match=r"output 'classLabel_probs' \[3\] differs in 3 of 3 numbers"):
        assert_same(builder.model(), lambda photo: shares(photo)[:, ::-1] * 2)


def test_states_begin_with_zeros_and_random_numbers_are_the_same():
    builder = ProgramBuilder("CoreML8")
    x = builder.input("x", (2,), "float16")
    kept = builder.state("kept", (2,))
    builder.write_state(kept, builder.add(builder.read_state(kept), x))
    noise = builder.cast(builder.random_normal(np.int32([2]), mean=0.0, stddev=1.0), dtype="fp16")
    builder.output("y", builder.add(builder.read_state(kept), noise))
    assert_same(builder.model(), builder.model())


def test_nothing_to_compare_on_is_refused(model):
    with pytest.raises(FeatureError, match="there are no inputs to compare on"):
        assert_same(model, model, [])


def test_what_is_not_a_reference_is_refused(model):
    with pytest.raises(FeatureError, match=r"a reference is a Core ML model, a torch module, .*, not an int"):
        assert_same(model, 7)
