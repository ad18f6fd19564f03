"""Networks along time: attention, recurrence, causal convolutions."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from named_networks.twins import Finished, Twins

_HEADS, _WIDTH, _WORDS = 2, 8, 11


def _tokens(*shape: int, below: int = _WORDS) -> np.ndarray:
    return np.random.default_rng(4).integers(0, below, shape)


def _signal(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def _attention(net: Twins, x: str, length: int, mask) -> str:
    """Scaled dot products of several heads on [1, length, width]. mask: scores -> masked scores."""

    def heads(y: str) -> str:
        return net.transpose(net.reshape(y, 1, length, _HEADS, _WIDTH // _HEADS), 0, 2, 1, 3)

    q, k, v = (heads(y) for y in net.split(net.project(x, _WIDTH, 3 * _WIDTH), *[_WIDTH] * 3, axis=-1))
    scores = net.multiply(net.product(q, k, rank=4), (_WIDTH // _HEADS) ** -0.5)
    y = net.product(net.softmax(mask(scores), axis=-1), v)
    y = net.reshape(net.transpose(y, 0, 2, 1, 3), 1, length, _WIDTH)
    return net.project(y, _WIDTH, _WIDTH)


def gpt2() -> Finished:
    """Two blocks with normalization first and a causal mask; the words' table gives the logits again."""
    length = 6
    net, table = Twins(tokens=_tokens(1, length, 1)), _signal(_WORDS, _WIDTH) / 2
    order = net.new("order")
    net.layer("rangeStatic", [], [order], start_value=0, end_value=length, step_size_value=1)
    net.node("Range", [0.0, float(length), 1.0], [order])
    places = net.gather(net.weights(9, _WIDTH), order, axis=0)
    x = net.add(net.embedding("tokens", table), places)

    ones, past = net.new("ones"), net.new("past")
    net.layer("fillStatic", [], [ones], value=1.0, target_shape=(length, length))
    net.layer("lowerTriangular", [ones], [past], k=0)
    allowed = net.node("Cast", [np.tri(length, dtype=np.float32)], to=TensorProto.BOOL)

    def causal(scores: str) -> str:
        low, masked = net.blob(-1e4), net.new()
        net.layer("whereBroadcastable", [past, scores, low], [masked])
        return net.node("Where", [allowed, scores, low], [masked])

    for _ in range(2):
        x = net.add(x, _attention(net, net.layer_norm(x, _WIDTH), length, causal))
        inner = net.gelu(net.project(net.layer_norm(x, _WIDTH), _WIDTH, 4 * _WIDTH), "TANH_APPROXIMATION")
        x = net.add(x, net.project(inner, 4 * _WIDTH, _WIDTH))
    logits = net.project(net.layer_norm(x, _WIDTH), _WIDTH, _WORDS, matrix=np.ascontiguousarray(table.T))
    return net.finished(logits)


def bert() -> Finished:
    """Two blocks with normalization last and a mask of padding; logits of the span, and a pooled class."""
    length = 7
    padding = (np.arange(length) < 5).astype(np.float32).reshape(1, 1, 1, length)
    net = Twins(tokens=_tokens(1, length, 1), segments=_tokens(1, length, 1, below=2), mask=padding)
    tables = [net.weights(count, _WIDTH, fan_in=4) for count in (_WORDS, 2)]
    x = net.add(net.embedding("tokens", tables[0]), net.embedding("segments", tables[1]))
    x = net.layer_norm(net.add(x, net.weights(length, _WIDTH, fan_in=4)), _WIDTH)
    hidden = net.multiply(net.add("mask", -1), 1e4)
    for _ in range(2):
        x = net.layer_norm(net.add(x, _attention(net, x, length, lambda scores: net.add(scores, hidden))), _WIDTH)
        inner = net.gelu(net.project(x, _WIDTH, 4 * _WIDTH), "EXACT")
        x = net.layer_norm(net.add(x, net.project(inner, 4 * _WIDTH, _WIDTH)), _WIDTH)
    start, end = net.split(net.project(x, _WIDTH, 2), 1, 1, axis=-1)
    pooled = net.activation(net.dense(net.take(x, 0, axis=1, rank=3), _WIDTH, _WIDTH), "tanh")
    return net.finished(start, end, net.softmax(net.dense(pooled, _WIDTH, 3), axis=-1))


