"""A small dialect next to that of the layers: typed values, arrays without axes, two versions of an operator, state.

What it computes is shared with the layers where both mean the same. `node` and `graph` write programs in it by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.catalogue import Dialect, Signature
from graphml.graph import Graph, Node, Region

NEWEST = 3


def _says(*attributes: str, weights: tuple[str, ...] = (), regions: Mapping[str, str] | None = None) -> Signature:
    return Signature(frozenset(attributes), frozenset(weights), regions or {})


FORMAT = {
    "const": _says(weights=("val",)),
    "identity": _says(),
    "add": _says(),
    "less": _says(),
    "cast": _says("dtype"),
    "clip": _says(),
    "softmax": _says("axis"),
    "gather": _says("axis"),
    "shape": _says(),
    "reshape": _says(),
    "cond": _says(regions={"then": "if", "otherwise": "else"}),
    "while_loop": _says("go", regions={"condition": "condition", "body": "body"}),
}


def _signature(kind: str, version: int, inputs: tuple[str, ...]) -> Signature:
    if kind not in FORMAT:
        raise TypeError(f"the format has no operation {kind!r}")
    return FORMAT[kind]


TOY = Dialect("toy operation", _signature)
_layers = {kind: row.function for kind, row in catalogue.rows("layer").items()}


@TOY.operator("const", roles=("constant",))
def const(*, val):
    """A stored array."""
    return val


@TOY.operator("identity")
def identity(x):
    """x; the way in which results of blocks and state get their names."""
    return x


@TOY.operator("add")
def add(x, y):
    """x + y."""
    return _layers["addBroadcastable"](x, y)


@TOY.operator("less")
def less(x, y):
    """x < y, a bool."""
    return x < y


@TOY.operator("cast")
def cast(x, *, dtype: str):
    """x in another type."""
    return x.astype(dtype)


@TOY.operator("clip")
def clip(x, low=None, high=None):
    """x between two bounds, of which either may be missing."""
    return jnp.clip(x, low, high)


@TOY.operator("softmax")
def softmax(x, *, axis: int):
    """Probabilities along an axis."""
    return _layers["softmaxND"](x, axis=axis)


@TOY.operator("gather")
def gather(x, indices, *, axis: int):
    """x at indices, of which negative ones count from the end."""
    return jnp.take(x, indices, axis, mode="wrap")


@TOY.operator("gather", version=3)
def gather_3(x, indices, *, axis: int):
    """x at indices, of which those that do not exist are the first or the last."""
    return jnp.take(x, indices, axis, mode="clip")


@TOY.operator("shape", shape_only=True)
def shape(x):
    """The sizes of x, int32."""
    return np.asarray(x.shape, np.int32)


@TOY.operator("reshape", concrete=(1,))
def reshape(x, shape):
    """x with other sizes."""
    return _layers["reshapeDynamic"](x, shape)


@TOY.operator("cond")
def cond(pred, *, then, otherwise, control):
    """One of two blocks, by a bool."""
    return control.branch(control.is_true(pred), then, otherwise)


@TOY.operator("while_loop", most_iterations=lambda inputs, attributes: np.inf)
def while_loop(*, go: str, condition, body, control):
    """A block as long as the bool `go` of another is true."""
    return control.loop(None, condition, go, body, 0)


# Writing programs ----------------------------------------------------------------------------------------------------


def node(kind: str, inputs: str, outputs: str, version: int = NEWEST, **parts: Any) -> Node:
    """One operation. inputs, outputs: names in one text. parts: weights and regions by their names, attributes."""
    says = FORMAT.get(kind, Signature())
    blocks = {name: part for name, part in parts.items() if isinstance(part, Region)}
    weights = {name: part for name, part in parts.items() if name in says.weights}
    attributes = {name: part for name, part in parts.items() if name not in {*blocks, *weights}}
    return Node(
        key=outputs or kind,
        name=outputs,
        dialect=TOY.name,
        kind=kind,
        inputs=tuple(inputs.split()),
        outputs=tuple(outputs.split()),
        attributes=attributes,
        weights=weights,
        regions=blocks,
        version=version,
    )


def region(*nodes: Node) -> Region:
    return Region(nodes)


def graph(inputs: str, outputs: str, *nodes: Node, state: str = "") -> Graph:
    """A whole program; names in one text."""
    return Graph(tuple(inputs.split()), tuple(outputs.split()), Region(nodes), tuple(state.split()))
