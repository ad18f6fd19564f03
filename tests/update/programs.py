"""Small ML Programs for the tests of updating, and the same models as networks."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphml
from graphml.build import NeuralNetworkBuilder, ProgramBuilder, array
from graphml.models.network import NeuralNetwork
from graphml.models.program import MLProgram
from graphml.spec.program.values import encode

LABELS = ("cat", "dog", "owl")

Weights = dict[str, np.ndarray]


def drawn(seed: int, **shapes: tuple[int, ...]) -> Weights:
    """Weights of these shapes, as float32."""
    draw = np.random.default_rng(seed)
    return {name: (draw.normal(size=shape) / 2).astype(np.float32) for name, shape in shapes.items()}


MLP = drawn(0, first_weight=(8, 4), first_bias=(8,), second_weight=(3, 8), second_bias=(3,))


def mlp(dtype: str = "float32") -> MLProgram:
    """x [1, 4] -> linear, ReLU, linear, softmax -> one of three labels; inside everything has this type."""
    builder = ProgramBuilder()
    x: Any = builder.input("x", (1, 4))
    if dtype != "float32":
        x = builder.cast(x, dtype="fp16")
    w: dict[str, Any] = {name: builder.const(value, name, dtype) for name, value in MLP.items()}
    h = builder.relu(builder.linear(x, w["first_weight"], w["first_bias"], name="first"))
    p: Any = builder.softmax(builder.linear(h, w["second_weight"], w["second_bias"], name="second"), axis=-1)
    builder.classifier(builder.cast(p, dtype="fp32") if dtype != "float32" else p, LABELS)
    return program(builder)


def mlp_layers() -> NeuralNetwork:
    """`mlp` as a network."""
    builder = NeuralNetworkBuilder({"x": array(4)}, {}, class_labels=LABELS, probabilities="p")
    builder.add("innerProduct", "first", ["x"], ["a"], weights=MLP["first_weight"], bias=MLP["first_bias"])
    builder.add("activation", "relu", ["a"], ["h"], nonlinearity_type="ReLU")
    builder.add("innerProduct", "second", ["h"], ["z"], weights=MLP["second_weight"], bias=MLP["second_bias"])
    builder.add("softmax", "softmax", ["z"], ["p"])
    found = builder.model()
    assert isinstance(found, NeuralNetwork)
    return found


def mlp_data(count: int = 12, seed: int = 1) -> dict[str, Any]:
    """Samples for `mlp`; those for `mlp_layers` have no leading axis."""
    x = np.random.default_rng(seed).normal(size=(count, 1, 4)).astype(np.float32)
    return {"x": x, "classLabel": [LABELS[i % 3] for i in range(count)]}


CONVOLUTIONAL = drawn(2, kernel=(4, 2, 3, 3), bias=(4,), mean=(4,), gamma=(4,), beta=(4,), weight=(2, 16), out=(2,)) | {
    "variance": np.float32([0.5, 1, 2, 1.5])
}


def convolutional() -> MLProgram:
    """x [1, 2, 6, 6] -> convolution, batch normalization, ReLU, pooling, linear -> y [1, 2]."""
    builder = ProgramBuilder()
    x = builder.input("x", (1, 2, 6, 6))
    w: dict[str, Any] = {name: builder.const(value, name) for name, value in CONVOLUTIONAL.items()}
    c = builder.conv(x, w["kernel"], w["bias"], pad_type="valid", name="conv")
    n = builder.batch_norm(c, w["mean"], w["variance"], w["gamma"], w["beta"], epsilon=1e-3, name="norm")
    s = builder.max_pool(builder.relu(n), kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid")
    f = builder.reshape(s, shape=[1, 16])
    builder.output("y", builder.linear(f, w["weight"], w["out"], name="top"))
    return program(builder)


def convolutional_layers() -> NeuralNetwork:
    """`convolutional` as a network."""
    w = CONVOLUTIONAL
    builder = NeuralNetworkBuilder({"x": array(2, 6, 6)}, {"y": array(2)})
    builder.add("convolution", "conv", ["x"], ["c"], valid={}, weights=w["kernel"], bias=w["bias"])
    numbers: dict[str, Any] = {name: w[name] for name in ("gamma", "beta", "mean", "variance")}
    builder.add("batchnorm", "norm", ["c"], ["n"], channels=4, epsilon=1e-3, **numbers)
    builder.add("activation", "relu", ["n"], ["r"], nonlinearity_type="ReLU")
    pool: dict[str, Any] = {"type": "MAX", "kernel_size": (2, 2), "stride": (2, 2), "valid": {}}
    builder.add("pooling", "pool", ["r"], ["s"], **pool)
    builder.add("flatten", "flat", ["s"], ["f"])
    builder.add("innerProduct", "top", ["f"], ["y"], weights=w["weight"], bias=w["out"])
    found = builder.model()
    assert isinstance(found, NeuralNetwork)
    return found


CELL = drawn(3, weight_ih=(20, 3), weight_hh=(20, 5), bias=(20,), weight=(2, 5)) | {"start": np.zeros((1, 5), "f")}


def tagger() -> MLProgram:
    """x [6, 1, 3], a sequence -> LSTM, linear, softmax -> probabilities y [6, 1, 2] of two tags at each step."""
    builder = ProgramBuilder()
    x = builder.input("x", (6, 1, 3))
    w: dict[str, Any] = {name: builder.const(value, name) for name, value in CELL.items()}
    names = ("start", "start", "weight_ih", "weight_hh", "bias")
    h = builder.lstm(x, *(w[name] for name in names), output_sequence=True, name="lstm")[0]
    builder.output("y", builder.sigmoid(builder.linear(h, w["weight"], name="tags")))
    return program(builder)


def program(builder: ProgramBuilder) -> MLProgram:
    """The program after a round trip through a package."""
    found = builder.model()
    assert isinstance(found, MLProgram)
    return found


def copied(model: MLProgram) -> tuple[Any, dict[str, Any]]:
    """A copy of the message of a program, and its operations by the name of their first output."""
    message = type(model.spec)()
    message.CopyFrom(model.spec)
    (function,) = message.mlProgram.functions.values()
    return message, {one.outputs[0].name: one for one in function.block_specializations[function.opset].operations}


def with_files(message: Any, model: MLProgram) -> MLProgram:
    """A program of another message with the weight files of a model."""
    other = MLProgram(message)
    other.files = model.files
    return other


def with_codes(model: MLProgram, name: str, codes: np.ndarray) -> MLProgram:
    """The program with codes of 8 bits in place of a constant; their scale is 0.1."""
    message, operations = copied(model)
    operation = operations[name]
    operation.type = "constexpr_affine_dequantize"
    del operation.attributes["val"]
    parts: dict[str, Any] = {
        "quantized_data": codes,
        "zero_point": np.int8(16),
        "scale": np.float32(0.1),
        "axis": np.int32(0),
    }
    for part, value in parts.items():
        operation.attributes[part].CopyFrom(encode(value))
    return with_files(message, model)


def weights_of(model: graphml.Model) -> dict[str, np.ndarray]:
    """The constants of a program by name."""
    return {name: np.asarray(held["val"]) for name, held in model.parameters.items()}
