"""Rules of ML Programs: functions and their interface, how operations read each other's results, blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphml.errors import SpecError, quoted
from graphml.spec.program.constexprs import is_constant
from graphml.spec.program.programs import MAIN, body, label, version
from graphml.spec.program.types import shown, tensor_type
from graphml.spec.program.values import WeightFiles
from graphml.spec.rules.operations import Known, operation_faults, stored_faults
from graphml.spec.rules.problems import Problem, inside
from graphml.spec.wire.features_pb2 import ArrayFeatureType, FeatureType
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.program_pb2 import Block, Function, NamedValueType, Operation

MOST_BLOCKS = 32
"""The maximum nesting depth of blocks."""

_ARRAYS = {"FLOAT32": "float32", "FLOAT16": "float16", "DOUBLE": "float64", "INT32": "int32", "INT8": "int8"}


def program_problems(model: Model, weights: WeightFiles | None = None) -> Iterator[Problem]:
    """Everything that is wrong with the program of a model, apart from its interface.

    Args:
        model: An ML Program.
        weights: Its weight files, in which every blob is looked up. None: they are not checked.
    """
    program, description = model.mlProgram, model.description
    if program.version != 1:
        yield Problem("program", f"has version {program.version}; this reader knows version 1", "warning")
    if not program.functions:
        yield Problem("program", "has no functions")
        return
    yield from (Problem("program", fault) for fault in stored_faults(program.attributes, weights))
    described = {entry.name: entry for entry in description.functions} or {description.defaultFunctionName: description}
    if list(described) == [""]:
        only = next(iter(program.functions)) if len(program.functions) == 1 else MAIN
        described = {MAIN if MAIN in program.functions else only: description}
    for name in described.keys() - program.functions.keys():
        yield Problem("description", f"describes the function {quoted(name)}, which the program does not have")
    default = description.defaultFunctionName
    if default and default not in program.functions:
        yield Problem("description", f"defaultFunctionName is {quoted(default)}, which the program does not have")
    for name in sorted(program.functions):
        where = f"function {quoted(name)}"
        yield from inside(where, _function(program.functions[name], described.get(name), weights))


def _function(function: Function, described: Any, weights: WeightFiles | None) -> Iterator[Problem]:
    where = "function"
    try:
        since, block = version(function), body(function)
    except SpecError as error:
        yield Problem(where, str(error))
        return
    if _depth(block) > MOST_BLOCKS:
        yield Problem(where, f"blocks are nested deeper than {MOST_BLOCKS}")
        return
    scope = _Visible()
    for given in function.inputs:
        if given.name in scope.names:
            yield Problem(where, f"has two inputs called {quoted(given.name)}")
        scope.names[given.name] = Known(given.type, "an input of the function")
    yield from (Problem(where, fault) for fault in stored_faults(function.attributes, weights))
    yield from _Blocks(since, _writers(block), weights).block(block, scope)
    for name in block.outputs:
        if name not in scope.names:
            yield Problem(where, f"returns {quoted(name)}, which it does not have")
    if described is not None:
        yield from _interface(function, block, described, scope)


def _depth(block: Block) -> int:
    """The nesting depth of blocks, computed without recursion."""
    deepest, todo = 0, [(block, 1)]
    while todo:
        here, depth = todo.pop()
        deepest = max(deepest, depth)
        if depth > MOST_BLOCKS:
            break
        todo += [(inner, depth + 1) for operation in here.operations for inner in operation.blocks]
    return deepest


# Names ----------------------------------------------------------------------------------------------------------------


@dataclass
class _Visible:
    """The values that exist at some point: those of this block, then those of the blocks around it."""

    names: dict[str, Known] = field(default_factory=dict[str, Known])
    outer: _Visible | None = None

    def known(self, name: str) -> Known | None:
        scope: _Visible | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return None


def _writers(block: Block) -> dict[str, str]:
    """Name -> the operation of any block that has it as its result."""
    found: dict[str, str] = {}

    def visit(block: Block, outer: str) -> None:
        for position, operation in enumerate(block.operations):
            where = outer + label(operation, position)
            for output in operation.outputs:
                found.setdefault(output.name, where)
            for number, inner in enumerate(operation.blocks):
                visit(inner, f"{where} > block {number + 1} > ")

    visit(block, "")
    return found


@dataclass(frozen=True)
class _Blocks:
    """A walk over the blocks of a function.

    Attributes:
        since: The version of its operations.
        writers: Name -> the operation of any block that has it as its result.
        weights: The weight files, if blobs are checked.
    """

    since: int
    writers: Mapping[str, str]
    weights: WeightFiles | None

    def block(self, block: Block, scope: _Visible) -> Iterator[Problem]:
        yield from (Problem("block", fault) for fault in stored_faults(block.attributes, self.weights))
        for position, operation in enumerate(block.operations):
            where = label(operation, position)
            yield from self._reads(operation, where, scope)
            faults = operation_faults(operation, self.since, scope.known, self.weights)
            yield from (Problem(where, fault) for fault in faults)
            yield from self._inner(operation, where, scope)
            for output in operation.outputs:
                before = scope.known(output.name)
                if before is not None:
                    yield Problem(where, f"defines {quoted(output.name)} again, which is already {before.what}")
                what = f"the result of {where}"
                scope.names[output.name] = Known(output.type, what, constant=is_constant(operation))

    def _reads(self, operation: Operation, where: str, scope: _Visible) -> Iterator[Problem]:
        names = [b.name for argument in operation.inputs.values() for b in argument.arguments if b.HasField("name")]
        for name in dict.fromkeys(names):
            if scope.known(name) is None:
                what = "which nothing defines"
                if name in self.writers:
                    what = f"which does not exist here: {self.writers[name]} defines it"
                yield Problem(where, f"reads {quoted(name)}, {what}")

    def _inner(self, operation: Operation, where: str, scope: _Visible) -> Iterator[Problem]:
        inner: list[_Visible] = []
        for number, block in enumerate(operation.blocks):
            inside_block = _Visible(outer=scope)
            place = f"{where} > block {number + 1}"
            for given in block.inputs:
                if inside_block.known(given.name) is not None:
                    yield Problem(place, f"its input {quoted(given.name)} has the name of another value")
                inside_block.names[given.name] = Known(given.type, "an input of the block")
            yield from inside(place, self.block(block, inside_block))
            for name in block.outputs:
                if inside_block.known(name) is None:
                    yield Problem(place, f"returns {quoted(name)}, which it does not have")
            inner.append(inside_block)
        if operation.type == "cond":
            yield from _cond(operation, where, inner)
        elif operation.type == "while_loop":
            yield from _while_loop(operation, where, scope, inner)
        elif operation.blocks:
            yield Problem(where, f"has {len(operation.blocks)} blocks; expected none")


# Control flow ---------------------------------------------------------------------------------------------------------


def _cond(operation: Operation, where: str, inner: list[_Visible]) -> Iterator[Problem]:
    if len(operation.blocks) != 2:
        yield Problem(where, f"has {len(operation.blocks)} blocks; expected two, for true and for false")
        return
    for number, (block, scope) in enumerate(zip(operation.blocks, inner, strict=True)):
        place = f"{where} > block {number + 1}"
        if block.inputs:
            yield Problem(place, f"has {len(block.inputs)} inputs; a block of cond has none")
        yield from _same_types(operation.outputs, block, scope, place, "the operation")


def _while_loop(operation: Operation, where: str, scope: _Visible, inner: list[_Visible]) -> Iterator[Problem]:
    carried = len(operation.inputs["loop_vars"].arguments) if "loop_vars" in operation.inputs else 0
    if len(operation.blocks) != 2:
        yield Problem(where, f"has {len(operation.blocks)} blocks; expected two, the condition and the body")
        return
    for number, (block, name) in enumerate(zip(operation.blocks, ("condition", "body"), strict=True)):
        if len(block.inputs) != carried:
            what = f"the {name} has {len(block.inputs)} inputs for {carried} loop_vars"
            yield Problem(f"{where} > block {number + 1}", what)
    if len(operation.outputs) != carried:
        yield Problem(where, f"has {len(operation.outputs)} results for {carried} loop_vars")
    condition, place = operation.blocks[0], f"{where} > block 1"
    if len(condition.outputs) != 1:
        yield Problem(place, f"the condition returns {len(condition.outputs)} values; expected one")
    elif (known := inner[0].known(condition.outputs[0])) is not None and _element(known.type) not in ("bool", None):
        yield Problem(place, f"the condition returns {shown(known.type)}; expected a bool")
    yield from _same_types(operation.outputs, operation.blocks[1], inner[1], f"{where} > block 2", "the loop")


def _same_types(outputs: Any, block: Block, scope: _Visible, place: str, what: str) -> Iterator[Problem]:
    """Results of a block must match those of its operation, one by one."""
    if len(block.outputs) != len(outputs):
        yield Problem(place, f"returns {len(block.outputs)} values; {what} has {len(outputs)}")
        return
    for name, output in zip(block.outputs, outputs, strict=True):
        known = scope.known(name)
        if known is None:
            continue
        given, wanted = _element(known.type), _element(output.type)
        if given != wanted:
            yield Problem(place, f"returns {quoted(name)} as {shown(known.type)}; {what} has {shown(output.type)}")


def _element(declared: Any) -> str | None:
    """The element type of a tensor or state; None for anything else."""
    try:
        return tensor_type(declared)[0]
    except SpecError:
        return None


# The interface --------------------------------------------------------------------------------------------------------


def _interface(function: Function, block: Block, described: Any, scope: _Visible) -> Iterator[Problem]:
    inputs = {given.name: given for given in function.inputs}
    states = {name for name, given in inputs.items() if given.type.HasField("stateType")}
    for what, features, held in (
        ("input", described.input, inputs.keys() - states),
        ("state", described.state, states),
        ("output", described.output, {*block.outputs}),
    ):
        names = {feature.name for feature in features}
        for name in sorted(names - held):
            yield Problem(f"{what} {quoted(name)}", f"is described, but the function has no such {what}")
        for name in sorted(held - names):
            severity = "warning" if what == "output" else "error"
            yield Problem(f"{what} {quoted(name)}", f"is {what} of the function, but is not described", severity)
    for feature in described.input:
        if feature.name in inputs:
            yield from _input(feature.type, inputs[feature.name])
    for feature in described.output:
        known = scope.known(feature.name)
        if known is not None:
            yield from _fits(feature.type, known.type, f"output {quoted(feature.name)}")


def _input(described: FeatureType, given: NamedValueType) -> Iterator[Problem]:
    where = f"input {quoted(given.name)}"
    yield from _fits(described, given.type, where)
    if described.WhichOneof("Type") != "imageType" or _element(given.type) is None:
        return
    shape = tensor_type(given.type)[1]
    if shape is not None and len(shape) != 4:
        yield Problem(where, f"is an image, so the program must take [1, C, H, W], got {shown(given.type)}")


def _fits(described: FeatureType, given: Any, where: str) -> Iterator[Problem]:
    """An array must have the element type that the program has, and sizes that it allows."""
    name = _element(given)
    if described.WhichOneof("Type") != "multiArrayType" or name is None:
        return
    array = described.multiArrayType
    numbers = ArrayFeatureType.ArrayDataType.DESCRIPTOR.values_by_number
    if array.dataType in numbers and _ARRAYS.get(numbers[array.dataType].name, name) != name:
        yield Problem(where, f"is described as {numbers[array.dataType].name}, the program has {name}", "warning")
    shape = tensor_type(given)[1]
    if not shape or array.WhichOneof("ShapeFlexibility") or len(array.shape) != len(shape):
        return
    if any(inside is not None and inside not in (0, size) for size, inside in zip(array.shape, shape, strict=True)):
        yield Problem(where, f"is described with the shape {list(array.shape)}, the program has {shown(given)}")
