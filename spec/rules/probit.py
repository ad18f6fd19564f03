"""Rules of the Bayesian probit model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from graphml.spec.rules.problems import Problem, first_few
from graphml.spec.rules.tabular import known_outputs, named_features
from graphml.spec.wire.model_pb2 import Model

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


def probit_regressor(model: Model) -> Iterator[Problem]:
    where, message = "probit model", model.bayesianProbitRegressor
    yield from named_features(model, message, _PROBIT_INPUTS, "input", required=("regressionInputFeatureName",))
    yield from named_features(model, message, _PROBIT_OUTPUTS, "output")
    given = {getattr(message, field) for field in _PROBIT_OUTPUTS} | {model.description.predictedFeatureName}
    yield from known_outputs(model, given)
    gaussians = [("the bias", message.bias)]
    for feature in message.features:
        gaussians += [
            (f"the weight of value {weight.featureValue} of feature {feature.featureId}", weight.featureWeight)
            for weight in feature.weights
        ]
    for name, gaussian in first_few((n, g) for n, g in gaussians if not g.precision > 0):
        yield Problem(where, f"the precision of {name} must be positive, got {gaussian.precision}")
    ids = Counter(feature.featureId for feature in message.features)
    for feature in first_few(feature for feature, count in ids.items() if count > 1):
        yield Problem(where, f"feature {feature} occurs more than once")
    if message.numberOfFeatures:
        for feature in first_few(feature for feature in ids if feature >= message.numberOfFeatures):
            what = f"has weights for feature {feature}; numberOfFeatures is {message.numberOfFeatures}"
            yield Problem(where, what)
    for feature in message.features:
        values = Counter(weight.featureValue for weight in feature.weights)
        for value in first_few(value for value, count in values.items() if count > 1):
            yield Problem(where, f"feature {feature.featureId} has the value {value} more than once")
