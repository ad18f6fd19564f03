"""A branch and a loop out of a real converter: their answers equal an evaluation by hand."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import graphml
from graphml.models.network import NeuralNetwork


def by_hand(x: np.ndarray, weights: np.ndarray, bias: np.ndarray, iterations: int) -> np.ndarray:
    """`iterations` times: a convolution of 3 x 3 with one pixel of padding, and ReLU."""
    for _ in range(iterations):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        x = np.maximum(np.einsum("chwij,ocij->ohw", windows, weights) + bias[:, None, None], 0)
    return x


@pytest.mark.parametrize("sign", [-1, 1])
def test_each_branch_of_a_converted_conditional(real_models, sign):
    model = graphml.load(real_models / "lcy2080" / "sample.mlmodel")
    assert isinstance(model, NeuralNetwork)
    nodes = {node.key: node for node in model.graph.body.walk()}
    side = "if" if sign < 0 else "else"  # its mean is below zero, or is not
    (iterations,) = (
        int(node.weights["data"].item())
        for key, node in nodes.items()
        if key.startswith(f"loop_count/{side}/") and node.weights
    )
    (convolution,) = (node for node in nodes.values() if node.kind == "convolution")
    weights, bias = (np.asarray(convolution.weights[name], np.float64) for name in ("weights", "bias"))
    x = np.random.default_rng(2).normal(sign * 0.2, 1, (1, 3, 64, 64)).astype(np.float32)

    wanted = by_hand(np.float64(x[0]), weights, bias, iterations)
    assert np.ptp(wanted) > 0
    np.testing.assert_allclose(model.predict({"x.1": x})["x:2"][0], wanted, rtol=1e-4, atol=1e-5 * np.ptp(wanted))
    lowered = model.lower()
    jitted = jax.jit(lambda x: lowered.fn(lowered.params, {"x.1": x})["x:2"])(x)
    np.testing.assert_allclose(jitted[0], wanted, rtol=1e-4, atol=1e-5 * np.ptp(wanted))


def test_branches_may_differ_in_their_number_of_iterations(real_models):
    model = graphml.load(real_models / "lcy2080" / "sample.mlmodel")
    counts = [
        node.weights["data"].item()
        for node in model.graph.body.walk()
        if node.key.startswith("loop_count/") and node.weights
    ]
    assert len(set(counts)) == 2
