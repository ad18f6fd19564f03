"""Helpers for recurrent networks: a direction as a recurrent layer, or as a loop over the steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphml.convert.onnx import basics, loops
from graphml.convert.onnx.tensors import Array, Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import GraphError, UnsupportedError
from graphml.spec.attributes import Choice

# Activations ---------------------------------------------------------------------------------------------------------

# ONNX's name: (the layer's name, defaults of alpha and beta; None for a parameter that it does not have)
_ACTIVATIONS: Mapping[str, tuple[str, float | None, float | None]] = {
    "relu": ("ReLU", None, None),
    "tanh": ("tanh", None, None),
    "sigmoid": ("sigmoid", None, None),
    "softsign": ("softsign", None, None),
    "softplus": ("softplus", None, None),
    "affine": ("linear", 1.0, 0.0),
    "leakyrelu": ("leakyReLU", 0.01, None),
    "thresholdedrelu": ("thresholdedReLU", 1.0, None),
    "scaledtanh": ("scaledTanh", 1.0, 1.0),
    "hardsigmoid": ("sigmoidHard", 0.2, 0.5),
    "elu": ("ELU", 1.0, None),
}


def _activations(names: Sequence[str], alphas: Sequence[float], betas: Sequence[float]) -> list[Choice]:
    """The activations with their parameters; the lists hold values only for activations with a parameter, in order."""
    left = [list(alphas), list(betas)]
    made: list[Choice] = []
    for name in names:
        if name.lower() not in _ACTIVATIONS:
            raise UnsupportedError(f"the activation {name} is not supported")
        wire, *defaults = _ACTIVATIONS[name.lower()]
        fields: dict[str, float] = {}
        for parameter, default, given in zip(("alpha", "beta"), defaults, left, strict=True):
            if default is not None:
                fields[parameter] = given.pop(0) if given else default
        made.append(Choice(wire, fields))
    return made


def _saturates(choice: Choice) -> bool:
    """Whether it is constant beyond 50, where recurrent layers clip its argument."""
    alpha, beta = choice.fields.get("alpha", 0.0), choice.fields.get("beta", 0.0)
    if choice.name == "sigmoidHard":
        return 50 * alpha + beta >= 1 and -50 * alpha + beta <= 0
    return choice.name in ("sigmoid", "tanh") or (choice.name == "scaledTanh" and abs(50 * beta) >= 20)


def activated(w: Writer, x: Tensor, choice: Choice, limit: float | None = None) -> Tensor:
    x = x if limit is None else basics.clip(w, x, -limit, limit)
    return basics.activation(w, choice.name, x, **choice.fields)


# Directions ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """The weights and settings of one direction.

    Attributes:
        matrix: [gates * size, in].
        recursion: [gates * size, size].
        bias: [2 * gates * size], for x and for the state.
        peepholes: [3 * size], for i, o and f.
        state: [batch, size].
        cell: [batch, size].
        activations: Those of the gates, of the block input, and for an LSTM of the cell.
        limit: Arguments of activations are clipped to [-limit, limit].
        backwards: Whether it starts at the last step.
        inner_bias: See `recurrent`.
    """

    matrix: Tensor
    recursion: Tensor
    bias: Tensor | None
    peepholes: Tensor | None
    state: Tensor | None
    cell: Tensor | None
    activations: Sequence[Choice]
    limit: float | None
    backwards: bool
    inner_bias: bool

    @property
    def size(self) -> int:
        return self.recursion.shapes[0][1]

    @property
    def gates(self) -> int:
        return self.recursion.shapes[0][0] // self.size

    @property
    def is_natural(self) -> bool:
        """Whether a recurrent layer can compute it, apart from the conditions of single kinds."""
        stored = [part for part in (self.matrix, self.recursion, self.bias, self.peepholes) if part is not None]
        fixed = all(part.constant is not None for part in stored)
        return fixed and self.limit is None and all(_saturates(each) for each in self.activations[:2])

    def summed_bias(self) -> Array | None:
        """The constant bias of x and of the state together, [gates, size]."""
        if self.bias is None or self.bias.constant is None:
            return None
        return self.bias.constant.reshape(2, self.gates, self.size).sum(0)


Results = tuple[Tensor | None, Tensor, Tensor | None]
"""The outputs [steps, batch, size] in the order of time, the last state and the last cell [batch, size]."""

Layered = Callable[[Writer, Tensor, Sequence[Cell], bool], "list[Results]"]
Step = Callable[[Writer, Cell, Tensor, Tensor, Tensor | None], "tuple[Tensor, Tensor | None]"]


@dataclass(frozen=True)
class Recurrence:
    """The attributes that all three operators have, as in ONNX.

    Attributes:
        direction: "forward", "reverse" or "bidirectional".
        layout: 1 if the batch comes first.
        clip: Arguments of activations are clipped to [-clip, clip].
        activations: Those of all directions.
        alphas: Their parameters.
        betas: See above.
    """

    direction: str
    layout: int
    clip: float | None
    activations: Sequence[str] | None
    alphas: Sequence[float]
    betas: Sequence[float]

    def functions(self, defaults: Sequence[str]) -> list[list[Choice]]:
        """The activations of each direction."""
        if self.direction not in ("forward", "reverse", "bidirectional"):
            raise GraphError(f"direction is {self.direction!r}; it must be forward, reverse or bidirectional")
        count, each = 2 if self.direction == "bidirectional" else 1, len(defaults)
        made = _activations(self.activations or list(defaults) * count, self.alphas, self.betas)
        if len(made) != count * each:
            raise GraphError(f"it has {len(made)} activations; expected {count * each}")
        return [made[which * each : (which + 1) * each] for which in range(count)]


def recurrent(
    w: Writer,
    inputs: Sequence[Tensor | None],
    layered: Layered | None,
    step: Step,
    defaults: Sequence[str],
    form: Recurrence,
    *,
    has_cell: bool = False,
    inner_bias: bool = False,
) -> list[Tensor | None]:
    """The outputs of a node.

    Args:
        w: The writer.
        inputs: x, W, R, B, sequence_lens, initial_h, initial_c, P.
        layered: Writes the recurrent layer; None if there is no equivalent one.
        step: Writes one step: (writer, cell, x W + b, state, cell state) -> the next states.
        defaults: The activations of a direction.
        form: The attributes.
        has_cell: Whether there is a cell state.
        inner_bias: Whether the step adds the bias of the last gate's state itself.

    Raises:
        GraphError: The attributes contradict each other.
        UnsupportedError: An activation is not known.
    """
    x, matrix, recursion, bias, lengths, state, cell, peepholes = [*inputs, *[None] * (8 - len(inputs))]
    if x is None or matrix is None or recursion is None:
        raise GraphError("x, W and R must be given")
    layout = form.layout
    cells = [
        Cell(
            _row(w, matrix, 0, which),
            _row(w, recursion, 0, which),
            *(None if part is None else _row(w, part, 0, which) for part in (bias, peepholes)),
            *(None if part is None else _row(w, part, layout, which) for part in (state, cell)),
            activations=functions,
            limit=form.clip,
            backwards=form.direction == "reverse" or which == 1,
            inner_bias=inner_bias,
        )
        for which, functions in enumerate(form.functions(defaults))
    ]
    x = basics.transpose(w, x, [1, 0, 2]) if layout else x
    if lengths is not None and lengths.constant is not None and x.shape[0] is not None:
        lengths = None if np.all(lengths.constant == x.shape[0]) else lengths
    every = bool(w.node.wanted) and w.node.wanted[0]
    natural = lengths is None and all(each.is_natural for each in cells)
    if layered is not None and natural:
        made = layered(w, x, cells, every)
    else:
        made = [_looped(w, x, each, lengths, step, has_cell, every) for each in cells]
    outputs, states, ends = ([each for each in column if each is not None] for column in zip(*made, strict=True))
    whole = basics.stack(w, outputs, 2 if layout else 1) if every else None
    if whole is not None and layout:
        whole = basics.transpose(w, whole, [1, 0, 2, 3])
    at = 1 if layout else 0
    return [whole, basics.stack(w, states, at), basics.stack(w, ends, at) if ends else None]


def _row(w: Writer, x: Tensor, axis: int, which: int) -> Tensor:
    """x at a position of an axis, which is dropped."""
    value = x.constant
    if value is not None:
        return w.constant(np.ascontiguousarray(np.take(value, which, axis)))
    return basics.squeeze(w, basics.slice_axis(w, x, axis, which, which + 1), [axis])


# Loops ---------------------------------------------------------------------------------------------------------------


def product(w: Writer, x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """x times a matrix [out, in], plus a bias."""
    shift = None if bias is None else bias.constant
    if matrix.constant is not None and (bias is None or shift is not None):
        return w.layer("innerProduct", [x], weights=matrix.constant, bias=shift)
    if x.rank > 2:
        matrix = basics.expand_dims(w, matrix, [0])
    made = w.layer("batchedMatmul", [x, matrix], transpose_b=True)
    return made if bias is None else basics.add(w, made, bias)


def cut(w: Writer, x: Tensor, begin: int, end: int) -> Tensor:
    """x[begin:end]."""
    return w.constant(x.constant[begin:end]) if x.constant is not None else basics.slice_axis(w, x, 0, begin, end)


def _sum(w: Writer, a: Tensor, b: Tensor) -> Tensor:
    if a.constant is not None and b.constant is not None:
        return w.constant(a.constant + b.constant)
    return basics.add(w, a, b)


def gates_of(w: Writer, x: Tensor, count: int) -> list[Tensor]:
    return w.layers("splitND", [x], count, axis=x.rank - 1, num_splits=count)


def _looped(
    w: Writer, x: Tensor, cell: Cell, lengths: Tensor | None, step: Step, has_cell: bool, every: bool
) -> Results:
    """One direction as a loop over the steps; after the end of a shorter sequence its states do not change."""
    turned = cell.backwards and lengths is not None
    if turned and lengths is not None:
        x = _reversed(w, x, lengths)
    backwards = cell.backwards and not turned
    projected = product(w, x, cell.matrix, _outer_bias(w, cell))
    zeros = [(own[1], cell.size) for own in x.shapes]
    first = [cell.state, cell.cell] if has_cell else [cell.state]
    starts = [basics.fill(w, zeros, 0.0, x.dtype, [x]) if each is None else each for each in first]
    steps = x.shape[0]
    if steps == 1 and lengths is None:
        after = step(w, cell, basics.squeeze(w, projected, [0]), starts[0], starts[1] if has_cell else None)
        return basics.expand_dims(w, after[0], [0]) if every else None, *after
    count = w.constant(np.asarray([steps], np.int64)) if steps is not None else basics.size_of(w, x, 0)
    number = loops.carry(w, w.constant(np.asarray(0, np.int64)))
    states = [loops.carry(w, each) for each in starts]
    ran = tuple(own[0] for own in x.shapes)
    room = [loops.storage(w, states[0], 0, ran, count, [x])] if every else []
    with w.region() as iteration:
        at = number
        if backwards:
            at = basics.subtract(w, basics.subtract(w, basics.reshape(w, count, [()] * w.sets), 1), number)
        now = loops.element(w, projected, 0, at)
        after = [each for each in step(w, cell, now, states[0], states[1] if has_cell else None) if each is not None]
        output = after[0]
        if lengths is not None:
            lasts = basics.expand_dims(w, basics.compare(w, "lessThan", number, lengths), [1])
            output = basics.where(w, lasts, output, 0.0)
            after = [basics.where(w, lasts, new, old) for new, old in zip(after, states, strict=True)]
        filled = [loops.store(w, output, each, 0, at) for each in room]
        loops.carry_on(w, [basics.add(w, number, 1), *after, *filled], [number, *states, *room])
    loops.repeat(w, iteration, count if steps is None else steps)
    if lengths is not None:  # the final state of a sequence without steps is zero, not the initial one
        some = basics.expand_dims(w, basics.compare(w, "greaterThan", lengths, 0), [1])
        states = [
            each if own is None else basics.where(w, some, each, 0.0) for each, own in zip(states, first, strict=True)
        ]
    outputs = room[0] if room else None
    if outputs is not None and turned and lengths is not None:
        outputs = _reversed(w, outputs, lengths)
    return outputs, states[0], states[1] if has_cell else None


def _reversed(w: Writer, x: Tensor, lengths: Tensor) -> Tensor:
    """Each sequence of [steps, batch, size] reversed within its length."""
    fields = {"batch_axis": 1, "sequence_axis": 0}
    return w.layer("reverseSeq", [x, lengths], dtype=x.dtype, shapes=x.shapes, **fields)


def _outer_bias(w: Writer, cell: Cell) -> Tensor | None:
    """The bias that is added before the loop: both halves, without the part that the reset gate of a GRU scales."""
    if cell.bias is None:
        return None
    whole, size = cell.gates * cell.size, cell.size
    ahead, back = cut(w, cell.bias, 0, whole), cut(w, cell.bias, whole, 2 * whole)
    if not cell.inner_bias:
        return _sum(w, ahead, back)
    both = _sum(w, cut(w, ahead, 0, 2 * size), cut(w, back, 0, 2 * size))
    rest = cut(w, ahead, 2 * size, whole)
    if both.constant is not None and rest.constant is not None:
        return w.constant(np.concatenate([both.constant, rest.constant]))
    return basics.concat(w, [both, rest], 0)


# Layers --------------------------------------------------------------------------------------------------------------


def gate_weights(cell: Cell, gates: Sequence[str]) -> dict[str, Array]:
    """The weights of the gates by their names in the format."""
    made: dict[str, Array] = {}
    parts = {"weight_matrix": cell.matrix.constant, "recursion_matrix": cell.recursion.constant}
    for ending, value in {**parts, "bias_vector": cell.summed_bias()}.items():
        if value is not None:
            rows = np.asarray(value, np.float32).reshape(len(gates), cell.size, -1)
            made |= {
                f"{gate}_{ending}": row[:, 0] if ending == "bias_vector" else row
                for gate, row in zip(gates, rows, strict=True)
            }
    return made


def state_blobs(w: Writer, x: Tensor, cell: Cell, has_cell: bool) -> list[Tensor]:
    """The first states as [1, batch, size, 1, 1]."""
    given = [cell.state, cell.cell] if has_cell else [cell.state]
    zeros = [(own[1], cell.size) for own in x.shapes]
    whole = [basics.fill(w, zeros, 0.0, x.dtype, [x]) if state is None else state for state in given]
    return [basics.expand_dims(w, state, [0, 3, 4]) for state in whole]


def single(w: Writer, kind: str, x: Tensor, cell: Cell, every: bool, outputs: int, **fields: Any) -> Results:
    """One direction as a layer, whose outputs are in the order in which they are computed."""
    given = cell.state is not None or cell.cell is not None
    states = state_blobs(w, x, cell, outputs == 3) if given else []
    fields |= {"reverse_input": cell.backwards}
    made, *ends = w.layers(kind, [basics.expand_dims(w, x, [3, 4]), *states], outputs, **fields)
    last = [basics.squeeze(w, end, [0, 3, 4]) for end in ends]
    rows = basics.squeeze(w, made, [3, 4])
    if cell.backwards and every:
        rows = basics.unary(w, "reverse", rows, reverse_dim=(True, False, False))
    return rows if every else None, last[0], last[1] if outputs == 3 else None
