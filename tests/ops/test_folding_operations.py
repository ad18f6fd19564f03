"""Constants that scale and shift channels become part of the convolution before them, and others do not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from one_operation import node, nodes

from graphml.graph import Graph, Node
from graphml.interpreter.lower import lower

_random = np.random.default_rng(3)
CHANNELS, SIZE = 4, 5


def some(*shape: int) -> np.ndarray:
    return (1 + 0.3 * _random.standard_normal(shape)).astype(np.float32)


def chain(weight: np.ndarray, *steps: tuple[str, np.ndarray]) -> Graph:
    """A convolution, then operations with a constant."""
    each: list[Node] = [
        node("const", "", "weight", val=weight),
        node("conv", "x weight", "y0", pad_type="valid"),
    ]
    for number, (kind, constant) in enumerate(steps):
        each.append(node("const", "", f"c{number}", val=constant))
        each.append(node(kind, f"y{number} c{number}", f"y{number + 1}"))
    return Graph(("x",), (f"y{len(steps)}",), nodes(*each))


def kinds_left(graph: Graph, x: np.ndarray) -> list[str]:
    """What runs on prepared weights, after it has been found to compute the same."""
    lowered = lower(graph)
    prepared = jax.jit(lowered.run_prepared)(lowered.prepare(lowered.params), {"x": jnp.asarray(x)})
    plain = lowered.fn(lowered.params, {"x": jnp.asarray(x)})
    for name in graph.outputs:
        np.testing.assert_allclose(prepared[name], plain[name], rtol=1e-5, atol=1e-5)
        assert prepared[name].shape == plain[name].shape
    return [each.kind for each in lowered.folded.graph.body.nodes if each.kind != "const"]


IMAGES, KERNEL = some(2, 3, SIZE, SIZE), some(CHANNELS, 3, 2, 2)


def test_one_number_for_each_channel_is_folded():
    steps = [("mul", some(1, CHANNELS, 1, 1)), ("add", some(CHANNELS, 1, 1)), ("sub", some(1, 1, 1, 1))]
    assert kinds_left(chain(KERNEL, *steps), IMAGES) == ["conv"]
    assert kinds_left(chain(some(CHANNELS, 3, 2), ("mul", some(1, CHANNELS, 1))), IMAGES[..., 0]) == ["conv"]


@pytest.mark.parametrize(
    "constant",
    [
        some(CHANNELS),
        some(1, CHANNELS, CHANNELS, CHANNELS),
        some(CHANNELS, 1),
        some(2, 1, 1, 1),
        some(1, 1, CHANNELS, 1, 1),
    ],
    ids=str,
)
def test_numbers_along_other_axes_are_not_folded(constant):
    """The results have as many channels as rows and columns, so that a wrong axis would go unnoticed."""
    assert kinds_left(chain(KERNEL, ("mul", constant)), IMAGES) == ["conv", "mul"]


def test_more_axes_than_the_output_has_are_not_folded():
    vectors = some(CHANNELS, 3, CHANNELS)
    assert kinds_left(chain(some(CHANNELS, 3, 1), ("mul", some(1, CHANNELS, 1, 1))), vectors) == ["conv", "mul"]


def test_a_scalar_is_part_of_the_program():
    assert kinds_left(chain(KERNEL, ("mul", np.float32(3)), ("add", some(CHANNELS, 1, 1))), IMAGES) == [
        "conv",
        "mul",
        "add",
    ]


def test_a_constant_exponent_takes_the_fast_form():
    square = Graph(("x",), ("y",), nodes(node("const", "", "c", val=np.float32(2)), node("pow", "x c", "y")))
    lowered = lower(square)
    text = str(jax.make_jaxpr(lowered.fn)(lowered.params, {"x": jnp.ones(3)}))
    assert "integer_pow" in text
    assert "cond" not in text
