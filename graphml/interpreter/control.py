"""Branches and loops over blobs. The interpreter hands over sub-networks as `Block`s; the rows in
`ops/layers/control.py` say what a branch or loop means; here is how it becomes `lax.cond`, `while_loop` and `scan`.

A decision that is known when the network is traced is simply taken. Otherwise a branch is a `lax.cond` over the blobs
that both sides leave, and a loop carries the blobs that its body writes and that are read in the next turn or after the
loop. break and continue write the blob EXIT; what stands behind them then runs under a condition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

from graphml.catalogue import target
from graphml.errors import ShapeError, UnsupportedError
from graphml.graph import EXIT

State = dict[str, Any]

BREAK = 1.0  # of the blob EXIT, which is 0 while a turn goes on and something else where it was left to continue

_UNROLL = 64  # turns of a loop that cannot be compiled as one, at most
_UNKNOWN = "is not known when the network is traced"
LONGEST_SCAN = 1 << 16  # of a derivative, in turns
MOST_TURNS = 2**31 - 1  # that a loop counts; converters write bounds like 2^31, which mean that there is none


def peek(value: Any) -> Any:
    """The value itself where only a derivative is being traced, which hides it; otherwise what is given."""
    if isinstance(value, Tracer) and np.issubdtype(value.dtype, np.floating):
        seen = lax.stop_gradient(value)
        return value if isinstance(seen, Tracer) else seen
    return value


def known(value: Any) -> bool:
    """Whether a value can be looked at while the network is traced."""
    return not isinstance(peek(value), Tracer)


def is_true(value: Any) -> Any:
    """The format's truth: further from zero than 1e-6."""
    return abs(value.reshape(())) > 1e-6


def too_many_turns(count: float) -> UnsupportedError:
    turns = int(count) if math.isfinite(count) else count
    return UnsupportedError(f"a loop of {turns} turns; fewer than {MOST_TURNS} are possible")


@dataclass(frozen=True, eq=False)
class Block:
    """A region as a function of a state, traced once for each set of shapes however often it is used.

    evaluate: (params, key, state, wanted) -> all blobs, of which those that it has written count only where they are
    wanted. params: of the layers inside. reads, writes: of the region. traced: what is traced already, shared by all
    blocks of the same region.
    """

    evaluate: Callable[[Any, Any, State, frozenset[str]], State]
    params: Mapping[str, Any]
    key: jax.Array | None
    reads: frozenset[str]
    writes: frozenset[str]
    traced: dict[Any, _Traced]

    def inline(self, state: State, wanted: Iterable[str], key: jax.Array | None = None) -> State:
        """The state after the region, as far as it is wanted, run right here: what is known inside stays known."""
        after = self.evaluate(self.params, self.key if key is None else key, dict(state), frozenset(wanted))
        return {**state, **after}

    def __call__(self, params: Any, state: State, wanted: Iterable[str], key: jax.Array | None = None) -> State:
        """The wanted blobs after the region, as one traced piece."""
        return self._piece(state, wanted)(params, self.key if key is None else key, state)

    def shapes(self, state: State, wanted: Iterable[str]) -> dict[str, jax.ShapeDtypeStruct]:
        """The shapes of the wanted blobs that exist after the region."""
        return self._piece(state, wanted).shapes(self.params, self.key, state)

    def _piece(self, state: State, wanted: Iterable[str]) -> _Traced:
        fixed = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        constants = tuple(sorted((name, value.shape, value.tobytes()) for name, value in fixed.items()))
        moving = tuple(sorted(name for name in state if name not in fixed))
        place = constants, moving, frozenset(wanted)
        if place not in self.traced:
            self.traced[place] = _Traced(self.evaluate, fixed, moving, place[2])
        return self.traced[place]


class _Traced:
    """A region for given known values, as one jitted (and inlined) function of its other blobs."""

    def __init__(self, evaluate, fixed: State, moving: tuple[str, ...], wanted: frozenset[str]) -> None:
        self._moving = moving
        self._constant: State = {}

        def run(params, key, arrays):
            state = evaluate(params, key, {**fixed, **arrays}, wanted)
            self._constant = {n: state[n] for n in wanted & state.keys() if isinstance(state[n], np.ndarray)}
            return {n: state[n] for n in wanted & state.keys() - self._constant.keys()}

        self._run = jax.jit(run, inline=True)

    def __call__(self, params, key, state: State) -> State:
        result = self._run(params, key, {name: state[name] for name in self._moving})
        return {**result, **self._constant}

    def shapes(self, params, key, state: State) -> dict[str, jax.ShapeDtypeStruct]:
        result = self._run.eval_shape(params, key, {name: state[name] for name in self._moving})
        return {**result, **{n: jax.ShapeDtypeStruct(v.shape, v.dtype) for n, v in self._constant.items()}}


