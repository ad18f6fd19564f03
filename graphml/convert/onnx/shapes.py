"""The output shapes of one layer, inferred with the function that will run it."""

# JAX is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.convert.onnx.tensors import Array, Shape, Tensor, blob_shape
from graphml.errors import UnsupportedError
from graphml.frontends.layers import read_layers
from graphml.graph import Graph
from graphml.interpreter.interface import SeenBlobs
from graphml.interpreter.lower import lower

_LARGEST_KNOWN = 1 << 12  # elements of a value that may decide a shape


def written_shapes(
    message: Any, inputs: Sequence[Tensor], outputs: int, which: int
) -> list[tuple[Shape, Array | None]]:
    """The blobs that a layer writes, without computing them.

    Args:
        message: The layer, without names.
        inputs: What it reads.
        outputs: How many blobs it writes.
        which: The index of the set of input sizes.

    Returns:
        The shape in the network of each, and its value if shapes determine it.

    Raises:
        ShapeError: The layer does not take these inputs.
        UnsupportedError: A shape depends on values that are not known.
    """
    names = {id(tensor): f"input {i}" for i, tensor in enumerate(inputs)}
    results = tuple(f"result {i}" for i in range(outputs))
    copy = type(message)()
    copy.CopyFrom(message)
    copy.name = "layer"
    del copy.input[:], copy.output[:]
    copy.input.extend(names[id(tensor)] for tensor in inputs)
    copy.output.extend(results)
    facts = SeenBlobs()
    region = read_layers([copy])
    lowered = lower(Graph(tuple(dict.fromkeys(copy.input)), results, region), facts, dtype=jnp.float32)
    known: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for tensor in inputs:
        shape = blob_shape(tensor.shapes[which])
        value = None if tensor.known is None else tensor.known[which]
        if value is not None and value.dtype.kind in "OSU":
            raise UnsupportedError("it is text, which a network cannot hold")
        if value is not None and value.size <= _LARGEST_KNOWN:
            known[names[id(tensor)]] = np.asarray(value, np.float32).reshape(shape)
        else:
            unknown[names[id(tensor)]] = jax.ShapeDtypeStruct(shape, jnp.float32)
    key = jax.random.key(0) if catalogue.row(region.nodes[0]).random else None

    def run(moving: dict[str, Any]) -> dict[str, Any]:
        return lowered.fn(lowered.params, {**known, **moving}, key=key)

    forms = jax.eval_shape(run, unknown)
    return [(tuple(forms[name].shape), facts.found.get(name)) for name in results]
