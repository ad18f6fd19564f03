"""A graph of one operation, made by hand from a case, and what it computes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from operation_cases import Case, Operation

from graphml import catalogue
from graphml.catalogue import Op
from graphml.graph import ABSENT, Graph, Node, Region
from graphml.interpreter.lower import Lowered, lower
from graphml.spec.program.operations import OPSETS, Parameter
from graphml.spec.program.operations import Operation as Declared
from graphml.spec.program.operations import operation as declared_operation
from graphml.spec.program.operations import operations as declared_operations

VERSIONS = sorted(OPSETS.values())
NAME = "the_operation"


# The table and the catalogue -----------------------------------------------------------------------------------------


def row_of(kind: str, version: int) -> Op:
    return catalogue.row(Node("", "", "operation", kind, (), (), version=version))


def served(kind: str, version: int) -> Declared:
    """What the format says of a kind in the newest version that a row runs."""
    row = row_of(kind, version)
    same = [each for each in VERSIONS if each >= version and row_of(kind, each) is row]
    found = declared_operation(kind, max(same))
    assert found is not None
    return found


def declared(kind: str, version: int) -> Declared:
    """What the format says of a kind in a version."""
    found = declared_operation(kind, version)
    assert found is not None, f"the format has no operation {kind} in version {version}"
    return found


# From a case to a graph ----------------------------------------------------------------------------------------------


def node(
    kind: str,
    inputs: str,
    outputs: str,
    *,
    version: int = 26,
    key: str = "",
    regions: Mapping[str, Region] | None = None,
    **attributes: Any,
) -> Node:
    """A node of a graph that is written by hand.

    Args:
        kind: the operation.
        inputs: names of blobs, with blanks between them.
        outputs: likewise.
        version: of the node.
        key: unique in the graph; that of the outputs unless given.
        regions: region -> `nodes`.
        attributes: those that have no default in the format, and others. `val` of const is its weight.
    """
    weights = {"val": np.asarray(attributes.pop("val"))} if kind == "const" else {}
    if not weights:
        defaults = {each.name: each.default for each in declared(kind, version).parameters.values()}
        attributes = {name: value for name, value in defaults.items() if name not in inputs.split()} | attributes
    return Node(
        key or outputs.replace(" ", "_") or kind,
        NAME,
        "operation",
        kind,
        tuple(inputs.split()),
        tuple(outputs.split()),
        attributes,
        weights,
        regions=dict(regions or {}),
        version=version,
    )


def nodes(*each: Node) -> Region:
    return Region(tuple(each))


def graph_of(stated: Operation, case: Case, outputs: int, constants: Collection[str] = ()) -> Graph:
    """The graph of a case, as the front end makes it: what is left out is a constant of its default, or absent.

    constants: inputs that constants write; the others are inputs of the graph.
    """
    if case.graph is not None:
        return case.graph
    version = stated.version if case.version is None else case.version
    row, says = row_of(stated.kind, version), declared(stated.kind, version).parameters
    assert row.version == stated.version, f"a node of version {version} is run by the row of version {row.version}"
    given = {**case.inputs, **case.attributes}
    unknown = sorted(given.keys() - says.keys() - row.attributes)
    assert not unknown, f"{stated.kind} of version {version} has no parameter {', '.join(unknown)}"
    # what the front end says of an operation is no parameter of the format, and has no default
    attributes = {
        name: _constant(given[name], name in says and says[name].many) if name in given else _default(says[name])
        for name in row.attributes & (says.keys() | given.keys())
    }
    weights = {name: np.asarray(given[name]) for name in row.weights if name in given}
    defaults = {name: _default(says[name]) for name in row.inputs if name in says and name not in given}
    given |= {name: default for name, default in defaults.items() if default is not None and default != ()}
    arrays = {name: blobs(name, given[name]) for name in row.inputs if name in given}
    many = row.inputs[-1:] if row.takes_many else ()
    read = [blob for name in row.inputs for blob in arrays.get(name, () if name in many else (ABSENT,))]
    while read and read[-1] == ABSENT:
        read.pop()
    written = [
        Node(blob, blob, "operation", "const", (), (blob,), {}, {"val": value}, version=version)
        for name, each in arrays.items()
        if name in constants or name in defaults
        for blob, value in each.items()
    ]
    constant = {each.key for each in written}
    entered = [blob for each in arrays.values() for blob in each if blob not in constant]
    names = tuple(f"y{i}" for i in range(outputs))
    only = Node("op", NAME, "operation", stated.kind, tuple(read), names, attributes, weights, version=version)
    return Graph(tuple(entered), names, Region((*written, only)))


def blobs(name: str, value: Any) -> dict[str, np.ndarray]:
    """The blobs of a parameter: one, or one for each of many."""
    if isinstance(value, list):
        return {f"{name}_{i}": np.asarray(one) for i, one in enumerate(value)}
    if isinstance(value, np.ndarray | np.generic):
        return {name: np.asarray(value)}
    array = np.asarray(value)  # plain numbers are float32 and int32
    return {name: array.astype({"f": np.float32, "i": np.int32}.get(array.dtype.kind, array.dtype))}


def _default(parameter: Parameter) -> Any:
    return () if parameter.many else parameter.default


def _constant(value: Any, many: bool) -> Any:
    """A constant as the front end gives it: a number, a tuple where it has one axis, else an array."""
    if many:
        return tuple(_constant(one, False) for one in value)
    if isinstance(value, str) or value is None:
        return value
    array = np.asarray(value)
    return array.item() if array.ndim == 0 else tuple(array.tolist()) if array.ndim == 1 else array


# Answers of the oracle -----------------------------------------------------------------------------------------------


def answers(stated: Operation, case: Case) -> tuple[np.ndarray, ...]:
    """The oracle's answers."""
    version = stated.version if case.version is None else case.version
    inputs = {**dict.fromkeys(row_of(stated.kind, version).inputs), **case.inputs, **case.state}
    attributes = {name: _default(each) for name, each in declared(stated.kind, version).parameters.items()}
    with np.errstate(all="ignore"):
        result = stated.oracle(inputs, {**attributes, **case.attributes})
    return tuple(np.asarray(one) for one in (result if isinstance(result, tuple) else (result,)))


