"""Elementwise functions and cumulative sums: the forms for CPUs against NumPy, and only CPUs take them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from one_layer import same

from graphml.catalogue import Target, lowering_for
from graphml.ops.kernels.activations import sigmoid
from graphml.ops.kernels.elementwise import exp2, in_loops, power, remainder, softplus
from graphml.ops.kernels.sorting import cumsum

_random = np.random.default_rng(0)
_ODD = np.float32([np.nan, np.inf, -np.inf, 1000, -1000, 128, 127.9, -126, 0, -0.0])


def test_exp2():
    x = np.linspace(-125.9, 127.9, 99999, dtype=np.float32)
    same(jax.jit(exp2)(x), np.exp2(np.float64(x)), rtol=2e-7)
    with np.errstate(over="ignore"):
        same(exp2(_ODD), np.exp2(_ODD), rtol=2e-7)
    same(jax.grad(exp2)(3.0), 8 * np.log(2), rtol=1e-6)


def test_softplus():
    x = np.linspace(-80, 80, 9999, dtype=np.float32)
    same(jax.jit(softplus)(x), np.logaddexp(0, np.float64(x)), rtol=4e-7)
    with np.errstate(invalid="ignore"):
        same(softplus(_ODD), np.logaddexp(0, _ODD), rtol=4e-7)
    same(jax.vmap(jax.grad(softplus))(np.float32([-100, 0, 100])), np.float32([0, 0.5, 1]))


def test_sigmoids_of_negative_numbers_keep_their_digits():
    x = np.linspace(-80, 80, 9999, dtype=np.float32)
    same(jax.jit(sigmoid)(x), 1 / (1 + np.exp(-np.float64(x))), rtol=1e-6)
    same(jax.grad(lambda x: jnp.log(sigmoid(x)))(-80.0), 1, rtol=1e-6)


@pytest.mark.parametrize(("reach", "largest"), [(3, 2), (1e3, 5), (1e30, 1)])
def test_powers(reach, largest):
    x = np.exp(_random.uniform(-np.log(reach), np.log(reach), 9999)).astype(np.float32)
    y = _random.uniform(-largest, largest, 9999).astype(np.float32)
    same(jax.jit(power)(x, y), np.float64(x) ** y, rtol=5e-7)


def test_powers_at_the_ends():
    x, y = np.meshgrid(
        np.float32([-2, -0.0, 0, 1, 2, 3, np.inf, np.nan]), np.float32([-200, -0.5, 0, 2, 3, 200, np.inf])
    )
    with np.errstate(all="ignore"):
        same(power(x, y), x**y, rtol=5e-7)
        positive = np.float32([[1], [2], [3]])
        same(power(*np.broadcast_arrays(positive, y[:-1, 0])), positive ** y[:-1, 0], rtol=5e-7)


@pytest.mark.parametrize("quotient", [2, 1000, 1e6, 1e8])
def test_remainders_are_exact(quotient):
    y = (np.exp2(_random.uniform(-20, 20, 9999)) * _random.choice([-1, 1], 9999)).astype(np.float32)
    x = (y * _random.uniform(-quotient, quotient, 9999)).astype(np.float32)
    x[::3] = np.rint(x[::3] / y[::3]) * y[::3]  # near multiples
    x[::5] = np.nextafter(x[::5], np.float32(0))
    same(jax.jit(remainder)(x, y), np.mod(x, y), rtol=0)


def test_remainders_of_and_by_what_is_not_finite():
    x, y = np.float32([1, -1, np.inf, np.nan, 5, 1, -1]), np.float32([np.inf, np.inf, 2, 2, 0, np.nan, -np.inf])
    with np.errstate(invalid="ignore"):
        same(remainder(x, y), np.mod(x, y), rtol=0)


def test_gradients_of_remainders():
    x, y = np.float32([7, -7, 7.5]), np.float32([3, 3, -2])
    by_x, by_y = jax.grad(lambda x, y: jnp.sum(remainder(x, y)), argnums=(0, 1))(x, y)
    same(by_x, np.ones(3), rtol=0)
    same(by_y, -np.floor(x / y), rtol=0)


@pytest.mark.parametrize("shape", [(3, 20), (3, 75, 2), (3, 600)])
@pytest.mark.parametrize("reverse", [False, True])
def test_cumulative_sums(shape, reverse):
    x = _random.integers(-9, 9, shape).astype(np.float32)
    flip = (lambda a: np.flip(a, 1)) if reverse else (lambda a: a)
    x[0, 7], x[1, 11] = np.inf, np.nan
    got = jax.jit(lambda x: cumsum(x, 1, reverse=reverse))(x)
    same(got, flip(np.cumsum(flip(x), axis=1)), rtol=0)


def test_clamping_between_infinities_changes_nothing():
    same(in_loops(_ODD), _ODD, rtol=0)
    same(jax.vmap(jax.grad(in_loops))(_ODD), np.ones_like(_ODD), rtol=0)


@pytest.mark.parametrize(
    ("function", "plain"), [(exp2, "exp2 "), (softplus, "log1p "), (in_loops, ""), (lambda x: power(x, x), "pow ")]
)
def test_other_processors_use_the_plain_function(function, plain):
    with lowering_for(Target(platform="cuda")):
        program = str(jax.make_jaxpr(function)(np.zeros(3, np.float32)))
    assert plain in program
    assert not {"clamp", "bitcast_convert_type", "cond"} & set(program.replace("[", " ").split())
