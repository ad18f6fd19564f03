"""How arrays and images enter and leave a neural network: rank 5 or as they are, and preprocessing of images."""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from graphml.errors import GraphError, ShapeError
from graphml.frontends.sequences import sequence_advice
from graphml.graph import Graph
from graphml.interpreter.budget import check_shape
from graphml.interpreter.interface import as_array
from graphml.interpreter.layout import at_least_1d

_RANK = 5  # [sequence, batch, channels, height, width]


@dataclass(frozen=True)
class Preprocessing:
    """What is done to the pixels of an image before the first layer.

    Attributes:
        scale: factor of every pixel.
        bias: added to the pixels of each channel after scaling; empty for none.
        mean: float32 [channels, height, width] that is subtracted instead, or None.
    """

    scale: float = 1.0
    bias: tuple[float, ...] = ()
    mean: Any = None


@dataclass(frozen=True)
class Port:
    """An input or output of a network as the description declares it.

    Attributes:
        name: the blob.
        shape: the declared shape; None where none is declared.
        image: whether it is an image, [channels, height, width] at the interface.
        optional: whether it may be left out, and is then filled with `default`.
        default: the number that fills it.
        preprocessing: of an image input.
    """

    name: str
    shape: tuple[int, ...] | None
    image: bool = False
    optional: bool = False
    default: float = 0.0
    preprocessing: Preprocessing | None = None


@dataclass(frozen=True, eq=False)
class LayerInterface:
    """The interface of a neural network; see `graphml.interpreter.interface.Interface`.

    Attributes:
        inputs: the declared inputs.
        outputs: the declared outputs.
        exact: whether inputs keep their shapes; otherwise they become blobs of rank 5.
        image_rank4: whether images enter as [1, channels, height, width] instead of with rank 5.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    exact: bool
    image_rank4: bool = False

    @functools.cached_property
    def _inputs(self) -> Mapping[str, Port]:
        return {port.name: port for port in self.inputs}

    @functools.cached_property
    def _outputs(self) -> Mapping[str, Port]:
        return {port.name: port for port in self.outputs}

    @property
    def blob_rank(self) -> int | None:
        """5 where that is the rank of all blobs."""
        return None if self.exact else _RANK

    def declared_inputs(self, dtype: Any) -> dict[str, jax.ShapeDtypeStruct]:
        return {port.name: jax.ShapeDtypeStruct(port.shape, dtype) for port in self.inputs if port.shape is not None}

    def declared_state(self) -> dict[str, jax.ShapeDtypeStruct]:
        return {}

    def signature(self) -> dict[str, str]:
        shaped = (port for port in self.inputs if port.shape is not None)
        return {port.name: f"{'image' if port.image else ''}{list(port.shape or ())}" for port in shaped}

    def enter(self, name: str, value: Any, dtype: Any) -> Any:
        """The blob of an input: preprocessed if it is an image, and of the rank that the mapping asks for."""
        port = self._inputs[name]
        if value is None:
            if not port.optional or port.shape is None:
                raise GraphError(f"the input {name!r} is missing")
            check_shape(port.shape, dtype)
            value = jnp.full(port.shape, port.default, dtype)
        x = as_array(value, dtype)
        if port.image:
            x = _preprocessed(port, x)
            rank = 4 if self.image_rank4 else _RANK
            return x.reshape((1,) * (rank - x.ndim) + x.shape) if x.ndim < rank else x
        return at_least_1d(x) if self.exact else _in_rank_5(port, x)

    def leave(self, name: str, blob: Any) -> Any:
        """The value of an output: in its declared shape when the number of elements agrees, else without the axes that
        the mapping has added in front (and at the end, for what is declared a vector)."""
        port = self._outputs[name]
        if port.shape is not None and math.prod(port.shape) == blob.size:
            return blob.reshape(port.shape)
        if self.exact or blob.ndim != _RANK:
            return at_least_1d(blob)
        front, core = blob.shape[:2], blob.shape[2:]
        vector = len(port.shape) == 1 if port.shape is not None else front == (1, 1)
        if vector and core[1:] == (1, 1):
            core = core[:1]
        while front and front[0] == 1:
            front = front[1:]
        return blob.reshape(front + core)

    def inside(self, inputs: Iterable[str], outputs: Iterable[str]) -> LayerInterface:
        """The interface of a part of the network, whose inputs have been mapped already."""
        return LayerInterface(
            tuple(Port(name, None) for name in inputs), tuple(Port(name, None) for name in outputs), exact=True
        )

    def advice(self, graph: Graph) -> str:
        """How to give inputs that are sequences; empty for other networks."""
        return sequence_advice(graph, self.vectors)

    @property
    def vectors(self) -> dict[str, int]:
        """{input: declared size} of the vectors that become blobs of rank 5."""
        if self.exact:
            return {}
        return {port.name: port.shape[0] for port in self.inputs if port.shape is not None and len(port.shape) == 1}


def _in_rank_5(port: Port, x: Any) -> Any:
    given = x.shape
    declared = x.ndim if port.shape is None or x.ndim == _RANK else len(port.shape)
    if declared == 1 and x.ndim <= 3:
        x = x[..., None, None]
    elif declared == 2 or not 1 <= x.ndim <= _RANK:
        raise ShapeError(
            f"input {port.name!r} has shape {list(given)}; with rank-5 mapping it is [channels], "
            "[channels, height, width] or [sequence, batch, channels, height, width]"
        )
    return x.reshape((1,) * (_RANK - x.ndim) + x.shape)


def _preprocessed(port: Port, x: jax.Array) -> jax.Array:
    if x.ndim < 3:
        raise ShapeError(f"image {port.name!r} has shape {list(x.shape)}; expected [channels, height, width]")
    steps = port.preprocessing
    if steps is None:
        return x
    if steps.mean is not None:
        return x - jnp.asarray(steps.mean, x.dtype)
    x = x * jnp.asarray(steps.scale, x.dtype)
    return x + jnp.asarray(steps.bias, x.dtype)[:, None, None] if steps.bias else x
