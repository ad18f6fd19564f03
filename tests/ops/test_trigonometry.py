"""Sine, cosine, tangent and their inverses: the form for CPUs against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from one_layer import same

from graphml.catalogue import Target, lowering_for
from graphml.ops.kernels.trigonometry import arccosine, arcsine, arctangent, cosine, sine, tangent

_FUNCTIONS = [(sine, np.sin), (cosine, np.cos), (tangent, np.tan)]
_RANGES = [np.linspace(-low, low, 9999, dtype=np.float32) for low in (1e-3, 4, 100, 8000, 1e5)]


@pytest.mark.parametrize(("function", "reference"), _FUNCTIONS)
@pytest.mark.parametrize("x", _RANGES, ids=lambda x: f"to {x[-1]:g}")
def test_as_accurate_as_float32_allows(function, reference, x):
    assert Target().platform == "cpu", "this is the form for CPUs"
    same(jax.jit(function)(x), reference(np.float64(x)), rtol=4e-7, atol=2e-7)


@pytest.mark.parametrize(("function", "reference"), _FUNCTIONS)
def test_what_is_not_finite_gives_nan(function, reference):
    x = np.float32([0.5, np.nan, np.inf, -np.inf])
    got = np.asarray(jax.jit(function)(x))
    assert np.isnan(got[1:]).all()
    same(got[0], np.float32(reference(0.5)), rtol=4e-7)


@pytest.mark.parametrize(
    ("function", "derivative"),
    [(sine, np.cos), (cosine, lambda x: -np.sin(x)), (tangent, lambda x: 1 / np.cos(x) ** 2)],
)
def test_gradients(function, derivative):
    x = np.linspace(-6, 6, 50, dtype=np.float32)
    for rows in (jax.vmap(jax.grad(function)), lambda x: jax.jvp(function, (x,), (jnp.ones_like(x),))[1]):
        same(jax.jit(rows)(x), derivative(np.float64(x)), rtol=2e-6, atol=1e-6)


_INVERSES = [(arcsine, np.arcsin, 1), (arccosine, np.arccos, 1), (arctangent, np.arctan, 40)]


@pytest.mark.parametrize(("function", "reference", "reach"), _INVERSES)
def test_inverses(function, reference, reach):
    x = np.linspace(-reach, reach, 99999, dtype=np.float32)
    same(jax.jit(function)(x), reference(np.float64(x)), rtol=4e-7, atol=1e-7)
    odd = np.float32([np.nan, np.inf, -np.inf, 1.5, -1.5, -0.0])
    with np.errstate(invalid="ignore"):
        same(jax.jit(function)(odd), reference(odd), rtol=4e-7)


@pytest.mark.parametrize(("function", "reference", "reach"), _INVERSES)
def test_gradients_of_inverses(function, reference, reach):
    x = np.linspace(-0.95, 0.95, 50, dtype=np.float32)
    wide = np.float64(x)
    derivative = (reference(wide + 1e-6) - reference(wide - 1e-6)) / 2e-6
    for rows in (jax.vmap(jax.grad(function)), lambda x: jax.jvp(function, (x,), (jnp.ones_like(x),))[1]):
        same(jax.jit(rows)(x), derivative, rtol=2e-6, atol=1e-6)


def test_other_processors_use_the_plain_function():
    with lowering_for(Target(platform="cuda")):
        program = str(jax.make_jaxpr(sine)(np.zeros(3, np.float32)))
    assert "sin " in program
    assert "cond" not in program
