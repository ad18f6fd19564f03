"""Formulas over positions and sizes, written once for known values and for those that the network computes.

    middles = (counting(w, length) + 0.5) / scale - 0.5

Known values are computed by NumPy in float32, as the network would; the rest becomes layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.tensors import Array, Tensor
from graphml.convert.onnx.writer import Writer
from graphml.spec.attributes import Choice

_Compute = Callable[..., Any]


class Expression:
    """Numbers with Python's arithmetic operators.

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
    def decided(self) -> bool:
        """Whether the numbers are determined by the sizes of the inputs."""
        return not isinstance(self.value, Tensor) or self.value.known is not None

    @property
    def tensor(self) -> Tensor:
        """The numbers as a tensor."""
        return self.value if isinstance(self.value, Tensor) else self._w.constant(self.value)

    @property
    def size(self) -> int:
        """The number, which must be known, as an integer."""
        assert self.known is not None, "checked by the caller"
        return int(self.known.item())

    def _is(self, number: float) -> bool:
        return self.known is not None and self.known.ndim == 0 and float(self.known) == number

    def _made(self, compute: _Compute, layer: Callable[..., Tensor], *others: Expression) -> Expression:
        """The result of NumPy, or of a layer, with its value where sizes determine it."""
        operands = (self, *others)
        if all(each.known is not None for each in operands):
            return Expression(self._w, compute(*(each.known for each in operands)))
        made = layer(self._w, *(each.tensor for each in operands))
        known = [each.tensor.known for each in operands]
        if None not in known:
            made.known = tuple(np.asarray(compute(*each), np.float32) for each in zip(*known, strict=True))
        return self._moving(made)

    def _moving(self, tensor: Tensor) -> Expression:
        """The same values, computed by the network. A comparison may give the same for both trial sizes, and yet depend
        on them."""
        made = Expression(self._w, 0.0)
        made.value = tensor
        return made

    def _one(self, compute: _Compute, kind: str, **fields: Any) -> Expression:
        def layer(w: Writer, x: Tensor) -> Tensor:
            return basics.unary(w, kind, x, dtype=np.float32, **fields)

        return self._made(compute, layer)

    def _two(self, other: Any, compute: _Compute, kind: str) -> Expression:
        second = other if isinstance(other, Expression) else Expression(self._w, other)

        def layer(w: Writer, a: Tensor, b: Tensor) -> Tensor:
            return basics.binary(w, kind, a, b, dtype=np.float32)

        return self._made(compute, layer, second)

    def _line(self, scale: float, shift: float) -> Expression:
        choice = Choice("linear", {"alpha": scale, "beta": shift})
        factor, summand = np.float32(scale), np.float32(shift)

        def compute(x: Any) -> Any:
            return factor * x + summand

        return self._one(compute, "activation", nonlinearity_type=choice)

    def __add__(self, other: Any) -> Expression:
        if isinstance(other, Expression) and other._is(0):
            return self
        return self._line(1.0, other) if isinstance(other, float) else self._two(other, np.add, "addBroadcastable")

    def __radd__(self, other: Any) -> Expression:
        return self + other

    def __sub__(self, other: Any) -> Expression:
        if isinstance(other, float):
            return self._line(1.0, -other)
        return self._two(other, np.subtract, "subtractBroadcastable")

    def __rsub__(self, other: float) -> Expression:
        return self._line(-1.0, other)

    def __mul__(self, other: Any) -> Expression:
        if isinstance(other, Expression) and other._is(1):
            return self
        if isinstance(other, Expression) and self._is(1):
            return other
        if isinstance(other, float):
            return self._line(other, 0.0)
        return self._two(other, np.multiply, "multiplyBroadcastable")

    def __rmul__(self, other: Any) -> Expression:
        return self * other

    def __truediv__(self, other: Any) -> Expression:
        if isinstance(other, Expression) and other._is(1):
            return self
        return self._two(other, np.divide, "divideBroadcastable")

    def __rtruediv__(self, other: Any) -> Expression:
        return Expression(self._w, other) / self

    def __mod__(self, other: Any) -> Expression:
        return self._two(other, np.mod, "modBroadcastable")

    def floor(self) -> Expression:
        """Rounded down."""
        return self._one(np.floor, "floor")

    def ceil(self) -> Expression:
        """Rounded up."""
        return self._one(np.ceil, "ceil")

    def round(self) -> Expression:
        """The nearest integer; on a tie the even one."""
        return self._one(np.round, "round")

    def absolute(self) -> Expression:
        """The absolute value."""
        fields = {"type": "ABS", "alpha": 1.0, "shift": 0.0, "scale": 1.0, "epsilon": 0.0}
        return self._one(np.abs, "unary", **fields)

    def at_least(self, other: Any) -> Expression:
        """The maximum with a bound."""
        return self._two(other, np.maximum, "maxBroadcastable")

    def at_most(self, other: Any) -> Expression:
        """The minimum with a bound."""
        return self._two(other, np.minimum, "minBroadcastable")

    def clip(self, low: Any, high: Any) -> Expression:
        """Clipped to [low, high]."""
        return self.at_least(low).at_most(high)

    def below(self, other: Any) -> Expression:
        """1 where it is less than other, else 0."""
        return self._two(other, np.less, "lessThan")

    def within(self, low: Any, high: Any) -> Expression:
        """1 where low <= it <= high, else 0."""
        above = self._two(low, np.greater_equal, "greaterEqual")
        return above * self._two(high, np.less_equal, "lessEqual")

    def reshape(self, shape: Sequence[int]) -> Expression:
        """Reshaped; one size may be -1."""
        if not isinstance(self.value, Tensor):
            return Expression(self._w, self.value.reshape(shape))
        shapes = [np.broadcast_to(np.False_, own).reshape(shape).shape for own in self.value.shapes]
        made = basics.reshape(self._w, self.value, shapes)
        if self.value.known is not None:
            made.known = tuple(each.reshape(shape) for each in self.value.known)
        return self._moving(made)


def either(condition: Expression, a: Any, b: Any) -> Expression:
    """a where the condition is 1, b where it is 0. Both must be finite."""
    if condition.known is not None and condition.known.all():
        return a
    return condition * a + (1.0 - condition) * b


def size(w: Writer, x: Tensor, axis: int) -> Expression:
    """One size of a tensor, as a scalar."""
    if x.shape[axis] is not None:
        return Expression(w, x.shape[axis])
    made = basics.reshape(w, basics.size_of(w, x, axis), [()] * w.sets)
    made.known = tuple(np.asarray(shape[axis], np.float32) for shape in x.shapes)
    return Expression(w, made)


def entry(w: Writer, x: Tensor, index: int) -> Expression:
    """One element of a vector, as a scalar."""
    if x.constant is not None:
        return Expression(w, x.constant[index])
    made = basics.reshape(w, basics.slice_axis(w, x, 0, index, index + 1), [()] * w.sets)
    if x.known is not None:
        made.known = tuple(np.asarray(each[index], np.float32) for each in x.known)
    return Expression(w, made)


def counting(w: Writer, count: Expression) -> Expression:
    """0, 1, 2 ... below count, which is a number that is known or determined by sizes."""
    if count.known is not None:
        return Expression(w, np.arange(count.size))
    made = w.layer("rangeDynamic", [count.tensor], dtype=np.float32, start_value=0.0, step_size_value=1.0)
    made.known = tuple(np.arange(int(each), dtype=np.float32) for each in count.tensor.known or ())
    return Expression(w, made)
