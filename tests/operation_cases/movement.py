"""Movement, element by element."""

import numpy as np
from cases import filled, moved
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes

_X = numbers(2, 3, 4)
_IMAGE = numbers(2, 3, 4, 5)


def _typed(x, shape, source):
    return filled(shape, lambda place: x[source(place)]).astype(x.dtype)


def _transposed(i, a):
    x, perm = i["x"], [axis % i["x"].ndim for axis in a["perm"]]
    return _typed(x, [x.shape[axis] for axis in perm], lambda p: tuple(p[perm.index(axis)] for axis in range(x.ndim)))


operation(
    "transpose",
    15,
    oracle=_transposed,
    base=Case({"x": _X}, {"perm": (1, 0, 2)}),
    vary={"perm": [(2, 0, 1), (-1, -3, -2), (0, 1, 2), Case({"x": _IMAGE}, {"perm": (0, 2, 3, 1)})]},
    draw=st.builds(lambda x: Case({"x": x}, {"perm": tuple(range(x.ndim))[::-1]}), shapes().flatmap(arrays)),
    worked=[(Case({"x": np.float32([[1, 2, 3], [4, 5, 6]])}, {"perm": (1, 0)}), [[1, 4], [2, 5], [3, 6]])],
    refuse=[(Case({"x": _X}, {"perm": (0, 1, 1)}), "perm is [0, 1, 1], which is not a permutation")],
)


def _tiled(i, a):
    x, reps = i["x"], [int(n) for n in i["reps"]]
    shape = [n * times for n, times in zip(x.shape, reps, strict=True)]
    return _typed(x, shape, lambda p: tuple(k % n for k, n in zip(p, x.shape, strict=True)))


def _tile(x, *reps):
    return Case({"x": x, "reps": np.int32(reps)})


operation(
    "tile",
    15,
    oracle=_tiled,
    base=_tile(numbers(2, 3), 2, 1),
    vary={"reps": [_tile(numbers(2, 3), 1, 3), _tile(numbers(2, 1), 2, 65), _tile(numbers(2, 3, 1, 2), 1, 2, 3, 1)]},
    draw=st.builds(lambda x: _tile(x, 2, *(1 for _ in x.shape[1:])), shapes().flatmap(arrays)),
    worked=[(_tile(np.float32([[1, 2]]), 2, 2), [[1, 2, 1, 2], [1, 2, 1, 2]])],
    refuse=[
        (_tile(numbers(2, 3), 2), "reps is [2]; x has rank 2"),
        (_tile(numbers(2, 3), 2, 0), "reps is [2, 0]"),
    ],
)


def _reversed(i, a):
    x = i["x"]
    axes = range(x.ndim) if a["axes"] is None else [axis % x.ndim for axis in a["axes"]]
    sizes = list(enumerate(x.shape))
    return _typed(x, x.shape, lambda p: tuple(n - 1 - p[axis] if axis in axes else p[axis] for axis, n in sizes))


operation(
    "reverse",
    15,
    oracle=_reversed,
    base=Case({"x": _X}),
    vary={"axes": [(0,), (-1,), (0, 2), Case({"x": _IMAGE}, {"axes": (1,)}), Case({"x": _IMAGE}, {"axes": (0, -1)})]},
    draw=st.builds(lambda x: Case({"x": x}, {"axes": (x.ndim - 1,)}), shapes().flatmap(arrays)),
    worked=[
        (Case({"x": np.float32([[1, 2], [3, 4]])}), [[4, 3], [2, 1]]),
        (Case({"x": np.float32([[1, 2], [3, 4]])}, {"axes": (1,)}), [[2, 1], [4, 3]]),
    ],
    refuse=[(Case({"x": _X}, {"axes": (3,)}), "axis 3 is out of range for rank 3")],
)


def _sequences(i, a):
    x, batch, sequence = i["x"], a["batch_axis"] % i["x"].ndim, a["seq_axis"] % i["x"].ndim

    def source(place):
        length, at = int(i["lengths"][place[batch]]), place[sequence]
        return moved(place, sequence, length - 1 - at if at < length else at)

    return _typed(x, x.shape, source)


def _sequence(x, lengths, **attributes):
    return Case({"x": x, "lengths": np.int32(lengths)}, attributes)


operation(
    "reverse_sequence",
    15,
    oracle=_sequences,
    base=_sequence(numbers(2, 3, 2), [3, 2], seq_axis=1),
    vary={
        "seq_axis": [_sequence(numbers(2, 3, 2), [0, 2], seq_axis=-1)],
        "batch_axis": [2, _sequence(numbers(2, 3), [2, 1, 0], seq_axis=0, batch_axis=-1)],
        "lengths": [_sequence(numbers(2, 3, 2), [1, 0], seq_axis=1)],
    },
    draw=st.builds(lambda x: _sequence(x, [1] * len(x), seq_axis=1), shapes(min_rank=2).flatmap(arrays)),
    worked=[(_sequence(np.float32([[1, 2, 3], [4, 5, 6]]), [2, 3], seq_axis=1), [[2, 1, 3], [6, 5, 4]])],
    refuse=[
        (_sequence(numbers(2, 2), [1, 1]), "seq_axis and batch_axis are both 0"),
        (_sequence(numbers(2, 3), [1, 1, 1], seq_axis=1), "lengths have shape [3]; it must be [2]"),
    ],
)
