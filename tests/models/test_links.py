"""Linked models: where a link may lead, that one copy is in memory, and how pipelines come to share a file."""

from __future__ import annotations

import gc
import os

import numpy as np
import pytest
from one_model import array, doubles, joined, made

import graphml
from graphml import FeatureError, SpecError, UnsupportedError, spec
from graphml.build import NeuralNetworkBuilder, image
from graphml.models import ModelConfiguration
from graphml.models.pipelines import linked
from graphml.models.pipelines.linked import _shared

XY = ({"x": doubles(2)}, {"y": doubles(2)})


def scaler(scale=2.0, source="x", result="y"):
    return made("scaler", {source: doubles(2)}, {result: doubles(2)}, scaleValue=[scale])


def link(name="Shared.mlmodelc", path=""):
    file = {"linkedModelFileName": {"defaultValue": name}, "linkedModelSearchPath": {"defaultValue": path}}
    return made("linkedModel", *XY, linkedModelFile=file)


def written(message, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    spec.write(message, path)
    return path


def answer(path, **parameters):
    configuration = ModelConfiguration(parameters=parameters)
    return graphml.load(path, configuration=configuration).predict({"x": [1, 2]})["y"].tolist()


def test_a_link_hands_an_image_on_in_the_colours_of_the_model_it_links_to(tmp_path):
    net = NeuralNetworkBuilder({"photo": image(4, 2, "BGR")}, {"y": array(3, 2, 4)})
    net.add("activation", "same", ["photo"], ["y"], linear={"alpha": 1.0})
    written(net.spec, tmp_path / "Shared.mlmodel")
    message = link()
    del message.description.input[:], message.description.output[:]
    message.description.input.add(name="photo").type.CopyFrom(image(4, 2))
    message.description.output.add(name="y").type.CopyFrom(array(3, 2, 4))
    photo = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    model = graphml.load(written(message, tmp_path / "a.mlmodel"))
    bgr = photo.transpose(2, 0, 1)[::-1]
    assert (model.predict({"photo": photo})["y"] == bgr).all()
    assert (model.predict_batch([{"photo": photo}])[0]["y"] == bgr).all()
    traced = model.traceable()
    assert (traced.function(traced.weights, model.check({"photo": photo}), None)["y"] == bgr).all()


# Finding --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mlmodel", "mlpackage"])
@pytest.mark.parametrize("name", ["Shared.mlmodelc", "Shared.mlmodel", "Shared.mlpackage", "Shared"])
def test_a_compiled_name_means_the_model_beside_it(name, suffix, tmp_path):
    written(scaler(), tmp_path / f"Shared.{suffix}")
    assert answer(written(link(name), tmp_path / "a.mlmodel")) == [2, 4]


@pytest.mark.parametrize(
    ("search", "place"),
    [("", "."), (".", "."), ("models", "models"), ("no:models/deep:.", "models/deep"), ("$BUNDLE_MAIN", ".")],
)
def test_the_search_path_is_seen_from_the_linking_file(search, place, tmp_path, monkeypatch):
    written(scaler(), tmp_path / place / "Shared.mlmodel")
    written(link(path=search), tmp_path / "a.mlmodel")
    monkeypatch.chdir(tmp_path.parent)
    assert answer(os.path.join(tmp_path.name, "a.mlmodel")) == [2, 4]


def test_the_folder_of_a_package_is_the_one_that_contains_it(tmp_path):
    written(scaler(), tmp_path / "Shared.mlmodel")
    assert answer(written(link(), tmp_path / "a.mlpackage")) == [2, 4]


def test_the_first_that_exists_is_taken_and_an_absolute_entry_below_counts(tmp_path):
    written(scaler(3), tmp_path / "b" / "Shared.mlmodel")
    written(scaler(5), tmp_path / "c" / "Shared.mlmodel")
    assert answer(written(link(path=f"a:{tmp_path}/b:c"), tmp_path / "a.mlmodel")) == [3, 6]


def test_the_user_overrides_name_and_path_by_scope(tmp_path):
    written(scaler(), tmp_path / "here" / "Shared.mlmodel")
    written(scaler(7), tmp_path / "there" / "Shared.mlmodel")
    written(scaler(9), tmp_path / "there" / "Other.mlmodel")
    path = written(joined({"first": link()}, *XY), tmp_path / "here" / "a.mlmodel")
    key = graphml.ParameterKey
    for parameters, want in (
        ({}, 2),
        ({key.LINKED_MODEL_SEARCH_PATH: str(tmp_path / "there")}, 7),
        ({"linkedModelSearchPath": "../there"}, 7),
        ({key.LINKED_MODEL_SEARCH_PATH.scoped(to="first"): "../there", key.LINKED_MODEL_FILE_NAME: "Other"}, 9),
        ({key.LINKED_MODEL_FILE_NAME: "../there/Other.mlmodelc"}, 9),
        ({key.LINKED_MODEL_SEARCH_PATH.scoped(to="second"): "../there"}, 2),
    ):
        model = graphml.load(path, configuration=ModelConfiguration(parameters=parameters))
        assert model.predict({"x": [1, 2]})["y"].tolist() == [want, 2 * want]


def test_a_model_from_bytes_has_no_folder(tmp_path):
    written(scaler(), tmp_path / "Shared.mlmodel")
    message = link(path=str(tmp_path))
    with pytest.raises(UnsupportedError, match="refused, because the file names it"):
        graphml.load(message).predict({"x": [1, 2]})
    with pytest.raises(SpecError, match="there is no folder to search"):
        graphml.load(link()).predict({"x": [1, 2]})
    configuration = ModelConfiguration(parameters={"linked_model_search_path": str(tmp_path)})
    assert graphml.load(message, configuration=configuration).predict({"x": [1, 2]})["y"].tolist() == [2, 4]


# Refusing -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path):
    """A folder with a model that no file in `tmp_path / "in"` may reach by itself."""
    written(scaler(), tmp_path / "out" / "Shared.mlmodel")
    (tmp_path / "in").mkdir()
    return tmp_path


@pytest.mark.parametrize("search", ["../out", "{out}", "a/../../out", "$BUNDLE_MAIN/../out", "/:{out}"])
def test_a_file_may_not_lead_out_of_its_folder(search, outside):
    path = written(link(path=search.format(out=outside / "out")), outside / "in" / "a.mlmodel")
    with pytest.raises(UnsupportedError, match=r"(?s)'Shared.mlmodelc' is missing.*refused.*linked_model_search_path"):
        answer(path)
    assert answer(path, linked_model_search_path="../out") == [2, 4]


@pytest.mark.parametrize("name", ["../out/Shared.mlmodel", "{out}/Shared.mlmodelc", "a/../../out/Shared.mlmodel"])
def test_its_name_may_not_lead_out_of_its_folder(name, outside):
    path = written(link(name.format(out=outside / "out")), outside / "in" / "a.mlmodel")
    with pytest.raises(UnsupportedError, match="the name leaves the folders"):
        answer(path)


def test_a_symbolic_link_may_not_lead_out_of_its_folder(outside):
    path = written(link(), outside / "in" / "a.mlmodel")
    (outside / "in" / "Shared.mlmodel").symlink_to(outside / "out" / "Shared.mlmodel")
    with pytest.raises(UnsupportedError, match=r"refused: it is a link to .*out.Shared.mlmodel, outside of"):
        answer(path)
    (outside / "in" / "Shared.mlmodel").unlink()
    (outside / "in" / "sub").symlink_to(outside / "out")
    with pytest.raises(UnsupportedError, match="refused"):
        answer(written(link(path="sub"), outside / "in" / "a.mlmodel"))
    (outside / "in" / "Inner.mlmodel").write_bytes((outside / "out" / "Shared.mlmodel").read_bytes())
    (outside / "in" / "Shared.mlmodel").symlink_to("Inner.mlmodel")
    assert answer(written(link(), outside / "in" / "a.mlmodel")) == [2, 4]


@pytest.mark.parametrize(("name", "error"), [("a\0b", SpecError), ("..", SpecError), (".", SpecError)])
def test_hostile_names(name, error, tmp_path):
    with pytest.raises(error, match="is not the name of a linked model"):
        answer(written(link(name), tmp_path / "a.mlmodel"))


@pytest.mark.parametrize("name", ["x" * 5000, "nothing", "a.mlmodel/b", "a\nb"])
def test_names_that_nothing_has(name, tmp_path):
    with pytest.raises(SpecError, match="is missing"):
        answer(written(link(name), tmp_path / "a.mlmodel"))


def test_a_null_character_in_the_path_and_other_types(tmp_path):
    with pytest.raises(SpecError, match="null character"):
        answer(written(link(path="a\0b"), tmp_path / "a.mlmodel"))
    with pytest.raises(FeatureError, match="search path of a linked model must be a str, not an int"):
        answer(tmp_path / "a.mlmodel", linked_model_search_path=3)


def test_what_is_not_a_model_is_named(tmp_path):
    (tmp_path / "Shared.mlmodel").write_text("hello")
    with pytest.raises(SpecError, match=r"Shared.mlmodel\n.*it looks like text"):
        answer(written(link(), tmp_path / "a.mlmodel"))
    with pytest.raises(SpecError, match="the name of the linked file is empty"):
        answer(written(link(name=""), tmp_path / "b.mlmodel"))


def test_cycles_are_named(tmp_path):
    written(link("b"), tmp_path / "a.mlmodel")
    written(joined([link("a")], *XY), tmp_path / "b.mlmodel")
    with pytest.raises(SpecError, match=r"form a cycle: .*b.mlmodel -> .*a.mlmodel -> .*b.mlmodel"):
        answer(tmp_path / "a.mlmodel")
    with pytest.raises(SpecError, match=r"form a cycle: .*c.mlmodel -> .*c.mlmodel"):
        answer(written(link("c"), tmp_path / "c.mlmodel"))


def test_long_chains_end(tmp_path):
    written(scaler(), tmp_path / "40.mlmodel")
    for i in range(40):
        written(link(str(i + 1)), tmp_path / f"{i}.mlmodel")
    assert answer(tmp_path / "20.mlmodel") == [2, 4]
    with pytest.raises(UnsupportedError, match="more than 32 links in a chain"):
        answer(tmp_path / "0.mlmodel")


def doubling(levels, folder):
    """Files that each link twice to the next: 2**levels ways lead to the last one."""
    written(scaler(1), folder / f"{levels}.mlmodel")
    for i in range(levels):
        twice = [link(str(i + 1)), scaler(1, "y", "x"), link(str(i + 1))]
        written(joined(twice, *XY), folder / f"{i}.mlmodel")
    return folder / "0.mlmodel"


@pytest.mark.parametrize("levels", [4, 16])
def test_each_file_is_read_once_however_many_paths_lead_to_it(levels, tmp_path, monkeypatch):
    path, read = doubling(levels, tmp_path), []
    load = linked.load
    monkeypatch.setattr(linked, "load", lambda path, **keyword: (read.append(path), load(path, **keyword))[1])
    model = graphml.load(path)
    if levels == 4:
        assert model.predict({"x": [1, 2]})["y"].tolist() == [1, 2]
    else:
        with pytest.raises(UnsupportedError, match="the pipeline runs more than 4,096 stages"):
            model.predict({"x": [1, 2]})
    assert sorted(read) == sorted(tmp_path / f"{i}.mlmodel" for i in range(1, levels + 1))


def test_chains_that_meet_are_as_long_as_their_longest(tmp_path):
    """The tail is known from the first, short way to it when the second, long way arrives."""
    written(scaler(1), tmp_path / "end.mlmodel")
    for i in range(20):
        written(link(str(i + 1) if i < 19 else "end"), tmp_path / f"{i}.mlmodel")
    for i in range(20):
        written(link(f"long{i + 1}" if i < 19 else "0"), tmp_path / f"long{i}.mlmodel")
    both = [link("0"), scaler(1, "y", "x"), link("long0")]
    with pytest.raises(UnsupportedError, match="more than 32 links in a chain"):
        answer(written(joined(both, *XY), tmp_path / "a.mlmodel"))


def test_the_declared_interface_is_that_of_the_target(tmp_path):
    written(scaler(result="z"), tmp_path / "Shared.mlmodel")
    with pytest.raises(
        SpecError,
        match=r"the outputs of .* differ from those that the link declares: 'z' \(multi_array\) instead of 'y' \(mul",
    ):
        answer(written(link(), tmp_path / "a.mlmodel"))


# Sharing --------------------------------------------------------------------------------------------------------------


def network():
    builder = NeuralNetworkBuilder(dict.fromkeys(["x"], array(2)), {"y": array(2)})
    builder.add_inner_product(
        "fc", np.eye(2, dtype=np.float32) * 2, None, 2, 2, has_bias=False, input_name="x", output_name="y"
    )
    return builder.spec


def test_one_copy_is_in_memory_as_long_as_it_is_referenced(tmp_path):
    written(network(), tmp_path / "Shared.mlmodel")
    a = graphml.load(written(joined([link()], *XY), tmp_path / "a.mlmodel"))
    b = graphml.load(written(link(path="."), tmp_path / "b.mlmodel"))
    for model in (a, b):
        assert model.predict({"x": [1, 2]})["y"].tolist() == [2, 4]
    assert a.models["model0"].target is b.target
    assert a.parameters["model0"]["fc"]["weights"] is b.parameters["fc"]["weights"]
    other = graphml.load(
        tmp_path / "b.mlmodel", configuration=ModelConfiguration(compute_units=graphml.ComputeUnits.CPU_ONLY)
    )
    assert other.target is not b.target
    key = str(tmp_path / "Shared.mlmodel")
    assert sum(which[0] == key for which in _shared) == 2
    del a, b, other, model
    gc.collect()
    assert not any(which[0] == key for which in _shared)


def test_a_changed_file_is_read_again(tmp_path):
    written(scaler(2), tmp_path / "Shared.mlmodel")
    path = written(link(), tmp_path / "a.mlmodel")
    old = graphml.load(path)
    assert old.predict({"x": [1, 2]})["y"].tolist() == [2, 4]
    written(scaler(3), tmp_path / "Shared.mlmodel")
    os.utime(tmp_path / "Shared.mlmodel", ns=(1, 1))
    assert answer(path) == [3, 6]
    assert old.predict({"x": [1, 2]})["y"].tolist() == [2, 4]


def test_other_weights_stay_with_who_made_them(tmp_path):
    written(network(), tmp_path / "Shared.mlmodel")
    model = graphml.load(written(joined({"net": link()}, *XY), tmp_path / "a.mlmodel"))
    other = model.with_parameters({"net": {"fc": {"weights": np.eye(2, dtype=np.float32) * 5}}})
    assert other.predict({"x": [1, 2]})["y"].tolist() == [5, 10]
    assert model.predict({"x": [1, 2]})["y"].tolist() == [2, 4]
    with pytest.raises(UnsupportedError, match="in the file that it links to"):
        other.save(tmp_path / "b.mlmodel")


def test_a_linked_network_runs_in_the_program_of_its_pipeline(tmp_path):
    written(network(), tmp_path / "Shared.mlmodel")
    message = joined([scaler(3, "x", "x"), link(), scaler(1, "y", "y")], *XY)
    model = graphml.load(written(message, tmp_path / "a.mlmodel"))
    assert model.predict({"x": [1, 2]})["y"].tolist() == [6, 12]
    assert len(model._segments) == 1
    assert model.predict_batch([{"x": [1, 2]}])[0]["y"].tolist() == [6, 12]


# Making ---------------------------------------------------------------------------------------------------------------


def pipeline(last, *, names=True):
    stages = {"first": scaler(2, "x", "h"), "second": scaler(3, "h", "h"), "third": scaler(last, "h", "y")}
    return joined(stages if names else list(stages.values()), *XY)


@pytest.mark.parametrize("names", [True, False])
def test_common_stages_move_into_a_separate_file(names, tmp_path):
    sources = [written(pipeline(last, names=names), tmp_path / f"{last}.mlmodel") for last in (5, 7)]
    paths = [tmp_path / "out" / path.name for path in sources]
    (tmp_path / "out" / "common").mkdir(parents=True)
    models = graphml.link(sources, tmp_path / "out" / "common" / "Trunk.mlmodel", paths)
    trunk = graphml.load(tmp_path / "out" / "common" / "Trunk.mlmodel")
    assert trunk.predict({"x": [1, 2]})["h"].tolist() == [6, 12]
    for model, source in zip(models, sources, strict=True):
        assert list(model.models) == ["shared", "third" if names else "model2"]
        before = graphml.load(source)
        assert model.predict({"x": [1, 2]})["y"].tolist() == before.predict({"x": [1, 2]})["y"].tolist()
        assert model.models["shared"].kind == "linkedModel"
        assert spec.validate.problems(model.spec) == []
    assert models[0].models["shared"].target is models[1].models["shared"].target


def test_a_trunk_of_one_stage_keeps_its_name_and_bytes_are_saved(tmp_path):
    builder = NeuralNetworkBuilder({"x": array(200)}, {"h": array(50)})
    weights = np.random.default_rng(0).normal(size=(50, 200)).astype(np.float32)
    builder.add_inner_product("fc", weights, None, 200, 50, has_bias=False, input_name="x", output_name="h")
    sources = []
    for scale in range(4):
        head = made("scaler", {"h": doubles(50)}, {"y": doubles(50)}, scaleValue=[scale])
        message = joined({"trunk": builder.spec, "head": head}, {"x": array(200)}, {"y": doubles(50)})
        sources.append(written(message, tmp_path / f"{scale}.mlmodel"))
    paths = [tmp_path / f"linked{scale}.mlmodel" for scale in range(4)]
    models = graphml.link(sources, tmp_path / "Trunk.mlmodel", paths)
    x = {"x": np.ones(200)}
    assert list(models[3].models) == ["trunk", "head"]
    np.testing.assert_array_equal(models[3].predict(x)["y"], graphml.load(sources[3]).predict(x)["y"])
    before, after = (sum(p.stat().st_size for p in ps) for ps in (sources, [*paths, tmp_path / "Trunk.mlmodel"]))
    assert after < 0.3 * before


def test_what_cannot_be_shared_is_reported(tmp_path):
    both = [pipeline(5), joined([scaler(9, "x", "y")], *XY)]
    models = [graphml.load(message) for message in both]
    paths = [tmp_path / "a.mlmodel", tmp_path / "b.mlmodel"]
    with pytest.raises(SpecError, match="no leading stage in common"):
        graphml.link(models, tmp_path / "T.mlmodel", paths)
    with pytest.raises(SpecError, match="only pipelines can share stages; this is a model of kind scaler"):
        graphml.link([graphml.load(scaler())], tmp_path / "T.mlmodel", paths[:1])
    with pytest.raises(SpecError, match=r"is not below the folder of .*a.mlmodel; links to other"):
        graphml.link(models[:1], tmp_path.parent / "T.mlmodel", paths[:1])
    with pytest.raises(SpecError, match="expected one path for each model, got 2 models and 1 paths"):
        graphml.link(models, tmp_path / "T.mlmodel", paths[:1])
    assert not any(tmp_path.iterdir())
