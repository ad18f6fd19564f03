"""A network as a Flax NNX module, so that what works on modules (optimizers, filters, checkpoints) works on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from graphml.errors import need
from graphml.interpreter.lower import Lowered
from graphml.spec.weights import Quantized

need("flax", "flax")

from flax import nnx  # noqa: E402  (after the message about the missing extra)


class Network(nnx.Module):
    """The network of `lowered`, its weights as `nnx.Param`s under `params/<layer>/<weight>`.

    Quantized weights become floats, since parameters are there to be trained. Call it as `Lowered.fn`:
    `network({"x": x})` gives `{output: array}`.
    """

    def __init__(self, lowered: Lowered) -> None:
        self.lowered = nnx.static(lowered)
        self.params = _variables(lowered.params)

    def __call__(
        self, inputs: Mapping[str, Any], *, key: jax.Array | None = None, train: bool = False
    ) -> dict[str, Any]:
        return self.lowered.fn(_arrays(self.params), inputs, key=key, train=train)


def _variables(tree):
    if isinstance(tree, Mapping):
        return nnx.Dict({name: _variables(value) for name, value in tree.items()})
    if isinstance(tree, list | tuple):
        return nnx.List([_variables(value) for value in tree])
    return nnx.Param(jnp.asarray(tree.dequantize() if isinstance(tree, Quantized) else tree))


def _arrays(tree):
    if isinstance(tree, nnx.Dict):
        return {name: _arrays(value) for name, value in tree.items()}
    if isinstance(tree, nnx.List):
        return [_arrays(value) for value in tree]
    return tree[...]
