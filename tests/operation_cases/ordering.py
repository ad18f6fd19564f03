"""Ordering: sums added up one by one, and Python's own `sorted`, which keeps the order of equals."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes

_X = numbers(3, 4)
_TIES = np.float32([2, 5, 2, 5, -0.0, 0])


def _lines(x, axis):
    """Every line along an axis: its index, and its numbers."""
    axis %= x.ndim
    for at in np.ndindex(*(n for k, n in enumerate(x.shape) if k != axis)):
        yield (*at[:axis], slice(None), *at[axis:]), x[(*at[:axis], slice(None), *at[axis:])]


def _summed(i, a):
    x = np.asarray(i["x"], np.float64 if i["x"].dtype.kind == "f" else i["x"].dtype)
    y = np.zeros_like(x)
    for at, line in _lines(x, a["axis"]):
        total, sums = 0, []
        for number in line[::-1] if a["reverse"] else line:
            sums.append(total if a["exclusive"] else total + number)
            total = total + number
        y[at] = sums[::-1] if a["reverse"] else sums
    return y


operation(
    "cumsum",
    15,
    oracle=_summed,
    base=Case({"x": _X}),
    vary={
        "axis": [1, -1, Case({"x": numbers(2, 21)}, {"axis": 1}), Case({"x": numbers(9, 3)}, {"reverse": True})],
        "exclusive": [True, Case({"x": _X}, {"exclusive": True, "reverse": True, "axis": 1})],
        "reverse": [True],
    },
    draw=st.builds(
        lambda x, e, r: Case({"x": x}, {"axis": -1, "exclusive": e, "reverse": r}),
        shapes().flatmap(arrays),
        st.booleans(),
        st.booleans(),
    ),
    unlike_coremltools=dict.fromkeys(("exclusive", "worked", "drawn"), "it fails on exclusive sums"),
    worked=[
        (Case({"x": np.float32([1, 2, 3])}), [1, 3, 6]),
        (Case({"x": np.float32([1, 2, 3])}, {"exclusive": True}), [0, 1, 3]),
        (Case({"x": np.float32([1, 2, 3])}, {"reverse": True}), [6, 5, 3]),
        (Case({"x": np.float32([1, 2, 3])}, {"reverse": True, "exclusive": True}), [5, 3, 0]),
        (Case({"x": np.int32([2**24, 1, 1])}), [2**24, 2**24 + 1, 2**24 + 2]),  # float32 has no such numbers
    ],
    refuse=[(Case({"x": _X}, {"axis": 2}), "axis 2 is out of range for rank 2")],
)


def _order(line, ascending):
    """Positions of the numbers of a line from the first to the last."""
    numbers_ = [float(number) for number in line]
    return sorted(range(len(line)), key=lambda k: numbers_[k] if ascending else -numbers_[k])


def _argsorted(i, a):
    y = np.zeros(i["x"].shape, np.int32)
    for at, line in _lines(i["x"], a["axis"]):
        y[at] = _order(line, a["ascending"])
    return y


operation(
    "argsort",
    15,
    oracle=_argsorted,
    base=Case({"x": _X}),
    vary={"axis": [0, -2], "ascending": [True], "x": [_TIES]},
    draw=st.builds(lambda x, up: Case({"x": x}, {"ascending": up}), shapes().flatmap(arrays), st.booleans()),
    worked=[
        (Case({"x": np.float32([3, 1, 2])}), [0, 2, 1]),  # the largest first
        (Case({"x": np.float32([3, 1, 2])}, {"ascending": True}), [1, 2, 0]),
        (Case({"x": np.int32([7, 9, 7, 9])}), [1, 3, 0, 2]),  # equals keep their order
    ],
    refuse=[(Case({"x": _X}, {"axis": 2}), "axis 2 is out of range for rank 2")],
)


def _top(i, a):
    x, axis = i["x"], a["axis"] % i["x"].ndim
    k = x.shape[axis] if a["k"] == -1 else a["k"]
    shape = (*x.shape[:axis], k, *x.shape[axis + 1 :])
    values, positions = np.zeros(shape, x.dtype), np.zeros(shape, a.get("output_indices_dtype", "int32"))
    for at, line in _lines(x, axis):
        order = _order(line, a["ascending"])[:k]
        values[at], positions[at] = line[order], order
    return (values, positions) if a.get("return_indices", True) else values


_LINE = np.float32([3, 9, 1, 9])
_UNLIKE = {
    "equals": "its order of equals is that of an unstable sort",
    "k": "its shapes keep the -1 for all",
    "worked": "as for equals, and for all",
}
_TOP_2 = ([9, 9], [1, 3])

for _version in (15, 16, 17):
    operation(
        "topk",
        _version,
        oracle=_top,
        base=Case({"x": _X}),
        vary={
            "k": [2, 4, *([-1] if _version == 17 else [])],
            "axis": [0, -2],
            "ascending": [True],
            "equals": [Case({"x": _TIES}, {"k": 6, "ascending": True})],
            **({"return_indices": [False]} if _version > 15 else {}),
            **({"output_indices_dtype": ["uint16"]} if _version == 17 else {}),
        },
        draw=st.builds(
            lambda x, up: Case({"x": x}, {"k": x.shape[-1], "ascending": up}), shapes().flatmap(arrays), st.booleans()
        ),
        unlike_coremltools=_UNLIKE,
        worked=[
            (Case({"x": _LINE}, {"k": 2}), _TOP_2),  # among equals the lower position comes first
            (Case({"x": _LINE}, {"k": 3, "ascending": True}), ([1, 3, 9], [2, 0, 1])),
            (Case({"x": np.int32([5, -(2**31), 2**31 - 1])}, {"k": 2, "ascending": True}), ([-(2**31), 5], [1, 0])),
            *([(Case({"x": _LINE}, {"k": 2, "sort": False}), _TOP_2)] if _version > 15 else []),
            *(
                [
                    (Case({"x": _LINE}, {"k": -1}), ([9, 9, 3, 1], [1, 3, 0, 2])),
                    (Case({"x": np.uint8([5, 0, 255])}, {"k": 2, "ascending": True}), ([0, 5], [1, 0])),
                ]
                if _version == 17
                else []
            ),
        ],
        refuse=[
            (Case({"x": _X}, {"k": 5}), "k is 5; it must be from 0 to 4"),
            (Case({"x": _X}, {"k": -2 if _version == 17 else -1}), "it must be from 0 to 4"),
            (Case({"x": _X}, {"axis": 2}), "axis 2 is out of range for rank 2"),
        ],
        smooth={"equals": "where numbers are equal their order jumps"},
        unseen={"sort": "without it any order is legal, also that of the oracle"} if _version > 15 else {},
    )
