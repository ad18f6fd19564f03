"""Scale and bias: constants that multiply and shift an image, broadcast over its last three axes."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from graphml.catalogue import channel_axis
from graphml.errors import ShapeError
from graphml.ops._axes import image_axes, need_rank
from graphml.ops.layers.dialect import layer


def _spread(x, constant, name: str):
    """The constant in the layout of x. Raises ShapeError when it does not spread over x."""
    if constant is None:
        raise ShapeError(f"the layer has no {name}")
    if constant.ndim not in (1, 3):
        raise ShapeError(f"{name} has shape {list(constant.shape)}; [1], [C], [1, H, W] and [C, H, W] are legal")
    core = tuple(x.shape[axis] for axis in image_axes())[: constant.ndim]
    if any(mine not in (1, theirs) for mine, theirs in zip(constant.shape, core, strict=True)):
        size = "[C, H, W]" if constant.ndim == 3 else "[C]"
        raise ShapeError(
            f"{name} is {list(constant.shape)}, which does not spread over x, whose {size} is {list(core)}"
        )
    whole = constant if constant.ndim == 3 else constant[:, None, None]
    return whole if channel_axis() == -3 else jnp.moveaxis(whole, 0, -1)


def _line(weights, attributes):
    """(scale, bias) where they are numbers for whole channels."""
    if any(w.ndim not in (1, 3) or w.size != w.shape[0] for w in weights.values()):
        return None
    flat = {name: w.reshape(-1) for name, w in weights.items()}
    return (flat["scale"], flat.get("bias", np.zeros(1))) if "scale" in flat else None


def _shift(weights, attributes):
    return _line({**weights, "scale": np.ones(1)}, attributes) if weights else None


@layer(
    "scale", wire_only=("shape_scale", "shape_bias", "has_bias"), layout="either", affine=_line, roles=("rescaling",)
)
def scale_by(x, *, scale, bias):
    """x * scale + bias; the bias may be absent.

    x: [..., C, H, W]; returns its shape. scale, bias: [1], [C], [1, H, W] or [C, H, W]; any of their three axes may be
    1. Raises ShapeError when they do not spread over x. Source: ScaleLayerParams (spec 1).
    """
    need_rank(x, 3)
    scaled = x * _spread(x, scale, "scale")
    return scaled if bias is None else scaled + _spread(x, bias, "bias")


@layer("bias", wire_only=("shape",), layout="either", affine=_shift, roles=("rescaling",))
def add_bias(x, *, bias):
    """x + bias.

    x: [..., C, H, W]; returns its shape. bias: [1], [C], [1, H, W] or [C, H, W]; any of its three axes may be 1.
    Raises ShapeError when it does not spread over x. Source: BiasLayerParams (spec 1).
    """
    need_rank(x, 3)
    return x + _spread(x, bias, "bias")
