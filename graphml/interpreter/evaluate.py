"""Evaluation: the nodes of a region run one after the other on an environment of blobs.

The shape is that of `jax.core.eval_jaxpr`: each node reads, its row computes, the results are written, dead blobs are
dropped. Rows are found by `catalogue.row`; no operator and no dialect is known here by name.

Around a row, and nowhere else: weights get their run-time form, image-like arrays get the layout that the row wants
(`ChannelsLast` remembers it, so a chain of such rows never converts back), scalars become vectors for rows that take
arrays with axes only, and errors gain the name of the node.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.catalogue import Op, Target
from graphml.errors import GraphError, ShapeError, UnsupportedError, typed
from graphml.graph import (
    ABSENT,
    EXIT,
    Graph,
    Node,
    Region,
    last_reads,
    live_after,
    reads,
    sliced,
    used,
    writes,
    written_inside,
)
from graphml.interpreter.block import Block
from graphml.interpreter.budget import OF_JAX, check_call, check_shape
from graphml.interpreter.control import Control
from graphml.interpreter.layout import ChannelsLast, arrange, at_least_1d, rank, wire
from graphml.interpreter.values import State, is_fact, known, peek
from graphml.interpreter.weights import known_weights, ready_weights


class ValueNeeded(UnsupportedError):
    """The value of an input decides a shape, and cannot be seen while tracing. `positions`: of all such inputs."""

    positions: tuple[int, ...] = ()


class Evaluation(NamedTuple):
    """What stays the same while a graph is evaluated once.

    Attributes:
        target: what the graph is lowered for.
        dtype: the type that it is lowered for.
        known: keys of constants whose values are part of the program.
        params: weights by key and name.
        key: for random numbers; None where none was given.
        prepared: whether `params` have their run-time form already.
        origins: blob -> where it comes from, for errors.
        blocks: what has been traced of regions.
        static: values of blobs that the caller has given.
        sizes: for one node, the sizes that its inputs lead to.
    """

    target: Target
    dtype: Any
    known: frozenset[str]
    params: Mapping[str, Any]
    key: jax.Array | None
    prepared: bool
    origins: Mapping[str, str]
    blocks: dict[tuple[Node, ...], dict[Any, Any]]
    static: Mapping[str, Any]
    sizes: tuple[Node, tuple[int, ...]] | None = None


def run_region(region: Region, env: State, keep: frozenset[str], evaluation: Evaluation) -> None:
    """Run the nodes of a region on the blobs in `env`; afterwards `env` holds those of `keep` that exist."""
    lives, deads = live_after(region, keep), last_reads(region, keep)
    for position, (node, live, dead) in enumerate(zip(region.nodes, lives, deads, strict=True)):
        try:
            run_node(node, env, live, evaluation)
        except Exception as error:
            raise explained(error, node, env, evaluation) from error
        for name in dead:
            env.pop(name, None)
        if may_leave(node, env):
            if not known(env[EXIT]):
                run_unless_left(Region(region.nodes[position + 1 :]), env, keep, evaluation)
                return
            if is_set(env[EXIT]):
                return


def run_node(node: Node, env: State, live: frozenset[str], evaluation: Evaluation) -> None:
    """Run one node on the blobs in `env`. live: what is wanted after it of the blobs that its regions write."""
    row = catalogue.row(node)
    with jax.named_scope(node.key):
        if node.regions:
            env.update(_call_regions(row, node, env, live, evaluation))
        else:
            results = _call(row, node, [_read(env, name) for name in node.inputs], evaluation)
            env.update(zip(node.outputs, results, strict=True))


def _read(env: State, name: str) -> Any:
    if name == ABSENT:
        return None
    if name not in env:
        raise GraphError(
            f"{name!r} was not written: only one branch of a conditional writes it, or a loop that ran no iteration"
        )
    return env[name]


# Leaving an iteration of a loop ---------------------------------------------------------------------------------------


def may_leave(node: Node, env: State) -> bool:
    """Whether a node that has run may have left the iteration of the loop around it, as recorded in the blob EXIT."""
    return EXIT in env and (EXIT in node.outputs or (not node.is_loop and EXIT in written_inside(node)))


def is_set(left: Any) -> bool:
    """Whether a known EXIT says that the iteration was left."""
    return int(peek(left).reshape(())) != 0


def run_unless_left(rest: Region, env: State, keep: frozenset[str], evaluation: Evaluation) -> None:
    """Run what follows a possible break or continue under a condition. Blobs that it would have created are zeros of
    their shapes when it does not run."""
    remaining = block(rest, evaluation)
    state = {name: wire(value) for name, value in env.items() if name in remaining.reads | remaining.writes | {EXIT}}
    new = remaining.writes & keep - state.keys()
    shapes = remaining.shapes(state, new)
    state |= {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in shapes.items()}
    stay = state[EXIT].reshape(()) == 0
    control = Control(state, keep | {EXIT}, lambda value: value, evaluation.target.max_iterations)
    env.update(control.branch(stay, remaining, None))
    env.update({name: state[name] for name in new & state.keys() - env.keys()})


# Nodes with regions --------------------------------------------------------------------------------------------------


def _call_regions(row: Op, node: Node, env: State, live: frozenset[str], evaluation: Evaluation) -> State:
    """The blobs that a node with regions writes."""
    state = {name: wire(env[name]) for name in used(node) if name in env}
    blocks = blocks_of(node, evaluation)
    live |= frozenset({EXIT} if EXIT in state else ())
    control = Control(state, live, row.dialect.is_true, evaluation.target.max_iterations)
    inputs = [_given(name, _read(state, name), evaluation) for name in node.inputs]
    return control_flow(row, node, inputs, blocks, control)


def control_flow(
    row: Op, node: Node, inputs: Sequence[Any], blocks: Mapping[str, Block], control: Control
) -> dict[str, Any]:
    """What the row of a node with regions makes of its inputs, its blocks by name of the region, and control."""
    regions = {parameter: blocks.get(name) for parameter, name in row.regions.items()}
    keywords = {name: node.attributes[name] for name in row.attributes}
    return row.function(*inputs, control=control, **regions, **keywords)


def blocks_of(node: Node, evaluation: Evaluation) -> dict[str, Block]:
    """The regions of a node as functions, by name."""
    return {
        name: block(region, evaluation._replace(key=key_inside(evaluation.key, node, name)))
        for name, region in node.regions.items()
    }


def key_inside(key: jax.Array | None, node: Node, name: str) -> jax.Array | None:
    """The key of a region: its nodes draw different random numbers from those outside and in sibling regions."""
    if key is None:
        return None
    which = list(catalogue.row(node).regions.values()).index(name)
    return jax.random.fold_in(jax.random.fold_in(key, node.position), which)


def block(region: Region, evaluation: Evaluation) -> Block:
    """A region as a function; what is traced of it is kept for the whole evaluation."""

    def evaluate(params: Any, key: Any, state: State, wanted: frozenset[str]) -> State:
        env = dict(state)
        run_region(region, env, wanted, evaluation._replace(params=params, key=key))
        return {name: wire(value) for name, value in env.items()}

    params = {node.key: evaluation.params[node.key] for node in region.walk() if node.key in evaluation.params}

    def part(wanted: frozenset[str]) -> Block | None:
        nodes = sliced(region, wanted)
        return None if nodes is None else block(nodes, evaluation)

    traced = evaluation.blocks.setdefault(region.nodes, {})
    return Block(evaluate, params, evaluation.key, reads(region), writes(region), traced, part)


# Nodes without regions -----------------------------------------------------------------------------------------------


def _call(row: Op, node: Node, values: Sequence[Any], evaluation: Evaluation) -> list[Any]:
    """The outputs of one node, as they go into the environment."""
    keywords = _keywords(row, node, evaluation)
    if node.weights and not row.prepare:
        values = [*values, *(keywords.pop(name, None) for name in row.stored)]
    # stored inputs that are prepared are weights, not images
    first = len(row.inputs) - len(row.stored) if row.prepare and row.stored else len(values)
    arrays, laid = arrange(row.layout_for(node.attributes, tuple(map(rank, values))), values[:first])
    arrays += map(wire, values[first:])
    if not row.signature.keeps_scalars:
        arrays = [array if array is None else at_least_1d(array) for array in arrays]
    known = bool(arrays) and all(array is None or is_fact(array) for array in arrays)
    if row.prepare and row.stored and not node.weights:
        keywords |= _prepared(row, node, arrays)
    plain = partial(row.function, **keywords)
    function: Callable[..., Any] = catalogue.images_laid(laid)(plain)
    numbers = node.attributes
    if evaluation.sizes is not None and evaluation.sizes[0] is node:
        numbers = {**numbers, "sizes": evaluation.sizes[1]}
        function = partial(function, sizes=evaluation.sizes[1])
    else:
        _see_values(row.concrete_for(node.attributes), node, arrays, evaluation)
    check_call(function, arrays, row.concrete_for(node.attributes), numbers)
    if known and not node.weights and not row.random:
        with jax.ensure_compile_time_eval():  # all inputs are known, so the result is, also under jit
            results = [np.asarray(result) for result in _sequence(function(*arrays))]
    else:
        try:
            results = _sequence(function(*arrays))
        except catalogue.ValueUnseen as unseen:
            _see_values(unseen.positions, node, arrays, evaluation)
            results = _sequence(function(*arrays))
    for result in results:
        check_shape(result.shape, result.dtype)
    if len(results) < len(node.outputs):
        raise GraphError(f"the {node.dialect} declares {len(node.outputs)} outputs but produced {len(results)}")
    return [ChannelsLast(r) if laid and r.ndim >= 3 else r for r in results[: len(node.outputs)]]


def _prepared(row: Op, node: Node, arrays: list[Any]) -> dict[str, Any]:
    """The stored inputs of a row in the form that it prepares, by name; they are taken out of `arrays`."""
    first = len(row.inputs) - len(row.stored)
    stored = {name: array for name, array in zip(row.stored, arrays[first:], strict=False) if array is not None}
    del arrays[first:]
    assert row.prepare is not None
    return dict(row.prepare(stored, node.attributes)) if stored else {}


def _sequence(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple | list) else [result]


def _see_values(wanted: Sequence[int], node: Node, arrays: list[Any], evaluation: Evaluation) -> None:
    """Replace, in place, the arrays that decide a shape by their values. Raises ValueNeeded where one is unseen."""
    positions = [p for p in wanted if p < len(arrays) and arrays[p] is not None]
    for position in positions:
        arrays[position] = _given(node.inputs[position], arrays[position], evaluation)
    unseen = [node.inputs[position] for position in positions if not known(arrays[position])]
    if unseen:
        needed = value_needed(unseen)
        needed.positions = tuple(positions)
        raise needed


def value_needed(names: Sequence[str]) -> ValueNeeded:
    """The error for blobs whose values are needed but cannot be seen."""
    return ValueNeeded(
        f"the value of {' and '.join(map(repr, names))} decides a shape, and it is not known when it is traced; "
        f"give it with static={{{names[0]!r}: ...}}, or run the network outside of jit"
    )


def _given(name: str, array: Any, evaluation: Evaluation) -> Any:
    """The value of a blob where the caller has given it, or where it can be seen; else the array itself."""
    if name not in evaluation.static or known(array):
        return peek(array)
    value = np.asarray(evaluation.static[name], array.dtype)
    if value.size != array.size:
        raise ShapeError(f"static gives {value.size} values for {name!r}, which has shape {list(array.shape)}")
    return value.reshape(array.shape)


def _keywords(row: Op, node: Node, evaluation: Evaluation) -> dict[str, Any]:
    """Everything that the row's function takes by keyword."""
    keywords: dict[str, Any] = {name: node.attributes[name] for name in row.attributes}
    if node.key in evaluation.known:
        return {**keywords, **dict.fromkeys(row.weights), **known_weights(node)}
    weights = evaluation.params.get(node.key, {})
    if not evaluation.prepared:
        weights = ready_weights(row, node, weights, evaluation.dtype)
    keywords |= dict.fromkeys(row.weights) | dict(weights)
    if row.random:
        key = evaluation.key
        if key is None and node.attributes.get("seed", -1) < 0:
            raise GraphError(f"this {node.dialect} draws random numbers and has no seed: pass key=jax.random.key(...)")
        keywords["key"] = None if key is None else jax.random.fold_in(key, node.position)
    return keywords


