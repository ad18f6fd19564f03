"""Joining, splitting and reordering against onnxruntime."""

import numpy as np
import pytest
from cases import numbers
from one_layer import answers, same
from one_node import judged

_X = numbers(2, 3, 4)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concat(axis):
    inputs = _X, _X + 9, _X - 9
    same(answers("concatND", *inputs, axis=axis)[0], judged("Concat", *inputs, axis=axis)[0])


@pytest.mark.parametrize("axis", [0, 2, -1, -4])
def test_stack(axis):
    inputs = _X, _X + 9
    together = judged("Concat", *(judged("Unsqueeze", x, np.int64([axis]))[0] for x in inputs), axis=axis)[0]
    same(answers("stack", *inputs, axis=axis)[0], together)


@pytest.mark.parametrize(("axis", "sizes"), [(0, (1, 1)), (1, (2, 1)), (-1, (1, 1, 2))])
def test_split(axis, sizes):
    want = judged("Split", _X, np.int64(sizes), outputs=len(sizes), axis=axis)
    for got, part in zip(answers("splitND", _X, outputs=len(sizes), axis=axis, split_sizes=sizes), want, strict=True):
        same(got, part)


@pytest.mark.parametrize("reps", [(2, 1, 3), (1, 1, 2)])
def test_tile(reps):
    want = judged("Tile", _X, np.int64(reps))[0]
    same(answers("tile", _X, reps=reps)[0], want)
    same(answers("tile", _X, reps)[0], want)


@pytest.mark.parametrize("axes", [(2, 0, 1), (1, 0, 2), (0, 1, 2)])
def test_transpose(axes):
    same(answers("transpose", _X, axes=axes)[0], judged("Transpose", _X, perm=axes)[0])


@pytest.mark.parametrize(("batch", "time"), [(0, 1), (1, 0)])
@pytest.mark.parametrize("lengths", [(1, 2, 3), (3, 1, 2)])
def test_reversed_sequences(batch, time, lengths):
    x = numbers(3, 3, 4)
    want = judged("ReverseSequence", x, np.int64(lengths), batch_axis=batch, time_axis=time)[0]
    same(answers("reverseSeq", x, lengths, batch_axis=batch, sequence_axis=time)[0], want)
