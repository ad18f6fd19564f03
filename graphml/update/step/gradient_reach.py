"""How far the gradient of a loss comes on its way back through a network, and what stops it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphml import catalogue
from graphml.graph import EXIT, Node, Region, reads, writes
from graphml.spec.layers import EXITS

_LONGEST_LOOP = 1 << 16  # turns that are worth laying out for a derivative; larger bounds mean that there is none


def read_by(node: Node) -> frozenset[str]:
    """What a node reads from outside, its sub-networks included."""
    return frozenset(node.inputs).union(*(reads(region) for region in node.regions.values()))


def written_by(node: Node) -> frozenset[str]:
    return frozenset(node.outputs).union(*(writes(region) for region in node.regions.values()))


def leading_to(region: Region, *blobs: str) -> list[Node]:
    """The nodes of a region that the blobs depend on."""
    wanted, found = set(blobs), []
    for node in reversed(region.nodes):
        if wanted & written_by(node):
            found.append(node)
            # a node with sub-networks may leave an older value of what it writes in place
            wanted |= read_by(node) | (written_by(node) if node.regions else frozenset())
    return found[::-1]


def reached(nodes: Sequence[Node], blobs: Iterable[str], max_iterations: int | None) -> tuple[list[Node], str]:
    """The nodes that a gradient reaches on its way back from the blobs, those inside of control flow among them, and a
    line for each node that lets none through, with the reason."""
    found: dict[int, Node] = {}
    blocks: dict[str, None] = {}
    _back(nodes, frozenset(blobs), max_iterations, found, blocks)
    return list(found.values()), "\n".join(blocks)


def _back(
    nodes: Sequence[Node], wanted: frozenset[str], most: int | None, found: dict[int, Node], blocks: dict[str, None]
) -> frozenset[str]:
    """The blobs that a gradient has come to before the first of the nodes."""
    for node in reversed(nodes):
        if not wanted & written_by(node):
            continue
        reason = _reason(node, most)
        if reason is not None:
            blocks[f"  {node.label}: {reason}"] = None
            continue
        found[id(node)] = node
        if not node.regions:
            wanted |= frozenset(node.inputs)
            continue
        while True:  # in a loop, what one turn reads the turn before has written
            before = wanted
            for region in node.regions.values():
                wanted |= _back(region.nodes, wanted, most, found, blocks)
            if wanted == before or "body" not in node.regions:
                break
    return wanted


def _reason(node: Node, most: int | None) -> str | None:
    """Why a node lets no gradient through; None where it does."""
    reason = catalogue.row(node.kind).differentiable
    if isinstance(reason, str):
        return reason
    if "body" in node.regions and not node.inputs and most is None:
        bound = node.attributes.get("max_loop_iterations", 0)
        early = "condition" in node.regions or EXIT in _left_by(node.regions["body"])
        if early and not 0 < bound <= _LONGEST_LOOP:
            return "a loop without a bound cannot be unrolled, so it has no derivative; set maxLoopIterations"
    return None


def _left_by(body: Region) -> frozenset[str]:
    """EXIT, if a turn of the body may be left early."""
    return frozenset({EXIT}) if any(node.kind in EXITS for node in body.walk()) else frozenset()
