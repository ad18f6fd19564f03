"""Control flow: layers that own sub-networks, and the two that leave an iteration of a loop.

A sub-network arrives as a ready block; `control` runs blocks on the blobs around the layer and returns the blobs that
they write. The interpreter decides how that is compiled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from jax.core import Tracer

from graphml.errors import GraphError
from graphml.graph import BREAK, CONTINUE
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers._integers import to_integers
from graphml.ops.layers.dialect import layer

_UNBOUNDED = 2**31 - 1  # a number from here on means no bound
_NO_GRADIENT = "it computes no value; it only decides which layers run"

# Blocks and `control` belong to the interpreter, which is above this package and has no type here.
Block = Any
Control = Any


@layer("branch")
def branch(predicate: Array, *, if_branch: Block, else_branch: Block, control: Control) -> Any:
    """Run one of two networks: the first when the predicate is further from zero than 1e-6, else the second, if any.

    Args:
        predicate: one number.
        if_branch: the first network.
        else_branch: the second network, or None.
        control: runs them.

    Returns:
        The blobs that both branches write; those of one branch alone only where the predicate is known when the network
        is traced.

    Source: BranchLayerParams (spec 4).
    """
    return control.branch(control.is_true(predicate), if_branch, else_branch)


def _most_iterations(inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> float | None:
    """The bound of the layer itself, infinity for none; None where an input gives the count."""
    own = attributes["max_loop_iterations"]
    return None if inputs else own if 0 < own < _UNBOUNDED else math.inf


@layer("loop", most_iterations=_most_iterations)
def loop(
    *count: Array,
    max_loop_iterations: int,
    condition_var: str,
    condition_network: Block,
    body_network: Block,
    control: Control,
) -> Any:
    """Run a network repeatedly.

    The condition network, if there is one, runs before each iteration; the loop ends when the blob `condition_var` is
    then within 1e-6 of zero. Without a count and with `max_loop_iterations` 0 only the condition ends it. A count
    of 2^31 - 1 or more is no bound where a condition or a break can end the loop. Where nothing else ends it,
    UnsupportedError is raised or, if the count is not known before the network runs, the loop ends after 2^31 - 1.

    Args:
        count: the number of iterations, one number or none; replaces `max_loop_iterations`. Fractions are dropped.
        max_loop_iterations: the number of iterations; 0 for no bound.
        condition_var: the blob that the condition network writes.
        condition_network: the condition network, or None.
        body_network: what is run.
        control: runs them.

    Returns:
        The blobs that the body writes. One that it creates is zeros when no iteration ran, and an error where it is
        known that none runs.

    Raises:
        count: the number of iterations, one number or none, in place of `max_loop_iterations`; fractions are dropped.

    Source: LoopLayerParams (spec 4).
    """
    if (condition_network is None) != (condition_var == ""):
        raise GraphError("a loop needs both a condition network and conditionVar, or neither")
    if condition_network is not None and condition_var not in condition_network.writes:
        raise GraphError(f"the condition network does not write conditionVar {condition_var!r}")
    iterations: Any = None
    if count:
        known = not isinstance(count[0], Tracer)
        iterations = to_integers(np.asarray(count[0]) if known else count[0]).reshape(())
    return control.loop(iterations, condition_network, condition_var, body_network, max_loop_iterations)


@layer("loopBreak", differentiable=_NO_GRADIENT)
def loop_break() -> npt.NDArray[np.int32]:
    """Leave the innermost loop at once.

    Returns:
        [1], a signal to the interpreter.

    Source: LoopBreakLayerParams (spec 4).
    """
    return np.full(1, BREAK, np.int32)


@layer("loopContinue", differentiable=_NO_GRADIENT)
def loop_continue() -> npt.NDArray[np.int32]:
    """Continue with the next iteration of the innermost loop.

    Returns:
        [1], a signal to the interpreter.

    Source: LoopContinueLayerParams (spec 4).
    """
    return np.full(1, CONTINUE, np.int32)
