"""Pipelines: stages joined by name, values of every type between them, networks among them compiled as one program."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest
from one_model import DOUBLE, INT, INTS, PLACES, STRING, STRINGS, WORDS, array, doubles, joined, made, optional

import graphml
from graphml import FeatureError, GraphError, ShapeError, SpecError, UnsupportedError, spec
from graphml.build import NeuralNetworkBuilder
from graphml.models import ModelConfiguration
from graphml.models.pipelines import fusion
from graphml.models.pipelines.fusion import Fused, Single
from graphml.spec.validate import problems


def scaler(source="x", result="y", size=3, shift=0.0, scale=1.0):
    return made("scaler", {source: doubles(size)}, {result: doubles(size)}, shiftValue=[shift], scaleValue=[scale])


def dense(source="x", result="y", size=3, name="fc", weights=None, dtype="float32"):
    weights = np.eye(size, dtype=np.float32) * 2 if weights is None else np.asarray(weights, np.float32)
    builder = NeuralNetworkBuilder({source: array(size)}, {result: array(len(weights), dtype=dtype)})
    builder.add_inner_product(
        name, weights, None, size, len(weights), has_bias=False, input_name=source, output_name=result
    )
    return builder.spec


def classifier(source="x", size=3):
    builder = NeuralNetworkBuilder({source: array(size)}, {}, class_labels=["a", "b", "c"], probabilities="probs")
    builder.add("softmax", "prob", [source], ["probs"])
    return builder.spec


X = np.array([0.5, -1.0, 2.0])
XY = ({"x": doubles(3)}, {"y": doubles(3)})


# Joining --------------------------------------------------------------------------------------------------------------


def test_stages_are_joined_by_name():
    message = joined([scaler("x", "h", shift=1), scaler("h", "y", scale=10)], *XY)
    assert graphml.load(message).predict({"x": X})["y"].tolist() == [15, 0, 30]


def test_a_later_output_hides_an_earlier_one_and_the_input():
    message = joined([scaler("x", "x", shift=1), scaler("x", "x", scale=10), scaler("x", "y", shift=1)], *XY)
    model = graphml.load(message)
    assert model.predict({"x": X})["y"].tolist() == [16, 1, 31]
    assert model.intermediates({"x": X}, ["x"])["x"].tolist() == [15, 0, 30]
    with pytest.raises(GraphError, match="no feature of the pipeline is called 'z'"):
        model.intermediates({"x": X}, ["z"])


def test_outputs_come_from_any_stage_or_the_input():
    outputs = {name: doubles(3) for name in ("x", "h", "y")}
    out = graphml.load(joined([scaler("x", "h", shift=1), scaler("h", "y", scale=2)], XY[0], outputs)).predict({"x": X})
    assert {name: value.tolist() for name, value in out.items()} == {
        "x": [0.5, -1, 2],
        "h": [1.5, 0, 3],
        "y": [3, 0, 6],
    }


def test_pipelines_nest():
    message = scaler("x", "y", shift=1)
    for _ in range(8):
        message = joined([message], *XY)
    message = joined([message, scaler("y", "z", scale=2)], XY[0], {"z": doubles(3)})
    assert graphml.load(message).predict({"x": X})["z"].tolist() == [3, 0, 6]


def test_strings_dictionaries_and_sequences_pass():
    there = {"stringToInt64Map": {"map": {"cat": 3, "dog": 1}}}
    back = {"int64ToStringMap": {"map": {3: "Katze", 1: "Hund"}}}
    words = joined(
        [
            made("categoricalMapping", {"text": STRINGS}, {"numbers": INTS}, **there),
            made("categoricalMapping", {"numbers": INTS}, {"translated": STRINGS}, **back),
        ],
        {"text": STRINGS},
        {"translated": STRINGS},
    )
    assert graphml.load(words).predict({"text": ["dog", "cat"]}) == {"translated": ["Hund", "Katze"]}
    row = joined(
        [
            made("dictVectorizer", {"bag": WORDS}, {"bag": PLACES}, stringToIndex={"vector": ["a", "b"]}),
            made("categoricalMapping", {"pet": STRING}, {"pet": INT}, **there),
            made("oneHotEncoder", {"pet": INT}, {"pet": PLACES}, int64Categories={"vector": [1, 3]}, outputSparse=True),
            made(
                "featureVectorizer",
                {"bag": PLACES, "pet": PLACES, "age": DOUBLE},
                {"row": doubles(5)},
                inputList=[{"inputColumn": n, "inputDimensions": d} for n, d in (("age", 1), ("bag", 2), ("pet", 2))],
            ),
        ],
        {"bag": WORDS, "pet": STRING, "age": DOUBLE},
        {"row": doubles(5)},
    )
    model = graphml.load(row)
    features = {"bag": {"b": 2.0, "z": 9.0}, "pet": "cat", "age": 0.1}
    assert model.predict(features)["row"].tolist() == [0.1, 0, 2, 0, 1]
    assert model.predict_batch([features, features])[1]["row"].tolist() == [0.1, 0, 2, 0, 1]


def _bag(declared, listed, outer=WORDS):
    """Counts of integers as a row, the keys declared as integers or as strings."""
    rows = made("dictVectorizer", {"bag": declared}, {"row": doubles(3)}, **listed)
    return graphml.load(joined([rows, scaler("row", "y", scale=10)], {"bag": outer}, {"y": doubles(3)}))


def test_keys_of_dictionaries_become_what_a_stage_reads():
    integers = {"int64ToIndex": {"vector": [4, 2, 0]}}
    for model in (_bag(WORDS, integers), _bag(PLACES, integers), _bag(WORDS, integers, PLACES)):
        for features in ({4: 1.0, 0: 0.5, 7: 9.0}, {"4": 1.0, "0": 0.5, "7": 9.0}):
            assert model.predict({"bag": features})["y"].tolist() == [10, 0, 5]
            assert model.predict_batch([{"bag": features}])[0]["y"].tolist() == [10, 0, 5]
    nested = joined([_bag(WORDS, integers).spec], {"bag": WORDS}, {"y": doubles(3)})
    assert graphml.load(nested).predict({"bag": {2: 1.0}})["y"].tolist() == [0, 10, 0]
    strings = _bag(PLACES, {"stringToIndex": {"vector": ["4", "2", "0"]}}, PLACES)
    assert strings.predict({"bag": {4: 1.0}})["y"].tolist() == [10, 0, 0]


def test_keys_that_a_stage_cannot_read_are_refused():
    assert not _bag(PLACES, {"int64ToIndex": {"vector": [4, 2, 0]}}, PLACES).description.inputs[0].any_keys
    places = made(
        "featureVectorizer",
        {"bag": PLACES},
        {"y": doubles(3)},
        inputList=[{"inputColumn": "bag", "inputDimensions": 3}],
    )
    model = graphml.load(joined([places], {"bag": WORDS}, {"y": doubles(3)}))
    assert model.predict({"bag": {"1": 5.0}})["y"].tolist() == [0, 5, 0]
    with pytest.raises(FeatureError, match=r"number 1 of 1\n.*'bag' takes a dictionary of int -> float.*the key 'cat'"):
        model.predict({"bag": {"cat": 5.0}})


def test_optional_inputs_may_be_left_out():
    imputer = made("imputer", {"a": optional(DOUBLE)}, {"a": DOUBLE}, imputedDoubleValue=7.0)
    model = graphml.load(joined([imputer], {"a": optional(DOUBLE)}, {"a": DOUBLE}))
    assert model.predict({}) == {"a": 7.0}
    assert model.predict({"a": 1}) == {"a": 1.0}
    strict = made("scaler", {"a": DOUBLE}, {"b": DOUBLE})
    with pytest.raises(FeatureError, match=r"stage 'model0' \(scaler\), number 1 of 1\n.*'a' is missing"):
        graphml.load(joined([strict], {"a": optional(DOUBLE)}, {"b": DOUBLE})).predict({})
    with pytest.raises(FeatureError, match="'a' is an optional input that was left out"):
        graphml.load(joined([imputer], {"a": optional(DOUBLE), "z": DOUBLE}, {"z": DOUBLE})).predict({"z": 1})
        graphml.load(joined([scaler()], {"a": optional(DOUBLE), **XY[0]}, {"a": DOUBLE})).predict({"x": X})


def test_whole_doubles_become_integers():
    encoder = made("oneHotEncoder", {"n": INT}, {"row": doubles(2)}, int64Categories={"vector": [4, 5]})
    picked = made("arrayFeatureExtractor", {"x": doubles(3)}, {"n": DOUBLE}, extractIndex=[1])
    model = graphml.load(joined([picked, encoder], XY[0], {"row": doubles(2)}))
    assert model.predict({"x": [0, 5, 0]})["row"].tolist() == [0, 1]
    with pytest.raises(FeatureError, match=r"stage 'model1' \(oneHotEncoder\).*\n.*'n' takes an int"):
        model.predict({"x": [0, 4.5, 0]})


# Before predicting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([scaler("z", "y")], "input 'z': is neither an input of the pipeline nor an output of an earlier stage"),
        ([scaler("h", "y"), scaler("x", "h")], "'h': is neither .*; stage 2 has this output, but runs later"),
        ([scaler("h", "h"), scaler("h", "y")], "'h': is neither .*; stage 1 has this output, but is this stage"),
        ([made("scaler", {"x": DOUBLE}, {"y": DOUBLE})], "is declared as doubleType here and as multiArrayType before"),
        ([scaler("x", "h", 3), scaler("h", "y", 4)], "has 4 elements here and 3 before"),
        ([scaler("x", "h")], "output 'y': is not an output of any stage"),
        ([], "has no stages"),
        ([scaler("x", "y", shift=0), made("oneHotEncoder", {}, {"e": PLACES})], "stage 2 > oneHotEncoder: has no cat"),
    ],
)
def test_wires_that_do_not_fit_are_refused_before_predicting(stages, words):
    with pytest.raises(SpecError, match=words):
        graphml.load(joined(stages, *XY)).predict({"x": X})


def test_an_error_inside_names_the_stages():
    encoder = made("oneHotEncoder", {"s": STRING}, {"e": PLACES}, stringCategories={"vector": ["a"]}, outputSparse=True)
    inner = joined({"encode": encoder}, {"s": STRING}, {"e": PLACES})
    model = graphml.load(joined({"inner": inner}, {"s": STRING}, {"e": PLACES}))
    lines = [
        "stage 'inner' (pipeline), number 1 of 1",
        "  stage 'encode' (oneHotEncoder), number 1 of 1",
        "    'b' is not among the 1 categories of 's'",
    ]
    for predict in (model.predict, lambda row: model.predict_batch([row])):
        with pytest.raises(FeatureError) as caught:
            predict({"s": "b"})
        assert str(caught.value).splitlines() == lines


def test_everything_that_is_missing_is_listed():
    stages = {
        "see": made("visionFeaturePrint", {"x": doubles(3)}, {"h": doubles(3)}, scene={"version": 1}),
        "think": made("customModel", {"h": doubles(3)}, {"y": doubles(3)}, className="Thinker"),
    }
    with pytest.raises(UnsupportedError) as caught:
        graphml.load(joined(stages, *XY)).predict({"x": X})
    assert "stage 'see' (visionFeaturePrint)" in str(caught.value)
    assert "stage 'think' (customModel)" in str(caught.value)


# Networks -------------------------------------------------------------------------------------------------------------


def mixed():
    """Double precision before and after a network, which computes in single precision."""
    stages = {
        "center": scaler("x", "h", shift=0.1, scale=1 / 3),
        "net": dense("h", "g", dtype="float64"),
        "stretch": scaler("g", "y", scale=0.1),
    }
    return joined(stages, *XY)


def by_hand(x):
    g = np.float32((x + 0.1) * (1 / 3)) * np.float32(2)
    return g.astype(np.float64) * 0.1


def test_stages_around_a_network_run_as_one_program():
    model = graphml.load(mixed())
    assert [type(segment) for segment in model._segments] == [Fused]
    out = model.predict({"x": X})["y"]
    assert out.dtype == np.float64
    np.testing.assert_array_equal(out, by_hand(X))
    np.testing.assert_array_equal(model.predict_batch([{"x": X}, {"x": X + 1}])[1]["y"], by_hand(X + 1))
    np.testing.assert_array_equal(model.intermediates({"x": X})["h"], (X + 0.1) * (1 / 3))
    assert not jax.config.jax_enable_x64


def test_feature_engineering_alone_stays_in_numpy():
    assert [type(segment) for segment in graphml.load(joined([scaler("x", "h"), scaler("h", "y")], *XY))._segments] == [
        Single
    ] * 2


def test_a_long_pipeline_is_divided_in_linear_time(monkeypatch):
    names = ["x", *(f"h{i}" for i in range(299)), "y"]
    stages = [scaler(*ends) for ends in itertools.pairwise(names)]
    model, asked = graphml.load(joined(stages, *XY)), []
    monkeypatch.setattr(fusion, "_has_function", lambda model: not asked.append(model))
    assert [type(segment) for segment in model._segments] == [Single] * 300
    assert len(asked) == 300


def test_a_pipeline_is_a_function():
    function = graphml.load(mixed()).as_function()
    with jax.enable_x64(True):
        np.testing.assert_array_equal(jax.jit(function)({"x": X})["y"], by_hand(X))
        gradients = jax.jit(jax.jacobian(lambda x: function({"x": x})["y"]))(X)
        rows = jax.jit(jax.vmap(lambda x: function({"x": x})["y"]))(np.stack([X, X + 1]))
    np.testing.assert_allclose(gradients, np.eye(3) * 0.2 / 3, rtol=1e-6)
    np.testing.assert_allclose(rows, np.stack([by_hand(X), by_hand(X + 1)]), rtol=1e-6)
    encoder = made("oneHotEncoder", {"x": INT}, {"e": PLACES}, int64Categories={"vector": [1]}, outputSparse=True)
    with pytest.raises(UnsupportedError, match=r"has no function of arrays:\nstage 'model0' \(oneHotEncoder\)"):
        graphml.load(joined([encoder], {"x": INT}, {"e": PLACES})).as_function()


def test_a_classifier_ends_the_program():
    message = made("pipelineClassifier", {"x": doubles(3)}, {"classLabel": STRING, "probs": WORDS})
    message.description.predictedFeatureName, message.description.predictedProbabilitiesName = "classLabel", "probs"
    stages = [dense("x", "h"), classifier("h"), made("dictVectorizer", {"probs": WORDS}, {"b": doubles(1)})]
    stages[2].dictVectorizer.stringToIndex.vector.append("b")
    message.pipelineClassifier.pipeline.models.extend(stages)
    message.description.output.add(name="b").type.CopyFrom(doubles(1))
    model = graphml.load(message)
    assert [type(segment) for segment in model._segments] == [Fused, Single]
    out = model.predict({"x": [0, 1, 0]})
    want = np.exp([0, 2, 0]) / np.exp([0, 2, 0]).sum()
    assert out["classLabel"] == "b"
    np.testing.assert_allclose(list(out["probs"].values()), want, rtol=1e-6)
    assert out["b"].tolist() == [out["probs"]["b"]]
    staged = model.predict_batch([{"x": [0, 1, 0]}])[0]
    assert staged["classLabel"] == "b"
    np.testing.assert_allclose(staged["b"], out["b"], rtol=1e-6)


def test_a_pipeline_regressor_gives_a_number():
    message = made("pipelineRegressor", {"a": DOUBLE, "b": DOUBLE}, {"y": DOUBLE})
    message.description.predictedFeatureName = "y"
    columns = [{"inputColumn": name, "inputDimensions": 1} for name in ("b", "a")]
    row = made("featureVectorizer", {"a": DOUBLE, "b": DOUBLE}, {"h": doubles(2)}, inputList=columns)
    net = dense("h", "y", 2, weights=[[1.0, 10.0]])
    net.description.output[0].type.doubleType.SetInParent()
    message.pipelineRegressor.pipeline.models.extend([row, net])
    assert graphml.load(message).predict({"a": 2, "b": 5}) == {"y": 25.0}


def test_axes_of_size_one_come_and_go():
    net = dense("h", "g")
    net.description.output[0].type.CopyFrom(array(1, 3))
    message = joined([scaler("x", "h"), net, scaler("g", "y")], *XY)
    assert [p.severity for p in problems(message)] == ["warning"] * len(problems(message))
    model = graphml.load(message)
    assert isinstance(model._segments[0], Fused)
    assert model.predict({"x": X})["y"].tolist() == [1, -2, 4]


def test_a_shape_that_depends_on_values_takes_the_stages_apart():
    builder = NeuralNetworkBuilder({"h": array(3)}, {"y": array()}, disable_rank5_shape_mapping=True)
    builder.add("whereNonZero", "where", ["h"], ["y"])
    model = graphml.load(joined([scaler("x", "h", shift=1), builder.spec], XY[0], {"y": array()}))
    assert model.predict({"x": [0, -1, 0]})["y"].tolist() == [[0], [2]]
    assert model.predict({"x": [-1, -1, 0]})["y"].tolist() == [[2]]


def test_a_linear_classifier_behind_a_scaler_gives_probabilities_as_a_function():
    glm = made("glmClassifier", {"h": doubles(3)}, {"label": STRING, "probs": WORDS})
    glm.description.predictedFeatureName, glm.description.predictedProbabilitiesName = "label", "probs"
    glm.glmClassifier.weights.add(value=[1, 0, 0])
    glm.glmClassifier.offset.append(0)
    glm.glmClassifier.stringClassLabels.vector.extend(["no", "yes"])
    message = joined([scaler("x", "h", scale=2), glm], XY[0], {"label": STRING, "probs": WORDS})
    model = graphml.load(message)
    want = 1 / (1 + np.exp(-1.0))
    assert model.predict({"x": X})["label"] == "yes"
    with jax.enable_x64(True):
        probabilities = jax.jit(model.as_function())({"x": X})["probs"]
    np.testing.assert_allclose(probabilities, [1 - want, want], rtol=1e-12)


def test_random_layers_of_two_stages_draw_different_numbers():
    def noise(source, result):
        builder = NeuralNetworkBuilder({source: array(3)}, {result: array(3)}, disable_rank5_shape_mapping=True)
        builder.add("randomNormalLike", "n", [source], [result], mean=0.0, std_dev=1.0, seed=-1)
        return builder.spec

    model = graphml.load(joined([noise("x", "h"), noise("h", "y")], XY[0], {"h": array(3), "y": array(3)}))
    one, same, other = (model.predict({"x": X}, key=jax.random.key(seed)) for seed in (0, 0, 1))
    for run in (model.predict, model.intermediates, lambda row, **more: model.predict_batch([row], **more)):
        with pytest.raises(FeatureError, match="key must be a random key"):
            run({"x": X}, key=3)
    assert one["y"].tolist() == same["y"].tolist() != other["y"].tolist()
    assert one["y"].tolist() != one["h"].tolist()
    answers = [model.predict({"x": X}), model.predict({"x": X}), *model.predict_batch([{"x": X}] * 2)]
    answers.append(model.intermediates({"x": X}, ["y"]))
    assert len({str(answer["y"]) for answer in answers}) == 5  # drawn again each time
    first, second = (model.before_last([{"x": X}])[0]["h"].tolist() for _ in range(2))
    assert first == second  # what an update trains on stays the same when it is resumed


# Parameters -----------------------------------------------------------------------------------------------------------


def test_parameters_nest_by_stage(tmp_path):
    model = graphml.load(mixed())
    assert list(model.models) == ["center", "net", "stretch"]
    assert model.last is model.models["stretch"]
    assert model.parameters["net"]["fc"]["weights"].shape == (3, 3)
    before = model.predict({"x": X})["y"]
    other = model.with_parameters({"net": {"fc": {"weights": np.eye(3, dtype=np.float32) * 4}}})
    np.testing.assert_allclose(other.predict({"x": X})["y"], by_hand(X) * 2, rtol=1e-6)
    assert len(model._programs) == 1  # weights are an argument of the program
    np.testing.assert_array_equal(model.predict({"x": X})["y"], before)
    other.save(tmp_path / "other.mlmodel")
    np.testing.assert_array_equal(
        graphml.load(tmp_path / "other.mlmodel").predict({"x": X})["y"], other.predict({"x": X})["y"]
    )
    with pytest.raises(GraphError, match="no stage is called 'nets'; the stages are 'center', 'net', 'stretch'"):
        model.with_parameters({"nets": {}})
    with pytest.raises(ShapeError, match=r"stage 'net'\n.*has shape"):
        model.with_parameters({"net": {"fc": {"weights": np.eye(4)}}})
    with pytest.raises(UnsupportedError, match="it has no parameters"):
        graphml.load(joined([scaler()], *XY)).parameters  # noqa: B018


def test_stages_have_names_whatever_the_file_says():
    message = joined({"a": scaler("x", "h"), "b": scaler("h", "y")}, *XY)
    message.pipeline.names[1] = "a"
    assert list(graphml.load(message).models) == ["a", "a#1"]
    del message.pipeline.names[1]
    assert list(graphml.load(message).models) == ["model0", "model1"]


def test_parameters_of_a_configuration_reach_their_stage():
    key = graphml.ParameterKey.NUMBER_OF_NEIGHBORS
    inner = joined({"b": scaler()}, *XY)
    parameters = {key: 3, key.scoped(to="a").scoped(to="b"): 5}
    model = graphml.load(joined({"a": inner}, *XY), configuration=ModelConfiguration(parameters=parameters))
    stage = model.models["a"]
    assert stage.configuration.parameters == {key: 3, key.scoped(to="b"): 5}
    assert stage.models["b"].configuration.parameters == {key: 5}


# Updating -------------------------------------------------------------------------------------------------------------


def test_what_the_last_stage_is_trained_on_comes_from_the_frozen_ones():
    message = joined({"embed": dense("x", "h"), "head": dense("h", "y")}, *XY)
    head = message.pipeline.models[1]
    message.isUpdatable = head.isUpdatable = True
    for model, source in ((message, "x"), (head, "h")):
        model.description.trainingInput.add(name=source).type.CopyFrom(array(3))
        model.description.trainingInput.add(name="y_true").type.CopyFrom(array(3))
    model = graphml.load(message)
    rows = [{"x": X + i, "y_true": [i, 0, 0]} for i in range(3)]
    found = model.before_last(rows)
    assert [list(row) for row in found] == [["h", "y_true"]] * 3
    np.testing.assert_allclose(found[2]["h"], (X + 2) * 2)
    assert found[2]["y_true"].tolist() == [2, 0, 0]
    with pytest.raises(FeatureError, match="row 2\n  'y_true' is missing; the last stage needs it"):
        model.before_last([rows[0], {"x": X}])
    with pytest.raises(FeatureError, match=r"row 1\n.*no feature 'z'"):
        model.before_last([{"x": X, "z": 1}])


def test_the_last_stage_is_replaced_by_a_trained_one(tmp_path):
    model = graphml.load(mixed())
    trained = graphml.load(scaler("g", "y", scale=5))
    other = model.with_stage("stretch", trained)
    np.testing.assert_allclose(other.predict({"x": X})["y"], by_hand(X) * 50)
    other.save(tmp_path / "m.mlmodel")
    saved = graphml.load(tmp_path / "m.mlmodel")
    assert saved.spec.pipeline.models[2] == trained.spec
    assert saved.spec.pipeline.models[0] == model.spec.pipeline.models[0]
    with pytest.raises(GraphError, match=r"the stage 'net' takes 'h' \(a float32 array \[3\]\)"):
        model.with_stage("net", trained)


# Real models ----------------------------------------------------------------------------------------------------------


def test_a_real_one_hot_pipeline(real_models):
    model = graphml.load(real_models / "onnxmltools" / "onehot_simple.mlmodel")
    x = np.array([3, 15, 0, 14, 5, 4, 1, 41.0])
    want = np.concatenate([np.eye(n)[int(v)] for n, v in zip((9, 16, 7, 15, 6, 5, 2, 42), x, strict=True)])
    np.testing.assert_array_equal(model.predict({"input": x})["transformed_features"], want)
    with pytest.raises(FeatureError, match=r"stage 'model15' \(oneHotEncoder\), number 16 of 17\n  42 is not among"):
        model.predict({"input": [0, 0, 0, 0, 0, 0, 0, 42]})


def test_real_bags_of_words_become_rows(real_models):
    model = graphml.load(real_models / "sentiment-cocoaai" / "SentimentPolarity.mlmodel")
    first = model.models["model0"]
    words = list(
        spec.read(model.path)
        .pipelineClassifier.pipeline.models[0]
        .pipeline.models[0]
        .dictVectorizer.stringToIndex.vector
    )
    row = first.predict({"input": {words[7]: 2.0, words[-1]: 1.0, "no such word": 4.0}})["__feature_vector__"]
    assert row.shape == (16043,)
    assert row.dtype == np.float64
    assert {int(i): row[i] for i in np.flatnonzero(row)} == {7: 2.0, 16042: 1.0}
