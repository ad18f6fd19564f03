"""Resizing of images."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers


def _samples(x, rows, columns):
    """Bilinear interpolation of [..., height, width], one sample at a time."""
    y = np.zeros((*x.shape[:-2], len(rows), len(columns)))
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            for a in (int(np.floor(r)), int(np.floor(r)) + 1):
                for b in (int(np.floor(c)), int(np.floor(c)) + 1):
                    weight = max(0, 1 - abs(r - a)) * max(0, 1 - abs(c - b))
                    if weight > 0:
                        y[..., i, j] += weight * x[..., a, b]
    return y


def _points(start, end, count, mode):
    """The prose of the sampling modes, for an interval that begins anywhere: numpy.linspace and a bound."""
    last = end - start  # X - 1
    if mode == "STRICT_ALIGN_ENDPOINTS_MODE":
        return np.linspace(start, end, count)
    if mode == "ALIGN_ENDPOINTS_MODE":
        return np.array([(start + end) / 2]) if count == 1 else np.linspace(start, end, count)
    if mode == "UPSAMPLE_MODE":
        size = last + 1
        return start + np.minimum(last, np.linspace(0, size - size / count, count))
    spacing = max(1, last) / count
    first = 0.5 * spacing
    return start + np.minimum(last, np.linspace(first, first + (count - 1) * spacing, count))


def _upsample(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    fractional = f.get("fractional_scaling_factor")
    factors = fractional or f.get("scaling_factor") or (1, 1)
    sizes = [int(np.floor(np.float32(n) * np.float32(s))) for n, s in zip(x.shape[-2:], factors, strict=True)]
    if f.get("mode", "NN") == "NN":
        return x.repeat(factors[0], axis=-2).repeat(factors[1], axis=-1)
    places = []
    for n, m in zip(x.shape[-2:], sizes, strict=True):
        i = np.arange(m)
        match f.get("linear_upsample_mode", "DEFAULT"):
            case "DEFAULT":
                at = i * ((n - n / m) / (m - 1) if m > 1 else 0)
            case "ALIGN_CORNERS_TRUE":
                at = i * ((n - 1) / (m - 1) if m > 1 else 0)
            case _:
                at = i * (n / m) + 0.5 * (n / m) - 0.5
        places.append(np.clip(at, 0, n - 1))
    return _samples(x, *places)


def _resize(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    mode = f.get("mode", "STRICT_ALIGN_ENDPOINTS_MODE")
    wanted = f.get("target_size") or (1, 1)
    return _samples(x, *(_points(0, n - 1, m, mode) for n, m in zip(x.shape[-2:], wanted, strict=True)))


def _crop_resize(inputs, f):
    images, regions = np.asarray(inputs[0], np.float64)[0], np.asarray(inputs[1], np.float64)[:, 0, :, 0, 0]
    mode, wanted = f.get("mode", "STRICT_ALIGN_ENDPOINTS_MODE"), f.get("target_size") or (1, 1)
    height, width = images.shape[-2:]
    cuts = []
    for *image, a, b, c, d in regions:
        match f.get("box_indices_mode", "CORNERS_HEIGHT_FIRST"):
            case "CORNERS_HEIGHT_FIRST":
                top, left, bottom, right = a, b, c, d
            case "CORNERS_WIDTH_FIRST":
                left, top, right, bottom = a, b, c, d
            case "CENTER_SIZE_HEIGHT_FIRST":
                top, left, bottom, right = a - c / 2, b - d / 2, a + c / 2, b + d / 2
            case "CENTER_SIZE_WIDTH_FIRST":
                left, top, right, bottom = a - c / 2, b - d / 2, a + c / 2, b + d / 2
        sides = []
        for start, end, n, m in ((top, bottom, height, wanted[0]), (left, right, width, wanted[1])):
            factor = f.get("spatial_scale", 0.0) * (n - 1 if f.get("normalized_coordinates") else 1)
            sides.append(np.clip(_points(start * factor, end * factor, m, mode), 0, n - 1))
        cuts.append(_samples(images[int(image[0])][None] if image else images, *sides))
    return np.stack(cuts)


_X = numbers(2, 3, 4, 5)
_MODES = [f"{name}_MODE" for name in ("STRICT_ALIGN_ENDPOINTS", "ALIGN_ENDPOINTS", "UPSAMPLE", "ROI_ALIGN")]
_BOXES = [f"{name}_FIRST" for name in ("CORNERS_HEIGHT", "CORNERS_WIDTH", "CENTER_SIZE_HEIGHT", "CENTER_SIZE_WIDTH")]
_CORNERS = ["DEFAULT", "ALIGN_CORNERS_TRUE", "ALIGN_CORNERS_FALSE"]


@st.composite
def _draw_upsample(draw):
    x = draw(arrays(draw(st.sampled_from([(2, 3, 4), (1, 2, 1, 3), (1, 2, 1, 10, 2)]))))
    if draw(st.booleans()):
        fields = {
            "fractional_scaling_factor": draw(st.sampled_from([(1.3, 2.5), (1.0, 0.75), (2.0, 1.1)])),
            "linear_upsample_mode": draw(st.sampled_from(_CORNERS[1:])),
            "mode": "BILINEAR",
        }
        return Case((x,), fields)
    fields = {
        "scaling_factor": draw(st.sampled_from([(1, 1), (2, 2), (3, 1)])),
        "linear_upsample_mode": draw(st.sampled_from(_CORNERS)),
        "mode": draw(st.sampled_from(["NN", "BILINEAR"])),
    }
    return Case((x,), fields)


@st.composite
def _draw_resize(draw):
    x = draw(arrays(draw(st.sampled_from([(2, 3, 4), (1, 2, 1, 3), (1, 1, 2, 5, 6)]))))
    return Case(
        (x,),
        {
            "target_size": draw(st.sampled_from([(1, 1), (1, 3), (6, 2), (5, 7)])),
            "mode": draw(st.sampled_from(_MODES)),
        },
    )


def _regions(*rows):
    return np.array(rows, np.float32)[:, None, :, None, None]


_WHERE = _regions((0.7, 1.1, 2.65, 3.83), (1.2, 0.3, 2.9, 2.1), (0.4, 0.6, 1.7, 1.25))  # no sample lies on a pixel
_IMAGES = numbers(1, 2, 3, 5, 6)
_BASE = Case((_IMAGES, _WHERE), {"target_size": (3, 2), "spatial_scale": 1.0})


@st.composite
def _draw_crop_resize(draw):
    images = draw(arrays(draw(st.sampled_from([(1, 2, 2, 5, 6), (1, 1, 3, 4, 4)]))))
    normalized = draw(st.booleans())
    low, high = (0.05, 0.45) if normalized else (0.1, 2.4)
    first = draw(arrays((2, 1, 2, 1, 1), low=low, high=high))
    mode = draw(st.sampled_from(_BOXES))
    second = draw(arrays((2, 1, 2, 1, 1), low=low, high=high))  # sizes, or what is added to the first corner
    parts = [first, second if mode.startswith("CENTER") else first + second]
    if draw(st.booleans()):
        which = np.float32([0, images.shape[1] - 1]).reshape(2, 1, 1, 1, 1)
        parts = [which, *parts]
    fields = {
        "target_size": draw(st.sampled_from([(1, 1), (2, 3), (4, 1)])),
        "normalized_coordinates": normalized,
        "mode": draw(st.sampled_from(_MODES)),
        "box_indices_mode": mode,
        "spatial_scale": draw(st.sampled_from([1.0, 0.5, 0.0])),
    }
    return Case((images, np.concatenate(parts, axis=2)), fields)


_LINE = np.float32([0, 10, 20, 30]).reshape(1, 1, 4)
_PAIR = np.float32([0, 10]).reshape(1, 1, 2)

kind(
    "upsample",
    oracle=_upsample,
    base=Case((_X,), {"scaling_factor": (2, 3), "mode": "BILINEAR"}),
    vary={
        "scaling_factor": [(1, 2), (3, 3)],
        "fractional_scaling_factor": [
            Case((_X,), {"fractional_scaling_factor": (1.5, 1.3), "mode": "BILINEAR", "linear_upsample_mode": mode})
            for mode in _CORNERS[1:]
        ],
        "mode": ["NN"],
        "linear_upsample_mode": _CORNERS[1:],
    },
    draw=_draw_upsample(),
    worked=[
        (Case((_PAIR,), {"scaling_factor": (2, 2)}), [[[[0, 0, 10, 10], [0, 0, 10, 10]]]]),
        (Case((_PAIR,), {"scaling_factor": (1, 2), "mode": "BILINEAR"}), [[[[0, 5, 10, 10]]]]),
        (
            Case(
                (_PAIR,), {"scaling_factor": (1, 2), "mode": "BILINEAR", "linear_upsample_mode": "ALIGN_CORNERS_FALSE"}
            ),
            [[[[0, 2.5, 7.5, 10]]]],
        ),
        (
            Case(
                (_PAIR,), {"scaling_factor": (1, 3), "mode": "BILINEAR", "linear_upsample_mode": "ALIGN_CORNERS_TRUE"}
            ),
            [[[[0, 2, 4, 6, 8, 10]]]],
        ),
        # in float32, where 1.3 is a little less, 10 * 1.3 pixels are 13 all the same
        (
            Case(
                (np.arange(10, dtype=np.float32).reshape(1, 1, 10),),
                {
                    "fractional_scaling_factor": (1, 1.3),
                    "mode": "BILINEAR",
                    "linear_upsample_mode": "ALIGN_CORNERS_TRUE",
                },
            ),
            [[[[0, 0.75, 1.5, 2.25, 3, 3.75, 4.5, 5.25, 6, 6.75, 7.5, 8.25, 9]]]],
        ),
        # 2 * 1.7 pixels are three
        (
            Case(
                (_PAIR,),
                {
                    "fractional_scaling_factor": (1, 1.7),
                    "mode": "BILINEAR",
                    "linear_upsample_mode": "ALIGN_CORNERS_TRUE",
                },
            ),
            [[[[0, 5, 10]]]],
        ),
    ],
    refuse=[
        (Case((_X[0, 0],), {"scaling_factor": (2, 2)}), "rank 2"),
        (Case((_X,), {"scaling_factor": (0, 2)}), "scaling factor is [0, 2]"),
        (Case((_X,), {"scaling_factor": (2,)}), "scaling factor is [2]"),
        (Case((_X,), {"fractional_scaling_factor": (1.5, 1.5)}), "ALIGN_CORNERS_TRUE or ALIGN_CORNERS_FALSE"),
        (
            Case((_X,), {"fractional_scaling_factor": (1.5, 1.5), "scaling_factor": (2, 2)}),
            "both integer and fractional",
        ),
    ],
)

kind(
    "resizeBilinear",
    oracle=_resize,
    base=Case((_X,), {"target_size": (6, 3)}),
    vary={
        "target_size": [(3, 7), (1, 1), None],
        "mode": [*_MODES[2:], Case((_X,), {"target_size": (1, 1), "mode": _MODES[1]})],
    },
    draw=_draw_resize(),
    worked=[
        (Case((_LINE,), {"target_size": (1, 3)}), [[[[0, 15, 30]]]]),
        (Case((_LINE,), {"target_size": (1, 1), "mode": _MODES[0]}), [[[[0]]]]),
        (Case((_LINE,), {"target_size": (1, 1), "mode": _MODES[1]}), [[[[15]]]]),
        (Case((_LINE,), {"target_size": (1, 3), "mode": _MODES[2]}), [[[[0, 40 / 3, 80 / 3]]]]),
        (Case((_LINE,), {"target_size": (1, 3), "mode": _MODES[3]}), [[[[5, 15, 25]]]]),
    ],
    refuse=[
        (Case((_X[0, 0],), {"target_size": (2, 2)}), "rank 2"),
        (Case((_X,), {"target_size": (2, 0)}), "target size is [2, 0]"),
    ],
)

kind(
    "cropResize",
    oracle=_crop_resize,
    base=_BASE,
    vary={
        "target_size": [(2, 2), None],
        "normalized_coordinates": [_BASE.but(normalized_coordinates=True, inputs=(_IMAGES, _WHERE / 5))],
        "mode": [*_MODES[2:], _BASE.but(target_size=(1, 1), mode=_MODES[1])],
        "box_indices_mode": _BOXES[1:],
        "spatial_scale": [0.5, 0.0],
        "regions": [
            _BASE.but(inputs=(_IMAGES, np.concatenate([_regions((1.25,), (0.25,), (1.75,)), _WHERE], axis=2))),
            _BASE.but(inputs=(_IMAGES, _WHERE * 2 - 1)),  # reaching out of the image
        ],
    },
    draw=_draw_crop_resize(),
    worked=[
        (
            Case((_LINE[None, None], _regions((0, 0.5, 0, 2.5))), {"target_size": (1, 3), "spatial_scale": 1.0}),
            [[[[[[5, 15, 25]]]]]],
        ),
        # the centre and the size of the same box, normalized: 1.5 of 3 and 2 of 3
        (
            Case(
                (_LINE[None, None], _regions((0.5, 0, 2 / 3, 0))),
                {
                    "target_size": (1, 3),
                    "spatial_scale": 1.0,
                    "normalized_coordinates": True,
                    "box_indices_mode": "CENTER_SIZE_WIDTH_FIRST",
                },
            ),
            [[[[[[5, 15, 25]]]]]],
        ),
        # two bins of a box from 1 to 3, sampled in their middles
        (
            Case(
                (_LINE[None, None], _regions((0, 0, 1, 0, 3))),
                {"target_size": (1, 2), "spatial_scale": 1.0, "mode": "ROI_ALIGN_MODE"},
            ),
            [[[[[[15, 25]]]]]],
        ),
    ],
    refuse=[
        (_BASE.but(inputs=(_IMAGES[0], _WHERE)), "the images have shape [2, 3, 5, 6]"),
        (_BASE.but(inputs=(_IMAGES, _WHERE[:, :, :3])), "the regions have shape [3, 1, 3, 1, 1]"),
        (_BASE.but(target_size=(0, 2)), "target size is [0, 2]"),
    ],
)
