"""The precision of matrix products and convolutions: the types in which they multiply and accumulate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from graphml.catalogue import target
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.cpu import bfloat16
from graphml.ops.kernels.cpu.matmul import PaddedOutputs, kept_apart
from graphml.ops.kernels.platform import on_cpu


def working_type(dtype: Any) -> Any:
    """The type in which an operation of many steps computes: float32 for 16-bit floats, which are then rounded once, at
    the end. Where the target allows low precision, the type itself."""
    narrow = dtype.itemsize == 2 and jnp.issubdtype(dtype, jnp.floating)
    return jnp.dtype(jnp.float32) if narrow and not target().low_precision else dtype


def widened(x: Array) -> Array:
    """x in the type in which an operation of many steps computes."""
    return x.astype(working_type(x.dtype))


def product_type(*types: Any) -> Any:
    """The type that operands are converted to before a product: the one that holds all of theirs.

    The libraries of accelerators add up products of 16-bit floats in float32. XLA's CPU backend need not, so there such
    operands become float32, unless the target allows low precision.

    Args:
        types: the types of the operands.
    """
    common: Any = jnp.result_type(*types)
    narrow = common.itemsize == 2 and jnp.issubdtype(common, jnp.floating)
    return jnp.dtype(jnp.float32) if narrow and on_cpu() and not target().low_precision else common


def contract(function: Callable[..., Any], x: Array, y: Array, *rest: Any, **options: Any) -> Array:
    """Call one of JAX's dots or convolutions with the precision that the target asks for.

    When the target allows low precision and is not a CPU, operands and accumulator are float16. Nothing changes on a
    CPU, where half precision is slower, nor for integers. Otherwise the precision is JAX's own setting
    (`jax.default_matmul_precision`).

    Args:
        function: called as function(x, y, *rest, **options).
        x: left operand.
        y: right operand.
        rest: further positional arguments of the function.
        options: keyword arguments of the function.

    Returns:
        The result, in the dtype that it has without low precision.
    """
    if not target().low_precision or on_cpu() or not jnp.issubdtype(jnp.result_type(x, y), jnp.floating):
        return function(x, y, *rest, **options)
    narrow = function(
        x.astype(jnp.float16), y.astype(jnp.float16), *rest, preferred_element_type=jnp.float16, **options
    )
    return narrow.astype(jnp.result_type(x, y))


def stored_matrix(matrix: Array) -> Array | PaddedOutputs:
    """A matrix [in, out] of a layer in the form in which `matmul` is fastest, to be made once."""
    return kept_apart(matrix) if on_cpu() and not target().train else matrix


def matmul(x: Array, y: Array | PaddedOutputs) -> Array:
    """The product of the last two axes of x and y, as `jnp.matmul`, with the precision of the target.

    `jax.default_matmul_precision("BF16_BF16_F32")` also applies on CPUs to float32 products with a matrix, although
    XLA ignores it there.
    """
    if isinstance(y, PaddedOutputs):
        return y.outputs_of(matmul(x, y.padded))
    if _in_bfloat16(x, y):
        return bfloat16.matmul(x, y)
    wide = product_type(x.dtype, y.dtype)
    return contract(jnp.matmul, x.astype(wide), y.astype(wide)).astype(jnp.result_type(x, y))


def _in_bfloat16(x: Array, y: Array) -> bool:
    settings: Any = jax.config  # whose attributes JAX does not declare
    if not (
        settings.jax_default_matmul_precision == "BF16_BF16_F32"
        and on_cpu()
        and x.dtype == y.dtype == jnp.float32
        and x.ndim > 1
        and y.ndim == 2
    ):
        return False
    # the primitive does not say how its result is distributed over an explicit mesh
    return x.size > 0 < y.size and jax.typeof(x).sharding.mesh.empty
