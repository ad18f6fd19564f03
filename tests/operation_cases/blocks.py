"""Blocks of pixels: which pixel becomes which channel or image, by the arithmetic of indices."""

import numpy as np
from cases import filled
from hypothesis import strategies as st

from operation_cases import Case, numbers, operation

_X = numbers(1, 2, 4, 6)
_DEEP = numbers(2, 8, 3, 2)
_CHECK = np.float32([[[[1, 2], [3, 4]]]])
_CHANNELS = np.float32([[[[1]], [[2]], [[3]], [[4]]]])


def _to_channels(block, source):
    """source: (channel of the result) -> (row in the block, column in the block, old channel)."""

    def oracle(i, a):
        n, c, h, w = i["x"].shape
        b = a[block]

        def element(place):
            image, channel, row, column = place
            down, across, old = source(channel, b, c)
            return i["x"][image, old, row * b + down, column * b + across]

        return filled((n, c * b * b, h // b, w // b), element)

    return oracle


def _to_pixels(block, source):
    """source: (row in the block, column in the block, new channel) -> channel of x."""

    def oracle(i, a):
        n, c, h, w = i["x"].shape
        b = a[block]

        def element(place):
            image, channel, row, column = place
            old = source(row % b, column % b, channel, b, c // (b * b))
            return i["x"][image, old, row // b, column // b]

        return filled((n, c // (b * b), h * b, w * b), element)

    return oracle


# depth: the position in the block varies slower than the channel; pixels: faster
_ORACLES = {
    "space_to_depth": _to_channels("block_size", lambda k, b, c: (k // c // b, k // c % b, k % c)),
    "depth_to_space": _to_pixels("block_size", lambda down, across, k, b, c: (down * b + across) * c + k),
    "pixel_shuffle": _to_pixels("upscale_factor", lambda down, across, k, b, c: k * b * b + down * b + across),
    "pixel_unshuffle": _to_channels("downscale_factor", lambda k, b, c: (k // b % b, k % b, k // (b * b))),
}

for _kind, _block, _version in (("space_to_depth", "block_size", 15), ("pixel_unshuffle", "downscale_factor", 16)):
    operation(
        _kind,
        _version,
        oracle=_ORACLES[_kind],
        base=Case({"x": _X}, {_block: 2}),
        vary={_block: [1, Case({"x": numbers(2, 2, 3, 6)}, {_block: 3})]},
        draw=st.just(Case({"x": numbers(2, 3, 2, 4)}, {_block: 2})),
        worked=[(Case({"x": _CHECK}, {_block: 2}), _CHANNELS)],
        refuse=[
            (Case({"x": _X}, {_block: 3}), f"{_block} is 3; it must divide the height 4 and the width 6"),
            (Case({"x": _X[0]}, {_block: 2}), "x has rank 3; it must be an image [N, C, H, W]"),
        ],
    )

for _kind, _block in (("depth_to_space", "block_size"), ("pixel_shuffle", "upscale_factor")):
    operation(
        _kind,
        15,
        oracle=_ORACLES[_kind],
        base=Case({"x": _DEEP}, {_block: 2}),
        vary={_block: [1, Case({"x": numbers(1, 9, 2, 1)}, {_block: 3})]},
        draw=st.just(Case({"x": numbers(1, 12, 2, 1)}, {_block: 2})),
        worked=[(Case({"x": _CHANNELS}, {_block: 2}), _CHECK)],
        refuse=[
            (Case({"x": _DEEP}, {_block: 3}), f"{_block} is 3; its square must divide the 8 channels"),
            (Case({"x": _DEEP[0]}, {_block: 2}), "x has rank 3; it must be an image [N, C, H, W]"),
        ],
    )


# Images --------------------------------------------------------------------------------------------------------------


def _to_batch(i, a):
    x, (down, across), (rows, columns) = i["x"], a["block_shape"], a["paddings"]
    padded = np.zeros((*x.shape[:2], x.shape[2] + sum(rows), x.shape[3] + sum(columns)), x.dtype)
    padded[:, :, rows[0] : rows[0] + x.shape[2], columns[0] : columns[0] + x.shape[3]] = x
    return np.concatenate([padded[:, :, r::down, c::across] for r in range(down) for c in range(across)])


def _from_batch(i, a):
    x, (down, across), (rows, columns) = i["x"], a["block_shape"], a["crops"]
    n, c, h, w = x.shape
    parts = np.split(x, down * across)
    y = np.zeros((n // (down * across), c, h * down, w * across), x.dtype)
    for k, part in enumerate(parts):
        y[:, :, k // across :: down, k % across :: across] = part
    return y[:, :, rows[0] : h * down - rows[1], columns[0] : w * across - columns[1]]


def _blocks(x, block_shape, name, borders):
    return Case({"x": x}, {"block_shape": block_shape, name: borders})


_NONE = ((0, 0), (0, 0))

operation(
    "space_to_batch",
    15,
    oracle=_to_batch,
    base=_blocks(_X, (2, 3), "paddings", _NONE),
    vary={
        "block_shape": [(2, 2), (1, 1), (4, 1)],
        "paddings": [((2, 0), (0, 3)), ((1, 1), (3, 0))],
    },
    draw=st.just(_blocks(numbers(2, 3, 2, 4), (1, 2), "paddings", ((0, 0), (1, 1)))),
    worked=[
        (_blocks(_CHECK, (2, 2), "paddings", _NONE), [[[[1]]], [[[2]]], [[[3]]], [[[4]]]]),
        (_blocks(_CHECK, (1, 2), "paddings", ((0, 0), (2, 0))), [[[[0, 1], [0, 3]]], [[[0, 2], [0, 4]]]]),
    ],
    refuse=[
        (_blocks(_X, (3, 2), "paddings", _NONE), "block_shape [3, 2] does not divide the padded image [4, 6]"),
        (_blocks(_X, (2, 2), "paddings", ((0, 0), (-1, 1))), "(before, after) of height and width"),
        (_blocks(_X[0], (2, 2), "paddings", _NONE), "x has rank 3"),
    ],
)
operation(
    "batch_to_space",
    15,
    oracle=_from_batch,
    base=_blocks(numbers(6, 2, 2, 3), (2, 3), "crops", _NONE),
    vary={
        "block_shape": [(3, 2), (1, 1), (1, 2)],
        "crops": [((1, 0), (0, 3)), ((1, 1), (2, 1))],
    },
    draw=st.just(_blocks(numbers(4, 1, 2, 2), (2, 2), "crops", ((0, 1), (1, 0)))),
    worked=[
        (_blocks(_CHANNELS.reshape(4, 1, 1, 1), (2, 2), "crops", _NONE), _CHECK),
        (_blocks(_CHANNELS.reshape(4, 1, 1, 1), (2, 2), "crops", ((1, 0), (0, 1))), [[[[3]]]]),
    ],
    refuse=[
        (_blocks(numbers(6, 2, 2, 3), (2, 2), "crops", _NONE), "the area of block_shape [2, 2] does not divide the 6"),
        (_blocks(numbers(4, 1, 1, 1), (2, 2), "crops", ((2, 1), (0, 0))), "exceed the image"),
    ],
)
