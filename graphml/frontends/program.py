"""The front end of ML Programs: a function of a program becomes a graph of operations.

The differences between the format and a graph are resolved here:

- a constant becomes a node at the beginning where an operation reads it as a value, an attribute where the operation
  takes it as a constant; compressed weights are constants, too;
- names are unique where they are visible, blobs are unique in the whole graph;
- arguments and results of blocks become copies (`identity`); the carried values of a loop are the blobs of its results;
- a state is a blob that `write_state` overwrites.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from graphml import catalogue
from graphml.errors import SpecError, quoted, typed
from graphml.frontends.loop_counters import is_counted
from graphml.graph import ABSENT, Graph, Node, Region
from graphml.spec.program import programs
from graphml.spec.program.constexprs import Nonzero, StoredConstant, constants, is_constant
from graphml.spec.program.operations import Operation, Parameter, operation
from graphml.spec.program.values import WeightFiles, decode
from graphml.spec.weights import CompressedWeight

DIALECT = "operation"

_DEEPEST = 64  # nested blocks


def read_function(function: Any, files: WeightFiles) -> Graph:
    """Read one function of an ML Program.

    Args:
        function: The Function message.
        files: The weight files of the package.

    Returns:
        The graph. Its state are the arguments of a state type, by name.

    Raises:
        SpecError: An operation is not legal; the message names it.
    """
    return _Reader(programs.version(function), files).graph(function)


@dataclass(frozen=True, eq=False)
class _Constant:
    """A constant that may become a node.

    Attributes:
        name: its name in the file; for a value written inline as an argument, the name of the argument.
        kind: the operation that makes it.
        value: an array, a string or compressed weights.
        type: the name of its element type.
        stored: whether an operation of the file makes it.
    """

    name: str
    kind: str
    value: Any
    type: str = ""
    stored: bool = True


Scope = ChainMap[str, "str | _Constant"]
"""What names stand for: a blob, or a constant."""


@dataclass(eq=False)
class _Reader:
    """Reads one function.

    Attributes:
        version: the version of its operations.
        files: the weight files.
    """

    version: int
    files: WeightFiles
    _constants: dict[str, Node] = field(default_factory=dict[str, Node])
    _blobs: dict[int, str] = field(default_factory=dict[int, str])  # of constants, by identity
    _kept: list[_Constant] = field(default_factory=list[_Constant])
    _used: Counter[str] = field(default_factory=Counter[str])
    _growing: set[str] = field(default_factory=set[str])  # blobs of lists that may grow

    def graph(self, function: Any) -> Graph:
        scope: Scope = ChainMap({})
        inputs: list[str] = []
        state: list[str] = []
        for argument in function.inputs:
            scope[argument.name] = self._blob(argument.name)
            (state if argument.type.WhichOneof("type") == "stateType" else inputs).append(argument.name)
        block = programs.body(function)
        nodes = self._nodes(block, scope, 0)
        for name in block.outputs:
            blob = self._argument(scope, name, f"the output {quoted(name)}")
            if blob != name:  # a block inside has a blob of this name
                nodes.append(self._copy(blob, name, len(nodes)))
        return Graph(tuple(inputs), tuple(block.outputs), Region((*self._constants.values(), *nodes)), tuple(state))

    def _blob(self, name: str) -> str:
        """A unique name for a blob; its name in the file if that is free."""
        self._used[name] += 1
        count = self._used[name]
        return name if count == 1 else f"{name}#{count}"

    # Blocks and operations -------------------------------------------------------------------------------------------

    def _nodes(self, block: Any, scope: Scope, depth: int) -> list[Node]:
        """The nodes of a block; what it names enters `scope`."""
        if depth > _DEEPEST:
            raise SpecError(f"blocks are nested more than {_DEEPEST} deep")
        nodes: list[Node] = []
        for position, message in enumerate(block.operations):
            try:
                nodes += self._operation(message, scope, position, depth)
            except Exception as error:
                raise typed(error, programs.label(message, position)) from error
        return nodes

    def _operation(self, message: Any, scope: Scope, position: int, depth: int) -> list[Node]:
        kind = message.type
        if is_constant(message):
            self._enter_constants(message, scope)
            return []
        found = operation(kind, self.version)
        if found is None:
            raise SpecError(f"there is no operation {quoted(kind)} in version {self.version} of the format")
        if kind == "cond":
            return self._cond(message, scope, position, depth)
        if kind == "while_loop":
            return self._while_loop(message, scope, position, depth)
        return [self._node(message, found, scope, position)]

    def _node(self, message: Any, found: Operation, scope: Scope, position: int) -> Node:
        kind = message.type
        row = catalogue.row(Node("", "", DIALECT, kind, (), (), version=self.version))
        unknown = sorted(set(message.inputs) - found.parameters.keys())
        if unknown:
            names = ", ".join(found.parameters)
            raise SpecError(f"{kind} has no parameter {', '.join(map(quoted, unknown))}; it has {names}")
        missing = [p.name for p in found.parameters.values() if not p.optional and not _given(message, p.name)]
        if missing:
            raise SpecError(f"{kind} lacks the parameter {', '.join(missing)}")
        inputs: list[str] = []
        for name in row.inputs:
            inputs += self._values(message, found.parameters[name], scope)
        while inputs and inputs[-1] == ABSENT:
            inputs.pop()
        attributes: dict[str, Any] = {
            name: self._static(message, parameter, scope)
            for name, parameter in found.parameters.items()
            if name not in row.inputs
        }
        if kind == "write_state":
            outputs = (self._argument(scope, message.inputs["input"].arguments[0].name, "input"),)
        else:
            outputs = self._outputs(message, scope)
        self._say_whether_lists_grow(message, scope, attributes, outputs)
        return Node(
            key=outputs[0] if kind != "write_state" else self._blob(f"write_state {outputs[0]}"),
            name=programs.name(message),
            dialect=DIALECT,
            kind=kind,
            inputs=tuple(inputs),
            outputs=outputs,
            attributes=attributes,
            position=position,
            version=self.version,
        )

    def _outputs(self, message: Any, scope: Scope) -> tuple[str, ...]:
        blobs = tuple(self._blob(output.name) for output in message.outputs)
        scope.update(zip((output.name for output in message.outputs), blobs, strict=True))
        return blobs

    def _copy(self, source: str, target: str, position: int) -> Node:
        if source in self._growing:
            self._growing.add(target)
        key = self._blob(f"copy {target}")
        return Node(key, target, DIALECT, "identity", (source,), (target,), position=position, version=self.version)

    # Arguments -------------------------------------------------------------------------------------------------------

    def _values(self, message: Any, parameter: Parameter, scope: Scope) -> list[str]:
        """The blobs that a parameter receives."""
        if not _given(message, parameter.name):
            if parameter.many:
                return []
            if parameter.default is None:
                return [ABSENT]
            value = np.asarray(parameter.default, _default_type(parameter))
            return [self._constant_blob(_argument_constant(message, parameter, value))]
        blobs: list[str] = []
        for binding in message.inputs[parameter.name].arguments:
            if binding.WhichOneof("binding") == "name":
                blobs.append(self._argument(scope, binding.name, parameter.name))
            else:
                value = decode(binding.value, self.files)
                blobs.append(self._constant_blob(_argument_constant(message, parameter, value)))
        return blobs if parameter.many else _single(blobs, parameter)

    def _argument(self, scope: Scope, name: str, parameter: str) -> str:
        """The blob that a name stands for; a constant becomes a node."""
        if name not in scope:
            raise SpecError(f"{parameter} reads {quoted(name)}, which is not defined before it")
        found = scope[name]
        return found if isinstance(found, str) else self._constant_blob(found)

    def _constant_blob(self, constant: _Constant) -> str:
        known = self._blobs.get(id(constant))
        if known is not None:
            return known
        if isinstance(constant.value, str | list | tuple | dict | Nonzero):
            raise SpecError(f"the constant {quoted(constant.name)} is not a tensor of numbers")
        blob = self._blob(constant.name)
        self._blobs[id(constant)] = blob
        self._kept.append(constant)  # so that nothing else gets its identity
        self._constants[blob] = Node(
            key=blob,
            name=constant.name if constant.stored else "",
            dialect=DIALECT,
            kind=constant.kind,
            inputs=(),
            outputs=(blob,),
            weights={"val": constant.value},
            version=self.version,
        )
        return blob

    def _static(self, message: Any, parameter: Parameter, scope: Scope) -> Any:
        """The constant that a parameter receives, in the form in which functions of operations take it."""
        if not _given(message, parameter.name):
            return () if parameter.many else parameter.default
        values = [plain(self._known(binding, parameter, scope)) for binding in message.inputs[parameter.name].arguments]
        return tuple(values) if parameter.many else _single(values, parameter)[0]

    def _known(self, binding: Any, parameter: Parameter, scope: Scope) -> Any:
        if binding.WhichOneof("binding") == "value":
            return decode(binding.value, self.files)
        if binding.name not in scope:
            raise SpecError(f"{parameter.name} reads {quoted(binding.name)}, which is not defined before it")
        found = scope[binding.name]
        if isinstance(found, str):
            raise SpecError(f"{parameter.name} must be a constant; {quoted(binding.name)} is computed")
        return found.value

    def _enter_constants(self, message: Any, scope: Scope) -> None:
        """Enter the outputs of a constant, which may be compressed weights, into the scope."""

        def known(name: str) -> StoredConstant:
            found = scope.get(name)
            if not isinstance(found, _Constant):
                raise SpecError(f"{quoted(name)} is not a constant that is defined before it")
            return StoredConstant(found.value, found.type)

        values = constants(message, known, self.files)
        if len(values) != len(message.outputs):
            raise SpecError(f"{message.type} has {len(values)} outputs, but {len(message.outputs)} are named")
        for output, stored in zip(message.outputs, values, strict=True):
            scope[output.name] = _Constant(output.name, message.type, stored.value, stored.type)

    # Control flow ----------------------------------------------------------------------------------------------------

    def _cond(self, message: Any, scope: Scope, position: int, depth: int) -> list[Node]:
        predicate = self._argument(scope, _only_name(message, "pred"), "pred")
        _check_blocks(message, ("the true block", "the false block"))
        targets = [self._blob(output.name) for output in message.outputs]
        regions: dict[str, Region] = {}
        for name, block in zip(("if", "else"), message.blocks, strict=True):
            if len(block.inputs) != 0 or len(block.outputs) != len(targets):
                raise SpecError(
                    f"a block of cond takes nothing and returns {len(targets)} values; "
                    f"one takes {len(block.inputs)} and returns {len(block.outputs)}"
                )
            inner = scope.new_child()
            nodes = self._nodes(block, inner, depth + 1)
            results = [self._argument(inner, result, "the block") for result in block.outputs]
            copies = [
                self._copy(result, target, len(nodes) + i)
                for i, (result, target) in enumerate(zip(results, targets, strict=True))
            ]
            regions[name] = Region((*nodes, *copies))
        scope.update(zip((output.name for output in message.outputs), targets, strict=True))
        return [self._control(message, position, (predicate,), {}, regions)]

    def _while_loop(self, message: Any, scope: Scope, position: int, depth: int) -> list[Node]:
        _check_blocks(message, ("the condition", "the body"))
        condition, body = message.blocks
        variables = message.inputs["loop_vars"].arguments
        carried = [self._blob(output.name) for output in message.outputs]
        arities = {len(variables), len(carried), len(condition.inputs), len(body.inputs), len(body.outputs)}
        if len(arities) != 1 or len(condition.outputs) != 1:
            raise SpecError(
                f"a while_loop of {len(variables)} carried values has {len(carried)} outputs, a condition that takes "
                f"{len(condition.inputs)} and returns {len(condition.outputs)}, and a body that takes "
                f"{len(body.inputs)} and returns {len(body.outputs)}"
            )
        parameter = Parameter("loop_vars", frozenset({"any"}), many=True)
        starts = self._values(message, parameter, scope)
        before = [self._copy(start, blob, position) for start, blob in zip(starts, carried, strict=True)]
        lists = tuple(
            blob for blob, output in zip(carried, message.outputs, strict=True) if output.type.HasField("listType")
        )

        def inside(block: Any) -> Scope:
            return scope.new_child(dict(zip((argument.name for argument in block.inputs), carried, strict=True)))

        inner = inside(condition)
        deciding = self._nodes(condition, inner, depth + 1)
        decision = self._argument(inner, condition.outputs[0], "the condition")
        inner = inside(body)
        iteration = self._nodes(body, inner, depth + 1)
        results = [self._argument(inner, result, "the body") for result in body.outputs]
        iteration += self._carry(results, carried, len(iteration))
        scope.update(zip((output.name for output in message.outputs), carried, strict=True))
        regions = {"condition": Region(tuple(deciding)), "body": Region(tuple(iteration))}
        said = {
            "condition": decision,
            "lists": lists,
            "counted": is_counted(regions["condition"], decision, regions["body"], carried),
        }
        return [*before, self._control(message, position, (), said, regions)]

    def _carry(self, results: Sequence[str], carried: Sequence[str], position: int) -> list[Node]:
        """Copies of the results of an iteration to the carried blobs, as if all were copied at the same time."""
        copies: list[Node] = []
        sources = list(results)
        for i, result in enumerate(results):
            if result in carried and result != carried[i]:  # it may be overwritten before it is read
                sources[i] = self._blob(f"{result}.before")
                copies.append(self._copy(result, sources[i], position + len(copies)))
        for source, target in zip(sources, carried, strict=True):
            if source != target:
                copies.append(self._copy(source, target, position + len(copies)))
        return copies

    def _control(
        self,
        message: Any,
        position: int,
        inputs: tuple[str, ...],
        attributes: Mapping[str, Any],
        regions: Mapping[str, Region],
    ) -> Node:
        return Node(
            key=self._blob(programs.name(message) or message.type),
            name=programs.name(message),
            dialect=DIALECT,
            kind=message.type,
            inputs=inputs,
            outputs=(),
            attributes=attributes,
            position=position,
            regions=regions,
            version=self.version,
        )

    # Lists -----------------------------------------------------------------------------------------------------------

    def _say_whether_lists_grow(
        self, message: Any, scope: Scope, attributes: dict[str, Any], outputs: Sequence[str]
    ) -> None:
        """The type of a list does not say whether it grows; the operation that makes it does."""
        kind = message.type
        if kind == "make_list":
            grows = attributes["dynamic_length"] and self._starts_constant(message, scope)
        elif kind in ("list_write", "list_scatter"):
            grows = self._argument(scope, message.inputs["ls"].arguments[0].name, "ls") in self._growing
        elif kind == "identity":
            if self._argument(scope, message.inputs["x"].arguments[0].name, "x") in self._growing:
                self._growing.update(outputs)
            return
        else:
            return
        attributes["grows"] = grows
        if grows:
            self._growing.update(outputs)

    def _starts_constant(self, message: Any, scope: Scope) -> bool:
        """Whether the initial length of a list is a constant; a computed one is the length that is needed."""
        if not _given(message, "init_length"):
            return True
        (binding,) = message.inputs["init_length"].arguments
        return binding.WhichOneof("binding") == "value" or isinstance(scope.get(binding.name), _Constant)


def plain(value: Any) -> Any:
    """A constant as functions of operations take it: a number, bool or string where it has no axes, a tuple of them
    where it has one, otherwise an array."""
    if isinstance(value, list):
        return tuple(cast("list[Any]", value))
    if isinstance(value, str | dict):
        return cast("Any", value)
    array: Any = np.asarray(value.dequantize() if isinstance(value, CompressedWeight) else value)
    if array.ndim == 0:
        return array.item()
    return tuple(array.tolist()) if array.ndim == 1 else array


def _argument_constant(message: Any, parameter: Parameter, value: Any) -> _Constant:
    """A value that no operation makes: the default of a parameter, or written inline as an argument."""
    return _Constant(f"{programs.name(message)}.{parameter.name}", "const", value, stored=False)


def _default_type(parameter: Parameter) -> Any:
    """The type of a default that is read as a value."""
    if isinstance(parameter.default, bool):
        return np.bool_
    return np.int32 if isinstance(parameter.default, int) else np.float32


def _given(message: Any, name: str) -> bool:
    return name in message.inputs and len(message.inputs[name].arguments) > 0


def _single(values: list[Any], parameter: Parameter) -> list[Any]:
    if len(values) != 1:
        raise SpecError(f"{parameter.name} takes one value, got {len(values)}")
    return values


def _only_name(message: Any, parameter: str) -> str:
    arguments = message.inputs[parameter].arguments if parameter in message.inputs else ()
    if len(arguments) != 1:
        raise SpecError(f"{parameter} takes one value, got {len(arguments)}")
    return arguments[0].name


def _check_blocks(message: Any, names: tuple[str, ...]) -> None:
    if len(message.blocks) != len(names):
        raise SpecError(f"{message.type} takes {' and '.join(names)}, got {len(message.blocks)} blocks")
