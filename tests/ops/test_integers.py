"""Integers that arrive as floats: every layer that reads one drops its fraction, known values or not."""

import jax
import numpy as np
import pytest
from cases import numbers
from one_layer import same

from graphml import catalogue
from graphml.ops.layers._integers import to_integers

_X = numbers(4, 3)
_ZEROS = np.zeros((4, 3), np.float32)
_IMAGES = numbers(1, 2, 1, 3, 3)
_TABLE = numbers(5, 2)  # prepared: [vocabulary, size]
_SLICE = dict.fromkeys(("begin_masks", "end_ids", "end_masks", "strides", "squeeze_masks"), ())


def _boxes(index):
    return np.float32([index, 0, 0, 1.5, 1.5]).reshape(1, 1, 5, 1, 1)


# kind: (fields, inputs of a number n, n); the others are whole
_READERS = {
    "embedding": ({"weights": _TABLE, "bias": None}, lambda n: (np.full((1, 1, 1, 1), n),)),
    "embeddingND": ({"weights": _TABLE, "bias": None}, lambda n: (np.full((1, 1), n),)),
    "gather": ({"axis": 0}, lambda n: (_X, np.array([n]))),
    "gatherND": ({}, lambda n: (_X, np.array([n, n]))),
    "gatherAlongAxis": ({"axis": 0}, lambda n: (_X, np.full((1, 3), n))),
    "scatter": ({"axis": 0, "mode": "SCATTER_ADD"}, lambda n: (_ZEROS, np.array([n]), _X[:1])),
    "scatterND": ({"mode": "SCATTER_ADD"}, lambda n: (_ZEROS, np.array([n, n]), np.float32([5]))),
    "scatterAlongAxis": ({"axis": 0, "mode": "SCATTER_ADD"}, lambda n: (_ZEROS, np.full((1, 3), n), _X[:1])),
    "reverseSeq": ({"batch_axis": 1, "sequence_axis": 0}, lambda n: (_X, np.array([n, n, 3]))),
    "sliceBySize": ({"axis": 0, "size": 1}, lambda n: (_X, np.array([n]))),
    "oneHot": (
        {"one_hot_vector_size": 4, "axis": -1, "on_value": 1.0, "off_value": 0.0},
        lambda n: (np.array([n]),),
    ),
    "cropResize": (
        {
            "target_size": (2, 2),
            "normalized_coordinates": False,
            "mode": "STRICT_ALIGN_ENDPOINTS_MODE",
            "box_indices_mode": "CORNERS_HEIGHT_FIRST",
            "spatial_scale": 1.0,
        },
        lambda n: (np.moveaxis(_IMAGES, -3, -1), np.moveaxis(_boxes(n), -3, -1)),
    ),
}
_KNOWN_READERS = {
    "topK": ({"axis": 0, "k": 4, "use_bottom_k": False}, lambda n: (_X, np.array([n]))),
    "cumSum": ({"axis": 0, "exclude_final_sum": False, "reverse": False}, lambda n: (_X, np.array([n]))),
    "sliceDynamic": (_SLICE, lambda n: (_X, np.array([n, 0]), np.array([n + 2, 3]))),
    "reshapeDynamic": ({}, lambda n: (_X[0, :1], np.array([n, n]))),
    "broadcastToDynamic": ({}, lambda n: (_X[0, :1], np.array([n, 2]))),
    "fillDynamic": ({"value": 3.0}, lambda n: (np.array([n, 2]),)),
    "tile": ({"reps": ()}, lambda n: (_X, np.array([n, 2]))),
    "constantPad": (
        {"value": 0.0, "pad_amounts": (), "pad_to_given_output_size_mode": False},
        lambda n: (_X[0], np.array([n, 0])),
    ),
}


@pytest.mark.parametrize("kind", [*_READERS, *_KNOWN_READERS])
def test_a_fraction_is_dropped(kind):
    fields, inputs = {**_READERS, **_KNOWN_READERS}[kind]
    row = catalogue.rows("layer")[kind]

    def run(number):
        result = row.function(*(np.asarray(x, np.float32) for x in inputs(number)), **fields)
        return result[0] if isinstance(result, list | tuple) else result

    same(run(1.7), np.asarray(run(1)))
    same(run(0.9999999), np.asarray(run(1)))  # a 1 after rounded arithmetic
    if kind in _READERS:
        values = tuple(np.asarray(x, np.float32) for x in inputs(1.7))
        traced = jax.jit(lambda *arrays: row.function(*arrays, **fields))(*values)
        same(traced, np.asarray(run(1)))


@pytest.mark.parametrize("module", [np.asarray, jax.numpy.asarray])
def test_integers_of_floats(module):
    floats = [0.7, -0.7, 2.5, -2.5, 1.9999999, -1.9999999, 1.999, 16777217, 2**24 + 2, 3e9, -3e9, np.inf, np.nan]
    most, least = 2**31 - 1, -(2**31)
    wanted = [0, 0, 2, -2, 2, -2, 1, 16777216, 2**24 + 2, most, least, most, least]
    got = to_integers(module(np.float32(floats)))
    assert got.dtype == np.int32
    assert got.tolist() == wanted
