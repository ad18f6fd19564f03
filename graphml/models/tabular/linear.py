"""Linear models: glmRegressor and glmClassifier."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.models.tabular.base import RowModel
from graphml.spec.enums import enum_name


def probit(z: Any) -> Any:
    """Phi(z), the cumulative distribution function of the standard normal distribution."""
    return jax.scipy.special.ndtr(z)


_LINKS: dict[str, Callable[[Any], Any]] = {"NoTransform": lambda z: z, "Logit": jax.nn.sigmoid, "Probit": probit}


def scores(weights: Any, x: Any) -> Any:
    """w . x + b for each row of weights.

    Args:
        weights: {"weights": [rows, features], "offset": [rows]}.
        x: [n, features].

    Returns:
        [n, rows].
    """
    return jnp.dot(x, weights["weights"].T, precision=jax.lax.Precision.HIGHEST) + weights["offset"]


def two_classes(second: Any, first: Any) -> Any:
    """Join the probabilities [n, 1] of the second and the first class to [n, 2], first class first."""
    return jnp.concatenate([first, second], axis=-1)


def reference_class(z: Any) -> Any:
    """Softmax of scores [n, rows] and of 0, the score of the first class: [n, rows + 1]."""
    return jax.nn.softmax(jnp.concatenate([jnp.zeros_like(z[..., :1]), z], axis=-1), axis=-1)


def one_against_rest(z: Any) -> Any:
    """Logistic probabilities of scores [n, classes], scaled to a sum of 1."""
    # tiny probabilities are close to exp(z), and their sum may underflow to zero
    tiny = jnp.max(z, axis=-1, keepdims=True) < -40
    p = jax.nn.sigmoid(jnp.where(tiny, 0.0, z))
    return jnp.where(tiny, jax.nn.softmax(z, axis=-1), p / jnp.sum(p, axis=-1, keepdims=True))


class LinearModel(RowModel):
    """y = link(w . x + b), or the probabilities of classes from such scores.

    With two classes P(second) = link(w . x + b). With more, the probabilities are the softmax with a score of 0 for the
    first class (ReferenceClass), or the link of each score divided by their sum (OneVsRest).

    Source: GLMRegressor, GLMClassifier.
    """

    @functools.cached_property
    def _weights(self) -> dict[str, np.ndarray]:
        message = self._parameters
        return {
            "weights": np.array([row.value for row in message.weights], np.float64),
            "offset": np.array(message.offset, np.float64),
        }

    @property
    def _widths(self) -> tuple[int, int | None]:
        width = self._weights["weights"].shape[1]
        return width, width

    @property
    def _elements_per_row(self) -> int:
        return max(self._weights["weights"].shape)

    @functools.cached_property
    def _link(self) -> str:
        return enum_name(self._parameters, "postEvaluationTransform")

    def _compute(self, weights: Any, rows: Any) -> Any:
        z = scores(weights, rows)
        if self._classes is None:
            return _LINKS[self._link](z)
        if len(self._classes.labels) == 2:
            p = two_classes(_LINKS[self._link](z), _LINKS[self._link](-z))
        elif self._parameters.classEncoding == self._parameters.OneVsRest:
            p = one_against_rest(z)
        else:
            p = reference_class(z)
        return jnp.argmax(p, axis=-1), p
