"""A model's computation as plain frozen data: nodes, blobs and regions, and pure functions over them.

Nothing here computes, and no file format and no operator is known by name: front ends (`graphml.frontends`) make
graphs, `graphml.interpreter` runs them. A *blob* is a named value. Nodes run in order; a node may overwrite a blob, and
a node with regions (a conditional, a loop) reads and writes blobs of the region around it.

Four names of regions have a meaning: "if" and "else" are the branches of a conditional on the node's first input;
"condition" and "body" belong to a loop.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphml.errors import GraphError, quoted, without_middle
from graphml.visible import visible

EXIT = "$exit"
"""The blob that says how an iteration of a loop ends: 0, `BREAK` or `CONTINUE`, as an int32 [1]. Nothing outside of the
loop sees it."""

BREAK = 1
CONTINUE = 2

ABSENT = "$absent"
"""Stands for an optional input that is omitted where a later one is given; the operator receives None for it."""


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """One operation: what it computes, from which blobs, into which blobs.

    Attributes:
        key: its place in the tree of parameters, unique in the graph.
        name: the name in the file, which may be empty or used twice.
        dialect: what its format calls an operation, such as "layer"; with `kind` and `version` it names the operator.
        kind: the operator's name in the format.
        inputs: blobs that it reads, `ABSENT` where an optional one is not given.
        outputs: blobs that it writes.
        attributes: static values by name.
        weights: arrays of any type or `Quantized`, or trees of them, by name.
        position: its place in the region, which errors state and random numbers depend on.
        regions: regions by name, see above.
        version: the version of the format whose meaning the node has.
        updatable: whether the file marks it as trainable.
    """

    key: str
    name: str
    dialect: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    weights: Mapping[str, Any] = field(default_factory=dict[str, Any])
    position: int = 0
    regions: Mapping[str, Region] = field(default_factory=dict[str, "Region"])
    version: int = 1
    updatable: bool = False

    def __repr__(self) -> str:
        return f"<{self.label}: {signature(self.inputs, self.outputs)}>"

    @property
    def label(self) -> str:
        """How errors name this node, such as: layer 'fc1' (innerProduct), number 3."""
        return f"{self.dialect} {quoted(self.name)} ({self.kind}), number {self.position + 1}"

    @property
    def is_loop(self) -> bool:
        return "body" in self.regions


@dataclass(frozen=True, eq=False, repr=False)
class Region:
    """A straight sequence of nodes: a whole graph, one branch of a conditional, or a part of a loop."""

    nodes: tuple[Node, ...]

    def __repr__(self) -> str:
        return f"<Region: {len(self.nodes)} nodes>"

    def walk(self) -> Iterator[Node]:
        """Every node here and in the regions of nodes, outer before inner."""
        for node in self.nodes:
            yield node
            for region in node.regions.values():
                yield from region.walk()


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """A whole computation: its nodes, and the names of its input and output blobs.

    Attributes:
        inputs: blobs that exist before the first node.
        outputs: blobs that are wanted after the last node.
        body: the nodes.
        state: blobs that exist before the first node and whose last values are kept from one call to the next.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    body: Region
    state: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Graph: {signature(self.inputs, self.outputs, self.state)}; {sum(1 for _ in self.body.walk())} nodes>"

    def parameters(self) -> dict[str, Any]:
        """{node: {weight: array or Quantized}} as stored; nodes without weights are left out."""
        return {node.key: dict(node.weights) for node in self.body.walk() if node.weights}


def signature(inputs: Sequence[str], outputs: Sequence[str], state: Sequence[str] = ()) -> str:
    """Inputs and outputs by name, in one line: "x, y -> z"."""
    line = f"{_first(inputs)} -> {_first(outputs)}"
    return f"{line}, state {_first(state)}" if state else line


_MOST_SHOWN, _MOST_LETTERS = 8, 40


def _first(names: Sequence[str]) -> str:
    few = [visible(without_middle(name, _MOST_LETTERS)) for name in names[:_MOST_SHOWN]]
    return ", ".join([*few, f"{len(names) - len(few)} more"] if len(names) > len(few) else few)


# What is read and written --------------------------------------------------------------------------------------------


def reads(region: Region) -> frozenset[str]:
    """Blobs that a region takes from outside: read, at any depth, before the region has written them."""
    seen: set[str] = set()
    taken: set[str] = set()
    for node in region.nodes:
        taken |= read_by(node) - seen
        seen |= set(node.outputs)
    return frozenset(taken)


def writes(region: Region) -> frozenset[str]:
    """Blobs that a region writes, at any depth. EXIT does not leave a loop."""
    found: set[str] = set()
    for node in region.nodes:
        found |= set(node.outputs)
        inner = written_inside(node)
        found |= inner - {EXIT} if node.is_loop else inner
    return frozenset(found)


def read_by(node: Node) -> frozenset[str]:
    """Blobs that a node reads from outside, its regions included."""
    inputs = frozenset(node.inputs) - {ABSENT}
    return inputs.union(*map(reads, node.regions.values())) if node.regions else inputs


def written_inside(node: Node) -> frozenset[str]:
    """Blobs that the regions of a node write."""
    return frozenset[str]().union(*map(writes, node.regions.values()))


def written_by(node: Node) -> frozenset[str]:
    """Blobs that a node writes, its regions included."""
    return frozenset(node.outputs) | written_inside(node)


def used(node: Node) -> frozenset[str]:
    """Blobs that a node reads, and those that its regions read or write."""
    return read_by(node) | written_inside(node)


