"""Normalizations, answered group by group and channel by channel."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation

# By statistics -------------------------------------------------------------------------------------------------------


def _each(i, name, default, channel):
    return default if i[name] is None else float(i[name][channel])


def _batch_norm(i, a):
    x = np.float64(i["x"])
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        deviation = np.sqrt(float(i["variance"][c]) + a["epsilon"])
        y[:, c] = _each(i, "gamma", 1, c) * (x[:, c] - float(i["mean"][c])) / deviation + _each(i, "beta", 0, c)
    return y


def _normal(x, epsilon):
    return (x - x.mean()) / np.sqrt(x.var() + epsilon)


def _instance_norm(i, a):
    x = np.float64(i["x"])
    y = np.empty_like(x)
    for n, c in np.ndindex(*x.shape[:2]):
        y[n, c] = _each(i, "gamma", 1, c) * _normal(x[n, c], a["epsilon"]) + _each(i, "beta", 0, c)
    return y


def _layer_norm(i, a):
    x = np.float64(i["x"])
    axes = sorted(axis % x.ndim for axis in (range(x.ndim) if a["axes"] is None else a["axes"]))
    others = [axis for axis in range(x.ndim) if axis not in axes]
    groups = x.transpose(*others, *axes)
    y = np.empty_like(groups)
    for place in np.ndindex(*groups.shape[: len(others)]):
        y[place] = _normal(groups[place], a["epsilon"])
        y[place] = y[place] * (1 if i["gamma"] is None else i["gamma"]) + (0 if i["beta"] is None else i["beta"])
    return y.transpose(np.argsort([*others, *axes]))


_X = numbers(2, 3, 4, 5)
_SCALE = {"gamma": numbers(3, seed=1), "beta": numbers(3, seed=2)}
_STATISTICS = {"mean": numbers(3, seed=3), "variance": numbers(3, low=0.1, seed=4)}
_LINE = np.float32([[[1, 3], [0, 8]]])
_HALVES = np.float32([[[6e4, 6.4e4]]])  # whose sum is infinite in float16
_RANKS = [numbers(2, 3, 4), numbers(1, 3, 2, 2, 3)]


@st.composite
def _draw_channels(draw, statistics):
    shape = draw(st.sampled_from([(2, 3, 4), (1, 3, 2, 5), (1, 3, 2, 2, 2)]))
    inputs = {"x": draw(arrays(shape))} | ({**_STATISTICS} if statistics else {})
    inputs |= {name: value for name, value in _SCALE.items() if draw(st.booleans())}
    return Case(inputs, {"epsilon": draw(st.sampled_from([1e-5, 0.3]))})


operation(
    "batch_norm",
    15,
    oracle=_batch_norm,
    base=Case({"x": _X, **_STATISTICS, **_SCALE}),
    vary={"gamma": [None], "beta": [None], "epsilon": [0.5], "x": _RANKS, "mean": [numbers(3)]},
    draw=_draw_channels(True),
    worked=[
        (
            Case({"x": _LINE, "mean": np.float32([1, 4]), "variance": np.float32([3, 15])}, {"epsilon": 1.0}),
            [[[0, 1], [-1, 1]]],
        ),
        (
            Case(
                {
                    "x": _LINE,
                    "mean": np.float32([1, 4]),
                    "variance": np.float32([3, 15]),
                    "gamma": np.float32([1, 10]),
                    "beta": np.float32([5, 0]),
                },
                {"epsilon": 1.0},
            ),
            [[[5, 6], [-10, 10]]],
        ),
    ],
    refuse=[
        (Case({"x": numbers(2, 4, 5), **_STATISTICS}), "x has 4 channels"),
        (Case({"x": numbers(2, 3), **_STATISTICS}), "with one to three axes of space"),
    ],
)

operation(
    "instance_norm",
    15,
    oracle=_instance_norm,
    base=Case({"x": _X, **_SCALE}),
    vary={"gamma": [None], "beta": [None], "epsilon": [0.5], "x": _RANKS},
    draw=_draw_channels(False),
    worked=[
        (Case({"x": _LINE}, {"epsilon": 0.0}), [[[-1, 1], [-1, 1]]]),
        (
            Case({"x": _LINE, "gamma": np.float32([1, 2]), "beta": np.float32([0, 9])}, {"epsilon": 0.0}),
            [[[-1, 1], [7, 11]]],
        ),
        (Case({"x": _HALVES}, {"epsilon": 0.0}), [[[-1, 1]]]),
    ],
    refuse=[
        (Case({"x": _X, "gamma": numbers(4)}), "gamma has shape [4]"),
        (Case({"x": numbers(2, 3), **_SCALE}), "with one to three axes of space"),
    ],
)


@st.composite
def _draw_layer_norm(draw):
    x = draw(arrays(draw(st.sampled_from([(4,), (2, 3), (2, 3, 4), (2, 2, 3, 4), (1, 2, 2, 2, 3)]))))
    axes = draw(st.none() | st.sets(st.integers(0, x.ndim - 1), min_size=1).map(sorted))
    sizes = [x.shape[axis] for axis in (range(x.ndim) if axes is None else axes)]
    inputs = {name: numbers(*sizes, seed=5) for name in ("gamma", "beta") if draw(st.booleans())}
    attributes = {} if axes is None else {"axes": tuple(axis - x.ndim * draw(st.integers(0, 1)) for axis in axes)}
    return Case({"x": x, **inputs}, attributes)


def _scaled(*sizes):
    return {"x": _X, "gamma": numbers(*sizes, seed=1), "beta": numbers(*sizes, seed=2)}


operation(
    "layer_norm",
    15,
    oracle=_layer_norm,
    base=Case(_scaled(5), {"axes": (-1,)}),
    vary={
        "gamma": [None],
        "beta": [None],
        "axes": [
            Case(_scaled(3), {"axes": (1,)}),
            Case(_scaled(3, 5), {"axes": (3, 1)}),  # gamma in the order of x
            Case(_scaled(2, 3, 4), {"axes": (0, 1, 2)}),
            Case(_scaled(3, 4, 5), {"axes": (1, -2, -1)}),
            Case(_scaled(2, 3, 4, 5)),
        ],
        "epsilon": [0.5],
        "x": [numbers(3, 5), numbers(2, 3, 5)],
    },
    draw=_draw_layer_norm(),
    worked=[
        (Case({"x": np.float32([[1, 3], [0, 8]])}, {"axes": (1,), "epsilon": 0.0}), [[-1, 1], [-1, 1]]),
        (Case({"x": np.float32([[1, 8], [3, 0]])}, {"axes": (0,), "epsilon": 0.0}), [[-1, 1], [1, -1]]),
        (Case({"x": np.float32([[0, 0], [2, 2]])}, {"epsilon": 3.0}), [[-0.5, -0.5], [0.5, 0.5]]),
        (Case({"x": _HALVES[0]}, {"axes": (1,), "epsilon": 0.0}), [[-1, 1]]),
    ],
    refuse=[
        (Case(_scaled(4), {"axes": (-1,)}), "gamma has shape [4], but x has sizes [5] on the axes"),
        (Case({"x": _X}, {"axes": (4,)}), "axis 4 is out of range for rank 4"),
        (Case({"x": _X}, {"axes": (1, -3)}), "twice"),
    ],
)

# By norms ------------------------------------------------------------------------------------------------------------


def _l2_norm(i, a):
    x = np.float64(i["x"])
    y = np.empty_like(x)
    for place in np.ndindex(*x.shape[:-3]):
        y[place] = x[place] / np.sqrt((x[place] ** 2).sum() + a["epsilon"])
    return y


operation(
    "l2_norm",
    15,
    oracle=_l2_norm,
    base=Case({"x": _X}),
    vary={"epsilon": [3.0], "x": [numbers(2, 3, 4), numbers(2, 1, 2, 3, 2)]},
    draw=st.sampled_from([(2, 3, 4), (3, 1, 2, 2), (2, 2, 1, 3, 2)]).flatmap(arrays).map(lambda x: Case({"x": x})),
    worked=[
        (Case({"x": np.float32([[[3, 4]]])}), [[[0.6, 0.8]]]),
        (Case({"x": np.float32([[[[1]]], [[[2]]]])}, {"epsilon": 3.0}), [[[[0.5]]], [[[2 / 7**0.5]]]]),
        # the sum of squares is infinite in float16
        (Case({"x": np.float32([[[300, 400]]])}), [[[0.6, 0.8]]]),
    ],
    refuse=[(Case({"x": numbers(2, 3)}), "the norm is over the last three axes")],
)


def _local(i, a):
    x = np.float64(i["x"])
    y = np.empty_like(x)
    before = (a["size"] - 1) // 2
    for c in range(x.shape[1]):
        near = x[:, max(0, c - before) : c - before + a["size"]]
        y[:, c] = x[:, c] / (a["k"] + a["alpha"] / a["size"] * (near**2).sum(1)) ** a["beta"]
    return y


_MANY = Case({"x": numbers(2, 6, 2, 3)}, {"size": 3, "alpha": 2.0, "beta": 0.6, "k": 1.5})

operation(
    "local_response_norm",
    15,
    oracle=_local,
    base=_MANY,
    vary={
        "size": [1, 4, 20],
        "alpha": [0.5],
        "beta": [1.0],
        "k": [1.0],
        "x": [numbers(2, 6, 3), numbers(1, 4, 2, 1, 2)],
    },
    draw=st.builds(
        lambda x, size: Case({"x": x}, {"size": size}),
        st.sampled_from([(1, 5, 2), (2, 4, 2, 2)]).flatmap(arrays),
        st.integers(1, 6),
    ),
    worked=[
        (
            Case({"x": np.float32([[[1], [2], [3]]])}, {"size": 3, "alpha": 3.0, "beta": 1.0, "k": 1.0}),
            [[[1 / 6], [2 / 15], [3 / 14]]],
        ),
    ],
    refuse=[
        (_MANY.but(size=0), "size is 0"),
        (_MANY.but(k=-1.0), "k is -1.0"),
        (_MANY.but(x=numbers(2, 6)), "with one to three axes of space"),
    ],
)
