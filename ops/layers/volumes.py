"""Convolution and pooling over volumes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.catalogue import Target, target
from graphml.errors import ShapeError
from graphml.ops.layers import windows
from graphml.ops.layers.convolution import cut_off, cut_to
from graphml.ops.layers.convolution_forms import (
    Cut,
    Plain,
    Spread,
    Window,
    Winograd,
    choose,
    choose_transposed,
    transposed,
)
from graphml.ops.layers.dialect import layer
from graphml.ops.layers.pooling import max_pool, mean_pool, pool_everything
from graphml.ops.layers.windows import Pair

Extents = tuple[int, ...]


class Slabs(NamedTuple):
    """The kernel as a stack of images: a sum over its depth of convolutions over images, each in its best form."""

    forms: tuple

    def __call__(self, x, window: Window):
        images = _images(x, len(self.forms), window)
        total = reduce(jnp.add, (form(image, _flat(window)) for form, image in zip(self.forms, images, strict=True)))
        return total.reshape(x.shape[0], -1, *total.shape[1:])


class Stacked(NamedTuple):
    """The same without groups as one convolution: the images that a kernel sees at once lie side by side in the
    channels. `form` is one that holds the kernel as it is, [height, width, depth times channels in, channels out]."""

    form: Any

    @classmethod
    def of(cls, kernel, window: Window, target: Target) -> Stacked:
        flat = jnp.concatenate(list(kernel), axis=2)
        form = choose(flat, window, target)
        # Winograd's products would be as large as the volume, sixteen times
        return cls(Plain(flat) if isinstance(form, Winograd) else form)

    def __call__(self, x, window: Window):
        images = _images(x, self.form.kernel.shape[2] // x.shape[-1], window)
        y = self.form(jnp.concatenate(images, axis=-1), _flat(window))
        return y.reshape(x.shape[0], -1, *y.shape[1:])


def _images(x, deep: int, window: Window) -> list[Any]:
    """What each slice of a kernel sees, as [batch times depth, height, width, channels]."""
    stride, dilation, padding = window.stride[0], window.dilation[0], window.padding[0]
    count = windows.steps(x.shape[1], (deep - 1) * dilation + 1, stride, padding)
    x = jnp.pad(x, ((0, 0), padding, (0, 0), (0, 0), (0, 0)))
    firsts = (depth * dilation for depth in range(deep))
    seen = (x[:, first : first + (count - 1) * stride + 1 : stride] for first in firsts)
    return [part.reshape(-1, *part.shape[2:]) for part in seen]


def _flat(window: Window) -> Window:
    return Window(window.stride[1:], window.padding[1:], window.dilation[1:], window.groups)


class SpreadSlabs(NamedTuple):
    """The same for a deconvolution: each slice of the kernel adds to every `stride`-th image, from its depth on."""

    forms: tuple

    def __call__(self, x, cut: Cut):
        batch, deep = x.shape[:2]
        flat = Cut(cut.kernel[1:], cut.stride[1:], cut.start[1:], cut.size[1:], cut.groups)
        images = x.reshape(batch * deep, *x.shape[2:])
        end = (deep - 1) * cut.stride[0] + 1
        total = jnp.zeros((), x.dtype)
        for depth, form in enumerate(self.forms):
            part = form(images, flat)
            first = depth - cut.start[0]
            widths = [(0, 0, 0)] * 5
            widths[1] = (first, cut.size[0] - first - end, cut.stride[0] - 1)
            total = total + lax.pad(part.reshape(batch, deep, *part.shape[1:]), jnp.zeros((), x.dtype), widths)
        return total


def _prepare(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    kernel, groups, on_cpu = weights["weights"], attributes["n_groups"], target().platform == "cpu"
    stride, dilation = _stride(**attributes), _dilation(**attributes)
    if attributes["is_deconvolution"]:
        kernel = transposed(kernel, groups, dilation)
        slices = (choose_transposed(part, stride[1:], groups, target()) for part in kernel)
        return {**weights, "weights": SpreadSlabs(tuple(slices)) if on_cpu else Spread(kernel)}
    kernel = kernel.transpose(2, 3, 4, 1, 0)
    if not on_cpu:
        return {**weights, "weights": Plain(kernel)}
    flat = Window(stride[1:], dilation=dilation[1:], groups=groups)
    if groups == 1:
        return {**weights, "weights": Stacked.of(kernel, flat, target())}
    return {**weights, "weights": Slabs(tuple(choose(part, flat, target()) for part in kernel))}


@layer("convolution3d", wire_only=("output_channels", "has_bias"), prepare=_prepare)
def convolution_3d(
    x,
    *,
    input_channels: int,
    n_groups: int,
    kernel_depth: int,
    kernel_height: int,
    kernel_width: int,
    stride_depth: int,
    stride_height: int,
    stride_width: int,
    dilation_depth: int,
    dilation_height: int,
    dilation_width: int,
    padding_type: str,
    custom_padding_front: int,
    custom_padding_back: int,
    custom_padding_top: int,
    custom_padding_bottom: int,
    custom_padding_left: int,
    custom_padding_right: int,
    is_deconvolution: bool,
    output_shape: tuple[int, ...],
    weights,
    bias,
):
    """Each output element is the sum of products of a kernel with the box of the volume around it.

    x: [batch, channels, depth, height, width]; returns the same rank with the layer's output channels. Padding with
    zeros is CUSTOM (given amounts), VALID (none) or SAME (the size divided by the stride; the odd zero at the end). A
    deconvolution is the transpose: padding cuts the result, and `output_shape`, when given, takes its place.
    Raises ShapeError when channels do not match or the window does not fit.
    Source: Convolution3DLayerParams (spec 5).
    """
    fields = locals()
    if x.ndim != 5:
        raise ShapeError(f"x has rank {x.ndim}; it is [batch, channels, depth, height, width]")
    if x.shape[1] != input_channels:
        raise ShapeError(f"x has {x.shape[1]} channels, the weights expect {input_channels}")
    x = jnp.moveaxis(x, 1, -1)
    sizes, stride, dilation = x.shape[1:4], _stride(**fields), _dilation(**fields)
    kernel = windows.reach(_kernel(**fields), dilation)
    if is_deconvolution:
        if output_shape or padding_type == "SAME":
            wanted = output_shape or tuple(n * s for n, s in zip(sizes, stride, strict=True))
            cut = cut_to(sizes, kernel, stride, windows.extents(wanted, "output shape", axes=3))
        else:
            cut = cut_off(sizes, kernel, stride, _padding(sizes, kernel, stride, **fields))
        y = weights(x, cut._replace(groups=n_groups))
    else:
        padding = _padding(sizes, kernel, stride, **fields)
        for n, k, s, both in zip(sizes, kernel, stride, padding, strict=True):
            windows.steps(n, k, s, both)
        y = weights(x, Window(stride, padding, dilation, n_groups))
    return jnp.moveaxis(y if bias is None else y + bias, -1, 1)


@layer("pooling3d")
def pooling_3d(
    x,
    *,
    type: str,
    kernel_depth: int,
    kernel_height: int,
    kernel_width: int,
    stride_depth: int,
    stride_height: int,
    stride_width: int,
    padding_type: str,
    custom_padding_front: int,
    custom_padding_back: int,
    custom_padding_top: int,
    custom_padding_bottom: int,
    custom_padding_left: int,
    custom_padding_right: int,
    count_exclude_padding: bool,
):
    """The maximum or the mean of each box of a volume.

    x: [batch, channels, depth, height, width]; returns the same rank. Padding as for `convolution_3d`; it never wins a
    maximum, as in `pooling`, and counts in a mean unless `count_exclude_padding`.
    Source: Pooling3DLayerParams (spec 5).
    """
    fields = locals()
    if x.ndim != 5:
        raise ShapeError(f"x has rank {x.ndim}; it is [batch, channels, depth, height, width]")
    x = jnp.moveaxis(x, 1, -1)
    sizes, kernel, stride = x.shape[1:4], _kernel(**fields), _stride(**fields)
    padding = _padding(sizes, kernel, stride, **fields)
    for n, k, s, both in zip(sizes, kernel, stride, padding, strict=True):
        windows.steps(n, k, s, both)
    if type == "MAX":
        y = max_pool(x, (1, 2, 3), kernel, stride, padding)
    else:
        y = mean_pool(x, (1, 2, 3), kernel, stride, padding, ((0, 0),) * 3 if count_exclude_padding else padding)
    return jnp.moveaxis(y, -1, 1)


@layer("globalPooling3d")
def global_pooling_3d(x, *, type: str):
    """The maximum or the mean of each channel of a volume.

    x: [batch, channels, depth, height, width]; returns [batch, channels, 1, 1, 1].
    Source: GlobalPooling3DLayerParams (spec 5).
    """
    if x.ndim != 5:
        raise ShapeError(f"x has rank {x.ndim}; it is [batch, channels, depth, height, width]")
    return pool_everything(x, (2, 3, 4), type)


# The wire has a field for each direction -----------------------------------------------------------------------------


def _kernel(*, kernel_depth, kernel_height, kernel_width, **_) -> Extents:
    return windows.extents((kernel_depth, kernel_height, kernel_width), "kernel size", axes=3)


def _stride(*, stride_depth, stride_height, stride_width, **_) -> Extents:
    return windows.extents((stride_depth, stride_height, stride_width), "stride", axes=3)


def _dilation(*, dilation_depth, dilation_height, dilation_width, **_) -> Extents:
    return windows.extents((dilation_depth, dilation_height, dilation_width), "dilation", axes=3)


def _padding(
    sizes,
    kernel,
    stride,
    *,
    padding_type,
    custom_padding_front,
    custom_padding_back,
    custom_padding_top,
    custom_padding_bottom,
    custom_padding_left,
    custom_padding_right,
    **_,
) -> tuple[Pair, ...]:
    """(before, after) of depth, height and width."""
    if padding_type == "VALID":
        return ((0, 0),) * 3
    if padding_type == "SAME":
        return tuple(windows.same(n, k, s) for n, k, s in zip(sizes, kernel, stride, strict=True))
    amounts = (
        (custom_padding_front, custom_padding_back),
        (custom_padding_top, custom_padding_bottom),
        (custom_padding_left, custom_padding_right),
    )
    if np.min(amounts) < 0:
        raise ShapeError(f"custom padding is {list(amounts)}; no amount is negative")
    return amounts
