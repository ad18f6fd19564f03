"""What training adds to a network: dropout, and batch normalization by the mini-batch. The result is a graph of
ordinary nodes, so the interpreter knows nothing about training; what changes from step to step enters through extra
inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from graphml.catalogue import has_role
from graphml.errors import UpdateError
from graphml.graph import Node, Region, read_by, written_by

MASK = "$mask"
"""The input that says whether a row counts, or only fills up the mini-batch."""

ROWS = "rows"
"""The axis over which rows are vmapped."""

_FIRST = 1 << 20  # position of inserted nodes: after those of the network, because random numbers depend on it
_DIALECT = "layer"  # of inserted nodes, in graphs of any dialect
_STATISTICS = "graphml.batch_statistics"


def rate_of(blob: str) -> str:
    """The input for the rate of dropout on a blob."""
    return f"{blob}$rate"


def keep_of(blob: str) -> str:
    """The input for 1 - rate."""
    return f"{blob}$keep"


def with_dropout(nodes: Sequence[Node], blobs: Sequence[str]) -> tuple[list[Node], dict[str, str]]:
    """The nodes with dropout on blobs, and the new name of each of these blobs.

    Raises:
        UpdateError: The loss does not depend on a blob, or it is written more than once.
    """
    out, renamed = list(nodes), {}
    for number, blob in enumerate(blobs):
        places = [i for i, node in enumerate(out) if blob in written_by(node)]
        if len(places) != 1 or blob not in out[places[0]].outputs:
            raise UpdateError(
                f"dropout on {blob!r}: "
                + ("the loss does not depend on it" if not places else "several layers, or a sub-network, write it")
            )
        dropped = f"{blob}$dropped"
        after = [_reading(node, blob, dropped) for node in out[places[0] + 1 :]]
        out = [*out[: places[0] + 1], *_dropout(blob, dropped, _FIRST + 4 * number), *after]
        renamed[blob] = dropped
    return out, renamed


def _dropout(blob: str, dropped: str, position: int) -> list[Node]:
    chance, kept, some = f"{blob}$chance", f"{blob}$kept", f"{blob}$some"
    steps: list[tuple[str, tuple[str, ...], str, dict[str, Any]]] = [
        ("randomUniformLike", (blob,), chance, {"seed": -1, "min_val": 0.0, "max_val": 1.0}),
        ("greaterEqual", (chance, rate_of(blob)), kept, {"alpha": 0.0}),
        ("multiplyBroadcastable", (blob, kept), some, {}),
        ("divideBroadcastable", (some, keep_of(blob)), dropped, {}),
    ]
    return [
        Node(
            key=f"{output}#",
            name=f"dropout of {blob}",
            dialect=_DIALECT,
            kind=kind,
            inputs=inputs,
            outputs=(output,),
            attributes=attributes,
            position=position + i,
        )
        for i, (kind, inputs, output, attributes) in enumerate(steps)
    ]


def _reading(node: Node, old: str, new: str) -> Node:
    """The node, reading a blob under another name at any depth."""
    if old not in read_by(node):
        return node
    regions = {
        name: Region(tuple(_reading(inner, old, new) for inner in region.nodes))
        for name, region in node.regions.items()
    }
    return replace(node, inputs=tuple(new if name == old else name for name in node.inputs), regions=regions)


# Batch normalization -------------------------------------------------------------------------------------------------


def moving(node: Node) -> bool:
    """Whether a node normalizes by stored statistics."""
    return has_role(node, "normalizes by statistics")


def statistics_of(key: str) -> tuple[str, str]:
    """The blobs with the mean and the (unbiased) variance of the input of a batch normalization."""
    return f"{key}$mean", f"{key}$variance"


def with_batch_statistics(nodes: Sequence[Node], keys: Sequence[str]) -> list[Node]:
    """The nodes with one more before each named batch normalization, which normalizes to mean 0 and variance 1 over the
    mini-batch."""
    out: list[Node] = []
    for node in nodes:
        if node.key in keys:
            (blob,) = node.inputs
            normal = f"{node.key}$normal"
            attributes = {"class_name": _STATISTICS, "parameters": {"epsilon": node.attributes["epsilon"]}}
            outputs = (normal, *statistics_of(node.key))
            out.append(
                Node(
                    key=f"{normal}#",
                    name=node.name,
                    dialect=_DIALECT,
                    kind="custom",
                    inputs=(blob, MASK),
                    outputs=outputs,
                    attributes=attributes,
                    position=node.position,
                )
            )
            node = replace(node, inputs=(normal,))
        out.append(node)
    return out


def batch_statistics(
    x: jax.Array, mask: jax.Array, *, weights: Any, parameters: Mapping[str, Any]
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """(x - mean) / sqrt(variance + epsilon) over all rows that count; the mean, and the unbiased variance.

    x: [..., channels, height, width], one row of a vmapped axis. Gradients go through the statistics.
    """
    axes = (*range(x.ndim - 3), x.ndim - 2, x.ndim - 1)
    weight = mask.reshape(()).astype(x.dtype)
    count = jax.lax.psum(weight, ROWS) * (x.size // x.shape[-3])

    def mean_of(values):
        return jax.lax.psum(jnp.sum(jnp.where(weight > 0, values, 0), axes, keepdims=True), ROWS) / count

    mean = mean_of(x)
    variance = mean_of(jnp.square(x - mean))
    unbiased = variance * count / jnp.maximum(count - 1, 1)
    return (x - mean) * jax.lax.rsqrt(variance + parameters["epsilon"]), mean.reshape(-1), unbiased.reshape(-1)


CUSTOM_LAYERS = {_STATISTICS: batch_statistics}
