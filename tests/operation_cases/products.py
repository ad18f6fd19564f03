"""Products of matrices, answered by NumPy in float64, and sums of products along named axes, one place at a time."""

import itertools

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation


def _wide(x):
    return x if x is None or x.dtype.kind == "i" else np.float64(x)


def _as_first(y, x):
    return y.astype(x.dtype) if x.dtype.kind == "i" else y


# linear --------------------------------------------------------------------------------------------------------------


def _linear(i, a):
    x, weight, bias = (_wide(i[name]) for name in ("x", "weight", "bias"))
    y = (x[..., None, :] * weight).sum(-1)
    return _as_first(y if bias is None else y + bias, i["x"])


@st.composite
def _draw_linear(draw):
    shape = draw(st.sampled_from([(4,), (3, 4), (2, 3, 4), (1, 2, 3, 4)]))
    inputs = {"x": draw(arrays(shape)), "weight": draw(arrays((5, 4)))}
    return Case(inputs | ({"bias": draw(arrays((5,)))} if draw(st.booleans()) else {}))


_WHOLE = Case(
    {name: np.int32(np.rint(9 * numbers(*s))) for name, s in [("x", (2, 3)), ("weight", (4, 3)), ("bias", (4,))]}
)
_MIXED = "the format allows whole weights beside floats, which no converter writes; products say what they give"
_LINEAR = Case({"x": numbers(2, 3, 4), "weight": numbers(5, 4, seed=1), "bias": numbers(5)})

operation(
    "linear",
    15,
    oracle=_linear,
    base=_LINEAR,
    vary={"bias": [None], "x": [numbers(4), numbers(3, 4)]},
    draw=_draw_linear(),
    worked=[
        (Case({"x": np.float32([1, 2]), "weight": np.float32([[1, 0], [3, 4], [0, 1]])}), [1, 11, 2]),
        (Case({"x": np.float32([1, 2]), "weight": np.float32([[3, 4]]), "bias": np.float32([0.5])}), [11.5]),
        # float32 would round it
        (Case({"x": np.int32([2**25 + 1]), "weight": np.int32([[3]]), "bias": np.int32([1])}), [3 * 2**25 + 4]),
    ],
    refuse=[
        (Case({"x": numbers(2, 3), "weight": numbers(5, 4)}), "weight expects 4 features on its last axis"),
        (Case({"x": numbers(2, 4), "weight": numbers(5, 4, 1)}), "it must be [out, in]"),
        (_LINEAR.but(bias=numbers(1)), "weight gives 5 features"),
        (Case({"x": np.float32(1), "weight": numbers(5, 4)}), "x has shape []"),
    ],
    typed={"T:int32": _WHOLE, "U:int32": _MIXED},
)

# matmul --------------------------------------------------------------------------------------------------------------


def _matmul(i, a):
    x, y = _wide(i["x"]), _wide(i["y"])
    x = np.swapaxes(x, -1, -2) if a["transpose_x"] and x.ndim > 1 else x
    y = np.swapaxes(y, -1, -2) if a["transpose_y"] and y.ndim > 1 else y
    rows, columns = x if x.ndim > 1 else x[None], y if y.ndim > 1 else y[:, None]
    result = np.asarray((rows[..., :, :, None] * columns[..., None, :, :]).sum(-2))
    result = result[..., 0] if y.ndim == 1 else result
    return _as_first(
        result[..., 0, :] if x.ndim == 1 and y.ndim > 1 else result[..., 0] if x.ndim == 1 else result, i["x"]
    )


@st.composite
def _draw_matmul(draw):
    left, right = draw(
        st.sampled_from([((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 1, 2, 3), (4, 3, 2)), ((1, 3), (2, 3, 4))])
    )
    flags = {"transpose_x": draw(st.booleans()), "transpose_y": draw(st.booleans())}
    if flags["transpose_x"]:
        left = left if len(left) == 1 else (*left[:-2], left[-1], left[-2])
    if flags["transpose_y"]:
        right = right if len(right) == 1 else (*right[:-2], right[-1], right[-2])
    return Case({"x": draw(arrays(left)), "y": draw(arrays(right))}, flags)


_SQUARE = Case({"x": numbers(2, 3, 3), "y": numbers(3, 3, seed=1)})
_ROW, _TWO = np.float32([1, 2]), np.float32([[1, 2], [3, 4]])

