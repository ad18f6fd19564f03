"""Malformed content of models that prepare features, choose boxes, or refer to code and files elsewhere."""

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
    (
        made("arrayFeatureExtractor", {"x": DOUBLE}, {"y": DOUBLE}),
        "input 'x': must have the type multiArrayType, got doubleType",
    ),
    (made("arrayFeatureExtractor", X3, {"y": DOUBLE}), "selects no elements"),
    (
        made("arrayFeatureExtractor", X3, {"y": INT}, extractIndex=[0, 1]),
        "selects 2 elements, but its output is one number",
    ),
    (made("arrayFeatureExtractor", X3, {"y": DOUBLE}, extractIndex=[3]), "index 3 is out of range for size 3"),
    (
        made("arrayFeatureExtractor", X3, {"y": DOUBLE}, extractIndex=[2**64 - 1]),
        f"index {2**64 - 1} is out of range for size 3",
    ),
    (made("arrayFeatureExtractor", X3, Y3, extractIndex=[0]), "selects 1 elements, but its output has 3"),
    (made("arrayFeatureExtractor", {**X3, "z": DOUBLE}, {}, extractIndex=[0]), "expected 1 input, got 2"),
    (made("categoricalMapping", {"x": STRING}, {"y": INT}), "has no map"),
    (
        made("categoricalMapping", {"x": INT}, {"y": STRING}, **MAP),
        "must have the type stringType or sequenceType, got int64Type",
    ),
    (
        made("categoricalMapping", {"x": STRING}, {"y": INT}, strValue="a", **MAP),
        "its strValue must have the type of the values",
    ),
    (made("categoricalMapping", {"x": STRINGS}, {"y": INT}, **MAP), "input and output must both be sequences"),
    (
        made("categoricalMapping", {"x": INTS}, {"y": INTS}, **MAP),
        "sequence 'x': must have elements of stringType, got int64Type",
    ),
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
    (made("dictVectorizer", {"x": WORDS}, {"y": WORDS}, **KEYS), "output 'y': must have keys of int64KeyType"),
    (made("dictVectorizer", {"x": WORDS}, {"y": doubles(3)}, **KEYS), "lists 2 keys, but its output has 3 elements"),
    (made("featureVectorizer", X3, Y3), "lists no inputs"),
    (made("featureVectorizer", X3, Y3, inputList=[column("z", 3)]), "lists 'z', which is not an input"),
    (made("featureVectorizer", X3, Y3, inputList=[column("x", 0)]), "inputDimensions of 'x' must be at least 1, got 0"),
    (made("featureVectorizer", X3, Y3, inputList=[column("x", 4)]), "inputDimensions of 'x' must be 3, got 4"),
    (made("featureVectorizer", {"x": WORDS}, Y3, inputList=[column("x", 3)]), "must have keys of int64KeyType"),
    (
        made("featureVectorizer", X3, {"y": doubles(4)}, inputList=[column("x", 3)]),
        "makes rows of 3 elements, but its output has 4",
    ),
    (
        made("featureVectorizer", {"x": PLACES}, {"y": doubles()}, inputList=[column("x", 2**60)]),
        "which no machine can hold",
    ),
    (made("featureVectorizer", {"x": STRING}, Y3, inputList=[column("x", 3)]), ", got stringType"),
    (made("imputer", X3, Y3), "has no imputed value"),
    (
        made("imputer", X3, {"y": DOUBLE}, imputedDoubleValue=1),
        "must have the same type, got multiArrayType and doubleType",
    ),
    (made("imputer", {"x": STRING}, {"y": STRING}, imputedDoubleValue=1), ", got stringType"),
    (
        made("imputer", X3, Y3, imputedDoubleValue=1, replaceStringValue=""),
        "replaceStringValue cannot be used with imputedDoubleValue",
    ),
    (made("imputer", X3, Y3, imputedDoubleArray={"vector": [1, 2]}), "has 2 values for 3 elements"),
    (made("imputer", X3, {"y": doubles(4)}, imputedDoubleValue=1), "must have the same size, got 3 and 4"),
    (made("imputer", {"x": WORDS}, {"y": WORDS}, imputedInt64Dictionary={}), "must have keys of int64KeyType"),
    (made("linkedModel", X3, Y3), "the name of the linked file is empty"),
    (made("normalizer", X3, Y3, normType=7), "normType has the unknown value 7"),
    (made("normalizer", {"x": DOUBLE}, {"y": DOUBLE}), ", got doubleType"),
    (made("oneHotEncoder", {"x": STRING}, {"y": doubles(2)}), "has no categories"),
    (made("oneHotEncoder", {"x": INT}, {"y": doubles(2)}, **CATEGORIES), ", got int64Type"),
    (made("oneHotEncoder", {"x": STRING}, {"y": PLACES}, **CATEGORIES), ", got dictionaryType"),
    (made("oneHotEncoder", {"x": STRING}, {"y": doubles(2)}, outputSparse=True, **CATEGORIES), ", got multiArrayType"),
    (made("oneHotEncoder", {"x": STRING}, {"y": doubles(3)}, **CATEGORIES), "has 2 categories, but its output has 3"),
    (
        made("oneHotEncoder", {"x": STRING}, {"y": doubles(2)}, handleUnknown=5, **CATEGORIES),
        "handleUnknown has the unknown value 5",
    ),
    (
        made("oneHotEncoder", {"x": INT}, {"y": WORDS}, int64Categories={"vector": [1]}, outputSparse=True),
        "must have keys of int64KeyType",
    ),
    (made("scaler", X3, {"y": DOUBLE}), "must both be arrays, or both be numbers, got multiArrayType and doubleType"),
    (made("scaler", X3, {"y": doubles(2)}), "must have the same size, got 3 and 2"),
    (made("scaler", X3, Y3, shiftValue=[1, 2]), "shiftValue must have 0, 1 or 3 values, got 2"),
    (made("scaler", {"x": DOUBLE}, {"y": DOUBLE}, scaleValue=[1, 2]), "scaleValue must have 0, 1 or 1 values, got 2"),
    (made("soundAnalysisPreprocessing", *SOUND), "sets no preprocessing"),
    (made("soundAnalysisPreprocessing", X3, SOUND[1], vggish={}), "array 'x': must have the shape [15600]"),
    (boxes(inputs={"c": doubles()}), "coordinatesInputFeatureName is 'b', which is not an input"),
    (boxes(inputs={"c": DOUBLE, "b": doubles()}), "input 'c': has the type doubleType; confidenceInputFeatureName is"),
    (boxes(outputs={"kc": doubles(), "kb": doubles(), "z": doubles()}), "output 'z': is not named by any field"),
    (boxes(confidenceInputFeatureName="b"), "names the same input for"),
    (
        boxes(inputs={"c": doubles(), "b": doubles(), "t": INT}, iouThresholdInputFeatureName="t"),
        "input 't': has the type int64Type; iouThresholdInputFeatureName is doubleType",
    ),
    (boxes(iouThreshold=1.5), "iouThreshold must be between 0 and 1, got 1.5"),
    (boxes(iouThreshold=float("nan")), "iouThreshold must be between 0 and 1, got nan"),
    (boxes(confidenceThreshold=-1), "confidenceThreshold must not be negative, got -1.0"),
    (boxes(outputs={"kc": doubles(5), "kb": doubles()}), "output 'kc': must have 2 axes, got 1"),
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
        (made("dictVectorizer", {"x": PLACES}, {"y": doubles(2)}, **KEYS), "'x': must have keys of stringKeyType"),
        (
            made("dictVectorizer", {"x": WORDS}, {"y": doubles(2)}, int64ToIndex={"vector": [4, 2]}),
            "'x': must have keys of int64KeyType",
        ),
        (made("scaler", {"x": doubles(1, 3)}, {"y": doubles(1, 3)}), "has 2 axes; Core ML expects 1"),
        (made("scaler", {"x": DOUBLE}, {"y": INT}), "turns a double into an integer"),
        (made("featureVectorizer", {**X3, "z": INT}, Y3, inputList=[column("x", 3)]), "does not list its input 'z'"),
        (boxes(inputs={"c": doubles(), "b": doubles(), "t": DOUBLE}), "input 't': is not named by any field"),
        (
            made("classConfidenceThresholding", X3, {"y": doubles(2, 3)}, precisionRecallCurves=[curve()]),
            "has 1 curves for 3 classes",
        ),
    ],
)
def test_tolerable_faults_are_warnings(model, words):
    assert found(model) == []
    assert any(words in warning for warning in found(model, "warning"))
