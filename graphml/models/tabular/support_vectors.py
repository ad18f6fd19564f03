"""Support vector machines as libsvm computes them: supportVectorRegressor and supportVectorClassifier."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import UnsupportedError
from graphml.models.tabular.base import RowModel

_MOST = 1 << 27  # elements in all support vectors, after sparse ones are made dense
_HIGHEST = jax.lax.Precision.HIGHEST


def dense(message: Any, width: int | None) -> np.ndarray:
    """The support vectors of a message as a dense array.

    Args:
        message: A SupportVectorRegressor or SupportVectorClassifier message.
        width: The number of features; None: of sparse vectors as many as they use.

    Returns:
        float64 [vectors, features].

    Raises:
        UnsupportedError: If the array would be too large.
    """
    kind = message.WhichOneof("supportVectors")
    vectors = getattr(message, kind).vectors
    if kind == "denseSupportVectors":
        rows = np.array([vector.values for vector in vectors], np.float64)
        return rows if len(vectors) else np.zeros((0, width or 0))
    last = max((node.index for vector in vectors for node in vector.nodes), default=0)
    last = last if width is None else width
    if len(vectors) * last > _MOST:
        raise UnsupportedError(
            f"{len(vectors)} support vectors of {last} features are not supported: they need too much memory"
        )
    rows = np.zeros((len(vectors), last))
    for row, vector in zip(rows, vectors, strict=True):
        row[[node.index - 1 for node in vector.nodes]] = [node.value for node in vector.nodes]
    return rows


def kernel(message: Any, x: Any, vectors: Any) -> Any:
    """The kernel K(x, s) of rows and support vectors.

    Args:
        message: A Kernel message.
        x: [n, features].
        vectors: [vectors, features], or with fewer features, which are then zero.

    Returns:
        [n, vectors].
    """
    vectors = jnp.pad(vectors, ((0, 0), (0, x.shape[1] - vectors.shape[1])))
    kind = message.WhichOneof("kernel")
    if kind == "rbfKernel":
        return jnp.exp(-message.rbfKernel.gamma * _squared_distance(x, vectors))
    product = _dot(x, vectors)
    if kind == "linearKernel":
        return product
    parameters = getattr(message, kind)
    z = parameters.gamma * product + parameters.c
    return jnp.tanh(z) if kind == "sigmoidKernel" else jax.lax.integer_pow(z, parameters.degree)


def _dot(a: Any, b: Any) -> Any:
    return jnp.dot(a, b.T, precision=_HIGHEST)


def _squared_distance(x: Any, vectors: Any) -> Any:
    """|x - s|^2 by a matrix product, which is several times faster than by differences.

    Coordinates relative to the mean of the vectors keep the rounding error small. Large and infinite values are
    clipped: at that distance all kernel values are equal.
    """
    middle = jnp.sum(vectors, axis=0) / max(1, vectors.shape[0])
    limit = jnp.sqrt(jnp.finfo(x.dtype).max) / 1e4
    x, vectors = jnp.clip(x - middle, -limit, limit), vectors - middle
    squares = jnp.sum(x * x, axis=1)[:, None] + jnp.sum(vectors * vectors, axis=1)
    return jnp.maximum(squares - 2 * _dot(x, vectors), 0)


def decisions(weights: Any, values: Any, counts: tuple[int, ...]) -> Any:
    """The decision value of each pair of classes, positive for the first class.

    Args:
        weights: {"coefficients": [classes - 1, vectors], "rho": [pairs]}.
        values: Kernel values, [n, vectors], sorted by class.
        counts: The number of vectors of each class.

    Returns:
        [n, pairs], in the order of `pairs`.
    """
    ends = np.cumsum((0, *counts))
    coefficients = weights["coefficients"]
    parts = [jnp.dot(values[:, a:b], coefficients[:, a:b].T, precision=_HIGHEST) for a, b in itertools.pairwise(ends)]
    sums = jnp.stack(parts, axis=1)  # [n, class of the vectors, row of coefficients]
    first, second = pairs(len(counts))
    return sums[:, first, second - 1] + sums[:, second, first] - weights["rho"]


def pairs(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the first and the second class of each pair: (0, 1), (0, 2) ... (1, 2) ..."""
    return np.triu_indices(classes, 1)


def votes(decision: Any, classes: int) -> Any:
    """The number of pairs that each class wins; an undecided pair counts for its second class.

    Args:
        decision: [n, pairs].
        classes: The number of classes.

    Returns:
        [n, classes].
    """
    first, second = pairs(classes)
    return jnp.sum(jax.nn.one_hot(jnp.where(decision > 0, first, second), classes, dtype=decision.dtype), axis=1)


