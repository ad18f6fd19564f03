"""Elementwise functions of one array, answered by Python's own mathematics for each number."""

import math

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, operations, shapes


def _each(function):
    """The oracle that calls a function for each number; what the function has no answer for is NaN."""

    def one(v):
        try:
            return float(function(v))
        except (ValueError, OverflowError):
            return math.nan

    return lambda i, a: np.reshape([one(float(v)) for v in i["x"].reshape(-1)], i["x"].shape)


def _draw(low, high, **attributes):
    return shapes(min_rank=0).flatmap(lambda shape: arrays(shape, low, high)).map(lambda x: Case({"x": x}, attributes))


def _worked(x, y):
    return [(Case({"x": np.float32(x)}), y)]


def _stated(function, low, high, worked, **facts):
    """Facts of an operation without attributes, on numbers from low to high."""
    return {
        "oracle": _each(function),
        "base": Case({"x": numbers(2, 3, 4, low=low, high=high)}),
        "vary": {},
        "draw": _draw(low, high),
        "worked": worked,
        **facts,
    }


_INF, _NAN = math.inf, math.nan
_PI = math.pi
_SCALAR = (Case({"x": np.float32(1)}), np.float32(math.e))

operations(
    {
        "acos": _stated(math.acos, -0.9, 0.9, _worked([-1, 0, 1, 2], [_PI, _PI / 2, 0, _NAN])),
        "asin": _stated(math.asin, -0.9, 0.9, _worked([-1, 0, 1, -2], [-_PI / 2, 0, _PI / 2, _NAN])),
        "atanh": _stated(
            lambda v: math.copysign(_INF, v) if abs(v) == 1 else math.atanh(v),  # which raises there
            -0.9,
            0.9,
            _worked([0.6, 1, -1, 2], [0.6931472, _INF, -_INF, _NAN]),
        ),
        "atan": _stated(math.atan, -2, 2, _worked([-1, 0, _INF], [-_PI / 4, 0, _PI / 2])),
        "cos": _stated(math.cos, -9, 9, _worked([0, _PI / 3, _PI], [1, 0.5, -1])),
        "cosh": _stated(math.cosh, -2, 2, _worked([0, math.log(2)], [1, 1.25])),
        "erf": _stated(math.erf, -2, 2, _worked([0, 1, -_INF], [0, 0.84270079, -1])),
        "exp": _stated(math.exp, -2, 2, [*_worked([0, math.log(3), -_INF], [1, 3, 0]), _SCALAR]),
        "sin": _stated(math.sin, -9, 9, _worked([0, _PI / 6, _PI / 2], [0, 0.5, 1])),
        "sinh": _stated(math.sinh, -2, 2, _worked([0, math.log(2)], [0, 0.75])),
        "sqrt": _stated(math.sqrt, 0.1, 4, _worked([0, 4, _INF, -1], [0, 2, _INF, _NAN])),
        "tan": _stated(math.tan, -1, 1, _worked([0, _PI / 4], [0, 1])),
        "tanh": _stated(math.tanh, -2, 2, _worked([0, math.log(2), _INF], [0, 0.6, 1])),
        "ceil": _stated(math.ceil, -4, 4, _worked([-1.5, -0.5, 1.2, 3], [-1, 0, 2, 3])),
        "floor": _stated(math.floor, -4, 4, _worked([-1.5, -0.5, 1.2, 3], [-2, -1, 1, 3])),
        # the even one of two equally near integers; the prose of the format says only that 0.5 becomes 0
        "round": _stated(round, -4, 4, _worked([0.5, 1.5, 2.5, -0.5, -1.5, 1.2], [0, 2, 2, 0, -2, 1])),
    },
    15,
)


# Integers too --------------------------------------------------------------------------------------------------------


def _kept(function):
    """The oracle of a function of each number, in the type of x."""

    def oracle(i, a):
        x = i["x"]
        return np.reshape([function(v.item(), a) for v in x.reshape(-1)], x.shape).astype(
            x.dtype if x.dtype.kind == "i" else np.float64
        )

    return oracle


def _sign(v, a):
    return v if v != v else (v > 0) - (v < 0)


