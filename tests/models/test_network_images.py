"""Images of networks: preprocessing, and the layout in which layers get them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphml.build import NeuralNetworkBuilder, array, image
from graphml.errors import SpecError
from graphml.models import load


def image_network(color: Any, **preprocessing) -> NeuralNetworkBuilder:
    channels = 1 if color == "GRAYSCALE" else 3
    builder = NeuralNetworkBuilder({"photo": image(2, 2, color)}, {"y": array(channels, 2, 2)})
    builder.add("activation", "same", ["photo"], ["y"], linear={"alpha": 1.0})
    return builder.preprocess(**preprocessing) if preprocessing else builder


PHOTO = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)


@pytest.mark.parametrize(
    ("color", "bias"), [("RGB", [1, 2, 3]), ("BGR", [3, 2, 1]), ("GRAYSCALE", [4])], ids=["rgb", "bgr", "gray"]
)
def test_the_scaler_multiplies_then_adds_the_bias_of_each_colour(color, bias):
    model = load(image_network(color, scale=0.5, red_bias=1, green_bias=2, blue_bias=3, gray_bias=4).spec)
    photo = PHOTO[..., 0] if color == "GRAYSCALE" else PHOTO
    planes = photo[None] if color == "GRAYSCALE" else photo.transpose(2, 0, 1)[:: -1 if color == "BGR" else 1]
    y = model.predict({"photo": photo})["y"]
    np.testing.assert_allclose(y, planes * 0.5 + np.array(bias)[:, None, None], rtol=1e-6)


@pytest.mark.parametrize("rank4", [False, True])
def test_layers_written_for_an_array_of_rank_3_take_an_image(rank4):
    """A converter that makes an image of an array [height, width, channels] puts a transpose of three axes in front."""
    builder = NeuralNetworkBuilder({"photo": image(2, 2, "RGB")}, {"y": array(2, 2, 3), "z": None}, exact=True)
    builder.add("transpose", "to_nhwc", ["photo"], ["y"], axes=(1, 2, 0))
    builder.add("expandDims", "batch", ["y"], ["b"], axes=(0,)).add(
        "transpose", "back", ["b"], ["c"], axes=(0, 3, 1, 2)
    )
    builder.add("reduceSum", "pixels", ["c"], ["z"], axes=(2, 3), keep_dims=False)
    builder.network.imageInputShapeMapping = int(rank4)
    outputs = load(builder.spec).predict({"photo": PHOTO})
    pixels = np.asarray(PHOTO, np.float32)
    np.testing.assert_array_equal(outputs["y"], pixels)
    np.testing.assert_array_equal(outputs["z"], pixels.sum((0, 1))[None])


def test_the_mean_image_is_subtracted():
    mean = np.arange(12.0)[::-1].reshape(3, 2, 2)
    y = load(image_network("BGR", mean_image=mean).spec).predict({"photo": PHOTO})["y"]
    np.testing.assert_allclose(y, PHOTO.transpose(2, 0, 1)[::-1] - mean)


def test_preprocessing_that_fits_no_image_is_refused():
    short = image_network("RGB", mean_image=np.zeros(5)).spec
    # the interface is built when it is used, so that such a file still loads
    with pytest.raises(SpecError, match="5"):
        load(short).predict({"photo": PHOTO})
    stray = image_network("RGB", image="other", scale=1.0).spec
    with pytest.raises(SpecError, match="other"):
        load(stray).predict({"photo": PHOTO})
    twice = image_network("RGB", scale=1.0).preprocess("photo", scale=2.0).spec
    with pytest.raises(SpecError, match="photo"):
        load(twice).predict({"photo": PHOTO})


@pytest.mark.parametrize("color", ["RGB", "BGR", "GRAYSCALE"])
def test_images_come_back_as_pictures(color):
    pytest.importorskip("PIL", reason="pictures need Pillow, which is not installed")
    builder = NeuralNetworkBuilder({"photo": image(2, 2, color)}, {"y": image(2, 2, color)})
    builder.add("activation", "same", ["photo"], ["y"], linear={"alpha": 1.0})
    photo = PHOTO[..., 0] if color == "GRAYSCALE" else PHOTO
    picture = load(builder.spec).predict({"photo": photo})["y"]
    assert picture.mode == ("L" if color == "GRAYSCALE" else "RGBA")
    np.testing.assert_array_equal(np.asarray(picture)[..., :3] if color != "GRAYSCALE" else np.asarray(picture), photo)
