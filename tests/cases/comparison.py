"""Comparisons and logic. The oracle compares each pair of numbers in Python."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers

_PAIRS = [((3,), (3,)), ((2, 3), (1,)), ((2, 3), (3,)), ((2, 1, 3), (4, 1)), ((1,), (1, 2, 1, 3)), ((2, 3, 2, 2),) * 2]


def _asks(question):
    def oracle(inputs, f):
        x, y = (inputs[0], inputs[1] if len(inputs) > 1 else np.float32([f.get("alpha", 0.0)]))
        cells = np.broadcast(x, y)
        return np.array([1.0 if question(float(a), float(b)) else 0.0 for a, b in cells]).reshape(cells.shape)

    return oracle


def _grid(shape, values=(-1.0, 0.0, 1.0)):
    """Numbers from a handful, so that equal ones occur."""
    return arrays(shape).map(lambda x: np.float32(values)[np.abs((x * 1000).astype(int)) % len(values)])


@st.composite
def _draw(draw, alpha):
    x, y = draw(st.sampled_from(_PAIRS))
    if alpha and draw(st.booleans()):
        return Case((draw(_grid(x)),), {"alpha": draw(st.sampled_from([-1.0, 0.0, 1.0]))})
    return Case((draw(_grid(x)), draw(_grid(y))), {"alpha": 0.0} if alpha else {})


_X, _Y = np.float32([[1, 2, 3], [0, -1, 2]]), np.float32([2, 2, 3])
_NAN = np.float32([np.nan, 1])
_COMPARISONS = {
    "equal": (lambda a, b: a == b, [0, 1, 0], [0, 1]),
    "notEqual": (lambda a, b: a != b, [1, 0, 1], [1, 0]),
    "lessThan": (lambda a, b: a < b, [1, 0, 0], [0, 0]),
    "lessEqual": (lambda a, b: a <= b, [1, 1, 0], [0, 1]),
    "greaterThan": (lambda a, b: a > b, [0, 0, 1], [0, 0]),
    "greaterEqual": (lambda a, b: a >= b, [0, 1, 1], [0, 1]),
}
for _kind, (_question, _against_two, _against_itself) in _COMPARISONS.items():
    kind(
        _kind,
        oracle=_asks(_question),
        base=Case((_X,), {"alpha": 2.0}),
        vary={"alpha": [0.0, -1.0], "inputs": [Case((_X, _Y)), Case((_Y, _X - 1))]},
        draw=_draw(True),
        worked=[
            (Case((np.float32([1, 2, 3]),), {"alpha": 2.0}), [_against_two]),
            (Case((_NAN, _NAN)), [_against_itself]),
        ],
        refuse=[(Case((numbers(2, 3), numbers(2))), "[2, 3]")],
    )

_TRUTH = (np.float32([0, 0, 2, -3]), np.float32([0, 5, 0, 5]))
_LOGIC = {
    "logicalAnd": (lambda a, b: a != 0 and b != 0, [0, 0, 0, 1]),
    "logicalOr": (lambda a, b: a != 0 or b != 0, [0, 1, 1, 1]),
    "logicalXor": (lambda a, b: (a != 0) != (b != 0), [0, 1, 1, 0]),
}
for _kind, (_question, _answers) in _LOGIC.items():
    kind(
        _kind,
        oracle=_asks(_question),
        base=Case((_TRUTH[0].reshape(4, 1), _TRUTH[1])),
        vary={},
        draw=_draw(False),
        worked=[(Case(_TRUTH), [_answers])],
        refuse=[(Case((numbers(2, 3), numbers(2))), "[2, 3]")],
    )

kind(
    "logicalNot",
    oracle=_asks(lambda a, b: a == 0),
    base=Case((_X,)),
    vary={},
    draw=_draw(False).map(lambda case: Case(case.inputs[:1])),
    worked=[(Case((np.float32([0, 0.5, -3]),)), [[1, 0, 0]])],
)
