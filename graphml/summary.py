"""What a model file says about itself, as plain data and as text. Nothing is computed, and JAX is not needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphml.spec import layers
from graphml.spec.attributes import weight_messages
from graphml.spec.layers import weight_shape
from graphml.spec.weights import storage
from graphml.spec.wire.features_pb2 import ArrayFeatureType, ImageFeatureType


def summarize(model: Any) -> dict[str, Any]:
    """Everything that a person looks for in a model: interface, layers, recipe, metadata. Ready for JSON."""
    kind = model.WhichOneof("Type")
    description = model.description
    out: dict[str, Any] = {
        "kind": kind,
        "specification_version": model.specificationVersion,
        "updatable": model.isUpdatable,
        "inputs": [_feature(feature) for feature in description.input],
        "outputs": [_feature(feature) for feature in description.output],
    }
    if description.trainingInput:
        out["training_inputs"] = [_feature(feature) for feature in description.trainingInput]
    if description.predictedFeatureName:
        out["predicted_feature"] = description.predictedFeatureName
    if description.predictedProbabilitiesName:
        out["predicted_probabilities"] = description.predictedProbabilitiesName
    out["metadata"] = _metadata(description.metadata)
    if kind in layers.NETWORKS:
        network = getattr(model, kind)
        exact = network.arrayInputShapeMapping or network.imageInputShapeMapping
        out["layers"] = list(_layers(network.layers))
        out["mapping"] = "exact" if exact else "rank 5 unless a layer is newer than specification 3"
        if network.HasField("updateParams"):
            out["update"] = _recipe(network.updateParams)
    if model.HasField("trainingRecipe"):
        out["training_recipe"] = _own_recipe(model.trainingRecipe)
    labels = _labels(getattr(model, kind)) if kind else None
    if labels is not None:
        out["class_labels"] = labels
    stages = _stages(model)
    if stages:
        out["stages"] = [{"name": name, **summarize(stage)} for name, stage in stages]
    return out


def feature_text(feature: Any) -> str:
    """The type of a feature in a few words: image RGB 224 x 224, float32 array [3, 8, 8], dictionary of str to ..."""
    kind = feature.WhichOneof("Type")
    if kind == "imageType":
        image = feature.imageType
        color = ImageFeatureType.ColorSpace.Name(image.colorSpace) if image.colorSpace else "of no colour space"
        flexible = image.WhichOneof("SizeFlexibility")
        sizes = ""
        if flexible == "enumeratedSizes":
            sizes = ", or " + ", ".join(f"{s.width} x {s.height}" for s in image.enumeratedSizes.sizes)
        elif flexible:
            wide, high = image.imageSizeRange.widthRange, image.imageSizeRange.heightRange
            sizes = f", widths {_range(wide)}, heights {_range(high)}"
        text = f"image {color} {image.width} x {image.height}{sizes}"
    elif kind == "multiArrayType":
        array = feature.multiArrayType
        dtype = _DTYPES.get(array.dataType, f"type {array.dataType}")
        shape = f" {list(array.shape)}" if array.shape else " of undeclared shape"
        flexible = array.WhichOneof("ShapeFlexibility")
        if flexible == "enumeratedShapes":
            shape += ", or " + ", ".join(str(list(s.shape)) for s in array.enumeratedShapes.shapes)
        elif flexible:
            shape += ", range " + " x ".join(_range(r) for r in array.shapeRange.sizeRanges)
        text = f"{dtype} array{shape}"
    elif kind == "dictionaryType":
        key = "int" if feature.dictionaryType.WhichOneof("KeyType") == "int64KeyType" else "str"
        text = f"dictionary of {key} -> float"
    elif kind == "sequenceType":
        item = "int" if feature.sequenceType.WhichOneof("Type") == "int64Type" else "str"
        text = f"sequence of {item}, length {_range(feature.sequenceType.sizeRange)}"
    else:
        text = {"int64Type": "int", "doubleType": "float", "stringType": "str", "stateType": "state"}.get(
            str(kind), "of no type"
        )
    return text + (" (optional)" if feature.isOptional else "")


_DTYPES = {
    ArrayFeatureType.FLOAT32: "float32",
    ArrayFeatureType.DOUBLE: "float64",
    ArrayFeatureType.INT32: "int32",
    ArrayFeatureType.FLOAT16: "float16",
    ArrayFeatureType.INT8: "int8",
}


def _range(size: Any) -> str:
    return f"{size.lowerBound}..{'' if size.upperBound < 0 else size.upperBound}"


def _feature(feature: Any) -> dict[str, Any]:
    out = {"name": feature.name, "type": feature_text(feature.type)}
    if feature.shortDescription:
        out["description"] = feature.shortDescription
    return out


def _metadata(metadata: Any) -> dict[str, Any]:
    known = {"description": metadata.shortDescription, "version": metadata.versionString}
    known |= {"author": metadata.author, "license": metadata.license}
    out: dict[str, Any] = {name: value for name, value in known.items() if value}
    if metadata.userDefined:
        out["user_defined"] = dict(sorted(metadata.userDefined.items()))
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
    # a path has Python's names, shapes are declared by the wire's; both end alike
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
    """A recipe of graphml's own: what it says, less what is zero."""
    return {layers.snake_case(field.name): _plain(field, value) for field, value in message.ListFields()}


def _plain(field: Any, value: Any) -> Any:
    if field.is_repeated:
        return [_own_recipe(one) if field.message_type else one for one in value]
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name.removeprefix("TRAINED_").lower()
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
    return list(getattr(message, chosen).vector) if chosen else []


def _stages(model: Any) -> list[tuple[str, Any]]:
    kind = model.WhichOneof("Type")
    if kind not in ("pipeline", "pipelineClassifier", "pipelineRegressor"):
        return []
    pipeline = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    names = list(pipeline.names)
    return [
        (names[i] if i < len(names) and names[i] else f"model{i}", stage) for i, stage in enumerate(pipeline.models)
    ]
