"""Recurrent layers: a cell carried along the sequence axis of [sequence, batch, channels, 1, 1] blobs.

`prepare` puts the matrices of the gates side by side, as [in, out]. States enter and leave as [1, batch, size, 1, 1];
those that are not connected start as zeros. They may also enter as [batch, size, 1, 1, 1], which the common converter
writes for plain recurrent layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import jax.numpy as jnp

from graphml.errors import ShapeError, SpecError
from graphml.ops.kernels import recurrent as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.layers.activation import activate
from graphml.ops.layers.dialect import layer
from graphml.spec.attributes import Choice


def _clipped(choice: Choice) -> kernels.Activation:
    """An activation whose argument every cell clips to [-50, 50]."""
    return lambda x: activate(jnp.clip(x, -50, 50), choice)


def _sequence(x: Array, size: int) -> Array:
    """[sequence, batch, size] of an input blob."""
    if x.ndim != 5 or x.shape[2:] != (size, 1, 1):
        raise ShapeError(f"the input has shape {list(x.shape)}; it must be [sequence, batch, {size}, 1, 1]")
    return x[..., 0, 0]


def _start(state: Array | None, x: Array, size: int) -> Array:
    """[batch, size] of a state blob; zeros where there is none. A state of batch size 1 is shared by all samples."""
    batch = x.shape[1]
    if state is None:
        return jnp.zeros((batch, size), x.dtype)
    if state.shape in ((1, batch, size, 1, 1), (1, 1, size, 1, 1)):
        return jnp.broadcast_to(state[0, :, :, 0, 0], (batch, size))
    if state.shape == (batch, size, 1, 1, 1):
        return state[:, :, 0, 0, 0]
    raise ShapeError(
        f"a state has shape {list(state.shape)}; it must be [1, {batch}, {size}, 1, 1] or [{batch}, {size}, 1, 1, 1]"
    )


def _blob(rows: Array) -> Array:
    """[..., batch, size] as a blob of rank 5."""
    return rows[..., None, None]


def _side_by_side(weights: Mapping[str, Any], gates: Sequence[str], ending: str) -> Any:
    """The weights of several gates with one name suffix, side by side along the last axis; matrices become [in, out].

    Biases may be missing from all gates, which gives None.
    """
    names = [f"{gate}_{ending}" for gate in gates]
    missing = [name for name in names if weights.get(name) is None]
    if ending == "bias_vector" and len(missing) == len(names):
        return None
    if missing:
        raise SpecError(f"{' and '.join(missing)} must be stored")
    return jnp.concatenate([weights[name].T for name in names], axis=-1)


def _known_activations(*names: str, count: int) -> Callable[[Mapping[str, Any]], str | None]:
    """The `supported` of a layer whose attributes `names` hold `count` activations each."""

    def reason(attributes: Mapping[str, Any]) -> str | None:
        for name in names:
            value: Any = attributes[name]
            several = isinstance(value, tuple) and not isinstance(value, Choice)
            choices = cast("tuple[Choice | None, ...]", value if several else (value,))
            if len(choices) != count:
                return f"{name} holds {len(choices)} activations, {count} are needed"
            for choice in choices:
                if choice is None or choice.name in ("PReLU", "parametricSoftplus"):
                    return f"{name} holds {'an activation without a type' if choice is None else choice.name}"
        return None

    return reason


# Simple recurrent ----------------------------------------------------------------------------------------------------


def _upright(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: weight.T for name, weight in weights.items()}


@layer(
    "simpleRecurrent",
    wire_only=("input_vector_size", "output_vector_size", "has_bias_vector"),
    prepare=_upright,
    supported=_known_activations("activation", count=1),
)
def simple_recurrent(
    x: Array,
    state: Array | None = None,
    *,
    activation: Choice,
    sequence_output: bool,
    reverse_input: bool,
    weight_matrix: Array,
    recursion_matrix: Array,
    bias_vector: Array | None,
) -> tuple[Array, Array]:
    """y_t = f(clip(W x_t + R y_{t-1} + b)), f an activation, clip to +-50.

    Args:
        x: [sequence, batch, in, 1, 1].
        state: [1, batch, out, 1, 1].
        activation: f.
        sequence_output: whether all outputs are returned, or the last one.
        reverse_input: whether to run from the last step to the first; the first output is then that of the last step.
        weight_matrix: W, transposed to [in, out] by `prepare`.
        recursion_matrix: R, transposed likewise.
        bias_vector: [out].

    Returns:
        Outputs [sequence or 1, batch, out, 1, 1] in the order of computation, and the final state.

    Raises:
        ShapeError: x or the state has another shape.

    Source: SimpleRecurrentLayerParams (spec 1).
    """
    rows = _sequence(x, weight_matrix.shape[0])
    outputs, last = kernels.rnn(
        rows,
        _start(state, rows, recursion_matrix.shape[0]),
        weight_matrix,
        recursion_matrix,
        bias_vector,
        _clipped(activation),
        reverse=reverse_input,
        every_step=sequence_output,
    )
    return _blob(outputs), _blob(last[None])


# GRU -----------------------------------------------------------------------------------------------------------------

_GRU_GATES = ("update_gate", "reset_gate", "output_gate")


def _gru_gates(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The gates side by side under the names of the update gate. Only the recursion of the output gate is separate: it
    takes the state after the reset."""
    return {
        "update_gate_weight_matrix": _side_by_side(weights, _GRU_GATES, "weight_matrix"),
        "update_gate_recursion_matrix": _side_by_side(weights, _GRU_GATES[:2], "recursion_matrix"),
        "output_gate_recursion_matrix": _side_by_side(weights, _GRU_GATES[2:], "recursion_matrix"),
        "update_gate_bias_vector": _side_by_side(weights, _GRU_GATES, "bias_vector"),
    }


