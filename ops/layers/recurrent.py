"""Recurrent layers: a cell carried along the sequence axis of [sequence, batch, channels, 1, 1] blobs.

All cells share one loop. `prepare` sets the matrices of the gates side by side and stands them up as [in, out], so that
a step costs one product with the state; whether the product with the input leaves the loop depends on the batch, and
where it stays it can be part of the same product.
States go in and out as [1, batch, size, 1, 1]; those that are not wired start as zeros. On the way in they may also be
[batch, size, 1, 1, 1], which the common converter writes for plain recurrent layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import lax

from graphml.catalogue import target
from graphml.errors import ShapeError, SpecError
from graphml.ops.layers.activation import activate
from graphml.ops.layers.dialect import layer
from graphml.ops.layers.precision import contract
from graphml.spec.attributes import Choice

# Up to this batch one large product before the loop is faster on CPUs; beyond it, steps that keep x in cache.
_HOIST_UP_TO = 8
# Steps from which on it pays to copy the matrices of input and state into one, for one product a step.
_JOIN_FROM = 8
_COLUMNS = 512  # of a product with several rows; XLA is slower with twice as many


_dot = partial(contract, jnp.matmul)


def _in_parts(matrix, batch: int) -> Callable[[Any], Any]:
    """x -> x @ matrix for x of `batch` rows, in products of so many columns as are fast on CPUs."""
    count = matrix.shape[1] // _COLUMNS
    if target().platform != "cpu" or batch == 1 or count < 2 or matrix.shape[1] % count:
        return lambda x: _dot(x, matrix)
    parts = jnp.split(matrix, count, axis=1)
    return lambda x: jnp.concatenate([_dot(x, part) for part in parts], axis=-1)


def _clip(x):
    """Every cell keeps what enters an activation within [-50, 50]."""
    return jnp.clip(x, -50, 50)


def _sequence(x, size: int):
    """[sequence, batch, size] of an input blob."""
    if x.ndim != 5 or x.shape[2:] != (size, 1, 1):
        raise ShapeError(f"the input has shape {list(x.shape)}; it is [sequence, batch, {size}, 1, 1]")
    return x[..., 0, 0]


def _start(state, x, size: int):
    """[batch, size] of a state blob; zeros where there is none. A state of one row serves every row of the batch."""
    batch = x.shape[1]
    if state is None:
        return jnp.zeros((batch, size), x.dtype)
    if state.shape in ((1, batch, size, 1, 1), (1, 1, size, 1, 1)):
        return jnp.broadcast_to(state[0, :, :, 0, 0], (batch, size))
    if state.shape == (batch, size, 1, 1, 1):
        return state[:, :, 0, 0, 0]
    raise ShapeError(
        f"a state has shape {list(state.shape)}; it is [1, {batch}, {size}, 1, 1] or [{batch}, {size}, 1, 1, 1]"
    )


def _blob(rows):
    """[..., batch, size] as a blob of rank 5."""
    return rows[..., None, None]


def _run(
    advance: Callable[[tuple, Any], tuple],
    states: tuple,
    x,
    matrix,
    recursion,
    bias,
    *,
    reverse: bool,
    every_step: bool,
) -> tuple[Any, tuple]:
    """Carry `states` along x: (outputs [sequence or 1, batch, size], last states).

    advance: (states, x_t @ matrix + y_t @ recursion + bias) -> states, of which the first is the output y; without
    `recursion` its term is left to `advance`. reverse: from the last step to the first. Outputs come in the order in
    which they were computed.
    """
    length, batch = x.shape[:2]

    def shifted(product):
        return product if bias is None else product + bias

    hoisted = target().platform != "cpu" or batch <= _HOIST_UP_TO
    joined = not hoisted and length >= _JOIN_FROM
    repeat = None
    if hoisted:
        x = shifted(_dot(x, matrix))
    if recursion is not None:
        repeat = _in_parts(jnp.concatenate([matrix, recursion]) if joined else recursion, batch)

    def entering(y, x):
        if joined and repeat is not None:
            return shifted(repeat(jnp.concatenate([x, y], axis=-1)))
        z = x if hoisted else shifted(_dot(x, matrix))
        return z if repeat is None else z + repeat(y)

    def step(states, x):
        states = advance(states, entering(states[0], x))
        return states, states[0] if every_step else None

    last, outputs = lax.scan(step, states, x, reverse=reverse)
    if outputs is None:
        return last[0][None], last
    return (jnp.flip(outputs, 0) if reverse else outputs), last


def _beside(weights: Mapping[str, Any], gates: Sequence[str], ending: str) -> Any:
    """What several gates store under one ending, side by side along the last axis; matrices become [in, out].

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
            value = attributes[name]
            choices = value if isinstance(value, tuple) and not isinstance(value, Choice) else (value,)
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
    x,
    state=None,
    *,
    activation: Choice,
    sequence_output: bool,
    reverse_input: bool,
    weight_matrix,
    recursion_matrix,
    bias_vector,
):
    """y_t = f(clip(W x_t + R y_{t-1} + b)), f an activation, clip to +-50.

    x: [sequence, batch, in, 1, 1], state: [1, batch, out, 1, 1]. Returns the outputs [sequence, batch, out, 1, 1] (only
    the final one, [1, batch, ...], without `sequence_output`) and the final state. `reverse_input` runs from the last
    step to the first, and the outputs come in that order too: the first of them is that of the last step.
    Raises ShapeError for other shapes. Source: SimpleRecurrentLayerParams (spec 1).
    """
    x = _sequence(x, weight_matrix.shape[0])

    def advance(states, z):
        return (activate(_clip(z), activation),)

    states = (_start(state, x, recursion_matrix.shape[0]),)
    outputs, (last,) = _run(
        advance,
        states,
        x,
        weight_matrix,
        recursion_matrix,
        bias_vector,
        reverse=reverse_input,
        every_step=sequence_output,
    )
    return _blob(outputs), _blob(last[None])


