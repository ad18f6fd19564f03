"""Recurrent layers against onnxruntime's RNN, GRU and LSTM, which are written from another specification.

Theirs put each step's output at the position of its input, also when reading backwards. Ours, reading one way only,
give outputs in the order in which they were computed: `_as_computed` reverses theirs.
"""

import numpy as np
import pytest
from cases import Case, numbers
from one_layer import compiled, same

from graphml.spec.attributes import Choice

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime judges this family and is not installed")
onnx = pytest.importorskip("onnx", reason="onnx builds the judge's models and is not installed")

_STEPS, _BATCH, _IN, _OUT = 5, 3, 4, 3
_X = numbers(_STEPS, _BATCH, _IN)
_RU = ("update_gate", "reset_gate", "output_gate")
_GATES = ("input_gate", "forget_gate", "block_input", "output_gate")
_ONNX_ORDER = ("input_gate", "output_gate", "forget_gate", "block_input")


def _judge(kind, weights, attributes, states, outputs):
    """The outputs of a one-node ONNX model. weights: input name -> array; states: name -> [directions, batch, out]."""
    order = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
    given = {**weights, **states}
    names = [name if name == "X" or name in given else "" for name in order]
    while not names[-1]:
        names.pop()
    node = onnx.helper.make_node(kind, names, outputs, hidden_size=_OUT, **attributes)
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [node],
            "judge",
            [onnx.helper.make_tensor_value_info("X", onnx.TensorProto.FLOAT, [_STEPS, _BATCH, _IN])],
            [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs],
            [onnx.numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in given.items()],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 14)],
        ir_version=8,
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": _X})


def _cell(gates, seed, *, bias=True, peepholes=False):
    cell = {}
    for n, gate in enumerate(gates):
        prefix = f"{gate}_" if gate else ""
        cell[f"{prefix}weight_matrix"] = numbers(_OUT, _IN, low=-1, high=1, seed=seed + 10 * n)
        cell[f"{prefix}recursion_matrix"] = numbers(_OUT, _OUT, low=-1, high=1, seed=seed + 10 * n + 1)
        if bias:
            cell[f"{prefix}bias_vector"] = numbers(_OUT, low=-1, high=1, seed=seed + 10 * n + 2)
        if peepholes and gate != "block_input":
            cell[f"{prefix}peephole_vector"] = numbers(_OUT, low=-1, high=1, seed=seed + 10 * n + 3)
    return cell


def _stacked(cells, gates):
    """The judge's weights: [directions, gates * out, ...], the biases of the recursion zero."""

    def rows(cell, ending):
        return np.concatenate([cell[f"{gate}_{ending}" if gate else ending] for gate in gates])

    weights = {
        "W": np.stack([rows(cell, "weight_matrix") for cell in cells]),
        "R": np.stack([rows(cell, "recursion_matrix") for cell in cells]),
    }
    if any("bias_vector" in name for name in cells[0]):
        bias = np.stack([rows(cell, "bias_vector") for cell in cells])
        weights["B"] = np.concatenate([bias, np.zeros_like(bias)], axis=1)
    if any("peephole" in name for name in cells[0]):
        order = ("input_gate", "output_gate", "forget_gate")
        weights["P"] = np.stack([np.concatenate([cell[f"{g}_peephole_vector"] for g in order]) for cell in cells])
    return weights


def _ours(kind, fields, states, outputs):
    inputs = (_X[..., None, None], *(s[None, ..., None, None] for s in states))
    return [np.asarray(y)[..., 0, 0] for y in compiled(kind, Case(inputs, fields, outputs=outputs))]


def _as_computed(outputs, reverse):
    return outputs[::-1] if reverse else outputs


_NAMED = {
    "Tanh": Choice("tanh"),
    "Sigmoid": Choice("sigmoid"),
    "Relu": Choice("ReLU"),
    "HardSigmoid": Choice("sigmoidHard", {"alpha": 0.2, "beta": 0.5}),
    "ScaledTanh": Choice("scaledTanh", {"alpha": 1.7159, "beta": 2 / 3}),
    "Affine": Choice("linear", {"alpha": 0.7, "beta": 0.1}),
}