@layer(
    "gru",
    wire_only=("input_vector_size", "output_vector_size", "has_bias_vectors"),
    prepare=_gru_gates,
    supported=_known_activations("activations", count=2),
)
def gru(
    x: Array,
    state: Array | None = None,
    *,
    activations: tuple[Choice, ...],
    sequence_output: bool,
    reverse_input: bool,
    update_gate_weight_matrix: Array,
    reset_gate_weight_matrix: Array | None,
    output_gate_weight_matrix: Array | None,
    update_gate_recursion_matrix: Array,
    reset_gate_recursion_matrix: Array | None,
    output_gate_recursion_matrix: Array,
    update_gate_bias_vector: Array | None,
    reset_gate_bias_vector: Array | None,
    output_gate_bias_vector: Array | None,
) -> tuple[Array, Array]:
    """Gated recurrent unit, the reset applied to the state before its product with R_o.

    z = f(clip(W_z x + R_z y + b_z)), r likewise, o = g(clip(W_o x + R_o (r * y) + b_o)), y' = (1 - z) * o + z * y.

    Args:
        x: [sequence, batch, in, 1, 1].
        state: [1, batch, out, 1, 1].
        activations: (f, g).
        sequence_output: as in `simple_recurrent`.
        reverse_input: as in `simple_recurrent`.
        update_gate_weight_matrix: those of all three gates, see `_gru_gates`.
        reset_gate_weight_matrix: None.
        output_gate_weight_matrix: None.
        update_gate_recursion_matrix: those of update and reset gate.
        reset_gate_recursion_matrix: None.
        output_gate_recursion_matrix: R_o.
        update_gate_bias_vector: those of all three gates.
        reset_gate_bias_vector: None.
        output_gate_bias_vector: None.

    Returns:
        As `simple_recurrent`.

    Raises:
        ShapeError: x or the state has another shape.

    Source: GRULayerParams (spec 1).
    """
    del reset_gate_weight_matrix, reset_gate_recursion_matrix, reset_gate_bias_vector
    del output_gate_weight_matrix, output_gate_bias_vector
    rows = _sequence(x, update_gate_weight_matrix.shape[0])
    gate, block = activations
    outputs, last = kernels.gru(
        rows,
        _start(state, rows, output_gate_recursion_matrix.shape[0]),
        update_gate_weight_matrix,
        update_gate_recursion_matrix,
        output_gate_recursion_matrix,
        update_gate_bias_vector,
        _clipped(gate),
        _clipped(block),
        reverse=reverse_input,
        every_step=sequence_output,
    )
    return _blob(outputs), _blob(last[None])


# LSTM ----------------------------------------------------------------------------------------------------------------


