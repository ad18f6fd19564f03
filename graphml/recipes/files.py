"""Recipes <-> Model messages.

A recipe that Core ML can follow is written as Core ML has it: isUpdatable, NetworkUpdateParameters, marked layers. Any
other is written into `Model.trainingRecipe`, and the model is then not marked as updatable at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from graphml.errors import UpdateError, with_article
from graphml.recipes import parts
from graphml.recipes.parts import CHOICES, Layers, Loss, Recipe
from graphml.spec.attributes import kind_of, weight_messages
from graphml.spec.layers import NETWORKS, REGIONS, snake_case
from graphml.spec.networks import layer_keys
from graphml.spec.rules.updates import update_problems
from graphml.spec.wire.extension_pb2 import TrainingRecipe
from graphml.spec.wire.features_pb2 import ArrayFeatureType
from graphml.spec.wire.model_pb2 import Model

Shapes = Mapping[str, tuple[int, ...]]


def network_of(model: Model) -> Any:
    """The network inside a Model message. Raises UpdateError for every other kind of model."""
    kind = model.WhichOneof("Type")
    if kind not in NETWORKS:
        raise UpdateError(f"only neural networks are trained here; this model is {with_article(kind)}")
    return getattr(model, kind)


def read_recipe(model: Model) -> Recipe | None:
    """The recipe of our own in a model; None where there is none, though Core ML's may be there.

    Raises UpdateError for one that is damaged, or that needs a newer reader.
    """
    return _decode(model.trainingRecipe) if model.HasField("trainingRecipe") else None


def write_recipe(model: Model, recipe: Recipe, shapes: Shapes | None = None) -> Model:
    """A copy of a model with this recipe in place of any other.

    shapes: of blobs that are no outputs of declared shape; losses against arrays need them. Raises UpdateError for
    layers that do not exist, blobs that no layer writes, and targets whose shape nobody knows.
    """
    recipe = completed(model, recipe)
    plain, problems = _for_core_ml(model, recipe, {} if shapes is None else shapes)
    if not problems:
        return plain
    own = _bare(model)
    _declare_targets(own, recipe.losses, {} if shapes is None else shapes)
    _encode(recipe, own.trainingRecipe)
    return own


def core_ml_problems(model: Model) -> list[str]:
    """Why Core ML would not train a model as it is; for one with a recipe of our own, what in that is beyond it.

    Raises UpdateError for a recipe of our own that names what the model does not have.
    """
    recipe = read_recipe(model)
    if recipe is None:
        return _errors(model)
    recipe = completed(model, recipe)
    return _for_core_ml(model, recipe, _declared_shapes(model, recipe))[1]


def _errors(model: Model) -> list[str]:
    found = [str(problem) for problem in update_problems(model) if problem.severity == "error"]
    return found if found or model.isUpdatable else ["model: is not marked updatable"]


# What a recipe leaves to the model -----------------------------------------------------------------------------------


def replaced(recipe: Recipe, **changes: Any) -> Recipe:
    """The recipe with other values in some of its fields."""
    return replace(recipe, **changes)


def completed(model: Model, recipe: Recipe) -> Recipe:
    """The recipe with its losses' blobs, targets and names, and with the layers that the model has marked."""
    network = network_of(model)
    layers = recipe.layers
    known = dict(_keyed(network))
    if layers is None:
        marked = tuple((key, ()) for key, layer in known.items() if layer.isUpdatable)
        layers = marked or None
    unknown = [name for name, _ in layers or () if name not in known]
    if unknown:
        raise UpdateError(f"there is no layer {', '.join(map(repr, unknown))}; there are {', '.join(known)}")
    losses: list[Loss] = []
    for loss in recipe.losses or (_usual_loss(model),):
        blob = loss.input if loss.input is not None else _answer(model)
        if all(blob not in layer.output for layer in known.values()):
            raise UpdateError(f"a loss reads {blob!r}, which no layer writes")
        target = loss.target if loss.target is not None else _usual_target(model, loss, blob)
        name = f"{blob}_loss" if loss.name is None else loss.name
        taken = {layer.name for layer in network.layers} | {one.name for one in losses}
        while loss.name is None and name in taken:
            name += "_"
        if name in taken:
            raise UpdateError(f"{name!r} is the name of two losses, or of a layer and a loss")
        losses.append(replace(loss, input=blob, target=target, name=name))
    for dropped in recipe.dropout:
        if all(dropped.blob not in layer.output for layer in network.layers):
            raise UpdateError(f"dropout needs a blob of the network itself; no layer writes {dropped.blob!r}")
    return replace(recipe, layers=layers, losses=tuple(losses))


