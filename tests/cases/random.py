"""Random layers. The numbers are not specified, so the oracle checks their shape and distribution."""

from statistics import NormalDist

import numpy as np
from hypothesis import strategies as st

from cases import Case, kind, numbers

_SEED = {"seed": "which numbers a seed leads to is tested in tests/ops/test_random_seeds.py"}
_SHAPES = [(100, 100), (10000,), (1, 50, 2, 100)]  # ten thousand numbers each
_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def _measure(outputs):
    """The shape, some quantiles, mean, spread, and the correlation of neighbours."""
    y = np.asarray(outputs[0], np.float64)
    alike = np.corrcoef(y.ravel()[:-1], y.ravel()[1:])[0, 1]
    return [np.array(y.shape), np.quantile(y, _LEVELS), np.array([y.mean(), y.std(), alike])]


def _measure_bits(outputs):
    y = np.asarray(outputs[0], np.float64)
    alike = np.corrcoef(y.ravel()[:-1], y.ravel()[1:])[0, 1]
    return [np.array(y.shape), np.array([y.min(), y.max(), y.mean(), alike])]


def _shape(inputs, f, form):
    if form == "Static":
        return f["output_shape"]
    return np.shape(inputs[0]) if form == "Like" else np.asarray(inputs[0])


def _normal(form):
    def oracle(inputs, f):
        curve = NormalDist()
        mean, spread = f.get("mean", 0.0), f.get("std_dev", 0.0)
        levels = [mean + spread * curve.inv_cdf(q) for q in _LEVELS]
        return np.array(_shape(inputs, f, form)), np.array(levels), np.array([mean, spread, 0.0])

    return oracle


def _uniform(form):
    def oracle(inputs, f):
        low, high = f.get("min_val", 0.0), f.get("max_val", 0.0)
        levels = [low + (high - low) * q for q in _LEVELS]
        moments = [(low + high) / 2, (high - low) / np.sqrt(12), 0.0]
        return np.array(_shape(inputs, f, form)), np.array(levels), np.array(moments)

    return oracle


def _bernoulli(form):
    def oracle(inputs, f):
        return np.array(_shape(inputs, f, form)), np.array([0.0, 1.0, f["prob"], 0.0])

    return oracle


def _case(form, shape, **fields):
    """A case of one of the three forms that gives `shape`."""
    if form == "Static":
        return Case((), {**fields, "output_shape": tuple(shape)})
    return Case((np.zeros(shape, np.float32) if form == "Like" else np.float32(shape),), fields)


def _draw(form, fields):
    fields = {"seed": st.integers(0, 2**32 - 1), **fields}
    return st.builds(lambda shape, f: _case(form, shape, **f), st.sampled_from(_SHAPES), st.fixed_dictionaries(fields))


def _facts(name, form, base, vary, worked, *, fields, refuse):
    refuse = [(_case(form, (2, 3), **given), words) for given, words in refuse]
    if form == "Dynamic":
        refuse.append((Case((np.float32([2, -1]),), base), "sizes must not be negative"))
        refuse.append((Case((np.float32([[2], [1]]),), base), "rank 1"))
    refuse.append((_case(form, (2,), **{**base, "seed": -1}), "pass key="))
    if form == "Static":
        vary = {**vary, "output_shape": [(50, 200), (10000,)]}
    else:
        vary = {**vary, "inputs": [_case(form, (50, 200), **base), _case(form, (10000,), **base)]}
    return {
        "base": _case(form, (100, 100), **base),
        "vary": vary,
        "draw": _draw(form, fields),
        "worked": [(_case(form, (2, 3), **given), [np.full((2, 3), value)]) for given, value in worked],
        "refuse": refuse,
        "unseen": _SEED,
        "rtol": 0,
    }


