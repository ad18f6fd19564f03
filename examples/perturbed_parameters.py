"""How certain is a classifier? One program runs a hundred copies of it with slightly different weights."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import graphml

DATA = Path(__file__).parent / "data"
COPIES = 100


def main() -> None:
    lowered = graphml.load(DATA / "QuickDrawUpdatable.mlmodel").lower()
    drawings = np.load(DATA / "quickdraw.npz")["drawings"].astype(np.float32)[:, None]
    answers = jax.jit(jax.vmap(lambda image: lowered.fn(lowered.params, {"image": image})["output"]))(drawings)
    drawing = drawings[np.argmin(answers.max(axis=1))]  # the one with the least certain answer

    def perturb(key: jax.Array):
        """Add noise to all weights: 5 % of the standard deviation of each array."""
        leaves, tree = jax.tree.flatten(lowered.params)
        keys = jax.random.split(key, len(leaves))
        noisy = [w + 0.05 * jnp.std(w) * jax.random.normal(k, jnp.shape(w)) for w, k in zip(leaves, keys, strict=True)]
        return jax.tree.unflatten(tree, noisy)

    def answer(key: jax.Array) -> jax.Array:
        return lowered.fn(perturb(key), {"image": drawing})["output"]

    probabilities = jax.jit(jax.vmap(answer))(jax.random.split(jax.random.key(0), COPIES))
    assert probabilities.shape == (COPIES, 15)
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1, rtol=1e-4)
    plain = lowered.fn(lowered.params, {"image": drawing})["output"]
    votes = np.bincount(np.argmax(probabilities, axis=1), minlength=15)
    print(f"unperturbed: class {int(jnp.argmax(plain))} with {float(plain.max()):.2f}")
    print(f"votes of {COPIES} perturbed copies by class: {votes.tolist()}")


if __name__ == "__main__":
    main()
