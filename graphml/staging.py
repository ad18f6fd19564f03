"""Networks whose shapes depend on values, in compiled stages between which the host reads what decides.

A stage runs the nodes of a region from one of them on, until a row needs a value that cannot be seen while tracing, or
a branch or loop cannot be compiled as one. It gives the blobs that are needed later and says where it stopped. The host
reads that one value, or goes through the branch or loop itself, and the next stage starts there. Where a row says which
`sizes` its values lead to, only these are read.

A stage is made for the shapes of its blobs and for the values that were read, and is kept: the same shapes and values
never trace again. At most `CAPACITY` stages are kept, the ones used last. A `ShapePolicy` other than exact makes stages
for larger sizes, which then serve more than one (`graphml.padded`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from graphml import catalogue
from graphml.control import LONGEST_SCAN, MOST_TURNS, Block, Control, ShapesChange, State, Turns, known, peek
from graphml.errors import UnsupportedError
from graphml.graph import EXIT, Node, Region, last_reads, live_before, reads, writes
from graphml.lower import (
    Lowered,
    Run,
    ValueNeeded,
    blocks_of,
    control_flow,
    explained,
    is_set,
    key_inside,
    live_after,
    may_leave,
    origins,
    run_node,
    run_unless_left,
    value_needed,
    wire,
)
from graphml.padded import NotPaddable, padded
from graphml.programs import Compiled, Latest
from graphml.shape_policy import ChangingAxes, ShapePolicy, cut, filled

CAPACITY = 512
"""How many stages a network keeps compiled."""

_SLICE_SECONDS = 0.2  # that a slice of an endless loop takes: after each the program can be interrupted
_FIRST_SLICE, _LONGEST_SLICE = 1 << 10, 1 << 24  # turns

_SIZES, _MORE = "$sizes", "$more"  # beside the blobs that a stage gives


class Stop(NamedTuple):
    """Where a stage stops. why: it needs the values of some inputs of the node, or only the sizes that they lead to;
    the node has sub-networks for the host; the nodes from here on run only if the turn of a loop was not left; or they
    are just the next."""

    position: int
    why: Literal["value", "sizes", "regions", "left", "next", "end"]
    blobs: tuple[str, ...] = ()


@dataclass(eq=False)
class Stage:
    """A compiled piece of a region. `stop` and `known` (blobs whose values are known) are found when it is traced.
    cut: for results of which only a part counts, how long that is: blob -> (axis, how much longer than the count)."""

    run: Callable[..., State]
    stop: Stop | None = None
    known: State = field(default_factory=dict)
    cut: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class Staged:
    """A lowered network as a function that runs on the host: `staged(params, inputs, key=None)`; not to be jitted.

    Derivatives go through its stages. host_reads: how many values the host has read. traced: is told of each stage that
    is traced, (what, seconds). prepared: whether params are those of `Lowered.prepare`. compiler_options: for XLA; with
    any, no derivative can be taken. policy: how sizes that depend on values are compiled; derivatives are always exact.
    """

    def __init__(
        self,
        lowered: Lowered,
        *,
        prepared: bool = False,
        compiler_options: Mapping[str, Any] | None = None,
        policy: ShapePolicy | None = None,
        traced: Callable[[str, float], None] = lambda what, seconds: None,
    ) -> None:
        self.lowered = lowered
        self.host_reads = 0
        self._prepared = prepared
        self._options = dict(compiler_options or {})
        self._policy = ShapePolicy() if policy is None else policy
        self._changing: dict[Any, ChangingAxes] = {}
        self._traced = traced
        self._origins = origins(lowered.graph)
        self._stages: Latest[Stage] = Latest(CAPACITY)
        self._names: dict[tuple[Region, int], tuple[str, ...]] = {}
        self._outputs = frozenset(port.name for port in lowered.graph.outputs)
        self._enter = Compiled(lowered.enter, compiler_options=self._options)
        self._leave = Compiled(lowered.leave, compiler_options=self._options)

    def __call__(self, params: Any, inputs: Mapping[str, Any], key: jax.Array | None = None) -> dict[str, Any]:
        body = self.lowered.folded.graph.body if self._prepared else self.lowered.graph.body
        state = self._region(body, self._enter(inputs), self._outputs, params, key)
        outputs = {name: state[name] for name in self._outputs}
        if self._policy.name != "exact" and not _hidden(outputs):
            # a reshape that is compiled for each size would undo what the policy is for
            left = self.lowered.leave({name: np.asarray(value) for name, value in outputs.items()})
            return {name: jnp.asarray(value) for name, value in left.items()}
        return self._leave(outputs)

    @property
    def stages(self) -> int:
        """How many compiled stages are kept."""
        return len(self._stages)

    def _jit(self, function: Callable, **options: Any) -> Callable:
        return jax.jit(function, compiler_options=self._options, **options)

    # A region, stage by stage ----------------------------------------------------------------------------------------

    def _region(self, region: Region, state: State, keep: frozenset[str], params: Any, key: Any) -> State:
        """The state after a region."""
        position, given, sizes = 0, {}, None
        state = dict(state)
        while True:
            stage, made = self._run_stage(region, position, given, sizes, state, keep, params, key)
            state |= made
            state |= stage.known
            stop, given, sizes = stage.stop, {}, None
            assert stop is not None
            position = stop.position
            if stop.why == "end":
                return state
            node = region.nodes[min(position, len(region.nodes) - 1)]
            try:
                if stop.why == "value":
                    given = {name: np.asarray(self._read(name, state[name])) for name in stop.blobs}
                    continue
                if stop.why == "sizes":
                    found = np.asarray(self._read(stop.blobs[0], state.pop(_SIZES)))
                    sizes = tuple(int(size) for size in found)
                    continue
                if stop.why == "next":
                    continue
                if stop.why == "regions":
                    state |= self._sub_networks(node, state, live_after(region, position, keep), params, key)
                    position += 1
                    if not may_leave(node, state):
                        continue
                if is_set(self._read(EXIT, state[EXIT])):
                    return state
            except Exception as error:
                raise explained(error, node, state, self._run(params, key)) from error
            state[EXIT] = np.zeros(1, np.float32)

    def _read(self, name: str, value: Any) -> Any:
        self.host_reads += 1
        seen = peek(value)
        if not known(seen):
            raise value_needed([name])
        return seen

    def _run_stage(self, region, position, given, sizes, state, keep, params, key) -> tuple[Stage, State]:
        arrays, fixed, facts = {}, {}, []
        for name in self._needed(region, position):
            value = state.get(name)
            if isinstance(value, np.ndarray):
                fixed[name] = value
                facts.append((name, value.shape, value.tobytes()))
            elif value is not None:
                arrays[name] = value
        facts += [(name, "read", value.shape, value.tobytes()) for name, value in given.items()]
        facts = region, position, tuple(facts)
        known_values = {**fixed, **given}
        if self._policy.name != "exact" and not _hidden((params, arrays)):
            if sizes is not None and len(sizes) == 1 and sizes[0] > 0:
                return self._run_sized(region, position, known_values, sizes[0], facts, keep, params, key, arrays)
            if sizes is None:
                filled = self._run_filled(region, position, known_values, facts, keep, params, key, arrays)
                if filled is not None:
                    return filled
        where = (*facts, sizes, _shapes(arrays))
        stage = self._stages.get(where)
        if stage is not None:
            return stage, stage.run(params, key, arrays)
        stage = Stage(lambda *operands: {})
        stage.run = self._jit(self._function(stage, region, position, known_values, sizes, keep))
        return stage, self._first_run(where, stage, _what(region, position, given, sizes, arrays), params, key, arrays)

    def _first_run(self, where: Any, stage: Stage, what: str, *operands: Any) -> State:
        start = time.perf_counter()
        made = stage.run(*operands)  # traces
        self._stages.put(where, stage)
        self._traced(what, time.perf_counter() - start)
        return made

    # Stages that serve several sizes

    def _run_sized(self, region, position, fixed, count, facts, keep, params, key, arrays) -> tuple[Stage, State]:
        """A node whose result has `count` rows, alone, by a stage for more of them."""
        size = self._policy.size_for(count)
        where = (*facts, "rows", size, _shapes(arrays))
        stage = self._stages.get(where)
        if stage is None:
            stage = Stage(lambda *operands: {})
            stage.run = self._jit(self._function(stage, region, position, fixed, (size,), keep, alone=True))
            stage.cut = dict.fromkeys(region.nodes[position].outputs, (0, 0))
            made = self._first_run(where, stage, _what(region, position, {}, (size,), arrays), params, key, arrays)
        else:
            made = stage.run(params, key, arrays)
        return stage, cut(stage.cut, made, count)

    def _run_filled(self, region, position, fixed, facts, keep, params, key, arrays) -> tuple[Stage, State] | None:
        """The stage for arrays that have an axis which changes from call to call, filled up; None where there is none,
        or where the layers would see it."""
        changing = self._changing.setdefault((region, position), ChangingAxes())
        count = changing.count(arrays)
        if count is None:
            return None
        size, axes = self._policy.size_for(count), changing.axes
        full = {n: filled(v, axes[n], size) if n in axes else v for n, v in arrays.items()}
        where = (*facts, "filled", _shapes(full))
        stage = self._stages.get(where)
        if stage is not None:
            return stage, cut(stage.cut, stage.run(params, key, full, np.int32(count)), count)
        stage, seen = Stage(lambda *operands: {}), []
        function = self._function(stage, region, position, fixed, None, keep, plain=True)

        def traced(params, key, arrays):
            made = function(params, key, arrays)
            seen.append((stage.stop, {n: (v.shape, v.tobytes()) for n, v in stage.known.items()}))
            return made

        try:
            program = padded(traced, params, key, full, axes)
        except NotPaddable:
            changing.never = True
            return None
        if any(each != seen[0] for each in seen):  # what is known depends on the size
            changing.never = True
            return None
        names = sorted(jax.tree.unflatten(program.tree, range(program.tree.num_leaves)))
        stage.cut = {n: mark for n, mark in zip(names, program.grown, strict=True) if mark is not None}
        stage.run = self._jit(lambda *operands: jax.tree.unflatten(program.tree, program.run(*operands)))
        what = _what(region, position, {}, None, full)
        return stage, cut(stage.cut, self._first_run(where, stage, what, params, key, full, np.int32(count)), count)

    def _needed(self, region: Region, position: int) -> tuple[str, ...]:
        """The blobs that a region may read from a node on, and those that it may overwrite or leave as they are."""
        if (region, position) not in self._names:
            rest = Region(region.nodes[position:])
            perhaps = rest if EXIT in writes(rest) else Region(tuple(node for node in rest.nodes if node.regions))
            self._names[region, position] = (*sorted((reads(rest) | writes(perhaps)) - {EXIT}), EXIT)
        return self._names[region, position]

    def _run(self, params: Any, key: Any, node: Node | None = None, sizes: Any = None) -> Run:
        one = None if node is None or sizes is None else (node, sizes)
        return Run(self.lowered, params, key, self._prepared, self._origins, {}, {}, one)

    def _function(
        self,
        stage: Stage,
        region: Region,
        start: int,
        fixed: State,
        sizes: Any,
        keep: frozenset[str],
        *,
        alone: bool = False,
        plain: bool = False,
    ) -> Callable[..., State]:
        """What a stage runs, from a node on or that node alone; `fixed` are known values of blobs. Tracing it says of
        the stage where it stops and what is known then. plain: without forms that depend on sizes."""
        target = self.lowered.target.replace(platform="any") if plain else self.lowered.target

        def traced(params, key, arrays):
            env = {**arrays, **fixed}
            before = dict(env)
            run = self._run(params, key, region.nodes[start] if start < len(region.nodes) else None, sizes)
            with catalogue.lowering_for(target):
                if alone:
                    node = region.nodes[start]
                    try:
                        run_node(node, env, keep, run)
                    except Exception as error:
                        raise explained(error, node, env, run) from error
                    stop = Stop(start + 1, "next")
                else:
                    stop = self._trace(region, start, env, keep, run)
                live = live_before(Region(region.nodes[stop.position :]), keep) | {EXIT}
                made = {n: wire(v) for n, v in env.items() if n in live and v is not before.get(n)}
                if stop.why == "sizes":
                    made[_SIZES] = _sizes_at(region.nodes[stop.position], env, run)
            stage.stop = stop
            stage.known = {n: v for n, v in made.items() if isinstance(v, np.ndarray)}
            return {n: v for n, v in made.items() if n not in stage.known}

        return traced

    def _trace(self, region: Region, start: int, env: State, keep: frozenset[str], run: Run) -> Stop:
        """Run nodes on `env` as far as it goes."""
        for position, dead in enumerate(last_reads(Region(region.nodes[start:]), keep), start):
            node = region.nodes[position]
            row = catalogue.row(node.kind)
            if self._endless(node):
                return Stop(position, "regions")
            try:
                live = live_after(region, position, keep) if node.regions else keep
                run_node(node, env, live, run)
            except Exception as error:
                if isinstance(error, UnsupportedError) and node.regions:
                    return Stop(position, "regions")
                if isinstance(error, ValueNeeded):
                    blobs = tuple(node.inputs[p] for p in error.positions)
                    return Stop(position, "value" if row.sizes is None else "sizes", blobs)
                raise explained(error, node, env, run) from error
            run = run._replace(sizes=None)
            for name in dead:
                env.pop(name, None)
            if may_leave(node, env):
                if known(env[EXIT]):
                    if is_set(env[EXIT]):
                        break
                    continue
                try:
                    run_unless_left(Region(region.nodes[position + 1 :]), env, keep, run)
                except UnsupportedError:
                    return Stop(position + 1, "left")
                break
        return Stop(len(region.nodes), "end")

    def _endless(self, node: Node) -> bool:
        """Whether nothing bounds how long a node runs."""
        most, own = self.lowered.target.max_iterations, node.attributes.get("max_loop_iterations", 0)
        bounded = most is not None and most <= LONGEST_SCAN and not 0 < own < MOST_TURNS
        return not bounded and catalogue.row(node.kind).endless(node.inputs, node.attributes)

    # Branches and loops by the host ----------------------------------------------------------------------------------

    def _sub_networks(self, node: Node, state: State, live: frozenset[str], params: Any, key: Any) -> State:
        """The blobs that a branch or loop leaves, its decisions read by the host."""
        row = catalogue.row(node.kind)
        if "body" in node.regions:  # how its turns end is its own business; a branch may leave the turn around it
            state = {name: value for name, value in state.items() if name != EXIT}
        inputs = [self._read(name, state[name]) for name in node.inputs]
        # a loop without a bound has a derivative only turn by turn
        if self._endless(node) and not _hidden((state, params)):
            try:
                return self._in_slices(node, state, live, params, key)
            except (UnsupportedError, ShapesChange):  # it cannot be compiled: turn by turn
                pass
        blocks = {
            name: self._block(region, params, key_inside(key, node, name)) for name, region in node.regions.items()
        }
        control = _ByHost(state, live, self.lowered.target.max_iterations)
        return control_flow(row, node, inputs, blocks, control)

    def _block(self, region: Region, params: Any, key: Any) -> Block:
        written = writes(region)

        def evaluate(params, key, state, wanted):
            after = self._region(region, state, wanted, params, key)
            return {name: after[name] for name in written & after.keys()}

        return Block(evaluate, _inside(region, params), key, reads(region), written, {})

    def _in_slices(self, node: Node, state: State, live: frozenset[str], params: Any, key: Any) -> State:
        """A loop without an end of its own, some turns in each call, so that it can be interrupted."""
        used = frozenset().union(*(reads(region) | writes(region) for region in node.regions.values()))
        fixed = {n: v for n, v in state.items() if n in used and isinstance(v, np.ndarray)}
        arrays = {n: v for n, v in state.items() if n in used - fixed.keys()}
        shapes = tuple((name, value.shape, value.dtype) for name, value in sorted(arrays.items()))
        where = (node, shapes, tuple((name, value.tobytes()) for name, value in sorted(fixed.items())))
        stage = self._stages.get(where)
        if stage is None:
            stage = Stage(self._some_turns(node, fixed, live))
            self._stages.put(where, stage)
        inside = {key: value for region in node.regions.values() for key, value in _inside(region, params).items()}
        done, turns = 0, _FIRST_SLICE
        while True:
            begin = time.perf_counter()
            left = stage.run(done > 0, inside, key, arrays, np.int32(done), np.int32(done + turns))
            arrays |= left
            if not bool(self._read(_MORE, arrays.pop(_MORE))):
                return {name: value for name, value in left.items() if name in live}
            done += turns
            if time.perf_counter() - begin < _SLICE_SECONDS / 2:
                turns = min(turns * 2, _LONGEST_SLICE)
            if done > MOST_TURNS - turns:  # the number of a turn only serves to draw random numbers
                done = _FIRST_SLICE

    def _some_turns(self, node: Node, fixed: State, live: frozenset[str]) -> Callable[..., State]:
        row, most = catalogue.row(node.kind), self.lowered.target.max_iterations

        def some(started, params, key, arrays, done, limit):
            run = self._run(params, key)
            blocks = blocks_of(node, run)
            control = _SomeTurns({**fixed, **arrays}, live, most, started, done, limit)
            with catalogue.lowering_for(self.lowered.target):
                return control_flow(row, node, [], blocks, control)

        return self._jit(some, static_argnums=0)


class _ByHost(Control):
    """Loops turn by turn, each decision read."""

    def run(self, turns: Turns) -> State:
        return turns.by_host()


@dataclass(frozen=True)
class _SomeTurns(Control):
    """Some turns of a loop, then back to the host; see `Turns.some`."""

    started: bool = False
    done: Any = 0
    limit: Any = 0

    def run(self, turns: Turns) -> State:
        carry, more = turns.some(self.started, self.done, self.limit)
        return {**carry, _MORE: more}


def _hidden(tree: Any) -> bool:
    """Whether derivatives are being traced, which hide the values."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(tree))


