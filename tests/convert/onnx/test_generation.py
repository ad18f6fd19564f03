"""Constants, ranges, triangles, codes and running sums of ONNX, judged by onnxruntime; random numbers by statistics."""

from __future__ import annotations

import jax
import numpy as np
import onnx.reference
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import agree, graph

import graphml
from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

RANDOM = np.random.default_rng(8)
node = helper.make_node
FLOAT, INT = TensorProto.FLOAT, TensorProto.INT32


def numbers(*shape):
    return np.float32(RANDOM.normal(size=shape))


def test_constants_of_every_form():
    values, places = numpy_helper.from_array(np.float32([5, 6])), numpy_helper.from_array(np.int64([1, 4]))
    sparse = helper.make_sparse_tensor(values, places, [2, 3])
    large = numbers(300, 300)  # too large to be computed while converting
    forms = {
        "value": numpy_helper.from_array(numbers(2, 3)),
        "value_float": 1.5,
        "value_floats": [1.0, 2.0, 3.0],
        "value_int": 3,
        "value_ints": [1, 2, 3],
        "sparse_value": sparse,
    }
    nodes = [node("Constant", [], ["large"], value=numpy_helper.from_array(large)), node("Add", ["z", "large"], ["l"])]
    for name, value in forms.items():
        nodes += [node("Constant", [], [name], **{name: value}), node("Cast", [name], [f"{name}_f"], to=FLOAT)]
        nodes.append(node("Add", ["x", f"{name}_f"], [f"y_{name}"]))
    model = graph(nodes, {"x": (np.float32, (2, 3)), "z": (np.float32, (1,))}, ["l", *(f"y_{name}" for name in forms)])
    stored = helper.make_sparse_tensor(numpy_helper.from_array(np.float32([7]), "few"), places_of([[0, 2]]), [2, 3])
    model.graph.sparse_initializer.append(stored)
    model.graph.node.append(node("Add", ["x", "few"], ["y_few"]))
    model.graph.output.append(helper.make_tensor_value_info("y_few", FLOAT, None))
    agree(model, {"x": numbers(2, 3), "z": numbers(1)})


def places_of(rows):
    return numpy_helper.from_array(np.int64(rows))


def test_tensors_of_computed_shapes():
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("ConstantOfShape", ["shape"], ["filled"], value=numpy_helper.from_array(np.float32([2.5]))),
        node("ConstantOfShape", ["wanted"], ["zeros"]),
        node("EyeLike", ["x"], ["eye"], k=1),
        node("EyeLike", ["square"], ["below"], k=-1, dtype=FLOAT),
        node("Gather", ["shape", "one"], ["width"]),
        node("Range", ["zero", "width", "two"], ["range"]),
        node("Range", ["first", "last", "step"], ["down"]),
        node("Add", ["x", "filled"], ["y"]),
        node("Add", ["square", "below"], ["z"]),
    ]
    inputs = {
        "x": (np.float32, ("n", "m")),
        "square": (np.float32, (3, 3)),
        "wanted": (np.int64, (2,)),
        **dict.fromkeys(("first", "last", "step"), (np.float32, ())),
    }
    constants = {"zero": np.int64(0), "one": np.int64(1), "two": np.int64(2)}
    model = graph(nodes, inputs, ["y", "z", "zeros", "eye", "range", "down"], constants)
    feeds = [
        {
            "x": numbers(*shape),
            "square": numbers(3, 3),
            "wanted": np.int64(shape[::-1]),
            **{"first": np.float32(9), "last": np.float32(last), "step": np.float32(-1.5)},
        }
        for shape, last in (((2, 5), 1), ((4, 3), 6))
    ]
    agree(model, *feeds)


def test_one_hot_codes():
    nodes = [
        node("OneHot", ["at", "depth", "ends"], ["a"]),
        node("OneHot", ["at", "depth", "ends"], ["b"], axis=0),
        node("OneHot", ["at", "depth", "ends"], ["c"], axis=-2),
        node("OneHot", ["at", "many", "ends"], ["e"], axis=1),
    ]
    inputs = {"at": (np.int64, ("n", 2)), "ends": (np.float32, (2,)), "many": (np.int64, ())}
    model = graph(nodes, inputs, list("abce"), {"depth": np.int64(4)})
    ends = np.float32([-1, 7])
    feeds = [
        {"at": np.int64([[0, 3], [-1, -4], [4, 9]])[:rows], "ends": ends, "many": np.int64(many)}
        for rows, many in ((3, 5), (2, 4))
    ]
    agree(model, *feeds)


def test_triangles():
    nodes = [node("Trilu", ["x"], ["upper"]), node("Trilu", ["x"], ["lower"], upper=0)]
    nodes += [node("Trilu", ["x", "k"], ["a"]), node("Trilu", ["x", "minus"], ["b"], upper=0)]
    nodes += [node("Trilu", ["fixed", "which"], [name], upper=upper) for upper, name in enumerate("cd")]
    inputs = {"x": (np.float32, (2, "n", 3)), "fixed": (np.float32, (3, 4)), "which": (np.int64, ())}
    model = graph(nodes, inputs, ["upper", "lower", *"abcd"], {"k": np.int64(1), "minus": np.int64(-1)})
    x = numbers(3, 4)
    agree(model, *({"x": numbers(2, size, 3), "fixed": x, "which": np.int64(size - 4)} for size in (4, 2)))


