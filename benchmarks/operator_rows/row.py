"""A row of the sweep, and the shapes that it is run with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

Shape = tuple[int, ...]
# Operator, constants, attributes. The first node reads the inputs, each other one the output of the previous node.
# This input comes before the constants, or in place of ... among them.
Node = tuple[str, Sequence[Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """inputs: arrays, or shapes that are filled with normally distributed values (positive: with their magnitudes).
    native: converts each input for the other libraries. random: the outputs cannot agree."""

    name: str
    kind: str
    inputs: tuple[Shape | np.ndarray, ...]
    onnx: Sequence[Node] | None
    torch: Callable[..., Any] | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1
    positive: bool = False
    native: tuple[Callable[[np.ndarray], np.ndarray], ...] = ()
    random: bool = False


class Size(NamedTuple):
    image: Shape  # [batch, channels, height, width]
    pixels: Shape  # an image of three channels
    tokens: Shape  # [batch, sequence, features]
    heads: Shape  # attention: [batch, heads, sequence, sequence]
    volume: Shape  # [batch, channels, depth, height, width]
    steps: Shape  # recurrent: [sequence, batch, features]
    vocabulary: int
    boxes: int


SIZES: Mapping[str, Size] = {
    "typical": Size(
        image=(1, 64, 56, 56),
        pixels=(1, 3, 224, 224),
        tokens=(1, 128, 768),
        heads=(1, 12, 128, 128),
        volume=(1, 16, 16, 28, 28),
        steps=(50, 1, 128),
        vocabulary=8000,
        boxes=400,
    ),
    "large": Size(
        image=(8, 64, 112, 112),
        pixels=(8, 3, 448, 448),
        tokens=(8, 512, 768),
        heads=(8, 12, 256, 256),
        volume=(4, 32, 32, 56, 56),
        steps=(100, 32, 256),
        vocabulary=50000,
        boxes=2000,
    ),
}


def small(*shape: int, spread: float = 0.05) -> np.ndarray:
    return (spread * np.random.default_rng(len(shape)).standard_normal(shape, np.float32)).astype(np.float32)


def indices(below: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, below, shape).astype(np.float32)


def same(x: np.ndarray) -> np.ndarray:
    return x


def integers(x: np.ndarray) -> np.ndarray:
    return x.astype(np.int64)


def booleans(x: np.ndarray) -> np.ndarray:
    return x.astype(bool)
