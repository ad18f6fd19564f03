"""Images in pipelines: each stage gets them in the colours and the size that it declares."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from one_model import array, joined

import graphml
from graphml.build import NeuralNetworkBuilder, image


def test_an_image_passes_from_network_to_network():
    first = NeuralNetworkBuilder({"photo": image(4, 2)}, {"brighter": image(4, 2)})
    first.add("activation", "add", ["photo"], ["brighter"], linear={"alpha": 1.0, "beta": 10.0})
    second = NeuralNetworkBuilder({"brighter": image(4, 2, "BGR")}, {"y": array(3, 2, 4)})
    second.add("activation", "same", ["brighter"], ["y"], linear={"alpha": 1.0})
    model = graphml.load(joined([first.spec, second.spec], {"photo": image(4, 2)}, {"y": array(3, 2, 4)}))
    photo = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    np.testing.assert_array_equal(model.predict({"photo": photo})["y"], photo.transpose(2, 0, 1)[::-1] + 10.0)


def same(source, color, result="y", width=4, height=2):
    net = NeuralNetworkBuilder(
        {source: image(width, height, color)}, {result: array(1 if color == "GRAYSCALE" else 3, height, width)}
    )
    net.add("activation", "same", [source], [result], linear={"alpha": 1.0})
    return net.spec


PHOTO = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
LUMA = PHOTO @ [0.299, 0.587, 0.114]
SEEN = {  # (what the pipeline declares, what the stage does): the planes that the stage sees
    ("RGB", "BGR"): PHOTO.transpose(2, 0, 1)[::-1],
    ("BGR", "RGB"): PHOTO.transpose(2, 0, 1),
    ("RGB", "RGB"): PHOTO.transpose(2, 0, 1),
    ("BGR", "BGR"): PHOTO.transpose(2, 0, 1)[::-1],
    ("RGB", "GRAYSCALE"): LUMA[None],
    ("BGR", "GRAYSCALE"): LUMA[None],
    ("GRAYSCALE", "BGR"): np.stack([LUMA] * 3),
}


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(("given", "taken"), SEEN)
def test_a_stage_sees_an_image_in_the_colours_that_it_declares(given, taken, fused):
    expected, photo = SEEN[given, taken], LUMA.astype(np.float32) if given == "GRAYSCALE" else PHOTO
    stages = [same("photo", taken, "h")]
    if fused:
        copy = NeuralNetworkBuilder({"h": array(*expected.shape)}, {"y": array(*expected.shape)})
        copy.add("activation", "same", ["h"], ["y"], linear={"alpha": 1.0})
        stages.append(copy.spec)
    name = "y" if fused else "h"
    message = joined(stages, {"photo": image(4, 2, given)}, {name: array(*expected.shape)})
    model = graphml.load(joined([message], {"photo": image(4, 2, given)}, {name: array(*expected.shape)}))  # nested
    planes = model.check({"photo": photo})
    found = [
        model.predict({"photo": photo}),
        model.predict_batch([{"photo": photo}])[0],
        model.intermediates({"photo": photo}),
        model.as_function()(planes),
        jax.jit(model.as_function())(planes),
    ]
    for answer in found:
        np.testing.assert_allclose(answer[name], expected, atol=1e-5)


def test_stages_of_other_colours_read_the_same_image():
    message = joined(
        [same("photo", "BGR", "a"), same("photo", "RGB", "b"), same("photo", "GRAYSCALE", "c")],
        {"photo": image(4, 2)},
        {"a": array(3, 2, 4), "b": array(3, 2, 4), "c": array(1, 2, 4)},
    )
    answer = graphml.load(message).predict({"photo": PHOTO})
    for name, colours in (("a", ("RGB", "BGR")), ("b", ("RGB", "RGB")), ("c", ("RGB", "GRAYSCALE"))):
        np.testing.assert_allclose(answer[name], SEEN[colours], atol=1e-5)


def test_an_image_gets_the_colours_and_the_size_of_the_stage_at_once():
    photo = np.zeros((4, 4, 3), np.uint8)
    photo[:] = 10, 20, 30
    message = joined([same("photo", "BGR", width=2)], {"photo": image(4, 4)}, {"y": array(3, 2, 2)})
    answer = graphml.load(message).predict({"photo": photo})["y"]
    assert answer[:, 0, 0].tolist() == [30, 20, 10]


def test_the_stage_that_is_trained_sees_the_image_in_its_own_colours():
    model = graphml.load(joined([same("photo", "BGR")], {"photo": image(4, 2)}, {"y": array(3, 2, 4)}))
    np.testing.assert_array_equal(model.before_last([{"photo": PHOTO}])[0]["photo"], SEEN["RGB", "BGR"])


def test_an_image_is_scaled_on_the_way_into_a_stage_of_another_size():
    small = NeuralNetworkBuilder({"photo": image(2, 2)}, {"y": array(3, 2, 2)})
    small.add("activation", "same", ["photo"], ["y"], linear={"alpha": 1.0})
    model = graphml.load(joined([small.spec], {"photo": image(4, 4)}, {"y": array(3, 2, 2)}))
    assert (model.predict({"photo": np.full((4, 4, 3), 7, np.uint8)})["y"] == 7).all()
