"""Recurrent operations: a cell carried along the steps of [steps, batch, channels].

`prepare` transposes stored matrices to [in, out], with the gates in the order of the kernels, and half precision to
float32. Sums and states are float32 from the first step to the last; results are rounded to the type of x.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from graphml.errors import ShapeError, SpecError
from graphml.ops.kernels import activations
from graphml.ops.kernels import recurrent as kernels
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.precision import widened
from graphml.ops.program._names import named
from graphml.ops.program.dialect import operation


def _hard_sigmoid(x: Array) -> Array:
    return activations.hard_sigmoid(x, 0.2, 0.5)


# The format gives no parameters for these; its tests use tanh for scaled_tanh and 0.2 x + 0.5 for hard_sigmoid.
_ACTIVATIONS: Mapping[str, kernels.Activation] = {
    "hard_sigmoid": _hard_sigmoid,
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "scaled_tanh": jnp.tanh,
    "sigmoid": activations.sigmoid,
    "sigmoid_hard": _hard_sigmoid,
    "tanh": jnp.tanh,
}


def _activation(name: str) -> kernels.Activation:
    return named(name, _ACTIVATIONS, "the activation")


_REVERSE = {"forward": False, "reverse": True}


def _is_reverse(direction: str) -> bool:
    return named(direction, _REVERSE, "the direction")


def _steps(x: Array, matrix: Array) -> Array:
    """x [steps, batch, in] in the type to compute in."""
    if x.ndim != 3 or x.shape[2] != matrix.shape[0]:
        raise ShapeError(f"x has shape {list(x.shape)}; it must be [steps, batch, {matrix.shape[0]}]")
    return widened(x)


def _state(state: Array, x: Array, size: int, name: str) -> Array:
    if state.shape != (x.shape[1], size):
        raise ShapeError(f"{name} has shape {list(state.shape)}; it must be [{x.shape[1]}, {size}]")
    return state.astype(x.dtype)


def _rounded(x: Array, *results: Array) -> Any:
    return tuple(result.astype(x.dtype) for result in results)


# Weights -------------------------------------------------------------------------------------------------------------


def _gates(stored: Any, size: int, count: int, order: Sequence[int], name: str) -> Any:
    """The stacked weights of several gates, side by side in another order; matrices become [in, out].

    Args:
        stored: [count * size] or [count * size, in]; None stays None.
        size: of the state.
        count: how many gates there are.
        order: positions of the gates to take.
        name: the weight's name in the error.

    Returns:
        [len(order) * size] or [in, len(order) * size], half precision as float32.

    Raises:
        ShapeError: the first axis has another size.
    """
    if stored is None:
        return None
    if stored.shape[0] != count * size:
        raise ShapeError(f"{name} has shape {list(stored.shape)}; its first axis must be {count} * {size}")
    parts = jnp.split(widened(stored), count)
    return jnp.concatenate([parts[position] for position in order]).T


def _size(recursion: Any, name: str = "weight_hh") -> int:
    if recursion.ndim != 2:
        raise ShapeError(f"{name} has shape {list(recursion.shape)}; it must be a matrix")
    return recursion.shape[1]


# Simple recurrent ----------------------------------------------------------------------------------------------------


def _rnn_weights(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    size = _size(weights["weight_hh"])
    return {name: _gates(weight, size, 1, (0,), name) for name, weight in weights.items()}


@operation("rnn", version=15, stored=("weight_ih", "weight_hh", "bias"), prepare=_rnn_weights)
def rnn(
    x: Array,
    initial_h: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array | None = None,
    *,
    direction: str,
    output_sequence: bool,
    activation: str,
) -> tuple[Array, Array]:
    """A simple recurrent network: h_t = f(W x_t + R h_(t-1) + b).

    Args:
        x: [steps, batch, in].
        initial_h: the state before the first step, [batch, size].
        weight_ih: W, stored as [size, in]; here as `prepare` makes it, [in, size].
        weight_hh: R, stored as [size, size]; here its transpose.
        bias: b, [size].
        direction: `forward`, or `reverse`, which reads x from its last step to the first; outputs are in the order in
            which they are computed.
        output_sequence: whether all outputs are returned, or the last one.
        activation: f: relu, tanh, sigmoid, sigmoid_hard (0.2 x + 0.5 in [0, 1]), scaled_tanh (tanh) or linear (x).

    Returns:
        Outputs [steps or 1, batch, size], and the last one [batch, size].

    Raises:
        ShapeError: an array has another shape.
        SpecError: there is no such direction or activation.

    Source: the operation rnn of ML Programs (iOS 15; half precision from iOS 17).
    """
    rows = _steps(x, weight_ih)
    outputs, last = kernels.rnn(
        rows,
        _state(initial_h, rows, weight_hh.shape[0], "initial_h"),
        weight_ih,
        weight_hh,
        bias,
        _activation(activation),
        reverse=_is_reverse(direction),
        every_step=output_sequence,
    )
    return _rounded(x, outputs, last)


# GRU -----------------------------------------------------------------------------------------------------------------

_ZRO = (2, 0, 1)  # update, reset, output, of the stored order reset, output, update


def _gru_weights(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The gates side by side in the order update, reset, output.

    Biases become one, `bias`. Where the reset scales the part that belongs to the output gate's product with the state,
    this part is `input_bias`.
    """
    size = _size(weights["weight_hh"])
    ready = {name: _gates(weight, size, 3, _ZRO, name) for name, weight in weights.items()}
    outer, inner = ready.get("input_bias"), ready.get("bias")
    ready["input_bias"] = None
    if inner is not None and attributes.get("reset_after"):
        ready["input_bias"] = inner[2 * size :]
        inner = inner.at[2 * size :].set(0)
    ready["bias"] = outer if inner is None else inner if outer is None else inner + outer
    return {name: weight for name, weight in ready.items() if weight is not None}