def sequence_to_sequence() -> Finished:
    """A bidirectional LSTM reads, a GRU writes and looks back through attention; [sequence, batch, ...]."""
    size, batch = 6, 2
    net = Twins(source=_tokens(7, batch, 1), target=_tokens(5, batch, 1))
    words = [net.weights(_WORDS, _WIDTH, fan_in=2) for _ in range(2)]
    memory = net.lstm(net.embedding("source", words[0]), _WIDTH, size, both_ways=True)
    first = net.activation(net.dense(net.take(memory, -1, axis=0, rank=3), 2 * size, size), "tanh")
    written = net.gru(net.embedding("target", words[1]), net.reshape(first, 1, batch, size), _WIDTH, size)
    asked = net.transpose(written, 1, 0, 2)
    keys = net.transpose(memory, 1, 0, 2)
    weights = net.softmax(net.product(net.project(asked, size, 2 * size), keys, rank=3), axis=-1)
    y = net.concat(net.product(weights, keys), asked, axis=-1)
    y = net.activation(net.project(y, 3 * size, size), "tanh")
    return net.finished(net.softmax(net.project(y, size, _WORDS), axis=-1), weights)


def wavenet() -> Finished:
    """Dilated causal convolutions with gates along the width of images of height 1, residuals and skips."""
    net, channels = Twins(x=_signal(1, 1, 1, 24)), 6

    def causal(x: str, read: int, dilation: int) -> str:
        return net.conv(x, read, channels, (1, 2), pad=((0, 0), (dilation, 0)), dilation=(1, dilation))

    x, skips = causal("x", 1, 1), []
    for dilation in (1, 2, 4, 8):
        x = net.add(x, net.conv(skips[-1], channels, channels)) if skips else x
        gate, value = (causal(x, channels, dilation) for _ in range(2))
        skips.append(net.multiply(net.activation(value, "tanh"), net.activation(gate, "sigmoid")))
    total = net.conv(skips[0], channels, 8)
    for skip in skips[1:]:
        total = net.add(total, net.conv(skip, channels, 8))
    return net.finished(net.softmax(net.conv(net.relu(net.conv(net.relu(total), 8, 8)), 8, 10), axis=1))


def deep_conv_lstm() -> Finished:
    """Activity from sensors: convolutions along time for each sensor, then two LSTMs."""
    net, length, sensors = Twins(x=_signal(1, 1, 14, 3)), 14, 3
    x = net.relu(net.conv("x", 1, 4, (5, 1), pad=((0, 0), (0, 0))))
    x = net.relu(net.conv(x, 4, 4, (5, 1), pad=((0, 0), (0, 0))))
    x = net.reshape(net.transpose(x, 2, 0, 1, 3), length - 8, 1, 4 * sensors)
    x = net.lstm(net.lstm(x, 4 * sensors, 6), 6, 6)
    return net.finished(net.softmax(net.dense(net.take(x, -1, axis=0, rank=3), 6, 5), axis=-1))


def deep_speech() -> Finished:
    """Strided convolutions over a spectrogram with a clipped ReLU, a bidirectional LSTM, letters at every step."""
    net, bands = Twins(x=_signal(1, 1, 12, 20)), 6
    x = net.clip(net.batch_norm(net.conv("x", 1, 4, (5, 5), stride=(2, 2)), 4), 0, 20)
    x = net.clip(net.batch_norm(net.conv(x, 4, 4, (3, 5)), 4), 0, 20)
    x = net.reshape(net.transpose(x, 3, 0, 1, 2), 10, 1, 4 * bands)
    x = net.lstm(x, 4 * bands, 6, both_ways=True)
    return net.finished(net.softmax(net.project(x, 12, _WORDS), axis=-1))


SEQUENCE = {make.__name__: make for make in (gpt2, bert, sequence_to_sequence, wavenet, deep_conv_lstm, deep_speech)}