@dataclass(frozen=True)
class Control:
    """How the sub-networks of one node run: on which state, and which blobs are wanted after them.

    max_iterations: turns after which a loop ends that has neither a count nor a bound in the layer; and of other loops
    the turns that are laid out for a derivative, where it is not known how many there will be.
    """

    state: State
    live: frozenset[str]
    max_iterations: int | None = None
    is_true = staticmethod(is_true)

    # Branches --------------------------------------------------------------------------------------------------------

    def branch(self, predicate: Any, then: Block, otherwise: Block | None) -> State:
        """The blobs that the chosen side leaves. Where the choice is not known: those that both sides leave."""
        if known(predicate):
            side = then if bool(predicate) else otherwise
            return {} if side is None else _written(side.inline(self.state, self.live), side.writes)
        sides = [then] if otherwise is None else [then, otherwise]
        written = frozenset().union(*(side.writes for side in sides))
        last = _NOTHING if otherwise is None else otherwise
        both = [n for n in written & self.live if all(n in s.writes or n in self.state for s in (then, last))]
        shapes = [side.shapes(self.state, both) for side in sides]
        # a side that leaves the turn before it makes a blob has zeros in its place, which nobody reads
        blank = {n: jnp.zeros(s.shape, s.dtype) for found in shapes for n, s in found.items()} | self.state
        both = [n for n in both if n in blank]
        forms: dict[str, tuple[int, ...]] = {}
        for name in sorted(both):
            found = {tuple(s[name].shape) if name in s else np.shape(blank[name]) for s in shapes}
            if otherwise is None:
                found.add(np.shape(self.state[name]))
            if len(found) > 1 and not _one_number(found):
                both_shapes = " and ".join(str(list(shape)) for shape in sorted(found))
                raise UnsupportedError(
                    f"the sides leave {name!r} in different shapes ({both_shapes}), and which side runs {_UNKNOWN}"
                )
            forms[name] = max(found)

        # facts of shapes are float32, also in a network of another type
        types = {
            name: jnp.result_type(blank[name], *(found[name] for found in shapes if name in found)) for name in both
        }

        def run(side: Block | None):
            def taken(operands):
                params, state = operands
                state = {**self.state, **state}
                after = state if side is None else {**state, **side(params, state, both)}
                return {name: _fitted(after.get(name, blank[name]), forms[name], types[name]) for name in both}

            return taken

        moving = {n: v for n, v in self.state.items() if not isinstance(v, np.ndarray)}
        params = {**(otherwise.params if otherwise is not None else {}), **then.params}
        return lax.cond(predicate, run(then), run(otherwise), (params, moving))

    # Loops -----------------------------------------------------------------------------------------------------------

    def loop(self, count: Any | None, condition: Block | None, variable: str, body: Block, most: int) -> State:
        """The blobs after a loop.

        count: the number of turns, an int32, if any input gives it; otherwise `most`, if it is not 0. From `MOST_TURNS`
        on it is no bound. condition: evaluated before each turn and after the last; the loop ends when the blob
        `variable` is false after it.
        """
        bound = most if most > 0 and count is None else None
        if count is not None and known(count):
            bound, count = max(int(count), 0), None
            if bound == 0 and condition is None:
                return {}
        endless = condition is None and EXIT not in body.writes
        if bound is not None and bound >= MOST_TURNS:
            if endless:
                raise too_many_turns(bound)
            bound = None
        if count is None and bound is None:
            if endless:
                raise UnsupportedError("the loop has no count, no condition and no break")
            bound = self.max_iterations
        return self.run(Loop(self, count, condition, variable, body, bound))

    def run(self, turns: Loop) -> State:
        """The blobs that a loop leaves: compiled as one program where that is possible, otherwise unrolled."""
        try:
            return turns.compiled()
        except ShapesChange as change:
            reason: Exception = change
        except UnsupportedError as refusal:  # a value that decides a shape is known only if the turns are unrolled
            reason = refusal
        return turns.unrolled(reason)


_NOTHING = Block(lambda params, key, state, wanted: state, {}, None, frozenset(), frozenset(), {})


