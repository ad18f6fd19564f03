"""Array inputs that become images, and the transposition that this may take."""

from __future__ import annotations

from typing import Any

from graphml.build.core import Core
from graphml.errors import SpecError
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

# What brings [.., height, width, channels] to [.., channels, height, width].
_TO_CHANNELS_FIRST = ([2, 0, 1], [0, 3, 1, 2])


def make_image(builder: Core, feature: Any, is_bgr: bool, layout: str) -> None:
    """Declare an array input to be an image of its size. layout: NCHW or NHWC, how the array was laid out.

    Raises SpecError for shapes that are no images. What is an image already stays as it is.
    """
    if layout.upper() not in ("NCHW", "NHWC"):
        raise SpecError(f"image_format is {layout!r}, which is none of NCHW, NHWC")
    if feature.type.WhichOneof("Type") != "multiArrayType":
        return
    shape = list(feature.type.multiArrayType.shape)
    last = layout.upper() == "NHWC"
    sizes = (shape[-1], *shape[-3:-1]) if last else shape[-3:]
    if len(shape) not in (3, 4) or sizes[0] not in (1, 3):
        what = f"the input {feature.name!r} {shape} is no image in {layout}"
        raise SpecError(f"{what}: it has rank 3 or 4, and 1 or 3 channels")
    channels, height, width = sizes
    if last:
        _lay_out_as_before(builder, feature.name, len(shape))
    image = feature.type.imageType  # replaces the array
    image.width, image.height = width, height
    image.colorSpace = image.GRAYSCALE if channels == 1 else image.BGR if is_bgr else image.RGB


def _lay_out_as_before(builder: Core, name: str, rank: int) -> None:
    """Images arrive as [.., channels, height, width]: let the layers see [.., height, width, channels] all the same."""
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
    # images have an axis for the batch, which arrays of rank 3 had not
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
    """Remove layers; who read what they wrote reads `name`."""
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
