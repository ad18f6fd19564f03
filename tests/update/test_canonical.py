"""Rewrites of networks: each computes the same, and leaves alone what it does not understand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from compiling import together
from model_problems import errors_of
from update.converted import built, dense, images, normal
from update.networks import network

from graphml.build import NeuralNetworkBuilder, array
from graphml.recipes import CrossEntropy, Recipe
from graphml.spec.attributes import Choice, kind_of
from graphml.spec.weights import quantize
from graphml.update.edit.forms import canonical_forms

IMAGE = (1, 3, 5, 5)


def _rewritten(old: Any, losses: Any = (), **options: Any) -> Any:
    """The first canonical form, which computes the same and is a legal file."""
    new = next(canonical_forms(old, Recipe(losses=losses), **options)).network
    new = network(new.spec)
    assert errors_of(new.spec) == []
    rng = np.random.default_rng(5)
    x = {f.name: rng.normal(size=f.array.shape).astype(np.float32) for f in old.description.inputs}
    calls = [(lowered.fn, (lowered.params, x)) for lowered in (old.lower(), new.lower())]
    wanted, found = together(calls)
    assert list(wanted) == list(found)
    for name, value in wanted.items():
        assert found[name].shape == value.shape
        np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-6 * np.abs(value).max(initial=0))
    return new


def _kinds(model: Any) -> list[str]:
    return [kind_of(layer) for layer in getattr(model.spec, model.kind).layers]


def _network(*layers: tuple[Any, ...], shape: Sequence[int] = IMAGE, exact: bool = True, **outputs: Any) -> Any:
    """A network from (kind, inputs, output, fields)."""
    builder = NeuralNetworkBuilder({"x": array(*shape)}, outputs if outputs else {"y": None}, exact=exact)
    for number, (kind, inputs, output, fields) in enumerate(layers):
        builder.add(kind, f"{kind} {number}", list(inputs), [output], **fields)
    return network(builder.spec)


def _conv(source: str, result: str, bias: bool = False) -> tuple[Any, ...]:
    fields: dict[str, Any] = {"weights": normal(4, 3, 3, 3), "valid": {}}
    return ("convolution", [source], result, {**fields, **({"bias": normal(4, seed=4)} if bias else {})})


def _constant(name: str, values: np.ndarray) -> tuple[Any, ...]:
    return ("loadConstantND", [], name, {"data": values, "shape": values.shape})


CHANNELS = np.float32([0.5, -2, 3, 1]).reshape(4, 1, 1)
STATISTICS = {
    "mean": normal(4, seed=1),
    "variance": normal(4, seed=2) ** 2 + 1,
    "epsilon": 1e-3,
    "gamma": normal(4, seed=7),
    "beta": normal(4, seed=8),
}
# {name: the layers that read c and write y}
SCALES: dict[str, list[tuple[Any, ...]]] = {
    "add": [_constant("k", CHANNELS), ("addBroadcastable", ["k", "c"], "y", {})],
    "add one number": [_constant("k", np.float32([2.5])), ("addBroadcastable", ["c", "k"], "y", {})],
    "add alpha": [("add", ["c"], "y", {"alpha": 1.5})],
    "multiply": [_constant("k", CHANNELS[None]), ("multiplyBroadcastable", ["c", "k"], "y", {})],
    "multiply alpha": [("multiply", ["c"], "y", {"alpha": -1.5})],
    "subtract": [_constant("k", CHANNELS), ("subtractBroadcastable", ["c", "k"], "y", {})],
    "subtract from": [_constant("k", CHANNELS), ("subtractBroadcastable", ["k", "c"], "y", {})],
    "divide": [_constant("k", CHANNELS), ("divideBroadcastable", ["c", "k"], "y", {})],
    "scale": [("scale", ["c"], "y", {"scale": CHANNELS, "shape_scale": (4, 1, 1), "bias": CHANNELS + 1})],
    "bias": [("bias", ["c"], "y", {"bias": CHANNELS, "shape": (4, 1, 1)})],
    "linear": [("activation", ["c"], "y", {"nonlinearity_type": ("linear", {"alpha": 2.0, "beta": 0.5})})],
    "chain": [
        ("multiply", ["c"], "m", {"alpha": 0.5}),
        ("add", ["m"], "a", {"alpha": 0.5}),
        ("bias", ["a"], "y", {"bias": CHANNELS, "shape": (4, 1, 1)}),
    ],
}


def _choices(layers: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [
        (kind, i, o, {k: Choice(*v) if k == "nonlinearity_type" else v for k, v in f.items()})
        for kind, i, o, f in layers
    ]


@pytest.mark.parametrize("name", SCALES)
def test_scales_and_shifts_become_part_of_the_layer_before(name):
    new = _rewritten(_network(_conv("x", "c"), *_choices(SCALES[name])))
    assert _kinds(new) == ["convolution"]
    assert new.parameters["convolution 0"]["bias"].shape == (4,)


@pytest.mark.parametrize("name", ["add", "scale", "chain"])
def test_scales_join_biases_and_batch_norms(name):
    norm = ("batchnorm", ["n"], "c", STATISTICS)
    assert _kinds(_rewritten(_network(_conv("x", "c", bias=True), *SCALES[name]))) == ["convolution"]
    assert _kinds(_rewritten(_network(_conv("x", "n"), norm, *SCALES[name]))) == ["convolution", "batchnorm"]


def test_scales_of_vectors_are_on_the_last_axis():
    vector = np.float32([[0.5, -2, 3, 1]])
    layers = (_constant("k", vector), ("multiplyBroadcastable", ["c", "k"], "y", {}))
    inner = ("innerProduct", ["x"], "c", {"weights": normal(4, 3), "bias": normal(4)})
    assert _kinds(_rewritten(_network(inner, *layers, shape=(2, 3)))) == ["innerProduct"]
    matrix = ("batchedMatmul", ["x"], "c", {"weights": normal(4, 3)})
    assert _kinds(_rewritten(_network(matrix, *layers, shape=(2, 5, 3)))) == ["innerProduct"]
    # four axes: a batchedMatmul is on the last one, where an innerProduct flattens three
    assert _kinds(_rewritten(_network(matrix, *layers, shape=(2, 2, 5, 3)))) == ["batchedMatmul"]


def test_networks_of_rank_5_keep_their_mapping():
    constant = ("loadConstant", [], "k", {"data": CHANNELS, "shape": (4, 1, 1)})
    layers = (constant, _conv("x", "c"), ("add", ["k", "c"], "b", {}), ("softmax", ["b"], "y", {}))
    old = _network(*layers, shape=(3, 5, 5), exact=False)
    new = _rewritten(old)
    assert _kinds(new) == ["convolution", "softmax"]
    assert new.interface.blob_rank == old.interface.blob_rank == 5


def test_a_network_stays_exact_without_the_layers_that_made_it_so():
    message = _network(_conv("x", "c"), *SCALES["add"]).spec
    message.neuralNetwork.ClearField("arrayInputShapeMapping")
    assert _rewritten(network(message)).interface.blob_rank is None


def test_batch_norms_are_merged_on_request():
    old = _network(_conv("x", "n"), ("batchnorm", ["n"], "c", STATISTICS), *SCALES["multiply"])
    assert _kinds(_rewritten(old)) == ["convolution", "batchnorm"]
    assert _kinds(_rewritten(old, merge_batch_norms=True)) == ["convolution"]
    own = _network(_conv("x", "n"), ("batchnorm", ["n"], "y", {**STATISTICS, "compute_mean_var": True}))
    assert _kinds(_rewritten(own, merge_batch_norms=True)) == ["convolution", "batchnorm"]


@pytest.mark.parametrize(
    ("layers", "outputs"),
    [
        ([_constant("k", normal(3, 3)), ("addBroadcastable", ["c", "k"], "y", {})], ("y",)),
        ([_constant("k", normal(2, 1, 1, 1)), ("addBroadcastable", ["c", "k"], "y", {})], ("y",)),
        (
            [_constant("k", np.float32([0, 1, 1, 1])[:, None, None]), ("divideBroadcastable", ["k", "c"], "y", {})],
            ("y",),
        ),
        ([("addBroadcastable", ["c", "c"], "y", {})], ("y",)),
        ([("add", ["c"], "y", {"alpha": 1.0})], ("y", "c")),
        ([("add", ["c"], "a", {"alpha": 1.0}), ("addBroadcastable", ["a", "c"], "y", {})], ("y",)),
    ],
    ids=["numbers for pixels", "a larger batch", "a quotient", "twice", "also an output", "also read by others"],
)
def test_other_arithmetic_stays(layers, outputs):
    old = _network(_conv("x", "c"), *layers, **dict.fromkeys(outputs))
    assert _kinds(_rewritten(old)) == _kinds(old)


def test_quantized_and_transposed_kernels_stay():
    quantized = ("convolution", ["x"], "c", {"weights": quantize(normal(4, 3, 3, 3)), "valid": {}})
    old = _network(quantized, ("add", ["c"], "y", {"alpha": 1.0}))
    assert _kinds(_rewritten(old)) == ["convolution", "add"]
    up = ("convolution", ["x"], "c", {"weights": normal(3, 4, 2, 2), "is_deconvolution": True, "valid": {}})
    assert _kinds(_rewritten(_network(up, ("multiply", ["c"], "y", {"alpha": 2.0})))) == ["convolution", "multiply"]
    # codes of 8 bits stay codes when a product becomes another kind
    codes = ("batchedMatmul", ["x"], "y", {"weights": quantize(normal(4, 5))})
    assert _kinds(_rewritten(_network(codes, shape=(1, 5)))) == ["innerProduct"]


def test_products_that_are_not_dense_layers_stay():
    for fields, shape, constant in (
        ({"transpose_a": True}, (4, 2), normal(4, 3)),
        ({}, (4,), normal(4, 3)),
        ({}, (2, 3, 4), normal(2, 4, 3)),
    ):
        old = _network(_constant("k", constant), ("batchedMatmul", ["x", "k"], "y", fields), shape=shape)
        assert _kinds(_rewritten(old)) == ["loadConstantND", "batchedMatmul"]
    both = _network(_constant("k", normal(4, 3)), ("batchedMatmul", ["x", "k"], "y", {}), shape=(2, 4), y=None, k=None)
    assert _kinds(_rewritten(both)) == ["loadConstantND", "innerProduct"]  # the constant is an output too


def _ends_in_softmax(axis: int, shape: Sequence[int]) -> Any:
    return _network(
        ("activation", ["x"], "z", {"nonlinearity_type": "ReLU"}),
        ("softmaxND", ["z"], "y", {"axis": axis}),
        shape=shape,
    )


def test_only_softmax_over_channels_or_vectors_is_replaced():
    assert _kinds(_rewritten(_ends_in_softmax(-3, (2, 3, 4, 4)))) == ["activation", "softmax"]
    assert _kinds(_rewritten(_ends_in_softmax(1, (2, 3)))) == ["expandDims", "activation", "softmax", "squeeze"]
    assert _kinds(_rewritten(_ends_in_softmax(0, (3,)))) == ["expandDims", "activation", "softmax", "squeeze"]
    for axis, shape in ((-1, (2, 3, 4)), (0, (2, 3)), (3, (1, 2, 3, 4))):
        assert _kinds(_rewritten(_ends_in_softmax(axis, shape))) == ["activation", "softmaxND"]


def test_vectors_stay_if_something_reads_them():
    dense: dict[str, Any] = {"weights": normal(3, 4), "bias": normal(3)}
    old = _network(
        ("innerProduct", ["x"], "z", dense),
        ("softmaxND", ["z"], "y", {"axis": 1}),
        ("gelu", ["z"], "g", {"mode": "EXACT"}),
        shape=(2, 4),
        y=None,
        g=None,
    )
    assert _kinds(_rewritten(old)) == ["expandDims", "innerProduct", "squeeze", "softmax", "squeeze", "gelu"]


def _flattened(kind: str, fields: dict[str, Any], x: Any) -> NeuralNetworkBuilder:
    builder = NeuralNetworkBuilder({"x": x}, {"y": None}, exact=True)
    builder.add(kind, "flat", ["x"], ["v"], **fields)
    builder.add("softmaxND", "softmax", ["v"], ["y"], axis=1)
    return builder


def test_reshapes_become_flatten_where_all_shapes_are_known():
    fixed, loose = array(2, 3, 2, 2), array(2, 3, 2, 2)
    for batch in (1, 2, 4):
        loose.multiArrayType.enumeratedShapes.shapes.add(shape=(batch, 3, 2, 2))
    static = ("reshapeStatic", {"target_shape": (2, 12)})
    assert _kinds(_rewritten(built(lambda: _flattened(*static, fixed)))) == ["flatten", "softmax", "squeeze"]
    two = ("flattenTo2D", {"axis": 1})
    for x in (fixed, loose):
        assert _kinds(_rewritten(built(lambda x=x: _flattened(*two, x)))) == ["flatten", "softmax", "squeeze"]
    minus = ("reshapeStatic", {"target_shape": (-1, 12)})
    kept = ["reshapeStatic", "expandDims", "softmax", "squeeze"]
    assert _kinds(_rewritten(built(lambda: _flattened(*minus, loose)))) == kept
    # other numbers of rows than images
    other = ("reshapeStatic", {"target_shape": (4, 6)})
    assert _kinds(_rewritten(built(lambda: _flattened(*other, fixed)))) == kept


def test_a_transpose_that_others_read_stays_before_its_activation():
    alone = images()
    alone.add("reshapeStatic", "flat", ["f"], ["v"], target_shape=(1, 64))
    dense(alone, "dense", "v", "z", (64, 3))
    alone.add("softmaxND", "softmax", ["z"], ["y"], axis=-1)
    tail = ["flatten", "innerProduct", "softmax", "squeeze"]
    assert _kinds(_rewritten(built(lambda: alone))) == ["transpose", "convolution", "activation", *tail]
    old = images()
    old.add("reshapeStatic", "flat", ["f"], ["v"], target_shape=(1, 64))
    old.add("reduceSum", "sum", ["f"], ["s"], axes=(3,), keep_dims=False)
    old.add("reshapeStatic", "flat 2", ["s"], ["t2"], target_shape=(1, 16))
    old.add("concatND", "both", ["v", "t2"], ["z"], axis=1)
    old.add("softmaxND", "softmax", ["z"], ["y"], axis=-1)
    assert _kinds(_rewritten(built(lambda: old)))[2:4] == ["transpose", "activation"]


def test_blobs_of_sub_networks_keep_their_names():
    builder = NeuralNetworkBuilder({"x": array(1, 4), "q": array(1)}, {"y": None}, exact=True)
    dense(builder, "dense", "x", "z", (4, 3))
    sides = [NeuralNetworkBuilder({}, {}).add("multiply", "times", ["z"], ["t"], alpha=alpha) for alpha in (2.0, 3.0)]
    builder.add("branch", "branch", ["q"], [], if_branch=sides[0], else_branch=sides[1])
    builder.add("addBroadcastable", "sum", ["z", "t"], ["s"])
    builder.add("softmaxND", "softmax", ["s"], ["y"], axis=-1)
    new = _rewritten(built(lambda: builder))
    assert "innerProduct" in _kinds(new)


def test_layers_without_readers_are_dropped():
    old = _network(_conv("x", "y"), ("gelu", ["y"], "nobody", {"mode": "EXACT"}), _constant("k", normal(2)))
    assert _kinds(_rewritten(old)) == ["convolution"]


def test_a_named_blob_is_not_looked_for_behind_a_logarithm():
    old = _network(("softmax", ["x"], "p", {}), ("unary", ["p"], "y", {"type": "LOG", "scale": 1}), shape=(1, 3, 1, 1))
    form = next(canonical_forms(old, Recipe()))
    assert form.recipe.loss.input == "p"
    named = next(canonical_forms(old, Recipe(losses=CrossEntropy("y"))))
    assert named.recipe.loss.input == "y"


def test_batch_norms_of_vectors_have_images_around_them():
    """As PyTorch's converter writes BatchNorm1d."""
    old = _network(
        ("innerProduct", ["x"], "h", {"weights": normal(4, 6)}),
        ("expandDims", ["h"], "h3", {"axes": (-1,)}),
        ("expandDims", ["h3"], "h4", {"axes": (-2,)}),
        ("batchnorm", ["h4"], "n4", STATISTICS),
        ("squeeze", ["n4"], "n3", {"axes": (-2,)}),
        ("squeeze", ["n3"], "n", {"axes": (-1,)}),
        ("activation", ["n"], "r", {"nonlinearity_type": "ReLU"}),
        ("innerProduct", ["r"], "z", {"weights": normal(3, 4)}),
        ("softmaxND", ["z"], "y", {"axis": 1}),
        shape=(1, 6),
    )
    dense = ["innerProduct", "batchnorm", "activation", "innerProduct"]
    assert _kinds(_rewritten(old)) == ["expandDims", *dense, "softmax", "squeeze"]


