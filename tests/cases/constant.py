"""Stored constants."""

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers


def _load(inputs, f):
    c, h, w = f.get("shape", np.shape(f["data"]))
    y = np.empty((1, 1, c, h, w))
    for place in np.ndindex(c, h, w):
        y[(0, 0, *place)] = np.ravel(f["data"])[(place[0] * h + place[1]) * w + place[2]]
    return y


kind(
    "loadConstant",
    oracle=_load,
    base=Case((), {"data": numbers(2, 3, 4)}),
    vary={"data": [numbers(2, 3, 4, seed=1), numbers(1, 1, 1)]},
    draw=st.sampled_from([(1, 1, 1), (3, 1, 1), (2, 3, 4)]).flatmap(arrays).map(lambda data: Case((), {"data": data})),
    worked=[(Case((), {"data": np.float32([[[1, 2]], [[3, 4]]])}), [[[[[[1, 2]], [[3, 4]]]]]])],
    refuse=[(Case((), {"data": numbers(3)}), "[3]"), (Case((), {"shape": (1, 2, 3)}), "None")],
)
