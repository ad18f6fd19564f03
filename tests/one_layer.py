"""A network of one layer, through the whole stack: fields -> message -> bytes -> message -> graph -> function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from cases import Case

from graphml import catalogue
from graphml.build import NeuralNetworkBuilder
from graphml.frontends.layer_interface import LayerInterface, Port
from graphml.frontends.layers import read_layers
from graphml.graph import Graph
from graphml.interpreter.lower import Lowered, lower
from graphml.spec import NeuralNetworkLayer
from graphml.spec.attributes import encode

OUT = "out"


def lowered(kind: str, case: Case, dtype: Any = jnp.float32, **options: Any) -> Lowered:
    """The network of a case, one layer unless it says otherwise; `blobs` runs it."""
    layers = list(case.layers)
    if not layers:
        layers = [encode(kind, dict(case.fields))]
        layers[0].name = "layer"
        layers[0].input.extend(input_names(case))
        layers[0].output.extend(output_names(case))
    again = [NeuralNetworkLayer.FromString(layer.SerializeToString(deterministic=True)) for layer in layers]
    inputs = tuple(Port(name, None) for name in input_names(case))
    outputs = tuple(Port(name, None) for name in output_names(case))
    graph = Graph(tuple(input_names(case)), tuple(output_names(case)), read_layers(again))
    return lower(graph, LayerInterface(inputs, outputs, case.exact), dtype=dtype, **options)


def input_names(case: Case) -> list[str]:
    return [f"in{i}" for i in range(len(case.inputs))]


def output_names(case: Case) -> list[str]:
    return [f"{OUT}{i}" for i in range(case.outputs)]


def blobs(network: Lowered, params: Any, inputs: Any, **options: Any) -> list[Any]:
    """The outputs as the layer leaves them, before the interface reshapes anything."""
    named = dict(zip(network.graph.inputs, inputs, strict=True))
    found = network.intermediates(params, named, **options)
    return [found[name] for name in network.graph.outputs]


def traceable(network: Lowered, case: Case) -> tuple[Callable[..., list[Any]], tuple[Any, ...]]:
    """`blobs` as a function of the parameters and of those inputs that may be tracers, and these inputs.

    Inputs whose values decide a shape are constants of that function.
    """
    concrete = catalogue.row(network.graph.body.nodes[-1]).concrete_for(network.graph.body.nodes[-1].attributes)
    moving = tuple(x for i, x in enumerate(case.inputs) if i not in concrete)

    def run(params: Any, moving: Any) -> list[Any]:
        rest = iter(moving)
        return blobs(network, params, [x if i in concrete else next(rest) for i, x in enumerate(case.inputs)])

    return run, moving


def compiled(kind: str, case: Case, **options: Any) -> list[Any]:
    """What the network of a case gives, in one program: without it, each operation of JAX is compiled on its own."""
    network = lowered(kind, case, **options)
    run, moving = traceable(network, case)
    return jax.jit(run)(network.params, moving)


def answers(kind: str, *inputs: Any, outputs: int = 1, **fields: Any) -> list[Any]:
    """What a layer gives for these inputs."""
    return compiled(kind, Case(tuple(np.asarray(x, np.float32) for x in inputs), fields, outputs=outputs))


def built(kind: str, case: Case) -> NeuralNetworkBuilder:
    """The same layer through the builder, for whole-file tests."""
    builder = NeuralNetworkBuilder(
        dict.fromkeys(input_names(case)), dict.fromkeys(output_names(case)), exact=case.exact
    )
    return builder.add(kind, "layer", input_names(case), output_names(case), **dict(case.fields))


def tolerances(kind: Any) -> dict[str, float]:
    return {"rtol": kind.rtol, "atol": kind.atol}


def same(got: Any, want: Any, **tolerance: float) -> None:
    """Equal shapes and equal numbers, NaN and infinities included."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"shape {got.shape}, the oracle says {want.shape}"
    np.testing.assert_allclose(got, want, **tolerance)
