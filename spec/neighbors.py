"""The samples of a nearest-neighbours model <-> one matrix.

Reading each sample from its message would take a call per number. Serialized samples of equal length are a block of
bytes with a constant stride, which NumPy reads at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphml.errors import SpecError


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _head(width: int) -> bytes:
    """The bytes before the values of a sample: field and size of the message, field and size of its values."""
    inner = b"\x0a" + _varint(4 * width)
    return b"\x12" + _varint(len(inner) + 4 * width) + inner


def samples_of(index: Any) -> np.ndarray:
    """Read the samples of a NearestNeighborsIndex.

    Returns:
        float32 [samples, dimensions].

    Raises:
        SpecError: If a sample has another number of dimensions than the index declares.
    """
    count, width = len(index.floatSamples), index.numberOfDimensions
    if not count or width < 1:
        return np.zeros((count, max(width, 0)), np.float32)
    head, data = _head(width), index.SerializeToString()
    stride = len(head) + 4 * width
    start = 1 + len(_varint(width))  # numberOfDimensions comes first
    if len(data) >= start + count * stride:
        block = np.frombuffer(data, np.uint8, count * stride, start).reshape(count, stride)
        if (block[:, : len(head)] == np.frombuffer(head, np.uint8)).all():
            return np.ascontiguousarray(block[:, len(head) :]).view("<f4").astype(np.float32, copy=False)
    # sizes differ, or there are fields of a later version between the values
    for position, sample in enumerate(index.floatSamples):
        if len(sample.vector) != width:
            raise SpecError(f"sample {position + 1} must have {width} numbers, got {len(sample.vector)}")
    return np.array([sample.vector for sample in index.floatSamples], np.float32)


def add_samples(index: Any, samples: np.ndarray) -> None:
    """Append samples, float32 [samples, dimensions], to a NearestNeighborsIndex."""
    head = np.frombuffer(_head(samples.shape[1]), np.uint8)
    numbers = np.ascontiguousarray(samples, "<f4").view(np.uint8).reshape(len(samples), 4 * samples.shape[1])
    heads = np.broadcast_to(head, (len(samples), len(head)))
    index.MergeFromString(np.concatenate([heads, numbers], axis=1).tobytes())


def labels_of(classifier: Any) -> Sequence[str] | Sequence[int]:
    """The label of each sample of a KNearestNeighborsClassifier."""
    which = classifier.WhichOneof("ClassLabels")
    return list(getattr(classifier, which).vector) if which else []
