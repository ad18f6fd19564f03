"""Models of XGBoost, read from the JSON that XGBoost itself writes, as text or binary (`.ubj`).

XGBoost tests `float32(x) < threshold`, Core ML `x <= threshold` for the float64 that it is given.
`rounding_limit_below` finds the threshold for which both agree for every number, so each row reaches the same leaves.
XGBoost adds the leaves in float32, Core ML in float64; sums differ by a few parts in ten million.
"""

# models of XGBoost are untyped here
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from graphml.build.messages import Labels
from graphml.convert import ubjson
from graphml.convert.boosting import Boosting, BoostingSource
from graphml.convert.estimators import RowAnswers
from graphml.convert.request import ConversionRequest
from graphml.convert.thresholds import rounding_limit_below
from graphml.convert.versions import version
from graphml.errors import GraphmlError, SpecError, UnsupportedError, need
from graphml.models import Model, load

_BINARY = (b"$", b"#", b"i", b"U", b"I", b"l", b"L")  # what follows the brace of an object in Universal Binary JSON
_LOGISTIC = ("binary:logistic", "reg:logistic")
_SOFTMAX = ("multi:softprob", "multi:softmax")
_PLAIN = (
    "binary:logitraw",
    "rank:map",
    "rank:ndcg",
    "rank:pairwise",
    "reg:absoluteerror",
    "reg:linear",
    "reg:pseudohubererror",
    "reg:quantileerror",
    "reg:squarederror",
    "reg:squaredlogerror",
)


def from_xgboost(
    source: Any,
    input_features: str | Sequence[str] | None = None,
    output_feature_names: str | tuple[str, str] | None = None,
    class_labels: Labels | None = None,
) -> Model:
    """Convert a model of XGBoost.

    Args:
        source: An XGBClassifier, XGBRegressor or other estimator of XGBoost, a Booster, the path of a file that
            `save_model` wrote ("model.json" or "model.ubj"), or its content. XGBoost is needed only for the first two.
        input_features: The name of one array of all features, or a name for each feature. Default: an array "input".
        output_feature_names: The name of the output; for a classifier also (label, probabilities). Default:
            "prediction", or "classLabel" and "classProbability".
        class_labels: The labels of a classifier. Default: 0, 1, 2 ..., which XGBoost itself returns.

    Returns:
        The model. NaN is a missing value, as in XGBoost.

    Raises:
        UnsupportedError: If Core ML has no equivalent; the message says for what.
        SpecError: If the source is not such a model, or the number of names is not that of features.
    """
    return _model(*_content(source), input_features, output_feature_names, class_labels)


def _model(content: Any, rounds: int | None, inputs: Any, names: Any, class_labels: Labels | None) -> Model:
    try:
        spec = _converted(content, rounds, inputs, names, class_labels)
    except GraphmlError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise SpecError(f"this is not a model of XGBoost in JSON: {type(error).__name__}: {error}") from None
    return load(spec)


def _content(source: Any) -> tuple[Any, int | None]:
    """The parsed JSON, and how many boosting rounds to use; None: all."""
    if isinstance(source, Mapping):
        return cast("Any", source), None
    if hasattr(source, "get_booster"):  # an estimator, which predicts with the best iteration of early stopping
        if not math.isnan(source.missing):
            raise UnsupportedError(f"missing={source.missing!r}; only NaN can be a missing value in Core ML's trees")
        booster = source.get_booster()
        best = booster.attr("best_iteration")
        return json.loads(bytes(booster.save_raw("json"))), None if best is None else int(best) + 1
    if hasattr(source, "save_raw"):
        return json.loads(bytes(source.save_raw("json"))), None
    text: Any = Path(source).read_bytes() if _is_path(source) else source
    try:
        if isinstance(text, bytes) and text[:1] == b"{" and text[1:2] in _BINARY:
            return ubjson.loads(text), None
        return json.loads(text), None
    except (TypeError, ValueError, RecursionError) as error:
        hint = "save it with save_model('model.json')"
        raise SpecError(f"a model of XGBoost is an estimator, a Booster, or JSON; {hint} ({error})") from None


def _is_path(source: Any) -> bool:
    return isinstance(source, os.PathLike) or (isinstance(source, str) and not source.lstrip().startswith("{"))


