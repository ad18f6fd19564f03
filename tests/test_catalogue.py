"""Entering an operator: the signature is compared with the schema at once."""

from __future__ import annotations

import pytest

from graphml import catalogue
from graphml.catalogue import Target, channel_axis, images_laid, lowering_for, row, target
from graphml.errors import UnsupportedError
from graphml.graph import Node
from graphml.ops.layers.dialect import layer


@pytest.fixture(autouse=True)
def _free_rows(monkeypatch):
    catalogue.rows("layer")
    monkeypatch.setattr(catalogue, "_rows", {})
    monkeypatch.setattr(catalogue, "_versions", {})


def test_the_function_comes_back_unchanged_and_the_row_is_there():
    def softmax_nd(x, *, axis):
        """Softmax along an axis.

        More words.
        """
        return x

    assert layer("softmaxND")(softmax_nd) is softmax_nd
    assert catalogue._rows["layer", "softmaxND", 1].attributes == {"axis"}
    assert catalogue._rows["layer", "softmaxND", 1].summary == "Softmax along an axis."


def test_weights_and_attributes_are_told_apart():
    @layer("embeddingND", wire_only=("vocab_size", "embedding_size", "has_bias"))
    def embedding_nd(x, *, weights, bias):
        """Look up."""

    entered = catalogue._rows["layer", "embeddingND", 1]
    assert entered.weights == {"weights", "bias"}
    assert entered.attributes == frozenset()


@pytest.mark.parametrize(
    ("kind", "wire_only", "words"),
    [
        ("softmaxND", (), "missing ['axis']"),
        ("softmax", (), "unknown attributes ['axes']"),
        ("softmaxND", ("axis", "axiss"), "wire_only without field ['axiss']"),
        ("noSuchKind", (), "no layer kind 'noSuchKind'"),
    ],
)
def test_a_misspelt_attribute_is_refused_at_import(kind, wire_only, words):
    def function(x, *, axes):
        return x

    with pytest.raises(TypeError) as caught:
        layer(kind, wire_only=wire_only)(function)
    assert words in str(caught.value)


def test_a_kind_is_entered_once():
    layer("sin")(lambda x: x)
    with pytest.raises(TypeError, match="already in the catalogue"):
        layer("sin")(lambda x: x)


def test_random_and_region_rows_take_their_own_keywords():
    @layer("randomNormalLike", random=True)
    def normal(x, *, key, seed, mean, std_dev):
        """Draw."""

    assert catalogue._rows["layer", "randomNormalLike", 1].random


def test_a_missing_row_is_named():
    with pytest.raises(UnsupportedError, match="kind erf"):
        row(Node("e", "e", "layer", "erf", ("x",), ("y",)))


def test_the_target_is_what_is_lowered_for():
    assert target() == Target()
    with lowering_for(Target(platform="tpu", train=True)):
        assert target().platform == "tpu"
        with lowering_for(target().replace(train=False)):
            assert not target().train
        assert target().train
    assert target() == Target()


def test_an_operator_learns_where_the_channels_are():
    assert channel_axis() == -3
    with images_laid(True):
        assert channel_axis() == -1
        with images_laid(False):
            assert channel_axis() == -3
        assert channel_axis() == -1
    assert channel_axis() == -3
