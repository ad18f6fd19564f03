"""Python functions in the place of custom models, and of what Apple's systems have."""

from __future__ import annotations

import numpy as np
import pytest
from one_model import DOUBLE, STRING, WORDS, array, joined, made

import graphml
from graphml import FeatureError, UnsupportedError
from graphml.models import custom, system


@pytest.fixture(autouse=True)
def _registries(monkeypatch):
    monkeypatch.setattr(custom, "_registered", {})
    monkeypatch.setattr(system, "_registered", {})


def shout(**content):
    parameters = {
        "mark": {"stringValue": "!"},
        "times": {"longValue": 2},
        "loud": {"boolValue": True},
        "raw": {"bytesValue": b"\0"},
    }
    content = {"className": "Shout", "parameters": parameters, **content}
    return made("customModel", {"text": STRING}, {"loud": STRING, "length": DOUBLE}, **content)


def function(features, *, parameters):
    assert parameters["loud"] is True
    assert parameters["raw"] == b"\0"
    text = features["text"].upper() + parameters["mark"] * parameters["times"]
    return {"loud": text, "length": len(text), "more": None}


def test_a_custom_model_is_a_function():
    assert graphml.register_custom_model("Shout", function) is function
    assert graphml.load(shout()).predict({"text": "hi"}) == {"loud": "HI!!", "length": 4.0}
    with pytest.raises(ValueError, match="'Shout' already has a function"):
        graphml.register_custom_model("Shout", function)
    graphml.register_custom_model("Shout", replace=True)(lambda features, *, parameters: {"loud": "", "length": 0})
    assert graphml.load(shout()).predict({"text": "hi"})["loud"] == ""


def test_a_custom_model_of_one_load_wins_also_in_a_pipeline():
    graphml.register_custom_model("Shout", lambda features, *, parameters: {"loud": "", "length": 0})
    for message in (shout(), joined([shout()], {"text": STRING}, {"loud": STRING})):
        model = graphml.load(message, custom_models={"Shout": function})
        assert model.predict({"text": "a"})["loud"] == "A!!"


def test_an_unknown_class_is_named_with_its_description():
    model = graphml.load(joined({"s": shout(description="makes it loud")}, {"text": STRING}, {"loud": STRING}))
    with pytest.raises(UnsupportedError, match=r"stage 's' .*'Shout' is not registered; .* makes it loud"):
        model.predict({"text": "hi"})
    graphml.register_custom_model("Shout", function)
    assert model.predict({"text": "hi"})["loud"] == "HI!!"


@pytest.mark.parametrize(
    ("outputs", "words"),
    [({"loud": "A"}, "does not return 'length'"), ({"loud": 3, "length": 1}, "'loud' takes a str"), ([], "not a list")],
)
def test_what_a_function_gives_is_checked(outputs, words):
    with pytest.raises(FeatureError, match=words):
        graphml.load(shout(), custom_models={"Shout": lambda f, parameters: outputs}).predict({"text": "a"})


# Apple's systems ------------------------------------------------------------------------------------------------------


def scene(version):
    message = made("visionFeaturePrint", {"image": array(2)}, {"print": array(3)}, scene={"version": version})
    return message


def test_what_is_missing_is_reported_exactly():
    with pytest.raises(UnsupportedError) as caught:
        graphml.load(scene(2)).predict({"image": [1, 2]})
    for words in (
        "models of kind visionFeaturePrint do not run here",
        "register_provider('visionFeaturePrint.scene.2', function)",
        "'print' (a float32 array [3]) from 'image' (a float32 array [2])",
    ):
        assert words in str(caught.value)


def test_a_provider_of_the_exact_version_wins():
    graphml.register_provider("visionFeaturePrint", lambda features, *, model: {"print": [0, 0, model.scene.version]})
    graphml.register_provider(
        "visionFeaturePrint.scene.2", lambda features, *, model: {"print": [1, *features["image"]]}
    )
    assert graphml.load(scene(1)).predict({"image": [1, 2]})["print"].tolist() == [0, 0, 1]
    out = graphml.load(scene(2)).predict({"image": [7, 8]})["print"]
    assert out.tolist() == [1, 7, 8]
    assert out.dtype == np.float32
    with pytest.raises(ValueError, match="has a provider already"):
        graphml.register_provider("visionFeaturePrint", print)
    with pytest.raises(ValueError, match="got 'scaler'"):
        graphml.register_provider("scaler", print)


def test_a_text_classifier_gives_its_message_to_the_provider():
    message = made("textClassifier", {"text": STRING}, {"label": STRING}, revision=1, language="de")
    message.textClassifier.stringClassLabels.vector.extend(["gut", "schlecht"])

    @graphml.register_provider("textClassifier.1")
    def classify(features, *, model):
        return {"label": model.stringClassLabels.vector["nicht" in features["text"]]}

    assert graphml.load(message).predict({"text": "gar nicht"}) == {"label": "schlecht"}


def test_a_private_model_is_named_by_its_identifier():
    message = made("serializedModel", {"x": DOUBLE}, {"y": WORDS}, identifier="com.example.thing")
    with pytest.raises(UnsupportedError, match=r"private to Apple.*'serializedModel.com.example.thing'"):
        graphml.load(message).predict({"x": 1})


def test_a_real_sound_classifier_runs_with_a_provider(real_models):
    graphml.register_provider("audioFeaturePrint", lambda features, *, model: {"features": np.full(512, 0.01)})
    model = graphml.load(real_models / "soundanalysis" / "SoundClassifier.mlmodel")
    out = model.predict({"audioSamples": np.zeros(15600)})
    assert out["classLabel"] in out["classLabelProbs"]
    assert sum(out["classLabelProbs"].values()) == pytest.approx(1)
