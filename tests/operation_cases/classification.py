"""The end of a classifier."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation

_LABELS = ("cat", "dog", "eel", "fox")


def _classify(i, a):
    flat = np.asarray(i["probabilities"]).reshape(-1)
    best = 0
    for place, probability in enumerate(flat):
        best = place if probability > flat[best] else best
    return np.int32(best), flat.astype(np.float64)


operation(
    "classify",
    15,
    oracle=_classify,
    base=Case({"probabilities": numbers(4, low=0.1, high=0.9)}, {"classes": _LABELS}),
    vary={"shape": [Case({"probabilities": numbers(1, 4, seed=1)}, {"classes": _LABELS})]},
    draw=st.sampled_from([(4,), (1, 4), (4, 1, 1)])
    .flatmap(arrays)
    .map(lambda x: Case({"probabilities": x}, {"classes": _LABELS})),
    worked=[
        (
            Case({"probabilities": np.float32([0.1, 0.4, 0.1, 0.4])}, {"classes": (7, 5, 3, 1)}),
            (np.int32(1), np.float32([0.1, 0.4, 0.1, 0.4])),  # the first of two
        )
    ],
    refuse=[(Case({"probabilities": numbers(3)}, {"classes": _LABELS}), "there are 3 probabilities for 4 classes")],
    unseen={"classes": "the tests of models look at labels; the operation only counts them"},
)
