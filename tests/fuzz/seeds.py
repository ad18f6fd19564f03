"""The legal models that are damaged: every kind of layer, and every kind of model that runs, as small as possible."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cases
import numpy as np
import predictor_models as predictors
from neighbor_models import neighbors
from one_layer import input_names, output_names
from one_model import DOUBLE, INT, STRING, STRINGS, WORDS, doubles, joined, made, optional
from update import networks

from graphml.build import NeuralNetworkBuilder, array
from graphml.spec import FeatureType, Model

DATA = Path(__file__).resolve().parents[1] / "data"
LARGEST = 1 << 17  # bytes of a file in `DATA` that is used as a seed


@functools.cache
def seeds() -> dict[str, Model]:
    """All seeds by name, in an order that does not change."""
    found = dict(_layers()) | dict(_updatable()) | dict(_features()) | dict(_predictors()) | dict(_files())
    return dict(sorted(found.items()))


# Networks -------------------------------------------------------------------------------------------------------------


def _layers() -> Iterator[tuple[str, Model]]:
    for name, kind in cases.load_all().items():
        case = kind.base
        inputs = {n: array(*x.shape) for n, x in zip(input_names(case), case.inputs, strict=True)}
        builder = NeuralNetworkBuilder(inputs, dict.fromkeys(output_names(case)), exact=case.exact)
        if case.layers:
            builder.network.layers.extend(case.layers)
        else:
            builder.add(name, "layer", input_names(case), output_names(case), **dict(case.fields))
        yield f"layer {name}", builder.spec


def _updatable() -> Iterator[tuple[str, Model]]:
    yield "updatable regression", networks.regression(epochs=1, adam=True).spec
    yield "updatable classifier", networks.classifier(epochs=1, shuffle=True).spec
    samples = np.arange(12).reshape(4, 3)
    yield "neighbors", neighbors(samples, ["a", "b", "a", "b"], default="a")
    yield "neighbors in a tree", neighbors(samples, [1, 2, 1, 2], inverse=True, leaf_size=2)
    yield "pipeline of neighbors", _updatable_pipeline()
    image = NeuralNetworkBuilder({"image": _image(8, 6)}, {"out": array(3, 8, 6)})
    image.add("activation", "relu", ["image"], ["out"], nonlinearity_type="ReLU")
    image.network.preprocessing.add(featureName="image").scaler.channelScale = 0.5
    yield "image network", image.spec


def _image(height: int, width: int) -> FeatureType:
    message = FeatureType()
    image: Any = message.imageType
    image.height, image.width, image.colorSpace = height, width, image.RGB
    image.imageSizeRange.widthRange.lowerBound = image.imageSizeRange.heightRange.lowerBound = 2
    image.imageSizeRange.widthRange.upperBound = image.imageSizeRange.heightRange.upperBound = 16
    return message


def _updatable_pipeline() -> Model:
    last = neighbors(np.arange(6).reshape(3, 2), ["a", "b", "c"], name="y")
    label = last.description.trainingInput[1]
    model = joined(
        {"scale": made("scaler", {"x": doubles(2)}, {"y": array(2)}, scaleValue=[2.0]), "knn": last},
        {"x": doubles(2)},
        {"label": STRING, "probs": WORDS},
    )
    model.isUpdatable = True
    model.description.trainingInput.add(name="x").type.CopyFrom(doubles(2))
    model.description.trainingInput.add().CopyFrom(label)
    return model


# Feature engineering and pipelines ------------------------------------------------------------------------------------


def _features() -> Iterator[tuple[str, Model]]:
    x, y = {"x": doubles(3)}, {"y": doubles(3)}
    yield "scaler", made("scaler", x, y, scaleValue=[2.0, 3.0, 4.0], shiftValue=[1.0])
    yield "normalizer", made("normalizer", x, y, normType=1)
    yield "imputer", made("imputer", x, y, imputedDoubleArray={"vector": [1.0, 2.0, 3.0]}, replaceDoubleValue=-1.0)
    yield "arrayFeatureExtractor", made("arrayFeatureExtractor", x, {"y": doubles(2)}, extractIndex=[2, 0])
    yield "identity", made("identity", x, {"x": doubles(3)})
    words = {"vector": ["a", "b", "c"]}
    yield "dictVectorizer", made("dictVectorizer", {"x": WORDS}, y, stringToIndex=words)
    yield "oneHotEncoder", made("oneHotEncoder", {"x": STRING}, y, stringCategories=words, handleUnknown=1)
    mapping = {"stringToInt64Map": {"map": {"a": 1, "word": 2}}, "int64Value": -1}
    yield "categoricalMapping", made("categoricalMapping", {"x": STRING}, {"y": INT}, **mapping)
    columns = [{"inputColumn": "x", "inputDimensions": 3}, {"inputColumn": "d", "inputDimensions": 1}]
    yield (
        "featureVectorizer",
        made("featureVectorizer", {**x, "d": DOUBLE}, {"y": doubles(4)}, inputList=columns),
    )
    yield "classConfidenceThresholding", made("classConfidenceThresholding", x, y)
    names = {
        "confidenceInputFeatureName": "scores",
        "coordinatesInputFeatureName": "boxes",
        "confidenceOutputFeatureName": "kept_scores",
        "coordinatesOutputFeatureName": "kept_boxes",
        "iouThresholdInputFeatureName": "iou",
    }
    yield (
        "nonMaximumSuppression",
        made(
            "nonMaximumSuppression",
            {"scores": doubles(4, 2), "boxes": doubles(4, 4), "iou": optional(DOUBLE)},
            {"kept_scores": doubles(4, 2), "kept_boxes": doubles(4, 4)},
            pickTop={"perClass": True},
            iouThreshold=0.5,
            confidenceThreshold=0.1,
            stringClassLabels={"vector": ["a", "b"]},
            **names,
        ),
    )
    sound = made("soundAnalysisPreprocessing", {"x": array(15600)}, {"y": array(1, 96, 64)})
    sound.soundAnalysisPreprocessing.vggish.SetInParent()
    yield "soundAnalysisPreprocessing", sound
    linked = {"linkedModelFileName": {"defaultValue": "a.mlmodelc"}, "linkedModelSearchPath": {"defaultValue": "b:c"}}
    yield "linkedModel", made("linkedModel", x, y, linkedModelFile=linked)
    yield "customModel", made("customModel", x, y, className="Mine", description="does something")
    scalers = [
        made("scaler", x, {"h": doubles(3)}, scaleValue=[2.0]),
        made("scaler", {"h": doubles(3)}, y, shiftValue=[1.0]),
    ]
    yield "pipeline", joined(scalers, x, y)
    classifier = networks.classifier().spec
    classifier.isUpdatable = False
    wrapped = Model(specificationVersion=4)
    wrapped.description.CopyFrom(classifier.description)
    wrapped.pipelineClassifier.pipeline.models.add().CopyFrom(classifier)
    yield "pipelineClassifier", wrapped


# Predictors -----------------------------------------------------------------------------------------------------------


def _predictors() -> Iterator[tuple[str, Model]]:
    forest = [("<=", 0, 0.5, True, ("leaf", {0: 1.0}), (">", 1, 0.0, False, ("leaf", {0: 2.0}), ("leaf", {0: 3.0})))]
    yield "treeEnsembleRegressor", predictors.trees("treeEnsembleRegressor", forest, [0.5])
    votes = predictors.trees("treeEnsembleClassifier", forest, [0.5], "Classification_SoftMax")
    yield "treeEnsembleClassifier", predictors.with_classes(votes, ["no", "yes"])
    yield "glmRegressor", predictors.linear("glmRegressor", [[1.0, 2.0, 3.0]], [0.5], "Logit")
    linear = predictors.linear("glmClassifier", [[1.0, 2.0, 3.0]], [0.5], "Logit", "ReferenceClass")
    yield "glmClassifier", predictors.with_classes(linear, [3, 5])
    yield "supportVectorRegressor", _support_vectors("supportVectorRegressor", sparse=True)
    machine = _support_vectors("supportVectorClassifier", sparse=False)
    yield "supportVectorClassifier", predictors.with_classes(machine, ["a", "b", "c"])
    yield "itemSimilarityRecommender", _recommender()
    yield "bayesianProbitRegressor", _probit()


def _support_vectors(kind: str, *, sparse: bool) -> Model:
    message = predictors.model(kind, 2, version=1)
    member = getattr(message, kind)
    predictors.kernel(member, "rbfKernel", gamma=0.5)
    predictors.vectors(member, np.float64([[1, 0], [0, 1], [1, 1]]), sparse)
    if kind == "supportVectorRegressor":
        member.coefficients.alpha.extend([1.0, -1.0, 0.5])
        member.rho = 0.25
        return message
    for row in ([1.0, -1.0, 0.5], [0.5, 1.0, -1.0]):
        member.coefficients.add(alpha=row)
    member.rho.extend([0.1, 0.2, 0.3])
    member.numberOfSupportVectorsPerClass.extend([1, 1, 1])
    member.probA.extend([-1.0, -2.0, -1.5])
    member.probB.extend([0.1, 0.2, 0.3])
    return message


def _recommender() -> Model:
    message = made(
        "itemSimilarityRecommender",
        {"items": WORDS, "count": optional(INT), "only": optional(STRINGS)},
        {"best": STRINGS, "scores": WORDS},
        itemInputFeatureName="items",
        numRecommendationsInputFeatureName="count",
        itemRestrictionInputFeatureName="only",
        recommendedItemListOutputFeatureName="best",
        recommendedItemScoreOutputFeatureName="scores",
        itemStringIds={"vector": ["ant", "bee", "word"]},
    )
    entry = message.itemSimilarityRecommender.itemItemSimilarities.add(itemId=1, itemScoreAdjustment=0.25)
    entry.similarItemList.add(itemId=2, similarityScore=0.5)
    return message


def _probit() -> Model:
    message = predictors.model("bayesianProbitRegressor", 2)
    message.description.input[0].type.multiArrayType.dataType = message.description.input[0].type.multiArrayType.INT32
    member: Any = message.bayesianProbitRegressor
    member.regressionInputFeatureName, member.numberOfFeatures = "x", 2
    member.meanOutputFeatureName = "y"
    member.bias.mean, member.bias.precision = 0.5, 1.0
    for feature in range(2):
        weight = member.features.add(featureId=feature).weights.add(featureValue=1).featureWeight
        weight.mean, weight.precision = 0.25, 2.0
    return message


def _files() -> Iterator[tuple[str, Model]]:
    for path in sorted(DATA.glob("*.mlmodel")):
        if path.stat().st_size <= LARGEST:
            yield f"file {path.stem}", Model.FromString(path.read_bytes())