for _form in ("Like", "Static", "Dynamic"):
    kind(
        f"randomNormal{_form}",
        oracle=_normal(_form),
        measure=_measure,
        atol=0.15,  # 4.5 standard errors of the outer quantiles of ten thousand numbers
        **_facts(
            "Normal",
            _form,
            {"seed": 3, "mean": 0.5, "std_dev": 1.25},
            {"mean": [0.0, -2.0], "std_dev": [0.5]},
            [({"seed": 1, "mean": 4.0, "std_dev": 0.0}, 4.0)],
            fields={"mean": st.sampled_from([0.0, -3.0, 10.0]), "std_dev": st.sampled_from([0.5, 1.0, 1.5])},
            refuse=[],
        ),
    )
    kind(
        f"randomUniform{_form}",
        oracle=_uniform(_form),
        measure=_measure,
        atol=0.06,  # 4 standard errors of the median over a range of 3
        **_facts(
            "Uniform",
            _form,
            {"seed": 3, "min_val": -0.5, "max_val": 1.5},
            {"min_val": [0.0, -1.0], "max_val": [1.0]},
            [({"seed": 1, "min_val": 4.0, "max_val": 4.0}, 4.0)],
            fields={"min_val": st.sampled_from([0.0, -1.0]), "max_val": st.sampled_from([1.0, 2.0])},
            refuse=[({"min_val": 2.0, "max_val": 1.0}, "min_val 2.0 is above max_val 1.0")],
        ),
    )
    kind(
        f"randomBernoulli{_form}",
        oracle=_bernoulli(_form),
        measure=_measure_bits,
        atol=0.05,  # 4.5 standard errors of the correlation of ten thousand bits
        **_facts(
            "Bernoulli",
            _form,
            {"seed": 3, "prob": 0.25},
            {"prob": [0.5, 0.75]},
            [({"seed": 1, "prob": 1.0}, 1.0), ({"seed": 1, "prob": 0.0}, 0.0)],
            fields={"prob": st.sampled_from([0.1, 0.5, 0.9])},
            refuse=[({"prob": 1.5}, "prob must be between 0 and 1, got 1.5")],
        ),
    )


# Categorical ---------------------------------------------------------------------------------------------------------

_MOST = 4  # categories


def _measure_categories(outputs):
    y = np.asarray(outputs[0])
    assert np.isin(y, range(_MOST)).all()
    return [np.array(y.shape), np.stack([(y == k).mean(axis=-1) for k in range(_MOST)], axis=-1)]


def _categorical(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    weight = np.exp(x) if f.get("is_logits") else x + (f.get("eps") or 1e-10)
    weight = weight ** (1 / (f.get("temperature") or 1.0))
    share = weight / weight.sum(axis=-1, keepdims=True)
    share = np.concatenate([share, np.zeros((*x.shape[:-1], _MOST - x.shape[-1]))], axis=-1)
    return np.array([*x.shape[:-1], f["num_samples"]]), share


_P = np.float32([[0.5, 0.25, 0.25], [0.0, 0.1, 0.9]])


@st.composite
def _draw_categories(draw):
    shape = draw(st.sampled_from([(3,), (1,), (2, 4), (2, 1, 3)]))
    fields = {
        "seed": draw(st.integers(0, 2**32 - 1)),
        "num_samples": 10000,
        "is_logits": draw(st.booleans()),
        "eps": draw(st.sampled_from([0.0, 0.5])),
        "temperature": draw(st.sampled_from([0.0, 0.5, 2.0])),
    }
    return Case((numbers(*shape, low=0, high=1, seed=draw(st.integers(0, 9))),), fields)


kind(
    "categoricalDistribution",
    oracle=_categorical,
    measure=_measure_categories,
    base=Case((_P,), {"seed": 3, "num_samples": 10000}),
    vary={
        "num_samples": [8000],
        "is_logits": [True],
        "eps": [0.5],
        "temperature": [0.5, 2.0],
        "inputs": [Case((_P[0],), {"seed": 3, "num_samples": 10000})],
    },
    draw=_draw_categories(),
    worked=[
        (Case((np.float32([[0, 1, 0], [0, 0, 1]]),), {"num_samples": 4}), [[[1] * 4, [2] * 4]]),
        (Case((np.float32([50, 0, -50]),), {"num_samples": 2, "is_logits": True}), [[0, 0]]),
        # a high temperature makes all equally likely, a low one picks the largest
        (Case((np.float32([1, 0]),), {"num_samples": 3, "is_logits": True, "temperature": 1e-3}), [[0, 0, 0]]),
        (Case((np.float32([1, 0]),), {"num_samples": 0}), [np.zeros(0)]),
    ],
    refuse=[
        (Case((_P,), {"num_samples": -1}), "numSamples must not be negative, got -1"),
        (Case((_P,), {"num_samples": 2, "seed": -1}), "pass key="),
    ],
    unseen=_SEED,
    rtol=0,
    atol=0.025,  # 5 standard errors of a share of ten thousand
)
