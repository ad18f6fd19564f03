"""Images read at coordinates: one pixel of the result after the other, on an image that extends without end."""

from math import floor

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation


def _reflected(k, n, padding):
    """The pixel of an endless row of reflections: |1 2 3| -> 2 3 2 1 2 3 2 1 2, or 3 2 1 1 2 3 3 2 1."""
    if padding == "border":
        return min(max(k, 0), n - 1)
    row = [*range(n), *range(n - 2, 0, -1)] if padding == "reflection" else [*range(n), *range(n - 1, -1, -1)]
    return row[k % len(row)]


def _pixel(image, row, column, padding, value):
    """image: [channels, height, width]."""
    _, height, width = image.shape
    if padding == "constant":
        inside = 0 <= row < height and 0 <= column < width
        return image[:, row, column] if inside else np.full(len(image), value)
    return image[:, _reflected(row, height, padding), _reflected(column, width, padding)]


def _position(at, n, unit, align):
    at = float(at)
    if unit == "unnormalized":
        return at
    part = (at + 1) / 2 if unit == "normalized_minus_one_to_one" else at
    return part * (n - 1) if align else part * n - 0.5


def _even(at):
    return int(np.rint(at))


def _read(image, across, down, a):
    _, height, width = image.shape
    column = _position(across, width, a["coordinates_mode"], a["align_corners"])
    row = _position(down, height, a["coordinates_mode"], a["align_corners"])
    pad = a["padding_mode"], a["padding_value"]
    if a["sampling_mode"] == "nearest":
        return _nearest(image, row, column, *pad)
    top, left = floor(row), floor(column)
    return sum(
        (1 - abs(row - r)) * (1 - abs(column - c)) * _pixel(image, r, c, *pad)
        for r in (top, top + 1)
        for c in (left, left + 1)
    )


def _folded(at, n, padding):
    """The position inside an image that reads the same."""
    if padding == "constant":
        return at
    if padding != "border":
        first, period = (0, 2 * (n - 1)) if padding == "reflection" else (-0.5, 2 * n)
        if period == 0:
            return 0
        at = (at - first) % period
        at = first + min(at, period - at)
    return min(max(at, 0), n - 1)


def _nearest(image, row, column, padding, value):
    _, height, width = image.shape
    # which of two equally near pixels is taken is decided inside the image
    row, column = _folded(row, height, padding), _folded(column, width, padding)
    return _pixel(image, _even(row), _even(column), padding, value)


def _resample(i, a):
    x, at = np.asarray(i["x"], np.float64), i["coordinates"]
    cells = [[[_read(image, *place, a) for place in row] for row in rows] for image, rows in zip(x, at, strict=True)]
    return np.moveaxis(np.array(cells), -1, 1)


def _coordinate(k, n, unit, align):
    """The coordinate of the centre of pixel k of n."""
    if unit == "unnormalized":
        return k
    part = k / (n - 1) if align and n > 1 else (k + 0.5) / n
    return 2 * part - 1 if unit == "normalized_minus_one_to_one" else part


def _affine(i, a):
    x, matrices = np.asarray(i["x"], np.float64), np.asarray(i["transform_matrix"], np.float64)
    height, width, unit, align = (
        a[name] for name in ("output_height", "output_width", "coordinates_mode", "align_corners")
    )
    y = np.empty((*x.shape[:2], height, width))
    for b, image in enumerate(x):
        m = matrices[b % len(matrices)]
        for r in range(height):
            for c in range(width):
                down, across = _coordinate(r, height, unit, align), _coordinate(c, width, unit, align)
                y[b, :, r, c] = _read(image, m[:2] @ (across, down) + m[2], m[3:5] @ (across, down) + m[5], a)
    return y


# Cases ---------------------------------------------------------------------------------------------------------------

_X = numbers(2, 3, 4, 5)
_AT = numbers(2, 3, 2, 2, seed=1) * np.float32(1.37)  # from -1 to 1 is the image: some are outside
_PADDING = ["constant", "border", "reflection", "symmetric"]
_UNITS = ["unnormalized", "normalized_minus_one_to_one", "normalized_zero_to_one"]
_SQUARE = np.float32([[[[11, 22], [33, 44]]]])
_FOUR = np.float32([[[[-1, -2], [-3.7, -1]], [[0, 0], [3.5, 1.2]]]])
_MODES = {
    "sampling_mode": "bilinear",
    "padding_mode": "constant",
    "padding_value": 6.17,
    "coordinates_mode": "normalized_minus_one_to_one",
    "align_corners": True,
}
_BASE = Case({"x": _X, "coordinates": _AT}, _MODES)


def _square(coordinates, **modes):
    return Case({"x": _SQUARE, "coordinates": coordinates}, {**_MODES, "padding_value": -1.0, **modes})


@st.composite
def _draw_resample(draw):
    shape = draw(st.sampled_from([(2, 2, 3, 4), (1, 1, 2, 2), (1, 2, 1, 3), (1, 1, 1, 1)]))
    unit = draw(st.sampled_from(_UNITS))
    low, high = {"unnormalized": (-6, 9), "normalized_zero_to_one": (-1, 2)}.get(unit, (-3, 3))
    modes = {"sampling_mode": "bilinear", "padding_mode": draw(st.sampled_from(_PADDING)), "coordinates_mode": unit}
    modes |= {"align_corners": draw(st.booleans()), "padding_value": draw(st.sampled_from([0.0, 2.5]))}
    at = draw(arrays((shape[0], 2, 3, 2), low=low, high=high))
    return Case({"x": draw(arrays(shape)), "coordinates": at}, modes)


