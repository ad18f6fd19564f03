"""Renaming an input or an output of a model, wherever the model refers to it by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphml.errors import GraphError
from graphml.spec.layers import NETWORKS
from graphml.spec.rules.updates import pipeline_of
from graphml.spec.wire.model_pb2 import Model

# {message: its fields that hold the name of a blob, of a value of a program, or of an input}. In networks and programs
# inputs, outputs and intermediate values share one namespace.
_NAMES = {
    "NeuralNetworkLayer": ("input", "output"),
    "NeuralNetworkPreprocessing": ("featureName",),
    "NeuralNetworkClassifier": ("labelProbabilityLayerName",),
    "LoopLayerParams": ("conditionVar",),
    "CategoricalCrossEntropyLossLayer": ("input", "target"),
    "MeanSquaredErrorLossLayer": ("input", "target"),
    "NamedValueType": ("name",),
    "Binding": ("name",),
    "Block": ("outputs",),
    "TrainingLoss": ("input", "target"),
    "TrainingDropout": ("blob",),
    "TrainingAugmentation": ("input",),
}
_PREDICTED = ("predictedFeatureName", "predictedProbabilitiesName")


def rename(model: Model, old: str, new: str, *, inputs: bool = True, outputs: bool = True) -> None:
    """Rename an input or an output. Whatever refers to it in the model, or in a stage of a pipeline, is renamed too.

    Args:
        model: The message, which is changed.
        old: The current name.
        new: The new name.
        inputs: Whether to rename an input of this name.
        outputs: Whether to rename an output of this name.

    Raises:
        GraphError: If there is no such feature, the new name is taken, or a network or program has an input and an
            output of this name and only one of them is to be renamed. The model is then unchanged.
    """
    description = model.description
    features = [
        *(description.input if inputs else ()),
        *(description.output if outputs else ()),
        *description.trainingInput,
        *(feature for function in description.functions for feature in (*function.input, *function.output)),
    ]
    if old not in [feature.name for feature in features]:
        what = "input or output" if inputs and outputs else "input" if inputs else "output"
        raise GraphError(f"there is no {what} {old!r}; there are {', '.join(sorted({f.name for f in features}))}")
    if new == old:
        return
    if new in set(_all_names(model)):
        raise GraphError(f"cannot rename {old!r} to {new!r}: the model has another value of this name")
    copy = Model()
    copy.CopyFrom(model)
    _rename(copy, old, new, inputs, outputs)
    model.CopyFrom(copy)


def _rename(model: Any, old: str, new: str, inputs: bool, outputs: bool) -> None:
    description, kind = model.description, model.WhichOneof("Type")
    is_input = old in [feature.name for feature in description.input]
    is_output = old in [feature.name for feature in description.output]
    inputs, outputs = inputs and is_input, outputs and is_output
    pipeline = pipeline_of(model)
    if pipeline is not None:
        _rename_in_stages(pipeline.models, old, new, inputs, outputs)
    elif kind in NETWORKS or kind == "mlProgram":
        if is_input and is_output and inputs != outputs:
            raise GraphError(f"{old!r} is both an input and an output of the {kind}; rename both or neither")
        _replace(getattr(model, kind), old, new)
        if model.HasField("trainingRecipe"):
            _replace(model.trainingRecipe, old, new)
    elif kind is not None:
        _replace_references(getattr(model, kind), old, new, inputs, outputs)
    training = inputs or (not is_input and (outputs or not is_output))
    for features, wanted in (
        (description.input, inputs),
        (description.output, outputs),
        (description.trainingInput, training),
    ):
        for feature in features if wanted else ():
            if feature.name == old:
                feature.name = new
    for function in description.functions:
        for feature in (*function.input, *function.output):
            feature.name = new if feature.name == old else feature.name
    for holder in (description, *description.functions):
        for field in _PREDICTED if outputs or holder is not description else ():
            if getattr(holder, field) == old:
                setattr(holder, field, new)


def _rename_in_stages(stages: Any, old: str, new: str, inputs: bool, outputs: bool) -> None:
    """Rename where stages read the input of the pipeline, and where they write and read its output."""
    makers = [i for i, stage in enumerate(stages) if old in [feature.name for feature in stage.description.output]]
    for position, stage in enumerate(stages):
        source = max((maker for maker in makers if maker < position), default=None)
        reads = inputs if source is None else outputs and source == makers[-1]
        makes = outputs and bool(makers) and position == makers[-1]
        _rename(stage, old, new, reads, makes)


def _replace(message: Any, old: str, new: str) -> None:
    """Replace a name in all fields of `_NAMES`, in the message and in all messages inside it."""
    for field in _NAMES.get(message.DESCRIPTOR.name, ()):
        value = getattr(message, field)
        if isinstance(value, str):
            setattr(message, field, new if value == old else value)
        else:
            value[:] = [new if name == old else name for name in value]
    for part in _parts(message):
        _replace(part, old, new)


def _parts(message: Any) -> Iterator[Any]:
    """The messages directly inside a message."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                yield from value.values()
        elif hasattr(value, "DESCRIPTOR"):
            yield value
        else:
            yield from value


def _replace_references(message: Any, old: str, new: str, inputs: bool, outputs: bool) -> None:
    """Replace a name in the fields by which models without layers refer to their inputs and outputs."""
    for field, value in message.ListFields():
        wanted = inputs if field.name.endswith("InputFeatureName") else outputs
        if field.name.endswith("FeatureName") and value == old and wanted:
            setattr(message, field.name, new)
    if message.DESCRIPTOR.name == "FeatureVectorizer":
        for column in message.inputList if inputs else ():
            column.inputColumn = new if column.inputColumn == old else column.inputColumn
    if message.DESCRIPTOR.name == "VisionFeaturePrint" and message.HasField("objects") and outputs:
        message.objects.output[:] = [new if name == old else name for name in message.objects.output]


def _all_names(model: Any) -> Iterator[str]:
    description = model.description
    for holder in (description, *description.functions):
        for features in (holder.input, holder.output):
            yield from (feature.name for feature in features)
    yield from (feature.name for feature in description.trainingInput)
    pipeline = pipeline_of(model)
    if pipeline is not None:
        for stage in pipeline.models:
            yield from _all_names(stage)
    elif model.WhichOneof("Type") in NETWORKS or model.WhichOneof("Type") == "mlProgram":
        yield from _names_inside(getattr(model, model.WhichOneof("Type")))


def _names_inside(message: Any) -> Iterator[str]:
    for field in _NAMES.get(message.DESCRIPTOR.name, ()):
        value = getattr(message, field)
        yield from ([value] if isinstance(value, str) else value)
    for part in _parts(message):
        yield from _names_inside(part)
