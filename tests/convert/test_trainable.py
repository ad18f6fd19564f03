"""Layers of a converted network, found in its source by their numbers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from update.converted import built, images, keras, normal, two_dense
from update.networks import network

import graphml
from graphml.build import NeuralNetworkBuilder, array
from graphml.convert.trainable import frozen_layers, respect_trainable, source_weights
from graphml.errors import UpdateError
from graphml.spec.weights import quantize
from graphml.update import UpdateTask


def _keras_weights(**trainable: bool) -> dict[str, tuple[np.ndarray, bool]]:
    """What `keras()` may have been converted from: kernels in Keras' layouts."""
    parameters = built(keras).parameters
    conv, one, two = (parameters[name] for name in ("c/conv", "d/one", "d/two"))
    weights = {
        "conv/kernel": np.transpose(conv["weights"], (2, 3, 1, 0)),
        "conv/bias": conv["bias"],
        "one/kernel": one["weights"].T,
        "two/kernel": two["weights"].T,
        "two/bias": np.zeros(3, np.float32),
    }
    return {name: (value, trainable.get(name.partition("/")[0], True)) for name, value in weights.items()}


def test_transposed_kernels_are_found():
    found = frozen_layers(_keras_weights(conv=False), built(keras).spec)
    assert (found.frozen, found.trainable) == (("c/conv",), ("d/one", "d/two"))
    assert (dict(found.unknown), dict(found.notes)) == ({}, {})
    assert found.sources["c/conv"] == ("conv/kernel", "conv/bias")


def test_frozen_layers_stay_and_the_others_learn():
    result, found = respect_trainable(built(keras), _keras_weights(conv=False, one=False), epochs=3, batch_size=2)
    assert (result.trained, result.frozen) == (("d/two",), ("c/conv", "d/one"))
    assert found.frozen == result.frozen
    rows = [{"x": normal(1, 6, 6, 2, seed=i), "y_true": np.int32([i])} for i in range(3)]
    model = network(result.model.spec)
    task = UpdateTask(model, rows)
    task.resume()
    task.wait(60)
    assert task.error is None
    old, new = model.parameters, task.model.parameters
    for name in ("c/conv", "d/one"):
        np.testing.assert_array_equal(new[name]["weights"], old[name]["weights"])
    assert not np.array_equal(new["d/two"]["weights"], old["d/two"]["weights"])


def test_layers_that_cannot_be_found_stay_unless_nothing_is_frozen():
    weights = _keras_weights(conv=False)
    del weights["one/kernel"]
    result, found = respect_trainable(built(keras), weights)
    assert dict(found.unknown) == {"d/one": "no weights of the source have its values"}
    assert (result.trained, result.frozen) == (("d/two",), ("c/conv", "d/one"))
    weights = _keras_weights()
    del weights["one/kernel"]
    assert respect_trainable(built(keras), weights)[0].trained == ("c/conv", "d/one", "d/two")
    assert respect_trainable(built(keras), weights, ["d/*"])[0].trained == ("d/one", "d/two")


def test_channels_that_a_batch_norm_has_scaled_are_found_by_their_directions():
    weights = _keras_weights(conv=False)
    kernel = weights["conv/kernel"][0]
    scale = np.float32([0.3, -1.7, 20, 1e-3])
    weights["conv/kernel"] = ((kernel * scale), False)
    weights["other/kernel"] = (normal(3, 3, 2, 4, seed=8), True)
    del weights["conv/bias"]
    found = frozen_layers(weights, built(keras).spec)
    assert found.frozen == ("c/conv",)
    assert found.notes["c/conv"] == "its channels are scaled, as by a batch norm that was merged into it"
    # two sources have these directions
    weights["twin/kernel"] = (kernel * 2 * scale, True)
    assert "c/conv" in frozen_layers(weights, built(keras).spec).unknown
    # the bias alone decides
    weights["conv/bias"] = (built(keras).parameters["c/conv"]["bias"], True)
    assert "c/conv" in frozen_layers(weights, built(keras).spec).trainable


def _twins(**fields: Any) -> Any:
    builder = NeuralNetworkBuilder({"x": array(1, 4)}, {"y": array(1, 4)}, exact=True)
    for name, source, result in (("first", "x", "h"), ("second", "h", "y")):
        builder.add("innerProduct", name, [source], [result], **fields)
    return network(builder.spec)


