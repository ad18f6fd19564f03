"""Estimators and files of boosted trees through `graphml.convert`: recognised by class or suffix, compared on rows."""

from __future__ import annotations

import numpy as np
import pytest
from boosting_models import FOLDER, fit_lightgbm, fit_xgboost
from boosting_models import data as boosting_data
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

import graphml
from graphml.convert import explain, ubjson
from graphml.convert.estimators import RowAnswers
from graphml.convert.sklearn.source import SklearnSource
from graphml.convert.sources import recognise
from graphml.convert.xgboost import from_xgboost
from graphml.errors import ConversionError, FeatureError, SpecError, UnsupportedError

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(40, 3))
NUMBER = ROWS @ [1.0, -2.0, 0.5]
LABEL = np.where(NUMBER > 0, "yes", "no")


def test_a_classifier_is_compared_on_the_rows():
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, LABEL)
    model = graphml.convert(estimator, ROWS)
    done = model.conversion
    assert (done.to, done.by) == ("pipelineClassifier", "graphml")
    assert done.check.shapes == ("40 rows",)
    assert [one.output for one in done.check.outputs] == ["classLabel", "classProbability"]
    assert done.check.error < 1e-12
    assert "classLabel: 0 of 40 labels differ" in str(done)


def test_without_rows_nothing_is_compared_and_the_report_says_so():
    estimator = Ridge().fit(ROWS, NUMBER)
    assert graphml.convert(estimator).conversion.check.notes == (
        "not compared: an estimator is compared on rows that you pass as inputs",
    )
    assert graphml.convert(estimator, ROWS, check=False).conversion.check is None


def test_inputs_and_outputs_can_be_named():
    estimator = Ridge().fit(ROWS, NUMBER)
    one = graphml.convert(estimator, {"row": ROWS}, outputs=["height"])
    assert one.predict({"row": ROWS[0]})["height"] == pytest.approx(estimator.predict(ROWS[:1])[0])
    several = graphml.convert(estimator, dict(zip("abc", ROWS.T, strict=True)))
    assert [feature.name for feature in several.description.inputs] == ["a", "b", "c"]
    assert several.conversion.check.error < 1e-12
    single = graphml.convert(estimator, ROWS[0])
    assert single.conversion.check.shapes == ("1 rows",)
    assert [feature.name for feature in graphml.convert(estimator, {"x": (None, 3)}).description.inputs] == ["x"]
    for inputs, words in (
        ({"x": (None, 4)}, "takes 3 features"),
        ([ROWS, ROWS], "one table of rows"),
        (ROWS[:, :2], "rejects the rows"),
        ({"a": ROWS[:, 0], "b": ROWS[:, 1], "c": ROWS[:5, 2]}, "the same number of values"),
    ):
        with pytest.raises(FeatureError, match=words):
            graphml.convert(estimator, inputs)


class _Frame:
    """A table whose columns have names, as those of pandas."""

    columns = ("a", "b", "c")
    shape = ROWS.shape

    def __array__(self, dtype=None, copy=None):
        return ROWS


def test_a_table_with_names_of_columns():
    assert graphml.convert(Ridge().fit(ROWS, NUMBER), _Frame()).conversion.check.shapes == ("40 rows",)


def test_columns_of_strings():
    rows = np.array([["Oslo", 1.0], ["Rome", 2.0], ["Oslo", 3.0]], dtype=object)
    steps = [("city", OneHotEncoder(), [0]), ("size", StandardScaler(), [1])]
    estimator = make_pipeline(ColumnTransformer(steps), LogisticRegression()).fit(rows, [0, 1, 1])
    for inputs in (rows, {"x0": rows[:, 0], "x1": rows[:, 1].astype(float)}):
        model = graphml.convert(estimator, inputs)
        assert model.conversion.check.error < 1e-12
        assert [feature.name for feature in model.description.inputs] == ["x0", "x1"]
    found = explain(estimator)
    assert [(use.operator, use.becomes, use.places) for use in found.operators] == [
        ("OneHotEncoder", "oneHotEncoder", ("columntransformer.city",)),
        ("StandardScaler", "scaler", ("columntransformer.size",)),
        ("LogisticRegression", "glmClassifier", ("logisticregression",)),
    ]
    assert str(found.inputs["x0"]) == "string []"


