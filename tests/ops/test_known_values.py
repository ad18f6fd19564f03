"""Operators on known values: the same answers from NumPy, and shapes that are known while a network is traced."""

import jax
import numpy as np
import pytest
from cases import KINDS, load_all, numbers
from one_layer import same, tolerances

from graphml import catalogue
from graphml.build import NeuralNetworkBuilder
from graphml.frontends.layer_interface import Port
from graphml.frontends.layers import read_network
from graphml.interpreter.layout import at_least_1d
from graphml.interpreter.lower import lower
from graphml.spec.attributes import decode, encode

load_all()

# Kinds that compute shapes; JAX runs the others, known values or not
_IN_NUMPY = [
    *("ceil", "floor", "round", "sign", "clip", "exp2"),
    *("equal", "notEqual", "lessThan", "lessEqual", "greaterThan", "greaterEqual"),
    *("logicalAnd", "logicalOr", "logicalXor", "logicalNot"),
    *("add", "multiply", "average", "max", "min"),
    *("addBroadcastable", "subtractBroadcastable", "multiplyBroadcastable", "divideBroadcastable"),
    *("maxBroadcastable", "minBroadcastable", "modBroadcastable", "floorDivBroadcastable"),
    *("stack", "concatND", "splitND", "sliceStatic", "sliceDynamic", "slidingWindows", "tile", "transpose", "reverse"),
    *("gather", "gatherND", "copy", "squeeze", "expandDims", "flattenTo2D", "reshapeLike", "reshapeStatic"),
    *("reshapeDynamic", "rankPreservingReshape", "constantPad"),
    *("fillLike", "fillStatic", "fillDynamic", "rangeStatic", "rangeDynamic", "getShape"),
    *("broadcastToLike", "broadcastToStatic", "broadcastToDynamic"),
]


@pytest.mark.parametrize("name", _IN_NUMPY)
def test_constants_stay_in_numpy(name):
    kind, row = KINDS[name], catalogue.rows("layer")[name]
    for case in [kind.base, *(case for _, case in kind.variations())]:
        attributes = decode(encode(name, dict(case.fields))).attributes
        result = row.function(*case.inputs, **{key: attributes[key] for key in row.attributes})
        results = result if isinstance(result, list | tuple) else [result]
        for got, want in zip(results, kind.answers(case), strict=True):
            assert isinstance(got, np.ndarray)
            assert got.dtype == np.float32
            same(at_least_1d(got), want, **tolerances(kind))


def test_indices_out_of_range_read_nan_from_constants_too():
    tens = np.float32([10, 20, 30])
    got = catalogue.rows("layer")["gather"].function(tens, np.float32([2, -3, 3, -4]), axis=0)
    same(got, np.float32([30, 10, np.nan, np.nan]))


def _network(*layers):
    builder = NeuralNetworkBuilder({"x": None}, {"y": None})
    for kind, inputs, output, fields in layers:
        builder.add(kind, output, inputs, [output], **fields)
    return lower(*read_network(builder.network, (Port("x", None),), (Port("y", None),)))


def _constant(name, *values):
    return ("loadConstantND", [], name, {"data": np.float32(values)})


_FOLD_LAST_TWO = [
    ("getShape", ["x"], "shape", {}),
    _constant("first", 0),
    _constant("rest", 1, 2),
    _constant("two", 2),
    ("gather", ["shape", "first"], "batch", {"axis": 0}),
    ("gather", ["shape", "rest"], "sizes", {"axis": 0}),
    ("splitND", ["sizes"], "height", {"axis": 0, "num_splits": 1}),
    ("sliceStatic", ["sizes"], "width", {"begin_ids": [1], "end_ids": [2], "strides": [1]}),
    ("floorDivBroadcastable", ["width", "two"], "half", {}),
    ("multiplyBroadcastable", ["half", "two"], "even", {}),
    ("rangeDynamic", ["even"], "places", {"start_value": 0.0, "step_size_value": 1.0}),
    ("gather", ["x", "places"], "kept", {"axis": 2}),
    ("fillLike", ["batch"], "free", {"value": -1.0}),
    ("concatND", ["batch", "free"], "target", {"axis": 0}),
    ("reshapeDynamic", ["kept", "target"], "y", {}),
]


@pytest.mark.parametrize("shape", [(2, 3, 5), (4, 1, 4)])
def test_computed_shapes_are_facts_of_the_trace(shape):
    network = _network(*_FOLD_LAST_TWO)
    assert network.params == {}, "constants that decide shapes are part of the program"
    x = numbers(*shape)
    even = shape[2] // 2 * 2
    same(jax.jit(network.fn)({}, {"x": x})["y"], x[:, :, :even].reshape(shape[0], -1))


def test_a_filled_array_costs_one_scalar_in_the_program():
    network = _network(
        ("getShape", ["x"], "shape", {}),
        ("fillDynamic", ["shape"], "ones", {"value": 1.0}),
        ("addBroadcastable", ["x", "ones"], "y", {}),
    )
    x = np.zeros((300, 400), np.float32)
    program = jax.jit(network.fn).lower({}, {"x": x})
    assert len(program.as_text()) < 4000
    same(program.compile()({}, {"x": x})["y"], np.ones((300, 400)))
