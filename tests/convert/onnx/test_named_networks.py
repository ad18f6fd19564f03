"""Small versions of well-known networks: their converted ONNX models, compared with onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from named_networks import NETWORKS
from onnx_models import agree


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_named_network(name):
    network = NETWORKS[name]()
    model = network.onnx_model
    declared = {info.name for info in model.graph.input}
    agree(model, {key: np.float32(value) for key, value in network.inputs.items() if key in declared})