def test_explain_lists_every_step_that_cannot_be_converted():
    steps = (
        StandardScaler(),
        KBinsDiscretizer(encode="ordinal", quantile_method="averaged_inverted_cdf"),
        GaussianNB(),
    )
    found = explain(make_pipeline(*steps).fit(ROWS, LABEL))
    assert [use.operator for use in found.unsupported] == ["KBinsDiscretizer", "GaussianNB"]
    assert "no equivalent in Core ML" in found.unsupported[0].unsupported
    assert found.operators[2].becomes == "scaler"


def test_a_result_that_differs_is_refused(monkeypatch):
    numbers, classes = Ridge().fit(ROWS, NUMBER), LogisticRegression().fit(ROWS, LABEL)
    own = SklearnSource.answers

    def other(self, table):
        found = own(self, table)
        if not found.classes:
            return RowAnswers(found.values + 0.1)
        return RowAnswers(
            ["yes", *found.values[1:]] if found.values[0] == "no" else ["no", *found.values[1:]],
            found.classes,
            found.shares,
        )

    monkeypatch.setattr(SklearnSource, "answers", other)
    with pytest.raises(ConversionError, match=r"a Ridge .* for 40 rows:\nprediction: largest difference 0\.1"):
        graphml.convert(numbers, ROWS)
    with pytest.raises(ConversionError, match=r"1 of 40 labels differ; in row 1 it is "):
        graphml.convert(classes, ROWS)
    assert graphml.convert(classes, ROWS, tolerance=0.05).conversion.check.outputs[0].error == 1 / 40


def test_labels_may_differ_where_votes_are_equal():
    estimator = KNeighborsClassifier(2).fit(ROWS, LABEL)
    done = graphml.convert(estimator, ROWS).conversion
    differ = sum(
        model != other
        for model, other in zip(
            (answer["classLabel"] for answer in graphml.convert(estimator).predict_batch({"input": ROWS})),
            estimator.predict(ROWS),
            strict=True,
        )
    )
    assert differ > 0
    assert done.check.notes == (f"labels that differ where both are equally probable: {differ}",)


def test_many_rows_are_thinned_out():
    rows = RNG.normal(size=(5000, 1))
    model = graphml.convert(DecisionTreeRegressor(max_depth=2).fit(rows, rows[:, 0]), rows)
    assert model.conversion.check.shapes == ("1000 rows",)


def test_what_networks_have_is_refused():
    estimator = Ridge().fit(ROWS, NUMBER)
    for keyword, words in (
        ({"to": "mlprogram"}, "leave out to="),
        ({"trainable": "fc*"}, "no layers to train"),
        ({"class_labels": ["a", "b"]}, "already has class labels"),
        ({"outputs": ["a", "b", "c"]}, "one output, or a label and probabilities"),
    ):
        with pytest.raises(FeatureError, match=words):
            graphml.convert(estimator, **keyword)


# Files --------------------------------------------------------------------------------------------------------------


def test_files_of_boosted_trees(run, tmp_path):
    for name, kind in (
        ("xgboost_two.json", "treeEnsembleClassifier"),
        ("xgboost_three.ubj", "treeEnsembleClassifier"),
        ("lightgbm_number.txt", "treeEnsembleRegressor"),
    ):
        status, out, err = run("convert", FOLDER / name, "-o", tmp_path / "model.mlmodel")
        assert (status, err) == (0, "")
        assert f"-> {kind}, by graphml" in out
        assert graphml.load(tmp_path / "model.mlmodel").kind == kind
        status, out, _ = run("convert", FOLDER / name, "--explain")
        assert status == 0
        assert f"-> {kind}" in out
    labelled = graphml.convert(FOLDER / "lightgbm_two.txt", class_labels=["no", "yes"])
    assert labelled.predict({"input": np.zeros(3)})["classLabel"] in ("no", "yes")


def test_binary_json_is_the_same_as_text():
    rows, _ = boosting_data()
    text, binary = (from_xgboost(FOLDER / f"xgboost_three.{suffix}") for suffix in ("json", "ubj"))
    assert binary.predict_batch({"input": rows}) == text.predict_batch({"input": rows})


