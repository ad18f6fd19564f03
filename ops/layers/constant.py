"""Constants: arrays that are stored in a network and returned as blobs."""

from __future__ import annotations

from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers.dialect import layer


@layer("loadConstant", wire_only=("shape",), roles=("constant",))
def load_constant(*, data: Array | None) -> Array:
    """A stored array [C, H, W] as the rank-5 blob [1, 1, C, H, W], whatever the mapping of inputs.

    Args:
        data: [C, H, W].

    Returns:
        [1, 1, C, H, W].

    Raises:
        ShapeError: the array has another rank.

    Source: LoadConstantLayerParams (spec 1).
    """
    if data is None or data.ndim != 3:
        raise ShapeError(f"the data have shape {None if data is None else list(data.shape)}; it must be [C, H, W]")
    return data[None, None]


@layer("loadConstantND", wire_only=("shape",), roles=("constant",))
def load_constant_nd(*, data: Array | None) -> Array:
    """A stored array, unchanged.

    Args:
        data: any shape.

    Returns:
        The data.

    Raises:
        ShapeError: no data are stored.

    Source: LoadConstantNDLayerParams (spec 4).
    """
    if data is None:
        raise ShapeError("no data are stored")
    return data