def _gru(
    x: Array,
    initial_h: Array,
    weights: tuple[Array, Array, Array | None, Array | None],
    names: tuple[str, str],
    *,
    reset_after: bool,
    reverse: bool,
    every_step: bool,
) -> tuple[Array, Array]:
    """weights: as `_gru_weights` makes them. names: the activations of the gates and of the output."""
    matrix, recursion, bias, inner_bias = weights
    gate, block = map(_activation, names)
    rows, size = _steps(x, matrix), recursion.shape[0]
    state = _state(initial_h, rows, size, "initial_h")
    run: Callable[..., tuple[Array, Array]]
    if reset_after:
        run, operands = kernels.gru_reset_after, (recursion, bias, inner_bias)
    else:
        run, operands = kernels.gru, (recursion[:, : 2 * size], recursion[:, 2 * size :], bias)
    outputs, last = run(rows, state, matrix, *operands, gate, block, reverse=reverse, every_step=every_step)
    return _rounded(x, outputs, last)


@operation("gru", version=15, stored=("weight_ih", "weight_hh", "bias"), prepare=_gru_weights)
def gru(
    x: Array,
    initial_h: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array | None = None,
    *,
    direction: str,
    output_sequence: bool,
    recurrent_activation: str,
    activation: str,
) -> tuple[Array, Array]:
    """Gated recurrent units, the reset applied to the state before its product.

    r = f(W_r x + R_r h + b_r), z likewise, o = g(W_o x + R_o (r * h) + b_o), h' = (1 - z) * o + z * h. The format's
    formula can also be read as r * (R_o h); its tests compute the former.

    Args:
        x: [steps, batch, in].
        initial_h: the state before the first step, [batch, size].
        weight_ih: the matrices of reset, output and update gate, stored as [3 * size, in]; here see `_gru_weights`.
        weight_hh: likewise of the state, stored as [3 * size, size].
        bias: likewise, [3 * size].
        direction: `forward` or `reverse`, as in `rnn`.
        output_sequence: as in `rnn`.
        recurrent_activation: f, see `rnn`.
        activation: g.

    Returns:
        Outputs [steps or 1, batch, size], and the last one [batch, size].

    Raises:
        ShapeError: an array has another shape.
        SpecError: there is no such direction or activation.

    Source: the operation gru of ML Programs (iOS 15; half precision from iOS 17).
    """
    return _gru(
        x,
        initial_h,
        (weight_ih, weight_hh, bias, None),
        (recurrent_activation, activation),
        reset_after=False,
        reverse=_is_reverse(direction),
        every_step=output_sequence,
    )


@operation("gru", version=18, stored=("weight_ih", "weight_hh", "bias", "input_bias"), prepare=_gru_weights)
def gru_with_reset_after(
    x: Array,
    initial_h: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array | None = None,
    input_bias: Array | None = None,
    *,
    direction: str,
    output_sequence: bool,
    recurrent_activation: str,
    activation: str,
    reset_after: bool | None,
) -> tuple[Array, Array]:
    """Gated recurrent units, the reset applied to the state before or after its product.

    With `reset_after`, o = g(W_o x + b'_o + r * (R_o h + b_o)), as in PyTorch. The format's prose says that the reset
    is then applied before the product, against the name of the parameter and its own test against PyTorch.

    Args:
        x: [steps, batch, in].
        initial_h: the state before the first step, [batch, size].
        weight_ih: see `gru`.
        weight_hh: see `gru`.
        bias: b, beside the product with the state: stored as [3 * size]; here see `_gru_weights`.
        input_bias: b', beside the product with the input, stored as [3 * size].
        direction: see `gru`.
        output_sequence: see `gru`.
        recurrent_activation: see `gru`.
        activation: see `gru`.
        reset_after: whether the reset scales the product with the state and its bias; absent, it scales the state.

    Returns:
        As `gru`.

    Raises:
        ShapeError: an array has another shape.
        SpecError: there is no such direction or activation.

    Source: the operation gru of ML Programs (iOS 18).
    """
    return _gru(
        x,
        initial_h,
        (weight_ih, weight_hh, bias, input_bias),
        (recurrent_activation, activation),
        reset_after=bool(reset_after),
        reverse=_is_reverse(direction),
        every_step=output_sequence,
    )


# LSTM ----------------------------------------------------------------------------------------------------------------

