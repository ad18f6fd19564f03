"""The losses against their definitions in float64."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graphml.errors import ShapeError
from graphml.update.step.losses import (
    cross_entropy_of_logits,
    cross_entropy_of_probabilities,
    masked_mean,
    rank_of_target,
    squared_error,
)


def test_cross_entropy_is_minus_the_logarithm_of_the_probability():
    logits = np.random.default_rng(0).normal(size=(1, 1, 5, 1, 1)).astype(np.float32)
    p = np.exp(logits.astype(np.float64)).ravel()
    p /= p.sum()
    for target in range(5):
        assert cross_entropy_of_logits(jnp.asarray(logits), jnp.int32(target)) == pytest.approx(
            -np.log(p[target]), rel=1e-5
        )
        given = jnp.asarray(p, jnp.float32).reshape(5, 1, 1)
        assert cross_entropy_of_probabilities(given, jnp.int32(target)) == pytest.approx(-np.log(p[target]), rel=1e-5)


def test_cross_entropy_with_probabilities_is_the_mean_of_the_logarithms():
    draw = np.random.default_rng(1)
    logits = draw.normal(size=(1, 1, 5, 1, 1)).astype(np.float32)
    target = draw.dirichlet(np.ones(5)).astype(np.float32)
    p = np.exp(logits.astype(np.float64)).ravel()
    p /= p.sum()
    expected = -np.sum(target * np.log(p))
    assert cross_entropy_of_logits(jnp.asarray(logits), jnp.asarray(target)) == pytest.approx(expected, rel=1e-5)
    given = jnp.asarray(p, jnp.float32)
    assert cross_entropy_of_probabilities(given, jnp.asarray(target)) == pytest.approx(expected, rel=1e-5)
    smooth = 0.8 * expected - 0.2 * np.mean(np.log(p))
    assert cross_entropy_of_logits(jnp.asarray(logits), jnp.asarray(target), 0.2) == pytest.approx(smooth, rel=1e-5)
    assert rank_of_target(jnp.asarray(p), jnp.asarray(target)) == int(np.sum(p > p[np.argmax(target)]))
    certain = cross_entropy_of_logits(jnp.array([0.0, -jnp.inf]), jnp.array([1.0, 0.0]))
    assert certain == 0


def test_a_probability_rounded_to_zero_still_teaches():
    logits = jnp.array([0.0, 200.0])
    assert jax.nn.softmax(logits)[0] == 0
    loss, gradient = jax.value_and_grad(cross_entropy_of_logits)(logits, jnp.int32(0))
    assert loss == 200
    np.testing.assert_array_equal(gradient, [-1, 1])
    assert np.isfinite(cross_entropy_of_probabilities(jnp.array([0.0, 1.0]), jnp.int32(0)))


def test_squared_error_is_the_mean_over_the_elements():
    prediction = jnp.arange(6, dtype=jnp.float32).reshape(1, 1, 6, 1, 1)
    target = jnp.array([0.0, 1, 2, 3, 4, 8])
    assert squared_error(prediction, target) == pytest.approx(9 / 6)
    with pytest.raises(ShapeError, match=r"\[1, 1, 6, 1, 1\] with a target of shape \[5\]"):
        squared_error(prediction, target[:5])


def test_padding_rows_do_not_count_even_when_they_overflow():
    values, mask = jnp.array([1.0, 3.0, jnp.inf, jnp.nan]), jnp.array([True, True, False, False])
    loss, gradient = jax.value_and_grad(masked_mean)(values, mask)
    assert loss == 2
    np.testing.assert_array_equal(gradient, [0.5, 0.5, 0, 0])
