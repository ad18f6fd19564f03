"""The shapes of a model's blobs, found by tracing without computing."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from graphml.errors import GraphmlError
from graphml.interpreter.lower import Lowered
from graphml.models.graph_model import GraphModel


class FeatureShapes(Mapping[str, tuple[int, ...]]):
    """The shapes of blobs as features declare them, traced when needed; empty if the model cannot be traced."""

    def __init__(self, model: GraphModel) -> None:
        self._model = model

    @functools.cached_property
    def _lowered(self) -> Lowered:
        return self._model.lower()

    def __getitem__(self, name: str) -> tuple[int, ...]:
        try:
            shape = self._lowered.blob_shapes((name,))[name]
        except GraphmlError:
            raise KeyError(name) from None
        return _declared(shape, self._lowered.interface.blob_rank)

    def __iter__(self) -> Iterator[str]:
        return iter([name for node in self._lowered.graph.body.nodes for name in node.outputs])

    def __len__(self) -> int:
        return len(list(iter(self)))


def shapes_inside(model: GraphModel) -> dict[str, tuple[int, ...]]:
    """{blob: its shape as layers see it} of the inputs and of all layers outside of sub-networks; empty if the model
    cannot be traced."""
    try:
        return model.lower().blob_shapes()
    except GraphmlError:
        return {}


def _declared(shape: tuple[int, ...], blob_rank: int | None) -> tuple[int, ...]:
    """A blob's shape as features declare it: without the axes that the mapping to rank 5 has added."""
    if blob_rank is None or len(shape) != blob_rank:
        return shape
    core = shape[2:]
    return core[:1] if core[1:] == (1, 1) else core
