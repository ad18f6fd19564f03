"""Counted loops: whether a counter decides when a `while_loop` ends."""

from __future__ import annotations

from collections.abc import Sequence

from graphml.graph import Region

_COMPARISONS = frozenset({"less", "less_equal", "greater", "greater_equal", "not_equal"})
_DECIDING = _COMPARISONS | {"logical_and", "identity", "cast"}


def is_counted(condition: Region, decision: str, body: Region, carried: Sequence[str]) -> bool:
    """Whether a loop is counted: its condition compares a carried value to which each iteration adds a constant.

    Args:
        condition: the region of the condition.
        decision: the blob of its result.
        body: the region of one iteration.
        carried: the blobs that are carried.
    """
    if not condition.nodes or any(node.kind not in _DECIDING for node in condition.nodes):
        return False
    compared = {name for node in condition.nodes if node.kind in _COMPARISONS for name in node.inputs}
    made = {name: node for node in body.nodes for name in node.outputs}
    for name in compared.intersection(carried):
        step = made.get(name)
        while step is not None and step.kind == "identity":
            step = made.get(step.inputs[0]) if step.inputs[0] not in carried else None
        if step is not None and step.kind in ("add", "sub") and name in step.inputs:
            other = next((each for each in step.inputs if each != name), name)
            if other not in made and other not in carried:
                return True
    return False
