"""Walking programs: functions, the body that is run, operations and the blocks inside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphml.errors import SpecError, quoted
from graphml.spec.program.operations import OPSETS
from graphml.spec.program.values import decode
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.program_pb2 import Block, Function, Operation, Program

MAIN = "main"
"""The name of the only function of most programs."""


def functions(program: Program) -> dict[str, Function]:
    """The functions of a program by name, in alphabetical order."""
    return {name: program.functions[name] for name in sorted(program.functions)}


def default_function(model: Model) -> str:
    """The name of the function that runs by default.

    Raises:
        SpecError: If the program has no such function.
    """
    held, description = model.mlProgram.functions, model.description
    name = description.defaultFunctionName
    if not name:
        listed = [function.name for function in description.functions]
        name = listed[0] if len(listed) == 1 else MAIN
    if name not in held:
        raise SpecError(f"the program has no function {quoted(name)}; it has {_quoted(held) or 'none'}")
    return name


def refuse_unknown(model: Model, name: str) -> None:
    """Raise SpecError if a model has no function of this name."""
    held = model.mlProgram.functions
    if model.WhichOneof("Type") != "mlProgram":
        kind = model.WhichOneof("Type") or "unknown kind"
        raise SpecError(f"only ML Programs have functions; this model ({kind}) has no {quoted(name)}")
    if name not in held:
        raise SpecError(f"the program has no function {quoted(name)}; its functions are {_quoted(held) or 'none'}")


def body(function: Function) -> Block:
    """The block that is run: that of the function's operator set.

    Raises:
        SpecError: If there is none.
    """
    if function.opset not in function.block_specializations:
        held = _quoted(function.block_specializations) or "none"
        raise SpecError(f"the function has no body for its operator set {quoted(function.opset)}; it has {held}")
    return function.block_specializations[function.opset]


def version(function: Function) -> int:
    """The version of the operations in a function, as in `operations.OPSETS`.

    Raises:
        SpecError: If the operator set is unknown.
    """
    if function.opset not in OPSETS:
        raise SpecError(f"the operator set {quoted(function.opset)} is unknown; expected one of {', '.join(OPSETS)}")
    return OPSETS[function.opset]


def walk(block: Block) -> Iterator[tuple[Operation, str]]:
    """All operations of a block and of the blocks inside it, in the order of the file.

    Yields:
        Each operation, and where it is, for messages.
    """
    todo = [("", iter(enumerate(block.operations)))]
    while todo:
        outer, rest = todo[-1]
        for position, operation in rest:
            where = outer + label(operation, position)
            yield operation, where
            inner = [
                (f"{where} > block {n + 1} > ", iter(enumerate(b.operations))) for n, b in enumerate(operation.blocks)
            ]
            if inner:
                todo += reversed(inner)
                break
        else:
            todo.pop()


def label(operation: Operation, position: int) -> str:
    """The name of an operation in messages; `position` counts from 0."""
    return f"operation {quoted(name(operation))} ({operation.type or 'no type'}), number {position + 1}"


def name(operation: Operation) -> str:
    """The name of an operation: its attribute `name`, or else its first output."""
    if "name" in operation.attributes:
        try:
            stored = decode(operation.attributes["name"])
        except SpecError:
            stored = None
        if isinstance(stored, str):
            return stored
    return operation.outputs[0].name if operation.outputs else ""


def _quoted(names: Iterable[str]) -> str:
    shown = sorted(names)
    return ", ".join(map(quoted, shown[:10])) + (f" and {len(shown) - 10} more" if len(shown) > 10 else "")
