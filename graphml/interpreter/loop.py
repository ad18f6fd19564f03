"""One loop: the blobs that it carries, and its iterations compiled, unrolled, or run one by one."""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from graphml.errors import ShapeError, UnsupportedError
from graphml.graph import BREAK, EXIT
from graphml.interpreter.block import Block
from graphml.interpreter.values import State, is_fact, known, peek

UNKNOWN = "is not known when the network is traced"
LONGEST_SCAN = 1 << 16  # iterations that are unrolled for a derivative, at most
MOST_ITERATIONS = 2**31 - 1  # that a loop counts; converters write bounds like 2^31, which mean that there is none
SANE_BOUND = 1 << 24  # more iterations than anyone would wait for; converters write larger numbers for no bound
_UNROLL = 64  # iterations of a loop that cannot be compiled as one program, at most
STAYING = np.zeros(1, np.int32)
"""The blob EXIT at the beginning of an iteration."""

Carried = tuple[State, Any, Any]
"""Carried blobs, whether there is another iteration, and how many there have been."""


def too_many_iterations(count: float) -> UnsupportedError:
    """The error for a loop that would run so many iterations."""
    iterations = int(count) if math.isfinite(count) else count
    return UnsupportedError(f"a loop must have fewer than {MOST_ITERATIONS} iterations, got {iterations}")