operation(
    "matmul",
    15,
    oracle=_matmul,
    base=_SQUARE,
    vary={
        "transpose_x": [True],
        "transpose_y": [True],
        "x": [numbers(3), numbers(4, 1, 2, 3)],
        "y": [
            numbers(3),
            numbers(2, 3, 4),
            Case({"x": numbers(2, 3, 4), "y": numbers(2, 5, 4)}, {"transpose_y": True}),
        ],
    },
    draw=_draw_matmul(),
    worked=[
        (Case({"x": _TWO, "y": _TWO}), [[7, 10], [15, 22]]),
        (Case({"x": _TWO, "y": _TWO}, {"transpose_x": True}), [[10, 14], [14, 20]]),
        (Case({"x": _TWO, "y": _TWO}, {"transpose_y": True}), [[5, 11], [11, 25]]),
        (Case({"x": _TWO, "y": _ROW}), [5, 11]),
        (Case({"x": _ROW, "y": _TWO}), [7, 10]),
        (Case({"x": _ROW, "y": _ROW}), 5),
        (Case({"x": _ROW, "y": _TWO}, {"transpose_x": True, "transpose_y": True}), [5, 11]),  # a vector stays as it is
    ],
    refuse=[
        (Case({"x": numbers(2, 3), "y": numbers(2, 3)}), "rows of x have 3 elements, columns of y 2"),
        (Case({"x": np.float32(1), "y": numbers(2, 3)}), "x and y must have rank 1 or more"),
    ],
    typed={"T:int32": Case({"x": np.int32([[1, -2], [3, 4]]), "y": np.int32([[5, 6], [7, 8]])}), "U:int32": _MIXED},
)

# einsum --------------------------------------------------------------------------------------------------------------


def _einsum(i, a):
    inputs, outputs = a["equation"].replace(" ", "").split("->")
    names = inputs.split(",")
    sizes = {}
    for axes, value in zip(names, i["values"], strict=True):
        for axis, n in zip(axes, value.shape, strict=True):
            sizes[axis] = max(n, sizes.get(axis, 1))
    result = np.zeros([sizes[axis] for axis in outputs], np.result_type(*map(_wide, i["values"])))
    for place in itertools.product(*map(range, sizes.values())):
        at = dict(zip(sizes, place, strict=True))
        product = 1
        for axes, value in zip(names, i["values"], strict=True):
            product = (
                product * _wide(value)[tuple(at[x] if n > 1 else 0 for x, n in zip(axes, value.shape, strict=True))]
            )
        result[tuple(at[axis] for axis in outputs)] += product
    return _as_first(result, i["values"][0])


_EINSUM = Case({"values": [numbers(2, 2, 3, 2), numbers(2, 2, 3, 2, seed=1)]}, {"equation": "nchw,nwhu->nchu"})

operation(
    "einsum",
    15,
    oracle=_einsum,
    base=_EINSUM,
    vary={
        "equation": ["nchw, nwhu -> nuhc"],
        "values": [
            Case({"values": [numbers(1, 2, 3, 4), numbers(2, 4, 1, 2)]}, {"equation": "nchw,nwhu->nchu"}),
            Case({"values": [numbers(2, 3, 4), numbers(4, 3, 2)]}, {"equation": "chw,whr->chr"}),
            Case({"values": [numbers(2, 3), numbers(3), numbers(2)]}, {"equation": "ij,j,i->"}),
        ],
    },
    draw=st.sampled_from(["nchw,nwhu->nchu", "nchw,nwhu->nhcu", "nchw,nchw->nc"]).map(
        lambda equation: Case({"values": [numbers(1, 2, 2, 2), numbers(1, 2, 2, 2, seed=2)]}, {"equation": equation})
    ),
    worked=[
        (Case({"values": [_TWO, _TWO]}, {"equation": "ij,jk->ik"}), [[7, 10], [15, 22]]),
        (Case({"values": [_TWO, _ROW]}, {"equation": "ij,j->i"}), [5, 11]),
    ],
    refuse=[
        (Case({"values": [_TWO, _TWO]}, {"equation": "ij->ji"}), "needs 1 values, got 2"),
        (Case({"values": [_TWO, numbers(3, 2)]}, {"equation": "ij,jk->ik"}), "the_operation"),
    ],
    typed={"bool": "the format says nothing of sums of products of bools"},
)
