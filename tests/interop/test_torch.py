"""Modules of torch, converted by coremltools, predict what torch computes. On request: torch is in no extra of CI.

pip install coremltools torch transformers && python -m pytest tests/interop/test_torch.py
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import graphml
from graphml.inspect.compare import compare
from graphml.inspect.precision import precision
from graphml.interop import coremltools as plugin
from graphml.testing import assert_same

torch = pytest.importorskip("torch", reason="torch is a large library, which CI does not install")
Image = pytest.importorskip("PIL.Image", reason="Pillow is an optional extra and is not installed here")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    ct = pytest.importorskip("coremltools", reason="coremltools is an optional extra and is not installed here")
    from coremltools.models import datatypes
    from coremltools.models.nearest_neighbors import KNearestNeighborsClassifierBuilder
    from coremltools.models.neural_network import NeuralNetworkBuilder
    from coremltools.models.neural_network.builder import AdamParams

pytestmark = pytest.mark.filterwarnings("ignore")
nn, functional = torch.nn, torch.nn.functional

NAMES = [
    *("bert", "distilbert", "vit", "swin", "convnext", "resnet", "mobilenetv2", "mobilevit", "segformer", "wav2vec2"),
    *("unet", "crnn", "detector"),
]
NOT_EXPORTED = {"bert", "distilbert", "vit", "wav2vec2", "crnn"}
"""What coremltools 9.0 does not convert from `torch.export`: it lacks where.ScalarOther and lstm.input."""


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    plugin.install()
    yield
    plugin.uninstall()


def converted(module: Any, *examples: Any, **options: Any) -> Any:
    """A module as an ML Program in float32, unless `options` say otherwise."""
    traced = torch.jit.trace(module, examples, check_trace=False)
    if "inputs" not in options:
        names = ["x", "z"][: len(examples)]
        options["inputs"] = [
            ct.TensorType(name, tuple(x.shape), dtype=np.float32 if x.is_floating_point() else np.int32)
            for name, x in zip(names, examples, strict=True)
        ]
    if options.get("convert_to") != "neuralnetwork":
        options = {"compute_precision": ct.precision.FLOAT32, "minimum_deployment_target": ct.target.iOS17} | options
    return ct.convert(traced, **options)


def predicted(model: Any, *examples: Any) -> np.ndarray:
    features = dict(zip(model.input_description, examples, strict=True))
    (output,) = model.predict(features).values()  # coremltools converts tensors
    return output


def error(found: np.ndarray, wanted: Any) -> float:
    wanted = wanted.detach().numpy()
    assert found.shape == wanted.shape
    assert np.abs(wanted).max() > 1e-6
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


class Small(nn.Module):
    """A convolution, batch normalization, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.see, self.norm, self.last = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        return self.last(functional.relu(self.norm(self.see(x))).mean((2, 3))).softmax(-1)


def small() -> Any:
    torch.manual_seed(0)
    return Small().eval()


# Predictions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_architecture(name):
    pytest.importorskip("transformers", reason="transformers has most of the architectures and is not installed here")
    from interop.torch_networks import architecture

    module, x = architecture(name)
    wanted = module(x)
    for kind in ("neuralnetwork", "mlprogram"):
        # float32 itself is off by 1.2e-5 in torch's mobilenetv2, as float64 shows
        assert error(predicted(converted(module, x, convert_to=kind), x), wanted) < 3e-5
    if name != "mobilevit":  # with random weights its outputs are only 4e-4, and float16 is off by a quarter of that
        half = converted(module, x, compute_precision=ct.precision.FLOAT16)
        assert 0 < error(predicted(half, x), wanted) < 5e-2  # rounding errors grow through 50 layers
    exported = torch.export.export(module, (x,)).run_decompositions({})
    if name in NOT_EXPORTED:
        with pytest.raises(NotImplementedError, match="Unsupported fx node"):
            ct.convert(exported)
    else:
        model = ct.convert(exported, compute_precision=ct.precision.FLOAT32)
        assert error(predicted(model, x), wanted) < 3e-5


class Accumulator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(4))

    def forward(self, x: Any) -> Any:
        self.total += x
        return self.total * 2


def test_a_buffer_is_a_state():
    module = Accumulator().eval()
    state = ct.StateType(ct.TensorType(shape=(4,), dtype=np.float16), name="total")
    x = torch.tensor([1.0, 2, 3, 4])
    # Core ML has states in float16 alone
    model = converted(
        module,
        x,
        states=[state],
        compute_precision=ct.precision.FLOAT16,
        minimum_deployment_target=ct.target.iOS18,
    )
    module = Accumulator().eval()
    one, other = model.make_state(), model.make_state()
    for _ in range(3):
        (found,) = model.predict({"x": x}, one).values()
        np.testing.assert_array_equal(found, module(x))
    (found,) = model.predict({"x": x}, other).values()
    np.testing.assert_array_equal(found, 2 * x)


