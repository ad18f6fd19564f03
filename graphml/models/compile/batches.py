"""How many rows of a batch run in one call, and how many calls at the same time."""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

from graphml.errors import UnsupportedError
from graphml.graph import read_by
from graphml.interpreter.lower import Lowered, Params

_ROWS = 1024  # the most rows of a batch in one call
# Limit for the largest blob of one call, in bytes. More does not fit in the caches of a CPU, and glibc returns such
# allocations to the system after each call: eight images of 224 x 224 take twice as long together as one by one.
_CPU_BYTES, _BYTES = 1 << 22, 1 << 28
# Limit for the sum of the largest blobs of all calls that run on a CPU at the same time.
_PARALLEL_BYTES = 1 << 28


class Batches(NamedTuple):
    """How rows of equal shapes run.

    Attributes:
        rows: How many in one call, a power of two.
        calls: The most calls at the same time.
    """

    rows: int
    calls: int


ROW_BY_ROW = Batches(1, 1)


def batches_of(lowered: Lowered, params: Params, row: Mapping[str, Any], key: jax.Array | None) -> Batches:
    """How rows like this one run.

    On a CPU a call takes one large image, or up to 1024 short vectors, and calls run at the same time: a single program
    seldom keeps all cores busy. One that needs much memory runs alone. Other devices run one call after the other.

    Args:
        lowered: The model.
        params: Its weights, or their shapes and types.
        row: Arrays by input.
        key: The random key, if the model draws random numbers.
    """
    # stored weights, which are blobs of programs, are the same for all rows
    changing = [node for node in lowered.graph.body.nodes if read_by(node) or node.key not in params]
    names = [name for node in changing for name in node.outputs]
    try:
        blobs = jax.eval_shape(lambda p, x: lowered.intermediates(p, x, names, key=key), params, row)
    except UnsupportedError:
        return ROW_BY_ROW
    largest = max([1, *(4 * math.prod(blob.shape) for blob in blobs.values())])
    on_cpu = lowered.target.platform == "cpu"
    rows = min(_ROWS, 1 << max(0, ((_CPU_BYTES if on_cpu else _BYTES) // largest).bit_length() - 1))
    return Batches(rows, max(1, _PARALLEL_BYTES // (rows * largest)) if on_cpu else 1)
