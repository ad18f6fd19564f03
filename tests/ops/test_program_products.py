"""Convolutions and products of ML Programs among other operations: what is folded, prepared and moved, and in which
type they multiply. What each of them computes is in tests/operation_cases."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import numbers
from one_operation import node, nodes

from graphml.graph import Graph, Node
from graphml.interpreter.lower import Lowered, lower
from graphml.spec.weights import quantize

CHANNELS = 4
STATISTICS = {
    "mean": numbers(CHANNELS),
    "variance": numbers(CHANNELS, low=0.5, seed=1),
    "gamma": numbers(CHANNELS, seed=2),
    "beta": numbers(CHANNELS, seed=3),
}


def with_constants(
    kind: str, inputs: str, output: str, attributes: dict[str, Any], **weights: np.ndarray
) -> list[Node]:
    """A node, and before it the constants that it reads."""
    names = {name: f"{output}_{name}" for name in weights}
    constants = [node("const", "", names[name], val=value) for name, value in weights.items()]
    made = node(kind, " ".join([inputs, *names.values()]), output, **attributes)
    attributes = {name: value for name, value in made.attributes.items() if name not in weights}
    return [*constants, Node(output, output, "operation", kind, made.inputs, (output,), attributes, version=26)]


def lowered(*parts: list[Node], output: str = "y", inputs: tuple[str, ...] = ("x",), **options: Any) -> Lowered:
    return lower(Graph(inputs, (output,), nodes(*(each for part in parts for each in part))), **options)


def conv(*space: int, kind: str = "conv", into: str = "a") -> list[Node]:
    channels = (3, CHANNELS) if kind == "conv_transpose" else (CHANNELS, 3)
    return with_constants(kind, "x", into, {}, weight=numbers(*channels, *space))


def scaled(kind: str, x: str, y: str, *shape: int) -> list[Node]:
    return with_constants(kind, x, y, {}, y=numbers(*shape))


def norm(x: str, y: str) -> list[Node]:
    return with_constants("batch_norm", x, y, {}, **STATISTICS)


def kinds(program: Lowered) -> list[str]:
    return [each.kind for each in program.folded.graph.body.nodes if each.kind != "const"]


FOLDED = {
    "a signal": (5, [conv(2), norm("a", "y")]),
    "an image": (5, [conv(2, 3), norm("a", "y")]),
    "a volume": (5, [conv(2, 3, 1), norm("a", "y")]),
    "scale and shift of an image": (
        5,
        [
            conv(1, 1),
            norm("a", "b"),
            scaled("mul", "b", "c", 1, CHANNELS, 1, 1),
            scaled("add", "c", "y", CHANNELS, 1, 1),
        ],
    ),
}


@pytest.mark.parametrize("name", FOLDED)
def test_normalizations_and_scales_become_part_of_a_convolution(name):
    size, parts = FOLDED[name]
    space = len(parts[0][0].weights["val"].shape) - 2
    with jax.enable_x64(True):
        program = lowered(*parts, dtype=jnp.float64)
        assert kinds(program) == ["conv"]
        x = np.float64(numbers(2, 3, *(size,) * space))
        plain, prepared = jax.jit(
            lambda p: (program.fn(p, {"x": x})["y"], program.run_prepared(program.prepare(p), {"x": x})["y"])
        )(program.params)
    np.testing.assert_allclose(prepared, plain, rtol=1e-12, atol=1e-13)


def test_a_compressed_weight_takes_over_what_follows():
    constant, convolution = conv(2, 2)
    compressed = {"val": quantize(numbers(CHANNELS, 3, 2, 2))}
    small = replace(constant, kind="constexpr_affine_dequantize", weights=compressed)
    program = lowered([small, convolution], norm("a", "y"))
    assert kinds(program) == ["conv"]
    x = numbers(1, 3, 4, 4)
    prepared = program.run_prepared(program.prepare(program.params), {"x": x})["y"]
    np.testing.assert_allclose(prepared, program.fn(program.params, {"x": x})["y"], rtol=1e-5, atol=1e-5)


LEFT = {
    "a transposed convolution": [conv(2, 2, kind="conv_transpose"), norm("a", "y")],
    "a number for each row": [conv(1, 1), scaled("mul", "a", "y", CHANNELS, 1)],
    "the last axis is not that of the channels": [
        with_constants("linear", "x", "a", {}, weight=numbers(CHANNELS, 3)),
        norm("a", "y"),
    ],
}


@pytest.mark.parametrize("name", LEFT)
def test_left_alone(name):
    assert lowered(*LEFT[name]).folded.pairs == ()


def test_a_weight_that_is_computed_is_no_constant_to_fold_into():
    program = lowered([node("conv", "x w", "a")], norm("a", "y"), inputs=("x", "w"))
    assert kinds(program) == ["conv", "batch_norm"]


# What runs -----------------------------------------------------------------------------------------------------------


def primitives(program: Lowered, x: Any) -> Counter[str]:
    """The primitives of the prepared program, without those inside JAX's own functions."""
    prepared = program.prepare(program.params)
    jaxpr = jax.make_jaxpr(lambda p, x: program.run_prepared(p, {"x": x}))(prepared, x)
    return Counter(each.primitive.name for each in jaxpr.eqns)


