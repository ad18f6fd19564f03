"""The contents of a model file, as plain data and as text. Nothing is computed, and JAX is not needed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from graphml.descriptions import FeatureDescription, Metadata, describe_model
from graphml.errors import SpecError
from graphml.inspect.program_summary import class_labels, operations_of, program_facts
from graphml.spec import layers
from graphml.spec.attributes import weight_messages
from graphml.spec.enums import enum_name, value_name
from graphml.spec.layers import weight_shape
from graphml.spec.program import programs
from graphml.spec.weights import storage, stored_count


def summarize(model: Any, function: str | None = None) -> dict[str, Any]:
    """The contents of a model: interface, layers, recipe, metadata. Ready for JSON.

    Args:
        model: The Model message.
        function: The function of an ML Program to describe; None: all of them, and the interface of the default one.

    Raises:
        SpecError: The model has no function of this name.
    """
    kind = model.WhichOneof("Type")
    if function is not None:
        programs.refuse_unknown(model, function)
    description = describe_model(model, function)
    out: dict[str, Any] = {
        "kind": kind,
        "specification_version": model.specificationVersion,
        "updatable": model.isUpdatable,
        "size_bytes": model.ByteSize(),
        "inputs": [_feature(feature) for feature in description.inputs],
        "outputs": [_feature(feature) for feature in description.outputs],
    }
    if description.training_inputs:
        out["training_inputs"] = [_feature(feature) for feature in description.training_inputs]
    if description.states:
        out["states"] = [_feature(feature) for feature in description.states]
    if description.predicted_feature_name:
        out["predicted_feature"] = description.predicted_feature_name
    if description.predicted_probabilities_name:
        out["predicted_probabilities"] = description.predicted_probabilities_name
    out["metadata"] = _metadata(description.metadata)
    if kind:
        out["facts"] = facts = _facts(kind, getattr(model, kind))
        parameters = {name: facts.pop(name) for name in _PARAMETERS if name in facts}
        if parameters:
            out["parameters"] = parameters
    if kind in layers.NETWORKS:
        network = getattr(model, kind)
        exact = network.arrayInputShapeMapping or network.imageInputShapeMapping
        out["layers"] = list(_layers(network.layers))
        out["mapping"] = "exact" if exact else "rank 5 unless a layer is newer than specification 3"
        if network.HasField("updateParams"):
            out["update"] = _recipe(network.updateParams)
    if kind == "mlProgram":
        out["functions"] = list(_functions(model, function))
    if model.HasField("trainingRecipe"):
        out["training_recipe"] = _own_recipe(model.trainingRecipe)
    labels = _labels(getattr(model, kind)) if kind else None
    if kind == "mlProgram" and description.predicted_feature_name:
        labels = _program_labels(model, function)
    if labels is not None:
        out["class_labels"] = labels
    stages = _stages(model)
    if stages:
        out["stages"] = [{"name": name, **summarize(stage)} for name, stage in stages]
    return out


def _functions(model: Any, wanted: str | None) -> Iterator[dict[str, Any]]:
    """The functions of a program. If all are shown, each has the interface that the file declares for it."""
    declared = {each.name for each in model.description.functions}
    for name, held in programs.functions(model.mlProgram).items():
        if wanted in (None, name):
            out: dict[str, Any] = {"name": name}
            if wanted is None and name in declared:
                own = describe_model(model, name)
                groups = {"inputs": own.inputs, "outputs": own.outputs, "states": own.states}
                out |= {what: [_feature(feature) for feature in features] for what, features in groups.items()}
            yield out | {"operations": operations_of(held)}


def _program_labels(model: Any, function: str | None) -> list[Any] | None:
    held = model.mlProgram.functions
    try:
        name = next(iter(held)) if len(held) == 1 else programs.default_function(model)
    except SpecError:
        return None
    return class_labels(held[name if function is None else function])


def _feature(feature: FeatureDescription) -> dict[str, Any]:
    out = {"name": feature.name, "type": feature.words + (" (optional)" if feature.optional else "")}
    if feature.text:
        out["description"] = feature.text
    return out


def _metadata(metadata: Metadata) -> dict[str, Any]:
    known = {"description": metadata.short_description, "version": metadata.version}
    known |= {"author": metadata.author, "license": metadata.license}
    out: dict[str, Any] = {name: value for name, value in known.items() if value}
    if metadata.user_defined:
        out["user_defined"] = dict(metadata.user_defined)
    return out


def _layers(messages) -> Iterator[dict[str, Any]]:
    for number, layer in enumerate(messages, 1):
        kind = layer.WhichOneof("layer")
        out: dict[str, Any] = {"number": number, "name": layer.name, "kind": kind}
        out |= {"inputs": list(layer.input), "outputs": list(layer.output)}
        if layer.isUpdatable:
            out["updatable"] = True
        if kind is not None:
            params = getattr(layer, kind)
            weights = {".".join(map(str, path)): _weight(kind, params, path, w) for path, w in weight_messages(layer)}
            if weights:
                out["weights"] = weights
            for wire, region in layers.REGIONS.get(kind, {}).items():
                if params.HasField(wire):
                    out[region] = list(_layers(getattr(params, wire).layers))
        yield out


def _weight(kind: str, params: Any, path: tuple[Any, ...], message: Any) -> dict[str, Any]:
    # a path has Python names, shapes are declared by wire names; both have the same suffix
    name = next((p for p in reversed(path) if isinstance(p, str)), "")
    shape = weight_shape(kind, params, name.replace("_", ""))
    return {"shape": None if shape is None else list(shape), "storage": storage(message)}


def _recipe(update: Any) -> dict[str, Any]:
    losses = [
        {"name": loss.name, "loss": loss.WhichOneof("LossLayerType"), **_loss_blobs(loss)} for loss in update.lossLayers
    ]
    out: dict[str, Any] = {"losses": losses, "epochs": _parameter(update.epochs)}
    kind = update.optimizer.WhichOneof("OptimizerType")
    if kind is not None:
        chosen = getattr(update.optimizer, kind)
        own = {
            layers.snake_case(field.name): _parameter(getattr(chosen, field.name))
            for field in chosen.DESCRIPTOR.fields
            if chosen.HasField(field.name)
        }
        out["optimizer"] = {"kind": kind, **own}
    out["shuffle"] = update.shuffle.defaultValue
    if update.HasField("seed"):
        out["seed"] = _parameter(update.seed)
    return out


def _own_recipe(message: Any) -> dict[str, Any]:
    """A recipe of graphml's own, without settings that are zero."""
    return {layers.snake_case(field.name): _plain(field, value) for field, value in message.ListFields()}


