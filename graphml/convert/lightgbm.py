"""Models of LightGBM, read from the text that LightGBM itself writes.

LightGBM compares float64 numbers by `x <= threshold`, as Core ML does, but treats numbers up to 1e-35 as 0. Only
thresholds that close to 0 are changed, so that each row reaches the same leaves. NaN depends on the branch: it has a
separate direction, or counts as 0.
"""

# models of LightGBM and the results of np.where are untyped
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphml.build.messages import Labels
from graphml.convert.boosting import Boosting, BoostingSource
from graphml.convert.estimators import RowAnswers
from graphml.convert.request import ConversionRequest
from graphml.errors import GraphmlError, SpecError, UnsupportedError, need
from graphml.models import Model, load

_PLAIN = (
    "regression",
    "regression_l1",
    "huber",
    "fair",
    "quantile",
    "mape",
    "lambdarank",
    "rank_xendcg",
    "custom",
)
_CATEGORICAL, _DEFAULT_LEFT = 1, 2  # bits of decision_type; the next two say what is missing:
_ZERO_IS_MISSING, _NAN_IS_MISSING = 1, 2
_ZERO = float(np.float32(1e-35))  # numbers up to this count as zero


def from_lightgbm(
    source: Any,
    input_features: str | Sequence[str] | None = None,
    output_feature_names: str | tuple[str, str] | None = None,
    class_labels: Labels | None = None,
) -> Model:
    """Convert a model of LightGBM.

    Args:
        source: An LGBMClassifier, LGBMRegressor or other estimator of LightGBM, a Booster, the path of a file that
            `save_model` wrote, or its content. LightGBM is needed only for the first two.
        input_features: The name of one array of all features, or a name for each feature. Default: an array "input".
        output_feature_names: The name of the output; for a classifier also (label, probabilities). Default:
            "prediction", or "classLabel" and "classProbability".
        class_labels: The labels of a classifier. Default: those of an LGBMClassifier, otherwise 0, 1, 2 ...

    Returns:
        The model.

    Raises:
        UnsupportedError: If Core ML has no equivalent; the message says for what.
        SpecError: If the source is not such a model, or the number of names is not that of features.
    """
    text = _text(getattr(source, "booster_", source))
    return _model(
        text, input_features, output_feature_names, _own_labels(source) if class_labels is None else class_labels
    )


def _own_labels(source: Any) -> Labels | None:
    classes = getattr(source, "classes_", None)
    return None if classes is None else np.asarray(classes).tolist()


def _model(text: str, inputs: Any, names: Any, classes: Labels | None) -> Model:
    try:
        spec = _converted(text, inputs, names, classes)
    except GraphmlError:
        raise
    except (KeyError, IndexError, ValueError, OverflowError) as error:
        raise SpecError(f"this is not a model of LightGBM: {type(error).__name__}: {error}") from None
    return load(spec)


def _text(source: Any) -> str:
    if hasattr(source, "model_to_string"):
        return str(source.model_to_string())
    if isinstance(source, os.PathLike) or (isinstance(source, str) and not source.startswith("tree\n")):
        try:
            source = Path(source).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            source = None
    if not isinstance(source, str) or not source.startswith("tree\n"):
        raise SpecError("a model of LightGBM is an estimator, a Booster, or the text that save_model writes")
    return source


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """The header, then the trees, each as {key: value}."""
    block: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "Tree" or line == "end of trees":
            yield block
            block = {}
            if line == "end of trees":
                return
        block[key] = value
    raise ValueError("the line 'end of trees' is missing")


def _converted(text: str, inputs: Any, names: Any, classes: Labels | None) -> Any:
    header, *trees = _blocks(text)
    objective, *options = header.get("objective", "custom").split()
    scores, factor, logistic = int(header["num_tree_per_iteration"]), 1.0, False
    settings = {option.partition(":")[0]: option.partition(":")[2] for option in options}
    if objective == "binary":
        factor = float(settings["sigmoid"])
    elif objective == "cross_entropy":
        logistic = True
    elif objective != "multiclass" and (objective not in _PLAIN or options == ["sqrt"]):
        what = " ".join([objective, *options])
        raise UnsupportedError(
            f"the objective is {what!r}, whose prediction Core ML's trees cannot compute from the sum; those that can "
            f"be converted: {', '.join(sorted(('binary', 'multiclass', 'cross_entropy', *_PLAIN)))}"
        )
    if objective in ("binary", "multiclass"):
        classes = list(range(max(2, scores))) if classes is None else classes
    elif classes is not None:
        raise SpecError(f"class labels are given, but {objective!r} is not a classification objective")
    if "average_output" in header:  # a random forest
        factor /= len(trees) // scores
    result = Boosting(inputs, int(header["max_feature_idx"]) + 1, [0.0] * scores, classes, names, logistic=logistic)
    for number, tree in enumerate(trees):
        _add(result, number % scores, tree, factor)
    return result.spec


