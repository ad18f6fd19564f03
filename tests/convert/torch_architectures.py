"""Small torch networks in the shapes of well-known ones.

`calibrated` draws weights that keep numbers of ordinary size from layer to layer, and sets the statistics of batch
norms from data, so that a relative difference between answers means something.
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false
from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

Network = tuple[nn.Module, tuple[torch.Tensor, ...]]


def calibrated(module: nn.Module, *inputs: torch.Tensor) -> Network:
    """The module for prediction, with weights that fit, and sample inputs."""
    for parameter in module.parameters():
        if parameter.ndim > 1:
            nn.init.kaiming_normal_(parameter)
        else:
            nn.init.uniform_(parameter, 0.1, 0.5)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.momentum = None  # a plain mean over what is seen
    module.train()
    with torch.no_grad():
        module(*inputs)
    return module.eval(), inputs


def _image(size: int = 24, channels: int = 3) -> torch.Tensor:
    return torch.rand(1, channels, size, size, generator=torch.Generator().manual_seed(1))


def _signal(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


def _words(*shape: int) -> torch.Tensor:
    return torch.randint(0, 20, shape, generator=torch.Generator().manual_seed(3))


def _conv(before: int, after: int, size: int = 3, **options: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, size, padding=options.pop("padding", size // 2), bias=False, **options),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


class Lambda(nn.Module):
    """A module of a function."""

    def __init__(self, function: Callable[..., object], *modules: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(modules)

    def forward(self, *inputs):
        return self.function(*self.parts, *inputs)


def _beside(*branches: nn.Module) -> nn.Module:
    return Lambda(lambda *every: torch.cat([branch(every[-1]) for branch in every[:-1]], 1), *branches)


def _head(channels: int, classes: int = 6) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def inception() -> Network:
    block = _beside(
        _conv(8, 4, 1),
        nn.Sequential(_conv(8, 4, 1), _conv(4, 6)),
        nn.Sequential(_conv(8, 2, 1), _conv(2, 4, 5)),
        nn.Sequential(nn.MaxPool2d(3, 1, 1), _conv(8, 4, 1)),
    )
    return calibrated(
        nn.Sequential(_conv(3, 8, 7, stride=2), block, nn.MaxPool2d(3, 2, ceil_mode=True), _head(18)), _image()
    )


def vgg() -> Network:
    body = [_conv(3, 8), _conv(8, 8), nn.MaxPool2d(2), _conv(8, 12), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(3)]
    head = [nn.Flatten(), nn.Linear(108, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 6)]
    return calibrated(nn.Sequential(*body, *head), _image())


class Dense(nn.Module):
    """A DenseNet layer: its output concatenated with its input."""

    def __init__(self, channels: int, grow: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(channels), nn.Conv2d(channels, grow, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.conv(F.relu(self.norm(x)))], 1)


def densenet() -> Network:
    body = [_conv(3, 8), Dense(8, 4), Dense(12, 4), Dense(16, 4), nn.BatchNorm2d(20), nn.ReLU(), nn.AvgPool2d(2)]
    return calibrated(nn.Sequential(*body, _head(20)), _image())


def squeezenet() -> Network:
    fire = nn.Sequential(_conv(8, 4, 1), _beside(_conv(4, 6, 1), _conv(4, 6)))
    return calibrated(
        nn.Sequential(_conv(3, 8, stride=2), fire, nn.Conv2d(12, 6, 1), nn.AdaptiveAvgPool2d(1)), _image()
    )


def resnet() -> Network:
    def block(conv: nn.Module, last: nn.Module, skip: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return F.relu(last(conv(x)) + skip(x))

    parts = (_conv(8, 12, stride=2), nn.Sequential(nn.Conv2d(12, 12, 3, padding=1), nn.BatchNorm2d(12)))
    skip = nn.Sequential(nn.Conv2d(8, 12, 1, stride=2), nn.BatchNorm2d(12))
    return calibrated(nn.Sequential(_conv(3, 8), Lambda(block, *parts, skip), _head(12)), _image())


def mobilenet() -> Network:
    inverted = nn.Sequential(_conv(8, 24, 1), _conv(24, 24, groups=24), nn.Conv2d(24, 8, 1), nn.BatchNorm2d(8))
    body = Lambda(lambda inner, x: x + inner(x), inverted)
    return calibrated(nn.Sequential(_conv(3, 8, stride=2), body, nn.Hardswish(), _head(8)), _image())


def ssd_head() -> Network:
    def heads(first: nn.Module, second: nn.Module, boxes: nn.Module, classes: nn.Module, x: torch.Tensor):
        maps = [first(x)]
        maps.append(second(maps[0]))
        found = [head(each).permute(0, 2, 3, 1).flatten(1, 2) for head in (boxes, classes) for each in maps]
        return torch.cat(found[:2], 1), torch.softmax(torch.cat(found[2:], 1).unflatten(2, (2, 5)), -1)

    parts = (
        _conv(3, 8, stride=2),
        _conv(8, 8, stride=2),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.Conv2d(8, 10, 3, padding=1),
    )
    return calibrated(Lambda(heads, *parts), _image())


def yolo_head() -> Network:
    def decode(backbone: nn.Module, x: torch.Tensor) -> torch.Tensor:
        y = backbone(x)
        n, _, h, w = y.shape
        y = y.view(n, 2, 9, h, w).permute(0, 1, 3, 4, 2)
        grid = torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")[::-1], -1)
        centers = (y[..., :2].sigmoid() * 2 - 0.5 + grid) * 4
        extents = (y[..., 2:4].sigmoid() * 2) ** 2 * 8
        return torch.cat([centers, extents, y[..., 4:].sigmoid()], -1).view(n, -1, 9)

    return calibrated(
        Lambda(decode, nn.Sequential(_conv(3, 8, stride=2), _conv(8, 12, stride=2), nn.Conv2d(12, 18, 1))), _image()
    )


def deeplab() -> Network:
    def pooled(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        small = layer(x.mean((2, 3), keepdim=True))
        return F.interpolate(small, size=x.shape[2:], mode="bilinear", align_corners=False)

    pyramid = _beside(
        _conv(8, 4, 1), _conv(8, 4, dilation=2, padding=2), _conv(8, 4, dilation=4, padding=4),
        Lambda(pooled, nn.Sequential(nn.Conv2d(8, 4, 1), nn.ReLU())),
    )  # fmt: skip
    body = nn.Sequential(_conv(3, 8, stride=2), pyramid, nn.Conv2d(16, 5, 1))
    return calibrated(
        Lambda(lambda net, x: F.interpolate(net(x), size=x.shape[2:], mode="bilinear", align_corners=True), body),
        _image(),
    )


def fcn() -> Network:
    up = nn.ConvTranspose2d(5, 5, 4, stride=2, padding=1, bias=False)
    body = nn.Sequential(_conv(3, 8, stride=2), _conv(8, 8, stride=2), nn.Conv2d(8, 5, 1))
    again = nn.ConvTranspose2d(5, 5, 3, stride=2, padding=1, output_padding=1)
    return calibrated(nn.Sequential(body, up, again), _image())


class WaveNet(nn.Module):
    """Causal convolutions whose dilation doubles, gated, with skips."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Conv1d(1, 8, 1)
        self.gates = nn.ModuleList(nn.Conv1d(8, 16, 2, dilation=2**i) for i in range(4))
        self.skips = nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in range(4))
        self.end = nn.Sequential(nn.ReLU(), nn.Conv1d(8, 8, 1), nn.ReLU(), nn.Conv1d(8, 6, 1))

    def forward(self, x):
        x, total = self.start(x), 0
        for i, (gate, skip) in enumerate(zip(self.gates, self.skips, strict=True)):
            a, b = gate(F.pad(x, (2**i, 0))).chunk(2, 1)
            y = torch.tanh(a) * torch.sigmoid(b)
            total, x = total + skip(y), x + y
        return self.end(total)


