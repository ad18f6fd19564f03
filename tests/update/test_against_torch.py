"""Weights after some steps of training: those of torch."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from update.networks import network, trained

from graphml import recipes
from graphml.build import NeuralNetworkBuilder, array
from graphml.spec.attributes import Choice
from graphml.update import (
    recipe_of,
    take_apart,
)
from graphml.update.step import training


def _norm_network():
    """x [3, 4, 4] -> convolution, batchnorm, PReLU, dense; and the same in torch."""
    torch = pytest.importorskip("torch", reason="torch, the judge here, is not installed")
    draw = np.random.default_rng(0)
    w = {
        "conv": {"weights": draw.normal(size=(4, 3, 3, 3)) / 4, "bias": draw.normal(size=4)},
        "norm": {
            "gamma": draw.uniform(1, 2, 4),
            "beta": draw.normal(size=4),
            "mean": np.zeros(4),
            "variance": np.ones(4),
        },
        "prelu": {"alpha": draw.uniform(0.1, 0.5, 4)},
        "top": {"weights": draw.normal(size=(2, 16)) / 4, "bias": draw.normal(size=2)},
    }
    builder = NeuralNetworkBuilder({"x": array(3, 4, 4)}, {"y": array(2)})
    builder.add("convolution", "conv", ["x"], ["c"], valid={}, **w["conv"])
    builder.add("batchnorm", "norm", ["c"], ["n"], epsilon=1e-5, **w["norm"])
    builder.add("activation", "prelu", ["n"], ["a"], nonlinearity_type=Choice("PReLU", w["prelu"]))
    builder.add("flatten", "flat", ["a"], ["f"])
    builder.add("innerProduct", "top", ["f"], ["y"], **w["top"])
    nn = torch.nn
    judge = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.PReLU(4), nn.Flatten(), nn.Linear(16, 2))
    names = [("conv", 0), ("norm", 1), ("prelu", 2), ("top", 4)]
    theirs = {"weights": "weight", "gamma": "weight", "alpha": "weight", "beta": "bias", "mean": "running_mean"}
    pairs = []
    with torch.no_grad():
        for layer, place in names:
            for name, value in w[layer].items():
                tensor = getattr(judge[place], theirs.get(name, "running_var" if name == "variance" else name))
                tensor.copy_(torch.tensor(value))
                pairs.append((layer, name, tensor))
    return torch, network(builder.spec), judge, pairs


@pytest.mark.parametrize("statistics", ["frozen", "updated"])
def test_weights_after_some_steps_equal_those_of_torch(statistics):
    torch, model, judge, pairs = _norm_network()
    # behind a normalization by the mini-batch the gradient of a bias is zero, which Adam would blow up
    adam = statistics == "frozen"
    own = recipes.AdamW(0.01, weight_decay=0.1) if adam else recipes.SGD(0.1, momentum=0.9, weight_decay=0.1)
    recipe = recipes.Recipe(own, clip_norm=0.5, batch_size=4, statistics=statistics, shuffle=False)
    draw = np.random.default_rng(1)
    x = draw.normal(size=(12, 3, 4, 4)).astype(np.float32)
    y = draw.normal(size=(12, 2)).astype(np.float32)
    task = trained(model, {"x": x, "y_true": y}, recipe)
    judge.train(statistics == "updated")
    chosen = torch.optim.AdamW(judge.parameters(), lr=0.01, weight_decay=0.1)
    if not adam:
        chosen = torch.optim.SGD(judge.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for start in (0, 4, 8):
        chosen.zero_grad()
        loss = torch.nn.functional.mse_loss(
            judge(torch.tensor(x[start : start + 4])), torch.tensor(y[start : start + 4])
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(judge.parameters(), 0.5)
        chosen.step()
    for layer, name, tensor in pairs:
        ours: Any = task.model.parameters[layer]
        value = ours["alpha"] if name == "alpha" else ours[name]
        np.testing.assert_allclose(value, tensor.detach().numpy(), rtol=1e-5, atol=1e-5, err_msg=f"{layer}/{name}")


def test_an_lstm_after_some_steps_equals_that_of_torch():
    torch = pytest.importorskip("torch", reason="torch, the judge here, is not installed")
    draw = np.random.default_rng(0)
    gates = ("input_gate", "forget_gate", "block_input", "output_gate")  # in the order of torch
    w = {f"{g}_weight_matrix": draw.normal(size=(3, 2)).astype(np.float32) / 2 for g in gates}
    w |= {f"{g}_recursion_matrix": draw.normal(size=(3, 3)).astype(np.float32) / 2 for g in gates}
    w |= {f"{g}_bias_vector": draw.normal(size=3).astype(np.float32) / 2 for g in gates}
    builder = NeuralNetworkBuilder({"x": array(2)}, {"y": None})
    activations = [Choice(name) for name in ("sigmoid", "tanh", "tanh")]
    params = {"sequence_output": True, "has_bias_vectors": True}
    builder.add("uniDirectionalLSTM", "lstm", ["x"], ["y"], weight_params=w, activations=activations, params=params)
    own = recipes.Recipe(recipes.SGD(0.5, momentum=0.9), losses=recipes.SquaredError("y"))
    spec = recipes.write_recipe(builder.spec, own, {"y": (5, 1, 3, 1, 1)})
    model, runtime = network(spec), recipe_of(spec)
    parts = take_apart(model.lower(), runtime)
    x = draw.normal(size=(4, 5, 1, 2, 1, 1)).astype(np.float32)
    y = draw.normal(size=(4, 5, 1, 3, 1, 1)).astype(np.float32)
    step = jax.jit(training.make_step(parts, runtime))
    params, state = model.lower().params, training.initial_state(parts, runtime, model.parameters)
    judge = torch.nn.LSTM(2, 3, batch_first=True)
    with torch.no_grad():
        for tensor, ending in (("weight_ih_l0", "weight_matrix"), ("weight_hh_l0", "recursion_matrix")):
            getattr(judge, tensor).copy_(torch.tensor(np.concatenate([w[f"{g}_{ending}"] for g in gates])))
        judge.bias_ih_l0.copy_(torch.tensor(np.concatenate([w[f"{g}_bias_vector"] for g in gates])))
        judge.bias_hh_l0.zero_().requires_grad_(False)
    chosen = torch.optim.SGD([t for n, t in judge.named_parameters() if n != "bias_hh_l0"], lr=0.5, momentum=0.9)
    for _ in range(3):
        batch = training.MiniBatch({parts.cut[0]: x}, y, np.ones(4, bool))
        params, state, _ = step(params, state, batch, training.hyper_values(runtime))
        chosen.zero_grad()
        out, _ = judge(torch.tensor(x[:, :, 0, :, 0, 0]))
        torch.nn.functional.mse_loss(out, torch.tensor(y[:, :, 0, :, 0, 0])).backward()
        chosen.step()
    got = params["lstm"]["weight_params"]
    for tensor, ending in ((judge.weight_ih_l0, "weight_matrix"), (judge.weight_hh_l0, "recursion_matrix")):
        ours = np.concatenate([got[f"{g}_{ending}"] for g in gates])
        np.testing.assert_allclose(ours, tensor.detach().numpy(), rtol=1e-5, atol=1e-5)