@pytest.mark.parametrize("suffix", ["pkl", "pickle", "joblib", "bin"])
def test_pickles_are_refused(run, tmp_path, suffix):
    file = tmp_path / f"model.{suffix}"
    file.write_bytes(b"\x80\x04\x95")
    status, _, err = run("convert", file, "-o", tmp_path / "model.mlmodel")
    assert status == 1
    for words in ("run code when opened", "Load it yourself", "save_model"):
        assert words in " ".join(err.split())


def test_files_that_are_something_else(tmp_path):
    for name, content, words in (
        ("a.json", b"{}", "not a model of XGBoost in JSON"),
        ("a.json", b"[" * 100_000, "save it with save_model"),
        ("a.ubj", b"{L\x00\x00", "the bytes end at 4"),
        ("a.txt", b"hello", "the text that save_model writes"),
        ("a.txt", b"\xff\xfe", "the text that save_model writes"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SpecError, match=words):
            graphml.convert(tmp_path / name)


@pytest.mark.parametrize("name", ["xgboost_three.ubj", "xgboost_two.json", "lightgbm_two.txt"])
def test_damaged_files_raise_typed_errors(tmp_path, name):
    content, file = (FOLDER / name).read_bytes(), tmp_path / name
    for _ in range(40):
        damaged, place = bytearray(content), int(RNG.integers(len(content)))
        damaged[place : place + int(RNG.integers(3))] = RNG.bytes(int(RNG.integers(3)))
        file.write_bytes(damaged)
        try:
            assert graphml.convert(file).kind.startswith("treeEnsemble")
        except (SpecError, UnsupportedError):
            continue


def test_universal_binary_json():
    every = b"{i\x01a[i\xffU\xffI\x01\x00l\x00\x01\x00\x00d\x3f\x80\x00\x00]"
    every += b"i\x01b[$U#i\x02\x01\x02i\x01cSi\x02hii\x01dTi\x01eZ}"
    found = ubjson.loads(every)
    assert found.pop("b").tolist() == [1, 2]
    assert found == {"a": [-1, 255, 256, 65536, 1.0], "c": "hi", "d": True, "e": None}
    assert ubjson.loads(b"[#i\x02i\x01CaN"[:-1]) == [1, "a"]
    assert ubjson.loads(b"{$i#i\x01i\x01k\x05") == {"k": 5}
    for content, words in (
        (b"[" * 100, "containers are nested"),
        (b"[$Z#L" + b"\x00\x00\x00\x01" + bytes(4), "values without bytes"),
        (b"[$d#L" + b"\x7f" + bytes(7), "the bytes end"),
        (b"[$d", "the bytes end"),
        (b"[$d[", "does not declare its number"),
        (b"Si\xff", "is negative"),
        (b"Sd", "expected a length"),
        (b"q", "is unknown"),
        (b"TT", "1 bytes follow"),
    ):
        with pytest.raises(ValueError, match=words):
            ubjson.loads(content)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_an_estimator_belongs_to_the_library_of_its_class_and_not_of_its_bases(library):
    kind = type("Estimator", (Ridge,), {"__module__": f"{library}.sklearn"})
    assert recognise(kind()) == library
    assert recognise(Ridge()) == "sklearn"


# Where the libraries are installed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["two", "three", "number"])
def test_models_of_xgboost(target, tmp_path):
    pytest.importorskip("xgboost", reason="xgboost is compared on request and is not installed here")
    estimator, rows = fit_xgboost(target), boosting_data()[0]
    booster = estimator.get_booster()
    booster.save_model(tmp_path / "model.ubj")
    for source in (estimator, booster, tmp_path / "model.ubj"):
        check = graphml.convert(source, rows).conversion.check
        assert (check.shapes, check.error < 1e-6) == (("200 rows",), True)


@pytest.mark.parametrize("target", ["two", "three", "number"])
def test_models_of_lightgbm(target, tmp_path):
    pytest.importorskip("lightgbm", reason="lightgbm is compared on request and is not installed here")
    estimator, rows = fit_lightgbm(target), boosting_data()[0]
    estimator.booster_.save_model(tmp_path / "model.txt")
    for source in (estimator, estimator.booster_, tmp_path / "model.txt"):
        check = graphml.convert(source, rows).conversion.check
        assert (check.shapes, check.error < 1e-12) == (("200 rows",), True)