class Tacotron(nn.Module):
    """A decoder that attends to words, and to where it attended before."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.encode = nn.LSTM(8, 6, batch_first=True, bidirectional=True)
        self.cell = nn.LSTMCell(16, 12)
        self.query, self.memory, self.place = nn.Linear(12, 8), nn.Linear(12, 8), nn.Conv1d(1, 8, 5, padding=2)
        self.score, self.frame = nn.Linear(8, 1), nn.Linear(24, 4)

    def forward(self, words):
        memory = self.encode(self.embed(words))[0]
        h = c = memory.new_zeros(1, 12)
        frame, weights, frames = memory.new_zeros(1, 4), memory.new_zeros(1, memory.shape[1]), []
        context = memory.mean(1)
        for _ in range(3):
            h, c = self.cell(torch.cat([frame, context], -1), (h, c))
            place = self.place(weights[:, None]).transpose(1, 2)
            energy = self.score(torch.tanh(self.query(h)[:, None] + self.memory(memory) + place))[..., 0]
            weights = torch.softmax(energy, -1)
            context = torch.bmm(weights[:, None], memory)[:, 0]
            frame = self.frame(torch.cat([h, context], -1))
            frames.append(frame)
        return torch.stack(frames, 1)


class BiDAF(nn.Module):
    """Attention from the question to the text and back."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.read = nn.Embedding(20, 8), nn.GRU(8, 6, batch_first=True, bidirectional=True)
        self.score, self.model = nn.Linear(36, 1), nn.LSTM(48, 6, batch_first=True, bidirectional=True)
        self.begin = nn.Linear(12, 1)

    def forward(self, text, question):
        c, q = (self.read(self.embed(words))[0] for words in (text, question))
        pairs = c[:, :, None] * q[:, None]
        wide = (c[:, :, None].expand_as(pairs), q[:, None].expand_as(pairs), pairs)
        scores = self.score(torch.cat(wide, -1))[..., 0]
        to_question = torch.softmax(scores, -1) @ q
        to_text = torch.softmax(scores.max(-1).values, -1)[:, None] @ c
        joined = torch.cat([c, to_question, c * to_question, c * to_text], -1)
        return self.begin(self.model(joined)[0])[..., 0]


