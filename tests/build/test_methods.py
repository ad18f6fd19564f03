"""The law of the `add_...` methods: what they write is what `add(kind, ...)` writes, and it gives the right answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from builder_calls import call
from cases import Case, load_all
from compiling import QUICK
from one_layer import built, input_names, lowered, output_names, same, tolerances, traceable

import graphml
from graphml.build import NeuralNetworkBuilder
from graphml.build.table import ROWS
from graphml.errors import GraphError, GraphmlError, SpecError

KINDS = load_all()


def _empty(case: Case) -> NeuralNetworkBuilder:
    return NeuralNetworkBuilder(dict.fromkeys(input_names(case)), dict.fromkeys(output_names(case)), exact=case.exact)


def _by_method(kind: str, case: Case) -> NeuralNetworkBuilder:
    builder = _empty(case)
    if case.layers:
        _CONTROL[kind](builder)
    else:
        method, arguments = call(kind, case)
        getattr(builder, method)(**arguments)
    return builder


# Control flow: the base cases of tests/cases/control.py, filled in through the builders of their sub-networks ---------


def _branch(builder):
    builder.add_copy("start", "in1", "out0")
    layer = builder.add_branch("layer", "in0")
    for name, side, alpha in (("t", layer.branch.ifBranch, 3.0), ("u", layer.branch.elseBranch, -1.0)):
        part = NeuralNetworkBuilder(nn_spec=side)
        part.add_elementwise("a" if name == "t" else "c", ["in1"], name, "MULTIPLY", alpha)
        part.add_copy("b" if name == "t" else "d", name, "out0")


def _loop(builder):
    builder.add_copy("start", "in0", "out0")
    body = NeuralNetworkBuilder(nn_spec=builder.add_loop("layer", max_iterations=3).loop.bodyNetwork)
    body.add_elementwise("a", ["out0"], "t", "MULTIPLY", 2.0)
    body.add_copy("b", "t", "out0")


def _leaving(method):
    def write(builder):
        builder.add_copy("start", "in1", "out0")
        body = NeuralNetworkBuilder()
        body.add_elementwise("a", ["out0"], "t", "MULTIPLY", 2.0)
        body.add_copy("b", "t", "out0")
        leave = NeuralNetworkBuilder()
        getattr(leave, method)("layer")
        body.add_branch("if", "in0", if_branch=leave.nn_spec)
        body.add_elementwise("c", ["out0"], "u", "ADD", 1.0)
        body.add_copy("d", "u", "out0")
        builder.add_loop("l", body_network=body.nn_spec, max_iterations=4)

    return write


_CONTROL = {
    "branch": _branch,
    "loop": _loop,
    "loopBreak": _leaving("add_loop_break"),
    "loopContinue": _leaving("add_loop_continue"),
}


# The law -------------------------------------------------------------------------------------------------------------


def test_every_method_is_called():
    assert {call(kind, case.base)[0] for kind, case in KINDS.items()} == {f"add_{name}" for name in ROWS}
    assert all(callable(getattr(NeuralNetworkBuilder, f"add_{name}")) for name in ROWS)


def test_networks_built_by_methods_saved_and_loaded_give_the_right_answers(tmp_path):
    """The base case of every kind. All of them are one compiled program: a fifth of the time of one for each."""
    programs, params, inputs = {}, {}, {}
    for kind, of_kind in KINDS.items():
        path = tmp_path / f"{kind}.mlmodel"
        _by_method(kind, of_kind.base).save(path)
        case = replace(of_kind.base, layers=tuple(graphml.load(path).spec.neuralNetwork.layers))
        network = lowered(kind, case)
        programs[kind], inputs[kind] = traceable(network, case)
        params[kind] = network.params

    def run(params, inputs):
        return {kind: program(params[kind], inputs[kind]) for kind, program in programs.items()}

    answers = jax.jit(run, compiler_options=QUICK)(params, inputs)
    wrong = {kind: words for kind in KINDS if (words := _wrong(kind, answers[kind]))}
    assert wrong == {}


def _wrong(name: str, got: list[Any]) -> str:
    """A short description of what is wrong with the answers for a kind's base case; empty if they are right."""
    kind = KINDS[name]
    measured = got if kind.measure is None else kind.measure([np.asarray(y) for y in got])
    try:
        for one, want in zip(measured, kind.answers(kind.base), strict=True):
            same(one, want, **tolerances(kind))
    except AssertionError as error:
        return str(error)
    return ""