_NEAREST = {"sampling_mode": "nearest"}
operation(
    "resample",
    15,
    oracle=_resample,
    base=_BASE,
    vary={
        "sampling_mode": ["nearest"],
        "padding_mode": [*_PADDING[1:], *(_BASE.but(padding_mode=mode, **_NEAREST) for mode in _PADDING)],
        "padding_value": [-3.0],
        "coordinates_mode": [
            _BASE.but(coordinates_mode=unit, padding_mode=padding)
            for unit, padding in zip([_UNITS[0], _UNITS[2], _UNITS[2]], _PADDING[1:], strict=True)
        ],
        "align_corners": [False, *(_BASE.but(align_corners=False, padding_mode=mode) for mode in _PADDING[1:])],
    },
    draw=_draw_resample(),
    worked=[
        # half a pixel above the first one: the mean of it and of what surrounds the image
        (_square(_FOUR, padding_value=6.17), [[[[8.585, 6.17], [27.5, 6.17]]]]),
        (
            _square(_FOUR, padding_mode="border", coordinates_mode="unnormalized", align_corners=False, **_NEAREST),
            [[[[11, 11], [11, 44]]]],
        ),
        (
            _square(_FOUR, padding_mode="reflection", coordinates_mode="normalized_zero_to_one"),
            [[[[22, 36.3], [11, 34.1]]]],
        ),
        (
            _square(
                _FOUR,
                padding_mode="symmetric",
                coordinates_mode="normalized_zero_to_one",
                align_corners=False,
                **_NEAREST,
            ),
            [[[[22, 33], [11, 33]]]],
        ),
        # between two pixels, the even one
        (
            Case(
                {"x": np.float32([[[[1, 2, 3, 4]]]]), "coordinates": np.float32([[[[0.5, 0], [1.5, 0], [2.5, 0]]]])},
                {**_MODES, **_NEAREST, "coordinates_mode": "unnormalized"},
            ),
            [[[[1, 3, 3]]]],
        ),
        (_square(np.int32([[[[0, 0], [1, 1]]]]), coordinates_mode="normalized_minus_one_to_one"), [[[[27.5, 44]]]]),
        # far outside there is nothing but the padding value
        (_square(np.float32([[[[1e9, 0], [-1e9, 0]]]])), [[[[-1, -1]]]]),
    ],
    refuse=[
        (_BASE.but(x=_X[0]), "rank 3"),
        (_BASE.but(coordinates=_AT[:1]), "[2, new height"),
        (_BASE.but(coordinates=_AT[..., :1]), "new width, 2]"),
        (_BASE.but(padding_mode="zeros"), "symmetric"),
        (_BASE.but(sampling_mode="bicubic"), "nearest"),
        (_BASE.but(coordinates_mode="pixels"), "unnormalized"),
    ],
    smooth={"sampling_mode": "the nearest pixel is the same on both sides"},
    half=8e-3,
    why="coordinates outside the image are multiplied with its size",
)

_TURN = np.float32([[0.83, -0.41, 0.13, 0.37, 0.91, -0.22]])
_MAPPED = Case(
    {"x": _X, "transform_matrix": _TURN},
    {**_MODES, "padding_value": 0.0, "output_height": 3, "output_width": 4},
)
_WORKED = {"x": _SQUARE, "transform_matrix": np.float32([[-1, -2, -3.7, -1, 3.5, 1.2]])}


@st.composite
def _draw_affine(draw):
    shape = draw(st.sampled_from([(2, 2, 3, 4), (1, 1, 2, 2), (1, 2, 1, 3)]))
    sizes = {"output_height": draw(st.integers(1, 4)), "output_width": draw(st.integers(1, 4))}
    matrix = draw(arrays((draw(st.sampled_from([1, shape[0]])), 6), low=-1, high=1))
    modes = {**_MODES, "padding_value": 0.0, "align_corners": draw(st.booleans())}
    return Case({"x": draw(arrays(shape)), "transform_matrix": matrix}, modes | sizes)


operation(
    "affine",
    15,
    oracle=_affine,
    base=_MAPPED,
    vary={
        "output_height": [1, 5],
        "output_width": [1, 6],
        "sampling_mode": ["nearest"],
        "padding_mode": ["reflection"],
        "padding_value": [2.0],
        "coordinates_mode": ["normalized_zero_to_one", "unnormalized"],
        "align_corners": [False],
    },
    draw=_draw_affine(),
    worked=[
        (
            Case(_WORKED, {**_MAPPED.attributes, "output_width": 3}),
            [[[[10.7525, 2.5025, 0], [1.98, 0, 0], [0, 0, 0]]]],
        ),
        (
            Case(_WORKED, {**_MAPPED.attributes, "output_height": 2, "output_width": 5}),
            [[[[10.7525, 5.94, 2.5025, 0.44, 0], [0, 0, 0, 0, 0]]]],
        ),
        # a matrix for each image: the same, and mirrored
        (
            Case(
                {
                    "x": np.concatenate([_SQUARE, _SQUARE]),
                    "transform_matrix": np.float32([[1, 0, 0, 0, 1, 0], [-1, 0, 0, 0, 1, 0]]),
                },
                {**_MAPPED.attributes, "output_height": 2, "output_width": 2},
            ),
            [_SQUARE[0], _SQUARE[0, :, :, ::-1]],
        ),
    ],
    refuse=[
        (_MAPPED.but(transform_matrix=_TURN[:, :5]), "[2 or 1, 6]"),
        (_MAPPED.but(x=_X[0]), "rank 3"),
        (_MAPPED.but(output_width=0), "at least 1"),
    ],
    smooth={
        "sampling_mode": "the nearest pixel is the same on both sides",
        **dict.fromkeys(["output_height", "output_width"], "more pixels have gradients of the same kind"),
    },
    half=8e-3,
    why="positions follow from a matrix in half precision",
)
