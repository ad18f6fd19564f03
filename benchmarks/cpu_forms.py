"""Compare the forms of `graphml.ops.kernels.cpu` with the plain forms that they replace.

    python benchmarks/cpu_forms.py                       # all of them, on one core, about a minute
    python benchmarks/cpu_forms.py convolution.Winograd  # some of them

The script names each form that is not faster, and so has no reason to exist, and exits with status 1. Each row is a
program with the special form and one with the plain form; they must agree before they are timed. They take turns in
short blocks, tenth percentiles of CPU time are compared, and a row that loses is measured again before it is reported.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import timing

LIMIT = 0.97  # of the time of the plain form; above this a form counts as not faster
REPEATS = 3  # of a row that loses
AGREEMENT = 1e-4  # of the largest number of the result

Function = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    """A form and the plain form that it replaces, with their arguments.

    Attributes:
        name: module and name of the form within `graphml.ops.kernels.cpu`.
        special: the program with the form.
        plain: the program without it.
        inputs: for both; shapes are filled with normally distributed values.
        prepared: further arguments of the two programs, such as kernels in their own arrangement.
        train: whether the programs run in training, which has other compiler options.
    """

    name: str
    special: Function
    plain: Function
    inputs: tuple[Any, ...]
    prepared: tuple[Any, Any] | None = None
    train: bool = False


def rows() -> list[Row]:
    """One row for each public function and class of `graphml.ops.kernels.cpu`."""
    return [*_elementwise(), *_reductions(), *_convolutions(), *_volumes(), *_products(), *_movement()]


def normal(*shape: int) -> np.ndarray:
    """Reproducible normally distributed numbers."""
    return np.random.default_rng(list(shape)).standard_normal(shape, np.float32)


def _elementwise() -> list[Row]:
    import jax.numpy as jnp

    from graphml.ops.kernels.cpu import exponential, loops, remainder, trigonometry

    count = 1 << 16
    unit = np.linspace(-0.99, 0.99, count, dtype=np.float32)
    positive = np.linspace(0.1, 5, count, dtype=np.float32)

    def plain_softplus(x: Any) -> Any:
        return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))

    def plain_quotient(x: Any, y: Any) -> Any:
        return jnp.rint((x - jnp.remainder(x, y)) / y)

    return [
        Row("trigonometry.sine", trigonometry.sine, jnp.sin, ((count,),)),
        Row("trigonometry.cosine", trigonometry.cosine, jnp.cos, ((count,),)),
        Row("trigonometry.tangent", trigonometry.tangent, jnp.tan, (unit,)),
        Row("trigonometry.arcsine", trigonometry.arcsine, jnp.arcsin, (unit,)),
        Row("trigonometry.arccosine", trigonometry.arccosine, jnp.arccos, (unit,)),
        Row("trigonometry.arctangent", trigonometry.arctangent, jnp.arctan, ((count,),)),
        Row("exponential.exp2", exponential.exp2, jnp.exp2, ((count,),)),
        Row("exponential.softplus", exponential.softplus, plain_softplus, ((count,),)),
        Row("exponential.power", exponential.power, jnp.power, (positive, positive[::-1].copy())),
        Row("remainder.remainder", remainder.remainder, jnp.remainder, ((count,), positive)),
        Row("remainder.floor_quotient", remainder.floor_quotient, plain_quotient, ((count,), positive)),
        Row("loops.in_loops", lambda x: jnp.tanh(loops.in_loops(x)), jnp.tanh, ((1, 96, 56, 56),)),
    ]


def _reductions() -> list[Row]:
    import jax.numpy as jnp
    from jax import lax

    from graphml.ops.kernels.cpu import cumsum, reductions

    return [
        Row(
            "reductions.reduce_sum",
            lambda x: reductions.reduce_sum(x, (1,)),
            lambda x: jnp.sum(x, 1, keepdims=True),
            ((384, 384),),
        ),
        Row(
            "reductions.reduce_max",
            lambda x: reductions.reduce_max(x, (1,)),
            lambda x: jnp.max(x, 1, keepdims=True),
            ((384, 384),),
        ),
        Row(
            "reductions.reduce_min",
            lambda x: reductions.reduce_min(x, (1,)),
            lambda x: jnp.min(x, 1, keepdims=True),
            ((384, 384),),
        ),
        Row("cumsum.cumsum", lambda x: cumsum.cumsum(x, 1), lambda x: lax.cumsum(x, 1), ((64, 1024),)),
    ]


def _convolutions() -> list[Row]:
    import jax
    import jax.numpy as jnp
    from jax import lax

    from graphml.ops.kernels import convolution as plain
    from graphml.ops.kernels.cpu import convolution as forms
    from graphml.ops.kernels.cpu import matmul

    def run(window: Any) -> Function:
        return lambda x, form: form(x, window)

    def row(name: str, form: Function, image: Sequence[int], kernel: Sequence[int], window: Any) -> Row:
        weights = normal(*kernel)
        prepared = form(weights, window), plain.Convolution(weights)
        return Row(f"convolution.{name}", run(window), run(window), (tuple(image),), prepared)

    def dense(kernel: Any, window: Any) -> Any:
        return plain.Convolution(kernel)

    def train(window: Any) -> Function:
        """Gradients of a convolution in a scanned loop, as a training step has them."""

        def train(x: Any, form: Any) -> Any:
            def step(form: Any, x: Any) -> Any:
                slope = jax.grad(lambda form: jnp.sum(form(x, window) ** 2))(form)
                return jax.tree.map(lambda one, other: one - 1e-6 * other, form, slope), None

            return lax.scan(step, form, x)[0].kernel

        return train

    def training_row(name: str, form: Function, kernel: Sequence[int], window: Any) -> Row:
        weights = normal(*kernel)
        prepared = form(weights), plain.Convolution(weights)
        return Row(f"convolution.{name}", train(window), train(window), ((4, 8, 14, 14, 32),), prepared, train=True)

    same = ((1, 1), (1, 1))
    upsampling = normal(4, 4, 32, 32)
    crop = plain.TransposedWindow((4, 4), (2, 2), (1, 1), (56, 56))
    polyphase = forms.Polyphase.of(jnp.asarray(upsampling), (2, 2), 1, dense)
    window = plain.ConvolutionWindow
    return [
        training_row("MatrixProduct", forms.MatrixProduct, (1, 1, 32, 64), window()),
        row(
            "PaddedConvolution",
            lambda k, w: forms.PaddedConvolution(matmul.kept_apart(jnp.asarray(k))),
            (1, 14, 14, 256),
            (3, 3, 256, 512),
            window((2, 2), padding=same),
        ),
        training_row("TrainableConvolution", forms.TrainableConvolution, (3, 3, 32, 32), window(padding=same)),
        row(
            "ShiftedImages",
            lambda k, w: forms.ShiftedImages(k),
            (1, 28, 28, 96),
            (3, 3, 1, 96),
            window(padding=same, groups=96),
        ),
        row(
            "DenseBlocks",
            lambda k, w: forms.DenseBlocks.of(jnp.asarray(k), w, dense),
            (1, 28, 28, 128),
            (3, 3, 16, 128),
            window(padding=same, groups=8),
        ),
        row(
            "ShiftedProducts",
            lambda k, w: forms.ShiftedProducts(k),
            (1, 56, 56, 64),
            (3, 3, 64, 3),
            window(padding=same),
        ),
        row(
            "Winograd",
            lambda k, w: forms.Winograd.of(jnp.asarray(k)),
            (1, 56, 56, 64),
            (3, 3, 64, 64),
            window(padding=same),
        ),
        Row(
            "convolution.Polyphase",
            run(crop),
            run(crop),
            ((1, 28, 28, 32),),
            (polyphase, plain.TransposedConvolution(upsampling)),
        ),
    ]


def _volumes() -> list[Row]:
    import jax.numpy as jnp

    from graphml.ops.kernels import convolution as plain
    from graphml.ops.kernels.cpu import convolution as images
    from graphml.ops.kernels.cpu import volumes

    def run(window: Any) -> Function:
        return lambda x, form: form(x, window)

    def dense(kernel: Any, window: Any) -> Any:
        return plain.Convolution(kernel)

    one, same = (1, 1, 1), ((1, 1),) * 3
    ungrouped = plain.ConvolutionWindow(one, same, one, 1)
    grouped = ungrouped._replace(groups=16)
    kernel, depthwise, transposed = normal(3, 3, 3, 16, 16), normal(3, 3, 3, 1, 16), normal(2, 2, 2, 16, 16)
    crop = plain.TransposedWindow((2, 2, 2), (2, 2, 2), (0, 0, 0), (16, 32, 32))
    slices = [images.Polyphase.of(part, (2, 2), 1, dense) for part in jnp.asarray(transposed)]
    volume = (1, 8, 16, 16, 16)
    return [
        Row(
            "volumes.StackedSlices",
            run(ungrouped),
            run(ungrouped),
            (volume,),
            (
                volumes.StackedSlices.of(jnp.asarray(kernel), plain.ConvolutionWindow(), dense),
                plain.Convolution(kernel),
            ),
        ),
        Row(
            "volumes.SumOfSlices",
            run(grouped),
            run(grouped),
            (volume,),
            (
                volumes.SumOfSlices(tuple(images.ShiftedImages(part) for part in depthwise)),
                plain.Convolution(depthwise),
            ),
        ),
        Row(
            "volumes.SumOfTransposedSlices",
            run(crop),
            run(crop),
            (volume,),
            (volumes.SumOfTransposedSlices(tuple(slices)), plain.TransposedConvolution(transposed)),
        ),
    ]


def _products() -> list[Row]:
    import jax.numpy as jnp
    from jax import lax

    from graphml.ops.kernels.cpu import bfloat16, matmul, recurrent

    batch, size = 32, 256

    def loop(step: Function, x: Any) -> Any:
        """A cell with four gates, whose sum replaces everything but the products."""

        def one(y: Any, x: Any) -> Any:
            gates = jnp.split(step(y, x), 4, axis=-1)
            y = jnp.tanh(sum(gates))
            return y, y

        return lax.scan(one, jnp.zeros((batch, size)), x)[1]

    def hoisted(x: Any, matrix: Any, recursion: Any) -> Any:
        return loop(lambda y, z: z + jnp.matmul(y, recursion), jnp.matmul(x, matrix))

    def in_step(x: Any, matrix: Any, recursion: Any) -> Any:
        step = recurrent.multiply_in_step(matrix, recursion, length=x.shape[0], batch=batch)
        return loop(step, x)

    def in_blocks(x: Any, recursion: Any) -> Any:
        multiply = recurrent.multiply_in_blocks(recursion, batch)
        return loop(lambda y, z: z + multiply(y), x)

    def whole(x: Any, recursion: Any) -> Any:
        return loop(lambda y, z: z + jnp.matmul(y, recursion), x)

    def padded(x: Any, matrix: Any) -> Any:
        return matrix.outputs_of(jnp.matmul(x, matrix.padded))

    recursion = normal(size, 4 * size) / 64
    codes = np.random.default_rng(0).integers(-127, 128, (512, 512), np.int8)
    return [
        Row(
            "recurrent.multiply_in_step",
            in_step,
            hoisted,
            ((100, batch, 128), normal(128, 4 * size) / 64, recursion),
        ),
        Row("recurrent.multiply_in_blocks", in_blocks, whole, ((100, batch, 4 * size), recursion)),
        Row(
            "matmul.matmul_int8",
            matmul.matmul_int8,
            lambda x, codes: jnp.matmul(x.astype(jnp.int8), codes, preferred_element_type=jnp.int32),
            (np.rint(20 * normal(32, 512)), codes),
        ),
        Row(
            "matmul.kept_apart",
            padded,
            jnp.matmul,
            ((128, 384),),
            (matmul.kept_apart(jnp.asarray(normal(384, 1536))), normal(384, 1536)),
        ),
        Row(
            "matmul.PaddedOutputs",
            padded,
            jnp.matmul,
            ((196, 256),),
            (matmul.kept_apart(jnp.asarray(normal(256, 1024))), normal(256, 1024)),
        ),
        Row(
            "bfloat16.matmul",
            bfloat16.matmul,
            jnp.matmul,
            (_whole_numbers(1024, 384), _whole_numbers(384, 1536)),
            train=True,
        ),
    ]


def _whole_numbers(*shape: int) -> np.ndarray:
    """Integers that bfloat16 represents exactly."""
    return np.clip(np.rint(20 * normal(*shape)), -128, 128)


def _movement() -> list[Row]:
    import jax.numpy as jnp

    from graphml.ops.kernels.cpu import movement

    return [
        Row(
            "movement.concatenate",
            lambda *arrays: movement.concatenate(arrays, 2),
            lambda *arrays: jnp.concatenate(arrays, 2),
            ((8, 512, 768),) * 2,
        )
    ]


# Measuring -----------------------------------------------------------------------------------------------------------


def compiled(row: Row) -> dict[str, Callable[[], Any]]:
    """The two programs of a row, ready to run. Raises ValueError where their results differ."""
    import jax

    from graphml.models.compile.programs import compiler_options

    options = {} if row.train else compiler_options("cpu")
    inputs = [jax.device_put(normal(*x) if isinstance(x, tuple) else x) for x in row.inputs]
    calls = {}
    for number, (who, function) in enumerate((("special", row.special), ("plain", row.plain))):
        rest = [] if row.prepared is None else [jax.device_put(row.prepared[number])]
        run = jax.jit(function, compiler_options=options)
        calls[who] = lambda run=run, rest=rest: jax.block_until_ready(run(*inputs, *rest))
    special, plain = (np.asarray(call(), np.float64) for call in calls.values())
    error = np.abs(special - plain).max() / max(np.abs(plain).max(), 1e-6)
    if not error <= AGREEMENT:
        raise ValueError(f"{row.name} differs from the plain form by {error:.1e} of the largest number")
    return calls


def ratio(row: Row, *, rounds: int, seconds: float) -> float:
    """The time of the special form as a multiple of that of the plain form; the best of several if it is no faster."""
    calls = compiled(row)
    found = []
    for _ in range(REPEATS):
        readings = timing.measure(calls, rounds=rounds, seconds=seconds)
        found.append(readings["special"].cpu_p10 / readings["plain"].cpu_p10)
        if found[-1] <= LIMIT:
            break
    return min(found)


def verdict(ratios: dict[str, float]) -> str | None:
    """What to do about the forms that are no faster than the plain ones, if any."""
    slow = [name for name, ratio in ratios.items() if ratio > LIMIT]
    lines = [f"the plain form is as fast: delete graphml.ops.kernels.cpu.{name} ({ratios[name]:.2f})" for name in slow]
    return "\n".join(lines) or None


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="rows, as module.name (all)")
    parser.add_argument("--rounds", type=int, default=9, help="blocks of each form (9)")
    parser.add_argument("--seconds", type=float, default=0.02, help="length of a block (0.02)")
    options = parser.parse_args(arguments)
    timing.pin(1)
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)
    every = {row.name: row for row in rows()}
    if unknown := sorted(set(options.names) - set(every)):
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(every)}")
    print(", ".join(f"{key} {value}" for key, value in timing.machine(1).items()))
    print("\n| form | special / plain |\n| --- | ---: |")
    ratios = {}
    for name in options.names or every:
        ratios[name] = ratio(every[name], rounds=options.rounds, seconds=options.seconds)
        print(f"| {name} | **{ratios[name]:.2f}** |", flush=True)
    if failure := verdict(ratios):
        sys.exit(failure)


if __name__ == "__main__":
    main()
