"""How arrays enter and leave a function of an ML Program: by name, in the type that the function declares."""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.errors import GraphError, ShapeError
from graphml.graph import Graph
from graphml.interpreter.budget import check_shape
from graphml.interpreter.interface import Blobs, as_array


@dataclass(frozen=True)
class Argument:
    """An input of a function as the function declares it.

    Attributes:
        name: its name.
        dtype: its type.
        shape: its shape, with None for sizes that are not known; None where the rank is not known.
        default: the number that fills it where it is optional and left out; None where it is not optional.
        default_shape: the shape that it has by default; None if it has no default shape.
        image: whether it holds pixels, from 0 to 255.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...] | None
    default: float | None = None
    default_shape: tuple[int, ...] | None = None
    image: bool = False


@dataclass(frozen=True, eq=False)
class ProgramInterface:
    """The interface of a function; see `graphml.interpreter.interface.Interface`.

    Attributes:
        arguments: its inputs.
        states: its states, whose shapes are known.
    """

    arguments: tuple[Argument, ...]
    states: tuple[Argument, ...] = ()

    blob_rank = None

    @functools.cached_property
    def _arguments(self) -> Mapping[str, Argument]:
        return {argument.name: argument for argument in self.arguments}

    def declared_inputs(self, dtype: Any) -> dict[str, jax.ShapeDtypeStruct]:
        found: dict[str, jax.ShapeDtypeStruct] = {}
        for argument in self.arguments:
            shape = argument.shape if argument.shape is not None and None not in argument.shape else None
            shape = argument.default_shape if shape is None else shape
            if shape is not None:
                found[argument.name] = jax.ShapeDtypeStruct(shape, _computed(argument.dtype, dtype))
        return found

    def declared_state(self) -> dict[str, jax.ShapeDtypeStruct]:
        return {state.name: jax.ShapeDtypeStruct(_known_shape(state), state.dtype) for state in self.states}

    def signature(self) -> dict[str, str]:
        return {argument.name: f"{argument.dtype}{_sizes(argument.shape)}" for argument in self.arguments}

    def enter(self, name: str, value: Any, dtype: Any) -> Any:
        """The blob of an input: of the type in which its declared type is computed, and of the declared rank where it
        is a single number."""
        argument = self._arguments[name]
        computed = _computed(argument.dtype, dtype)
        if value is None:
            shape = argument.default_shape
            if argument.default is None or shape is None:
                raise GraphError(f"the input {name!r} is missing")
            check_shape(shape, computed)
            return jnp.full(shape, argument.default, computed)
        array = as_array(value, computed)
        if argument.shape is None or array.ndim == len(argument.shape):
            return array
        if array.size == 1:  # a number may be declared as [1] outside and without axes inside
            return array.reshape((1,) * len(argument.shape))
        raise ShapeError(f"{name!r} has rank {len(argument.shape)}, {_sizes(argument.shape)}; got {list(array.shape)}")

    def leave(self, name: str, blob: Any) -> Any:
        return jnp.asarray(blob)

    def inside(self, inputs: Iterable[str], outputs: Iterable[str]) -> Blobs:
        """The interface of a part of the program."""
        return Blobs()

    def advice(self, graph: Graph) -> str:
        return ""


def _known_shape(state: Argument) -> tuple[int, ...]:
    return tuple(size for size in state.shape or () if size is not None)


def _sizes(shape: tuple[int | None, ...] | None) -> str:
    return "" if shape is None else f"[{', '.join('?' if size is None else str(size) for size in shape)}]"


def _computed(declared: Any, lowered: Any) -> Any:
    return catalogue.dialect("operation").value_type(declared, lowered)