class Attention(nn.Module):
    """Attention with a cache of keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.q, self.k, self.v = nn.Embedding(20, 8), nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.register_buffer("keys", torch.zeros(1, 16, 8))
        self.register_buffer("values", torch.zeros(1, 16, 8))

    def forward(self, x: Any, z: Any) -> Any:
        new = self.embed(x)
        end = z.shape[-1]
        start = end - new.shape[-2]
        self.keys[:, start:end, :] = self.k(new)
        self.values[:, start:end, :] = self.v(new)
        keys, values = self.keys[:, :end, :], self.values[:, :end, :]
        return functional.scaled_dot_product_attention(self.q(new), keys, values, attn_mask=z)


def test_a_cache_of_keys_and_values_of_flexible_length():
    torch.manual_seed(0)
    module = Attention().eval()
    new, end = ct.RangeDim(1, 16, default=1), ct.RangeDim(1, 16, default=1)
    model = converted(
        module,
        torch.zeros(1, 2, dtype=torch.int64),
        torch.zeros(1, 2, 2),
        inputs=[
            ct.TensorType("x", (1, new), dtype=np.int32),
            ct.TensorType("z", (1, new, end), dtype=np.float16),
        ],
        outputs=[ct.TensorType("y", dtype=np.float16)],
        states=[ct.StateType(ct.TensorType(shape=(1, 16, 8), dtype=np.float16), name) for name in ("keys", "values")],
        compute_precision=ct.precision.FLOAT16,
        minimum_deployment_target=ct.target.iOS18,
    )
    tokens = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6]])
    module.keys.zero_()
    module.values.zero_()
    state, start = model.make_state(), 0
    for count in (4, 1, 1, 2):
        given = tokens[:, start : start + count], torch.zeros(1, count, start + count)
        wanted = module(*given)
        found = model.predict({"x": given[0].int(), "z": given[1]}, state)["y"]
        assert error(found, wanted) < 1e-2
        start += count


@pytest.mark.parametrize("kind", ["mlprogram", "neuralnetwork"])
def test_a_classifier_of_images(kind):
    module = small()
    image = ct.ImageType("image", shape=(1, 3, 8, 6), scale=1 / 127.5, bias=[-1, -1, -1])
    labels = ["cat", "dog", "bird"]
    model = converted(
        module,
        torch.rand(1, 3, 8, 6),
        inputs=[image],
        classifier_config=ct.ClassifierConfig(labels),
        convert_to=kind,
    )
    for seed in range(3):
        pixels = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), np.uint8)
        tensor = torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32)) / 127.5 - 1
        wanted = module(tensor)[0].detach().numpy()
        found = model.predict({"image": Image.fromarray(pixels)})
        (scores,) = (value for value in found.values() if isinstance(value, dict))
        assert found["classLabel"] == labels[int(np.argmax(wanted))]
        np.testing.assert_allclose([scores[label] for label in labels], wanted, rtol=1e-5)
    assert_same(model, lambda x: module(torch.from_numpy(np.array(x)) / 127.5 - 1).detach().numpy())


def test_an_updatable_network():
    """A Linear stays an inner product, which a device can train; coremltools marks it."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    network = converted(module, torch.rand(1, 4), convert_to="neuralnetwork")
    builder = NeuralNetworkBuilder(spec=network.get_spec())
    (output,) = network.output_description
    last = [layer.name for layer in builder.spec.neuralNetwork.layers if layer.WhichOneof("layer") == "innerProduct"][
        -1
    ]
    builder.make_updatable([last])
    feature = next(one for one in builder.spec.description.output if one.name == output)
    builder.set_mean_squared_error_loss("loss", (output, feature.type.multiArrayType and datatypes.Array(3)))
    builder.set_adam_optimizer(AdamParams(lr=0.01, batch=4))
    builder.set_epochs(3)
    updatable = ct.models.MLModel(builder.spec)
    x = torch.rand(1, 4)
    assert error(updatable.predict({"x": x})[output].reshape(1, 3), module(x)) < 1e-5


