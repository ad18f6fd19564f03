"""Parts of images: borders cut off, and boxes cut out, whose samples are looked up one at a time."""

from math import floor

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation
from operation_cases.resizing import MODES


def _crop(i, a):
    (top, bottom), (left, right) = a["crop_height"], a["crop_width"]
    height, width = i["x"].shape[-2:]
    return i["x"][..., top : height - bottom, left : width - right]


def _places(start, end, m, mode):
    """The positions of m samples between the ends of a box, which has end - start + 1 pixels."""
    last = end - start
    n = last + 1
    match mode:
        case "STRICT_ALIGN_CORNERS":
            return np.linspace(start, end, m)
        case "ALIGN_CORNERS":
            return np.array([(start + end) / 2]) if m == 1 else np.linspace(start, end, m)
        case "DEFAULT":
            at = [k * n / m for k in range(m)]
        case "OFFSET_CORNERS":
            at = [(k + 0.5) * max(1, last) / m for k in range(m)]
        case _:
            at = [max(0, (k + 0.5) * n / m - 0.5) for k in range(m)]
    return start + np.minimum(last, at)


def _value(image, row, column, pad):
    """image: [channels, height, width]."""
    _, height, width = image.shape
    if not (-1e-5 <= row <= height - 1 + 1e-5 and -1e-5 <= column <= width - 1 + 1e-5):
        return np.full(len(image), pad)
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    total = np.zeros(len(image))
    for r in (floor(row), floor(row) + 1):
        for c in (floor(column), floor(column) + 1):
            weight = (1 - abs(row - r)) * (1 - abs(column - c))
            total += weight * image[:, min(r, height - 1), min(c, width - 1)]
    return total


def _box(image, box, a):
    a_, b, c, d = map(float, box)
    mode = a["box_coordinate_mode"]
    if mode.endswith("WIDTH_FIRST"):
        a_, b, c, d = b, a_, d, c
    top, left, bottom, right = (a_, b, c, d) if mode.startswith("CORNERS") else _around(a_, b, c, d)
    sides = []
    for start, end, n, m in (
        (top, bottom, image.shape[1], a["target_height"]),
        (left, right, image.shape[2], a["target_width"]),
    ):
        factor = a["spatial_scale"] * (n - 1 if a["normalized_coordinates"] else 1)
        sides.append(_places(start * factor, end * factor, m, a["sampling_mode"]))
    cells = [[_value(image, row, column, a.get("pad_value", 0.0)) for column in sides[1]] for row in sides[0]]
    return np.moveaxis(np.array(cells), -1, 0)


def _around(row, column, height, width):
    return row - height / 2, column - width / 2, row + height / 2, column + width / 2


def _crop_resize(i, a):
    x, regions = np.asarray(i["x"], np.float64), np.asarray(i["roi"], np.float64)[:, 0, :, 0, 0]
    cut = [
        [_box(image, box, a) for image in (x[int(which[0])][None] if which else x)]
        for *which, box in ([*region[:-4], region[-4:]] for region in regions)
    ]
    return np.array(cut)


def _crop_boxes(i, a):
    x, boxes = np.asarray(i["x"], np.float64), i["boxes"]
    which = range(len(boxes)) if i["box_indices"] is None else i["box_indices"]
    return np.stack([_box(x[k], box, a) for k, box in zip(which, boxes, strict=True)])


# Cases ---------------------------------------------------------------------------------------------------------------

_X = numbers(2, 3, 5, 6)
_GRID = np.arange(1, 17, dtype=np.float32).reshape(1, 1, 4, 4)

operation(
    "crop",
    15,
    oracle=_crop,
    base=Case({"x": _X}, {"crop_height": (1, 0), "crop_width": (2, 1)}),
    vary={
        "crop_height": [(0, 1), (2, 2)],
        "crop_width": [(0, 0), (1, 2), Case({"x": _X[0]}, {"crop_height": (1, 0), "crop_width": (0, 5)})],
    },
    draw=st.builds(
        lambda x, top, left: Case({"x": x}, {"crop_height": top, "crop_width": left}),
        st.sampled_from([(2, 3, 3), (1, 2, 3, 4), (1, 1, 2, 3, 3)]).flatmap(arrays),
        st.sampled_from([(0, 0), (1, 0), (0, 2), (1, 1)]),
        st.sampled_from([(0, 0), (1, 0), (0, 2), (1, 1)]),
    ),
    worked=[
        (Case({"x": _GRID}, {"crop_height": (0, 1), "crop_width": (1, 1)}), [[[[2, 3], [6, 7], [10, 11]]]]),
    ],
    refuse=[
        (Case({"x": _GRID}, {"crop_height": (3, 1), "crop_width": (0, 0)}), "4 pixels"),
        (Case({"x": _GRID}, {"crop_height": (-1, 1), "crop_width": (0, 0)}), "not negative"),
        (Case({"x": _GRID[0, 0]}, {"crop_height": (0, 1), "crop_width": (0, 0)}), "rank 2"),
    ],
)