def _keyed(network: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(key in the tree of parameters, layer) for all layers, those of sub-networks included."""
    for key, layer in zip(layer_keys(network.layers, prefix), network.layers, strict=True):
        yield key, layer
        kind = kind_of(layer)
        for field, name in REGIONS.get(kind, {}).items():
            yield from _keyed(getattr(getattr(layer, kind), field), f"{key}/{name}/")


def _answer(model: Model) -> str:
    """The blob that a loss reads if it does not say: probabilities, or the first output."""
    network = network_of(model)
    if model.WhichOneof("Type") == "neuralNetworkClassifier":
        if network.labelProbabilityLayerName:
            return network.labelProbabilityLayerName
        if not network.layers or not network.layers[-1].output:
            raise UpdateError("the classifier has no layer that could give probabilities")
        return network.layers[-1].output[0]
    if not model.description.output:
        raise UpdateError("the model has no output that a loss could read")
    return model.description.output[0].name


def _usual_loss(model: Model) -> Loss:
    """Cross entropy for probabilities, squared error for all else."""
    network, blob = network_of(model), _answer(model)
    writer = next((kind_of(layer) for layer in reversed(network.layers) if blob in layer.output), None)
    classifies = model.WhichOneof("Type") == "neuralNetworkClassifier"
    return parts.CrossEntropy() if classifies or writer in ("softmax", "softmaxND") else parts.SquaredError()


def _usual_target(model: Model, loss: Loss, blob: str) -> str:
    description = model.description
    if loss.label and model.WhichOneof("Type") == "neuralNetworkClassifier" and description.predictedFeatureName:
        return description.predictedFeatureName
    return f"{blob}_true"


# What training takes -------------------------------------------------------------------------------------------------


def label_kind(model: Model) -> Any:
    """The type of the label that a classifier gives."""
    name = model.description.predictedFeatureName
    found = next((f.type for f in model.description.output if f.name == name), None)
    if found is None:
        raise UpdateError(f"the classifier has no output {name!r} for its label")
    return found


def _declare_targets(model: Model, losses: tuple[Loss, ...], shapes: Shapes) -> None:
    """Training takes the inputs of the model and the targets of its losses; what is declared already stays."""
    description = model.description
    declared = {feature.name for feature in description.trainingInput}
    description.trainingInput.extend(f for f in description.input if f.name not in declared)
    declared |= {feature.name for feature in description.input}
    outputs = {feature.name: feature.type for feature in description.output}
    for loss in losses:
        if loss.target in declared:
            continue
        declared.add(str(loss.target))
        kind = description.trainingInput.add(name=loss.target).type
        if loss.label and loss.target == description.predictedFeatureName:
            kind.CopyFrom(label_kind(model))
        elif loss.label:
            kind.multiArrayType.shape.append(1)
            kind.multiArrayType.dataType = ArrayFeatureType.INT32
        else:
            blob = str(loss.input)
            shape = list(outputs[blob].multiArrayType.shape) if blob in outputs else []
            shape = shape or list(shapes.get(blob, ()))
            if not shape:
                raise UpdateError(
                    f"the shape of {blob!r} is declared nowhere; declare the training input {loss.target!r}"
                )
            kind.multiArrayType.shape.extend(shape)
            kind.multiArrayType.dataType = ArrayFeatureType.DOUBLE


def _declared_shapes(model: Model, recipe: Recipe) -> Shapes:
    given = {feature.name: feature.type.multiArrayType.shape for feature in model.description.trainingInput}
    return {str(loss.input): tuple(given[str(loss.target)]) for loss in recipe.losses if loss.target in given}


def _bare(model: Model) -> Model:
    """A copy without any recipe."""
    copy = Model()
    copy.CopyFrom(model)
    copy.isUpdatable = False
    copy.ClearField("trainingRecipe")
    network = network_of(copy)
    network.ClearField("updateParams")
    for _, layer in _keyed(network):
        layer.isUpdatable = False
        for _, weight in weight_messages(layer):
            weight.isUpdatable = False
    return copy


# In Core ML's words --------------------------------------------------------------------------------------------------

_LOSSES = {parts.CrossEntropy: "categoricalCrossEntropyLossLayer", parts.SquaredError: "meanSquaredErrorLossLayer"}
_OPTIMIZERS = {parts.SGD: "sgdOptimizer", parts.Adam: "adamOptimizer"}


def _for_core_ml(model: Model, recipe: Recipe, shapes: Shapes) -> tuple[Model, list[str]]:
    """The recipe as Core ML would have it, and all that it cannot say or would refuse."""
    problems = list(_unspeakable(recipe))
    copy = _bare(model)
    network = network_of(copy)
    layers = dict(_keyed(network))
    for name, weights in recipe.layers or ():
        layer = layers[name]
        layer.isUpdatable = True
        for path, weight in weight_messages(layer):
            weight.isUpdatable = not weights or str(path[0]) in weights
    copy.isUpdatable = True
    copy.specificationVersion = max(4, copy.specificationVersion)
    update = network.updateParams
    for loss in recipe.losses:
        if type(loss) in _LOSSES:
            message = getattr(update.lossLayers.add(name=loss.name), _LOSSES[type(loss)])
            message.input = loss.input
            # the custom of files of classifiers: a name that nothing has; the label is meant
            label = loss.target == model.description.predictedFeatureName
            message.target = f"{loss.input}_true" if label else loss.target
    if type(recipe.optimizer) in _OPTIMIZERS:
        optimizer = getattr(update.optimizer, _OPTIMIZERS[type(recipe.optimizer)])
        for name, value in recipe.optimizer.numbers.items():
            field = next((f.name for f in optimizer.DESCRIPTOR.fields if snake_case(f.name) == name), None)
            if field is not None:
                getattr(optimizer, field).defaultValue = value
        optimizer.miniBatchSize.defaultValue = recipe.batch_size
    update.epochs.defaultValue = recipe.epochs
    update.shuffle.defaultValue = recipe.shuffle
    update.seed.defaultValue = recipe.seed
    _declare_targets(copy, recipe.losses, shapes)
    if recipe.layers is None:
        problems.append("the recipe trains every layer that a gradient reaches; Core ML wants them marked")
    expected = {
        "optimizer": type(recipe.optimizer) in _OPTIMIZERS,
        "loss": all(type(x) in _LOSSES for x in recipe.losses),
    }
    for problem in _errors(copy):
        # what has no word there is listed already, in better words than that it is missing
        if not (problem.startswith("optimizer: is missing") and not expected["optimizer"]) and not (
            "0 loss layers" in problem and not expected["loss"]
        ):
            problems.append(problem)
    return copy, problems


def _unspeakable(recipe: Recipe) -> Iterator[str]:
    """The parts of a recipe for which Core ML has no word."""
    optimizer: Any = recipe.optimizer
    if type(optimizer) not in _OPTIMIZERS:
        yield f"the optimizer {type(optimizer).__name__} is not SGD or Adam"
    elif optimizer.weight_decay is not None:
        yield "weight decay"
    if optimizer.schedule != parts.Constant():
        yield f"the schedule {type(optimizer.schedule).__name__}, warm-up {optimizer.schedule.warmup:g}"
    for loss in recipe.losses:
        if type(loss) not in _LOSSES:
            yield f"the loss {type(loss).__name__} is not cross entropy or squared error"
        elif getattr(loss, "label_smoothing", None) is not None:
            yield "label smoothing"
        if loss.weight != 1:
            yield f"the weight of loss {loss.name!r}"
    if len(recipe.losses) > 1:
        yield f"{len(recipe.losses)} losses together"
    plain = Recipe()
    words = {
        **{"clip_norm": "gradient clipping", "dropout": "dropout", "augmentation": "augmentation"},
        **{"validation_fraction": "a validation split", "early_stopping": "early stopping", "metrics": "metrics"},
        "quantized": "quantized weights that stay quantized",
        "half": "float16 weights that stay float16",
        "statistics": "statistics of batchnorm layers that move",
    }
    yield from (what for name, what in words.items() if getattr(recipe, name) != getattr(plain, name))


# In words of our own -------------------------------------------------------------------------------------------------

_KINDS: dict[str, dict[str, type]] = {
    "TrainingLoss": {
        kind.wire: kind
        for kind in (
            *(parts.CrossEntropy, parts.SquaredError, parts.BinaryCrossEntropy, parts.Huber),
            *(parts.CosineDistance, parts.Hinge, parts.Contrastive),
        )
    },
    "TrainingOptimizer": {k.wire: k for k in (parts.SGD, parts.Adam, parts.AdamW, parts.RMSprop, parts.Lion)},
    "TrainingSchedule": {k.wire: k for k in (parts.Constant, parts.CosineDecay, parts.LinearDecay, parts.StepDecay)},
    "TrainingAugmentation": {k.wire: k for k in (parts.Flip, parts.Shift, parts.Rotate, parts.Brightness)},
    "TrainingMetric": {k.wire: k for k in (parts.Accuracy, parts.TopK)},
}


def _put(part: Any, message: Any) -> None:
    """The fields of a part that the message has: first its own, then those of its member of the oneof."""
    _put_fields(part, message)
    if message.DESCRIPTOR.oneofs_by_name.get("kind") is not None:
        chosen = getattr(message, part.wire)
        chosen.SetInParent()
        _put_fields(part, chosen)


def _put_fields(part: Any, message: Any) -> None:
    for field in message.DESCRIPTOR.fields:
        value = getattr(part, snake_case(field.name), None)
        if field.message_type is None and value is not None:
            setattr(message, field.name, value)


def _got(message: Any, kind: type | None = None) -> Any:
    """The part that a message holds. Raises UpdateError where its kind is unknown."""
    values = _got_fields(message)
    if kind is None:
        name = message.DESCRIPTOR.name
        member = message.WhichOneof("kind")
        if member is None:
            raise UpdateError(f"the recipe in the file has a {name} of no kind that this version knows")
        kind = _KINDS[name][member]
        values |= _got_fields(getattr(message, member))
    return kind(**values)


def _got_fields(message: Any) -> dict[str, Any]:
    out = {}
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None and (not field.has_presence or message.HasField(field.name)):
            value = getattr(message, field.name)
            name = snake_case(field.name)
            out[name] = None if value == "" and name in ("input", "monitor", "name", "target") else value
    return out


def _encode(recipe: Recipe, message: TrainingRecipe) -> None:
    for name, weights in recipe.layers or ():
        message.layers.add(name=name, weights=weights)
    for loss in recipe.losses:
        _put(loss, message.losses.add())
    _put(recipe.optimizer, message.optimizer)
    _put(recipe.optimizer.schedule, message.schedule)  # type: ignore[attr-defined]
    message.epochs, message.miniBatchSize = recipe.epochs, recipe.batch_size
    message.shuffle, message.seed = recipe.shuffle, recipe.seed
    if recipe.clip_norm is not None:
        message.clipNorm = recipe.clip_norm
    for dropped in recipe.dropout:
        message.dropout.add(blob=dropped.blob, rate=dropped.rate)
    for step in recipe.augmentation:
        _put(step, message.augmentation.add())
    message.validationFraction = recipe.validation_fraction
    if recipe.early_stopping is not None:
        message.earlyStopping.SetInParent()
        _put_fields(recipe.early_stopping, message.earlyStopping)
    for metric in recipe.metrics:
        _put(metric, message.metrics.add())
    for name, words in CHOICES.items():
        setattr(message, name, words.index(getattr(recipe, name)))
    message.statisticsMomentum = recipe.statistics_momentum


def _decode(message: Any) -> Recipe:
    optimizer = _got(message.optimizer)
    if message.HasField("schedule"):
        optimizer = replace(optimizer, schedule=_got(message.schedule))
    choices = {}
    for name, words in CHOICES.items():
        if not 0 <= getattr(message, name) < len(words):
            raise UpdateError(f"the recipe in the file has a choice of {name} that this version does not know")
        choices[name] = words[getattr(message, name)]
    layers: Layers = tuple((layer.name, tuple(layer.weights)) for layer in message.layers)
    losses = tuple(_got(loss) for loss in message.losses)
    if not losses:
        raise UpdateError("the recipe in the file has no loss")
    return Recipe(
        optimizer,
        losses=losses,
        epochs=message.epochs,
        batch_size=message.miniBatchSize,
        shuffle=message.shuffle,
        seed=message.seed,
        layers=layers or None,
        clip_norm=message.clipNorm if message.HasField("clipNorm") else None,
        dropout=tuple(_got(one, parts.Dropout) for one in message.dropout),
        augmentation=tuple(_got(one) for one in message.augmentation),
        validation_fraction=message.validationFraction,
        early_stopping=_got(message.earlyStopping, parts.EarlyStopping) if message.HasField("earlyStopping") else None,
        metrics=tuple(_got(one) for one in message.metrics),
        statistics_momentum=message.statisticsMomentum,
        **choices,
    )
