"""Filling, broadcasting and ranges against onnxruntime."""

import numpy as np
import pytest
from cases import numbers
from one_layer import answers, same
from one_node import judged, onnx


@pytest.mark.parametrize("shape", [(2, 3), (4,), (1, 0, 2)])
def test_filling(shape):
    value = onnx.numpy_helper.from_array(np.float32([2.5]))
    want = judged("ConstantOfShape", np.int64(shape), value=value)[0]
    same(answers("fillDynamic", shape, value=2.5)[0], want)
    same(answers("fillStatic", target_shape=shape, value=2.5)[0], want)
    same(answers("fillLike", np.zeros(shape), value=2.5)[0], want)


@pytest.mark.parametrize(("given", "shape"), [((3,), (2, 3)), ((2, 1), (2, 4)), ((1, 3, 1), (2, 3, 4)), ((1,), (5,))])
def test_broadcasting(given, shape):
    x = numbers(*given)
    want = judged("Expand", x, np.int64(shape))[0]
    same(answers("broadcastToDynamic", x, shape)[0], want)
    same(answers("broadcastToStatic", x, target_shape=shape)[0], want)
    same(answers("broadcastToLike", x, np.zeros(shape))[0], want)


@pytest.mark.parametrize(("start", "end", "step"), [(1, 8, 3), (3, 0, -1), (0, 1, 0.25), (5, 5, 1), (-1, 2, 0.7)])
def test_ranges(start, end, step):
    want = judged("Range", *(np.float32(number) for number in (start, end, step)))[0]
    same(answers("rangeStatic", start_value=start, end_value=end, step_size_value=step)[0], want, rtol=1e-6)
    same(answers("rangeDynamic", [end], [start], [step])[0], want, rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 1, 6), (3,), (0, 2)])
def test_shapes(shape):
    same(answers("getShape", np.zeros(shape))[0], judged("Shape", np.zeros(shape, np.float32))[0])