operations(
    {
        "abs": {
            "oracle": _kept(lambda v, a: abs(v)),
            "worked": [*_worked([-2.5, 0, _INF], [2.5, 0, _INF]), (Case({"x": np.int32([-7])}), np.int32([7]))],
        },
        "sign": {
            "oracle": _kept(_sign),
            "worked": [
                *_worked([-2.5, 0, -0.0, 9, _NAN], [-1, 0, 0, 1, _NAN]),
                (Case({"x": np.int32([-7, 0])}), np.int32([-1, 0])),
            ],
        },
        "square": {
            "oracle": _kept(lambda v, a: v * v),
            "worked": [*_worked([-2.5, 0], [6.25, 0]), (Case({"x": np.int32([-7])}), np.int32([49]))],
        },
        "exp2": {
            "oracle": _kept(lambda v, a: 2**v if isinstance(v, float) else min(2 ** max(v, 0) * (v >= 0), 2**31 - 1)),
            "vary": {"range": [Case({"x": np.int32([31, 99])})]},
            "worked": [
                *_worked([-1, 0, 10, 0.5, -_INF], [0.5, 1, 1024, math.sqrt(2), 0]),
                (Case({"x": np.int32([-1, 0, 5, 30])}), np.int32([0, 1, 32, 2**30])),
            ],
            "smooth": {"range": "integers have no gradient"},
            "unlike_coremltools": {"range": "NumPy leaves open what a power beyond int32 becomes"},
        },
    },
    15,
    base=Case({"x": numbers(2, 3, 4)}),
    vary={},
    draw=_draw(-3, 3),
)

operation(
    "clip",
    15,
    oracle=_kept(lambda v, a: v if v != v else min(max(v, a["alpha"]), a["beta"])),
    base=Case({"x": numbers(2, 3, 4)}, {"alpha": -0.7, "beta": 0.8}),
    vary={"alpha": [-0.2, 0.9], "beta": [0.1]},
    draw=_draw(-2, 2, alpha=-0.5, beta=0.5),
    worked=[
        (Case({"x": np.float32([-5, 0.5, 5, _NAN])}, {"alpha": -1, "beta": 2}), [-1, 0.5, 2, _NAN]),
        (Case({"x": np.float32([-5, 5])}, {"alpha": 2, "beta": -1}), [-1, -1]),  # the upper limit counts
    ],
)

operation(
    "threshold",
    15,
    oracle=_kept(lambda v, a: max(v, a["alpha"])),
    base=Case({"x": numbers(2, 3, 4)}, {"alpha": 0.3}),
    vary={"alpha": [-0.7]},
    draw=_draw(-2, 2, alpha=0.2),
    worked=[
        (Case({"x": np.float32([-5, 0.5])}, {"alpha": -1.0}), [-1, 0.5]),
        (Case({"x": np.int32([-5, 5])}, {"alpha": 2}), np.int32([2, 5])),
    ],
)

# With an epsilon -----------------------------------------------------------------------------------------------------


def _added(function):
    """The oracle of a function of x + epsilon, with the sum in exact numbers."""

    def one(v, epsilon):
        try:
            return function(v + epsilon)
        except (ValueError, ZeroDivisionError):
            return _INF if function is not _LOG and v + epsilon == 0 else _NAN if v + epsilon else -_INF

    return lambda i, a: np.reshape([one(float(v), a["epsilon"]) for v in i["x"].reshape(-1)], i["x"].shape)


_LOG = math.log
_SMALLEST = 2.0**-149  # of float32: what 1e-45 is there


def _log(i, a):
    epsilon = float(np.float32(a["epsilon"]))
    return _added(_LOG)(i, {"epsilon": epsilon})


