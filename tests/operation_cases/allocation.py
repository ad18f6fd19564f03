"""Allocation. What decides shapes here is known when a program is traced."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes


def _number(value):
    return np.float32(0) if value is None else value


def _full(shape, value):
    y = np.zeros(shape, _number(value).dtype)
    y[...] = value if value is not None else 0
    return y


def _fill(*shape, **value):
    return Case({"shape": np.int32(shape), **value})


operation(
    "fill",
    15,
    oracle=lambda i, a: _full([int(n) for n in i["shape"]], i["value"]),
    base=_fill(2, 3),
    vary={"value": [np.asarray(np.float32(1.5)), np.asarray(np.int32(-3)), np.asarray(True)], "shape": [_fill(0, 2)]},
    draw=st.builds(lambda shape: _fill(*shape, value=np.int32(4)), shapes()),
    worked=[
        (_fill(2, value=np.float32(0.5)), [0.5, 0.5]),
        (_fill(1, 2), [[0, 0]]),
        (_fill(value=np.int32(7)), 7),
    ],
    refuse=[
        (_fill(2, -1), "shape is [2, -1]; sizes must not be negative"),
        (_fill(2, value=numbers(2)), "value has shape [2]; it must be a single number"),
        (Case({"shape": np.int32([[2]])}), "it must be a list of integers (rank 1)"),
    ],
)


def _like(x, **value):
    return Case({"ref_tensor": x, **value})


operation(
    "fill_like",
    16,
    oracle=lambda i, a: _full(i["ref_tensor"].shape, i["value"]),
    base=_like(numbers(2, 3)),
    vary={"value": [np.asarray(np.float32(1.5)), np.asarray(np.int32(-3)), np.asarray(True)]},
    draw=st.builds(lambda x: _like(x, value=np.float32(4)), shapes().flatmap(arrays)),
    no_half={"base": "a number that is not given is a float32, whatever the other array is"},
    worked=[(_like(np.int32([8, 9])), [0, 0]), (_like(np.int32([8, 9]), value=np.int32(1)), [1, 1])],
    refuse=[(_like(numbers(2), value=numbers(2)), "value has shape [2]; it must be a single number")],
)

operation(
    "shape",
    15,
    oracle=lambda i, a: np.array([len(i["x"]), *i["x"][0].shape] if i["x"].ndim else [], np.int32),
    base=Case({"x": numbers(2, 3, 1)}),
    vary={"x": [numbers(4), np.float32(3)]},
    draw=st.builds(lambda x: Case({"x": x}), shapes().flatmap(arrays)),
    worked=[(Case({"x": numbers(2, 3)}), [2, 3]), (Case({"x": np.float32(1)}), np.int32([]))],
)


def _ranged(i, a):
    start, end, step = (i[name].reshape(())[()] for name in ("start", "end", "step"))
    count = max(int(np.ceil((end - start) / step)), 0)
    return np.array([start + step * k for k in range(count)], start.dtype)


def _range(start, end, step, dtype=np.float32):
    return Case({"end": np.asarray(end, dtype), "start": np.asarray(start, dtype), "step": np.asarray(step, dtype)})


operation(
    "range_1d",
    15,
    oracle=_ranged,
    base=_range(1, 6, 2),
    vary={
        "end": [_range(1, 4, 2), _range(1, 1, 2), _range(1, -3, 2)],
        "start": [_range(0, 6, 2)],
        "step": [_range(1, 6, 3), _range(6, 1, -2), _range(1, 2, 0.25), _range(0, 0.3, 0.1)],
        "types": [_range(-2, 7, 3, np.int32), _range(2**24, 2**24 + 3, 1, np.int32)],
    },
    draw=st.builds(
        _range, st.integers(-3, 3), st.integers(-3, 3), st.sampled_from([1, 2, -1]), st.sampled_from(["f4", "i4"])
    ),
    unlike_coremltools=dict.fromkeys(("end", "drawn"), "a range without numbers has a negative size there"),
    worked=[
        (_range(0, 3, 1), [0, 1, 2]),
        (_range(5, 0, -2, np.int32), [5, 3, 1]),
        (_range(0, 1, 0.4), [0, 0.4, 0.8]),
        (_range(0, 0.3, 0.1), [0, 0.1, 0.2]),  # the quotient of the float32 numbers is 3
    ],
    refuse=[
        (_range(0, 3, 0), "a step other than 0; got 0.0 to 3.0 in steps of 0.0"),
        (_range(0, np.inf, 1), "finite numbers"),
        (_range([0, 1], 3, 1), "each must be one number"),
    ],
)
