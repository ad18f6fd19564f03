"""Formulas over positions and sizes, written once for numbers that are known and for those that the network computes.

    step = (number(w, 0.5) + counting(w, length)) / scale - 0.5

What is known is computed by NumPy in float32, as the network would; the rest becomes layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.tensors import Array, Tensor
from graphml.convert.onnx.writer import Writer

_MARK = np.float32


class Expression:
    """Numbers with Python's operators.

    Args:
        w: The writer.
        value: A known array, or a tensor of the network.

    Attributes:
        value: See above; an array is float32.
    """

    def __init__(self, w: Writer, value: Any) -> None:
        self._w = w
        if isinstance(value, Tensor) and value.constant is not None:
            value = value.constant
        self.value: Array | Tensor = value if isinstance(value, Tensor) else np.asarray(value, np.float32)

    @property
    def known(self) -> Array | None:
        """The numbers, if they are known."""
        return None if isinstance(self.value, Tensor) else self.value

    @property
    def tensor(self) -> Tensor:
        """The numbers as a tensor."""
        return self.value if isinstance(self.value, Tensor) else self._w.constant(self.value)

    @property
    def size(self) -> int:
        """The number, known, as an integer."""
        assert self.known is not None, "checked by the caller"
        return int(self.known.item())

    def _one(self, numpy: Callable[[Any], Any], layer: Callable[[Writer, Tensor], Tensor]) -> Expression:
        return Expression(self._w, layer(self._w, self.value) if isinstance(self.value, Tensor) else numpy(self.value))

    def _two(
        self, other: Any, numpy: Callable[[Any, Any], Any], layer: Callable[[Writer, Any, Any], Tensor]
    ) -> Expression:
        second = other if isinstance(other, Expression) else Expression(self._w, other)
        if self.known is not None and second.known is not None:
            return Expression(self._w, numpy(self.known, second.known))
        operands = [
            float(each.known) if each.known is not None and each.known.ndim == 0 else each.tensor
            for each in (self, second)
        ]
        return Expression(self._w, layer(self._w, *operands))

    def __add__(self, other: Any) -> Expression:
        return self._two(other, np.add, _added)

    def __radd__(self, other: Any) -> Expression:
        return self + other

    def __sub__(self, other: Any) -> Expression:
        return self._two(other, np.subtract, basics.subtract)

    def __rsub__(self, other: Any) -> Expression:
        return Expression(self._w, other) - self

    def __mul__(self, other: Any) -> Expression:
        return self._two(other, np.multiply, _multiplied)

    def __rmul__(self, other: Any) -> Expression:
        return self * other

    def __truediv__(self, other: Any) -> Expression:
        return self._two(other, np.divide, basics.divide)

    def __rtruediv__(self, other: Any) -> Expression:
        return Expression(self._w, other) / self

    def __mod__(self, other: Any) -> Expression:
        return self._two(other, np.mod, lambda w, a, b: basics.binary(w, "modBroadcastable", a, b))

    def floor(self) -> Expression:
        """Rounded down."""
        return self._one(np.floor, lambda w, x: basics.unary(w, "floor", x))

    def ceil(self) -> Expression:
        """Rounded up."""
        return self._one(np.ceil, lambda w, x: basics.unary(w, "ceil", x))

    def round(self) -> Expression:
        """The nearest integer; of two the even one."""
        return self._one(np.round, lambda w, x: basics.unary(w, "round", x))

    def truncate(self) -> Expression:
        """Without its fraction."""
        return self._one(np.trunc, basics.truncate)

    def absolute(self) -> Expression:
        """Without its sign."""
        return self._one(np.abs, lambda w, x: basics.function(w, "ABS", x))

    def at_least(self, other: Any) -> Expression:
        """The larger one."""
        return self._two(other, np.maximum, basics.maximum)

    def at_most(self, other: Any) -> Expression:
        """The smaller one."""
        return self._two(other, np.minimum, basics.minimum)

    def clip(self, low: Any, high: Any) -> Expression:
        """Limited to low .. high."""
        return self.at_least(low).at_most(high)

    def below(self, other: Any) -> Expression:
        """1 where it is less than other, else 0."""
        return self._two(other, lambda a, b: _MARK(a < b), lambda w, a, b: basics.compare(w, "lessThan", a, b))

    def within(self, low: Any, high: Any) -> Expression:
        """1 where low <= it <= high, else 0."""

        def up_to(a: Any, b: Any) -> Expression:
            first = a if isinstance(a, Expression) else Expression(self._w, a)
            return first._two(b, lambda x, y: _MARK(x <= y), lambda w, x, y: basics.compare(w, "lessEqual", x, y))

        return up_to(low, self) * up_to(self, high)

    def reshape(self, shape: Sequence[int]) -> Expression:
        """In another shape, of which one size may be -1."""
        if self.known is not None:
            return Expression(self._w, self.known.reshape(shape))
        shapes = [np.empty(own, np.bool_).reshape(shape).shape for own in self.tensor.shapes]
        return Expression(self._w, basics.reshape(self._w, self.tensor, shapes))


def _added(w: Writer, a: Any, b: Any) -> Tensor:
    if isinstance(b, float):
        return basics.linear(w, a, 1.0, b)
    return basics.linear(w, b, 1.0, a) if isinstance(a, float) else basics.add(w, a, b)


def _multiplied(w: Writer, a: Any, b: Any) -> Tensor:
    if isinstance(b, float):
        return basics.linear(w, a, b)
    return basics.linear(w, b, a) if isinstance(a, float) else basics.multiply(w, a, b)


def either(condition: Expression, a: Any, b: Any) -> Expression:
    """a where the condition is not 0, else b. Both must be finite."""
    return condition * a + (1.0 - condition) * b


def size(w: Writer, x: Tensor, axis: int) -> Expression:
    """One size of a tensor, without axes."""
    if x.shape[axis] is not None:
        return Expression(w, x.shape[axis])
    whole = w.layer("getShape", [x], dtype=np.float32)
    whole.known = tuple(np.asarray(shape, np.float32) for shape in x.shapes)
    return Expression(w, basics.squeeze(w, basics.slice_axis(w, whole, 0, axis, axis + 1), [0]))


def counting(w: Writer, count: Expression) -> Expression:
    """0, 1, 2 ... below count, which is one number."""
    if count.known is not None:
        return Expression(w, np.arange(count.size))
    made = w.layer("rangeDynamic", [count.tensor], dtype=np.float32, start_value=0.0, step_size_value=1.0)
    return Expression(w, made)
