"""A network as a Flax NNX module, for the optimizers, filters and checkpoints of Flax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp

from graphml.errors import need
from graphml.interpreter.lower import Lowered
from graphml.spec.weights import CompressedWeight

need("flax", "flax")

from flax import nnx  # noqa: E402  (after the message about the missing extra)


class Network(nnx.Module):
    """A lowered network whose weights are `nnx.Param`s under `params/<layer>/<weight>`.

    Quantized weights become floats, so that they can be trained.
    """

    def __init__(self, lowered: Lowered) -> None:
        """Copy the weights of a network.

        Args:
            lowered: The result of `model.lower()`.
        """
        self.lowered = nnx.static(lowered)
        self.params = _variables(lowered.params)

    def __repr__(self) -> str:  # nnx prints all weights
        count = sum(variable.get_value().size for variable in jax.tree.leaves(self.params, is_leaf=_is_variable))
        return f"<Network of {count:,} parameters: {self.lowered!r}>"

    __str__ = __repr__

    def __call__(
        self, inputs: Mapping[str, Any], *, key: jax.Array | None = None, train: bool = False
    ) -> dict[str, Any]:
        """Run the network, as `Lowered.fn` does.

        Args:
            inputs: {input: array}.
            key: A random key, for networks that draw random numbers.
            train: Whether layers behave as in training.

        Returns:
            {output: array}.
        """
        return self.lowered.fn(_arrays(self.params), inputs, key=key, train=train)


def _is_variable(leaf: Any) -> bool:
    return isinstance(leaf, nnx.Variable)


def _variables(tree: Any) -> Any:  # a tree of any depth
    if isinstance(tree, Mapping):
        branches = cast(Mapping[str, Any], tree)
        return nnx.Dict({name: _variables(value) for name, value in branches.items()})
    if isinstance(tree, list | tuple):
        return nnx.List([_variables(value) for value in cast(Sequence[Any], tree)])
    floats = tree.dequantize() if isinstance(tree, CompressedWeight) else tree
    return nnx.Param(jnp.asarray(floats))  # pyright: ignore[reportUnknownMemberType]  (JAX leaves a parameter open)


def _arrays(tree: Any) -> Any:
    if isinstance(tree, nnx.Dict):
        return {name: _arrays(value) for name, value in cast(Mapping[str, Any], tree).items()}
    if isinstance(tree, nnx.List):
        return [_arrays(value) for value in cast(Sequence[Any], tree)]
    return tree[...]
