"""For the tests of whoever converts models: a Core ML model gives what the model gives that it was made of.

from graphml.testing import assert_same

assert_same("net.mlpackage", torch_module)          # on inputs that are drawn from the interface
assert_same("net.mlmodel", "net.onnx", {"x": x})
"""

# models of other libraries have no types here
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from graphml.errors import FeatureError, GraphmlError
from graphml.inspect.drawing import drawn_shapes
from graphml.inspect.measure import differences
from graphml.inspect.references import (
    Given,
    answers,
    call_options,
    drawn_for,
    in_the_order_of,
    limits_of,
    numbers,
    paired,
    reference_of,
)
from graphml.models import load
from graphml.models.graph_model import GraphModel
from graphml.models.model import Model

Array = np.ndarray[Any, Any]


def assert_same(
    model: Any,
    reference: Any,
    inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    rtol: float = 1e-3,
    atol: float = 1e-5,
    seed: int = 0,
) -> None:
    """Check that a model gives what another one gives.

    Outputs are matched by name where the reference has names and they are equal, otherwise by order. Axes of size 1 do
    not count. A dictionary of probabilities is compared with an array in the order of the classes. What a reference
    does not return is not compared.

    Args:
        model: What `graphml.load` takes: a path, bytes, a message or an MLModel of coremltools; or a Model.
        reference: A torch module or exported program or a file of one (`.pt` of TorchScript, `.pt2`), an ONNX file,
            message or session, a Keras model, a scikit-learn estimator, a function of arrays (of JAX or NumPy), another
            Core ML model, or recorded outputs: {output: array}, an array, a list of arrays or an `.npz` file. Modules
            and functions receive the inputs in the order of the interface, a function whose parameters have their names
            by name; images as pixels 0 to 255 with the shape [1, channels, height, width].
        inputs: {input: value} as `predict` takes them, or several of these. None draws them: of the default shapes and
            of each enumerated shape, indices where an input is used as one. Recorded outputs need them.
        rtol: The difference that is accepted, relative to each number of the reference.
        atol: The difference that is accepted in addition.
        seed: Of the inputs that are drawn, and of random operations.

    Raises:
        AssertionError: An output differs. The message names it, the largest difference and its place, and the first
            value inside that differs, where both models are networks, programs or ONNX files.
        FeatureError: The reference is none of these, or no inputs can be drawn.
        MissingExtraError: The library of the reference is not installed.
    """
    own = model if isinstance(model, Model) else load(model)
    source = reference_of(reference)
    if source.recorded and (inputs is None or not isinstance(inputs, Mapping)):
        raise FeatureError("recorded outputs belong to the inputs that they were recorded with: pass inputs={...}")
    limits = limits_of(own)
    for words, features in _inputs(own, inputs, limits, seed):
        given = Given(own, features, frozenset(limits), jax.random.key(seed))
        pairs = paired(own, answers(own, features, given.key), source.run(given), source.what)
        found = [text for pair in pairs if (text := _difference(*pair, rtol, atol)) is not None]
        if found:
            inside = [] if source.inside is None else [_first_inside(given, source.inside(given), rtol, atol)]
            raise AssertionError("\n".join([*found, *inside, f"with inputs {words}"]))


def _inputs(model: Model, inputs: Any, limits: Mapping[str, int], seed: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The inputs to try, and what they are in words."""
    if inputs is not None:
        for number, each in enumerate([inputs] if isinstance(inputs, Mapping) else inputs, 1):
            yield f"number {number} of those that were given", each
        return
    for each in drawn_for(model, limits, seed, drawn_shapes(model.description.inputs)):
        shapes = ", ".join(f"{name} {list(np.shape(value))}" for name, value in each.items())
        yield f"drawn with seed {seed}: {shapes}", each


# Comparing -----------------------------------------------------------------------------------------------------------


def _difference(name: str, own: Any, other: Any, rtol: float, atol: float) -> str | None:
    """How an output differs; None if it does not."""
    ordered = in_the_order_of(own, other)
    if ordered is None:
        return f"output {name!r} has the keys {sorted(own, key=str)}, the reference {sorted(other, key=str)}"
    other = ordered
    if isinstance(own, str) or isinstance(other, str):
        return None if own == other else f"output {name!r} is {own!r}, the reference gives {other!r}"
    a, b = numbers(own), numbers(other)
    return None if (text := _in_words(a, b, rtol, atol)) is None else f"output {name!r} {text}"


def _in_words(own: Array, other: Array, rtol: float, atol: float) -> str | None:
    """How one array differs from another; None if it does not."""
    if _core(own) != _core(other):
        return f"has the shape {list(own.shape)}, the reference {list(other.shape)}"
    shape = own.shape
    a, b = np.asarray(own, np.float64), np.asarray(other, np.float64).reshape(shape)
    size = differences(a, b)
    with np.errstate(invalid="ignore"):
        wrong = size > atol + rtol * np.where(np.isfinite(b), np.abs(b), 0.0)
    if not wrong.any():
        return None
    where = np.unravel_index(int(np.argmax(np.where(wrong, size, -1.0))), shape)
    place = f" at {[int(i) for i in where]}" if shape else ""
    return (
        f"{list(shape)} differs in {int(wrong.sum())} of {math.prod(shape)} numbers; the largest difference is "
        f"{size[where]:.3g}{place}: {a[where]:.6g}, the reference gives {b[where]:.6g} (rtol {rtol:g}, atol {atol:g})"
    )


def _core(array: Array) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)


def _first_inside(given: Given, others: Mapping[str, Any], rtol: float, atol: float) -> str:
    """The first value inside of the model that differs from the value of that name in the reference."""
    model = given.model
    if not isinstance(model, GraphModel):
        return "the model cannot be looked into"
    try:
        own = model.intermediates(given.features, **call_options(model, given.key))
    except GraphmlError as error:
        return f"the model cannot be looked into: {error}"
    equal = 0
    for node in model.graph.body.nodes:
        for name in node.outputs:
            if name not in own or name not in others or _core(own[name]) != _core(np.asarray(others[name])):
                continue
            text = _in_words(own[name], np.asarray(others[name]), rtol, atol)
            if text is not None:
                before = f"; {equal} values of equal names before it agree" if equal else ""
                return f"the first value inside that differs is {name!r}, {node.label}: it {text}{before}"
            equal += 1
    return f"no value inside differs: {equal} have equal names in both"
