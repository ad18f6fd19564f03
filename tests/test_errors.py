"""Errors: whatever a layer raises becomes ours, in every way of running it, and texts stay short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import graphml
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import (
    GraphmlError,
    ShapeError,
    SpecError,
    UnsupportedError,
    quoted,
    reason,
    shortened,
    typed,
    with_article,
)
from graphml.frontends.layers import read_layers
from graphml.inspect.flow import as_text, flow
from graphml.interpreter.stages import Staged
from graphml.models.network import NeuralNetwork
from graphml.spec import NeuralNetworkLayer

# Types ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (TypeError("t"), ShapeError),
        (ValueError("v"), ShapeError),
        (IndexError("i"), ShapeError),
        (OverflowError("o"), ShapeError),
        (ZeroDivisionError("z"), ShapeError),
        (MemoryError(), ShapeError),
        (NotImplementedError("n"), UnsupportedError),
        (KeyError("body"), GraphmlError),
        (RecursionError("r"), GraphmlError),
        (SpecError("s"), SpecError),
    ],
)
def test_each_error_has_a_type_of_ours(raised, expected):
    error = typed(raised, "layer 'a' (add), number 1", ["  x  float32[3]"])
    assert type(error) is expected
    first, second, third = str(error).splitlines()
    assert first == "layer 'a' (add), number 1"
    assert second.strip()
    assert third.strip() == "x  float32[3]"


def model(*layers: tuple[Any, ...], **keyword: Any) -> NeuralNetwork:
    builder = NeuralNetworkBuilder({"x": array(2, 3), "n": array(1)}, {"y": array(1)})
    for kind, name, ins, outs, fields in layers:
        builder.add(kind, name, ins, outs, **fields)
    found = graphml.load(builder.spec, **keyword)
    assert isinstance(found, NeuralNetwork)
    return found


X, N = np.ones((2, 3), np.float32), np.full(1, 2, np.float32)
GIVEN = {"x": X, "n": N}


def _shapes(found: NeuralNetwork) -> Any:
    lowered = found.lower()
    return jax.eval_shape(lambda p, x: lowered.intermediates(p, x), lowered.params, GIVEN)


def _eager(found: NeuralNetwork) -> Any:
    lowered = found.lower()
    return lowered.fn(lowered.params, GIVEN)


def _compiled(found: NeuralNetwork) -> Any:
    lowered = found.lower()
    return jax.jit(lowered.fn)(lowered.params, GIVEN)


def _staged(found: NeuralNetwork) -> Any:
    lowered = found.lower()
    return Staged(lowered)(lowered.params, GIVEN)


WAYS: dict[str, Callable[[NeuralNetwork], Any]] = {
    "predict": lambda found: found.predict(GIVEN),
    "intermediates": lambda found: found.intermediates(GIVEN),
    "as_function": lambda found: found.as_function()(GIVEN),
    "eager": _eager,
    "compiled": _compiled,
    "staged": _staged,
    "shapes": _shapes,
}


def misfit(name: str = "sum") -> tuple[Any, ...]:
    return ("loadConstantND", "four", [], ["f"], {"data": np.ones(4)}), (
        "addBroadcastable",
        name,
        ["x", "f"],
        ["y"],
        {},
    )


@pytest.mark.parametrize("way", WAYS)
def test_an_error_names_the_layer_in_every_way_of_running(way):
    with pytest.raises(ShapeError) as caught:
        WAYS[way](model(*misfit()))
    lines = str(caught.value).splitlines()
    assert lines[0] == "layer 'sum' (addBroadcastable), number 2"
    assert any("x  float32[2, 3]  from an input" in line for line in lines)


def test_control_flow_is_drawn_although_a_layer_cannot_run():
    assert "sum (addBroadcastable)" in as_text(flow(model(*misfit()).lower()))


@pytest.mark.parametrize("way", ["predict", "as_function", "staged"])
def test_sizes_of_a_stage_name_the_layer(way):
    slicing = {"begin_masks": [True], "end_masks": [False], "strides": [1]}
    layers = (
        ("add", "ends", ["n"], ["e"], {"alpha": 1.0}),
        ("sliceDynamic", "cut", ["x", "e", "e"], ["y"], slicing),
    )
    with pytest.raises(ShapeError, match=r"layer 'cut' \(sliceDynamic\), number 2"):
        WAYS[way](model(*layers))


# the copy, which is of version 4, makes the mapping of inputs exact
CUSTOM = ("copy", "c", ["x"], ["z"], {}), ("custom", "mine", ["z"], ["y"], {"class_name": "Mine"})


def test_what_a_custom_layer_raises_is_typed_and_kept_as_the_cause():
    def broken(x, *, weights, parameters):
        return parameters["missing"]

    found = model(*CUSTOM, custom_layers={"Mine": broken})
    with pytest.raises(GraphmlError, match=r"layer 'mine' \(custom\), number 2\n  KeyError: 'missing'") as caught:
        found.predict(GIVEN)
    assert isinstance(caught.value.__cause__, KeyError)


def test_errors_of_tracing_stay_those_of_jax():
    def deciding(x, *, weights, parameters):
        return x if x.sum() > 0 else -x

    lowered = model(*CUSTOM, custom_layers={"Mine": deciding}).lower()
    assert lowered.fn(lowered.params, GIVEN)["y"].shape == X.shape
    with pytest.raises(jax.errors.TracerBoolConversionError) as caught:
        jax.jit(lowered.fn)(lowered.params, GIVEN)
    assert "in layer 'mine' (custom), number 2" in caught.value.__notes__


@pytest.mark.parametrize("kind", ["branch", "loop", "add", "convolution", "activation"])
def test_a_layer_without_what_it_needs_is_no_graph(kind):
    layer = NeuralNetworkLayer(name="bare")
    getattr(layer, kind).SetInParent()
    with pytest.raises(SpecError, match=rf"layer 'bare' \({kind}\), number 1"):
        read_layers([layer])


# Texts ---------------------------------------------------------------------------------------------------------------


def test_texts_are_short_whatever_a_file_holds():
    assert quoted("conv1") == "'conv1'"
    assert len(quoted("n" * 10_000_000)) < 200
    error = GraphmlError("\n".join(["first", "long " * 1_000_000, *map(str, range(100_000)), "last"]))
    assert len(str(error)) < 10_000
    assert str(error).splitlines()[-1] == "... and 99,943 more lines"
    assert str(error.in_context("outside").in_context("file")).splitlines()[-1].strip() == "... and 99,943 more lines"


def test_a_long_line_keeps_its_beginning_and_its_end():
    text = shortened(f"layer {'a' * 5000!r} has no weights")
    assert text.startswith("layer 'aaa")
    assert text.endswith("aaa' has no weights")
    assert "(4,023 characters)" in text
    assert shortened(text) == text


@pytest.mark.parametrize(
    ("article", "names"),
    [
        ("an", ["int", "innerProduct", "AdamParams", "object", "upsample", "mlProgram", "unknown"]),
        ("a", ["str", "ndarray", "uint8", "uniDirectionalLSTM", "unary", "oneHotEncoder", "mlp", "MLModel", ""]),
    ],
)
def test_a_name_has_the_article_that_matches_its_pronunciation(article, names):
    assert [with_article(name) for name in names] == [f"{article} {name}" for name in names]


def test_the_reason_of_an_error_of_a_file_does_not_repeat_its_path(tmp_path):
    path = tmp_path / "none.png"
    with pytest.raises(OSError, match="Errno") as caught:
        path.open()
    assert reason(caught.value) == "No such file or directory"
    assert reason(ValueError("odd")) == "odd"
    assert reason(OSError("no number")) == "no number"
