"""Ensembles of decision trees: treeEnsembleRegressor and treeEnsembleClassifier."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import UnsupportedError
from graphml.interpreter.budget import check_shape
from graphml.models.tabular.base import RowModel
from graphml.models.tabular.linear import reference_class, two_classes
from graphml.spec import trees
from graphml.spec.enums import enum_name
from graphml.spec.trees import EQUAL, GREATER, GREATER_EQUAL, LESS, NOT_EQUAL, Nodes

# Flags in a question, stored with the index of its feature, if the nodes of an ensemble differ in them.
_STRICT, _EQUAL, _NAN, _FEATURE = 1 << 28, 1 << 29, 1 << 30, (1 << 28) - 1

_MANY = 1 << 14  # walks from which on the unfinished ones are gathered
# Largest table with all values of all leaves, and largest table with only the stored values.
_DENSE, _MOST = 1 << 24, 1 << 27


@dataclass(frozen=True)
class Form:
    """Facts about an ensemble that decide how it is compiled.

    Attributes:
        depth: Depth of the deepest leaf.
        typical: Median depth of the leaves.
        test: "<=", "<" or "==" if all branches compare in this way, else "mixed".
        nan: Whether NaN leads to the second child of a branch.
        values: How leaves store their values: "one" number each; "class", one number each, for the same class in all
            leaves of a tree; "dense" or "sparse" vectors.
    """

    depth: int
    typical: int
    test: str
    nan: bool
    values: str


def arrays(nodes: Nodes, base: np.ndarray) -> tuple[dict[str, np.ndarray], Form]:
    """Arrange the nodes of valid trees so that rows can walk through them.

    The nodes of a tree are contiguous and sorted by depth, and the two children of a branch are adjacent, so that the
    next node is first[node] or first[node] + 1. A leaf is its own first child and compares with NaN, which is never
    true, so that rows stay there.

    Args:
        nodes: The nodes of all trees.
        base: The base prediction, [dimensions].

    Returns:
        The weights of `sums`, and what is fixed when it is compiled.

    Raises:
        UnsupportedError: If the ensemble is too large.
    """
    reversed_ = np.isin(nodes.behavior, (GREATER_EQUAL, GREATER, NOT_EQUAL))  # the negated comparison is stored
    children = trees.links(nodes).children
    children[~reversed_] = children[~reversed_, ::-1]  # (if false, if true): if true, a row goes to the second child
    parents = np.bincount(children[children >= 0], minlength=len(children))
    levels = trees.levels(children, np.flatnonzero(parents == 0))
    order = np.concatenate(levels) if levels else np.empty(0, np.int64)
    order = order[np.argsort(nodes.tree[order], kind="stable")]
    place = np.empty_like(order)
    place[order] = np.arange(len(order))

    behavior, leaf = nodes.behavior[order], nodes.is_leaf[order]
    strict = np.isin(behavior, (LESS, GREATER_EQUAL))
    equal = np.isin(behavior, (EQUAL, NOT_EQUAL))
    # comparisons with NaN are false, so NaN goes to the first child unless the question has a flag
    nan = (nodes.missing_true[order] != reversed_[order]) & ~leaf
    kinds = np.unique(np.where(equal, 2, strict)[~leaf])
    test = ("<=", "<", "==")[kinds[0]] if len(kinds) == 1 else "<=" if len(kinds) == 0 else "mixed"

    question = np.where(leaf, 0, nodes.feature[order]).astype(np.int64)
    if question.size and question.max() > _FEATURE:
        raise UnsupportedError(f"a tree reads feature {question.max()}; at most {_FEATURE} is supported")
    if test == "mixed":
        question |= np.where(strict, _STRICT, 0) | np.where(equal, _EQUAL, 0)
    question |= np.where(nan, _NAN, 0)
    out = {
        "question": question.astype(np.int32),
        "threshold": np.where(leaf, np.nan, nodes.threshold[order]),
        "first": np.where(leaf, np.arange(len(order)), place[children[order, 0]]).astype(np.int32),
        "roots": np.sort(place[levels[0]]).astype(np.int32) if levels else np.empty(0, np.int32),
        "base": base,
    }
    values, kind = _values(nodes, order, place, len(base), out["roots"])
    depths = np.repeat(np.arange(len(levels)), [len(level) for level in levels])
    typical = int(np.median(depths[nodes.is_leaf[np.concatenate(levels)]])) if levels else 0
    return out | values, Form(max(0, len(levels) - 1), typical, test, bool(nan.any()), kind)


def _values(
    nodes: Nodes, order: np.ndarray, place: np.ndarray, dimensions: int, roots: np.ndarray
) -> tuple[dict[str, np.ndarray], str]:
    own = nodes.is_leaf[nodes.owner]  # values of branches have no meaning
    owner, index, value = place[nodes.owner[own]], nodes.index[own].astype(np.int64), nodes.value[own]
    count = len(order)
    single = np.bincount(owner, minlength=count)
    if dimensions == 1:
        return {"value": np.bincount(owner, value, count)}, "one"
    _, tree = np.unique(nodes.tree[order], return_inverse=True)
    classes = np.full(count, -1)  # the class of each tree, if it has only one
    classes[tree[owner]] = index
    if single.max(initial=0) <= 1 and np.array_equal(classes[tree[owner]], index) and np.isfinite(value).all():
        check_shape((len(roots), dimensions), np.float64)
        return {
            "value": np.bincount(owner, value, count),
            "class": (classes[tree[roots]][:, None] == np.arange(dimensions)).astype(np.float64),
        }, "class"
    leaves = np.flatnonzero(nodes.is_leaf[order])
    slot = np.zeros(count, np.int32)
    slot[leaves] = np.arange(len(leaves))
    if len(leaves) * dimensions <= _DENSE:
        table = np.zeros((len(leaves), dimensions))
        np.add.at(table, (slot[owner], index), value)
        return {"slot": slot, "value": table}, "dense"
    width = int(single.max(initial=0))
    if len(leaves) * width > _MOST:
        raise UnsupportedError(
            f"{len(leaves)} leaves with up to {width} values each are not supported: they need too much memory"
        )
    by_owner = np.argsort(owner, kind="stable")
    column = np.arange(len(owner)) - np.repeat(np.cumsum(single) - single, single)
    indices, table = np.zeros((len(leaves), width), np.int32), np.zeros((len(leaves), width))
    row = slot[owner[by_owner]]
    indices[row, column], table[row, column] = index[by_owner], value[by_owner]
    return {"slot": slot, "value": table, "index": indices}, "sparse"


def leaves(weights: Any, x: Any, form: Form) -> Any:
    """The leaf that each row reaches in each tree.

    All rows walk through one tree before the next one, so that its nodes stay in the caches. In uneven trees most rows
    arrive long before the last ones; rows that have not arrived are then gathered, up to a quarter of all at a time.

    Args:
        weights: See `arrays`.
        x: [n, features].
        form: See `arrays`.

    Returns:
        Indices of nodes, int32 [trees, n].
    """
    n, features = x.shape
    flat = jax.lax.stop_gradient(x).reshape(-1)
    plain = form.test != "mixed" and not form.nan

    def walk(at, start, steps):
        def step(_, at):
            question = _taken(weights["question"], at)
            value = _taken(flat, start + (question if plain else question & _FEATURE))
            second = _answer(value, _taken(weights["threshold"], at), question, form)
            return _taken(weights["first"], at) + second.astype(jnp.int32)

        return jax.lax.fori_loop(0, steps, step, at)

    start = jnp.arange(n, dtype=jnp.int32) * features
    roots = weights["roots"]
    at = jnp.broadcast_to(roots[:, None], (roots.shape[0], n))
    if at.size < max(4, _MANY) or form.depth < 1.5 * form.typical:
        return walk(at, start, form.depth)

    at = walk(at, start, form.typical).reshape(-1)
    start = jnp.tile(start, roots.shape[0])

    def gathered(state):
        at, walking = state
        late = jnp.nonzero(walking, size=at.size // 4, fill_value=0)[0].astype(jnp.int32)
        ahead = walk(_taken(at, late), _taken(start, late), (form.depth - form.typical + 1) // 2)
        at = at.at[late].set(ahead, mode="promise_in_bounds")
        return at, _taken(weights["first"], at) != at

    state = at, _taken(weights["first"], at) != at
    return jax.lax.while_loop(lambda state: state[1].any(), gathered, state)[0].reshape(-1, n)


def _taken(array: Any, at: Any) -> Any:
    return array.at[at].get(mode="promise_in_bounds")


def _answer(value: Any, threshold: Any, question: Any, form: Form) -> Any:
    if form.test == "mixed":
        equal, strict = (question & _EQUAL) != 0, (question & _STRICT) != 0
        answer = jnp.where(equal, value == threshold, jnp.where(strict, value < threshold, value <= threshold))
    else:
        answer = {"<=": jnp.less_equal, "<": jnp.less, "==": jnp.equal}[form.test](value, threshold)
    return answer | (((question & _NAN) != 0) & jnp.isnan(value)) if form.nan else answer


def sums(weights: Any, x: Any, form: Form) -> Any:
    """The base prediction plus the values of all leaves that a row reaches.

    Args:
        weights: See `arrays`.
        x: [n, features].
        form: See `arrays`.

    Returns:
        [n, dimensions].
    """
    base = jnp.broadcast_to(weights["base"], (x.shape[0], weights["base"].shape[0]))
    if weights["roots"].shape[0] == 0:
        return base
    at = leaves(weights, x, form)
    if form.values == "one":
        return base + jnp.sum(_taken(weights["value"], at), axis=0)[:, None]
    if form.values == "class":
        return base + jnp.dot(_taken(weights["value"], at).T, weights["class"], precision=jax.lax.Precision.HIGHEST)
    slot = _taken(weights["slot"], at)
    if form.values == "dense":
        return base + jnp.sum(_taken(weights["value"], slot), axis=0)
    n = x.shape[0]
    index, value = (_taken(weights[name], slot.T).reshape(n, -1) for name in ("index", "value"))
    return base.at[jnp.arange(n)[:, None], index].add(value)


def transformed(s: Any, transform: str) -> Any:
    """Apply a post-evaluation transform.

    Args:
        s: Sums, [n, dimensions].
        transform: Its name in the format.
    """
    if transform == "Classification_SoftMax":
        return jax.nn.softmax(s, axis=-1)
    if transform == "Regression_Logistic":
        return jax.nn.sigmoid(s)
    return reference_class(s) if transform == "Classification_SoftMaxWithZeroClassReference" else s


class TreeEnsemble(RowModel):
    """The sum of the predictions of many decision trees, transformed.

    Thresholds are compared as float64; on CPUs numbers below 2.3e-308 count as zero. An optional input that is left out
    is a missing value, NaN. In a classifier of two classes with one dimension, the sum is the score of the second
    class: its probability is the sum itself without a transform, else the logistic function of the sum.

    Source: TreeEnsembleRegressor, TreeEnsembleClassifier.
    """

    missing = np.nan

    @functools.cached_property
    def _decoded(self) -> tuple[dict[str, np.ndarray], Form, int]:
        ensemble = self._parameters.treeEnsemble
        nodes = trees.read(ensemble)
        asked = nodes.feature[~nodes.is_leaf]
        width = int(asked.max()) + 1 if asked.size else 0
        return *arrays(nodes, np.array(ensemble.basePredictionValue, np.float64)), width

    @property
    def _weights(self) -> dict[str, np.ndarray]:
        return self._decoded[0]

    @property
    def _widths(self) -> tuple[int, int | None]:
        return self._decoded[2], None

    @property
    def _elements_per_row(self) -> int:
        weights, form, width = self._decoded
        each = weights["value"].shape[-1] if form.values in ("dense", "sparse") else 1
        return max(width, len(weights["roots"]) * each)

    @functools.cached_property
    def _transform(self) -> str:
        return enum_name(self._parameters, "postEvaluationTransform")

    def _compute(self, weights: Any, rows: Any) -> Any:
        s = sums(weights, rows, self._decoded[1])
        if self._classes is None:
            return transformed(s, self._transform)
        if len(self._classes.labels) == 2 and s.shape[-1] == 1:
            plain = self._transform == "NoTransform"
            p = two_classes(s, 1 - s) if plain else two_classes(jax.nn.sigmoid(s), jax.nn.sigmoid(-s))
        else:
            p = transformed(s, self._transform)
        return jnp.argmax(p, axis=-1), p
