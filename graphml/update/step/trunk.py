"""Taking a network apart for training: what is trained, and where the frozen trunk below it ends.

The trunk gives the same blobs for a sample in every epoch, so it runs once for each; the tail above it is what the
epochs run. Both are separate graphs: the tail's inputs are the blobs at the cut, as the trunk's layers wrote them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import numpy as np

from graphml import catalogue
from graphml.catalogue import has_role
from graphml.errors import UpdateError
from graphml.frontends.layer_interface import LayerInterface
from graphml.frontends.program_interface import ProgramInterface
from graphml.graph import Graph, Node, Region, read_by, reads, writes, written_by
from graphml.interpreter.interface import Beginning
from graphml.interpreter.lower import Lowered
from graphml.recipes import Augmentation, BinaryCrossEntropy, CrossEntropy, Loss, Recipe
from graphml.update.step import quantized as rounding
from graphml.update.step import surgery
from graphml.update.step.gradient_reach import leading_to, reached

Params = Mapping[str, Mapping[str, Any]]

_STATISTICS = ("mean", "variance")  # weights that describe past data


class Reading(NamedTuple):
    """What a loss reads at the end of the tail. raw: whether it is the input of the softmax or sigmoid."""

    blob: str
    raw: bool


@dataclass(frozen=True)
class ImageAugmentation:
    """An image input whose samples are augmented.

    Attributes:
        blob: the input.
        steps: what is done to it, in order.
        full: the value that layers receive for a pixel of 255.
    """

    blob: str
    steps: tuple[Augmentation, ...]
    full: float


@dataclass(frozen=True, eq=False)
class Parts:
    """A network in two pieces.

    Attributes:
        trunk: the frozen piece, whose outputs are the blobs at the cut.
        tail: the piece that training runs, with dropout and batch statistics.
        plain: the layers of the tail without these.
        cut: the blobs between trunk and tail.
        readings: what the losses read.
        trained: key of a layer -> the names of its weights that change.
        draws: whether training needs random numbers.
        dropout: blobs that dropout applies to.
        renamed: blob with dropout -> its name after dropout.
        augmentation: image inputs whose samples are augmented.
        statistics: key of a batch normalization whose statistics are updated -> its epsilon.
        quantized: how quantized weights are trained.
        half: the type in which half-precision weights are stored afterwards.
    """

    trunk: Lowered
    tail: Lowered
    plain: Lowered
    cut: tuple[str, ...]
    readings: tuple[Reading, ...]
    trained: Mapping[str, tuple[str, ...]]
    draws: bool
    dropout: tuple[str, ...] = ()
    renamed: Mapping[str, str] | None = None
    augmentation: tuple[ImageAugmentation, ...] = ()
    statistics: Mapping[str, float] | None = None
    quantized: str = "dequantize"
    half: str = "float32"

    @property
    def blob(self) -> str:
        """What the first loss reads."""
        return self.readings[0].blob

    def split(self, params: Params) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        """The weights that change, as float32, and all others that the tail uses."""
        train = {
            key: {
                name: jax.tree.map(rounding.as_floats, params[key][name], is_leaf=rounding.is_stored_form)
                for name in names
            }
            for key, names in self.trained.items()
        }
        frozen: dict[str, dict[str, Any]] = {}
        for node in self.plain.graph.body.walk():
            if node.key not in params or node.key in self.plain.known:
                continue
            names = self.trained.get(node.key, ())
            frozen[node.key] = {name: value for name, value in params[node.key].items() if name not in names}
            if self.quantized == "straight-through":
                frozen[node.key] |= {name: rounding.grids(params[node.key][name]) for name in names}
        return train, frozen

    def stored(self, train: Params, params: Params) -> dict[str, dict[str, Any]]:
        """Trained weights in the form in which a model holds them. params: those of the model, for their forms."""
        return {
            key: rounding.to_store(weights, params[key], self.quantized, self.half) for key, weights in train.items()
        }

    def apart(self, train: Params) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        """The weights that gradients change, and the statistics that only follow the data."""
        moving = self.statistics or {}
        learned = {
            key: {n: w for n, w in weights.items() if key not in moving or n not in _STATISTICS}
            for key, weights in train.items()
        }
        return learned, {key: {n: train[key][n] for n in _STATISTICS} for key in moving}


def merge(train: Params, frozen: Params) -> dict[str, dict[str, Any]]:
    """The inverse of `Parts.split`; weights that are trained over a grid of codes are rounded to it."""
    return {key: rounding.joined(train.get(key, {}), frozen.get(key, {})) for key in {**frozen, **train}}


def take_apart(lowered: Lowered, recipe: Recipe | Loss) -> Parts:
    """Cut a network for training.

    Args:
        lowered: the network.
        recipe: a recipe, or a loss alone. The layers that the recipe names are trained, or else those that are marked
            updatable, or else all that can be.

    Raises:
        UpdateError: The gradient of the loss does not reach a layer that is to be trained; the message names the layers
            that stop it, and why.
    """
    if isinstance(recipe, Loss):
        recipe = Recipe(losses=(recipe,))
    graph = lowered.graph
    if graph.state:
        raise UpdateError(f"a model with a state ({', '.join(graph.state)}) cannot be trained")
    readings = tuple(_reading(graph, loss) for loss in recipe.losses)
    needed = leading_to(graph.body, *(reading.blob for reading in readings))
    trained = _trained(lowered, needed, readings, recipe)
    statistics = _statistics(needed, trained, recipe)
    trained |= {key: (*dict.fromkeys((*trained[key], *_STATISTICS)),) for key in statistics}
    images = _augmented(_images(lowered), recipe.augmentation)
    dropout = tuple(dropped.blob for dropped in recipe.dropout)

    grown = surgery.with_batch_statistics(needed, tuple(statistics))
    grown, renamed = surgery.with_dropout(grown, dropout)
    moving = {surgery.MASK, *(image.blob for image in images)}
    below, above = _cut(grown, frozenset(trained), moving)
    kept = {node.key for node in above}
    plain = [_in_floats(node, trained) for node in needed if node.key in kept]
    above = [_in_floats(node, trained) for node in above]
    extra = [surgery.MASK] if statistics else []
    extra += [name for blob in dropout for name in (surgery.rate_of(blob), surgery.keep_of(blob))]
    read = reads(Region(tuple(above))) | reads(Region(tuple(plain)))
    read |= {reading.blob for reading in readings} - writes(Region(tuple(plain)))
    cut = tuple(sorted(read - set(extra)))
    ends = [renamed.get(reading.blob, reading.blob) for reading in readings]
    ends += [name for key in statistics for name in surgery.statistics_of(key)]
    target = lowered.target.replace(custom_layers={**lowered.target.custom_layers, **surgery.CUSTOM_LAYERS})
    tail = piece(replace(lowered, target=target), above, (*cut, *extra), ends)
    trunk_body = Region(tuple(leading_to(Region(tuple(below)), *cut)))
    return Parts(
        trunk=replace(
            lowered,
            graph=replace(graph, outputs=cut, body=trunk_body),
            interface=Beginning(lowered.interface, cut),
        ),
        tail=tail,
        plain=piece(lowered, plain, cut, [reading.blob for reading in readings]),
        cut=cut,
        readings=readings,
        trained=trained,
        draws=bool(images) or any(catalogue.row(node).random for node in tail.graph.body.walk()),
        dropout=dropout,
        renamed=renamed,
        augmentation=images,
        statistics=statistics,
        quantized=recipe.quantized,
        half="float16" if any(catalogue.dialect(node.dialect).types_stay for node in needed) else recipe.half,
    )


def piece(lowered: Lowered, nodes: Sequence[Node], inputs: Sequence[str], outputs: Sequence[str]) -> Lowered:
    """Some nodes of a network as a separate network, from internal blobs to internal blobs."""
    ends = tuple(dict.fromkeys(outputs))
    graph = replace(lowered.graph, inputs=tuple(inputs), outputs=ends, body=Region(tuple(nodes)))
    return replace(lowered, graph=graph, interface=lowered.interface.inside(inputs, ends))


def _images(lowered: Lowered) -> dict[str, float]:
    """{image input: the value that nodes receive for a pixel of 255}."""
    interface = lowered.interface
    if isinstance(interface, ProgramInterface):
        return {argument.name: 255.0 for argument in interface.arguments if argument.image}
    ports = interface.inputs if isinstance(interface, LayerInterface) else ()
    scales = ((port.name, port.preprocessing) for port in ports if port.image)
    return {name: 255.0 if inside is None else 255 * inside.scale for name, inside in scales}


def _reading(graph: Graph, loss: Loss) -> Reading:
    producer = _writer(graph, loss.input)
    if producer is None:
        raise UpdateError(f"nothing computes {loss.input!r}, the input of loss {loss.name!r}")
    while has_role(producer, "copy"):
        before = _writer(graph, producer.inputs[0])
        if before is None:
            break
        producer = before
    softmax = isinstance(loss, CrossEntropy) and has_role(producer, "softmax")
    sigmoid = isinstance(loss, BinaryCrossEntropy) and has_role(producer, "sigmoid")
    return Reading(producer.inputs[0], True) if softmax or sigmoid else Reading(loss.input, False)


def _writer(graph: Graph, blob: str) -> Node | None:
    """The last node that writes a blob."""
    for node in reversed(graph.body.nodes):
        if blob in node.outputs or any(blob in writes(region) for region in node.regions.values()):
            return node
    return None


# What is trained -----------------------------------------------------------------------------------------------------


def _trained(
    lowered: Lowered, needed: list[Node], readings: Sequence[Reading], recipe: Recipe
) -> dict[str, tuple[str, ...]]:
    nodes = {node.key: node for node in lowered.graph.body.walk()}
    asked: dict[str, tuple[str, ...]] = {node.key: () for node in nodes.values() if node.updatable}
    if recipe.layers is not None:
        asked = dict(recipe.layers)
        unknown = [name for name in asked if name not in nodes]
        if unknown:
            raise UpdateError(f"nothing that learns is called {', '.join(map(repr, unknown))}")
    found, obstacles = reached(needed, (reading.blob for reading in readings), lowered.target.max_iterations)
    name = "loss " + ", ".join(repr(loss.name) for loss in recipe.losses)
    if asked:
        candidates = [nodes[key] for key in asked]
        _refuse_if_lost([node for node in candidates if node not in found], name, obstacles)
    else:
        constants = _weight_constants(lowered.graph)
        candidates = [node for node in found if not has_role(node, "constant") or node.key in constants]
    trained, refused = {}, []
    for node in candidates:
        reason = _cannot_learn(node, lowered, recipe)
        names = () if reason else _weights(node, asked.get(node.key))
        if names:
            trained[node.key] = names
        elif asked:
            refused.append(f"  {node.label}: {reason or 'it has no weights that a gradient could change'}")
    if refused and recipe.layers is not None:
        raise UpdateError("these cannot learn:\n" + "\n".join(refused))
    if not trained:
        raise UpdateError(f"there are no weights that {name} could train" + (f":\n{obstacles}" if obstacles else ""))
    return trained


def _weight_constants(graph: Graph) -> set[str]:
    """The constants that are weights in all places where they are read, and that the file can store again."""
    learn: dict[str, bool] = {}
    for node in graph.body.walk():
        row = catalogue.row(node)
        names = [*row.inputs, *row.inputs[-1:] * len(node.inputs)]  # the last one may stand for many
        for name, blob in zip(names, node.inputs, strict=False):
            learn[blob] = learn.get(blob, True) and row.dialect.constants_learn(node.kind, name)
    nodes = (node for node in graph.body.walk() if has_role(node, "constant") and node.name)
    return {node.key for node in nodes if learn.get(node.outputs[0], False)}


def _refuse_if_lost(lost: list[Node], name: str, obstacles: str) -> None:
    if lost:
        names = ", ".join(node.label for node in lost)
        beside = "; they do not lead to it" if len(lost) > 1 else "; it does not lead to it"
        raise UpdateError(f"no gradient of {name} reaches {names}" + (f":\n{obstacles}" if obstacles else beside))


def _cannot_learn(node: Node, lowered: Lowered, recipe: Recipe) -> str | None:
    if node.key in lowered.known:
        return "its value is part of the compiled program: it decides a shape, or has no axes"
    if has_role(node, "compressed"):
        return "its stored form is compressed, and training would store floats; write it to the file as floats first"
    if node.attributes.get("int8_dynamic_quantize") and recipe.quantized != "straight-through":
        return "it multiplies 8-bit codes, which stay codes with quantized='straight-through' only"
    return None


def _weights(node: Node, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    """The names of a layer's weights that are to be trained, and are, or can be made, floats."""
    if wanted:
        unknown = [name for name in wanted if name not in node.weights]
        if unknown:
            raise UpdateError(f"{node.label} has no weight {', '.join(unknown)}; it has {', '.join(node.weights)}")
        return wanted
    never: Collection[str] = ()
    if has_role(node, "statistics"):
        never = _STATISTICS
    return tuple(name for name, value in node.weights.items() if name not in never and _are_floats(value))


