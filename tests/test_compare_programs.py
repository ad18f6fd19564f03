"""ML Programs against programs, networks and ONNX graphs, on inputs that are drawn from their interfaces."""

from __future__ import annotations

import json

import numpy as np
import pytest
from example_programs import TABLE, image_program, two_functions

import graphml
from graphml import ProgramBuilder
from graphml.build import NeuralNetworkBuilder, array, image
from graphml.errors import FeatureError, SpecError
from graphml.inspect.compare import compare
from graphml.inspect.drawing import drawn_shapes, draws, index_limits

W = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)


def embedding_network(path, exact=True):
    builder = NeuralNetworkBuilder({"token": array(3)}, {"out": None}, exact=exact)
    builder.add("loadConstantND", "table", [], ["table"], data=TABLE)
    builder.add("gather", "look", ["table", "token"], ["row"], axis=0)
    builder.add("innerProduct", "fc", ["row"], ["out"], weights=W)
    builder.save(path)
    return path


def embedding_program(path, factor=1.0, name="out"):
    builder = ProgramBuilder("CoreML7")
    row = builder.gather(TABLE, builder.input("token", (3,), "int32"), axis=0, name="row")
    builder.output(name, builder.linear(row, W * np.float32(factor)))
    builder.save(path)
    return path


def test_a_program_against_the_network_of_the_same_model(tmp_path):
    network, program = embedding_network(tmp_path / "a.mlmodel"), embedding_program(tmp_path / "b.mlpackage")
    for first, second in ((network, program), (program, network)):
        found = compare(first, second, tolerance=1e-5)
        assert found.agree, found
        assert [d.first for d in found.differences if d.matched == "name"][-2:] == ["row", "out"]
    other = embedding_program(tmp_path / "c.mlpackage", factor=1.1, name="scores")
    start = compare(network, other).start
    assert start is not None
    assert (start.first, start.second, start.matched) == ("out", "scores", "shape")
    assert start.error == pytest.approx(0.1, rel=1e-3)


def test_indices_exist_in_the_tables_that_they_look_up(tmp_path):
    assert index_limits(graphml.load(embedding_network(tmp_path / "a.mlmodel")).lower()) == {"token": 16}
    model = graphml.load(embedding_program(tmp_path / "b.mlpackage"))
    assert index_limits(model.lower()) == {"token": 16}
    drawn, again, other = (next(draws(model.description.inputs, {"token": 16}, seed, [{}])) for seed in (0, 0, 1))
    assert drawn["token"].dtype == np.int32
    assert np.array_equal(drawn["token"], again["token"])
    assert not np.array_equal(drawn["token"], other["token"])


def test_indices_are_found_through_control_flow_and_offsets():
    builder = ProgramBuilder("CoreML8")
    near, far, free = (builder.input(name, (1,), "int32") for name in ("near", "far", "free"))
    place = builder.input("place", (1,), "int32")
    shifted = builder.sub(builder.maximum(far, 1), 1)
    chosen = builder.cond(
        builder.greater(builder.squeeze(free, axes=[0]), 3),
        lambda: builder.gather(TABLE[:6].copy(), near, axis=0),
        lambda: builder.gather(TABLE, shifted, axis=0),
    )
    _, total = builder.while_loop(
        lambda i, total: builder.less(i, 2),
        lambda i, total: (builder.add(i, 1), builder.add(total, builder.gather(TABLE[:9].copy(), near, axis=0))),
        (0, chosen),
    )
    builder.output("rows", builder.add(total, builder.cast(free, dtype="fp32")))
    builder.output("part", builder.slice_by_size(TABLE[:5].copy(), builder.concat([place, [0]], axis=0), [2, 4]))
    assert index_limits(builder.model().lower()) == {"near": 6, "far": 16, "place": 4}


def test_an_lstm_that_reads_words_agrees_with_itself_as_onnx(tmp_path):
    """Its input is an array of floats; fractions would be other indices to other runtimes."""
    onnx = pytest.importorskip("onnx", reason="onnx is an optional extra and is not installed here")
    pytest.importorskip("onnxruntime", reason="onnxruntime is an optional extra and is not installed here")
    token = onnx.helper.make_tensor_value_info("token", onnx.TensorProto.INT64, [3])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [3, 2])
    weights = [onnx.numpy_helper.from_array(TABLE, "table"), onnx.numpy_helper.from_array(W.T.copy(), "w")]
    nodes = [onnx.helper.make_node("Gather", ["table", "token"], ["row"])]
    nodes += [onnx.helper.make_node("MatMul", ["row", "w"], ["y"])]
    graph = onnx.helper.make_graph(nodes, "g", [token], [out], weights)
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), str(tmp_path / "twin.onnx"))
    assert compare(embedding_network(tmp_path / "a.mlmodel"), tmp_path / "twin.onnx", tolerance=1e-5).agree
    assert compare(embedding_program(tmp_path / "b.mlpackage"), tmp_path / "twin.onnx", tolerance=1e-5).agree


