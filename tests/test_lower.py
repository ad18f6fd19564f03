"""The interpreter: edges, errors, known values, layouts, parameters."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graphml import catalogue
from graphml.build import NeuralNetworkBuilder
from graphml.errors import GraphError, ShapeError, UnsupportedError
from graphml.frontends.layer_interface import Port, Preprocessing
from graphml.frontends.layers import read_network
from graphml.graph import Graph, Node, Region
from graphml.interpreter.lower import lower
from graphml.ops.layers.dialect import layer
from graphml.spec.attributes import Choice

RELU = {"nonlinearity_type": Choice("ReLU")}


def net(*layers, inputs=(Port("x", None),), outputs=(Port("y", None),), exact=None, **mapping):
    """What `lower` takes: the graph and its interface."""
    builder = NeuralNetworkBuilder({p.name: None for p in inputs}, {p.name: None for p in outputs})
    for kind, name, ins, outs, fields in layers:
        builder.add(kind, name, ins, outs, **fields)
    graph, interface = read_network(builder.network, tuple(inputs), tuple(outputs))
    return graph, interface if exact is None else replace(interface, exact=exact, **mapping)


@pytest.mark.parametrize(
    ("declared", "given", "blob"),
    [
        ((4,), (4,), (1, 1, 4, 1, 1)),
        ((3, 5, 6), (3, 5, 6), (1, 1, 3, 5, 6)),
        ((4,), (7, 2, 4), (7, 2, 4, 1, 1)),
        ((3, 5, 6), (2, 3, 5, 6), (1, 2, 3, 5, 6)),
        ((3, 5, 6), (7, 2, 3, 5, 6), (7, 2, 3, 5, 6)),
        (None, (4,), (1, 1, 4, 1, 1)),
        (None, (3, 5, 6), (1, 1, 3, 5, 6)),
    ],
)
def test_arrays_enter_as_rank_5_and_leave_as_they_came(declared, given, blob):
    lowered = lower(*net(("add", "a", ["x"], ["y"], {"alpha": 1.0}), inputs=[Port("x", declared)], exact=False))
    x = np.zeros(given, np.float32)
    assert lowered.intermediates(lowered.params, {"x": x})["y"].shape == blob
    assert lowered.fn(lowered.params, {"x": x})["y"].shape in (given, blob)


def test_a_declared_shape_comes_back_exactly():
    for declared in ((1, 3, 3), (9,), (3, 3), (1, 1, 9, 1, 1)):
        lowered = lower(
            *net(("add", "a", ["x"], ["y"], {"alpha": 1.0}), inputs=[Port("x", (9,))], outputs=[Port("y", declared)])
        )
        assert lowered.fn(lowered.params, {"x": np.zeros(9)})["y"].shape == declared


def test_exact_mapping_keeps_the_rank():
    lowered = lower(*net(("add", "a", ["x"], ["y"], {"alpha": 1.0}), exact=True))
    for shape in ((4,), (2, 3), (1, 2, 3, 4)):
        assert lowered.fn(lowered.params, {"x": np.zeros(shape)})["y"].shape == shape
    assert lowered.fn(lowered.params, {"x": 1.0})["y"].shape == (1,)


def test_rank_2_is_illegal_in_rank_5_mapping():
    lowered = lower(*net(("add", "a", ["x"], ["y"], {"alpha": 1.0}), exact=False))
    with pytest.raises(ShapeError, match=r"input 'x' has shape \[2, 3\]"):
        lowered.fn(lowered.params, {"x": np.zeros((2, 3))})


def test_images_are_preprocessed_before_the_first_layer():
    image = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    for rank4, rank in ((False, 5), (True, 4)):
        scaled = Port("x", (3, 2, 2), image=True, preprocessing=Preprocessing(scale=2.0, bias=(1.0, 2.0, 3.0)))
        add = ("add", "a", ["x"], ["y"], {"alpha": 0.0})
        lowered = lower(*net(add, inputs=[scaled], exact=rank4, image_rank4=rank4))
        got = lowered.intermediates(lowered.params, {"x": image})["y"]
        assert got.ndim == rank
        wanted = image * 2 + np.float32([1, 2, 3])[:, None, None]
        np.testing.assert_array_equal(np.squeeze(got), wanted)
    mean = Port("x", (3, 2, 2), image=True, preprocessing=Preprocessing(mean=np.ones((3, 2, 2), np.float32)))
    lowered = lower(*net(("add", "a", ["x"], ["y"], {"alpha": 0.0}), inputs=[mean]))
    np.testing.assert_array_equal(lowered.fn(lowered.params, {"x": image})["y"], image - 1)


def test_missing_unknown_and_optional_inputs():
    lowered = lower(*net(("add", "a", ["x", "z"], ["y"], {}), inputs=[Port("x", (2,)), Port("z", (2,), optional=True)]))
    np.testing.assert_array_equal(lowered.fn(lowered.params, {"x": np.ones(2)})["y"], [1, 1])
    with pytest.raises(GraphError, match="the input 'x' is missing"):
        lowered.fn(lowered.params, {"z": np.ones(2)})
    with pytest.raises(GraphError, match="no input 'w'; its inputs are x, z"):
        lowered.fn(lowered.params, {"x": np.ones(2), "w": 1})


def test_an_error_gains_the_layer_and_the_origin_of_its_inputs():
    lowered = lower(
        *net(
            ("activation", "first", ["x"], ["h"], RELU),
            ("add", "second", ["h", "z"], ["y"], {}),
            inputs=[Port("x", None), Port("z", None)],
            exact=True,
        )
    )
    with pytest.raises(ShapeError) as caught:
        jax.eval_shape(lowered.fn, lowered.params, {"x": np.ones((2, 3)), "z": np.ones((2, 4))})
    text = str(caught.value)
    assert text.startswith("layer 'second' (add), number 2")
    assert "h  float32[2, 3]  from layer 'first'" in text
    assert "z  float32[2, 4]  from an input" in text


def test_everything_unsupported_is_listed_at_once():
    found = net(
        ("custom", "one", ["x"], ["h"], {"class_name": "Unheard"}),
        ("custom", "two", ["h"], ["y"], {"class_name": "Unseen"}),
    )
    with pytest.raises(UnsupportedError) as caught:
        lower(*found)
    assert "Unheard" in str(caught.value)
    assert "Unseen" in str(caught.value)


def test_names_of_layers_are_in_the_program():
    lowered = lower(*net(("add", "my layer", ["x"], ["y"], {"alpha": 1.0})))
    text = jax.jit(lowered.fn).lower(lowered.params, {"x": np.ones(3)}).as_text(debug_info=True)
    assert "my layer" in text


def test_intermediates_give_any_blob_and_name_a_missing_one():
    lowered = lower(
        *net(("activation", "a", ["x"], ["h"], RELU), ("add", "b", ["h"], ["y"], {"alpha": 1.0}), exact=True)
    )
    found = lowered.intermediates(lowered.params, {"x": np.float32([-1, 2])})
    assert {name: blob.tolist() for name, blob in found.items()} == {"h": [0, 2], "y": [1, 3]}
    assert list(lowered.intermediates(lowered.params, {"x": np.ones(2)}, ["h"])) == ["h"]
    with pytest.raises(GraphError, match="no blob 'nothing'"):
        lowered.intermediates(lowered.params, {"x": np.ones(2)}, ["nothing"])


def test_outputs_may_be_inputs_of_later_layers_and_dead_blobs_do_not_leak():
    lowered = lower(
        *net(
            ("activation", "a", ["x"], ["h"], RELU),
            ("add", "b", ["h"], ["y"], {"alpha": 1.0}),
            outputs=[Port("h", None), Port("y", None)],
            exact=True,
        )
    )
    result = lowered.fn(lowered.params, {"x": np.float32([-1, 2])})
    assert {name: blob.tolist() for name, blob in result.items()} == {"h": [0, 2], "y": [1, 3]}


def test_prepared_parameters_give_the_same_answers():
    alpha = np.float32([0.1, 0.2, 0.3])
    lowered = lower(
        *net(("activation", "p", ["x"], ["y"], {"nonlinearity_type": Choice("PReLU"), "alpha": alpha}), exact=True)
    )
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 2, 2)
    prepared = lowered.prepare(lowered.params)
    np.testing.assert_array_equal(
        lowered.run_prepared(prepared, {"x": x})["y"], lowered.fn(lowered.params, {"x": x})["y"]
    )


def test_gradients_reach_inputs_and_weights_through_the_functional_form():
    alpha = np.float32([0.1, 0.2, 0.3])
    lowered = lower(
        *net(("activation", "p", ["x"], ["y"], {"nonlinearity_type": Choice("PReLU"), "alpha": alpha}), exact=True)
    )
    x = -np.ones((3, 1, 1), np.float32)
    gradient, inputs = jax.grad(lambda p, i: lowered.fn(p, {"x": i})["y"].sum(), argnums=(0, 1))(lowered.params, x)
    np.testing.assert_array_equal(gradient["p"]["alpha"], [-1, -1, -1])
    np.testing.assert_array_equal(np.ravel(inputs), alpha)


def test_float64_is_optional():
    with jax.enable_x64(True):
        lowered = lower(*net(("add", "a", ["x"], ["y"], {"alpha": 1.0})), dtype=jnp.float64)
        assert lowered.fn(lowered.params, {"x": np.ones(3)})["y"].dtype == np.float64
    lowered = lower(*net(("add", "a", ["x"], ["y"], {"alpha": 1.0})))
    assert lowered.fn(lowered.params, {"x": np.ones(3, np.int32)})["y"].dtype == np.float32


class TestKnownValues:
    """Shapes are facts when tracing; what is computed from them alone never becomes part of the program."""

    @pytest.fixture(autouse=True)
    def _rows(self, monkeypatch):
        catalogue.rows("layer")
        rows = dict(catalogue._rows)
        for kind in ("getShape", "addBroadcastable", "loadConstantND", "reshapeDynamic"):
            rows.pop(("layer", kind, 1), None)
        monkeypatch.setattr(catalogue, "_rows", rows)

        @layer("getShape", shape_only=True)
        def get_shape(x):
            return np.asarray(x.shape, np.float32)

        @layer("addBroadcastable")
        def add(a, b):
            return jnp.add(a, b)

        @layer("loadConstantND", wire_only=("shape",))
        def constant(*, data):
            return data

        @layer("reshapeDynamic", concrete=(1,))
        def reshape(x, shape):
            return x.reshape([int(n) for n in np.asarray(shape)])

    def reshaped(self):
        return net(
            ("getShape", "s", ["x"], ["s"], {}),
            ("loadConstantND", "c", [], ["c"], {"data": np.float32([3, -3])}),
            ("loadConstantND", "free", [], ["f"], {"data": np.float32([1])}),
            ("addBroadcastable", "t", ["s", "c"], ["t"], {}),
            ("reshapeDynamic", "r", ["x", "t"], ["h"], {}),
            ("addBroadcastable", "y", ["h", "f"], ["y"], {}),
        )

    def test_a_shape_computed_from_shapes_is_static(self):
        lowered = lower(*self.reshaped())
        program = jax.jit(lowered.fn)
        x = np.arange(18, dtype=np.float32).reshape(3, 6)
        np.testing.assert_array_equal(program(lowered.params, {"x": x})["y"], x.reshape(6, 3) + 1)

    def test_constants_that_decide_shapes_are_no_parameters(self):
        lowered = lower(*self.reshaped())
        assert lowered.known == {"c"}
        assert set(lowered.params) == {"free"}

    def test_a_shape_that_depends_on_values_is_refused_when_traced(self):
        found = net(("reshapeDynamic", "r", ["x", "z"], ["y"], {}), inputs=[Port("x", None), Port("z", None)])
        lowered = lower(*found)
        x, z = np.zeros((2, 3), np.float32), np.float32([3, 2])
        assert lowered.fn(lowered.params, {"x": x, "z": z})["y"].shape == (3, 2)
        with pytest.raises(UnsupportedError, match="the value of 'z' decides a shape"):
            jax.jit(lowered.fn)(lowered.params, {"x": x, "z": z})


@pytest.mark.parametrize("kind", ["gather", "scatter"])
def test_debug_mode_refuses_an_index_that_does_not_exist(kind):
    extra = (np.float32([9]),) if kind == "scatter" else ()
    names = ["x", "i", *(["u"] if extra else [])]
    found = net((kind, "g", names, ["y"], {"axis": 0}), inputs=[Port(name, None) for name in names])
    inputs = dict(zip(names, (np.float32([1, 2]), np.float32([2]), *extra), strict=True))
    calm = lower(*found)
    assert np.isnan(calm.fn(calm.params, inputs)["y"]).all() == (kind == "gather")
    strict = lower(*found, debug=True)
    with pytest.raises(ShapeError, match="index 2 is out of range for an axis of size 2") as caught:
        strict.fn(strict.params, inputs)
    assert "layer 'g'" in str(caught.value)
    jax.jit(strict.fn)(strict.params, inputs)  # traced values cannot be seen


def test_the_text_of_a_lowered_graph_is_one_line():
    text = repr(
        lower(Graph(("x",), ("y",), Region((Node("y", "y", "layer", "copy", ("x",), ("y",)),))), platform="cpu")
    )
    assert text == "<Lowered: x -> y; 1 nodes, 0 of them with parameters; float32, cpu>"


# Settings and numbers of JAX users -----------------------------------------------------------------------------------


def _dense():
    numbers = {"weights": np.ones((2, 3), np.float32), "bias": np.ones(2, np.float32)}
    dense = (
        "innerProduct",
        "dense",
        ["x"],
        ["h"],
        {"input_channels": 3, "output_channels": 2, "has_bias": True, **numbers},
    )
    return lower(*net(dense, ("unary", "root", ["h"], ["y"], {"type": "SQRT"})))


def test_promotion_settings_only_affect_the_code_of_the_caller():
    lowered = _dense()
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        found = jax.eval_shape(lowered.fn, lowered.params, {"x": jax.ShapeDtypeStruct((3,), np.int32)})
        assert found["y"].dtype == np.float32
        with pytest.raises(ValueError, match="rank_promotion"):
            jnp.add(jnp.ones((2, 3)), jnp.ones(3))


def test_searching_for_a_nan_keeps_the_error_type_and_names_the_layer():
    lowered = _dense()
    with jax.debug_nans(True), pytest.raises(FloatingPointError) as caught:
        lowered.fn(lowered.params, {"x": -np.ones(3, np.float32)})
    assert any("layer 'root'" in note for note in caught.value.__notes__)


def test_complex_numbers_are_refused():
    lowered = _dense()
    for run in (lowered.fn, jax.jit(lowered.fn)):
        with pytest.raises(ShapeError, match=r"input 'x'\n  it takes real numbers, got a complex64 array \[3\]"):
            run(lowered.params, {"x": np.ones(3, np.complex64)})


def test_symbolic_sizes_are_refused():
    lowered = _dense()
    rows = jax.ShapeDtypeStruct(jax.export.symbolic_shape("rows, 3"), np.float32)
    with pytest.raises(UnsupportedError, match=r"input 'x' has shape \[rows, 3\], but sizes must be integers"):
        jax.eval_shape(lowered.fn, lowered.params, {"x": rows})
