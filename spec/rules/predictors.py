"""Which rules apply to each kind that predicts from features without a network; those of the identity are here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from graphml.spec.rules.linear import glm_classifier, glm_regressor
from graphml.spec.rules.probit import probit_regressor
from graphml.spec.rules.problems import Problem
from graphml.spec.rules.recommender import item_recommender
from graphml.spec.rules.support_vectors import svm_classifier, svm_regressor
from graphml.spec.rules.tabular import known_outputs
from graphml.spec.rules.trees import tree_classifier, tree_regressor
from graphml.spec.wire.model_pb2 import Model


def predictor_problems(model: Model) -> Iterator[Problem]:
    """Everything wrong with the content of a model of one of the kinds in `PREDICTORS`."""
    kind = model.WhichOneof("Type") or ""
    yield from PREDICTORS[kind](model)


def _identity(model: Model) -> Iterator[Problem]:
    types = {feature.name: feature.type.WhichOneof("Type") for feature in model.description.input}
    yield from known_outputs(model, set(types))
    for feature in model.description.output:
        kind, source = feature.type.WhichOneof("Type"), types.get(feature.name)
        if source and kind and kind != source:
            yield Problem(f"output {feature.name!r}", f"has the type {kind}, the input of this name {source}")


PREDICTORS: Mapping[str, Callable[[Model], Iterator[Problem]]] = {
    "glmRegressor": glm_regressor,
    "glmClassifier": glm_classifier,
    "supportVectorRegressor": svm_regressor,
    "supportVectorClassifier": svm_classifier,
    "treeEnsembleRegressor": tree_regressor,
    "treeEnsembleClassifier": tree_classifier,
    "bayesianProbitRegressor": probit_regressor,
    "itemSimilarityRecommender": item_recommender,
    "identity": _identity,
}
"""{model type: its rules}."""