_BOXES = [f"{name}_FIRST" for name in ("CORNERS_HEIGHT", "CORNERS_WIDTH", "CENTER_SIZE_HEIGHT", "CENTER_SIZE_WIDTH")]


def _roi(*rows):
    return np.array(rows, np.float32)[:, None, :, None, None]


# no sample lies on a pixel or on the edge of an image; the last box leaves it at the bottom
_WHERE = ((0.7, 1.1, 2.65, 3.83), (1.2, 0.3, 2.9, 2.1), (2.4, 1.6, 4.7, 3.25))
_SIZE = {"target_height": 3, "target_width": 2}
_ROI = Case({"x": _X, "roi": _roi(*_WHERE)}, _SIZE)
_PARTS = _roi((0.21, 0.33, 0.52, 0.64), (0.47, 0.11, 0.86, 0.93))
_INDEXED = _roi((1, *_WHERE[0]), (0, *_WHERE[1]), (1, *_WHERE[2]))

_VARIES = {
    "target_height": [1, 2],
    "target_width": [1, 5],
    "normalized_coordinates": [_ROI.but(roi=_PARTS, normalized_coordinates=True)],
    "spatial_scale": [0.5],
    "box_coordinate_mode": _BOXES[1:],
    "sampling_mode": MODES[:2] + MODES[3:],
    "roi": [_roi(_WHERE[0]), _INDEXED],
}


def _cut(roi, **attributes):
    return Case({"x": _GRID, "roi": roi}, {"target_height": 2, "target_width": 2, **attributes})


_ALIGNED = {"sampling_mode": "ALIGN_CORNERS"}
_THREE = ((0.1, 0.3, 1.3, 1), (0.5, 1.8, 1.0, 0.3), (0.0, 0.4, 0.6, 0.7))
_INSIDE = [
    (_cut(_roi((1, 1, 2, 2)), **_ALIGNED), [[[[[6, 7], [10, 11]]]]]),
    (
        Case(
            {"x": np.concatenate([_GRID, 2 * _GRID]), "roi": _roi((1, 1, 2, 2))},
            {"target_height": 2, "target_width": 2, **_ALIGNED},
        ),
        [[[[[6, 7], [10, 11]]], [[[12, 14], [20, 22]]]]],  # each box for each image
    ),
    (_cut(_roi((1, 1, 2, 2)), **_ALIGNED, target_height=1, target_width=1), [[[[[8.5]]]]]),
    (
        _cut(_roi((0, 0, 0, 1 / 3, 1 / 3)), **_ALIGNED, normalized_coordinates=True),
        [[[[[1, 2], [5, 6]]]]],
    ),
    (_cut(_roi((2, 2, 1, 1)), **_ALIGNED), [[[[[11, 10], [7, 6]]]]]),  # the other way round
    # the last pixel is inside, whatever rounding says
    (
        _cut(_roi((0.1, 0.1, 1, 1)), **_ALIGNED, normalized_coordinates=True, target_height=1, target_width=4),
        [[[[[7.9, 8.8, 9.7, 10.6]]]]],  # row 1.65, columns 0.3, 1.2, 2.1, 3
    ),
]


def _padded(pad, version_17=False):
    found = np.float32([[3.1, 5.2, pad, pad], [pad, 7.9, pad, 13.9], [2.2, 3.1, 9.4, 10.3]])
    return found.reshape((3, 1, 2, 2) if version_17 else (3, 1, 1, 2, 2))


_REFUSED = [
    (_ROI.but(x=_X[0]), "rank 3"),
    (_ROI.but(roi=_roi((1, 2, 3))), "[n, 1, 4, 1, 1]"),
    (_ROI.but(target_height=0), "at least 1"),
    (_ROI.but(box_coordinate_mode="CORNERS"), "CENTER_SIZE"),
    (_ROI.but(sampling_mode="NEAREST"), "UNALIGN_CORNERS"),
]


@st.composite
def _draw_boxes(draw):
    """An image, boxes [n, 4] and attributes."""
    x = draw(arrays(draw(st.sampled_from([(2, 2, 5, 6), (1, 3, 4, 4)]))))
    normalized = draw(st.booleans())
    low, high = (0.05, 0.6) if normalized else (0.1, 2.9)
    mode = draw(st.sampled_from(_BOXES))
    first, second = draw(arrays((2, 2), low=low, high=high)), draw(arrays((2, 2), low=low, high=high))
    boxes = np.concatenate([first, second if mode.startswith("CENTER") else first + second], axis=1)
    attributes = {
        "target_height": draw(st.integers(1, 3)),
        "target_width": draw(st.integers(1, 3)),
        "normalized_coordinates": normalized,
        "spatial_scale": draw(st.sampled_from([1.0, 0.5])),
        "box_coordinate_mode": mode,
        "sampling_mode": draw(st.sampled_from(MODES)),
    }
    return x, boxes, attributes


