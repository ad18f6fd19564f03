"""Inputs that are drawn are inputs that a model takes, and what is used as an index is one."""

from __future__ import annotations

import numpy as np
import pytest

from graphml import ProgramBuilder
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import FeatureError
from graphml.inspect.drawing import drawn_shapes, draws, index_limits
from graphml.models import load
from graphml.spec import Model


def draw(model, seed=0):
    return next(draws(model.description.inputs, index_limits(model.lower()), seed, [{}]))


def looking_up():
    builder = ProgramBuilder("CoreML7")
    words, mask = (builder.input(name, (50,), "int32") for name in ("words", "mask"))
    rows = builder.gather(np.ones((7, 5), np.float32), builder.expand_dims(words, axes=[1]), axis=0)
    builder.output("y", builder.reduce_sum(rows))
    builder.output("z", builder.identity(mask))
    return builder.model()


def test_indices_of_a_program_are_those_that_exist():
    model = looking_up()
    assert index_limits(model.lower()) == {"words": 7}
    drawn = draw(model)
    assert {name: sorted(set(value.tolist())) for name, value in drawn.items()} == {
        "words": [*range(7)],
        "mask": [*range(10)],
    }
    assert drawn["words"].dtype == np.int32
    assert not np.array_equal(draw(model, seed=1)["words"], drawn["words"])


def test_indices_of_a_network_are_whole_floats_that_exist():
    builder = NeuralNetworkBuilder({"i": array(40), "x": array(4)}, {"y": None, "z": None}, exact=True)
    builder.add("loadConstantND", "table", [], ["table"], data=np.ones((3, 2), np.float32))
    builder.add("gather", "g", ["table", "i"], ["y"], axis=0)
    builder.add("unary", "u", ["x"], ["z"], type="ABS")
    drawn = draw(builder.model())
    assert set(drawn["i"].tolist()) == {0, 1, 2}
    assert drawn["x"].dtype == np.float32


def test_an_embedding_limits_its_indices():
    builder = NeuralNetworkBuilder({"i": array(30, 1)}, {"y": None}, exact=True)
    builder.add("embeddingND", "e", ["i"], ["y"], weights=np.ones((2, 5), np.float32))
    assert index_limits(builder.model().lower()) == {"i": 5}


def test_enumerated_shapes_of_several_inputs_change_together():
    message = Model()
    for name in "ab":
        feature = message.description.input.add(name=name).type.multiArrayType
        feature.shape.extend([1, 2])
        for size in (2, 5):
            feature.enumeratedShapes.shapes.add(shape=[1, size])
    message.description.input.add(name="c").type.imageType.width = 3
    message.description.input[2].type.imageType.height = 2
    inputs = load(message).description.inputs
    found = [[value.shape for value in each.values()] for each in draws(inputs, {}, 0, drawn_shapes(inputs))]
    assert found == [[(1, 2), (1, 2), (3, 2, 3)], [(1, 5), (1, 5), (3, 2, 3)]]


def test_images_are_pixels_and_text_is_refused():
    message = Model(specificationVersion=1)
    image = message.description.input.add(name="photo").type.imageType
    image.width, image.height, image.colorSpace = 6, 4, 20
    drawn = next(draws(load(message).description.inputs, {}, 0, [{}]))["photo"]
    assert (drawn.shape, drawn.dtype) == ((3, 4, 6), np.uint8)
    assert drawn.max() > 200
    message.description.input.add(name="words").type.stringType.SetInParent()
    with pytest.raises(FeatureError, match=r"'words' takes a str"):
        next(draws(load(message).description.inputs, {}, 0, [{}]))
