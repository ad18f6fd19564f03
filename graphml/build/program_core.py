"""The base of the program builder: values, and how an operation is appended to a block.

Each operation is evaluated abstractly when it is added, with the function that will run it, so each value has a type
and shape, and an operation that does not fit is refused at once. Where inputs have flexible shapes, operations are
evaluated for two sets of sizes; sizes that differ between the two are written as unknown.
"""

# JAX is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.errors import GraphError, SpecError, quoted, typed
from graphml.graph import ABSENT, Graph, Node, Region
from graphml.interpreter.interface import SeenBlobs
from graphml.interpreter.lower import lower
from graphml.spec.program.operations import OPSETS, Operation, Parameter, operation

DIALECT = "operation"

_LARGEST_KNOWN = 1 << 12  # elements of a value that is computed while building
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_@]*")


class Probe(NamedTuple):
    """A value for one set of input sizes.

    Attributes:
        form: its shape and type.
        known: its value if constants and shapes determine it, else None.
    """

    form: jax.ShapeDtypeStruct
    known: np.ndarray[Any, Any] | None = None


@dataclass(frozen=True, eq=False)
class Value:
    """A value of the program under construction: an input, a constant or the result of an operation.

    Attributes:
        name: Its name in the program.
        probes: The value for each set of input sizes.
        is_list: Whether it is a list.
        is_state: Whether it is a state, which operations read and write.
        stored: The constant, if it is one; None if it is computed.
        inline: Whether it is written in place, instead of as a separate operation.
    """

    name: str
    probes: tuple[Probe, ...]
    is_list: bool = False
    is_state: bool = False
    stored: Any = None
    inline: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its elements."""
        return np.dtype(self.probes[0].form.dtype)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Its shape; None for sizes that depend on the inputs."""
        shapes = [probe.form.shape for probe in self.probes]
        if len({len(shape) for shape in shapes}) > 1:
            raise GraphError(f"the rank of {quoted(self.name)} depends on the sizes of the inputs")
        return tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True))

    def __repr__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"<{self.name}: {'list of ' if self.is_list else ''}{self.dtype}[{sizes}]>"


@dataclass(frozen=True, eq=False)
class Step:
    """An operation of a block.

    Attributes:
        kind: The operation.
        name: Its own name.
        arguments: {parameter: values that it receives}.
        outputs: Its results.
        blocks: Its blocks.
        labels: The labels of a classifier.
    """

    kind: str
    name: str
    arguments: Mapping[str, Sequence[Value]]
    outputs: tuple[Value, ...]
    blocks: tuple[ProgramBlock, ...] = ()
    labels: tuple[Any, ...] = ()


@dataclass(eq=False)
class ProgramBlock:
    """A sequence of steps.

    Attributes:
        inputs: The inputs of the block: the carried values of a loop.
        steps: The operations.
        outputs: What it returns.
    """

    inputs: tuple[Value, ...] = ()
    steps: list[Step] = field(default_factory=list[Step])
    outputs: tuple[Value, ...] = ()


Argument = Any
"""What methods accept as a value: a Value, or anything that NumPy turns into an array, which becomes a constant."""


