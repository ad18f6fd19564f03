"""Model messages in one line, for tests of kinds that are no networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphml import spec
from graphml.build import array as array


def _type(member: str, **fields: Any) -> spec.FeatureType:
    message = spec.FeatureType()
    inner = getattr(message, member)
    inner.SetInParent()
    for name, value in fields.items():
        getattr(inner, name).SetInParent() if value is None else setattr(inner, name, value)
    return message


INT, DOUBLE, STRING = (_type(f"{name}Type") for name in ("int64", "double", "string"))
WORDS = _type("dictionaryType", stringKeyType=None)
PLACES = _type("dictionaryType", int64KeyType=None)
STRINGS = _type("sequenceType", stringType=None)
INTS = _type("sequenceType", int64Type=None)
for _sequence in (STRINGS, INTS):
    _sequence.sequenceType.sizeRange.upperBound = -1


def optional(feature: spec.FeatureType) -> spec.FeatureType:
    message = spec.FeatureType()
    message.CopyFrom(feature)
    message.isOptional = True
    return message


def doubles(*shape: int) -> spec.FeatureType:
    return array(*shape, dtype="float64")


def made(kind: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any], **content: Any) -> spec.Model:
    """A model of a kind with this interface: {name: type}. content: fields of the kind's message."""
    message = spec.Model(specificationVersion=4, **{kind: content})
    getattr(message, kind).SetInParent()
    for field, features in (("input", inputs), ("output", outputs)):
        for name, feature in features.items():
            getattr(message.description, field).add(name=name).type.CopyFrom(feature)
    return message


def joined(
    stages: Sequence[spec.Model] | Mapping[str, spec.Model], inputs: Mapping[str, Any], outputs: Mapping[str, Any]
) -> spec.Model:
    """A pipeline of stages, named if they are a mapping."""
    named = isinstance(stages, Mapping)
    models = list(stages.values()) if named else list(stages)
    return made("pipeline", inputs, outputs, models=models, names=list(stages) if named else [])
