"""Conditionals, and the beginning of loops. The interpreter passes regions as `Block`s to the row of a node with
regions; the row defines the conditional or loop, `Control` runs its blocks as `lax.cond`, `while_loop` and `scan`.

A decision that is known while tracing is taken at once. Otherwise a conditional is a `lax.cond` over the blobs that
both branches write, and a loop (`graphml.interpreter.loop`) carries the blobs that its body writes and that are read in
the next iteration or after the loop. break and continue write the blob EXIT; what follows them then runs under a
condition.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.errors import UnsupportedError
from graphml.graph import EXIT
from graphml.interpreter.block import NOTHING, Block
from graphml.interpreter.counting import count_iterations
from graphml.interpreter.loop import (
    MOST_ITERATIONS,
    UNKNOWN,
    Loop,
    ShapesChange,
    fitted,
    one_number,
    too_many_iterations,
)
from graphml.interpreter.values import State, is_fact, known


@dataclass(frozen=True)
class Control:
    """How the blocks of one node run.

    Attributes:
        state: the blobs before the node that its blocks read or write.
        live: those that are wanted after the node.
        is_true: the truth of a condition, from its blob.
        max_iterations: iterations after which a loop ends that has neither a count nor a bound of its own; and of other
            loops the iterations that are unrolled for a derivative, where it is not known how many there will be.
    """

    state: State
    live: frozenset[str]
    is_true: Callable[[Any], Any]
    max_iterations: int | None = None

    def branch(self, predicate: Any, then: Block, otherwise: Block | None) -> State:
        """The blobs that the chosen branch writes; where the choice is not known, those that both branches write.

        Args:
            predicate: a bool without axes.
            then: runs if it is true.
            otherwise: runs if it is false; None for nothing.

        Raises:
            UnsupportedError: The choice is not known, and the branches write a blob in different shapes.
        """
        if known(predicate):
            chosen = then if bool(predicate) else otherwise
            return {} if chosen is None else _written(chosen.inline(self.state, self.live), chosen.writes)
        branches = [then] if otherwise is None else [then, otherwise]
        written = frozenset[str]().union(*(branch.writes for branch in branches))
        last = NOTHING if otherwise is None else otherwise
        both = [n for n in written & self.live if all(n in s.writes or n in self.state for s in (then, last))]
        shapes = [branch.shapes(self.state, both) for branch in branches]
        # a branch that leaves the iteration before it writes a blob gets zeros instead, which are not read
        blank = {n: jnp.zeros(s.shape, s.dtype) for found in shapes for n, s in found.items()} | self.state
        both = [n for n in both if n in blank]
        forms: dict[str, tuple[int, ...]] = {}
        for name in sorted(both):
            found = {tuple(s[name].shape) if name in s else np.shape(blank[name]) for s in shapes}
            if otherwise is None:
                found.add(np.shape(self.state[name]))
            if len(found) > 1 and not one_number(found):
                both_shapes = " and ".join(str(list(shape)) for shape in sorted(found))
                raise UnsupportedError(
                    f"the branches write {name!r} in different shapes ({both_shapes}), and which branch runs {UNKNOWN}"
                )
            forms[name] = max(found)

        # known values may have another type than blobs that are computed
        types = {
            name: jnp.result_type(blank[name], *(found[name] for found in shapes if name in found)) for name in both
        }

        def run(branch: Block | None) -> Callable[[Any], State]:
            def taken(operands: Any) -> State:
                params, state = operands
                state = {**self.state, **state}
                after = state if branch is None else {**state, **branch(params, state, both)}
                return {name: fitted(after.get(name, blank[name]), forms[name], types[name]) for name in both}

            return taken

        moving = {n: v for n, v in self.state.items() if not is_fact(v)}
        params = {**(otherwise.params if otherwise is not None else {}), **then.params}
        return lax.cond(predicate, run(then), run(otherwise), (params, moving))

    def count_iterations(self, condition: Block, variable: str, body: Block) -> int | None:
        """How many iterations a loop runs, where that follows from known values; see `counting.count_iterations`."""
        return count_iterations(self.state, condition, variable, body, self.is_true)

    def loop(
        self,
        count: Any | None,
        condition: Block | None,
        variable: str,
        body: Block,
        most: int,
        filled_later: frozenset[str] = frozenset(),
    ) -> State:
        """The blobs after a loop.

        Args:
            count: the number of iterations, an int32 without axes, if an input gives it. From `MOST_ITERATIONS` on it
                is no bound.
            condition: runs before each iteration and after the last; None for no condition.
            variable: the blob of the condition; the loop ends when it is false.
            body: one iteration.
            most: the number of iterations where there is no `count`; 0 for no bound.
            filled_later: carried blobs that may be empty before the first iteration, and then are zeros of the shape
                that it gives them.

        Raises:
            UnsupportedError: Nothing ends the loop, or the iterations cannot be compiled and cannot be unrolled either.
        """
        bound = most if most > 0 and count is None else None
        if count is not None and known(count):
            bound, count = max(int(count), 0), None
            if bound == 0 and condition is None:
                return {}
        endless = condition is None and EXIT not in body.writes
        if bound is not None and bound >= MOST_ITERATIONS:
            if endless:
                raise too_many_iterations(bound)
            bound = None
        if count is None and bound is None:
            if endless:
                raise UnsupportedError("the loop has no count, no condition and no break")
            bound = self.max_iterations
        return self.run(
            Loop(
                state=self.state,
                live=self.live,
                is_true=self.is_true,
                max_iterations=self.max_iterations,
                count=count,
                condition=condition,
                variable=variable,
                body=body,
                most=bound,
                filled_later=filled_later,
            )
        )

    def run(self, loop: Loop) -> State:
        """The blobs after a loop: compiled as one program where that is possible, otherwise unrolled."""
        try:
            return loop.compiled()
        except ShapesChange as change:
            reason: Exception = change
        except UnsupportedError as refusal:  # a value that decides a shape is known only if the iterations are unrolled
            reason = refusal
        return loop.unrolled(reason)


def _written(state: State, names: frozenset[str]) -> State:
    return {name: value for name, value in state.items() if name in names}
