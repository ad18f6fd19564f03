"""Scattering, update by update. Indices that do not exist write nothing; negative ones count from the end up to iOS 16,
and do not exist from iOS 17 on."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes

_X = numbers(3, 4)
_REFUSES = {"validate_indices": "it only refuses indices, which is among the refusals"}
_MODES = ("sub", "mul", "div", "max", "min", "update")


def _combined(mode, old, new):
    match mode:
        case "add":
            return old + new
        case "sub":
            return old - new
        case "mul":
            return old * new
        case "div" if isinstance(old, np.integer):
            return int(old / new)
        case "div":
            return old / new
        case "max":
            return max(old, new)
        case "min":
            return min(old, new)
        case "update":
            return new


def _exact(x):
    return np.array(x, np.float64 if x.dtype.kind == "f" else x.dtype)


def _written(a, wraps, y, places, updates):
    """places: (place in y, place in updates) of single elements; places in y may not exist."""
    for place, at in places:
        place = tuple(k + n if wraps and k < 0 else k for k, n in zip(place, y.shape, strict=True))
        if all(0 <= k < n for k, n in zip(place, y.shape, strict=True)):
            y[place] = _combined(a["mode"], y[place], updates[at])
    return y


def _scattered(wraps):
    def oracle(i, a):
        y, indices = _exact(i["data"]), i["indices"]
        axis = a["axis"] % y.ndim
        places = (((*at[:axis], int(indices[at[axis]]), *at[axis + 1 :]), at) for at in np.ndindex(*i["updates"].shape))
        return _written(a, wraps, y, places, _exact(i["updates"]))

    return oracle


def _along(wraps):
    def oracle(i, a):
        y, indices = _exact(i["data"]), i["indices"]
        axis = a["axis"] % y.ndim
        places = (((*at[:axis], int(indices[at]), *at[axis + 1 :]), at) for at in np.ndindex(*indices.shape))
        return _written(a, wraps, y, places, _exact(i["updates"]))

    return oracle


def _nd(wraps):
    def oracle(i, a):
        y, indices = _exact(i["data"]), i["indices"]
        before = indices.ndim - 1
        places = (
            ((*(int(k) for k in indices[at[:before]]), *at[before:]), at) for at in np.ndindex(*i["updates"].shape)
        )
        return _written(a, wraps, y, places, _exact(i["updates"]))

    return oracle


def _case(data, indices, updates, debug=False, **attributes):
    return Case({"data": data, "indices": np.int32(indices), "updates": updates}, attributes, debug=debug)


_LINE = np.float32([8, 10, 12])
_TWO = np.float32([2, 4])


def _refused(version, indices):
    found = [
        (_case(_LINE, indices, _TWO, debug=True), "is out of range for an axis of size 3"),
        (_case(_LINE, indices, _TWO, mode="average"), "mode is 'average'; it must be one of add, div, max, min, mul"),
    ]
    if version == 17:
        found.append((_case(_LINE, indices, _TWO, validate_indices=True), "is out of range for an axis of size 3"))
    return found


def _worked(indices, many):
    """indices: 0 and 2 of three elements. many: 1 and 1 of them, for each of which all updates count."""
    return [
        (_case(_LINE, indices, _TWO), [10, 10, 16]),  # the mode is add where the file has none
        (_case(_LINE, indices, _TWO, mode="sub"), [6, 10, 8]),
        (_case(_LINE, indices, _TWO, mode="mul"), [16, 10, 48]),
        (_case(_LINE, indices, _TWO, mode="div"), [4, 10, 3]),
        (_case(_LINE, indices, _TWO + 7, mode="max"), [9, 10, 12]),
        (_case(_LINE, indices, _TWO + 7, mode="min"), [8, 10, 11]),
        (_case(_LINE, indices, _TWO, mode="update"), [2, 10, 4]),
        (_case(_LINE, many, _TWO), [8, 16, 12]),
        (_case(_LINE, many, _TWO, mode="mul"), [8, 80, 12]),
        (_case(_LINE, many, _TWO, mode="div"), [8, 1.25, 12]),
        (_case(np.int32([7, -7, 5]), many, np.int32([2, 1]), mode="div"), [7, -3, 5]),  # rounded towards 0
    ]


for _version in (15, 17):
    _unseen = _REFUSES if _version == 17 else {}
    operation(
        "scatter",
        _version,
        oracle=_scattered(_version < 17),
        base=_case(_X, [2, 0], numbers(2, 4, low=1, high=3)),
        vary={
            "mode": _MODES,
            "axis": [
                _case(_X, [1, 3, 1], numbers(3, 3), axis=1),
                _case(_X, [0], numbers(3, 1), axis=-1, mode="update"),
            ],
            "outside": [_case(_X, [-1, 3, 9, -9], numbers(4, 4)), _case(_X, [-3, 7], numbers(2, 4), mode="update")],
            "repeated": [
                _case(_X, [2, 2, 2], numbers(3, 4, low=1, high=3), mode=mode) for mode in _MODES if mode != "update"
            ],
        },
        draw=st.builds(lambda x: _case(x, [0, 0], np.stack([x[0], x[0]])), shapes().flatmap(arrays)),
        worked=_worked([0, 2], [1, 1]),
        refuse=[
            (_case(_X, [0, 1], numbers(2, 3)), "updates have shape [2, 3]; data and indices require [2, 4]"),
            (_case(_X, [0], numbers(1, 4), axis=2), "axis 2 is out of range for rank 2"),
            *_refused(_version, [0, 3]),
        ],
        unseen=_unseen,
    )
    operation(
        "scatter_along_axis",
        _version,
        oracle=_along(_version < 17),
        base=_case(_X, [[2, 0, 1, 1], [0, 2, 0, 2]], numbers(2, 4, low=1, high=3)),
        vary={
            "mode": _MODES,
            "axis": [_case(_X, [[3, 0], [1, 1], [2, 2]], numbers(3, 2), axis=1)],
            "outside": [_case(_X, [[-1, -3, 3, 9]], numbers(1, 4))],
        },
        draw=st.builds(lambda x: _case(x, np.zeros(x.shape), x + 1, axis=-1), shapes().flatmap(arrays)),
        unlike_coremltools={"": "its values are those of the mode update"},
        worked=_worked([0, 2], [1, 1]),
        refuse=[
            (_case(_X, [[0, 0]], numbers(1, 2)), "indices have shape [1, 2]; it must be [3, 4] except on axis 0"),
            (_case(_X, [[0] * 4], numbers(2, 4)), "updates have shape [2, 4]; data and indices require [1, 4]"),
            *_refused(_version, [0, 3]),
        ],
        unseen=_unseen,
    )
    operation(
        "scatter_nd",
        _version,
        oracle=_nd(_version < 17),
        base=_case(_X, [[2, 3], [0, 1]], numbers(2, low=1, high=3)),
        vary={
            "mode": _MODES,
            "indices": [
                _case(_X, [[2], [2]], numbers(2, 4)),
                _case(_X, [1, 1], np.float32(5)),
                _case(numbers(2, 3, 2), [[[1, 2]], [[0, 0]]], numbers(2, 1, 2), mode="mul"),
            ],
            "outside": [_case(_X, [[-1, -4], [3, 2], [0, 9]], numbers(3))],
        },
        draw=st.builds(lambda x: _case(x, [[0] * x.ndim], np.float32([3])), shapes().flatmap(arrays)),
        worked=_worked([[0], [2]], [[1], [1]]),
        refuse=[
            (_case(_X, [[0, 0, 0]], numbers(1)), "the last axis must hold 1 to 2 numbers"),
            (_case(_X, [[0, 0]], numbers(2)), "updates have shape [2]; data and indices require [1]"),
            *_refused(_version, [[0], [3]]),
        ],
        unseen=_unseen,
    )