def _lstm_gates(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Gates side by side in the order input, output, block input, forget; no forget gate where it is coupled."""
    params = attributes["params"]
    gates = ["input_gate", "output_gate", "block_input"]
    if not params["coupled_input_and_forget_gate"]:
        gates.append("forget_gate")

    def cell(weights: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "recursion": _side_by_side(weights, gates, "recursion_matrix"),
            "weight": _side_by_side(weights, gates, "weight_matrix"),
            "bias": _side_by_side(weights, gates, "bias_vector"),
            "peepholes": {
                gate: weights[f"{gate}_peephole_vector"]
                for gate in gates
                if weights.get(f"{gate}_peephole_vector") is not None
            },
        }

    cells: Any = weights["weight_params"]
    if isinstance(cells, list):
        return {"weight_params": [cell(one) for one in cast("list[Mapping[str, Any]]", cells)]}
    return {"weight_params": cell(cells)}


def _lstm(
    x: Array,
    y: Array | None,
    c: Array | None,
    cell: Mapping[str, Any],
    activations: Sequence[Choice],
    params: Mapping[str, Any],
    reverse: bool,
) -> tuple[Array, Array, Array]:
    """One direction of an LSTM: (outputs, last y, last c)."""
    gate, block, output = activations
    rows = _sequence(x, cell["weight"].shape[0])
    size = cell["recursion"].shape[0]
    outputs, last_y, last_c = kernels.lstm(
        rows,
        _start(y, rows, size),
        _start(c, rows, size),
        cell["weight"],
        cell["recursion"],
        cell["bias"],
        cell["peepholes"],
        _clipped(gate),
        _clipped(block),
        lambda c: activate(c, output),
        cell_limit=params["cell_clip_threshold"],
        reverse=reverse,
        every_step=params["sequence_output"],
    )
    return _blob(outputs), _blob(last_y[None]), _blob(last_c[None])


@layer(
    "uniDirectionalLSTM",
    wire_only=("input_vector_size", "output_vector_size"),
    prepare=_lstm_gates,
    supported=_known_activations("activations", count=3),
)
def uni_directional_lstm(
    x: Array,
    y: Array | None = None,
    c: Array | None = None,
    *,
    activations: tuple[Choice, ...],
    params: Mapping[str, Any],
    weight_params: Any,
    reverse_input: bool,
) -> tuple[Array, Array, Array]:
    """Long short-term memory: gates i, f, o and block input z, with a cell c beside the output y.

    c' = clip(f * c + i * z) to the cell's threshold, y' = o * h(c'); every gate is f(clip(W x + R y + p * c + b)),
    where the output gate's peephole sees c'; z takes g and has no peephole. A coupled forget gate is 1 - i.
    `forget_bias` records how b_f was initialized and has no effect: the prose adds 1 to b_f, Core ML does not, since
    the trained b_f includes it already.

    Args:
        x: [sequence, batch, in, 1, 1].
        y: [1, batch, out, 1, 1].
        c: [1, batch, out, 1, 1].
        activations: (f, g, h).
        params: `sequence_output` as in `simple_recurrent`, `cell_clip_threshold` and the flags of the cell.
        weight_params: the weights of the cell, see `_lstm_gates`.
        reverse_input: as in `simple_recurrent`.

    Returns:
        Outputs as in `simple_recurrent`, last y and last c.

    Raises:
        ShapeError: x or a state has another shape.

    Source: UniDirectionalLSTMLayerParams, LSTMParams (spec 1).
    """
    return _lstm(x, y, c, weight_params, activations, params, reverse_input)


@layer(
    "biDirectionalLSTM",
    wire_only=("input_vector_size", "output_vector_size"),
    prepare=_lstm_gates,
    supported=_known_activations("activations_forward_lstm", "activations_backward_lstm", count=3),
)
def bi_directional_lstm(
    x: Array,
    y: Array | None = None,
    c: Array | None = None,
    y_back: Array | None = None,
    c_back: Array | None = None,
    *,
    activations_forward_lstm: tuple[Choice, ...],
    activations_backward_lstm: tuple[Choice, ...],
    params: Mapping[str, Any],
    weight_params: Any,
) -> tuple[Array, ...]:
    """Two LSTMs, one from each end of the sequence, their outputs side by side along the channels.

    Args:
        x: [sequence, batch, in, 1, 1].
        y: [1, batch, out, 1, 1], of the forward LSTM.
        c: as y.
        y_back: as y, of the backward LSTM.
        c_back: as y_back.
        activations_forward_lstm: (f, g, h), see `uni_directional_lstm`.
        activations_backward_lstm: the same of the backward LSTM.
        params: as in `uni_directional_lstm`.
        weight_params: two sets of weights, forward and backward.

    Returns:
        Outputs [sequence or 1, batch, 2 out, 1, 1], then last y and last c of the forward and of the backward LSTM.
        Each step has the outputs that were computed there; without `sequence_output`, the last of both.

    Raises:
        SpecError: there are not two sets of weights.
        ShapeError: x or a state has another shape.

    Source: BiDirectionalLSTMLayerParams (spec 1).
    """
    if len(weight_params) != 2:
        raise SpecError(f"{len(weight_params)} sets of weights are stored; one per direction is needed")
    ahead, *ahead_states = _lstm(x, y, c, weight_params[0], activations_forward_lstm, params, False)
    back, *back_states = _lstm(x, y_back, c_back, weight_params[1], activations_backward_lstm, params, True)
    return jnp.concatenate([ahead, jnp.flip(back, 0)], axis=2), *ahead_states, *back_states
