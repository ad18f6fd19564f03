"""Which function converts each estimator, and how several of them become one model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from graphml.build.messages import finished
from graphml.build.pipelines import pipeline
from graphml.convert.sklearn import linear, others, preparation, trees
from graphml.convert.sklearn.facts import refuse, width
from graphml.convert.sklearn.flow import Column, Columns, Flow, Kind
from graphml.errors import GraphmlError, SpecError, UnsupportedError, need
from graphml.models import Model, load
from graphml.spec.renaming import rename

Predictor = Callable[[Any, Any, tuple[str, str]], Any]
Preparation = Callable[[Flow, Any, Columns], list[Column]]

_FORESTS = ("DecisionTree", "ExtraTree", "RandomForest", "ExtraTrees")

_PREDICTORS: Mapping[str, Predictor] = {
    **dict.fromkeys(linear.REGRESSORS, linear.regressor),
    **dict.fromkeys(linear.SCORERS, linear.scorer),
    "LogisticRegression": linear.logistic,
    "LogisticRegressionCV": linear.logistic,
    "LinearDiscriminantAnalysis": linear.logistic,
    "SGDClassifier": linear.sgd,
    "OneVsRestClassifier": linear.one_vs_rest,
    **{f"{name}Regressor": trees.regressor for name in _FORESTS},
    **{f"{name}Classifier": trees.classifier for name in _FORESTS},
    **{f"GradientBoosting{kind}": trees.gradient_boosting for kind in ("Regressor", "Classifier")},
    **{f"HistGradientBoosting{kind}": trees.histogram_boosting for kind in ("Regressor", "Classifier")},
    "SVR": others.support_vector_regression,
    "NuSVR": others.support_vector_regression,
    "SVC": others.support_vector_classification,
    "NuSVC": others.support_vector_classification,
    "KNeighborsClassifier": others.neighbors,
}

_PREPARATIONS: Mapping[str, Preparation] = {
    "StandardScaler": preparation.standard_scaler,
    "MinMaxScaler": preparation.min_max_scaler,
    "MaxAbsScaler": preparation.max_abs_scaler,
    "RobustScaler": preparation.robust_scaler,
    "Normalizer": preparation.normalizer,
    "SimpleImputer": preparation.imputer,
    "OneHotEncoder": preparation.one_hot_encoder,
    "OrdinalEncoder": preparation.ordinal_encoder,
    "DictVectorizer": preparation.dict_vectorizer,
    "FunctionTransformer": preparation.identity,
    **dict.fromkeys(("PCA", "TruncatedSVD"), preparation.projection),
    **dict.fromkeys(
        ("VarianceThreshold", "SelectKBest", "SelectPercentile", "SelectFromModel", "RFE", "RFECV"),
        preparation.selection,
    ),
}

_CONTAINERS = ("Pipeline", "ColumnTransformer", "FeatureUnion")
# Wrappers, which are converted as the estimator in this attribute.
_WRAPPERS = {
    "GridSearchCV": "best_estimator_",
    "RandomizedSearchCV": "best_estimator_",
    "RANSACRegressor": "estimator_",
}


def supported() -> tuple[str, ...]:
    """The names of the classes that `from_sklearn` converts."""
    return tuple(sorted({*_PREDICTORS, *_PREPARATIONS, *_CONTAINERS, *_WRAPPERS}))


def from_sklearn(
    estimator: Any,
    input_features: str | Sequence[str] | None = None,
    output_feature_names: str | tuple[str, str] | None = None,
) -> Model:
    """Convert a fitted estimator of scikit-learn: a regressor, a classifier, a transformer, or a pipeline of them.

    Args:
        estimator: The estimator. `supported()` has the names of its classes.
        input_features: The name of one array of all features; or a name for each feature, which is then a separate
            input. Default: one array "input"; if some features are strings or integers that an encoder reads, each is a
            separate input with the name that it had when the estimator was fitted, or x0, x1 ...; for a
            DictVectorizer one dictionary "input".
        output_feature_names: The name of the output; for a classifier also (label, probabilities). Default:
            "prediction" for a regressor, "classLabel" and "classProbability" for a classifier, "output" for a
            transformer. Classifiers without `predict_proba` return only the label.

    Returns:
        The model, which can predict, and be saved as a .mlmodel file.

    Raises:
        UnsupportedError: If Core ML has no equivalent, or the estimator is not fitted; the message says which step.
        SpecError: If the number of names is not that of features.
    """
    flow, inputs, names, columns = _flow(_unwrapped(estimator), input_features, output_feature_names)
    made = None if columns is None else _made(flow, columns)
    stages = flow.stages
    alone = next(iter(stages.values())) if len(stages) == 1 else None
    model = pipeline(stages, outputs=None if made is None else [made]) if alone is None else alone
    if made is not None:
        rename(model, made, names[0], inputs=False)
    if alone is not None:
        return load(alone)
    order = {column.name: place for place, column in enumerate(inputs)}  # as scikit-learn has them
    ordered = sorted(model.description.input, key=lambda feature: order[feature.name])
    del model.description.input[:]
    model.description.input.extend(ordered)
    return load(finished(model))


def _flow(
    estimator: Any, input_features: str | Sequence[str] | None = None, output: str | tuple[str, str] | None = None
) -> tuple[Flow, list[Column], tuple[str, str], Columns | None]:
    """The models of an estimator, its inputs, the names of its outputs, and the columns that it gives."""
    inputs = _inputs(estimator, _kinds(estimator), input_features)
    names = _names(estimator, output)
    flow = Flow(inputs, names)
    return flow, inputs, names, _apply(flow, estimator, inputs, names, is_last=True)


def steps(estimator: Any) -> Iterator[tuple[str, Any]]:
    """The estimators that others contain, each with the names of the steps that lead to it, such as "prepare.scale".

    Args:
        estimator: A fitted estimator.
    """
    name, inner = type(estimator).__name__, list[tuple[str, Any]]()
    if name in _WRAPPERS:
        yield from steps(getattr(estimator, _WRAPPERS[name]))
        return
    if name == "Pipeline":
        inner = list(estimator.steps)
    elif name in ("ColumnTransformer", "FeatureUnion"):
        inner = _members(estimator)
    elif estimator not in ("passthrough", None):
        yield "", estimator
    for step, member in inner:
        for path, found in steps(member):
            yield f"{step}.{path}" if path else step, found


def becomes(estimator: Any) -> str:
    """The kinds of models that one step becomes; empty if it has no effect.

    Args:
        estimator: A fitted estimator.

    Raises:
        UnsupportedError: Core ML has no equivalent.
    """
    stages = _flow(_unwrapped(estimator))[0].stages.values()
    return ", ".join(dict.fromkeys(model.WhichOneof("Type") for model in stages))


# Interface ------------------------------------------------------------------------------------------------------------


def _unwrapped(estimator: Any) -> Any:
    kind = cast("type[Any]", type(estimator))
    if not kind.__module__.startswith("sklearn."):
        what = f"{kind.__module__}.{kind.__qualname__}"
        raise UnsupportedError(f"{what} is not a class of scikit-learn; derived classes may behave differently")
    _refuse_unfitted(estimator)
    attribute = _WRAPPERS.get(kind.__name__)
    return estimator if attribute is None else _unwrapped(getattr(estimator, attribute))


def _refuse_unfitted(estimator: Any) -> None:
    try:
        need("sklearn.utils.validation", "sklearn").check_is_fitted(estimator)
    except need("sklearn.exceptions", "sklearn").NotFittedError:
        raise refuse(estimator, "it is not fitted; call fit first") from None


def _kinds(estimator: Any) -> list[Kind]:
    """The type of each feature that an estimator takes."""
    name = type(estimator).__name__
    if name == "Pipeline":
        first = next((step for _, step in estimator.steps if step not in ("passthrough", None)), None)
        if first is None:
            raise refuse(estimator, "it has no steps")
        return _kinds(_unwrapped(first))
    if name == "FeatureUnion":
        members = [_kinds(_unwrapped(member)) for _, member in _members(estimator)]
        return [max(group, key=lambda kind: kind != "double") for group in zip(*members, strict=True)]
    if name == "DictVectorizer":
        return ["dictionary"]
    kinds: list[Kind] = ["double"] * width(estimator)
    if name == "ColumnTransformer":
        for part, member, _ in estimator.transformers_:
            indices = estimator._transformer_to_input_indices[part]
            if member in ("drop", "passthrough"):
                continue
            for place, kind in zip(indices, _kinds(_unwrapped(member)) if len(indices) else [], strict=True):
                kinds[place] = kind if kinds[place] == "double" else kinds[place]
    elif name in ("OneHotEncoder", "OrdinalEncoder"):
        kinds = [preparation.category_kind(estimator, categories) for categories in estimator.categories_]
    return kinds


def _inputs(estimator: Any, kinds: Sequence[Kind], given: str | Sequence[str] | None) -> list[Column]:
    plain = set(kinds) == {"double"}
    if isinstance(given, str):
        if len(kinds) == 1 and not plain:
            return [Column(given, kinds[0])]
        if set(kinds) & {"string", "dictionary"}:
            raise SpecError(f"{given!r} cannot be one array: some of the {len(kinds)} features are strings")
        return [Column(given, "array", len(kinds))]
    if given is not None:
        if len(given) != len(kinds):
            raise SpecError(f"got {len(given)} names in input_features for {len(kinds)} features")
        return [Column(str(name), kind) for name, kind in zip(given, kinds, strict=True)]
    if plain:
        return [Column("input", "array", len(kinds))]
    if kinds == ["dictionary"]:
        return [Column("input", "dictionary")]
    fitted = getattr(estimator, "feature_names_in_", None)
    names = [f"x{place}" for place in range(len(kinds))] if fitted is None else np.asarray(fitted).tolist()
    return [Column(str(name), kind) for name, kind in zip(names, kinds, strict=True)]


def _names(estimator: Any, given: str | tuple[str, str] | None) -> tuple[str, str]:
    if isinstance(given, str):
        return given, "classProbability"
    if given is not None:
        return given[0], given[1]
    last: Any = estimator
    while type(last).__name__ == "Pipeline":
        last = _unwrapped(last.steps[-1][1]) if last.steps[-1][1] not in ("passthrough", None) else None
    if getattr(last, "classes_", None) is not None:
        return "classLabel", "classProbability"
    return ("prediction" if hasattr(last, "predict") else "output"), "classProbability"


# Steps ----------------------------------------------------------------------------------------------------------------


def _apply(flow: Flow, estimator: Any, columns: Columns, names: tuple[str, str], *, is_last: bool) -> Columns | None:
    """Add the models of an estimator. Returns the columns that it gives; None for a predictor."""
    name = type(estimator).__name__
    if name == "Pipeline":
        return _steps(flow, estimator, columns, names, is_last=is_last)
    if name in ("ColumnTransformer", "FeatureUnion"):
        return _side_by_side(flow, estimator, columns)
    if name in _PREPARATIONS:
        return _PREPARATIONS[name](flow, estimator, columns)
    if name not in _PREDICTORS:
        raise refuse(
            estimator, "no equivalent in Core ML is known; graphml.convert.sklearn.supported() lists what can be"
        )
    if not is_last:
        raise refuse(estimator, "only the last step may predict")
    one_array = name == "KNeighborsClassifier"
    inputs = flow.row(columns).name if one_array else flow.numeric_inputs(columns)
    flow.add(name, _PREDICTORS[name](estimator, inputs, names))
    return None


def _steps(flow: Flow, estimator: Any, columns: Columns, names: tuple[str, str], *, is_last: bool) -> Columns | None:
    found: Columns | None = columns
    for place, (step, member) in enumerate(estimator.steps):
        if member in ("passthrough", None):
            continue
        assert found is not None
        last = is_last and place == len(estimator.steps) - 1
        found = _within(step, member, flow, found, names, is_last=last)
    return found


def _side_by_side(flow: Flow, estimator: Any, columns: Columns) -> list[Column]:
    found: list[Column] = []
    for part, member in _members(estimator):
        own = columns
        if type(estimator).__name__ == "ColumnTransformer":
            own = flow.chosen(columns, [int(i) for i in estimator._transformer_to_input_indices[part]])
        if own and member != "passthrough":
            own = _within(part, member, flow, own, ("", ""), is_last=False)
            assert own is not None
        found += own
    return found


def _members(estimator: Any) -> list[tuple[str, Any]]:
    if type(estimator).__name__ == "FeatureUnion":
        if estimator.transformer_weights:
            raise refuse(estimator, "it has transformer_weights")
        return [pair for pair in estimator.transformer_list if pair[1] != "drop"]
    return [(name, member) for name, member, _ in estimator.transformers_ if member != "drop"]


def _within(
    step: str, member: Any, flow: Flow, columns: Columns, names: tuple[str, str], *, is_last: bool
) -> Columns | None:
    """`_apply`, with the name of the step in errors."""
    try:
        return _apply(flow, _unwrapped(member), columns, names, is_last=is_last)
    except GraphmlError as error:
        raise error.in_context(f"step {step!r} ({type(member).__name__})") from None


def _made(flow: Flow, columns: Columns) -> str:
    """The name of the array that a transformer gives."""
    name = flow.row(columns).name
    if not any(name == feature.name for model in flow.stages.values() for feature in model.description.output):
        raise UnsupportedError("this estimator has no effect, so there is no model to write")
    return name
