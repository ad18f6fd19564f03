"""Array inputs that become images, and what is done with their pixels."""

from __future__ import annotations

import numpy as np
import pytest

from graphml.build import NeuralNetworkBuilder, image
from graphml.build.datatypes import Array
from graphml.errors import GraphError, SpecError
from graphml.models import load

PIXELS = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)  # height, width, channels
FIRST = PIXELS.astype(np.float32).transpose(2, 0, 1)


def _answer(builder, pixels=PIXELS, name="x"):
    picture = pytest.importorskip("PIL.Image", reason="Pillow makes the images, and is not installed")
    (y,) = builder.model().predict({name: picture.fromarray(pixels)}).values()
    return np.squeeze(y)


def _passed(shape, output="y", **how):
    """Passes on what the layers see."""
    builder = NeuralNetworkBuilder([("x", Array(shape))], [(output, None)], disable_rank5_shape_mapping=True, **how)
    builder.add_activation("same", "LINEAR", "x", output, params=[1.0, 0.0])
    return builder


def test_scale_and_biases():
    builder = NeuralNetworkBuilder({"x": image(4, 2)}, {"y": None})
    builder.add_activation("same", "LINEAR", "x", "y")
    assert builder.preprocess("x", scale=0.5, red_bias=1, green_bias=2, blue_bias=3) is builder
    np.testing.assert_allclose(_answer(builder), FIRST * 0.5 + np.float32([1, 2, 3]).reshape(3, 1, 1))


def test_gray_bias():
    builder = NeuralNetworkBuilder({"x": image(4, 2, "GRAYSCALE")}, {"y": None})
    builder.add_activation("same", "LINEAR", "x", "y")
    builder.preprocess(gray_bias=7)  # the only image need not be named; no scale is a scale of 1
    np.testing.assert_allclose(_answer(builder, PIXELS[:, :, 0]), FIRST[0] + 7)


def test_a_mean_image_is_subtracted():
    builder = NeuralNetworkBuilder({"x": image(4, 2)}, {"y": None})
    builder.add_activation("same", "LINEAR", "x", "y")
    builder.preprocess("x", mean_image=FIRST / 2)
    np.testing.assert_allclose(_answer(builder), FIRST / 2)


@pytest.mark.parametrize("bgr", [False, True])
def test_arrays_become_images(bgr):
    builder = _passed((3, 2, 4))
    builder.set_pre_processing_parameters(["x"], is_bgr=bgr, red_bias={"x": 1.0}, blue_bias=3.0, image_scale=2.0)
    (feature,) = builder.spec.description.input
    assert (feature.type.imageType.width, feature.type.imageType.height) == (4, 2)
    biased = FIRST * 2 + np.float32([1, 0, 3]).reshape(3, 1, 1)
    np.testing.assert_allclose(_answer(builder), biased[::-1] if bgr else biased)


def test_one_channel_is_grayscale_and_other_settings_stay_as_usual():
    builder = _passed((1, 1, 2, 4))
    builder.set_pre_processing_parameters("x", gray_bias={"x": 4.0}, image_scale={})
    kind = builder.spec.description.input[0].type.imageType
    assert kind.colorSpace == kind.GRAYSCALE
    np.testing.assert_allclose(_answer(builder, PIXELS[:, :, 1]), FIRST[1] + 4)


@pytest.mark.parametrize("shape", [(2, 4, 3), (1, 2, 4, 3)])
def test_a_network_for_channels_last_gets_what_it_was_built_for(shape):
    builder = _passed(shape)
    builder.set_pre_processing_parameters(["x"], image_format="nhwc")
    np.testing.assert_allclose(_answer(builder), PIXELS)


def test_layers_for_four_axes_get_an_image_of_four_axes():
    spec = _passed((1, 2, 4, 3)).spec
    NeuralNetworkBuilder(spec=spec).set_pre_processing_parameters(["x"], image_format="NHWC")
    assert spec.neuralNetwork.imageInputShapeMapping == 1
    np.testing.assert_allclose(np.squeeze(load(spec).predict({"x": PIXELS})["y"]), PIXELS)


@pytest.mark.parametrize(("shape", "axes"), [((2, 4, 3), (2, 0, 1)), ((1, 2, 4, 3), (0, 3, 1, 2))])
def test_a_network_that_begins_with_a_transposition_loses_it(shape, axes):
    builder = NeuralNetworkBuilder([("x", Array(shape))], [("y", None)], disable_rank5_shape_mapping=True)
    builder.add_transpose("first", axes, "x", "h")
    builder.add_activation("same", "LINEAR", "h", "y")
    builder.set_pre_processing_parameters(["x"], image_format="NHWC")
    assert builder.layers == ["same"]
    np.testing.assert_allclose(_answer(builder), FIRST)


@pytest.mark.parametrize("shape", [(2, 2, 4), (3, 4), (1, 1, 3, 2, 4)])
def test_other_shapes_are_not_images(shape):
    with pytest.raises(SpecError, match="rank 3 or 4"):
        _passed(shape).set_pre_processing_parameters(["x"])


def test_unknown_names_and_layouts_are_refused():
    builder = _passed((3, 2, 4))
    with pytest.raises(GraphError, match="there is no input 'z'; the inputs are x"):
        builder.set_pre_processing_parameters(["z"])
    with pytest.raises(GraphError, match="there are settings for z, not listed in image_input_names"):
        builder.set_pre_processing_parameters(["x"], red_bias={"z": 1.0})
    with pytest.raises(SpecError, match="image_format is 'CHWN'; expected NCHW or NHWC"):
        builder.set_pre_processing_parameters(["x"], image_format="CHWN")
