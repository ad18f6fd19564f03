"""Taking a network apart for training: what is trained, and where the frozen trunk below it ends.

The trunk gives the same blobs for a sample in every epoch, so it runs once for each; the tail above it is what the
epochs run. Both are graphs of their own: the tail's inputs are the blobs at the cut, as the trunk's layers left them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from graphml import catalogue
from graphml.errors import UpdateError
from graphml.graph import Graph, Node, Port, Region, reads, writes
from graphml.lower import Lowered
from graphml.spec.weights import Quantized
from graphml.update.recipe import Loss

Params = Mapping[str, Mapping[str, Any]]

_SOFTMAX = ("softmax", "softmaxND")
# weights that describe the data which a layer has seen, or that are no weights at all: never trained unasked
_NOT_WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "batchnorm": ("mean", "variance"),
    "loadConstant": ("data",),
    "loadConstantND": ("data",),
}


@dataclass(frozen=True, eq=False)
class Parts:
    """A network in two pieces.

    cut: the blobs between them. blob: what the loss reads at the end of the tail. from_logits: it goes into a softmax
    whose output the loss layer names. trained: key of a layer -> the names of its weights that change. draws: whether
    a layer of the tail needs random numbers.
    """

    trunk: Lowered
    tail: Lowered
    cut: tuple[str, ...]
    blob: str
    from_logits: bool
    trained: Mapping[str, tuple[str, ...]]
    draws: bool

    def split(self, params: Params) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        """The weights that change, as float32, and all others that the tail uses."""
        train = {
            key: {name: jax.tree.map(_floats, params[key][name], is_leaf=_is_quantized) for name in names}
            for key, names in self.trained.items()
        }
        frozen = {
            node.key: {
                name: value for name, value in params[node.key].items() if name not in self.trained.get(node.key, ())
            }
            for node in self.tail.graph.body.walk()
            if node.key in params and node.key not in self.tail.known
        }
        return train, frozen


def merge(train: Params, frozen: Params) -> dict[str, dict[str, Any]]:
    """The inverse of `Parts.split`."""
    return {key: {**frozen.get(key, {}), **train.get(key, {})} for key in {**frozen, **train}}


def take_apart(lowered: Lowered, loss: Loss) -> Parts:
    """Cut a network for training with a loss. Layers that are marked updatable are trained; if none is, all that
    can be.

    Raises UpdateError when a marked layer does not reach the loss, naming what stands between them and why.
    """
    graph = lowered.graph
    producer = _producer(graph, loss)
    blob, from_logits = loss.input, False
    if loss.kind == "categorical_cross_entropy" and producer.kind in _SOFTMAX:
        blob, from_logits = producer.inputs[0], True
    needed = _leading_to(graph.body, blob)
    trained = _trained(lowered, needed, blob, loss)
    trunk_nodes, tail_nodes = _cut(needed, frozenset(trained))
    tail_body = Region(tuple(tail_nodes))
    cut = tuple(sorted(reads(tail_body)))
    ports = tuple(Port(name, None) for name in cut)
    # exact: the blobs at the cut have been mapped already; the layers still see the network's mapping
    tail = replace(graph, inputs=ports, outputs=(Port(blob, None),), body=tail_body, exact=True)
    trunk_body = Region(tuple(_leading_to(Region(tuple(trunk_nodes)), *cut)))
    trunk = replace(graph, outputs=(), body=trunk_body)
    draws = any(catalogue.row(node.kind).random for node in tail_body.walk())
    return Parts(replace(lowered, graph=trunk), replace(lowered, graph=tail), cut, blob, from_logits, trained, draws)


def _producer(graph: Graph, loss: Loss) -> Node:
    for node in reversed(graph.body.nodes):
        if loss.input in node.outputs or any(loss.input in writes(region) for region in node.regions.values()):
            return node
    raise UpdateError(f"no layer gives {loss.input!r}, the input of loss {loss.name!r}")


def _in(node: Node) -> frozenset[str]:
    """What a node reads from outside, its sub-networks included."""
    return frozenset(node.inputs).union(*(reads(region) for region in node.regions.values()))


def _out(node: Node) -> frozenset[str]:
    return frozenset(node.outputs).union(*(writes(region) for region in node.regions.values()))


def _leading_to(region: Region, *blobs: str) -> list[Node]:
    """The nodes of a region that the blobs depend on."""
    wanted, found = set(blobs), []
    for node in reversed(region.nodes):
        if wanted & _out(node):
            found.append(node)
            # a node with sub-networks may leave an older value of what it writes in place
            wanted |= _in(node) | (_out(node) if node.regions else frozenset())
    return found[::-1]


# What is trained -----------------------------------------------------------------------------------------------------


def _trained(lowered: Lowered, needed: list[Node], blob: str, loss: Loss) -> dict[str, tuple[str, ...]]:
    marked = [node for node in lowered.graph.body.walk() if node.updatable]
    reached, blocks = _reached(needed, blob)
    if not marked:
        candidates = [node for node in reached if node.kind not in ("loadConstant", "loadConstantND")]
    else:
        candidates = marked
        lost = [node for node in marked if node not in reached]
        if lost:
            names = ", ".join(node.label for node in lost)
            because = (
                f":\n{blocks}"
                if blocks
                else "; they do not lead to it"
                if len(lost) > 1
                else "; it does not lead to it"
            )
            raise UpdateError(f"no gradient of loss {loss.name!r} reaches {names}{because}")
    trained = {
        node.key: names
        for node in candidates
        if node.key not in lowered.known and (names := _weights(node, bool(marked)))
    }
    if not trained:
        raise UpdateError(
            f"no layer has weights that loss {loss.name!r} could train" + (f":\n{blocks}" if blocks else "")
        )
    return trained


def _reached(needed: list[Node], blob: str) -> tuple[list[Node], str]:
    """The nodes that a gradient reaches on its way back from `blob`, those inside of control flow among them, and
    a line for each node that lets none through."""
    open_blobs, found, blocks = {blob}, [], []
    for node in reversed(needed):
        if not open_blobs & _out(node):
            continue
        inner = [n for region in node.regions.values() for n in region.walk()]
        reasons = [(n, why) for n in (node, *inner) if isinstance(why := catalogue.row(n.kind).differentiable, str)]
        blocks += [f"  {n.label}: {why}" for n, why in reasons]
        if not reasons:
            found += [node, *inner]
            open_blobs |= _in(node)
    return found, "\n".join(dict.fromkeys(blocks))


def _weights(node: Node, asked: bool) -> tuple[str, ...]:
    """The names of a layer's weights that are, or can be made, floats."""
    never = () if asked and node.kind != "batchnorm" else _NOT_WEIGHTS.get(node.kind, ())
    return tuple(name for name, value in node.weights.items() if name not in never and _are_floats(value))


