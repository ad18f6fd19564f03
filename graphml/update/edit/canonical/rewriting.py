"""A network and a recipe, rewritten until no rewrite can fix a violation of Core ML's rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphml import recipes
from graphml.recipes import CrossEntropy, Recipe, SquaredError
from graphml.spec.wire.model_pb2 import Model
from graphml.update.edit.canonical.draft import Draft, Shape
from graphml.update.edit.canonical.folding import fold_batch_norms, fold_scales
from graphml.update.edit.canonical.probabilities import probabilities_behind, softmax_of_logits
from graphml.update.edit.canonical.products import (
    give_convolutions_weights,
    give_products_weights,
    matrices_to_inner_products,
)
from graphml.update.edit.canonical.ranks import can_be_image, cancel_rank_changes, image_of, pool_globally

Rewrite = Callable[[Draft], bool]
"""Changes a network in place where it can, without changing what it computes. Returns whether it has changed it."""

REWRITES: tuple[Rewrite, ...] = (
    give_products_weights,
    give_convolutions_weights,
    fold_scales,
    matrices_to_inner_products,
    cancel_rank_changes,
    pool_globally,
    Draft.drop_unread,
)


def rewritten(draft: Draft, rewrites: Sequence[Rewrite]) -> bool:
    """Apply the first rewrite that changes the network, until none does. Returns whether any did."""
    found = False
    while any(rewrite(draft) for rewrite in rewrites):
        found = True
    return found


def canonical(
    message: Model,
    recipe: Recipe,
    shapes: Mapping[str, Shape],
    *,
    fixed: bool,
    squared_images: bool = False,
    merge_batch_norms: bool = False,
) -> tuple[Model, Recipe]:
    """Rewrite a network for a recipe.

    Args:
        message: a model with a neural network; it stays as it is.
        recipe: what it leaves out comes from the model. A loss that it does not name is chosen for the network that
            results: cross entropy behind a softmax, also if the model gives its logarithm, and behind the logits of a
            classifier.
        shapes: {blob: shape} of the blobs whose shape is known.
        fixed: whether every input has a single shape.
        squared_images: whether squared errors are to read images [N, K, 1, 1] instead of vectors [N, K], so that
            gradients pass to layers before a reshape. The target then has that shape too.
        merge_batch_norms: whether batch norms with stored statistics are merged into the layers before them. Core ML
            trains through them and never changes them, so they may stay.

    Returns:
        The model, which computes the same from layers of the same names, and the recipe with the blobs that its losses
        now read.

    Raises:
        UpdateError: the recipe names layers or blobs that the model does not have.
    """
    draft = Draft(message, shapes, fixed=fixed)
    rewritten(draft, (*REWRITES, fold_batch_norms) if merge_batch_norms else REWRITES)
    losses: list[Any] = []
    for loss in _losses(draft, message, recipe):
        found: str | None = None
        named = any(loss.input == given.input for given in recipe.losses)
        if isinstance(loss, CrossEntropy):
            found = probabilities_behind(draft, loss.input, through_log=not named)
            if found is None and not named:
                found = softmax_of_logits(draft, loss.input)
        elif isinstance(loss, SquaredError) and squared_images and can_be_image(draft, loss.input):
            found = image_of(draft, loss.input)
        losses.append(loss if found is None else replace(loss, input=found))
    model, names = draft.finish(loss.input for loss in losses)
    losses = [replace(loss, input=names.get(loss.input, loss.input)) for loss in losses]
    return model, replace(recipe, losses=tuple(losses))


def _losses(draft: Draft, message: Model, recipe: Recipe) -> Sequence[Any]:
    """The losses with their blobs, targets and names."""
    losses = recipes.completed(message, recipe).losses
    if recipe.losses or not isinstance(losses[0], SquaredError):
        return losses
    # the softmax may be hidden behind its logarithm, or behind layers that change shapes
    if probabilities_behind(draft, losses[0].input, through_log=True) is None:
        return losses
    return recipes.completed(message, replace(recipe, losses=(CrossEntropy(),))).losses
