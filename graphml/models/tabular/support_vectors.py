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

_MOST = 1 << 27  # numbers in all support vectors, when sparse ones are written out
_HIGHEST = jax.lax.Precision.HIGHEST


def dense(message: Any, width: int | None) -> np.ndarray:
    """The support vectors of a message as an array [vectors, features]; sparse ones with zeros between."""
    kind = message.WhichOneof("supportVectors")
    vectors = getattr(message, kind).vectors
    if kind == "denseSupportVectors":
        rows = np.array([vector.values for vector in vectors], np.float64)
        return rows if len(vectors) else np.zeros((0, width or 0))
    last = max((node.index for vector in vectors for node in vector.nodes), default=0)
    last = last if width is None else width
    if len(vectors) * last > _MOST:
        raise UnsupportedError(f"{len(vectors)} support vectors of {last} features are too many to run here")
    rows = np.zeros((len(vectors), last))
    for row, vector in zip(rows, vectors, strict=True):
        row[[node.index - 1 for node in vector.nodes]] = [node.value for node in vector.nodes]
    return rows


def kernel(message: Any, x: Any, vectors: Any) -> Any:
    """K(x, s) of a Kernel message: [n, vectors] from x [n, features] and the support vectors."""
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
    """|x - s|^2 by products, which is several times faster than by differences; measured from the middle of the vectors
    little is lost. Far away any two distances are alike: infinite numbers are taken for large ones."""
    middle = jnp.sum(vectors, axis=0) / max(1, vectors.shape[0])
    limit = jnp.sqrt(jnp.finfo(x.dtype).max) / 1e4
    x, vectors = jnp.clip(x - middle, -limit, limit), vectors - middle
    squares = jnp.sum(x * x, axis=1)[:, None] + jnp.sum(vectors * vectors, axis=1)
    return jnp.maximum(squares - 2 * _dot(x, vectors), 0)


def decisions(weights: Any, values: Any, counts: tuple[int, ...]) -> Any:
    """The decision of each pair of classes, positive for the first: [n, pairs] from kernel values [n, vectors].

    counts: how many vectors each class has; they lie in the order of the classes.
    """
    ends = np.cumsum((0, *counts))
    coefficients = weights["coefficients"]
    parts = [jnp.dot(values[:, a:b], coefficients[:, a:b].T, precision=_HIGHEST) for a, b in itertools.pairwise(ends)]
    sums = jnp.stack(parts, axis=1)  # [n, class of the vectors, row of coefficients]
    first, second = pairs(len(counts))
    return sums[:, first, second - 1] + sums[:, second, first] - weights["rho"]


def pairs(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The first and the second class of each pair: 01, 02 ... 12 ..."""
    return np.triu_indices(classes, 1)


def votes(decision: Any, classes: int) -> Any:
    """How many pairs each class wins: [n, classes] from [n, pairs]. A pair that is undecided counts for the second."""
    first, second = pairs(classes)
    return jnp.sum(jax.nn.one_hot(jnp.where(decision > 0, first, second), classes, dtype=decision.dtype), axis=1)


def pairwise(decision: Any, a: Any, b: Any, classes: int) -> Any:
    """The probability of class i against class j, [n, classes, classes], from the decisions and the two parameters of
    each pair."""
    first, second = pairs(classes)
    p = jnp.clip(jax.nn.sigmoid(-(a * decision + b)), 1e-7, 1 - 1e-7)
    out = jnp.zeros((decision.shape[0], classes, classes), decision.dtype)
    return out.at[:, first, second].set(p).at[:, second, first].set(1 - p)


def _quadratic(r: Any) -> Any:
    """Q of the quadratic form that fits probabilities [classes] to those of pairs r [classes, classes]."""
    off = -r.T * r
    return off + jnp.diag(jnp.sum(r * r, axis=0))


@jax.custom_jvp
def coupled(r: Any) -> Any:
    """The probabilities [classes] that fit those of all pairs best, r [classes, classes] with zeros on the diagonal.

    For three classes and more: two have one pair, and its probability is theirs.

    The iteration stops where libsvm's does, which is early: its answers are good to two or three digits. Derivatives
    are those of the exact minimum. Source: Wu, Lin and Weng 2004, second approach.
    """
    count = r.shape[0]
    q = _quadratic(r)

    def off(state):
        p, step = state
        qp = q @ p
        return (step < max(100, count)) & ~(jnp.max(jnp.abs(qp - p @ qp)) < 0.005 / count)

    def turn(state):
        p, step = state
        qp = q @ p

        def one(t, state):
            p, qp, pqp = state
            move = (pqp - qp[t]) / q[t, t]
            pqp = (pqp + move * (move * q[t, t] + 2 * qp[t])) / (1 + move) ** 2
            return p.at[t].add(move) / (1 + move), (qp + move * q[t]) / (1 + move), pqp

        return jax.lax.fori_loop(0, count, one, (p, qp, p @ qp))[0], step + 1

    start = jnp.full(count, 1 / count, r.dtype)
    return jax.lax.while_loop(off, turn, (start, jnp.asarray(0)))[0]


@coupled.defjvp
def _coupled_jvp(primals, tangents):
    # the minimum solves Q p = m, one number in all places, with sum(p) = 1
    (r,), (dr,) = primals, tangents
    p = coupled(r)
    q, dq = jax.jvp(_quadratic, (r,), (dr,))
    count = r.shape[0]
    ones = jnp.ones((count, 1), r.dtype)
    system = jnp.block([[q, -ones], [ones.T, jnp.zeros((1, 1), r.dtype)]])
    return p, jnp.linalg.solve(system, jnp.append(-dq @ p, 0.0))[:count]


class SupportVectors(RowModel):
    """A sum of kernels, or one for each pair of classes.

    A classifier answers with the class that wins most pairs, of several the first, as libsvm does, also where its most
    probable class is another one. Without the parameters of probabilities the number that stands for a class is its
    share of the pairs. Source: SupportVectorRegressor, SupportVectorClassifier.
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
    def _numbers_per_row(self) -> int:
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
            # of two classes libsvm takes the probability of their only pair as it is, from version 3.23 on
            p = jnp.stack([r[:, 0, 1], r[:, 1, 0]], axis=1) if classes == 2 else jax.vmap(coupled)(r)
        else:
            p = won / (classes * (classes - 1) // 2)
        return jnp.argmax(won, axis=-1), p