class ShapesChange(ShapeError):
    """A blob has another shape after an iteration than before it."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop, ready to run; see `Control` and `Control.loop` for the fields.

    Attributes:
        count: the number of iterations where it is not known while tracing, else None.
        most: the number of iterations if it is known, else an upper bound; None for no bound.
        filled_later: carried blobs that may be empty before the first iteration.
    """

    state: State
    live: frozenset[str]
    is_true: Callable[[Any], Any]
    max_iterations: int | None
    count: Any | None
    condition: Block | None
    variable: str
    body: Block
    most: int | None
    filled_later: frozenset[str] = frozenset()

    @functools.cached_property
    def _carried(self) -> list[str]:
        """The blobs that an iteration may change and that are read in the next iteration or after the loop."""
        blocks = [self.body] if self.condition is None else [self.condition, self.body]
        writes = frozenset[str]().union(*(block.writes for block in blocks)) - {EXIT}
        again = frozenset[str]().union(*(block.reads for block in blocks))
        return sorted(writes & (again | self.live | ({self.variable} if self.condition is not None else set())))

    @property
    def _exits(self) -> bool:
        """Whether an iteration may be left early."""
        return EXIT in self.body.writes

    # Compiled as one program -----------------------------------------------------------------------------------------

    def compiled(self) -> State:
        """The blobs after the loop, as one program.

        Raises:
            ShapesChange: An iteration changes the shape of a blob.
            UnsupportedError: A value that decides a shape cannot be seen.
        """
        start, params, moving = self._operands()
        if self.most is not None and self.condition is None and not self._exits:

            def iteration(number: Any, carry: State) -> State:
                return self._iteration(params, moving, carry, number)[0]

            return self._result(lax.fori_loop(0, self.most, iteration, start))
        return self._result(self._early(params, moving, start))

    def _operands(self) -> tuple[State, Any, State]:
        """The carry before the first iteration, the parameters, and the blobs that are read only."""
        start = self._start()
        params = {**self.body.params, **(self.condition.params if self.condition is not None else {})}
        moving = {n: v for n, v in self.state.items() if not is_fact(v) and n not in start}
        return start, params, moving

    def _start(self) -> State:
        """The carried blobs before the first iteration; zeros of their shapes for those that the loop creates."""
        state = self.state
        start = {n: jnp.asarray(state[n]) for n in self._carried if n in state}
        for _ in range(2):  # the second time with the blobs that were new, too, as later iterations see them
            shapes = self._after(start)
            for name, shape in shapes.items():
                if name not in start or (name in self.filled_later and start[name].size == 0):
                    start[name] = jnp.zeros(shape.shape, shape.dtype)
                elif one_number((shape.shape, start[name].shape)):
                    start[name] = start[name].reshape(max(shape.shape, start[name].shape))
                elif shape.shape != start[name].shape:
                    raise ShapesChange(
                        f"an iteration of the loop gives {name!r} another shape, {list(shape.shape)} instead of "
                        f"{list(start[name].shape)}"
                    )
                start[name] = start[name].astype(jnp.result_type(start[name], shape))
        return start

    def _after(self, start: State) -> dict[str, jax.ShapeDtypeStruct]:
        state = {**self.state, **start}
        shapes: dict[str, jax.ShapeDtypeStruct] = {}
        if self.condition is not None:
            shapes = self.condition.shapes(state, self._carried)
            state |= {name: jnp.zeros(s.shape, s.dtype) for name, s in shapes.items()}
        if self._exits:
            state[EXIT] = STAYING
        return {**shapes, **self.body.shapes(state, self._carried)}

    def _iteration(self, params: Any, moving: State, carry: State, iteration: Any) -> tuple[State, Any]:
        """The carry after an iteration, and whether there was no break in it."""
        state = {**self.state, **moving, **carry}
        if self._exits:
            state[EXIT] = STAYING
        wanted = [*self._carried, *([EXIT] if self._exits else [])]
        after = self.body(params, state, wanted, self.body.key_of(iteration))
        carried = {n: fitted(after.get(n, carry[n]), carry[n].shape, carry[n].dtype) for n in carry}
        return carried, after[EXIT].reshape(()) != BREAK if self._exits else True

    def _check(self, params: Any, moving: State, carry: State, iteration: Any) -> tuple[State, Any]:
        """The carry after the condition, and whether there is another iteration, which would be number `iteration`."""
        if self.condition is None:
            return carry, jnp.asarray(True)
        state = {**self.state, **moving, **carry}
        wanted = {*self._carried, self.variable}
        after = self.condition(params, state, wanted, self.condition.key_of(iteration))
        carried = {n: fitted(after.get(n, carry[n]), carry[n].shape, carry[n].dtype) for n in carry}
        return carried, jnp.asarray(self.is_true(after[self.variable]))

    def _iteration_and_check(self, params: Any, moving: State, carry: State, index: Any) -> tuple[State, Any]:
        carry, on = self._iteration(params, moving, carry, index)
        if not self._exits:
            return self._check(params, moving, carry, index + 1)
        # after a break the condition is not evaluated again
        return lax.cond(on, partial(self._check, params, moving, iteration=index + 1), _stop, carry)

    def _early(self, params: Any, moving: State, start: State) -> State:
        """Loop until the condition is false, a break, or the count: a `while_loop` with the derivative of a `scan`."""
        bound = self._bound()
        count = jnp.int32(MOST_ITERATIONS if self.most is None else min(self.most, MOST_ITERATIONS))
        if self.count is not None:
            count = self.count.reshape(())
            if self.max_iterations is not None and (self.condition is not None or self._exits):
                # a count that turns out to be no bound is treated like a loop without one
                limit = jnp.int32(min(self.max_iterations, MOST_ITERATIONS))
                count = jnp.where(count == MOST_ITERATIONS, limit, count)

        def begin(operands: Any) -> Carried:
            params, moving, start, count = operands
            carry, go = self._check(params, moving, start, 0)
            return carry, go & (count >= 1), jnp.int32(0)

        def iteration(operands: Any, carried: Carried) -> Carried:
            params, moving, _, count = operands
            carry, _, done = carried
            carry, go = self._iteration_and_check(params, moving, carry, done)
            done = jnp.minimum(done, MOST_ITERATIONS - 1) + 1
            more = done < count
            if self.condition is not None or self._exits:
                more |= count == MOST_ITERATIONS
            return carry, go & more, done

        def as_while(operands: Any) -> State:
            return lax.while_loop(_continues, partial(iteration, operands), begin(operands))[0]

        def derivative(primals: Any, tangents: Any) -> Any:
            if bound is None:
                raise UnsupportedError(
                    "a loop without a bound has no gradient; give one with lower(..., max_iterations=...)"
                )
            return jax.jvp(as_scan, primals, tangents)

        def as_scan(operands: Any) -> State:
            def step(carried: Carried, _: Any) -> tuple[Carried, None]:
                return lax.cond(_in_any_row(_continues(carried)), another, _unchanged, carried), None

            def another(carried: Carried) -> Carried:
                on = _continues(carried)
                after = iteration(_no_gradient_unless(on, operands), _no_gradient_unless(on, carried))
                return chosen(on, after, carried)

            def chosen(on: Any, one: Carried, other: Carried) -> Carried:
                return jax.tree.map(partial(jnp.where, on), one, other)

            start = begin(operands)
            # the same values, but in `shard_map` they vary over devices, as they will after an iteration
            start = chosen(_continues(start), start, start)
            carry, more, _ = lax.scan(step, start, None, length=bound)[0]
            if self.most == bound:
                return carry
            # NaN, also in derivatives, if there are more iterations than are unrolled
            known_to_end = jnp.where(more, jnp.nan, 1.0)
            return {n: v * known_to_end.astype(v.dtype) if _is_float(v) else v for n, v in carry.items()}

        operands = params, moving, start, count
        run: Any = jax.custom_jvp(as_while)
        run.defjvp(derivative)
        return run(operands)

    def _bound(self) -> int | None:
        """How many iterations are unrolled for derivatives: as many as there can be, or else as the caller allows."""
        bounds = (n for n in (self.most, self.max_iterations) if n is not None and n <= LONGEST_SCAN)
        return next(bounds, None)

    # Some iterations in each call ------------------------------------------------------------------------------------

    def some(self, started: bool, done: Any, limit: Any) -> tuple[State, Any]:
        """Run some of the iterations.

        Args:
            started: whether the state is that between two iterations.
            done: how many iterations there have been, int32.
            limit: number of the iteration to stop at, int32.

        Returns:
            The carry after these iterations, and whether there are more.
        """
        carry, params, moving = self._operands()
        go = jnp.asarray(True)
        if not started:
            carry, go = self._check(params, moving, carry, 0)
        most = MOST_ITERATIONS if self.most is None else min(self.most, MOST_ITERATIONS)

        def iteration(carried: Carried) -> Carried:
            carry, _, done = carried
            carry, go = self._iteration_and_check(params, moving, carry, done)
            return carry, go & (done + 1 < most), done + 1

        def more(carried: Carried) -> Any:
            return carried[1] & (carried[2] < limit)

        begin = carry, go & (done < most), jnp.asarray(done, jnp.int32)
        return lax.while_loop(more, iteration, begin)[:2]

    def _result(self, final: State) -> State:
        return {name: value for name, value in final.items() if name in self.live}

    # One iteration at a time -----------------------------------------------------------------------------------------

    def unrolled(self, reason: Exception) -> State:
        """The iterations one after the other, where the decisions allow it."""
        if self.count is not None:
            raise UnsupportedError(f"the number of iterations {UNKNOWN}, and {reason}") from reason
        return self._one_by_one(self.state, reason)

    def by_host(self) -> State:
        """The iterations one after the other, each decision read by the host. What the loop writes is treated as
        unknown, so that what is compiled for one iteration serves all iterations of the same shapes."""

        def hidden(state: State) -> State:
            return {n: jnp.asarray(v) if n in self._carried else v for n, v in state.items() if n in kept}

        kept = {*self.state, *self._carried}
        return self._one_by_one(hidden(self.state), None, hidden)

    def _one_by_one(self, state: State, reason: Exception | None, between: Callable[[State], State] = dict) -> State:
        iteration = 0
        state, go = self._decide(between(state), iteration, reason)
        while go and iteration != self.most:
            begin = {**state, EXIT: STAYING}
            state = self.body.inline(begin, {*self._carried, EXIT}, self.body.key_of(iteration))
            ended = peek(state.pop(EXIT))
            if not known(ended):
                raise UnsupportedError(f"whether the loop breaks {UNKNOWN}, and {reason}") from reason
            state = between(state)
            if int(ended.reshape(())) == BREAK:
                break
            iteration += 1
            if reason is not None and iteration > _UNROLL and any(not known(value) for value in state.values()):
                raise UnsupportedError(
                    f"unrolling would need more than {_UNROLL} iterations, since {reason}"
                ) from reason
            state, go = self._decide(state, iteration, reason)
        return {name: state[name] for name in self._carried if name in state}

    def _decide(self, state: State, iteration: int, reason: Exception | None) -> tuple[State, bool]:
        """The state after the condition, and whether there is another iteration."""
        if self.condition is None:
            return state, True
        state = self.condition.inline(state, {*self._carried, self.variable}, self.condition.key_of(iteration))
        go = self.is_true(peek(state[self.variable]))
        if not known(go):
            raise UnsupportedError(f"the condition {UNKNOWN}, and {reason}") from reason
        return state, bool(go)