def test_an_updatable_pipeline():
    """torch makes features, and the nearest known features say the label."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).eval()
    network = converted(module, torch.rand(1, 4), convert_to="neuralnetwork").get_spec()
    (features,) = network.description.output
    points, labels = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32), ["a", "b", "c", "d"]
    neighbors = KNearestNeighborsClassifierBuilder(features.name, "label", 3, default_class_label="?", k=1)
    neighbors.is_updatable = True
    neighbors.add_samples(points, labels)
    message = ct.proto.Model_pb2.Model(specificationVersion=4, isUpdatable=True)
    message.description.input.append(network.description.input[0])
    message.description.output.extend(neighbors.spec.description.output)
    message.description.predictedFeatureName = "label"
    message.description.predictedProbabilitiesName = neighbors.spec.description.predictedProbabilitiesName
    message.description.trainingInput.append(network.description.input[0])
    message.description.trainingInput.append(neighbors.spec.description.output[0])
    message.pipelineClassifier.pipeline.models.extend([network, neighbors.spec])
    model = ct.models.MLModel(message)
    for x in torch.randn(5, 1, 4):
        distances = ((module(x).detach().numpy() - points) ** 2).sum(1)
        assert model.predict({"x": x})["label"] == labels[int(np.argmin(distances))]


# Comparisons ---------------------------------------------------------------------------------------------------------


class Several(nn.Module):
    """Two inputs, one of them an index, and two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(7, 4)

    def forward(self, x: Any, z: Any) -> Any:
        rows = self.table(x) * z
        return rows, rows.sum(-1)


def test_inputs_are_drawn_for_a_module():
    torch.manual_seed(0)
    module = Several()
    model = converted(module.eval(), torch.zeros(1, 5, dtype=torch.int64), torch.ones(1, 5, 4))
    module.train()
    assert_same(model, module)
    assert module.training  # as before
    assert_same(model, torch.export.export(module, (torch.zeros(1, 5, dtype=torch.int64), torch.ones(1, 5, 4))))
    assert_same(model, lambda x, z: [one.detach().numpy() for one in module(torch.tensor(x), torch.tensor(z))])


def test_a_difference_from_a_module_is_shown():
    module = small()
    x = torch.rand(1, 3, 8, 6)
    model = converted(module, x)
    assert_same(model, module)
    with torch.no_grad():
        module.last.bias[1] += 0.5
    with pytest.raises(AssertionError, match=r"differs in 3 of 3 numbers; the largest difference is .* at \[0, 1\]"):
        assert_same(model, module)


def test_conversions_of_both_formats_agree(tmp_path):
    module = small()
    x = torch.rand(1, 3, 8, 6)
    network, program = str(tmp_path / "network.mlmodel"), str(tmp_path / "program.mlpackage")
    converted(module, x, convert_to="neuralnetwork").save(network)
    converted(module, x).save(program)
    assert compare(network, program, tolerance=1e-5).agree
    assert compare(program, network, tolerance=1e-5).agree


def test_files_of_torch_are_references(tmp_path):
    module = small()
    x = torch.rand(1, 3, 8, 6)
    program = str(tmp_path / "program.mlpackage")
    converted(module, x).save(program)
    torch.jit.trace(module, x).save(str(tmp_path / "traced.pt"))
    torch.export.save(torch.export.export(module, (x,)), str(tmp_path / "exported.pt2"))
    torch.save(module.state_dict(), str(tmp_path / "weights.pt"))
    for name in ("traced.pt", "exported.pt2"):
        assert compare(program, tmp_path / name, tolerance=1e-5).agree
        assert_same(program, tmp_path / name)
    with pytest.raises(graphml.errors.FeatureError, match=r"weights.pt cannot be loaded as TorchScript"):
        compare(program, tmp_path / "weights.pt")
    command = [sys.executable, "-m", "graphml", "compare", program, str(tmp_path / "exported.pt2"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["agree"] is True


class Squares(nn.Module):
    def forward(self, x: Any) -> Any:
        scaled = x * 300
        return torch.tanh(torch.sqrt(scaled * scaled) / 1000)


def test_precision_names_the_operation_that_overflows():
    x = torch.linspace(-1, 1, 8).reshape(2, 4)
    model = converted(Squares(), x, compute_precision=ct.precision.FLOAT16)
    report = precision(graphml.load(model), {"x": x.numpy()})
    assert not report.holds
    first = next(row for row in report.rows if row.fails(report.tolerance))
    assert first.kind in ("mul", "square")
    assert first.overflow == 2
    assert report.mend is not None
    mended = converted(Squares(), x, compute_precision=ct.transform.FP16ComputePrecision(report.mend.op_selector))
    assert error(predicted(mended, x), Squares()(x)) < 1e-2
    assert error(predicted(model, x), Squares()(x)) > 0.1
