"""How values enter and leave a graph: what a front end tells the interpreter beside the graph."""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import GraphError, ShapeError, in_words
from graphml.graph import Graph
from graphml.interpreter.values import known


class Interface(Protocol):
    """Maps the values of inputs to blobs, and blobs to the values of outputs. Implemented once for each format."""

    @property
    def blob_rank(self) -> int | None:
        """The rank of all blobs, where `enter` gives all of them the same one."""
        ...

    def declared_inputs(self, dtype: Any) -> Mapping[str, jax.ShapeDtypeStruct]:
        """The inputs whose shapes are declared, as abstract arrays. dtype: of what the graph is lowered for."""
        ...

    def declared_state(self) -> Mapping[str, jax.ShapeDtypeStruct]:
        """The state as abstract arrays; empty for a graph that has none."""
        ...

    def signature(self) -> Mapping[str, str]:
        """The declared type of each input, as readable text; inputs without a declared type may be missing."""
        ...

    def enter(self, name: str, value: Any, dtype: Any) -> Any:
        """The blob of an input.

        Args:
            name: the input.
            value: what was given for it; None if nothing was.
            dtype: what the graph is lowered for.

        Raises:
            GraphError: Nothing was given, and the input is not optional.
            ShapeError: The value has a shape that the input cannot have.
        """
        ...

    def leave(self, name: str, blob: Any) -> Any:
        """The value of an output, from its blob."""
        ...

    def inside(self, inputs: Iterable[str], outputs: Iterable[str]) -> Interface:
        """The interface of a part of the graph, whose inputs and outputs are internal blobs."""
        ...

    def advice(self, graph: Graph) -> str:
        """Advice for error messages about inputs of wrong shapes; empty if there is none."""
        ...


class Blobs:
    """The interface of a graph whose inputs and outputs are blobs: arrays of the types and shapes that they have."""

    blob_rank = None

    def declared_inputs(self, dtype: Any) -> Mapping[str, jax.ShapeDtypeStruct]:
        return {}

    def declared_state(self) -> Mapping[str, jax.ShapeDtypeStruct]:
        return {}

    def signature(self) -> Mapping[str, str]:
        return {}

    def enter(self, name: str, value: Any, dtype: Any) -> Any:
        if value is None:
            raise GraphError(f"the input {name!r} is missing")
        return as_array(value)

    def leave(self, name: str, blob: Any) -> Any:
        return jnp.asarray(blob)

    def inside(self, inputs: Iterable[str], outputs: Iterable[str]) -> Interface:
        return self

    def advice(self, graph: Graph) -> str:
        return ""


class Beginning:
    """The interface of the first part of a graph: inputs are those of the whole graph, outputs are internal blobs.

    Args:
        whole: the interface of the graph.
        outputs: the blobs.
    """

    def __init__(self, whole: Interface, outputs: Iterable[str]) -> None:
        self._end = whole.inside((), outputs)
        self.blob_rank = whole.blob_rank
        self.declared_inputs, self.declared_state = whole.declared_inputs, whole.declared_state
        self.signature, self.enter = whole.signature, whole.enter
        self.inside, self.advice = whole.inside, whole.advice

    def leave(self, name: str, blob: Any) -> Any:
        return self._end.leave(name, blob)


class SeenBlobs(Blobs):
    """As `Blobs`, for abstract evaluation of a graph; `found` keeps the results that follow from shapes alone."""

    def __init__(self) -> None:
        self.found: dict[str, np.ndarray[Any, Any]] = {}

    def leave(self, name: str, blob: Any) -> Any:
        if isinstance(blob, np.ndarray):
            self.found[name] = blob
        return super().leave(name, blob)


def as_array(value: Any, dtype: Any = None) -> Any:
    """A value as an array of a type; of its own type if none is given. A known value stays known under `jax.jit`, where
    it may decide a shape."""
    with jax.ensure_compile_time_eval() if known(value) else contextlib.nullcontext():
        array = jnp.asarray(value)
        if jnp.issubdtype(array.dtype, jnp.complexfloating):
            raise ShapeError(f"it takes real numbers, got {in_words(array)}")
        return array.astype(array.dtype if dtype is None else dtype)
