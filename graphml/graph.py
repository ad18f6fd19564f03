"""A network as plain frozen data: nodes, blobs, regions. NumPy only; nothing here computes and no operator is named."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphml.errors import GraphError, SpecError, quoted, typed
from graphml.spec import attributes as wire
from graphml.spec import layers
from graphml.spec.rules.layer_fields import blob_counts
from graphml.spec.rules.problems import layer_label

EXIT = "$exit"
"""The blob that a layer writes which leaves a turn of a loop; the loop itself reads it, nobody outside sees it."""


@dataclass(frozen=True, eq=False)
class Node:
    """One layer: what it computes from which blobs into which blobs.

    key: its place in the tree of parameters; the layer's name, made unique with `#index`.
    """

    key: str
    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    weights: Mapping[str, Any]
    position: int
    regions: Mapping[str, Region] = field(default_factory=dict)
    updatable: bool = False

    @property
    def label(self) -> str:
        """How errors call this node."""
        return f"layer {quoted(self.name)} ({self.kind}), number {self.position + 1}"


@dataclass(frozen=True, eq=False)
class Region:
    """A straight sequence of nodes: a whole network, or one side of a branch, or a part of a loop."""

    nodes: tuple[Node, ...]

    def walk(self) -> Iterator[Node]:
        """Every node here and in the regions of nodes, outer before inner."""
        for node in self.nodes:
            yield node
            for region in node.regions.values():
                yield from region.walk()


@dataclass(frozen=True)
class Preprocessing:
    """What happens to an image before the first layer: pixel * scale + bias (one per channel), or pixel - mean."""

    scale: float = 1.0
    bias: tuple[float, ...] = ()
    mean: Any = None  # float32 [channels, height, width]


@dataclass(frozen=True)
class Port:
    """An input or output of a network as the layers see it.

    shape: the declared shape, None where nothing is declared. image: whether it is an image feature, [channels, height,
    width] at the edge. optional: whether it may be left out, then filled with `default`.
    """

    name: str
    shape: tuple[int, ...] | None
    image: bool = False
    optional: bool = False
    default: float = 0.0
    preprocessing: Preprocessing | None = None


@dataclass(frozen=True, eq=False)
class Graph:
    """A whole network with its interface. exact / image_rank4: how inputs are mapped to blobs."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    body: Region
    exact: bool
    image_rank4: bool = False

    def parameters(self) -> dict[str, Any]:
        """{layer: {weight: array or Quantized}} in wire layout; layers without weights are left out."""
        return {node.key: dict(node.weights) for node in self.body.walk() if node.weights}


def reads(region: Region) -> frozenset[str]:
    """Blobs that a region takes from outside: read, at any depth, before the region has written them."""
    seen: set[str] = set()
    taken: set[str] = set()
    for node in region.nodes:
        inner = frozenset().union(*(reads(r) for r in node.regions.values())) if node.regions else frozenset()
        taken |= (set(node.inputs) | inner) - seen
        seen |= set(node.outputs)
    return frozenset(taken)


def writes(region: Region) -> frozenset[str]:
    """Blobs that a region writes, at any depth. A loop keeps to itself how its turns end."""
    found: set[str] = set()
    for node in region.nodes:
        found |= set(node.outputs)
        inner = {name for inside in node.regions.values() for name in writes(inside)}
        found |= inner - {EXIT} if "body" in node.regions else inner
    return frozenset(found)


def live_before(region: Region, keep: frozenset[str]) -> frozenset[str]:
    """The blobs whose values matter before a region, if `keep` are wanted after it."""
    replaced: set[str] = set()
    for node in region.nodes:
        if EXIT in writes(Region((node,))):
            break  # the nodes behind it may not run
        replaced |= set(node.outputs)
    return reads(region) | (keep - replaced)


def used(node: Node) -> frozenset[str]:
    """The blobs that a node reads, and those that its sub-networks read or write."""
    return frozenset(node.inputs).union(*(reads(r) | writes(r) for r in node.regions.values()))


