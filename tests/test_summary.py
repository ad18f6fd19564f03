"""What `graphml inspect` and notebooks show of a model: every fact, and nothing that the file could smuggle in."""

from __future__ import annotations

import json
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import one_model
import predictor_models
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import graphml
from graphml import spec
from graphml.inspect.codegen import generate
from graphml.inspect.summary import summarize
from graphml.inspect.viewer import as_html, rows
from graphml.visible import visible

ROOT = Path(__file__).resolve().parents[1]
DRAW = ROOT / "examples/data/QuickDrawUpdatable.mlmodel"
HOSTILE = '<script>alert("1")</script>&\x1b[2J\u202e\n\'forged  line'


def shown(message: spec.Model) -> dict[tuple[str, str], str]:
    """(group, name) -> text."""
    return {(group, name): text for group, name, text in rows(summarize(message))}


# Facts ---------------------------------------------------------------------------------------------------------------

LEAF = ("leaf", {0: 1.0})


def neighbors() -> spec.Model:
    message = predictor_models.with_classes(
        predictor_models.model("kNearestNeighborsClassifier", 2), ["a", "b", "a", "c"]
    )
    nearest = message.kNearestNeighborsClassifier
    nearest.numberOfNeighbors.defaultValue = 3
    nearest.numberOfNeighbors.range.minValue, nearest.numberOfNeighbors.range.maxValue = 1, 9
    nearest.inverseDistanceWeighting.SetInParent()
    nearest.defaultStringLabel = "b"
    index = nearest.nearestNeighborsIndex
    index.numberOfDimensions = 2
    index.singleKdTreeIndex.leafSize = 30
    index.squaredEuclideanDistance.SetInParent()
    for row in range(4):
        index.floatSamples.add(vector=[row, 0])
    message.isUpdatable = True
    return message


def support_vectors() -> spec.Model:
    message = predictor_models.with_classes(predictor_models.model("supportVectorClassifier"), [0, 1])
    member = message.supportVectorClassifier
    predictor_models.kernel(member, "polyKernel", degree=2, c=0.5, gamma=0.25)
    predictor_models.vectors(member, np.eye(3), sparse=True)
    member.numberOfSupportVectorsPerClass.extend([1, 2])
    member.probA.append(1)
    return message


def items() -> spec.Model:
    message = spec.Model(specificationVersion=4)
    for number in (3, 1):
        row = message.itemSimilarityRecommender.itemItemSimilarities.add(itemId=number)
        for other in range(number):
            row.similarItemList.add(itemId=other)
    return message


def link() -> spec.Model:
    message = spec.Model(specificationVersion=4)
    message.linkedModel.linkedModelFile.linkedModelFileName.defaultValue = "Shared.mlmodelc"
    return message


def custom() -> spec.Model:
    message = spec.Model(specificationVersion=4)
    message.customModel.className = "Mine"
    message.customModel.parameters["gain"].doubleValue = 2.5
    return message