def test_cumulative_sums_and_products():
    forms = [{}, {"exclusive": 1}, {"reverse": 1}, {"exclusive": 1, "reverse": 1}]
    sums = [
        node("CumSum", ["x", axis], [f"s{axis}{i}"], **form) for i, form in enumerate(forms) for axis in ("at", "last")
    ]
    model = graph(
        sums,
        {"x": (np.float32, (3, 4)), "at": (np.int64, ())},
        [each.output[0] for each in sums],
        {"last": np.int64(-1)},
    )
    agree(model, *({"x": numbers(3, 4), "at": np.int64(at)} for at in (0, 1)))
    products = [
        node("CumProd", ["x", axis], [f"p{axis}{i}"], **form) for i, form in enumerate(forms) for axis in ("at", "last")
    ]
    names = [each.output[0] for each in products]
    model = graph(products, {"x": (np.float32, (3, 5)), "at": (np.int64, ())}, names, {"last": np.int64(-1)}, opset=26)
    network = graphml.load(network_from_onnx(model).model)
    for at in (0, -1):
        x = numbers(3, 5)
        expected = onnx.reference.ReferenceEvaluator(model).run(names, {"x": x, "at": np.int64(at)})
        found = network.predict({"x": x, "at": np.int32([at])})
        for name, wanted in zip(names, expected, strict=True):
            np.testing.assert_allclose(found[name], wanted, 1e-5, 1e-6, err_msg=name)


# Random numbers ------------------------------------------------------------------------------------------------------


def test_random_numbers():
    nodes = [
        node("RandomNormal", [], ["normal"], shape=[40, 50], mean=2.0, scale=3.0),
        node("RandomUniform", [], ["uniform"], shape=[40, 50], low=-1.0, high=3.0, seed=2.0),
        node("RandomUniform", [], ["other"], shape=[40, 50], low=-1.0, high=3.0, seed=2.5),
        node("RandomNormalLike", ["x"], ["normal_like"], mean=-1.0, scale=0.5),
        node("RandomUniformLike", ["x"], ["uniform_like"], dtype=FLOAT, seed=7.0),
        node("Bernoulli", ["x"], ["bernoulli"], dtype=INT),
        node("Multinomial", ["logits"], ["classes"], sample_size=2000),
        node("Multinomial", ["logits"], ["seeded"], sample_size=20, seed=3.0),
    ]
    names = [each.output[0] for each in nodes]
    model = graph(nodes, {"x": (np.float32, (50, 40)), "logits": (np.float32, (1, 3))}, names)
    network = graphml.load(network_from_onnx(model).model)
    feed = {"x": np.full((50, 40), 0.3, np.float32), "logits": np.log(np.float32([[0.1, 0.2, 0.7]]))}
    first, second = (network.predict(feed, key=jax.random.key(i)) for i in range(2))
    for name, mean, deviation in [
        ("normal", 2, 3),
        ("uniform", 1, 4 / 12**0.5),
        ("normal_like", -1, 0.5),
        ("uniform_like", 0.5, 1 / 12**0.5),
        ("bernoulli", 0.3, (0.3 * 0.7) ** 0.5),
    ]:
        assert abs(np.mean(first[name]) - mean) < 5 * deviation / 2000**0.5, name
        assert abs(np.std(first[name]) - deviation) < 0.1 * deviation, name
    assert -1 <= first["uniform"].min() < first["uniform"].max() < 3
    assert set(np.unique(first["bernoulli"])) == {0, 1}
    shares = np.bincount(np.int64(first["classes"].ravel())) / 2000
    np.testing.assert_allclose(shares, [0.1, 0.2, 0.7], atol=0.06)
    same = {name for name in names if np.array_equal(first[name], second[name])}
    assert same == {"uniform", "other", "uniform_like", "seeded"}
    assert not np.array_equal(first["uniform"], first["other"])


# Refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (node("CumProd", ["x", "zero"], ["y"]), "the size of the axis depends on the inputs"),
        (node("Trilu", ["x", "k"], ["y"]), "k is computed, and the size of the matrix depends on the inputs"),
        (node("Range", ["zero", "zero", "one"], ["y"]), "is empty"),
        (node("Constant", [], ["y"], value_strings=["a", "b"]), "text"),
    ],
)
def test_what_is_refused(one, reason):
    inputs = {"x": (np.float32, ("n", 3)), "k": (np.int64, ())}
    with pytest.raises(UnsupportedError, match=reason):
        network_from_onnx(graph([one], inputs, ["y"], {"zero": np.int64(0), "one": np.int64(1)}, opset=26))
