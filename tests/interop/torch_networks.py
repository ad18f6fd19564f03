"""Small torch modules of known architectures, with random weights: those of transformers, and some of our own."""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers
from torch import nn

transformers.logging.set_verbosity_error()

_ENCODER = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "attn_implementation": "eager",
}


class _Only(nn.Module):
    """A module of transformers as a function of one tensor that gives one tensor."""

    def __init__(self, module: nn.Module, parameter: str, field: str) -> None:
        super().__init__()
        self.module, self.parameter, self.field = module, parameter, field

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return getattr(self.module(**{self.parameter: x}), self.field)


def _twice(inputs: int, outputs: int) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())


class UNet(nn.Module):
    """Two steps down, and up again with a transposed convolution and a bilinear resize."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = _twice(3, 8), _twice(8, 16), _twice(16, 32)
        self.up, self.four = nn.ConvTranspose2d(32, 16, 2, 2), _twice(32, 16)
        self.resize, self.five = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), _twice(24, 8)
        self.last, self.pool = nn.Conv2d(8, 2, 1), nn.MaxPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one = self.one(x)
        two = self.two(self.pool(one))
        up = self.four(torch.cat([self.up(self.three(self.pool(two))), two], 1))
        return torch.sigmoid(self.last(self.five(torch.cat([self.resize(up), one], 1))))


class CRNN(nn.Module):
    """Convolutions, then a bidirectional LSTM of two layers and a GRU along the width."""

    def __init__(self) -> None:
        super().__init__()
        layers = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.see = nn.Sequential(*layers, nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.MaxPool2d((4, 1)))
        self.read = nn.LSTM(32, 24, 2, bidirectional=True, batch_first=True)
        self.tell, self.last = nn.GRU(48, 16, batch_first=True), nn.Linear(16, 11)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps = self.see(x).flatten(1, 2).transpose(1, 2)
        return self.last(self.tell(self.read(steps)[0])[0]).log_softmax(-1)


class Detector(nn.Module):
    """The head of a detector: boxes and scores on a grid."""

    def __init__(self) -> None:
        super().__init__()
        self.see = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.SiLU(), nn.Conv2d(16, 16, 3, 2, 1), nn.Hardswish())
        self.head = nn.Conv2d(16, 3 * 9, 1)
        rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
        self.register_buffer("grid", torch.stack([columns, rows], -1).float()[None, None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.head(self.see(x)).view(-1, 3, 9, 16, 16).permute(0, 1, 3, 4, 2).sigmoid()
        centers = (found[..., :2] * 2 - 0.5 + self.grid) * 4
        sizes = (found[..., 2:4] * 2) ** 2 * 8
        return torch.cat([centers, sizes, found[..., 4:]], -1).flatten(1, 3)


def _tokens() -> torch.Tensor:
    return torch.randint(3, 90, (1, 12))


def _pixels() -> torch.Tensor:
    return torch.rand(1, 3, 64, 64)


def _bert() -> nn.Module:
    config = transformers.BertConfig(vocab_size=100, **_ENCODER)
    return _Only(transformers.BertModel(config), "input_ids", "last_hidden_state")


def _distilbert() -> nn.Module:
    sizes = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
    config = transformers.DistilBertConfig(vocab_size=100, attn_implementation="eager", **sizes)
    return _Only(transformers.DistilBertModel(config), "input_ids", "last_hidden_state")


def _vit() -> nn.Module:
    config = transformers.ViTConfig(image_size=64, patch_size=16, num_labels=5, **_ENCODER)
    return _Only(transformers.ViTForImageClassification(config), "pixel_values", "logits")


def _swin() -> nn.Module:
    sizes: dict[str, Any] = {"embed_dim": 16, "depths": [1, 2], "num_heads": [2, 4], "window_size": 4}
    config = transformers.SwinConfig(image_size=64, num_labels=5, **sizes)
    return _Only(transformers.SwinForImageClassification(config), "pixel_values", "logits")


def _convnext() -> nn.Module:
    config = transformers.ConvNextConfig(hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 2, 1], num_labels=5)
    return _Only(transformers.ConvNextForImageClassification(config), "pixel_values", "logits")


def _resnet() -> nn.Module:
    sizes: dict[str, Any] = {"embedding_size": 16, "hidden_sizes": [16, 32, 64, 64], "depths": [1, 1, 1, 1]}
    config = transformers.ResNetConfig(num_labels=5, **sizes)
    return _Only(transformers.ResNetForImageClassification(config), "pixel_values", "logits")


def _mobilenet() -> nn.Module:
    config = transformers.MobileNetV2Config(image_size=64, depth_multiplier=0.25, num_labels=5)
    return _Only(transformers.MobileNetV2ForImageClassification(config), "pixel_values", "logits")


def _mobilevit() -> nn.Module:
    sizes = {"hidden_sizes": [32, 48, 64], "neck_hidden_sizes": [8, 16, 24, 32, 48, 64, 128]}
    config = transformers.MobileViTConfig(image_size=64, num_labels=5, attn_implementation="eager", **sizes)
    return _Only(transformers.MobileViTForImageClassification(config), "pixel_values", "logits")


def _segformer() -> nn.Module:
    sizes: dict[str, Any] = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "decoder_hidden_size": 16}
    config = transformers.SegformerConfig(num_labels=4, **sizes)
    return _Only(transformers.SegformerForSemanticSegmentation(config), "pixel_values", "logits")


def _wav2vec2() -> nn.Module:
    sizes: dict[str, Any] = {"conv_dim": [16] * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
    config = transformers.Wav2Vec2Config(vocab_size=20, **sizes, **_ENCODER)
    return _Only(transformers.Wav2Vec2ForCTC(config), "input_values", "logits")


ARCHITECTURES: dict[str, tuple[Callable[[], nn.Module], Callable[[], torch.Tensor]]] = {
    "bert": (_bert, _tokens),
    "distilbert": (_distilbert, _tokens),
    "vit": (_vit, _pixels),
    "swin": (_swin, _pixels),
    "convnext": (_convnext, _pixels),
    "resnet": (_resnet, _pixels),
    "mobilenetv2": (_mobilenet, _pixels),
    "mobilevit": (_mobilevit, _pixels),
    "segformer": (_segformer, _pixels),
    "wav2vec2": (_wav2vec2, lambda: torch.randn(1, 8000)),
    "unet": (UNet, _pixels),
    "crnn": (CRNN, lambda: torch.rand(1, 1, 16, 40)),
    "detector": (Detector, _pixels),
}


def architecture(name: str) -> tuple[nn.Module, torch.Tensor]:
    """A module in evaluation mode, and an input.

    Batch normalization has statistics of random inputs: with those of a new module, numbers vanish from layer to layer,
    and with those of a single image they are magnified, together with the rounding errors.
    """
    torch.manual_seed(1)
    build, example = ARCHITECTURES[name]
    module, x = build(), example()
    module.eval()
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = 1.0
            norm.train()
    if x.is_floating_point():
        with torch.no_grad():
            module(torch.rand(16, *x.shape[1:]))
    return module.eval(), x
