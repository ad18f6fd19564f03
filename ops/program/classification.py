"""The end of a classifier."""

from __future__ import annotations

import jax.numpy as jnp

from graphml.ops.kernels.arrays import Array
from graphml.ops.program.dialect import operation


@operation("classify", version=15, differentiable="the position of the largest probability is a whole number")
def classify(probabilities: Array, *, classes: tuple[str, ...] | tuple[int, ...]) -> tuple[Array, Array]:
    """Which of the probabilities is the largest. The interface turns the position into a label, and all of them into a
    dictionary; inside of the program nothing can read either.

    Args:
        probabilities: one for each class, of any shape.
        classes: the labels.

    Returns:
        int32 [], the position of the largest (the first of equal ones), and float32 [classes], the probabilities.

    Raises:
        ValueError: There are not as many probabilities as labels.

    Source: the operation classify of ML Programs (iOS 15). Which of equal ones wins is not documented.
    """
    if probabilities.size != len(classes):
        raise ValueError(f"there are {len(classes)} classes and {probabilities.size} probabilities")
    flat = probabilities.reshape(-1).astype(jnp.float32)
    return jnp.argmax(flat).astype(jnp.int32), flat