def test_every_enumerated_shape_is_compared_and_the_worst_counts(tmp_path):
    def make(name, factor):
        builder = ProgramBuilder("CoreML7")
        x = builder.input("x", (1, 2), enumerated=[(2, 2), (3, 2)])
        count = builder.cast(builder.reduce_sum(builder.shape(x), keep_dims=False), dtype="fp32")
        builder.output("y", builder.mul(x, builder.add(1.0, builder.mul(factor, builder.maximum(count, 4.0)))))
        builder.save(tmp_path / name)
        return tmp_path / name

    first = make("a.mlpackage", 0.0)
    assert drawn_shapes(graphml.load(first).description.inputs) == [{}, {"x": (2, 2)}, {"x": (3, 2)}]
    found = compare(first, make("b.mlpackage", 0.1))
    assert (found.shapes, found.declared_shapes) == (3, 3)
    assert found.differences[-1].shape == (3, 2)
    assert found.differences[-1].error == pytest.approx(0.5, rel=1e-5)
    few = compare(first, tmp_path / "b.mlpackage", most_shapes=2)
    assert (few.shapes, few.declared_shapes, few.differences[-1].shape[0] < 3) == (2, 3, True)


def test_enumerated_shapes_of_several_inputs_belong_together():
    builder = ProgramBuilder("CoreML7")
    x, y = (builder.input(name, (1, 2), enumerated=[(2, 2), (3, 2)]) for name in "xy")
    builder.output("z", builder.add(x, y))
    inputs = builder.model().description.inputs
    found = [(d["x"].shape, d["y"].shape) for d in draws(inputs, {}, 0, drawn_shapes(inputs))]
    assert found == [((n, 2), (n, 2)) for n in (1, 2, 3)]


def test_images_are_pixels_on_both_sides(tmp_path):
    builder = NeuralNetworkBuilder({"image": image(3, 2)}, {"half": None})
    builder.add("activation", "half", ["image"], ["half"], nonlinearity_type=linear())
    builder.save(tmp_path / "a.mlmodel")
    builder = ProgramBuilder("CoreML7")
    builder.output("half", builder.mul(builder.input("image", (1, 3, 2, 3), image="RGB"), 0.5))
    builder.save(tmp_path / "b.mlpackage")
    builder = ProgramBuilder("CoreML7")
    builder.output("half", builder.mul(builder.input("pixels", (1, 3, 2, 3)), 0.5))
    builder.save(tmp_path / "c.mlpackage")
    for first, second in ("ab", "ba", "ac", "ca", "bc", "cb"):
        paths = [next(tmp_path.glob(f"{name}.*")) for name in (first, second)]
        assert compare(*paths, tolerance=1e-6).agree, (first, second)


def linear():
    from graphml.spec.attributes import Choice

    return Choice("linear", {"alpha": 0.5, "beta": 0.0})


def test_functions_states_and_the_command(tmp_path, run):
    pytest.importorskip("typer", reason="typer is an optional extra and is not installed here")
    path = tmp_path / "two.mlpackage"
    two_functions().save(path)
    status, out, err = run("compare", path, path, "--function", "decode", "--second-function", "decode", "--json")
    assert status == 0, err
    assert {"gather", "h", "chosen", "logits"} <= {value["blob"] for value in json.loads(out)["values"]}
    status, out, _ = run("compare", path, path)
    assert (status, "largest error is 0" in out) == (0, True)
    with pytest.raises(SpecError, match="no function 'train'"):
        compare(path, path, function_name="train")
    image_program().save(tmp_path / "image.mlpackage")
    with pytest.raises(
        FeatureError, match="the second model also takes 'image', 'count', 'half'; the first one takes 'x'"
    ):
        compare(path, tmp_path / "image.mlpackage")


def test_models_with_other_inputs_are_not_compared(tmp_path, real_models):
    path = embedding_program(tmp_path / "a.mlpackage")
    with pytest.raises(FeatureError, match="the model has no feature 'token'"):
        compare(path, real_models / "iris-gavi/iris.mlmodel")


def test_a_real_program_and_its_onnx_twin(real_models, run):
    """Converted by its author to both; the outputs have other names and another order."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is an optional extra and is not installed here")
    folder = real_models / "basic-pitch"
    status, out, err = run("compare", folder / "nmp.mlpackage", folder / "nmp.onnx", "--tolerance", "1e-3")
    assert status == 0, err
    assert out.splitlines()[:3] == [
        "Identity was compared with StatefulPartitionedCall:0, matched by shape",
        "Identity_1 was compared with StatefulPartitionedCall:1, matched by values",
        "Identity_2 was compared with StatefulPartitionedCall:2, matched by values",
    ]
