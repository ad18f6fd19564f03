"""The identity: every type of feature passes."""

from __future__ import annotations

import numpy as np
import pytest

from graphml.build import array
from graphml.errors import FeatureError
from graphml.models import load
from graphml.spec import ImageFeatureType, Model


def _model():
    message = Model(specificationVersion=3)
    message.identity.SetInParent()
    for group in (message.description.input, message.description.output):
        group.add(name="whole").type.int64Type.SetInParent()
        group.add(name="number").type.doubleType.SetInParent()
        group.add(name="text").type.stringType.SetInParent()
        group.add(name="counts").type.dictionaryType.stringKeyType.SetInParent()
        group.add(name="words").type.sequenceType.stringType.SetInParent()
        group[-1].type.sequenceType.sizeRange.upperBound = -1
        group.add(name="array").type.CopyFrom(array(2, dtype="int32"))
        image = group.add(name="image").type.imageType
        image.width, image.height, image.colorSpace = 3, 2, ImageFeatureType.GRAYSCALE
    return message


def test_what_goes_in_comes_out():
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    given = {
        "whole": 3,
        "number": 0.1,
        "text": "é",
        "counts": {"a": 2.0},
        "words": ["x", "x"],
        "array": np.array([4, 5]),
    }
    answer = load(_model()).predict({**given, "image": pixels})
    assert np.array_equal(answer.pop("image"), pixels)
    assert np.array_equal(answer["array"], given["array"])
    assert answer.pop("array").dtype == np.int32
    given.pop("array")
    assert answer == given


def test_an_omitted_output():
    message = _model()
    del message.description.input[1:], message.description.output[1:]
    message.description.input[0].type.isOptional = True
    with pytest.raises(FeatureError, match="the output 'whole' is an optional input that was left out"):
        load(message).predict({})


def test_the_function_is_the_identity():
    x = np.arange(2)
    message = _model()
    del message.description.output[1:]
    assert load(message).as_function()({"whole": x, "number": 1.0})["whole"] is x


def test_an_image_gets_the_colours_of_the_output():
    message = _model()
    del message.description.input[:6], message.description.output[:6]
    for feature, colours in ((message.description.input[0], "RGB"), (message.description.output[0], "BGR")):
        feature.type.imageType.colorSpace = ImageFeatureType.ColorSpace.Value(colours)
    photo = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    model = load(message)
    assert np.array_equal(np.asarray(model.predict({"image": photo})["image"])[..., :3], photo)
    planes = model.check({"image": photo})
    assert np.array_equal(model.as_function()(planes)["image"], photo.transpose(2, 0, 1)[::-1])