# Errors --------------------------------------------------------------------------------------------------------------

_MOST_INPUTS_SHOWN = 20


def origins(graph: Graph) -> dict[str, str]:
    """Where each blob comes from, as text."""
    found = dict.fromkeys(graph.inputs, "an input") | dict.fromkeys(graph.state, "the state")
    for node in graph.body.walk():
        found |= dict.fromkeys(node.outputs, f"{node.dialect} {node.name!r}")
    return found


def explained(error: Exception, node: Node, env: State, evaluation: Evaluation) -> Exception:
    """An exception that a node raised, as an error of graphml that names the node and the shapes of its inputs.

    JAX's errors about values that are not known while tracing, and about NaN that `jax.debug_nans` has found, keep
    their type and get a note.
    """
    if isinstance(error, OF_JAX):
        error.add_note(f"in {node.label}")
        return error
    return typed(error, node.label, _facts(node, env, evaluation))


def _facts(node: Node, env: State, evaluation: Evaluation) -> list[str]:
    lines: list[str] = []
    for name in node.inputs[:_MOST_INPUTS_SHOWN]:
        if name in env:
            value = wire(env[name])
            origin = evaluation.origins.get(name, "a sub-network")
            lines.append(f"  {name}  {value.dtype}{list(value.shape)}  from {origin}")
    return lines
