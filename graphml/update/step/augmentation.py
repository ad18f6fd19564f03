"""Images changed at random, as traced functions: mirrored, moved, turned, brighter or darker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from graphml.update.step.trunk import ImageAugmentation


def augmented(
    stretches: Sequence[ImageAugmentation], blobs: Mapping[str, Any], hyper: Mapping[str, Any], key: jax.Array
):
    """The blobs of one sample with its images changed. Amounts are drawn evenly from both sides of zero."""
    out = dict(blobs)
    for number, stretch in enumerate(stretches):
        image = out[stretch.blob]
        own = jax.random.fold_in(key, number)
        for place, (kind, scope) in enumerate(zip(stretch.steps, stretch.scopes, strict=True)):
            image = _STEPS[kind](image, scope, hyper, stretch.full, jax.random.fold_in(own, place))
        out[stretch.blob] = image
    return out


def flipped(image, across, down):
    """Mirrored where the flags say so; the last axes are height and width."""
    image = jnp.where(across, image[..., ::-1], image)
    return jnp.where(down, image[..., ::-1, :], image)


def moved(image, down, right, angle):
    """Turned around its centre by an angle (radians, from the width axis to the height axis), then moved by pixels;
    between pixels it is interpolated linearly, outside it repeats its edge."""
    height, width = image.shape[-2:]
    middle = (height - 1) / 2, (width - 1) / 2
    y, x = jnp.meshgrid(jnp.arange(height) - middle[0] - down, jnp.arange(width) - middle[1] - right, indexing="ij")
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    source_y = jnp.clip(cosine * y - sine * x + middle[0], 0, height - 1)
    source_x = jnp.clip(sine * y + cosine * x + middle[1], 0, width - 1)
    y0, x0 = jnp.floor(source_y).astype(jnp.int32), jnp.floor(source_x).astype(jnp.int32)
    y1, x1 = jnp.minimum(y0 + 1, height - 1), jnp.minimum(x0 + 1, width - 1)
    fy, fx = (source_y - y0).astype(image.dtype), (source_x - x0).astype(image.dtype)
    top = image[..., y0, x0] * (1 - fx) + image[..., y0, x1] * fx
    bottom = image[..., y1, x0] * (1 - fx) + image[..., y1, x1] * fx
    return top * (1 - fy) + bottom * fy


def _flip(image, scope, hyper, full, key):
    across, down = jax.random.uniform(key, (2,))
    return flipped(image, across < hyper[f"{scope}flip_horizontal"], down < hyper[f"{scope}flip_vertical"])


def _shift(image, scope, hyper, full, key):
    down, right = jax.random.uniform(key, (2,), minval=-1) * hyper[f"{scope}shift_fraction"]
    height, width = image.shape[-2:]
    return moved(image, down * height, right * width, 0.0)


def _rotate(image, scope, hyper, full, key):
    return moved(image, 0, 0, jax.random.uniform(key, minval=-1) * jnp.deg2rad(hyper[f"{scope}rotation_degrees"]))


def _brightness(image, scope, hyper, full, key):
    return image + jax.random.uniform(key, minval=-1) * hyper[f"{scope}brightness_fraction"] * full


_STEPS = {"flip": _flip, "shift": _shift, "rotate": _rotate, "brightness": _brightness}
