"""Networks that read a sequence although their interface declares a vector: errors say in which shape they take it."""

import numpy as np
import pytest
from cases import numbers

import graphml
from graphml.build import NeuralNetworkBuilder, datatypes
from graphml.errors import FeatureError, ShapeError
from graphml.frontends.sequences import sequence_shapes

_SIZE = 2


def _reader(declared: int, channels: int, *first):
    """A model whose recurrent layer reads `channels` numbers a step, behind some layers (kind, fields)."""
    builder = NeuralNetworkBuilder([("x", datatypes.Array(declared))], [("y", None)])
    blob = "x"
    for position, (kind, fields) in enumerate(first):
        builder.add(kind, f"{kind} {position}", [blob], [f"h{position}"], **fields)
        blob = f"h{position}"
    cell = {"weight_matrix": numbers(_SIZE, channels), "recursion_matrix": numbers(_SIZE, _SIZE, seed=1)}
    builder.add("simpleRecurrent", "cell", [blob], ["y"], activation="tanh", sequence_output=True, **cell)
    return graphml.load(builder.spec)


_EMBEDDING = ("embedding", {"weights": numbers(3, 10), "input_dim": 10, "output_channels": 3})
_SCALE = ("activation", {"nonlinearity_type": "tanh"})
_PERMUTE = ("permute", {"axis": (3, 1, 2, 0)})  # the sequence to the width


@pytest.mark.parametrize(
    ("declared", "channels", "layers", "shape"),
    [
        (3, 3, [], "[sequence, batch, 3, 1, 1]"),  # one step
        (12, 3, [_SCALE], "[4, 1, 3, 1, 1]"),  # all steps
        (5, 3, [_EMBEDDING], "[5, 1, 1, 1, 1]"),  # all words
        (1, 3, [_EMBEDDING, _SCALE], "[sequence, batch, 1, 1, 1]"),  # one word
        (6, 3, [_PERMUTE], "[sequence, batch, 6, 1, 1]"),  # a layer in between may use steps differently
    ],
)
def test_the_shape_of_a_sequence(declared, channels, layers, shape):
    model = _reader(declared, channels, *layers)
    assert sequence_shapes(model.graph, model.interface.vectors) == {"x": shape}


@pytest.mark.parametrize(("declared", "layers"), [(12, []), (5, [_EMBEDDING])])
def test_an_error_says_the_shape_and_the_shape_is_taken(declared, layers):
    model = _reader(declared, 3, *layers)
    shape = (4, 1, 3, 1, 1) if not layers else (5, 1, 1, 1, 1)
    words = f"the network reads a sequence: give 'x' as {list(shape)}"
    steps = np.arange(declared, dtype=np.float32)
    with pytest.raises(ShapeError) as caught:
        model.predict({"x": steps})
    assert words in str(caught.value)
    with pytest.raises(FeatureError) as caught:
        model.predict({"x": steps[1:]})
    assert str(caught.value).endswith(words)
    assert model.predict({"x": steps.reshape(shape)})["y"].shape == (shape[0], 1, _SIZE, 1, 1)


def test_networks_without_sequences_say_nothing_of_them():
    weights = {"weights": numbers(2, 3), "input_channels": 3, "output_channels": 2}
    builder = NeuralNetworkBuilder([("x", datatypes.Array(4))], [("y", None)])
    model = graphml.load(builder.add("innerProduct", "product", ["x"], ["y"], **weights).spec)
    with pytest.raises(ShapeError) as caught:
        model.predict({"x": np.zeros(4, np.float32)})
    assert "sequence:" not in str(caught.value)


def test_a_file_that_declares_one_step_reads_many(real_models):
    model = graphml.load(real_models / "exermote" / "PredictionModel.mlmodel")
    with pytest.raises(ShapeError, match=r"give 'accelerations' as \[sequence, batch, 12, 1, 1\]"):
        model.predict({"accelerations": np.zeros(12)})
    scores = model.predict({"accelerations": np.zeros((40, 1, 12, 1, 1))})["scores"]
    np.testing.assert_allclose(scores.sum(), 1, rtol=1e-5)
