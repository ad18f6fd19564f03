"""Image layers that move numbers to other places and shapes."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers

_X = numbers(1, 1, 4, 2, 3)
_SEQUENCE = numbers(2, 3, 4, 1, 2)


def _in_order(image, mode):
    """The numbers of a [..., C, H, W] array, read channel by channel or pixel by pixel."""
    if mode != "CHANNEL_LAST":
        return [float(v) for v in np.ravel(image)]
    *front, channels, height, width = image.shape
    return [
        float(image[(*s, c, h, w)])
        for s in np.ndindex(*front)
        for h in range(height)
        for w in range(width)
        for c in range(channels)
    ]


def _reshape(inputs, f):
    x = np.asarray(inputs[0])
    target = list(f["target_shape"])
    mode = f.get("mode", "CHANNEL_FIRST")
    across = len(target) == 4
    count = x.size // x.shape[1] if across else x[0, 0].size
    if -1 in target:
        rest = 1
        for size in target:
            rest *= size if size != -1 else 1
        target[target.index(-1)] = count // rest
    channels, height, width = target[-3:]
    sequence = target[0] if across else x.shape[0]
    y = np.empty((sequence, x.shape[1], channels, height, width))
    for member in range(x.shape[1]):
        values = _in_order(x[:, member], mode)
        for at, (s, i, j, k) in zip(
            values,
            (
                np.ndindex(sequence, height, width, channels)
                if mode == "CHANNEL_LAST"
                else np.ndindex(sequence, channels, height, width)
            ),
            strict=True,
        ):
            c, h, w = (k, i, j) if mode == "CHANNEL_LAST" else (i, j, k)
            y[s, member, c, h, w] = at
    return y


@st.composite
def _draw_reshape(draw):
    x = draw(st.sampled_from([(1, 1, 4, 2, 3), (2, 3, 4, 1, 2), (2, 1, 1, 1, 1)]).flatmap(arrays))
    targets = {
        24: [(4, 2, 3), (3, 4, 2), (24, 1, 1), (-1, 2, 6), (2, 3, 2, 2), (4, 1, 6, -1)],
        8: [(8, 1, 1), (2, 2, 2), (1, -1, 4), (4, 2, 1, 2), (-1, 1, 1, 4), (1, 4, 2, 2)],
        1: [(1, 1, 1), (1, 1, -1), (1, 2, 1, 1), (2, 1, 1, 1)],
    }[x[0, 0].size]
    return Case(
        (x,),
        {
            "target_shape": draw(st.sampled_from(targets)),
            "mode": draw(st.sampled_from(["CHANNEL_FIRST", "CHANNEL_LAST"])),
        },
        exact=draw(st.booleans()),
    )


_FOUR = np.float32([1, 2, 3, 4]).reshape(1, 1, 2, 1, 2)  # channels [1, 2] and [3, 4]

kind(
    "reshape",
    oracle=_reshape,
    base=Case((_X,), {"target_shape": (3, 4, 2), "mode": "CHANNEL_FIRST"}),
    vary={
        "target_shape": [
            (2, 4, 3),
            (24, 1, -1),
            (2, 3, 4, 1),
            (1, 3, 2, 4),
            Case((_SEQUENCE,), {"target_shape": (4, 2, 1, 2)}),
            Case((_SEQUENCE,), {"target_shape": (2, 2, 2)}),
        ],
        "mode": [
            "CHANNEL_LAST",
            Case((_SEQUENCE,), {"target_shape": (1, 4, 2, 2), "mode": "CHANNEL_LAST"}),
            Case((_SEQUENCE,), {"target_shape": (1, 4, 2), "mode": "CHANNEL_LAST"}),
        ],
    },
    draw=_draw_reshape(),
    worked=[
        (Case((_FOUR,), {"target_shape": (1, 2, 2)}), [[[[[[1, 2], [3, 4]]]]]]),
        (Case((_FOUR,), {"target_shape": (1, 2, 2), "mode": "CHANNEL_LAST"}), [[[[[[1, 3], [2, 4]]]]]]),
        (Case((_FOUR,), {"target_shape": (2, 1, 2), "mode": "CHANNEL_LAST"}), [[[[[[1, 2]], [[3, 4]]]]]]),
        (Case((_FOUR,), {"target_shape": (2, 1, 1, 2)}), [[[[[[1, 2]]]], [[[[3, 4]]]]]]),
    ],
    refuse=[
        (Case((_X,), {"target_shape": (24,)}), "target_shape is [24]"),
        (Case((_X,), {"target_shape": (5, 5, 1)}), "24 elements"),
        (Case((_X,), {"target_shape": (-1, 5, 1)}), "24 elements"),
        (Case((_X,), {"target_shape": (-1, -1, 1)}), "24 elements"),
        (Case((_SEQUENCE,), {"target_shape": (16, 1, 1)}), "8 elements"),
        (Case((_SEQUENCE,), {"target_shape": (2, 3, 8, 1)}), "16 elements"),
        (Case((numbers(4, 2, 3),), {"target_shape": (24, 1, 1)}), "rank 3"),
    ],
)


def _flatten(inputs, f):
    x = np.asarray(inputs[0])
    y = np.empty((*x.shape[:-3], x[..., :, :, :].size // int(np.prod(x.shape[:-3], dtype=int)), 1, 1))
    for place in np.ndindex(x.shape[:-3]):
        y[place][:, 0, 0] = _in_order(x[place], f.get("mode"))
    return y


kind(
    "flatten",
    oracle=_flatten,
    base=Case((_X,)),
    vary={"mode": ["CHANNEL_LAST"], "inputs": [Case((numbers(2, 3, 2, 2),), {"mode": "CHANNEL_FIRST"})]},
    draw=st.builds(
        lambda x, mode: Case((x,), {"mode": mode}),
        st.sampled_from([(4, 2, 3), (3, 2, 1, 4), (1, 2, 2, 3, 1), (1, 1, 1)]).flatmap(arrays),
        st.sampled_from(["CHANNEL_FIRST", "CHANNEL_LAST"]),
    ),
    worked=[
        (Case((_FOUR[0, 0],)), [[[[1]], [[2]], [[3]], [[4]]]]),
        (Case((_FOUR[0, 0],), {"mode": "CHANNEL_LAST"}), [[[[1]], [[3]], [[2]], [[4]]]]),
    ],
    refuse=[(Case((numbers(2, 3),)), "rank 2")],
)


def _permute(inputs, f):
    x = np.asarray(inputs[0])
    order = [(0, 2, 3, 4)[i] for i in f.get("axis") or (0, 1, 2, 3)]
    sizes = [x.shape[i] for i in order]
    y = np.empty((sizes[0], x.shape[1], *sizes[1:]))
    for place in np.ndindex(y.shape):
        source = [0, place[1], 0, 0, 0]
        for axis, index in zip(order, (place[0], *place[2:]), strict=True):
            source[axis] = index
        y[place] = x[tuple(source)]
    return y


_FIVE = numbers(2, 2, 3, 4, 5)

kind(
    "permute",
    oracle=_permute,
    base=Case((_FIVE,), {"axis": (0, 1, 2, 3)}),
    vary={"axis": [(0, 3, 1, 2), (3, 1, 2, 0), (0, 3, 2, 1), (1, 2, 3, 0)]},
    draw=st.builds(
        lambda x, axis, exact: Case((x,), {"axis": tuple(axis)}, exact=exact),
        st.sampled_from([(2, 2, 3, 4, 5), (1, 1, 3, 2, 2), (1, 1, 1, 1, 1)]).flatmap(arrays),
        st.one_of(st.permutations([0, 1, 2, 3]), st.just(())),
        st.booleans(),
    ),
    worked=[
        (Case((_FOUR,), {"axis": (0, 3, 1, 2)}), [[[[[[1], [3]], [[2], [4]]]]]]),
        (Case((_FOUR,), {}), [_FOUR]),
        (Case((_FOUR,), {"axis": (1, 0, 2, 3)}), [[[[[[1, 2]]]], [[[[3, 4]]]]]]),
    ],
    refuse=[
        (Case((_FIVE,), {"axis": (0, 1, 1, 3)}), "not a permutation"),
        (Case((_FIVE,), {"axis": (0, 1, 2)}), "not a permutation"),
        (Case((numbers(2, 3, 4),), {"axis": (0, 1, 2, 3)}), "rank 3"),
    ],
)


def _reorganize(inputs, f):
    x = np.asarray(inputs[0])
    b, mode = f["block_size"], f.get("mode", "SPACE_TO_DEPTH")
    channels, height, width = x.shape[-3:]
    deep = mode == "SPACE_TO_DEPTH"
    size = (channels * b * b, height // b, width // b) if deep else (channels // (b * b), height * b, width * b)
    y = np.empty((*x.shape[:-3], *size))
    thin, tall, wide = (channels, *size[1:]) if deep else (size[0], height, width)  # few channels, few pixels
    for c in range(thin):
        for i, j, u, v in np.ndindex(tall, wide, b, b):
            channel = c * b * b + u * b + v if mode == "PIXEL_SHUFFLE" else (u * b + v) * thin + c
            pixel, block = (..., c, i * b + u, j * b + v), (..., channel, i, j)
            if deep:
                y[block] = x[pixel]
            else:
                y[pixel] = x[block]
    return y


_BLOCKS = numbers(2, 8, 4, 2)
_MODES = ["SPACE_TO_DEPTH", "DEPTH_TO_SPACE", "PIXEL_SHUFFLE"]
_PROSE = np.arange(1, 17, dtype=np.float32).reshape(8, 1, 2)
_SHUFFLED = {
    "DEPTH_TO_SPACE": [[[1, 5, 2, 6], [9, 13, 10, 14]], [[3, 7, 4, 8], [11, 15, 12, 16]]],
    "PIXEL_SHUFFLE": [[[1, 3, 2, 4], [5, 7, 6, 8]], [[9, 11, 10, 12], [13, 15, 14, 16]]],
}

kind(
    "reorganizeData",
    oracle=_reorganize,
    base=Case((_BLOCKS,), {"mode": "DEPTH_TO_SPACE", "block_size": 2}),
    vary={
        "mode": ["SPACE_TO_DEPTH", "PIXEL_SHUFFLE"],
        "block_size": [Case((numbers(9, 3, 6),), {"mode": mode, "block_size": 3}) for mode in _MODES],
    },
    draw=st.builds(
        lambda shape, mode, b, seed: Case(
            (numbers(*shape, shape[-1] * b * b if mode != "SPACE_TO_DEPTH" else 3, 2 * b, b, seed=seed),),
            {"mode": mode, "block_size": b},
        ),
        st.sampled_from([(1,), (2, 1), (1, 2, 1)]),
        st.sampled_from(_MODES),
        st.integers(2, 3),
        st.integers(0, 5),
    ),
    worked=[
        *[(Case((_PROSE,), {"mode": m, "block_size": 2}), [answer]) for m, answer in _SHUFFLED.items()],
        (Case((np.float32(_SHUFFLED["DEPTH_TO_SPACE"]),), {"mode": "SPACE_TO_DEPTH", "block_size": 2}), [_PROSE]),
    ],
    refuse=[
        (Case((_BLOCKS,), {"mode": "DEPTH_TO_SPACE", "block_size": 1}), "block_size must be 2 or more, got 1"),
        (Case((_BLOCKS,), {"mode": "PIXEL_SHUFFLE", "block_size": 3}), "8 channels"),
        (Case((_BLOCKS,), {"mode": "SPACE_TO_DEPTH", "block_size": 3}), "height 4 and width 2"),
        (Case((numbers(4, 4),), {"block_size": 2}), "rank 2"),
    ],
)


def _repeat(inputs, f):
    x = np.asarray(inputs[0])
    times, length = f.get("n_repetitions") or 1, x.shape[-5]
    y = np.empty((*x.shape[:-5], times * length, *x.shape[-4:]))
    for i in range(times * length):
        y[..., i, :, :, :, :] = x[..., i % length, :, :, :, :]
    return y


kind(
    "sequenceRepeat",
    oracle=_repeat,
    base=Case((_SEQUENCE,), {"n_repetitions": 2}),
    vary={"n_repetitions": [0, 3]},
    draw=st.builds(
        lambda x, times: Case((x,), {"n_repetitions": times}),
        st.sampled_from([(2, 3, 4, 1, 2), (1, 1, 1, 1, 1), (2, 2, 1, 3, 1, 1)]).flatmap(arrays),
        st.integers(0, 3),
    ),
    worked=[
        (
            Case((np.float32([1, 2]).reshape(2, 1, 1, 1, 1),), {"n_repetitions": 2}),
            [np.float32([1, 2, 1, 2]).reshape(4, 1, 1, 1, 1)],
        ),
        (Case((_SEQUENCE,)), [_SEQUENCE]),
    ],
    refuse=[(Case((numbers(2, 3, 4, 5),), {"n_repetitions": 2}), "rank 4")],
)
