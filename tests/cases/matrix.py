"""Products with matrices and look-ups, answered by sums over explicit indices."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers
from graphml.spec.weights import Quantized, quantize


def _floats(weight):
    return np.asarray(weight.dequantize() if isinstance(weight, Quantized) else weight, np.float64)


def _int8(x, weight):
    """Codes of x, codes of the weights, and the size of a step in their product."""
    # the step is a float32 on the device as well; in float64 a tie would be broken the other way
    step = np.abs(np.asarray(x, np.float32)).max(initial=0) / np.float32(127)
    codes = np.rint(np.asarray(x, np.float32) / (step if step > 0 else np.float32(1)))
    return codes.astype(np.int64), np.asarray(weight.codes, np.int64), float(step) * float(np.ravel(weight.scale)[0])


def _rows_times(x, f):
    """[N, in] times the stored [out, in], plus bias."""
    if f.get("int8_dynamic_quantize"):
        x, w, step = _int8(x, f["weights"])
    else:
        x, w, step = np.asarray(x, np.float64), _floats(f["weights"]), 1.0
    y = np.array([[sum(a * b for a, b in zip(row, column, strict=True)) for column in w] for row in x]) * step
    y = y.reshape(x.shape[0], w.shape[0])
    return y if f.get("bias") is None else y + _floats(f["bias"])


def _dense(inputs, f):
    x = np.asarray(inputs[0])
    count = _floats(f["weights"]).shape[0]
    if x.ndim <= 3:
        return _rows_times(x.reshape(-1, x.shape[-1]), f).reshape(*x.shape[:-1], count)
    rows = x.reshape(int(np.prod(x.shape[:-3])), -1)
    return _rows_times(rows, f).reshape(*x.shape[:-3], count, 1, 1)


def _batched(inputs, f):
    if len(inputs) == 1:
        x = np.asarray(inputs[0])
        return _rows_times(x.reshape(-1, x.shape[-1]), f).reshape(*x.shape[:-1], f["weights"].shape[0])
    a, b = (np.asarray(x, np.float64) for x in inputs)
    a = a.reshape(1, -1) if a.ndim == 1 else a
    b = b.reshape(-1, 1) if b.ndim == 1 else b
    a = np.moveaxis(a, -1, -2) if f.get("transpose_a") else a
    b = np.moveaxis(b, -1, -2) if f.get("transpose_b") else b
    return (a[..., :, :, None] * b[..., None, :, :]).sum(axis=-2)


def _look_up(x, f):
    table = _floats(f["weights"])
    bias = 0.0 if f.get("bias") is None else _floats(f["bias"])
    found = [
        table[:, int(i)] + bias if 0 <= i < table.shape[1] else np.full(table.shape[0], np.nan) for i in np.ravel(x)
    ]
    return np.array(found).reshape(*np.shape(x), table.shape[0])


def _embedding(inputs, f):
    x = np.asarray(inputs[0])
    return _look_up(x[..., 0, 0, 0], f)[..., None, None]


# Cases ---------------------------------------------------------------------------------------------------------------

_W, _B = numbers(4, 6), numbers(4, seed=3)
_INT8 = Quantized(np.arange(-12, 12).reshape(4, 6).astype(np.int8) * np.int8(10), np.float32([[0.02]]), None, None, 8)
_ROUNDED = "rounding is a staircase, so the gradient passes straight through it"
_RANKS = [(6,), (2, 6), (2, 3, 6), (2, 6, 1, 1), (2, 1, 3, 2), (2, 1, 1, 2, 3)]


@st.composite
def _draw_dense(draw):
    w = draw(arrays((4, 6)))
    weights = draw(st.sampled_from([w, quantize(w), quantize(w, bits=3, table=True), _INT8]))
    fields = {"weights": weights, "bias": draw(st.sampled_from([None, _B]))}
    if weights is _INT8:
        fields["int8_dynamic_quantize"] = draw(st.booleans())
    fields = {name: value for name, value in fields.items() if value is not None}
    return Case((draw(arrays(draw(st.sampled_from(_RANKS)))),), fields)


kind(
    "innerProduct",
    oracle=_dense,
    base=Case((numbers(3, 6),), {"weights": _W, "bias": _B}),
    vary={
        "weights": [numbers(4, 6, seed=1), quantize(_W, bits=4), _W.astype(np.float16) + np.float16(1)],
        "bias": [None, _B + 1],
        "int8_dynamic_quantize": [Case((numbers(3, 6),), {"weights": _INT8, "int8_dynamic_quantize": True})],
        "inputs": [Case((numbers(*shape),), {"weights": _W, "bias": _B}) for shape in _RANKS if shape != (2, 6)],
    },
    draw=_draw_dense(),
    worked=[
        (
            Case((np.float32([1, 2]),), {"weights": np.float32([[1, 0], [3, -1]]), "bias": np.float32([10, 20])}),
            [[11, 21]],
        ),
        # rank 4: channel 0 has the pixels 1 and 2, channel 1 the pixels 3 and 4
        (
            Case((np.float32([[[[1, 2]], [[3, 4]]]]),), {"weights": np.float32([[1000, 100, 10, 1]])}),
            [[[[[1234]]]]],
        ),
        # the largest magnitude is 12.7, so a step is 0.1: codes 127, 0, and 24.5 and 25.5 both go to the even one
        (
            Case(
                (np.float32([12.7, 0.04, 0.06, -12.7]),),
                {
                    "weights": Quantized(np.int8([[1, 100, 100, 0]]), np.float32([[2]]), None, None, 8),
                    "int8_dynamic_quantize": True,
                },
            ),
            [[(127 + 100) * 0.1 * 2]],
        ),
        # nothing to scale by
        (Case((np.zeros(6, np.float32),), {"weights": _INT8, "int8_dynamic_quantize": True}), [[0, 0, 0, 0]]),
    ],
    refuse=[
        (Case((numbers(3, 5),), {"weights": _W}), "x has 5 features in its last axis, weights expect 6"),
        (Case((numbers(1, 2, 1, 2),), {"weights": _W}), "x has 4 features in its last three axes, weights expect 6"),
        (Case((numbers(1, 1, 1, 1, 6, 1),), {"weights": _W}), "rank 6"),
        (Case((numbers(3, 6),), {"weights": _W, "int8_dynamic_quantize": True}), "a single scale and no bias"),
        (Case((numbers(3, 6),), {"weights": quantize(_W), "int8_dynamic_quantize": True}), "signed 8-bit weights"),
    ],
    smooth={"int8_dynamic_quantize": _ROUNDED},
)

_PAIRS = [
    ((6,), (6,)),
    ((6,), (6, 3)),
    ((6,), (2, 6, 3)),
    ((4, 6), (6,)),
    ((4, 6), (6, 3)),
    ((2, 4, 6), (6, 3)),
    ((2, 1, 4, 6), (3, 6, 2)),
    ((1, 1), (1, 1)),
]


def _transposed(shape):
    return (*shape[:-2], shape[-1], shape[-2]) if len(shape) > 1 else shape


@st.composite
def _draw_batched(draw):
    if draw(st.booleans()):
        case = draw(_draw_dense())
        shape = draw(st.sampled_from([(6,), (2, 6), (2, 3, 6), (1, 2, 1, 6), (2, 1, 1, 2, 6)]))
        ignored = {"transpose_a": draw(st.booleans()), "transpose_b": draw(st.booleans())}
        return case.but(inputs=(draw(arrays(shape)),), **ignored)
    a, b = draw(st.sampled_from(_PAIRS))
    flags = {
        "transpose_a": len(a) > 1 and draw(st.booleans()),
        "transpose_b": len(b) > 1 and draw(st.booleans()),
    }
    a, b = _transposed(a) if flags["transpose_a"] else a, _transposed(b) if flags["transpose_b"] else b
    return Case((draw(arrays(a)), draw(arrays(b))), flags)


_TWO = (numbers(2, 3, 3), numbers(3, 3, seed=1))

kind(
    "batchedMatmul",
    oracle=_batched,
    base=Case(_TWO),
    vary={
        "transpose_a": [True],
        "transpose_b": [True],
        "weights": [Case((numbers(2, 3, 6),), {"weights": _W}), Case((numbers(6),), {"weights": quantize(_W)})],
        "bias": [Case((numbers(2, 3, 6),), {"weights": _W, "bias": _B})],
        "int8_dynamic_quantize": [Case((numbers(3, 6),), {"weights": _INT8, "int8_dynamic_quantize": True})],
        "inputs": [Case((numbers(*a), numbers(*b))) for a, b in _PAIRS],
    },
    draw=_draw_batched(),
    worked=[
        (Case((np.float32([1, 2]), np.float32([3, 4]))), [[[11]]]),
        (Case((np.float32([1, 2]), np.float32([[1, 10], [100, 1000]]))), [[[201, 2010]]]),
        # a row that is turned is a column
        (Case((np.float32([1, 2]), np.float32([[3, 4]])), {"transpose_a": True}), [[[3, 4], [6, 8]]]),
        # one input: [X1, X2] = [[1, 10, 100], [2, 20, 200]], stored column by column; flags do not matter
        (
            Case(
                (np.float32([1, 1]),),
                {
                    "weights": np.float32([[1, 2], [10, 20], [100, 200]]),
                    "bias": np.float32([1, 2, 3]),
                    "transpose_b": True,
                },
            ),
            [[4, 32, 303]],
        ),
    ],
    refuse=[
        (Case((numbers(2, 3), numbers(2, 3))), "rows of a have 3 elements, columns of b 2"),
        (Case((numbers(2, 3),)), "but it has none"),
        (Case((numbers(2, 5),), {"weights": _W}), "x has 5 features in its last axis, weights expect 6"),
        (Case(_TWO, {"int8_dynamic_quantize": True}), "it takes one input, not two"),
        (Case((numbers(2, 4, 4), numbers(3, 4, 4))), "2, 4, 4"),
    ],
    smooth={"int8_dynamic_quantize": _ROUNDED},
)

_TABLE, _OFFSET = numbers(3, 5), numbers(3, seed=7)


def _whole(*shape, seed=0, low=0, high=5):
    return np.random.default_rng(seed).integers(low, high, shape).astype(np.float32)


@st.composite
def _draw_embedding(draw, pool):
    shape = draw(st.sampled_from(pool))
    fields = {"weights": draw(st.sampled_from([_TABLE, quantize(_TABLE)]))}
    if draw(st.booleans()):
        fields["bias"] = _OFFSET
    return Case((_whole(*shape, seed=draw(st.integers(0, 9)), low=-2, high=7),), fields)


kind(
    "embedding",
    oracle=_embedding,
    base=Case((_whole(4, 2, 1, 1, 1),), {"weights": _TABLE, "bias": _OFFSET}),
    vary={
        "weights": [_TABLE + 1, quantize(_TABLE, bits=2), numbers(3, 5, seed=1).astype(np.float16)],
        "bias": [None, _OFFSET + 1],
        "inputs": [Case((_whole(6, 1, 1, 1, seed=1),), {"weights": _TABLE, "bias": _OFFSET})],
    },
    draw=_draw_embedding([(4, 1, 1, 1), (2, 3, 1, 1, 1), (1, 1, 1, 1)]),
    whole=(0,),
    worked=[
        (
            Case(
                (np.float32([2, 0, 3, -1]).reshape(4, 1, 1, 1),),
                {"weights": np.float32([[1, 2, 3], [4, 5, 6]]), "bias": np.float32([10, 20])},
            ),
            [np.float32([[13, 26], [11, 24], [np.nan, np.nan], [np.nan, np.nan]]).reshape(4, 2, 1, 1)],
        ),
    ],
    refuse=[
        (Case((_whole(4, 1, 1),), {"weights": _TABLE}), "[N, 1, 1, 1] or [S, N, 1, 1, 1]"),
        (Case((_whole(4, 2, 1, 1),), {"weights": _TABLE}), "x has shape [4, 2, 1, 1]"),
    ],
)

kind(
    "embeddingND",
    oracle=lambda inputs, f: _look_up(np.asarray(inputs[0])[..., 0], f),
    base=Case((_whole(4, 2, 1),), {"weights": _TABLE, "bias": _OFFSET}),
    vary={
        "weights": [_TABLE + 1, quantize(_TABLE, bits=2)],
        "bias": [None, _OFFSET + 1],
        "inputs": [Case((_whole(6, 1, seed=1),), {"weights": _TABLE, "bias": _OFFSET})],
    },
    draw=_draw_embedding([(4, 1), (2, 3, 1), (1, 2, 1, 1), (2, 1, 2, 1, 1)]),
    whole=(0,),
    worked=[
        (
            Case((np.float32([[2], [0], [3]]),), {"weights": np.float32([[1, 2, 3], [4, 5, 6]])}),
            [[[3, 6], [1, 4], [np.nan, np.nan]]],
        ),
        # NaN is not an index
        (Case((np.float32([[np.nan], [1]]),), {"weights": np.float32([[7, 8]])}), [[[np.nan], [8]]]),
    ],
    refuse=[
        (Case((_whole(4, 2),), {"weights": _TABLE}), "its last axis must have size 1"),
        (Case((_whole(4),), {"weights": _TABLE}), "rank 1"),
    ],
)
