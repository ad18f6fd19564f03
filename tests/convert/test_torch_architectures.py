"""Well-known architectures in torch, converted by both ways: coremltools, and ONNX."""

from __future__ import annotations

import io

import pytest

import graphml

torch = pytest.importorskip("torch", reason="torch is not part of CI; install it to run this")

from convert.torch_architectures import NETWORKS  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of torch, whose exporter through TorchScript is deprecated

# coremltools has no chunks of an LSTM cell; through ONNX the network converts
_ONLY_BY_ONNX = ("tacotron",)


@pytest.fixture(params=sorted(NETWORKS))
def network(request):
    torch.manual_seed(0)
    return request.param, *NETWORKS[request.param]()


def test_by_coremltools(network):
    name, module, inputs = network
    if name in _ONLY_BY_ONNX:
        pytest.skip("coremltools cannot convert the LSTM cell of this network")
    model = graphml.convert(module, list(inputs))
    assert all(output.error < 1e-4 for output in model.conversion.check.outputs)


def test_by_onnx(network):
    _, module, inputs = network
    pytest.importorskip("onnxscript", reason="torch exports to ONNX through onnxscript, which is not installed")
    file = io.BytesIO()
    torch.onnx.export(module, inputs, file, dynamo=False, opset_version=17)
    model = graphml.convert(file.getvalue())
    assert all(output.error < 1e-4 for output in model.conversion.check.outputs)
