"""One error for all nodes that cannot be converted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphml.errors import GraphmlError, UnsupportedError, quoted

_MOST_NAMES = 5


class Unconvertible(GraphmlError):
    """A node cannot be converted.

    Args:
        text: The reason.
        follows: Whether the only reason is an earlier node, or one of a sub-graph, that cannot be converted.
        faults: The nodes of its sub-graph that cannot be converted.
    """

    def __init__(self, text: object = "", follows: bool = False, faults: Sequence[Fault] = ()) -> None:
        super().__init__(text)
        self.follows = follows
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Fault:
    """A node that cannot be converted.

    Attributes:
        kind: The operator; empty for an output of the model.
        name: The node.
        reason: Why.
    """

    kind: str
    name: str
    reason: str


class UnsupportedNodes(UnsupportedError):
    """Nodes of a model cannot be converted; the message lists all of them.

    Args:
        text: The message.
        faults: The nodes.
        notes: How the others were converted.
    """

    def __init__(self, text: object = "", faults: Sequence[Fault] = (), notes: Sequence[Any] = ()) -> None:
        super().__init__(text)
        self.faults, self.notes = tuple(faults), tuple(notes)


def refusal(faults: Sequence[Fault], notes: Sequence[Any]) -> UnsupportedNodes:
    """The error that lists every fault, grouped by operator and reason.

    Args:
        faults: The nodes that cannot be converted.
        notes: The notes on the converted nodes.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for fault in faults:
        groups.setdefault((fault.kind, fault.reason), []).append(fault.name)
    lines: list[str] = []
    for (kind, reason), names in sorted(groups.items(), key=lambda group: -len(group[1])):
        shown = ", ".join(quoted(name) for name in names[:_MOST_NAMES])
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        first, *rest = reason.splitlines()
        where = f"{kind} ({len(names)}: {shown}{more}): " if kind else ""
        lines += [f"{where}{first}", *(f"  {line}" for line in rest)]
    count = sum(len(names) for names in groups.values())
    text = "\n".join([f"{count} {'node' if count == 1 else 'nodes'} cannot be converted:", *lines])
    return UnsupportedNodes(text, faults, notes)
