"""The networks that are compared, with random weights. `rendering.py` renders each of them for every library."""

from __future__ import annotations

from typing import Any

import numpy as np
from rendering import Network, Step


class _Sketch:
    """A chain of steps with random weights; each method appends a step and returns the name of its output blob."""

    def __init__(self, channels: int) -> None:
        self.steps: list[Step] = []
        self.channels = {"x": channels}
        self._random = np.random.default_rng(1)

    def _normal(self, *shape: int, spread: float) -> np.ndarray:
        return (spread * self._random.standard_normal(shape)).astype(np.float32)

    def step(self, kind: str, *inputs: str, channels: int | None = None, **facts: Any) -> str:
        name = f"{kind}{len(self.steps)}"
        self.steps.append(Step(kind, inputs, name, **facts))
        self.channels[name] = self.channels[inputs[0]] if channels is None else channels
        return name

    def conv(
        self,
        x: str,
        channels: int,
        window: int = 1,
        stride: int = 1,
        groups: int = 1,
        act: str = "",
        gain: float = 1.0,
        norm: bool = True,
    ) -> str:
        """Convolution, batch normalization and an activation; without normalization, a bias. gain: of the former."""
        read = self.channels[x] // groups
        weights = {"weights": self._normal(channels, read, window, window, spread=(2 / (read * window**2)) ** 0.5)}
        if not norm:
            weights["bias"] = self._normal(channels, spread=0.1)
        sizes = {"window": window, "stride": stride, "pad": window // 2, "groups": groups}
        x = self.step("conv", x, channels=channels, weights=weights, **sizes)
        if not norm:
            return self.step(act, x) if act else x
        statistics = {
            "gamma": gain * (1 + self._normal(channels, spread=0.1)),
            "beta": self._normal(channels, spread=0.1),
            "mean": self._normal(channels, spread=0.1),
            "variance": 1 + self._random.random(channels, np.float32),
        }
        x = self.step("norm", x, weights=statistics)
        return self.step(act, x) if act else x

    def dense(self, x: str, read: int, channels: int) -> str:
        weights = {
            "weights": self._normal(channels, read, spread=read**-0.5),
            "bias": self._normal(channels, spread=0.1),
        }
        return self.step("dense", x, channels=channels, weights=weights)


def mobilenet_v2(size: int = 224, width: float = 1.0, classes: int = 1000) -> Network:
    """Inverted residual blocks: 1x1 convolutions around a depthwise 3x3."""

    def wide(channels: int) -> int:
        return max(8, int(channels * width + 4) // 8 * 8)

    net = _Sketch(3)
    x = net.conv("x", wide(32), 3, stride=2, act="relu6")
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expand, channels, count, first in stages:
        for stride in (first,) + (1,) * (count - 1):
            inner = expand * net.channels[x]
            y = net.conv(x, inner, act="relu6") if expand > 1 else x
            y = net.conv(y, inner, 3, stride=stride, groups=inner, act="relu6")
            y = net.conv(y, wide(channels), gain=0.5)
            x = net.step("add", x, y) if net.channels[x] == wide(channels) and stride == 1 else y
    x = net.conv(x, max(wide(1280), 64), act="relu6")
    x = net.dense(net.step("mean", x), net.channels[x], classes)
    net.step("softmax", x)
    return Network((3, size, size), tuple(net.steps))


def resnet50(size: int = 224, width: float = 1.0, classes: int = 1000) -> Network:
    """Bottleneck blocks: 1x1, 3x3, 1x1 convolutions beside a shortcut; the stride is in the 3x3."""
    net = _Sketch(3)
    x = net.conv("x", int(64 * width), 7, stride=2, act="relu")
    x = net.step("maxpool", x, window=3, stride=2, pad=1)
    for channels, count, first in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        inner = int(channels * width)
        for stride in (first,) + (1,) * (count - 1):
            y = net.conv(x, inner, act="relu")
            y = net.conv(y, inner, 3, stride=stride, act="relu")
            y = net.conv(y, 4 * inner, gain=0.3)
            if stride > 1 or net.channels[x] != 4 * inner:
                x = net.conv(x, 4 * inner, stride=stride)
            x = net.step("relu", net.step("add", x, y))
    x = net.dense(net.step("mean", x), net.channels[x], classes)
    net.step("softmax", x)
    return Network((3, size, size), tuple(net.steps))


def small_cnn(size: int = 32, width: int = 32, classes: int = 10) -> Network:
    """Two convolutions with biases and pooling, two dense layers; for training."""
    net = _Sketch(3)
    x = net.conv("x", width, 3, act="relu", norm=False)
    x = net.step("maxpool", x, window=2, stride=2)
    x = net.conv(x, 2 * width, 3, act="relu", norm=False)
    x = net.step("maxpool", x, window=2, stride=2)
    x = net.dense(x, 2 * width * (size // 4) ** 2, 4 * width)
    net.step("softmax", net.dense(net.step("relu", x), 4 * width, classes))
    return Network((3, size, size), tuple(net.steps))


def large_dense(size: int = 5000, layers: int = 4) -> Network:
    """Matrices of 400 MB, where loading costs more than computing."""
    net = _Sketch(size)
    x = "x"
    for _ in range(layers):
        x = net.step("relu", net.dense(x, size, size))
    return Network((size,), tuple(net.steps))


def tiny_dense() -> Network:
    """Almost no work, to measure the overhead of a call."""
    net = _Sketch(8)
    net.dense("x", 8, 8)
    return Network((8,), tuple(net.steps))


def lstm(read: int = 128, size: int = 256, length: int = 100) -> Network:
    """One LSTM that returns its output at every step."""
    net = _Sketch(read)
    weights = {
        "w": net._normal(4 * size, read, spread=read**-0.5),
        "r": net._normal(4 * size, size, spread=size**-0.5),
        "bias": net._normal(4 * size, spread=0.1),
    }
    net.step("lstm", "x", channels=size, weights=weights)
    return Network((read,), tuple(net.steps), length)


def encoder(layers: int, width: int, heads: int, words: int, vocabulary: int = 30522) -> Network:
    """BERT's encoder: word and position embeddings, then layers of attention and of two dense layers, each followed by
    a residual connection and a normalization."""
    net = _Sketch(1)

    def normal(x: str) -> str:
        weights = {"gamma": 1 + net._normal(width, spread=0.1), "beta": net._normal(width, spread=0.1)}
        return net.step("layernorm", x, weights=weights)

    def project(x: str, read: int, size: int) -> str:
        weights = {"weights": net._normal(size, read, spread=read**-0.5), "bias": net._normal(size, spread=0.1)}
        return net.step("project", x, weights=weights)

    x = net.step("embed", "x", weights={"table": net._normal(vocabulary, width, spread=1.0)})
    x = normal(net.step("places", x, weights={"rows": net._normal(words, width, spread=1.0)}))
    for _ in range(layers):
        y = net.step("attention", *(project(x, width, width) for _ in "qkv"), heads=heads, width=width)
        x = normal(net.step("add", x, project(y, width, width)))
        y = net.step("gelu", project(x, width, 4 * width))
        x = normal(net.step("add", x, project(y, 4 * width, width)))
    return Network((words, 1), tuple(net.steps), words=vocabulary)