def _indexed(drawn, index):
    x, boxes, attributes = drawn
    if index:
        boxes = np.concatenate([np.float32([[0], [len(x) - 1]]), boxes], axis=1)
    return Case({"x": x, "roi": boxes[:, None, :, None, None]}, attributes)


_HALF = {"half": 8e-3, "why": "positions in pixels follow from boxes in half precision"}
_WITH_15 = "the row of iOS 15 has the same gradients, which are checked there"
_DRAWN = st.builds(_indexed, _draw_boxes(), st.booleans())
_FEW = st.sampled_from([_ROI.but(roi=_INDEXED, sampling_mode=mode, target_width=3) for mode in MODES[1:3]])

operation(
    "crop_resize",
    15,
    oracle=_crop_resize,
    base=_ROI,
    unlike_coremltools=dict.fromkeys(
        ("roi", "drawn"), "its shape has all images, also where a box says which it is of"
    ),
    vary=_VARIES,
    draw=_FEW,
    worked=[*_INSIDE, (_cut(_roi(*_THREE), **_ALIGNED, normalized_coordinates=True), _padded(0))],
    refuse=_REFUSED,
    smooth={"roi": "one of the numbers of a region is the index of an image"},
    **_HALF,
)
operation(
    "crop_resize",
    16,
    oracle=_crop_resize,
    base=_ROI,
    unlike_coremltools=dict.fromkeys(
        ("roi", "drawn"), "its shape has all images, also where a box says which it is of"
    ),
    vary={**_VARIES, "pad_value": [3.0]},
    draw=_DRAWN,
    worked=[
        *_INSIDE,
        (_cut(_roi(*_THREE), **_ALIGNED, normalized_coordinates=True), _padded(0)),
        (_cut(_roi(*_THREE), **_ALIGNED, normalized_coordinates=True, pad_value=10.0), _padded(10)),
    ],
    refuse=_REFUSED,
    smooth=dict.fromkeys(_VARIES, _WITH_15),
    **_HALF,
)

_ONES = np.float32(_WHERE[1:])
_IN_BOXES = Case({"x": _X, "boxes": _ONES}, _SIZE)


def _boxed(boxes, **attributes):
    return Case(
        {"x": _GRID, "boxes": np.asarray(boxes), "box_indices": np.zeros(len(boxes), np.int32)},
        {"target_height": 2, "target_width": 2, **_ALIGNED, **attributes},
    )


operation(
    "crop_resize",
    17,
    oracle=_crop_boxes,
    base=_IN_BOXES,
    vary={
        "box_indices": [np.int32([1, 0]), _IN_BOXES.but(boxes=np.float32(_WHERE), box_indices=np.int32([1, 1, 0]))],
        "target_height": [1, 2],
        "target_width": [1, 5],
        "normalized_coordinates": [_IN_BOXES.but(boxes=_PARTS[:, 0, :, 0, 0], normalized_coordinates=True)],
        "spatial_scale": [0.5],
        "box_coordinate_mode": _BOXES[1:],
        "sampling_mode": MODES[:2] + MODES[3:],
        "pad_value": [3.0],
    },
    draw=st.builds(
        lambda drawn, index: Case({"x": drawn[0], "boxes": drawn[1], "box_indices": index % len(drawn[0])}, drawn[2]),
        _draw_boxes(),
        st.sampled_from([np.int32([0, 1]), np.int32([1, 1])]),
    ),
    worked=[
        (Case({"x": _GRID, "boxes": np.float32([[1, 1, 2, 2]])}, _boxed([0]).attributes), [[[[6, 7], [10, 11]]]]),
        (_boxed(np.float32(_THREE), normalized_coordinates=True, pad_value=10.0), _padded(10, True)),
        (_boxed(np.uint16([[1, 1, 2, 2]])), [[[[6, 7], [10, 11]]]]),
    ],
    refuse=[
        (_IN_BOXES.but(boxes=np.float32(_WHERE)), "3 boxes for 2 images"),
        (_IN_BOXES.but(boxes=_ONES[0]), "[n, 4]"),
        (_IN_BOXES.but(box_indices=np.int32([[0], [1]])), "[2]"),
        (_IN_BOXES.but(x=_X[0]), "rank 3"),
    ],
    smooth=dict.fromkeys(["target_height", "target_width", "box_coordinate_mode", "sampling_mode"], _WITH_15),
    **_HALF,
)
