"""Comparison, logic and selection. Results are bools."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.kernels.elementwise import numpy_function
from graphml.ops.program._images import aligned
from graphml.ops.program.dialect import named_operations, operation

_FLAT = "bools have no gradient"

# Operation -> (NumPy's name, description)
_QUESTIONS: Mapping[str, tuple[str, str]] = {
    "equal": ("equal", "Whether x = y; false for NaN"),
    "not_equal": ("not_equal", "Whether x != y; true for NaN"),
    "less": ("less", "Whether x < y; false for NaN"),
    "less_equal": ("less_equal", "Whether x <= y; false for NaN"),
    "greater": ("greater", "Whether x > y; false for NaN"),
    "greater_equal": ("greater_equal", "Whether x >= y; false for NaN"),
    "logical_and": ("logical_and", "Whether x and y are both true"),
    "logical_or": ("logical_or", "Whether at least one of x and y is true"),
    "logical_xor": ("logical_xor", "Whether exactly one of x and y is true"),
}


def _operation(kind: str, name: str, words: str) -> Callable[..., Array]:
    function = numpy_function(name)

    def ask(x: Array, y: Array) -> Array:
        return function(*aligned(x, y))

    ask.__doc__ = f"""{words}, elementwise.

    Args:
        x: a shape that broadcasts against that of y.
        y: the other operand, of the same type.

    Returns:
        Bools of the broadcast shape.

    Source: the operation {kind} of ML Programs (iOS 15).
    """
    return ask


named_operations(
    {kind: _operation(kind, *row) for kind, row in _QUESTIONS.items()},
    version=15,
    layout="either",
    differentiable=_FLAT,
)


@operation("select", version=15, layout="either")
def select(cond: Array, a: Array, b: Array) -> Array:
    """a where a condition is true, b elsewhere.

    Args:
        cond: bools, of a shape that broadcasts against those of a and b.
        a: what is chosen where the condition is true.
        b: what is chosen elsewhere, of the same type.

    Returns:
        The broadcast shape.

    Source: the operation select of ML Programs (iOS 15).
    """
    cond, a, b = aligned(cond, a, b)
    return array_namespace(cond, a, b).where(cond, a, b)
