"""The eight functions of the unary layer.

The prose writes log x; Apple's runtime computes log(x + epsilon), as the tools around it expect.
"""

import math

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers, shapes

_X = numbers(2, 3, 2, low=0.2, high=3.0)
_OPERATIONS = ["SQRT", "RSQRT", "INVERSE", "POWER", "EXP", "LOG", "ABS", "THRESHOLD"]


def _one(v: float, name: str, alpha: float, epsilon: float) -> float:
    if name == "SQRT":
        return math.sqrt(v) if v >= 0 else math.nan
    if name == "RSQRT":
        return 1 / math.sqrt(v + epsilon) if v + epsilon > 0 else math.nan
    if name == "INVERSE":
        return 1 / (v + epsilon)
    if name == "POWER":
        if alpha == 0:
            return 1.0
        if v == 0:
            return 0.0 if alpha > 0 else math.inf
        result = v**alpha
        return math.nan if isinstance(result, complex) else result
    if name == "EXP":
        return math.exp(v)
    if name == "LOG":
        moved = v + epsilon
        return math.log(moved) if moved > 0 else -math.inf if moved == 0 else math.nan
    if name == "ABS":
        return v if v > 0 else -v
    return v if v > alpha else alpha


def _oracle(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    scale, shift, epsilon = f.get("scale") or 1.0, f.get("shift", 0.0), f.get("epsilon") or 1e-6
    y = np.empty_like(x)
    for place, v in np.ndenumerate(x):
        y[place] = _one(scale * float(v) + shift, f.get("type", "SQRT"), f.get("alpha", 0.0), epsilon)
    return y


@st.composite
def _draw(draw):
    name = draw(st.sampled_from(_OPERATIONS))
    fields = {
        "type": name,
        "alpha": draw(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, -1.0, 2.5, -0.75])),
        "epsilon": draw(st.sampled_from([0.0, 1e-3, 2.0])),
        "scale": draw(st.sampled_from([0.0, 1.0, -2.0, 0.5])),
        "shift": draw(st.sampled_from([0.0, 1.0, -0.5])),
    }
    x = draw(arrays(draw(shapes())))
    if name == "POWER" and draw(st.booleans()):
        fields |= {"shift": 0.0}
        x = np.zeros_like(x)
    if name in ("INVERSE", "RSQRT", "LOG"):  # away from poles and zeros, where the last bit of the input decides
        moved = (fields["scale"] or 1.0) * x + fields["shift"]
        moved = moved + (fields["epsilon"] or 1e-6)
        near = np.abs(moved - 1) if name == "LOG" else np.abs(moved)
        x = np.where((near < 0.05) | (np.abs(moved) < 0.05), np.float32(7), x)
    return Case((x,), fields)


kind(
    "unary",
    oracle=_oracle,
    base=Case((_X,), {"type": "RSQRT", "epsilon": 0.1}),
    vary={
        "type": _OPERATIONS[:1] + _OPERATIONS[2:],
        "alpha": [
            Case((_X,), {"type": name, "alpha": alpha})
            for name in ("POWER", "THRESHOLD")
            for alpha in (0.0, 2.0, 1.5, -2.0, 0.5, 70.0)
            if (name, alpha) != ("THRESHOLD", 70.0)
        ],
        "epsilon": [0.0, 2.0, *(Case((_X,), {"type": name, "epsilon": 2.0}) for name in ("INVERSE", "LOG"))],
        "shift": [0.5],
        "scale": [3.0],
    },
    draw=_draw(),
    worked=[
        (Case((np.float32([4, 0, 9]),), {"type": "SQRT"}), [[2, 0, 3]]),
        (Case((np.float32([3, 8]),), {"type": "RSQRT", "epsilon": 1.0}), [[0.5, 1 / 3]]),
        (Case((np.float32([3, -2]),), {"type": "INVERSE", "epsilon": 1.0}), [[0.25, -1]]),
        (Case((np.float32([2, -3]),), {"type": "POWER", "alpha": 3.0}), [[8, -27]]),
        (Case((np.float32([4, 0, -1]),), {"type": "POWER", "alpha": 1.5}), [[8, 0, np.nan]]),
        (Case((np.float32([-5, 0]),), {"type": "POWER"}), [[1, 1]]),
        (Case((np.float32([0, 1]),), {"type": "EXP"}), [[1, math.e]]),
        # log 0.5, log 1, log 4 and the log of what stays below zero; epsilon is a millionth unless it is set
        (Case((np.float32([0, 0.5, 3.5, -1]),), {"type": "LOG", "epsilon": 0.5}), [[-np.log(2), 0, np.log(4), np.nan]]),
        (Case((np.float32([0, 1]),), {"type": "LOG"}), [[-6 * np.log(10), 0]]),
        (Case((np.float32([-1]),), {"type": "LOG", "epsilon": 1.0}), [[-np.inf]]),
        (Case((np.float32([-2, 3]),), {"type": "ABS"}), [[2, 3]]),
        (Case((np.float32([-2, 3]),), {"type": "THRESHOLD", "alpha": 1.0}), [[1, 3]]),
        # scale before shift; a scale of zero means one
        (Case((np.float32([1, -2]),), {"type": "ABS", "scale": 2.0, "shift": 1.0}), [[3, 3]]),
        (Case((np.float32([1, -2]),), {"type": "ABS", "scale": 0.0, "shift": 1.0}), [[2, 1]]),
    ],
)
