"""The operations of ML Programs as the format defines them, by version: `operations.tsv` as objects.

A version is named after the system that introduced it: 15 means iOS 15, the operator set CoreML5 and specification 6.
An operation is that of the newest version which is not newer than the operator set of its function.
"""

from __future__ import annotations

import ast
import functools
import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OPSETS = {"CoreML5": 15, "CoreML6": 16, "CoreML7": 17, "CoreML8": 18, "CoreML9": 26}
"""Operator set of a function -> version of its operations."""

SPECIFICATIONS = {15: 6, 16: 7, 17: 8, 18: 9, 26: 10}
"""Version of operations -> specification version of the files that may hold them."""

FIXED: Mapping[str, frozenset[str]] = {
    "batch_norm": frozenset({"mean", "variance"}),
    **dict.fromkeys(("gru", "lstm", "rnn"), frozenset({"initial_h", "initial_c"})),
    "affine": frozenset({"transform_matrix"}),
    "crop_resize": frozenset({"boxes", "roi"}),
    "resample": frozenset({"coordinates"}),
    "scaled_dot_product_attention": frozenset({"attn_mask"}),
}
"""Operation -> parameters whose constants are not weights: statistics, initial states, coordinates and masks."""

ANY_TYPE = frozenset({"any"})
"""The types of a parameter that takes any value."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation.

    Attributes:
        name: its name.
        types: what it takes: names of element types, or "list", "state", "any".
        letter: the letter of its type where other parameters share it, such as T; empty otherwise.
        constant: whether its value must be constant.
        optional: whether it may be left out.
        many: whether it takes any number of values.
        default: its value where it is left out; None where that follows from the others.
    """

    name: str
    types: frozenset[str]
    letter: str = ""
    constant: bool = False
    optional: bool = False
    many: bool = False
    default: Any = None


@dataclass(frozen=True)
class Operation:
    """One version of an operation.

    Attributes:
        kind: its name in the format.
        since: the version of the format that introduced it in this form.
        parameters: its parameters by name.
        outputs: how many outputs it may have; empty for any number.
    """

    kind: str
    since: int
    parameters: Mapping[str, Parameter]
    outputs: tuple[int, ...]


@functools.cache
def operations() -> Mapping[str, Mapping[int, Operation]]:
    """All operations: kind -> version -> operation."""
    text = importlib.resources.files("graphml.spec.program").joinpath("operations.tsv").read_text("utf-8")
    found: dict[str, dict[int, Operation]] = {}
    for line in text.splitlines()[1:]:
        operation = _operation(*line.split("\t"))
        found.setdefault(operation.kind, {})[operation.since] = operation
    return found


def operation(kind: str, version: int) -> Operation | None:
    """The newest version of an operation which is not newer than `version`; None if there is none."""
    versions = operations().get(kind, {})
    return versions[max(older)] if (older := [since for since in versions if since <= version]) else None


def _operation(kind: str, since: str, outputs: str, parameters: str, types: str) -> Operation:
    letters = dict(each.split("=") for each in types.split("; ")) if types else {}
    made = [_parameter(each, letters) for each in parameters.split("; ") if each]
    counts = () if outputs == "*" else tuple(int(count) for count in outputs.split("|"))
    return Operation(kind, int(since), {parameter.name: parameter for parameter in made}, counts)


def _parameter(text: str, letters: Mapping[str, str]) -> Parameter:
    head, _, rest = text.partition(":")
    kind, _, default = rest.partition("=")
    name = head.rstrip("!?*")
    flags = head[len(name) :]
    return Parameter(
        name,
        frozenset(letters.get(kind, kind).split("|")),
        letter=kind if kind in letters else "",
        constant="!" in flags,
        optional="?" in flags,
        many="*" in flags,
        default=ast.literal_eval(default) if default else None,
    )
