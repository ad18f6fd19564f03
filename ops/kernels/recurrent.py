"""Recurrent cells carried along sequences [steps, batch, channels] by one shared loop.

Matrices are [in, out], those of several gates side by side, so that a step costs one product with the state.
Activations are functions of arrays. States are [batch, size].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar

import jax.numpy as jnp
from jax import lax

from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.cpu.recurrent import multiply_in_blocks, multiply_in_step
from graphml.ops.kernels.platform import on_cpu
from graphml.ops.kernels.precision import matmul

Activation: TypeAlias = Callable[[Array], Array]
States = TypeVar("States", tuple[Array], tuple[Array, Array])

# Up to this batch one large product before the loop is faster on CPUs; beyond it, products in the steps.
_HOIST_UP_TO = 8


def rnn(
    x: Array,
    y: Array,
    matrix: Array,
    recursion: Array,
    bias: Array | None,
    activation: Activation,
    *,
    reverse: bool,
    every_step: bool,
) -> tuple[Array, Array]:
    """A simple recurrent network: y_t = f(x_t W + y_(t-1) R + b).

    Args:
        x: [steps, batch, in].
        y: the first state, [batch, size].
        matrix: W, [in, size].
        recursion: R, [size, size].
        bias: b, [size].
        activation: f.
        reverse: whether to run from the last step to the first.
        every_step: whether to return the outputs of all steps or the last one.

    Returns:
        (outputs [steps or 1, batch, size] in the order of computation, the last state).
    """

    def advance(states: tuple[Array], z: Array) -> tuple[Array]:
        return (activation(z),)

    outputs, (last,) = _scan(advance, (y,), x, matrix, recursion, bias, reverse=reverse, every_step=every_step)
    return outputs, last


def gru(
    x: Array,
    y: Array,
    matrix: Array,
    gate_recursion: Array,
    block_recursion: Array,
    bias: Array | None,
    gate: Activation,
    block: Activation,
    *,
    reverse: bool,
    every_step: bool,
) -> tuple[Array, Array]:
    """Gated recurrent units whose reset acts on the state before its product.

    z, r = gate(x W + y R + b), o = block(x W + (r * y) R_o + b), y' = (1 - z) * o + z * y.

    Args:
        x: [steps, batch, in].
        y: the first state, [batch, size].
        matrix: [in, 3 * size], for update gate z, reset gate r and output gate o.
        gate_recursion: R, [size, 2 * size], for z and r.
        block_recursion: R_o, [size, size].
        bias: [3 * size].
        gate: activation of z and r.
        block: activation of o.
        reverse: as in `rnn`.
        every_step: as in `rnn`.

    Returns:
        As `rnn`.
    """
    size = block_recursion.shape[0]

    def advance(states: tuple[Array], projected: Array) -> tuple[Array]:
        (y,) = states
        both = gate(projected[:, : 2 * size] + matmul(y, gate_recursion))
        z, r = both[:, :size], both[:, size:]
        o = block(projected[:, 2 * size :] + matmul(r * y, block_recursion))
        return ((1 - z) * o + z * y,)

    # without the recursion: the output gate uses the state after the reset
    outputs, (last,) = _scan(advance, (y,), x, matrix, None, bias, reverse=reverse, every_step=every_step)
    return outputs, last


def gru_reset_after(
    x: Array,
    y: Array,
    matrix: Array,
    recursion: Array,
    bias: Array | None,
    inner_bias: Array | None,
    gate: Activation,
    block: Activation,
    *,
    reverse: bool,
    every_step: bool,
) -> tuple[Array, Array]:
    """Gated recurrent units whose reset acts on the product with the state.

    z, r = gate(x W + y R + b), o = block(x W + b + r * (y R_o + b_o)), y' = (1 - z) * o + z * y.

    Args:
        x: [steps, batch, in].
        y: the first state, [batch, size].
        matrix: [in, 3 * size], for update gate z, reset gate r and output gate o.
        recursion: R, [size, 3 * size], in the same order.
        bias: b, [3 * size].
        inner_bias: b_o, [size], which the reset scales.
        gate: activation of z and r.
        block: activation of o.
        reverse: as in `rnn`.
        every_step: as in `rnn`.

    Returns:
        As `rnn`.
    """
    size = recursion.shape[0]

    def advance(states: tuple[Array], projected: Array) -> tuple[Array]:
        (y,) = states
        returned = matmul(y, recursion)
        both = gate(projected[:, : 2 * size] + returned[:, : 2 * size])
        z, r = both[:, :size], both[:, size:]
        inner = returned[:, 2 * size :] if inner_bias is None else returned[:, 2 * size :] + inner_bias
        o = block(projected[:, 2 * size :] + r * inner)
        return ((1 - z) * o + z * y,)

    outputs, (last,) = _scan(advance, (y,), x, matrix, None, bias, reverse=reverse, every_step=every_step)
    return outputs, last


def lstm(
    x: Array,
    y: Array,
    c: Array,
    matrix: Array,
    recursion: Array,
    bias: Array | None,
    peepholes: Mapping[str, Array],
    gate: Activation,
    block: Activation,
    output: Activation,
    *,
    cell_limit: float | None,
    reverse: bool,
    every_step: bool,
) -> tuple[Array, Array, Array]:
    """Long short-term memory: gates i, o and f around a cell c, and its input z.

    i, o, f = gate(x W + y R + p * c + b), z = block(x W + y R + b), c' = clip(f * c + i * z), y' = o * output(c').
    The output gate's peephole sees c'.

    Args:
        x: [steps, batch, in].
        y: the first output state, [batch, size].
        c: the first cell state, [batch, size].
        matrix: W, [in, 4 * size], in the order i, o, z, f. Without f, [in, 3 * size], it is 1 - i.
        recursion: R, [size, the same].
        bias: b, [the same].
        peepholes: p, [size], by "input_gate", "output_gate" and "forget_gate"; those left out are 0.
        gate: activation of i, o and f.
        block: activation of z.
        output: activation of the cell.
        cell_limit: c is clipped to [-cell_limit, cell_limit]; None means no limit.
        reverse: as in `rnn`.
        every_step: as in `rnn`.

    Returns:
        (outputs as in `rnn`, the last output state, the last cell state).
    """
    gates = matrix.shape[1] // recursion.shape[0]

    def opened(name: str, z: Array, c: Array) -> Array:
        peephole = peepholes.get(name)
        return gate(z if peephole is None else z + peephole * c)

    def advance(states: tuple[Array, Array], projected: Array) -> tuple[Array, Array]:
        c = states[1]
        z_i, z_o, z_block, *z_f = jnp.split(projected, gates, axis=-1)
        i = opened("input_gate", z_i, c)
        f = opened("forget_gate", z_f[0], c) if z_f else 1 - i
        c = f * c + i * block(z_block)
        c = c if cell_limit is None else jnp.clip(c, -cell_limit, cell_limit)
        return opened("output_gate", z_o, c) * output(c), c

    outputs, (y, c) = _scan(advance, (y, c), x, matrix, recursion, bias, reverse=reverse, every_step=every_step)
    return outputs, y, c


def _scan(
    advance: Callable[[States, Array], States],
    states: States,
    x: Array,
    matrix: Array,
    recursion: Array | None,
    bias: Array | None,
    *,
    reverse: bool,
    every_step: bool,
) -> tuple[Array, States]:
    """Carry `states` along x by advance(states, x_t @ matrix + y_t @ recursion + bias), y the first state."""
    inputs, combine = _products(x, matrix, recursion, bias)

    def step(states: States, x: Array) -> tuple[States, Array | None]:
        states = advance(states, combine(states[0], x))
        return states, states[0] if every_step else None

    last, outputs = lax.scan(step, states, inputs, reverse=reverse)
    if outputs is None:
        return last[0][None], last
    return (jnp.flip(outputs, 0) if reverse else outputs), last


def _products(
    x: Array, matrix: Array, recursion: Array | None, bias: Array | None
) -> tuple[Array, Callable[[Array, Array], Array]]:
    """(what to scan over, (y, one step of that) -> x_t @ matrix + y @ recursion + bias)."""
    length, batch = x.shape[:2]

    def shifted(product: Array) -> Array:
        return product if bias is None else product + bias

    if on_cpu() and batch > _HOIST_UP_TO:
        multiply = multiply_in_step(matrix, recursion, length=length, batch=batch)
        return x, lambda y, x: shifted(multiply(y, x))
    x = shifted(matmul(x, matrix))
    if recursion is None:
        return x, lambda y, z: z
    if on_cpu():
        repeat = multiply_in_blocks(recursion, batch)
        return x, lambda y, z: z + repeat(y)
    return x, lambda y, z: z + matmul(y, recursion)
