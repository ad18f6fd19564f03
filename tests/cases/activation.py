"""The thirteen activations."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers, shapes
from graphml.spec.attributes import Choice


def _oracle(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    name, own = f["nonlinearity_type"]
    a = own.get("alpha", f.get("alpha", 0.0))
    b = own.get("beta", f.get("beta", 0.0))
    if name in ("PReLU", "parametricSoftplus"):  # one number, or one for each channel (axis -3)
        a, b = (np.asarray(v, np.float64).reshape(-1, 1, 1) if np.size(v) > 1 else np.ravel(v)[0] for v in (a, b))
    match name:
        case "linear":
            return a * x + b
        case "ReLU":
            return np.where(x > 0, x, 0)
        case "leakyReLU" | "PReLU":
            return np.where(x > 0, x, a * x)
        case "thresholdedReLU":
            return np.where(x >= a, x, 0)
        case "tanh":
            return np.tanh(x)
        case "scaledTanh":
            return a * np.tanh(b * x)
        case "sigmoid":
            return 1 / (1 + np.exp(-x))
        case "sigmoidHard":
            return np.minimum(np.maximum(a * x + b, 0), 1)
        case "ELU":
            return np.where(x >= 0, x, a * (np.exp(x) - 1))
        case "softsign":
            return x / (1 + np.abs(x))
        case "softplus":
            return np.log(1 + np.exp(x))
        case "parametricSoftplus":
            return a * np.log(1 + np.exp(b * x))


_SCALARS = {
    "linear": {"alpha": 1.5, "beta": 0.25},
    "ReLU": {},
    "leakyReLU": {"alpha": 0.3},
    "thresholdedReLU": {"alpha": 0.7},
    "tanh": {},
    "scaledTanh": {"alpha": 1.7, "beta": 0.6},
    "sigmoid": {},
    "sigmoidHard": {"alpha": 0.2, "beta": 0.5},
    "ELU": {"alpha": 0.9},
    "softsign": {},
    "softplus": {},
}
_PER_CHANNEL = numbers(3, low=0.1, high=0.9)
_PRELU = {"nonlinearity_type": Choice("PReLU"), "alpha": _PER_CHANNEL}
_PARAMETRIC = {"nonlinearity_type": Choice("parametricSoftplus"), "alpha": _PER_CHANNEL, "beta": _PER_CHANNEL + 1}
_X = numbers(2, 3, 2, 2)


@st.composite
def _draw(draw):
    name = draw(st.sampled_from([*_SCALARS, "PReLU", "parametricSoftplus"]))
    if name in _SCALARS:
        own = {key: draw(st.sampled_from([-0.5, 0.0, 0.25, 1.0, 2.0])) for key in _SCALARS[name]}
        return Case((draw(arrays(draw(shapes()))),), {"nonlinearity_type": Choice(name, own)})
    fields = {"nonlinearity_type": Choice(name), "alpha": draw(arrays((draw(st.sampled_from([1, 3])),)))}
    if name == "parametricSoftplus":
        fields["beta"] = draw(arrays(fields["alpha"].shape))
    return Case((draw(arrays(draw(st.sampled_from([(3, 2, 2), (2, 3, 4, 2), (1, 1, 3, 2, 2)])))),), fields)


kind(
    "activation",
    oracle=_oracle,
    base=Case((_X,), {"nonlinearity_type": Choice("linear", {"alpha": 2.0, "beta": 1.0})}),
    vary={
        "nonlinearity_type": [Choice(name, own) for name, own in _SCALARS.items()],
        "alpha": [Case((_X,), _PRELU), Case((_X,), {**_PRELU, "alpha": np.float32([0.2])})],
        "beta": [Case((_X,), _PARAMETRIC), Case((_X,), {**_PARAMETRIC, "beta": _PER_CHANNEL})],
    },
    draw=_draw(),
    worked=[
        (Case((np.float32([-2, 0, 3]),), {"nonlinearity_type": Choice("leakyReLU", {"alpha": 0.5})}), [[-1, 0, 3]]),
        (Case((np.float32([-2, 1, 3]),), {"nonlinearity_type": Choice("thresholdedReLU", {"alpha": 1})}), [[0, 1, 3]]),
        # zero is a value: alpha 0 of a leaky ReLU is a ReLU
        (Case((np.float32([-2, 1]),), {"nonlinearity_type": Choice("leakyReLU", {"alpha": 0})}), [[0, 1]]),
    ],
)
