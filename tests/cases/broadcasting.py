"""Arithmetic that broadcasts. The oracle walks over pairs of Python numbers."""

import math

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers

_SHAPES = [
    ((3,), (3,)),
    ((2, 3), (1,)),
    ((2, 3), (3,)),
    ((2, 1, 3), (4, 1)),
    ((1,), (1, 2, 1, 3)),
    ((2, 3, 2, 2), (2, 3, 2, 2)),
    ((0, 3), (1, 3)),
]


def _pairwise(function):
    def two(x, y):
        cells = np.broadcast(x, y)
        return np.array([function(float(a), float(b)) for a, b in cells], np.float64).reshape(cells.shape)

    def oracle(inputs, f):
        result = inputs[0]
        for other in inputs[1:]:
            result = two(result, other)
        return result

    return oracle


def _divide(a, b):
    if b == 0:
        return math.copysign(math.inf, a) * math.copysign(1, b) if a else math.nan
    return a / b


@st.composite
def _draw(draw, most, left=(-2, 2), right=(-2, 2)):
    x, y = draw(st.sampled_from(_SHAPES))
    inputs = [draw(arrays(x, *left)), draw(arrays(y, *right))]
    if draw(st.booleans()):
        inputs.reverse() if left == right else None
    inputs += [draw(arrays(y, *right)) for _ in range(draw(st.integers(0, most - 2)))]
    return Case(tuple(inputs))


_A, _B = numbers(2, 3, 2, 2), numbers(3, 1, 1, seed=1)
_COLUMN, _ROW = np.float32([[1], [2]]), np.float32([10, 20])
_MISFIT = (Case((numbers(2, 3), numbers(2))), "[2, 3]")

_MANY = {
    "add": (lambda a, b: a + b, [[11, 21], [12, 22]], [33, 63]),
    "multiply": (lambda a, b: a * b, [[10, 20], [20, 40]], [600, 2400]),
    "max": (max, [[10, 20], [10, 20]], [20, 40]),
    "min": (min, [[1, 1], [2, 2]], [3, 3]),
}
for _name, (_function, _of_two, _of_three) in _MANY.items():
    kind(
        f"{_name}Broadcastable",
        oracle=_pairwise(_function),
        base=Case((_A, _B)),
        vary={"inputs": [Case((_A, _B, numbers(2, seed=2)))]},
        draw=_draw(4),
        worked=[
            (Case((_COLUMN, _ROW)), [_of_two]),
            (Case((_ROW, np.float32([3]), 2 * _ROW)), [_of_three]),
        ],
        refuse=[_MISFIT],
    )

kind(
    "subtractBroadcastable",
    oracle=_pairwise(lambda a, b: a - b),
    base=Case((_A, _B)),
    vary={},
    draw=_draw(2),
    worked=[(Case((_COLUMN, _ROW)), [[[-9, -19], [-8, -18]]])],
    refuse=[_MISFIT],
)

kind(
    "divideBroadcastable",
    oracle=_pairwise(_divide),
    base=Case((_A, _B)),
    vary={},
    draw=_draw(2, right=(0.5, 3)),
    worked=[(Case((np.float32([-7, 1, -1, 0]), np.float32([2, 0, 0, 0]))), [[-3.5, np.inf, -np.inf, np.nan]])],
    refuse=[_MISFIT],
)

# multiples of a quarter: division and remainder are then exact in float32 too
_QUARTERS = st.sampled_from([(2, 3), (3,), (1,), (4, 1, 3)])


@st.composite
def _draw_quarters(draw):
    inputs = [np.round(draw(arrays(draw(_QUARTERS), -8, 8)) * 4) / 4 for _ in range(2)]
    inputs[1] = np.where(inputs[1] == 0, np.float32(-0.75), inputs[1])
    return Case(tuple(inputs))


_SIGNS = (np.float32([-7, 7, 7.5, -7, 7]), np.float32([3, -3, 2, -3, 3]))
kind(
    "modBroadcastable",
    oracle=_pairwise(lambda a, b: a - b * math.floor(a / b)),
    base=Case((_A, _B)),
    vary={},
    draw=_draw_quarters(),
    worked=[(Case(_SIGNS), [[2, -2, 1.5, -1, 1]])],
    refuse=[_MISFIT],
)
kind(
    "floorDivBroadcastable",
    oracle=_pairwise(lambda a, b: math.floor(a / b)),
    base=Case((_A, _B)),
    vary={},
    draw=_draw_quarters(),
    worked=[(Case(_SIGNS), [[-3, -3, 3, 2, 2]]), (Case((np.float32([-7, 7]), np.float32([2]))), [[-4, 3]])],
    refuse=[_MISFIT],
)

kind(
    "powBroadcastable",
    oracle=_pairwise(lambda a, b: a**b),
    base=Case((numbers(2, 3, 2, 2, low=0.2, high=3), _B)),
    vary={},
    draw=_draw(2, left=(0.2, 3)),
    worked=[
        (Case((np.float32([2, 3]), np.float32([3]))), [[8, 27]]),
        (Case((np.float32([-2, -2, 0, 0, 4]), np.float32([3, 0.5, 0, 2, 0.5]))), [[-8, np.nan, 1, 0, 2]]),
    ],
    refuse=[_MISFIT],
)
