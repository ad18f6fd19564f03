"""Normalization layers: oracles go instance by instance, in float64."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers, shapes

_X = numbers(2, 3, 2, 4)
_IMAGES = st.sampled_from([(3, 2, 2), (1, 1, 1), (2, 3, 4, 2), (1, 3, 1, 1), (2, 1, 3, 2, 2), (1, 1, 6, 3, 1)])


def _instances(x):
    """Every [C, H, W] of an array, with its place."""
    for place in np.ndindex(x.shape[:-3]):
        yield place, x[place]


def _batchnorm(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    y = np.empty_like(x)
    epsilon = f.get("epsilon") or 1e-5
    for place, image in _instances(x):
        for c in range(x.shape[-3]):
            if not f.get("compute_mean_var"):
                mean, variance = float(f["mean"][c]), float(f["variance"][c])
            else:
                pixels = image[c] if f.get("instance_normalization") else x[..., c, :, :]
                mean = pixels.sum() / pixels.size
                variance = ((pixels - mean) ** 2).sum() / pixels.size
            gamma = float(f["gamma"][c]) if "gamma" in f else 1.0
            beta = float(f["beta"][c]) if "beta" in f else 0.0
            y[place][c] = gamma * (image[c] - mean) / np.sqrt(variance + epsilon) + beta
    return y


def _statistics(channels: int, seed: int = 0) -> dict[str, np.ndarray]:
    return {
        "gamma": numbers(channels, low=0.5, high=2, seed=seed),
        "beta": numbers(channels, seed=seed + 1),
        "mean": numbers(channels, seed=seed + 2),
        "variance": numbers(channels, low=0.2, high=3, seed=seed + 3),
    }


_STORED = _statistics(3)


@st.composite
def _draw_batchnorm(draw):
    shape = draw(_IMAGES)
    fields = _statistics(shape[-3], draw(st.integers(0, 5)))
    if draw(st.booleans()):
        fields = {k: v for k, v in fields.items() if k not in ("mean", "variance")}
        fields |= {"compute_mean_var": True, "instance_normalization": draw(st.booleans())}
    for name in draw(st.sampled_from([(), ("gamma",), ("beta",), ("gamma", "beta")])):
        del fields[name]
    fields |= {"channels": shape[-3], "epsilon": draw(st.sampled_from([0.0, 1e-3, 0.5]))}
    return Case((draw(arrays(shape)),), fields)


kind(
    "batchnorm",
    oracle=_batchnorm,
    base=Case((_X,), {**_STORED, "epsilon": 1e-3}),
    vary={
        "epsilon": [0.0, 0.5],
        "gamma": [_STORED["gamma"] + 1],
        "beta": [_STORED["beta"] + 1],
        "mean": [_STORED["mean"] + 1],
        "variance": [_STORED["variance"] + 1],
        "compute_mean_var": [True],
        "instance_normalization": [Case((_X,), {**_STORED, "compute_mean_var": True, "instance_normalization": True})],
    },
    draw=_draw_batchnorm(),
    worked=[
        (
            Case(
                (np.float32([[[1, 3]], [[0, 2]]]),),
                {
                    "gamma": np.float32([2, 3]),
                    "beta": np.float32([0, 1]),
                    "mean": np.float32([1, 2]),
                    "variance": np.float32([3, 15]),
                    "epsilon": 1.0,
                },
            ),
            [[[[0, 2]], [[-0.5, 1]]]],
        ),
        # own statistics: of both instances together (mean 2, variance 1), then of each (variance 0)
        (
            Case((np.float32([[[[1]]], [[[3]]]]),), {"compute_mean_var": True, "epsilon": 3.0}),
            [[[[[-0.5]]], [[[0.5]]]]],
        ),
        (
            Case(
                (np.float32([[[[1]]], [[[3]]]]),),
                {"compute_mean_var": True, "instance_normalization": True, "epsilon": 3.0},
            ),
            [[[[[0]]], [[[0]]]]],
        ),
        # a sequence is part of the batch: 1, 3, 5 and 7 have the mean 4 and the variance 5
        (
            Case((np.float32([1, 3, 5, 7]).reshape(2, 2, 1, 1, 1),), {"compute_mean_var": True, "epsilon": 4.0}),
            [np.float32([-1, -1 / 3, 1 / 3, 1]).reshape(2, 2, 1, 1, 1)],
        ),
        # and each of its members is an instance: 1 and 3, 5 and 7 ...
        (
            Case(
                (np.float32([1, 3, 5, 7, 9, 11, 13, 15]).reshape(2, 2, 1, 1, 2),),
                {"compute_mean_var": True, "instance_normalization": True, "epsilon": 3.0},
            ),
            [np.float32([-0.5, 0.5] * 4).reshape(2, 2, 1, 1, 2)],
        ),
    ],
    refuse=[
        (Case((numbers(2, 3),), _STORED), "rank 2"),
        (Case((numbers(2, 2, 2),), _STORED), "x has 2 channels, gamma has shape [3]"),
        (Case((numbers(1, 2, 2),), _STORED), "x has 1 channels, gamma has shape [3]"),
        (Case((_X,), {"gamma": _STORED["gamma"], "beta": _STORED["beta"]}), "mean or variance is absent"),
        (Case((_X,), {}), "mean or variance is absent"),
    ],
)


def _mvn(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    y = np.empty_like(x)
    for place, image in _instances(x):
        for group in [slice(None)] if f.get("across_channels") else range(len(image)):
            part = image[group]
            mean = part.sum() / part.size
            variance = ((part - mean) ** 2).sum() / part.size
            scale = np.sqrt(variance + (f.get("epsilon") or 1e-6)) if f.get("normalize_variance") else 1.0
            y[place][group] = (part - mean) / scale
    return y


@st.composite
def _draw_mvn(draw):
    flags = {name: draw(st.booleans()) for name in ("across_channels", "normalize_variance")}
    return Case((draw(arrays(draw(_IMAGES))),), {**flags, "epsilon": draw(st.sampled_from([0.0, 1e-5, 0.5]))})


kind(
    "mvn",
    oracle=_mvn,
    base=Case((_X,), {"normalize_variance": True, "epsilon": 0.01}),
    vary={"across_channels": [True], "normalize_variance": [False], "epsilon": [0.0, 1.0]},
    draw=_draw_mvn(),
    worked=[
        (Case((np.float32([[[1, 3]], [[5, 9]]]),)), [[[[-1, 1]], [[-2, 2]]]]),
        (
            Case((np.float32([[[1, 3]], [[5, 9]]]),), {"normalize_variance": True, "epsilon": 3.0}),
            [[[[-0.5, 0.5]], [[-0.7559289, 0.7559289]]]],
        ),
        # mean 4, variance 10
        (
            Case(
                (np.float32([[[0, 2]], [[6, 8]]]),),
                {"across_channels": True, "normalize_variance": True, "epsilon": 6.0},
            ),
            [[[[-1, -0.5]], [[0.5, 1]]]],
        ),
    ],
    refuse=[(Case((numbers(2, 3),)), "rank 2")],
)


def _l2normalize(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    y = np.empty_like(x)
    for place, image in _instances(x):
        y[place] = image / np.sqrt(np.vdot(image, image) + (f.get("epsilon") or 1e-6))
    return y


kind(
    "l2normalize",
    oracle=_l2normalize,
    base=Case((_X,), {"epsilon": 0.5}),
    vary={"epsilon": [0.0, 7.0]},
    draw=st.builds(
        lambda x, epsilon, factor: Case((x * np.float32(factor),), {"epsilon": epsilon}),
        _IMAGES.flatmap(arrays),
        st.sampled_from([0.0, 1e-5, 2.0]),
        st.sampled_from([0.0, 1e-3, 1.0]),
    ),
    worked=[
        (Case((np.float32([[[3]], [[4]]]),)), [[[[0.6]], [[0.8]]]]),
        (Case((np.float32([[[1, 2], [2, 4]]]),), {"epsilon": 11.0}), [np.float32([[[1, 2], [2, 4]]]) / 6]),
        (Case((np.zeros((1, 1, 1), np.float32),)), [[[[0]]]]),
    ],
    refuse=[(Case((numbers(3),)), "rank 1")],
)


def _lrn(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    y = np.empty_like(x)
    n, channels = f["local_size"], x.shape[-3]
    for place, image in _instances(x):
        for c in range(channels):
            first = c - (n - 1) // 2
            total = sum(image[j] ** 2 for j in range(first, first + n) if 0 <= j < channels)
            y[place][c] = image[c] / ((f.get("k") or 1.0) + f.get("alpha", 0.0) / n * total) ** f.get("beta", 0.0)
    return y


kind(
    "lrn",
    oracle=_lrn,
    base=Case((numbers(2, 5, 2, 3),), {"alpha": 0.5, "beta": 0.75, "local_size": 3, "k": 2.0}),
    vary={"alpha": [0.0, 1.5], "beta": [0.0, 2.0], "local_size": [1, 2, 5, 40], "k": [0.0, 0.25]},
    draw=st.builds(
        lambda x, alpha, beta, size, k: Case((x,), {"alpha": alpha, "beta": beta, "local_size": size, "k": k}),
        _IMAGES.flatmap(arrays),
        st.sampled_from([0.0, 1e-4, 3.0]),
        st.sampled_from([0.0, 0.75, 1.0]),
        st.sampled_from([1, 2, 3, 5, 11]),
        st.sampled_from([0.0, 0.5, 2.0]),
    ),
    worked=[
        # sums over three channels: 5, 14, 13
        (
            Case((np.float32([[[1]], [[2]], [[3]]]),), {"alpha": 3.0, "beta": 1.0, "local_size": 3, "k": 1.0}),
            [[[[1 / 6]], [[2 / 15]], [[3 / 14]]]],
        ),
        # an even window reaches one channel forward, none back: sums 5, 13, 9
        (
            Case((np.float32([[[1]], [[2]], [[3]]]),), {"alpha": 2.0, "beta": 1.0, "local_size": 2, "k": 1.0}),
            [[[[1 / 6]], [[2 / 14]], [[3 / 10]]]],
        ),
    ],
    refuse=[
        (Case((_X,), {"alpha": 1.0}), "local_size is 0"),
        (Case((_X,), {"local_size": 3, "k": -1.0}), "k is -1.0"),
        (Case((numbers(2, 3),), {"local_size": 3}), "rank 2"),
    ],
)


def _softmax(x, axis: int):
    x = np.moveaxis(np.asarray(x, np.float64), axis, -1)
    y = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        shifted = [np.exp(v - max(x[place])) for v in x[place]]
        y[place] = np.array(shifted) / sum(shifted)
    return np.moveaxis(y, -1, axis)


kind(
    "softmax",
    oracle=lambda inputs, f: _softmax(inputs[0], -3),
    base=Case((_X,)),
    vary={"inputs": [Case((10 * _X,))]},
    draw=_IMAGES.flatmap(lambda s: st.sampled_from([1.0, 200.0]).flatmap(lambda r: arrays(s, -r, r))).map(
        lambda x: Case((x,))
    ),
    worked=[
        (Case((np.log(np.float32([[[1]], [[3]]])),)), [[[[0.25]], [[0.75]]]]),
        (Case((np.float32([[[500, 0]], [[500, -500]]]),)), [[[[0.5, 1]], [[0.5, 0]]]]),
    ],
    refuse=[(Case((numbers(2, 3),)), "rank 2")],
)


@st.composite
def _draw_softmax_nd(draw):
    shape = draw(shapes())
    limit = draw(st.sampled_from([1.0, 200.0]))
    return Case((draw(arrays(shape, -limit, limit)),), {"axis": draw(st.integers(-len(shape), len(shape) - 1))})


kind(
    "softmaxND",
    oracle=lambda inputs, f: _softmax(inputs[0], f.get("axis", 0)),
    base=Case((_X,), {"axis": 1}),
    vary={"axis": [0, -1, -2]},
    draw=_draw_softmax_nd(),
    worked=[(Case((np.log(np.float32([[1, 3], [1, 1]])),), {"axis": -1}), [[[0.25, 0.75], [0.5, 0.5]]])],
    refuse=[
        (Case((numbers(2, 3),), {"axis": 2}), "axis 2 is out of range"),
        (Case((numbers(2, 3),), {"axis": -3}), "axis -3 is out of range"),
    ],
)


def _layer_norm(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    y = np.empty_like(x)
    shape = tuple(f["normalized_shape"])
    gamma, beta = f.get("gamma", np.ones(shape)), f.get("beta", np.zeros(shape))
    for place in np.ndindex(x.shape[: x.ndim - len(shape)]):
        part = x[place]
        mean = part.sum() / part.size
        variance = ((part - mean) ** 2).sum() / part.size
        y[place] = gamma.astype(np.float64) * (part - mean) / np.sqrt(variance + f.get("eps", 0.0)) + beta
    return y


@st.composite
def _draw_layer_norm(draw):
    # an axis of size 1 alone has variance 0: then eps decides all
    shape = draw(shapes())
    own = shape[draw(st.integers(0, len(shape) - 1)) :]
    fields = {"normalized_shape": own, "eps": draw(st.sampled_from([1e-5, 1e-3, 0.5]))}
    if draw(st.booleans()):
        fields |= {"gamma": draw(arrays(own)), "beta": draw(arrays(own))}
    return Case((draw(arrays(shape)),), fields)


_LAYER_NORM = {"normalized_shape": (2, 4), "gamma": numbers(2, 4), "beta": numbers(2, 4, seed=1), "eps": 0.01}

kind(
    "layerNormalization",
    oracle=_layer_norm,
    base=Case((_X,), _LAYER_NORM),
    vary={
        "normalized_shape": [
            Case((_X,), {**_LAYER_NORM, "normalized_shape": (4,), "gamma": numbers(4), "beta": numbers(4, seed=1)})
        ],
        "gamma": [numbers(2, 4, seed=2)],
        "beta": [numbers(2, 4, seed=3)],
        "eps": [0.0, 1.0],
    },
    draw=_draw_layer_norm(),
    worked=[
        (
            Case(
                (np.float32([[1, 3], [2, 8]]),),
                {"normalized_shape": (2,), "gamma": np.float32([1, 2]), "beta": np.float32([0, 1]), "eps": 0.0},
            ),
            [[[-1, 3], [-1, 3]]],
        ),
        (
            Case((np.float32([[1, 3], [2, 8]]),), {"normalized_shape": (2,), "eps": 3.0}),
            [[[-0.5, 0.5], [-0.8660254, 0.8660254]]],
        ),
    ],
    refuse=[
        (Case((numbers(2, 3),), {"normalized_shape": (2,)}), "does not end in [2]"),
        (Case((numbers(3),), {"normalized_shape": (1, 3)}), "does not end in [1, 3]"),
        (Case((numbers(3),), {}), "does not end in []"),
    ],
)
