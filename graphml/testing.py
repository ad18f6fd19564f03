"""For tests of converted models: check that a Core ML model gives the same outputs as its source.

from graphml.testing import assert_same

assert_same("net.mlpackage", torch_module)          # on inputs that are drawn from the interface
assert_same("net.mlmodel", "net.onnx", {"x": x})
"""

# models of other libraries have no types here
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from graphml.errors import FeatureError
from graphml.inspect.agreement import difference, first_inside, paired
from graphml.inspect.drawing import drawn_shapes
from graphml.inspect.references import Given, answers, drawn_for, limits_of, reference_of
from graphml.models import load
from graphml.models.model import Model


def assert_same(
    model: Any,
    reference: Any,
    inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    rtol: float = 1e-3,
    atol: float = 1e-5,
    seed: int = 0,
    pixels: bool = False,
) -> None:
    """Check that two models give the same outputs.

    Outputs are matched by name where the reference has names and they are equal, otherwise by order. Axes of size 1 do
    not count. A dictionary of probabilities is compared with an array in the order of the classes. What a reference
    does not return is not compared.

    Args:
        model: What `graphml.load` takes: a path, bytes, a message or an MLModel of coremltools; or a Model.
        reference: A torch module or exported program or a file of one (`.pt` of TorchScript, `.pt2`), an ONNX file,
            message or session, a Keras model, a scikit-learn estimator, a function of arrays (of JAX or NumPy), another
            Core ML model, or recorded outputs: {output: array}, an array, a list of arrays or an `.npz` file. Modules
            and functions receive the inputs in the order of the interface, a function whose parameters have their names
            by name; images with the shape [1, channels, height, width], or with the channels last where an ONNX graph
            or Keras model declares them so, in the order of colours that the model declares, and scaled as the model
            scales them before its first layer.
        inputs: {input: value} as `predict` takes them, or several of these. None draws them: of the default shapes and
            of each enumerated shape, indices where an input is used as one. Recorded outputs need them.
        rtol: The difference that is accepted, relative to each number of the reference.
        atol: The difference that is accepted in addition.
        seed: The random seed for the drawn inputs and for random operations.
        pixels: Whether the reference takes images as pixels 0 to 255 even if the model scales them, as files of
            `graphml.export` do.

    Raises:
        AssertionError: An output differs. The message names it, the largest difference and its index, and the first
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
        given = Given(own, features, frozenset(limits), jax.random.key(seed), pixels)
        pairs = paired(own, answers(own, features, given.key), source.run(given), source.what)
        found = [text for pair in pairs if (text := difference(*pair, rtol, atol)) is not None]
        if found:
            inside = [] if source.inside is None else [first_inside(given, source.inside(given), rtol, atol)]
            scaled = source.scaled(given)
            how = [
                f"the reference received {name!r} as the model scales it; pixels=True gives pixels" for name in scaled
            ]
            raise AssertionError("\n".join([*found, *inside, *how, f"with inputs {words}"]))


def _inputs(model: Model, inputs: Any, limits: Mapping[str, int], seed: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The inputs to try, and a description of each."""
    if inputs is not None:
        given = [inputs] if isinstance(inputs, Mapping) else list(inputs)
        if not given:
            raise FeatureError("there are no inputs to compare on: pass {input: value}, several of these, or None")
        for number, each in enumerate(given, 1):
            yield f"number {number} of those that were given", each
        return
    for each in drawn_for(model, limits, seed, drawn_shapes(model.description.inputs)):
        shapes = ", ".join(f"{name} {list(np.shape(value))}" for name, value in each.items())
        yield f"drawn with seed {seed}: {shapes}", each
