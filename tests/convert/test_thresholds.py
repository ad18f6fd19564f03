"""The float32 rule: comparing float64 with the limit is comparing the rounded number with the threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphml.convert.thresholds import rounding_limit, rounding_limit_below

FLOATS = st.floats(allow_nan=False)
SINGLES = st.floats(width=32, allow_nan=False)
LARGEST = float(np.finfo(np.float32).max)
EDGES = [0.0, -0.0, 0.1, -0.1, 1.0, 2.0**-149, 2.0**-150, -(2.0**-149), LARGEST, -LARGEST, 1e300, np.inf, -np.inf]


def _around(limit: float, threshold: float) -> np.ndarray:
    """The limit, the threshold and their neighbours, in float64 and float32."""
    with np.errstate(over="ignore", under="ignore"):
        near = [np.nextafter(x, way) for x in (limit, threshold) for way in (-np.inf, np.inf)]
        single = np.float32(threshold)
        singles = [np.nextafter(single, np.float32(way)) for way in (-np.inf, np.inf)]
    return np.array([limit, threshold, *near, single, *singles, np.inf, -np.inf], np.float64)


def _rounded(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        return x.astype(np.float32)


def _check(threshold: float, x: float) -> None:
    limit = float(rounding_limit(threshold))
    values = np.append(_around(limit, threshold), x)
    np.testing.assert_array_equal(values <= limit, _rounded(values).astype(np.float64) <= threshold)


def _check_below(threshold: float, x: float) -> None:
    limit = float(rounding_limit_below(threshold))
    values = np.append(_around(limit, threshold), x)
    if threshold == -np.inf:
        values = values[values != -np.inf]  # nothing is below it, but `<=` needs a number
    np.testing.assert_array_equal(values <= limit, _rounded(values) < np.float32(threshold))


@given(FLOATS, FLOATS)
def test_at_most(threshold, x):
    _check(threshold, x)


@given(SINGLES, FLOATS)
def test_below(threshold, x):
    _check_below(threshold, x)


@pytest.mark.parametrize("threshold", EDGES)
def test_edges(threshold):
    _check(threshold, 0.0)
    if abs(threshold) <= LARGEST or np.isinf(threshold):
        _check_below(float(np.float32(threshold)), 0.0)


def test_arrays_keep_their_shape():
    assert rounding_limit(np.zeros((2, 3))).shape == (2, 3)
    assert rounding_limit([0.1])[0] != 0.1