# From a graph to a function ------------------------------------------------------------------------------------------


class Moving(NamedTuple):
    """What a program takes: all that may be traced."""

    params: Any
    inputs: Mapping[str, Any]
    state: Mapping[str, Any]


class Program(NamedTuple):
    """A case, ready to run.

    Attributes:
        lowered: the graph as a function.
        moving: what it is run on.
        known: inputs whose values decide shapes, which are never traced.
        run: moving -> outputs, then states.
    """

    lowered: Lowered
    moving: Moving
    known: Mapping[str, Any]
    run: Callable[[Moving], tuple[Any, ...]]


def program(
    stated: Operation,
    case: Case,
    *,
    outputs: int | None = None,
    constants: Collection[str] = (),
    prepared: bool = False,
    dtype: Any = jnp.float32,
    **options: Any,
) -> Program:
    """Lower a case.

    Args:
        stated: what is demanded of the row.
        case: the case.
        outputs: how many there are; None to ask the oracle.
        constants: inputs that constants write, instead of the caller.
        prepared: whether weights are prepared, as for inference.
        dtype: what the graph is lowered for; None for declared types.
        options: of `lower`.
    """
    count = len(answers(stated, case)) if outputs is None else outputs
    graph = graph_of(stated, case, count, constants)
    lowered = lower(graph, dtype=dtype, debug=case.debug, **options)
    said = {**case.inputs, **case.attributes}
    given = {blob: value for name, each in said.items() for blob, value in blobs(name, each).items()}
    needed = _needed(graph)
    known = {name: given[name] for name in graph.inputs if name in needed}
    inputs = {name: given[name] for name in graph.inputs if name not in needed}
    key = jax.random.key(0) if any(catalogue.row(each).random for each in graph.body.walk()) else None

    def run(moving: Moving) -> tuple[Any, ...]:
        params = lowered.prepare(moving.params) if prepared else moving.params
        function = lowered.run_prepared if prepared else lowered.fn
        result = function(params, {**known, **moving.inputs}, state=moving.state or None, key=key)
        found, state = result if graph.state else (result, {})
        return (*(found[name] for name in graph.outputs), *(state[name] for name in graph.state))

    return Program(lowered, Moving(lowered.params, inputs, dict(case.state)), known, run)


def _needed(graph: Graph) -> set[str]:
    """Blobs whose values an operation needs when it is traced."""
    found: set[str] = set()
    for each in graph.body.walk():
        positions = catalogue.row(each).concrete_for(each.attributes)
        found |= {each.inputs[position] for position in positions if position < len(each.inputs)}
    return found


def missing_kinds(stated: Mapping[str, Operation]) -> set[str]:
    """Operations of the format that no row runs, or for which no case is stated."""
    return set(declared_operations()) - {each.kind for each in stated.values()} - _WEIGHTS


# The front end makes weights of constant expressions, whose values the tests of the front end check.
_WEIGHTS = {kind for kind in declared_operations() if kind.startswith("constexpr_")}
