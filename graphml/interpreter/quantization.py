"""Compressed weights as leaves of parameters: their registration with JAX, and conversion to floats and back.

Each class is a pytree of its arrays, with names in the paths of trees, and `jax.export` can serialize it. So a tree of
parameters goes through jit, vmap, checkpoints and exported programs as it is. For gradients it has to be floats:
`dequantize` makes them, and `requantize` stores what was trained as it was stored before.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

import jax
import jax.export
import numpy as np

from graphml.errors import GraphError, GraphmlError, in_words
from graphml.spec.program import compression
from graphml.spec.requantization import requantized
from graphml.spec.weights import CompressedWeight
from graphml.spec.weights import Quantized as Quantized

KINDS = (Quantized, *compression.KINDS)


def _plain(kind: type[CompressedWeight]) -> list[str]:
    """The fields of a class that hold plain values."""
    return [field.name for field in dataclasses.fields(cast("Any", kind)) if field.name not in kind.ARRAYS]


def _as_json(values: Any) -> bytes:
    return json.dumps(values).encode()


def _from_json(text: bytes) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in json.loads(text))


def _made(kind: type[CompressedWeight], aux_data: Any, children: Sequence[Any]) -> CompressedWeight:
    names = (*_plain(kind), *kind.ARRAYS)
    return kind(**dict(zip(names, (*aux_data, *children), strict=True)))


for _kind in KINDS:
    jax.tree_util.register_dataclass(_kind, data_fields=[*_kind.ARRAYS], meta_fields=_plain(_kind))
    jax.export.register_pytree_node_serialization(
        _kind,
        serialized_name=f"graphml.{_kind.__name__}",
        serialize_auxdata=_as_json,
        deserialize_auxdata=_from_json,
        from_children=partial(_made, _kind),
    )


def is_compressed(leaf: Any) -> bool:
    """Whether a leaf of parameters is a compressed weight, for `is_leaf` of `jax.tree.map`."""
    return isinstance(leaf, CompressedWeight)


def dequantize(params: Any) -> Any:
    """Parameters with floats instead of compressed weights, as gradients and optimizers need them.

    Args:
        params: `Lowered.params`, `model.parameters` or a part of either; any tree.

    Returns:
        A tree of the same structure without compressed weights. `Lowered.fn` and `with_parameters` take it as well.

    Raises:
        GraphError: A leaf is not an array, such as when a model is given instead of its parameters.
    """
    return jax.tree.map(_floats, params, is_leaf=is_compressed)


def _floats(leaf: Any) -> Any:
    if isinstance(leaf, CompressedWeight):
        return leaf.dequantize()
    if not hasattr(leaf, "dtype") and not isinstance(leaf, int | float | complex):
        raise GraphError(f"parameters must be a tree of arrays, such as model.parameters, got {in_words(leaf)}")
    return leaf


def requantize(params: Any, like: Any) -> Any:
    """Parameters in the stored form of others: the inverse of `dequantize`, except for rounding.

    A weight keeps its scale or lookup table if its values still fit; otherwise it gets one of the same size.

    Args:
        params: Floats, {node: {weight: array}} or a part of it.
        like: The original parameters, whose compressed weights define how to store those of `params`.

    Returns:
        `params`, with compressed weights where `like` has them. Weights of ML Programs that store only some of their
        elements, or vectors of them, stay floats.

    Raises:
        ShapeError: A weight has another shape than before.
        SpecError: A weight is not finite.
    """
    return _requantized(params, like, "")


def _requantized(params: Any, like: Any, where: str) -> Any:
    if isinstance(params, Mapping) and isinstance(like, Mapping):
        return {
            name: _requantized(leaf, like.get(name), f"{where}/{name}" if where else str(name))
            for name, leaf in cast("Mapping[str, Any]", params).items()
        }
    if isinstance(params, list) and isinstance(like, list):
        pairs = zip(cast("Sequence[Any]", params), cast("Sequence[Any]", like), strict=True)
        return [_requantized(leaf, old, f"{where}/{i}") for i, (leaf, old) in enumerate(pairs)]
    if not isinstance(like, CompressedWeight) or is_compressed(params):
        return params
    try:
        return requantized(np.asarray(params), jax.tree.map(np.asarray, like))
    except GraphmlError as error:
        raise error.in_context(where) from None
