"""Gradients of powers and of scattered products where logarithms and quotients have none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from one_layer import blobs, lowered, same

# base, exponent, gradient in the base, gradient in the exponent
_POWERS = [
    (-2.0, 3.0, 12.0, 0.0),
    (0.0, 2.0, 0.0, 0.0),
    (0.0, 1.0, 1.0, 0.0),
    (0.0, 0.0, 0.0, 0.0),
    (-3.0, 0.0, 0.0, 0.0),
    (2.0, 3.0, 12.0, 8 * np.log(2)),
]


def _total(kind, inputs, **fields):
    network = lowered(kind, Case(inputs, fields))
    return lambda *given: jnp.sum(blobs(network, network.params, given)[0])


@pytest.mark.parametrize(("base", "exponent", "by_base", "by_exponent"), _POWERS)
@pytest.mark.parametrize("differentiate", [jax.grad, jax.jacfwd])
def test_gradients_of_powers_are_finite(differentiate, base, exponent, by_base, by_exponent):
    inputs = np.float32([base]), np.float32([exponent])
    gradients = jax.jit(differentiate(_total("powBroadcastable", inputs), argnums=(0, 1)))(*inputs)
    same(gradients[0], np.float32([by_base]), rtol=1e-6)
    same(gradients[1], np.float32([by_exponent]), rtol=1e-6)


def test_powers_have_second_derivatives():
    inputs = np.float32([-2, 0, 3]), np.float32([3, 2, 2])
    gradients = jax.jit(jax.hessian(_total("powBroadcastable", inputs)))(*inputs)
    same(gradients, np.diag(np.float32([-12, 2, 2])), rtol=1e-6)


@pytest.mark.parametrize("differentiate", [jax.grad, jax.jacfwd])
def test_gradients_of_scattered_products_with_zero_factors(differentiate):
    """Positions 0 to 3 take no zero, one zero, two zeros, and nothing; the last index is out of range."""
    inputs = (
        np.float32([5, 5, 5, 5]),
        np.float32([0, 0, 1, 1, 2, 2, 7]),
        np.float32([2, 3, 0, 4, 0, 0, 9]),
    )
    by_x, by_updates = jax.jit(differentiate(_total("scatter", inputs, mode="SCATTER_MUL"), argnums=(0, 2)))(*inputs)
    same(by_x, np.float32([6, 0, 0, 1]))
    same(by_updates, np.float32([15, 10, 20, 0, 0, 0, 0]))
