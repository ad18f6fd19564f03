"""The dialect of ML Programs.

    @operation("softmax")
    def softmax(x, *, axis: int):
        ...

A function has all parameters of the format's operation, under the same names. Positional ones are values:
arrays, `None` where an optional one is absent, the last one as `*values` where the format takes many. Keyword-only ones
are constants: a number, string or bool where the constant has no axes, a tuple of them where it has one axis, otherwise
a NumPy array. Where the file leaves one out it has the default of `operations.tsv`, None if there is no default.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml.catalogue import Dialect, Signature, target
from graphml.spec.program.operations import FIXED, operations

# What the front end passes besides the operation's parameters -> parameter of the function
_SAID_BY_FRONT_END = {
    "while_loop": frozenset({"condition", "lists", "counted"}),
    "list_write": frozenset({"grows"}),
    "list_scatter": frozenset({"grows"}),
    "make_list": frozenset({"grows"}),
}
_REGIONS = {"cond": {"then": "if", "otherwise": "else"}, "while_loop": {"go": "condition", "body": "body"}}


def _signature(kind: str, version: int, inputs: tuple[str, ...]) -> Signature:
    if version not in operations().get(kind, {}):
        raise TypeError(f"the format has no operation {kind!r} of version {version}")
    if kind == "const" or kind.startswith("constexpr_"):  # the front end turns all parameters into one weight
        return Signature(frozenset({"val"}), frozenset({"val"}))
    parameters = operations()[kind][version].parameters
    names = frozenset(parameters)
    unknown = sorted(set(inputs) - names)
    if unknown:
        raise TypeError(f"{kind} has no parameter {', '.join(unknown)}; it has {', '.join(sorted(names))}")
    attributes = (names - set(inputs)) | _SAID_BY_FRONT_END.get(kind, frozenset())
    defaults = {name: parameters[name].default for name in names - set(inputs)}
    return Signature(attributes, regions=_REGIONS.get(kind, {}), defaults=defaults)


def _value_type(stored: Any, lowered: Any) -> Any:
    """Floats are computed in the type that the program is lowered for, or as declared; everything else as declared."""
    stored = np.dtype(stored)
    return stored if lowered is None or not np.issubdtype(stored, np.floating) else np.dtype(lowered)


OPERATIONS = Dialect(
    "operation",
    _signature,
    kernel="weight",
    value_type=_value_type,
    known_type=lambda stored: _value_type(stored, target().dtype),
    constants_learn=lambda kind, name: name not in FIXED.get(kind, ()),
    types_stay=True,
)

operation = OPERATIONS.operator
"""Register a function as an operation of ML Programs; see `Dialect.operator`."""

named_operations = OPERATIONS.operators
"""Register a family of functions, {kind: function}; see `Dialect.operators`."""

_TYPES = {"fp16": "float16", "fp32": "float32", "fp64": "float64", "bf16": "bfloat16"}


def computed_type(name: str) -> np.dtype[Any]:
    """The type that values of a declared type are computed in.

    Args:
        name: As attributes of operations name types: "fp16", "float32", "int32", "uint8", "bool" ...

    Returns:
        The declared type, or for floats the one that the program is lowered for.
    """
    return np.dtype(_value_type(np.dtype(_TYPES.get(name, name)), target().dtype))