def last_reads(region: Region, keep: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """For each node the blobs that nobody needs once it has run. keep: blobs wanted at the end."""
    needed = set(keep)
    dead: list[tuple[str, ...]] = []
    for node in reversed(region.nodes):
        touched = used(node)
        dead.append(tuple(sorted((touched | set(node.outputs)) - needed)))
        needed |= touched
    return tuple(reversed(dead))


def live_after(region: Region, keep: frozenset[str]) -> tuple[frozenset[str], ...]:
    """For each node those blobs that its sub-networks write whose values matter after it, if `keep` are wanted at the
    end of the region."""
    taken: set[str] = set()  # read behind the node, before they are replaced
    replaced: set[str] = set()  # behind the node, for certain
    live: list[frozenset[str]] = []
    for node in reversed(region.nodes):
        written = frozenset().union(*map(writes, node.regions.values()))
        live.append(frozenset(name for name in written if name in taken or (name in keep and name not in replaced)))
        if EXIT in writes(Region((node,))):
            replaced.clear()  # the nodes behind it may not run
        else:
            replaced.update(node.outputs)
        taken.difference_update(node.outputs)
        taken.update(node.inputs, *map(reads, node.regions.values()))
    return tuple(reversed(live))


# From the wire -------------------------------------------------------------------------------------------------------


def layer_keys(messages, prefix: str = "") -> list[str]:
    """The places of layers in the tree of parameters: their names, made unique with `#index`."""
    count = Counter(message.name for message in messages)
    keys = []
    for position, message in enumerate(messages):
        key = message.name if message.name and count[message.name] == 1 else f"{message.name}#{position}"
        while key != message.name and key in count:
            key += "#"
        keys.append(prefix + key)
    return keys


def from_layers(messages, *, prefix: str = "") -> Region:
    """The region that a list of layer messages describes.

    Raises GraphError for a blob that is read before it exists only through `check_wiring`; here only the layers
    themselves are decoded, and an error says which one it was.
    """
    nodes = []
    for position, (key, message) in enumerate(zip(layer_keys(messages, prefix), messages, strict=True)):
        try:
            kind = wire.kind_of(message)
            _check_parts(kind, message)
            decoded = wire.decode(message)
        except Exception as error:
            raise typed(error, layer_label(message, position)) from error
        params = getattr(message, kind)
        regions = {
            name: from_layers(getattr(params, field).layers, prefix=f"{key}/{name}/")
            for field, name in layers.REGIONS.get(kind, {}).items()
            if getattr(params, field).layers
        }
        nodes.append(
            Node(
                key=key,
                name=message.name,
                kind=kind,
                inputs=tuple(message.input),
                outputs=(EXIT,) if kind in layers.EXITS else tuple(message.output),
                attributes=decoded.attributes,
                weights=decoded.weights,
                position=position,
                regions=regions,
                updatable=message.isUpdatable,
            )
        )
    return Region(tuple(nodes))


def _check_parts(kind: str, message: Any) -> None:
    """Raise SpecError where a layer lacks inputs, outputs or sub-networks without which it means nothing."""
    faults = [*blob_counts(message)]
    params = getattr(message, kind)
    needed = layers.NEEDED_REGIONS.get(kind, ())
    faults += [f"{name} has no layers" for name in needed if not getattr(params, name).layers]
    if faults:
        raise SpecError("; ".join(faults))


def is_exact(network: Any) -> bool:
    """Whether inputs enter with the shape that they have: by either mapping, or because a layer is newer than that."""
    mapped = network.arrayInputShapeMapping or network.imageInputShapeMapping
    return bool(mapped) or any(layers.since(kind) > 3 for kind in all_kinds(network.layers))


def all_kinds(messages: Any) -> Iterator[str]:
    """The kinds of layer messages, sub-networks included."""
    return (kind for kind, _ in _all_layers(messages))


def draws(messages: Any) -> bool:
    """Whether a layer, in sub-networks too, draws random numbers without a seed of its own."""
    return any(getattr(params, "seed", 0) < 0 for _, params in _all_layers(messages))


def _all_layers(messages: Any) -> Iterator[tuple[str, Any]]:
    """(kind, parameters) of layer messages, sub-networks included."""
    for message in messages:
        kind = wire.kind_of(message)
        params = getattr(message, kind)
        yield kind, params
        for inner in layers.REGIONS.get(kind, {}):
            yield from _all_layers(getattr(params, inner).layers)


def from_spec(network: Any, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> Graph:
    """The graph of a neural network message (any of the three) behind the given interface.

    Mapping is exact if either mapping enum says so or any layer is newer than specification 3, else rank 5. The
    specification version is never asked: files of version 4 with old layers are common, and usually rank 5.
    Raises GraphError for outputs that no layer writes and blobs that are read before they are written.
    """
    body = from_layers(network.layers)
    graph = Graph(inputs, outputs, body, is_exact(network), image_rank4=bool(network.imageInputShapeMapping))
    check_wiring(graph)
    return graph


def check_wiring(graph: Graph) -> None:
    """Raise GraphError where a blob is read that nothing has written, or an output is written by nobody."""
    known = _Blobs(dict.fromkeys(port.name for port in graph.inputs))
    _check_region(graph.body, known)
    missing = [port.name for port in graph.outputs if port.name not in known]
    if missing:
        raise GraphError(f"no layer writes the output {', '.join(map(repr, missing))}")


_Blobs = ChainMap[str, Node | None]
"""The blobs at some point: first those of this region, then those of the regions around it, which are not copied for
each of thousands of branches. The value is the branch that leaves a blob on one of its sides only, otherwise None."""


def _check_region(region: Region, known: _Blobs) -> None:
    for node in region.nodes:
        for name in node.inputs:
            if name not in known:
                raise GraphError(f"{node.label} reads {name!r}, which neither an input nor an earlier layer gives")
        written = {name: writes(inner) for name, inner in node.regions.items()}
        for name, inner in node.regions.items():
            # what the condition leaves, the body finds
            found = written.get("condition", ()) if name == "body" else ()
            _check_region(inner, known.new_child(dict.fromkeys(found)))
        # what sub-networks write may be read after them; whether it exists then depends on the side that ran
        known |= dict.fromkeys({*node.outputs}.union(*written.values()))


def check_sides(graph: Graph, decided: Collection[str]) -> None:
    """Raise GraphError where a blob is read that only one side of a branch leaves.

    decided: blobs whose values are known before the network runs; a branch on one of them has one side only.
    """
    blobs = _Blobs(dict.fromkeys(port.name for port in graph.inputs))
    _check_sides(graph.body, blobs, decided)
    for port in graph.outputs:
        branch = blobs.get(port.name)
        if branch is not None:
            raise GraphError(f"the output {port.name!r} is left by one side of {branch.label} only")


def _check_sides(region: Region, blobs: _Blobs, decided: Collection[str]) -> None:
    """Adds to `blobs` what the region leaves, for certain or on one side of a branch."""
    for node in region.nodes:
        for name in node.inputs:
            branch = blobs.get(name)
            if branch is not None:
                raise GraphError(
                    f"{node.label} reads {name!r}, which one side of {branch.label} leaves and the other does not; "
                    f"which side runs depends on values"
                )
        after: list[_Blobs] = []
        for part, inner in node.regions.items():
            begin = after[0] if part == "body" and after else blobs  # what the condition leaves, the body finds
            after.append(begin.new_child())
            _check_sides(inner, after[-1], decided)
        one_runs = "body" in node.regions or (node.regions and node.inputs[0] in decided)
        for name in {name for side in after for name in side.maps[0]}:
            if one_runs or (len(after) == 2 and all(_certain(name, side) for side in after)):
                blobs[name] = None
            elif not _certain(name, blobs):
                blobs[name] = node
        blobs |= dict.fromkeys(node.outputs)


def _certain(name: str, blobs: _Blobs) -> bool:
    return blobs.get(name, name) is None