def _activations(names):
    """The judge's attributes for a list of activations; alphas and betas are those of `_NAMED`, where it has any."""
    alphas = [_NAMED[n].fields.get("alpha", 0.0) for n in names]
    betas = [_NAMED[n].fields.get("beta", 0.0) for n in names]
    with_alpha = [a for a, n in zip(alphas, names, strict=True) if _NAMED[n].fields]
    with_beta = [b for b, n in zip(betas, names, strict=True) if _NAMED[n].fields]
    extra = {"activation_alpha": with_alpha, "activation_beta": with_beta} if with_alpha else {}
    return {"activations": list(names), **extra}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["Tanh", "Relu", "HardSigmoid", "ScaledTanh", "Affine"])
def test_simple_recurrent(name, reverse):
    cell, state = _cell([""], 1), numbers(_BATCH, _OUT, seed=4)
    attributes = {"direction": "reverse" if reverse else "forward", **_activations([name])}
    want, last = _judge("RNN", _stacked([cell], [""]), attributes, {"initial_h": state[None]}, ["Y", "Y_h"])
    fields = {"activation": _NAMED[name], "sequence_output": True, "reverse_input": reverse, **cell}
    got, got_last = _ours("simpleRecurrent", fields, [state], 2)
    same(got, _as_computed(want[:, 0], reverse), rtol=2e-5, atol=2e-5)
    same(got_last, last, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("names", "reverse", "bias"),
    [
        (["Sigmoid", "Tanh"], False, True),
        (["Sigmoid", "Tanh"], True, False),
        (["HardSigmoid", "ScaledTanh"], False, True),
        (["Sigmoid", "Relu"], True, True),
    ],
)
def test_gru(names, reverse, bias):
    cell, state = _cell(_RU, 1, bias=bias), numbers(_BATCH, _OUT, seed=4, low=-1, high=1)
    attributes = {"direction": "reverse" if reverse else "forward", "linear_before_reset": 0, **_activations(names)}
    want, last = _judge("GRU", _stacked([cell], _RU), attributes, {"initial_h": state[None]}, ["Y", "Y_h"])
    fields = {"activations": [_NAMED[n] for n in names], "sequence_output": True, "reverse_input": reverse, **cell}
    got, got_last = _ours("gru", fields, [state], 2)
    same(got, _as_computed(want[:, 0], reverse), rtol=2e-5, atol=2e-5)
    same(got_last, last, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("names", "direction", "bias", "peepholes", "coupled"),
    [
        (["Sigmoid", "Tanh", "Tanh"], "forward", True, False, False),
        (["Sigmoid", "Tanh", "Tanh"], "reverse", False, False, False),
        (["Sigmoid", "Tanh", "Tanh"], "forward", True, True, False),
        (["Sigmoid", "Tanh", "Tanh"], "forward", True, False, True),
        (["HardSigmoid", "ScaledTanh", "Tanh"], "reverse", True, True, False),
        (["Sigmoid", "Tanh", "Tanh"], "bidirectional", True, False, False),
        (["HardSigmoid", "Tanh", "ScaledTanh"], "bidirectional", True, True, False),
    ],
)
def test_lstm(names, direction, bias, peepholes, coupled):
    both = direction == "bidirectional"
    cells = [_cell(_GATES, seed, bias=bias, peepholes=peepholes) for seed in ((1, 2) if both else (1,))]
    y, c = (numbers(len(cells), _BATCH, _OUT, seed=seed, low=-1, high=1) for seed in (4, 5))
    attributes = {"direction": direction, "input_forget": int(coupled), **_activations(names * len(cells))}
    want, *last = _judge(
        "LSTM", _stacked(cells, _ONNX_ORDER), attributes, {"initial_h": y, "initial_c": c}, ["Y", "Y_h", "Y_c"]
    )
    params = {"sequence_output": True, "coupled_input_and_forget_gate": coupled}
    chosen = [_NAMED[n] for n in names]
    if both:
        fields = {"activations_forward_lstm": chosen, "activations_backward_lstm": chosen, "weight_params": cells}
        got, *ours = _ours("biDirectionalLSTM", {**fields, "params": params}, [y[0], c[0], y[1], c[1]], 5)
        want = np.concatenate([want[:, 0], want[:, 1]], axis=-1)
        wanted_states = [last[0][:1], last[1][:1], last[0][1:], last[1][1:]]
    else:
        fields = {"activations": chosen, "weight_params": cells[0], "reverse_input": direction == "reverse"}
        got, *ours = _ours("uniDirectionalLSTM", {**fields, "params": params}, [y[0], c[0]], 3)
        want, wanted_states = _as_computed(want[:, 0], direction == "reverse"), last
    same(got, want, rtol=2e-5, atol=2e-5)
    for one, other in zip(ours, wanted_states, strict=True):
        same(one, other, rtol=2e-5, atol=2e-5)