# Methods refuse what no legal file says, `add` leaves it to the validator.
_REFUSED = {
    ("fillStatic", "target_shape"): "targetShape must be at least 1, got 0",
    ("splitND", "split_sizes"): "splitSizes must be at least 1, got 0",
}
# What a method cannot say.
_OTHERWISE = {
    ("biDirectionalLSTM", "activations_forward_lstm"): "it takes one set of functions for both directions",
    ("biDirectionalLSTM", "activations_backward_lstm"): "it takes one set of functions for both directions",
    ("batchnorm", "compute_mean_var"): "it stores no mean and variance where they are computed",
    ("batchnorm", "instance_normalization"): "it stores no mean and variance where they are computed",
}


def _single(case: Case) -> Case:
    """The same with float32 for float16: methods store numbers as float32, `add` alone keeps other types."""
    halves = {name: value for name, value in case.fields.items() if getattr(value, "dtype", None) == np.float16}
    return case.but(**{name: np.float32(value) for name, value in halves.items()})


@pytest.mark.parametrize("name", sorted(KINDS))
def test_methods_write_what_add_writes(name):
    """The same layer; or, where one of them writes out a default, the same program with the same weights."""
    kind = KINDS[name]
    for field, case in [("base", kind.base), *kind.variations()]:
        if case.layers:
            if case is kind.base:
                assert list(_by_method(name, case).network.layers) == list(case.layers)
            continue
        case = _single(case)
        by_method, refusal = _by_method_if_legal(name, case)
        if by_method is None:
            assert _REFUSED.get((name, field), "nothing") in refusal, f"{field}={case.fields.get(field)!r}"
            continue
        by_add = built(name, case)
        if by_method.network.layers[0] != by_add.network.layers[0] and (name, field) not in _OTHERWISE:
            assert _program(name, case, by_method) == _program(name, case, by_add), (
                f"{field}={case.fields.get(field)!r}"
            )


def _by_method_if_legal(kind: str, case: Case) -> tuple[NeuralNetworkBuilder | None, str]:
    try:
        return _by_method(kind, case), ""
    except GraphmlError as error:
        return None, str(error)


def _program(kind: str, case: Case, builder: NeuralNetworkBuilder) -> tuple[str, list[tuple[Any, bytes]]]:
    """Operations, and weights, of a network of one layer."""
    network = lowered(kind, replace(case, layers=tuple(builder.network.layers)))
    program, inputs = traceable(network, case)
    weights = [np.asarray(w) for w in jax.tree.leaves(network.params)]
    return str(jax.make_jaxpr(program)(network.params, inputs)), [(w.shape, w.tobytes()) for w in weights]


# What else a call does -----------------------------------------------------------------------------------------------


def test_a_method_returns_its_layer():
    builder = NeuralNetworkBuilder({"x": None}, {"y": None})
    layer = builder.add_softmax("prob", "x", "y")
    assert layer.name == "prob"
    layer.name = "other"  # it is the one in the network
    assert builder.layers == ["other"]


def test_signatures_are_checked_like_those_of_functions():
    builder = NeuralNetworkBuilder({"x": None}, {"y": None})
    with pytest.raises(TypeError, match=r"add_softmax\(\) missing 1 required positional argument: 'output_name'$"):
        builder.add_softmax("prob", "x")
    with pytest.raises(TypeError, match=r"add_softmax\(\) got an unexpected keyword argument 'axes'$"):
        builder.add_softmax("prob", "x", "y", axes=1)
    assert builder.layers == []


