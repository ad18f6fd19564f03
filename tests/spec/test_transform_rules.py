"""Malformed content of models that prepare features, choose boxes, or stand for code and files elsewhere."""

from __future__ import annotations

import pytest
from one_model import DOUBLE, INT, INTS, PLACES, STRING, STRINGS, WORDS, array, doubles, made

from graphml.spec import Model
from graphml.spec.validate import problems


def found(model: Model, severity: str = "error") -> list[str]:
    return [str(problem) for problem in problems(model) if problem.severity == severity]


X3, Y3 = {"x": doubles(3)}, {"y": doubles(3)}
KEYS = {"stringToIndex": {"vector": ["a", "b"]}}
CATEGORIES = {"stringCategories": {"vector": ["a", "b"]}}
MAP = {"stringToInt64Map": {"map": {"a": 1}}}
NAMES = {
    "confidenceInputFeatureName": "c",
    "coordinatesInputFeatureName": "b",
    "confidenceOutputFeatureName": "kc",
    "coordinatesOutputFeatureName": "kb",
    "pickTop": {},
}


def boxes(inputs=None, outputs=None, **content):
    inputs = {"c": doubles(), "b": doubles()} if inputs is None else inputs
    outputs = {"kc": doubles(), "kb": doubles()} if outputs is None else outputs
    return made("nonMaximumSuppression", inputs, outputs, **{**NAMES, **content})


def column(name, size):
    return {"inputColumn": name, "inputDimensions": size}


def curve(values=(0.5,), thresholds=(0.5,)):
    names = ("precisionValues", "precisionConfidenceThresholds", "recallValues", "recallConfidenceThresholds")
    return {name: {"vector": v} for name, v in zip(names, (values, thresholds) * 2, strict=True)}


SOUND = {"x": array(15600)}, {"y": array(1, 96, 64)}
FLEXIBLE = doubles(3)
FLEXIBLE.multiArrayType.shapeRange.sizeRanges.add(lowerBound=1, upperBound=-1)

SOUND_MODELS = [
    made("arrayFeatureExtractor", X3, {"y": DOUBLE}, extractIndex=[2]),
    made("arrayFeatureExtractor", {"x": FLEXIBLE}, {"y": doubles(2)}, extractIndex=[7, 0]),
    made("categoricalMapping", {"x": STRINGS}, {"y": INTS}, **MAP),
    made("categoricalMapping", {"x": STRING}, {"y": INT}, int64Value=0, **MAP),
    made("classConfidenceThresholding", {"x": array(1)}, {"y": array(2, 1)}, precisionRecallCurves=[curve()]),
    made("customModel", X3, Y3, className="C", parameters={"a": {"intValue": 0}}),
    made("dictVectorizer", {"x": WORDS}, {"y": doubles(2)}, **KEYS),
    made("dictVectorizer", {"x": WORDS}, {"y": PLACES}, **KEYS),
    made("featureVectorizer", X3, Y3, inputList=[column("x", 3)]),
    made("imputer", {"x": FLEXIBLE}, {"y": FLEXIBLE}, imputedDoubleArray={"vector": [1]}),
    made("imputer", {"x": array(2, dtype="int32")}, {"y": array(2, dtype="int32")}, imputedInt64Value=1),
    made("normalizer", {"x": doubles()}, {"y": doubles()}),
    made("oneHotEncoder", {"x": STRING}, {"y": WORDS}, outputSparse=True, **CATEGORIES),
    made("scaler", {"x": INT}, {"y": DOUBLE}, scaleValue=[2]),
    made("soundAnalysisPreprocessing", *SOUND, vggish={}),
    boxes(),
    boxes(outputs={"kc": doubles(5, 2), "kb": doubles()}, stringClassLabels={"vector": ["a", "b"]}),
]


@pytest.mark.parametrize("model", SOUND_MODELS, ids=lambda model: model.WhichOneof("Type"))
def test_sound_models(model):
    assert found(model) == []


