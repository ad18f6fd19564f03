"""Random changes of images, as traced functions: mirrored, moved, rotated, brighter or darker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from graphml import recipes
from graphml.update.step.trunk import ImageAugmentation


def augmented(
    images: Sequence[ImageAugmentation], blobs: Mapping[str, Any], hyper: Mapping[str, Any], key: jax.Array
) -> dict[str, Any]:
    """The blobs of one sample with its images changed at random.

    Args:
        images: which blobs are images, and how they are changed.
        blobs: {blob: its array}. Any: arrays of NumPy, or traced ones.
        hyper: the traced hyperparameters of the recipe.
        key: the random key; amounts are drawn uniformly from a range around zero.
    """
    out = dict(blobs)
    for number, image in enumerate(images):
        changed, own = out[image.blob], jax.random.fold_in(key, number)
        for place, step in enumerate(image.steps):
            changed = _changed(step.with_numbers(hyper), changed, image.full, jax.random.fold_in(own, place))
        out[image.blob] = changed
    return out


def _changed(step: recipes.Augmentation, image: jax.Array, full: float, key: jax.Array) -> jax.Array:
    """The image after one step. full: the value of the image that stands for 255."""
    match step:
        case recipes.Flip():
            across, down = jax.random.uniform(key, (2,))
            return flipped(image, across < step.horizontal, down < step.vertical)
        case recipes.Shift():
            down, right = jax.random.uniform(key, (2,), minval=-1) * step.fraction
            height, width = image.shape[-2:]
            return moved(image, down * height, right * width, 0.0)
        case recipes.Rotate():
            return moved(image, 0, 0, jax.random.uniform(key, minval=-1) * jnp.deg2rad(step.degrees))
        case recipes.Brightness():
            return image + jax.random.uniform(key, minval=-1) * step.fraction * full
        case _:
            raise AssertionError(f"no change of images for {step!r}")


def flipped(image: jax.Array, across: Any, down: Any) -> jax.Array:
    """The image, mirrored left to right and top to bottom.

    Args:
        image: [..., height, width].
        across: whether left and right are exchanged; a bool or a traced one.
        down: whether top and bottom are exchanged.
    """
    image = jnp.where(across, image[..., ::-1], image)
    return jnp.where(down, image[..., ::-1, :], image)


def moved(image: jax.Array, down: Any, right: Any, angle: Any) -> jax.Array:
    """The image, rotated around its centre, then moved. Between pixels it is interpolated linearly; outside it repeats
    its edge.

    Args:
        image: [..., height, width].
        down: pixels; a number or a traced one.
        right: pixels.
        angle: radians, from the width axis to the height axis.
    """
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
