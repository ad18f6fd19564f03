"""Branches and loops. Those with constant conditions are resolved while converting; small loops that a network cannot
express are unrolled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphml.convert.onnx import basics, loops
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Tensor, TensorList, Value
from graphml.convert.onnx.unsupported import Unconvertible
from graphml.convert.onnx.writer import LayerStep, SizesVary, Writer
from graphml.errors import GraphError, UnsupportedError

_MOST_UNROLLED = 64  # iterations
_UNBOUNDED = 1 << 24  # exporters write a number like 2^63 - 1 for no bound; a network counts in float32

# Branches ------------------------------------------------------------------------------------------------------------


@operator("If")
def branch(w: Writer, condition: Tensor, *, then_branch: Any, else_branch: Any) -> list[Value]:
    decided = condition.constant
    if decided is not None:
        return w.inline(then_branch if np.ravel(decided)[0] else else_branch, [])
    with w.region() as first:
        one = w.inline(then_branch, [])
    with w.region() as second:
        other = w.inline(else_branch, [])
    wanted = [a if used else None for a, used in zip(one, w.node.wanted, strict=False)]
    made = [_joined(w, a, b, first, second) for a, b in zip(wanted, other, strict=False)]
    w.control("branch", [condition], {"ifBranch": first, "elseBranch": second})
    return made


def _joined(w: Writer, one: Value, other: Value, first: list[LayerStep], second: list[LayerStep]) -> Value:
    """A result that has one value after the first branch and another after the second, by a copy at the end of both."""
    if one is other or one is None:
        return one
    if isinstance(one, TensorList) and isinstance(other, TensorList) and len(one.items) == len(other.items):
        pairs = [_joined(w, a, b, first, second) for a, b in zip(one.items, other.items, strict=True)]
        return TensorList([item for item in pairs if isinstance(item, Tensor)])
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        raise UnsupportedError("its branches give sequences of different lengths, or only one gives an optional value")
    if one.rank != other.rank:
        raise UnsupportedError(f"its branches give results with {one.rank} and {other.rank} axes")
    sizes = zip(zip(*one.shapes, strict=True), zip(*other.shapes, strict=True), strict=True)
    shapes = list(zip(*(a if a == b else w.fresh_size() for a, b in sizes), strict=True)) or [()] * w.sets
    target = Tensor(one.dtype, shapes)
    for value, side in ((one, first), (other, second)):
        with w.region() as last:
            w.copy_to(value, target)
        side.extend(last)
    return target


# Loops ---------------------------------------------------------------------------------------------------------------


@operator("Loop")
def loop(
    w: Writer, count: Tensor | None = None, condition: Tensor | None = None, *first: Value, body: Any
) -> list[Value]:
    iterations = None if count is None or count.constant is None else int(np.ravel(count.constant)[0])
    if iterations is not None and iterations >= _UNBOUNDED:
        count = iterations = None
    if (iterations is not None and iterations <= 0) or (
        condition is not None and condition.constant is not None and not np.ravel(condition.constant)[0]
    ):
        return _no_iterations(w, first)
    small = (
        iterations is not None
        and iterations <= _MOST_UNROLLED
        and (condition is None or condition.constant is not None)
    )
    growing: dict[int, frozenset[int]] = {}
    while True:
        try:
            return _as_layer(w, iterations, count, condition, first, body, growing)
        except (Unconvertible, UnsupportedError, SizesVary) as reason:
            made = _unrolled(w, iterations, first, body) if small and iterations is not None else None
            if made is not None:
                return made
            if not isinstance(reason, _ShapesChange):
                raise
            growing = {i: growing.get(i, frozenset()) | reason.axes.get(i, frozenset()) for i in range(len(first))}


def _no_iterations(w: Writer, first: Sequence[Value]) -> list[Value]:
    if any(w.node.wanted[len(first) :]):
        raise UnsupportedError("the loop runs no iterations, so what it collects is empty, which a network cannot hold")
    return list(first)


def _unrolled(w: Writer, iterations: int, first: Sequence[Value], body: Any) -> list[Value] | None:
    """The unrolled iterations; None if the number of iterations depends on the data."""
    values = list(first)
    collected: list[list[Tensor]] = [[] for _ in range(len(body.output) - 1 - len(first))]
    for number in range(iterations):
        going, *made = w.inline(body, [w.constant(np.asarray(number, np.int64)), w.constant(np.asarray(True)), *values])
        values = made[: len(values)]
        for parts, value in zip(collected, made[len(values) :], strict=True):
            if not isinstance(value, Tensor):
                raise GraphError("the values that a loop collects must be tensors")
            parts.append(value)
        if not isinstance(going, Tensor) or going.constant is None:
            return None
        if not np.ravel(going.constant)[0]:
            break
    wanted = w.node.wanted[len(values) :]
    return values + [
        basics.stack(w, parts, 0) if used else None for parts, used in zip(collected, wanted, strict=False)
    ]


def _as_layer(
    w: Writer,
    iterations: int | None,
    count: Tensor | None,
    condition: Tensor | None,
    first: Sequence[Value],
    body: Any,
    growing: Mapping[int, frozenset[int]],
) -> list[Value]:
    """A loop of the network, with the axes of carried values whose sizes change from one iteration to the next."""
    starts = [value for value in first if isinstance(value, Tensor)]
    if len(starts) < len(first):
        raise UnsupportedError(
            "it carries a sequence or an optional value, and the number of iterations is not a small constant"
        )
    number = loops.carry(w, w.constant(np.asarray(0, np.int64)))
    carried = [loops.carry(w, value, growing.get(i, ())) for i, value in enumerate(starts)]
    with w.region() as iteration:
        going, *made = w.inline(body, [number, w.constant(np.asarray(True)), *carried])
    results = [value for value in (going, *made) if isinstance(value, Tensor)]
    if len(results) < 1 + len(made):
        raise UnsupportedError(
            "an iteration gives a sequence or an optional value, and the number of iterations is not a small constant"
        )
    going, after, collected = results[0], results[1 : 1 + len(carried)], results[1 + len(carried) :]
    _check_shapes(carried, after, growing)
    decides = not (_is_true(condition) and _is_true(going))
    flag = [loops.carry(w, w.constant(np.asarray(True)) if condition is None else condition)] if decides else []
    used = [value for value, wanted in zip(collected, w.node.wanted[len(carried) :], strict=False) if wanted]
    if used and count is None:
        raise UnsupportedError(
            "the number of iterations is unbounded, so no buffer can be allocated for what it collects"
        )
    storages: list[Tensor] = []
    if used and count is not None:
        known = w.fresh_size() if count.known is None else tuple(int(np.ravel(value)[0]) for value in count.known)
        steady = [value for i, value in enumerate(carried) if not growing.get(i)]
        storages = [loops.storage(w, value, 0, known, count, [*w.features, *steady]) for value in used]
    elif not decides and count is None:
        raise UnsupportedError("nothing ends it")
    with w.region() as rest:
        filled = [loops.store(w, value, room, 0, number) for value, room in zip(used, storages, strict=True)]
        following = [basics.add(w, number, 1), *after, *filled, *([going] if decides else [])]
        loops.carry_on(w, following, [number, *carried, *storages, *flag])
    loops.repeat(w, [*iteration, *rest], count if iterations is None else iterations, flag[0] if decides else None)
    stored = iter([loops.first_elements(w, room, number) if decides else room for room in storages])
    return [*carried, *(next(stored) if wanted else None for wanted in w.node.wanted[len(carried) :])]


def _is_true(x: Tensor | None) -> bool:
    return x is None or (x.constant is not None and bool(np.ravel(x.constant)[0]))


class _ShapesChange(UnsupportedError):
    """The sizes of carried values change in an iteration.

    Args:
        axes: {carried value: the axes of these sizes}.
    """

    def __init__(self, text: object = "", axes: Mapping[int, frozenset[int]] | None = None) -> None:
        super().__init__(text)
        self.axes = axes or {}


def _check_shapes(
    carried: Sequence[Tensor], after: Sequence[Tensor], growing: Mapping[int, frozenset[int]] | None = None
) -> None:
    changed: dict[int, frozenset[int]] = {}
    for i, (before, now) in enumerate(zip(carried, after, strict=True)):
        if before.rank != now.rank:
            raise UnsupportedError(
                f"carried value {i} has {before.rank} axes before an iteration and {now.rank} after it"
            )
        sizes = zip(zip(*before.shapes, strict=True), zip(*now.shapes, strict=True), strict=True)
        axes = frozenset(axis for axis, (old, new) in enumerate(sizes) if old != new) - (growing or {}).get(
            i, frozenset()
        )
        if axes:
            changed[i] = axes
    if changed:
        i, axes = next(iter(changed.items()))
        raise _ShapesChange(f"an iteration changes the size of axis {min(axes)} of carried value {i}", changed)


# Scans ---------------------------------------------------------------------------------------------------------------


@operator("Scan", since=9)
def scan(
    w: Writer,
    *inputs: Tensor,
    body: Any,
    num_scan_inputs: int,
    scan_input_axes: Sequence[int] | None = None,
    scan_input_directions: Sequence[int] | None = None,
    scan_output_axes: Sequence[int] | None = None,
    scan_output_directions: Sequence[int] | None = None,
) -> list[Tensor]:
    states, read = inputs[: len(inputs) - num_scan_inputs], inputs[len(inputs) - num_scan_inputs :]
    made = len(body.output) - len(states)
    return _scan(
        w,
        body,
        states,
        read,
        [x.axis(axis) for x, axis in zip(read, scan_input_axes or [0] * len(read), strict=True)],
        scan_input_directions or [0] * len(read),
        scan_output_axes or [0] * made,
        scan_output_directions or [0] * made,
    )


def _scan(
    w: Writer,
    body: Any,
    states: Sequence[Tensor],
    read: Sequence[Tensor],
    axes: Sequence[int],
    backwards: Sequence[int],
    output_axes: Sequence[int],
    output_backwards: Sequence[int],
) -> list[Tensor]:
    lengths = tuple(shape[axes[0]] for shape in read[0].shapes)
    for x, axis in zip(read, axes, strict=True):
        if tuple(shape[axis] for shape in x.shapes) != lengths:
            raise GraphError(f"it reads sequences of different lengths, {lengths[0]} and {x.shapes[0][axis]}")
    fixed = read[0].shape[axes[0]]
    count = w.constant(np.asarray([fixed], np.int64)) if fixed is not None else basics.size_of(w, read[0], axes[0])
    number = loops.carry(w, w.constant(np.asarray(0, np.int64)))
    carried = [loops.carry(w, value) for value in states]
    with w.region() as iteration:
        last = basics.subtract(w, basics.subtract(w, basics.reshape(w, count, [()] * w.sets), 1), number)
        parts = [
            loops.element(w, x, axis, last if back else number)
            for x, axis, back in zip(read, axes, backwards, strict=True)
        ]
        made = [value for value in w.inline(body, [*carried, *parts]) if isinstance(value, Tensor)]
    if len(made) != len(body.output):
        raise UnsupportedError("an iteration gives a sequence or an optional value")
    after, collected = made[: len(carried)], made[len(carried) :]
    _check_shapes(carried, after)
    places = [value.axis(axis, value.rank + 1) for value, axis in zip(collected, output_axes, strict=True)]
    sources = [*w.features, *carried, *read]
    storages = [
        loops.storage(w, value, at, lengths, count, sources) for value, at in zip(collected, places, strict=True)
    ]
    with w.region() as rest:
        filled = [
            loops.store(w, value, room, at, last if back else number)
            for value, room, at, back in zip(collected, storages, places, output_backwards, strict=True)
        ]
        loops.carry_on(w, [basics.add(w, number, 1), *after, *filled], [number, *carried, *storages])
    loops.repeat(w, [*iteration, *rest], count if fixed is None else fixed)
    return [*carried, *storages]


@operator("Scan", until=8)
def scan_with_batch(
    w: Writer, lengths: Tensor | None, *inputs: Tensor, body: Any, num_scan_inputs: int, directions: Sequence[int] = ()
) -> list[Tensor]:
    """Each sample of the batch is scanned separately."""
    states, read = inputs[: len(inputs) - num_scan_inputs], inputs[len(inputs) - num_scan_inputs :]
    rows = read[0].shape[0]
    if lengths is not None:
        raise UnsupportedError("the sequences of a batch have different lengths (sequence_lens)")
    if rows is None:
        raise UnsupportedError("the size of the batch depends on the inputs")
    made: list[list[Tensor]] = []
    for row in range(rows):
        own = [basics.squeeze(w, basics.slice_axis(w, x, 0, row, row + 1), [0]) for x in inputs]
        count = len(body.output) - len(states)
        zeros = [0] * max(count, len(read))
        back = list(directions) or zeros[: len(read)]
        start = own[: len(states)]
        made.append(_scan(w, body, start, own[len(states) :], zeros[: len(read)], back, zeros[:count], zeros[:count]))
    return [basics.stack(w, column, 0) for column in zip(*made, strict=True)]
