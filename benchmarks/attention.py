"""The steps of transformers, rendered like those of `rendering.py`: as converters and exporters write them.

Blobs are [batch, words, width]. kinds: embed (x: [batch, words, 1]), places (position embeddings), layernorm, project
(a dense layer for each word), attention (of q, k and v; in `heads` heads) and gelu (exact).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

KINDS = ("embed", "places", "layernorm", "project", "attention", "gelu")
EPSILON = 1e-5


def add_layers(add: Callable[..., None], step: Any) -> None:
    """add: (kind, inputs, output, fields) appends one layer of a Core ML model."""
    (x, *more), output, weights = step.inputs, step.output, step.weights
    if step.kind == "embed":
        add("embeddingND", [x], output, weights=np.ascontiguousarray(weights["table"].T))
    elif step.kind == "places":
        add("loadConstantND", [], output + "/rows", data=weights["rows"])
        add("addBroadcastable", [x, output + "/rows"], output)
    elif step.kind == "layernorm":
        add("layerNormalization", [x], output, eps=EPSILON, **weights)
    elif step.kind == "project":
        add("batchedMatmul", [x], output, **weights)
    elif step.kind == "gelu":
        add("gelu", [x], output, mode="EXACT")
    else:
        k, v = more
        apart, together, swapped = (1, -1, step.heads, step.width // step.heads), (1, -1, step.width), (0, 2, 1, 3)
        for name, blob in (("q", x), ("k", k), ("v", v)):
            add("reshapeStatic", [blob], f"{output}/{name}/parts", target_shape=apart)
            add("transpose", [f"{output}/{name}/parts"], f"{output}/{name}", axes=swapped)
        add("batchedMatmul", [output + "/q", output + "/k"], output + "/products", transpose_b=True)
        add("loadConstantND", [], output + "/root", data=_root(step))
        add("divideBroadcastable", [output + "/products", output + "/root"], output + "/scores")
        add("softmaxND", [output + "/scores"], output + "/shares", axis=-1)
        add("batchedMatmul", [output + "/shares", output + "/v"], output + "/heads")
        add("transpose", [output + "/heads"], output + "/parts", axes=swapped)
        add("reshapeStatic", [output + "/parts"], output, target_shape=together)


def _root(step: Any) -> np.ndarray:
    return np.array([(step.width // step.heads) ** 0.5], np.float32)


def add_nodes(add: Callable[..., None], step: Any) -> None:
    """add: (operator, inputs, output, attributes) appends one node of an ONNX model; arrays become constants."""
    (x, *more), output, weights = step.inputs, step.output, step.weights
    if step.kind == "embed":
        add("Squeeze", [x, np.array([-1])], output + "/words")
        add("Gather", [weights["table"], output + "/words"], output)
    elif step.kind == "places":
        add("Add", [x, weights["rows"]], output)
    elif step.kind == "layernorm":
        add("LayerNormalization", [x, weights["gamma"], weights["beta"]], output, epsilon=EPSILON)
    elif step.kind == "project":
        add("MatMul", [x, np.ascontiguousarray(weights["weights"].T)], output + "/product")
        add("Add", [weights["bias"], output + "/product"], output)
    elif step.kind == "gelu":
        add("Div", [x, np.float32(2**0.5)], output + "/x")
        add("Erf", [output + "/x"], output + "/erf")
        add("Add", [output + "/erf", np.float32(1)], output + "/twice")
        add("Mul", [x, output + "/twice"], output + "/both")
        add("Mul", [output + "/both", np.float32(0.5)], output)
    else:
        apart = np.array([0, -1, step.heads, step.width // step.heads])
        for name, blob, order in (("q", x, (0, 2, 1, 3)), ("k", more[0], (0, 2, 3, 1)), ("v", more[1], (0, 2, 1, 3))):
            add("Reshape", [blob, apart], f"{output}/{name}/parts")
            add("Transpose", [f"{output}/{name}/parts"], f"{output}/{name}", perm=order)
        add("MatMul", [output + "/q", output + "/k"], output + "/products")
        add("Div", [output + "/products", _root(step)], output + "/scores")
        add("Softmax", [output + "/scores"], output + "/shares", axis=-1)
        add("MatMul", [output + "/shares", output + "/v"], output + "/heads")
        add("Transpose", [output + "/heads"], output + "/parts", perm=(0, 2, 1, 3))
        add("Reshape", [output + "/parts", np.array([0, -1, step.width])], output)


def torch_step(F: Any, step: Any, w: Any, x: Any, *more: Any) -> Any:
    """The step on tensors. F: torch.nn.functional."""
    if step.kind == "embed":
        return F.embedding(x[..., 0].long(), w["table"])
    if step.kind == "places":
        return x + w["rows"]
    if step.kind == "layernorm":
        return F.layer_norm(x, x.shape[-1:], w["gamma"], w["beta"], EPSILON)
    if step.kind == "project":
        return F.linear(x, w["weights"], w["bias"])
    if step.kind == "gelu":
        return F.gelu(x)
    q, k, v = (y.unflatten(-1, (step.heads, -1)).transpose(1, 2) for y in (x, *more))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
