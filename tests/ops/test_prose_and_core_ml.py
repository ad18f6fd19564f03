"""Where the format's prose and Core ML disagree, Core ML is followed: each such layer on numbers worked by hand."""

import jax
import numpy as np
import pytest
from cases import Case, load_all
from one_layer import answers, blobs, built, compiled, lowered, same

from graphml.spec import NeuralNetworkLayer
from graphml.spec.attributes import Choice, encode

IDENTITY = Choice("linear", {"alpha": 1.0, "beta": 0.0})
GATES = ("input_gate", "forget_gate", "block_input", "output_gate")
GRU_GATES = ("update_gate", "reset_gate", "output_gate")


def _column(*values):
    """[sequence, 1, 1, 1, 1] of some numbers."""
    return np.float32(values).reshape(-1, 1, 1, 1, 1)


def _cell(gates, *, speaks, bias):
    """A cell of one channel that ignores its state: gate `speaks` sees x, the others are what `bias` says."""
    return {
        f"{gate}_{ending}": np.float32(value)
        for gate in gates
        for ending, value in (
            ("weight_matrix", [[1.0 if gate == speaks else 0.0]]),
            ("recursion_matrix", [[0.0]]),
            ("bias_vector", [bias.get(gate, 0.0)]),
        )
    }


# The gates are 1, so the cell adds up its inputs.
_ADDING = _cell(GATES, speaks="block_input", bias=dict.fromkeys(("input_gate", "forget_gate", "output_gate"), 1.0))
# y' = (1 - z) x + z y with z = 1/2
_MIXING = _cell(GRU_GATES, speaks="output_gate", bias={"update_gate": 0.5})
_SUMMING = {
    "weight_matrix": np.float32([[1]]),
    "recursion_matrix": np.float32([[1]]),
    "activation": IDENTITY,
    "sequence_output": True,
}
_ALL = {"sequence_output": True}


# Recurrent layers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields", "forward", "backward"),
    [
        ("simpleRecurrent", _SUMMING, [1, 3, 7], [4, 6, 7]),
        ("gru", {"activations": [IDENTITY] * 2, **_ALL, **_MIXING}, [0.5, 1.25, 2.625], [2, 2, 1.5]),
        (
            "uniDirectionalLSTM",
            {"activations": [IDENTITY] * 3, "params": _ALL, "weight_params": _ADDING},
            [1, 3, 7],
            [4, 6, 7],
        ),
    ],
)
def test_a_reversed_layer_returns_its_outputs_in_the_order_of_computation(kind, fields, forward, backward):
    for reverse, want in ((False, forward), (True, backward)):
        y, last = answers(kind, _column(1, 2, 4), outputs=2, reverse_input=reverse, **fields)
        same(y, _column(*want), rtol=1e-6)
        same(last[0], y[-1], rtol=0)


def test_a_bidirectional_layer_returns_both_outputs_at_their_step():
    fields = {"activations_forward_lstm": [IDENTITY] * 3, "activations_backward_lstm": [IDENTITY] * 3, "params": _ALL}
    (y,) = answers("biDirectionalLSTM", _column(1, 2, 4), weight_params=[_ADDING, _ADDING], **fields)
    same(y[..., 0, 0], np.float32([[[1, 7]], [[3, 6]], [[7, 4]]]), rtol=1e-6)


def _lstms(weights, **params):
    """A layer of each kind that holds LSTM parameters."""
    three = [IDENTITY] * 3
    params = {"sequence_output": True, **params}
    yield "uniDirectionalLSTM", {"activations": three, "params": params, "weight_params": weights}
    both = {"activations_forward_lstm": three, "activations_backward_lstm": three}
    yield "biDirectionalLSTM", {**both, "params": params, "weight_params": [weights, weights]}


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("biases", [True, False])
def test_the_flag_forget_bias_has_no_effect_and_is_kept(biases, train):
    """The prose adds 1 to the bias of the forget gate; files hold a trained bias that starts from it already."""
    x = _column(1, 2, 4)
    weights = _ADDING if biases else {name: w for name, w in _ADDING.items() if "bias" not in name}
    # without biases every gate is closed
    wanted = {"uniDirectionalLSTM": [[1], [3], [7]], "biDirectionalLSTM": [[1, 7], [3, 6], [7, 4]]}
    for kind, fields in _lstms(weights, forget_bias=True):
        case = Case((x,), fields)
        network = lowered(kind, case)
        y = network.fn(network.params, {"in0": x}, train=train)["out0"]
        same(y.reshape(3, -1), np.float32(wanted[kind]) * biases, rtol=1e-6)
        layer = NeuralNetworkLayer.FromString(built(kind, case).network.layers[0].SerializeToString())
        assert getattr(layer, kind).params.forgetBias


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("scaledTanh", np.tanh),  # 1.7159 tanh(2/3 x) in the prose
        ("linear", lambda x: x),
        ("sigmoidHard", lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    ],
)
def test_activations_of_cells_without_parameters(name, function):
    x = _column(-3, -0.5, 2)
    fields = {**_SUMMING, "recursion_matrix": np.float32([[0]]), "activation": Choice(name)}
    same(answers("simpleRecurrent", x, **fields)[0], function(x), rtol=1e-6)


