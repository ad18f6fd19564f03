"""Loops whose number of iterations follows from known values: only the part that decides runs, on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphml.interpreter.block import Block
from graphml.interpreter.values import State, is_fact, known, peek

_MOST_COUNTED = 1 << 12  # iterations; each takes a fraction of a millisecond to count


def count_iterations(
    state: State, condition: Block, variable: str, body: Block, is_true: Callable[[Any], Any]
) -> int | None:
    """How many iterations a loop runs.

    Args:
        state: the blobs before the loop.
        condition: runs before each iteration and after the last.
        variable: the blob of the condition; the loop ends when it is false.
        body: one iteration.
        is_true: the truth of a condition, from its blob.

    Returns:
        The number, or None where it depends on values that are not known while tracing, or is larger than 4,096.
    """
    needed = frozenset({variable})
    while True:  # what decides, and what that needs from the iteration before
        deciding = condition.part(needed & (condition.writes | {variable}))
        turning = body.part(needed & body.writes)
        if deciding is None or turning is None or deciding.params or turning.params:
            return None
        more = needed | deciding.reads | turning.reads
        if more == needed:
            break
        needed = more
    facts = {name: state[name] for name in needed if name in state}
    if not all(map(is_fact, facts.values())) or not (deciding.reads | turning.reads) <= facts.keys() | {variable}:
        return None
    for iterations in range(_MOST_COUNTED + 1):
        decided = peek(deciding.inline(facts, {variable})[variable])
        if not known(decided):
            return None
        if not is_true(decided):
            return iterations
        facts = turning.inline(facts, needed)
    return None
