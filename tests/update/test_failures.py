"""Layers that fail in training, however they do it: the error is one of graphml and names the layer."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from update.networks import regression_data, with_recipe

import graphml
from graphml import spec
from graphml.build import NeuralNetworkBuilder, array
from graphml.errors import GraphmlError
from graphml.update import UpdateTask, update_many


def _raising(error: Exception):
    def layer(x, **_):
        raise error

    return layer


def _choosing(x, **_):
    return x if x.sum() > 0 else -x


def _looping(x, **_):
    return jax.lax.while_loop(lambda carry: carry[0] < 3, lambda carry: (carry[0] + 1, carry[1] * 2), (0, x))[1]


def _complex(x, **_):
    return x.astype(np.complex64)


def _calling(x, **_):
    """What goes wrong is seen when the program runs."""
    form = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return jax.pure_callback(lambda _: 1 / 0, form, jax.lax.stop_gradient(x), vmap_method="sequential")


def _model(layer: Any, *, frozen: bool) -> graphml.Model:
    """A custom layer below the layer that learns, so that it is run once for each sample; or above it."""
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(2)})
    dense = {"weights": np.ones((2, 3)), "bias": np.ones(2), "updatable": True}
    if frozen:
        builder.add("custom", "odd", ["x"], ["h"], class_name="Odd")
        builder.add("innerProduct", "top", ["h"], ["y"], **dense)
    else:
        builder.add("innerProduct", "top", ["x"], ["h"], **dense)
        builder.add("custom", "odd", ["h"], ["y"], class_name="Odd")
    model = with_recipe(builder, "y", "y_true", array(2))
    return graphml.load(spec.serialize(model), custom_layers={"Odd": layer})


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(
    ("layer", "frozen", "words"),
    [
        (_raising(KeyError("lost")), False, "lost"),
        (_raising(KeyError("lost")), True, "lost"),
        (_choosing, False, "boolean conversion of traced array"),
        (_looping, False, "Reverse-mode differentiation does not work"),
        (_complex, False, "complex64"),
        (_calling, True, "division by zero"),
    ],
)
def test_the_layer_is_named(layer, frozen, words, many):
    model = _model(layer, frozen=frozen)
    with pytest.raises(GraphmlError, match=rf"(?s)layer 'odd' \(custom\), number {1 if frozen else 2}\n.*{words}"):
        if many:
            update_many(model, [regression_data(6)], strict=False)
        else:
            task = UpdateTask(model, regression_data(6), strict=False)
            task.resume()
            task.wait(60)
            raise task.error or AssertionError("nothing failed")
