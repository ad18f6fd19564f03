"""Slices against onnxruntime."""

import numpy as np
import pytest
from cases import numbers
from one_layer import answers, same
from one_node import judged

_X = numbers(5, 6, 4)
_FAR = 2**31 - 1


@pytest.mark.parametrize(
    ("begin", "end", "strides"),
    [
        ((0, 0, 0), (5, 6, 4), (1, 1, 1)),
        ((1, -4, 0), (4, _FAR, -1), (2, 1, 3)),
        ((4, 5, 3), (0, -_FAR, -4), (-1, -2, -1)),
        ((-9, 9, -1), (9, 0, 0), (1, -1, -2)),
        ((3, 0, 0), (1, 6, 4), (1, 1, 1)),
    ],
)
def test_slices(begin, end, strides):
    want = judged("Slice", _X, *(np.int64(list_) for list_ in (begin, end)), np.arange(3), np.int64(strides))[0]
    same(answers("sliceStatic", _X, begin_ids=begin, end_ids=end, strides=strides)[0], want)
    same(answers("sliceDynamic", _X, begin, end, strides)[0], want)
    same(answers("sliceDynamic", _X, begin, end, strides=strides)[0], want)


@pytest.mark.parametrize(("axis", "begin", "size"), [(0, 1, 3), (1, 2, 4), (-1, 0, 1)])
def test_slices_by_size(axis, begin, size):
    want = judged("Slice", _X, np.int64([begin]), np.int64([begin + size]), np.int64([axis]))[0]
    same(answers("sliceBySize", _X, [begin], axis=axis, size=size)[0], want)
