"""One network, three libraries: a list of steps with NumPy weights, rendered for graphml, onnxruntime and torch.

Blobs are [batch, channels, height, width], [sequence, batch, channels] for recurrent networks, or [batch, words, width]
for transformers. A rendering is a function from NumPy arrays to a NumPy array.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import attention
import numpy as np

GATES = ("input_gate", "output_gate", "forget_gate", "block_input")
"""The order in which a step `lstm` holds its gates, along the first axis of w, r and bias."""

Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Step:
    """One layer. kind: conv, norm, relu, relu6, add, maxpool, mean (of all pixels), dense, softmax, lstm, one of
    `attention.KINDS`, or, for onnxruntime and torch only, concat (of channels), reshape and permute (to `sizes`)."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)
    window: int = 1
    stride: int = 1
    pad: int = 0
    groups: int = 1
    heads: int = 1
    width: int = 0
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Network:
    """Steps from the blob `x` to the blob that the last step writes. shape: of x, without sequence and batch.

    words: the size of the vocabulary, if x contains token ids; such networks have a batch size of one.
    """

    shape: tuple[int, ...]
    steps: tuple[Step, ...]
    length: int | None = None  # of the sequence
    words: int | None = None

    def sample(self, batch: int) -> np.ndarray:
        if self.words is not None:
            return np.random.default_rng(7).integers(0, self.words, (batch, *self.shape)).astype(np.float32)
        front = (batch,) if self.length is None else (self.length, batch)
        return np.random.default_rng(7).standard_normal(front + self.shape, np.float32)


