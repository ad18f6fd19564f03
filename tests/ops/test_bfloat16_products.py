"""Products in bfloat16 with sums in float32 on CPUs, which `jax.default_matmul_precision` asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import graphml
from graphml.build import NeuralNetworkBuilder, ProgramBuilder
from graphml.build.datatypes import array
from graphml.ops.kernels.cpu.bfloat16 import matmul

# A product of two bfloat16 numbers is exact in float32; only the order of the sums differs, of up to 64 terms here.
_SUMS = {"rtol": 1e-5, "atol": 1e-5}


def rounded(x: Any) -> np.ndarray:
    return np.asarray(jnp.asarray(x, jnp.float32).astype(jnp.bfloat16).astype(jnp.float32))


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("left", "right"),
    [((3, 5), (5, 4)), ((64, 48), (48, 33)), ((2, 3, 7, 5), (5, 6)), ((1, 1), (1, 1)), ((2, 7, 5), (2, 5, 3))],
)
def test_operands_are_rounded_and_sums_are_not(left: tuple[int, ...], right: tuple[int, ...]):
    x, y = drawn(*left), drawn(*right, seed=1)
    expected = rounded(x).astype(np.float64) @ rounded(y).astype(np.float64)
    for evaluate in (matmul, jax.jit(matmul)):
        np.testing.assert_allclose(evaluate(x, y), expected, **_SUMS)


@pytest.mark.parametrize(("m", "k", "n"), [(9, 4, 6), (9, 6, 4)])
def test_derivatives_are_products_of_the_same_kind(m: int, k: int, n: int):
    x, y, change = drawn(m, k), drawn(k, n, seed=1), drawn(m, n, seed=2)
    by_x, by_y = jax.jit(lambda x, y, change: jax.vjp(matmul, x, y)[1](change))(x, y, change)
    np.testing.assert_allclose(by_x, rounded(change) @ rounded(y).T, **_SUMS)
    np.testing.assert_allclose(by_y, rounded(x).T @ rounded(change), **_SUMS)

    dx, dy = drawn(m, k, seed=3), drawn(k, n, seed=4)
    _, tangent = jax.jvp(matmul, (x, y), (dx, dy))
    np.testing.assert_allclose(tangent, rounded(dx) @ rounded(y) + rounded(x) @ rounded(dy), **_SUMS)

    mixed = jax.jacfwd(jax.grad(lambda x, y: matmul(x, y).sum()), argnums=1)(x, y)
    np.testing.assert_allclose(mixed.sum((0, 1)), np.full((k, n), m, np.float32), **_SUMS)


@pytest.mark.parametrize(
    ("axes", "left", "right"),
    [
        ((0, None), (4, 3, 5), (5, 2)),
        ((2, None), (3, 5, 4), (5, 2)),
        ((None, 1), (3, 5), (5, 4, 2)),
        ((1, 0), (3, 4, 5), (4, 5, 2)),
        ((0, None), (4, 6, 3, 5), (6, 5, 2)),
        ((None, 0), (6, 3, 5), (4, 6, 5, 2)),
    ],
)
def test_vmap(axes: tuple[int | None, int | None], left: tuple[int, ...], right: tuple[int, ...]):
    x, y = rounded(drawn(*left)), rounded(drawn(*right, seed=1))
    np.testing.assert_allclose(jax.vmap(matmul, axes)(x, y), jax.vmap(jnp.matmul, axes)(x, y), **_SUMS)


def network() -> graphml.Model:
    builder = NeuralNetworkBuilder({"x": array(3, 48)}, {"y": None}, exact=True)
    builder.add("batchedMatmul", "y", ["x"], ["y"], weights=drawn(20, 48), bias=drawn(20))
    return builder.model()


def program() -> graphml.Model:
    builder = ProgramBuilder()
    x = builder.input("x", (3, 48))
    builder.output("y", builder.linear(x, drawn(20, 48), drawn(20)))
    return builder.model()


@pytest.mark.parametrize("build", [network, program])
def test_models_follow_the_setting_of_jax(build: Callable[[], graphml.Model]):
    x = drawn(3, 48, seed=5)
    lowered = build().lower()
    apply = lambda x: lowered.fn(lowered.params, {"x": x})["y"]  # noqa: E731
    exact = x @ drawn(20, 48).T + drawn(20)
    np.testing.assert_allclose(jax.jit(apply)(x), exact, **_SUMS)
    with jax.default_matmul_precision("BF16_BF16_F32"):
        coarse = jax.jit(apply)(x)
        kept = export.deserialize(export.export(jax.jit(apply))(x).serialize())
    np.testing.assert_allclose(coarse, rounded(x) @ rounded(drawn(20, 48)).T + drawn(20), **_SUMS)
    np.testing.assert_array_equal(kept.call(x), coarse)
    assert np.abs(coarse - exact).max() > 1e-3


def test_explicit_meshes_keep_float32():
    mesh = jax.make_mesh((1,), ("rows",), axis_types=(jax.sharding.AxisType.Explicit,))
    lowered = network().lower()
    x = drawn(3, 48)
    with jax.set_mesh(mesh), jax.default_matmul_precision("BF16_BF16_F32"):
        placed = jax.device_put(x, jax.P("rows"))
        out = jax.jit(lambda x: lowered.fn(lowered.params, {"x": x})["y"])(placed)
    np.testing.assert_allclose(out, x @ drawn(20, 48).T + drawn(20), **_SUMS)