def test_images_stay_channels_last_from_one_operation_to_the_next():
    pool = {"kernel_sizes": (2, 2), "strides": (2, 2), "pad_type": "valid"}
    layered = with_constants("layer_norm", "d", "e", {"axes": (1,)}, gamma=numbers(CHANNELS))
    program = lowered(
        conv(2, 2),
        [node("relu", "a", "b"), node("max_pool", "b", "c", **pool)],
        norm("c", "d"),
        layered,
        [node("instance_norm", "e", "f"), node("l2_norm", "f", "g"), node("local_response_norm", "g", "y", size=3)],
    )
    assert primitives(program, numbers(1, 3, 7, 7))["transpose"] == 2  # of x, and of the output


@pytest.mark.parametrize("kind", ["linear", "matmul"])
def test_a_stored_matrix_is_transposed_before_it_is_used(kind):
    matrix = {"weight" if kind == "linear" else "y": numbers(5, 4)}
    part = with_constants(kind, "x", "y", {} if kind == "linear" else {"transpose_y": True}, **matrix)
    program = lowered(part)
    x = numbers(2, 4)
    assert not primitives(program, x)["transpose"]
    answer = program.run_prepared(program.prepare(program.params), {"x": x})["y"]
    np.testing.assert_allclose(answer, x @ numbers(5, 4).T, rtol=1e-5, atol=1e-5)


def multiplied(program: Lowered, x: Any) -> set[tuple[str, str]]:
    """The types that the products of a program multiply in and give."""
    jaxpr = jax.make_jaxpr(lambda p, x: program.fn(p, {"x": x}))(program.params, x)

    def found(jaxpr: Any) -> list[Any]:
        inner = [each for eqn in jaxpr.eqns for each in eqn.params.values() if hasattr(each, "jaxpr")]
        here = [eqn for eqn in jaxpr.eqns if eqn.primitive.name in ("dot_general", "conv_general_dilated")]
        return here + [each for one in inner for each in found(one.jaxpr)]

    return {(eqn.invars[0].aval.dtype.name, eqn.outvars[0].aval.dtype.name) for eqn in found(jaxpr.jaxpr)}


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_half_precision(kind):
    """CPUs multiply in float32; the libraries of accelerators add up in float32 by themselves."""
    weight = numbers(5, 4) if kind == "linear" else numbers(5, 4, 3, 3)
    part = with_constants(kind, "x", "y", {}, weight=np.float16(weight))
    x = np.float16(numbers(1, 4) if kind == "linear" else numbers(1, 4, 5, 5))

    def of(**options: Any) -> set[tuple[str, str]]:
        return multiplied(lowered(part, dtype=None, **options), x)

    assert of(platform="cpu") == {("float32", "float32")}
    assert of(platform="cuda") == {("float16", "float16")}
    assert of(platform="cpu", low_precision=True) == {("float16", "float16")}


def test_attention_adds_up_in_float32_on_accelerators_too():
    attention = node("scaled_dot_product_attention", "x x x", "y")
    x = np.float16(numbers(1, 3, 4))

    def of(**options: Any) -> set[tuple[str, str]]:
        return multiplied(lowered([attention], dtype=None, platform="cuda", **options), x)

    assert of() == {("float16", "float32")}
    assert of(low_precision=True) == {("float16", "float16")}


PRODUCTS = {
    "linear": ({}, lambda w: {"weight": w, "bias": numbers(len(w), seed=2)}),
    "matmul": ({"transpose_x": False, "transpose_y": True}, lambda w: {"y": w}),
}


@pytest.mark.parametrize("kind", PRODUCTS)
@pytest.mark.parametrize(("outputs", "platform", "held"), [(512, "cpu", 528), (640, "cpu", 640), (512, "cuda", 512)])
def test_on_cpus_stored_matrices_have_more_columns_where_the_cache_needs_them(kind, outputs, platform, held):
    attributes, weights = PRODUCTS[kind]
    made = weights(numbers(outputs, 20, seed=1))
    program = lowered(with_constants(kind, "x", "y", attributes, **made), platform=platform)
    prepared = program.prepare(program.params)
    assert (20, held) in {leaf.shape for leaf in jax.tree.leaves(prepared)}
    x = numbers(3, 20)
    want = x @ made.get("weight", made.get("y")).T + made.get("bias", 0)
    np.testing.assert_allclose(program.run_prepared(prepared, {"x": x})["y"], want, rtol=1e-5, atol=1e-5)