def _plain(field: Any, value: Any) -> Any:
    if field.is_repeated:
        return [_own_recipe(one) if field.message_type else one for one in value]
    if field.enum_type is not None:
        return value_name(field, value).removeprefix("TRAINED_").lower()
    return _own_recipe(value) if field.message_type else value


def _loss_blobs(loss: Any) -> dict[str, str]:
    kind = loss.WhichOneof("LossLayerType")
    return {} if kind is None else {"input": getattr(loss, kind).input, "target": getattr(loss, kind).target}


def _parameter(parameter: Any) -> dict[str, Any]:
    out: dict[str, Any] = {"default": parameter.defaultValue}
    allowed = parameter.WhichOneof("AllowedValues")
    if allowed == "range":
        out["range"] = [parameter.range.minValue, parameter.range.maxValue]
    elif allowed == "set":
        out["allowed"] = list(parameter.set.values)
    return out


def _labels(message: Any) -> list[Any] | None:
    if "ClassLabels" not in message.DESCRIPTOR.oneofs_by_name:
        return None
    chosen = message.WhichOneof("ClassLabels")
    # nearest neighbours have a label for each sample; classes are the distinct labels
    return list(dict.fromkeys(getattr(message, chosen).vector)) if chosen else []


def _stages(model: Any) -> list[tuple[str, Any]]:
    kind = model.WhichOneof("Type")
    if kind not in ("pipeline", "pipelineClassifier", "pipelineRegressor"):
        return []
    pipeline = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    names = list(pipeline.names)
    return [
        (names[i] if i < len(names) and names[i] else f"model{i}", stage) for i, stage in enumerate(pipeline.models)
    ]


# Facts of each kind --------------------------------------------------------------------------------------------------

_PARAMETERS = ("number_of_neighbors", "linked_model_file_name", "linked_model_search_path")
_FEW = 8  # numbers of a list that are shown individually


def _facts(kind: str, message: Any) -> dict[str, Any]:
    """Numbers and settings of one kind of model; for a kind without an entry here, the fields of its message."""
    if kind in layers.NETWORKS:
        return _network_facts(message)
    make = _FACTS.get(kind.removesuffix("Classifier").removesuffix("Regressor"))
    return _fields(message) if make is None else make(message)


def _network_facts(network: Any) -> dict[str, Any]:
    kinds: Counter[str] = Counter()
    stored: Counter[str] = Counter()
    for layer in _all_layers(network.layers):
        kind = layer.WhichOneof("layer")
        kinds[kind or "unknown"] += 1
        if kind is not None:
            for path, weight in weight_messages(layer):
                shape = _weight(kind, getattr(layer, kind), path, weight)["shape"]
                held = stored_count(weight)  # codes of few bits are padded to whole bytes
                stored[storage(weight)] += held if shape is None else min(held, max(0, math.prod(shape)))
    out = {"layer_count": kinds.total(), "layer_kinds": dict(kinds.most_common()), "weight_count": stored.total()}
    return {**out, "weight_storage": dict(stored.most_common())} if stored else out


