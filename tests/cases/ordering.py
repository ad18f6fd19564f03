"""Cumulative sums, the largest few, sorting."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers, shapes

_X = numbers(2, 4, 3)


def _rows(x, axis: int, function):
    """`function` (list -> list) on every row of numbers along an axis."""
    x = np.moveaxis(np.asarray(x, np.float64), axis, -1)
    rows = {place: function([float(v) for v in x[place]]) for place in np.ndindex(x.shape[:-1])}
    y = np.array([rows[place] for place in np.ndindex(x.shape[:-1])]).reshape(*x.shape[:-1], -1)
    return np.moveaxis(y, -1, axis)


def _cum_sum(inputs, f):
    axis = int(inputs[1][0]) if len(inputs) > 1 else f.get("axis", 0)

    def run(values):
        values = values[::-1] if f.get("reverse") else values
        sums = [sum(values[: i if f.get("exclude_final_sum") else i + 1]) for i in range(len(values))]
        return sums[::-1] if f.get("reverse") else sums

    return _rows(inputs[0], axis, run)


@st.composite
def _draw_cum_sum(draw):
    x = draw(shapes().flatmap(arrays))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    flags = {name: draw(st.booleans()) for name in ("exclude_final_sum", "reverse")}
    if draw(st.booleans()):
        return Case((x, np.float32([axis])), {"axis": 7, **flags})
    return Case((x,), {"axis": axis, **flags})


_FOUR = np.float32([4, 6, 7])

kind(
    "cumSum",
    oracle=_cum_sum,
    base=Case((_X,), {"axis": 1}),
    vary={
        "axis": [0, -1, Case((_X, np.float32([2])), {"axis": 1})],
        "exclude_final_sum": [True],
        "reverse": [True, Case((_X,), {"axis": 1, "reverse": True, "exclude_final_sum": True})],
    },
    draw=_draw_cum_sum(),
    worked=[
        (Case((_FOUR,)), [[4, 10, 17]]),
        (Case((_FOUR,), {"exclude_final_sum": True}), [[0, 4, 10]]),
        (Case((_FOUR,), {"reverse": True}), [[17, 13, 7]]),
        (Case((_FOUR,), {"exclude_final_sum": True, "reverse": True}), [[13, 7, 0]]),
    ],
    refuse=[
        (Case((_X,), {"axis": 3}), "axis 3 is out of range"),
        (Case((_X, np.float32([-4]))), "axis -4 is out of range"),
        (Case((_X, np.float32([1, 0]))), "single number"),
    ],
)


def _top_k(inputs, f):
    k = int(inputs[1][0]) if len(inputs) > 1 else f.get("k", 0)
    sign = 1 if f.get("use_bottom_k") else -1

    def order(values):
        return sorted(range(len(values)), key=lambda i: (sign * values[i], i))[:k]

    axis = f.get("axis", 0)
    return _rows(inputs[0], axis, lambda v: [v[i] for i in order(v)]), _rows(inputs[0], axis, order)


@st.composite
def _draw_top_k(draw):
    x = draw(shapes().flatmap(arrays))
    x = np.round(x) if draw(st.booleans()) else x
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    k = draw(st.integers(1, x.shape[axis]))
    fields = {"axis": axis, "use_bottom_k": draw(st.booleans())}
    if draw(st.booleans()):
        return Case((x, np.float32([k])), {**fields, "k": 99}, outputs=2)
    return Case((x,), {**fields, "k": k}, outputs=2)


_TIES = np.float32([3, 1, 3, 0, 1])

kind(
    "topK",
    oracle=_top_k,
    base=Case((_X,), {"axis": 1, "k": 2}, outputs=2),
    vary={
        "axis": [0, -1],
        "k": [1, 4, Case((_X, np.float32([3])), {"axis": 1, "k": 2}, outputs=2)],
        "use_bottom_k": [True],
    },
    draw=_draw_top_k(),
    worked=[
        (Case((_TIES,), {"k": 3}, outputs=2), [[3, 3, 1], [0, 2, 1]]),
        (Case((_TIES,), {"k": 3, "use_bottom_k": True}, outputs=2), [[0, 1, 1], [3, 1, 4]]),
        # zeros of either sign are equals
        (Case((np.float32([-0.0, 0.0, -0.0]),), {"k": 2}, outputs=2), [[0, 0], [0, 1]]),
        (Case((np.float32([0.0, -0.0, 0.0]),), {"k": 2, "use_bottom_k": True}, outputs=2), [[0, 0], [0, 1]]),
    ],
    refuse=[
        (Case((_X,), {"axis": 1, "k": 5}, outputs=2), "K is 5"),
        (Case((_X,), {"axis": 1}, outputs=2), "K is 0"),
        (Case((_X,), {"axis": 3, "k": 1}, outputs=2), "axis 3 is out of range"),
        (Case((_X, np.float32([1, 2])), {"axis": 1}, outputs=2), "single number"),
    ],
)


def _arg_sort(inputs, f):
    sign = -1 if f.get("descending") else 1
    return _rows(inputs[0], f.get("axis", 0), lambda v: sorted(range(len(v)), key=lambda i: (sign * v[i], i)))


@st.composite
def _draw_arg_sort(draw):
    x = draw(shapes().flatmap(arrays))
    x = np.round(x) if draw(st.booleans()) else x
    return Case((x,), {"axis": draw(st.integers(0, x.ndim - 1)), "descending": draw(st.booleans())})


kind(
    "argSort",
    oracle=_arg_sort,
    base=Case((_X,), {"axis": 1}),
    vary={"axis": [0, 2], "descending": [True]},
    draw=_draw_arg_sort(),
    worked=[
        (Case((np.float32([3.1, 5.4, 32.9, 3.2, 77.0]),)), [[0, 3, 1, 2, 4]]),
        (Case((np.float32([3.1, 5.4, 32.9, 3.2, 77.0]),), {"descending": True}), [[4, 2, 1, 3, 0]]),
        (Case((np.float32([[3, 5, 32], [3, 77, 6]]),), {"axis": 1}), [[[0, 1, 2], [0, 2, 1]]]),
        (Case((np.float32([[3, 5, 32], [3, 77, 6]]),), {"axis": 1, "descending": True}), [[[2, 1, 0], [1, 2, 0]]]),
        (Case((_TIES,), {"descending": True}), [[0, 2, 1, 4, 3]]),
    ],
    refuse=[
        (Case((_X,), {"axis": -1}), "must not be negative for this layer, got -1"),
        (Case((_X,), {"axis": 3}), "axis 3 is out of range"),
    ],
)
