"""Rules of single operations of ML Programs: their parameters, types and stored values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from graphml.errors import SpecError, quoted
from graphml.spec.program import operations
from graphml.spec.program.blobs import BLOB_TYPES
from graphml.spec.program.operations import ANY_TYPE, OPSETS, Parameter
from graphml.spec.program.types import name_of, shown, shown_shape, stored_shape, tensor_type
from graphml.spec.program.values import WeightFiles, decode
from graphml.spec.rules.problems import first_few
from graphml.spec.wire.program_pb2 import Argument, Operation, Value, ValueType


@dataclass(frozen=True)
class Known:
    """A value that exists where an operation reads it.

    Attributes:
        type: Its type.
        what: What it is, for messages.
        constant: Whether it is a constant of the program.
    """

    type: ValueType
    what: str
    constant: bool = False


Scope = Callable[[str], Known | None]


def operation_faults(operation: Operation, since: int, known: Scope, weights: WeightFiles | None) -> Iterator[str]:
    """Find everything that is wrong with an operation, apart from names that do not exist and nested blocks.

    Args:
        operation: The operation.
        since: The version of the operations of its function.
        known: Returns the value of a name, None if there is none.
        weights: The weight files, if blobs are checked.

    Returns:
        A sentence for each fault.
    """
    yield from stored_faults(operation.attributes, weights)
    for name, argument in operation.inputs.items():
        for binding in argument.arguments:
            if binding.HasField("value"):
                yield from (f"{quoted(name)}: {fault}" for fault in value_faults(binding.value, weights))
            elif not binding.HasField("name"):
                yield f"{quoted(name)} has an argument that is neither a name nor a value"
    yield from (f"its result {quoted(o.name)}: {fault}" for o in operation.outputs for fault in type_faults(o.type))
    if operation.type == "custom_layer":
        return
    row = operations.operation(operation.type, since)
    if row is None:
        yield _unknown(operation.type)
        return
    if row.outputs and len(operation.outputs) not in row.outputs:
        yield f"has {len(operation.outputs)} results; expected {' or '.join(map(str, row.outputs))}"
    yield from _parameters(operation, row, known)
    if operation.type == "const":
        yield from _constant(operation)


def _unknown(kind: str) -> str:
    versions = operations.operations().get(kind)
    if not versions:
        return f"the operation {quoted(kind)} is unknown"
    first = min(versions)
    needed = next(opset for opset, version in OPSETS.items() if version >= first)
    return f"the operation {quoted(kind)} needs the operator set {needed} or a newer one"


def _parameters(operation: Operation, row: operations.Operation, known: Scope) -> Iterator[str]:
    unknown = operation.inputs.keys() - row.parameters.keys()
    for name in first_few(sorted(unknown)):
        yield f"has no parameter {quoted(name)}; it has {', '.join(row.parameters) or 'none'}"
    letters: dict[str, tuple[str, str]] = {}
    for name, parameter in row.parameters.items():
        types: list[ValueType] = []
        if name in operation.inputs:
            argument = operation.inputs[name]
            yield from _argument(name, parameter, argument, known)
            types = _types(argument, known)
        elif name in operation.attributes:
            types = [operation.attributes[name].type]
        elif not parameter.optional:
            yield f"the parameter {quoted(name)} is missing"
        for declared in types:
            yield from _type(name, parameter, declared, letters)


def _argument(name: str, parameter: Parameter, argument: Argument, known: Scope) -> Iterator[str]:
    count = len(argument.arguments)
    if count != 1 and not parameter.many:
        yield f"{quoted(name)} takes one value, got {count}"
    if parameter.constant:
        for binding in argument.arguments:
            found = known(binding.name) if binding.HasField("name") else None
            if found is not None and not found.constant:
                yield f"{quoted(name)} must be constant, but {quoted(binding.name)} is {found.what}"


def _types(argument: Argument, known: Scope) -> list[ValueType]:
    found: list[ValueType] = []
    for binding in argument.arguments:
        if binding.HasField("value"):
            found.append(binding.value.type)
        elif (value := known(binding.name)) is not None:
            found.append(value.type)
    return found


def _type(name: str, parameter: Parameter, declared: ValueType, letters: dict[str, tuple[str, str]]) -> Iterator[str]:
    """letters: the type of each letter so far, and the parameter that has it."""
    element = _element(declared)
    if element is None or parameter.types == ANY_TYPE:
        return
    if element not in parameter.types:
        yield f"{quoted(name)} must be {' or '.join(sorted(parameter.types))}, got {shown(declared)}"
        return
    if parameter.letter:
        first, where = letters.setdefault(parameter.letter, (element, name))
        if first != element:
            yield f"{quoted(where)} and {quoted(name)} must have one type, got {first} and {element}"


def _element(declared: ValueType) -> str | None:
    """The type as the table of operations names it; None if it is damaged."""
    kind = declared.WhichOneof("type")
    if kind == "stateType":
        return "state"
    if kind == "listType":
        inner = declared.listType.type
        # the classes of a classifier are a list of strings or integers; other lists are those of make_list
        fixed = declared.listType.length.HasField("constant") and inner.HasField("tensorType")
        name = _element(inner) if fixed else "list"
        return name if name in ("string", "int64") else "list"
    try:
        return tensor_type(declared)[0]
    except SpecError:
        return None


def _constant(operation: Operation) -> Iterator[str]:
    if "val" not in operation.attributes or not operation.outputs:
        return
    stored, declared = operation.attributes["val"].type, operation.outputs[0].type
    try:
        one, other = tensor_type(stored), tensor_type(declared)
    except SpecError:
        return
    if one[0] != other[0] or (other[1] is not None and not _fit(one[1], other[1])):
        yield f"its value is {shown(stored)}, but its result is declared as {shown(declared)}"


def _fit(stored: tuple[int | None, ...] | None, declared: tuple[int | None, ...]) -> bool:
    """Whether a declaration allows a shape."""
    return (
        stored is not None
        and len(stored) == len(declared)
        and all(wanted is None or size == wanted for size, wanted in zip(stored, declared, strict=True))
    )


# Stored values --------------------------------------------------------------------------------------------------------


def stored_faults(attributes: Mapping[str, Value], weights: WeightFiles | None) -> Iterator[str]:
    """Find everything that is wrong with stored values.

    Args:
        attributes: The values by name.
        weights: The weight files, if blobs are checked.

    Returns:
        A sentence for each fault.
    """
    for name in sorted(attributes):
        yield from (f"{quoted(name)}: {fault}" for fault in value_faults(attributes[name], weights))


def value_faults(value: Value, weights: WeightFiles | None) -> Iterator[str]:
    """The same for one value."""
    try:
        if not value.HasField("blobFileValue"):
            decode(value)
            return
        if not value.type.HasField("tensorType"):
            yield f"a value in a weight file must be a tensor, got {shown(value.type)}"
            return
        name, shape = name_of(value.type.tensorType.dataType), stored_shape(value.type.tensorType)
        if name not in BLOB_TYPES:
            yield f"a weight file cannot hold {name}{shown_shape(shape)}"
        elif weights is not None:
            weights.file(value.blobFileValue.fileName).extent(value.blobFileValue.offset, name, shape)
    except SpecError as error:
        yield str(error)


def type_faults(declared: ValueType) -> Iterator[str]:
    """Find what is wrong with a declared type."""
    kind = declared.WhichOneof("type")
    if kind is None:
        yield "it has no type"
    elif kind in ("tensorType", "stateType"):
        try:
            tensor_type(declared)
        except SpecError as error:
            yield str(error)
