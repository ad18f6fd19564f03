"""Recipes <-> Core ML's message, `NetworkUpdateParameters`, and what Core ML cannot express or would refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphml.errors import UpdateError
from graphml.recipes.losses import CrossEntropy, Loss, SquaredError
from graphml.recipes.optimizers import SGD, Adam, Constant, OptaxOptimizer, Optimizer
from graphml.recipes.parameters import ParameterDescription, ParameterKey, describe
from graphml.recipes.recipe import Recipe
from graphml.spec.layers import snake_case
from graphml.spec.rules.updates import update_problems
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.network_pb2 import LossLayer, NetworkUpdateParameters

_LOSSES: dict[str, type[Loss]] = {
    "categoricalCrossEntropyLossLayer": CrossEntropy,
    "meanSquaredErrorLossLayer": SquaredError,
}
_OPTIMIZERS: dict[str, tuple[type[Optimizer], tuple[str, ...]]] = {
    "sgdOptimizer": (SGD, ("learningRate", "momentum")),
    "adamOptimizer": (Adam, ("learningRate", "beta1", "beta2", "eps")),
}


# Reading -------------------------------------------------------------------------------------------------------------


def descriptions(message: NetworkUpdateParameters) -> dict[ParameterKey, ParameterDescription]:
    """What a file lets an update set, with the defaults and bounds of the file, as far as the optimizer goes with them.

    Momentum, shuffle and seed may be missing: then they are 0, False and 0, without bounds.
    """
    found: dict[ParameterKey, ParameterDescription] = {}
    member = message.optimizer.WhichOneof("OptimizerType")
    if member is not None:
        optimizer = getattr(message.optimizer, member)
        kind, fields = _OPTIMIZERS[member]
        legal = {one.key: one for one in kind().parameters()}
        for field in fields:
            if optimizer.HasField(field) or field == "momentum":
                key = ParameterKey(snake_case(field))
                found[key] = describe(key, getattr(optimizer, field)).within(legal[key])
        if optimizer.HasField("miniBatchSize"):
            key = ParameterKey.MINI_BATCH_SIZE
            found[key] = describe(key, optimizer.miniBatchSize, positive=True)
    if message.HasField("epochs"):
        found[ParameterKey.EPOCHS] = describe(ParameterKey.EPOCHS, message.epochs, positive=True)
    found[ParameterKey.SHUFFLE] = describe(ParameterKey.SHUFFLE, message.shuffle)
    found[ParameterKey.SEED] = describe(ParameterKey.SEED, message.seed)
    return found


def decode(message: NetworkUpdateParameters) -> Recipe:
    """Read a recipe from Core ML's message.

    Its layers are those that the model marks. Its numbers are the defaults of the file, unchecked: a default that the
    file itself does not allow may still be replaced. Loss weights and warm-up are not parameters of Core ML.

    Raises:
        UpdateError: the message is incomplete; the error lists what is missing.
    """
    known = descriptions(message)
    member = message.optimizer.WhichOneof("OptimizerType")
    missing: list[str] = []
    count = len(message.lossLayers)
    if count != 1:
        missing.append(f"it has {count or 'no'} loss layers; training needs one")
    elif message.lossLayers[0].WhichOneof("LossLayerType") is None:
        missing.append("its loss layer has no known kind")
    if member is None:
        missing.append("it names no optimizer")
    else:
        wanted = [*map(snake_case, _OPTIMIZERS[member][1]), "mini_batch_size"]
        missing += [f"its {member} lacks {name}" for name in sorted(wanted) if ParameterKey(name) not in known]
    if ParameterKey.EPOCHS not in known:
        missing.append("it does not say how many epochs to train")
    if missing or member is None:
        raise UpdateError("the model cannot be trained: " + "; ".join(missing))
    plain = Recipe(_OPTIMIZERS[member][0](schedule=None), losses=(_loss(message.lossLayers[0]),))
    return plain.with_values({key: one.default for key, one in known.items()})


def _loss(message: LossLayer) -> Loss:
    member = str(message.WhichOneof("LossLayerType"))
    loss = getattr(message, member)
    return _LOSSES[member](loss.input, loss.target, weight=None, name=message.name)


# Writing -------------------------------------------------------------------------------------------------------------


def encode(recipe: Recipe, message: NetworkUpdateParameters, label: str) -> None:
    """Write what Core ML can express into an empty message.

    Args:
        recipe: a recipe whose losses name their inputs and targets.
        message: the message.
        label: the feature that the model predicts; empty if it names none.
    """
    members = {kind: member for member, kind in _LOSSES.items()}
    for loss in recipe.losses:
        if type(loss) in members:
            target = getattr(message.lossLayers.add(name=loss.name), members[type(loss)])
            target.input = loss.input
            # files of classifiers name a target that does not exist and mean the label
            target.target = f"{loss.input}_true" if loss.target == label else loss.target
    for member, (kind, names) in _OPTIMIZERS.items():
        if type(recipe.optimizer) is kind:
            optimizer = getattr(message.optimizer, member)
            for name in names:
                getattr(optimizer, name).defaultValue = getattr(recipe.optimizer, snake_case(name))
            optimizer.miniBatchSize.defaultValue = recipe.batch_size
    message.epochs.defaultValue = recipe.epochs
    message.shuffle.defaultValue = recipe.shuffle
    message.seed.defaultValue = recipe.seed


def errors(model: Model) -> list[str]:
    """The reasons why Core ML would not train a model by its own message; empty if it would."""
    found = [str(problem) for problem in update_problems(model) if problem.severity == "error"]
    return found if found or model.isUpdatable else ["model: is not marked updatable"]


def inexpressible(recipe: Recipe, written: Model) -> list[str]:
    """The reasons why Core ML would not train a model by a recipe.

    Args:
        recipe: the recipe.
        written: the model with what `encode` could write of it.
    """
    found = list(beyond_core_ml(recipe))
    if recipe.layers is None:
        found.append("the recipe trains every layer that a gradient reaches; Core ML needs layers that are marked")
    unknown_optimizer = not isinstance(recipe.optimizer, SGD | Adam)
    unknown_loss = not all(isinstance(loss, CrossEntropy | SquaredError) for loss in recipe.losses)
    for problem in errors(written):
        # what could not be written is in the list already, with a better message
        missing = problem.startswith("optimizer: is missing") and unknown_optimizer
        if not missing and not ("0 loss layers" in problem and unknown_loss):
            found.append(problem)
    return found


def beyond_core_ml(recipe: Recipe) -> Iterator[str]:
    """The parts of a recipe that Core ML does not have, for any model."""
    optimizer = recipe.optimizer
    if isinstance(optimizer, OptaxOptimizer):
        yield "the optimizer is a Python object"
    elif not isinstance(optimizer, SGD | Adam):
        yield f"the optimizer {type(optimizer).__name__} is not SGD or Adam"
    elif optimizer.weight_decay is not None:
        yield "weight decay"
    schedule = recipe.schedule
    if schedule is not None and schedule != Constant():
        yield f"the schedule {type(schedule).__name__}, warm-up {schedule.warmup:g}"
    for loss in recipe.losses:
        if not isinstance(loss, CrossEntropy | SquaredError):
            yield f"the loss {type(loss).__name__} is not cross entropy or squared error"
        elif isinstance(loss, CrossEntropy) and loss.label_smoothing is not None:
            yield "label smoothing"
        if loss.weight not in (None, 1):
            yield f"the weight of loss {loss.name!r}"
    if len(recipe.losses) > 1:
        yield f"{len(recipe.losses)} losses together"
    plain = Recipe()
    yield from (what for name, what in _ADDITIONS.items() if getattr(recipe, name) != getattr(plain, name))


_ADDITIONS: Mapping[str, str] = {
    "clip_norm": "gradient clipping",
    "dropout": "dropout",
    "augmentation": "augmentation",
    "validation_fraction": "validation samples",
    "early_stopping": "early stopping",
    "metrics": "metrics",
    "quantized": "quantized weights that stay quantized",
    "half": "float16 weights that stay float16",
    "statistics": "batchnorm statistics that are updated",
}
