"""Arrays from shapes, numbers and ranges."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers, shapes


def _filled(shape, value):
    return np.reshape([float(value)] * int(np.prod(shape)), shape)


_VALUES = st.sampled_from([0.0, -1.5, 7.0])
_X = numbers(2, 3)
kind(
    "fillLike",
    oracle=lambda inputs, f: _filled(inputs[0].shape, f["value"]),
    base=Case((_X,), {"value": 2.5}),
    vary={"value": [0.0, -1.0], "inputs": [Case((_X.T,), {"value": 2.5})]},
    draw=st.builds(lambda x, v: Case((x,), {"value": v}), shapes().flatmap(arrays), _VALUES),
    worked=[(Case((np.float32([[3], [4]]),), {"value": 7.0}), [[[7], [7]]])],
)
kind(
    "fillStatic",
    oracle=lambda inputs, f: _filled(f["target_shape"], f["value"]),
    base=Case((), {"value": 2.5, "target_shape": (2, 3)}),
    vary={"value": [0.0, -1.0], "target_shape": [(3, 2), (1,), (0, 4)]},
    draw=st.builds(lambda shape, v: Case((), {"target_shape": shape, "value": v}), shapes(), _VALUES),
    worked=[(Case((), {"value": 7.0, "target_shape": (2, 1)}), [[[7], [7]]])],
)
kind(
    "fillDynamic",
    oracle=lambda inputs, f: _filled(inputs[0].astype(int), f["value"]),
    base=Case((np.float32([2, 3]),), {"value": 2.5}),
    vary={"value": [0.0, -1.0], "inputs": [Case((np.float32([4]),), {"value": 2.5})]},
    draw=st.builds(lambda shape, v: Case((np.float32(shape),), {"value": v}), shapes(), _VALUES),
    worked=[(Case((np.float32([2, 1]),), {"value": 7.0}), [[[7], [7]]])],
    refuse=[
        (Case((np.float32([2, -1]),), {"value": 7.0}), "sizes must not be negative"),
        (Case((np.float32([[2, 1]]),), {"value": 7.0}), "a list of numbers (rank 1)"),
    ],
)


def _repeated(x, shape):
    """Each element of the answer comes from the place whose axes of length 1 do not count."""
    x = x.reshape((1,) * (len(shape) - x.ndim) + x.shape)
    return np.reshape([x[tuple(i % n for i, n in zip(p, x.shape, strict=True))] for p in np.ndindex(*shape)], shape)


@st.composite
def _draw_broadcast(draw):
    shape = draw(shapes())
    kept = tuple(1 if draw(st.booleans()) else n for n in shape[draw(st.integers(0, len(shape) - 1)) :])
    return draw(arrays(kept)), shape


_ROW = np.float32([1, 2, 3])
_MISFIT = "does not broadcast to"
kind(
    "broadcastToLike",
    oracle=lambda inputs, f: _repeated(inputs[0], inputs[1].shape),
    base=Case((_X, numbers(4, 2, 3, seed=1))),
    vary={"inputs": [Case((_X[:, :1], _X)), Case((_X, numbers(1, 2, 3)))]},
    draw=_draw_broadcast().map(lambda drawn: Case((drawn[0], np.zeros(drawn[1], np.float32)))),
    worked=[(Case((np.float32([[1], [2]]), _X)), [[[1, 1, 1], [2, 2, 2]]])],
    refuse=[(Case((_X, _ROW)), _MISFIT), (Case((_X, _X.T)), _MISFIT)],
)
kind(
    "broadcastToStatic",
    oracle=lambda inputs, f: _repeated(inputs[0], f["target_shape"]),
    base=Case((_X,), {"target_shape": (4, 2, 3)}),
    vary={"target_shape": [(2, 3), (1, 2, 3)], "inputs": [Case((_X[:1],), {"target_shape": (4, 2, 3)})]},
    draw=_draw_broadcast().map(lambda drawn: Case(drawn[:1], {"target_shape": drawn[1]})),
    worked=[(Case((_ROW,), {"target_shape": (2, 3)}), [[[1, 2, 3], [1, 2, 3]]])],
    refuse=[(Case((_ROW,), {"target_shape": (3, 2)}), _MISFIT)],
)
kind(
    "broadcastToDynamic",
    oracle=lambda inputs, f: _repeated(inputs[0], tuple(inputs[1].astype(int))),
    base=Case((_X, np.float32([4, 2, 3]))),
    vary={"inputs": [Case((_X[:1], np.float32([4, 2, 3]))), Case((_X, np.float32([2, 3])))]},
    draw=_draw_broadcast().map(lambda drawn: Case((drawn[0], np.float32(drawn[1])))),
    worked=[(Case((np.float32([4]), np.float32([2, 2]))), [[[4, 4], [4, 4]]])],
    refuse=[
        (Case((_ROW, np.float32([3, 2]))), _MISFIT),
        (Case((_ROW, np.float32([-3]))), "sizes must not be negative"),
    ],
)


def _run(start, end, step):
    values = []
    while (start + len(values) * step < end) if step > 0 else (start + len(values) * step > end):
        values.append(start + len(values) * step)
    return np.array(values, np.float64)


def _range_static(inputs, f):
    return _run(*(float(np.float32(f[name])) for name in ("start_value", "end_value", "step_size_value")))


def _range_dynamic(inputs, f):
    end, start, step = (*inputs, *(np.float32([f[n]]) for n in ("start_value", "step_size_value")[len(inputs) - 1 :]))
    return _run(float(start[0]), float(end[0]), float(step[0]))


_RANGES = st.tuples(
    st.sampled_from([0.0, 1.0, -2.0, 0.25]),
    st.sampled_from([3.0, -1.0, 4.5, 0.0]),
    st.sampled_from([1.0, -0.5, 0.1, 2.0]),
)
_NAMES = ("end_value", "start_value", "step_size_value")


def _ranges_dynamic(numbers, wired):
    start, end, step = numbers
    fields = {"start_value": start, "step_size_value": step}
    inputs = (end, start, step)[:wired]
    fields = dict(list(fields.items())[wired - 1 :])
    return Case(tuple(np.float32([x]) for x in inputs), fields)


_STEPS = {"end_value": 8.0, "start_value": 1.0, "step_size_value": 3.0}
kind(
    "rangeStatic",
    oracle=_range_static,
    base=Case((), _STEPS),
    vary={"end_value": [3.0, 7.0, 0.0], "start_value": [0.0, 9.0], "step_size_value": [0.5, -1.0]},
    draw=_RANGES.map(lambda r: Case((), dict(zip(_NAMES, (r[1], r[0], r[2]), strict=True)))),
    worked=[
        (Case((), _STEPS), [[1, 4, 7]]),
        (Case((), {"start_value": 3.0, "end_value": 0.0, "step_size_value": -1.0}), [[3, 2, 1]]),
        (Case((), {"start_value": 3.0, "end_value": 3.0, "step_size_value": 1.0}), [np.zeros(0)]),
    ],
    refuse=[(Case((), {"end_value": 4.0}), "a step other than 0")],
)
_DYNAMIC = Case((np.float32([8]),), {"start_value": 1.0, "step_size_value": 3.0})
kind(
    "rangeDynamic",
    oracle=_range_dynamic,
    base=_DYNAMIC,
    vary={
        "start_value": [0.0],
        "step_size_value": [0.5],
        # what is wired counts, and not the field of its name
        "inputs": [
            _DYNAMIC.but(inputs=(np.float32([6]),)),
            _DYNAMIC.but(inputs=(np.float32([8]), np.float32([3]))),
            _DYNAMIC.but(inputs=(np.float32([8]), np.float32([3]), np.float32([1]))),
        ],
    },
    draw=st.builds(_ranges_dynamic, _RANGES, st.integers(1, 3)),
    worked=[
        (_DYNAMIC, [[1, 4, 7]]),
        (Case((np.float32([0]), np.float32([3]), np.float32([-1]))), [[3, 2, 1]]),
    ],
    refuse=[
        (Case((np.float32([8]),)), "a step other than 0"),
        (Case((np.float32([8, 9]),), _DYNAMIC.fields), "a single number"),
    ],
)

kind(
    "getShape",
    oracle=lambda inputs, f: np.float64(
        [len(inputs[0]), *inputs[0][0].shape] if inputs[0].ndim > 1 else [inputs[0].size]
    ),
    base=Case((numbers(4, 1, 6),)),
    vary={"inputs": [Case((numbers(4, 6),))]},
    draw=shapes().flatmap(arrays).map(lambda x: Case((x,))),
    worked=[(Case((numbers(4, 1, 6),)), [[4, 1, 6]]), (Case((np.zeros((0, 2), np.float32),)), [[0, 2]])],
)
kind(
    "loadConstantND",
    oracle=lambda inputs, f: np.asarray(f["data"], np.float64),
    base=Case((), {"data": numbers(2, 3)}),
    vary={"data": [numbers(3, 2), numbers(1), numbers(2, 3, seed=1)]},
    draw=shapes().flatmap(arrays).map(lambda x: Case((), {"data": x})),
    worked=[(Case((), {"data": np.float32([[1, 2]])}), [[[1, 2]]])],
    refuse=[(Case(()), "data")],
)
