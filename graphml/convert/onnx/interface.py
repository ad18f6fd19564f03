"""The inputs of a converted model: their types and possible sizes."""

# the onnx package is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

import numpy as np

from graphml.convert.onnx.model import check_names, value_type
from graphml.convert.onnx.tensors import LARGEST_RANK, Shape
from graphml.errors import FeatureError, UnsupportedError, quoted

Axis = int | tuple[int, int | None] | None
"""A size, a range of sizes, or None for any."""

_SIZES = ((1, None),)


@dataclass(frozen=True)
class OnnxInput:
    """An input of the model.

    Attributes:
        name: Its name.
        dtype: Its ONNX type.
        axes: The sizes that it may have.
        shapes: The shape for each set of trial sizes: one, or two if an axis of any input of the model is
            flexible.
    """

    name: str
    dtype: np.dtype[Any]
    axes: tuple[Axis, ...]
    shapes: tuple[Shape, ...]


def interface_inputs(model: Any, given: Mapping[str, Sequence[Axis]]) -> list[OnnxInput]:
    """The inputs of an ONNX model, without those that have a value in the file.

    Args:
        model: The ModelProto.
        given: {input: sizes} that replace those of the file.

    Raises:
        FeatureError: A given name or shape does not fit.
        UnsupportedError: An input is not a numeric tensor of at most five axes, or has unknown rank.
    """
    stored = {tensor.name for tensor in model.graph.initializer}
    declared = {info.name: value_type(info) for info in model.graph.input if info.name not in stored}
    check_names(given, declared)
    axes: dict[str, tuple[Axis, ...]] = {}
    symbols: dict[str, tuple[str, ...]] = {}
    for name, kind in declared.items():
        if kind.dtype is None or kind.dtype.kind in "OSUc":
            raise UnsupportedError(f"the input {quoted(name)} is not a tensor of real numbers")
        axes[name] = _axes(name, kind.shape, given.get(name))
        free = kind.symbols if len(kind.symbols) == len(axes[name]) else ("",) * len(axes[name])
        symbols[name] = tuple(
            symbol or f"{name}[{axis}]" if not isinstance(size, int) else ""
            for axis, (symbol, size) in enumerate(zip(free, axes[name], strict=True))
        )
        if len(axes[name]) > LARGEST_RANK:
            raise UnsupportedError(f"the input {quoted(name)} has {len(axes[name])} axes; a network has at most 5")
    sizes = _trial_sizes(axes, symbols)
    count = 2 if sizes else 1
    return [
        OnnxInput(
            name,
            kind.dtype,  # pyright: ignore[reportArgumentType]  (checked above)
            axes[name],
            tuple(
                tuple(
                    size if isinstance(size, int) else sizes[symbol][which]
                    for size, symbol in zip(axes[name], symbols[name], strict=True)
                )
                for which in range(count)
            ),
        )
        for name, kind in declared.items()
    ]


def _axes(name: str, declared: tuple[int | None, ...] | None, given: Sequence[Axis] | None) -> tuple[Axis, ...]:
    if given is None:
        if declared is None:
            raise UnsupportedError(
                f"the input {quoted(name)} declares no shape; give one: inputs={{{name!r}: (1, 3)}}, or -i {name}=1,3"
            )
        return declared
    if declared is not None and len(declared) != len(given):
        raise FeatureError(
            f"the shape {list(given)} of {quoted(name)} has {len(given)} axes, but the file declares {len(declared)}"
        )
    for axis, (own, size) in enumerate(zip(declared or (None,) * len(given), given, strict=True)):
        low, high = size if isinstance(size, tuple) else (size or 0, size)
        if own is not None and not (low <= own and (high is None or own <= high)):
            raise FeatureError(f"axis {axis} of {quoted(name)} has size {own} in the file, not {size}")
    return tuple(given)


def _trial_sizes(
    axes: Mapping[str, Sequence[Axis]], symbols: Mapping[str, Sequence[str]]
) -> dict[str, tuple[int, int]]:
    """Two sizes for each symbol, far apart and distinct from all others, so that values that depend on sizes differ."""
    found: dict[str, tuple[int, int]] = {}
    for name, sizes in axes.items():
        for axis, (size, symbol) in enumerate(zip(sizes, symbols[name], strict=True)):
            if not symbol or symbol in found:
                continue
            low, high = size if isinstance(size, tuple) else (1, None)
            first = low if low > 1 else 2 + len(found) if axis == 0 else 64 + 32 * len(found)
            second = 3 * first + (32 if axis else 1)
            if high is not None and second > high:
                first, second = max(low, 2, min(first, high // 2)), high
            if low != high:  # larger ones if the range has too few sizes
                taken = {each for pair in found.values() for each in pair}
                first = next(n for n in chain(range(first, second), count(second + 1)) if n not in taken)
                second = next(n for n in chain(range(second, first, -1), count(first + 1)) if n not in taken)
            found[symbol] = (first, second)
    return found
