"""Layers as messages and as attributes: nothing is lost on the way, and zero is a value unless the format says not."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from graphml.errors import SpecError
from graphml.spec import NeuralNetworkLayer, layers
from graphml.spec.attributes import Choice, attribute_names, decode, encode, kind_of, weight_messages, weight_names
from graphml.spec.weights import Quantized

# Random messages ------------------------------------------------------------------------------------------------------


def _scalar(field, rng: random.Random) -> Any:
    if field.enum_type is not None:
        return rng.choice(list(field.enum_type.values_by_number))
    if field.cpp_type == field.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if field.cpp_type == field.CPPTYPE_STRING:
        return rng.choice(["", "a", "b c"])
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return rng.choice([0.5, 1.0, -2.25])
    return rng.randint(1, 3)  # as a size and as an axis


def _fill(message, rng: random.Random, skip=(), *, inner: bool = True) -> None:
    """Each scalar and message set, one member of each oneof, two entries of each list; weights stay empty."""
    if message.DESCRIPTOR.name in ("WeightParams", "LSTMWeightParams"):
        return
    chosen = {oneof.name: rng.choice(oneof.fields).name for oneof in message.DESCRIPTOR.oneofs}
    if inner and "NonlinearityType" in chosen:  # functions of recurrent layers have no weights
        chosen["NonlinearityType"] = rng.choice(["linear", "sigmoid", "tanh", "scaledTanh", "sigmoidHard", "ReLU"])
    for field in message.DESCRIPTOR.fields:
        if field.name in skip or (field.containing_oneof and chosen[field.containing_oneof.name] != field.name):
            continue
        value = getattr(message, field.name)
        if field.message_type is None:
            if field.is_repeated:
                value.extend(_scalar(field, rng) for _ in range(2))
            else:
                setattr(message, field.name, _scalar(field, rng))
        elif field.message_type.GetOptions().map_entry:
            value["flag"].boolValue, value["count"].intValue, value["big"].longValue = True, 7, 2**40
            value["ratio"].doubleValue, value["word"].stringValue = 0.1, "so"
        elif field.is_repeated:
            for _ in range(2):
                _fill(value.add(), rng)
        else:
            value.SetInParent()
            _fill(value, rng)


def _fill_weights(kind: str, params, message, rng: random.Random) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None or (field.containing_oneof and not message.HasField(field.name)):
            continue
        value = getattr(message, field.name)
        if field.message_type.name == "WeightParams":
            if layers.switched_off(params, field.name):
                message.ClearField(field.name)
                continue
            shape = layers.weight_shape(kind, params, field.name)
            count = 3 if shape is None else math.prod(shape)
            for one in value if field.is_repeated else (value,):
                one.float16Value = np.arange(count).astype("<f2").tobytes()
        elif field.message_type.name == "LSTMWeightParams" or field.containing_oneof:
            for one in value if field.is_repeated else (value,):
                _fill_weights(kind, params, one, rng)


def _random_layer(kind: str, seed: int) -> NeuralNetworkLayer:
    rng = random.Random(f"{kind} {seed}")
    layer = NeuralNetworkLayer()
    params = getattr(layer, kind)
    params.SetInParent()
    _fill(params, rng, skip=layers.REGIONS.get(kind, ()), inner=False)
    _fill_weights(kind, params, params, rng)
    return layer


@pytest.mark.parametrize("kind", layers.kinds())
def test_message_to_attributes_and_back(kind):
    for seed in range(8):
        layer = _random_layer(kind, seed)
        decoded = decode(layer)
        assert encode(kind, {**decoded.attributes, **decoded.weights}) == layer


@pytest.mark.parametrize("kind", layers.kinds())
def test_names_are_those_that_decoding_gives(kind):
    seen: set[str] = set()
    weights: set[str] = set()
    for seed in range(30):
        decoded = decode(_random_layer(kind, seed))
        seen |= set(decoded.attributes) | set(decoded.weights)
        weights |= set(decoded.weights)
    assert seen == attribute_names(kind)
    assert weights == weight_names(kind)


@pytest.mark.parametrize("kind", layers.kinds())
def test_paths_of_weights_lead_to_them(kind):
    layer = _random_layer(kind, 0)
    found = decode(layer).weights
    paths = list(weight_messages(layer))
    for path, message in paths:
        value: Any = found
        for step in path:
            value = value[step]
        assert value.size == len(message.float16Value) // 2
    assert bool(paths) == bool(found)


# Zero -----------------------------------------------------------------------------------------------------------------


def _home(message: str) -> tuple[str, str | None]:
    """A kind whose parameters are this message, or the field of a kind that holds it."""
    for kind in layers.kinds():
        params = layers.descriptor(kind)
        if params.name == message:
            return kind, None
        for field in params.fields:
            if field.message_type is not None and field.message_type.name == message:
                return kind, field.name
    raise AssertionError(f"no kind has {message}")


@pytest.mark.parametrize(("entry", "default"), layers.ZERO_MEANS.items(), ids=lambda x: str(x))
def test_zero_means_the_default_where_the_format_says_so(entry, default):
    message, field = entry
    kind, inside = _home(message)

    def decoded(fields):
        found = decode(encode(kind, {inside: fields} if inside else fields)).attributes
        return (found[layers.snake_case(inside)] if inside else found)[layers.snake_case(field)]

    assert decoded({}) == default
    zero = () if isinstance(default, tuple) else 0
    assert decoded({field: zero}) == default
    other = (7, 5) if isinstance(default, tuple) else 7
    assert decoded({field: other}) == other


@pytest.mark.parametrize("kind", layers.kinds())
def test_every_other_zero_is_a_value(kind):
    params = layers.descriptor(kind)
    decoded = decode(encode(kind, {})).attributes
    for field in params.fields:
        if (
            field.message_type is None
            and not field.containing_oneof
            and (params.name, field.name) not in layers.ZERO_MEANS
        ):
            value = decoded[layers.snake_case(field.name)]
            if field.enum_type is not None:
                assert value == field.enum_type.values_by_number[0].name
            else:
                assert not value
                assert value is not None


@pytest.mark.parametrize(
    ("kind", "fields", "path"),
    [
        ("activation", {"leakyReLU": {"alpha": 0.0}}, ("nonlinearity_type", "fields", "alpha")),
        ("activation", {"thresholdedReLU": {"alpha": 0.0}}, ("nonlinearity_type", "fields", "alpha")),
        ("add", {"alpha": 0.0}, ("alpha",)),
        ("unary", {"type": "POWER", "alpha": 0.0}, ("alpha",)),
        ("padding", {"constant": {"value": 0.0}}, ("padding_type", "fields", "value")),
        ("oneHot", {"onValue": 0.0}, ("on_value",)),
    ],
)
def test_zeros_that_look_like_defaults(kind, fields, path):
    value: Any = decode(encode(kind, fields)).attributes
    for step in path:
        value = getattr(value, step) if isinstance(value, Choice) else value[step]
    assert value == 0.0


# Spelling -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ("softmaxND", "softmax_nd"),
        ("flattenTo2D", "flatten_to_2d"),
        ("nGroups", "n_groups"),
        ("leakyReLU", "leaky_relu"),
        ("int8DynamicQuantize", "int8_dynamic_quantize"),
        ("convolution3d", "convolution3d"),
        ("K", "k"),
        ("activationsForwardLSTM", "activations_forward_lstm"),
    ],
)
def test_python_spelling(wire, python):
    assert layers.snake_case(wire) == python


def test_python_spellings_of_one_message_differ():
    for kind in layers.kinds():
        names = [field.name for field in layers.descriptor(kind).fields]
        assert len({layers.snake_case(name) for name in names}) == len(names)


def test_both_spellings_and_all_forms_of_a_oneof_are_taken():
    spellings = [
        {"kernelSize": [5, 5], "same": {"asymmetryMode": "TOP_LEFT_HEAVY"}},
        {"kernel_size": (5, 5), "same": {"asymmetry_mode": 1}},
        {"kernel_size": np.array([5, 5]), "convolution_padding_type": Choice("same", {"asymmetry_mode": 1})},
    ]
    messages = [encode("convolution", fields) for fields in spellings]
    assert messages[0] == messages[1] == messages[2]
    assert encode("activation", {"nonlinearity_type": "ReLU"}) == encode("activation", {"ReLU": {}})


def test_none_is_absent():
    assert encode("convolution", {"bias": None, "kernel_size": None}) == encode("convolution", {})


def test_weights_of_oneof_members_may_be_given_inside_or_separately():
    alpha = np.array([1, 2], np.float32)
    inside = encode("activation", {"PReLU": {"alpha": alpha}})
    assert encode("activation", {"PReLU": {}, "alpha": alpha}) == inside
    np.testing.assert_array_equal(decode(inside).weights["alpha"], alpha)


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("softmaxxx", {}, "there is no layer kind 'softmaxxx'"),
        ("softmaxND", {"axes": 1}, "softmaxND has no field 'axes'; it has axis"),
        ("softmax", {"axis": 1}, "softmax has no field 'axis'; it has none"),
        ("convolution", {"convolution_padding_type": "full"}, "must be one of valid, same, got 'full'"),
        ("pooling", {"type": "MEDIAN"}, "type cannot be 'MEDIAN': expected one of MAX, AVERAGE, L2"),
        ("softmaxND", {"axis": "last"}, "SoftmaxNDLayerParams.axis cannot be 'last'"),
        ("topK", {"K": -1}, "TopKLayerParams.k cannot be -1"),
        ("custom", {"parameters": {"a": [1]}}, "a parameter must be a bool, int, float or str, got list"),
    ],
)
def test_fields_that_no_layer_has(kind, fields, words):
    with pytest.raises(SpecError) as caught:
        encode(kind, fields)
    assert words in str(caught.value)


def test_enum_numbers_that_the_format_does_not_have():
    with pytest.raises(SpecError, match="type must be one of MAX, AVERAGE, L2, got 9"):
        decode(encode("pooling", {"type": 9}))


def test_a_layer_without_a_kind():
    with pytest.raises(SpecError, match="no kind, or one that is newer than this reader"):
        kind_of(NeuralNetworkLayer(name="a"))


def test_parameters_of_custom_layers():
    given = {"a": True, "b": 3, "c": 2**40, "d": 0.5, "e": "x", "f": None}
    assert decode(encode("custom", {"parameters": given})).attributes["parameters"] == given


# Sizes that follow from weights ---------------------------------------------------------------------------------------


def _ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    ("kind", "fields", "sizes"),
    [
        (
            "convolution",
            {"weights": _ones(4, 3, 5, 7)},
            {"output_channels": 4, "kernel_channels": 3, "kernel_size": (5, 7)},
        ),
        (
            "convolution",
            {"weights": _ones(4, 3, 5, 7), "isDeconvolution": True, "nGroups": 2},
            {"output_channels": 6, "kernel_channels": 4, "has_bias": False},
        ),
        ("convolution", {"weights": _ones(4, 3, 5, 7), "bias": _ones(4)}, {"has_bias": True}),
        ("convolution3d", {"weights": _ones(4, 3, 1, 2, 5), "nGroups": 2}, {"input_channels": 6, "kernel_width": 5}),
        (
            "convolution3d",
            {"weights": _ones(4, 3, 1, 2, 5), "nGroups": 2, "isDeconvolution": True},
            {"input_channels": 4, "output_channels": 6, "kernel_depth": 1, "kernel_height": 2},
        ),
        ("innerProduct", {"weights": _ones(2, 3), "bias": _ones(2)}, {"output_channels": 2, "input_channels": 3}),
        ("embedding", {"weights": _ones(2, 3)}, {"output_channels": 2, "input_dim": 3}),
        ("embeddingND", {"weights": _ones(2, 3)}, {"embedding_size": 2, "vocab_size": 3}),
        (
            "batchedMatmul",
            {"weights": _ones(2, 3)},
            {"weight_matrix_first_dimension": 3, "weight_matrix_second_dimension": 2},
        ),
        ("batchnorm", {"gamma": _ones(3), "beta": _ones(3)}, {"channels": 3}),
        ("bias", {"bias": _ones(3, 1, 1)}, {"shape": (3, 1, 1)}),
        (
            "scale",
            {"scale": _ones(3, 1, 1), "bias": _ones(1)},
            {"shape_scale": (3, 1, 1), "shape_bias": (1,), "has_bias": True},
        ),
        ("loadConstant", {"data": _ones(3, 1, 2)}, {"shape": (3, 1, 2)}),
        ("loadConstantND", {"data": _ones(3, 2)}, {"shape": (3, 2)}),
        ("layerNormalization", {"gamma": _ones(3, 2), "beta": _ones(3, 2)}, {"normalized_shape": (3, 2)}),
        (
            "simpleRecurrent",
            {"weightMatrix": _ones(2, 3), "recursionMatrix": _ones(2, 2), "biasVector": _ones(2)},
            {"output_vector_size": 2, "input_vector_size": 3, "has_bias_vector": True},
        ),
        (
            "gru",
            {"updateGateWeightMatrix": _ones(2, 3), "resetGateBiasVector": _ones(2)},
            {"output_vector_size": 2, "input_vector_size": 3, "has_bias_vectors": True},
        ),
    ],
)
def test_sizes_follow_from_weights(kind, fields, sizes):
    decoded = decode(encode(kind, fields))
    assert {name: decoded.attributes[name] for name in sizes} == sizes
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(decoded.weights[layers.snake_case(name)], value)


@pytest.mark.parametrize("kind", ["uniDirectionalLSTM", "biDirectionalLSTM"])
def test_sizes_and_flags_of_an_lstm_follow_from_its_cell(kind):
    cell = {"inputGateWeightMatrix": _ones(2, 3), "inputGateBiasVector": _ones(2), "outputGatePeepholeVector": _ones(2)}
    both = {"weightParams": [cell, cell] if kind == "biDirectionalLSTM" else cell}
    found = decode(encode(kind, {**both, "params": {"sequenceOutput": True}})).attributes
    assert (found["output_vector_size"], found["input_vector_size"]) == (2, 3)
    flags = found["params"]
    assert (flags["has_bias_vectors"], flags["has_peephole_vectors"], flags["sequence_output"]) == (True, True, True)
    assert flags["cell_clip_threshold"] == 50
    unflagged = encode(kind, {**both, "params": {"hasBiasVectors": False}})
    weights = decode(unflagged).weights["weight_params"]
    assert "input_gate_bias_vector" not in (weights[0] if isinstance(weights, list) else weights)


def test_given_sizes_win_over_those_of_the_weights():
    layer = encode("innerProduct", {"weights": _ones(2, 3), "inputChannels": 6, "outputChannels": 1})
    assert decode(layer).weights["weights"].shape == (1, 6)


def test_a_weight_that_contradicts_its_layer():
    layer = encode("innerProduct", {"weights": _ones(2, 3), "inputChannels": 4})
    with pytest.raises(SpecError, match=r"weights: expected 8 weights \(2, 4\), got 6"):
        decode(layer)


def test_a_bias_without_its_flag_is_not_there():
    layer = encode("innerProduct", {"weights": _ones(2, 3), "bias": _ones(2), "hasBias": False})
    assert set(decode(layer).weights) == {"weights"}


def test_quantized_weights_of_a_deconvolution_vary_along_their_second_axis():
    codes = np.arange(12, dtype=np.uint8).reshape(2, 3, 2, 1)
    scale = np.array([1, 2, 3], np.float32).reshape(1, 3, 1, 1)
    weight = Quantized(codes, scale, None, None)
    bias = Quantized(np.array([1, 2, 3], np.uint8), np.array([0.5, 1, 2], np.float32), None, None)
    layer = encode("convolution", {"weights": weight, "bias": bias, "isDeconvolution": True})
    found = decode(layer).weights
    np.testing.assert_array_equal(found["weights"].dequantize(), codes * scale)
    np.testing.assert_array_equal(found["bias"].dequantize(), [0.5, 2.0, 6.0])


# Tables about kinds ---------------------------------------------------------------------------------------------------


def test_each_version_introduced_its_kinds():
    """The total is in test_descriptors.py."""
    counts = [sum(layers.since(kind) == version for kind in layers.kinds()) for version in (1, 2, 3, 4, 5)]
    assert counts[:4] == [36, 1, 2, 111]
    assert sum(counts) == len(layers.kinds())


@pytest.mark.parametrize("kind", layers.kinds())
def test_arities_are_ranges(kind):
    for fewest, most in (layers.input_range(kind), layers.output_range(kind)):
        assert 0 <= fewest <= most


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("linear", {"alpha": 1.0, "beta": 0.0}),
        ("sigmoidHard", {"alpha": 0.2, "beta": 0.5}),
        ("scaledTanh", {"alpha": 1.0, "beta": 1.0}),  # tanh, whatever the prose recommends
    ],
)
def test_activations_of_cells_without_parameters_have_the_default_ones(name, numbers):
    layer = encode("gru", {"activations": [Choice(name), Choice("linear", {"alpha": 0.5, "beta": 0.0})]})
    first, second = decode(layer).attributes["activations"]
    assert first == Choice(name, numbers)
    assert second.fields["alpha"] == 0.5  # numbers that are given are taken
    layer = encode("activation", {"nonlinearity_type": Choice(name)})
    assert not any(decode(layer).attributes["nonlinearity_type"].fields.values())  # outside cells zero is a value
