"""The end of a classifier: integers must be int32, probabilities are float32."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, operation

_LABELS = ("cat", "dog", "owl")
_SHARES = np.float32([0.2, 0.5, 0.3])


def _oracle(i, a):
    flat = np.float32(i["probabilities"]).ravel()
    return np.asarray(flat.tolist().index(flat.max()), np.int32), flat


operation(
    "classify",
    15,
    oracle=_oracle,
    base=Case({"probabilities": _SHARES}, {"classes": _LABELS}),
    vary={"probabilities": [_SHARES[::-1].copy()]},
    draw=st.builds(lambda x: Case({"probabilities": x}, {"classes": _LABELS}), arrays((3,))),
    unlike_coremltools={"": "there it gives a label and a dictionary, which here are made at the interface"},
    worked=[
        (Case({"probabilities": _SHARES[None]}, {"classes": _LABELS}), (np.int32(1), _SHARES)),
        (Case({"probabilities": _SHARES}, {"classes": _LABELS}), (np.int32(1), _SHARES)),
        (Case({"probabilities": np.float32([4, 7, 7])}, {"classes": (5, 6, 9)}), (np.int32(1), np.float32([4, 7, 7]))),
    ],
    refuse=[(Case({"probabilities": _SHARES}, {"classes": _LABELS[:2]}), "there are 3 probabilities for 2 classes")],
    unseen={"classes": "the labels enter at the interface, see tests/models/test_ml_programs.py"},
)
