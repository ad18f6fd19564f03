"""Normalization layers against onnxruntime."""

import pytest
from cases import Case, numbers
from one_layer import compiled, same

ort = pytest.importorskip("onnxruntime", reason="onnxruntime judges this family and is not installed")
onnx = pytest.importorskip("onnx", reason="onnx builds the judge's models and is not installed")

_X = numbers(2, 6, 3, 4)
_GAMMA, _BETA, _MEAN = (numbers(6, seed=seed) for seed in (1, 2, 3))
_VARIANCE = numbers(6, low=0.1, high=2, seed=4)


def _judge(operator, x, constants=(), **attributes):
    names = ["x", *(f"c{i}" for i in range(len(constants)))]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(operator, names, ["y"], **attributes)],
        "judge",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(c, n) for c, n in zip(constants, names[1:], strict=True)],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def _ours(kind, x, **fields):
    return compiled(kind, Case((x,), fields))[0]


@pytest.mark.parametrize("epsilon", [1e-5, 0.1])
@pytest.mark.parametrize("x", [_X, _X[:1, :, :1, :1]], ids=str)
def test_batchnorm(x, epsilon):
    want = _judge("BatchNormalization", x, (_GAMMA, _BETA, _MEAN, _VARIANCE), epsilon=epsilon)
    weights = {"gamma": _GAMMA, "beta": _BETA, "mean": _MEAN, "variance": _VARIANCE}
    same(_ours("batchnorm", x, epsilon=epsilon, **weights), want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("epsilon", [1e-5, 0.1])
def test_batchnorm_with_statistics_of_each_instance(epsilon):
    want = _judge("InstanceNormalization", _X, (_GAMMA, _BETA), epsilon=epsilon)
    flags = {"compute_mean_var": True, "instance_normalization": True, "epsilon": epsilon}
    same(_ours("batchnorm", _X, gamma=_GAMMA, beta=_BETA, **flags), want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("across", "axes"), [(False, [2, 3]), (True, [1, 2, 3])])
def test_mvn(across, axes):
    # the judge adds its epsilon (1e-9) to the deviation; ours is small enough not to be seen
    want = _judge("MeanVarianceNormalization", _X, axes=axes)
    same(_ours("mvn", _X, across_channels=across, normalize_variance=True, epsilon=1e-9), want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [1, 3, 5, 11])  # the judge refuses even windows
@pytest.mark.parametrize(("alpha", "beta", "bias"), [(1e-4, 0.75, 1.0), (2.0, 0.5, 3.0)])
def test_lrn(size, alpha, beta, bias):
    want = _judge("LRN", _X, size=size, alpha=alpha, beta=beta, bias=bias)
    same(_ours("lrn", _X, local_size=size, alpha=alpha, beta=beta, k=bias), want, rtol=1e-5, atol=1e-5)


def test_l2normalize():
    # a matrix of one row: the judge's norm along it is the norm over all of an image
    want = _judge("LpNormalization", _X.reshape(2, -1), axis=1, p=2).reshape(_X.shape)
    same(_ours("l2normalize", _X, epsilon=1e-12), want, rtol=1e-5, atol=1e-6)


def test_softmax_is_over_channels():
    same(_ours("softmax", 20 * _X), _judge("Softmax", 20 * _X, axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, -1, -4])
def test_softmax_nd(axis):
    same(_ours("softmaxND", 20 * _X, axis=axis), _judge("Softmax", 20 * _X, axis=axis), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("first", "epsilon"), [(3, 1e-5), (2, 1e-3), (1, 1e-5)])
def test_layer_normalization(first, epsilon):
    shape = _X.shape[first:]
    gamma, beta = numbers(*shape, seed=7), numbers(*shape, seed=8)
    want = _judge("LayerNormalization", _X, (gamma, beta), axis=first, epsilon=epsilon)
    got = _ours("layerNormalization", _X, normalized_shape=shape, gamma=gamma, beta=beta, eps=epsilon)
    same(got, want, rtol=1e-4, atol=1e-5)