def _all_layers(messages: Any) -> Iterator[Any]:
    for layer in messages:
        yield layer
        kind = layer.WhichOneof("layer")
        for wire in layers.REGIONS.get(kind, {}) if kind else ():
            yield from _all_layers(getattr(getattr(layer, kind), wire).layers)


def _tree_facts(message: Any) -> dict[str, Any]:
    ensemble = message.treeEnsemble
    nodes = ensemble.nodes
    return {
        "trees": len({node.treeId for node in nodes}),
        "nodes": len(nodes),
        "leaves": sum(node.nodeBehavior == node.LeafNode for node in nodes),
        "dimensions": ensemble.numPredictionDimensions,
        "transform": enum_name(message, "postEvaluationTransform"),
    }


def _linear_facts(message: Any) -> dict[str, Any]:
    out = {
        "rows_of_weights": len(message.weights),
        "weights_per_row": len(message.weights[0].value) if message.weights else 0,
        "transform": enum_name(message, "postEvaluationTransform"),
    }
    encoded = "classEncoding" in message.DESCRIPTOR.fields_by_name
    return {**out, "class_encoding": enum_name(message, "classEncoding")} if encoded else out


def _support_vector_facts(message: Any) -> dict[str, Any]:
    stored = message.WhichOneof("supportVectors")
    kernel = message.kernel.WhichOneof("kernel")
    out: dict[str, Any] = {
        "support_vectors": len(getattr(message, stored).vectors) if stored else 0,
        "form": "sparse" if stored == "sparseSupportVectors" else "dense",
        "kernel": {"kind": kernel, **_fields(getattr(message.kernel, kernel))} if kernel else "none",
    }
    if "numberOfSupportVectorsPerClass" in message.DESCRIPTOR.fields_by_name:
        out["support_vectors_per_class"] = list(message.numberOfSupportVectorsPerClass)
        out["probabilities"] = len(message.probA) > 0
    return out


def _neighbor_facts(message: Any) -> dict[str, Any]:
    index = message.nearestNeighborsIndex
    searched = index.WhichOneof("IndexType")
    default = message.WhichOneof("DefaultClassLabel")
    out: dict[str, Any] = {
        "samples": len(index.floatSamples),
        "dimensions": index.numberOfDimensions,
        "weighting": message.WhichOneof("WeightingScheme") or "none",
        "distance": index.WhichOneof("DistanceFunction") or "none",
        "index": {"kind": searched, **_fields(getattr(index, searched))} if searched else "none",
        "number_of_neighbors": _parameter(message.numberOfNeighbors),
    }
    return {**out, "default_label": getattr(message, default)} if default else out


def _item_facts(message: Any) -> dict[str, Any]:
    items = message.itemItemSimilarities
    return {"items": len(items), "similarities": sum(len(item.similarItemList) for item in items)}


def _probit_facts(message: Any) -> dict[str, Any]:
    weights = sum(len(feature.weights) for feature in message.features)
    return {"features": message.numberOfFeatures, "weights": weights}


def _link_facts(message: Any) -> dict[str, Any]:
    link = message.linkedModelFile
    texts = {"linked_model_file_name": link.linkedModelFileName, "linked_model_search_path": link.linkedModelSearchPath}
    return {name: {"default": text.defaultValue} for name, text in texts.items()}


def _pipeline_facts(message: Any) -> dict[str, Any]:
    return {"stages": len((message.pipeline if "pipeline" in message.DESCRIPTOR.fields_by_name else message).models)}


_FACTS = {
    "treeEnsemble": _tree_facts,
    "glm": _linear_facts,
    "supportVector": _support_vector_facts,
    "kNearestNeighbors": _neighbor_facts,
    "bayesianProbit": _probit_facts,
    "itemSimilarityRecommender": _item_facts,
    "linkedModel": _link_facts,
    "pipeline": _pipeline_facts,
    "mlProgram": program_facts,
}


def _fields(message: Any) -> dict[str, Any]:
    """The fields that are set in a message, without class labels; long lists and bytes are given by size."""
    return {
        layers.snake_case(field.name): _field(field, value)
        for field, value in message.ListFields()
        if not field.name.endswith("ClassLabels")
    }


def _field(field: Any, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {str(key): _field(inner, value[key]) for key in sorted(value)}
    if field.is_repeated:
        return len(value) if field.message_type is not None or len(value) > _FEW else list(value)
    if field.message_type is not None:
        return _fields(value)
    if field.enum_type is not None:
        return value_name(field, value)
    return f"{len(value)} bytes" if isinstance(value, bytes) else value