operations(
    {
        "inverse": {
            "oracle": _added(lambda v: 1 / v),
            "vary": {"epsilon": [0.25]},
            "worked": [
                (Case({"x": np.float32([0, 2])}), [1e4, 1 / 2.0001]),
                (Case({"x": np.float32([0, 2])}, {"epsilon": 0}), [_INF, 0.5]),
            ],
        },
        "log": {
            "oracle": _log,
            "vary": {"epsilon": [0.25]},
            "worked": [
                (Case({"x": np.float32([0, math.e, -1])}), [math.log(_SMALLEST), 1, _NAN]),
                (Case({"x": np.float32([0])}, {"epsilon": 0}), [-_INF]),  # as float16 stores 1e-45
                (Case({"x": np.float32([0, 0.75])}, {"epsilon": 0.25}), [math.log(0.25), 0]),
            ],
        },
        "rsqrt": {
            "oracle": _added(lambda v: 1 / math.sqrt(v)),
            "vary": {"epsilon": [0.25]},
            "worked": [
                (Case({"x": np.float32([0, 4, -1])}), [1e6, 0.5, _NAN]),
                (Case({"x": np.float32([0])}, {"epsilon": 0}), [_INF]),  # as float16 stores 1e-12
            ],
        },
    },
    15,
    base=Case({"x": numbers(2, 3, 4, low=0.2)}),
    draw=_draw(0.2, 2, epsilon=0.01),
)

# Types ---------------------------------------------------------------------------------------------------------------

_TYPES = {"fp16": np.float16, "fp32": np.float32, "bool": np.bool_}
_WIDE = np.float32([1.7, -1.7, 300.5, 0, _INF, -_INF, _NAN])


def _cast(i, a):
    """Fractions are dropped, int32 is as far as floats reach, and narrower types keep the last bits of that."""
    x, to = i["x"], np.dtype(_TYPES.get(a["dtype"], a["dtype"]))
    if to == np.bool_:
        return np.reshape([v != 0 for v in x.reshape(-1).tolist()], x.shape)
    if to.kind == "f":
        return x.astype(np.float64)
    bits = 8 * to.itemsize

    def whole(v):
        n = 0 if v != v else int(min(max(v, -(2**31)), 2**31 - 1))
        n %= 2**bits
        return n - 2**bits if to.kind == "i" and n >= 2 ** (bits - 1) else n

    return np.reshape([whole(v) for v in x.reshape(-1).tolist()], x.shape).astype(to)


operation(
    "cast",
    15,
    oracle=_cast,
    base=Case({"x": numbers(2, 3, 4, low=-9, high=9)}, {"dtype": "fp32"}, version=17),
    vary={
        "dtype": ["int32", "bool", "int16", "int8", "uint16", "uint8"],
        "range": [Case({"x": _WIDE}, {"dtype": "int32"})],
    },
    draw=st.builds(
        lambda x, dtype: Case({"x": x}, {"dtype": dtype}),
        shapes(min_rank=0).flatmap(lambda shape: arrays(shape, low=-9, high=9)),
        st.sampled_from(["int32", "bool", "fp16"]),
    ),
    worked=[
        (Case({"x": np.float32([1.7, -1.7, 0])}, {"dtype": "int32"}), np.int32([1, -1, 0])),
        (Case({"x": _WIDE[:4]}, {"dtype": "uint8"}, version=17), np.uint8([1, 255, 44, 0])),
        (Case({"x": np.int32([300, -1])}, {"dtype": "int8"}, version=17), np.int8([44, -1])),
        (Case({"x": np.float32([0.1, 0, -0.0, _NAN])}, {"dtype": "bool"}), [True, False, False, True]),
        (Case({"x": np.array([True, False])}, {"dtype": "fp32"}), np.float32([1, 0])),
        (Case({"x": np.float32(2.7)}, {"dtype": "int32"}), np.int32(2)),
    ],
    refuse=[(Case({"x": _WIDE}, {"dtype": "int64"}), "dtype is 'int64'; it must be one of bool, fp16, fp32, int32")],
    smooth=dict.fromkeys(("dtype", "range"), "integers have no gradient"),
    unlike_coremltools={"range": "NumPy leaves open what a float beyond int32 becomes, and wraps around by chance"},
    gives=lambda a: [a["dtype"]],
)

operation(
    "logical_not",
    15,
    oracle=lambda i, a: np.reshape([not v for v in i["x"].reshape(-1).tolist()], i["x"].shape),
    base=Case({"x": numbers(2, 3) > 0}),
    vary={},
    draw=shapes(min_rank=0).flatmap(arrays).map(lambda x: Case({"x": x > 0})),
    worked=[(Case({"x": np.array([True, False])}), [False, True])],
)