# (model, words of one of its errors)
BROKEN = [
    (made("arrayFeatureExtractor", {"x": DOUBLE}, {"y": DOUBLE}), "input 'x': has the type doubleType; the input of a"),
    (made("arrayFeatureExtractor", X3, {"y": DOUBLE}), "names no elements"),
    (made("arrayFeatureExtractor", X3, {"y": INT}, extractIndex=[0, 1]), "names 2 elements for one number"),
    (made("arrayFeatureExtractor", X3, {"y": DOUBLE}, extractIndex=[3]), "names element 3 of 3, from 0 on"),
    (made("arrayFeatureExtractor", X3, {"y": DOUBLE}, extractIndex=[2**64 - 1]), f"names element {2**64 - 1} of 3"),
    (made("arrayFeatureExtractor", X3, Y3, extractIndex=[0]), "names 1 elements, its output has 3"),
    (made("arrayFeatureExtractor", {**X3, "z": DOUBLE}, {}, extractIndex=[0]), "has 2 inputs; it has one"),
    (made("categoricalMapping", {"x": STRING}, {"y": INT}), "has no map"),
    (made("categoricalMapping", {"x": INT}, {"y": STRING}, **MAP), "the type int64Type; the input of a"),
    (made("categoricalMapping", {"x": STRING}, {"y": INT}, strValue="a", **MAP), "strValue has another type"),
    (made("categoricalMapping", {"x": STRINGS}, {"y": INT}, **MAP), "a sequence becomes a sequence"),
    (made("categoricalMapping", {"x": INTS}, {"y": INTS}, **MAP), "sequence 'x': has elements int64Type; the map has"),
    (made("classConfidenceThresholding", X3, {"y": doubles(2, 3)}), "has no curves"),
    (
        made("classConfidenceThresholding", X3, {"y": doubles(2, 3)}, precisionRecallCurves=[curve((0.5, 0.6))]),
        "curve 1 has 2 precisions and 1 thresholds",
    ),
    (
        made("classConfidenceThresholding", X3, {"y": doubles(2, 3)}, precisionRecallCurves=[curve((float("nan"),))]),
        "curve 1 has a precision or threshold that is negative or not finite",
    ),
    (
        made("classConfidenceThresholding", X3, {"y": doubles(3)}, precisionRecallCurves=[curve()] * 3),
        "gives 3 numbers for 3 classes",
    ),
    (made("customModel", X3, Y3), "names no class"),
    (made("customModel", X3, Y3, className="C", parameters={"a": {}}), "its parameter 'a' has no value"),
    (made("dictVectorizer", {"x": WORDS}, {"y": doubles(2)}), "has no list of keys"),
    (made("dictVectorizer", {"x": WORDS}, {"y": WORDS}, **KEYS), "output 'y': has other keys than int64KeyType"),
    (made("dictVectorizer", {"x": WORDS}, {"y": doubles(3)}, **KEYS), "lists 2 keys, its output has 3 elements"),
    (made("featureVectorizer", X3, Y3), "lists no inputs"),
    (made("featureVectorizer", X3, Y3, inputList=[column("z", 3)]), "lists 'z', which is not an input"),
    (made("featureVectorizer", X3, Y3, inputList=[column("x", 0)]), "gives 'x' no place"),
    (made("featureVectorizer", X3, Y3, inputList=[column("x", 4)]), "gives 'x' 4 places; it takes 3"),
    (made("featureVectorizer", {"x": WORDS}, Y3, inputList=[column("x", 3)]), "has other keys than int64KeyType"),
    (made("featureVectorizer", X3, {"y": doubles(4)}, inputList=[column("x", 3)]), "lists 3 places, its output has 4"),
    (
        made("featureVectorizer", {"x": PLACES}, {"y": doubles()}, inputList=[column("x", 2**60)]),
        "more than any machine can hold",
    ),
    (made("featureVectorizer", {"x": STRING}, Y3, inputList=[column("x", 3)]), "has the type stringType"),
    (made("imputer", X3, Y3), "has no value to put in"),
    (made("imputer", X3, {"y": DOUBLE}, imputedDoubleValue=1), "takes multiArrayType and gives doubleType"),
    (made("imputer", {"x": STRING}, {"y": STRING}, imputedDoubleValue=1), "has the type stringType"),
    (made("imputer", X3, Y3, imputedDoubleValue=1, replaceStringValue=""), "marks what is missing by replaceStringVal"),
    (made("imputer", X3, Y3, imputedDoubleArray={"vector": [1, 2]}), "has 2 values for 3 elements"),
    (made("imputer", X3, {"y": doubles(4)}, imputedDoubleValue=1), "takes 3 elements and gives 4"),
    (made("imputer", {"x": WORDS}, {"y": WORDS}, imputedInt64Dictionary={}), "has other keys than int64KeyType"),
    (made("linkedModel", X3, Y3), "the name of the linked file is empty"),
    (made("normalizer", X3, Y3, normType=7), "has the unknown norm 7"),
    (made("normalizer", {"x": DOUBLE}, {"y": DOUBLE}), "has the type doubleType"),
    (made("oneHotEncoder", {"x": STRING}, {"y": doubles(2)}), "has no categories"),
    (made("oneHotEncoder", {"x": INT}, {"y": doubles(2)}, **CATEGORIES), "has the type int64Type"),
    (made("oneHotEncoder", {"x": STRING}, {"y": PLACES}, **CATEGORIES), "has the type dictionaryType"),
    (made("oneHotEncoder", {"x": STRING}, {"y": doubles(2)}, outputSparse=True, **CATEGORIES), "has the type multiArr"),
    (made("oneHotEncoder", {"x": STRING}, {"y": doubles(3)}, **CATEGORIES), "has 2 categories, its output has 3"),
    (made("oneHotEncoder", {"x": STRING}, {"y": doubles(2)}, handleUnknown=5, **CATEGORIES), "the unknown way 5"),
    (
        made("oneHotEncoder", {"x": INT}, {"y": WORDS}, int64Categories={"vector": [1]}, outputSparse=True),
        "has other keys than int64KeyType",
    ),
    (made("scaler", X3, {"y": DOUBLE}), "takes multiArrayType and gives doubleType"),
    (made("scaler", X3, {"y": doubles(2)}), "takes 3 elements and gives 2"),
    (made("scaler", X3, Y3, shiftValue=[1, 2]), "shiftValue has 2 numbers; legal are none, one or 3"),
    (made("scaler", {"x": DOUBLE}, {"y": DOUBLE}, scaleValue=[1, 2]), "scaleValue has 2 numbers; legal are none, one"),
    (made("soundAnalysisPreprocessing", *SOUND), "does not say which preprocessing is meant"),
    (made("soundAnalysisPreprocessing", X3, SOUND[1], vggish={}), "array 'x': has another shape than [15600]"),
    (boxes(inputs={"c": doubles()}), "coordinatesInputFeatureName is 'b', which is not an input"),
    (boxes(inputs={"c": DOUBLE, "b": doubles()}), "input 'c': has the type doubleType; confidenceInputFeatureName is"),
    (boxes(outputs={"kc": doubles(), "kb": doubles(), "z": doubles()}), "output 'z': is none that a"),
    (boxes(confidenceInputFeatureName="b"), "names one input for both"),
    (
        boxes(inputs={"c": doubles(), "b": doubles(), "t": INT}, iouThresholdInputFeatureName="t"),
        "input 't': has the type int64Type; iouThresholdInputFeatureName is doubleType",
    ),
    (boxes(iouThreshold=1.5), "iouThreshold is 1.5; it is from 0 to 1"),
    (boxes(iouThreshold=float("nan")), "iouThreshold is nan"),
    (boxes(confidenceThreshold=-1), "confidenceThreshold is -1.0; it is not negative"),
    (boxes(outputs={"kc": doubles(5), "kb": doubles()}), "output 'kc': has 1 axes; boxes and confidences have two"),
    (boxes(outputs={"kc": doubles(5, 2), "kb": doubles(6, 4)}), "its outputs have different numbers of rows"),
    (
        boxes(outputs={"kc": doubles(5, 2), "kb": doubles()}, int64ClassLabels={"vector": [1]}),
        "has 1 labels and 2 columns of confidences",
    ),
]


