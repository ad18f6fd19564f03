"""Turns array inputs into images, and transposes them back for the layers."""

from __future__ import annotations

from typing import Any

from graphml.build.core import Core
from graphml.errors import SpecError
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

# The transposes from [.., height, width, channels] to [.., channels, height, width].
_TO_CHANNELS_FIRST = ([2, 0, 1], [0, 3, 1, 2])


def make_image(builder: Core, feature: Any, is_bgr: bool, layout: str) -> None:
    """Turn an array input into an image of the same size. An input that already is an image is not changed.

    Args:
        builder: The builder of the network, whose layers may be changed.
        feature: The description of the input.
        is_bgr: Whether three channels are blue, green, red.
        layout: "NCHW" or "NHWC": the layout of the array.

    Raises:
        SpecError: If the shape is not that of an image, or the layout is unknown.
    """
    if layout.upper() not in ("NCHW", "NHWC"):
        raise SpecError(f"image_format is {layout!r}; expected NCHW or NHWC")
    if feature.type.WhichOneof("Type") != "multiArrayType":
        return
    shape = list(feature.type.multiArrayType.shape)
    last = layout.upper() == "NHWC"
    sizes = (shape[-1], *shape[-3:-1]) if last else shape[-3:]
    if len(shape) not in (3, 4) or sizes[0] not in (1, 3):
        raise SpecError(
            f"input {feature.name!r} of shape {shape} cannot be an image in {layout}; "
            "expected rank 3 or 4 with 1 or 3 channels"
        )
    channels, height, width = sizes
    if last:
        _lay_out_as_before(builder, feature.name, len(shape))
    if builder.network.arrayInputShapeMapping:  # as arrays do, images enter without the axes of older networks
        builder.network.imageInputShapeMapping = 1
    image = feature.type.imageType  # replaces the array
    image.width, image.height = width, height
    image.colorSpace = image.GRAYSCALE if channels == 1 else image.BGR if is_bgr else image.RGB


def _lay_out_as_before(builder: Core, name: str, rank: int) -> None:
    """Transpose an image input to [.., height, width, channels] for the layers, which were built for that layout.

    If the layers only transpose the input to [.., channels, height, width], the layout of images, these layers are
    removed instead.
    """
    messages = builder.network.layers
    readers = [layer for layer in messages if name in layer.input]
    given = {feature.name for feature in builder.spec.description.output}
    undone = all(
        layer.WhichOneof("layer") == "transpose"
        and list(layer.transpose.axes) in _TO_CHANNELS_FIRST
        and layer.output[0] not in given
        for layer in readers
    )
    if readers and undone:
        _drop(messages, readers, name)
        return
    blob = f"{name}_to_nhwc"
    for layer in messages:
        _rename(layer, {name: blob})
    # images have a batch axis, which arrays of rank 3 do not have
    flat = blob if rank == 4 else f"{blob}_of_batch"
    first = NeuralNetworkLayer(name=flat, input=[name], output=[flat])
    first.transpose.axes.extend([0, 2, 3, 1])
    front = [first]
    if rank == 3:
        squeeze = NeuralNetworkLayer(name=blob, input=[flat], output=[blob])
        squeeze.squeeze.axes.append(0)
        front.append(squeeze)
    rest = list(messages)
    kept = [_copied(layer) for layer in rest]
    del messages[:]
    messages.extend([*front, *kept])


def _drop(messages: Any, unwanted: list[NeuralNetworkLayer], name: str) -> None:
    """Remove layers, and let the readers of their outputs read the blob `name`."""
    names = {layer.output[0]: name for layer in unwanted}
    gone = {layer.name for layer in unwanted}
    for position in reversed(range(len(messages))):
        if messages[position].name in gone:
            del messages[position]
    for layer in messages:
        _rename(layer, names)


def _rename(layer: NeuralNetworkLayer, names: dict[str, str]) -> None:
    for position, blob in enumerate(layer.input):
        layer.input[position] = names.get(blob, blob)


def _copied(layer: NeuralNetworkLayer) -> NeuralNetworkLayer:
    copy = NeuralNetworkLayer()
    copy.CopyFrom(layer)
    return copy
