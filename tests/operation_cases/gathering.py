"""Gathering, index by index. Indices that do not exist read the nearest element; negative ones count from the end up to
iOS 16, and do not exist from iOS 17 on."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes

_X = numbers(3, 4)
_UNLIKE = {
    "outside": "NumPy, which it asks, refuses indices beyond the axis and counts negative ones from the end",
    "last axis": "it counts the axis from the end of the rest of the axes, and fails",
}
_REFUSES = {"validate_indices": "it only refuses indices, which is among the refusals"}


def _at(index, n, wraps):
    index = int(index)
    return min(max(index + n if wraps and index < 0 else index, 0), n - 1)


def _gathered(wraps):
    def oracle(i, a):
        x, indices, batch = i["x"], np.asarray(i["indices"]), a.get("batch_dims", 0)
        axis = a["axis"] % x.ndim
        y = np.zeros((*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :]), x.dtype)
        for before in np.ndindex(*x.shape[:axis]):
            for at in np.ndindex(*indices.shape[batch:]):
                y[(*before, *at)] = x[(*before, _at(indices[(*before[:batch], *at)], x.shape[axis], wraps))]
        return y

    return oracle


def _nd(wraps):
    def oracle(i, a):
        x, indices, batch = i["x"], np.asarray(i["indices"]), a.get("batch_dims", 0)
        count = indices.shape[-1]
        y = np.zeros((*indices.shape[:-1], *x.shape[batch + count :]), x.dtype)
        for at in np.ndindex(*indices.shape[:-1]):
            sizes = x.shape[batch : batch + count]
            place = [_at(index, n, wraps) for index, n in zip(indices[at], sizes, strict=True)]
            y[at] = x[(*at[:batch], *place)]
        return y

    return oracle


def _along(wraps):
    def oracle(i, a):
        x, indices = i["x"], i["indices"]
        axis = a["axis"] % x.ndim
        y = np.zeros(indices.shape, x.dtype)
        for at in np.ndindex(*indices.shape):
            y[at] = x[(*at[:axis], _at(indices[at], x.shape[axis], wraps), *at[axis + 1 :])]
        return y

    return oracle


def _case(x, indices, debug=False, **attributes):
    return Case({"x": x, "indices": np.int32(indices)}, attributes, debug=debug)


def _debugged(x, indices, **attributes):
    return _case(x, indices, debug=True, **attributes)


def _refused(version, x, indices):
    """Indices of which one does not exist on the first axis, and one is negative."""
    found = [(_debugged(x, indices), "is out of range for an axis of size")]
    if version == 17:
        found.append((_case(x, indices, validate_indices=True), "is out of range for an axis of size"))
        found.append((_debugged(x, np.minimum(indices, 0)), "index -1 is out of range"))
    return found


_LINE = np.float32([10, 11, 12])
_BATCH = numbers(2, 3, 4)

for _version in (15, 16, 17):
    _wraps = _version < 17
    _batches = {
        "batch_dims": [
            _case(_BATCH, [[2, 0], [1, 1]], axis=1, batch_dims=1),
            _case(_BATCH, [[2, 0, 0], [1, 1, 3]], axis=2, batch_dims=1),
        ],
        "last axis": [_case(_BATCH, [[3, 0, 1], [0, 1, 2]], axis=-1, batch_dims=2)],
    }
    operation(
        "gather",
        _version,
        oracle=_gathered(_wraps),
        base=_case(_X, [2, 0, 1]),
        vary={
            "axis": [1, -1],
            "indices": [_case(_X, 1), _case(_X, [[2, 0], [1, 1]], axis=1), _case(_X, np.zeros((0, 2)))],
            "outside": [_case(_X, [3, -1, -9, 9])],
            **(_batches if _version > 15 else {}),
        },
        draw=st.builds(lambda x, axis: _case(x, [0, 0], axis=axis), shapes().flatmap(arrays), st.sampled_from([0, -1])),
        unlike_coremltools=_UNLIKE,
        worked=[
            (_case(_LINE, [2, 0]), [12, 10]),
            (_case(_LINE, 1), 11),  # an index without axes takes the axis away
            (_case(np.int32([4, 5]), [[1], [0]]), [[5], [4]]),
        ],
        refuse=[
            (_case(_X, [0], axis=2), "axis 2 is out of range for rank 2"),
            (_case(np.zeros((0, 2), np.float32), [0]), "read from an axis without elements"),
            *_refused(_version, _LINE, [3, -1]),
            *(
                [
                    (_case(_BATCH, [[0], [0], [0]], axis=1, batch_dims=1), "the first 1 axes of both"),
                    (_case(_BATCH, [[0], [0]], axis=0, batch_dims=1), "axis 0 is one of the 1 axes"),
                ]
                if _version > 15
                else []
            ),
        ],
        unseen=_REFUSES if _version == 17 else {},
    )
    _batches = {
        "batch_dims": [
            _case(_BATCH, [[2, 1], [0, 3]], batch_dims=1),
            _case(_BATCH, [[[2], [1]], [[0], [0]]], batch_dims=1),
        ]
    }
    operation(
        "gather_nd",
        _version,
        oracle=_nd(_wraps),
        base=_case(_X, [[2, 3], [0, 1]]),
        vary={
            "indices": [_case(_X, [[2], [0]]), _case(_X, [2, 1]), _case(_X, [1])],
            "outside": [_case(_X, [[-1, -4], [3, 2], [-9, 9]])],
            **(_batches if _version > 15 else {}),
        },
        draw=st.builds(lambda x: _case(x, [[0] * x.ndim]), shapes().flatmap(arrays)),
        worked=[
            (_case(np.float32([[1, 2], [3, 4]]), [[1, 0], [0, 1]]), [3, 2]),
            (_case(np.float32([[1, 2], [3, 4]]), [[1]]), [[3, 4]]),
            (_case(np.float32([[1, 2], [3, 4]]), [1, 1]), 4),
        ],
        refuse=[
            (_case(_X, [[0, 0, 0]]), "the last axis must hold 1 to 2 numbers"),
            (_case(_X, 0), "the last axis must hold 1 to 2 numbers"),
            *_refused(_version, _LINE, [[3], [-1]]),
        ],
        unseen=_REFUSES if _version == 17 else {},
    )

for _version in (15, 17):
    operation(
        "gather_along_axis",
        _version,
        oracle=_along(_version < 17),
        base=_case(_X, [[2, 0, 1, 1], [0, 0, 2, 1]]),
        vary={
            "axis": [_case(_X, [[3, 0], [1, 1], [2, 2]], axis=1), _case(_X, [[3], [0], [1]], axis=-1)],
            "outside": [_case(_X, [[-1, -3, 3, 9]])],
        },
        draw=st.builds(lambda x: _case(x, np.zeros(x.shape), axis=-1), shapes().flatmap(arrays)),
        unlike_coremltools=_UNLIKE,
        worked=[(_case(np.float32([[1, 2], [3, 4]]), [[1, 0], [0, 0]], axis=1), [[2, 1], [3, 3]])],
        refuse=[
            (_case(_X, [[0, 0]]), "indices have shape [1, 2]; it must be [3, 4] except on axis 0"),
            (_case(_X, [0]), "it must be [3, 4] except on axis 0"),
            *_refused(_version, _LINE, [3, -1]),
        ],
        unseen=_REFUSES if _version == 17 else {},
    )