@pytest.mark.parametrize(("model", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_broken_models_are_refused(model, words):
    assert any(words in error for error in found(model)), found(model)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (made("dictVectorizer", {"x": WORDS}, {"y": doubles(2)}, stringToIndex={"vector": ["a", "a"]}), "lists 'a' 2"),
        (made("dictVectorizer", {"x": PLACES}, {"y": doubles(2)}, **KEYS), "'x': has other keys than stringKeyType"),
        (
            made("dictVectorizer", {"x": WORDS}, {"y": doubles(2)}, int64ToIndex={"vector": [4, 2]}),
            "'x': has other keys than int64KeyType",
        ),
        (made("scaler", {"x": doubles(1, 3)}, {"y": doubles(1, 3)}), "has 2 axes; Core ML takes arrays of one axis"),
        (made("scaler", {"x": DOUBLE}, {"y": INT}), "gives an integer for a double"),
        (made("featureVectorizer", {**X3, "z": INT}, Y3, inputList=[column("x", 3)]), "does not list its input 'z'"),
        (boxes(inputs={"c": doubles(), "b": doubles(), "t": DOUBLE}), "input 't': is none that a"),
        (
            made("classConfidenceThresholding", X3, {"y": doubles(2, 3)}, precisionRecallCurves=[curve()]),
            "has 1 curves for 3 classes",
        ),
    ],
)
def test_what_can_be_lived_with_is_a_warning(model, words):
    assert found(model) == []
    assert any(words in warning for warning in found(model, "warning"))
