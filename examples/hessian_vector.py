"""The curvature of a loss with respect to weights: Hessian-vector products and the largest eigenvalue."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import graphml

DATA = Path(__file__).parent / "data"


def main() -> None:
    lowered = graphml.load(DATA / "QuickDrawUpdatable.mlmodel").lower()
    drawings = np.load(DATA / "quickdraw.npz")["drawings"][::50].astype(np.float32)[:, None]
    labels = jnp.arange(len(drawings))
    (logits,) = lowered.graph.body.nodes[-1].inputs  # the input of the last layer, a softmax
    head = {"dense_3": lowered.params["dense_3"]}  # the Hessian with respect to the last layer only

    def scores(head, drawing: jax.Array) -> jax.Array:
        return lowered.intermediates({**lowered.params, **head}, {"image": drawing}, [logits])[logits].ravel()

    def loss(head) -> jax.Array:
        outputs = jax.nn.log_softmax(jax.vmap(lambda drawing: scores(head, drawing))(drawings))
        return -jnp.mean(outputs[jnp.arange(len(labels)), labels])

    @jax.jit
    def hessian_times(vector):
        """Forward over reverse mode: costs about two gradients, whatever the number of weights."""
        return jax.jvp(jax.grad(loss), (head,), (vector,))[1]

    def norm(tree) -> jax.Array:
        return jnp.sqrt(sum(jnp.vdot(leaf, leaf) for leaf in jax.tree.leaves(tree)))

    vector = jax.tree.map(lambda w: jax.random.normal(jax.random.key(0), jnp.shape(w)), head)
    eigenvalue = 0.0
    for _ in range(20):  # power iteration
        length = norm(vector)
        vector = {layer: {name: v / length for name, v in weights.items()} for layer, weights in vector.items()}
        product = hessian_times(vector)
        eigenvalue = float(sum(jnp.vdot(p, v) for p, v in zip(*map(jax.tree.leaves, (product, vector)), strict=True)))
        vector = product
    # a cross entropy is convex in the weights of its last linear layer
    assert np.isfinite(eigenvalue)
    assert eigenvalue > 0
    print(f"largest eigenvalue of the Hessian with respect to the weights of 'dense_3': {eigenvalue:.4f}")
    print(
        f"so gradient descent on this layer converges with learning rates below 2 / eigenvalue = {2 / eigenvalue:.2g}"
    )


if __name__ == "__main__":
    main()
