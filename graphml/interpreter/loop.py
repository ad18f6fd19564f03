"""One loop: the blobs that it carries, and its turns compiled, unrolled, or run one by one."""

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

from graphml.catalogue import target
from graphml.errors import ShapeError, UnsupportedError
from graphml.graph import BREAK, EXIT
from graphml.interpreter.block import Block
from graphml.interpreter.values import State, known, peek

UNKNOWN = "is not known when the network is traced"
LONGEST_SCAN = 1 << 16  # turns that are unrolled for a derivative, at most
MOST_TURNS = 2**31 - 1  # that a loop counts; converters write bounds like 2^31, which mean that there is none
SANE_BOUND = 1 << 24  # turns that one would wait for; converters write larger numbers where there is no bound
_UNROLL = 64  # turns of a loop that cannot be compiled as one program, at most
STAYING = np.zeros(1, np.int32)
"""The blob EXIT at the beginning of a turn."""


def too_many_turns(count: float) -> UnsupportedError:
    """The refusal of a loop that would make so many turns."""
    turns = int(count) if math.isfinite(count) else count
    return UnsupportedError(f"a loop of {turns} turns; fewer than {MOST_TURNS} are possible")


class ShapesChange(ShapeError):
    """A blob has another shape after a turn than before it."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop, ready to run; see `Control` and `Control.loop` for the fields.

    Attributes:
        count: the number of turns where it is not known while tracing, else None.
        most: the number of turns that is known, or bounds them; None for no bound.
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

    @functools.cached_property
    def _carried(self) -> list[str]:
        """The blobs that a turn may change and that are read in the next turn or after the loop."""
        blocks = [self.body] if self.condition is None else [self.condition, self.body]
        writes = frozenset[str]().union(*(block.writes for block in blocks)) - {EXIT}
        again = frozenset[str]().union(*(block.reads for block in blocks))
        return sorted(writes & (again | self.live | ({self.variable} if self.condition is not None else set())))

    @property
    def _exits(self) -> bool:
        """Whether a turn may be left early."""
        return EXIT in self.body.writes

    # Compiled as one program -----------------------------------------------------------------------------------------

    def compiled(self) -> State:
        start, params, moving = self._operands()
        if self.most is not None and self.condition is None and not self._exits:
            return self._result(lax.fori_loop(0, self.most, lambda i, c: self._turn(params, moving, c, i)[0], start))
        return self._result(self._early(params, moving, start))

    def _operands(self) -> tuple[State, Any, State]:
        """The carry before the first turn, the parameters, and the blobs that only are read."""
        start = self._start()
        params = {**self.body.params, **(self.condition.params if self.condition is not None else {})}
        moving = {n: v for n, v in self.state.items() if not isinstance(v, np.ndarray) and n not in start}
        return start, params, moving

    def _start(self) -> State:
        """The carried blobs before the first turn; zeros of their shapes for those that the loop itself creates."""
        state = self.state
        start = {n: jnp.asarray(state[n]) for n in self._carried if n in state}
        for _ in range(2):  # the second time also with the blobs that were new, as later turns see them
            shapes = self._after(start)
            for name, shape in shapes.items():
                if name not in start:
                    start[name] = jnp.zeros(shape.shape, shape.dtype)
                elif one_number((shape.shape, start[name].shape)):
                    start[name] = start[name].reshape(max(shape.shape, start[name].shape))
                elif shape.shape != start[name].shape:
                    raise ShapesChange(
                        f"the loop leaves {name!r} in another shape ({list(shape.shape)}) than it finds it "
                        f"({list(start[name].shape)})"
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

    def _turn(self, params, moving: State, carry: State, turn) -> tuple[State, Any]:
        """The carry after a turn, and whether there was no break in it."""
        state = {**self.state, **moving, **carry}
        if self._exits:
            state[EXIT] = STAYING
        wanted = [*self._carried, *([EXIT] if self._exits else [])]
        after = self.body(params, state, wanted, self.body.key_of(turn))
        carried = {n: fitted(after.get(n, carry[n]), carry[n].shape, carry[n].dtype) for n in carry}
        return carried, after[EXIT].reshape(()) != BREAK if self._exits else True

    def _check(self, params, moving: State, carry: State, turn) -> tuple[State, Any]:
        """The carry after the condition network, and whether there is another turn, which would be number `turn`."""
        if self.condition is None:
            return carry, jnp.asarray(True)
        state = {**self.state, **moving, **carry}
        wanted = {*self._carried, self.variable}
        after = self.condition(params, state, wanted, self.condition.key_of(turn))
        carried = {n: fitted(after.get(n, carry[n]), carry[n].shape, carry[n].dtype) for n in carry}
        return carried, jnp.asarray(self.is_true(after[self.variable]))

    def _turn_and_check(self, params, moving: State, carry: State, index) -> tuple[State, Any]:
        carry, on = self._turn(params, moving, carry, index)
        if not self._exits:
            return self._check(params, moving, carry, index + 1)
        # after a break the condition is not evaluated again
        check, stop = partial(self._check, params, moving, turn=index + 1), lambda c: (c, jnp.asarray(False))
        return lax.cond(on, check, stop, carry)

    def _early(self, params, moving: State, start: State) -> State:
        """Loop until the condition fails, a break, or the count: `while_loop`; its derivative is that of a `scan`."""
        bound = self._bound()
        count = jnp.int32(MOST_TURNS if self.most is None else min(self.most, MOST_TURNS))
        if self.count is not None:
            count = self.count.reshape(())
            if self.max_iterations is not None and (self.condition is not None or self._exits):
                # what is known only now to be no bound is bounded like any loop without one
                limit = jnp.int32(min(self.max_iterations, MOST_TURNS))
                count = jnp.where(count == MOST_TURNS, limit, count)

        def begin(operands):
            params, moving, start, count = operands
            carry, go = self._check(params, moving, start, 0)
            return carry, go & (count >= 1), jnp.int32(0)

        def turn(operands, carried):
            params, moving, _, count = operands
            carry, _, done = carried
            carry, go = self._turn_and_check(params, moving, carry, done)
            done = jnp.minimum(done, MOST_TURNS - 1) + 1
            more = done < count
            if self.condition is not None or self._exits:
                more |= count == MOST_TURNS
            return carry, go & more, done

        @jax.custom_jvp
        def run(operands):
            return lax.while_loop(lambda c: c[1], lambda c: turn(operands, c), begin(operands))[0]

        @run.defjvp
        def _(primals, tangents):
            if bound is None:
                raise UnsupportedError(
                    "a loop without a bound has no gradient; give one with lower(..., max_iterations=...)"
                )
            return jax.jvp(as_scan, primals, tangents)

        def as_scan(operands):
            def step(carried, _):
                return lax.cond(carried[1], lambda c: turn(operands, c), lambda c: c, carried), None

            carry, more, _ = lax.scan(step, begin(operands), None, length=bound)[0]
            if self.most == bound:
                return carry
            # there may be more turns than are unrolled: then there is no answer, and no derivative
            known_to_end = jnp.where(more, jnp.nan, 1.0)
            return {n: v * known_to_end.astype(v.dtype) if _is_float(v) else v for n, v in carry.items()}

        # JAX cannot transpose the batched tangents of a cond, which `grad` of `vmap` would meet behind the custom rule
        return (as_scan if bound is not None and target().train else run)((params, moving, start, count))

    def _bound(self) -> int | None:
        """How many turns are laid out for derivatives: as many as there can be, or else as the caller allows."""
        bounds = (n for n in (self.most, self.max_iterations) if n is not None and n <= LONGEST_SCAN)
        return next(bounds, None)

    # Some turns in each call -----------------------------------------------------------------------------------------

    def some(self, started: bool, done, limit) -> tuple[State, Any]:
        """The carry after the turns up to number `limit`, and whether there are others to come.

        started: whether the state is that between two turns; done: how many there have been.
        """
        carry, params, moving = self._operands()
        go = jnp.asarray(True)
        if not started:
            carry, go = self._check(params, moving, carry, 0)
        most = MOST_TURNS if self.most is None else min(self.most, MOST_TURNS)

        def turn(carried):
            carry, _, done = carried
            carry, go = self._turn_and_check(params, moving, carry, done)
            return carry, go & (done + 1 < most), done + 1

        begin = carry, go & (done < most), jnp.asarray(done, jnp.int32)
        return lax.while_loop(lambda c: c[1] & (c[2] < limit), turn, begin)[:2]

    def _result(self, final: State) -> State:
        return {name: value for name, value in final.items() if name in self.live}

    # Turn by turn ----------------------------------------------------------------------------------------------------

    def unrolled(self, reason: Exception) -> State:
        """The turns one after the other, where the decisions allow it."""
        if self.count is not None:
            raise UnsupportedError(f"the number of turns {UNKNOWN}, and {reason}") from reason
        return self._one_by_one(self.state, reason)

    def by_host(self) -> State:
        """The turns one after the other, each decision read by the host. What the loop writes is no known value there,
        so that what is compiled for one turn serves for all turns of the same shapes."""

        def hidden(state: State) -> State:
            return {n: jnp.asarray(v) if n in self._carried else v for n, v in state.items() if n in kept}

        kept = {*self.state, *self._carried}
        return self._one_by_one(hidden(self.state), None, hidden)

    def _one_by_one(self, state: State, reason: Exception | None, between: Callable = dict) -> State:
        turn = 0
        state, go = self._decide(between(state), turn, reason)
        while go and turn != self.most:
            begin = {**state, EXIT: STAYING}
            state = self.body.inline(begin, {*self._carried, EXIT}, self.body.key_of(turn))
            ended = peek(state.pop(EXIT))
            if not known(ended):
                raise UnsupportedError(f"whether the loop breaks {UNKNOWN}, and {reason}") from reason
            state = between(state)
            if int(ended.reshape(())) == BREAK:
                break
            turn += 1
            if reason is not None and turn > _UNROLL and any(not known(value) for value in state.values()):
                raise UnsupportedError(f"unrolling would need more than {_UNROLL} turns, since {reason}") from reason
            state, go = self._decide(state, turn, reason)
        return {name: state[name] for name in self._carried if name in state}

    def _decide(self, state: State, turn: int, reason: Exception | None) -> tuple[State, bool]:
        """The state after the condition network, and whether there is another turn."""
        if self.condition is None:
            return state, True
        state = self.condition.inline(state, {*self._carried, self.variable}, self.condition.key_of(turn))
        go = self.is_true(peek(state[self.variable]))
        if not known(go):
            raise UnsupportedError(f"the condition {UNKNOWN}, and {reason}") from reason
        return state, bool(go)


def one_number(shapes: Iterable[tuple[int, ...]]) -> bool:
    """Whether these are shapes of a single number: where a scalar and a vector of one meet, the vector stays."""
    return set(shapes) <= {(), (1,)}


def fitted(value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A blob as what carries it needs it: of its type, and a scalar as a vector of one where that is its shape."""
    return jnp.asarray(value, dtype).reshape(shape)


def _is_float(value: Any) -> bool:
    return jnp.issubdtype(value.dtype, jnp.floating)
