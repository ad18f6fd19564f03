"""Constants. In float16 the stored value is what the format says, so types are checked beside the answers."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation, shapes

_VALUE = numbers(2, 3)

operation(
    "const",
    15,
    oracle=lambda i, a: np.asarray(a["val"]),
    base=Case({}, {"val": _VALUE}),
    vary={"val": [_VALUE + 1, np.float32(3), np.int32([1, 2]), np.array(True)]},
    draw=st.builds(lambda x: Case({}, {"val": x}), shapes().flatmap(arrays)),
    worked=[
        (Case({}, {"val": np.int32([2**24 + 1])}), np.int32([2**24 + 1])),  # float32 does not have that number
        (Case({}, {"val": np.array(True)}), np.array(True)),
    ],
)
