"""The Bayesian probit model: bayesianProbitRegressor."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import FeatureError, GraphmlError
from graphml.interpreter.programs import Compiled, forms
from graphml.models.compile.random_keys import checked_key, fresh_seeds, key_of
from graphml.models.configuration import pick_device
from graphml.models.features.transforms import given, in_float64, traced
from graphml.models.interface.rows import Rows, rows_of
from graphml.models.model import Model, Traceable
from graphml.models.tabular.base import RowProgram, most_rows
from graphml.models.tabular.linear import probit

_SHIFT = 32  # a feature id and a value, of 32 bits each, make one key
# field that names an optional input -> its default: no shift, unscaled variance, no truncation
_NUMBERS = {
    "optimismInputFeatureName": 0.0,
    "samplingScaleInputFeatureName": 1.0,
    "samplingTruncationInputFeatureName": np.inf,
}


def score(weights: Any, features: Any) -> tuple[Any, Any]:
    """Mean and variance of the score: the bias plus one weight for each feature, selected by its value.

    Args:
        weights: See `BayesianProbit`.
        features: [n] with the value of feature i at index i, or [n, 2] with a feature and its value in each row. Values
            that have no weight add nothing.
    """
    features = features.astype(jnp.int64)
    if features.ndim == 1:
        features = jnp.stack([jnp.arange(features.shape[0]), features], axis=1)
    mean, variance = weights["bias"]
    if weights["key"].shape[0] == 0:
        return mean, variance
    feature, value = features[:, 0], features[:, 1]
    key = (feature << _SHIFT) | value
    at = jnp.minimum(jnp.searchsorted(weights["key"], key), weights["key"].shape[0] - 1)
    known = (weights["key"][at] == key) & (feature >= 0) & (value >= 0)
    of_values = jnp.where(known, weights["moments"][:, at], 0.0)
    return mean + jnp.sum(of_values[0]), variance + jnp.sum(of_values[1])


def probability(mean: Any, variance: Any) -> Any:
    """P(yes) for a score with this mean and variance."""
    return probit(mean / jnp.sqrt(variance + 1))


class BayesianProbit(Model):
    """P(yes) = Phi(m / sqrt(v + 1)) for discrete features, where m and v are the mean and the variance of their score.

    Optional outputs are m, v, the probability with m + optimism sqrt(v) instead of m, and a sampled probability Phi(s).
    Its score s is drawn from a normal distribution with mean m and standard deviation samplingScale sqrt(v), truncated
    at samplingTruncation standard deviations. `predict` and `predict_batch` take a `key` for it; without one, each call
    draws different numbers.

    Source: BayesianProbitRegressor (spec 2).
    """

    @property
    def trace_count(self) -> int:
        """How often the model was compiled: once for each power of two of rows and shape of the features."""
        return self._program.trace_count

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """The model as a function from {input: array} to {output: array}, in float64; see `RowModel.as_function`.

        It also takes a `key`, which is required if the model has a sampled probability.
        """
        weights, function, _ = self.traceable()
        return lambda inputs, key=None: function(weights, inputs, key)

    def traceable(self, *, stored: bool = False) -> Traceable:
        self.refuse_unless_usable()
        function = Compiled(self._of_inputs, which=lambda weights, *rest: forms(rest))
        return Traceable(self._program.weights, in_float64(function), self)

    def draws(self) -> bool:
        return bool(self._parameters.sampledProbabilityOutputFeatureName)

    def _of_inputs(self, weights: Any, inputs: Mapping[str, Any], key: Any = None) -> dict[str, Any]:
        numbers = self._numbers(inputs)
        arrays = {name: jnp.asarray(value, jnp.float64) for name, value in numbers.items()}
        features = jnp.asarray(inputs[self._parameters.regressionInputFeatureName])
        outputs = self._outputs(weights, features, arrays, key)
        return {f.name: traced(f, outputs[f.name]) for f in self.description.outputs}

    def _outputs(self, weights: Any, features: Any, numbers: Mapping[str, Any], key: Any) -> dict[str, Any]:
        message = self._parameters
        mean, variance = score(weights, features)
        deviation = jnp.sqrt(variance)
        out = {self.description.predicted_feature_name: probability(mean, variance)}
        optimistic = mean + numbers["optimismInputFeatureName"] * deviation
        named = {
            message.meanOutputFeatureName: mean,
            message.varianceOutputFeatureName: variance,
            message.pessimisticProbabilityOutputFeatureName: probability(optimistic, variance),
        }
        if self.draws():
            if key is None:
                raise FeatureError("the sampled probability needs random numbers: pass key=jax.random.key(...)")
            cut = numbers["samplingTruncationInputFeatureName"]
            drawn = jax.random.truncated_normal(key, -cut, cut, dtype=jnp.float64)
            drawn = mean + numbers["samplingScaleInputFeatureName"] * deviation * drawn
            named[message.sampledProbabilityOutputFeatureName] = probit(drawn)
        return out | {name: value for name, value in named.items() if name}

    # Predicting ------------------------------------------------------------------------------------------------------

    def predict(self, features: Mapping[str, Any], *, key: jax.Array | None = None) -> dict[str, Any]:
        """Run the model once; see `Model.predict`.

        Args:
            features: {input: value}.
            key: For the sampled probability; without it each call draws different numbers.
        """
        self.refuse_unless_usable()
        return self._predict(self._check(features), key=checked_key(key))

    def _predict(self, values: dict[str, Any], *, key: jax.Array | None = None) -> dict[str, Any]:
        return self._run([self._arrays(values)], key)[0]

    def predict_batch(self, rows: Rows, *, key: jax.Array | None = None) -> list[dict[str, Any]]:
        """Run the model for many inputs; rows with equally many features run together. See `Model.predict_batch`.

        Args:
            rows: The features of each row, or {input: its values in all rows}.
            key: For the sampled probability: each row draws the same numbers as `predict` with this key.
        """
        self.refuse_unless_usable()
        checked = []
        for number, row in enumerate(rows_of(rows)):
            try:
                checked.append(self._arrays(self._check(row)))
            except GraphmlError as error:
                raise error.in_context(f"row {number + 1}") from None
        return self._run(checked, checked_key(key))

    def _run(self, rows: list[dict[str, Any]], key: jax.Array | None) -> list[dict[str, Any]]:
        groups: dict[Any, list[int]] = {}
        for i, row in enumerate(rows):
            groups.setdefault(row["features"].shape, []).append(i)
        step = self._program.most
        parts = [group[i : i + step] for group in groups.values() for i in range(0, len(group), step)]
        seeds = self._seeds(len(rows), key)
        stacked = (
            {name: np.stack([rows[i][name] for i in part]) for name in rows[part[0]]} | {"seed": seeds[part]}
            for part in parts
        )
        out: list[Any] = [None] * len(rows)
        for part, results in zip(parts, self._program(stacked), strict=True):
            for place, i in enumerate(part):
                out[i] = {f.name: given(f, results[f.name][place]) for f in self.description.outputs}
        return out

    def _seeds(self, count: int, key: jax.Array | None) -> np.ndarray:
        """The key data for each row: from the key of the call, the same for all rows, otherwise random."""
        if key is None:
            return fresh_seeds(count)
        return np.tile(np.asarray(jax.random.bits(key, (2,), np.uint32)), (count, 1))

    def _arrays(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Checked values as arrays."""
        name = self._parameters.regressionInputFeatureName
        if name not in values:
            raise FeatureError(f"the feature {name!r} is missing and has no default")
        features = np.asarray(values[name])
        if features.ndim != 1 and (features.ndim != 2 or features.shape[1] != 2):
            raise FeatureError(f"features are an array [features] or [features, 2], got {list(features.shape)}")
        numbers = self._numbers(values)
        if not numbers["samplingTruncationInputFeatureName"] > 0:
            raise FeatureError(
                f"samplingTruncation must be positive, got {numbers['samplingTruncationInputFeatureName']}"
            )
        return {"features": features, **{name: np.float64(number) for name, number in numbers.items()}}

    def _numbers(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {field: values.get(getattr(self._parameters, field), usual) for field, usual in _NUMBERS.items()}

    def _row(self, weights: Any, row: Mapping[str, Any]) -> dict[str, Any]:
        return self._outputs(weights, row["features"], row, key_of(row["seed"]))

    # Computed on first use --------------------------------------------------------------------------------------------

    @property
    def _parameters(self) -> Any:
        return self._message.bayesianProbitRegressor

    @functools.cached_property
    def _weights(self) -> dict[str, np.ndarray]:
        message = self._parameters
        found = sorted(
            (
                feature.featureId << _SHIFT | weight.featureValue,
                weight.featureWeight.mean,
                weight.featureWeight.precision,
            )
            for feature in message.features
            for weight in feature.weights
        )
        means, precisions = np.array([f[1] for f in found]), np.array([f[2] for f in found])
        return {
            "key": np.array([f[0] for f in found], np.uint64).astype(np.int64),
            "moments": np.stack([means, 1 / precisions]),
            "bias": np.array([message.bias.mean, 1 / message.bias.precision]),
        }

    @functools.cached_property
    def _program(self) -> RowProgram:
        device = pick_device(self.configuration)
        sizes = [np.prod(f.array.shape) for f in self.description.inputs if f.array is not None and f.array.shape]
        run = jax.vmap(self._row, in_axes=(None, 0))
        return RowProgram(run, self._weights, device, most_rows(4 * int(max(sizes, default=64)), device))
