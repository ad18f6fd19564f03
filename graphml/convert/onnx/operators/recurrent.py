"""Recurrent networks: recurrent layers where they are equivalent, else a loop over the steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.recurrence import (
    Cell,
    Layered,
    Recurrence,
    Results,
    Step,
    activated,
    cut,
    gate_weights,
    gates_of,
    product,
    recurrent,
    single,
    state_blobs,
)
from graphml.convert.onnx.tensors import Array, Tensor
from graphml.convert.onnx.writer import Writer

_CELL_LIMIT = 50000.0  # the common builder writes this for no limit; a cell grows by at most 1 in each step

# Simple recurrent ----------------------------------------------------------------------------------------------------


def _rnn_step(w: Writer, cell: Cell, x: Tensor, state: Tensor, _: Tensor | None) -> tuple[Tensor, None]:
    both = basics.add(w, x, product(w, state, cell.recursion))
    return activated(w, both, cell.activations[0], cell.limit), None


def _rnn_layers(w: Writer, x: Tensor, cells: Sequence[Cell], every: bool) -> list[Results]:
    def fields(cell: Cell) -> dict[str, Any]:
        bias = cell.summed_bias()
        return {
            "activation": cell.activations[0],
            "weight_matrix": cell.matrix.constant,
            "recursion_matrix": cell.recursion.constant,
            "bias_vector": None if bias is None else bias[0],
            "sequence_output": every,
        }

    return [single(w, "simpleRecurrent", x, cell, every, 2, **fields(cell)) for cell in cells]


@operator("RNN", since=7)
def rnn(
    w: Writer,
    *inputs: Tensor | None,
    activations: Sequence[str] | None = None,
    activation_alpha: Sequence[float] = (),
    activation_beta: Sequence[float] = (),
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
) -> list[Tensor | None]:
    return recurrent(
        w,
        inputs,
        _rnn_layers,
        _rnn_step,
        ["Tanh"],
        Recurrence(direction, layout, clip, activations, activation_alpha, activation_beta),
    )


# GRU -----------------------------------------------------------------------------------------------------------------

_GRU_GATES = ("update_gate", "reset_gate", "output_gate")


def _gru_step(w: Writer, cell: Cell, x: Tensor, state: Tensor, _: Tensor | None) -> tuple[Tensor, None]:
    """The reset scales the state before its product."""
    gate, block = cell.activations
    size = cell.size
    x_z, x_r, x_h = gates_of(w, x, 3)
    h_z, h_r = gates_of(w, product(w, state, cut(w, cell.recursion, 0, 2 * size)), 2)
    z = activated(w, basics.add(w, x_z, h_z), gate, cell.limit)
    r = activated(w, basics.add(w, x_r, h_r), gate, cell.limit)
    inner = product(w, basics.multiply(w, r, state), cut(w, cell.recursion, 2 * size, 3 * size))
    return _mixed(w, z, activated(w, basics.add(w, x_h, inner), block, cell.limit), state), None


def _gru_step_after(w: Writer, cell: Cell, x: Tensor, state: Tensor, _: Tensor | None) -> tuple[Tensor, None]:
    """The reset scales the product with the state, and its bias."""
    gate, block = cell.activations
    size = cell.size
    x_z, x_r, x_h = gates_of(w, x, 3)
    bias = None if cell.bias is None else cut(w, cell.bias, 5 * size, 6 * size)
    h_z, h_r = gates_of(w, product(w, state, cut(w, cell.recursion, 0, 2 * size)), 2)
    z = activated(w, basics.add(w, x_z, h_z), gate, cell.limit)
    r = activated(w, basics.add(w, x_r, h_r), gate, cell.limit)
    inner = basics.multiply(w, r, product(w, state, cut(w, cell.recursion, 2 * size, 3 * size), bias))
    return _mixed(w, z, activated(w, basics.add(w, x_h, inner), block, cell.limit), state), None


def _mixed(w: Writer, z: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """(1 - z) * new + z * old."""
    return basics.add(w, new, basics.multiply(w, z, basics.subtract(w, old, new)))


def _gru_layers(w: Writer, x: Tensor, cells: Sequence[Cell], every: bool) -> list[Results]:
    return [
        single(
            w,
            "gru",
            x,
            cell,
            every,
            2,
            activations=cell.activations,
            sequence_output=every,
            **gate_weights(cell, _GRU_GATES),
        )
        for cell in cells
    ]


@operator("GRU", since=7)
def gru(
    w: Writer,
    *inputs: Tensor | None,
    activations: Sequence[str] | None = None,
    activation_alpha: Sequence[float] = (),
    activation_beta: Sequence[float] = (),
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    linear_before_reset: int = 0,
) -> list[Tensor | None]:
    return recurrent(
        w,
        inputs,
        None if linear_before_reset else _gru_layers,
        _gru_step_after if linear_before_reset else _gru_step,
        ["Sigmoid", "Tanh"],
        Recurrence(direction, layout, clip, activations, activation_alpha, activation_beta),
        inner_bias=bool(linear_before_reset),
    )


# LSTM ----------------------------------------------------------------------------------------------------------------

_LSTM_GATES = ("input_gate", "output_gate", "forget_gate", "block_input")
_PEEPHOLES = _LSTM_GATES[:3]


def _lstm_step(coupled: bool) -> Step:
    def step(w: Writer, cell: Cell, x: Tensor, state: Tensor, old: Tensor | None) -> tuple[Tensor, Tensor | None]:
        assert old is not None, "it is carried"
        gate, block, output = cell.activations
        i, o, f, c = gates_of(w, basics.add(w, x, product(w, state, cell.recursion)), 4)
        size, stored = cell.size, cell.peepholes
        peeps = [] if stored is None else [cut(w, stored, n * size, (n + 1) * size) for n in range(3)]

        def opened(z: Tensor, which: int, c: Tensor) -> Tensor:
            z = basics.add(w, z, basics.multiply(w, c, peeps[which])) if peeps else z
            return activated(w, z, gate, cell.limit)

        i = opened(i, 0, old)
        f = basics.linear(w, i, -1.0, 1.0) if coupled else opened(f, 2, old)
        entering = basics.multiply(w, i, activated(w, c, block, cell.limit))
        new = basics.add(w, basics.multiply(w, f, old), entering)
        return basics.multiply(w, opened(o, 1, new), activated(w, new, output)), new

    return step


def _lstm_layers(coupled: bool) -> Layered:
    def layered(w: Writer, x: Tensor, cells: Sequence[Cell], every: bool) -> list[Results]:
        first = cells[0]
        params = {
            "sequence_output": every,
            "has_bias_vectors": first.bias is not None,
            "has_peephole_vectors": first.peepholes is not None,
            "coupled_input_and_forget_gate": coupled,
            "cell_clip_threshold": _CELL_LIMIT,
        }
        fields: dict[str, Any] = {
            "input_vector_size": first.matrix.shapes[0][1],
            "output_vector_size": first.size,
            "params": params,
        }
        if len(cells) == 1:
            weights = _lstm_weights(first)
            own = {"activations": first.activations, "weight_params": weights}
            return [single(w, "uniDirectionalLSTM", x, first, every, 3, **own, **fields)]
        states = [part for cell in cells for part in state_blobs(w, x, cell, True)]
        outputs, *ends = w.layers(
            "biDirectionalLSTM",
            [basics.expand_dims(w, x, [3, 4]), *states],
            5,
            activations_forward_lstm=first.activations,
            activations_backward_lstm=cells[1].activations,
            weight_params=[_lstm_weights(cell) for cell in cells],
            **fields,
        )
        halves = w.layers("splitND", [basics.squeeze(w, outputs, [3, 4])], 2, axis=2, num_splits=2)
        last = [basics.squeeze(w, end, [0, 3, 4]) for end in ends]
        return [(half if every else None, h, c) for half, (h, c) in zip(halves, (last[:2], last[2:]), strict=True)]

    return layered


def _lstm_weights(cell: Cell) -> dict[str, Array]:
    peepholes = None if cell.peepholes is None or cell.peepholes.constant is None else cell.peepholes.constant
    rows: list[Array] = [] if peepholes is None else list(peepholes.reshape(3, cell.size))
    named = {f"{gate}_peephole_vector": row for gate, row in zip(_PEEPHOLES, rows, strict=False)}
    return {**gate_weights(cell, _LSTM_GATES), **named}


@operator("LSTM", since=7)
def lstm(
    w: Writer,
    *inputs: Tensor | None,
    activations: Sequence[str] | None = None,
    activation_alpha: Sequence[float] = (),
    activation_beta: Sequence[float] = (),
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
    layout: int = 0,
) -> list[Tensor | None]:
    return recurrent(
        w,
        inputs,
        _lstm_layers(bool(input_forget)),
        _lstm_step(bool(input_forget)),
        ["Sigmoid", "Tanh", "Tanh"],
        Recurrence(direction, layout, clip, activations, activation_alpha, activation_beta),
        has_cell=True,
    )
