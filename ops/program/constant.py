"""Constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphml.ops.kernels.arrays import Array
from graphml.ops.program.dialect import operation

_MOST_ELEMENTS = 4096


def _is_static(weights: Mapping[str, Any]) -> bool:
    """Whether a constant is part of the program: scalars, and integers and bools unless there are very many.
    Float arrays are parameters, which may be replaced and differentiated."""
    value = weights["val"]
    return value.ndim == 0 or (not np.issubdtype(value.dtype, np.floating) and value.size <= _MOST_ELEMENTS)


@operation("const", version=15, static=_is_static, roles=("constant",))
def const(*, val: Array) -> Array:
    """A stored value.

    Args:
        val: the value, of any type and shape.

    Returns:
        The value.

    Source: the operation const of ML Programs (iOS 15).
    """
    return val


_COMPRESSED = {
    "constexpr_affine_dequantize": (16,),
    "constexpr_blockwise_shift_scale": (18,),
    "constexpr_cast": (16, 18),
    "constexpr_lut_to_dense": (16, 18),
    "constexpr_lut_to_sparse": (18,),
    "constexpr_sparse_blockwise_shift_scale": (18,),
    "constexpr_sparse_to_dense": (16, 18),
}


def compressed(*, val: Array) -> Array:
    """A weight that is stored compressed.

    Args:
        val: the weight; `graphml.spec.program.compression` has dequantized it.

    Returns:
        The weight.

    Source: the operations constexpr_... of ML Programs (iOS 16 and 18).
    """
    return val


for _kind, _versions in _COMPRESSED.items():
    for _version in _versions:
        operation(_kind, version=_version, roles=("constant", "compressed"))(compressed)
