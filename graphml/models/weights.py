"""The weights of one model: as stored, as replaced by the caller, and as its compiled program takes them."""

# trees of weights have any depth, so their types are unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

import jax
import numpy as np

from graphml.errors import GraphError, ShapeError, with_article
from graphml.graph import Graph, Region
from graphml.models.compile.programs import Program
from graphml.spec.weights import CompressedWeight

Parameters = Mapping[str, Any]


class ModelWeights:
    """The only owner of a model's weights.

    There are up to two sets of arrays: those in the layout of the file (`stored`, or `current` after a replacement),
    which saving, training and `lower` read, and the prepared ones on the device, which `predict` passes to the compiled
    program. Both are made on first use, so that a model which only predicts does not keep the stored ones; where the
    form is the same they are shared. Objects of this class are immutable.

    Args:
        read: Reads {node: {weight: array or Quantized}} from the file, for `stored` and for the prepared weights unless
            a cache directory has these.
        owner: What error messages call a node, such as "layer".
        replaced: Weights that replace the stored ones.
    """

    def __init__(self, read: Callable[[], Parameters], owner: str, replaced: Parameters | None = None) -> None:
        self._read = read
        self._owner = owner
        self._stored: Parameters | None = None
        self._replaced = replaced
        self._prepared: Any = None
        self._preparing = threading.Lock()

    @property
    def stored(self) -> Parameters:
        """The weights of the file, read-only."""
        if self._stored is None:
            self._stored = self._read_only()
        return self._stored

    def _read_only(self) -> Parameters:
        weights = self._read()
        for leaf in jax.tree.leaves(weights):  # devices may use this very memory
            leaf.setflags(write=False)
        return weights

    @property
    def current(self) -> Parameters:
        """The current weights, in the layout of the file."""
        return self.stored if self._replaced is None else self._replaced

    @property
    def replaced(self) -> bool:
        """Whether the current weights differ from those of the file."""
        return self._replaced is not None

    def with_changes(self, changes: Parameters) -> ModelWeights:
        """The same weights with some of them replaced.

        Args:
            changes: {node: {weight: array}}, or a part of it.

        Raises:
            GraphError: There is no such node or weight.
            ShapeError: A weight has another shape.
        """
        other = ModelWeights(lambda: self.stored, self._owner, _merged(self.current, changes, "", self._owner))
        other._stored = self._stored
        return other

    def differ_in(self, keys: Iterable[str]) -> bool:
        """Whether the weights of any of these nodes differ from those of the file."""
        return self.replaced and any(not _same(self.stored[key], self.current[key]) for key in keys)

    def prepared(self, program: Program) -> Any:
        """The weights on the device of a program, in the form that it takes; made on the first call."""
        if self._prepared is None:
            with self._preparing:
                if self._prepared is None:
                    if self.replaced:
                        self._prepared = program.prepare(self.current)
                    else:  # not cached, since nobody has asked for them yet
                        self._prepared = program.prepare_kept(lambda: self._stored or self._read_only())
        return self._prepared

    def applied_to(self, graph: Graph) -> Graph:
        """The graph with the current weights."""
        return _with_weights(graph, self._replaced) if self._replaced is not None else graph


def _same(a: Any, b: Any) -> bool:
    """Whether two trees of weights contain the same array objects."""
    if isinstance(a, Mapping):
        return all(_same(a[name], b[name]) for name in a)
    return all(map(_same, a, b)) if isinstance(a, list) else a is b


def _merged(old: Any, new: Any, where: str, owner: str) -> Any:
    """`old` with the leaves of `new`, which may be a part of the same tree."""
    if isinstance(old, Mapping):
        if not isinstance(new, Mapping):
            raise GraphError(
                f"the parameters {where or 'of a model'} must be a mapping, got {with_article(type(new).__name__)}"
            )
        unknown = sorted(map(str, new.keys() - old.keys()))
        if unknown:
            what = f"{where} has no weight" if where else f"no {owner} with weights is called"
            raise GraphError(f"{what} {', '.join(map(repr, unknown))}")
        return {
            name: _merged(leaf, new[name], f"{where}/{name}" if where else name, owner) if name in new else leaf
            for name, leaf in old.items()
        }
    if isinstance(old, list):
        if len(old) != len(new):
            raise GraphError(f"{where} has {len(old)} parts, got {len(new)}")
        return [_merged(a, b, f"{where}/{i}", owner) for i, (a, b) in enumerate(zip(old, new, strict=True))]
    if isinstance(old, CompressedWeight) and isinstance(new, Mapping):
        new = _rebuilt(old, new, where)
    shape = new.shape if isinstance(new, CompressedWeight) else np.shape(new)
    if old is not new and tuple(shape) != tuple(old.shape):
        raise ShapeError(f"{where} has shape {list(old.shape)}, got {list(shape)}")
    return new if new is old or isinstance(new, jax.Array | CompressedWeight) else np.array(new)


def _rebuilt(old: CompressedWeight, arrays: Mapping[str, Any], where: str) -> CompressedWeight:
    """A compressed weight from its arrays by name, which is how checkpoints without a target restore it."""
    held = {name for name in old.ARRAYS if getattr(old, name) is not None}
    given = {name for name, array in arrays.items() if array is not None}
    if given != held:
        raise GraphError(
            f"{where} is a {type(old).__name__} of {', '.join(sorted(held))}; {', '.join(sorted(given)) or 'nothing'} "
            "is given"
        )
    inner = {name: getattr(old, name) for name in held}
    return replace(
        cast("Any", old),
        **{
            name: _rebuilt(inner[name], arrays[name], f"{where}/{name}")
            if isinstance(inner[name], CompressedWeight) and isinstance(arrays[name], Mapping)
            else arrays[name]
            for name in held
        },
    )


def _with_weights(graph: Graph, parameters: Parameters) -> Graph:
    def region(old: Region) -> Region:
        return Region(
            tuple(
                replace(
                    node,
                    weights=parameters.get(node.key, node.weights),
                    regions={name: region(inner) for name, inner in node.regions.items()},
                )
                for node in old.nodes
            )
        )

    return replace(graph, body=region(graph.body))
