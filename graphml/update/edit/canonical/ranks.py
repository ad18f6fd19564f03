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
        blob: it `can_be_image`. It keeps its name for its other readers.

    Returns:
        The name of the new blob.
    """
    chain: list[Any] = []
    layer = draft.writer(blob)
    while layer is not None and (_takes_images_too(draft, layer) or _only_adds_axes(draft, layer)):
        chain.append(layer)
        layer = draft.writer(layer.input[0])
    source = chain[-1].input[0] if chain else blob
    image = _bottom(draft, source, layer)
    for layer in reversed(chain):
        old = layer.output[0]
        if _only_adds_axes(draft, layer):
            continue
        layer.input[0] = image
        draft.changed()
        if draft.rank(old) == 4:
            image = old
            continue
        image = layer.output[0] = draft.fresh(f"{old}_image", _image(draft.shapes[old]))
        draft.add_squeezed(image, old, after=layer, axes=added_axes(draft.shapes[old]))
    return image


def _image(shape: Shape) -> Shape:
    """The shape [N, K, 1, 1] for a shape that is a prefix of it."""
    padded = (1, *shape) if len(shape) == 1 else shape
    return (*padded, 1, 1, 1)[:4] if len(padded) < 4 else padded


def added_axes(shape: Shape) -> tuple[int, ...]:
    """The axes that the image of a blob of this shape has and the blob does not."""
    return (0, 2, 3) if len(shape) == 1 else tuple(range(len(shape), 4))


def _is_vector(shape: Shape | None) -> bool:
    """Whether a shape is [K], or a prefix of [N, K, 1, 1]."""
    return shape is not None and 1 <= len(shape) <= 4 and all(size == 1 for size in shape[2:])


def _takes_images_too(draft: Draft, layer: Any) -> bool:
    """Whether a layer gives the same for vectors and for images of one pixel, and gradients pass it."""
    if len(layer.input) != 1 or len(layer.output) != 1 or draft.writer(layer.output[0]) is not layer:
        return False
    below, shape = (draft.shapes.get(blob) for blob in (layer.input[0], layer.output[0]))
    if not _is_vector(below) or not _is_vector(shape):
        return False
    match kind_of(layer):
        case "innerProduct":
            return can_be_image(draft, layer.input[0])
        case "activation":
            return _activation(layer) in _PASSING
        case "batchnorm":
            return draft.rank(layer.input[0]) == 4
        case _:
            return False


def _only_adds_axes(draft: Draft, layer: Any) -> bool:
    """Whether a layer makes the same image of another rank, for inputs of every size."""
    kind = kind_of(layer)
    if kind not in ("squeeze", "expandDims") or draft.writer(layer.output[0]) is not layer:
        return False
    below, shape = (draft.shapes.get(blob) for blob in (layer.input[0], layer.output[0]))
    if below is None or shape is None or not _is_vector(below) or not _is_vector(shape):
        return False
    if _image(below) != _image(shape):
        return False
    return draft.fixed or min(_changed_axes(layer, max(len(below), len(shape))), default=0) >= 2


def _changed_axes(layer: Any, rank: int) -> list[int]:
    """The axes that an `expandDims` adds or a `squeeze` removes, counted among `rank` axes; empty for all of size 1."""
    params = getattr(layer, kind_of(layer))
    return [] if getattr(params, "squeezeAll", False) else sorted(axis % rank for axis in params.axes)


def _activation(layer: Any) -> str | None:
    return layer.activation.WhichOneof("NonlinearityType")


def _bottom(draft: Draft, blob: str, layer: Any) -> str:
    """The image of a blob whose writer cannot take images itself."""
    shape = draft.shapes[blob]
    if len(shape) == 4:
        return blob
    if layer is not None and len(layer.input) == 1:
        for change in (_flatten, _pool):
            image = change(draft, layer, shape)
            if image is not None:
                return image
    image = draft.fresh(f"{blob}_image", _image(shape))
    draft.add("expandDims", blob, image, after=layer, axes=added_axes(shape))
    return image


# Layers below ---------------------------------------------------------------------------------------------------------


def _become(draft: Draft, layer: Any, kind: str, source: str, **fields: Any) -> str:
    """Make a layer write images instead of vectors, and squeeze these for the readers of the vectors."""
    old = layer.output[0]
    image = draft.fresh(f"{old}_image", _image(draft.shapes[old]))
    draft.replace(layer, kind, [source], **fields)
    layer.output[0] = image
    draft.add_squeezed(image, old, after=layer, axes=added_axes(draft.shapes[old]))
    return image


def _flatten(draft: Draft, layer: Any, shape: Shape) -> str | None:
    """A reshape of [N, C, H, W] to [N, C H W] as `flatten`, also where a transpose has made the channels the last
    axis before."""
    kind, source = kind_of(layer), layer.input[0]
    squeezed = draft.writer(source)
    if draft.rank(source) == 3 and squeezed is not None and kind_of(squeezed) == "squeeze":
        source = squeezed.input[0]  # as one-dimensional convolutions have it
    below = draft.shapes.get(source)
    if below is None or len(below) != 4 or shape != (below[0], math.prod(below[1:])):
        return None
    if kind == "flattenTo2D":
        if layer.flattenTo2D.axis % (draft.rank(layer.input[0]) or 1) != 1:
            return None
    elif kind != "reshapeStatic" or not draft.fixed:
        return None
    mode = "CHANNEL_FIRST"
    channels_first = _before_transpose(draft, source)
    if channels_first is not None:
        source, mode = channels_first, "CHANNEL_LAST"
    return _become(draft, layer, "flatten", source, mode=mode)


def _before_transpose(draft: Draft, blob: str) -> str | None:
    """The values of a blob [N, H, W, C] as [N, C, H, W], if it comes from a transpose followed by activations at most,
    which are moved before it; None otherwise."""
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


def _pool(draft: Draft, layer: Any, shape: Shape) -> str | None:
    """A mean or maximum over height and width as a global pooling."""
    below = draft.shapes.get(layer.input[0])
    if below is None or len(below) != 4 or shape != below[:2] or _pooled(layer) is None:
        return None
    fields: dict[str, Any] = {"type": _pooled(layer), "global_pooling": True, "valid": {}}
    return _become(draft, layer, "pooling", layer.input[0], **fields)


def cancel_rank_changes(draft: Draft) -> bool:
    """A `squeeze` that an `expandDims` undoes, with at most activations between them, goes away with it.

    One-dimensional convolutions come with such pairs, and gradients pass neither.
    """
    for expand in draft.layers:
        if kind_of(expand) != "expandDims" or draft.writer(expand.output[0]) is not expand:
            continue
        chain: list[Any] = []
        blob = expand.input[0]
        layer = draft.writer(blob)
        while layer is not None and kind_of(layer) == "activation" and _activation(layer) in _PASSING:
            chain.append(layer)
            blob = layer.input[0]
            layer = draft.writer(blob)
        shape = draft.shapes.get(expand.output[0])
        if layer is None or kind_of(layer) != "squeeze" or shape is None or draft.shapes.get(layer.input[0]) != shape:
            continue
        axes = _changed_axes(expand, len(shape))
        if not axes or axes != _changed_axes(layer, len(shape)):
            continue
        if not all(draft.has_single_reader(activation.output[0]) for activation in chain):
            continue
        if not draft.reroute(expand, layer.input[0], chain[::-1]):
            continue
        return True
    return False


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
