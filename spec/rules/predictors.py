"""Rules of the models that predict from features without being networks: linear models, support vectors, trees, the
Bayesian probit model, the recommender, identity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from graphml.errors import with_article
from graphml.spec.rules.interface import fixed_size
from graphml.spec.rules.problems import Problem, first_few, unknown_values
from graphml.spec.rules.trees import ensemble_problems
from graphml.spec.wire.model_pb2 import FeatureDescription, Model


def predictor_problems(model: Model) -> Iterator[Problem]:
    """Everything wrong with a model of one of the kinds in `PREDICTORS`, apart from its description as such."""
    kind = model.WhichOneof("Type") or ""
    yield from PREDICTORS[kind](model)


# Rows -----------------------------------------------------------------------------------------------------------------


def row_width(inputs: Iterable[FeatureDescription]) -> int | None:
    """How many numbers the inputs make together; None where an array has no fixed shape."""
    width = 0
    for feature in inputs:
        if feature.type.WhichOneof("Type") == "multiArrayType":
            size = fixed_size(feature.type.multiArrayType)
            if size is None:
                return None
            width += size
        else:
            width += 1
    return width


def _numbers(model: Model) -> Iterator[Problem]:
    """All inputs together are one row of numbers."""
    for feature in model.description.input:
        kind = feature.type.WhichOneof("Type")
        if kind not in ("int64Type", "doubleType", "multiArrayType", None):
            what = f"has the type {kind}; {with_article(model.WhichOneof('Type'))} takes numbers and arrays of numbers"
            yield Problem(f"input {feature.name!r}", what)


def _answer_size(model: Model, count: int) -> Iterator[Problem]:
    """What a regressor computes, `count` numbers, fits into the output that carries it."""
    name = model.description.predictedFeatureName
    for feature in model.description.output:
        kind = feature.type.WhichOneof("Type")
        if feature.name != name:
            yield Problem(f"output {feature.name!r}", f"is not predictedFeatureName, {name!r}; nothing gives it")
        elif kind == "doubleType" and count != 1:
            yield Problem(f"output {name!r}", f"is one number, but the model computes {count}")
        elif kind == "multiArrayType":
            size = fixed_size(feature.type.multiArrayType)
            if size not in (count, None):
                yield Problem(f"output {name!r}", f"has {size} elements, but the model computes {count}")


def _classes(message: Any, where: str) -> tuple[int, list[Problem]]:
    """How many classes a classifier has, and what is wrong with their labels."""
    member = message.WhichOneof("ClassLabels")
    labels = list(getattr(message, member).vector) if member else []
    if not labels:
        return 0, [Problem(where, "has no class labels")]
    repeated = [label for label, count in Counter(labels).items() if count > 1]
    if repeated:
        return len(labels), [Problem(where, f"has the class label {repeated[0]!r} more than once", "warning")]
    return len(labels), []


def _class_outputs(model: Model) -> Iterator[Problem]:
    """A classifier gives a label and probabilities, and no other outputs."""
    description = model.description
    label = description.predictedFeatureName if description.predictedFeatureName else "classLabel"
    dictionaries = [f.name for f in description.output if f.type.WhichOneof("Type") == "dictionaryType"]
    yield from _given(model, {label, description.predictedProbabilitiesName, *dictionaries[:1]})


# Linear models --------------------------------------------------------------------------------------------------------


def _linear_rows(message: Any, width: int | None, where: str) -> Iterator[Problem]:
    if not message.weights:
        yield Problem(where, "has no weights")
    if len(message.weights) != len(message.offset):
        yield Problem(where, f"has {len(message.weights)} rows of weights and {len(message.offset)} offsets")
    lengths = [len(row.value) for row in message.weights]
    expected = width if width is not None else next(iter(lengths), 0)
    what = "features" if width is not None else "in the first row"
    for position in first_few(i for i, length in enumerate(lengths) if length != expected):
        yield Problem(where, f"row {position + 1} has {lengths[position]} weights; there are {expected} {what}")
    if lengths and expected == 0:
        yield Problem(where, "has rows without weights")


def _glm_regressor(model: Model) -> Iterator[Problem]:
    where, message = "linear model", model.glmRegressor
    yield from _numbers(model)
    yield from _linear_rows(message, row_width(model.description.input), where)
    yield from unknown_values(message, "postEvaluationTransform", where)
    yield from _answer_size(model, len(message.weights))


def _glm_classifier(model: Model) -> Iterator[Problem]:
    where, message = "linear model", model.glmClassifier
    yield from _numbers(model)
    yield from _class_outputs(model)
    yield from _linear_rows(message, row_width(model.description.input), where)
    yield from unknown_values(message, "postEvaluationTransform", where)
    yield from unknown_values(message, "classEncoding", where)
    classes, faults = _classes(message, where)
    yield from faults
    if not classes:
        return
    if classes == 1:
        yield Problem(where, "has one class; two are the fewest")
        return
    rest = message.classEncoding == message.OneVsRest
    rows = classes if rest and classes > 2 else classes - 1
    if len(message.weights) != rows:
        encoding = "OneVsRest" if rest else "ReferenceClass"
        what = f"has {len(message.weights)} rows of weights; {encoding} with {classes} classes has {rows}"
        yield Problem(where, what)
    if message.postEvaluationTransform == message.Probit and classes > 2:
        yield Problem(where, f"is probit with {classes} classes; probit is for two")


# Support vectors ------------------------------------------------------------------------------------------------------


def _kernel(kernel: Any, where: str) -> Iterator[Problem]:
    kind = kernel.WhichOneof("kernel")
    if kind is None:
        yield Problem(where, "has no kernel, or one that is newer than this reader")
        return
    parameters = getattr(kernel, kind)
    for field in ("gamma", "degree"):
        value = getattr(parameters, field, 0)
        if not value >= 0:
            yield Problem(where, f"{field} is {value}; it must not be negative")


def _vectors(message: Any, width: int | None, where: str) -> tuple[int, list[Problem]]:
    """How many support vectors there are, and what is wrong with them."""
    kind = message.WhichOneof("supportVectors")
    if kind is None:
        return 0, [Problem(where, "has no support vectors, neither sparse nor dense")]
    vectors = getattr(message, kind).vectors
    found: list[Problem] = []
    if kind == "denseSupportVectors":
        lengths = [len(vector.values) for vector in vectors]
        expected = width if width is not None else next(iter(lengths), 0)
        for position in first_few(i for i, length in enumerate(lengths) if length != expected):
            what = f"has {lengths[position]} values; there are {expected} "
            what += "features" if width is not None else "in the first"
            found.append(Problem(f"support vector {position + 1}", what))
        return len(vectors), found
    for position in first_few(i for i, vector in enumerate(vectors) if _sparse_fault(vector, width)):
        found.append(Problem(f"support vector {position + 1}", _sparse_fault(vectors[position], width)))
    return len(vectors), found


def _sparse_fault(vector: Any, width: int | None) -> str:
    indices = [node.index for node in vector.nodes]
    if indices and min(indices) < 1:
        return f"has the index {min(indices)}; the first is 1"
    if indices and width is not None and max(indices) > width:
        return f"has the index {max(indices)}; there are {width} features"
    return "has an index more than once" if len(set(indices)) < len(indices) else ""


def _svm_regressor(model: Model) -> Iterator[Problem]:
    where, message = "support vectors", model.supportVectorRegressor
    yield from _numbers(model)
    yield from _kernel(message.kernel, where)
    count, faults = _vectors(message, row_width(model.description.input), where)
    yield from faults
    if len(message.coefficients.alpha) != count:
        yield Problem(where, f"has {len(message.coefficients.alpha)} coefficients for {count} vectors")
    yield from _answer_size(model, 1)


def _svm_classifier(model: Model) -> Iterator[Problem]:
    where, message = "support vectors", model.supportVectorClassifier
    yield from _numbers(model)
    yield from _class_outputs(model)
    yield from _kernel(message.kernel, where)
    count, faults = _vectors(message, row_width(model.description.input), where)
    yield from faults
    classes, faults = _classes(message, where)
    yield from faults
    if not classes:
        return
    per_class = list(message.numberOfSupportVectorsPerClass)
    if len(per_class) != classes:
        yield Problem(where, f"counts vectors of {len(per_class)} classes; there are {classes}")
    elif min(per_class) < 0 or sum(per_class) != count:
        yield Problem(where, f"counts {per_class[:10]} vectors in the classes; there are {count}")
    if len(message.coefficients) != classes - 1:
        yield Problem(
            where, f"has {len(message.coefficients)} rows of coefficients; {classes} classes have {classes - 1}"
        )
    for position in first_few(i for i, row in enumerate(message.coefficients) if len(row.alpha) != count):
        what = f"row {position + 1} has {len(message.coefficients[position].alpha)} coefficients for {count} vectors"
        yield Problem(where, what)
    pairs = classes * (classes - 1) // 2
    if len(message.rho) != pairs:
        yield Problem(where, f"has {len(message.rho)} numbers rho; {classes} classes make {pairs} pairs")
    for field in ("probA", "probB"):
        length = len(getattr(message, field))
        if length != pairs and (message.probA or message.probB):
            yield Problem(where, f"has {length} numbers {field}; {classes} classes make {pairs} pairs")


# Trees ----------------------------------------------------------------------------------------------------------------


def _tree_regressor(model: Model) -> Iterator[Problem]:
    message = model.treeEnsembleRegressor
    yield from _numbers(model)
    yield from ensemble_problems(message, row_width(model.description.input))
    dimensions = message.treeEnsemble.numPredictionDimensions
    yield from _answer_size(model, dimensions + (message.postEvaluationTransform == _ZERO_REFERENCE))


def _tree_classifier(model: Model) -> Iterator[Problem]:
    message = model.treeEnsembleClassifier
    yield from _numbers(model)
    yield from _class_outputs(model)
    yield from ensemble_problems(message, row_width(model.description.input))
    classes, faults = _classes(message, "trees")
    yield from faults
    if not classes:
        return
    dimensions = message.treeEnsemble.numPredictionDimensions
    legal = [classes - 1] if message.postEvaluationTransform == _ZERO_REFERENCE else [classes]
    if classes == 2 and 1 not in legal:
        legal = [1, *legal]
    if dimensions not in legal:
        sizes = " or ".join(map(str, legal))
        what = f"has {dimensions} prediction dimensions; {classes} classes with this transform have {sizes}"
        yield Problem("trees", what)


_ZERO_REFERENCE = 3  # Classification_SoftMaxWithZeroClassReference


# The Bayesian probit model --------------------------------------------------------------------------------------------

_PROBIT_INPUTS = {
    "regressionInputFeatureName": "multiArrayType",
    "optimismInputFeatureName": "doubleType",
    "samplingScaleInputFeatureName": "doubleType",
    "samplingTruncationInputFeatureName": "doubleType",
}
_PROBIT_OUTPUTS: dict[str, str | tuple[str, ...]] = dict.fromkeys(
    (
        "meanOutputFeatureName",
        "varianceOutputFeatureName",
        "pessimisticProbabilityOutputFeatureName",
        "sampledProbabilityOutputFeatureName",
    ),
    "doubleType",
)


def _probit(model: Model) -> Iterator[Problem]:
    where, message = "probit model", model.bayesianProbitRegressor
    yield from _names(model, message, _PROBIT_INPUTS, "input", required=("regressionInputFeatureName",))
    yield from _names(model, message, _PROBIT_OUTPUTS, "output")
    given = {getattr(message, field) for field in _PROBIT_OUTPUTS} | {model.description.predictedFeatureName}
    yield from _given(model, given)
    gaussians = [("the bias", message.bias)]
    for feature in message.features:
        gaussians += [
            (f"the weight of value {weight.featureValue} of feature {feature.featureId}", weight.featureWeight)
            for weight in feature.weights
        ]
    for name, gaussian in first_few((n, g) for n, g in gaussians if not g.precision > 0):
        yield Problem(where, f"{name} has the precision {gaussian.precision}; it must be positive")
    ids = Counter(feature.featureId for feature in message.features)
    for feature in first_few(feature for feature, count in ids.items() if count > 1):
        yield Problem(where, f"feature {feature} is there more than once")
    if message.numberOfFeatures:
        for feature in first_few(feature for feature in ids if feature >= message.numberOfFeatures):
            what = f"has weights for feature {feature}; numberOfFeatures is {message.numberOfFeatures}"
            yield Problem(where, what)
    for feature in message.features:
        values = Counter(weight.featureValue for weight in feature.weights)
        for value in first_few(value for value, count in values.items() if count > 1):
            yield Problem(where, f"feature {feature.featureId} has the value {value} more than once")


# The recommender ------------------------------------------------------------------------------------------------------

_ITEMS = ("dictionaryType", "sequenceType")
_RECOMMENDER_INPUTS = {
    "itemInputFeatureName": _ITEMS,
    "numRecommendationsInputFeatureName": "int64Type",
    "itemRestrictionInputFeatureName": _ITEMS,
    "itemExclusionInputFeatureName": _ITEMS,
}
_RECOMMENDER_OUTPUTS = {
    "recommendedItemListOutputFeatureName": "sequenceType",
    "recommendedItemScoreOutputFeatureName": "dictionaryType",
}


def _recommender(model: Model) -> Iterator[Problem]:
    where, message = "recommender", model.itemSimilarityRecommender
    yield from _names(model, message, _RECOMMENDER_INPUTS, "input", required=("itemInputFeatureName",))
    yield from _names(model, message, _RECOMMENDER_OUTPUTS, "output")
    given = {getattr(message, field) for field in _RECOMMENDER_OUTPUTS} - {""}
    if not given:
        yield Problem(where, "names neither a list of items nor their scores as an output")
    yield from _given(model, given)
    strings, numbers = message.itemStringIds.vector, message.itemInt64Ids.vector
    if strings and numbers:
        yield Problem(where, "calls its items both by strings and by integers")
    yield from _item_types(model, bool(strings))
    names = strings if strings else numbers
    if len(set(names)) < len(names):
        yield Problem(where, "has a name for two items")
    entries = message.itemItemSimilarities
    bases = Counter(entry.itemId for entry in entries)
    for item in first_few(item for item, count in bases.items() if count > 1):
        yield Problem(where, f"item {item} has two lists of similar items")
    if names:
        ids = set(bases) | {similar.itemId for entry in entries for similar in entry.similarItemList}
        for item in first_few(sorted(item for item in ids if item >= len(names))):
            yield Problem(where, f"has item {item}, but names for {len(names)} items")


def _item_types(model: Model, strings: bool) -> Iterator[Problem]:
    """Everywhere items are called in the same way: by strings, or by integers."""
    message = model.itemSimilarityRecommender
    wanted = "string" if strings else "int64"
    for fields, what, features in (
        (_RECOMMENDER_INPUTS, "input", model.description.input),
        (_RECOMMENDER_OUTPUTS, "output", model.description.output),
    ):
        names = {getattr(message, field) for field in fields}
        for feature in features:
            kind = feature.type.WhichOneof("Type")
            if feature.name not in names or kind not in _ITEMS:
                continue
            member = getattr(feature.type, kind).WhichOneof("KeyType" if kind == "dictionaryType" else "Type")
            if member and not member.startswith(wanted):
                yield Problem(f"{what} {feature.name!r}", f"holds {member}, but items are called by {wanted}s")


# Identity -------------------------------------------------------------------------------------------------------------


def _identity(model: Model) -> Iterator[Problem]:
    types = {feature.name: feature.type.WhichOneof("Type") for feature in model.description.input}
    yield from _given(model, set(types))
    for feature in model.description.output:
        kind, source = feature.type.WhichOneof("Type"), types.get(feature.name)
        if source and kind and kind != source:
            yield Problem(f"output {feature.name!r}", f"has the type {kind}, the input of this name {source}")


# Names ----------------------------------------------------------------------------------------------------------------


def _names(
    model: Model, message: Any, fields: Mapping[str, str | tuple[str, ...]], what: str, required: tuple[str, ...] = ()
) -> Iterator[Problem]:
    """Fields of a message that name inputs or outputs: those exist and have the right type."""
    features = getattr(model.description, what)
    types = {feature.name: feature.type.WhichOneof("Type") for feature in features}
    for field, legal in fields.items():
        name = getattr(message, field)
        legal = (legal,) if isinstance(legal, str) else legal
        if not name:
            if field in required:
                yield Problem("model", f"{field} is empty")
        elif name not in types:
            yield Problem("model", f"{field} is {name!r}, which is not an {what}")
        elif types[name] is not None and types[name] not in legal:
            yield Problem(f"{what} {name!r}", f"has the type {types[name]}; as {field} it is {' or '.join(legal)}")


def _given(model: Model, names: set[str]) -> Iterator[Problem]:
    for feature in model.description.output:
        if feature.name not in names:
            yield Problem(f"output {feature.name!r}", "nothing in the model gives this")


PREDICTORS: Mapping[str, Callable[[Model], Iterator[Problem]]] = {
    "glmRegressor": _glm_regressor,
    "glmClassifier": _glm_classifier,
    "supportVectorRegressor": _svm_regressor,
    "supportVectorClassifier": _svm_classifier,
    "treeEnsembleRegressor": _tree_regressor,
    "treeEnsembleClassifier": _tree_classifier,
    "bayesianProbitRegressor": _probit,
    "itemSimilarityRecommender": _recommender,
    "identity": _identity,
}
"""Kind -> its rules."""
