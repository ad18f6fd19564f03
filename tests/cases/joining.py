"""Concatenation, splitting and slicing of images."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers


def _concat(inputs, f):
    blobs = [np.asarray(x) for x in inputs]
    axis = blobs[0].ndim - (5 if f.get("sequence_concat") else 3)
    slabs = [np.take(x, i, axis=axis) for x in blobs for i in range(x.shape[axis])]
    return np.stack(slabs, axis=axis)


@st.composite
def _draw_concat(draw):
    sequence = draw(st.booleans())
    front = draw(st.sampled_from([(1, 1), (2, 1), (1, 2, 2)] if sequence else [(), (2,), (2, 1)]))
    count, size = draw(st.integers(1, 3)), (2, 2, 3)
    inputs = []
    for _ in range(count):
        length = draw(st.integers(1, 2))
        shape = (*front[:-2], length, front[-1], *size) if sequence else (*front, length, *size[1:])
        inputs.append(draw(arrays(shape)))
    return Case(tuple(inputs), {"sequence_concat": sequence})


_A, _B, _C = numbers(2, 1, 3, 2, 2), numbers(2, 1, 1, 2, 2, seed=1), numbers(1, 1, 3, 2, 2, seed=2)

kind(
    "concat",
    oracle=_concat,
    base=Case((_A, _A + 1), {"sequence_concat": False}),
    vary={
        "sequence_concat": [True, Case((_A, _C, _C), {"sequence_concat": True})],
        "inputs": [Case((_A, _B)), Case((_A,))],
    },
    draw=_draw_concat(),
    worked=[
        (Case((np.float32([[[1, 2]]]), np.float32([[[3, 4]], [[5, 6]]]))), [[[[1, 2]], [[3, 4]], [[5, 6]]]]),
        (
            Case(
                (np.float32([1, 2]).reshape(2, 1, 1, 1, 1), np.float32([3]).reshape(1, 1, 1, 1, 1)),
                {"sequence_concat": True},
            ),
            [np.float32([1, 2, 3]).reshape(3, 1, 1, 1, 1)],
        ),
    ],
    refuse=[
        (Case((numbers(2, 3), numbers(2, 3))), "rank 2"),
        (Case((numbers(2, 3, 1, 1), numbers(2, 3, 1, 1)), {"sequence_concat": True}), "rank 4"),
        (Case((_A, numbers(3, 2, 2))), "ranks 5, 3"),
        (Case((_A, numbers(2, 1, 3, 2, 1))), "float32[2, 1, 3, 2, 1]"),
    ],
)


def _split(inputs, f):
    x = np.asarray(inputs[0])
    parts, size = f["n_outputs"], x.shape[-3] // f["n_outputs"]
    return [np.stack([x[..., p * size + c, :, :] for c in range(size)], axis=-3) for p in range(parts)]


_SIX = numbers(2, 6, 2, 3)

kind(
    "split",
    oracle=_split,
    base=Case((_SIX,), {"n_outputs": 2}, outputs=2),
    vary={"n_outputs": [Case((_SIX,), {"n_outputs": n}, outputs=n) for n in (1, 3, 6)]},
    draw=st.builds(
        lambda x, n: Case((x,), {"n_outputs": n}, outputs=n),
        st.sampled_from([(6, 1, 1), (2, 6, 2, 3), (1, 2, 6, 2, 1)]).flatmap(arrays),
        st.sampled_from([1, 2, 3, 6]),
    ),
    worked=[(Case((np.float32([[[1, 2]], [[3, 4]]]),), {"n_outputs": 2}, outputs=2), [[[[1, 2]]], [[[3, 4]]]])],
    refuse=[
        (Case((_SIX,), {"n_outputs": 4}, outputs=4), "6 channels cannot be split into 4"),
        (Case((_SIX,), {}), "split into 0"),
        (Case((_SIX,), {"n_outputs": 2}, outputs=3), "3 outputs"),
        (Case((numbers(4, 2),), {"n_outputs": 2}, outputs=2), "rank 2"),
    ],
)

_AXES = {"CHANNEL_AXIS": 3, "HEIGHT_AXIS": 2, "WIDTH_AXIS": 1}


def _slice(inputs, f):
    x = np.asarray(inputs[0])
    axis = x.ndim - _AXES[f.get("axis", "CHANNEL_AXIS")]
    size = x.shape[axis]
    start, end = f.get("start_index", 0), f.get("end_index", 0)
    start = start + size if start < 0 else start
    end = end + size if end <= 0 else end  # an end of 0 is the end
    kept = [i for i in range(size) if start <= i < end and (i - max(start, 0)) % f["stride"] == 0]
    return np.stack([np.take(x, i, axis=axis) for i in kept], axis=axis)


@st.composite
def _draw_slice(draw):
    axis = draw(st.sampled_from(list(_AXES)))
    shape = draw(
        st.sampled_from([s for s in [(4,), (3, 4), (4, 3, 5), (2, 3, 1, 4), (1, 1, 5, 2, 3)] if len(s) >= _AXES[axis]])
    )
    size = shape[-_AXES[axis]]
    first = draw(st.integers(0, size - 1))
    last = draw(st.integers(first + 1, size))
    return Case(
        (draw(arrays(shape)),),
        {
            "axis": axis,
            "start_index": first - size * draw(st.booleans()),
            "end_index": draw(st.sampled_from([last, last - size, last + 3 if last == size else last])),
            "stride": draw(st.integers(1, 3)),
        },
    )


_ALL = {"start_index": 1, "end_index": 3, "stride": 1, "axis": "HEIGHT_AXIS"}
_TALL = numbers(2, 5, 4, 6)
_ROW = np.float32([10, 11, 12, 13, 14])

kind(
    "slice",
    oracle=_slice,
    base=Case((_TALL,), _ALL),
    vary={
        "start_index": [0, -2, -4],
        "end_index": [0, 2, -2, 4],
        "stride": [2],
        "axis": [
            "CHANNEL_AXIS",
            "WIDTH_AXIS",
            Case((_TALL[0, 0],), _ALL),
            Case((_TALL[0, 0, 0],), {**_ALL, "axis": "WIDTH_AXIS"}),
        ],
    },
    draw=_draw_slice(),
    worked=[
        (Case((_ROW,), {"start_index": 1, "end_index": 4, "stride": 2, "axis": "WIDTH_AXIS"}), [[11, 13]]),
        (Case((_ROW,), {"start_index": -3, "end_index": -1, "stride": 1, "axis": "WIDTH_AXIS"}), [[12, 13]]),
        (Case((_ROW,), {"start_index": 3, "stride": 1, "axis": "WIDTH_AXIS"}), [[13, 14]]),
        (Case((_ROW.reshape(5, 1, 1),), {"end_index": 2, "stride": 1}), [[[[10]], [[11]]]]),
    ],
    refuse=[
        (Case((_TALL,), {**_ALL, "stride": 0}), "stride must be positive, got 0"),
        (Case((_TALL,), {**_ALL, "start_index": 3}), "of an axis of size 4 is empty"),
        (Case((_TALL,), {**_ALL, "start_index": 4, "end_index": 0}), "of an axis of size 4 is empty"),
        (Case((numbers(3, 4),), {"end_index": 1, "stride": 1}), "rank 2"),
        (Case((numbers(3),), {**_ALL}), "rank 1"),
    ],
)
