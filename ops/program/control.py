"""Control flow. The front end turns blocks into regions, and their arguments and results into `identity`.

A region arrives as a ready block; `control` runs blocks on the blobs around the operation and returns the blobs that
they write.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graphml.ops.kernels.arrays import Array
from graphml.ops.program.dialect import computed_type, operation

# Blocks and `control` belong to the interpreter, which is above this package and has no type here.
Block = Any
Control = Any


@operation("cond", version=15)
def cond(pred: Array, *, then: Block, otherwise: Block, control: Control) -> Any:
    """Run one of two blocks.

    Args:
        pred: bool [], selects the block.
        then: runs if it is true.
        otherwise: runs if it is false.
        control: runs them.

    Returns:
        The blobs that both blocks write.

    Source: the operation cond of ML Programs (iOS 15).
    """
    return control.branch(control.is_true(pred), then, otherwise)


def _most_iterations(inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> float | None:
    return None if attributes["counted"] else math.inf


@operation("while_loop", version=15, most_iterations=_most_iterations)
def while_loop(
    *loop_vars: Array,
    condition: str,
    lists: tuple[str, ...],
    counted: bool,
    go: Block,
    body: Block,
    control: Control,
) -> Any:
    """Run a block while the bool that another block computes is true.

    A loop whose condition depends on known values alone, such as a counter, has a known number of iterations: it is
    differentiable, and the condition does not run.

    Args:
        loop_vars: none; the front end gives the carried values names that both blocks read and the body writes.
        condition: the blob of the bool.
        lists: the carried blobs that are lists, whose elements may get their shape in the first iteration.
        counted: whether a counter ends the loop.
        go: computes the bool, before each iteration and after the last.
        body: one iteration.
        control: runs them.

    Returns:
        The blobs that the body writes, among them the carried values.

    Source: the operation while_loop of ML Programs (iOS 15).
    """
    iterations = control.count_iterations(go, condition, body)
    if iterations is None:
        return control.loop(None, go, condition, body, 0, filled_later=frozenset(lists))
    return control.loop(None, None, "", body, iterations, filled_later=frozenset(lists)) if iterations else {}


@operation("identity", version=15, roles=("copy",))
def identity(x: Array) -> Array:
    """A value under another name.

    Args:
        x: any value.

    Returns:
        x.

    Source: the operation identity of ML Programs (iOS 15).
    """
    return x


@operation("read_state", version=18)
def read_state(input: Array) -> Array:
    """The value of a state at this point of the program.

    Args:
        input: the state.

    Returns:
        Its value, of the type in which its declared type is computed.

    Source: the operation read_state of ML Programs (iOS 18).
    """
    return input.astype(computed_type(input.dtype.name))


@operation("write_state", version=18)
def write_state(input: Array, data: Array) -> Array:
    """Give a state a new value, which later operations read.

    Args:
        input: the state.
        data: the value, of the same shape and type.

    Returns:
        The new value; the front end makes it the blob of the state.

    Source: the operation write_state of ML Programs (iOS 18).
    """
    return data.astype(input.dtype)
