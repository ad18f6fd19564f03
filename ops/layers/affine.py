"""Scale and bias: constants that multiply and shift an image, broadcast over its last three axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from graphml.catalogue import channel_axis
from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers._axes import check_rank, image_axes
from graphml.ops.layers.dialect import layer


def _spread(x: Array, constant: Array | None, name: str) -> Array:
    """The constant in the layout of x. Raises ShapeError when it does not broadcast over x."""
    if constant is None:
        raise ShapeError(f"the layer has no {name}")
    if constant.ndim not in (1, 3):
        raise ShapeError(f"{name} has shape {list(constant.shape)}; it must be [1], [C], [1, H, W] or [C, H, W]")
    core = tuple(x.shape[axis] for axis in image_axes())[: constant.ndim]
    if any(mine not in (1, theirs) for mine, theirs in zip(constant.shape, core, strict=True)):
        size = "[C, H, W]" if constant.ndim == 3 else "[C]"
        raise ShapeError(
            f"{name} has shape {list(constant.shape)}, which does not broadcast over x, whose {size} is {list(core)}"
        )
    full = constant if constant.ndim == 3 else constant[:, None, None]
    return full if channel_axis() == -3 else jnp.moveaxis(full, 0, -1)


def _line(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """(factor, summand) where they are constant over each channel."""
    if any(w.ndim not in (1, 3) or w.size != w.shape[0] for w in weights.values()):
        return None
    flat = {name: w.reshape(-1) for name, w in weights.items()}
    return (flat["scale"], flat.get("bias", np.zeros(1))) if "scale" in flat else None


def _shift(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[Any, Any] | None:
    return _line({**weights, "scale": np.ones(1)}, attributes) if weights else None


@layer(
    "scale", wire_only=("shape_scale", "shape_bias", "has_bias"), layout="either", affine=_line, roles=("rescaling",)
)
def scale_by(x: Array, *, scale: Array | None, bias: Array | None) -> Array:
    """x * scale + bias; the bias may be absent.

    Args:
        x: [..., C, H, W].
        scale: [1], [C], [1, H, W] or [C, H, W]; any of the three axes may be 1.
        bias: as scale.

    Returns:
        The shape of x.

    Raises:
        ShapeError: scale or bias does not broadcast over x.

    Source: ScaleLayerParams (spec 1).
    """
    check_rank(x, 3)
    scaled = x * _spread(x, scale, "scale")
    return scaled if bias is None else scaled + _spread(x, bias, "bias")


@layer("bias", wire_only=("shape",), layout="either", affine=_shift, roles=("rescaling",))
def add_bias(x: Array, *, bias: Array | None) -> Array:
    """x + bias.

    Args:
        x: [..., C, H, W].
        bias: [1], [C], [1, H, W] or [C, H, W]; any of the three axes may be 1.

    Returns:
        The shape of x.

    Raises:
        ShapeError: the bias does not broadcast over x.

    Source: BiasLayerParams (spec 1).
    """
    check_rank(x, 3)
    return x + _spread(x, bias, "bias")