class ProgramCore:
    """One function of a program under construction.

    Args:
        opset: The operator set, "CoreML5" to "CoreML9".
    """

    def __init__(self, opset: str) -> None:
        if opset not in OPSETS:
            raise SpecError(f"opset must be one of {', '.join(OPSETS)}, got {opset!r}")
        self.opset = opset
        self._names: set[str] = set()
        self._main = ProgramBlock()
        self._blocks = [self._main]
        self._flexible = False

    @property
    def version(self) -> int:
        """The version of the operations: 15 for CoreML5 (iOS 15), and so on."""
        return OPSETS[self.opset]

    # Constants -------------------------------------------------------------------------------------------------------

    def const(self, value: Argument, name: str | None = None, dtype: str | None = None) -> Value:
        """A constant.

        Args:
            value: Anything that NumPy turns into an array; float64 becomes float32 and int64 int32, unless `dtype` is
                given. A string stays a string.
            name: Its name. Default: generated.
            dtype: The type of its elements.

        Returns:
            The constant.
        """
        stored = value if isinstance(value, str) else _array(value, dtype)
        return self._constant(stored, self._new_name(name or "const"))

    def _constant(self, stored: Any, name: str) -> Value:
        form = jax.ShapeDtypeStruct(np.shape(stored), getattr(stored, "dtype", np.dtype(np.int32)))
        known = stored if isinstance(stored, np.ndarray) and _is_fact(stored) else None
        count = 2 if self._flexible else 1
        made = Value(name, (Probe(form, known),) * count, stored=stored)
        self._blocks[-1].steps.append(Step("const", name, {}, (made,)))
        return made

    # Operations ------------------------------------------------------------------------------------------------------

    def _add(self, kind: str, name: str | None, arguments: Mapping[str, Argument], outputs: int = 1) -> Any:
        """Append an operation.

        Args:
            kind: The operation.
            name: Its name, and that of its first output. Default: generated.
            arguments: {parameter: value}; None for a parameter that is left out.
            outputs: How many results it has.

        Returns:
            The result, or a tuple of them if there are several.

        Raises:
            GraphError, ShapeError, SpecError: The operation does not take these arguments; the message names it.
        """
        found = operation(kind, self.version)
        if found is None:
            raise SpecError(f"the operator set {self.opset} has no operation {kind}")
        own = self._new_name(name or kind)
        given: dict[str, list[Value]] = {}
        shared = _shared_types(found, arguments)
        for parameter in found.parameters.values():
            argument = arguments.get(parameter.name)
            if argument is not None:
                given[parameter.name] = self._values(argument, parameter, own, shared.get(parameter.letter))
            elif not parameter.optional:
                raise SpecError(f"{kind} {own!r} is missing the parameter {parameter.name}")
        _check_shared_types(found, given, f"{kind} {own!r}")
        names = [own, *(self._new_name(f"{own}_{i}") for i in range(1, outputs))]
        try:
            probes = [self._evaluate(kind, given, outputs, i) for i in range(2 if self._flexible else 1)]
        except Exception as error:
            raise typed(error, f"{kind} {own!r}") from error
        is_list = kind in ("make_list", "list_write", "list_scatter") or (kind == "identity" and given["x"][0].is_list)
        made = tuple(
            Value(each, tuple(probe[i] for probe in probes), is_list=is_list) for i, each in enumerate(names[:outputs])
        )
        self._blocks[-1].steps.append(Step(kind, own, given, made))
        return made[0] if outputs == 1 else made if outputs else None

    def _operation(self, kind: str, name: str | None, arguments: Mapping[str, Argument]) -> Any:
        """Append an operation with as many results as its arguments imply."""
        return self._add(kind, name, arguments, self._output_count(kind, arguments))

    def _output_count(self, kind: str, arguments: Mapping[str, Argument]) -> int:
        found = operation(kind, self.version)
        if found is None:
            raise SpecError(f"the operator set {self.opset} has no operation {kind}")
        if kind == "split":
            sizes, count = arguments.get("split_sizes"), arguments.get("num_splits")
            given = count if sizes is None else sizes
            stored = given.stored if isinstance(given, Value) else given
            if stored is None:
                raise SpecError("split needs num_splits or split_sizes, as constants")
            return int(np.asarray(stored)) if sizes is None else len(np.atleast_1d(stored))
        if found.outputs == (1, 2):  # topk, which may leave out the indices
            chosen = arguments.get("return_indices")
            return 1 if chosen is not None and not bool(getattr(chosen, "stored", chosen)) else 2
        return found.outputs[0]

    def _values(self, argument: Argument, parameter: Parameter, own: str, shared: Any) -> list[Value]:
        entries: Sequence[Any] = argument if parameter.many else [argument]
        if isinstance(entries, Value):
            raise SpecError(f"{parameter.name} takes a list of values, not one")
        return [self._value(entry, parameter, own, shared) for entry in entries]

    def _value(self, argument: Argument, parameter: Parameter, own: str, shared: Any) -> Value:
        if isinstance(argument, Value):
            if parameter.constant and argument.stored is None:
                raise SpecError(f"{parameter.name} must be a constant; {quoted(argument.name)} is computed")
            return argument
        stored = (
            argument if isinstance(argument, str) else _array(argument, _constant_type(parameter, argument, shared))
        )
        return self._constant(stored, self._new_name(f"{own}_{parameter.name}"))

    def _evaluate(self, kind: str, given: Mapping[str, Sequence[Value]], outputs: int, which: int) -> list[Probe]:
        """The results of an operation for one set of input sizes, without computing them unless they are known."""
        row = catalogue.row(Node("", "", DIALECT, kind, (), (), version=self.version))
        found = operation(kind, self.version)
        assert found is not None
        attributes = {
            name: self._static(given.get(name), parameter)
            for name, parameter in found.parameters.items()
            if name not in row.inputs
        }
        if "grows" in row.attributes:
            attributes["grows"] = False
        concrete = {row.inputs[i] for i in row.concrete_for(attributes) if i < len(row.inputs)}
        arrays: dict[str, Probe] = {}
        inputs: list[str] = []
        for parameter in row.inputs:
            values = given.get(parameter)
            if values is None:
                inputs.append(ABSENT)
                continue
            for value in values:
                probe = value.probes[which]
                if parameter in concrete and isinstance(value.stored, np.ndarray):
                    probe = probe._replace(known=value.stored)
                arrays[value.name] = probe
                inputs.append(value.name)
        while inputs and inputs[-1] == ABSENT:
            inputs.pop()
        results = tuple(f"result {i}" for i in range(outputs))
        node = Node(kind, kind, DIALECT, kind, tuple(inputs), results, attributes, version=self.version)
        facts = SeenBlobs()
        lowered = lower(Graph(tuple(arrays), results, Region((node,))), facts, dtype=None)
        known = {name: probe.known for name, probe in arrays.items() if probe.known is not None}
        key = jax.random.key(0) if row.random else None
        if len(known) == len(arrays) and arrays and not row.random:
            return [_seen(value) for value in lowered.fn({}, known).values()]
        unknown = {name: probe.form for name, probe in arrays.items() if probe.known is None}

        def run(moving: dict[str, Any]) -> dict[str, Any]:
            return lowered.fn({}, {**known, **moving}, key=key)

        forms = jax.eval_shape(run, unknown)
        return [Probe(jax.ShapeDtypeStruct(f.shape, f.dtype), facts.found.get(name)) for name, f in forms.items()]

    def _static(self, values: Sequence[Value] | None, parameter: Parameter) -> Any:
        from graphml.frontends.program import plain

        if values is None:
            return () if parameter.many else parameter.default
        found = tuple(plain(value.stored) for value in values)
        return found if parameter.many else found[0]

    def _new_name(self, wanted: str) -> str:
        """A valid, unused name."""
        name = wanted if _NAME.fullmatch(wanted) else re.sub(r"\W", "_", wanted, flags=re.ASCII)
        name = name if _NAME.fullmatch(name) else f"_{name}"
        free, count = name, 0
        while free in self._names:
            count += 1
            free = f"{name}_{count}"
        self._names.add(free)
        return free