def needed(package: str) -> Any:
    """Import an optional package, or raise an ImportError that says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise ImportError(f"this comparison needs {package}: pip install 'graphml-jax[bench]'") from None


# graphml -------------------------------------------------------------------------------------------------------------


def graphml_spec(network: Network, updatable: bool = False) -> Any:
    """The network as a Core ML model message, in layers of specification 1 where these will do. updatable: mark what
    Core ML can train."""
    from graphml.build import NeuralNetworkBuilder, array

    last = network.steps[-1].output
    shape = network.shape if network.words is None else (1, *network.shape)
    builder = NeuralNetworkBuilder({"x": array(*shape)}, {last: None})
    for step in network.steps:
        _add(builder, step, updatable and step.kind in ("conv", "dense"))
    return builder.spec


def _add(builder: Any, step: Step, updatable: bool) -> None:
    def add(kind: str, inputs: list[str], output: str, **fields: Any) -> None:
        builder.add(kind, output, inputs, [output], updatable=updatable, **fields)

    inputs, output, weights = list(step.inputs), step.output, step.weights
    border = {"padding_amounts": ((step.pad, step.pad),) * 2}
    sizes = {"kernel_size": (step.window,) * 2, "stride": (step.stride,) * 2, "valid": border}
    if step.kind in attention.KINDS:
        attention.add_layers(add, step)
    elif step.kind == "conv":
        add("convolution", inputs, output, n_groups=step.groups, **sizes, **weights)
    elif step.kind == "norm":
        add("batchnorm", inputs, output, epsilon=1e-5, **weights)
    elif step.kind == "relu":
        add("activation", inputs, output, nonlinearity_type="ReLU")
    elif step.kind == "relu6":  # specification 1 has no upper bound: -max(-relu(x), -6)
        add("activation", inputs, output + "+", nonlinearity_type="ReLU")
        add("unary", [output + "+"], output + "-", type="THRESHOLD", scale=-1.0, alpha=-6.0)
        add("activation", [output + "-"], output, linear={"alpha": -1.0, "beta": 0.0})
    elif step.kind == "add":
        add("add", inputs, output)
    elif step.kind == "maxpool":
        add("pooling", inputs, output, type="MAX", **sizes)
    elif step.kind == "mean":
        whole = {"kernel_size": (1, 1), "valid": {}, "global_pooling": True}
        add("pooling", inputs, output, type="AVERAGE", **whole)
    elif step.kind == "dense":
        add("innerProduct", inputs, output, **weights)
    elif step.kind == "softmax":
        add("softmax", inputs, output)
    else:
        matrices = {
            f"{gate}_{name}": part
            for name, stored in (("weight_matrix", "w"), ("recursion_matrix", "r"), ("bias_vector", "bias"))
            for gate, part in zip(GATES, np.split(weights[stored], 4), strict=True)
        }
        activations = ("sigmoid", "tanh", "tanh")
        params = {"sequence_output": True}
        add("uniDirectionalLSTM", inputs, output, activations=activations, params=params, weight_params=matrices)


# onnxruntime ---------------------------------------------------------------------------------------------------------


def onnx_model(network: Network) -> Any:
    helper, numpy_helper = needed("onnx.helper"), needed("onnx.numpy_helper")
    nodes, constants = [], []

    def add(kind: str, inputs: Sequence[str | np.ndarray], output: str, **attributes: Any) -> None:
        names = []
        for place, value in enumerate(inputs):
            names.append(value if isinstance(value, str) else f"{output}/{place}")
            if not isinstance(value, str):
                constants.append(numpy_helper.from_array(np.asarray(value), names[-1]))
        nodes.append(helper.make_node(kind, names, [output], **attributes))

    for step in network.steps:
        if step.kind in attention.KINDS:
            attention.add_nodes(add, step)
            continue
        kind, weights, attributes = _onnx_node(step)
        inputs = list(step.inputs)
        if kind == "Gemm":
            add("Flatten", inputs, step.output + "/flat")
            inputs = [step.output + "/flat"]
        add(kind, [*inputs, *weights.values()], step.output, **attributes)
    front = ["batch"] if network.length is None else [network.length, "batch"]
    numbers = 1 if network.words is None else 7  # FLOAT, INT64
    x = helper.make_tensor_value_info("x", numbers, front + list(network.shape))
    y = helper.make_tensor_value_info(network.steps[-1].output, 1, None)
    graph = helper.make_graph(nodes, "network", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _onnx_node(step: Step) -> tuple[str, dict[str, np.ndarray], dict[str, Any]]:
    """Operator, weights in the order of its inputs, attributes."""
    weights = dict(step.weights)
    sizes = {"kernel_shape": [step.window] * 2, "strides": [step.stride] * 2, "pads": [step.pad] * 4}
    if step.kind == "conv":
        return "Conv", weights, {**sizes, "group": step.groups}
    if step.kind == "norm":
        return "BatchNormalization", weights, {"epsilon": 1e-5}
    if step.kind == "relu6":
        return "Clip", {"low": np.array(0, np.float32), "high": np.array(6, np.float32)}, {}
    if step.kind == "maxpool":
        return "MaxPool", {}, sizes
    if step.kind == "dense":
        return "Gemm", weights, {"transB": 1}
    if step.kind == "lstm":
        bias = np.concatenate([weights["bias"], np.zeros_like(weights["bias"])])
        stacked = {"w": weights["w"][None], "r": weights["r"][None], "b": bias[None]}
        return "LSTM", stacked, {"hidden_size": weights["r"].shape[1]}
    if step.kind == "concat":
        return "Concat", {}, {"axis": 1}
    if step.kind == "reshape":
        return "Reshape", {"shape": np.array(step.sizes)}, {}
    if step.kind == "permute":
        return "Transpose", {}, {"perm": step.sizes}
    plain = {"relu": "Relu", "add": "Add", "mean": "GlobalAveragePool", "softmax": "Softmax"}
    return plain[step.kind], {}, {"axis": 1} if step.kind == "softmax" else {}


def onnx_session(model: bytes | str, threads: int = 1) -> Any:
    """model: the bytes, or the path of a file."""
    onnxruntime = needed("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


# torch ---------------------------------------------------------------------------------------------------------------


def torch_forward(network: Network, weights: Mapping[str, Any]) -> Callable[[Any], Any]:
    """The network on tensors, eager. weights: tensors under `output/name`."""
    torch = needed("torch")
    F = torch.nn.functional
    of: dict[str, dict[str, Any]] = {step.output: {} for step in network.steps}
    for key, tensor in weights.items():
        output, _, name = key.rpartition("/")
        of[output][name] = tensor

    def one(step: Step, x: Any, *more: Any) -> Any:
        w = of[step.output]
        if step.kind in attention.KINDS:
            return attention.torch_step(F, step, w, x, *more)
        if step.kind == "conv":
            return F.conv2d(x, w["weights"], w.get("bias"), step.stride, step.pad, 1, step.groups)
        if step.kind == "norm":
            return F.batch_norm(x, w["mean"], w["variance"], w["gamma"], w["beta"], False, 0.0, 1e-5)
        if step.kind == "maxpool":
            return F.max_pool2d(x, step.window, step.stride, step.pad)
        if step.kind == "dense":
            return F.linear(x.flatten(1), w["weights"], w["bias"])
        if step.kind == "lstm":
            start = x.new_zeros(1, x.shape[1], w["r"].shape[1])
            return torch.lstm(x, (start, start), tuple(w.values()), True, 1, 0.0, False, False, False)[0]
        if step.kind == "add":
            return x + more[0]
        if step.kind == "concat":
            return torch.cat([x, *more], 1)
        if step.kind in ("reshape", "permute"):
            return getattr(x, step.kind)(*step.sizes)
        plain = {"relu": F.relu, "relu6": F.relu6, "mean": lambda x: F.adaptive_avg_pool2d(x, 1)}
        return plain[step.kind](x) if step.kind in plain else F.softmax(x, 1)

    last = {name: step for step in network.steps for name in step.inputs}  # drop blobs after their last use

    def forward(x: Any) -> Any:
        blobs = {"x": x}
        for step in network.steps:
            blobs[step.output] = one(step, *(blobs[name] for name in step.inputs))
            for name in step.inputs:
                if last[name] is step:
                    blobs.pop(name, None)
        return blobs[network.steps[-1].output]

    return forward


def torch_weights(network: Network) -> dict[str, Any]:
    """{output/name: tensor}; the gates of recurrent layers in torch's order: input, forget, block, output."""
    torch = needed("torch")
    tensors = {}
    for step in network.steps:
        weights = dict(step.weights)
        if step.kind == "lstm":
            weights = {
                name: np.concatenate([np.split(w, 4)[gate] for gate in (0, 2, 3, 1)]) for name, w in weights.items()
            }
            weights["zeros"] = np.zeros_like(weights["bias"])  # it adds two biases
        tensors |= {f"{step.output}/{name}": torch.from_numpy(w) for name, w in weights.items()}
    return tensors