def test_one_dimensional_convolutions_stay_images():
    kernel = {"weights": normal(4, 4, 1, 3), "valid": {}}
    layers: list[tuple[Any, ...]] = [
        ("expandDims", ["x"], "x4", {"axes": (-2,)}),
        ("convolution", ["x4"], "c4", kernel),
        ("squeeze", ["c4"], "c", {"axes": (-2,)}),
        ("activation", ["c"], "r", {"nonlinearity_type": "ReLU"}),
        ("expandDims", ["r"], "r4", {"axes": (2,)}),
        ("convolution", ["r4"], "d4", kernel),
        ("squeeze", ["d4"], "d", {"axes": (2,)}),
        ("reshapeStatic", ["d"], "v", {"target_shape": (1, 16)}),
        ("softmaxND", ["v"], "y", {"axis": 1}),
    ]
    middle = ["convolution", "activation", "convolution"]
    assert _kinds(_rewritten(_network(*layers, shape=(1, 4, 8)))) == [
        "expandDims",
        *middle,
        "flatten",
        "softmax",
        "squeeze",
    ]
    # the vectors between the two are an output: both changes of rank stay
    old = _network(*layers, shape=(1, 4, 8), y=None, r=None)
    kept = ["convolution", "squeeze", "activation", "expandDims", "convolution"]
    assert _kinds(_rewritten(old)) == ["expandDims", *kept, "flatten", "softmax", "squeeze"]
