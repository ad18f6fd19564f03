"""Other shapes and borders against onnxruntime."""

import numpy as np
import pytest
from cases import numbers
from one_layer import answers, same
from one_node import judged

_X = numbers(2, 3, 4)
_ONES = numbers(1, 4, 1, 3)


@pytest.mark.parametrize("target", [(4, 6), (-1,), (2, -1, 2), (1, 24)])
def test_reshape(target):
    want = judged("Reshape", _X, np.int64(target))[0]
    same(answers("reshapeStatic", _X, target_shape=target)[0], want)
    same(answers("reshapeDynamic", _X, target)[0], want)
    same(answers("reshapeLike", _X, np.zeros(want.shape))[0], want)


@pytest.mark.parametrize("target", [(0, 4, 3), (0, -1, 1), (-1, 0, 2)])
def test_zeros_keep_axes(target):
    same(answers("rankPreservingReshape", _X, target_shape=target)[0], judged("Reshape", _X, np.int64(target))[0])


@pytest.mark.parametrize("axes", [(0,), (2,), (0, -2)])
def test_squeeze(axes):
    same(answers("squeeze", _ONES, axes=axes)[0], judged("Squeeze", _ONES, np.int64(axes))[0])
    same(answers("squeeze", _ONES, squeeze_all=True)[0], judged("Squeeze", _ONES)[0])


@pytest.mark.parametrize("axes", [(0,), (-1,), (1, 3), (-1, 0)])
def test_expand_dims(axes):
    same(answers("expandDims", _X, axes=axes)[0], judged("Unsqueeze", _X, np.int64(axes))[0])


@pytest.mark.parametrize("axis", [0, 1, -1, 3])
def test_flatten(axis):
    same(answers("flattenTo2D", _X, axis=axis)[0], judged("Flatten", _X, axis=axis)[0])


@pytest.mark.parametrize("pairs", [((1, 0), (0, 2), (3, 1)), ((0, 0), (0, 0), (0, 1))])
def test_pad(pairs):
    want = judged("Pad", _X, np.int64([*(p[0] for p in pairs), *(p[1] for p in pairs)]), np.float32(2.5))[0]
    amounts = [n for pair in pairs for n in pair]
    same(answers("constantPad", _X, pad_amounts=amounts, value=2.5)[0], want)
    same(answers("constantPad", _X, amounts, value=2.5)[0], want)
