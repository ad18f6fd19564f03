"""Each message on the page about troubleshooting is provoked, and reads as the page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import onnx_models
import pytest
import readers_desk
from onnx import helper

import graphml
from graphml import NeuralNetworkBuilder, UpdateTask, build, datatypes, errors
from graphml.spec.weights import quantize

PAGE = Path(__file__).resolve().parents[1] / "docs/troubleshooting.md"
HEADINGS = re.findall(r"^### `(.*)`$", PAGE.read_text(), re.MULTILINE)
ROW = np.float32([[1, 2, 3]])
PICTURE = np.zeros((8, 8), np.uint8)

_made: dict[str, Any] = {}


def classifier() -> Any:
    return _made.setdefault("classifier", readers_desk.classifier())


def program() -> Any:
    if "program" not in _made:
        _made["program"] = readers_desk.program().model()
    return _made["program"]


def sized() -> Any:
    """A network whose output has as many numbers as an input says."""
    builder = NeuralNetworkBuilder([("count", datatypes.Array(1))], [("out", None)], exact=True)
    builder.add_fill_dynamic(name="fill", input_name="count", output_name="out", value=1.0)
    return builder.model()


def with_custom_layer() -> Any:
    builder = NeuralNetworkBuilder([("x", datatypes.Array(3))], [("out", None)])
    builder.add_custom(name="swish", input_names=["x"], output_names=["out"], custom_proto_spec=_swish())
    return builder.model()


def _swish() -> Any:
    from graphml.spec.wire.layers_pb2 import CustomLayerParams

    return CustomLayerParams(className="Unregistered")


def miswired() -> Any:
    builder = NeuralNetworkBuilder([("x", datatypes.Array(3))], [("y", None)])
    builder.add_softmax(name="softmax", input_name="h", output_name="y")
    return builder.model()


def with_quantized_weights(restored: Any) -> Any:
    """A dense layer of 4 from 6, whose weights are given as a checkpoint restores them."""
    builder = NeuralNetworkBuilder({"x": build.array(6)}, {"y": build.array(4)})
    weights = quantize(np.ones((4, 6), np.float32), bits=2, table=True)
    builder.add("innerProduct", "fc", ["x"], ["y"], input_channels=6, output_channels=4, weights=weights)
    return builder.model().lower().fn({"fc": {"weights": restored}}, {"x": np.zeros(6)})


def of_kind(kind: str, version: int) -> Any:
    message = graphml.spec.Model(specificationVersion=version)
    getattr(message, kind).SetInParent()
    return graphml.load(message)


def converted(operator: str, tolerance: float = 1e-3) -> Any:
    """The source computes in float64, and a network in float32."""
    node = helper.make_node(operator, ["x"], ["y"], name="first")
    model = onnx_models.graph([node], {"x": (np.float64, (1, 3))}, ["y"])
    return graphml.convert(model.SerializeToString(), tolerance=tolerance)


def trained(samples: Any) -> None:
    task = UpdateTask(classifier(), samples)
    task.resume()
    task.wait()
    if task.error is not None:
        raise task.error


def called(image: Any, **changed: Any) -> Any:
    """The function of the classifier with other parameters; None drops a layer."""
    lowered = classifier().lower()
    given = {name: value for name, value in {**lowered.params, **changed}.items() if value is not None}
    return lowered.fn(given, image)


PICTURES = {"image": PICTURE[None]}
WIDE = {"weights": np.zeros((3, 3)), "bias": np.zeros(2)}
CODES = {"codes": np.zeros(3, np.uint8)}
PROVOKED: dict[str, Callable[[], Any]] = {
    "no such file": lambda: graphml.load("nowhere.mlmodel"),
    "git-lfs": lambda: graphml.load(b"version https://git-lfs.github.com/spec/v1\n"),
    "Manifest": lambda: graphml.load(PAGE.parent),
    "needs specification version": lambda: of_kind("neuralNetwork", 99).predict({}),
    "is missing; it takes": lambda: classifier().predict({}),
    "has no feature": lambda: classifier().predict({"imgae": PICTURE}),
    "takes ..., got": lambda: program().predict({"x": np.zeros((2, 4))}),
    "not an allowed size": lambda: classifier().predict({"image": np.zeros((9, 9), np.uint8)}),
    "is not registered": lambda: with_custom_layer().predict({"x": ROW[0]}),
    "do not run here": lambda: of_kind("textClassifier", 3).predict({}),
    "needs the package": lambda: errors.need("no_such_package", "qa"),
    "must be given by name": lambda: called(PICTURE),
    "is traced by": lambda: jax.jit(program().predict)({"x": ROW}),
    "the parameters": lambda: called(PICTURES, conv1=None),
    "has shape": lambda: called(PICTURES, dense=WIDE),
    "grad requires": lambda: jax.grad(lambda codes: 0.0)(CODES),
    "parts of a Quantized": lambda: with_quantized_weights({"codes": np.zeros((4, 6), np.uint8), "table": np.zeros(4)}),
    "decides a shape": lambda: jax.jit(sized().as_function())({"count": np.float32([2])}),
    "layer '...'": lambda: called({"image": np.zeros((2, 8, 8))}),
    "which is not an input": lambda: miswired().predict({"x": ROW[0]}),
    "cannot be converted": lambda: converted("StringNormalizer"),
    "result differs": lambda: converted("Exp", tolerance=1e-12),
    "would not update": lambda: UpdateTask(with_custom_layer(), []),
    "keeps no recipe": lambda: graphml.make_updatable(program()),
    "no layer with weights": lambda: graphml.make_trainable(classifier(), ["nothing"]),
    "sample ...": lambda: trained([{"image": PICTURE, "classLabel": "cow"}]),
    "no training data": lambda: trained([]),
}


def test_the_page_and_this_test_have_the_same_messages():
    assert [[part for part in PROVOKED if part in heading] for heading in HEADINGS] == [[part] for part in PROVOKED]


@pytest.mark.parametrize("part", PROVOKED)
def test_the_message_reads_as_the_page_says(part):
    (heading,) = (heading for heading in HEADINGS if part in heading)
    entry = PAGE.read_text().partition(f"### `{heading}`\n")[2].partition("\n#")[0]
    with pytest.raises(Exception) as caught:  # noqa: PT011  (the class is what the page says)
        PROVOKED[part]()
    pattern = ".*".join(map(re.escape, heading.split("...")))
    assert re.search(pattern, str(caught.value), re.DOTALL), str(caught.value)
    named = re.match(r"\s*(?:A )?`(\w+Error)`", entry)
    if named:
        assert named[1] in [base.__name__ for base in type(caught.value).__mro__]


def test_every_class_of_errors_is_on_the_page():
    text = PAGE.read_text()
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.GraphmlError):
            assert f"`{name}`" in text, f"no message of {name} is explained"
