"""The operators that onnxruntime's optimizer writes, judged by onnxruntime."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

RANDOM = np.random.default_rng(10)
BATCH, LENGTH, HEADS, SIZE = 2, 4, 2, 6
node = functools.partial(helper.make_node, domain="com.microsoft")


def numbers(*shape):
    return np.float32(RANDOM.normal(size=shape))


def model_of(nodes, inputs, outputs, constants=None):
    model = graph(nodes, inputs, outputs, constants, opset=17)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


def types(feed):
    return {name: (value.dtype, value.shape) for name, value in feed.items()}


def test_activations_products_and_normalizations():
    feed = {"x": numbers(BATCH, LENGTH, SIZE), "skip": numbers(BATCH, LENGTH, SIZE), "m": numbers(BATCH, SIZE, LENGTH)}
    nodes = [
        node("Gelu", ["x"], ["a"]),
        node("BiasGelu", ["x", "bias"], ["b"]),
        node("FastGelu", ["x", "bias"], ["c"]),
        node("FastGelu", ["x"], ["d"]),
        node("QuickGelu", ["x"], ["e"], alpha=1.5),
        node("FusedMatMul", ["x", "m"], ["f"], alpha=0.5),
        node("FusedMatMul", ["x", "m"], ["g"], transA=1, transB=1),
        node("SkipLayerNormalization", ["x", "skip", "gamma", "beta", "bias"], ["h", "", "", "sum"], epsilon=1e-3),
        node("SkipLayerNormalization", ["x", "skip", "gamma"], ["i"]),
        node("SkipSimplifiedLayerNormalization", ["x", "skip", "gamma", "bias"], ["j"], epsilon=1e-3),
    ]
    constants = {name: numbers(SIZE) for name in ("bias", "gamma", "beta")}
    agree(model_of(nodes, types(feed), [*"abcdefghij", "sum"], constants), feed)


def test_embeddings():
    ids, segments = ["n", "length"], ["n", "length"]
    tables = {"words": numbers(9, SIZE), "places": numbers(8, SIZE), "parts": numbers(2, SIZE)}
    constants = {**tables, "gamma": numbers(SIZE), "beta": numbers(SIZE)}
    given = ["ids", "segments", "words", "places", "parts", "gamma", "beta", "mask"]
    nodes = [
        node("EmbedLayerNormalization", given, ["y", "count"], epsilon=1e-5),
        node("EmbedLayerNormalization", ["ids", "", "words", "places", "", "gamma", "beta"], ["z", "none"]),
    ]
    inputs = {"ids": (np.int32, ids), "segments": (np.int32, segments), "mask": (np.int32, ids)}
    feeds = [
        {
            "ids": RANDOM.integers(0, 9, shape).astype(np.int32),
            "segments": RANDOM.integers(0, 2, shape).astype(np.int32),
            "mask": np.int32(np.arange(shape[1]) < RANDOM.integers(1, shape[1], (shape[0], 1))),
        }
        for shape in ((2, 5), (3, 4))
    ]
    agree(model_of(nodes, inputs, ["y", "count", "z"], constants), *feeds)


def test_attention_with_one_matrix():
    feed = {
        "x": numbers(BATCH, LENGTH, SIZE),
        "mask": np.int32([[1, 1, 1, 0], [1, 1, 0, 0]]),
        "lengths": np.int32([4, 2]),
        "past": numbers(2, BATCH, HEADS, 3, SIZE // HEADS),
        "more": numbers(BATCH, HEADS, LENGTH, LENGTH),
    }
    nodes = [
        node("Attention", ["x", "w", "b", "mask"], ["a"], num_heads=HEADS),
        node("Attention", ["x", "w", "b", "lengths"], ["b_"], num_heads=HEADS, unidirectional=1),
        node("Attention", ["x", "w", "b", "", "past"], ["c", "present"], num_heads=HEADS, unidirectional=1),
        node("Attention", ["x", "w", "b", "", "", "more"], ["d"], num_heads=HEADS, scale=0.2),
        node("Attention", ["x", "w4", "b4"], ["e"], num_heads=HEADS, qkv_hidden_sizes=[SIZE, SIZE, 4]),
    ]
    constants = {"w": numbers(SIZE, 3 * SIZE), "b": numbers(3 * SIZE)}
    constants |= {"w4": numbers(SIZE, 2 * SIZE + 4), "b4": numbers(2 * SIZE + 4)}
    agree(model_of(nodes, types(feed), ["a", "b_", "c", "present", "d", "e"], constants), feed)


def test_attention_of_several_heads():
    feed = {
        "q": numbers(BATCH, 3, SIZE),
        "k": numbers(BATCH, LENGTH, SIZE),
        "v": numbers(BATCH, LENGTH, SIZE),
        "mask": np.int32([[1, 1, 1, 0], [1, 0, 0, 0]]),
        "past": numbers(BATCH, HEADS, 2, SIZE // HEADS),
    }
    nodes = [
        node("MultiHeadAttention", ["q", "k", "v", "bias"], ["a"], num_heads=HEADS),
        node("MultiHeadAttention", ["q", "k", "v", "", "mask"], ["b"], num_heads=HEADS, scale=0.4),
        node(
            "MultiHeadAttention",
            ["v", "k", "v", "", "", "", "past", "past"],
            ["c", "keys", "values"],
            num_heads=HEADS,
            unidirectional=1,
        ),
    ]
    agree(model_of(nodes, types(feed), ["a", "b", "c", "keys", "values"], {"bias": numbers(3 * SIZE)}), feed)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (node("MultiHeadAttention", ["x"], ["y"], num_heads=1), "are packed into one tensor"),
        (node("SkipLayerNormalization", ["x", "x", "x"], ["y", "mean"]), "its mean and standard deviation are outputs"),
        (node("FusedMatMul", ["x", "x"], ["y"], transBatchA=1), "it moves the first axis of a batch"),
        (node("NGramRepeatBlock", ["x", "x"], ["y"]), r"the operator is not supported \(domain com.microsoft\)"),
    ],
)
def test_what_is_refused(one, reason):
    with pytest.raises(UnsupportedError, match=reason):
        network_from_onnx(model_of([one], {"x": (np.float32, (2, 2, 2))}, ["y"]))
