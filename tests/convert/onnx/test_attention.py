"""Attention of ONNX, judged by ONNX's own reference implementation."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import onnx.reference
import pytest
from onnx import helper
from onnx_models import graph

import graphml
from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

RANDOM = np.random.default_rng(9)
node = helper.make_node
BATCH, QUERIES, KEYS, PAST, SIZE = 2, 3, 4, 2, 5


def numbers(*shape):
    return np.float32(RANDOM.normal(size=shape))


def types(feed):
    return {name: (value.dtype, value.shape) for name, value in feed.items()}


def judged(model, feed, rtol=1e-4, atol=1e-5):
    """Compare with ONNX's reference implementation."""
    expected = onnx.reference.ReferenceEvaluator(model).run(None, feed)
    found = graphml.load(network_from_onnx(model).model).predict(
        {name: value.astype(np.int32) if value.dtype.kind in "ib" else value for name, value in feed.items()}
    )
    for output, wanted in zip(model.graph.output, expected, strict=True):
        assert found[output.name].shape == wanted.shape
        np.testing.assert_allclose(found[output.name], wanted, rtol, atol, err_msg=output.name)


def test_attention():
    """Four heads of queries and two of keys, so that two share one."""
    feed = {
        "q": numbers(BATCH, 4, QUERIES, SIZE),
        "k": numbers(BATCH, 2, KEYS, SIZE),
        "v": numbers(BATCH, 2, KEYS, SIZE + 1),
        "past_k": numbers(BATCH, 2, PAST, SIZE),
        "past_v": numbers(BATCH, 2, PAST, SIZE + 1),
        "q3": numbers(BATCH, QUERIES, 4 * SIZE),
        "k3": numbers(BATCH, KEYS, 2 * SIZE),
        "mask": numbers(QUERIES, KEYS),
        "seen": RANDOM.random((BATCH, 1, QUERIES, PAST + KEYS)) > 0.4,
    }
    feed["seen"][1, 0, 1] = False  # a query that sees nothing
    past = ["past_k", "past_v"]
    heads = {"q_num_heads": 4, "kv_num_heads": 2}
    nodes = [
        node("Attention", ["q", "k", "v"], ["a"]),
        node("Attention", ["q", "k", "v", "mask"], ["b"], scale=0.3, is_causal=1),
        node("Attention", ["q", "k", "v", "seen", *past], ["c", "c_k", "c_v"], is_causal=1),
        node("Attention", ["q3", "k3", "k3", "mask"], ["d"], softcap=2.0, **heads),
        node("Attention", ["q", "k", "v", "", *past], ["e"], is_causal=1),
    ]
    for mode, name in enumerate(["raw", "capped", "masked", "shares"]):
        outputs = [f"f{mode}", "", "", name]
        cap = {"softcap": 1.5} if mode else {}  # with it, the reference differs from its documentation in mode 0
        nodes.append(node("Attention", ["q", "k", "v", "mask"], outputs, qk_matmul_output_mode=mode, **cap))
    names = [*"abcde", "c_k", "c_v", "raw", "capped", "masked", "shares"]
    judged(graph(nodes, types(feed), names, opset=24), feed)


def test_attention_to_a_part_of_the_keys():
    feed = {
        "q": numbers(BATCH, 2, QUERIES, SIZE),
        "k": numbers(BATCH, 2, KEYS, SIZE),
        "lengths": np.int64([4, 3]),
        "short": np.ones((QUERIES, KEYS - 1), np.bool_),
    }
    nodes = [
        node("Attention", ["q", "k", "k", "", "", "", "lengths"], ["a"]),
        node("Attention", ["q", "k", "k", "", "", "", "lengths"], ["b"], is_causal=1),
        node("Attention", ["q", "k", "k", "short"], ["c"]),
    ]
    judged(graph(nodes, types(feed), list("abc"), opset=24), feed)


def test_attention_to_sequences_of_any_length():
    nodes = [
        node("Attention", ["q", "k", "k"], ["a"], is_causal=1),
        node("Attention", ["q", "k", "k", "", "past", "past"], ["b", "all", ""], is_causal=1),
    ]
    inputs = {
        "q": (np.float32, ("n", 4, "queries", SIZE)),
        "k": (np.float32, ("n", 2, "keys", SIZE)),
        "past": (np.float32, ("n", 2, "before", SIZE)),
    }
    model = graph(nodes, inputs, ["a", "b", "all"], opset=24)
    network = graphml.load(network_from_onnx(model).model)
    judge = onnx.reference.ReferenceEvaluator(model)
    for batch, queries, keys, before in ((2, 3, 3, 2), (1, 1, 5, 4)):
        feed = {
            "q": numbers(batch, 4, queries, SIZE),
            "k": numbers(batch, 2, keys, SIZE),
            "past": numbers(batch, 2, before, SIZE),
        }
        found = network.predict(feed)
        for name, wanted in zip(("a", "b", "all"), judge.run(None, feed), strict=True):
            np.testing.assert_allclose(found[name], wanted, 1e-4, 1e-5, err_msg=name)


def test_gradients_where_a_query_sees_nothing():
    model = graph(
        [node("Attention", ["q", "q", "q", "mask"], ["y"])],
        {"q": (np.float32, (1, 1, 2, 3))},
        ["y"],
        {"mask": np.array([[True, True], [False, False]])},
        opset=23,
    )
    lowered = graphml.load(network_from_onnx(model).model).lower()
    gradient = jax.grad(lambda q: jnp.sum(lowered.fn(lowered.params, {"q": q})["y"] ** 2))(numbers(1, 1, 2, 3))
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (node("Attention", ["q", "q", "q"], ["y"]), "q_num_heads and kv_num_heads must be given"),
        (node("Attention", ["q", "q", "q"], ["y"], q_num_heads=3, kv_num_heads=2), "3 heads of queries cannot share 2"),
    ],
)
def test_what_is_refused(one, reason):
    with pytest.raises(UnsupportedError, match=reason):
        network_from_onnx(graph([one], {"q": (np.float32, (1, 2, 6))}, ["y"], opset=23))
