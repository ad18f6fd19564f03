"""Networks whose shapes depend on values, in compiled stages between which the host reads what decides.

A stage runs the nodes of a region from one of them on, until a row needs a value that cannot be seen while tracing, or
a branch or loop cannot be compiled as one. It gives the blobs that are needed later and says where it stopped. The host
reads that one value, or goes through the branch or loop itself, and the next stage starts there. Where a row says which
`sizes` its values lead to, only these are read.

A stage is made for the shapes of its blobs and for the values that were read, and is kept: the same shapes and values
never trace again. At most `CAPACITY` stages are kept, the ones used last.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.control import Block, Control, ShapesChange, State, Turns, known, peek
from graphml.errors import UnsupportedError
from graphml.graph import EXIT, Node, Region, last_reads, reads, writes
from graphml.lower import (
    Lowered,
    Run,
    ValueNeeded,
    block,
    control_flow,
    explained,
    is_set,
    may_leave,
    origins,
    read_later,
    run_node,
    run_unless_left,
    value_needed,
    wire,
)

CAPACITY = 512
"""How many stages a network keeps compiled."""

_SLICE_SECONDS = 0.2  # that a slice of an endless loop takes: after each the program can be interrupted
_FIRST_SLICE, _LONGEST_SLICE = 1 << 10, 1 << 24  # turns
_LAST_TURN = 2**31 - 1

_SIZES, _MORE = "$sizes", "$more"  # beside the blobs that a stage gives


class Stop(NamedTuple):
    """Where a stage stops. why: it needs the values of some inputs of the node, or only the sizes that they lead to;
    the node has sub-networks for the host; or the nodes from here on run only if the turn of a loop was not left."""

    position: int
    why: Literal["value", "sizes", "regions", "left", "end"]
    blobs: tuple[str, ...] = ()


@dataclass(eq=False)
class Stage:
    """A compiled piece of a region. `stop` and `known` (blobs whose values are known) are found when it is traced."""

    run: Callable[..., State]
    stop: Stop | None = None
    known: State = field(default_factory=dict)


class Staged:
    """A lowered network as a function that runs on the host: `staged(params, inputs, key=None)`; not to be jitted.

    Derivatives go through its stages. host_reads: how many values the host has read. traced: is told of each stage that
    is traced, (what, seconds). prepared: whether params are those of `Lowered.prepare`. compiler_options: for XLA; with
    any, no derivative can be taken.
    """

    def __init__(
        self,
        lowered: Lowered,
        *,
        prepared: bool = False,
        compiler_options: Mapping[str, Any] | None = None,
        traced: Callable[[str, float], None] = lambda what, seconds: None,
    ) -> None:
        self.lowered = lowered
        self.host_reads = 0
        self._prepared = prepared
        self._options = dict(compiler_options or {})
        self._traced = traced
        self._origins = origins(lowered.graph)
        self._stages: OrderedDict[Any, Stage] = OrderedDict()
        self._names: dict[tuple[Region, int], tuple[str, ...]] = {}
        self._outputs = frozenset(port.name for port in lowered.graph.outputs)
        self._enter = self._jit(lowered.enter)
        self._leave = self._jit(lowered.leave)

    def __call__(self, params: Any, inputs: Mapping[str, Any], key: jax.Array | None = None) -> dict[str, Any]:
        state = self._region(self.lowered.graph.body, self._enter(inputs), self._outputs, params, key)
        return self._leave({name: state[name] for name in self._outputs})

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
                if stop.why == "regions":
                    state |= self._sub_networks(node, state, keep | read_later(region, position), params, key)
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
        arrays, fixed, place = {}, {}, [region, position, sizes]
        for name in self._needed(region, position):
            value = state.get(name)
            if isinstance(value, np.ndarray):
                fixed[name] = value
                place.append((name, value.shape, value.tobytes()))
            elif value is not None:
                arrays[name] = value
                place.append((name, value.shape, value.dtype))
        place += [(name, "read", value.shape, value.tobytes()) for name, value in given.items()]
        where = tuple(place)
        stage = self._stages.get(where)
        if stage is not None:
            self._stages.move_to_end(where)
            return stage, stage.run(params, key, arrays)
        stage = self._make(region, position, {**fixed, **given}, sizes, keep)
        start = time.perf_counter()
        made = stage.run(params, key, arrays)  # traces
        self._keep(where, stage)
        self._traced(_what(region, position, given, sizes, arrays), time.perf_counter() - start)
        return stage, made

    def _keep(self, where: Any, stage: Stage) -> None:
        self._stages[where] = stage
        if len(self._stages) > CAPACITY:
            self._stages.popitem(last=False)

    def _needed(self, region: Region, position: int) -> tuple[str, ...]:
        """The blobs that a region may read from a node on."""
        if (region, position) not in self._names:
            rest = Region(region.nodes[position:])
            self._names[region, position] = (*sorted(reads(rest) - {EXIT}), EXIT)
        return self._names[region, position]

    def _run(self, params: Any, key: Any, node: Node | None = None, sizes: Any = None) -> Run:
        one = None if node is None or sizes is None else (node, sizes)
        return Run(self.lowered, params, key, self._prepared, self._origins, {}, {}, one)

    def _make(self, region: Region, start: int, fixed: State, sizes: Any, keep: frozenset[str]) -> Stage:
        """The stage from a node on; `fixed` are known values of blobs."""

        def traced(params, key, arrays):
            env = {**arrays, **fixed}
            before = dict(env)
            run = self._run(params, key, region.nodes[start] if start < len(region.nodes) else None, sizes)
            with catalogue.lowering_for(self.lowered.target):
                stop = self._trace(region, start, env, keep, run)
                live = keep | reads(Region(region.nodes[stop.position :])) | {EXIT}
                made = {n: wire(v) for n, v in env.items() if n in live and v is not before.get(n)}
                if stop.why == "sizes":
                    made[_SIZES] = _sizes_at(region.nodes[stop.position], env)
            stage.stop = stop
            stage.known = {n: v for n, v in made.items() if isinstance(v, np.ndarray)}
            return {n: v for n, v in made.items() if n not in stage.known}

        stage = Stage(self._jit(traced))
        return stage

    def _trace(self, region: Region, start: int, env: State, keep: frozenset[str], run: Run) -> Stop:
        """Run nodes on `env` as far as it goes."""
        for position, dead in enumerate(last_reads(Region(region.nodes[start:]), keep), start):
            node = region.nodes[position]
            row = catalogue.row(node.kind)
            if node.regions and row.endless(node.inputs, node.attributes):
                return Stop(position, "regions")
            try:
                live = keep | read_later(region, position) if node.regions else keep
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

    # Branches and loops by the host ----------------------------------------------------------------------------------

    def _sub_networks(self, node: Node, state: State, live: frozenset[str], params: Any, key: Any) -> State:
        """The blobs that a branch or loop leaves, its decisions read by the host."""
        row = catalogue.row(node.kind)
        state = {name: value for name, value in state.items() if name != EXIT}
        inputs = [self._read(name, state[name]) for name in node.inputs]
        if row.endless(node.inputs, node.attributes):
            try:
                return self._in_slices(node, state, live, params, key)
            except (UnsupportedError, ShapesChange):  # it cannot be compiled: turn by turn
                pass
        blocks = {name: self._block(region, params, key) for name, region in node.regions.items()}
        control = _ByHost(state, live, self.lowered.target.max_iterations)
        return control_flow(row, node, inputs, blocks, control)

    def _block(self, region: Region, params: Any, key: Any) -> Block:
        written = writes(region)

        def evaluate(params, key, state):
            after = self._region(region, state, written, params, key)
            return {name: after[name] for name in written & after.keys()}

        return Block(evaluate, _inside(region, params), key, reads(region), written, {})

    def _in_slices(self, node: Node, state: State, live: frozenset[str], params: Any, key: Any) -> State:
        """A loop without an end of its own, some turns in each call, so that it can be interrupted."""
        used = frozenset().union(*(reads(region) | writes(region) for region in node.regions.values()))
        fixed = {n: v for n, v in state.items() if n in used and isinstance(v, np.ndarray)}
        arrays = {n: v for n, v in state.items() if n in used - fixed.keys()}
        shapes = tuple((name, value.shape, value.dtype) for name, value in sorted(arrays.items()))
        where = (node, shapes, tuple((name, value.tobytes()) for name, value in sorted(fixed.items())))
        if where not in self._stages:
            self._keep(where, Stage(self._some_turns(node, fixed, live)))
        stage = self._stages[where]
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
            if done > _LAST_TURN - turns:  # the number of a turn only serves to draw random numbers
                done = _FIRST_SLICE

    def _some_turns(self, node: Node, fixed: State, live: frozenset[str]) -> Callable[..., State]:
        row, most = catalogue.row(node.kind), self.lowered.target.max_iterations

        def some(started, params, key, arrays, done, limit):
            run = self._run(params, key)
            blocks = {name: block(region, run) for name, region in node.regions.items()}
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


def _inside(region: Region, params: Any) -> State:
    """The parameters of the layers of a region."""
    return {node.key: params[node.key] for node in region.walk() if node.key in params}


def _sizes_at(node: Node, env: State) -> Any:
    """The sizes that the inputs of a node lead to, as an array."""
    row = catalogue.row(node.kind)
    assert row.sizes is not None
    fields = {name: node.attributes[name] for name in row.attributes}
    found = row.sizes(*[wire(env[name]) for name in node.inputs], **fields)
    return jnp.stack([jnp.asarray(size, jnp.int32) for size in found])


def _what(region: Region, position: int, given: State, sizes: Any, arrays: State) -> str:
    """What a stage is, in words."""
    start = region.nodes[position].label if position < len(region.nodes) else "the end"
    values = ", ".join(f"{name} = {value.reshape(-1).tolist()}" for name, value in given.items())
    read = values if values else "" if sizes is None else f"sizes {list(sizes)}"
    shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in arrays.items())
    return f"from {start}" + (f", read {read}" if read else "") + (f", for {shapes}" if shapes else "")
