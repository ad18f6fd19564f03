"""Activations: functions of each element, and softmax."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes

_X = numbers(2, 3, 4)


def _softmax(i, a):
    x = np.moveaxis(np.asarray(i["x"], np.float64), a["axis"], -1)
    y = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        powers = np.array([np.exp(v - max(x[place])) for v in x[place]])
        y[place] = powers / powers.sum()
    return np.moveaxis(y, -1, a["axis"])


@st.composite
def _draw_softmax(draw):
    x = draw(arrays(draw(shapes()), low=-9, high=9))
    return Case({"x": x}, {"axis": draw(st.integers(-x.ndim, x.ndim - 1))})


operation(
    "softmax",
    15,
    oracle=_softmax,
    base=Case({"x": _X}),
    vary={"axis": [0, 1, -3]},
    draw=_draw_softmax(),
    worked=[
        (Case({"x": np.float32([[0, np.log(3)], [5, 5]])}), [[0.25, 0.75], [0.5, 0.5]]),
        (Case({"x": np.float32([[0, np.log(3)], [0, np.log(3)]])}, {"axis": 0}), [[0.5, 0.5], [0.5, 0.5]]),
        (Case({"x": np.float32([1000, 1000, -1000])}), [0.5, 0.5, 0]),  # no overflow
    ],
    refuse=[
        (Case({"x": _X}, {"axis": 3}), "axis 3 is out of range for rank 3"),
        (Case({"x": np.float32(1)}), "axis -1"),
    ],
)