@pytest.mark.parametrize(
    ("method", "arguments", "words"),
    [
        ("add_activation", ("a", "SWISH", "x", "y"), "non_linearity is 'SWISH'; expected one of RELU"),
        ("add_activation", ("a", "ELU", "x", "y"), "ELU needs params: alpha"),
        ("add_activation", ("a", "LINEAR", "x", "y", [1]), "LINEAR needs the params alpha, beta, got 1"),
        ("add_elementwise", ("a", ["x"], "y", "POWER"), "mode is 'POWER'; expected one of ADD"),
        (
            "add_inner_product",
            ("a", np.ones(5), None, 2, 3, False, "x", "y"),
            "W has 5 values [5]; expected 6 [3, 2]",
        ),
        ("add_inner_product", ("a", np.ones(6), None, 3, 2, True, "x", "y"), "b is missing"),
        ("add_pooling", ("a", 2, 2, 1, 1, "MAX", "FULL", "x", "y"), "the padding is 'FULL'; expected one of VALID"),
        ("add_slice", ("a", "x", "y", "depth"), "axis is 'depth'; expected one of CHANNEL, HEIGHT, WIDTH"),
        ("add_flatten", ("a", 2, "x", "y"), "mode is 2; expected one of 0, 1"),
        ("add_split", ("a", "x", []), "expected 1 or more outputs, got 0"),
    ],
)
def test_a_call_that_makes_no_layer_leaves_the_network_as_it_was(method, arguments, words):
    builder = NeuralNetworkBuilder({"x": None}, {"y": None})
    builder.add_softmax("first", "x", "h")
    with pytest.raises((SpecError, GraphError)) as caught:
        getattr(builder, method)(*arguments)
    assert words in str(caught.value)
    assert f"{method}: layer 'a'" in str(caught.value)
    assert builder.layers == ["first"]


def test_a_name_is_taken_once():
    builder = NeuralNetworkBuilder({"x": None}, {"y": None})
    builder.add_softmax("a", "x", "h")
    with pytest.raises(GraphError, match="there is already a layer 'a'"):
        builder.add_softmax("a", "h", "y")


@pytest.mark.parametrize("bits", [8, 5, 1])
def test_quantized_weights_come_as_packed_bytes(bits):
    codes = (np.arange(6) * 7 % 2**bits).astype(np.uint8)
    packed = np.packbits(np.unpackbits(codes[:, None], axis=1)[:, 8 - bits :].ravel()).tobytes()
    builder = NeuralNetworkBuilder({"x": None}, {"y": None}, exact=True)
    how = {"is_quantized_weight": True, "nbits": bits, "quant_scale": [0.5, 2.0], "quant_bias": [1.0, -1.0]}
    builder.add_inner_product("a", packed, None, 3, 2, False, "x", "y", **how)
    x = np.float32([[1, 2, 4]])
    weights = codes.reshape(2, 3) * np.float32([[0.5], [2.0]]) + np.float32([[1.0], [-1.0]])
    np.testing.assert_allclose(builder.model().predict({"x": x})["y"], x @ weights.T, rtol=1e-5)


def test_hints_about_ranks_are_written():
    builder = NeuralNetworkBuilder({"x": None}, {"y": None})
    layer = builder.add_activation("a", "RELU", "x", "y", input_shape=(2, 3), output_rank=2)
    assert (layer.inputTensor[0].rank, list(layer.inputTensor[0].dimValue)) == (2, [2, 3])
    assert layer.outputTensor[0].rank == 2
    assert not builder.add_softmax("b", "y", "z").inputTensor


def test_cells_have_functions_by_name():
    """The default parameters of functions inside cells, which a name alone does not set."""
    x, w, r, b = np.float32([[2.0]]), [[0.5]], [[0.0]], [0.25]
    expected = {
        "LINEAR": 1.25,
        "RELU": 1.25,
        "SIGMOID": 1 / (1 + np.exp(-1.25)),
        "TANH": np.tanh(1.25),
        "SCALED_TANH": np.tanh(1.25),
        "SIGMOID_HARD": 0.75,
        "hard_sigmoid": 0.75,
    }
    builder = NeuralNetworkBuilder({"x": None}, dict.fromkeys(expected), exact=True)
    for name in expected:
        builder.add_simple_rnn(name, r, w, b, 1, 1, name, ["x"], [name])
    got = builder.model().predict({"x": x.reshape(1, 1, 1, 1, 1)})
    assert {name: float(np.ravel(y)[0]) for name, y in got.items()} == pytest.approx(expected, rel=1e-5)
