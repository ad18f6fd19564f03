"""Arithmetic, comparison and logic: operators that work on each element."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphml.convert.onnx import basics, static
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import UnsupportedError

# Arithmetic ----------------------------------------------------------------------------------------------------------


@operator("Add", ignored=("consumed_inputs",))
def add(w: Writer, a: Tensor, b: Tensor) -> Tensor:
    return basics.add(w, a, b)


@operator("Sub", ignored=("consumed_inputs",))
def subtract(w: Writer, a: Tensor, b: Tensor) -> Tensor:
    return basics.subtract(w, a, b)


@operator("Mul", ignored=("consumed_inputs",))
def multiply(w: Writer, a: Tensor, b: Tensor) -> Tensor:
    return basics.multiply(w, a, b)


@operator("Div", ignored=("consumed_inputs",))
def divide(w: Writer, a: Tensor, b: Tensor) -> Tensor:
    """Integer division rounds towards zero."""
    quotient = basics.divide(w, a, b)
    return quotient if a.is_float else basics.truncate(w, quotient)


@operator("Mod")
def mod(w: Writer, a: Tensor, b: Tensor, *, fmod: int = 0) -> Tensor:
    """The remainder has the sign of the divisor, with fmod that of the dividend."""
    if not fmod:
        return basics.binary(w, "modBroadcastable", a, b)
    size = basics.binary(w, "modBroadcastable", basics.function(w, "ABS", a), basics.function(w, "ABS", b))
    return basics.multiply(w, basics.unary(w, "sign", a), size)


@operator("Pow")
def power(w: Writer, a: Tensor, b: Tensor) -> Tensor:
    """The result has the type of the base."""
    exponent = b.constant
    if exponent is not None and exponent.size == 1 and exponent.ndim <= a.rank:
        made = basics.function(w, "POWER", a, alpha=float(np.ravel(exponent)[0]))
    else:
        made = basics.power(w, a, b)
    # powers of integers in float32 may be off by one rounding
    return made if a.is_float else basics.truncate(w, basics.linear(w, made, 1 + 1e-6))


def _folded(step: Callable[[Writer, Any, Any], Tensor]) -> Callable[..., Tensor]:
    def convert(w: Writer, *parts: Tensor) -> Tensor:
        return functools.reduce(lambda a, b: step(w, a, b), parts)

    return convert


operator("Sum")(_folded(basics.add))
operator("Max", ignored=("consumed_inputs",))(_folded(basics.maximum))
operator("Min", ignored=("consumed_inputs",))(_folded(basics.minimum))


@operator("Mean")
def mean(w: Writer, *parts: Tensor) -> Tensor:
    total = functools.reduce(lambda a, b: basics.add(w, a, b), parts)
    return basics.linear(w, total, 1 / len(parts)) if len(parts) > 1 else total


# Unary functions -----------------------------------------------------------------------------------------------------


def _layer(kind: str) -> Callable[..., Tensor]:
    def convert(w: Writer, x: Tensor) -> Tensor:
        return basics.unary(w, kind, x)

    return convert


for _kind in ("ceil", "floor", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh"):
    operator(_kind.title(), ignored=("consumed_inputs",))(_layer(_kind))
for _kind in ("erf", "sign", "round"):
    operator(_kind.title())(_layer(_kind))


def _function(name: str) -> Callable[..., Tensor]:
    def convert(w: Writer, x: Tensor) -> Tensor:
        return basics.function(w, name, x)

    return convert


for _name, _wire in {"Abs": "ABS", "Exp": "EXP", "Log": "LOG", "Sqrt": "SQRT", "Reciprocal": "INVERSE"}.items():
    operator(_name, ignored=("consumed_inputs",))(_function(_wire))


@operator("Neg", ignored=("consumed_inputs",))
def negative(w: Writer, x: Tensor) -> Tensor:
    return basics.linear(w, x, -1.0)


@operator("Identity", "Dropout", until=6, ignored=("ratio", "is_test", "consumed_inputs"))
@operator("Identity", since=7)
def identity(w: Writer, x: Any) -> Any:
    return x


@operator("Dropout", since=7, moved={"ratio": 12}, ignored=("seed",))
def dropout(w: Writer, x: Tensor, ratio: Tensor | None = None, training: Tensor | None = None) -> list[Tensor]:
    """Nothing is dropped, as in inference. The mask is true everywhere."""
    drops = training is not None and bool(static.required(training, "training_mode"))
    if drops and static.number(ratio, "ratio", 0.5) != 0:
        raise UnsupportedError("it drops values at random (training_mode is true)")
    wanted = w.node.wanted
    mask = [basics.fill(w, x.shapes, 1.0, np.bool_, [x])] if len(wanted) > 1 and wanted[1] else []
    return [x, *mask]


@operator("IsNaN")
def is_nan(w: Writer, x: Tensor) -> Tensor:
    return basics.compare(w, "notEqual", x, x)


@operator("IsInf")
def is_inf(w: Writer, x: Tensor, *, detect_negative: int = 1, detect_positive: int = 1) -> Tensor:
    if not detect_negative and not detect_positive:
        return basics.fill(w, x.shapes, 0.0, np.bool_, [x])
    size = x if not detect_negative else basics.function(w, "ABS", x) if detect_positive else basics.linear(w, x, -1.0)
    return basics.compare(w, "equal", size, math.inf)


@operator("Clip", until=10, ignored=("consumed_inputs",))
def clip_by_attributes(w: Writer, x: Tensor, *, min: float = -math.inf, max: float = math.inf) -> Tensor:
    return basics.clip(w, x, min, max)


@operator("Clip", since=11)
def clip(w: Writer, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    known = [None if each is None else each.constant for each in (low, high)]
    if (low is None) == (known[0] is None) and (high is None) == (known[1] is None):
        least, most = (None if each is None else float(each) for each in known)
        if least is None or most is None or least <= most:
            return basics.clip(w, x, least, most)
    x = x if low is None else basics.maximum(w, x, low)
    return x if high is None else basics.minimum(w, x, high)


# Comparison and logic ------------------------------------------------------------------------------------------------


def _comparison(kind: str) -> Callable[..., Tensor]:
    def convert(w: Writer, a: Tensor, b: Tensor) -> Tensor:
        return basics.compare(w, kind, a, b)

    return convert


for _name, _kind in {
    "Equal": "equal",
    "Less": "lessThan",
    "LessOrEqual": "lessEqual",
    "Greater": "greaterThan",
    "GreaterOrEqual": "greaterEqual",
    "And": "logicalAnd",
    "Or": "logicalOr",
    "Xor": "logicalXor",
}.items():
    operator(_name)(_comparison(_kind))


@operator("Not")
def logical_not(w: Writer, x: Tensor) -> Tensor:
    return basics.logical_not(w, x)


@operator("Where")
def where(w: Writer, condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return basics.where(w, condition, a, b)


# Types ---------------------------------------------------------------------------------------------------------------


@operator("Cast", ignored=("saturate", "round_mode"))
def cast(w: Writer, x: Tensor, *, to: int) -> Tensor:
    from graphml.convert.onnx.model import element_type

    dtype = element_type(to)
    if dtype is None:
        raise UnsupportedError(f"it casts to the unknown type number {to}")
    return basics.cast(w, x, dtype)


@operator("CastLike", ignored=("saturate", "round_mode"))
def cast_like(w: Writer, x: Tensor, like: Tensor) -> Tensor:
    return basics.cast(w, x, like.dtype)
