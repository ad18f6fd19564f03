"""Recipes <-> our own message, `TrainingRecipe` (see extension.proto). Fields have the same names on both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from google.protobuf.message import Message

from graphml.errors import UpdateError
from graphml.recipes.kinds import AUGMENTATIONS, LOSSES, METRICS, OPTIMIZERS, SCHEDULES, Kinds
from graphml.recipes.losses import (
    Loss,
)
from graphml.recipes.metrics import EarlyStopping
from graphml.recipes.part import Part
from graphml.recipes.recipe import CHOICES, Recipe
from graphml.recipes.regularization import Dropout
from graphml.spec.layers import snake_case
from graphml.spec.wire.extension_pb2 import TrainingRecipe

_KINDS: dict[str, Kinds] = {
    "TrainingLoss": LOSSES,
    "TrainingOptimizer": OPTIMIZERS,
    "TrainingSchedule": SCHEDULES,
    "TrainingAugmentation": AUGMENTATIONS,
    "TrainingMetric": METRICS,
}


def encode(recipe: Recipe, message: TrainingRecipe) -> None:
    """Write a recipe into an empty message.

    Args:
        recipe: one without Python objects, whose losses name their inputs and targets.
        message: the message.
    """
    for name, weights in recipe.layers or ():
        message.layers.add(name=name, weights=weights)
    for loss in recipe.losses:
        _put(loss if loss.weight is not None else replace(loss, weight=1.0), message.losses.add())
    _put(recipe.optimizer, message.optimizer)
    if recipe.schedule is not None:
        _put(recipe.schedule, message.schedule)
    message.epochs, message.miniBatchSize = recipe.epochs, recipe.batch_size
    message.shuffle, message.seed = recipe.shuffle, recipe.seed
    if recipe.clip_norm is not None:
        message.clipNorm = recipe.clip_norm
    for dropped in recipe.dropout:
        _put(dropped, message.dropout.add())
    for step in recipe.augmentation:
        _put(step, message.augmentation.add())
    message.validationFraction = recipe.validation_fraction
    if recipe.early_stopping is not None:
        message.earlyStopping.SetInParent()
        _put(recipe.early_stopping, message.earlyStopping)
    for metric in recipe.metrics:
        _put(metric, message.metrics.add())
    for name, words in CHOICES.items():
        setattr(message, name, words.index(getattr(recipe, name)))
    message.statisticsMomentum = recipe.statistics_momentum


def decode(message: TrainingRecipe) -> Recipe:
    """Read a recipe from its message.

    Raises:
        UpdateError: a value is not allowed, or the recipe needs a newer version of graphml.
    """
    optimizer = _get(message.optimizer)
    if message.HasField("schedule"):
        optimizer = replace(optimizer, schedule=_get(message.schedule))
    choices: dict[str, Any] = {}
    for name, words in CHOICES.items():
        number = getattr(message, name)
        if not 0 <= number < len(words):
            raise UpdateError(f"the recipe in the file has {name} number {number}, which this version does not know")
        choices[name] = words[number]
    losses: tuple[Loss, ...] = tuple(_get(loss) for loss in message.losses)
    if not losses:
        raise UpdateError("the recipe in the file has no loss")
    return Recipe(
        optimizer,
        losses=losses,
        epochs=message.epochs,
        batch_size=message.miniBatchSize,
        shuffle=message.shuffle,
        seed=message.seed,
        layers=tuple((layer.name, tuple(layer.weights)) for layer in message.layers) or None,
        clip_norm=message.clipNorm if message.HasField("clipNorm") else None,
        dropout=tuple(_get(one, Dropout) for one in message.dropout),
        augmentation=tuple(_get(one) for one in message.augmentation),
        validation_fraction=message.validationFraction,
        early_stopping=_get(message.earlyStopping, EarlyStopping) if message.HasField("earlyStopping") else None,
        metrics=tuple(_get(one) for one in message.metrics),
        statistics_momentum=message.statisticsMomentum,
        **choices,
    )


def _put(part: Part, message: Message) -> None:
    """Write the fields of a part: those of the message itself, then those of its member of the oneof."""
    _put_fields(part, message)
    if message.DESCRIPTOR.oneofs_by_name.get("kind") is not None:
        member = getattr(message, part.wire)
        member.SetInParent()
        _put_fields(part, member)


def _put_fields(part: Part, message: Message) -> None:
    for field in message.DESCRIPTOR.fields:
        value = getattr(part, snake_case(field.name), None)
        if field.message_type is None and value is not None:
            setattr(message, field.name, value)


def _get(message: Message, kind: type[Part] | None = None) -> Any:
    """Read a part. kind: its class, if the message has no oneof that says it. Any: a part of that class."""
    values = _get_fields(message)
    if kind is None:
        name, member = message.DESCRIPTOR.name, message.WhichOneof("kind")
        if member is None:
            raise UpdateError(f"the recipe in the file has a {name} of a kind that this version does not know")
        kind = next(one for one in _KINDS[name] if one.wire == member)
        values |= _get_fields(getattr(message, member))
    return kind(**values)


def _get_fields(message: Message) -> dict[str, Any]:
    return {
        snake_case(field.name): getattr(message, field.name)
        for field in message.DESCRIPTOR.fields
        if field.message_type is None and (not field.has_presence or message.HasField(field.name))
    }
