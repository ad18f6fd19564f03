"""Functions that the layer `unary` computes with an epsilon, at numbers that are smaller than its default."""

from __future__ import annotations

import numpy as np
from onnx import helper
from onnx_models import agree, graph


def test_small_numbers_count() -> None:
    nodes = [helper.make_node(kind, ["x"], [kind]) for kind in ("Log", "Reciprocal")]
    model = graph(nodes, {"x": (np.float32, [3])}, ["Log", "Reciprocal"])
    agree(model, {"x": np.float32([1e-9, 3e-7, 2.0])})
