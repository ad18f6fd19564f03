"""Training on a grid: which code represents which value, up to both ends of the grid."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graphml.spec import WeightParams
from graphml.spec.weights import Quantized, decode, encode, quantize
from graphml.update.step.quantized import Grid, codes_for, straight_through, to_store, values_of

BITS = range(1, 9)


def grid(bits: int, form: str) -> Quantized:
    """A weight that has every code once."""
    if form == "signed":
        return Quantized(np.arange(-128, 128).astype(np.int8), np.float32([0.5]), None, None, 8)
    codes = np.arange(2**bits).astype(np.uint8)
    if form == "table":  # in no order
        table = np.float32((np.arange(2**bits) * 37 + 11) % 2**bits) * np.float32(0.25) - 2
        return Quantized(codes, None, None, table, bits)
    return Quantized(codes, np.float32([0.5]), np.float32([-3]), None, bits)


def modules(bits: int) -> tuple:
    """Each grid size compiles another program: not all of them are tried in JAX."""
    return (np, jnp) if bits in (2, 8) else (np,)


GRIDS = [*((bits, form) for bits in BITS for form in ("linear", "table")), (8, "signed")]


@pytest.mark.parametrize(("bits", "form"), GRIDS)
def test_every_code_is_the_nearest_to_its_own_number(bits, form):
    whole = grid(bits, form)
    numbers = values_of(whole.codes, whole)
    for xp in modules(bits):
        codes = codes_for(xp.asarray(numbers), whole, xp)
        assert codes.dtype == whole.codes.dtype
        np.testing.assert_array_equal(codes, whole.codes)
        if xp is jnp:
            np.testing.assert_array_equal(straight_through(jnp.asarray(numbers), Grid(whole)), numbers)
    stored = to_store(numbers, whole, "straight-through", "float16")
    message = WeightParams()
    encode(stored, message)
    np.testing.assert_array_equal(decode(message, whole.shape).dequantize(), numbers)


@pytest.mark.parametrize(("bits", "form"), GRIDS)
def test_values_beyond_the_grid_are_clamped(bits, form):
    whole = grid(bits, form)
    numbers = values_of(whole.codes, whole)
    beyond = np.float32([numbers.max() + 0.3, numbers.max() + 100, numbers.min() - 0.3, numbers.min() - 100])
    wanted = [numbers.max()] * 2 + [numbers.min()] * 2
    for xp in modules(bits):
        np.testing.assert_array_equal(values_of(codes_for(xp.asarray(beyond), whole, xp), whole, xp), wanted)
    if bits == 8:
        gradient = jax.grad(lambda w: straight_through(w, Grid(whole)).sum())(jnp.asarray(beyond))
        np.testing.assert_array_equal(gradient, np.ones(4))


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("table", [False, True])
def test_the_highest_code_represents_the_largest_number(bits, table):
    values = np.linspace(-1, 3, 2**bits, dtype=np.float32)
    weight = quantize(values, bits=bits, table=table, axis=None)
    assert weight.codes[[0, -1]].tolist() == [0, 2**bits - 1]
    np.testing.assert_allclose(weight.dequantize(), values, atol=1e-6)
    message = WeightParams()
    encode(Quantized(np.full(5, 2**bits - 1, np.uint8), weight.scale, weight.bias, weight.table, bits), message)
    ones = "".join(f"{byte:08b}" for byte in message.rawValue)[: 5 * bits]
    assert set(ones) == {"1"}
    np.testing.assert_allclose(decode(message, (5,)).dequantize(), np.full(5, 3), atol=1e-6)