_IOZF = (0, 2, 3, 1)  # input, output, cell, forget, of the stored order input, forget, output, cell
_PEEPHOLES = ("input_gate", "forget_gate", "output_gate")
_CELL = ("weight_ih", "weight_hh", "bias", "peephole")
_CELLS = (*_CELL, *(f"{name}_back" for name in _CELL))


def _lstm_weights(weights: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Gates side by side in the order input, output, cell, forget; peepholes in their stored order."""
    ready: dict[str, Any] = {}
    for ending in ("", "_back") if attributes["direction"] == "bidirectional" else ("",):
        names = [name + ending for name in _CELL]
        if any(weights.get(name) is None for name in names[:2]):
            raise SpecError(f"an LSTM of direction {attributes['direction']!r} needs {names[0]} and {names[1]}")
        size = _size(weights[names[1]], names[1])
        ready |= {name: _gates(weights.get(name), size, 4, _IOZF, name) for name in names[:3]}
        ready[names[3]] = _gates(weights.get(names[3]), size, 3, (0, 1, 2), names[3])
    return {name: weight for name, weight in ready.items() if weight is not None}


@operation("lstm", version=15, stored=_CELLS, prepare=_lstm_weights)
def lstm(
    x: Array,
    initial_h: Array,
    initial_c: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array | None = None,
    peephole: Array | None = None,
    weight_ih_back: Array | None = None,
    weight_hh_back: Array | None = None,
    bias_back: Array | None = None,
    peephole_back: Array | None = None,
    *,
    direction: str,
    output_sequence: bool,
    recurrent_activation: str,
    cell_activation: str,
    activation: str,
    clip: float | None,
) -> tuple[Array, Array, Array]:
    """Long short-term memory: gates i, f and o and the cell's input z, with a cell c beside the output h.

    i = f(W_i x + R_i h + p_i * c + b_i), the forget gate likewise, z = g(W_z x + R_z h + b_z),
    c' = clip(f * c + i * z), o = f(W_o x + R_o h + p_o * c' + b_o), h' = o * k(c').

    Args:
        x: [steps, batch, in].
        initial_h: the output before the first step, [batch, size]; with two directions [batch, 2 * size], the forward
            one first.
        initial_c: the cell, as initial_h.
        weight_ih: matrices of the input, forget and output gate and of the cell, stored as [4 * size, in]; here see
            `_lstm_weights`.
        weight_hh: likewise of the state, stored as [4 * size, size].
        bias: likewise, [4 * size].
        peephole: p of the input, forget and output gate, [3 * size].
        weight_ih_back: as weight_ih, of the backward direction of two.
        weight_hh_back: as weight_hh.
        bias_back: as bias.
        peephole_back: as peephole.
        direction: `forward`, `reverse` as in `rnn`, or `bidirectional`: one cell from each end of the steps, and each
            step has what both computed there.
        output_sequence: whether all outputs are returned, or the last one of each direction.
        recurrent_activation: f, see `rnn`.
        cell_activation: g.
        activation: k.
        clip: the cell is clipped to [-clip, clip]; None means no limit.

    Returns:
        Outputs [steps or 1, batch, directions * size], and the last output and cell [batch, directions * size].

    Raises:
        ShapeError: an array has another shape.
        SpecError: there is no such direction or activation, or weights of a direction are missing.

    Source: the operation lstm of ML Programs (iOS 15; half precision from iOS 17).
    """
    reverse = named(direction, {**_REVERSE, "bidirectional": False}, "the direction")
    rows = _steps(x, weight_ih)
    gate, block, output = map(_activation, (recurrent_activation, cell_activation, activation))

    def run(h: Array, c: Array, cell: tuple[Any, ...], reverse: bool) -> tuple[Array, Array, Array]:
        matrix, recursion, bias, peephole = cell
        parts = [] if peephole is None else jnp.split(peephole, 3)
        peepholes: dict[str, Array] = dict(zip(_PEEPHOLES, parts, strict=False))
        options: Mapping[str, Any] = {"cell_limit": clip, "reverse": reverse, "every_step": output_sequence}
        return kernels.lstm(rows, h, c, matrix, recursion, bias, peepholes, gate, block, output, **options)

    ahead = (weight_ih, weight_hh, bias, peephole)
    sizes = [weight_hh.shape[0]]
    if direction == "bidirectional":
        assert weight_hh_back is not None  # checked by `_lstm_weights`
        sizes.append(weight_hh_back.shape[0])
    h = _state(initial_h, rows, sum(sizes), "initial_h")
    c = _state(initial_c, rows, sum(sizes), "initial_c")
    if direction != "bidirectional":
        return _rounded(x, *run(h, c, ahead, reverse))
    back = (weight_ih_back, weight_hh_back, bias_back, peephole_back)
    outputs, *states = run(h[:, : sizes[0]], c[:, : sizes[0]], ahead, False)
    outputs_back, *states_back = run(h[:, sizes[0] :], c[:, sizes[0] :], back, True)
    joined = [jnp.flip(outputs_back, 0), *states_back]
    pairs = zip((outputs, *states), joined, strict=True)
    return _rounded(x, *(jnp.concatenate(pair, axis=-1) for pair in pairs))
