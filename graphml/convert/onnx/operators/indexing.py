"""Parts of tensors by position: gathering, scattering and slicing."""

from __future__ import annotations

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer


@operator("Gather")
def gather(w: Writer, x: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    at = x.axis(axis)
    shapes = [own[:at] + part + own[at + 1 :] for own, part in zip(x.shapes, indices.shapes, strict=True)]
    if indices.rank == 0 and indices.constant is not None:
        index = int(indices.constant)
        one = basics.slice_axis(w, x, at, index, None if index == -1 else index + 1)
        return basics.squeeze(w, one, [at])
    flat = basics.reshape(w, indices, [(int(np.prod(shape)),) for shape in indices.shapes])
    rows = w.layer("gather", [x, flat], axis=at)
    return basics.reshape(w, rows, shapes, [x, indices])