def _seen(value: Any) -> Probe:
    array = np.asarray(value)
    return Probe(jax.ShapeDtypeStruct(array.shape, array.dtype), array if array.size <= _LARGEST_KNOWN else None)


def _is_fact(array: np.ndarray[Any, Any]) -> bool:
    return array.size <= _LARGEST_KNOWN and (array.ndim == 0 or not jnp.issubdtype(array.dtype, jnp.floating))


def _array(value: Any, dtype: str | None) -> np.ndarray[Any, Any]:
    array = np.asarray(value)
    narrower = {"float64": "float32", "int64": "int32", "uint64": "uint32"}
    wanted = dtype if dtype is not None else narrower.get(array.dtype.name, array.dtype.name)
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise SpecError(f"a constant must be numbers or a string, got an array of type {array.dtype}")
    return np.ascontiguousarray(array.astype(wanted)).reshape(array.shape)


def _shared_types(found: Operation, arguments: Mapping[str, Argument]) -> dict[str, np.dtype[Any]]:
    """The type of parameters that share a type letter, if the program computes one of them."""
    types: dict[str, np.dtype[Any]] = {}
    for parameter in found.parameters.values():
        argument = arguments.get(parameter.name)
        for entry in argument if parameter.many and isinstance(argument, list | tuple) else [argument]:
            if parameter.letter and isinstance(entry, Value):
                types.setdefault(parameter.letter, entry.dtype)
    return types


def _check_shared_types(found: Operation, given: Mapping[str, Sequence[Value]], where: str) -> None:
    """Raise SpecError if parameters that share a type letter have different types."""
    letters: dict[str, tuple[np.dtype[Any], str]] = {}
    for name, values in given.items():
        parameter = found.parameters[name]
        for value in values:
            if parameter.letter and value.dtype.name in parameter.types:
                dtype, first = letters.setdefault(parameter.letter, (value.dtype, name))
                if dtype != value.dtype:
                    raise SpecError(f"{where}: {first} and {name} must have one type, got {dtype} and {value.dtype}")


def _constant_type(parameter: Parameter, value: Any, shared: np.dtype[Any] | None) -> str | None:
    """The type of a constant given as plain numbers: that of the values that must have the same type, or one that the
    parameter takes."""
    if isinstance(value, np.ndarray | np.generic):
        return None
    kind = np.asarray(value).dtype.kind
    if shared is not None and jnp.issubdtype(shared, jnp.floating) and kind in "fi":
        return shared.name
    preferred = {"f": ("float32", "float16"), "i": ("int32", "uint32", "uint8", "float32"), "b": ("bool",)}.get(
        kind, ()
    )
    return next((name for name in preferred if name in parameter.types), None)
