"""Unbounded loops, run a few iterations per call, so that they can be interrupted between calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphml import catalogue
from graphml.graph import Node
from graphml.interpreter.control import Control
from graphml.interpreter.evaluate import Evaluation, blocks_of, control_flow
from graphml.interpreter.loop import MOST_ITERATIONS, Loop
from graphml.interpreter.values import State

_SECONDS = 0.2  # the time that a call should take
_FEWEST, _MOST = 1 << 10, 1 << 24  # iterations of a call

_MORE = "$more"  # returned with the blobs: whether there are more iterations


class InterruptibleLoop:
    """A compiled loop: `loop(params, key, arrays, read)` gives the blobs that it writes.

    Args:
        node: the loop.
        begin: makes an `Evaluation` of parameters and a key.
        facts: blobs whose values are part of the program.
        live: blobs that are wanted after the loop.
        jit: `jax.jit` with the compiler options of the network.
    """

    def __init__(
        self,
        node: Node,
        begin: Callable[[Any, Any], Evaluation],
        facts: State,
        live: frozenset[str],
        jit: Callable[..., Callable[..., Any]],
    ) -> None:
        self._live = live
        row = catalogue.row(node)

        def some(started: bool, params: Any, key: Any, arrays: State, done: Any, limit: Any) -> State:
            evaluation = begin(params, key)
            target, is_true = evaluation.target, row.dialect.is_true
            control = _SomeIterations({**facts, **arrays}, live, is_true, target.max_iterations, started, done, limit)
            with catalogue.lowering_for(target):
                return control_flow(row, node, [], blocks_of(node, evaluation), control)

        self._some = jit(some, static_argnums=0)

    def __call__(self, params: Any, key: Any, arrays: State, read: Callable[[str, Any], Any]) -> State:
        """Run the loop until it ends. read: gives the value of a blob to the host."""
        arrays, done, iterations = dict(arrays), 0, _FEWEST
        while True:
            begin = time.perf_counter()
            made = self._some(done > 0, params, key, arrays, np.int32(done), np.int32(done + iterations))
            arrays |= made
            if not bool(read(_MORE, arrays.pop(_MORE))):
                return {name: value for name, value in made.items() if name in self._live}
            done += iterations
            if time.perf_counter() - begin < _SECONDS / 2:
                iterations = min(iterations * 2, _MOST)
            if done > MOST_ITERATIONS - iterations:  # the iteration number is only used to draw random numbers
                done = _FEWEST


@dataclass(frozen=True)
class _SomeIterations(Control):
    """Some iterations of a loop, then back to the host; see `Loop.some`."""

    started: bool = False
    done: Any = 0
    limit: Any = 0

    def run(self, loop: Loop) -> State:
        carry, more = loop.some(self.started, self.done, self.limit)
        return {**carry, _MORE: more}
