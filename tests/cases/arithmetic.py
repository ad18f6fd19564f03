"""Elementwise layers with many inputs."""

from functools import reduce

import numpy as np
from hypothesis import strategies as st

from cases import Case, arrays, kind, numbers

_A, _B, _C = numbers(2, 3, 2, 2), numbers(2, 3, 2, 2, seed=1), numbers(2, 1, 1, 2, seed=2)


@st.composite
def _several(draw, with_alpha: bool):
    shapes = draw(st.sampled_from([[(2, 3)], [(2, 3), (2, 3)], [(2, 3, 2, 2), (1, 3, 1, 1)], [(3,), (1,), (3,)]]))
    fields = {"alpha": draw(st.sampled_from([0.0, -1.5, 2.0]))} if with_alpha else {}
    return Case(tuple(draw(arrays(shape)) for shape in shapes), fields)


def _folding(function, single):
    def oracle(inputs, f):
        if len(inputs) == 1 and single is not None:
            return single(np.asarray(inputs[0]), np.float32(f.get("alpha", 0.0)))
        return reduce(function, [np.asarray(x) for x in inputs])

    return oracle


for _name, _function, _single, _worked in (
    ("add", np.add, np.add, [[4.0, 1.0]]),
    ("multiply", np.multiply, np.multiply, [[3.0, -2.0]]),
):
    kind(
        _name,
        oracle=_folding(_function, _single),
        base=Case((_A,), {"alpha": 0.5}),
        vary={"alpha": [0.0, -1.25], "inputs": [Case((_A, _B)), Case((_A, _B, _C))]},
        draw=_several(True),
        worked=[(Case((np.float32([1, 2]), np.float32([3, -1]))), _worked)],
        refuse=[(Case((numbers(2, 3), numbers(2, 4))), "2, 3")],
    )

for _name, _function in (("max", np.maximum), ("min", np.minimum)):
    kind(
        _name,
        oracle=_folding(_function, None),
        base=Case((_A, _B)),
        vary={"inputs": [Case((_A, _B, _C))]},
        draw=_several(False),
        worked=[(Case((np.float32([1, 2]), np.float32([3, -1]))), [[3, 2]] if _name == "max" else [[1, -1]])],
    )

kind(
    "average",
    oracle=lambda inputs, f: reduce(np.add, [np.asarray(x) for x in inputs]) / len(inputs),
    base=Case((_A, _B)),
    vary={"inputs": [Case((_A, _B, _C))]},
    draw=_several(False),
    worked=[(Case((np.float32([1, 2]), np.float32([3, -1]))), [[2, 0.5]])],
)
