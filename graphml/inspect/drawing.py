"""Inputs drawn at random where none are given: indices for what is used as an index, pixels for images.

Start with `draw`.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from graphml import catalogue
from graphml.descriptions import Description, FeatureDescription, FeatureType
from graphml.errors import FeatureError, UnsupportedError
from graphml.graph import Graph, Node
from graphml.models.compile.zeros import zeros
from graphml.models.graph_model import GraphModel
from graphml.models.model import Model

Shape = tuple[int, ...]

_MASKS = 2  # whole numbers of which nothing else is known are 0 or 1, as in masks

# Operators whose results are their first input, moved or under another type: what is an index stays one
_SAME_NUMBERS = frozenset(
    (
        "cast",
        "identity",
        "reshape",
        "reshape_like",
        "expand_dims",
        "squeeze",
        "transpose",
        "flatten2d",
        "tile",
        "slice_by_index",
        "slice_by_size",
        "split",
        "concat",
        "stack",
        "copy",
        "expandDims",
        "flatten",
        "flattenTo2D",
        "permute",
        "rankPreservingReshape",
        "reshapeDynamic",
        "reshapeLike",
        "reshapeStatic",
        "slice",
        "sliceStatic",
        "sliceDynamic",
        "sliceBySize",
        "concatND",
        "broadcastToLike",
        "broadcastToStatic",
        "round",
        "floor",
        "sequenceRepeat",
        "splitND",
    )
)
# Inputs that hold whole numbers of which none is known to be legal but 0
_COUNTS = frozenset(("begin", "end", "size", "shape", "reps", "num_splits"))


def draw(model: Model, *, seed: int = 0, shapes: Mapping[str, Shape] | None = None) -> dict[str, Any]:
    """Inputs that a model takes.

    Images are pixels 0 to 255. Where an array or number is used as an index, it is one of those that exist; other whole
    numbers are 0 or 1, all others are drawn from the standard normal distribution. Optional inputs are drawn, too.

    Args:
        model: The model.
        seed: Of the numbers.
        shapes: {input: shape} where it is not the default shape; [height, width] for an image. See `shapes_of`.

    Returns:
        {input: value}, as `Model.predict` takes it.

    Raises:
        FeatureError: Nothing can be drawn for an input, because it is text, a dictionary or a sequence, or because the
            model declares no shape for it.
    """
    wanted = {} if shapes is None else shapes
    limits = index_limits(model) if isinstance(model, GraphModel) else {}
    rng = np.random.default_rng(seed)
    return {
        feature.name: _drawn(feature, wanted.get(feature.name), limits.get(feature.name), rng)
        for feature in model.description.inputs
    }


def shapes_of(description: Description) -> tuple[dict[str, Shape], ...]:
    """The sets of shapes that an interface enumerates, for `draw`.

    Args:
        description: The interface.

    Returns:
        {input: shape} for each set: the first one is empty, for the default shapes. Inputs that enumerate equally many
        shapes change together, in the order in which they are listed.
    """
    listed = {feature.name: _enumerated(feature) for feature in description.inputs}
    sets: list[dict[str, Shape]] = [{}]
    for count in sorted({len(shapes) for shapes in listed.values()} - {0}):
        together = {name: shapes for name, shapes in listed.items() if len(shapes) == count}
        sets += [{name: shapes[i] for name, shapes in together.items()} for i in range(count)]
    defaults = {feature.name: _default(feature) for feature in description.inputs}
    first, *others = sets
    return first, *(each for each in others if any(defaults[name] != shape for name, shape in each.items()))


def _enumerated(feature: FeatureDescription) -> tuple[Shape, ...]:
    if feature.array is not None:
        return feature.array.shapes
    return tuple((height, width) for width, height in feature.image.sizes) if feature.image is not None else ()


def _default(feature: FeatureDescription) -> Shape | None:
    if feature.array is not None:
        return feature.array.shape
    return (feature.image.height, feature.image.width) if feature.image is not None else None


# One input -----------------------------------------------------------------------------------------------------------


def _drawn(feature: FeatureDescription, shape: Shape | None, limit: int | None, rng: np.random.Generator) -> Any:
    if feature.type in (FeatureType.INT64, FeatureType.DOUBLE):
        whole = limit is not None or feature.type is FeatureType.INT64
        return int(rng.integers(limit or _MASKS)) if whole else float(rng.normal())
    if feature.array is None and feature.image is None:
        raise FeatureError(f"nothing can be drawn for the input {feature.name!r}, {feature.takes}: give the inputs")
    blank: np.ndarray[Any, Any] = zeros(feature, shape)
    if feature.image is not None:
        return rng.integers(0, 256, blank.shape).astype(np.uint8)
    if limit is not None or np.issubdtype(blank.dtype, np.integer):
        return rng.integers(0, limit or _MASKS, blank.shape).astype(blank.dtype)
    return rng.normal(size=blank.shape).astype(blank.dtype)


# Indices -------------------------------------------------------------------------------------------------------------


def index_limits(model: GraphModel) -> dict[str, int]:
    """Inputs that are used as indices.

    Args:
        model: A network or a program.

    Returns:
        {input: how many indices are legal}, from 0 on. Branches and loops are not looked into.
    """
    graph = model.graph
    uses = _index_uses(graph)
    if not uses:
        return {}
    shapes = _shapes(model, {blob for node, _ in uses for blob in node.inputs if blob})
    constants = {node.outputs[0]: node for node in graph.body.nodes if catalogue.has_role(node, "constant")}
    found: dict[str, int] = {}
    for node, names in uses:
        limit = _limit(node, shapes, constants)
        for name in names:
            found[name] = max(1, min(limit, found.get(name, limit)))
    return found


def _index_uses(graph: Graph) -> list[tuple[Node, frozenset[str]]]:
    """Nodes that use inputs of the graph as indices, and these inputs."""
    origin = {name: frozenset((name,)) for name in graph.inputs}
    found: list[tuple[Node, frozenset[str]]] = []
    for node in graph.body.nodes:
        at = _positions_of_indices(node)
        if at and any(node.inputs[p] in origin for p in at):
            found.append((node, frozenset[str]().union(*(origin.get(node.inputs[p], frozenset()) for p in at))))
        joins = node.kind in ("concat", "concatND", "stack")
        given = node.inputs if joins else node.inputs[:1]
        held = frozenset[str]().union(*(origin.get(name, frozenset()) for name in given))
        for name in node.outputs:
            origin.pop(name, None)
            if held and node.kind in _SAME_NUMBERS:
                origin[name] = held
    return found


def _positions_of_indices(node: Node) -> list[int]:
    if node.regions:
        return []
    if node.kind in ("embedding", "embeddingND"):
        return [0]
    names = catalogue.row(node).inputs
    wanted = _COUNTS | {"indices"}
    return [p for p, name in enumerate(names) if name in wanted and p < len(node.inputs)]


def _limit(node: Node, shapes: Mapping[str, Shape], constants: Mapping[str, Node]) -> int:
    """How many indices a node can use; constants: by their blob."""
    attributes, names = node.attributes, catalogue.row(node).inputs
    for name in ("input_dim", "vocab_size", "one_hot_vector_size"):
        if name in attributes:
            return int(attributes[name])
    if "one_hot_vector_size" in names:
        size = constants.get(node.inputs[names.index("one_hot_vector_size")])
        return 1 if size is None else int(np.asarray(next(iter(size.weights.values()))).reshape(()))
    shape = shapes.get(node.inputs[0], ())
    if not shape or "indices" not in names:
        return 1
    if "axis" in attributes:
        return shape[int(attributes["axis"])]
    return min(shape)


def _shapes(model: GraphModel, blobs: set[str]) -> dict[str, Shape]:
    """The shapes of blobs for inputs of the default shapes."""
    blank = model.check({feature.name: zeros(feature, None) for feature in model.description.inputs})
    lowered = model.lower()
    state = {
        name: np.zeros(form.shape, form.dtype) for name, form in lowered.interface.declared_state().items()
    } or None
    key = jax.random.key(0)
    made = {name for node in lowered.graph.body.nodes for name in node.outputs}
    wanted = sorted(blobs & made)

    def run(params: Any, inputs: Any) -> dict[str, Any]:
        return lowered.intermediates(params, inputs, wanted, state=state, key=key)

    try:
        found = jax.eval_shape(run, lowered.params, blank)
    except UnsupportedError:  # shapes that depend on values
        found = run(lowered.params, blank)
    entered = jax.eval_shape(functools.partial(lowered.enter, state=state), blank)
    return {name: tuple(array.shape) for name, array in (entered | found).items()}