def sliced(region: Region, wanted: frozenset[str]) -> Region | None:
    """The nodes of a region that compute these blobs; None where a conditional, a loop or an exit is among them."""
    needed = set(wanted)
    nodes: list[Node] = []
    for node in reversed(region.nodes):
        if needed.isdisjoint(written_by(node)):
            continue
        if node.regions or EXIT in node.outputs:
            return None
        needed -= set(node.outputs)
        needed |= read_by(node)
        nodes.append(node)
    return Region(tuple(reversed(nodes)))


# Liveness ------------------------------------------------------------------------------------------------------------


def live_before(region: Region, keep: frozenset[str]) -> frozenset[str]:
    """The blobs whose values matter before a region, if `keep` are wanted after it."""
    replaced: set[str] = set()
    for node in region.nodes:
        if EXIT in writes(Region((node,))):
            break  # the nodes after it may not run
        replaced |= set(node.outputs)
    return reads(region) | (keep - replaced)


def last_reads(region: Region, keep: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """For each node the blobs that are not needed any more once it has run. keep: blobs wanted at the end."""
    needed = set(keep)
    dead: list[tuple[str, ...]] = []
    for node in reversed(region.nodes):
        touched = used(node)
        dead.append(tuple(sorted((touched | set(node.outputs)) - needed)))
        needed |= touched
    return tuple(reversed(dead))


def live_after(region: Region, keep: frozenset[str]) -> tuple[frozenset[str], ...]:
    """For each node those blobs that its regions write and whose values matter after it, if `keep` are wanted at the
    end of the region."""
    taken: set[str] = set()  # read after the node, before they are replaced
    replaced: set[str] = set()  # after the node, in any case
    live: list[frozenset[str]] = []
    for node in reversed(region.nodes):
        written = written_inside(node)
        live.append(frozenset(name for name in written if name in taken or (name in keep and name not in replaced)))
        if EXIT in writes(Region((node,))):
            replaced.clear()  # the nodes after it may not run
        else:
            replaced.update(node.outputs)
        taken.difference_update(node.outputs)
        taken |= read_by(node)
    return tuple(reversed(live))


# Wiring --------------------------------------------------------------------------------------------------------------

Blobs = ChainMap[str, "Node | None"]
"""The blobs at some point: first those of this region, then those of the regions around it, which are not copied for
each of thousands of branches. The value is the conditional that writes a blob in only one branch, otherwise None."""


def check_wiring(graph: Graph) -> None:
    """Check that blobs are written before they are read.

    Raises:
        GraphError: A blob is read that nothing has written, nothing writes an output, or a key is used twice.
    """
    keys = Counter(node.key for node in graph.body.walk())
    twice = next((node for node in graph.body.walk() if keys[node.key] > 1), None)
    if twice is not None:
        raise GraphError(f"{twice.label}: the key {twice.key!r} is used {keys[twice.key]} times; keys must be unique")
    known = Blobs(dict.fromkeys((*graph.inputs, *graph.state)))
    _check_region(graph.body, known)
    missing = [name for name in graph.outputs if name not in known]
    if missing:
        raise GraphError(f"nothing writes the output {', '.join(map(repr, missing))}")


def _check_region(region: Region, known: Blobs) -> None:
    for node in region.nodes:
        for name in node.inputs:
            if name not in known and name != ABSENT:
                raise GraphError(f"{node.label} reads {name!r}, which is neither an input nor written before it")
        written = {name: writes(inner) for name, inner in node.regions.items()}
        for name, inner in node.regions.items():
            # the body reads what the condition has written
            found = written.get("condition", ()) if name == "body" else ()
            _check_region(inner, known.new_child(dict.fromkeys(found)))
        # what regions write may be read after them; whether it exists then depends on the branch that ran
        known |= dict.fromkeys({*node.outputs}.union(*written.values()))


def check_branches(graph: Graph, decided: Collection[str]) -> None:
    """Check that no blob is read that only one branch of a conditional writes.

    Args:
        graph: the graph, whose wiring is right.
        decided: blobs whose values are known before the graph runs; a conditional on one of them has one branch only.

    Raises:
        GraphError: There is such a blob.
    """
    blobs = Blobs(dict.fromkeys((*graph.inputs, *graph.state)))
    _check_branches(graph.body, blobs, decided)
    for name in graph.outputs:
        branch = blobs.get(name)
        if branch is not None:
            raise GraphError(f"the output {name!r} is written by one branch of {branch.label} only")


def _check_branches(region: Region, blobs: Blobs, decided: Collection[str]) -> None:
    """Adds to `blobs` what the region writes, in any case or in one branch of a conditional."""
    for node in region.nodes:
        for name in node.inputs:
            branch = blobs.get(name)
            if branch is not None:
                raise GraphError(
                    f"{node.label} reads {name!r}, which one branch of {branch.label} writes and the other does not; "
                    f"which branch runs depends on values"
                )
        after: list[Blobs] = []
        for part, inner in node.regions.items():
            begin = after[0] if part == "body" and after else blobs  # the body reads what the condition has written
            after.append(begin.new_child())
            _check_branches(inner, after[-1], decided)
        one_runs = node.is_loop or (node.regions and node.inputs[0] in decided)
        for name in {name for blobs_after in after for name in blobs_after.maps[0]}:
            if one_runs or (len(after) == 2 and all(_certain(name, blobs_after) for blobs_after in after)):
                blobs[name] = None
            elif not _certain(name, blobs):
                blobs[name] = node
        blobs |= dict.fromkeys(node.outputs)


def _certain(name: str, blobs: Blobs) -> bool:
    """Whether a blob exists whichever branches ran."""
    return blobs.get(name, name) is None
