"""One stage: the nodes of a region from one of them on, as far as they compile into one program.

Tracing decides where a stage ends: it runs node after node until one cannot be compiled, and records the `Stop`. What
the host does then is in `graphml.interpreter.stages`.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.catalogue import Target
from graphml.errors import UnsupportedError
from graphml.graph import EXIT, Node, Region, last_reads, live_after, live_before, writes
from graphml.interpreter.evaluate import (
    Evaluation,
    ValueNeeded,
    explained,
    is_set,
    may_leave,
    run_node,
    run_unless_left,
)
from graphml.interpreter.layout import wire
from graphml.interpreter.loop import LONGEST_SCAN, SANE_BOUND
from graphml.interpreter.values import State, is_fact, known

SIZES = "$sizes"
"""The blob with the sizes for which a stage has stopped."""


class Start(NamedTuple):
    """Where a stage begins, and what the host has read for its first node.

    Attributes:
        position: of the first node.
        values: of some blobs, after a stop for "values".
        sizes: that the inputs of the node lead to, after a stop for "sizes".
    """

    position: int = 0
    values: Mapping[str, np.ndarray] = MappingProxyType({})
    sizes: tuple[int, ...] | None = None


class Stop(NamedTuple):
    """Why a stage ends, and at which node.

    Attributes:
        why: "end": the region is done. "values": before a node that needs the values of `blobs`. "sizes": before a node
            that needs only the sizes that the values of its inputs lead to; the stage computes them. "regions": before
            a conditional or loop that cannot be compiled as a whole. "left": after a node that may have left the
            iteration of the loop around it, where what follows cannot be compiled under a condition.
        position: of that node.
        blobs: whose values are needed.
    """

    why: Literal["end", "values", "sizes", "regions", "left"]
    position: int
    blobs: tuple[str, ...] = ()


class Stage:
    """A compiled stage; its first call traces it.

    Attributes:
        stop: where it ends, known once it was traced.
    """

    stop: Stop

    def __init__(
        self, piece: Callable[[Any, Any, State], tuple[State, Stop]], jit: Callable[[Callable[..., Any]], Any]
    ) -> None:
        self._known: State = {}

        def traced(params: Any, key: Any, arrays: State) -> State:
            made, self.stop = piece(params, key, arrays)
            self._known = {name: value for name, value in made.items() if is_fact(value)}
            return {name: value for name, value in made.items() if name not in self._known}

        self._run = jit(traced)

    def __call__(self, params: Any, key: Any, arrays: State) -> State:
        """The blobs that it makes and that are read later. NumPy arrays are part of the program, found by tracing."""
        return {**self._run(params, key, arrays), **self._known}


@dataclass(frozen=True, eq=False)
class Piece:
    """What a stage computes: `piece(params, key, arrays)` gives the blobs that it makes, and where it stopped.

    Attributes:
        begin: makes an `Evaluation` of parameters and a key.
        region: whose nodes run.
        start: the first of them.
        facts: blobs whose values are part of the stage.
        keep: blobs that are wanted after the region.
        derivative: whether one may be taken; then values that were read only decide shapes, and the blobs themselves
            stay traced.
    """

    begin: Callable[[Any, Any], Evaluation]
    region: Region
    start: Start
    facts: State
    keep: frozenset[str]
    derivative: bool

    def __call__(self, params: Any, key: Any, arrays: State) -> tuple[State, Stop]:
        evaluation = self.begin(params, key)
        env = {**arrays, **self.facts}
        if self.derivative:
            evaluation = evaluation._replace(static=self.start.values)
        else:
            env |= self.start.values
        if self.start.sizes is not None:
            evaluation = evaluation._replace(sizes=(self.region.nodes[self.start.position], self.start.sizes))
        before = dict(env)
        with catalogue.lowering_for(evaluation.target):
            stop = self._trace(env, evaluation)
            unread = self.region.nodes[stop.position + 1 if stop.why == "left" else stop.position :]
            live = live_before(Region(unread), self.keep) | {EXIT}
            made = {n: wire(v) for n, v in env.items() if n in live and v is not before.get(n)}
            if stop.why == "sizes":
                made[SIZES] = _sizes_at(unread[0], env, evaluation)
        return made, stop

    def _trace(self, env: State, evaluation: Evaluation) -> Stop:
        """Run nodes on `env` as far as possible."""
        nodes, keep, first = self.region.nodes, self.keep, self.start.position
        rest = Region(nodes[first:])
        steps = zip(rest.nodes, live_after(rest, keep), last_reads(rest, keep), strict=True)
        for position, (node, live, dead) in enumerate(steps, first):
            if endless(node, evaluation.target):
                return Stop("regions", position)
            evaluation = _without(evaluation, writes(Region((node,)))) if node.regions else evaluation
            try:
                run_node(node, env, live, evaluation)
            except Exception as error:
                if isinstance(error, UnsupportedError) and node.regions:
                    return Stop("regions", position)
                if isinstance(error, ValueNeeded):
                    why = "values" if catalogue.row(node).sizes is None else "sizes"
                    return Stop(why, position, tuple(node.inputs[p] for p in error.positions))
                raise explained(error, node, env, evaluation) from error
            evaluation = _without(evaluation, node.outputs)._replace(sizes=None)
            for name in dead:
                env.pop(name, None)
            if may_leave(node, env):
                if known(env[EXIT]):
                    if is_set(env[EXIT]):
                        break
                    continue
                try:
                    run_unless_left(Region(nodes[position + 1 :]), env, keep, evaluation)
                except UnsupportedError:
                    return Stop("left", position)
                break
        return Stop("end", len(nodes))


def endless(node: Node, target: Target) -> bool:
    """Whether nothing bounds how long a node runs."""
    most, own = target.max_iterations, catalogue.row(node).most_iterations(node.inputs, node.attributes)
    bounded = most is not None and most <= LONGEST_SCAN and own == math.inf
    return own is not None and own > SANE_BOUND and not bounded


def _without(evaluation: Evaluation, written: Collection[str]) -> Evaluation:
    """The evaluation without the values that the host has read from blobs that are overwritten."""
    if evaluation.static.keys().isdisjoint(written):
        return evaluation
    static = {name: value for name, value in evaluation.static.items() if name not in written}
    return evaluation._replace(static=static)


def _sizes_at(node: Node, env: State, evaluation: Evaluation) -> Any:
    """The sizes that the inputs of a node lead to, int32 [n]."""
    row = catalogue.row(node)
    assert row.sizes is not None
    fields = {name: node.attributes[name] for name in row.attributes}
    try:
        found = row.sizes(*[wire(env[name]) for name in node.inputs], **fields)
        return jnp.stack([jnp.asarray(size, jnp.int32) for size in found])
    except Exception as error:
        raise explained(error, node, env, evaluation) from error