def _add(result: Boosting, score: int, tree: dict[str, str], factor: float) -> None:
    """Branches come first, then the leaves, to which negative children point."""
    if tree.get("is_linear", "0") != "0":
        raise UnsupportedError("its leaves are linear models (linear_tree), which Core ML's trees do not support")
    values = factor * _numbers(tree["leaf_value"])
    threshold = _with_tiny_as_zero(_numbers(tree.get("threshold", "")))
    branches = len(threshold)
    decisions = _numbers(tree.get("decision_type", "")).astype(int)
    if np.any(decisions & _CATEGORICAL):
        raise UnsupportedError(
            "a tree tests for sets of categories, which Core ML's trees do not support; encode them instead"
        )
    left, right = (_numbers(tree.get(f"{side}_child", "")).astype(int) for side in ("left", "right"))
    left, right = (np.where(child >= 0, child, branches - 1 - child) for child in (left, right))  # ~leaf = -1 - leaf
    leaves = np.full(len(values), -1)
    result.add(
        score,
        np.concatenate([_numbers(tree.get("split_feature", "")).astype(int), leaves]),
        np.concatenate([threshold, leaves]),
        np.concatenate([left, leaves]),
        np.concatenate([right, leaves]),
        np.concatenate([np.zeros(branches), values]),
        np.concatenate([_missing_left(decisions, threshold), leaves > 0]),
    )


def _with_tiny_as_zero(threshold: Any) -> Any:
    """The thresholds for unmodified numbers, where LightGBM compares 0 in place of tiny ones."""
    tiny = np.abs(threshold) <= _ZERO
    return np.where(tiny, np.where(threshold < 0, np.nextafter(-_ZERO, -np.inf), _ZERO), threshold)


def _missing_left(decisions: Any, threshold: Any) -> Any:
    """Whether NaN goes left."""
    default = (decisions & _DEFAULT_LEFT) != 0
    missing = decisions >> 2 & 3
    zero = missing == _ZERO_IS_MISSING
    if np.any(zero & np.where(default, threshold < _ZERO, threshold >= -_ZERO)):
        raise UnsupportedError(
            "a tree sends 0, as a missing value, to another child than its threshold does (zero_as_missing)"
        )
    return np.where(zero | (missing == _NAN_IS_MISSING), default, threshold >= 0)  # otherwise NaN counts as 0


def _numbers(text: str) -> Any:
    return np.array(text.split(), np.float64)


# For graphml.convert -------------------------------------------------------------------------------------------------


class LightGBMSource(BoostingSource):
    """A model of LightGBM: an estimator, a Booster, or a file of one.

    Args:
        source: The estimator, the Booster or the path of the file.
        request: The request.

    Raises:
        SpecError: It is not a model of LightGBM.
    """

    kind = "gbdt"

    def __init__(self, source: Any, request: ConversionRequest) -> None:
        super().__init__(request)
        self._booster = getattr(source, "booster_", source)
        self._text, self._labels = _text(self._booster), _own_labels(source)
        try:
            header, *trees = _blocks(self._text)
        except ValueError as error:
            raise SpecError(f"this is not a model of LightGBM: {error}") from None
        self.trees = len(trees)
        self._columns = header.get("feature_names", "").split()
        self.what = f"a model of LightGBM ({header.get('objective', 'custom')})"

    @property
    def columns(self) -> Sequence[str] | None:
        return self._columns or None

    def convert(self, names: str | Sequence[str] | None, outputs: str | tuple[str, str] | None) -> Model:
        return _model(self._text, names, outputs, self.request.class_labels or self._labels)

    def answers(self, table: Any) -> RowAnswers:
        booster = self._booster
        if not hasattr(booster, "model_to_string"):
            booster = need("lightgbm", "lightgbm").Booster(model_str=self._text)
        return self.labelled(booster.predict(table if hasattr(table, "toarray") else np.asarray(table, np.float64)))
