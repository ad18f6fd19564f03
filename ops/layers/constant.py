"""Constants: arrays that a network carries along and gives out as blobs."""

from __future__ import annotations

from graphml.errors import ShapeError
from graphml.ops.layers.dialect import layer


@layer("loadConstant", wire_only=("shape",), roles=("constant",))
def load_constant(*, data):
    """A stored array [C, H, W] as the rank-5 blob [1, 1, C, H, W], whatever the mapping of inputs.

    Raises ShapeError when the array is of another rank. Source: LoadConstantLayerParams (spec 1).
    """
    if data is None or data.ndim != 3:
        raise ShapeError(f"the data have shape {None if data is None else list(data.shape)}; [C, H, W] is legal")
    return data[None, None]


@layer("loadConstantND", wire_only=("shape",), roles=("constant",))
def load_constant_nd(*, data):
    """A stored array, as it is. Source: LoadConstantNDLayerParams (spec 4)."""
    if data is None:
        raise ShapeError("no data are stored")
    return data