def _are_floats(value: Any) -> bool:
    leaves = jax.tree.leaves(value, is_leaf=rounding.is_stored_form)
    return all(rounding.is_stored_form(leaf) or np.issubdtype(leaf.dtype, np.floating) for leaf in leaves)


def _in_floats(node: Node, trained: Mapping[str, Any]) -> Node:
    """A layer that multiplies floats while it is trained, and codes again afterwards."""
    if node.key in trained and node.attributes.get("int8_dynamic_quantize"):
        return replace(node, attributes={**node.attributes, "int8_dynamic_quantize": False})
    return node


def _statistics(needed: list[Node], trained: Mapping[str, Any], recipe: Recipe) -> dict[str, float]:
    """The batch normalizations whose statistics are updated, with their epsilons."""
    if recipe.statistics == "frozen":
        return {}
    fixed = [node.label for node in needed if surgery.moving(node) and not node.weights]
    if fixed:
        raise UpdateError(
            "statistics='updated' is for layers that store their statistics; these operations receive them as inputs: "
            + ", ".join(fixed)
        )
    inner = [n for node in needed for region in node.regions.values() for n in region.walk()]
    lost = [node.label for node in inner if node.key in trained and surgery.moving(node)]
    if lost:
        raise UpdateError(f"statistics cannot be updated inside conditionals and loops: {', '.join(lost)}")
    return {node.key: node.attributes["epsilon"] for node in needed if node.key in trained and surgery.moving(node)}


