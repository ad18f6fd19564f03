"""Elementwise functions of one array."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.catalogue import Attributes, Role
from graphml.ops.kernels import elementwise as kernels
from graphml.ops.kernels import trigonometry
from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.program._half import rounded_once
from graphml.ops.program._names import named
from graphml.ops.program.dialect import computed_type, named_operations, operation

_FLAT = "the gradient of a step function is 0 almost everywhere"
# Operation -> (the function, description)
_SMOOTH: Mapping[str, tuple[Callable[[Array], Array], str]] = {
    "acos": (trigonometry.arccosine, "The inverse of the cosine, from 0 to pi; NaN beyond -1 and 1"),
    "asin": (trigonometry.arcsine, "The inverse of the sine, from -pi/2 to pi/2; NaN beyond -1 and 1"),
    "atan": (trigonometry.arctangent, "The inverse of the tangent, from -pi/2 to pi/2"),
    "atanh": (
        kernels.loop_function("arctanh"),
        "The inverse of the hyperbolic tangent; infinite at -1 and 1, NaN beyond",
    ),
    "cos": (trigonometry.cosine, "The cosine, in radians"),
    "cosh": (kernels.loop_function("cosh"), "The hyperbolic cosine"),
    "exp": (kernels.loop_function("exp"), "e to the power of x"),
    "sin": (trigonometry.sine, "The sine, in radians"),
    "sinh": (kernels.loop_function("sinh"), "The hyperbolic sine"),
    "sqrt": (kernels.loop_function("sqrt"), "The square root; NaN for negative numbers"),
    "tan": (trigonometry.tangent, "The tangent, in radians"),
    "tanh": (kernels.loop_function("tanh"), "The hyperbolic tangent"),
}
# Operation -> (NumPy's name, description)
_STEPS: Mapping[str, tuple[str, str]] = {
    "ceil": ("ceil", "The smallest integer that is not below x"),
    "floor": ("floor", "The largest integer that is not above x"),
    "round": ("rint", "The nearest integer; on a tie the even one (the format does not say)"),
    "sign": ("sign", "1 for positive numbers, -1 for negative ones, 0 for 0"),
}


def _operation(kind: str, function: Callable[[Array], Array], words: str) -> Callable[..., Array]:
    @rounded_once
    def elementwise(x: Array) -> Array:
        return function(x)

    elementwise.__doc__ = f"""{words}.

    Args:
        x: any shape.

    Returns:
        The shape of x.

    Source: the operation {kind} of ML Programs (iOS 15).
    """
    return elementwise


named_operations({kind: _operation(kind, *row) for kind, row in _SMOOTH.items()}, version=15, layout="any")
named_operations(
    {kind: _operation(kind, kernels.loop_function(name), words) for kind, (name, words) in _STEPS.items()},
    version=15,
    layout="any",
    differentiable=_FLAT,
)


@operation("abs", version=15, layout="any")
def absolute(x: Array) -> Array:
    """The absolute value.

    Args:
        x: any shape.

    Returns:
        The shape of x.

    Source: the operation abs of ML Programs (iOS 15).
    """
    return kernels.numpy_function("abs")(x)


@operation("square", version=15, layout="any")
def square(x: Array) -> Array:
    """x * x.

    Args:
        x: any shape.

    Returns:
        The shape of x.

    Source: the operation square of ML Programs (iOS 15).
    """
    return kernels.numpy_function("square")(x)


@operation("erf", version=15, layout="any")
@rounded_once
def erf(x: Array) -> Array:
    """The error function, 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x.

    Args:
        x: any shape.

    Returns:
        The shape of x.

    Source: the operation erf of ML Programs (iOS 15).
    """
    return lax.erf(kernels.in_loops(x))


@operation("exp2", version=15, layout="any")
@rounded_once
def exp2(x: Array) -> Array:
    """2 to the power of x. For integers the result is an integer, and a negative power gives 0.

    Args:
        x: any shape.

    Returns:
        The shape of x. Values beyond int32 become its largest value.

    Source: the operation exp2 of ML Programs (iOS 15).
    """
    if jnp.issubdtype(x.dtype, jnp.floating):
        return kernels.exp2(x)
    xp, most = array_namespace(x), np.iinfo(x.dtype).bits - 2
    power = xp.left_shift(xp.ones_like(x), xp.clip(x, 0, most))
    return xp.where(x < 0, 0, xp.where(x > most, np.iinfo(x.dtype).max, power)).astype(x.dtype)


@operation("clip", version=15, layout="any")
def clip(x: Array, *, alpha: float, beta: float) -> Array:
    """min(max(x, alpha), beta).

    Args:
        x: any shape.
        alpha: the smallest result, unless beta is smaller.
        beta: the largest result.

    Returns:
        The shape of x.

    Source: the operation clip of ML Programs (iOS 15).
    """
    return array_namespace(x).clip(x, alpha, beta)


@operation("threshold", version=15, layout="any")
def threshold(x: Array, *, alpha: float) -> Array:
    """max(x, alpha).

    Args:
        x: any shape.
        alpha: the smallest result.

    Returns:
        The shape of x.

    Source: the operation threshold of ML Programs (iOS 15).
    """
    return array_namespace(x).maximum(x, x.dtype.type(alpha))


@operation("inverse", version=15, layout="any")
@rounded_once
def inverse(x: Array, *, epsilon: float) -> Array:
    """1 / (x + epsilon), which is 10000 at 0 with the default epsilon.

    Args:
        x: any shape.
        epsilon: added to x, exactly as the file stores it, in half precision too.

    Returns:
        The shape of x.

    Source: the operation inverse of ML Programs (iOS 15).
    """
    return jnp.divide(1, jnp.add(x, epsilon))


@operation("log", version=15, layout="any")
@rounded_once
def log(x: Array, *, epsilon: float) -> Array:
    """The natural logarithm of x + epsilon, NaN where that is negative.

    Args:
        x: any shape.
        epsilon: added to x, exactly as the file stores it, in half precision too. The usual 1e-45 matters at 0 only,
            where the result is -103.28; half precision stores it as 0, and the result is -infinity.

    Returns:
        The shape of x.

    Source: the operation log of ML Programs (iOS 15).
    """
    return kernels.shifted_log(x, epsilon)


@operation("rsqrt", version=15, layout="any")
@rounded_once
def rsqrt(x: Array, *, epsilon: float) -> Array:
    """1 / sqrt(x + epsilon), NaN where that is negative.

    Args:
        x: any shape.
        epsilon: added to x, exactly as the file stores it, in half precision too, where the usual 1e-12 is 0.

    Returns:
        The shape of x.

    Source: the operation rsqrt of ML Programs (iOS 15).
    """
    return kernels.reciprocal_sqrt(jnp.add(x, epsilon))


@operation("logical_not", version=15, layout="any", differentiable="bools have no gradient")
def logical_not(x: Array) -> Array:
    """True where x is false.

    Args:
        x: bools of any shape.

    Returns:
        The shape of x.

    Source: the operation logical_not of ML Programs (iOS 15).
    """
    return ~x


# Types ---------------------------------------------------------------------------------------------------------------

_CASTS = {name: name for name in ("bool", "fp16", "fp32", "int32", "int16", "int8", "uint16", "uint8")}


def _roles_of_cast(attributes: Attributes) -> tuple[Role, ...]:
    return ("copy",) if attributes["dtype"] in ("fp16", "fp32") else ()


@operation("cast", version=15, layout="any", roles=_roles_of_cast)
def cast(x: Array, *, dtype: str) -> Array:
    """The elements of x in another type.

    Floats are truncated where they become integers. The format does not say what happens to numbers that the type
    cannot hold. Here a float becomes the nearest int32 and NaN becomes 0; narrower types keep the low bits of that, and
    of integers.

    Args:
        x: any shape.
        dtype: bool, fp16, fp32, int32, and from iOS 17 on int16, int8, uint16 and uint8. Any value but 0 is true.

    Returns:
        The shape of x.

    Raises:
        SpecError: there is no such type.

    Source: the operation cast of ML Programs (iOS 15).
    """
    to = computed_type(named(dtype, _CASTS, "dtype"))
    if to == np.bool_:
        return x != 0
    if jnp.issubdtype(x.dtype, jnp.floating) and jnp.issubdtype(to, jnp.integer):
        return _to_integers(x, to)
    with np.errstate(all="ignore"):
        return x.astype(to)


def _to_integers(x: Array, dtype: Any) -> Array:
    """Floats truncated to integers; see `cast`."""
    xp, limits = array_namespace(x), np.iinfo(np.int32)
    x = x.astype(xp.promote_types(x.dtype, np.float32))  # half precision does not have the limits
    high = -float(limits.min)  # the first float that int32 cannot hold
    inside = xp.where(xp.isnan(x) | (xp.abs(x) >= high), 0, x).astype(np.int32)
    return xp.where(x >= high, limits.max, xp.where(x <= -high, limits.min, inside)).astype(dtype)