def test_numbers_that_a_cell_stores_are_used():
    fields = {**_SUMMING, "activation": Choice("scaledTanh", {"alpha": 2.0, "beta": 0.5})}
    same(answers("simpleRecurrent", _column(3), **fields)[0], 2 * np.tanh(_column(1.5)), rtol=1e-6)


def test_a_state_may_hold_the_batch_in_its_first_axis():
    """The common converter writes [batch, size, 1, 1, 1] for plain recurrent layers."""
    fields = {
        "weight_matrix": np.float32([[1], [10]]),
        "recursion_matrix": np.float32([[0, 1], [1, 0]]),
        "activation": IDENTITY,
    }
    x, state = np.float32([1, 2, 3]).reshape(1, 3, 1, 1, 1), np.float32([[1, 2], [3, 4], [5, 6]])
    want = np.float32([[3, 11], [6, 23], [9, 35]]).reshape(1, 3, 2, 1, 1)
    for shape in ((1, 3, 2, 1, 1), (3, 2, 1, 1, 1)):
        for got in answers("simpleRecurrent", x, state.reshape(shape), outputs=2, **fields):
            same(got, want, rtol=1e-6)


@pytest.mark.parametrize("kind", ["gru", "uniDirectionalLSTM", "biDirectionalLSTM"])
def test_every_recurrent_layer_takes_states_of_that_shape(kind):
    case = load_all()[kind].base
    x, *states = case.inputs
    assert states, "the base case has states"
    network = lowered(kind, case)
    run = jax.jit(lambda *states: blobs(network, network.params, (x, *states)))
    for got, want in zip(run(*(s.reshape(*s.shape[1:], 1) for s in states)), run(*states), strict=True):
        same(got, want, rtol=1e-6)


# Others ---------------------------------------------------------------------------------------------------------------


def test_the_logarithm_adds_epsilon():
    got = answers("unary", [0, 1, 2], type="LOG", epsilon=0.5, scale=2.0, shift=0.0)[0]
    same(got, np.log(np.float32([0.5, 2.5, 4.5])), rtol=1e-6)


def _deconvolution(**fields):
    """A row of the pixels 1 and 2 deconvolved with the kernel (1, 10, 100), dilated by 2."""
    x = np.float32([1, 2]).reshape(1, 1, 1, 2)
    kernel = np.float32([1, 10, 100]).reshape(1, 1, 1, 3)
    usual = {"weights": kernel, "is_deconvolution": True, "dilation_factor": (1, 2), "valid": {}}
    layer = encode("convolution", {**usual, **fields})
    case = Case((x,), layers=(layer,))
    layer.input.append("in0")
    layer.output.append("out0")
    return compiled("convolution", case)[0].ravel()


def test_deconvolutions_are_dilated():
    """The prose says that a deconvolution ignores its dilation."""
    same(_deconvolution(), np.float32([1, 2, 10, 20, 100, 200]), rtol=0)
    same(_deconvolution(stride=(1, 2)), np.float32([1, 0, 12, 0, 120, 0, 200]), rtol=0)
    border = {"padding_amounts": [(0, 0), (1, 2)]}
    same(_deconvolution(valid=border), np.float32([2, 10, 20]), rtol=0)


def test_sizes_of_a_deconvolution_count_the_dilation():
    # the full result has six pixels; one is cut off on each side, or two
    same(_deconvolution(output_shape=(1, 4)), np.float32([2, 10, 20, 100]), rtol=0)
    same(_deconvolution(valid=None, same={}), np.float32([10, 20]), rtol=0)
