"""The dialect of neural networks: the signatures of layer kinds in the format's schema, and what values mean.

Blobs are floats of one type, that which the network is lowered for; values that decide shapes are float32. A condition
is true if its number is further from zero than 1e-6. Only some kinds take scalars (rank 0).
"""

from __future__ import annotations

import numpy as np

from graphml.catalogue import Dialect, Signature
from graphml.spec.attributes import attribute_names, weight_names
from graphml.spec.layers import KEEP_SCALARS, REGIONS, kinds, snake_case


def _signature(kind: str, version: int, inputs: tuple[str, ...]) -> Signature:
    if kind not in kinds():
        raise TypeError(f"the format has no layer kind {kind!r}")
    weights = weight_names(kind)
    regions = {snake_case(field): name for field, name in REGIONS.get(kind, {}).items()}
    return Signature(attribute_names(kind) - weights, weights, regions, kind in KEEP_SCALARS)


LAYERS = Dialect(
    "layer",
    _signature,
    truth=lambda number: abs(number) > 1e-6,
    value_type=lambda stored, lowered: lowered,
    known_type=lambda stored: np.float32,
)

layer = LAYERS.operator
"""Register a function as the operator of a layer kind; see `Dialect.operator`."""

layers = LAYERS.operators
"""Register a family of functions, {kind: function}; see `Dialect.operators`."""
