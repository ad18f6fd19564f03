"""Resizing of images: every sample is looked up alone, where the prose of the format puts it.

Which pixel is nearest was found from the tests of the format's own converter (docs/semantics.md).
"""

from fractions import Fraction
from math import floor

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation

MODES = ["STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "DEFAULT", "OFFSET_CORNERS", "UNALIGN_CORNERS"]


def places(n, m, mode):
    """The positions of m samples on n pixels, as fractions."""
    match mode:
        case "STRICT_ALIGN_CORNERS":
            at = [Fraction(i * (n - 1), m - 1) if m > 1 else Fraction(0) for i in range(m)]
        case "ALIGN_CORNERS":
            at = [Fraction(i * (n - 1), m - 1) if m > 1 else Fraction(n - 1, 2) for i in range(m)]
        case "DEFAULT":
            at = [Fraction(i * n, m) for i in range(m)]
        case "OFFSET_CORNERS":
            delta = Fraction(max(1, n - 1), m)
            at = [delta / 2 + i * delta for i in range(m)]
        case "UNALIGN_CORNERS":
            at = [Fraction(2 * i + 1, 2) * Fraction(n, m) - Fraction(1, 2) for i in range(m)]
    return [min(Fraction(n - 1), max(Fraction(0), one)) for one in at]


def line(x, axis, at):
    """Linear interpolation of an axis at fractions."""
    x = np.moveaxis(np.asarray(x, np.float64), axis, 0)
    cut = [x[floor(p)] + float(p - floor(p)) * (x[min(floor(p) + 1, len(x) - 1)] - x[floor(p)]) for p in at]
    return np.moveaxis(np.stack(cut), 0, axis)


def _interpolated(x, sizes, mode):
    """sizes: of the last axes."""
    for axis, size in zip(range(-len(sizes), 0), sizes, strict=True):
        x = line(x, axis, places(x.shape[axis], size, mode))
    return x


def _picked(x, sizes, pixel):
    """pixel: (i, old size, new size) -> the old pixel that new pixel i is."""
    for axis, size in zip(range(-len(sizes), 0), sizes, strict=True):
        n = x.shape[axis]
        x = np.take(x, [pixel(i, n, size) for i in range(size)], axis)
    return x


def _scaled(i, a):
    factors = [np.float32(a[f"scale_factor_{side}"]) for side in ("height", "width")]
    return [int(np.floor(factor * np.float32(n))) for factor, n in zip(factors, i["x"].shape[-2:], strict=True)]


def _target(a):
    return [a["target_size_height"], a["target_size_width"]]


def _centre(i, n, m):
    return (2 * i + 1) * n // (2 * m)


def _upsample_nearest(i, a):
    return _picked(i["x"], _scaled(i, a), lambda k, n, m: k * n // m)


def _upsample_bilinear(i, a):
    aligned = a["align_corners"]
    centres = a.get("half_pixel_centers")
    mode = "STRICT_ALIGN_CORNERS" if aligned else "DEFAULT" if centres is False else "UNALIGN_CORNERS"
    return _interpolated(i["x"], _scaled(i, a), mode)


def _resize_bilinear(i, a):
    return _interpolated(i["x"], _target(a), a["sampling_mode"])


def _resize_nearest(i, a):
    return _picked(i["x"], _target(a), _centre)


def _resize(i, a):
    x, count = i["x"], a["resized_dims"]
    wanted = [int(size) for size in i["shape"]][len(i["shape"]) - count :]
    sizes = [size or x.shape[axis] for axis, size in zip(range(-count, 0), wanted, strict=True)]
    mode = a["sampling_mode"]
    if a["interpolation_mode"] == "LINEAR":
        y = _interpolated(x, sizes, mode) if sizes else x
        return np.rint(y).astype(np.int32) if x.dtype.kind == "i" else y

    def nearest(k, n, m):
        if mode in ("DEFAULT", "UNALIGN_CORNERS"):
            return _centre(k, n, m)
        return min(n - 1, floor(places(n, m, mode)[k] + Fraction(1, 2)))

    return _picked(x, sizes, nearest)


# Cases ---------------------------------------------------------------------------------------------------------------

_X = numbers(2, 3, 4, 5)
_PAIR = np.float32([[[0, 1]]])  # one channel, one row
_IMAGE = _PAIR[None]
_COLUMN = np.float32([-6, 9]).reshape(1, 1, 2, 1)
_SHAPES = [(2, 3, 4, 5), (2, 3, 4), (1, 2, 1, 3), (1, 1, 2, 5, 6), (1, 1, 1, 1)]


def _images(draw):
    return draw(arrays(draw(st.sampled_from(_SHAPES))))


@st.composite
def _draw_factors(draw, **attributes):
    whole = draw(st.booleans())
    factor = st.integers(1, 3) if whole else st.sampled_from([0.5, 0.75, 1.3, 2.5, 1.0])
    x = draw(arrays(draw(st.sampled_from([(2, 3, 4, 5), (2, 3, 4), (1, 1, 2, 5, 6), (1, 3, 2, 2)]))))
    drawn = {name: draw(values) for name, values in attributes.items()}
    return Case({"x": x}, {"scale_factor_height": draw(factor), "scale_factor_width": draw(factor), **drawn})


@st.composite
def _draw_sizes(draw, **attributes):
    sizes = {f"target_size_{side}": draw(st.integers(1, 9)) for side in ("height", "width")}
    return Case({"x": _images(draw)}, sizes | {name: draw(values) for name, values in attributes.items()})


_FACTORS = {"scale_factor_height": [3, 1.5], "scale_factor_width": [2, 0.5]}
_BAD_FACTORS = [
    (Case({"x": _X[0, 0]}), "rank 2"),
    (Case({"x": _X}, {"scale_factor_height": 0.0}), "positive"),
    (Case({"x": _X}, {"scale_factor_width": 0.1}), "at least 1"),
]

operation(
    "upsample_nearest_neighbor",
    15,
    oracle=_upsample_nearest,
    base=Case({"x": _X}),
    vary=_FACTORS,
    draw=_draw_factors(),
    worked=[
        # the factor is that of the sizes: 3 * 0.67 is 2, and 3 * 1.12 is 3 again
        (Case({"x": np.float32([[[1.5, -2.5, 3.5]]])}, {"scale_factor_width": 0.67}), [[[1.5, -2.5]]]),
        (Case({"x": np.float32([[[1.5, -2.5, 3.5]]])}, {"scale_factor_width": 1.12}), [[[1.5, -2.5, 3.5]]]),
        (Case({"x": _IMAGE}, {"scale_factor_height": 2, "scale_factor_width": 2}), [[[[0, 0, 1, 1], [0, 0, 1, 1]]]]),
        (Case({"x": np.float32([[[5, 6]]])}, {"scale_factor_width": 2.5}), [[[5, 5, 5, 6, 6]]]),
        (Case({"x": np.float32([[[1, 2, 3, 4, 5]]])}, {"scale_factor_width": 0.4}), [[[1, 3]]]),
    ],
    refuse=_BAD_FACTORS,
)

_UPSAMPLED = Case({"x": _X}, {"scale_factor_height": 2, "scale_factor_width": 3})
_ALIGNED = (Case({"x": _PAIR}, {"scale_factor_width": 3}), [[[0, 0.2, 0.4, 0.6, 0.8, 1]]])
# 2.6 * 2 is 5, so that the step is 2 / 5 and not 1 / 2.6
_ROUNDED = (
    Case({"x": _PAIR}, {"scale_factor_height": 1.0, "scale_factor_width": 2.6, "align_corners": False}),
    [[[0, 0.1, 0.5, 0.9, 1]]],
)
operation(
    "upsample_bilinear",
    15,
    oracle=_upsample_bilinear,
    base=_UPSAMPLED,
    vary={
        "scale_factor_height": [3, 2.25],
        "scale_factor_width": [1, 0.5],
        "align_corners": [False],
    },
    draw=_draw_factors(align_corners=st.booleans()),
    worked=[_ALIGNED, _ROUNDED],
    refuse=_BAD_FACTORS,
)
operation(
    "upsample_bilinear",
    16,
    oracle=_upsample_bilinear,
    base=_UPSAMPLED.but(align_corners=False),
    vary={
        "scale_factor_height": [3],
        "scale_factor_width": [2.5],
        "align_corners": [True, _UPSAMPLED.but(half_pixel_centers=False)],
        "half_pixel_centers": [False],
    },
    draw=_draw_factors(align_corners=st.booleans()),
    worked=[
        _ALIGNED,
        _ROUNDED,
        (
            Case({"x": _IMAGE}, {"scale_factor_width": 3, "align_corners": False, "half_pixel_centers": True}),
            [[[[0, 0, 1 / 3, 2 / 3, 1, 1]]]],
        ),
        (
            Case({"x": _IMAGE}, {"scale_factor_width": 3, "align_corners": False, "half_pixel_centers": False}),
            [[[[0, 1 / 3, 2 / 3, 1, 1, 1]]]],
        ),
    ],
    refuse=[*_BAD_FACTORS, (_UPSAMPLED.but(half_pixel_centers=True), "at most one")],
)

_SIZED = Case({"x": _X}, {"target_size_height": 7, "target_size_width": 3})
_BAD_SIZES = [(_SIZED.but(x=_X[0, 0]), "rank 2"), (_SIZED.but(target_size_width=0), "at least 1")]


def _pair(mode, size=5):
    return Case({"x": _PAIR}, {"target_size_height": 1, "target_size_width": size, "sampling_mode": mode})


operation(
    "resize_bilinear",
    15,
    oracle=_resize_bilinear,
    base=_SIZED,
    vary={
        "target_size_height": [1, 4],
        "target_size_width": [8],
        "sampling_mode": [
            "STRICT_ALIGN_CORNERS",
            "OFFSET_CORNERS",
            "UNALIGN_CORNERS",
            _SIZED.but(sampling_mode="ALIGN_CORNERS", target_size_height=1),
        ],
    },
    draw=_draw_sizes(sampling_mode=st.sampled_from(MODES)),
    worked=[
        (_pair("STRICT_ALIGN_CORNERS"), [[[0, 0.25, 0.5, 0.75, 1]]]),
        (_pair("ALIGN_CORNERS"), [[[0, 0.25, 0.5, 0.75, 1]]]),
        (_pair("DEFAULT"), [[[0, 0.4, 0.8, 1, 1]]]),
        (_pair("OFFSET_CORNERS"), [[[0.1, 0.3, 0.5, 0.7, 0.9]]]),
        (_pair("UNALIGN_CORNERS"), [[[0, 0.1, 0.5, 0.9, 1]]]),
        (_pair("STRICT_ALIGN_CORNERS", 1), [[[0]]]),
        (_pair("ALIGN_CORNERS", 1), [[[0.5]]]),
        (_pair("DEFAULT", 1), [[[0]]]),
        (_pair("OFFSET_CORNERS", 1), [[[0.5]]]),
        (_pair("UNALIGN_CORNERS", 1), [[[0.5]]]),
    ],
    refuse=[*_BAD_SIZES, (_SIZED.but(sampling_mode="CORNERS"), "UNALIGN_CORNERS")],
)

operation(
    "resize_nearest_neighbor",
    15,
    oracle=_resize_nearest,
    base=_SIZED,
    vary={"target_size_height": [8, 2], "target_size_width": [5, 10]},
    draw=_draw_sizes(),
    worked=[
        (Case({"x": _COLUMN}, {"target_size_height": 3, "target_size_width": 2}), [[[[-6, -6], [9, 9], [9, 9]]]]),
        # centres 1.25 and 3.75 of five pixels
        (
            Case({"x": np.float32([[[1, 2, 3, 4, 5]]])}, {"target_size_height": 1, "target_size_width": 2}),
            [[[2, 4]]],
        ),
    ],
    refuse=_BAD_SIZES,
)


@st.composite
def _draw_resize(draw):
    x = _images(draw)
    count = draw(st.integers(0, x.ndim))
    shape = [draw(st.integers(0, 7)) for _ in range(draw(st.integers(count, x.ndim)))]
    modes = {"sampling_mode": draw(st.sampled_from(MODES))}
    modes["interpolation_mode"] = draw(st.sampled_from(["LINEAR", "NEAREST_NEIGHBOR"]))
    return Case({"x": x, "shape": np.array(shape, np.int32)}, {"resized_dims": count, **modes})


def _to(*shape, dtype=np.int32):
    return np.array(shape, dtype)


_RESIZED = Case({"x": _X, "shape": _to(9, 2, 6)}, {"resized_dims": 2})
_NEAREST = _RESIZED.but(interpolation_mode="NEAREST_NEIGHBOR", shape=_to(3, 4))
operation(
    "resize",
    17,
    oracle=_resize,
    base=_RESIZED,
    vary={
        "shape": [_to(9, 3, 6), _to(0, 6), _to(1, 1)],
        "resized_dims": [0, 1, 3, _RESIZED.but(resized_dims=4, shape=_to(3, 0, 2, 2))],
        "interpolation_mode": ["NEAREST_NEIGHBOR", *(_NEAREST.but(sampling_mode=mode) for mode in MODES)],
        "sampling_mode": [*MODES[:2], *MODES[3:]],
    },
    draw=_draw_resize(),
    worked=[
        (Case({"x": _PAIR, "shape": _to(1, 1, 5)}, {"resized_dims": 2}), [[[0, 0.4, 0.8, 1, 1]]]),
        (
            Case(
                {"x": _COLUMN, "shape": _to(1, 1, 3, 2)},
                {"resized_dims": 2, "interpolation_mode": "NEAREST_NEIGHBOR"},
            ),
            [[[[-6, -6], [9, 9], [9, 9]]]],
        ),
        # 0 means the size of the axis of x at the same place from the right, whatever the place in `shape`
        (Case({"x": _COLUMN[None], "shape": _to(1, 0, 0, 0)}, {"resized_dims": 3}), _COLUMN[None]),
        (Case({"x": np.float32([3, 5]), "shape": _to(3, dtype=np.uint16)}, {"resized_dims": 1}), [3, 13 / 3, 5]),
        # interpolated integers are rounded
        (Case({"x": np.int32([0, 10]), "shape": _to(4)}, {"resized_dims": 1}), np.int32([0, 5, 10, 10])),
        (Case({"x": np.int32([0, 4]), "shape": _to(5)}, {"resized_dims": 1}), np.int32([0, 2, 3, 4, 4])),
    ],
    refuse=[
        (_RESIZED.but(shape=_to(1, 2, 3, 4, 5)), "at most 4"),
        (_RESIZED.but(shape=_to(3)), "at least 2"),
        (_RESIZED.but(shape=_to(-1, 2)), "negative"),
        (_RESIZED.but(interpolation_mode="CUBIC"), "NEAREST_NEIGHBOR"),
        (_RESIZED.but(sampling_mode="CUBIC"), "ALIGN_CORNERS"),
    ],
    typed={
        "int32": Case({"x": np.arange(12, dtype=np.int32).reshape(3, 4) ** 2, "shape": _to(5, 7)}, {"resized_dims": 2})
    },
)
