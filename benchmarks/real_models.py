"""Rows for third-party models from the directory GRAPHML_MODELS.

carn enlarges an image of 500 x 500 pixels, compared with onnxruntime and torch; hourglass has 524 small layers, which
make its first prediction slow.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import contenders
import numpy as np
from contest import Call, Contender, Row
from rendering import Network, Step

CARN, HOURGLASS = "carn/Model.mlmodel", "pose-edvardhua/hourglass.mlmodel"


def rows() -> Mapping[str, Row]:
    """None without the directory."""
    if "GRAPHML_MODELS" not in os.environ:
        return {}
    alone = {"graphml": _from_file(HOURGLASS), "graphml cached": _from_file(HOURGLASS, cached=True)}
    enlarging = {"graphml": _from_file(CARN)}
    enlarging |= {"onnxruntime": contenders.onnxruntime(carn, 1), "torch": contenders.torch(carn, 1)}
    return {"hourglass": Row(alone), "carn": Row(enlarging)}


def _file(name: str) -> Path:
    return Path(os.environ["GRAPHML_MODELS"], name)


def _from_file(name: str, cached: bool = False) -> Contender:
    def start(folder: Path, cores: int) -> Call:
        import graphml

        cache = folder / f"cache {cores}" if cached else None
        model = graphml.load(folder / "model.mlmodel", configuration=graphml.ModelConfiguration(cache_directory=cache))
        (feature,) = model.spec.description.input
        if feature.type.HasField("imageType"):
            height, width = feature.type.imageType.height, feature.type.imageType.width
            x = np.random.default_rng(7).integers(0, 256, (height, width, 3)).astype(np.uint8)
        else:
            x = Network(tuple(feature.type.multiArrayType.shape), ()).sample(1)[0]
        return lambda: next(iter(model.predict({feature.name: x}).values()))

    def prepare(folder: Path) -> None:
        shutil.copyfile(_file(name), folder / "model.mlmodel")

    return Contender(prepare, start, contenders.NETWORK, rehearsed=cached)


def carn() -> Network:
    """Convolutions with biases, ReLU, sums and concatenations; near the end layers that rearrange pixels."""
    from graphml import spec

    model = spec.read(_file(CARN))
    renamed = {model.description.input[0].name: "x"}
    steps: list[Step] = []
    for layer in model.neuralNetwork.layers:
        kind = layer.WhichOneof("layer")
        inputs, (output,) = tuple(renamed.get(name, name) for name in layer.input), layer.output
        if kind == "convolution":
            steps.append(Step("conv", inputs, output, **_convolution(layer.convolution)))
        elif kind == "reshape":
            steps.append(Step("reshape", inputs, output, sizes=tuple(layer.reshape.targetShape)))
        elif kind == "permute":
            steps.append(Step("permute", inputs, output, sizes=tuple(layer.permute.axis)))
        else:
            steps.append(Step({"activation": "relu"}.get(kind, kind), inputs, output))
    return Network(tuple(model.description.input[0].type.multiArrayType.shape), tuple(steps))


def _convolution(layer: Any) -> dict[str, Any]:
    (window, _) = layer.kernelSize
    shape = (layer.outputChannels, layer.kernelChannels, window, window)
    weights = np.array(layer.weights.floatValue, np.float32).reshape(shape)
    return {
        "weights": {"weights": weights, "bias": np.array(layer.bias.floatValue, np.float32)},
        "window": window,
        "pad": window // 2,
        "groups": layer.nGroups,
    }
