"""Graphs whose shapes depend on values: compiled stages, and the host that reads the deciding values between them.

    state = the blobs of the inputs
    repeat: run the stage that starts here (`graphml.interpreter.stage`), and do what it stopped for
        end       the region is done
        values    read the values of some blobs; the next stage starts at the same node, made for them
        sizes     read the sizes that these values lead to; likewise
        regions   run the conditional or loop, each of its blocks in the same way; the next stage follows it
        left      read whether break or continue has left the iteration; if not, the next stage follows the node

A stage is made for the node that it starts at, the shapes of its blobs, the values that are known by tracing and what
was read for its first node. All of these are its key, so that nothing is traced twice. At most `CAPACITY` stages are
kept: the most recently used.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from graphml import catalogue
from graphml.errors import UnsupportedError
from graphml.graph import EXIT, Node, Region, live_after, reads, used, writes
from graphml.interpreter.block import Block
from graphml.interpreter.control import Control
from graphml.interpreter.evaluate import (
    Evaluation,
    control_flow,
    explained,
    is_set,
    key_inside,
    may_leave,
    value_needed,
)
from graphml.interpreter.interruptible import InterruptibleLoop
from graphml.interpreter.loop import STAYING, Loop, ShapesChange
from graphml.interpreter.lower import Lowered
from graphml.interpreter.programs import Compiled, Latest
from graphml.interpreter.sharding import left_to_compiler
from graphml.interpreter.stage import SIZES, Piece, Stage, Start, Stop, endless
from graphml.interpreter.values import State, is_fact, known, peek

CAPACITY = 512
"""How many compiled stages of a graph are kept."""


class Staged:
    """A lowered graph as a function that runs on the host: `staged(params, inputs, key=None)`; it cannot be jitted.
    Derivatives go through its stages.

    Args:
        lowered: the graph.
        prepared: whether params are those of `Lowered.prepare`.
        compiler_options: for XLA; with any, no derivative can be taken.
        traced: called after a stage is traced, with a description of it and the seconds that it took.

    Attributes:
        host_reads: how many values the host has read.
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
        self._kept: Latest[Stage | InterruptibleLoop] = Latest(CAPACITY)
        self._needed: dict[tuple[Region, int], tuple[str, ...]] = {}
        self._outputs = frozenset((*lowered.graph.outputs, *lowered.graph.state))
        self._enter = Compiled(lowered.enter, compiler_options=self._options)
        self._leave = Compiled(lowered.leave, compiler_options=self._options)

    def __call__(
        self,
        params: Any,
        inputs: Mapping[str, Any],
        key: jax.Array | None = None,
        *,
        state: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the graph; see `Lowered.fn`."""
        self.lowered.check_arguments(params, inputs, prepared=self._prepared)
        self.lowered.check_counts(inputs)
        return left_to_compiler(self._call, params, inputs, state, key)

    def _call(self, params: Any, inputs: Mapping[str, Any], state: Mapping[str, Any] | None, key: Any) -> Any:
        body = self.lowered.folded.graph.body if self._prepared else self.lowered.graph.body
        blobs = _Host(self, params, key).region(body, self._enter(inputs, state), self._outputs)
        return self._leave({name: blobs[name] for name in self._outputs})

    @property
    def stages(self) -> int:
        """How many compiled stages are kept."""
        return len(self._kept)

    # What is compiled and kept ---------------------------------------------------------------------------------------

    def begin(self, params: Any, key: Any) -> Evaluation:
        """An evaluation that is about to trace."""
        return self.lowered.evaluation(params, key, prepared=self._prepared)

    def read(self, name: str, value: Any) -> Any:
        """The value of a blob; the host waits for it."""
        self.host_reads += 1
        seen = peek(value)
        if not known(seen):
            raise value_needed([name])
        return seen

    def run_stage(
        self, region: Region, start: Start, state: State, keep: frozenset[str], params: Any, key: Any
    ) -> tuple[State, Stop]:
        """Run a stage, tracing and compiling it if it is new: the blobs that it makes, and why it stopped."""
        blobs = {name: state[name] for name in self._blobs_for(region, start.position) if name in state}
        facts = {name: value for name, value in blobs.items() if is_fact(value)}
        arrays = {name: value for name, value in blobs.items() if name not in facts}
        derivative = bool(start.values) and _hidden((params, arrays))
        values = _contents(facts), _contents(start.values), start.sizes
        where = region, start.position, values, derivative, _forms(arrays)
        stage = self._kept.get(where)
        if isinstance(stage, Stage):
            return stage(params, key, arrays), stage.stop
        stage = Stage(Piece(self.begin, region, start, facts, keep, derivative), self._jit)
        begin = time.perf_counter()
        made = stage(params, key, arrays)
        self._kept.put(where, stage)
        self._traced(_description(region, start, arrays), time.perf_counter() - begin)
        return made, stage.stop

    def run_loop(self, node: Node, state: State, live: frozenset[str], params: Any, key: Any) -> State:
        """The blobs that an endless loop writes. Raises UnsupportedError or ShapesChange if it cannot be compiled."""
        facts = {name: v for name, v in state.items() if is_fact(v)}
        arrays = {name: v for name, v in sorted(state.items()) if name not in facts}
        where = node, _contents(facts), _forms(arrays)
        loop = self._kept.get(where)
        if not isinstance(loop, InterruptibleLoop):
            loop = InterruptibleLoop(node, self.begin, facts, live, self._jit)
            self._kept.put(where, loop)
        inside = {k: v for region in node.regions.values() for k, v in _parameters_inside(region, params).items()}
        return loop(inside, key, arrays, self.read)

    def _jit(self, function: Callable[..., Any], **options: Any) -> Any:
        return jax.jit(function, compiler_options=self._options, **options)

    def _blobs_for(self, region: Region, position: int) -> tuple[str, ...]:
        """The blobs that a region may read from a position on, and those that it may overwrite or leave as they are."""
        if (region, position) not in self._needed:
            rest = Region(region.nodes[position:])
            perhaps = rest if EXIT in writes(rest) else Region(tuple(node for node in rest.nodes if node.regions))
            self._needed[region, position] = (*sorted((reads(rest) | writes(perhaps)) - {EXIT}), EXIT)
        return self._needed[region, position]


@dataclass(frozen=True)
class _Host:
    """The host during one call. params, key: those of the call, or of a block in it."""

    staged: Staged
    params: Any
    key: Any

    def region(self, region: Region, state: State, keep: frozenset[str]) -> State:
        """The blobs after a region, as far as they are wanted. keep: those wanted after it."""
        state, start = dict(state), Start()
        while True:
            made, stop = self.staged.run_stage(region, start, state, keep, self.params, self.key)
            state |= made
            if stop.why == "end":
                return state
            node = region.nodes[stop.position]
            try:
                resume = self._resume(stop, region, state, keep)
            except Exception as error:
                raise explained(error, node, state, self.staged.begin(self.params, self.key)) from error
            if resume is None:
                return state
            start = resume

    def _resume(self, stop: Stop, region: Region, state: State, keep: frozenset[str]) -> Start | None:
        """Do what a stage stopped for, changing `state`: where the next one starts; None if the iteration is over."""
        if stop.why == "values":
            values = {name: np.asarray(self.staged.read(name, state[name])) for name in stop.blobs}
            return Start(stop.position, values=values)
        if stop.why == "sizes":
            sizes = np.asarray(self.staged.read(stop.blobs[0], state.pop(SIZES)))
            return Start(stop.position, sizes=tuple(int(size) for size in sizes))
        if stop.why == "regions":
            node = region.nodes[stop.position]
            state |= self._run_regions(node, state, live_after(region, keep)[stop.position])
            if not may_leave(node, state):
                return Start(stop.position + 1)
        if is_set(self.staged.read(EXIT, state[EXIT])):
            return None
        state[EXIT] = STAYING
        return Start(stop.position + 1)

    def _run_regions(self, node: Node, state: State, live: frozenset[str]) -> State:
        """The blobs that a conditional or loop writes; its decisions are read here."""
        state = {name: state[name] for name in used(node) if name in state}
        if node.is_loop:  # how its iterations end does not matter outside; a conditional may leave the outer iteration
            state = {name: value for name, value in state.items() if name != EXIT}
        inputs = [self.staged.read(name, state[name]) for name in node.inputs]
        target = self.staged.lowered.target
        # a loop without a bound has a derivative only one iteration at a time
        if endless(node, target) and not _hidden((state, self.params)):
            try:
                return self.staged.run_loop(node, state, live, self.params, self.key)
            except (UnsupportedError, ShapesChange):  # it cannot be compiled: one iteration at a time
                pass
        blocks = {name: self._block(region, key_inside(self.key, node, name)) for name, region in node.regions.items()}
        row = catalogue.row(node)
        control = _ByHost(state, live, row.dialect.is_true, target.max_iterations)
        return control_flow(row, node, inputs, blocks, control)

    def _block(self, region: Region, key: Any) -> Block:
        written = writes(region)

        def evaluate(params: Any, key: Any, state: State, wanted: frozenset[str]) -> State:
            after = _Host(self.staged, params, key).region(region, state, wanted)
            return {name: after[name] for name in written & after.keys()}

        return Block(evaluate, _parameters_inside(region, self.params), key, reads(region), written, {})


class _ByHost(Control):
    """Runs loops one iteration at a time and reads each decision."""

    def run(self, loop: Loop) -> State:
        return loop.by_host()


def _hidden(tree: Any) -> bool:
    """Whether derivatives are being traced, which hides the values."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(tree))


def _forms(arrays: State) -> tuple[Any, ...]:
    return tuple((name, value.shape, value.dtype) for name, value in arrays.items())


def _contents(values: Mapping[str, np.ndarray]) -> tuple[Any, ...]:
    return tuple((name, value.shape, value.dtype, value.tobytes()) for name, value in sorted(values.items()))


def _parameters_inside(region: Region, params: Any) -> State:
    """The parameters of the nodes of a region."""
    return {node.key: params[node.key] for node in region.walk() if node.key in params}


def _description(region: Region, start: Start, arrays: State) -> str:
    """A description of a stage."""
    at = region.nodes[start.position].label if start.position < len(region.nodes) else "the end"
    values = ", ".join(f"{name} = {value.reshape(-1).tolist()}" for name, value in start.values.items())
    read = values if values else "" if start.sizes is None else f"sizes {list(start.sizes)}"
    shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in arrays.items())
    return f"from {at}" + (f", read {read}" if read else "") + (f", for {shapes}" if shapes else "")
