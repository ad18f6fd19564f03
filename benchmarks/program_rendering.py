"""The networks of `architectures.py` as ML Programs."""

from __future__ import annotations

from typing import Any

import numpy as np
from rendering import GATES, Network, Step

_MIL_GATES = ("input_gate", "forget_gate", "output_gate", "block_input")


def program(network: Network, batch: int = 1) -> Any:
    """The network as a program under construction, in operations of iOS 15. batch: of recurrent networks only; others
    take one sample."""
    from graphml import ProgramBuilder

    builder = ProgramBuilder("CoreML5")
    shape = (1, *network.shape) if network.length is None else (network.length, batch, *network.shape)
    x = builder.input("x", shape, "float32" if network.words is None else "int32")
    values = {"x": x}
    for step in network.steps:
        values[step.output] = _add(builder, step, [values[name] for name in step.inputs])
    builder.output("y", values[network.steps[-1].output])
    return builder


def _add(builder: Any, step: Step, inputs: list[Any]) -> Any:
    x, weights = inputs[0], step.weights
    sizes = {"strides": (step.stride,) * 2, "pad_type": "custom", "pad": (step.pad,) * 4}
    if step.kind == "conv":
        return builder.conv(x, weights["weights"], weights.get("bias"), groups=step.groups, **sizes)
    if step.kind == "norm":
        statistics = (weights[name] for name in ("mean", "variance", "gamma", "beta"))
        return builder.batch_norm(x, *statistics, epsilon=1e-5)
    if step.kind == "maxpool":
        return builder.max_pool(x, kernel_sizes=(step.window,) * 2, **sizes)
    if step.kind == "mean":
        return builder.reduce_mean(x, axes=(2, 3), keep_dims=False)
    if step.kind in ("dense", "project"):
        x = builder.reshape(x, (1, -1)) if len(x.shape) == 4 else x
        return builder.linear(x, weights["weights"], weights["bias"])
    if step.kind == "embed":
        return builder.gather(weights["table"], builder.squeeze(x, axes=(-1,)), axis=0)
    if step.kind == "places":
        return builder.add(x, weights["rows"])
    if step.kind == "layernorm":
        return builder.layer_norm(x, weights["gamma"], weights["beta"], axes=(-1,), epsilon=1e-5)
    if step.kind == "attention":
        return _attention(builder, step, inputs)
    if step.kind == "lstm":
        w, r, bias = (_in_order(weights[name]) for name in ("w", "r", "bias"))
        zeros = np.zeros((x.shape[1], r.shape[1]), np.float32)
        return builder.lstm(x, zeros, zeros, w, r, bias, output_sequence=True)[0]
    if step.kind == "add":
        return builder.add(*inputs)
    if step.kind == "softmax":
        return builder.softmax(x, axis=-1)
    return getattr(builder, step.kind)(x)


def _in_order(gates: np.ndarray) -> np.ndarray:
    parts = dict(zip(GATES, np.split(gates, 4), strict=True))
    return np.concatenate([parts[name] for name in _MIL_GATES])


def _attention(builder: Any, step: Step, inputs: list[Any]) -> Any:
    """As converters write it for operator sets before iOS 18."""
    size = step.width // step.heads
    q, k, v = (
        builder.transpose(builder.reshape(value, (1, -1, step.heads, size)), perm=(0, 2, 1, 3)) for value in inputs
    )
    scores = builder.mul(builder.matmul(q, k, transpose_y=True), size**-0.5)
    mixed = builder.matmul(builder.softmax(scores, axis=-1), v)
    return builder.reshape(builder.transpose(mixed, perm=(0, 2, 1, 3)), (1, -1, step.width))
