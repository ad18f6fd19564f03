"""How certain is a classifier? One program runs a hundred copies of it with slightly different weights.

`jax.lax.map` runs them one by one, with one copy of the weights in memory; `jax.vmap` would keep all copies.
"""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import graphml

DATA = Path(__file__).parent / "data"
COPIES = 100


def main() -> None:
    model = graphml.load(DATA / "QuickDrawUpdatable.mlmodel")
    lowered = model.lower()
    labels = list(model.spec.neuralNetworkClassifier.stringClassLabels.vector)
    drawings = np.load(DATA / "quickdraw.npz")["drawings"].astype(np.float32)[::10, None]
    answers = jax.jit(jax.vmap(lambda image: lowered.fn(lowered.params, {"image": image})["output"]))(drawings)
    least = np.argmin(answers.max(axis=1))
    drawing, plain = drawings[least], answers[least].ravel()

    def perturb(key: jax.Array):
        """Add noise to all weights: 5 % of the standard deviation of each array."""
        leaves, tree = jax.tree.flatten(lowered.params)
        keys = jax.random.split(key, len(leaves))
        noisy = [w + 0.05 * jnp.std(w) * jax.random.normal(k, jnp.shape(w)) for w, k in zip(leaves, keys, strict=True)]
        return jax.tree.unflatten(tree, noisy)

    def answer(key: jax.Array) -> jax.Array:
        return lowered.fn(perturb(key), {"image": drawing})["output"].ravel()

    keys = jax.random.split(jax.random.key(0, impl="rbg"), COPIES)  # the fastest of JAX's generators
    probabilities = jax.jit(lambda keys: jax.lax.map(answer, keys))(keys)
    assert probabilities.shape == (COPIES, len(labels))
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1, rtol=1e-4)

    print(f"the model says {labels[int(plain.argmax())]}, with a probability of {float(plain.max()):.2f}")
    print(f"{COPIES} copies of it, with 5 % noise on their weights, say:")
    votes = np.bincount(np.argmax(probabilities, axis=1), minlength=len(labels))
    for number in np.argsort(-votes, kind="stable")[: np.count_nonzero(votes)]:
        print(f"  {labels[number]:12} {votes[number]:3}  {'#' * (votes[number] // 2)}")


if __name__ == "__main__":
    main()
