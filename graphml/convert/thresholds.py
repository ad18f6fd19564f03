"""The float32 rule of tree thresholds.

scikit-learn's trees and XGBoost round each feature to float32 before they compare it with a threshold. Core ML compares
the float64 that it is given. A number just above a threshold may round to one that is not, so a tree with the same
thresholds would send such numbers to the other child. Rounding is monotonic, so there is another threshold for which
comparing float64 numbers gives the same result for every number: `rounding_limit`.
"""

# the results of nextafter and where are untyped
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

_BEYOND = 2.0**128  # the next float32 after the largest, if it existed; numbers from halfway to it round to infinity


def rounding_limit(threshold: Any) -> Floats:
    """The largest float64 numbers that, rounded to float32, are at most `threshold`.

    Args:
        threshold: float64 numbers, of any shape.

    Returns:
        The numbers t for which `x <= t` is `float32(x) <= threshold` for every float64 x. A float32 number x is also on
        the same side of t and of the threshold.
    """
    threshold = np.asarray(threshold, np.float64)
    with np.errstate(over="ignore", under="ignore"):
        below = threshold.astype(np.float32)
        below = np.where(below > threshold, np.nextafter(below, np.float32(-np.inf)), below)
        above = np.nextafter(below, np.float32(np.inf))
    low, high = (np.clip(end.astype(np.float64), -_BEYOND, _BEYOND) for end in (below, above))
    middle = low + (high - low) / 2  # exact: float64 has more than twice the digits
    is_even = (np.ascontiguousarray(below).view(np.int32).reshape(below.shape) & 1) == 0  # the midpoint rounds to even
    limit = np.where(is_even, middle, np.nextafter(middle, -np.inf))
    return np.where(below == np.inf, np.inf, limit)


def rounding_limit_below(threshold: Any) -> Floats:
    """The same for the test `float32(x) < threshold`, with float32 thresholds.

    Args:
        threshold: float32 numbers, of any shape.
    """
    threshold = np.asarray(threshold, np.float32)
    with np.errstate(over="ignore", under="ignore"):
        lower = np.where(threshold == -np.inf, threshold, np.nextafter(threshold, np.float32(-np.inf)))
    return np.where(threshold == -np.inf, -np.inf, rounding_limit(lower))
