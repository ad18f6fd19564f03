"""The small tools of `graphml.utils`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from example_programs import two_functions
from program_packages import affine, package

import graphml
from graphml import build, spec
from graphml.build import NeuralNetworkBuilder, ProgramBuilder, array
from graphml.errors import FeatureError, GraphError
from graphml.spec.validate import validate
from graphml.utils import evaluate_classifier, evaluate_regressor, load_spec, make_pipeline, rename_feature, save_spec

DATA = Path(__file__).parent / "data"
X = np.float32([1, -2, 3])


def _copy(model):
    return spec.Model.FromString(model.SerializeToString())


# rename_feature -----------------------------------------------------------------------------------------------------


def _network():
    """A network in which the input is read twice, once inside a branch."""
    branch = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)}, exact=True)
    inside = NeuralNetworkBuilder(nn_spec=spec.NeuralNetwork())
    inside.add("copy", "same", ["x"], ["h"])
    other = NeuralNetworkBuilder(nn_spec=spec.NeuralNetwork())
    other.add("copy", "never", ["x"], ["h"])
    branch.add("loadConstantND", "yes", [], ["yes"], data=np.float32([1]), shape=[1])
    branch.add("branch", "choice", ["yes"], [], if_branch=inside, else_branch=other)
    branch.add("addBroadcastable", "sum", ["x", "h"], ["y"])
    return branch.spec


def _program():
    """The input is read in a block of a conditional."""
    builder = ProgramBuilder("CoreML6")
    x = builder.input("x", (3,))
    positive = builder.greater(builder.reduce_sum(x, keep_dims=False), 0.0)
    builder.output("y", builder.cond(positive, lambda: builder.mul(x, 2.0), lambda: builder.sub(x, 1.0), name="chosen"))
    return builder.model().spec


def _joined():
    join = build.feature_vectorizer({"x": 3, "other": 1}, output="row")
    return build.pipeline([join, build.scaler(4, scale=2, inputs="row", output="y")])


@pytest.mark.parametrize("build_model", [_network, _program, _joined], ids=lambda f: f.__name__)
def test_renaming_reaches_every_place_that_uses_the_name(build_model):
    before = build_model()
    given = {"x": X, "other": [5.0]} if build_model is _joined else {"x": X}
    expected = graphml.load(_copy(before)).predict(given)["y"]
    after = _copy(before)
    rename_feature(after, "x", "signal")
    rename_feature(after, "y", "answer")
    validate(after)
    given["signal"] = given.pop("x")
    np.testing.assert_array_equal(graphml.load(after).predict(given)["answer"], expected)
    rename_feature(after, "signal", "x", rename_outputs=False)
    rename_feature(after, "answer", "y", rename_inputs=False)
    assert after == before


@pytest.mark.parametrize(
    ("model", "old"),
    [
        (build.linear_classifier([1, 2], 0, ["a", "b"]), "classLabel"),
        (build.linear_classifier([1, 2], 0, ["a", "b"]), "classProbability"),
        (build.linear_regressor([1, 2]), "prediction"),
        (build.support_vector_regressor([[1, 2]], [1], 0), "input"),
    ],
)
def test_the_names_of_predictions_follow(model, old):
    renamed = _copy(model)
    rename_feature(renamed, old, "new")
    validate(renamed)
    source = "new" if old == "input" else "input"
    answer, expected = graphml.load(renamed).predict({source: X[:2]}), graphml.load(model).predict({"input": X[:2]})
    assert answer == {"new" if name == old else name: value for name, value in expected.items()}


def test_the_target_of_an_update_follows_the_label():
    scale = build.scaler(2, scale=0.1, inputs="x", output="input")
    model = build.pipeline([scale, build.nearest_neighbors_classifier(2, default_label=0)])
    rename_feature(model, "label", "sort")
    validate(model)
    task = graphml.UpdateTask(graphml.load(model), [{"x": np.array([1.0, 2.0]), "sort": 4}])
    task.resume()
    task.wait()
    assert task.error is None
    assert task.model.predict({"x": np.array([0.0, 0.0])})["sort"] == 4


def test_an_updatable_network_still_learns_after_renaming():
    model = load_spec(DATA / "keras_model_personalization.mlmodel")
    names = [feature.name for feature in model.description.trainingInput]
    for name in names:
        rename_feature(model, name, f"new_{name}")
    validate(model)
    assert [feature.name for feature in model.description.trainingInput] == [f"new_{name}" for name in names]


def test_a_hidden_feature_of_a_pipeline_keeps_its_name():
    """Stage 2 overwrites "x": what is the input, and what the output, are two values of one name."""
    model = build.pipeline(
        [build.scaler(2, scale=3, inputs="x", output="x"), build.scaler(2, shift=1, inputs="x", output="x")]
    )
    only_input = _copy(model)
    rename_feature(only_input, "x", "given", rename_outputs=False)
    np.testing.assert_array_equal(graphml.load(only_input).predict({"given": [1.0, 2.0]})["x"], [4, 7])
    only_output = _copy(model)
    rename_feature(only_output, "x", "result", rename_inputs=False)
    np.testing.assert_array_equal(graphml.load(only_output).predict({"x": [1.0, 2.0]})["result"], [4, 7])


def test_all_functions_of_a_program_are_renamed():
    model = two_functions().model().spec
    rename_feature(model, "token", "word")
    validate(model)
    assert [f.name for function in model.description.functions for f in function.input] == ["x", "word"]


def test_a_name_that_is_missing_or_taken_is_refused():
    model = _network()
    before = _copy(model)
    with pytest.raises(GraphError, match="there is no input or output 'z'; there are x, y"):
        rename_feature(model, "z", "a")
    with pytest.raises(GraphError, match="there is no output 'x'; there are y"):
        rename_feature(model, "x", "a", rename_inputs=False)
    with pytest.raises(GraphError, match="cannot rename 'x' to 'h': the model has another value of this name"):
        rename_feature(model, "x", "h")
    rename_feature(model, "x", "x")
    assert model == before


def test_one_blob_cannot_get_two_names():
    builder = NeuralNetworkBuilder({"x": array(3)}, {"x": array(3), "y": array(3)})
    builder.add_activation("relu", "RELU", "x", "y")
    with pytest.raises(GraphError, match="both an input and an output"):
        rename_feature(builder.spec, "x", "a", rename_outputs=False)


# make_pipeline and evaluate -------------------------------------------------------------------------------------------


def test_make_pipeline_takes_what_load_takes(tmp_path):
    save_spec(build.scaler(2, scale=2, output="row"), tmp_path / "scaler")
    whole = make_pipeline(tmp_path / "scaler.mlmodel", build.linear_regressor([1, 1], inputs="row"))
    assert whole.predict({"input": [1.0, 2.0]}) == {"prediction": 6.0}


def test_make_pipeline_reads_the_weights_of_a_package(tmp_path):
    path = package(tmp_path / "one.mlpackage", affine())
    double = ProgramBuilder()
    double.output("doubled", double.mul(double.input("y", (2, 12)), 2.0))
    whole = make_pipeline(path, double.model())
    x = np.ones((2, 12), np.float32)
    expected = 2 * graphml.load(path).predict({"x": x})["y"]
    np.testing.assert_array_equal(whole.predict({"x": x})["doubled"], expected)
    whole.save(tmp_path / "whole.mlpackage")
    np.testing.assert_array_equal(graphml.load(tmp_path / "whole.mlpackage").predict({"x": x})["doubled"], expected)
    other = package(tmp_path / "two.mlpackage", affine())
    with pytest.raises(FeatureError, match="in several folders; a pipeline has one"):
        make_pipeline(path, other)


class Frame:
    """What a DataFrame offers."""

    def __init__(self, rows):
        self.rows = rows

    def to_dict(self, orient):
        assert orient == "records"
        return self.rows


def test_evaluate_regressor(capsys):
    model = build.linear_regressor([1, 1], inputs=["a", "b"])
    data = {"a": [0, 1, 2], "b": [0.0, 1.0, 2.0], "target": [0.0, 5.0, 8.0], "unused": ["x", "y", "z"]}
    expected = {"samples": 3, "rmse": 5 / np.sqrt(3), "max_error": 4}
    assert evaluate_regressor(model, data) == pytest.approx(expected)
    rows = [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)]
    assert evaluate_regressor(graphml.load(model), Frame(rows), verbose=True) == pytest.approx(expected)
    assert capsys.readouterr().out == "0.0\t0.0\n2.0\t5.0\n4.0\t8.0\n"


def test_evaluate_classifier():
    model = build.linear_classifier([1, 1], 0, ["no", "yes"], inputs="x")
    rows = [{"x": [1.0, 1.0], "y": "yes"}, {"x": [-1.0, -1.0], "y": "yes"}]
    assert evaluate_classifier(model, rows, target="y") == {"num_samples": 2, "num_errors": 1}


def test_data_that_cannot_be_compared_are_refused():
    model = build.linear_regressor([1], inputs=["a"])
    with pytest.raises(FeatureError, match="no rows"):
        evaluate_regressor(model, [])
    with pytest.raises(FeatureError, match="row 2 has no column 'target'; it has a"):
        evaluate_regressor(model, [{"a": 1.0, "target": 2.0}, {"a": 1.0}])
    with pytest.raises(FeatureError, match="same number of values"):
        evaluate_regressor(model, {"a": [1.0], "target": []})
    with pytest.raises(FeatureError, match="compares single numbers"):
        evaluate_regressor(build.linear_regressor([[1], [2]]), [{"input": [1.0], "target": 1.0}])
    with pytest.raises(FeatureError, match="predicts neither a label nor a number"):
        evaluate_classifier(build.scaler(1), [{"input": [1.0], "target": 1.0}])
