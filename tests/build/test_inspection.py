"""What the builder prints about what has been built."""

from __future__ import annotations

import numpy as np
import pytest

from graphml.build import AdamParams, NeuralNetworkBuilder, SgdParams
from graphml.build.datatypes import Array
from graphml.errors import GraphError


@pytest.fixture
def builder():
    builder = NeuralNetworkBuilder([("x", Array(3, 4, 4))], [("y", Array(2))])
    builder.add_convolution(
        "conv", 3, 5, 4, 4, 1, 1, "valid", 1, np.ones((4, 4, 3, 5)), None, False, False, None, "x", "h"
    )
    builder.add_inner_product("dense", np.ones((2, 5)), np.zeros(2), 5, 2, True, "h", "y")
    return builder


def test_layers_come_last_first(builder, capsys):
    builder.inspect_layers()
    everything = capsys.readouterr().out
    assert everything.splitlines() == [
        *("[1] dense (innerProduct)", "      h -> y"),
        *("[0] conv (convolution)", "      x -> h"),
    ]
    builder.inspect_layers(last=1)
    assert capsys.readouterr().out.splitlines() == everything.splitlines()[:2]
    builder.inspect_layers(last=1, verbose=True)
    assert "      output_channels = 2" in capsys.readouterr().out.splitlines()
    builder.inspect_layers(last=0)
    assert capsys.readouterr().out == ""


def test_layers_that_learn(builder, capsys):
    builder.inspect_updatable_layers()
    assert capsys.readouterr().out == ""
    builder.make_updatable(["dense"])
    builder.inspect_updatable_layers()
    assert capsys.readouterr().out == "dense (innerProduct): h -> y\n"
    builder.inspect_layers(last=1)
    assert capsys.readouterr().out.startswith("[1] dense (innerProduct), updatable\n")


def test_features(builder, capsys):
    builder.inspect_input_features()
    builder.inspect_output_features()
    inputs, outputs = capsys.readouterr().out.splitlines()
    assert inputs.startswith("[0] x: ")
    assert "3" in inputs
    assert outputs.startswith("[0] y: ")


def test_loss(builder, capsys):
    builder.inspect_loss_layers()
    assert capsys.readouterr().out == "no loss\n"
    builder.set_mean_squared_error_loss("loss", "y")
    builder.inspect_loss_layers()
    assert capsys.readouterr().out == "[0] loss (meanSquaredErrorLossLayer): y against y_true\n"


def test_optimizer(builder, capsys):
    builder.inspect_optimizer()
    assert capsys.readouterr().out == "no optimizer\n"
    params = SgdParams(lr=0.25, batch=8)
    params.set_batch(8, allowed_set=[16, 8])
    builder.set_sgd_optimizer(params)
    builder.inspect_optimizer()
    assert capsys.readouterr().out.splitlines() == [
        "sgdOptimizer",
        "      learningRate = 0.25, from 0.0 to 1.0",
        "      miniBatchSize = 8, one of 8, 16",
        "      momentum = 0.0, from 0.0 to 1.0",
    ]
    builder.set_adam_optimizer(AdamParams())
    builder.inspect_optimizer()
    assert capsys.readouterr().out.startswith("adamOptimizer\n")


def test_channels(builder, capsys):
    builder.inspect_conv_channels("conv")
    assert capsys.readouterr().out == "outputChannels: 5\nkernelChannels: 3\n"
    builder.inspect_innerproduct_channels("dense")
    assert capsys.readouterr().out == "inputChannels: 5\noutputChannels: 2\n"
    with pytest.raises(GraphError, match="layer 'dense' is an innerProduct, not a convolution"):
        builder.inspect_conv_channels("dense")
    with pytest.raises(GraphError, match="there is no layer 'relu'; the layers are 'conv', 'dense'"):
        builder.inspect_innerproduct_channels("relu")
