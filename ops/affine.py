"""Scale and bias: constants that multiply and shift an image, broadcast over its last three axes."""

from __future__ import annotations

import jax.numpy as jnp

from graphml.catalogue import op
from graphml.errors import ShapeError
from graphml.ops._axes import need_rank


def _channels_last(weights, attributes):
    """[C, H, W] -> [H, W, C]; a single axis is that of the channels and stays."""
    return {name: jnp.moveaxis(w, 0, -1) if w.ndim == 3 else w for name, w in weights.items()}


def _check(x, constant, name: str) -> None:
    if constant is None:
        raise ShapeError(f"the layer has no {name}")
    if constant.ndim not in (1, 3):
        raise ShapeError(f"{name} has shape {list(constant.shape)}; [1], [C], [1, H, W] and [C, H, W] are legal")
    core = x.shape[-constant.ndim :]
    if any(mine not in (1, theirs) for mine, theirs in zip(constant.shape, core, strict=True)):
        wire = [*constant.shape[-1:], *constant.shape[:-1]]
        size = "[C, H, W]" if constant.ndim == 3 else "[C]"
        raise ShapeError(f"{name} is {wire}, which does not spread over x, whose {size} is {[*core[-1:], *core[:-1]]}")


@op("scale", wire_only=("shape_scale", "shape_bias", "has_bias"), layout="last", prepare=_channels_last)
def scale_by(x, *, scale, bias):
    """x * scale + bias; the bias may be absent.

    x: [..., C, H, W]; returns its shape. scale, bias: [1], [C], [1, H, W] or [C, H, W]; any of their three axes may be
    1. Raises ShapeError when they do not spread over x. Source: ScaleLayerParams (spec 1).
    """
    need_rank(x, 3)
    _check(x, scale, "scale")
    if bias is None:
        return x * scale
    _check(x, bias, "bias")
    return x * scale + bias


@op("bias", wire_only=("shape",), layout="last", prepare=_channels_last)
def add_bias(x, *, bias):
    """x + bias.

    x: [..., C, H, W]; returns its shape. bias: [1], [C], [1, H, W] or [C, H, W]; any of its three axes may be 1.
    Raises ShapeError when it does not spread over x. Source: BiasLayerParams (spec 1).
    """
    need_rank(x, 3)
    _check(x, bias, "bias")
    return x + bias
