"""Loops without a bound of their own, some turns in each call, so that the program can be interrupted between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphml import catalogue
from graphml.graph import Node
from graphml.interpreter.control import MOST_TURNS, Control, Loop, State
from graphml.interpreter.lower import Run, blocks_of, control_flow

_SECONDS = 0.2  # that a call should take
_FEWEST, _MOST = 1 << 10, 1 << 24  # turns of a call

_GOES_ON = "$goes on"  # beside the blobs that a call gives


class InterruptibleLoop:
    """A compiled loop: `loop(params, key, arrays, read)` gives the blobs that it leaves.

    begin: makes a `Run` of parameters and a key. facts: blobs whose values are part of the program. live: blobs that
    are wanted after the loop. jit: `jax.jit` with the compiler options of the network.
    """

    def __init__(
        self, node: Node, begin: Callable[[Any, Any], Run], facts: State, live: frozenset[str], jit: Callable
    ) -> None:
        self._live = live
        row = catalogue.row(node.kind)

        def some(started, params, key, arrays, done, limit):
            run = begin(params, key)
            target = run.lowered.target
            control = _SomeTurns({**facts, **arrays}, live, target.max_iterations, started, done, limit)
            with catalogue.lowering_for(target):
                return control_flow(row, node, [], blocks_of(node, run), control)

        self._some = jit(some, static_argnums=0)

    def __call__(self, params: Any, key: Any, arrays: State, read: Callable[[str, Any], Any]) -> State:
        """read: gives the value of a blob to the host."""
        arrays, done, turns = dict(arrays), 0, _FEWEST
        while True:
            begin = time.perf_counter()
            left = self._some(done > 0, params, key, arrays, np.int32(done), np.int32(done + turns))
            arrays |= left
            if not bool(read(_GOES_ON, arrays.pop(_GOES_ON))):
                return {name: value for name, value in left.items() if name in self._live}
            done += turns
            if time.perf_counter() - begin < _SECONDS / 2:
                turns = min(turns * 2, _MOST)
            if done > MOST_TURNS - turns:  # the number of a turn only serves to draw random numbers
                done = _FEWEST


@dataclass(frozen=True)
class _SomeTurns(Control):
    """Some turns of a loop, then back to the host; see `Loop.some`."""

    started: bool = False
    done: Any = 0
    limit: Any = 0

    def run(self, turns: Loop) -> State:
        carry, more = turns.some(self.started, self.done, self.limit)
        return {**carry, _GOES_ON: more}
