"""Vectors as images of one pixel.

Core ML's `softmax` works on channels, and its gradient passes `flatten` but none of the layers that change ranks. So a
stack of dense layers on [N, K] becomes one on [N, K, 1, 1], as far down as gradients can pass; the layer below is a
`flatten` or a pooling, where the original is an equivalent reshape or reduction, and otherwise an `expandDims`.
"""

from __future__ import annotations

import math
from typing import Any

from graphml.spec.attributes import kind_of
from graphml.update.edit.canonical.draft import Draft, Shape

_PASSING = ("ReLU", "sigmoid", "tanh")
_TO_CHANNELS_LAST = (0, 2, 3, 1)


def can_be_image(draft: Draft, blob: str) -> bool:
    """Whether a blob is a vector or a batch of vectors."""
    return draft.rank(blob) in (1, 2)


def image_of(draft: Draft, blob: str) -> str:
    """Find or make the blob [N, K, 1, 1] with the values of a blob [N, K] or [K].

    Args:
        draft: the network; layers below the blob change.
        blob: it `can_be_image`. It stays under its name for those who read it.

    Returns:
        The name of the new blob.
    """
    chain: list[Any] = []
    layer = draft.writer(blob)
    while layer is not None and _takes_images_too(draft, layer):
        chain.append(layer)
        layer = draft.writer(layer.input[0])
    source = chain[-1].input[0] if chain else blob
    image = _bottom(draft, source, layer)
    for layer in reversed(chain):
        old = layer.output[0]
        layer.input[0] = image
        image = layer.output[0] = draft.fresh(f"{old}_image", _image(draft.shapes[old]))
        draft.add_squeezed(image, old, after=layer, axes=_added_axes(draft.shapes[old]))
    return image


def _image(shape: Shape) -> Shape:
    return (*(1, *shape)[-2:], 1, 1)


def _added_axes(shape: Shape) -> tuple[int, ...]:
    return (2, 3) if len(shape) == 2 else (0, 2, 3)


def _takes_images_too(draft: Draft, layer: Any) -> bool:
    """Whether a layer gives the same for vectors and for images of one pixel, and gradients pass it."""
    if len(layer.input) != 1 or draft.writer(layer.output[0]) is not layer:
        return False
    if not can_be_image(draft, layer.input[0]) or not can_be_image(draft, layer.output[0]):
        return False
    kind = kind_of(layer)
    return kind == "innerProduct" or (kind == "activation" and _activation(layer) in _PASSING)


def _activation(layer: Any) -> str | None:
    return layer.activation.WhichOneof("NonlinearityType")


def _bottom(draft: Draft, blob: str, layer: Any) -> str:
    """The image of a blob whose writer cannot take images itself."""
    shape = draft.shapes[blob]
    if layer is not None and draft.writer(blob) is layer and len(layer.input) == 1:
        below = draft.shapes.get(layer.input[0])
        if kind_of(layer) == "squeeze" and below == _image(shape):
            return layer.input[0]
        for change in (_flatten, _pool):
            image = change(draft, layer, below, shape)
            if image is not None:
                return image
    image = draft.fresh(f"{blob}_image", _image(shape))
    draft.add("expandDims", blob, image, after=layer, axes=_added_axes(shape))
    return image


# Layers below ---------------------------------------------------------------------------------------------------------


def _become(draft: Draft, layer: Any, kind: str, source: str, **fields: Any) -> str:
    """Make a layer that wrote vectors one that writes images, and squeeze these for those who read the vectors."""
    old = layer.output[0]
    image = draft.fresh(f"{old}_image", _image(draft.shapes[old]))
    draft.replace(layer, kind, [source], **fields)
    layer.output[0] = image
    draft.add_squeezed(image, old, after=layer, axes=_added_axes(draft.shapes[old]))
    return image


def _flatten(draft: Draft, layer: Any, below: Shape | None, shape: Shape) -> str | None:
    """A reshape of [N, C, H, W] to [N, C H W] as `flatten`, also where a transpose has made the channels the last
    axis before."""
    kind = kind_of(layer)
    if below is None or len(below) != 4 or shape != (below[0], math.prod(below[1:])):
        return None
    if kind == "flattenTo2D":
        if layer.flattenTo2D.axis not in (1, -3):
            return None
    elif kind != "reshapeStatic" or not draft.fixed:
        return None
    source, mode = layer.input[0], "CHANNEL_FIRST"
    channels_first = _before_transpose(draft, source)
    if channels_first is not None:
        source, mode = channels_first, "CHANNEL_LAST"
    return _become(draft, layer, "flatten", source, mode=mode)


def _before_transpose(draft: Draft, blob: str) -> str | None:
    """The values of a blob [N, H, W, C] as [N, C, H, W], if a transpose makes that order and at most activations follow
    it, which then come before it; None otherwise."""
    chain: list[Any] = []
    layer = draft.writer(blob)
    while layer is not None and kind_of(layer) == "activation" and _activation(layer) in _PASSING:
        if not draft.has_single_reader(layer.output[0]):
            return None
        chain.append(layer)
        layer = draft.writer(layer.input[0])
    if layer is None or kind_of(layer) != "transpose" or tuple(layer.transpose.axes) != _TO_CHANNELS_LAST:
        return None
    source = layer.input[0]
    for activation in reversed(chain):
        activation.input[0] = source
        source = activation.output[0]
        n, height, width, count = draft.shapes[source]
        draft.shapes[source] = (n, count, height, width)
    draft.changed()
    return source


def _pool(draft: Draft, layer: Any, below: Shape | None, shape: Shape) -> str | None:
    """A mean or maximum over height and width as a global pooling."""
    if below is None or len(below) != 4 or shape != below[:2] or _pooled(layer) is None:
        return None
    fields: dict[str, Any] = {"type": _pooled(layer), "global_pooling": True, "valid": {}}
    return _become(draft, layer, "pooling", layer.input[0], **fields)


def pool_globally(draft: Draft) -> bool:
    """A mean or maximum over height and width that keeps the axes becomes a global pooling."""
    found = False
    for layer in draft.layers:
        if _pooled(layer) is None or draft.rank(layer.input[0]) != 4 or draft.rank(layer.output[0]) != 4:
            continue
        fields: dict[str, Any] = {"type": _pooled(layer), "global_pooling": True, "valid": {}}
        draft.replace(layer, "pooling", list(layer.input), **fields)
        found = True
    return found


def _pooled(layer: Any) -> str | None:
    """The type of pooling that a reduction over the last two of four axes amounts to."""
    kinds = {"reduceMean": "AVERAGE", "reduceMax": "MAX"}
    kind = kind_of(layer)
    if kind not in kinds or len(layer.input) != 1:
        return None
    params = getattr(layer, kind)
    axes = sorted(axis % 4 for axis in params.axes)
    return kinds[kind] if axes == [2, 3] and not params.reduceAll else None
