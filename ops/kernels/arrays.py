"""The array type of the kernels, and NumPy in place of JAX for values that are known while a program is traced."""

from __future__ import annotations

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
