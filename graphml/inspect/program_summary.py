"""The functions, operations and weights of an ML Program, as plain data."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from graphml.errors import SpecError
from graphml.spec.program import programs, types
from graphml.spec.program.values import decode

_FEW = 8  # elements of a constant that are shown individually


def program_facts(program: Any) -> dict[str, Any]:
    """Statistics of a whole program.

    Args:
        program: The Program message.

    Returns:
        Names of functions, and over all of them: the operator sets, operations by kind without constants, and how many
        weights there are and how they are stored.
    """
    kinds: Counter[str] = Counter()
    stored: Counter[str] = Counter()
    opsets: set[str] = set()
    seen: set[tuple[str, int]] = set()
    functions = programs.functions(program)
    for function in functions.values():
        opsets.add(function.opset)
        if function.opset not in function.block_specializations:
            continue
        for operation, _ in programs.walk(programs.body(function)):
            if operation.type != "const":
                kinds[operation.type] += 1
            for value in _values(operation):
                place = value.blobFileValue.fileName, value.blobFileValue.offset
                if value.WhichOneof("value") == "blobFileValue" and place not in seen:
                    seen.add(place)  # functions share weights
                    _count(value, stored)
    out: dict[str, Any] = {"functions": sorted(functions), "operator_sets": sorted(opsets)}
    out |= {"operation_count": kinds.total(), "operation_kinds": dict(kinds.most_common())}
    if stored:
        out |= {"weight_count": stored.total(), "weight_storage": dict(stored.most_common())}
    return out


def _values(operation: Any) -> Iterator[Any]:
    yield from operation.attributes.values()
    for argument in operation.inputs.values():
        yield from (binding.value for binding in argument.arguments if binding.HasField("value"))


def _count(value: Any, stored: Counter[str]) -> None:
    try:
        name, shape = types.tensor_type(value.type)
    except SpecError:
        return
    count = 1
    for size in shape or ():
        count *= size or 0
    stored[name] += count


def operations_of(function: Any) -> list[dict[str, Any]]:
    """The operations of a function without its constants, which are shown where they are used.

    Args:
        function: The Function message.

    Returns:
        For each its number, name, kind, inputs {parameter: name or constant}, outputs, types {output: type}, the names
        of its inputs without constants, and blocks. For each block also its parameters {name: initial value} and the
        names of its results.
    """
    return list(_operations(programs.body(function), {})) if function.opset in function.block_specializations else []


def _operations(block: Any, constants: dict[str, str]) -> Iterator[dict[str, Any]]:
    known = dict(constants)
    number = 0
    for operation in block.operations:
        if operation.type == "const":
            for output in operation.outputs:
                known[output.name] = _shown(output.name, operation.attributes["val"])
            continue
        number += 1
        out: dict[str, Any] = {"number": number, "name": programs.name(operation), "kind": operation.type}
        out["inputs"] = {
            name: ", ".join(_binding(binding, known) for binding in argument.arguments)
            for name, argument in sorted(operation.inputs.items())
        }
        if operation.type.startswith("constexpr_"):  # before iOS 18 these have attributes in place of inputs
            own = {name: _shown("", value) for name, value in operation.attributes.items() if name != "name"}
            out["inputs"] |= dict(sorted(own.items()))
        out["outputs"] = [output.name for output in operation.outputs]
        out["types"] = {output.name: types.shown(output.type) for output in operation.outputs}
        out["reads"] = list(_names(operation, known))
        if operation.blocks:
            given = [binding.name for binding in operation.inputs["loop_vars"].arguments]
            names = [[held.name for held in inner.inputs] for inner in operation.blocks]
            out["parameters"] = [dict(zip(inner, given, strict=False)) for inner in names]
            out["results"] = [list(inner.outputs) for inner in operation.blocks]
            out["blocks"] = [list(_operations(inner, known)) for inner in operation.blocks]
        yield out


def _names(operation: Any, constants: dict[str, str]) -> Iterator[str]:
    for _, argument in sorted(operation.inputs.items()):
        for binding in argument.arguments:
            if binding.WhichOneof("binding") == "name" and binding.name not in constants:
                yield binding.name


def _binding(binding: Any, constants: dict[str, str]) -> str:
    name: str = binding.name
    if binding.WhichOneof("binding") == "value":
        return _shown("", binding.value)
    return constants.get(name, name)


def _shown(name: str, value: Any) -> str:
    """A constant: its value if it is short, else its name and type."""
    if value.WhichOneof("value") == "immediateValue" and value.immediateValue.WhichOneof("value") == "tensor":
        try:
            stored = np.asarray(decode(value)) if _is_short(value) else None
        except SpecError:
            stored = None
        if stored is not None and stored.size <= _FEW and stored.ndim <= 1:
            texts: list[str] = [f"{x:.6g}" if isinstance(x, float) else str(x) for x in stored.reshape(-1).tolist()]
            return texts[0] if stored.ndim == 0 else f"[{', '.join(texts)}]"
    return f"{name} {types.shown(value.type)}".strip()


def _is_short(value: Any) -> bool:
    """Whether the value may have few elements, according to its type."""
    _, shape = types.tensor_type(value.type)
    return shape is not None and None not in shape and math.prod(size or 0 for size in shape) <= _FEW


def class_labels(function: Any) -> list[Any] | None:
    """The labels of a classifier that are stored in the program itself; None if there are none.

    Args:
        function: The Function message.
    """
    if function.opset not in function.block_specializations:
        return None
    constants: dict[str, Any] = {}
    for operation in programs.body(function).operations:
        if operation.type == "const" and operation.outputs:
            constants[operation.outputs[0].name] = operation.attributes["val"]
        if operation.type == "classify":
            found: list[Any] = []
            for binding in operation.inputs["classes"].arguments:
                labels = _stored(binding, constants)
                if labels is None:
                    return None
                found += labels
            return found
    return None


def _stored(binding: Any, constants: Mapping[str, Any]) -> list[Any] | None:
    value = binding.value if binding.WhichOneof("binding") == "value" else constants.get(binding.name)
    if value is None or value.WhichOneof("value") != "immediateValue":
        return None
    try:
        return np.asarray(decode(value)).reshape(-1).tolist()
    except SpecError:
        return None
