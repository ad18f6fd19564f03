"""Models without a graph as pure functions of parameters and inputs: trees, linear models, pipelines and others."""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, overload

import jax

from graphml.errors import GraphError, in_words
from graphml.graph import Graph, signature
from graphml.interpreter.arguments import check_names, check_params
from graphml.interpreter.interface import Interface
from graphml.interpreter.lower import Lowered
from graphml.interpreter.lower import lower as lower_graph
from graphml.interpreter.sharding import left_to_compiler


@dataclass(frozen=True, eq=False, repr=False)
class LoweredModel:
    """A model as a pure function.

    Attributes:
        params: what the function computes with, a tree of arrays; of a pipeline, {stage: its parameters}.
        inputs: the names of the inputs.
        outputs: the names of the outputs that the model declares.
        kind: the kind of the model in the format.
    """

    params: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    kind: str
    function: Callable[[Any, Mapping[str, Any], jax.Array | None], dict[str, Any]]

    def __repr__(self) -> str:
        arrays = len(jax.tree.leaves(self.params))
        return f"<LoweredModel: {signature(self.inputs, self.outputs)}; {self.kind}, arrays of parameters: {arrays}>"

    def fn(
        self, params: Mapping[str, Any], inputs: Mapping[str, Any], *, key: jax.Array | None = None
    ) -> dict[str, Any]:
        """Run the model. A pure function: jit, grad and vmap it.

        Args:
            params: the parameters, as `self.params`.
            inputs: {input: array}, as `as_function` of the model takes them.
            key: for models that draw random numbers.

        Returns:
            {output: array}, as `as_function` of the model returns them.

        Raises:
            FeatureError: Inputs are not given by name.
            GraphError: An input or a parameter is unknown or missing.
            ShapeError: A parameter has another shape.
        """
        check_params(params, self.params)
        check_names("input", inputs, self.inputs)

        def results(params: Any, inputs: Any, state: None, key: Any) -> dict[str, Any]:
            return self.function(params, inputs, key)

        return left_to_compiler(results, params, inputs, None, key)


Result = TypeVar("Result", covariant=True)


class HasLower(Protocol[Result]):
    """A model of graphml."""

    def lower(self) -> Result: ...


@overload
def lower(source: Graph, interface: Interface | None = None, **options: Any) -> Lowered: ...


@overload
def lower(source: HasLower[Result], **options: Any) -> Result: ...


def lower(source: Any, interface: Interface | None = None, **options: Any) -> Any:
    """Make a pure function of parameters and inputs: `lowered.fn(lowered.params, {input: array})`.

    Args:
        source: a model, as `graphml.load` returns it, or a `Graph`.
        interface: for a graph: how values enter and leave it; None for blobs without conversion.
        **options: for `model.lower`, or for `graphml.interpreter.lower.lower` in the case of a graph.

    Returns:
        A `Lowered`; of a model without a graph, such as a tree or a pipeline, a `LoweredModel`.

    Raises:
        GraphError: The source is neither, or the graph is wrong.
        UnsupportedError: The model has no function of arrays, or cannot run here.
    """
    if isinstance(source, Graph):
        return lower_graph(source, interface, **options)
    if interface is not None or not hasattr(source, "lower") or isinstance(source, str):
        raise GraphError(
            "graphml.lower takes a model, as graphml.load returns it, or a Graph with an interface, not "
            f"{in_words(source)}"
        )
    return source.lower(**options)
