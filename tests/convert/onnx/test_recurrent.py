"""Recurrent operators, as layers of that kind and as loops, judged by onnxruntime."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime
import pytest
from onnx import helper
from onnx_models import agree, graph

import graphml
from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

RANDOM = np.random.default_rng(5)
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STEPS, BATCH, IN, SIZE = 4, 3, 2, 5


def numbers(*shape):
    return np.float32(RANDOM.normal(size=shape))


class Model:
    """Recurrent nodes over one input, each with its own weights; all outputs are outputs of the model."""

    def __init__(self):
        self.nodes, self.constants, self.outputs, self.inputs = [], {}, [], {}

    def add(self, kind, *, states=False, lengths="", bias=True, peepholes=False, run_time=False, skip=(), **attributes):
        name, gates = f"n{len(self.nodes)}", GATES[kind]
        count = 2 if attributes.get("direction") == "bidirectional" else 1
        shapes = {"w": (count, gates * SIZE, IN), "r": (count, gates * SIZE, SIZE)}
        shapes |= {"b": (count, 2 * gates * SIZE)} if bias else {}
        shapes |= {"h": (count, BATCH, SIZE)} if states else {}
        shapes |= {"c": (count, BATCH, SIZE)} if states and kind == "LSTM" else {}
        shapes |= {"p": (count, 3 * SIZE)} if peepholes else {}
        for part, shape in shapes.items():
            self.constants[name + part] = numbers(*shape)
        for part in "wrb" if run_time else ():
            self.inputs[name + part] = self.constants.pop(name + part)
        given = [name + part if part in shapes else "" for part in ("w", "r", "b")]
        given += [lengths, *(name + part if part in shapes else "" for part in ("h", "c", "p"))]
        while not given[-1]:
            given.pop()
        ends = ["y", "y_h", "y_c"] if kind == "LSTM" else ["y", "y_h"]
        made = ["" if end in skip else f"{name}_{end}" for end in ends]
        self.nodes.append(helper.make_node(kind, ["x", *given], made, hidden_size=SIZE, name=name, **attributes))
        self.outputs += [each for each in made if each]

    def finished(self, shape=(STEPS, BATCH, IN), opset=17):
        inputs = {"x": (np.float32, shape), **{name: (value.dtype, value.shape) for name, value in self.inputs.items()}}
        return graph(self.nodes, inputs, self.outputs, self.constants, opset)

    def agrees(self, shape=(STEPS, BATCH, IN), sizes=((STEPS, BATCH),), opset=17):
        feeds = [{"x": numbers(*size, IN), **self.inputs} for size in sizes]
        return agree(self.finished(shape, opset), *feeds)


def kinds(converted):
    return [
        next(kind for kind in note.layers if kind in ("loop", "gru", "simpleRecurrent") or kind.endswith("LSTM"))
        for note in converted.nodes
    ]


def test_recurrent_layers_where_they_compute_the_same():
    model = Model()
    model.add("LSTM")
    model.add("LSTM", states=True, direction="reverse", input_forget=1)
    model.add("LSTM", states=True, peepholes=True, direction="bidirectional", bias=False)
    parameters = {"activation_alpha": [0.3, 0.9], "activation_beta": [0.4, 1.1]}
    model.add("LSTM", activations=["HardSigmoid", "ScaledTanh", "Relu"], skip=("y",), **parameters)
    model.add("GRU", states=True, direction="bidirectional")
    model.add("GRU", bias=False, direction="reverse", skip=("y_h",))
    model.add("RNN", states=True, direction="reverse")
    model.add("RNN", direction="bidirectional", activations=["Tanh", "Sigmoid"], skip=("y",))
    lstm = ["uniDirectionalLSTM"] * 2 + ["biDirectionalLSTM", "uniDirectionalLSTM"]
    assert kinds(model.agrees()) == [*lstm, "gru", "gru", "simpleRecurrent", "simpleRecurrent"]


def test_loops_where_there_is_no_such_layer():
    model = Model()
    model.constants["all"] = np.full(BATCH, STEPS, np.int32)
    model.constants["some"] = np.int32([2, 4, 0])
    model.add("LSTM", states=True, peepholes=True, clip=0.4)
    model.add("LSTM", states=True, lengths="some", direction="bidirectional", input_forget=1, peepholes=True)
    model.add("LSTM", activations=["Sigmoid", "Softsign", "Tanh"], run_time=True, direction="reverse")
    model.add("GRU", linear_before_reset=1, states=True, direction="bidirectional")
    model.add("GRU", lengths="some", clip=0.5, direction="reverse", skip=("y_h",))
    model.add("GRU", linear_before_reset=1, run_time=True)
    model.add("RNN", activations=["Affine"], activation_alpha=[0.5], activation_beta=[0.1], lengths="some", states=True)
    model.add("RNN", activations=["LeakyRelu", "Relu"], activation_alpha=[0.2], direction="bidirectional", skip=("y",))
    assert kinds(model.agrees()) == ["loop"] * 8
    natural = Model()
    natural.constants["all"] = model.constants["all"]
    natural.add("LSTM", lengths="all")
    assert kinds(natural.agrees()) == ["uniDirectionalLSTM"]


def test_lengths_and_batches_of_any_size():
    model = Model()
    model.add("LSTM", direction="bidirectional")
    model.add("LSTM", clip=0.6, direction="reverse")
    model.add("GRU", linear_before_reset=1)
    model.add("RNN", direction="reverse")
    model.agrees(("steps", "batch", IN), ((4, 3), (7, 2)))


def test_one_step_is_no_loop():
    model = Model()
    model.add("GRU", states=True, linear_before_reset=1)
    converted = model.agrees((1, BATCH, IN), ((1, BATCH),))
    assert "loop" not in converted.nodes[0].layers


def test_the_batch_may_come_first():
    """onnxruntime has no such form: it judges the same weights with the steps first."""
    for kind in GATES:
        model = Model()
        model.add(kind, states=True, direction="bidirectional")
        x = numbers(STEPS, BATCH, IN)
        session = onnxruntime.InferenceSession(model.finished().SerializeToString())
        y, *ends = session.run(None, {"x": x})
        model.nodes[0].attribute.append(helper.make_attribute("layout", 1))
        for part in ("n0h", "n0c")[: len(ends)]:
            model.constants[part] = np.swapaxes(model.constants[part], 0, 1)
        network = graphml.load(network_from_onnx(model.finished((BATCH, STEPS, IN))).model)
        found = network.predict({"x": np.swapaxes(x, 0, 1)})
        np.testing.assert_allclose(found["n0_y"], np.transpose(y, (2, 0, 1, 3)), 1e-4, 1e-5)
        for name, end in zip(("n0_y_h", "n0_y_c"), ends, strict=False):
            np.testing.assert_allclose(found[name], np.swapaxes(end, 0, 1), 1e-4, 1e-5)


def test_gradients_equal_finite_differences():
    model = Model()
    model.add("LSTM", direction="reverse", skip=("y_h", "y_c"))
    model.add("GRU", linear_before_reset=1, skip=("y",))
    lowered = graphml.load(network_from_onnx(model.finished()).model).lower()
    x, direction = numbers(STEPS, BATCH, IN), numbers(STEPS, BATCH, IN)

    def loss(x):
        made = lowered.fn(lowered.params, {"x": x})
        return jnp.sum(jnp.sin(made["n0_y"])) + jnp.sum(made["n1_y_h"] ** 2)

    gradient = jnp.vdot(jax.jit(jax.grad(loss))(x), direction)
    step = 1e-2
    apart = jax.jit(loss)(x + step * direction) - jax.jit(loss)(x - step * direction)
    np.testing.assert_allclose(gradient, apart / (2 * step), rtol=1e-2)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"activations": ["Exp"]}, "the activation Exp is not supported"),
        ({"activations": ["Tanh", "Tanh"]}, "it has 2 activations; expected 1"),
        ({"direction": "backward"}, "direction is 'backward'; it must be forward, reverse or bidirectional"),
    ],
)
def test_what_is_refused(attributes, reason):
    model = Model()
    model.add("RNN", **attributes)
    with pytest.raises(UnsupportedError, match=reason):
        network_from_onnx(model.finished())