def one_number(shapes: Iterable[tuple[int, ...]]) -> bool:
    """Whether all of these are shapes of one element: where a scalar meets a vector of one, the vector's shape wins."""
    return set(shapes) <= {(), (1,)}


def fitted(value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A blob in the type and shape in which it is carried: a scalar may become a vector of one."""
    return jnp.asarray(value, dtype).reshape(shape)


def _continues(carried: Carried) -> Any:
    return carried[1]


@jax.custom_batching.custom_vmap
def _in_any_row(on: Any) -> Any:
    """A condition; under `vmap` whether it holds in any row. This keeps a `cond` a `cond`, which can be transposed:
    with one condition per row JAX turns it into a select, which behind a custom derivative has no transpose."""
    return on


@_in_any_row.def_vmap
def _(size: int, batched: Any, on: Any) -> tuple[Any, bool]:
    return _in_any_row(jnp.any(on, 0)), False


def _no_gradient_unless(on: Any, tree: Any) -> Any:
    """The same values; gradients of the iterations after the last, which may be NaN, do not reach them."""

    def shielded(x: Any) -> Any:
        return jnp.where(on, x, lax.stop_gradient(x)) if _is_float(x) else x

    return jax.tree.map(shielded, tree)


def _unchanged(carried: Carried) -> Carried:
    return carried


def _stop(carry: State) -> tuple[State, Any]:
    return carry, jnp.asarray(False)


def _is_float(value: Any) -> bool:
    return jnp.issubdtype(value.dtype, jnp.floating)
