"""Convolutions over volumes as convolutions over images. XLA has no kernel for volumes on CPUs.

Measured with jaxlib 0.10.2. A form holds a kernel in its own arrangement and is called with volumes
[batch, depth, height, width, channels] and a window.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.convolution import (
    Convolution,
    ConvolutionForm,
    ConvolutionWindow,
    TransposedForm,
    TransposedWindow,
)
from graphml.ops.kernels.cpu.convolution import FormChoice, Winograd
from graphml.ops.kernels.windows import window_count


class SumOfSlices(NamedTuple):
    """A grouped kernel: the sum over its depth of convolutions over images, one form for each."""

    forms: tuple[ConvolutionForm, ...]

    def __call__(self, x: Array, window: ConvolutionWindow) -> Array:
        images = _images(x, len(self.forms), window)
        parts = (form(image, _without_depth(window)) for form, image in zip(self.forms, images, strict=True))
        total = reduce(jnp.add, parts)
        return total.reshape(x.shape[0], -1, *total.shape[1:])


class StackedSlices(NamedTuple):
    """A kernel without groups as one convolution: the slices that it covers become the channels of one image."""

    form: Any  # a form whose `kernel` is [height, width, depth * channels in, channels out]

    @classmethod
    def of(cls, kernel: Array, window: ConvolutionWindow, choose: FormChoice) -> StackedSlices:
        """Flatten a kernel.

        Args:
            kernel: [depth, height, width, channels in, channels out].
            window: over images.
            choose: (kernel, window) -> the form of the convolution over images.

        Returns:
            The form.
        """
        flat = jnp.concatenate(list(kernel), axis=2)
        form = choose(flat, window)
        # the products of Winograd's form would take sixteen times the memory of the volume
        return cls(Convolution(flat) if isinstance(form, Winograd) else form)

    def __call__(self, x: Array, window: ConvolutionWindow) -> Array:
        images = _images(x, self.form.kernel.shape[2] // x.shape[-1], window)
        y = self.form(jnp.concatenate(images, axis=-1), _without_depth(window))
        return y.reshape(x.shape[0], -1, *y.shape[1:])


class SumOfTransposedSlices(NamedTuple):
    """A transposed convolution: each slice of the kernel adds to every `stride`-th image of the result, from its own
    depth on. One form for each depth of the kernel."""

    forms: tuple[TransposedForm, ...]

    def __call__(self, x: Array, window: TransposedWindow) -> Array:
        batch, deep = x.shape[:2]
        flat = TransposedWindow(window.kernel[1:], window.stride[1:], window.start[1:], window.size[1:], window.groups)
        images = x.reshape(batch * deep, *x.shape[2:])
        end = (deep - 1) * window.stride[0] + 1
        total = jnp.zeros((), x.dtype)
        for depth, form in enumerate(self.forms):
            part = form(images, flat)
            first = depth - window.start[0]
            widths = [(0, 0, 0)] * 5
            widths[1] = (first, window.size[0] - first - end, window.stride[0] - 1)
            total = total + lax.pad(part.reshape(batch, deep, *part.shape[1:]), jnp.zeros((), x.dtype), widths)
        return total


def _images(x: Array, deep: int, window: ConvolutionWindow) -> list[Array]:
    """What each slice of a kernel of depth `deep` sees, as [batch * new depth, height, width, channels]."""
    stride, dilation, padding = window.stride[0], window.dilation[0], window.padding[0]
    count = window_count(x.shape[1], (deep - 1) * dilation + 1, stride, padding)
    x = jnp.pad(x, ((0, 0), padding, (0, 0), (0, 0), (0, 0)))
    firsts = (depth * dilation for depth in range(deep))
    seen = (x[:, first : first + (count - 1) * stride + 1 : stride] for first in firsts)
    return [part.reshape(-1, *part.shape[2:]) for part in seen]


def _without_depth(window: ConvolutionWindow) -> ConvolutionWindow:
    return ConvolutionWindow(window.stride[1:], window.padding[1:], window.dilation[1:], window.groups)
