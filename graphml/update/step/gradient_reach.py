"""How far the gradient of a loss reaches on its way back through a network, and what stops it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphml import catalogue
from graphml.graph import EXIT, Node, Region, read_by, writes, written_by
from graphml.interpreter.loop import LONGEST_SCAN


def leading_to(region: Region, *blobs: str) -> list[Node]:
    """The nodes of a region that the blobs depend on, in order."""
    wanted, found = set(blobs), list[Node]()
    for node in reversed(region.nodes):
        if wanted & written_by(node):
            found.append(node)
            # a node with regions may leave an older value of what it writes in place
            wanted |= read_by(node) | (written_by(node) if node.regions else frozenset())
    return found[::-1]


def reached(nodes: Sequence[Node], blobs: Iterable[str], max_iterations: int | None) -> tuple[list[Node], str]:
    """Follow a gradient back through nodes.

    Args:
        nodes: in the order in which they run.
        blobs: where the gradient starts.
        max_iterations: the bound of otherwise unbounded loops; None for none.

    Returns:
        The nodes that it reaches, including those inside conditionals and loops, and a line for each node that stops
        it, with the reason.
    """
    found: dict[int, Node] = {}
    obstacles: dict[str, None] = {}
    _back(nodes, frozenset(blobs), max_iterations, found, obstacles)
    return list(found.values()), "\n".join(obstacles)


def _back(
    nodes: Sequence[Node], wanted: frozenset[str], most: int | None, found: dict[int, Node], obstacles: dict[str, None]
) -> frozenset[str]:
    """The blobs that a gradient has reached before the first of the nodes."""
    for node in reversed(nodes):
        if not wanted & written_by(node):
            continue
        reason = _reason(node, most)
        if reason is not None:
            obstacles[f"  {node.label}: {reason}"] = None
            continue
        found[id(node)] = node
        if not node.regions:
            wanted |= read_by(node)
            continue
        while True:  # in a loop, the iteration before has written what one iteration reads
            before = wanted
            for region in node.regions.values():
                wanted |= _back(region.nodes, wanted, most, found, obstacles)
            if wanted == before or not node.is_loop:
                break
    return wanted


def _reason(node: Node, most: int | None) -> str | None:
    """Why a node lets no gradient through; None where it does."""
    row = catalogue.row(node)
    if isinstance(row.differentiable, str):
        return row.differentiable
    iterations = row.most_iterations(node.inputs, node.attributes)
    if iterations is not None and iterations > LONGEST_SCAN and most is None:
        body = node.regions.get("body")
        if "condition" in node.regions or (body is not None and EXIT in writes(body)):
            return "a loop without a bound cannot be unrolled, so it has no derivative; set maxLoopIterations"
    return None