def _converted(content: Any, rounds: int | None, inputs: Any, names: Any, class_labels: Labels | None) -> Any:
    learner = content["learner"]
    objective = str(learner["objective"]["name"])
    parameters = learner["learner_model_param"]
    booster = learner["gradient_booster"]
    weights: Sequence[float] | None = None
    if booster["name"] == "dart":
        weights, booster = booster["weight_drop"], booster["gbtree"]
    elif booster["name"] != "gbtree":
        raise UnsupportedError(f"the booster is {booster['name']!r}; gbtree and dart can be converted")
    if objective not in (*_LOGISTIC, *_SOFTMAX, *_PLAIN):
        raise UnsupportedError(
            f"the objective is {objective!r}, whose prediction Core ML's trees cannot compute from the sum; those that "
            f"can be converted: {', '.join(sorted({*_LOGISTIC, *_SOFTMAX, *_PLAIN}))}"
        )
    scores = max(1, int(parameters["num_class"]), int(parameters.get("num_target", 1)))
    classes = class_labels
    if objective in _SOFTMAX or objective == "binary:logistic":
        classes = list(range(max(2, scores))) if classes is None else classes
    elif classes is not None:
        raise SpecError(f"class_labels are given, but {objective!r} is not a classification objective")
    base = _base(str(parameters["base_score"]), scores, objective in _LOGISTIC)
    width = int(parameters["num_feature"])
    result = Boosting(inputs, width, base, classes, names, logistic=objective == "reg:logistic")
    model = booster["model"]
    count = len(model["trees"]) if rounds is None else int(model["iteration_indptr"][rounds])
    for number, (tree, score) in enumerate(zip(model["trees"][:count], model["tree_info"], strict=False)):
        _add(result, score, tree, 1.0 if weights is None else weights[number])
    return result.spec


def _base(text: str, scores: int, logistic: bool) -> list[float]:
    """The initial scores, to which the trees are added. Stored as one number or, since XGBoost 3.1, as one for each
    score."""
    stored = [float(number) for number in text.strip("[]").split(",")]
    margins = [math.log(p / (1 - p)) if logistic else p for p in stored]
    return margins if len(margins) == scores else margins * scores


def _add(result: Boosting, score: int, tree: Any, weight: float) -> None:
    if int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise UnsupportedError("a tree has several numbers in each leaf (multi_strategy='multi_output_tree')")
    left, right = np.asarray(tree["left_children"]), np.asarray(tree["right_children"])
    if np.any(np.asarray(tree["split_type"])[left >= 0]):
        raise UnsupportedError(
            "a tree tests for sets of categories, which Core ML's trees do not support; encode them instead"
        )
    condition = np.asarray(tree["split_conditions"], np.float32)  # of leaves the value
    limits = rounding_limit_below(condition)
    kept = _reached(left, right)  # pruned nodes are still in the arrays
    place = np.full(len(left) + 1, -1)  # the last for children of leaves, -1
    place[kept] = np.arange(len(kept))
    result.add(
        score,
        np.asarray(tree["split_indices"])[kept],
        limits[kept],
        place[left[kept]],
        place[right[kept]],
        weight * condition[kept].astype(np.float64),
        np.asarray(tree["default_left"], bool)[kept],
    )


def _reached(left: Any, right: Any) -> list[int]:
    found = [0]
    for node in found:
        if left[node] >= 0:
            found += [int(left[node]), int(right[node])]
    return found


# For graphml.convert -------------------------------------------------------------------------------------------------


class XGBoostSource(BoostingSource):
    """A model of XGBoost: an estimator, a Booster, or a file of one.

    Args:
        source: The estimator, the Booster or the path of the file.
        request: The request.

    Raises:
        SpecError: It is not a model of XGBoost.
    """

    def __init__(self, source: Any, request: ConversionRequest) -> None:
        super().__init__(request)
        self._origin = source
        self._content, self._rounds = _content(source)
        try:
            learner = self._content["learner"]
            self.objective = str(learner["objective"]["name"])
            booster = learner["gradient_booster"]
            trees = booster.get("gbtree", booster).get("model", {}).get("trees", ())
            self.kind, self.trees = str(booster["name"]), len(trees)
            self._columns = [str(name) for name in learner.get("feature_names", ())]
            written = ".".join(str(part) for part in self._content.get("version", ()))
        except (KeyError, TypeError, AttributeError) as error:
            raise SpecError(f"this is not a model of XGBoost in JSON: {type(error).__name__}: {error}") from None
        self.what = f"a model of XGBoost {written or version('xgboost')} ({self.objective})"

    @property
    def columns(self) -> Sequence[str] | None:
        return self._columns or None

    def convert(self, names: str | Sequence[str] | None, outputs: str | tuple[str, str] | None) -> Model:
        return _model(self._content, self._rounds, names, outputs, self.request.class_labels or None)

    def answers(self, table: Any) -> RowAnswers:
        xgboost = need("xgboost", "xgboost")
        booster = self._origin
        if hasattr(booster, "get_booster"):
            booster = booster.get_booster()
        elif not hasattr(booster, "save_raw"):
            booster = xgboost.Booster(model_file=str(self._origin))
        rows = table if hasattr(table, "toarray") else np.asarray(table, np.float64)
        found = booster.predict(
            xgboost.DMatrix(rows),
            output_margin=self.objective == "multi:softmax",
            iteration_range=(0, self._rounds or 0),
            validate_features=False,
        )
        if self.objective == "multi:softmax":  # it returns labels only
            found = np.exp(found - found.max(axis=1, keepdims=True))
            found /= found.sum(axis=1, keepdims=True)
        return self.labelled(found)