def _one_number(shapes: Iterable[tuple[int, ...]]) -> bool:
    """Whether these are shapes of a single number: where a scalar and a vector of one meet, the vector stays."""
    return set(shapes) <= {(), (1,)}


def _fitted(value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A blob as what carries it needs it: of its type, and a scalar as a vector of one where that is its shape."""
    return jnp.asarray(value, dtype).reshape(shape)


def _is_float(value: Any) -> bool:
    return jnp.issubdtype(value.dtype, jnp.floating)


def _written(state: State, names: frozenset[str]) -> State:
    return {name: value for name, value in state.items() if name in names}


def _key_of(block: Block, turn: Any) -> jax.Array | None:
    """The key with which a block draws in one turn of a loop."""
    return None if block.key is None else jax.random.fold_in(block.key, turn)


class ShapesChange(ShapeError):
    """A blob has another shape after a turn than before it."""


class Loop:
    """One loop: what it carries, and its turns compiled or unrolled."""

    def __init__(
        self, control: Control, count, condition: Block | None, variable: str, body: Block, most: int | None
    ) -> None:
        self._control, self._count, self._most = control, count, most
        self._condition, self._variable, self._body = condition, variable, body
        blocks = [body] if condition is None else [condition, body]
        writes = frozenset().union(*(block.writes for block in blocks)) - {EXIT}
        again = frozenset().union(*(block.reads for block in blocks))
        self._carried = sorted(writes & (again | control.live | ({variable} if condition is not None else set())))
        self._exits = EXIT in body.writes

    # as one program

    def compiled(self) -> State:
        start, params, moving = self._operands()
        if self._most is not None and self._condition is None and not self._exits:
            return self._result(lax.fori_loop(0, self._most, lambda i, c: self._turn(params, moving, c, i)[0], start))
        return self._result(self._early(params, moving, start))

    def _operands(self) -> tuple[State, Any, State]:
        """The carry before the first turn, the parameters, and the blobs that only are read."""
        start = self._start()
        params = {**self._body.params, **(self._condition.params if self._condition is not None else {})}
        moving = {n: v for n, v in self._control.state.items() if not isinstance(v, np.ndarray) and n not in start}
        return start, params, moving

    def _start(self) -> State:
        """The carried blobs before the first turn; zeros of their shapes for those that the loop itself creates."""
        state = self._control.state
        start = {n: jnp.asarray(state[n]) for n in self._carried if n in state}
        for _ in range(2):  # the second time also with the blobs that were new, as later turns see them
            shapes = self._after(start)
            for name, shape in shapes.items():
                if name not in start:
                    start[name] = jnp.zeros(shape.shape, shape.dtype)
                elif _one_number((shape.shape, start[name].shape)):
                    start[name] = start[name].reshape(max(shape.shape, start[name].shape))
                elif shape.shape != start[name].shape:
                    raise ShapesChange(
                        f"the loop leaves {name!r} in another shape ({list(shape.shape)}) than it finds it "
                        f"({list(start[name].shape)})"
                    )
                start[name] = start[name].astype(jnp.result_type(start[name], shape))
        return start

    def _after(self, start: State) -> dict[str, jax.ShapeDtypeStruct]:
        state = {**self._control.state, **start}
        shapes: dict[str, jax.ShapeDtypeStruct] = {}
        if self._condition is not None:
            shapes = self._condition.shapes(state, self._carried)
            state |= {name: jnp.zeros(s.shape, s.dtype) for name, s in shapes.items()}
        if self._exits:
            state[EXIT] = np.zeros(1, np.float32)
        return {**shapes, **self._body.shapes(state, self._carried)}

    def _turn(self, params, moving: State, carry: State, turn) -> tuple[State, Any]:
        """The carry after a turn, and whether there was no break in it."""
        state = {**self._control.state, **moving, **carry}
        if self._exits:
            state[EXIT] = np.zeros(1, np.float32)
        wanted = [*self._carried, *([EXIT] if self._exits else [])]
        after = self._body(params, state, wanted, _key_of(self._body, turn))
        carried = {n: _fitted(after.get(n, carry[n]), carry[n].shape, carry[n].dtype) for n in carry}
        return carried, after[EXIT].reshape(()) != BREAK if self._exits else True

    def _check(self, params, moving: State, carry: State, turn) -> tuple[State, Any]:
        """The carry after the condition network, and whether there is another turn, which would be number `turn`."""
        if self._condition is None:
            return carry, jnp.asarray(True)
        state = {**self._control.state, **moving, **carry}
        wanted = {*self._carried, self._variable}
        after = self._condition(params, state, wanted, _key_of(self._condition, turn))
        carried = {n: _fitted(after.get(n, carry[n]), carry[n].shape, carry[n].dtype) for n in carry}
        return carried, jnp.asarray(is_true(after[self._variable]))

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
        count = jnp.int32(MOST_TURNS if self._most is None else min(self._most, MOST_TURNS))
        if self._count is not None:
            count = self._count.reshape(())
            if self._control.max_iterations is not None and (self._condition is not None or self._exits):
                # what is known only now to be no bound is bounded like any loop without one
                limit = jnp.int32(min(self._control.max_iterations, MOST_TURNS))
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
            if self._condition is not None or self._exits:
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
            if self._most == bound:
                return carry
            # there may be more turns than are unrolled: then there is no answer, and no derivative
            known_to_end = jnp.where(more, jnp.nan, 1.0)
            return {n: v * known_to_end.astype(v.dtype) if _is_float(v) else v for n, v in carry.items()}

        # JAX cannot transpose the batched tangents of a cond, which `grad` of `vmap` would meet behind the custom rule
        return (as_scan if bound is not None and target().train else run)((params, moving, start, count))

    def _bound(self) -> int | None:
        """How many turns are laid out for derivatives: as many as there can be, or else as the caller allows."""
        bounds = (n for n in (self._most, self._control.max_iterations) if n is not None and n <= LONGEST_SCAN)
        return next(bounds, None)

    # some turns at a time

    def some(self, started: bool, done, limit) -> tuple[State, Any]:
        """The carry after the turns up to number `limit`, and whether there are others to come.

        started: whether the state is that between two turns; done: how many there have been.
        """
        carry, params, moving = self._operands()
        go = jnp.asarray(True)
        if not started:
            carry, go = self._check(params, moving, carry, 0)
        most = MOST_TURNS if self._most is None else min(self._most, MOST_TURNS)

        def turn(carried):
            carry, _, done = carried
            carry, go = self._turn_and_check(params, moving, carry, done)
            return carry, go & (done + 1 < most), done + 1

        begin = carry, go & (done < most), jnp.asarray(done, jnp.int32)
        return lax.while_loop(lambda c: c[1] & (c[2] < limit), turn, begin)[:2]

    def _result(self, final: State) -> State:
        return {name: value for name, value in final.items() if name in self._control.live}

    # turn by turn

    def unrolled(self, reason: Exception) -> State:
        """The turns one after the other, where the decisions allow it."""
        if self._count is not None:
            raise UnsupportedError(f"the number of turns {_UNKNOWN}, and {reason}") from reason
        return self._one_by_one(self._control.state, reason)

    def by_host(self) -> State:
        """The turns one after the other, each decision read by the host. What the loop writes is no known value there,
        so that what is compiled for one turn serves for all turns of the same shapes."""

        def hidden(state: State) -> State:
            return {n: jnp.asarray(v) if n in self._carried else v for n, v in state.items() if n in kept}

        kept = {*self._control.state, *self._carried}
        return self._one_by_one(hidden(self._control.state), None, hidden)

    def _one_by_one(self, state: State, reason: Exception | None, between: Callable = dict) -> State:
        turn = 0
        state, go = self._decide(between(state), turn, reason)
        while go and turn != self._most:
            begin = {**state, EXIT: np.zeros(1, np.float32)}
            state = self._body.inline(begin, {*self._carried, EXIT}, _key_of(self._body, turn))
            ended = peek(state.pop(EXIT))
            if not known(ended):
                raise UnsupportedError(f"whether the loop breaks {_UNKNOWN}, and {reason}") from reason
            state = between(state)
            if float(ended.reshape(())) == BREAK:
                break
            turn += 1
            if reason is not None and turn > _UNROLL and any(not known(value) for value in state.values()):
                raise UnsupportedError(f"unrolling would need more than {_UNROLL} turns, since {reason}") from reason
            state, go = self._decide(state, turn, reason)
        return {name: state[name] for name in self._carried if name in state}

    def _decide(self, state: State, turn: int, reason: Exception | None) -> tuple[State, bool]:
        """The state after the condition network, and whether there is another turn."""
        if self._condition is None:
            return state, True
        state = self._condition.inline(state, {*self._carried, self._variable}, _key_of(self._condition, turn))
        go = is_true(peek(state[self._variable]))
        if not known(go):
            raise UnsupportedError(f"the condition {_UNKNOWN}, and {reason}") from reason
        return state, bool(go)
