"""Real networks as ONNX and back as Core ML: the answers stay."""

from __future__ import annotations

import pytest
from real.test_networks import CUSTOM

import graphml
from graphml.models.network import NeuralNetwork

pytest.importorskip("jax2onnx", reason="jax2onnx is not part of CI; install it to run this")

# jax2onnx needs minutes for it, most of them for constants
_SLOW = ("carn/Model",)


def test_networks_survive_onnx(real_models):
    """Both ways are compared on drawn inputs: by `export` in onnxruntime, by `convert` with the ONNX model."""
    survived, lost = [], {}
    for path in sorted(real_models.rglob("*.mlmodel")):
        name = str(path.relative_to(real_models).with_suffix(""))
        try:
            model = graphml.load(path, custom_layers=CUSTOM)
            if not isinstance(model, NeuralNetwork) or name in _SLOW:
                continue
            written = graphml.export(model).model
        except graphml.GraphmlError as error:  # ONNX cannot say it, or it does not run here
            lost[name] = str(error).splitlines()[0]
            continue
        back = graphml.convert(written)
        survived.append(name)
        assert all(output.error < 1e-3 for output in back.conversion.check.outputs), name
    print(*(f"{name}: {reason}" for name, reason in lost.items()), sep="\n")
    if not survived:
        pytest.skip("the folder of real models has no network that jax2onnx can write")
