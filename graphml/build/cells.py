"""Arguments -> fields, for recurrent layers, whose weights are lists with one matrix for each gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphml.build.arguments import Fields, one_of
from graphml.build.weighted import floats
from graphml.errors import SpecError
from graphml.spec.attributes import Choice

# An activation given by name has the usual parameters. A `Choice` includes its parameters.
_IN_CELLS = {
    "SIGMOID": Choice("sigmoid"),
    "TANH": Choice("tanh"),
    "RELU": Choice("ReLU"),
    "LINEAR": Choice("linear", {"alpha": 1.0, "beta": 0.0}),
    "SIGMOID_HARD": Choice("sigmoidHard", {"alpha": 0.2, "beta": 0.5}),
    "HARD_SIGMOID": Choice("sigmoidHard", {"alpha": 0.2, "beta": 0.5}),
    "SCALED_TANH": Choice("scaledTanh", {"alpha": 1.0, "beta": 1.0}),
}

# The order of the lists of weights.
_GRU_GATES = ("update_gate", "reset_gate", "output_gate")
_LSTM_GATES = ("input_gate", "forget_gate", "output_gate", "block_input")


def _functions(a: Any, *parameters: str) -> list[Choice]:
    given = {parameter: getattr(a, parameter) for parameter in parameters}
    return [v if isinstance(v, Choice) else one_of(v, _IN_CELLS, parameter) for parameter, v in given.items()]


def _sizes(a: Any) -> Fields:
    return {"input_vector_size": a.input_size, "output_vector_size": a.hidden_size}


def _parts(values: Any, names: Sequence[str], ending: str, shape: tuple[int, ...], what: str) -> Fields:
    """The fields for a list with one weight for each gate; none for None."""
    if values is None:
        return {}
    if len(values) != len(names):
        raise SpecError(f"{what} has {len(values)} items; expected {len(names)}: {', '.join(names)}")
    parts = zip(names, values, strict=True)
    return {f"{name}_{ending}": floats(value, shape, f"{what} of the {name}") for name, value in parts}


def _cell(a: Any, gates: Sequence[str], back: str = "") -> Fields:
    hidden, size = a.hidden_size, a.input_size
    return {
        **_parts(getattr(a, f"W_x{back}"), gates, "weight_matrix", (hidden, size), f"W_x{back}"),
        **_parts(getattr(a, f"W_h{back}"), gates, "recursion_matrix", (hidden, hidden), f"W_h{back}"),
        **_parts(getattr(a, f"b{back}"), gates, "bias_vector", (hidden,), f"b{back}"),
    }


def simple_rnn(a: Any) -> Fields:
    hidden = a.hidden_size
    bias = {} if a.b is None else {"bias_vector": floats(a.b, (hidden,), "b")}
    return {
        **_sizes(a),
        "activation": _functions(a, "activation")[0],
        "weight_matrix": floats(a.W_x, (hidden, a.input_size), "W_x"),
        "recursion_matrix": floats(a.W_h, (hidden, hidden), "W_h"),
        **bias,
        "sequence_output": a.output_all,
        "reverse_input": a.reverse_input,
    }


def gru(a: Any) -> Fields:
    return {
        **_sizes(a),
        "activations": _functions(a, "inner_activation", "activation"),
        **_cell(a, _GRU_GATES),
        "sequence_output": a.output_all,
        "reverse_input": a.reverse_input,
    }


def _lstm_cell(a: Any, back: str = "") -> Fields:
    peepholes = _parts(getattr(a, f"peep{back}"), _LSTM_GATES[:3], "peephole_vector", (a.hidden_size,), f"peep{back}")
    return {**_cell(a, _LSTM_GATES, back), **peepholes}


_LSTM_ACTIVATIONS = ("inner_activation", "cell_state_update_activation", "output_activation")


def _lstm_params(a: Any) -> Fields:
    return {
        "sequence_output": a.output_all,
        "has_bias_vectors": a.b is not None,
        "forget_bias": a.forget_bias,
        "has_peephole_vectors": a.peep is not None,
        "coupled_input_and_forget_gate": a.coupled_input_forget_gate,
        "cell_clip_threshold": a.cell_clip_threshold,
    }


def unilstm(a: Any) -> Fields:
    return {
        **_sizes(a),
        "activations": _functions(a, *_LSTM_ACTIVATIONS),
        "params": _lstm_params(a),
        "weight_params": _lstm_cell(a),
        "reverse_input": a.reverse_input,
    }


def bidirlstm(a: Any) -> Fields:
    for name in ("b", "peep"):
        if (getattr(a, name) is None) != (getattr(a, f"{name}_back") is None):
            raise SpecError(f"{name} and {name}_back must be given together")
    return {
        **_sizes(a),
        "activations_forward_lstm": _functions(a, *_LSTM_ACTIVATIONS),
        "activations_backward_lstm": _functions(a, *_LSTM_ACTIVATIONS),
        "params": _lstm_params(a),
        "weight_params": [_lstm_cell(a), _lstm_cell(a, "_back")],
    }
