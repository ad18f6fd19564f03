"""A region as a function of blobs, traced once for each set of shapes however often it is used."""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax

from graphml.interpreter.values import State, is_fact

Evaluate = Callable[[Any, Any, State, frozenset[str]], State]
"""(params, key, state, wanted) -> all blobs; those that were written are valid only if they are wanted."""


@dataclass(frozen=True, eq=False)
class Block:
    """A region as a function of a state.

    Attributes:
        evaluate: runs the region.
        params: of the nodes inside.
        key: for random numbers; None where none was given.
        reads: the blobs that it reads from outside.
        writes: the blobs that it writes.
        traced: what has been traced, shared by all blocks of the same region.
        part: the block of those nodes that compute some blobs; None where these are not plain nodes.
    """

    evaluate: Evaluate
    params: Mapping[str, Any]
    key: jax.Array | None
    reads: frozenset[str]
    writes: frozenset[str]
    traced: dict[Any, _Traced]
    part: Callable[[frozenset[str]], Block | None] = lambda wanted: None

    def inline(self, state: State, wanted: Iterable[str], key: jax.Array | None = None) -> State:
        """The wanted state after the region, run without tracing it separately, so that known values stay known."""
        after = self.evaluate(self.params, self.key if key is None else key, dict(state), frozenset(wanted))
        return {**state, **after}

    def __call__(self, params: Any, state: State, wanted: Iterable[str], key: jax.Array | None = None) -> State:
        """The wanted blobs after the region, as one traced piece."""
        return self._piece(state, wanted)(params, self.key if key is None else key, state)

    def shapes(self, state: State, wanted: Iterable[str]) -> dict[str, jax.ShapeDtypeStruct]:
        """The shapes of the wanted blobs that exist after the region."""
        return self._piece(state, wanted).shapes(self.params, self.key, state)

    def key_of(self, iteration: Any) -> jax.Array | None:
        """The random key of the block in one iteration of a loop."""
        return None if self.key is None else jax.random.fold_in(self.key, iteration)

    def _piece(self, state: State, wanted: Iterable[str]) -> _Traced:
        fixed = {name: value for name, value in state.items() if is_fact(value)}
        constants = tuple(sorted((n, value.shape, value.dtype.str, value.tobytes()) for n, value in fixed.items()))
        moving = tuple(sorted(name for name in state if name not in fixed))
        place = constants, moving, frozenset(wanted)
        if place not in self.traced:
            self.traced[place] = _Traced(self.evaluate, fixed, moving, place[2])
        return self.traced[place]


class _Traced:
    """A region for given known values, as one jitted (and inlined) function of its other blobs."""

    def __init__(self, evaluate: Evaluate, fixed: State, moving: tuple[str, ...], wanted: frozenset[str]) -> None:
        self._moving = moving
        self._constant: State = {}

        def run(params: Any, key: Any, arrays: State) -> State:
            state = evaluate(params, key, {**fixed, **arrays}, wanted)
            self._constant = {n: state[n] for n in wanted & state.keys() if is_fact(state[n])}
            return {n: state[n] for n in wanted & state.keys() - self._constant.keys()}

        self._run: Any = jax.jit(run, inline=True)

    def __call__(self, params: Any, key: Any, state: State) -> State:
        result = self._run(params, key, {name: state[name] for name in self._moving})
        return {**result, **self._constant}

    def shapes(self, params: Any, key: Any, state: State) -> dict[str, jax.ShapeDtypeStruct]:
        result = self._run.eval_shape(params, key, {name: state[name] for name in self._moving})
        return {**result, **{n: jax.ShapeDtypeStruct(v.shape, v.dtype) for n, v in self._constant.items()}}


NOTHING = Block(lambda params, key, state, wanted: state, {}, None, frozenset(), frozenset(), {})
"""The block of a region without nodes."""
