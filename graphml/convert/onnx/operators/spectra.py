"""Fourier transforms as products with constant matrices, and their windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.operators.products import times_weights
from graphml.convert.onnx.tensors import Array, Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import GraphError, UnsupportedError

_LARGEST_MATRIX = 1 << 24  # elements: 64 MB in the file


def _transform(size: int, length: int, parts: int, *, onesided: bool, inverse: bool) -> tuple[Array, int, int]:
    """The matrix of a discrete Fourier transform.

    Args:
        size: How many values a signal has; it is truncated or padded with zeros to the length.
        length: The length of the transform.
        parts: 1 for real values, 2 for complex ones.
        onesided: Whether the other half of the spectrum follows from the one that is read or written.
        inverse: Whether it is the inverse transform.

    Returns:
        [size * parts, count * results]; how many values it gives, and how many parts each has.
    """
    count = length // 2 + 1 if onesided and not inverse else length
    results = 1 if onesided and inverse else 2
    if size * parts * count * results > _LARGEST_MATRIX:
        raise UnsupportedError(
            f"a transform of {length} values needs too large a matrix, {size * parts} by {count * results}"
        )
    used = min(size, length // 2 + 1 if onesided and inverse else length)
    steps = np.outer(np.arange(size), np.arange(count)) % length  # full turns are removed exactly, as integers
    turns: Any = np.exp((2j if inverse else -2j) * np.pi * steps / length) * (np.arange(size) < used)[:, None]
    if inverse:
        turns /= length
    if onesided and inverse:
        twice = np.full(size, 2.0)
        twice[0] = 1.0
        if length % 2 == 0 and size > length // 2:
            twice[length // 2] = 1.0
        turns *= twice[:, None]
    matrix = np.empty((size, parts, count, results))
    matrix[:, 0, :, 0] = turns.real
    if results == 2:
        matrix[:, 0, :, 1] = turns.imag
    if parts == 2:
        matrix[:, 1, :, 0] = -turns.imag
        if results == 2:
            matrix[:, 1, :, 1] = turns.real
    return matrix.reshape(size * parts, count * results).astype(np.float32), count, results


def _dft(w: Writer, x: Tensor, length: Tensor | None, axis: int, inverse: bool, onesided: bool) -> Tensor:
    at = x.axis(axis)
    size, parts = x.shape[at], x.shape[-1]
    if size is None or parts not in (1, 2) or at == x.rank - 1:
        raise UnsupportedError(f"it transforms axis {at} of the shape {list(x.shape)}; its size must be fixed")
    if onesided and parts != (2 if inverse else 1):
        raise GraphError("a one-sided transform is from real to complex values, its inverse from complex to real ones")
    default = 2 * (size - 1) if onesided and inverse else size
    count = _length(w, length, at, default, onesided and not inverse)
    matrix, made, results = _transform(size, count, parts, onesided=onesided, inverse=inverse)
    others = [axis for axis in range(x.rank - 1) if axis != at]
    turned = basics.transpose(w, x, [*others, at, x.rank - 1])
    rows = basics.reshape(w, turned, [(*s[:-2], size * parts) for s in turned.shapes], [x])
    spectrum = times_weights(w, rows, matrix)
    apart = basics.reshape(w, spectrum, [(*s[:-1], made, results) for s in spectrum.shapes], [x])
    order = [*others, at, x.rank - 1]
    return basics.transpose(w, apart, [order.index(axis) for axis in range(x.rank)])


def _length(w: Writer, length: Tensor | None, at: int, default: int, halved: bool) -> int:
    declared = static.declared_shapes(w)
    if length is not None and length.constant is None and declared is not None and not halved:
        return declared[0][at]
    return int(static.number(length, "dft_length", default))


@operator("DFT", since=17, until=19)
def dft_by_attribute(
    w: Writer, x: Tensor, length: Tensor | None = None, *, axis: int = 1, inverse: int = 0, onesided: int = 0
) -> Tensor:
    return _dft(w, x, length, axis, bool(inverse), bool(onesided))


@operator("DFT", since=20)
def dft(
    w: Writer,
    x: Tensor,
    length: Tensor | None = None,
    axis: Tensor | None = None,
    *,
    inverse: int = 0,
    onesided: int = 0,
) -> Tensor:
    return _dft(w, x, length, int(static.number(axis, "axis", -2)), bool(inverse), bool(onesided))


@operator("STFT")
def stft(
    w: Writer,
    signal: Tensor,
    frame_step: Tensor,
    window: Tensor | None = None,
    frame_length: Tensor | None = None,
    *,
    onesided: int = 1,
) -> Tensor:
    """Sliding windows of the signal, each multiplied by one matrix."""
    parts = signal.shape[2] if signal.rank == 3 else 1
    if parts not in (1, 2):
        raise GraphError(f"the signal has the shape {list(signal.shape)}; its last axis must have size 1 or 2")
    size = window.shape[0] if window is not None else signal.shape[1]
    if frame_length is not None and (window is None or frame_length.constant is not None):
        size = int(static.number(frame_length, "frame_length", 0))
    if size is None:
        raise UnsupportedError("the length of a frame must be fixed")
    step = int(static.number(frame_step, "frame_step", 0))
    matrix, count, _ = _transform(size, size, parts, onesided=bool(onesided), inverse=False)
    frames = w.layer("slidingWindows", [signal], axis=1, window_size=size, step=step)
    factors = None if window is None else window.constant
    if window is not None and factors is None:
        frames = basics.multiply(w, frames, basics.reshape(w, window, [(size, *(1,) * (signal.rank - 2))] * w.sets))
    elif factors is not None:
        matrix = matrix * np.repeat(np.asarray(factors, np.float32), parts)[:, None]
    rows = basics.reshape(w, frames, [(*s[:2], size * parts) for s in frames.shapes], [frames])
    spectrum = times_weights(w, rows, matrix)
    return basics.reshape(w, spectrum, [(*s[:2], count, 2) for s in spectrum.shapes], [spectrum])


# Coefficients of the cosines with 0, 1 and 2 periods over the window.
_WINDOWS = {
    "HannWindow": (0.5, -0.5, 0.0),
    "HammingWindow": (25 / 46, -21 / 46, 0.0),
    "BlackmanWindow": (0.42, -0.5, 0.08),
}


@operator(*_WINDOWS)
def window(w: Writer, size: Tensor, *, output_datatype: int = 1, periodic: int = 1) -> Tensor:
    """A constant: its size is known, or given by the declared result."""
    from graphml.convert.onnx.model import element_type

    declared = static.declared_shapes(w)
    count = declared[0][0] if size.constant is None and declared is not None else int(static.number(size, "size", 0))
    turns = 2 * math.pi * np.arange(count) / (count if periodic else count - 1)
    a, b, c = _WINDOWS[w.node.kind]
    made: Any = a + b * np.cos(turns) + c * np.cos(2 * turns)
    return w.constant(made, element_type(output_datatype))


@operator("MelWeightMatrix")
def mel_weight_matrix(w: Writer, *numbers: Tensor, output_datatype: int = 1) -> Tensor:
    """Of constants, so it is folded; it never depends on the data."""
    for each, what in zip(
        numbers, ("num_mel_bins", "dft_length", "sample_rate", "lower_edge_hertz", "upper_edge_hertz"), strict=True
    ):
        static.required(each, what)
    raise UnsupportedError("its parameters do not give a matrix")