def test_equal_weights_are_distinguished_by_order_or_not_at_all():
    same = normal(4, 4)
    twins = _twins(weights=same)
    found = frozen_layers({"a": (same, True), "b": (same.copy(), False)}, twins.spec)
    assert (found.trainable, found.frozen) == (("first",), ("second",))
    assert found.notes["second"] == "a, b have the same values; it was matched with b by its position"
    found = frozen_layers({"a": (same, True), "b": (same, False), "c": (same, True)}, twins.spec)
    assert set(found.unknown) == {"first", "second"}
    assert found.unknown["first"] == "a, b, c have the same values, and only some of them are trainable"
    # it does not matter which one it is
    assert frozen_layers({"a": (same, False), "b": (same, False)}, twins.spec).frozen == ("first", "second")
    assert frozen_layers({"shared": (same, True)}, twins.spec).trainable == ("first", "second")


def test_quantized_and_new_weights_are_not_found_and_half_precision_is():
    same = normal(4, 4)
    found = frozen_layers({"a": (same, True)}, _twins(weights=quantize(same)).spec)
    assert found.unknown["first"] == "its weights are quantized, so they are no longer those of the source"
    found = frozen_layers({"a": (np.ones((4, 4)), True)}, _twins(weights=np.ones((4, 4))).spec)
    assert found.unknown["first"] == "its weights are all equal, as in a new layer"
    half = _twins(weights=same.astype(np.float16))
    assert frozen_layers({"a": (same, True)}, half.spec).trainable == ("first", "second")


def test_a_layer_that_is_frozen_in_part_is_frozen():
    weights, bias = normal(4, 4), normal(4, seed=3)
    found = frozen_layers({"w": (weights, True), "b": (bias, False)}, _twins(weights=weights, bias=bias).spec)
    assert found.frozen == ("first", "second")
    assert found.notes["first"].startswith("some of its weights are trainable in the source and some are not")


def test_gates_and_constants_are_found():
    kernel, recursion = normal(3, 16), normal(4, 16, seed=1)  # as Keras has them: four gates side by side
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": None})
    gates = ("input_gate", "forget_gate", "block_input", "output_gate")
    cell = {f"{gate}_weight_matrix": kernel[:, 4 * i : 4 * i + 4].T for i, gate in enumerate(gates)}
    cell |= {f"{gate}_recursion_matrix": recursion[:, 4 * i : 4 * i + 4].T for i, gate in enumerate(gates)}
    activations = ["sigmoid", "tanh", "tanh"]
    fields: dict[str, Any] = {"weight_params": cell, "activations": activations}
    builder.add("uniDirectionalLSTM", "lstm", ["x"], ["y"], **fields)
    weights = {"kernel": (kernel, False), "recurrent_kernel": (recursion, False)}
    assert frozen_layers(weights, builder.spec).sources["lstm"] == ("kernel", "recurrent_kernel")
    builder = NeuralNetworkBuilder({"x": array(2, 3)}, {"y": None}, exact=True)
    builder.add("loadConstantND", "constant", [], ["k"], data=kernel, shape=(3, 16))
    builder.add("batchedMatmul", "product", ["x", "k"], ["y"])
    assert frozen_layers(weights, builder.spec).frozen == ("product",)


def test_sources_give_their_weights():
    class Parameter:
        def __init__(self, values: np.ndarray, requires_grad: bool) -> None:
            self.values, self.requires_grad = values, requires_grad

        detach = cpu = float = lambda self: self

        def numpy(self) -> np.ndarray:
            return self.values

    module = SimpleNamespace(named_parameters=lambda: [("fc.weight", Parameter(normal(2, 2), False))])
    (name, (_, trainable)), *_ = source_weights(module).items()
    assert (name, trainable) == ("fc.weight", False)
    variables = [
        SimpleNamespace(path=path, numpy=lambda value=value: value, trainable=trainable)
        for path, value, trainable in (
            ("d/kernel", normal(2, 2), True),
            ("b/moving_mean", normal(2), False),
            ("dropout/seed", np.int32([1, 2]), False),
        )
    ]
    assert list(source_weights(SimpleNamespace(layers=[], weights=variables))) == ["d/kernel"]
    with pytest.raises(TypeError, match="expected a torch module or a Keras model, got list"):
        source_weights([])


def test_other_models_are_refused():
    with pytest.raises(UpdateError, match="only neural networks can be trained"):
        frozen_layers({}, graphml.spec.Model(specificationVersion=1, scaler={}))


def test_a_network_with_slashes_in_its_names_has_no_sub_networks():
    builder = two_dense(images())
    builder.add("softmax", "a/softmax", ["z"], ["y"])
    assert type(graphml.recipes.completed(builder.spec, graphml.recipes.Recipe()).losses[0]).__name__ == "CrossEntropy"
