"""Finds the operations that must stay in float32, by running a model repeatedly.

First, operations run in half precision until one fails; it then stays in float32. If it fails there too, its inputs are
already bad, and operations before it stay in float32, twice as many at each attempt. Then the search removes every
operation that is not needed. The result is sufficient and minimal in the sense that no operation can be removed;
another set may be smaller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphml.graph import Node, read_by, used, written_by
from graphml.inspect.mixed import MixedRun, Precisions

_MOST_RUNS = 200  # while operations are removed


@dataclass(frozen=True)
class Mend:
    """Operations that stay in float32.

    Attributes:
        nodes: The operations, in the order in which they run.
        mends: Whether the model holds with them.
        minimal: Whether it is known to fail without any one of them.
        runs: How often the model ran.
    """

    nodes: tuple[Node, ...]
    mends: bool
    minimal: bool
    runs: int

    @property
    def operations(self) -> tuple[str, ...]:
        """Their names in the file."""
        return tuple(node.name for node in self.nodes)

    def op_selector(self, operation: Any) -> bool:
        """Whether coremltools may compute an operation in half precision: its `op_selector` for the next conversion.

        coremltools asks before it turns names into identifiers, as in `op_4` for 4, and marks those in half precision.

        Args:
            operation: An operation of coremltools.
        """
        name = re.sub(r"[^a-zA-Z0-9_]", "_", operation.name)
        name = f"op_{name}" if name[:1].isdigit() else name
        return name not in {each.removesuffix("_cast_fp16") for each in self.operations}


@dataclass
class Trial:
    """A graph to try in both precisions on given inputs.

    Attributes:
        precisions: The graph.
        start: Starts a run.
        reference: What each node computes in float32.
        fails: (float32 value, its replacement) -> whether the difference is too large.
        outputs: The blobs that are judged, by their final values; None: everything that is computed.
        runs: How often the graph ran so far.
    """

    precisions: Precisions
    start: Callable[[], MixedRun]
    reference: Sequence[Mapping[str, Any]]
    fails: Callable[[Any, Any], bool]
    outputs: frozenset[str] | None
    runs: int = field(default=0, init=False)

    def failure(self, wide: frozenset[int], *, add: set[int] | None = None) -> int | None:
        """The position of the first operation that fails; None if none does.

        Args:
            wide: Positions of the operations in float32.
            add: Operations that fail in half precision and not in float32 are added here, and every operation is
                judged.
        """
        self.runs += 1
        run = self.start()
        nodes = self.precisions.nodes
        last = {name: position for position, node in enumerate(nodes) for name in written_by(node)}
        for position, node in enumerate(nodes):
            values = run.results(position, wide=position in wide)
            judged = {n for n in values if self.outputs is None or (n in self.outputs and last[n] == position)}
            judged = set(values) if add is not None else judged
            if not self.precisions.is_given(node) and self._fail(position, values, judged):
                if add is None or position in wide:
                    return position
                values = run.results(position, wide=True)
                if self._fail(position, values, judged):
                    return position
                add.add(position)
            run.take(position, values)
        return None

    def _fail(self, position: int, values: Mapping[str, Any], judged: set[str]) -> bool:
        return any(self.fails(self.reference[position][name], values[name]) for name in judged)


def search(trial: Trial) -> Mend:
    """Find operations that must stay in float32."""
    wide = _enough(trial)
    if wide is None:
        return Mend((), mends=False, minimal=False, runs=trial.runs)
    wide, minimal = _least(trial, wide)
    nodes = tuple(trial.precisions.nodes[position] for position in sorted(wide))
    return Mend(nodes, mends=True, minimal=minimal, runs=trial.runs)


def _enough(trial: Trial) -> frozenset[int] | None:
    """A set of operations with which nothing fails; None if there is none."""
    before = _ancestors(trial.precisions)
    wide: frozenset[int] = frozenset()
    attempts: dict[int, int] = {}
    while True:
        add: set[int] = set()
        failed = trial.failure(wide, add=add)
        wide |= add
        if failed is None:
            return wide
        wide |= {failed}
        nearest = sorted(before[failed] - wide, reverse=True)
        if not nearest and not add:
            return None
        attempts[failed] = attempts.get(failed, 0) + 1
        wide |= set(nearest[: 2 ** (attempts[failed] - 1)])


def _ancestors(precisions: Precisions) -> list[frozenset[int]]:
    """For each node the positions of those that its results depend on, without inputs and constants."""
    writers: dict[str, int] = {}
    found: list[frozenset[int]] = []
    for position, node in enumerate(precisions.nodes):
        names = used(node) if node.regions else read_by(node)
        direct = {writers[name] for name in names if name in writers}
        found.append(frozenset(direct).union(*(found[each] for each in direct)))
        for name in written_by(node):
            writers.pop(name, None)
            if not precisions.is_given(node):
                writers[name] = position
    return found


def _least(trial: Trial, wide: frozenset[int]) -> tuple[frozenset[int], bool]:
    """A minimal sufficient subset of these operations, and whether it is known to be minimal."""
    size = max(1, len(wide) // 2)
    while True:
        before = wide
        order = sorted(wide, reverse=True)
        for begin in range(0, len(order), size):
            if trial.runs >= _MOST_RUNS:
                return wide, False
            fewer = wide - set(order[begin : begin + size])
            if trial.failure(fewer) is None:
                wide = fewer
        if size == 1 and wide == before:
            return wide, True
        size = max(1, size // 2)
