"""The end of a classifier."""

from __future__ import annotations

from graphml.errors import ShapeError
from graphml.ops.kernels.arrays import Array
from graphml.ops.kernels.reductions import position_of_max
from graphml.ops.program.dialect import computed_type, operation


@operation("classify", version=15)
def classify(probabilities: Array, *, classes: tuple[str | int, ...]) -> tuple[Array, Array]:
    """The class with the largest probability. The model turns it into the label and the dictionary of probabilities.

    Args:
        probabilities: one number for each class, in any shape.
        classes: the labels.

    Returns:
        The index of the label, int32 []: the first of equal probabilities (the format does not say). And the
        probabilities, float32 [classes].

    Raises:
        ShapeError: there are more or fewer probabilities than labels.

    Source: the operation classify of ML Programs (iOS 15).
    """
    if probabilities.size != len(classes):
        raise ShapeError(f"there are {probabilities.size} probabilities for {len(classes)} classes")
    flat = probabilities.reshape(-1)
    return position_of_max(flat, 0).reshape(()), flat.astype(computed_type("fp32"))
