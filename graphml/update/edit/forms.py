"""The equivalent forms of a network in which Core ML may be able to train it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from graphml import recipes
from graphml.models.network import NeuralNetwork
from graphml.recipes import Recipe, SquaredError
from graphml.update.edit.canonical.rewriting import canonical
from graphml.update.edit.shapes import shapes_inside


class CanonicalForm(NamedTuple):
    """A network that computes the same as another, and the recipe for it."""

    network: NeuralNetwork
    recipe: Recipe


def canonical_forms(
    model: NeuralNetwork, recipe: Recipe, *, merge_batch_norms: bool = False
) -> Iterator[CanonicalForm]:
    """Yield equivalent networks, starting with those that change less of the training inputs.

    Args:
        model: the network.
        recipe: as in `graphml.update.edit.canonical.rewriting.canonical`.
        merge_batch_norms: as there.
    """
    shapes = shapes_inside(model)
    if not shapes:  # sizes depend on values, or the file is damaged
        return
    constraints = [given for f in model.description.inputs for given in (f.array, f.image) if given is not None]
    fixed = not any(given.flexible for given in constraints)
    squared = any(isinstance(loss, SquaredError) for loss in recipes.completed(model.spec, recipe).losses)
    for images in (False, True) if squared else (False,):
        options = {"squared_images": images, "merge_batch_norms": merge_batch_norms}
        message, fitting = canonical(model.spec, recipe, shapes, fixed=fixed, **options)
        yield CanonicalForm(model.with_message(message), fitting)