# GRU -----------------------------------------------------------------------------------------------------------------

_GRU_GATES = ("update_gate", "reset_gate", "output_gate")


def _gru_gates(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The gates side by side under the names of the update gate. Only the recursion of the output gate stays apart: it
    takes the state after the reset."""
    return {
        "update_gate_weight_matrix": _beside(weights, _GRU_GATES, "weight_matrix"),
        "update_gate_recursion_matrix": _beside(weights, _GRU_GATES[:2], "recursion_matrix"),
        "output_gate_recursion_matrix": _beside(weights, _GRU_GATES[2:], "recursion_matrix"),
        "update_gate_bias_vector": _beside(weights, _GRU_GATES, "bias_vector"),
    }


@layer(
    "gru",
    wire_only=("input_vector_size", "output_vector_size", "has_bias_vectors"),
    prepare=_gru_gates,
    supported=_known_activations("activations", count=2),
)
def gru(
    x,
    state=None,
    *,
    activations: tuple[Choice, ...],
    sequence_output: bool,
    reverse_input: bool,
    update_gate_weight_matrix,
    reset_gate_weight_matrix,
    output_gate_weight_matrix,
    update_gate_recursion_matrix,
    reset_gate_recursion_matrix,
    output_gate_recursion_matrix,
    update_gate_bias_vector,
    reset_gate_bias_vector,
    output_gate_bias_vector,
):
    """Gated recurrent unit, the reset applied to the state before its product with R_o.

    z = f(clip(W_z x + R_z y + b_z)), r likewise, o = g(clip(W_o x + R_o (r * y) + b_o)), y' = (1 - z) * o + z * y.
    Shapes, `sequence_output` and `reverse_input` as in `simple_recurrent`; `activations` are (f, g).
    Source: GRULayerParams (spec 1).
    """
    del reset_gate_weight_matrix, reset_gate_recursion_matrix, reset_gate_bias_vector  # see `_gru_gates`
    del output_gate_weight_matrix, output_gate_bias_vector
    x = _sequence(x, update_gate_weight_matrix.shape[0])
    size = output_gate_recursion_matrix.shape[0]
    gate, block = activations

    def advance(states, projected):
        (y,) = states
        both = activate(_clip(projected[:, : 2 * size] + _dot(y, update_gate_recursion_matrix)), gate)
        z, r = both[:, :size], both[:, size:]
        o = activate(_clip(projected[:, 2 * size :] + _dot(r * y, output_gate_recursion_matrix)), block)
        return ((1 - z) * o + z * y,)

    states = (_start(state, x, size),)
    outputs, (last,) = _run(
        advance,
        states,
        x,
        update_gate_weight_matrix,
        None,  # one gate takes the state after the reset
        update_gate_bias_vector,
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

    def cell(weights):
        return {
            "recursion": _beside(weights, gates, "recursion_matrix"),
            "weight": _beside(weights, gates, "weight_matrix"),
            "bias": _beside(weights, gates, "bias_vector"),
            "peepholes": {
                gate: weights[f"{gate}_peephole_vector"]
                for gate in gates
                if weights.get(f"{gate}_peephole_vector") is not None
            },
        }

    cells = weights["weight_params"]
    return {"weight_params": [cell(one) for one in cells] if isinstance(cells, list) else cell(cells)}


def _lstm(x, y, c, cell: Mapping[str, Any], activations: Sequence[Choice], params: Mapping[str, Any], reverse: bool):
    """One direction of an LSTM: (outputs, last y, last c); the state blobs may be None."""
    gate, block, output = activations
    x = _sequence(x, cell["weight"].shape[0])
    size = cell["recursion"].shape[0]
    limit = params["cell_clip_threshold"]

    def opened(name, z, c):
        """A gate between closed and open; a peephole lets it see the cell."""
        peephole = cell["peepholes"].get(name)
        return activate(_clip(z if peephole is None else z + peephole * c), gate)

    def advance(states, z):
        c = states[1]
        z_i, z_o, z_block, *z_f = jnp.split(z, cell["weight"].shape[1] // size, axis=-1)
        i = opened("input_gate", z_i, c)
        f = opened("forget_gate", z_f[0], c) if z_f else 1 - i
        c = jnp.clip(f * c + i * activate(_clip(z_block), block), -limit, limit)
        return opened("output_gate", z_o, c) * activate(c, output), c

    states = (_start(y, x, size), _start(c, x, size))
    every_step = params["sequence_output"]
    matrices = cell["weight"], cell["recursion"], cell["bias"]
    outputs, (y, c) = _run(advance, states, x, *matrices, reverse=reverse, every_step=every_step)
    return _blob(outputs), _blob(y[None]), _blob(c[None])


@layer(
    "uniDirectionalLSTM",
    wire_only=("input_vector_size", "output_vector_size"),
    prepare=_lstm_gates,
    supported=_known_activations("activations", count=3),
)
def uni_directional_lstm(
    x, y=None, c=None, *, activations: tuple[Choice, ...], params: Mapping[str, Any], weight_params, reverse_input: bool
):
    """Long short-term memory: gates i, f, o and block input z, with a cell c beside the output y.

    c' = clip(f * c + i * z) to the cell's threshold, y' = o * h(c'); every gate is f(clip(W x + R y + p * c + b)),
    where the output gate's peephole sees c'; z takes g and has no peephole. A coupled forget gate is 1 - i. Shapes,
    `sequence_output` and `reverse_input` as in `simple_recurrent`; `activations` are (f, g, h).
    `forget_bias` says how b_f was initialized and has no effect: the prose adds 1 to b_f, Core ML does not, since the
    trained b_f holds it already.
    Returns outputs, last y and last c.
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
    x,
    y=None,
    c=None,
    y_back=None,
    c_back=None,
    *,
    activations_forward_lstm: tuple[Choice, ...],
    activations_backward_lstm: tuple[Choice, ...],
    params: Mapping[str, Any],
    weight_params,
):
    """Two LSTMs, one from each end of the sequence, their outputs side by side along the channels.

    Returns outputs [sequence or 1, batch, 2 out, 1, 1], then last y and last c of the forward and of the backward one.
    At each step stand the outputs that were made there; without `sequence_output`, the last of both.
    Source: BiDirectionalLSTMLayerParams (spec 1).
    """
    if len(weight_params) != 2:
        raise SpecError(f"{len(weight_params)} sets of weights are stored; one per direction is needed")
    ahead, *ahead_states = _lstm(x, y, c, weight_params[0], activations_forward_lstm, params, False)
    back, *back_states = _lstm(x, y_back, c_back, weight_params[1], activations_backward_lstm, params, True)
    return jnp.concatenate([ahead, jnp.flip(back, 0)], axis=2), *ahead_states, *back_states
