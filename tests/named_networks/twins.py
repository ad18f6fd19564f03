"""One network in two forms: as layers of Core ML and as nodes of ONNX, with the same weights and blobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from graphml.build import NeuralNetworkBuilder, array

Operand = str | npt.ArrayLike

_OPSET = 20  # the first with GELU
_ACTIVATIONS = {"ReLU": "Relu", "leakyReLU": "LeakyRelu", "sigmoid": "Sigmoid", "tanh": "Tanh"}
_LSTM = ("input_gate", "output_gate", "forget_gate", "block_input")  # in the order of ONNX
_GRU = ("update_gate", "reset_gate", "output_gate")


class Finished(NamedTuple):
    """builder: the Core ML model. inputs: sample values. tokens: the inputs that are indices, through which no gradient
    flows."""

    builder: NeuralNetworkBuilder
    onnx_model: onnx.ModelProto
    inputs: Mapping[str, np.ndarray]
    outputs: tuple[str, ...]
    tokens: frozenset[str]


class Twins:
    """Methods append to both networks and give the name of the new blob; where they take a blob they take a constant.

    inputs: sample values; blobs keep their shapes. Integers are indices, which both networks take as floats.
    """

    def __init__(self, **inputs: np.ndarray) -> None:
        self._inputs = {name: np.asarray(x, np.float32) for name, x in inputs.items()}
        self._tokens = frozenset(name for name, x in inputs.items() if np.asarray(x).dtype.kind == "i")
        self._layers: list[tuple[str, list[str], list[str], dict[str, Any]]] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(5)
        self._count = 0

    def finished(self, *outputs: str) -> Finished:
        builder = NeuralNetworkBuilder(
            {name: array(*x.shape) for name, x in self._inputs.items()}, dict.fromkeys(outputs), exact=True
        )
        for kind, inputs, results, fields in self._layers:
            builder.add(kind, f"make {results[0]}", inputs, results, **fields)
        given = [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in self._inputs.items()]
        wanted = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self._nodes, "twin", given, wanted, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)
        return Finished(builder, model, self._inputs, outputs, self._tokens)

    # The two languages -----------------------------------------------------------------------------------------------

    def new(self, hint: str = "blob") -> str:
        self._count += 1
        return f"{hint}{self._count}"

    def layer(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **fields: Any) -> None:
        """A layer of Core ML."""
        self._layers.append((kind, list(inputs), list(outputs), fields))

    def node(
        self, operator: str, inputs: Sequence[Operand | None], outputs: Sequence[str] = (), **attributes: Any
    ) -> str:
        """A node of ONNX; arrays become initializers, None is an input that is left out. Gives its first output."""
        results = list(outputs) if outputs else [self.new("t")]
        names = ["" if x is None else x if isinstance(x, str) else self._initializer(x) for x in inputs]
        self._nodes.append(helper.make_node(operator, names, results, **attributes))
        return results[0]

    def _initializer(self, value: npt.ArrayLike) -> str:
        whole = np.asarray(value).dtype.kind == "i"
        name = self.new("c")
        self._constants.append(numpy_helper.from_array(np.array(value, np.int64 if whole else np.float32), name))
        return name

    def both(
        self,
        kind: str,
        operator: str,
        *inputs: Operand,
        fields: Mapping[str, Any] | None = None,
        constants: Sequence[npt.ArrayLike] = (),
        **attributes: Any,
    ) -> str:
        """A layer and a node that mean the same. fields: of the layer; attributes, and constants behind the inputs: of
        the node."""
        names, output = [self.blob(x) for x in inputs], self.new()
        self.layer(kind, names, [output], **(fields or {}))
        self.node(operator, [*names, *constants], [output], **attributes)
        return output

    def blob(self, x: Operand) -> str:
        """The name of a blob; of a new one for a constant."""
        if isinstance(x, str):
            return x
        value, name = np.atleast_1d(np.array(x, np.float32)), self.new("constant")
        self.layer("loadConstantND", [], [name], data=value)
        self._constants.append(numpy_helper.from_array(value, name))
        return name

    def weights(self, *shape: int, fan_in: int | None = None, around: float = 0.0) -> np.ndarray:
        """Random; the spread keeps the size of what is multiplied with them, or is 0.1 for biases and their like."""
        spread = 0.1 if fan_in is None else fan_in**-0.5
        return (around + spread * self._random.standard_normal(shape)).astype(np.float32)

    # Elementwise -----------------------------------------------------------------------------------------------------

    def add(self, a: Operand, b: Operand) -> str:
        return self.both("addBroadcastable", "Add", a, b)

    def multiply(self, a: Operand, b: Operand) -> str:
        return self.both("multiplyBroadcastable", "Mul", a, b)

    def activation(self, x: str, name: str, alpha: float | None = None) -> str:
        numbers: dict[str, Any] = {} if alpha is None else {"alpha": alpha}
        return self.both("activation", _ACTIVATIONS[name], x, fields={name: numbers}, **numbers)

    def relu(self, x: str) -> str:
        return self.activation(x, "ReLU")

    def clip(self, x: str, low: float, high: float) -> str:
        return self.both(
            "clip", "Clip", x, fields={"min_val": low, "max_val": high}, constants=[float(low), float(high)]
        )

    def exp(self, x: str) -> str:
        return self.both("unary", "Exp", x, fields={"type": "EXP"})

    def gelu(self, x: str, mode: str) -> str:
        approximate = "tanh" if mode == "TANH_APPROXIMATION" else "none"
        return self.both("gelu", "Gelu", x, fields={"mode": mode}, approximate=approximate)

    def softmax(self, x: str, axis: int) -> str:
        return self.both("softmaxND", "Softmax", x, fields={"axis": axis}, axis=axis)

    # Shapes ----------------------------------------------------------------------------------------------------------

    def reshape(self, x: str, *shape: int) -> str:
        return self.both("reshapeStatic", "Reshape", x, fields={"target_shape": shape}, constants=[shape])

    def transpose(self, x: str, *axes: int) -> str:
        return self.both("transpose", "Transpose", x, fields={"axes": axes}, perm=axes)

    def concat(self, *xs: Operand, axis: int) -> str:
        return self.both("concatND", "Concat", *xs, fields={"axis": axis}, axis=axis)

    def split(self, x: str, *sizes: int, axis: int) -> list[str]:
        parts = [self.new() for _ in sizes]
        self.layer("splitND", [x], parts, axis=axis, num_splits=len(sizes), split_sizes=sizes)
        self.node("Split", [x, sizes], parts, axis=axis)
        return parts

    def take(self, x: str, index: int, axis: int, rank: int) -> str:
        """One place along an axis, which goes away."""
        here = [place == axis for place in range(rank)]
        fields = {
            "begin_ids": [index if h else 0 for h in here],
            "end_ids": [index + 1 if h else 0 for h in here],
            "begin_masks": [not h for h in here],
            "end_masks": [not h or index == -1 for h in here],
            "strides": [1] * rank,
            "squeeze_masks": here,
        }
        return self.both("sliceStatic", "Gather", x, fields=fields, constants=[index], axis=axis)

    # Images ----------------------------------------------------------------------------------------------------------

    def conv(
        self,
        x: str,
        read: int,
        channels: int,
        window: Sequence[int] = (1, 1),
        *,
        stride: Sequence[int] = (1, 1),
        pad: Sequence[tuple[int, int]] | None = None,
        groups: int = 1,
        dilation: Sequence[int] = (1, 1),
    ) -> str:
        """Convolution with a bias. pad: (before, after) of height and width; half a window unless given."""
        rows, columns = ((n // 2, n // 2) for n in window) if pad is None else pad
        w = self.weights(channels, read // groups, *window, fan_in=read // groups * window[0] * window[1])
        b = self.weights(channels)
        fields = {"weights": w, "bias": b, "n_groups": groups, "stride": stride, "dilation_factor": dilation}
        attributes = {"group": groups, "strides": stride, "dilations": dilation}
        pads = [rows[0], columns[0], rows[1], columns[1]]
        fields["valid"] = {"padding_amounts": (rows, columns)}
        return self.both("convolution", "Conv", x, fields=fields, constants=[w, b], pads=pads, **attributes)

    def deconv(self, x: str, read: int, channels: int, window: int, stride: int, crop: int) -> str:
        """Transposed convolution with a bias; `crop` is cut off all around."""
        w, b = self.weights(read, channels, window, window, fan_in=read * 4), self.weights(channels)
        border = {"padding_amounts": ((crop, crop),) * 2}
        strides = (stride, stride)
        fields = {"weights": w, "bias": b, "stride": strides, "valid": border, "is_deconvolution": True}
        pads = [crop] * 4
        return self.both("convolution", "ConvTranspose", x, fields=fields, constants=[w, b], strides=strides, pads=pads)

    def pool(self, x: str, kind: str, window: int, stride: int, pad: int = 0) -> str:
        """kind: MAX, or AVERAGE, which leaves out the padding."""
        size, strides, border = (window, window), (stride, stride), {"padding_amounts": ((pad, pad),) * 2}
        fields = {
            "type": kind,
            "kernel_size": size,
            "stride": strides,
            "valid": border,
            "avg_pool_exclude_padding": True,
        }
        operator = "MaxPool" if kind == "MAX" else "AveragePool"
        attributes = {"kernel_shape": size, "strides": strides, "pads": [pad] * 4}
        return self.both("pooling", operator, x, fields=fields, **attributes)

    def mean_of_pixels(self, x: str) -> str:
        fields = {"type": "AVERAGE", "global_pooling": True, "valid": {}}
        return self.both("pooling", "GlobalAveragePool", x, fields=fields)

    def batch_norm(self, x: str, channels: int) -> str:
        gamma, variance = (self.weights(channels, around=1) for _ in range(2))
        beta, mean = (self.weights(channels) for _ in range(2))
        fields = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance, "epsilon": 1e-5}
        constants = [gamma, beta, mean, variance]
        return self.both("batchnorm", "BatchNormalization", x, fields=fields, constants=constants, epsilon=1e-5)

    def instance_norm(self, x: str, channels: int) -> str:
        gamma, beta = self.weights(channels, around=1), self.weights(channels)
        own = {"compute_mean_var": True, "instance_normalization": True, "epsilon": 1e-5}
        fields = {"gamma": gamma, "beta": beta, **own}
        return self.both("batchnorm", "InstanceNormalization", x, fields=fields, constants=[gamma, beta], epsilon=1e-5)

    def mirrored(self, x: str, pad: int) -> str:
        """A border that reflects the image."""
        fields = {"reflection": {}, "padding_amounts": ((pad, pad),) * 2}
        return self.both("padding", "Pad", x, fields=fields, constants=[[0, 0, pad, pad] * 2], mode="reflect")

    def larger(self, x: str, factor: int) -> str:
        """Every pixel becomes factor x factor."""
        scales = [1.0, 1.0, factor, factor]
        names, output = [x, None, scales], self.new()
        self.layer("upsample", [x], [output], scaling_factor=(factor, factor))
        return self.node(
            "Resize", names, [output], mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"
        )

    # Matrices --------------------------------------------------------------------------------------------------------

    def dense(self, x: str, read: int, size: int) -> str:
        """innerProduct on [batch, read]."""
        w, b = self.weights(size, read, fan_in=read), self.weights(size)
        return self.both("innerProduct", "Gemm", x, fields={"weights": w, "bias": b}, constants=[w, b], transB=1)

    def project(self, x: str, read: int, size: int, matrix: np.ndarray | None = None) -> str:
        """batchedMatmul of [..., read] with a stored matrix [read, size] and a bias."""
        w = self.weights(read, size, fan_in=read) if matrix is None else matrix
        b, output = self.weights(size), self.new()
        self.layer("batchedMatmul", [x], [output], weights=np.ascontiguousarray(w.T), bias=b)
        return self.node("Add", [self.node("MatMul", [x, w]), b], [output])

    def product(self, a: str, b: str, *, rank: int = 0) -> str:
        """a b; with a rank, a times b with its last two axes swapped."""
        output = self.new()
        self.layer("batchedMatmul", [a, b], [output], transpose_b=bool(rank))
        if rank:
            b = self.node("Transpose", [b], perm=[*range(rank - 2), rank - 1, rank - 2])
        return self.node("MatMul", [a, b], [output])

    def layer_norm(self, x: str, size: int) -> str:
        gamma, beta = self.weights(size, around=1), self.weights(size)
        fields = {"gamma": gamma, "beta": beta, "eps": 1e-5}
        return self.both(
            "layerNormalization", "LayerNormalization", x, fields=fields, constants=[gamma, beta], epsilon=1e-5
        )

    def embedding(self, tokens: str, table: np.ndarray) -> str:
        """Rows of a table [vocabulary, size] at [..., 1] indices."""
        output = self.new()
        self.layer("embeddingND", [tokens], [output], weights=np.ascontiguousarray(table.T))
        flat = self.node("Squeeze", [tokens, [-1]])
        return self.node("Gather", [table, self.node("Cast", [flat], to=TensorProto.INT64)], [output])

    def gather(self, x: Operand, indices: str, axis: int) -> str:
        output, x = self.new(), self.blob(x)
        self.layer("gather", [x, indices], [output], axis=axis)
        return self.node("Gather", [x, self.node("Cast", [indices], to=TensorProto.INT64)], [output], axis=axis)

    # Recurrent: [sequence, batch, channels] --------------------------------------------------------------------------

    def lstm(self, x: str, read: int, size: int, *, both_ways: bool = False) -> str:
        """The outputs of every step; those of the two directions are concatenated."""
        cells = [self._cell(_LSTM, read, size) for _ in range(1 + both_ways)]
        three = ("sigmoid", "tanh", "tanh")
        if both_ways:
            fields = {"activations_forward_lstm": three, "activations_backward_lstm": three, "weight_params": cells}
        else:
            fields = {"activations": three, "weight_params": cells[0]}
        kind = "biDirectionalLSTM" if both_ways else "uniDirectionalLSTM"
        fields |= {"params": {"sequence_output": True}}
        direction = "bidirectional" if both_ways else "forward"
        return self._recurrent(kind, "LSTM", x, None, fields, _stacked(cells, _LSTM), size, direction=direction)

    def gru(self, x: str, state: str, read: int, size: int) -> str:
        """The outputs of every step. state: [1, batch, size] before the first."""
        cell = self._cell(_GRU, read, size)
        fields = {"activations": ("sigmoid", "tanh"), "sequence_output": True, **cell}
        return self._recurrent("gru", "GRU", x, state, fields, _stacked([cell], _GRU), size, linear_before_reset=0)

    def _cell(self, gates: Sequence[str], read: int, size: int) -> dict[str, np.ndarray]:
        shapes = {"weight_matrix": (size, read), "recursion_matrix": (size, size)}
        cell = {f"{g}_{n}": self.weights(*shape, fan_in=shape[1]) for g in gates for n, shape in shapes.items()}
        return cell | {f"{gate}_bias_vector": self.weights(size) for gate in gates}

    def _recurrent(self, kind, operator, x, state, fields, stacked, size, **attributes) -> str:
        wide, output = [], self.new()
        for blob in [x] if state is None else [x, state]:  # the layer wants rank 5
            wide.append(self.new("wide"))
            self.layer("expandDims", [blob], [wide[-1]], axes=[-2, -1])
        self.layer(kind, wide, [outputs := self.new("wide")], **fields)
        self.layer("squeeze", [outputs], [output], axes=[-2, -1])
        inputs = [x, *stacked] + ([] if state is None else [None, state])
        y = self.node(operator, inputs, hidden_size=size, **attributes)  # [sequence, directions, batch, size]
        y = self.node("Transpose", [y], perm=[0, 2, 1, 3])
        return self.node("Reshape", [y, [0, 0, -1]], [output])


def _stacked(cells: Sequence[Mapping[str, np.ndarray]], gates: Sequence[str]) -> list[np.ndarray]:
    """W, R and B of ONNX; its second bias is zero."""
    w, r, b = (
        np.stack([np.concatenate([cell[f"{gate}_{ending}"] for gate in gates]) for cell in cells])
        for ending in ("weight_matrix", "recursion_matrix", "bias_vector")
    )
    return [w, r, np.concatenate([b, np.zeros_like(b)], axis=1)]
