"""Every rule about a layer's own fields: a small broken layer, and the words that it is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from model_problems import errors_of

from graphml.spec import layers
from graphml.spec.attributes import encode
from graphml.spec.rules.layer_fields import _RULES
from graphml.spec.validate import problems
from graphml.spec.weights import Quantized


def _ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


_GATES = ("inputGate", "forgetGate", "blockInput", "outputGate")
_CELL = {f"{gate}WeightMatrix": _ones(2, 3) for gate in _GATES}
_CELL |= {f"{gate}RecursionMatrix": _ones(2, 2) for gate in _GATES}
_GRU = {f"{gate}GateWeightMatrix": _ones(2, 3) for gate in ("update", "reset", "output")}
_GRU |= {f"{gate}GateRecursionMatrix": _ones(2, 2) for gate in ("update", "reset", "output")}
_LSTM = ["sigmoid", "tanh", "tanh"]
_INT8 = Quantized(np.ones((4, 3), np.int8), np.array([0.5], np.float32), None, None, 8)
_KERNEL_3D = dict.fromkeys(
    [f"{what}{axis}" for what in ("kernel", "stride") for axis in ("Depth", "Height", "Width")], 1
)
_CONV_3D = _KERNEL_3D | {"dilationDepth": 1, "dilationHeight": 1, "dilationWidth": 1, "weights": _ones(4, 2, 1, 1, 1)}
_SLICE = {"beginIds": [0], "endIds": [1], "strides": [1], "beginMasks": [False], "endMasks": [False]}

# Legal fields of kinds that demand some; the others are legal empty.
LEGAL: dict[str, dict[str, Any]] = {
    "convolution": {"weights": _ones(4, 3, 3, 3), "bias": _ones(4), "valid": {}},
    "convolution3d": _CONV_3D,
    "pooling": {"valid": {}},
    "pooling3d": _KERNEL_3D,
    "activation": {"ReLU": {}},
    "innerProduct": {"weights": _ones(4, 3)},
    "batchedMatmul": {"weights": _ones(4, 3)},
    "embedding": {"weights": _ones(4, 3)},
    "embeddingND": {"weights": _ones(4, 3)},
    "batchnorm": {"gamma": _ones(2), "beta": _ones(2), "mean": _ones(2), "variance": _ones(2)},
    "layerNormalization": {"gamma": _ones(2, 3), "beta": _ones(2, 3)},
    "lrn": {"localSize": 5},
    "padding": {"constant": {"value": 0.0}},
    "constantPad": {"padAmounts": [0, 1]},
    "crop": {"cropAmounts": [(1, 1), (1, 1)]},
    "bias": {"bias": _ones(2, 1, 1)},
    "scale": {"scale": _ones(2, 1, 1), "bias": _ones(2, 1, 1)},
    "loadConstant": {"data": _ones(2, 1, 1)},
    "loadConstantND": {"data": _ones(2, 3)},
    "reshape": {"targetShape": [1, 2, 3]},
    "reshapeStatic": {"targetShape": [2, -1]},
    "rankPreservingReshape": {"targetShape": [0, -1]},
    "broadcastToStatic": {"targetShape": [2, 3]},
    "fillStatic": {"targetShape": [2, 3]},
    "permute": {"axis": [0, 3, 1, 2]},
    "transpose": {"axes": [1, 0]},
    "expandDims": {"axes": [0]},
    "squeeze": {"axes": [0]},
    **{f"reduce{name}": {"axes": [0]} for name in ("L1", "L2", "Max", "Min", "Sum", "Prod", "Mean")},
    **{f"reduce{name}": {"axes": [-1]} for name in ("LogSum", "SumSquare", "LogSumExp")},
    "reorganizeData": {"blockSize": 2},
    "slice": {"stride": 1, "endIndex": -1},
    "sliceStatic": _SLICE,
    "sliceBySize": {"size": 1},
    "slidingWindows": {"windowSize": 2, "step": 1},
    "splitND": {"numSplits": 1},
    "tile": {"reps": [2]},
    "topK": {"K": 1},
    "oneHot": {"oneHotVectorSize": 4},
    "clip": {"minVal": 0.0, "maxVal": 1.0},
    "rangeStatic": {"endValue": 3.0, "stepSizeValue": 1.0},
    "rangeDynamic": {"stepSizeValue": 1.0},
    **{f"random{name}Static": {"outputShape": [2]} for name in ("Normal", "Uniform", "Bernoulli")},
    "simpleRecurrent": {"weightMatrix": _ones(2, 3), "recursionMatrix": _ones(2, 2), "activation": "tanh"},
    "gru": {**_GRU, "activations": ["sigmoid", "tanh"]},
    "uniDirectionalLSTM": {"weightParams": _CELL, "activations": _LSTM},
    "biDirectionalLSTM": {
        "weightParams": [_CELL, _CELL],
        "activationsForwardLSTM": _LSTM,
        "activationsBackwardLSTM": _LSTM,
    },
    "custom": {"className": "Swish"},
}


def _errors(layer, network, kind: str, fields: dict[str, Any], inputs: int | None = None, outputs: int | None = None):
    reads = " ".join(f"x{i}" for i in range(layers.input_range(kind)[0] if inputs is None else inputs))
    writes = " ".join(f"y{i}" for i in range(layers.output_range(kind)[0] if outputs is None else outputs))
    one = layer(kind, reads, writes, **fields)
    shapes = dict.fromkeys((reads or "x").split(), ())  # of any rank: ranks have separate rules
    model = network(one, inputs=shapes, outputs=writes or "x")
    return errors_of(model)


# branch, loop, loopBreak and loopContinue are legal in a context only: test_network_rules
@pytest.mark.parametrize("kind", [k for k in layers.kinds() if k != "branch" and not k.startswith("loop")])
def test_legal_fields_raise_no_problem(kind, layer, network):
    assert _errors(layer, network, kind, LEGAL.get(kind, {})) == []


# (kind, what is changed about the legal fields, words of the error[, number of inputs])
BROKEN = [
    ("convolution", {"valid": None}, "ConvolutionPaddingType is not set; it must be one of valid, same"),
    ("convolution", {"kernelSize": [3]}, "kernelSize must have 0 or 2 values, got 1"),
    ("convolution", {"stride": [0, 1]}, "stride must be at least 1, got 0"),
    ("convolution", {"dilationFactor": [1, 1, 1]}, "dilationFactor must have 0 or 2 values, got 3"),
    ("convolution", {"outputChannels": 0}, "outputChannels must be at least 1, got 0"),
    ("convolution", {"kernelChannels": 0}, "kernelChannels must be at least 1, got 0"),
    ("convolution", {"nGroups": 3}, "nGroups must divide outputChannels, got 3 for 4"),
    ("convolution", {"nGroups": 5, "isDeconvolution": True}, "nGroups must divide kernelChannels, got 5 for 4"),
    (
        "convolution",
        {"valid": {"paddingAmounts": [(1, 1)]}},
        "paddingAmounts must have 0 or 2 entries (height, width), got 1",
    ),
    ("convolution", {"valid": None, "same": {"asymmetryMode": 7}}, "asymmetryMode must be one of BOTTOM_RIGHT"),
    ("convolution", {"isDeconvolution": True, "outputShape": [1]}, "outputShape must have 0 or 2 values, got 1"),
    ("convolution", {}, "a convolution with a stored bias cannot take its weights as an input", 2),
    ("convolution", {"isDeconvolution": True}, "a deconvolution cannot take its weights as an input", 2),
    ("convolution", {"dilationFactor": [2, 1]}, "a dilated convolution cannot take its weights as an input", 2),
    ("convolution", {}, "expected 1 to 2 inputs, got 3", 3),
    ("convolution", {"weights": None, "outputChannels": 4, "kernelChannels": 3}, "weights is missing"),
    ("convolution", {"bias": None, "hasBias": True}, "bias is missing"),
    ("convolution3d", {"kernelDepth": 0}, "kernelDepth must be at least 1, got 0"),
    ("convolution3d", {"strideWidth": -1}, "strideWidth must be at least 1, got -1"),
    ("convolution3d", {"dilationHeight": 0}, "dilationHeight must be at least 1, got 0"),
    ("convolution3d", {"inputChannels": 0}, "inputChannels must be at least 1, got 0"),
    ("convolution3d", {"nGroups": 3}, "must divide outputChannels, got 3 for 4"),
    ("convolution3d", {"nGroups": -1}, "nGroups must be at least 1, got -1"),
    ("convolution3d", {"customPaddingTop": -1}, "customPaddingTop must be at least 0, got -1"),
    ("convolution3d", {"paddingType": 9}, "paddingType must be one of CUSTOM, VALID, SAME"),
    ("convolution3d", {"isDeconvolution": True, "outputShape": [1, 2]}, "outputShape must have 0 or 3 values, got 2"),
    ("pooling", {"valid": None}, "PoolingPaddingType is not set"),
    ("pooling", {"type": 5}, "type must be one of MAX, AVERAGE, L2"),
    ("pooling", {"kernelSize": [0, 2]}, "kernelSize must be at least 1, got 0"),
    ("pooling", {"stride": [1]}, "stride must have 0 or 2 values, got 1"),
    (
        "pooling",
        {"valid": {"paddingAmounts": [(0, 0)] * 3}},
        "paddingAmounts must have 0 or 2 entries (height, width), got 3",
    ),
    (
        "pooling",
        {"valid": None, "includeLastPixel": {"paddingAmounts": [1]}},
        "paddingAmounts must have 0 or 2 values, got 1",
    ),
    ("pooling3d", {"kernelHeight": 0}, "kernelHeight must be at least 1, got 0"),
    (
        "pooling3d",
        {"paddingType": "SAME", "customPaddingLeft": 2},
        "customPaddingLeft must be 0 unless paddingType is CUSTOM, got 2",
    ),
    ("pooling3d", {"customPaddingFront": -2}, "customPaddingFront must be at least 0, got -2"),
    ("globalPooling3d", {"type": 3}, "type must be one of MAX, AVERAGE"),
    ("activation", {"ReLU": None}, "NonlinearityType is not set"),
    ("activation", {"ReLU": None, "PReLU": {}}, "alpha is missing"),
    ("innerProduct", {"inputChannels": 0}, "inputChannels must be at least 1, got 0"),
    ("innerProduct", {"int8DynamicQuantize": True}, "int8DynamicQuantize needs weights in int8RawValue"),
    ("batchedMatmul", {"weightMatrixFirstDimension": 0}, "weightMatrixFirstDimension must be at least 1, got 0"),
    ("batchedMatmul", {"hasBias": True}, "hasBias needs a stored matrix", 2),
    ("batchedMatmul", {"int8DynamicQuantize": True}, "int8DynamicQuantize needs a stored matrix", 2),
    ("batchedMatmul", {"int8DynamicQuantize": True}, "int8DynamicQuantize needs weights in int8RawValue"),
    ("embedding", {"inputDim": 0}, "inputDim must be at least 1, got 0"),
    ("embeddingND", {"vocabSize": 0}, "vocabSize must be at least 1, got 0"),
    ("batchnorm", {"channels": 0}, "channels must be at least 1, got 0"),
    ("batchnorm", {"mean": None}, "mean is missing"),
    ("layerNormalization", {"normalizedShape": []}, "normalizedShape is empty, but it is required"),
    ("layerNormalization", {"normalizedShape": [-2, -3]}, "normalizedShape must be at least 1, got -2"),
    ("layerNormalization", {"beta": None}, "beta is missing"),
    ("lrn", {"k": -1.0}, "k must be at least 0, got -1.0"),
    ("lrn", {"localSize": 0}, "localSize must be at least 1, got 0"),
    ("padding", {"constant": None}, "PaddingType is not set"),
    ("padding", {"paddingAmounts": [(1, 1)]}, "paddingAmounts must have 0 or 2 entries (height, width), got 1"),
    ("constantPad", {"padAmounts": [1]}, "padAmounts must have two values for each axis, got 1"),
    ("constantPad", {"padAmounts": []}, "padAmounts must have two values for each axis, got 0"),
    ("constantPad", {"padAmounts": [3, 3], "padToGivenOutputSizeMode": True}, "pads both sides of an axis"),
    ("crop", {"cropAmounts": None}, "cropAmounts must have 2 entries (height, width), got 0"),
    ("crop", {"offset": [1]}, "offset must have 2 values, got 1", 2),
    ("cropResize", {"targetSize": [1, 0]}, "targetSize must be at least 1, got 0"),
    ("cropResize", {"mode": {"samplingMethod": 8}}, ", got 8"),
    ("cropResize", {"boxIndicesMode": {"boxMode": 8}}, ", got 8"),
    ("resizeBilinear", {"targetSize": [4]}, "targetSize must have 0 or 2 values, got 1"),
    ("upsample", {"scalingFactor": [2]}, "scalingFactor must have 0 or 2 values, got 1"),
    ("upsample", {"scalingFactor": [0, 2]}, "scalingFactor must be at least 1, got 0"),
    (
        "upsample",
        {"fractionalScalingFactor": [1.5], "mode": "BILINEAR"},
        "fractionalScalingFactor must have 0 or 2 values, got 1",
    ),
    ("upsample", {"fractionalScalingFactor": [1.5, 1.5]}, "fractionalScalingFactor needs mode BILINEAR"),
    ("upsample", {"fractionalScalingFactor": [1.5] * 2, "scalingFactor": [2, 2]}, "are both set; expected one of them"),
    ("upsample", {"linearUpsampleMode": "ALIGN_CORNERS_TRUE"}, "linearUpsampleMode needs mode BILINEAR"),
    ("bias", {"shape": [1, 2]}, "shape must have 1 or 3 values, got 2"),
    ("bias", {"shape": [0]}, "shape must be at least 1, got 0"),
    ("scale", {"shapeScale": [1, 2]}, "shapeScale must have 1 or 3 values, got 2"),
    ("scale", {"shapeBias": [1, 2]}, "shapeBias must have 1 or 3 values, got 2"),
    ("loadConstant", {"shape": [2]}, "shape must have 3 values, got 1"),
    ("loadConstantND", {"shape": []}, "shape is empty"),
    ("reshape", {"targetShape": [6]}, "targetShape must have 3 or 4 values, got 1"),
    ("reshapeStatic", {"targetShape": []}, "targetShape is empty"),
    ("reshapeStatic", {"targetShape": [-1, -1]}, "targetShape has more than one -1"),
    ("reshapeStatic", {"targetShape": [-2, 3]}, "targetShape must contain sizes of at least 0, or -1, got -2"),
    ("rankPreservingReshape", {"targetShape": [-1, -1]}, "more than one -1"),
    ("broadcastToStatic", {"targetShape": []}, "targetShape is empty"),
    ("fillStatic", {"targetShape": [0]}, "targetShape must be at least 1, got 0"),
    ("permute", {"axis": [0, 1, 2]}, "axis must be a permutation of the axes 0 to 3, got [0, 1, 2]"),
    ("permute", {"axis": [0, 1, 2, 2]}, "must be a permutation of the axes 0 to 3"),
    ("transpose", {"axes": []}, "axes is empty"),
    ("transpose", {"axes": [0, 2]}, "axes must be a permutation of the axes 0 to 1, got [0, 2]"),
    ("transpose", {"axes": [0] * 100}, "axes must be a permutation of the axes 0 to 99, got a list of 100 axes"),
    ("expandDims", {"axes": []}, "axes is empty"),
    ("expandDims", {"axes": [1, 1]}, "axes lists an axis twice"),
    ("squeeze", {"axes": []}, "axes is empty"),
    ("squeeze", {"axes": [0, 0]}, "lists an axis twice"),
    *[(f"reduce{name}", {"axes": []}, "axes is empty") for name in ("L1", "L2", "Max", "Min", "Sum", "Prod")],
    *[(f"reduce{name}", {"axes": [1, 1]}, "axis twice") for name in ("Mean", "LogSum", "SumSquare", "LogSumExp")],
    ("reduce", {"mode": 11}, "mode must be one of SUM, AVG"),
    ("reduce", {"axis": 11}, "axis must be one of CHW, HW"),
    ("reduce", {"mode": "ARGMAX", "axis": "CHW"}, "mode ARGMAX needs a single axis: C, H or W"),
    ("reorganizeData", {"blockSize": 1}, "blockSize must be at least 2, got 1"),
    ("slice", {"stride": 0}, "stride must be at least 1, got 0"),
    ("slice", {"startIndex": 4, "endIndex": 2}, "endIndex must not be before startIndex 4, got 2"),
    ("slice", {"startIndex": -2, "endIndex": -4}, "endIndex must not be before startIndex -2, got -4"),
    ("slice", {"axis": 3}, "axis must be one of CHANNEL_AXIS"),
    ("sliceStatic", {"endIds": []}, "endIds is empty"),
    ("sliceStatic", {"strides": [0]}, "strides must not be 0"),
    ("sliceStatic", {"beginIds": [0, 1]}, "have different lengths"),
    ("sliceStatic", {"squeezeMasks": [True, True]}, "have different lengths"),
    ("sliceDynamic", {"strides": [0]}, "strides must not be 0"),
    ("sliceBySize", {"size": 0}, "size must be at least 1, got 0"),
    ("slidingWindows", {"windowSize": 0}, "windowSize must be at least 1, got 0"),
    ("slidingWindows", {"step": 0}, "step must be at least 1, got 0"),
    ("split", {"nOutputs": 3}, "nOutputs must be the number of outputs, 1, got 3"),
    ("splitND", {"numSplits": 0}, "numSplits or splitSizes make 0 parts, but the layer has 1 outputs"),
    ("splitND", {"splitSizes": [1, 2]}, "make 2 parts"),
    ("splitND", {"splitSizes": [0]}, "splitSizes must be at least 1, got 0"),
    ("tile", {"reps": []}, "reps is empty"),
    ("tile", {"reps": [0]}, "reps must be at least 1, got 0"),
    ("topK", {"K": 0}, "K must be at least 1, got 0"),
    ("oneHot", {"oneHotVectorSize": 0}, "oneHotVectorSize must be at least 1, got 0"),
    ("argSort", {"axis": -1}, "axis must be at least 0, got -1"),
    ("clip", {"minVal": 2.0}, "minVal must be at most maxVal, got 2.0 and 1.0"),
    ("clip", {"minVal": float("nan")}, "minVal must be at most maxVal, got nan"),
    ("rangeStatic", {"stepSizeValue": 0.0}, "stepSizeValue must not be 0"),
    ("rangeDynamic", {"stepSizeValue": 0.0}, "stepSizeValue must not be 0"),
    ("randomNormalStatic", {"outputShape": []}, "outputShape is empty"),
    ("randomUniformStatic", {"outputShape": [0]}, "outputShape must be at least 1, got 0"),
    ("randomUniformStatic", {"minVal": 1.0}, "minVal must be at most maxVal"),
    ("randomUniformLike", {"minVal": 1.0}, "minVal must be at most maxVal, got 1.0"),
    ("randomUniformDynamic", {"minVal": 1.0}, "minVal must be at most maxVal, got 1.0"),
    ("randomBernoulliStatic", {"prob": 1.5}, "prob must be between 0 and 1, got 1.5"),
    ("randomBernoulliLike", {"prob": -0.5}, "prob must be between 0 and 1, got -0.5"),
    ("randomBernoulliDynamic", {"prob": float("nan")}, "prob must be between 0 and 1, got nan"),
    ("simpleRecurrent", {"outputVectorSize": 0}, "outputVectorSize must be at least 1, got 0"),
    ("simpleRecurrent", {"activation": None}, "activation must be one of linear, sigmoid, tanh"),
    ("simpleRecurrent", {"activation": "softplus"}, ", got softplus"),
    ("simpleRecurrent", {"hasBiasVector": True}, "biasVector is missing"),
    ("gru", {"activations": ["tanh"]}, "activations must have 2 entries, got 1"),
    ("gru", {"hasBiasVectors": True}, "resetGateBiasVector is missing"),
    ("gru", {"updateGateRecursionMatrix": None}, "updateGateRecursionMatrix is missing"),
    ("uniDirectionalLSTM", {"activations": ["sigmoid", "tanh"]}, "activations must have 3 entries, got 2"),
    ("uniDirectionalLSTM", {"activations": ["sigmoid", "tanh", "ELU"]}, ", got ELU"),
    ("uniDirectionalLSTM", {"params": {"hasPeepholeVectors": True}}, "inputGatePeepholeVector is missing"),
    ("biDirectionalLSTM", {"activationsBackwardLSTM": []}, "activationsBackwardLSTM must have 3 entries, got 0"),
    ("biDirectionalLSTM", {"weightParams": [_CELL]}, "weightParams must have 2 entries, got 1"),
    ("custom", {"className": ""}, "className is empty"),
    ("gelu", {"mode": 5}, "mode must be one of EXACT"),
    ("scatter", {"mode": 9}, "mode must be one of SCATTER_UPDATE"),
    ("flatten", {"mode": 2}, "mode must be one of CHANNEL_FIRST, CHANNEL_LAST"),
    ("unary", {"type": 8}, "type must be one of SQRT"),
    ("add", {}, "expected 1 or more inputs, got 0", 0),
    ("logicalNot", {}, "expected 1 input, got 2", 2),
    ("gather", {}, "expected 2 inputs, got 1", 1),
]


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: f"{row[0]}-{row[2][:30]}")
def test_broken_fields_are_named(row, layer, network):
    kind, changes, words, *inputs = row
    errors = _errors(layer, network, kind, {**LEGAL.get(kind, {}), **changes}, *inputs)
    assert any(words in error for error in errors), errors
    assert all(error.startswith(f"layer '{kind}' ({kind}), number 1: ") for error in errors)


def test_every_kind_with_rules_is_broken_once():
    assert set(_RULES) - {row[0] for row in BROKEN} - {"copy"} == set()


# (kind, fields, number of inputs): what looks broken and is not, because something else takes its place
FINE = [
    ("convolution", {"outputChannels": 4, "kernelChannels": 3, "valid": {}}, 2),
    ("convolution", {**LEGAL["convolution"], "nGroups": 2}, 1),
    ("pooling", {"globalPooling": True, "kernelSize": [0, 0], "stride": [0, 0], "same": {}}, 1),
    ("batchedMatmul", {}, 2),
    ("innerProduct", {"weights": _INT8, "int8DynamicQuantize": True}, 1),
    ("batchnorm", {"gamma": _ones(2), "beta": _ones(2), "computeMeanVar": True}, 1),
    ("constantPad", {}, 2),
    ("crop", {"offset": [0, 0]}, 2),
    ("tile", {}, 2),
    ("topK", {}, 2),
    ("oneHot", {}, 2),
    ("rangeDynamic", {}, 3),
    ("squeeze", {"squeezeAll": True}, 1),
    ("reduceSum", {"reduceAll": True}, 1),
    ("randomNormalStatic", {}, 1),
    ("slice", {"startIndex": -2, "stride": 1}, 1),
]


@pytest.mark.parametrize(("kind", "fields", "inputs"), FINE)
def test_an_input_or_a_flag_can_replace_a_field(kind, fields, inputs, layer, network):
    assert _errors(layer, network, kind, fields, inputs) == []


def test_the_forget_gate_of_a_coupled_lstm_may_be_absent(layer, network):
    cell = {name: value for name, value in _CELL.items() if not name.startswith("forgetGate")}
    fields = {"weightParams": cell, "activations": _LSTM, "params": {"coupledInputAndForgetGate": True}}
    assert _errors(layer, network, "uniDirectionalLSTM", fields) == []


def test_a_layer_without_a_valid_kind_is_an_error(layer, network):
    nothing = layer("copy")
    nothing.ClearField("copy")
    errors = [str(problem) for problem in problems(network(nothing))]
    assert errors == ["layer 'copy' (unknown kind), number 1: has no kind, or one that is newer than this reader"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("rank", 2, "inputTensor describes 2 blobs of 1"),
        ("dimValue", [1, 2, 3], "inputTensor has a rank other than its number of sizes"),
    ],
)
def test_wrong_tensor_hints_are_warnings(field, value, words, layer, network):
    one = layer("copy")
    if field == "rank":
        one.inputTensor.add(rank=2)
        one.inputTensor.add(rank=2)
    else:
        one.inputTensor.add(rank=2, dimValue=value)
    found = problems(network(one))
    assert [(problem.severity, problem.what) for problem in found] == [("warning", words)]


def test_rules_hold_for_kinds_and_fields_that_exist():
    """A rule that reads a field which its kind lacks would raise; run all rules on empty parameters."""
    for kind, rules in _RULES.items():
        one = encode(kind, {})
        for rule in rules:
            list(rule(one, getattr(one, kind)))
