"""Gathering and scattering against onnxruntime."""

import numpy as np
import pytest
from cases import numbers
from one_layer import answers, same
from one_node import judged

_X = numbers(4, 3, 5)
_REDUCTIONS = {
    "SCATTER_UPDATE": "none",
    "SCATTER_ADD": "add",
    "SCATTER_MUL": "mul",
    "SCATTER_MAX": "max",
    "SCATTER_MIN": "min",
}


def _random_indices(shape, size):
    return np.random.default_rng(7).integers(-size, size, shape)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("shape", [(1,), (6,), (2, 3)])
def test_gather(axis, shape):
    indices = _random_indices(shape, _X.shape[axis])
    same(answers("gather", _X, indices, axis=axis)[0], judged("Gather", _X, indices, axis=axis)[0])


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("front", [(4,), (2, 3)])
def test_gather_nd(count, front):
    indices = np.stack([_random_indices(front, n) for n in _X.shape[:count]], axis=-1)
    same(answers("gatherND", _X, indices)[0], judged("GatherND", _X, indices)[0])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gather_along_axis(axis):
    shape = list(_X.shape)
    shape[axis] = 2
    indices = _random_indices(shape, _X.shape[axis])
    same(answers("gatherAlongAxis", _X, indices, axis=axis)[0], judged("GatherElements", _X, indices, axis=axis)[0])


@pytest.mark.parametrize("mode", _REDUCTIONS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scatter_along_axis(mode, axis):
    shape = list(_X.shape)
    shape[axis] = 2
    rows = np.arange(2).reshape([2 if i == axis % 3 else 1 for i in range(3)])
    indices = np.broadcast_to(-1 - rows, shape) if mode == "SCATTER_UPDATE" else _random_indices(shape, _X.shape[axis])
    updates = numbers(*shape, seed=1)
    want = judged("ScatterElements", _X, indices, updates, axis=axis, reduction=_REDUCTIONS[mode])[0]
    same(answers("scatterAlongAxis", _X, indices, updates, axis=axis, mode=mode)[0], want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", _REDUCTIONS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_scatter_nd(mode, count):
    indices = np.stack([_random_indices((6,), n) for n in _X.shape[:count]], axis=-1)
    if mode == "SCATTER_UPDATE":
        indices = np.int64([[3, 0, 1], [0, 2, 4], [-2, 1, 0]])[:, :count]
    updates = numbers(len(indices), *_X.shape[count:], seed=1)
    want = judged("ScatterND", _X, indices, updates, reduction=_REDUCTIONS[mode])[0]
    same(answers("scatterND", _X, indices, updates, mode=mode)[0], want, rtol=1e-5, atol=1e-6)
    if count == 1:  # whole rows: the same as scatter along axis 0
        same(answers("scatter", _X, indices[:, 0], updates, axis=0, mode=mode)[0], want, rtol=1e-5, atol=1e-6)
