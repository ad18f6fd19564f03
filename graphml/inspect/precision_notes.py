"""Explanations of values that half precision changes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphml import catalogue
from graphml.graph import Node
from graphml.inspect.measure import Measure

LARGEST_HALF = float(np.finfo(np.float16).max)
_LARGEST_EXPONENT = math.log(LARGEST_HALF)
_LAST_WHOLE = 2048  # from here on not every integer is a float16
_SMALLEST_HALF = float(np.finfo(np.float16).smallest_subnormal)


def note_of(
    node: Node, inputs: Sequence[Any], found: Measure, vanished: Sequence[str], *, size: int, wide_sums: bool
) -> str:
    """An explanation of a result.

    Args:
        node: The operation.
        inputs: What it reads in float32; None where an optional input is absent.
        found: Its result.
        vanished: Inputs with numbers that have become 0.
        size: The number of elements of the result.
        wide_sums: Whether the operation computes in float32 and only rounds its result.

    Returns:
        A short text; empty if there is nothing to explain.
    """
    notes = [*_epsilons(node, wide_sums)]
    kind = _function(node)
    largest = max((_largest(value) for value in inputs if value is not None), default=0.0)
    if found.overflow == 0 and found.nan == 0:
        stabilised = catalogue.has_role(node, "softmax") or kind in ("reduce_log_sum_exp", "LOGSUMEXP")
        if stabilised and largest > _LARGEST_EXPONENT:
            notes.append(
                f"safe: inputs reach {largest:.3g}, whose exponentials would overflow, but the largest input is "
                "subtracted first"
            )
        return "; ".join(notes)
    if kind.lower() == "exp":
        notes.append(
            f"exponentials overflow above {_LARGEST_EXPONENT:.4g}: subtract the largest input first, or use softmax"
        )
    elif found.largest > LARGEST_HALF:
        square = ": squares overflow from 256 on" if _is_square(node, kind) else ""
        notes.append(f"reaches {found.largest:.3g}; half precision ends at {LARGEST_HALF:g}{square}")
    elif vanished:
        notes.append(f"numbers of {', '.join(vanished)} have become 0")
    elif all(_largest(value) <= LARGEST_HALF for value in inputs if value is not None):
        count = max((np.size(value) for value in inputs if value is not None), default=0) // max(size, 1)
        terms = f" of {count} numbers" if count > 1 and _adds_up(kind) else ""
        notes.append(f"the result fits, but a sum{terms} or product in between does not")
    return "; ".join(notes)


def note_of_given(what: str, exact: Any, found: Measure) -> str:
    """What half precision does to an input or constant. what: "input" or "constant"."""
    if found.overflow:
        return f"reaches {found.largest:.3g}; half precision ends at {LARGEST_HALF:g}"
    if found.error > 0 and found.largest > _LAST_WHOLE and np.array_equal(exact, np.rint(exact)):
        return f"integers above {_LAST_WHOLE} are rounded, which selects other elements if they are indices"
    if found.underflow and np.size(exact) == 1:
        return f"{float(np.reshape(exact, ())):.3g} becomes 0"
    if found.underflow:
        return f"{found.underflow} numbers of this {what} become 0"
    return ""


def _epsilons(node: Node, wide_sums: bool) -> list[str]:
    found: list[str] = []
    attributes: Mapping[str, Any] = node.attributes
    for name, value in attributes.items():
        if "eps" in name.lower() and isinstance(value, float) and 0 < value <= _SMALLEST_HALF / 2:
            added = " (here it is added in float32)" if wide_sums else ""
            found.append(f"its {name} {value:.3g} is 0 in half precision{added}")
    return found


def _function(node: Node) -> str:
    """The kind of an operation; for layers that implement several functions, the function."""
    for name in ("type", "mode"):
        chosen = node.attributes.get(name)
        if node.kind in ("unary", "reduce") and isinstance(chosen, str):
            return chosen
    return node.kind


def _is_square(node: Node, kind: str) -> bool:
    twice = len(node.inputs) == 2 and node.inputs[0] == node.inputs[1] and node.kind in ("mul", "multiply")
    power = kind == "POWER" and node.attributes.get("alpha") == 2
    return twice or power or kind in ("square", "reduce_sum_square", "SUMSQUARE")


def _adds_up(kind: str) -> bool:
    words = ("reduce", "pool", "mean", "sum", "avg", "norm")
    return any(word in kind.lower() for word in words)


def _largest(value: Any) -> float:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        return 0.0
    wide = np.abs(array.astype(np.float64))
    return float(wide[np.isfinite(wide)].max(initial=0.0))
