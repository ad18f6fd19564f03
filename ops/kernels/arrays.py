"""The array type of the kernels, and NumPy in place of JAX for values that are known while a program is traced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike

# Known values are NumPy arrays. They are accepted wherever a JAX array is; the two have no common static type.
Array: TypeAlias = jax.Array
DType: TypeAlias = DTypeLike


def barrier(x: Array) -> Array:
    """The same array, computed once: XLA does not merge what makes it with what reads it."""
    # JAX does not declare its type
    return lax.optimization_barrier(x)  # pyright: ignore[reportUnknownVariableType]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Joined:
    """Arrays side by side along their last axis, which are copied into one only where it is needed as a whole.

    Attributes:
        parts: [..., n] each, equal in all other axes and in type.
    """

    parts: tuple[Array, ...]

    @classmethod
    def of(cls, arrays: Sequence[Array | Joined]) -> Joined:
        """Arrays, or what is joined of them already, side by side."""
        return cls(tuple(part for each in arrays for part in (each.parts if isinstance(each, Joined) else (each,))))

    @property
    def shape(self) -> tuple[int, ...]:
        return *self.parts[0].shape[:-1], sum(part.shape[-1] for part in self.parts)

    @property
    def ndim(self) -> int:
        return self.parts[0].ndim

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        return self.parts[0].dtype

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def reshape(self, *shape: int) -> Joined:
        """Another shape with the same last axis."""
        return Joined(tuple(part.reshape(*shape[:-1], part.shape[-1]) for part in self.parts))

    def whole(self) -> Array:
        """As one array."""
        # XLA copies faster when the axes before the last are one
        flat = [part.reshape(-1, part.shape[-1]) for part in self.parts]
        return jnp.concatenate(flat, 1).reshape(self.shape)


def array_namespace(*arrays: object) -> Any:
    """NumPy when all arrays are known values, otherwise jax.numpy, which has the same functions.

    NumPy needs microseconds for the few numbers of a computed shape; JAX would compile a program for each operation.
    """
    return np if all(isinstance(array, np.ndarray) for array in arrays) else jnp


def along_axis(values: Any, axis: int, rank: int) -> Any:
    """Reshape a vector so that it broadcasts along one axis of an array.

    Args:
        values: [n].
        axis: the axis of the other array; may count from the end.
        rank: the rank of the other array.

    Returns:
        The values with shape [1, ..., n, ..., 1].
    """
    return values.reshape(*(-1 if i == axis % rank else 1 for i in range(rank)))
