"""Random numbers. A seed gives the same numbers in every call, though not those of other runtimes; without one,
every call draws new numbers."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.model import element_type
from graphml.convert.onnx.tensors import Shape, Tensor, blob_shape
from graphml.convert.onnx.writer import Writer

_NEW_NUMBERS = -1


def _seed(seed: float | None) -> int:
    """A seed of the network. Integers are kept; other numbers are hashed to an integer."""
    if seed is None:
        return _NEW_NUMBERS
    return int(seed) if seed == int(seed) and seed >= 0 else struct.unpack("<I", struct.pack("<f", seed))[0] >> 1


def _type(dtype: int | None, default: Any) -> Any:
    return default if dtype is None else element_type(dtype)


def _static(w: Writer, kind: str, shape: tuple[int, ...], dtype: Any, **fields: Any) -> Tensor:
    shapes: list[Shape] = [tuple(shape)] * w.sets
    return w.layer(f"{kind}Static", [], dtype=dtype, shapes=shapes, output_shape=blob_shape(tuple(shape)), **fields)


@operator("RandomNormal")
def random_normal(
    w: Writer,
    *,
    shape: tuple[int, ...],
    dtype: int | None = None,
    mean: float = 0.0,
    scale: float = 1.0,
    seed: float | None = None,
) -> Tensor:
    made = _type(dtype, np.float32)
    return _static(w, "randomNormal", shape, made, mean=mean, std_dev=scale, seed=_seed(seed))


@operator("RandomUniform")
def random_uniform(
    w: Writer,
    *,
    shape: tuple[int, ...],
    dtype: int | None = None,
    low: float = 0.0,
    high: float = 1.0,
    seed: float | None = None,
) -> Tensor:
    made = _type(dtype, np.float32)
    return _static(w, "randomUniform", shape, made, min_val=low, max_val=high, seed=_seed(seed))


@operator("RandomNormalLike")
def random_normal_like(
    w: Writer, x: Tensor, *, dtype: int | None = None, mean: float = 0.0, scale: float = 1.0, seed: float | None = None
) -> Tensor:
    made = _type(dtype, x.dtype)
    return basics.unary(w, "randomNormalLike", x, dtype=made, mean=mean, std_dev=scale, seed=_seed(seed))


@operator("RandomUniformLike")
def random_uniform_like(
    w: Writer, x: Tensor, *, dtype: int | None = None, low: float = 0.0, high: float = 1.0, seed: float | None = None
) -> Tensor:
    made = _type(dtype, x.dtype)
    return basics.unary(w, "randomUniformLike", x, dtype=made, min_val=low, max_val=high, seed=_seed(seed))


@operator("Bernoulli")
def bernoulli(w: Writer, x: Tensor, *, dtype: int | None = None, seed: float | None = None) -> Tensor:
    """1 with the probability in x. The layer of this name has one probability for all elements."""
    drawn = basics.unary(w, "randomUniformLike", x, min_val=0.0, max_val=1.0, seed=_seed(seed))
    return basics.retyped(w, basics.compare(w, "lessThan", drawn, x), _type(dtype, x.dtype))


@operator("Multinomial")
def multinomial(
    w: Writer, x: Tensor, *, sample_size: int = 1, dtype: int | None = None, seed: float | None = None
) -> Tensor:
    """Classes drawn with x as unnormalized log probabilities."""
    return w.layer(
        "categoricalDistribution",
        [x],
        dtype=_type(dtype, np.int32),
        shapes=[(*shape[:-1], sample_size) for shape in x.shapes],
        num_samples=sample_size,
        is_logits=True,
        eps=1e-10,
        temperature=1.0,
        seed=_seed(seed),
    )
