"""What the reader of a page has at hand: models, pictures and variables that its Python blocks name."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx_models
from onnx import helper

import graphml
from graphml import NeuralNetworkBuilder, ProgramBuilder, recipes

ROOT = Path(__file__).resolve().parents[1]
RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(2, 3)).astype(np.float32)


def write(folder: Path) -> None:
    """Put the files of all pages into a folder: a network, a program, an ONNX model and pictures."""
    classifier().save(folder / "net.mlmodel")
    program().save(folder / "net.mlpackage")
    affine = helper.make_node("Gemm", ["x", "weight", "bias"], ["h"], name="fc", transB=1)
    relu = helper.make_node("Relu", ["h"], ["y"], name="relu")
    weights = {"weight": WEIGHT, "bias": np.float32([0.5, -0.5])}
    model = onnx_models.graph([affine, relu], {"x": (np.float32, (1, 3))}, ["y"], weights)
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    pictures(folder / "photos")
    for stored, name in (("xgboost_two.json", "model.json"), ("lightgbm_two.txt", "model.txt")):
        shutil.copy(ROOT / "tests/data/boosting" / stored, folder / name)


def frozen_bert(folder: Path) -> None:
    """Put a frozen graph of TensorFlow, which only TensorFlow can write, into a folder: bert_qa.pb."""
    from convert import tensorflow_models  # imports TensorFlow

    tensorflow_models.frozen_bert(folder, longest=384)


def copy(desk: Path, folder: Path) -> None:
    """Copy the files into another folder, next to the examples."""
    shutil.copytree(desk, folder, dirs_exist_ok=True)
    (folder / "examples").symlink_to(ROOT / "examples")


def classifier() -> graphml.Model:
    """An updatable classifier of grey pictures of 8 x 8 pixels: a convolution, a dense layer and a softmax."""
    builder = NeuralNetworkBuilder(
        [("image", graphml.build.image(8, 8, "GRAYSCALE"))],
        [("probabilities", None)],
        class_labels=["cat", "dog"],
        probabilities="probabilities",
    )
    conv = {"W": RNG.normal(size=(3, 3, 1, 2)).astype(np.float32), "b": None, "has_bias": False}
    window = {"height": 3, "width": 3, "stride_height": 1, "stride_width": 1, "border_mode": "same", "groups": 1}
    builder.add_convolution(
        name="conv1", kernel_channels=1, output_channels=2, **window, **conv, input_name="image", output_name="conv1"
    )
    builder.add_flatten(name="flat", mode=0, input_name="conv1", output_name="flat")
    dense = {"W": RNG.normal(size=(2, 128)).astype(np.float32) / 5000, "b": np.zeros(2, np.float32), "has_bias": True}
    sizes = {"input_channels": 128, "output_channels": 2}
    builder.add_inner_product(name="dense", **dense, **sizes, input_name="flat", output_name="logits")
    builder.add_softmax(name="softmax", input_name="logits", output_name="probabilities")
    return graphml.make_updatable(builder.model(), ["dense"], optimizer=recipes.SGD(0.001), epochs=2, batch_size=2)


def program() -> ProgramBuilder:
    """y = relu(x weight + bias), of the type that the ONNX model and the network have, too."""
    builder = ProgramBuilder("CoreML7")
    x = builder.input("x", (1, 3))
    h = builder.linear(x, builder.const(WEIGHT, name="fc_weight"), np.float32([0.5, -0.5]), name="fc")
    builder.output("y", builder.relu(h, name="relu"))
    return builder


def pictures(folder: Path) -> None:
    """A folder of pictures for each class, as `graphml update --data` takes it, and one picture next to it."""
    from PIL import Image

    for label, shade in (("cat", 30), ("dog", 220)):
        (folder / label).mkdir(parents=True)
        for number in range(2):
            Image.fromarray(_picture(shade + number)).save(folder / label / f"{number}.png")
    Image.fromarray(_picture(30)).save(folder.with_name("photo.jpg"))


def _picture(shade: int) -> np.ndarray:
    return np.full((8, 8), shade, np.uint8)


def names() -> dict[str, Any]:
    """The variables of the reader."""
    a, b = _picture(30), _picture(220)
    return {
        "__name__": "page",
        "np": np,
        "graphml": graphml,
        "a": a,
        "b": b,
        "samples": [{"image": a, "classLabel": "cat"}, {"image": b, "classLabel": "dog"}],
    }
