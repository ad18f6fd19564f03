"""Write `Sketches.mlpackage`, a classifier as a float16 ML Program, with coremltools.

    python build_sketches.py        # needs coremltools 9

The layers are those of `tests/data/TinyDrawingEmbedding.mlmodel`. The last one is made from five drawings of each kind:
a drawing belongs to the kind whose mean embedding is nearest, which is a linear function of the embedding.
"""

# coremltools adds most of its builder's methods at import
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false, reportCallIssue=false
from __future__ import annotations

from pathlib import Path

import coremltools as ct
import jax
import numpy as np
from coremltools.converters.mil import Builder as mb

import graphml

DATA = Path(__file__).parent
EMBEDDING = DATA.parents[1] / "tests/data/TinyDrawingEmbedding.mlmodel"
CONVOLUTIONS = ("conv2d_4", "conv2d_5", "conv2d_6")
TAUGHT = 5


def main() -> None:
    lowered = graphml.load(EMBEDDING).lower()
    # pixels are scaled to [0, 1], so biases are divided by 255; ReLU and max pooling commute with the scale
    weights = {name: np.array(layer["weights"]) for name, layer in lowered.params.items()}
    biases = {name: np.array(layer["bias"]).ravel() / 255 for name, layer in lowered.params.items()}

    archive = np.load(DATA / "quickdraw.npz")
    kinds = np.unique(archive["labels"])
    embed = jax.jit(jax.vmap(lambda drawing: lowered.fn(lowered.params, {"drawing": drawing})["embedding"].ravel()))
    embeddings = np.array(embed(archive["drawings"].astype(np.float32)[:, None])) / 255
    means = np.stack([embeddings[np.flatnonzero(archive["labels"] == kind)[:TAUGHT]].mean(0) for kind in kinds])
    softness = 0.05  # scale of the squared distances, so that probabilities are not all 0 or 1
    head, offset = 2 * softness * means, -softness * (means**2).sum(1)

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 1, 28, 28))], opset_version=ct.target.iOS16)
    def sketches(drawing):
        x = drawing
        for name in CONVOLUTIONS:
            x = mb.conv(x=x, weight=weights[name], bias=biases[name], pad_type="same", name=name)
            x = mb.relu(x=x, name=f"{name}_relu")
            x = mb.max_pool(x=x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid", name=f"{name}_pool")
        x = mb.reshape(x=mb.transpose(x=x, perm=[0, 2, 3, 1]), shape=[1, 576], name="flat")
        x = mb.relu(x=mb.linear(x=x, weight=weights["dense_3"], bias=biases["dense_3"], name="dense"), name="embedding")
        x = mb.linear(x=x, weight=head.astype(np.float32), bias=offset.astype(np.float32), name="head")
        return mb.softmax(x=x, axis=-1, name="probabilities")

    package = ct.convert(
        sketches,
        convert_to="mlprogram",
        inputs=[
            ct.ImageType(name="drawing", shape=(1, 1, 28, 28), color_layout=ct.colorlayout.GRAYSCALE, scale=1 / 255)
        ],
        classifier_config=ct.ClassifierConfig(kinds.tolist()),
        minimum_deployment_target=ct.target.iOS16,
        compute_precision=ct.precision.FLOAT16,
    )
    package.author, package.license = "graphml", "BSD-3-Clause (layers: Apple)"
    package.short_description = "Recognizes six kinds of drawings"
    package.save(str(DATA / "Sketches.mlpackage"))


if __name__ == "__main__":
    main()
