"""TensorFlow and Keras models through `graphml.convert`. Needs both packages, which CI does not install."""

from __future__ import annotations

import pytest

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed here; the extra `tensorflow` installs it")
keras = pytest.importorskip("keras", reason="Keras is not installed here; the extra `tensorflow` installs it")
pytest.importorskip("coremltools", reason="coremltools is not installed here; the extra `tensorflow` installs it")

from convert import tensorflow_models as models  # noqa: E402

import graphml  # noqa: E402
from graphml.convert import Flexible, ImageInput, Input, explain  # noqa: E402
from graphml.errors import FeatureError, SpecError, UnsupportedError  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of TensorFlow and coremltools

BOTH = pytest.mark.parametrize("to", ["neuralnetwork", "mlprogram"])
NAMES = ("input_ids", "input_mask", "segment_ids")


def agrees(model, tolerance=1e-4):
    assert model.conversion.check.outputs
    assert model.conversion.check.error < tolerance
    print(model.conversion)
    return model


@BOTH
def test_a_frozen_bert(to, tmp_path):
    path = models.frozen_bert(tmp_path)
    length = Flexible(1, 32, default=8)
    model = graphml.convert(path, dict.fromkeys(NAMES, (1, length)), to=to, outputs=["start", "end"])
    assert [feature.name for feature in agrees(model).description.outputs] == ["start", "end"]
    assert len(model.conversion.check.shapes) == 3


def test_a_frozen_bert_as_it_is(tmp_path):
    model = agrees(graphml.convert(models.frozen_bert(tmp_path)))
    assert {feature.name for feature in model.description.inputs} == set(NAMES)


@pytest.mark.parametrize("name", models.BUMPS)
def test_what_the_converters_of_2018_refused(name):
    function, shape = models.BUMPS[name]
    agrees(graphml.convert(models.frozen(function, {"x": shape})))


@BOTH
@pytest.mark.parametrize("size", [1, None])
def test_noise_is_drawn_again_for_flexible_shapes(to, size):
    tf.random.set_seed(None)  # TensorFlow gives every operation a seed once another test has set a global one
    model = graphml.convert(models.frozen(lambda x: x + tf.random.normal(tf.shape(x)), {"x": (size, 4)}), to=to)
    assert model.draws() is (size is None)
    assert len(model.conversion.check.notes) == (1 if size is None else 2)


def test_noise_with_a_seed_stays_the_same():
    model = graphml.convert(models.frozen(lambda x: x + tf.random.normal(tf.shape(x), seed=5), {"x": (None, 4)}))
    assert not model.draws()


def test_outputs_get_the_names_of_nodes_inside():
    graph = models.frozen(lambda x: tf.identity(tf.identity(x * 2.0, name="y") + 1.0, name="z"), {"x": (1, 4)})
    model = agrees(graphml.convert(graph, outputs=["y"]))
    assert [feature.name for feature in model.description.outputs] == ["y"]


@BOTH
def test_basic_pitch(to, real_models):
    folder = real_models / "basic-pitch" / "saved_model"
    if not folder.exists():
        pytest.skip("basic-pitch is not among the real models here")
    model = agrees(graphml.convert(folder, {"audio": (1, 43844, 1)}, to=to), 1e-3)
    assert {feature.name for feature in model.description.outputs} == {"note", "onset", "contour"}


@pytest.fixture(scope="module")
def cnn():
    net = keras.Sequential(
        [
            keras.Input((16, 16, 3), name="picture"),
            keras.layers.Conv2D(4, 3, activation="relu", name="c1"),
            keras.layers.BatchNormalization(name="bn"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(6, 3, padding="same", name="c2"),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation="relu", name="d1"),
            keras.layers.Dense(3, activation="softmax", name="d2"),
        ]
    )
    net.get_layer("c1").trainable = net.get_layer("c2").trainable = False
    return net


@BOTH
def test_a_keras_model(cnn, to):
    model = agrees(graphml.convert(cnn, {"picture": (1, 16, 16, 3)}, to=to))
    assert model.description.outputs[0].name == "d2"


@pytest.mark.parametrize("suffix", [".keras", ".h5", ""])
def test_files_of_keras(cnn, suffix, tmp_path):
    path = tmp_path / f"net{suffix}"
    if suffix:
        cnn.save(path)
    else:
        cnn.export(str(path), verbose=False)
    agrees(graphml.convert(path))


def test_an_image_in_the_layout_of_tensorflow(cnn):
    image = ImageInput((1, 16, 16, 3), scale=1 / 255, bias=(-0.5, -0.4, -0.3))
    model = agrees(graphml.convert(cnn, {"picture": image}, class_labels=["a", "b", "c"]))
    assert model.description.inputs[0].image.width == 16
    assert model.description.predicted_feature_name == "classLabel"


def test_flags_of_keras_are_found(cnn):
    names = explain(cnn, respect_trainable=True).trainable
    assert {name.split("/")[-2] for name in names} == {"bn", "d1", "d2"}


def test_several_inputs_and_outputs():
    a, b = keras.Input((5,), name="a"), keras.Input((4,), name="b")
    p = keras.layers.Dense(3, name="p")(keras.layers.concatenate([a, b]))
    model = agrees(graphml.convert(keras.Model([a, b], [p, keras.layers.Dense(2, name="q")(a)])))
    assert [feature.name for feature in model.description.outputs] == ["p", "q"]


def test_what_cannot_be_converted_is_listed():
    def odd(x):
        return {"y": tf.math.lgamma(x), "z": tf.math.bessel_i0(x) + tf.math.lgamma(x + 1.0)}

    function = tf.function(odd, autograph=False).get_concrete_function(tf.TensorSpec((2, 3), tf.float32, "x"))
    with pytest.raises(UnsupportedError, match="cannot convert 2 operators") as caught:
        graphml.convert(function)
    assert "Lgamma (2)" in str(caught.value)
    assert "BesselI0 (1)" in str(caught.value)


def test_graphs_that_are_refused(tmp_path):
    (tmp_path / "broken.pb").write_bytes(b"abc")
    with pytest.raises(SpecError, match="cannot be read as a frozen graph"):
        graphml.convert(tmp_path / "broken.pb")
    with tf.Graph().as_default() as graph:
        tf.compat.v1.get_variable("v", (2,), use_resource=False)
    with pytest.raises(UnsupportedError, match="not frozen: it has 1 variables, such as 'v'"):
        graphml.convert(graph.as_graph_def())
    with pytest.raises(FeatureError, match="no input 'y', 'z'; it takes 'x'"):
        graphml.convert(models.frozen(lambda x: x * 2.0, {"x": (2,)}), {"y": (2,), "z": Input((3,))})
