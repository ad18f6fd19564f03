"""Small torch models with calibrated weights: every layer sees numbers of ordinary size."""

# pyright: reportMissingImports=false, reportMissingModuleSource=false
from __future__ import annotations

import torch
from torch import nn


class Residual(nn.Module):
    """A block of a ResNet."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.skip = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))) + self.skip(x))


def resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 7, 2, 3, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        Residual(8, 8, 1),
        Residual(8, 16, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


class Inverted(nn.Module):
    """A block of a MobileNetV2."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        wide = channels * 4
        self.body = nn.Sequential(
            nn.Conv2d(channels, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.Hardswish(),
            nn.Conv2d(wide, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.adds = stride == 1 and channels == out

    def forward(self, x):
        return x + self.body(x) if self.adds else self.body(x)


def mobilenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), Inverted(8, 8, 1), Inverted(8, 12, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(12, 6), nn.Softmax(-1),
    )  # fmt: skip


class Tagger(nn.Module):
    """Word indices to a class for each word, by an LSTM in both directions."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(40, 12)
        self.lstm = nn.LSTM(12, 10, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(20, 5)

    def forward(self, words):
        return self.fc(self.lstm(self.embed(words))[0])


class Encoder(nn.Module):
    """A small transformer for words, with a mask and two outputs by name."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.words = nn.Embedding(50, width)
        self.places = nn.Embedding(64, width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.fc = nn.Linear(width, 2)

    def forward(self, ids, mask):
        x = self.words(ids) + self.places(torch.arange(ids.shape[1]))[None]
        q, k, v = (part(x).reshape(1, -1, 4, 4).transpose(1, 2) for part in (self.query, self.key, self.value))
        scores = q @ k.transpose(-1, -2) / 2 + (1.0 - mask[:, None, None, :].float()) * -1e4
        x = self.norm1(x + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(1, -1, 16)))
        x = self.norm2(x + self.narrow(torch.nn.functional.gelu(self.wide(x))))
        return {"logits": self.fc(x), "pooled": torch.tanh(x[:, 0])}


def calibrated(module: nn.Module, *examples: torch.Tensor) -> nn.Module:
    """The module with running statistics that fit its activations."""
    torch.manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight)
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None
            part.reset_running_stats()
    module.train()
    with torch.no_grad():
        for _ in range(3):
            module(*examples)
    return module.eval()