def _shapes(arrays: State) -> tuple[Any, ...]:
    return tuple((name, value.shape, value.dtype) for name, value in arrays.items())


def _inside(region: Region, params: Any) -> State:
    """The parameters of the layers of a region."""
    return {node.key: params[node.key] for node in region.walk() if node.key in params}


def _sizes_at(node: Node, env: State, run: Run) -> Any:
    """The sizes that the inputs of a node lead to, as an array."""
    row = catalogue.row(node.kind)
    assert row.sizes is not None
    fields = {name: node.attributes[name] for name in row.attributes}
    try:
        found = row.sizes(*[wire(env[name]) for name in node.inputs], **fields)
        return jnp.stack([jnp.asarray(size, jnp.int32) for size in found])
    except Exception as error:
        raise explained(error, node, env, run) from error


def _what(region: Region, position: int, given: State, sizes: Any, arrays: State) -> str:
    """What a stage is, in words."""
    start = region.nodes[position].label if position < len(region.nodes) else "the end"
    values = ", ".join(f"{name} = {value.reshape(-1).tolist()}" for name, value in given.items())
    read = values if values else "" if sizes is None else f"sizes {list(sizes)}"
    shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in arrays.items())
    return f"from {start}" + (f", read {read}" if read else "") + (f", for {shapes}" if shapes else "")
