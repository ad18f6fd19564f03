"""Integers of 8 bits in place of floats, and back, answered number by number."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation

_LIMITS = {"int8": (-128, 127), "uint8": (0, 255)}


def _at(numbers, place, axis):
    """The number for a place, of a scalar or of a vector along an axis."""
    return 0 if numbers is None else np.asarray(numbers).reshape(-1)[place[axis] if np.ndim(numbers) else 0].item()


def _quantize(i, a):
    x, (low, high) = np.asarray(i["input"]), _LIMITS[a["output_dtype"]]
    y = np.empty(x.shape, a["output_dtype"])
    for place in np.ndindex(x.shape):
        scale, zero = (_at(i[name], place, a["axis"]) for name in ("scale", "zero_point"))
        ratio = x[place].item() / scale
        y[place] = 0 if ratio != ratio else min(max(round(max(min(ratio, 1e6), -1e6)) + zero, low), high)
    return y


def _dequantize(i, a):
    x = np.asarray(i["input"])
    y = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        scale, zero = (_at(i[name], place, a["axis"]) for name in ("scale", "zero_point"))
        y[place] = scale * (x[place].item() - zero)
    return y


_X = numbers(2, 3, 4, 2, low=-20, high=20)
_SCALES, _ZEROS = np.float32([0.5, 0.25, 2]), np.int8([1, -4, 100])
_VECTORS = Case({"input": _X, "scale": _SCALES, "zero_point": _ZEROS}, {"axis": 1, "output_dtype": "int8"})
_REFUSED = [
    (_VECTORS.but(axis=None), "scale has shape [3]; it must be a scalar, or a vector along `axis`"),
    (_VECTORS.but(axis=2), "scale has 3 numbers, the input has size 4 on axis 2"),
    (_VECTORS.but(scale=np.float32(2)).but(zero_point=None), "axis is 1, but scale is a scalar"),
    (_VECTORS.but(axis=4), "axis 4 is out of range for rank 4"),
]
_LAST = _VECTORS.but(scale=np.float32([0.5, 2]), zero_point=np.int8([3, -3]), axis=-1)
_SCALAR = _VECTORS.but(scale=np.float32(0.5), zero_point=np.int8(7), axis=None)


@st.composite
def _draw(draw):
    x = draw(arrays((2, 3), low=-20, high=20))
    if draw(st.booleans()):
        return Case({"input": x, "scale": np.float32(draw(st.sampled_from([0.25, 0.5])))}, {"output_dtype": "int8"})
    scale = draw(arrays((3,), low=0.3))
    return Case({"input": x, "scale": scale, "zero_point": _ZEROS}, {"axis": -1, "output_dtype": "int8"})


operation(
    "quantize",
    17,
    oracle=_quantize,
    base=_VECTORS,
    vary={
        "scale": [_SCALES * 2],
        "zero_point": [None, -_ZEROS],
        "axis": [_LAST, _SCALAR],
        "output_dtype": [_VECTORS.but(output_dtype="uint8", zero_point=np.uint8([1, 200, 100]))],
    },
    draw=_draw(),
    worked=[
        (
            Case({"input": np.float32([-100, 0.5, 1.5, 2.5, 100]), "scale": np.float32(1)}, {"output_dtype": "int8"}),
            np.int8([-100, 0, 2, 2, 100]),
        ),
        (
            Case(
                {"input": np.float32([-300, 0.5, 300]), "scale": np.float32(1), "zero_point": np.int8(3)},
                {"output_dtype": "int8"},
            ),
            np.int8([-128, 3, 127]),
        ),
        (
            Case(
                {
                    "input": np.float32([[-300, 0.5], [1.5, 300]]),
                    "scale": np.float32([1, 2]),
                    "zero_point": np.uint8([3, 1]),
                },
                {"axis": 0, "output_dtype": "uint8"},
            ),
            np.uint8([[0, 3], [2, 151]]),
        ),
    ],
    refuse=[
        *_REFUSED,
        (_VECTORS.but(output_dtype="int4"), "output_dtype is 'int4'; it must be one of int8, uint8"),
    ],
    typed={"DstT:uint8": "the type of zero_point is that of the result, which `output_dtype` varies"},
    gives=lambda a: [a["output_dtype"]],
)


def _whole(case):
    """The case with integers for input."""
    return case.but(input=np.rint(case.inputs["input"]).astype(np.int8), output_dtype=None)


operation(
    "dequantize",
    17,
    oracle=_dequantize,
    base=_whole(_VECTORS),
    vary={"scale": [_SCALES * 2], "zero_point": [None, -_ZEROS], "axis": [_whole(_LAST), _whole(_SCALAR)]},
    draw=_draw().map(_whole),
    worked=[
        (
            Case(
                {
                    "input": np.int8([[-128, 5], [1, 30]]),
                    "scale": np.float32([1, 2]),
                    "zero_point": np.int8([127, 1]),
                },
                {"axis": 1},
            ),
            [[-255, 8], [-126, 58]],
        ),
        (Case({"input": np.uint8([0, 255]), "scale": np.float32(0.5)}), [0, 127.5]),
    ],
    refuse=[(_whole(case), words) for case, words in _REFUSED],
    half=1e-3,
)
