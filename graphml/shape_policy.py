"""How sizes that depend on values become sizes of programs: each by itself, or filled up to serve more of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError

Arrays = dict[str, Any]


@dataclass(frozen=True)
class ShapePolicy:
    """How sizes that depend on values are compiled: each by itself, or filled up so that programs serve more of them.

    exact: a program for each size. buckets: sizes are filled up to a power of two, `least` or more. maximum: all sizes
    up to `most` are filled up to it; larger ones are compiled by themselves. Layers that would see the filling, such as
    one that reads a shape, are compiled by themselves under every policy; answers are the same.
    """

    name: Literal["exact", "buckets", "maximum"] = "exact"
    least: int = 8
    most: int = 0

    def __post_init__(self) -> None:
        if self.name not in ("exact", "buckets", "maximum"):
            raise ShapeError(f"a policy is 'exact', 'buckets' or 'maximum', not {self.name!r}")
        if self.least < 1 or (self.name == "maximum" and self.most < 1):
            raise ShapeError(f"sizes are filled up to at least 1, not {min(self.least, self.most)}")

    @classmethod
    def exact(cls) -> ShapePolicy:
        return cls()

    @classmethod
    def buckets(cls, least: int = 8) -> ShapePolicy:
        return cls("buckets", least=least)

    @classmethod
    def maximum(cls, most: int) -> ShapePolicy:
        return cls("maximum", most=most)

    def size_for(self, size: int) -> int:
        """The size that a program is made for, to serve this one."""
        if self.name == "buckets":
            return max(self.least, 1 << max(0, size - 1).bit_length())
        return self.most if self.name == "maximum" and size <= self.most else size


class ChangingAxes:
    """Which axes of the blobs that a stage reads have another length from call to call."""

    def __init__(self) -> None:
        self.axes: dict[str, int] = {}
        self.never = False
        self._last: dict[str, tuple[int, ...]] = {}

    def count(self, arrays: Arrays) -> int | None:
        """The length of the changing axis; None where there is none, or more than one."""
        for name, value in arrays.items():
            shape: tuple[int, ...] = tuple(value.shape)
            last = self._last.get(name, shape)
            self._last[name] = shape
            axes = {axis for axis, (a, b) in enumerate(zip(last, shape, strict=False)) if a != b}
            if len(last) != len(shape) or len(axes | {self.axes.get(name, axis) for axis in axes}) > 1:
                self.never = True
            for axis in axes:
                self.axes[name] = axis
        found = sorted({arrays[name].shape[axis] for name, axis in self.axes.items() if name in arrays})
        return found[0] if len(found) == 1 and found[0] > 0 and not self.never else None


def filled(value: Any, axis: int, size: int) -> np.ndarray:
    """An array whose axis is filled up with zeros to a size."""
    whole = np.zeros((*value.shape[:axis], size, *value.shape[axis + 1 :]), value.dtype)
    whole[(slice(None),) * axis + (slice(value.shape[axis]),)] = np.asarray(value)
    return whole


def cut(marks: Mapping[str, tuple[int, int]], made: Arrays, count: int) -> Arrays:
    """Results without what does not count; marks: blob -> (axis, how much longer than the count what counts is).

    NumPy cuts: for JAX each length would be a program.
    """
    parts = {
        name: jnp.asarray(np.asarray(made[name])[(slice(None),) * axis + (slice(count + more),)])
        for name, (axis, more) in marks.items()
        if name in made
    }
    return {**made, **parts}
