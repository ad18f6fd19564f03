"""Weights on their way to a row's function: in the type of the dialect, and in the form that the row prepares."""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.catalogue import Dialect, Op
from graphml.graph import Node
from graphml.interpreter.quantization import is_compressed
from graphml.spec.weights import CompressedWeight


def ready_weights(row: Op, node: Node, weights: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
    """Stored weights in the form in which the row takes them. dtype: of what the graph is lowered for."""
    ready = _arrays(row.dialect, weights, dtype, leave=row.quantized)
    return dict(row.prepare(ready, node.attributes)) if row.prepare and ready else ready


def weight_arrays(node: Node, weights: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
    """Stored weights of a node as arrays of the types in which its dialect computes."""
    return _arrays(catalogue.dialect(node.dialect), weights, dtype)


def _arrays(dialect: Dialect, weights: Mapping[str, Any], dtype: Any, leave: bool = False) -> dict[str, Any]:
    """leave: whether what is quantized stays so."""

    def array(leaf: Any) -> Any:
        if not isinstance(leaf, CompressedWeight):
            return jnp.asarray(leaf, dialect.value_type(jnp.result_type(leaf), dtype))
        if leave:
            return leaf
        stored: Any = jax.tree.map(jnp.asarray, leaf)
        return stored.dequantize().astype(dialect.value_type(leaf.dtype, dtype))

    return _map(array, weights)


def known_weights(node: Node) -> dict[str, Any]:
    """The weights of a node whose values decide shapes, as NumPy arrays."""
    dialect = catalogue.dialect(node.dialect)

    def array(leaf: Any) -> Any:
        value = leaf.dequantize() if isinstance(leaf, CompressedWeight) else leaf
        return np.asarray(value, dialect.known_type(value.dtype))

    return _map(array, node.weights)


def _map(function: Any, weights: Mapping[str, Any]) -> dict[str, Any]:
    return jax.tree.map(function, dict(weights), is_leaf=is_compressed)
