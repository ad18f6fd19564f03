"""Which pixels determine the prediction of a classifier? The gradient of the score with respect to each pixel.

The score is the input of the softmax, because the gradient of a probability near 1 vanishes.
"""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import graphml

DATA = Path(__file__).parent / "data"


def main() -> None:
    model = graphml.load(DATA / "QuickDrawUpdatable.mlmodel")
    lowered = model.lower()
    drawing = np.load(DATA / "quickdraw.npz")["drawings"][150].astype(np.float32)[None]  # [channels, height, width]

    (logits,) = lowered.graph.body.nodes[-1].inputs  # the input of the last layer, a softmax

    def scores(image: jax.Array) -> jax.Array:
        return lowered.intermediates(lowered.params, {"image": image}, [logits])[logits].ravel()

    saliency = jnp.abs(jax.jit(jax.grad(lambda image: scores(image).max()))(drawing))[0]
    assert saliency.shape == (28, 28)
    assert bool(jnp.isfinite(saliency).all())
    assert float(saliency.max()) > 0

    shades = " .:*#"
    picture = np.asarray(saliency / saliency.max() * (len(shades) - 1)).round().astype(int)
    print(f"{model.predict({'image': drawing})['classLabel']!r}, because of these pixels:")
    print("\n".join("".join(shades[value] for value in row) for row in picture[::2]))


if __name__ == "__main__":
    main()
