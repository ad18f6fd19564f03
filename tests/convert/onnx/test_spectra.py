"""Fourier transforms, judged by onnxruntime and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx_models import agree, graph

import graphml
from graphml.convert.onnx import network_from_onnx
from graphml.errors import UnsupportedError

_DRAW = np.random.default_rng(23)


def _numbers(*shape: int) -> Any:
    return _DRAW.normal(size=shape).astype(np.float32)


def test_transforms() -> None:
    nodes = [
        helper.make_node("DFT", ["real"], ["plain"]),
        helper.make_node("DFT", ["real", "eight"], ["padded"], onesided=1),
        helper.make_node("DFT", ["real", "four"], ["cut"], axis=-2),
        helper.make_node("DFT", ["complex"], ["inverse"], inverse=1, axis=2),
        helper.make_node("DFT", ["complex"], ["complex_out"], axis=1),
    ]
    inputs = {"real": (np.float32, (2, 6, 1)), "complex": (np.float32, (2, 3, 5, 2))}
    constants = {"eight": np.int64(8), "four": np.int64(4)}
    model = graph(nodes, inputs, [node.output[0] for node in nodes], constants)
    agree(model, {"real": _numbers(2, 6, 1), "complex": _numbers(2, 3, 5, 2)})


@pytest.mark.parametrize("length", [6, 7])
def test_the_inverse_of_a_one_sided_spectrum(length: int) -> None:
    node = helper.make_node("DFT", ["x", "n"], ["y"], onesided=1, inverse=1)
    model = graph([node], {"x": (np.float32, (2, 4, 2))}, ["y"], {"n": np.int64(length)}, opset=20)
    x = _numbers(2, 4, 2)
    x[:, 0, 1] = 0  # a real signal has a real sum, and a real last value if its length is even
    x[:, 3, 1] *= length % 2
    found = graphml.load(network_from_onnx(model).model).predict({"x": x})["y"]
    wanted = np.fft.irfft(x[..., 0] + 1j * x[..., 1], length)
    np.testing.assert_allclose(found[..., 0], wanted, 1e-4, 1e-5)


def test_short_transforms_of_signals_that_vary_in_length() -> None:
    nodes = [
        helper.make_node("HannWindow", ["size"], ["hann"]),
        helper.make_node("STFT", ["x", "step", "hann"], ["y"]),
        helper.make_node("STFT", ["x", "step", "window"], ["computed"], onesided=0),
        helper.make_node("STFT", ["x", "step", "", "size"], ["plain"]),
    ]
    inputs = {"x": (np.float32, (2, "n", 1)), "window": (np.float32, (8,))}
    model = graph(nodes, inputs, ["y", "computed", "plain"], {"size": np.int64(8), "step": np.int64(3)})
    agree(model, *({"x": _numbers(2, n, 1), "window": _numbers(8)} for n in (20, 33)))


def test_windows_and_mel_filters() -> None:
    kinds = ("HannWindow", "HammingWindow", "BlackmanWindow")
    nodes = [helper.make_node(kind, ["n"], [f"{kind}{p}"], periodic=p) for kind in kinds for p in (0, 1)]
    nodes.append(helper.make_node("MelWeightMatrix", ["bins", "dft", "rate", "low", "high"], ["mel"]))
    constants = {"n": np.int64(9), "bins": np.int64(6), "dft": np.int64(32), "rate": np.int64(8000)}
    constants |= {"low": np.float32(100), "high": np.float32(3800)}
    names = [node.output[0] for node in nodes]
    used = [helper.make_node("Mul", [name, "x"], [f"{name}_out"]) for name in names]
    model = graph([*nodes, *used], {"x": (np.float32, (1,))}, [f"{name}_out" for name in names], constants)
    agree(model, {"x": np.float32([2])})


def test_a_transform_of_an_axis_that_varies_is_refused() -> None:
    model = graph([helper.make_node("DFT", ["x"], ["y"])], {"x": (np.float32, (1, "n", 1))}, ["y"])
    with pytest.raises(UnsupportedError, match="its size must be fixed"):
        network_from_onnx(model)
