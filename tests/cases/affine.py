"""Scale and bias, in every shape that their constants may have."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers

_X = numbers(2, 3, 2, 4)


def _spread(constant, x):
    """The constant at every place of the last three axes of x, one by one."""
    channels, height, width = x.shape[-3:]
    full = np.empty((channels, height, width))
    values = np.ravel(constant).astype(np.float64)
    shape = (*np.shape(constant), 1, 1) if np.ndim(constant) == 1 else np.shape(constant)
    for c, h, w in np.ndindex(full.shape):
        at = [i if n > 1 else 0 for i, n in zip((c, h, w), shape, strict=True)]
        full[c, h, w] = values[(at[0] * shape[1] + at[1]) * shape[2] + at[2]]
    return full


def _scale(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    y = x * _spread(f["scale"], x)
    return y + _spread(f["bias"], x) if "bias" in f else y


def _bias(inputs, f):
    x = np.asarray(inputs[0], np.float64)
    return x + _spread(f["bias"], x)


@st.composite
def _draw(draw, names: tuple[str, ...]):
    shape = draw(st.sampled_from([(3, 2, 4), (1, 1, 1), (2, 3, 2, 4), (2, 1, 3, 2, 2)]))
    c, h, w = shape[-3:]
    legal = st.sampled_from([(1,), (c,), (1, h, w), (c, h, w), (1, 1, 1), (c, 1, 1)])
    return Case((draw(arrays(shape)),), {name: draw(arrays(draw(legal))) for name in names})


_CONSTANTS = [numbers(*shape, seed=5) for shape in [(1,), (3,), (1, 2, 4), (3, 2, 4), (1, 1, 1), (3, 1, 1)]]
_REFUSED = [(numbers(*shape), str(list(shape))) for shape in [(2,), (4, 2, 4), (3, 4, 2)]]

kind(
    "scale",
    oracle=_scale,
    base=Case((_X,), {"scale": numbers(3)}),
    vary={"scale": _CONSTANTS, "bias": _CONSTANTS},
    draw=st.one_of(_draw(("scale",)), _draw(("scale", "bias"))),
    worked=[
        (Case((np.float32([[[1, 2]], [[3, 4]]]),), {"scale": np.float32([2, -1])}), [[[[2, 4]], [[-3, -4]]]]),
        (
            Case(
                (np.float32([[[1, 2]], [[3, 4]]]),),
                {"scale": np.float32([[[2, 0]]]), "bias": np.float32([[[1]], [[5]]])},
            ),
            [[[[3, 1]], [[11, 5]]]],
        ),
    ],
    refuse=[
        *[(Case((_X,), {"scale": constant}), f"scale has shape {size}") for constant, size in _REFUSED],
        (Case((_X,), {"scale": numbers(3), "bias": numbers(2)}), "bias has shape [2]"),
        (Case((_X,), {"scale": numbers(2, 4)}), "scale has shape [2, 4]"),
        (Case((numbers(1, 2, 4),), {"scale": numbers(3)}), "whose [C] is [1]"),
        (Case((_X,), {}), "no scale"),
        (Case((numbers(3),), {"scale": numbers(3)}), "rank 1"),
    ],
)

kind(
    "bias",
    oracle=_bias,
    base=Case((_X,), {"bias": numbers(3)}),
    vary={"bias": _CONSTANTS},
    draw=_draw(("bias",)),
    worked=[(Case((np.float32([[[1, 2]], [[3, 4]]]),), {"bias": np.float32([10, 20])}), [[[[11, 12]], [[23, 24]]]])],
    refuse=[
        *[(Case((_X,), {"bias": constant}), f"bias has shape {size}") for constant, size in _REFUSED],
        (Case((_X,), {"bias": numbers(2, 4)}), "bias has shape [2, 4]"),
        (Case((_X,), {}), "no bias"),
        (Case((numbers(2, 3),), {"bias": numbers(3)}), "rank 2"),
    ],
)
