"""How much one array differs from another: how many numbers overflow or underflow, and how large the difference is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Measure(NamedTuple):
    """The comparison of an array with its replacement. Counts are of elements.

    Attributes:
        largest: The largest magnitude of the first, of the finite numbers.
        overflow: Numbers that are infinite in the second and finite in the first.
        nan: Numbers that are NaN in the second and not in the first.
        underflow: Numbers that are 0 in the second and not in the first.
        nonfinite: Numbers of the first that are not finite.
        error: The largest difference, relative to `largest`; infinite for different shapes, and where one of the two is
            infinite or NaN and the other is not.
    """

    largest: float
    overflow: int
    nan: int
    underflow: int
    nonfinite: int
    error: float

    def exceeds(self, tolerance: float) -> bool:
        """Whether the error is larger than the tolerance."""
        return not self.error <= tolerance


def measure(first: Any, second: Any) -> Measure:
    """Compare two arrays.

    Args:
        first: Numbers of any type.
        second: Their replacements.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    finite = np.isfinite(a)
    largest = float(np.abs(a[finite]).max(initial=0.0))
    nonfinite = int(np.sum(~finite))
    if a.shape != b.shape:
        return Measure(largest, 0, 0, 0, nonfinite, float("inf"))
    return Measure(
        largest,
        overflow=int(np.sum(np.isinf(b) & finite)),
        nan=int(np.sum(np.isnan(b) & ~np.isnan(a))),
        underflow=int(np.sum((b == 0) & (a != 0) & finite)),
        nonfinite=nonfinite,
        error=float(differences(a, b).max(initial=0.0) / max(largest, np.finfo(np.float32).tiny)),
    )


def differences(first: Array, second: Array) -> Array:
    """The magnitude of each difference: 0 for equal numbers, including infinities and NaN, and infinite where only one
    of the two is finite."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    both = np.isfinite(a) & np.isfinite(b)
    found = np.where(same, 0.0, np.inf)
    found[both] = np.abs(a[both] - b[both])
    return found
