"""Estimators of scikit-learn as sources of `graphml.convert`."""

# estimators are untyped here
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphml.convert.estimators import RowAnswers, RowSource
from graphml.convert.request import ConversionRequest
from graphml.convert.sklearn.convert import becomes, from_sklearn, steps
from graphml.convert.sklearn.facts import labels
from graphml.convert.source import OperatorUse
from graphml.convert.versions import version
from graphml.errors import FeatureError, UnsupportedError
from graphml.models import Model

_OF_LIBSVM = 0.01  # error of its pairwise probabilities, whose iteration stops early


class SklearnSource(RowSource):
    """A fitted estimator of scikit-learn.

    Args:
        estimator: The estimator.
        request: The request.

    Raises:
        FeatureError: Class labels are given; an estimator already has them.
    """

    def __init__(self, estimator: Any, request: ConversionRequest) -> None:
        super().__init__(request)
        if request.class_labels:
            raise FeatureError("an estimator of scikit-learn already has class labels: leave out class_labels=")
        self._estimator = estimator
        self.what = f"a {type(estimator).__name__} (scikit-learn {version('scikit-learn')})"
        if any(_has_pairwise_probabilities(one) for _, one in steps(estimator)):
            self.known_difference = _OF_LIBSVM

    @property
    def columns(self) -> Sequence[str] | None:
        found = getattr(self._estimator, "feature_names_in_", None)
        return None if found is None else [str(name) for name in found]

    def convert(self, names: str | Sequence[str] | None, outputs: str | tuple[str, str] | None) -> Model:
        return from_sklearn(self._estimator, names, outputs)

    def operators(self) -> list[OperatorUse]:
        found = [_use(step, estimator) for step, estimator in steps(self._estimator)]
        if not any(use.unsupported for use in found):
            try:
                self.model  # noqa: B018  (each step can be converted; whether they fit together is known only now)
            except UnsupportedError as error:
                found.append(OperatorUse(type(self._estimator).__name__, 1, "", str(error)))
        return sorted(found, key=lambda use: not use.unsupported)

    def answers(self, table: Any) -> RowAnswers:
        estimator = self._estimator
        if not hasattr(estimator, "predict"):
            made = estimator.transform(table)
            return RowAnswers(np.asarray(made.toarray() if hasattr(made, "toarray") else made, np.float64))
        predicted = estimator.predict(table)
        if getattr(estimator, "classes_", None) is None:
            return RowAnswers(np.asarray(predicted, np.float64))
        classes = labels(estimator)
        known = dict(zip(np.asarray(estimator.classes_).tolist(), classes, strict=True))
        shares = estimator.predict_proba(table) if hasattr(estimator, "predict_proba") else None
        return RowAnswers([known[label] for label in np.asarray(predicted).tolist()], classes, shares)


def _use(step: str, estimator: Any) -> OperatorUse:
    places = (step,) if step else ()
    try:
        made = becomes(estimator)
    except UnsupportedError as error:
        return OperatorUse(type(estimator).__name__, 1, "", str(error), places)
    return OperatorUse(type(estimator).__name__, 1, made or "nothing: it has no effect", "", places)


def _has_pairwise_probabilities(estimator: Any) -> bool:
    if type(estimator).__name__ not in ("SVC", "NuSVC"):
        return False
    return hasattr(estimator, "predict_proba") and len(getattr(estimator, "classes_", ())) == 2