def _are_floats(value: Any) -> bool:
    leaves = jax.tree.leaves(value, is_leaf=_is_quantized)
    return all(_is_quantized(leaf) or np.issubdtype(leaf.dtype, np.floating) for leaf in leaves)


def _is_quantized(leaf: Any) -> bool:
    return isinstance(leaf, Quantized)


def _floats(leaf: Any) -> Any:
    """Trained weights are float32, whatever their storage was."""
    return (leaf.dequantize() if _is_quantized(leaf) else leaf).astype(np.float32)


# Where the trunk ends ------------------------------------------------------------------------------------------------


def _cut(needed: list[Node], trained: frozenset[str]) -> tuple[list[Node], list[Node]]:
    """(candidates for the trunk, the tail) of the nodes that the loss needs.

    In the tail: what is trained or random and all that follows from it; and what is the same for all samples, because
    storing that once for each would be a waste, and because shapes must stay known when the tail is traced.
    """
    written = Counter(name for node in needed for name in _out(node))
    if any(count > 1 for count in written.values()):
        return [], needed  # a blob that is written twice has no single value to store
    moving: set[str] = set()  # blobs that depend on what is trained, or on chance
    varying: set[str] = set()  # blobs that differ between samples
    made = {name for node in needed for name in _out(node)}
    trunk, tail = [], []
    for node in needed:
        row = catalogue.row(node.kind)
        inner = [n for region in node.regions.values() for n in region.walk()]
        keys = {node.key, *(n.key for n in inner)}
        random = row.random or any(catalogue.row(n.kind).random for n in inner)
        if keys & trained or random or _in(node) & moving:
            moving |= _out(node)
            varying |= _out(node)
            tail.append(node)
            continue
        trunk.append(node)
        if not row.shape_only and (_in(node) & varying or _in(node) - made):
            varying |= _out(node)
        else:
            tail.append(node)
    return trunk, _leading_tail(tail, moving)


def _leading_tail(tail: list[Node], moving: set[str]) -> list[Node]:
    """The tail without constants that only the trunk reads."""
    ends = [name for node in tail for name in _out(node) if name in moving]
    return _leading_to(Region(tuple(tail)), *ends)