def _augmented(images: Mapping[str, float], steps: Sequence[Augmentation]) -> tuple[ImageAugmentation, ...]:
    unknown = [step.input for step in steps if step.input and step.input not in images]
    if unknown or (steps and not images):
        what = f"there is no image input {unknown[0]!r}" if unknown else "the model has no image input"
        raise UpdateError(f"augmentation changes images; {what}")
    out = []
    for name, full in images.items():
        mine = [step for step in steps if step.input in ("", name)]
        if mine:
            out.append(ImageAugmentation(name, tuple(mine), full))
    return tuple(out)


# Where the trunk ends ------------------------------------------------------------------------------------------------


def _cut(needed: list[Node], trained: frozenset[str], moving: set[str]) -> tuple[list[Node], list[Node]]:
    """(candidates for the trunk, the tail) of the nodes that the loss needs.

    The tail has everything that is trained or random, or depends on that or on the blobs `moving`. It also has what
    is the same for all samples: storing that for each sample would be a waste, and shapes must stay known when the
    tail is traced.
    """
    written = Counter(name for node in needed for name in written_by(node))
    if any(count > 1 for count in written.values()):
        return [], needed  # a blob that is written twice has no single value to store
    varying: set[str] = set(moving)  # blobs that differ between samples
    moving = set(moving)  # blobs that depend on trained weights or random numbers
    made = {name for node in needed for name in written_by(node)}
    trunk, tail = [], []
    for node in needed:
        row = catalogue.row(node)
        inner = [n for region in node.regions.values() for n in region.walk()]
        keys = {node.key, *(n.key for n in inner)}
        random = row.random or any(catalogue.row(n).random for n in inner)
        if keys & trained or random or read_by(node) & moving:
            moving |= written_by(node)
            varying |= written_by(node)
            tail.append(node)
            continue
        trunk.append(node)
        if not row.shape_only and (read_by(node) & varying or read_by(node) - made):
            varying |= written_by(node)
        else:
            tail.append(node)
    return trunk, _leading_tail(tail, moving)


def _leading_tail(tail: list[Node], moving: set[str]) -> list[Node]:
    """The tail without constants that only the trunk reads."""
    ends = [name for node in tail for name in written_by(node) if name in moving]
    return leading_to(Region(tuple(tail)), *ends)
