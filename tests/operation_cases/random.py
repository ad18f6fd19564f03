"""Random numbers. They are not specified, so the oracle answers for their shape and distribution."""

from statistics import NormalDist

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, numbers, operation

_LEVELS = (0.05, 0.25, 0.6, 0.85, 0.95)
_SHAPE = np.int32([100, 100])
_SEED = {"seed": "which numbers a seed leads to is tested in tests/ops/test_random_operations.py"}
_UNLIKE = {"": "what the oracle answers for is measured, and no array of the shape"}


def _facts(shape, levels, moments):
    """Everything in one array: the shape with its rank, quantiles, mean and spread, the correlation of neighbours."""
    return np.concatenate([[len(shape)], shape, levels, moments, [0.0]])


def _measure(outputs):
    y = np.asarray(outputs[0], np.float64)
    alike = np.corrcoef(y.ravel()[:-1], y.ravel()[1:])[0, 1] if y.std() else 0.0
    return [
        _facts(y.shape, np.quantile(y, _LEVELS), [y.mean(), y.std()]) + np.eye(1, 9 + y.ndim, 8 + y.ndim)[0] * alike
    ]


def _number(i, name, default):
    return default if i[name] is None else float(i[name])


def _normal(i, a):
    mean, spread = _number(i, "mean", 0), _number(i, "stddev", 1)
    levels = [mean + spread * NormalDist().inv_cdf(level) for level in _LEVELS]
    return _facts(i["shape"], levels, [mean, spread])


def _uniform(i, a):
    low, high = _number(i, "low", 0), _number(i, "high", 1)
    levels = [low + (high - low) * level for level in _LEVELS]
    return _facts(i["shape"], levels, [(low + high) / 2, (high - low) / 12**0.5])


def _bernoulli(i, a):
    prob = _number(i, "prob", 0.5)
    return _facts(i["shape"], [float(level > 1 - prob) for level in _LEVELS], [prob, (prob * (1 - prob)) ** 0.5])


def _row(kind, oracle, worked, tolerance, **given):
    """A row whose parameters other than the shape are numbers."""
    base = Case({"shape": _SHAPE, **{name: np.float32(value) for name, value in given.items()}}, {"seed": 3})
    same = {name: np.float32(value) for name, value in worked.items()}
    (value,) = {v for v in worked.values() if v != 0} or {0.0}
    operation(
        kind,
        15,
        oracle=oracle,
        measure=_measure,
        base=base,
        vary={name: [None, np.float32(value * 0.8)] for name, value in given.items()}
        | {"shape": [np.int32([10000]), np.int32([50, 1, 200])]},
        draw=st.integers(0, 2**31 - 1).map(lambda seed: base.but(seed=seed)),
        worked=[(Case({"shape": np.int32([2, 3]), **same}, {"seed": 1}), _facts((2, 3), [value] * 5, [value, 0]))],
        refuse=[
            (base.but(shape=np.int32([2, -1])), "shape is [2, -1]; it must be a list of sizes"),
            (base.but(shape=np.int32([[2]])), "shape is [[2]]; it must be a list of sizes"),
        ],
        unseen=_SEED,
        unlike_coremltools=_UNLIKE,
        atol=tolerance,
        half=tolerance,
        why="the tolerances are about 4 standard errors of ten thousand numbers",
    )


_row("random_normal", _normal, {"mean": 4.0, "stddev": 0.0}, 0.15, mean=0.5, stddev=1.25)
_row("random_uniform", _uniform, {"low": 4.0, "high": 4.0}, 0.06, low=-0.5, high=1.5)
_row("random_bernoulli", _bernoulli, {"prob": 1.0}, 0.05, prob=0.3)

# Categories ----------------------------------------------------------------------------------------------------------

_MOST = 4  # categories
_P = np.float32([[0.5, 0.25, 0.25], [0.0, 0.1, 0.9]])
_BASE = Case({"x": _P}, {"mode": "probs", "size": 10000, "seed": 3})


def _shares(shape, shares):
    return np.concatenate([[len(shape)], shape, np.ravel(shares)])


def _measure_categories(outputs):
    y = np.asarray(outputs[0])
    assert np.isin(y, range(_MOST)).all()
    return [_shares(y.shape, np.stack([(y == k).mean(axis=-1) for k in range(_MOST)], axis=-1))]


def _categorical(i, a):
    x = np.asarray(i["x"], np.float64)
    weight = np.exp(x) if a["mode"] == "logits" else x
    weight = weight / weight.sum(axis=-1, keepdims=True)
    padded = np.concatenate([weight, np.zeros((*x.shape[:-1], _MOST - x.shape[-1]))], axis=-1)
    return _shares((*x.shape[:-1], a["size"]), padded)


@st.composite
def _draw_categories(draw):
    x = numbers(*draw(st.sampled_from([(3,), (1,), (2, 4), (2, 1, 3)])), low=0, high=1)
    return Case({"x": x}, {**_BASE.attributes, "mode": draw(st.sampled_from(["logits", "probs"]))})


operation(
    "random_categorical",
    15,
    oracle=_categorical,
    measure=_measure_categories,
    base=_BASE,
    vary={"mode": ["logits"], "size": [8000], "x": [_P[0], _P * 2]},
    draw=_draw_categories(),
    worked=[
        (
            Case({"x": np.float32([[0, 1, 0], [0, 0, 1]])}, {"mode": "probs", "size": 4, "seed": 1}),
            _shares((2, 4), [[0, 1, 0, 0], [0, 0, 1, 0]]),
        ),
        (Case({"x": np.float32([90, 0, -90])}, {"size": 2, "seed": 1}), _shares((2,), [1, 0, 0, 0])),
    ],
    refuse=[
        (_BASE.but(size=-1), "size is -1; it must not be negative"),
        (_BASE.but(mode="odds"), "mode is 'odds'; it must be one of logits, probs"),
        (_BASE.but(x=np.float32(1)), "x is a scalar"),
    ],
    unseen=_SEED,
    unlike_coremltools=_UNLIKE,
    atol=0.03,
    half=0.03,
    why="the tolerances are about 5 standard errors of shares of ten thousand draws",
)
