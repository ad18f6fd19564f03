"""The probabilities that Core ML's cross entropy reads: it only takes the output of a `softmax` layer."""

from __future__ import annotations

import math
from typing import Any

from graphml.spec.attributes import kind_of
from graphml.update.edit.canonical.draft import Draft
from graphml.update.edit.canonical.ranks import added_axes, can_be_image, image_of

# Layers that only change the shape.
_SHAPE_ONLY = ("squeeze", "expandDims", "flattenTo2D", "reshapeStatic", "rankPreservingReshape", "flatten", "copy")
# Layers whose results may be of any sign and size, so that they can be logits.
_MAKE_LOGITS = ("innerProduct", "convolution", "pooling", "batchnorm")


def probabilities_behind(draft: Draft, blob: str, *, through_log: bool) -> str | None:
    """Find the `softmax` output with the same values as a blob. A `softmaxND` over classes becomes a `softmax`.

    Args:
        draft: the network.
        blob: the input of a loss.
        through_log: whether the blob may also be the logarithm of probabilities.

    Returns:
        The name of the blob with the probabilities; None if there is none.
    """
    below = blob
    while True:
        layer = draft.writer(below)
        if layer is None or len(layer.input) != 1:
            return None
        kind = kind_of(layer)
        if kind in ("softmax", "softmaxND"):
            if below != blob and not _is_single_vector(draft, below):
                return None
            return below if kind == "softmax" else _as_softmax(draft, layer)
        if not (_keeps_order(layer) or (through_log and _is_log(layer))):
            return None
        below = layer.input[0]


def softmax_of_logits(draft: Draft, blob: str) -> str | None:
    """Add a softmax for the loss alone, after a blob that a layer without an activation writes.

    Args:
        draft: the network.
        blob: one number for each class.

    Returns:
        The name of the blob with the probabilities; None if the blob may not be logits.
    """
    layer = draft.writer(blob)
    while layer is not None and len(layer.input) == 1 and _keeps_order(layer):
        layer = draft.writer(layer.input[0])
    if layer is None or kind_of(layer) not in _MAKE_LOGITS:
        return None
    if can_be_image(draft, blob) and _is_single_vector(draft, blob):
        source = image_of(draft, blob)
    elif (draft.rank(blob) or 0) >= 3 and draft.shapes[blob][-3] == math.prod(draft.shapes[blob]):
        source = blob
    else:
        return None
    result = draft.fresh(f"{blob}_probabilities", draft.shapes[source])
    draft.add("softmax", source, result, after=draft.writer(source))
    return result


def _as_softmax(draft: Draft, layer: Any) -> str | None:
    """Make a `softmaxND` over channels, or over the last axis of vectors, a `softmax`; None for other axes."""
    old, rank = layer.output[0], draft.rank(layer.input[0])
    if rank is None or draft.writer(old) is not layer:
        return None
    axis = layer.softmaxND.axis % rank if -rank <= layer.softmaxND.axis < rank else -1
    if rank >= 3 and axis == rank - 3:
        draft.replace(layer, "softmax", list(layer.input))
        return old
    if rank > 2 or axis != rank - 1:
        return None
    image = image_of(draft, layer.input[0])
    result = draft.fresh(f"{old}_image", draft.shapes[image])
    draft.replace(layer, "softmax", [image])
    layer.output[0] = result
    draft.add_squeezed(result, old, after=layer, axes=added_axes(draft.shapes[old]))
    return result


def _keeps_order(layer: Any) -> bool:
    kind = kind_of(layer)
    return kind in _SHAPE_ONLY and (kind != "flatten" or layer.flatten.mode == layer.flatten.CHANNEL_FIRST)


def _is_log(layer: Any) -> bool:
    if kind_of(layer) != "unary":
        return False
    unary = layer.unary
    return unary.type == unary.LOG and unary.shift == 0 and unary.scale in (0, 1)  # zero means 1


def _is_single_vector(draft: Draft, blob: str) -> bool:
    """Whether all axes but one have the size 1."""
    shape = draft.shapes.get(blob)
    return shape is not None and max(shape, default=0) == math.prod(shape)
