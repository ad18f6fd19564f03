"""Control flow: layers that own sub-networks, and the two that leave a turn of a loop.

A sub-network arrives as a ready block; `control` runs blocks on the blobs around the layer and gives the blobs that
they leave. How that is compiled is the interpreter's business.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jax.core import Tracer

from graphml.errors import GraphError
from graphml.graph import BREAK, CONTINUE
from graphml.ops._known import whole
from graphml.ops.layers.dialect import layer

_MOST_TURNS = 2**31 - 1  # from here on a number means that there is no bound
_NO_GRADIENT = "it computes no number, it only decides which layers run"


@layer("branch")
def branch(predicate, *, if_branch, else_branch, control):
    """Run one of two networks: the first when the predicate is further from zero than 1e-6, else the second, if any.

    predicate: one number. Leaves the blobs that both sides have; the blobs of one side alone only where the predicate
    is known when the network is traced. Source: BranchLayerParams (spec 4).
    """
    return control.branch(control.is_true(predicate), if_branch, else_branch)


def _most_turns(inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> float | None:
    own = attributes["max_loop_iterations"]
    return None if inputs else own if 0 < own < _MOST_TURNS else math.inf


@layer("loop", most_turns=_most_turns)
def loop(*count, max_loop_iterations: int, condition_var: str, condition_network, body_network, control):
    """Run a network again and again.

    count: the number of turns (its fraction is dropped), which replaces `max_loop_iterations`. The condition network,
    if there is one, runs before each turn, and the loop ends when the blob `condition_var` is then within 1e-6 of zero.
    Without a count and with `max_loop_iterations` 0 only the condition ends it. From 2^31 - 1 on a count is no bound
    where a condition or a break can end the loop; where nothing else does, UnsupportedError is raised, or, when the
    count is not known before the network runs, the loop ends after 2^31 - 1 turns.
    A blob that the body creates is zeros after no turn, and an error where it is known that there was none.
    Source: LoopLayerParams (spec 4).
    """
    if (condition_network is None) != (condition_var == ""):
        raise GraphError("a loop has a condition network and conditionVar together, or neither")
    if condition_network is not None and condition_var not in condition_network.writes:
        raise GraphError(f"conditionVar {condition_var!r} is not written by the condition network")
    turns = whole(count[0] if isinstance(count[0], Tracer) else np.asarray(count[0])).reshape(()) if count else None
    return control.loop(turns, condition_network, condition_var, body_network, max_loop_iterations)


@layer("loopBreak", differentiable=_NO_GRADIENT)
def loop_break():
    """End the loop around it at once. Source: LoopBreakLayerParams (spec 4)."""
    return np.full(1, BREAK, np.int32)


@layer("loopContinue", differentiable=_NO_GRADIENT)
def loop_continue():
    """Go on with the next turn of the loop around it. Source: LoopContinueLayerParams (spec 4)."""
    return np.full(1, CONTINUE, np.int32)
