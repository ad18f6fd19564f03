"""Convolutions and their transposes over one to three axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Array, Tensor
from graphml.convert.onnx.windows import Cut, Pair, Windows, windows
from graphml.convert.onnx.writer import Writer
from graphml.errors import ShapeError, UnsupportedError
from graphml.spec.attributes import Choice

# Convolution ---------------------------------------------------------------------------------------------------------


@operator("Conv")
def conv(
    w: Writer,
    x: Tensor,
    weights: Tensor,
    bias: Tensor | None = None,
    *,
    kernel_shape: tuple[int, ...] | None = None,
    strides: tuple[int, ...] | None = None,
    dilations: tuple[int, ...] | None = None,
    pads: tuple[int, ...] | None = None,
    auto_pad: str = "NOTSET",
    group: int = 1,
) -> Tensor:
    kernel = _kernel(x, weights)
    moved = windows(x, kernel, strides, dilations, pads, auto_pad)
    if x.shape[1] is not None and x.shape[1] != group * (weights.shape[1] or 0):
        raise ShapeError(f"x has {x.shape[1]} channels, the weights expect {group * (weights.shape[1] or 0)}")
    known, added = weights.constant, None if bias is None else bias.constant
    if known is None:
        made = _with_moving_weights(w, x, weights, moved, group)
        return made if bias is None else _add_bias(w, made, bias)
    made = convolve(w, x, known, added, moved, group)
    return made if bias is None or added is not None else _add_bias(w, made, bias)


def convolve(w: Writer, x: Tensor, weights: Array, bias: Array | None, moved: Windows, groups: int = 1) -> Tensor:
    """A convolution layer with constant weights.

    Args:
        w: The writer.
        x: [batch, channels, *axes], one to three axes.
        weights: [out, channels / groups, *kernel].
        bias: [out].
        moved: How the kernel moves over x.
        groups: Parts of the channels that are convolved separately.
    """
    fields: dict[str, Any] = {
        "weights": weights,
        "n_groups": groups,
        "output_channels": weights.shape[0],
        **_bias_fields(bias),
    }
    if x.rank == 5:
        return w.layer("convolution3d", [x], input_channels=weights.shape[1] * groups, **fields, **_volume(x, moved))

    def convert(image: Tensor, placed: Windows) -> Tensor:
        own = {**fields, "weights": weights.reshape(*weights.shape[:2], *placed.kernel)}
        return _image_convolution(w, [image], weights.shape[1], placed, own)

    return on_image(w, x, moved, convert)


def on_image(w: Writer, x: Tensor, moved: Windows, convert: Callable[[Tensor, Windows], Tensor]) -> Tensor:
    """Apply a layer for images to a signal, as an image of height 1."""
    if x.rank == 4:
        return convert(x, moved)
    return basics.squeeze(w, convert(basics.expand_dims(w, x, [2]), moved.lifted()), [2])


def _image_convolution(
    w: Writer, inputs: list[Tensor], channels: int, moved: Windows, fields: dict[str, Any]
) -> Tensor:
    return w.layer(
        "convolution",
        inputs,
        **fields,
        kernel_channels=channels,
        kernel_size=moved.kernel,
        stride=moved.strides,
        dilation_factor=moved.dilations,
        convolution_padding_type=image_padding(inputs[0], moved),
    )


def image_padding(x: Tensor, moved: Windows) -> Choice:
    """The padding of a layer for images."""
    if moved.same:
        side = "BOTTOM_RIGHT_HEAVY" if moved.same == "UPPER" else "TOP_LEFT_HEAVY"
        return Choice("same", {"asymmetry_mode": side})
    return Choice("valid", {"padding_amounts": moved.all_pads(x)})


def volume_padding(pads: tuple[Pair, ...]) -> dict[str, Any]:
    """The fields of the padding of a layer for volumes."""
    sides = (("front", "back"), ("top", "bottom"), ("left", "right"))
    amounts = {
        f"custom_padding_{side}": amount
        for names, both in zip(sides, pads, strict=True)
        for side, amount in zip(names, both, strict=True)
    }
    return {"padding_type": "CUSTOM", **amounts}


def volume_fields(name: str, values: tuple[int, ...]) -> dict[str, int]:
    """One field for each direction of a layer for volumes."""
    return {f"{name}_{axis}": value for axis, value in zip(("depth", "height", "width"), values, strict=True)}


def _volume(x: Tensor, moved: Windows) -> dict[str, Any]:
    upper = moved.same == "UPPER"
    return {
        **volume_fields("kernel", moved.kernel),
        **volume_fields("stride", moved.strides),
        **volume_fields("dilation", moved.dilations),
        **({"padding_type": "SAME"} if upper else volume_padding(moved.all_pads(x))),
    }


def _with_moving_weights(w: Writer, x: Tensor, weights: Tensor, moved: Windows, groups: int) -> Tensor:
    """A convolution with computed weights, which only the layer for images supports, and only without dilation. A
    volume is convolved slice by slice."""
    for axis, gap in enumerate(moved.dilations, 2):
        weights = _spread(w, weights, axis, gap)
    moved = replace(moved, kernel=moved.reach, dilations=(1,) * len(moved.kernel))
    fields = {"n_groups": groups, "output_channels": weights.shape[0] or 0}
    channels = weights.shape[1] or 0
    if x.rank <= 4:
        second = weights if x.rank == 4 else basics.expand_dims(w, weights, [2])
        return on_image(
            w, x, moved, lambda image, placed: _image_convolution(w, [image, second], channels, placed, fields)
        )
    pads = moved.all_pads(x)
    before, after = pads[0]
    x = pad_zeros(w, x, {2: (before, after)})
    slices = basics.transpose(w, x, [0, 2, 1, 3, 4])
    flat = replace(
        moved, kernel=moved.kernel[1:], strides=moved.strides[1:], dilations=moved.dilations[1:], pads=pads[1:], same=""
    )
    parts: list[Tensor] = []
    for tap in range(moved.kernel[0]):
        part = basics.slice_axis(w, slices, 1, tap, (tap + 1 - moved.kernel[0]) or None, moved.strides[0])
        kernel = basics.squeeze(w, basics.slice_axis(w, weights, 2, tap, tap + 1), [2])
        images = basics.reshape(w, part, [(s[0] * s[1], *s[2:]) for s in part.shapes], [part])
        done = _image_convolution(w, [images, kernel], channels, flat, fields)
        shapes = [(*a[:2], *b[1:]) for a, b in zip(part.shapes, done.shapes, strict=True)]
        parts.append(basics.reshape(w, done, shapes, [part, done]))
    total = parts[0]
    for part in parts[1:]:
        total = basics.add(w, total, part)
    return basics.transpose(w, total, [0, 2, 1, 3, 4])


def pad_zeros(w: Writer, x: Tensor, amounts: dict[int, Pair], value: float = 0.0) -> Tensor:
    """x padded with (before, after) elements of one value along some axes."""
    if not any(amount for both in amounts.values() for amount in both):
        return x
    flat = [amount for axis in range(x.rank) for amount in amounts.get(axis, (0, 0))]
    return w.layer("constantPad", [x], pad_amounts=flat, value=value)


# Transposed convolution ----------------------------------------------------------------------------------------------


@operator("ConvTranspose")
def conv_transpose(
    w: Writer,
    x: Tensor,
    weights: Tensor,
    bias: Tensor | None = None,
    *,
    kernel_shape: tuple[int, ...] | None = None,
    strides: tuple[int, ...] | None = None,
    dilations: tuple[int, ...] | None = None,
    pads: tuple[int, ...] | None = None,
    auto_pad: str = "NOTSET",
    output_padding: tuple[int, ...] | None = None,
    output_shape: tuple[int, ...] | None = None,
    group: int = 1,
) -> Tensor:
    """The transpose crops what the padding of a convolution adds."""
    moved = windows(x, _kernel(x, weights), strides, dilations, pads, auto_pad)
    extra = output_padding or (0,) * (x.rank - 2)
    crops = _crops(x, moved, extra, None if output_shape is None else output_shape[2 - x.rank :])
    known, added = weights.constant, None if bias is None else bias.constant
    if known is None:
        made = _transpose_with_moving_weights(w, x, weights, moved, crops, group)
        return made if bias is None else _add_bias(w, made, bias)
    made = transpose_convolve(w, x, known, added, moved, crops, group)
    return made if bias is None or added is not None else _add_bias(w, made, bias)


def _crops(x: Tensor, moved: Windows, extra: tuple[int, ...], output_shape: tuple[int, ...] | None) -> tuple[Pair, ...]:
    """What is cropped (before, after) on each axis of the full result; negative where it grows."""
    found: list[Pair] = []
    for axis, (reach, stride) in enumerate(zip(moved.reach, moved.strides, strict=True)):
        size = x.shape[2 + axis]
        if output_shape is None and not moved.same:
            before, after = moved.pads[axis]
            found.append((before, after - extra[axis]))
            continue
        if output_shape is None:
            total = reach + extra[axis] - stride
            cut = max(0, total)
        elif size is None:
            raise UnsupportedError("output_shape needs an image of fixed size")
        else:
            total = (size - 1) * stride + extra[axis] + reach - output_shape[axis]
            cut = max(0, total)
        before = cut // 2 if moved.same == "UPPER" else cut - cut // 2
        found.append((before, total - before - extra[axis]))
    return tuple(found)


def transpose_convolve(
    w: Writer,
    x: Tensor,
    weights: Array,
    bias: Array | None,
    moved: Windows,
    crops: tuple[Pair, ...],
    groups: int = 1,
) -> Tensor:
    """A deconvolution layer.

    Args:
        w: The writer.
        x: [batch, channels, *axes], one to three axes.
        weights: [channels, out / groups, *kernel].
        bias: [out].
        moved: How the kernel moves over the result; its padding is ignored.
        crops: What is cropped (before, after) on each axis of the result. If one is negative, zeros at the end of the
            kernel make the result longer.
        groups: Parts of the channels that are convolved separately.
    """
    longer = [-(-max(0, -after) // gap) for (_, after), gap in zip(crops, moved.dilations, strict=True)]
    if any(longer):
        weights = np.pad(weights, [(0, 0), (0, 0), *((0, more) for more in longer)])
        crops = tuple(
            (before, after + more * gap)
            for (before, after), more, gap in zip(crops, longer, moved.dilations, strict=True)
        )
        moved = replace(moved, kernel=tuple(weights.shape[2:]))
    moved = replace(moved, pads=crops, same="")
    outputs = weights.shape[1] * groups
    fields: dict[str, Any] = {"weights": weights, "n_groups": groups, "output_channels": outputs, **_bias_fields(bias)}
    fields["is_deconvolution"] = True
    if x.rank == 5:
        return w.layer("convolution3d", [x], input_channels=weights.shape[0], **fields, **_volume(x, moved))

    def convert(image: Tensor, placed: Windows) -> Tensor:
        own: dict[str, Any] = {**fields, "weights": weights.reshape(*weights.shape[:2], *placed.kernel)}
        return w.layer(
            "convolution",
            [image],
            **own,
            kernel_channels=weights.shape[0],
            kernel_size=placed.kernel,
            stride=placed.strides,
            dilation_factor=placed.dilations,
            convolution_padding_type=Choice("valid", {"padding_amounts": placed.pads}),
        )

    return on_image(w, x, moved, convert)


def _transpose_with_moving_weights(
    w: Writer, x: Tensor, weights: Tensor, moved: Windows, crops: tuple[Pair, ...], groups: int
) -> Tensor:
    """The convolution of x, with zeros between its elements, with the flipped kernel."""
    inputs, outputs = weights.shape[0] or 0, weights.shape[1] or 0
    kernel = w.layer("reverse", [weights], reverse_dim=[False, False, *[True] * (x.rank - 2)])
    taps = math.prod(moved.kernel)
    parts = basics.reshape(w, kernel, [(groups, inputs // groups, outputs, taps)] * w.sets)
    turned = basics.transpose(w, parts, [0, 2, 1, 3])
    kernel = basics.reshape(w, turned, [(groups * outputs, inputs // groups, *moved.kernel)] * w.sets)
    for axis, stride in enumerate(moved.strides, 2):
        x = _spread(w, x, axis, stride)
    pads = [(reach - 1 - before, reach - 1 - after) for reach, (before, after) in zip(moved.reach, crops, strict=True)]
    cuts: dict[int, Cut] = {
        axis: (max(0, -before), -max(0, -after) or None, 1) for axis, (before, after) in enumerate(pads, 2)
    }
    x = basics.slice_axes(w, x, cuts)
    placed = replace(
        moved, strides=(1,) * len(pads), pads=tuple((max(0, before), max(0, after)) for before, after in pads), same=""
    )
    return _with_moving_weights(w, x, kernel, placed, groups)


def _spread(w: Writer, x: Tensor, axis: int, stride: int) -> Tensor:
    """x with zeros between the elements of an axis."""
    if stride == 1:
        return x
    flat = [(math.prod(s[:axis]), s[axis], 1, math.prod(s[axis + 1 :])) for s in x.shapes]
    padded = pad_zeros(w, basics.reshape(w, x, flat, [x]), {2: (0, stride - 1)})
    shapes = [(*s[:axis], s[axis] * stride, *s[axis + 1 :]) for s in x.shapes]
    return basics.slice_axis(w, basics.reshape(w, padded, shapes, [x]), axis, 0, 1 - stride)


# Parts ---------------------------------------------------------------------------------------------------------------


def _kernel(x: Tensor, weights: Tensor) -> tuple[int, ...]:
    if weights.rank != x.rank or weights.rank < 3:
        raise ShapeError(
            f"x has {x.rank} axes and the weights {weights.rank}; both must have the same number, at least three"
        )
    sizes = weights.shape[2:]
    if None in weights.shape:
        raise UnsupportedError("the sizes of the weights depend on the inputs")
    return tuple(size or 0 for size in sizes)


def _bias_fields(bias: Array | None) -> dict[str, Any]:
    return {"has_bias": False} if bias is None else {"has_bias": True, "bias": bias}


def _add_bias(w: Writer, x: Tensor, bias: Tensor) -> Tensor:
    return basics.add(w, x, basics.reshape(w, bias, [(*shape, *(1,) * (x.rank - 2)) for shape in bias.shapes]))


@operator("Col2Im")
def col2im(
    w: Writer,
    x: Tensor,
    image_shape: Tensor,
    block_shape: Tensor,
    *,
    strides: tuple[int, ...] | None = None,
    dilations: tuple[int, ...] | None = None,
    pads: tuple[int, ...] | None = None,
) -> Tensor:
    """A transposed convolution that moves each element of a block to its position."""
    image, block = (
        tuple(int(size) for size in np.ravel(static.required(each, what)))
        for each, what in ((image_shape, "image_shape"), (block_shape, "block_shape"))
    )
    taps, count = math.prod(block), len(block)
    if x.shape[1] is None or x.shape[1] % taps:
        raise ShapeError(f"the blocks have {taps} elements, which do not divide the {x.shape[1]} rows of x")
    if not 1 <= count <= 3:
        raise UnsupportedError(f"it has {count} spatial axes; a network has layers for one to three")
    channels, ones = x.shape[1] // taps, (1,) * count
    before_after = tuple(zip((pads or (0,) * 2 * count)[:count], (pads or (0,) * 2 * count)[count:], strict=True))
    moved = Windows(block, strides or ones, dilations or ones, before_after)
    each = zip(image, moved.reach, moved.strides, before_after, strict=True)
    steps = [(size + sum(both) - reach) // stride + 1 for size, reach, stride, both in each]
    blocks = basics.reshape(w, x, [(shape[0], shape[1], *steps) for shape in x.shapes])
    kernel = np.tile(np.eye(taps, dtype=np.float32).reshape(taps, 1, *block), (channels, *(1,) * (count + 1)))
    full = [(step - 1) * stride + reach for step, stride, reach in zip(steps, moved.strides, moved.reach, strict=True)]
    crops = tuple((both[0], f - size - both[0]) for f, size, both in zip(full, image, before_after, strict=True))
    return transpose_convolve(w, blocks, kernel, None, moved, crops, channels)