def pairwise(decision: Any, a: Any, b: Any, classes: int) -> Any:
    """The probability of each class against each other class.

    Args:
        decision: See `decisions`.
        a: The scale of the logistic function of each pair, [pairs].
        b: Its offset, [pairs].
        classes: The number of classes.

    Returns:
        [n, classes, classes], zero on the diagonal.
    """
    first, second = pairs(classes)
    p = jnp.clip(jax.nn.sigmoid(-(a * decision + b)), 1e-7, 1 - 1e-7)
    out = jnp.zeros((decision.shape[0], classes, classes), decision.dtype)
    return out.at[:, first, second].set(p).at[:, second, first].set(1 - p)


def _quadratic(r: Any) -> Any:
    """The matrix of the quadratic form whose minimum fits probabilities of classes to those of pairs."""
    off = -r.T * r
    return off + jnp.diag(jnp.sum(r * r, axis=0))


@jax.custom_jvp
def coupled(r: Any) -> Any:
    """The probabilities of three or more classes that best fit those of all pairs.

    The iteration stops where libsvm's does, with a precision of two or three digits. Derivatives are those of the exact
    minimum.

    Source: Wu, Lin and Weng 2004, second approach.

    Args:
        r: Probabilities of pairs, [classes, classes], zero on the diagonal.

    Returns:
        [classes].
    """
    count = r.shape[0]
    q = _quadratic(r)

    def off(state):
        p, step = state
        qp = q @ p
        return (step < max(100, count)) & ~(jnp.max(jnp.abs(qp - p @ qp)) < 0.005 / count)

    def iteration(state):
        p, step = state
        qp = q @ p

        def one(t, state):
            p, qp, pqp = state
            move = (pqp - qp[t]) / q[t, t]
            pqp = (pqp + move * (move * q[t, t] + 2 * qp[t])) / (1 + move) ** 2
            return p.at[t].add(move) / (1 + move), (qp + move * q[t]) / (1 + move), pqp

        return jax.lax.fori_loop(0, count, one, (p, qp, p @ qp))[0], step + 1

    start = jnp.full(count, 1 / count, r.dtype)
    return jax.lax.while_loop(off, iteration, (start, jnp.asarray(0)))[0]


@coupled.defjvp
def _coupled_jvp(primals, tangents):
    # at the minimum all elements of Q p are equal, and sum(p) = 1
    (r,), (dr,) = primals, tangents
    p = coupled(r)
    q, dq = jax.jvp(_quadratic, (r,), (dr,))
    count = r.shape[0]
    ones = jnp.ones((count, 1), r.dtype)
    system = jnp.block([[q, -ones], [ones.T, jnp.zeros((1, 1), r.dtype)]])
    return p, jnp.linalg.solve(system, jnp.append(-dq @ p, 0.0))[:count]


class SupportVectors(RowModel):
    """A weighted sum of kernels, or one such sum for each pair of classes.

    Like libsvm, a classifier returns the class that wins most pairs (the first of several), even if another class has a
    higher probability. If the file has no parameters for probabilities, the probability of a class is the share of
    pairs that it wins.

    Source: SupportVectorRegressor, SupportVectorClassifier.
    """

    @functools.cached_property
    def _weights(self) -> dict[str, np.ndarray]:
        message = self._parameters
        weights = {"vectors": dense(message, self._declared_width), "rho": np.array(message.rho, np.float64)}
        if self._classes is None:
            return weights | {"coefficients": np.array(message.coefficients.alpha, np.float64)}
        rows = np.array([row.alpha for row in message.coefficients], np.float64)
        weights["coefficients"] = rows.reshape(len(message.coefficients), len(weights["vectors"]))
        if message.probA:
            weights |= {"a": np.array(message.probA, np.float64), "b": np.array(message.probB, np.float64)}
        return weights

    @property
    def _widths(self) -> tuple[int, int | None]:
        width = self._weights["vectors"].shape[1]
        sparse = self._parameters.WhichOneof("supportVectors") == "sparseSupportVectors"
        return width, None if sparse else width

    @property
    def _elements_per_row(self) -> int:
        classes = 1 if self._classes is None else len(self._classes.labels)
        return sum(self._weights["vectors"].shape) + classes**2

    def _compute(self, weights: Any, rows: Any) -> Any:
        message = self._parameters
        values = kernel(message.kernel, rows, weights["vectors"])
        if self._classes is None:
            return (jnp.dot(values, weights["coefficients"], precision=_HIGHEST) - weights["rho"])[:, None]
        classes = len(self._classes.labels)
        if classes == 1:
            return jnp.zeros(len(rows), int), jnp.ones((len(rows), 1))
        decision = decisions(weights, values, tuple(message.numberOfSupportVectorsPerClass))
        won = votes(decision, classes)
        if "a" in weights:
            r = pairwise(decision, weights["a"], weights["b"], classes)
            # for two classes libsvm (since version 3.23) uses the probability of their only pair
            p = jnp.stack([r[:, 0, 1], r[:, 1, 0]], axis=1) if classes == 2 else jax.vmap(coupled)(r)
        else:
            p = won / (classes * (classes - 1) // 2)
        return jnp.argmax(won, axis=-1), p
