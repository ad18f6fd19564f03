"""Convolution and pooling over volumes."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers

_AXES = ("depth", "height", "width")
_SIDES = (("front", "back"), ("top", "bottom"), ("left", "right"))


def _triple(f, name):
    return [f[f"{name}_{axis}"] for axis in _AXES]


def _pads(f, sizes, kernel, stride):
    match f.get("padding_type", "CUSTOM"):
        case "VALID":
            return [(0, 0)] * 3
        case "SAME":
            totals = [max(0, (-(-n // s) - 1) * s + k - n) for n, k, s in zip(sizes, kernel, stride, strict=True)]
            return [(int(np.floor(t / 2)), int(np.ceil(t / 2))) for t in totals]
        case _:
            return [tuple(f.get(f"custom_padding_{side}", 0) for side in sides) for sides in _SIDES]


def _convolution(inputs, f):
    x, w = np.asarray(inputs[0], np.float64), np.asarray(f["weights"], np.float64)
    run = _deconvolve if f.get("is_deconvolution") else _convolve
    y = run(x, w, _triple(f, "stride"), _triple(f, "dilation"), f.get("n_groups") or 1, f)
    return y if f.get("bias") is None else y + np.asarray(f["bias"], np.float64)[:, None, None, None]


def _convolve(x, w, stride, dilation, groups, f):
    """One output element after the other."""
    kernel = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation, strict=True)]
    x = np.pad(x, [(0, 0), (0, 0), *_pads(f, x.shape[2:], kernel, stride)])
    counts = [(n - k) // s + 1 for n, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
    fan_in, each = w.shape[1], w.shape[0] // groups
    y = np.zeros((x.shape[0], w.shape[0], *counts))
    for o in range(w.shape[0]):
        channels = slice(o // each * fan_in, (o // each + 1) * fan_in)
        for place in np.ndindex(*counts):
            box = tuple(slice(p * s, p * s + k, d) for p, s, k, d in zip(place, stride, kernel, dilation, strict=True))
            y[(slice(None), o, *place)] = (x[(slice(None), channels, *box)] * w[o]).sum(axis=(1, 2, 3, 4))
    return y


def _deconvolve(x, w, stride, dilation, groups, f):
    """One input element after the other adds its kernel; then the border is cut."""
    sizes, (channels, each) = x.shape[2:], w.shape[:2]
    kernel = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation, strict=True)]
    full = [(n - 1) * s + k for n, s, k in zip(sizes, stride, kernel, strict=True)]
    y = np.zeros((x.shape[0], each * groups, *full))
    for c in range(channels):
        group = c // (channels // groups)
        made = slice(group * each, (group + 1) * each)
        for place in np.ndindex(*sizes):
            box = tuple(slice(p * s, p * s + k, d) for p, s, k, d in zip(place, stride, kernel, dilation, strict=True))
            y[(slice(None), made, *box)] += x[(slice(None), c, *place)][:, None, None, None, None] * w[c]
    wanted = f.get("output_shape") or None
    if wanted is None and f.get("padding_type", "CUSTOM") != "SAME":
        pads = _pads(f, sizes, kernel, stride)
        return y[(..., *(slice(before, n - after) for n, (before, after) in zip(full, pads, strict=True)))]
    wanted = wanted or [n * s for n, s in zip(sizes, stride, strict=True)]
    starts = [max(n - m, 0) // 2 for n, m in zip(full, wanted, strict=True)]
    y = np.pad(y, [(0, 0), (0, 0), *((0, s) for s in stride)])
    return y[(..., *(slice(start, start + m) for start, m in zip(starts, wanted, strict=True)))]


def _pool(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    kernel, stride = _triple(f, "kernel"), _triple(f, "stride")
    pads = _pads(f, x.shape[2:], kernel, stride)
    starts = [
        [i * s - before for i in range((n + before + after - k) // s + 1)]
        for n, k, s, (before, after) in zip(x.shape[2:], kernel, stride, pads, strict=True)
    ]
    y = np.zeros((*x.shape[:2], *map(len, starts)))
    for place in np.ndindex(*map(len, starts)):
        corner = [own[p] for own, p in zip(starts, place, strict=True)]
        box = tuple(slice(max(c, 0), max(c + k, 0)) for c, k in zip(corner, kernel, strict=True))
        seen = x[(slice(None), slice(None), *box)].reshape(*x.shape[:2], -1)
        if seen.shape[-1]:
            counted = seen.shape[-1] if f.get("count_exclude_padding") else int(np.prod(kernel))
            y[(..., *place)] = seen.max(-1) if f.get("type", "MAX") == "MAX" else seen.sum(-1) / counted
    return y


def _everything(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    flat = x.reshape(*x.shape[:2], -1)
    return (flat.max(-1) if f.get("type", "MAX") == "MAX" else flat.mean(-1))[..., None, None, None]


def _by_axis(name, values):
    return {f"{name}_{axis}": value for axis, value in zip(_AXES, values, strict=True)}


def _custom(*amounts):
    sides = [side for pair in _SIDES for side in pair]
    return {"padding_type": "CUSTOM"} | {f"custom_padding_{s}": a for s, a in zip(sides, amounts, strict=True)}


_X = numbers(1, 4, 4, 5, 3)
_STEPS = _by_axis("stride", (1, 1, 1)) | _by_axis("dilation", (1, 1, 1))
_BASE = Case((_X,), {**_STEPS, **_custom(1, 0, 0, 1, 1, 1), "weights": numbers(2, 4, 2, 2, 3, seed=1)})
_TRANSPOSED = Case(
    (_X,),
    {
        **_by_axis("stride", (2, 1, 2)),
        **_by_axis("dilation", (1, 1, 1)),
        "padding_type": "VALID",
        "is_deconvolution": True,
        "weights": numbers(4, 1, 3, 2, 2, seed=2),
    },
)
_POOL = Case(
    (_X,),
    {**_by_axis("kernel", (2, 3, 2)), **_by_axis("stride", (1, 2, 1)), **_custom(1, 0, 2, 1, 0, 1), "type": "AVERAGE"},
)
_SIDE_NAMES = [f"custom_padding_{side}" for pair in _SIDES for side in pair]


@st.composite
def _draw_convolution(draw):
    groups, channels, outputs = draw(st.sampled_from([(1, 1, 2), (1, 3, 2), (2, 4, 2), (3, 3, 3)]))
    kernel = draw(st.sampled_from([(1, 1, 1), (2, 1, 3)]))
    fields = {
        **_by_axis("stride", draw(st.sampled_from([(1, 1, 1), (2, 1, 3)]))),
        **_by_axis("dilation", draw(st.sampled_from([(1, 1, 1), (2, 1, 1)]))),
        **draw(st.sampled_from([_custom(1, 0, 0, 1, 1, 0), {"padding_type": "VALID"}, {"padding_type": "SAME"}])),
        "n_groups": groups,
    }
    if draw(st.booleans()):
        fields |= {"is_deconvolution": True, "weights": draw(arrays((channels, outputs // groups, *kernel)))}
        if fields["padding_type"] == "CUSTOM":
            fields["padding_type"] = "VALID"  # a kernel of one element leaves nothing to cut
    else:
        fields["weights"] = draw(arrays((outputs, channels // groups, *kernel)))
    if draw(st.booleans()):
        fields["bias"] = draw(arrays((outputs,)))
    return Case((draw(arrays((2, channels, 4, 2, 3))),), fields)


@st.composite
def _draw_pooling(draw):
    fields = {
        **_by_axis("kernel", draw(st.sampled_from([(1, 1, 1), (2, 2, 2), (3, 1, 2)]))),
        **_by_axis("stride", draw(st.sampled_from([(1, 1, 1), (2, 2, 2), (2, 1, 3)]))),
        **draw(st.sampled_from([_custom(1, 0, 2, 1, 0, 1), {"padding_type": "VALID"}, {"padding_type": "SAME"}])),
        "type": draw(st.sampled_from(["MAX", "AVERAGE"])),
        "count_exclude_padding": draw(st.booleans()),
    }
    return Case((np.round(draw(arrays((2, 1, 4, 2, 3)))),), fields)


@st.composite
def _draw_everything(draw):
    x = draw(arrays(draw(st.sampled_from([(1, 2, 1, 1, 1), (2, 3, 2, 1, 4)]))))
    return Case((x,), {"type": draw(st.sampled_from(["MAX", "AVERAGE"]))})


_LINE = np.float32([1, 2, 3, 4]).reshape(1, 1, 4, 1, 1)
_ASCENDING = np.float32([1, 10]).reshape(1, 1, 2, 1, 1)

kind(
    "convolution3d",
    oracle=_convolution,
    base=_BASE,
    vary={
        "input_channels": [_BASE.but(inputs=(_X[:, :3],), weights=_BASE.fields["weights"][:, :3])],
        "n_groups": [
            _BASE.but(n_groups=2, weights=numbers(2, 2, 2, 2, 3, seed=3)),
            _TRANSPOSED.but(n_groups=2),
        ],
        "kernel_depth": [_BASE.but(weights=numbers(2, 4, 3, 2, 3, seed=4))],
        "kernel_height": [_BASE.but(weights=numbers(2, 4, 2, 1, 3, seed=4))],
        "kernel_width": [_BASE.but(weights=numbers(2, 4, 2, 2, 1, seed=4))],
        **{f"{name}_{axis}": [2] for name in ("stride", "dilation") for axis in _AXES},
        "padding_type": ["VALID", "SAME"],
        **{side: [2] for side in _SIDE_NAMES},
        "is_deconvolution": [
            _TRANSPOSED,
            _TRANSPOSED.but(dilation_depth=2, dilation_width=2),
            _TRANSPOSED.but(padding_type="SAME"),
            _TRANSPOSED.but(**_custom(1, 0, 0, 1, 1, 2)),
        ],
        "output_shape": [_TRANSPOSED.but(output_shape=(8, 5, 7))],
        "weights": [-_BASE.fields["weights"]],
        "bias": [numbers(2, seed=5)],
    },
    draw=_draw_convolution(),
    worked=[
        (Case((_LINE,), {**_STEPS, "padding_type": "VALID", "weights": _ASCENDING}), [[[[[[21]], [[32]], [[43]]]]]]),
        # the odd zero is at the end
        (
            Case((_LINE,), {**_STEPS, "padding_type": "SAME", "weights": _ASCENDING, "bias": np.float32([0.5])}),
            [[[[[[21.5]], [[32.5]], [[43.5]], [[4.5]]]]]],
        ),
        (
            Case(
                (_LINE[:, :, :2],),
                {**_STEPS, "stride_depth": 2, "padding_type": "VALID", "weights": _ASCENDING, "is_deconvolution": True},
            ),
            [[[[[[1]], [[10]], [[2]], [[20]]]]]],
        ),
    ],
    refuse=[
        (_BASE.but(inputs=(_X[0],)), "rank 4"),
        (_BASE.but(inputs=(_X[:, :3],)), "3 channels, the weights expect 4"),
        (_BASE.but(inputs=(_X[:, :, :, :1],), custom_padding_bottom=0), "a window of 2 does not fit into 1"),
        (_BASE.but(stride_height=0), "stride is [1, 0, 1]; it must be [depth, height, width]"),
        (_BASE.but(custom_padding_top=-1), "amounts must not be negative"),
        (_TRANSPOSED.but(output_shape=(30, 5, 7)), "exceeds that"),
    ],
)

kind(
    "pooling3d",
    oracle=_pool,
    base=_POOL,
    vary={
        "type": ["MAX", _POOL.but(type="MAX", padding_type="SAME")],
        **{f"kernel_{axis}": [1] for axis in _AXES},
        **{f"stride_{axis}": [3] for axis in _AXES},
        "padding_type": ["VALID", "SAME"],
        **{side: [3] for side in _SIDE_NAMES},
        "count_exclude_padding": [True],
    },
    draw=_draw_pooling(),
    worked=[
        (
            Case(
                (np.float32([1, 5, 2, 8, 4, 3, 7, 6]).reshape(1, 1, 2, 2, 2),),
                {**_by_axis("kernel", (1, 2, 2)), **_by_axis("stride", (1, 1, 1)), "padding_type": "VALID"},
            ),
            [[[[[[8]], [[7]]]]]],
        ),
        # padding counts in a mean, or not; it never wins a maximum
        *(
            (
                Case(
                    (-_LINE,),
                    {
                        **_by_axis("kernel", (2, 1, 1)),
                        **_by_axis("stride", (2, 1, 1)),
                        **_custom(1, 1, 0, 0, 0, 0),
                        **fields,
                    },
                ),
                [np.float32(answer).reshape(1, 1, 3, 1, 1)],
            )
            for fields, answer in (
                ({"type": "AVERAGE"}, (-0.5, -2.5, -2)),
                ({"type": "AVERAGE", "count_exclude_padding": True}, (-1, -2.5, -4)),
                ({"type": "MAX"}, (-1, -2, -4)),
            )
        ),
    ],
    refuse=[
        (_POOL.but(inputs=(_X[0],)), "rank 4"),
        (_POOL.but(kernel_depth=9), "a window of 9 does not fit into 4"),
        (_POOL.but(stride_width=0), "stride is [1, 2, 0]"),
    ],
)

kind(
    "globalPooling3d",
    oracle=_everything,
    base=Case((_X,), {"type": "AVERAGE"}),
    vary={"type": ["MAX"]},
    draw=_draw_everything(),
    worked=[
        (Case((_LINE,), {"type": "AVERAGE"}), [np.float32([2.5]).reshape(1, 1, 1, 1, 1)]),
        (Case((_LINE,), {"type": "MAX"}), [np.float32([4]).reshape(1, 1, 1, 1, 1)]),
    ],
    refuse=[(Case((_X[0],)), "rank 4")],
)
