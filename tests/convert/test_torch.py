"""torch models through `graphml.convert`. Needs torch and coremltools, which CI does not install."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed here; the extra `torch` installs it")
pytest.importorskip("coremltools", reason="coremltools is not installed here; the extra `torch` installs it")

from convert import torch_models as models  # noqa: E402

import graphml  # noqa: E402
from graphml.convert import Flexible, ImageInput, Input, explain  # noqa: E402
from graphml.errors import FeatureError, GraphmlError, SpecError, UnsupportedError  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of torch and coremltools

BOTH = pytest.mark.parametrize("to", ["neuralnetwork", "mlprogram"])
LENGTH = Flexible(1, 32, default=7)


@pytest.fixture(scope="module")
def picture():
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def words():
    ids = torch.randint(0, 40, (1, 7), generator=torch.Generator().manual_seed(0))
    return ids, torch.tensor([[1, 1, 1, 1, 1, 0, 0]])


def agrees(model, tolerance=1e-5):
    assert model.conversion.check.outputs
    assert model.conversion.check.error < tolerance
    print(model.conversion)
    return model


@BOTH
@pytest.mark.parametrize("make", [models.resnet, models.mobilenet])
def test_convolutions(make, to, picture):
    agrees(graphml.convert(models.calibrated(make(), picture), [picture[:1]], to=to))


@BOTH
def test_recurrent_layers(to, words):
    tagger = models.calibrated(models.Tagger(), words[0])
    agrees(graphml.convert(tagger, {"words": Input((1, LENGTH), "int64")}, to=to))


@BOTH
def test_a_transformer_of_any_length(to, words):
    encoder = models.calibrated(models.Encoder(), *words)
    model = agrees(graphml.convert(encoder, dict.fromkeys(("ids", "mask"), Input((1, LENGTH), "int64")), to=to))
    assert {feature.name for feature in model.description.outputs} == {"logits", "pooled"}
    assert len(model.conversion.check.shapes) == 3


@BOTH
def test_exported_programs_and_their_files(to, words, tmp_path):
    length = torch.export.Dim("length", min=2, max=32)
    encoder = models.calibrated(models.Encoder(), *words)
    program = torch.export.export(
        encoder, (words[0],), {"mask": words[1]}, dynamic_shapes={"ids": {1: length}, "mask": {1: length}}
    )
    torch.export.save(program, tmp_path / "net.pt2")
    model = agrees(graphml.convert(tmp_path / "net.pt2", to=to))
    assert model.description.inputs[0].array.ranges[1] == (2, 32)


def test_scripted_modules_and_their_files(tmp_path, picture):
    net = models.calibrated(models.resnet(), picture)
    torch.jit.save(torch.jit.trace(net, picture[:1]), tmp_path / "net.pt")
    labels = [f"class{number}" for number in range(10)]
    model = agrees(graphml.convert(tmp_path / "net.pt", [(1, 3, 32, 32)], class_labels=labels))
    assert model.predict({"input": picture[:1].numpy()})["classLabel"] in labels
    with pytest.raises(FeatureError, match="pass inputs="):
        graphml.convert(tmp_path / "net.pt")


@pytest.mark.parametrize("what", ["module", "weights"])
def test_pickles_are_not_opened(tmp_path, what):
    net = models.resnet()
    torch.save(net if what == "module" else net.state_dict(), tmp_path / "net.pt")
    with pytest.raises(UnsupportedError, match="run code when they are opened"):
        graphml.convert(tmp_path / "net.pt", [(1, 3, 32, 32)])
    (tmp_path / "broken.pt").write_bytes(b"abc")
    with pytest.raises(SpecError, match="cannot be read as a torch file"):
        graphml.convert(tmp_path / "broken.pt", [(1, 3, 32, 32)])


@BOTH
@pytest.mark.parametrize("color", ["RGB", "BGR"])
def test_images(to, color, picture):
    net = models.calibrated(models.resnet(), picture)
    image = ImageInput((1, 3, 32, 32), scale=1 / 127.5, bias=(-1.0, -1.1, -0.9), color=color)
    model = agrees(graphml.convert(net, {"image": image}, to=to, outputs=["logits"]))
    assert model.description.inputs[0].image is not None
    assert model.description.outputs[0].name == "logits"


def test_sizes_of_images(picture):
    side = Flexible(sizes=(32, 48, 64))
    net = models.calibrated(models.resnet(), picture)
    model = agrees(graphml.convert(net, [ImageInput((1, 3, side, side), scale=1 / 255)]))
    assert len(model.conversion.check.shapes) == 3


def test_half_precision(picture):
    net = models.calibrated(models.resnet(), picture)
    model = graphml.convert(net, [picture[:1]], to="mlprogram", precision="float16")
    assert agrees(model, 2e-2).conversion.check.error > 0


def test_what_cannot_be_converted_is_listed_with_its_line():
    class Odd(torch.nn.Module):
        def forward(self, x):
            return torch.special.bessel_j0(x) + torch.linalg.det(x)

    with pytest.raises(UnsupportedError, match="cannot convert 2 operators") as caught:
        graphml.convert(Odd(), [(3, 3)])
    assert str(caught.value).count("test_torch.py:") == 2
    found = explain(Odd(), [(3, 3)])
    assert {use.operator for use in found.unsupported} == {"aten::linalg_det", "aten::special_bessel_j0"}


def test_the_module_stays_as_it_is(picture):
    net = models.calibrated(models.resnet(), picture)
    net.train()
    net[4].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    graphml.convert(net, [picture[:1]])
    assert net.training
    assert not net[4].training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_flags_are_found(picture):
    net = models.calibrated(models.resnet(), picture)
    for weight in net[:8].parameters():
        weight.requires_grad_(False)
    assert explain(net, [picture[:1]], respect_trainable=True).trainable == ("8.weight", "8.bias")
    assert explain(net, [picture[:1]], trainable="8.w*").trainable == ("8.weight",)


def test_a_module_that_fails_says_where():
    with pytest.raises(GraphmlError, match=r"fails with input \[1, 4, 8, 8\]"):
        graphml.convert(models.resnet(), [(1, 4, 8, 8)])


def test_random_numbers_are_not_compared():
    class Noisy(torch.nn.Module):
        def forward(self, x):
            return x + torch.randn_like(x)

    model = graphml.convert(Noisy(), [np.ones((2, 3), np.float32)])
    assert "different outputs in each run" in model.conversion.check.notes[0]
