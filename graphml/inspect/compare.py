"""Find the first value in which two models differ: run both on the same inputs and compare them value by value.

Values are matched by name, and outputs whose names differ by shape: converters rename and reorder outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from graphml import catalogue
from graphml.descriptions import FeatureDescription
from graphml.errors import FeatureError
from graphml.graph import Graph, Node, live_after, written_by
from graphml.inspect.agreement import in_the_order_of, numbers, paired
from graphml.inspect.drawing import drawn_shapes, draws, index_limits
from graphml.inspect.measure import differences
from graphml.inspect.references import (
    REFERENCE_FILES,
    Given,
    Reference,
    answers,
    drawn_for,
    limits_of,
    reference_of,
)
from graphml.interop.onnx import onnx_outputs
from graphml.models import load
from graphml.models.graph_model import GraphModel
from graphml.models.model import Model

Arrays = Mapping[str, np.ndarray]
MOST_SHAPES = 4
"""The default limit of enumerated shapes that are drawn."""


@dataclass(frozen=True)
class Difference:
    """How much one value differs between the two models.

    Attributes:
        first: Name of the value in the first model.
        second: Name of the value in the second model.
        layer: The layer or operation of the first model that computes it.
        shape: Its shape in the first model, for the inputs on which it differs most.
        error: The largest difference, relative to the largest number of the first model.
        matched: How the two were matched: by "name"; outputs of different names by "shape", or by "values", where
            several outputs have this shape and those that agree best belong together, or else by "order".
        finite: Whether it has a finite number in the first model. Infinities and NaN that are equal say little.
    """

    first: str
    second: str
    layer: str
    shape: tuple[int, ...]
    error: float
    matched: str = "name"
    finite: bool = True


@dataclass(frozen=True)
class Comparison:
    """The result of `compare`.

    Attributes:
        differences: One for each value, in the order in which the first model computes them.
        tolerance: The largest error that still counts as equal.
        shapes: The number of declared shapes that were tried.
        declared_shapes: How many shapes the interface of the first model lists.
        scaled: The images that a second model of another library received as the first one scales them.
    """

    differences: tuple[Difference, ...]
    tolerance: float
    shapes: int = 1
    declared_shapes: int = 1
    scaled: tuple[str, ...] = ()

    @property
    def agree(self) -> bool:
        """Whether no value differs by more than the tolerance."""
        return self.start is None

    @property
    def start(self) -> Difference | None:
        """The first value that differs."""
        return next((d for d in self.differences if not d.error <= self.tolerance), None)


def compare(
    first: str | Path,
    second: Any,
    features: Mapping[str, Any] | None = None,
    *,
    tolerance: float = 1e-3,
    seed: int = 0,
    function_name: str | None = None,
    second_function_name: str | None = None,
    most_shapes: int | None = MOST_SHAPES,
    pixels: bool = False,
) -> Comparison:
    """Run two models on the same inputs and compare what they compute.

    States start as zeros. Between a program, a network and an ONNX graph, values of the same name that are not outputs
    are compared only if their shapes are equal apart from axes of size 1, since the formats have different image
    layouts.

    Args:
        first: A model. If it is a neural network or ML Program, and the second one is an ONNX graph or one of these,
            the values inside are compared, otherwise the outputs.
        second: The .mlmodel, .mlpackage or .onnx file to compare it with, or another reference, see
            `graphml.testing.assert_same`. Inputs are matched by name, or in order where names differ. A model that
            takes arrays receives images scaled as the first model scales them. Recorded outputs need `features`.
        features: Inputs of the first model. None draws random ones of the default shapes and of each enumerated shape:
            pixels 0 to 255, floats 0 to 1, and indices that exist in the table that they look up.
        tolerance: The largest relative error that counts as equal.
        seed: For random inputs, and for layers that draw random numbers.
        function_name: The function of the first model, if it is an ML Program.
        second_function_name: The function of the second model.
        most_shapes: How many shapes are drawn at most: the default one, then small ones first, because each is compiled
            twice. None: all of them. Where outputs alone are compared, only the default one is drawn.
        pixels: Whether a second model that takes arrays receives images as pixels 0 to 255 also where the first one
            scales them, as what `graphml.export` writes does.

    Raises:
        FeatureError: If the models have no value in common, or no inputs can be drawn.
    """
    a = load(first, function_name=function_name)
    b = _second(second, second_function_name)
    if not isinstance(a, GraphModel) or not isinstance(b, GraphModel | _Onnx):
        return _outputs_compared(
            a, b.reference if isinstance(b, _Onnx) else reference_of(b), features, tolerance, seed, pixels
        )
    key = jax.random.key(seed)  # layers that draw random numbers draw the same ones in both
    found: dict[str, Difference] = {}
    scaled: tuple[str, ...] = ()
    pairs: dict[str, _Match] = {}
    given: Iterable[Mapping[str, Any]] = [features or {}]
    shapes: list[dict[str, tuple[int, ...]]] = [{}]
    if features is None:
        shapes = drawn_shapes(a.description.inputs)
    chosen = shapes[:most_shapes]
    if features is None:
        given = draws(a.description.inputs, index_limits(a.lower()), seed, chosen)
    for inputs in given:
        blobs = _run(a, inputs, key)
        passed = Given(a, inputs, frozenset(), key, pixels)
        others = b.run(passed) if isinstance(b, _Onnx) else _run(b, _passed_on(passed, b), key)
        scaled = b.reference.scaled(passed) if isinstance(b, _Onnx) else ()
        outputs = b.outputs if isinstance(b, _Onnx) else b.graph.outputs
        alike = not isinstance(b, _Onnx) and b.kind == a.kind
        pairs = pairs or _matches(blobs, others, a.graph.outputs, outputs, alike=alike)
        for name, node in _computed(a.graph).items():
            if name in pairs and pairs[name].name in others:
                other, how = pairs[name]
                value, error = blobs[name], _error(blobs[name], others[other])
                one = Difference(name, other, node.label, value.shape, error, how, _has_finite(value))
                if name not in found or not one.error <= found[name].error:
                    found[name] = one
    if not found:
        raise FeatureError(f"{first} and {second} have no value in common")
    return Comparison(tuple(found.values()), tolerance, len(chosen), len(shapes), scaled)


def _outputs_compared(
    model: Model, reference: Reference, features: Mapping[str, Any] | None, tolerance: float, seed: int, pixels: bool
) -> Comparison:
    """Compare the outputs alone."""
    if reference.recorded and features is None:
        raise FeatureError("recorded outputs belong to the inputs that they were recorded with: give these inputs too")
    limits = limits_of(model)
    inputs = [features] if features is not None else drawn_for(model, limits, seed, [{}])
    found: dict[str, Difference] = {}
    scaled: tuple[str, ...] = ()
    for each in inputs:
        given = Given(model, each, frozenset(limits), jax.random.key(seed), pixels)
        scaled = reference.scaled(given)
        for name, own, other in paired(model, answers(model, each, given.key), reference.run(given), reference.what):
            value, error = numbers(own), _error_of_outputs(own, other)
            if name not in found or not error <= found[name].error:
                label = f"output of the {model.kind}"
                found[name] = Difference(name, name, label, value.shape, error, finite=_has_finite(value))
    return Comparison(tuple(found.values()), tolerance, scaled=scaled)


def _error_of_outputs(own: Any, other: Any) -> float:
    other = in_the_order_of(own, other)
    if other is None:
        return float("inf")
    a, b = numbers(own), numbers(other)
    if {"U", "O"} & {a.dtype.kind, b.dtype.kind}:  # labels
        return 0.0 if np.array_equal(a, b) else float("inf")
    return _error(a, b)


# The second model ----------------------------------------------------------------------------------------------------


def _second(second: Any, function_name: str | None) -> Any:
    """An object that gives the values of the second model."""
    suffix = Path(second).suffix if isinstance(second, str | Path) else None
    if suffix == ".onnx":
        return _Onnx(second)
    if suffix is None or suffix in REFERENCE_FILES:
        return second
    return load(second, function_name=function_name)


class _Onnx:
    """An ONNX graph."""

    def __init__(self, path: str | Path) -> None:
        self.outputs = onnx_outputs(path)
        self.reference = reference_of(path)

    def run(self, given: Given) -> Arrays:
        inside = self.reference.inside
        assert inside is not None
        return inside(given)


def _passed_on(given: Given, second: GraphModel) -> dict[str, Any]:
    """The inputs of the second model, from those of the first one."""
    inputs, arrays = given.features, given.checked()
    sources = {feature.name: feature for feature in given.model.description.inputs if feature.name in inputs}
    wanted = {feature.name: feature for feature in second.description.inputs}
    names = {name: name for name in sources}
    if not set(sources) <= set(wanted) and len(sources) == len(wanted):
        names = dict(zip(sources, wanted, strict=True))
    missing = [name for name, feature in wanted.items() if not feature.optional and name not in names.values()]
    if missing:
        own = ", ".join(map(repr, sources))
        raise FeatureError(f"the second model also takes {', '.join(map(repr, missing))}; the first one takes {own}")
    return {
        other: given.image_as_array(name, wanted[other])
        if sources[name].image is not None and wanted[other].image is None
        else _passed(sources[name], wanted[other], inputs[name], arrays[name])
        for name, other in names.items()
        if other in wanted
    }


def _passed(source: FeatureDescription, wanted: FeatureDescription, value: Any, array: Any) -> Any:
    """An input of the first model in the form that the second one takes."""
    if (source.image is None) == (wanted.image is None):
        return value if source.type is wanted.type else np.asarray(array)
    pixels = np.asarray(array)
    return pixels[0] if pixels.ndim == 4 else pixels


# Matching ------------------------------------------------------------------------------------------------------------


class _Match(NamedTuple):
    name: str
    how: str


def _matches(
    blobs: Arrays, others: Arrays, outputs: Iterable[str], other_outputs: Iterable[str], *, alike: bool
) -> dict[str, _Match]:
    """{value of the first model: the same value of the second one}. alike: whether both have the same format."""
    outputs = [name for name in outputs if name in blobs]
    free = [name for name in other_outputs if name in others]
    pairs = {
        name: _Match(name, "name")
        for name in blobs
        if name in others and (alike or name in outputs or _core(blobs[name]) == _core(others[name]))
    }
    free = [name for name in free if name not in outputs]
    waiting = [name for name in outputs if name not in pairs]
    for core in dict.fromkeys(_core(blobs[name]) for name in waiting):
        mine = [name for name in waiting if _core(blobs[name]) == core]
        theirs = [name for name in free if _core(others[name]) == core]
        how = "shape" if len(mine) == len(theirs) == 1 else "values"
        for name, other in _best(mine, theirs, blobs, others):
            pairs[name] = _Match(other, how)
            waiting.remove(name)
            free.remove(other)
    return pairs | {name: _Match(other, "order") for name, other in zip(waiting, free, strict=False)}


def _core(array: np.ndarray) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)


def _best(mine: list[str], theirs: list[str], blobs: Arrays, others: Arrays) -> Iterator[tuple[str, str]]:
    """Pairs of outputs, best agreement first."""
    errors: dict[tuple[str, str], float] = {(a, b): _error(blobs[a], others[b]) for a in mine for b in theirs}
    for a, b in sorted(errors, key=errors.__getitem__):
        if a in mine and b in theirs:
            mine, theirs = [name for name in mine if name != a], [name for name in theirs if name != b]
            yield a, b


def _computed(graph: Graph) -> dict[str, Node]:
    """The values that are compared, in order, and the last node that computes each: layers may write in place."""
    outputs = frozenset(graph.outputs)
    found: dict[str, Node] = {}
    for node, live in zip(graph.body.nodes, live_after(graph.body, outputs), strict=True):
        if catalogue.has_role(node, "constant") and not outputs & set(node.outputs):
            continue  # comparing results is more informative than comparing weights
        inside = sorted(written_by(node) & live - set(node.outputs))  # of branches and loops
        for name in (*node.outputs, *inside):
            found.pop(name, None)
            found[name] = node
    return found


def _run(model: GraphModel, inputs: Mapping[str, Any], key: jax.Array) -> Arrays:
    state = model.make_state() if model.has_state() else None
    return model.intermediates(inputs, list(_computed(model.graph)), key=key, state=state)


def _has_finite(array: np.ndarray) -> bool:
    return array.dtype.kind in "UO" or array.size == 0 or bool(np.isfinite(np.asarray(array, np.float64)).any())


def _error(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference relative to the largest finite number; infinite if sizes differ, or where only one of two
    numbers is finite."""
    if a.size != b.size:
        return float("inf")
    a, b = np.asarray(a, np.float64).ravel(), np.asarray(b, np.float64).ravel()
    largest = float(np.abs(a[np.isfinite(a)]).max(initial=0.0))
    return float(differences(a, b).max(initial=0.0) / max(largest, 1e-12))