class Attention(nn.Module):
    """Several heads; causal for a decoder of words."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x, memory=None):
        source = x if memory is None else memory
        q, k, v = (
            layer(part).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, part in ((self.q, x), (self.k, source), (self.v, source))
        )
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if self.causal:
            size = x.shape[1]
            scores = scores.masked_fill(torch.ones(size, size, dtype=torch.bool).triu(1), -1e4)
        return self.out((torch.softmax(scores, -1) @ v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A block of a transformer, with normalization before its parts."""

    def __init__(self, width: int = 8, causal: bool = False, crossed: bool = False) -> None:
        super().__init__()
        self.attend, self.norm1, self.norm2 = Attention(width, 2, causal), nn.LayerNorm(width), nn.LayerNorm(width)
        self.cross = Attention(width, 2, False) if crossed else None
        self.feed = nn.Sequential(nn.Linear(width, 16), nn.GELU(), nn.Linear(16, width))

    def forward(self, x, memory=None):
        x = x + self.attend(self.norm1(x))
        if self.cross is not None:
            x = x + self.cross(x, memory)
        return x + self.feed(self.norm2(x))


class GPT(nn.Module):
    """Words to logits of the next word, by the table that embeds them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(20, 8), nn.Embedding(16, 8)
        self.blocks, self.norm = nn.Sequential(Block(causal=True), Block(causal=True)), nn.LayerNorm(8)

    def forward(self, words):
        x = self.embed(words) + self.place(torch.arange(words.shape[1]))
        return self.norm(self.blocks(x)) @ self.embed.weight.T


class BERT(nn.Module):
    """Words and a mask to the beginnings and ends of answers."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.kinds, self.norm = nn.Embedding(20, 8), nn.Embedding(2, 8), nn.LayerNorm(8)
        self.blocks, self.answer = nn.ModuleList([Block(), Block()]), nn.Linear(8, 2)

    def forward(self, words, kinds):
        x = self.norm(self.embed(words) + self.kinds(kinds))
        for block in self.blocks:
            x = block(x)
        begin, end = self.answer(x).split(1, -1)
        return begin[..., 0], end[..., 0]


class Transformer(nn.Module):
    """An encoder and a decoder that reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.encoder, self.decoder = nn.Embedding(20, 8), Block(), Block(causal=True, crossed=True)
        self.out = nn.Linear(8, 20)

    def forward(self, source, target):
        return self.out(self.decoder(self.embed(target), self.encoder(self.embed(source))))


class DeepConvLSTM(nn.Module):
    """Sensors over time: convolutions along time, then two LSTMs."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.Sequential(nn.Conv2d(1, 6, (5, 1)), nn.ReLU(), nn.Conv2d(6, 6, (5, 1)), nn.ReLU())
        self.lstm, self.head = nn.LSTM(18, 10, num_layers=2, batch_first=True), nn.Linear(10, 4)

    def forward(self, x):
        y = self.convs(x).permute(0, 2, 1, 3).flatten(2)
        return self.head(self.lstm(y)[0][:, -1])


class Joint(nn.Module):
    """The joint network of an RNN transducer: every frame combined with every word."""

    def __init__(self) -> None:
        super().__init__()
        self.frames, self.embed = nn.LSTM(4, 8, batch_first=True), nn.Embedding(20, 6)
        self.words, self.out = nn.GRU(6, 8, batch_first=True), nn.Linear(8, 21)

    def forward(self, sound, words):
        f, w = self.frames(sound)[0], self.words(self.embed(words))[0]
        return torch.log_softmax(self.out(torch.tanh(f[:, :, None] + w[:, None])), -1)


NETWORKS: dict[str, Callable[[], Network]] = {
    **{each.__name__: each for each in (inception, vgg, densenet, squeezenet, resnet, mobilenet)},
    **{each.__name__: each for each in (ssd_head, yolo_head, deeplab, fcn)},
    "wavenet": lambda: calibrated(WaveNet(), _signal(1, 1, 40)),
    "tacotron": lambda: calibrated(Tacotron(), _words(1, 7)),
    "bidaf": lambda: calibrated(BiDAF(), _words(1, 9), _words(1, 4)),
    "gpt2": lambda: calibrated(GPT(), _words(1, 6)),
    "bert": lambda: calibrated(BERT(), _words(1, 6), _words(1, 6) % 2),
    "transformer": lambda: calibrated(Transformer(), _words(1, 6), _words(1, 5)),
    "deepconvlstm": lambda: calibrated(DeepConvLSTM(), _signal(1, 1, 24, 3)),
    "rnnt_joint": lambda: calibrated(Joint(), _signal(1, 5, 4), _words(1, 4)),
}