KINDS = {
    "trees": (
        predictor_models.trees("treeEnsembleRegressor", [LEAF, ("<=", 0, 1.0, False, LEAF, LEAF)], [0.0]),
        {"trees": "2", "nodes": "4", "leaves": "3", "dimensions": "1", "transform": "NoTransform"},
    ),
    "linear": (
        predictor_models.linear("glmClassifier", [[1, 2, 3], [4, 5, 6]], [0, 0], "Probit", "OneVsRest"),
        {"rows of weights": "2", "weights per row": "3", "transform": "Probit", "class encoding": "OneVsRest"},
    ),
    "support vectors": (
        support_vectors(),
        {
            "support vectors": "3",
            "form": "sparse",
            "kernel": "kind polyKernel, degree 2, c 0.5, gamma 0.25",
            "support vectors per class": "1, 2",
            "probabilities": "yes",
        },
    ),
    "neighbors": (
        neighbors(),
        {
            "samples": "4",
            "dimensions": "2",
            "weighting": "inverseDistanceWeighting",
            "index": "kind singleKdTreeIndex, leaf size 30",
            "default label": "b",
            "number of neighbors": "3  (1 to 9)",
            "updatable": "yes",
        },
    ),
    "items": (items(), {"items": "2", "similarities": "4"}),
    "link": (link(), {"linked model file name": "Shared.mlmodelc"}),
    "custom": (custom(), {"class name": "Mine", "parameters": "gain double value 2.5"}),
    "scaler": (one_model.made("scaler", {}, {}, shiftValue=[0.5] * 9, scaleValue=[2]), {"shift value": "9"}),
    "normalizer": (one_model.made("normalizer", {}, {}, normType=2), {"norm type": "L2"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_says_what_is_particular_to_it(kind):
    message, expected = KINDS[kind]
    found = {name: text for (_, name), text in shown(message).items()}
    assert {name: found.get(name) for name in expected} == expected
    page = graphml.load(message)._repr_html_()
    for name, text in expected.items():
        assert f"<tr><th>{name}</th><td>{text}</td></tr>" in page


def test_a_class_of_neighbors_is_named_once():
    assert summarize(neighbors())["class_labels"] == ["a", "b", "c"]


def test_a_network_says_what_it_holds_and_how_it_learns():
    message = spec.read(DRAW)
    message.description.metadata.userDefined["com.example.note"] = "one\ntwo"
    found = shown(message)
    assert found["model", "layer count"] == "13"
    assert found["model", "weight count"] == "644495"
    assert found["model", "weight storage"] == "float32 644495"
    assert found["model", "predicted feature"] == "classLabel"
    assert found["metadata", "author"] == "Roman Mazeev"
    assert found["user defined", "com.example.note"] == "one\ntwo"
    assert found["training input", "classLabel"].startswith("str  Set")
    assert found["update", "learning rate"].endswith("(0.0 to 1.0)")
    assert found["update", "epochs"] == "1  (one of 1)"
    page = graphml.load(message)._repr_html_()
    for words in ("<summary>13 layers</summary>", "<summary>15 classes</summary>Apple, ", "dense_2 (updatable)"):
        assert words in page


def test_counts_reach_into_branches_and_know_packed_codes():
    message = spec.Model(specificationVersion=4)
    branch = message.neuralNetwork.layers.add(name="b", input=["p"])
    for side in (branch.branch.ifBranch, branch.branch.elseBranch):
        dense = side.layers.add(name="d", input=["x"], output=["y"]).innerProduct
        dense.inputChannels, dense.outputChannels = 3, 1
        dense.weights.quantization.numberOfBits = 4
        dense.weights.quantization.lookupTableQuantization.floatValue.extend([0.0] * 16)
        dense.weights.rawValue = b"\x12\x30"  # three codes of four bits fill two bytes
    facts = summarize(message)["facts"]
    assert (facts["layer_count"], facts["layer_kinds"]) == (3, {"innerProduct": 2, "branch": 1})
    assert facts["weight_storage"] == {"table4": 6}


def test_stages_show_what_they_are():
    stages = {"first": KINDS["scaler"][0], "second": neighbors()}
    page = graphml.load(one_model.joined(stages, {}, {}))._repr_html_()
    assert "<tr><th>stages</th><td>2</td></tr>" in page
    assert "<summary>stage second</summary>" in page
    assert "3  (1 to 9)" in page


# Text that the file chooses ------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """The tags of a page, each of which must be closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert all(name in ("class", "open") for name, _ in attrs)
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def texts(words: str) -> spec.Model:
    """A pipeline in which all that the file may call as it likes is called so."""
    stage = predictor_models.with_classes(
        predictor_models.model("kNearestNeighborsClassifier", [words]), [words, "other"]
    )
    network = spec.Model(specificationVersion=4)
    network.neuralNetwork.layers.add(name=words, input=[words], output=[words]).softmax.SetInParent()
    message = one_model.joined({f"s{words}": stage, "n": network}, {words: one_model.INT}, {words: one_model.STRING})
    description = message.description
    description.input[0].shortDescription = words
    description.predictedFeatureName = words or "x"
    meta = description.metadata
    meta.author = meta.license = meta.shortDescription = meta.versionString = words or "x"
    meta.userDefined[words] = words
    return message


@given(st.one_of(st.just(HOSTILE), st.text("<>&\"'/=a \n\x1b\u202e", max_size=12)))
@example(HOSTILE)
@example("</style><img src=x onerror=alert(1)>")
def test_html_is_of_one_structure_whatever_things_are_called(words):
    page = Tags(as_html(summarize(texts(words)), words))
    assert page.tags == Tags(as_html(summarize(texts("x")), "x")).tags
    assert not set(page.text) & set("\x1b\u202e\x00")


def test_the_terminal_gets_no_control_characters(tmp_path, monkeypatch, capsys):
    pytest.importorskip("typer", reason="typer is an optional extra and is not installed here")
    from graphml import cli

    (tmp_path / "m.mlmodel").write_bytes(spec.serialize(texts(HOSTILE)))
    monkeypatch.setattr(sys, "argv", ["graphml", "inspect", str(tmp_path / "m.mlmodel")])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    out = capsys.readouterr().out
    assert "\\x1b[2J\\u202e" in out
    assert not set(out) & set("\x1b\u202e")
    assert not [line for line in out.splitlines() if line.startswith("'forged")]


def test_visible_leaves_what_people_write():
    for text in ("Gewürz", "字段", "👩‍🔬 emoji", "می‌خواهم", ""):
        assert visible(text) == text
    assert visible("a\tb\x85\ufeff\U000e0001\\") == "a\\tb\\x85\\ufeff\\U000e0001\\"


def stages(summary) -> int:
    return 1 + sum(map(stages, summary.get("stages", [])))


def test_every_real_model_is_shown(real_models):
    paths = sorted(real_models.rglob("*.mlmodel"))
    assert len(paths) > 30
    for path in paths:
        summary = summarize(spec.read(path))
        assert summary["facts"], path
        json.dumps(summary)
        assert Tags(as_html(summary, path.name)).tags.count("h3") == stages(summary), path


@pytest.mark.parametrize("number", [-1, 7])
def test_enum_values_of_newer_files_are_shown_as_numbers(number):
    image = spec.FeatureType()
    image.imageType.width = image.imageType.height = 8
    image.imageType.colorSpace = number
    numbers = spec.FeatureType()
    numbers.multiArrayType.dataType = number
    message = one_model.made("glmRegressor", {"i": image, "a": numbers}, {"o": one_model.DOUBLE})
    message.glmRegressor.postEvaluationTransform = number
    message.trainingRecipe.SetInParent()
    found = shown(message)
    assert found["input", "i"] == f"image of colour space {number} 8 x 8"
    assert found["input", "a"].startswith(f"type {number} array")
    assert found["model", "transform"] == str(number)
    for text in (as_html(summarize(message), "x"), generate(message), repr(graphml.load(message))):
        assert text
