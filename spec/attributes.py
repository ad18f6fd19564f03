"""A layer's message <-> plain Python attributes and weights, by one mechanism for all kinds.

Decoding turns field names into snake_case, enum values into their names, repeated fields into tuples, sub-messages into
dicts, and a oneof into one attribute of the same name whose value is a `Choice`. `WeightParams` become weights: arrays
(or `Quantized`) under the same names, nested in dicts and lists as in the message. Encoding is the inverse.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast
from weakref import WeakValueDictionary

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from graphml.errors import SpecError
from graphml.spec import weights as stored
from graphml.spec.layers import (
    REGIONS,
    ZERO_MEANS,
    descriptor,
    implied,
    kinds,
    output_channel_axis,
    snake_case,
    switched_off,
    weight_shape,
)
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

_WEIGHTS = "graphml.spec.WeightParams"
_NETWORK = "graphml.spec.NeuralNetwork"

_Path = tuple[str | int, ...]
# Any: protobuf's runtime descriptors are not of the classes that its stubs declare.
_Field = Any
_MessageType = Any


class Choice(NamedTuple):
    """The member of a oneof that is set, by its wire name, and that member's own fields."""

    name: str
    fields: Mapping[str, Any] = {}


class Decoded(NamedTuple):
    """The contents of a layer's message, apart from its name, blobs and sub-networks."""

    attributes: dict[str, Any]
    weights: dict[str, Any]


# Decoding ------------------------------------------------------------------------------------------------------------


def decode(layer: Message) -> Decoded:
    """Decode a layer.

    Args:
        layer: A NeuralNetworkLayer.

    Returns:
        Its attributes and weights, named as in `attribute_names`.

    Raises:
        SpecError: If the layer has no kind, an enum value is unknown, or stored weights contradict declared sizes.
    """
    return Decoded(decode_attributes(layer), _weights(layer, lambda _, held: held.decode()))


def decode_attributes(layer: Message) -> dict[str, Any]:
    """The attributes of a layer. Raises SpecError as `decode` does."""
    kind = kind_of(layer)
    return _fields(getattr(layer, kind), skip=tuple(REGIONS.get(kind, ())))


def kind_of(layer: Message) -> str:
    """The kind of a layer.

    Raises:
        SpecError: If none is set, as for kinds that are newer than this reader.
    """
    kind = layer.WhichOneof("layer")
    if kind is None:
        raise SpecError("the layer has no kind, or one that is newer than this reader")
    return kind


@functools.cache
def attribute_names(kind: str) -> frozenset[str]:
    """The names under which a kind's fields are passed to its operator, attributes and weights alike."""
    names: set[str] = set()
    for field in descriptor(kind).fields:
        if field.message_type is not None and field.message_type.full_name == _NETWORK:
            continue
        names.add(snake_case(field.containing_oneof.name if field.containing_oneof else field.name))
    if kind == "activation":  # two members hold weights, which become weights of the layer
        names |= {"alpha", "beta"}
    return frozenset(names)


@functools.cache
def weight_names(kind: str) -> frozenset[str]:
    """Those of `attribute_names` that are weights."""
    names = {snake_case(f.name) for f in descriptor(kind).fields if f.message_type and _holds_weights(f.message_type)}
    if kind == "activation":
        names |= {"alpha", "beta"}
    return frozenset(names)


def _holds_weights(message_type: _MessageType) -> bool:
    return message_type.full_name == _WEIGHTS or message_type.full_name.endswith("LSTMWeightParams")


def _is_map(field: _Field) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _fields(message: Message, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for oneof in message.DESCRIPTOR.oneofs:
        member = message.WhichOneof(oneof.name)
        value = None if member is None else _choice(message, member)
        out[snake_case(oneof.name)] = value
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof or field.name in skip:
            continue
        if field.message_type is not None and _holds_weights(field.message_type):
            continue
        value = _value(message, field)
        default = ZERO_MEANS.get((message.DESCRIPTOR.name, field.name))
        if default is not None and not value:
            value = default
        out[snake_case(field.name)] = value
    return out


def _choice(message: Message, member: str) -> Choice:
    value = getattr(message, member)
    return Choice(member, _fields(value) if isinstance(value, Message) else {"value": value})


def _value(message: Message, field: _Field) -> Any:
    value = getattr(message, field.name)
    if _is_map(field):
        return {key: _scalar_choice(item) for key, item in sorted(value.items())}
    if field.is_repeated:
        return tuple(_one(item, field) for item in value)
    return _one(value, field)


def _scalar_choice(item: Any) -> Any:
    """The plain value of a message that consists of a oneof of scalars (parameters of custom layers)."""
    member = item.WhichOneof("value")
    return None if member is None else getattr(item, member)


def _one(value: Any, field: _Field) -> Any:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        if known is None:
            raise SpecError(f"{field.name} must be one of {', '.join(field.enum_type.values_by_name)}, got {value}")
        return known.name
    if field.message_type is None:
        return value
    special = _SHORT_FORMS.get(field.message_type.name)
    return special(value) if special else _fields(value)


# Common converters write the activations of recurrent cells without parameters, which then have these values. The
# format's documentation recommends 1.7159 and 2/3 for scaledTanh, but without parameters Core ML computes a plain tanh.
# In an activation layer, parameters that are not stored are zeros.
_CELL_NUMBERS: Mapping[str, Mapping[str, float]] = {
    "linear": {"alpha": 1.0, "beta": 0.0},
    "sigmoidHard": {"alpha": 0.2, "beta": 0.5},
    "scaledTanh": {"alpha": 1.0, "beta": 1.0},
}


def _cell_activation(message: Any) -> Choice | None:
    choice = _fields(message)["nonlinearity_type"]
    if choice is not None and choice.name in _CELL_NUMBERS and not any(choice.fields.values()):
        return Choice(choice.name, _CELL_NUMBERS[choice.name])
    return choice


# Messages with a single field decode to the value of that field.
_SHORT_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "BorderAmounts": lambda m: tuple((e.startEdgeSize, e.endEdgeSize) for e in m.borderAmounts),
    "SamplingMode": lambda m: _fields(m)["sampling_method"],
    "BoxCoordinatesMode": lambda m: _fields(m)["box_mode"],
    "ActivationParams": _cell_activation,
}


# Weights -------------------------------------------------------------------------------------------------------------


def stored_weights(layer: Message) -> Mapping[str, Any]:
    """The weights of a layer, as `decode` returns them: read from the message when they are used, and cached only
    while another reference exists, so that a model does not hold them twice.

    Args:
        layer: A NeuralNetworkLayer, which is not changed.

    Raises:
        SpecError: Stored weights contradict declared sizes.
    """
    names = tuple(_weights(layer, lambda _, held: held.check()))
    return _StoredWeights(layer, names) if names else {}


class _StoredWeights(Mapping[str, Any]):
    def __init__(self, layer: Message, names: tuple[str, ...]) -> None:
        self._layer = layer
        self._names = names
        self._kept: WeakValueDictionary[_Path, stored.Weight] = WeakValueDictionary()

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return _weights(self._layer, self._weight, name)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _weight(self, path: _Path, held: _Held) -> stored.Weight:
        found = self._kept.get(path)
        if found is None:
            found = self._kept[path] = held.decode()
        return found


class _Held(NamedTuple):
    """A weight in the message of its layer."""

    kind: str
    params: Message
    field: str
    message: Any

    def decode(self) -> stored.Weight:
        return self._with_shape(stored.decode)

    def check(self) -> None:
        self._with_shape(stored.check)

    def _with_shape(self, function: Callable[..., Any]) -> Any:
        shape = weight_shape(self.kind, self.params, self.field)
        if shape is None:
            shape = (stored.stored_count(self.message),)
        try:
            return function(self.message, shape, axis=output_channel_axis(self.kind, self.params))
        except SpecError as error:
            raise SpecError(f"{snake_case(self.field)}: {error}") from None


def _weights(layer: Message, leaf: Callable[[_Path, _Held], Any], only: str | None = None) -> dict[str, Any]:
    """A tree like the weights of a layer, made of what `leaf` returns for each. only: the name of one of them."""
    kind = kind_of(layer)
    params = getattr(layer, kind)

    def one(message: Any, field: _Field, path: _Path) -> Any:
        if field.message_type.full_name == _WEIGHTS:
            return leaf(path, _Held(kind, params, field.name, message))
        return tree(message, path)

    def tree(message: Message, path: _Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, field, value in _weight_fields(message, () if path else tuple(REGIONS.get(kind, ()))):
            if (not path and only not in (None, name)) or switched_off(params, field.name):
                continue
            if field.is_repeated:
                out[name] = [one(item, field, (*path, name, i)) for i, item in enumerate(value)]
            else:
                out[name] = one(value, field, (*path, name))
        return out

    return tree(params, ())


def _weight_fields(message: Message, skip: tuple[str, ...] = ()) -> Iterator[tuple[str, Any, Any]]:
    """(attribute name, field, value) of each field of `message` that is set and is or contains weights."""
    for field, value in message.ListFields():
        if field.message_type is None or field.name in skip or _is_map(field):
            continue
        if field.containing_oneof:
            yield from _weight_fields(value)
        elif _holds_weights(field.message_type):
            yield snake_case(field.name), field, value


def weight_messages(layer: Message) -> list[tuple[_Path, Any]]:
    """(path, WeightParams) for each weight of a layer; the path locates it in `decode(layer).weights`."""
    found: list[tuple[_Path, Any]] = []
    _weights(layer, lambda path, held: found.append((path, held.message)))
    return found


# Encoding ------------------------------------------------------------------------------------------------------------


def encode(kind: str, fields: Mapping[str, Any]) -> Message:
    """Encode a layer message, without name and blobs.

    Args:
        kind: The layer kind, as in the schema ("innerProduct").
        fields: Attributes as `decode` returns them, named in snake_case or as in the schema. A oneof may also be given
            by one of its members (`valid={...}`). Weights are arrays or `Quantized`. Sizes and flags that follow from
            the weights may be left out; None leaves a field out.

    Returns:
        A NeuralNetworkLayer.

    Raises:
        SpecError: If the kind or a field is unknown, or a value cannot be stored. The error lists the known fields.
    """
    if kind not in kinds():
        raise SpecError(f"there is no layer kind {kind!r}")
    layer = NeuralNetworkLayer()
    params = getattr(layer, kind)
    params.SetInParent()
    given = _on_the_wire(params.DESCRIPTOR, fields, kind)
    for field in params.DESCRIPTOR.fields:
        value = given.get(field.name)
        weight = field.message_type is not None and field.message_type.full_name == _WEIGHTS and not field.is_repeated
        if weight and value is not None and not isinstance(value, stored.Quantized | np.ndarray):
            given[field.name] = np.asarray(value, np.float32)
    sizes = implied(kind, given)
    if "params" in sizes:
        given = {**given, "params": sizes["params"]}
    _fill(params, {**sizes, **given})
    return layer


def _on_the_wire(message_type: _MessageType, fields: Mapping[str, Any], what: str) -> dict[str, Any]:
    """`fields` under their wire names, with the chosen member in place of each oneof."""
    names = {f.name: f.name for f in message_type.fields} | {snake_case(f.name): f.name for f in message_type.fields}
    oneofs = {o.name: o for o in message_type.oneofs} | {snake_case(o.name): o for o in message_type.oneofs}
    out: dict[str, Any] = {}
    lifted: dict[str, Any] = {}
    for name, value in fields.items():
        if value is None:
            continue
        if name in names:
            out[names[name]] = value
        elif name in oneofs:
            choice = value if isinstance(value, Choice) else Choice(value)
            if choice.name not in {f.name for f in oneofs[name].fields}:
                legal = ", ".join(f.name for f in oneofs[name].fields)
                raise SpecError(f"{what}: {name} must be one of {legal}, got {choice.name!r}")
            out[choice.name] = dict(choice.fields)
        elif what == "activation" and name in ("alpha", "beta"):
            lifted[name] = value
        else:
            legal = ", ".join(sorted({snake_case(f.name) for f in message_type.fields}))
            raise SpecError(f"{what} has no field {name!r}; it has {legal if legal else 'none'}")
    for member in out if lifted else ():
        out[member] = {**out[member], **lifted}
    return out


def _fill(message: Message, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        try:
            _set(message, field, value)
        except (TypeError, ValueError) as error:
            raise SpecError(f"{message.DESCRIPTOR.name}.{snake_case(name)} cannot be {value!r}: {error}") from None


def _set(message: Message, field: _Field, value: Any) -> None:
    if _is_map(field):
        for key, item in value.items():
            _set_scalar_choice(getattr(message, field.name)[key], item)
    elif field.is_repeated:
        target = getattr(message, field.name)
        if field.message_type is None:
            del target[:]
            target.extend(_plain(item, field) for item in value)
        else:
            for item in value:
                _set_message(target.add(), field, item)
    elif field.message_type is not None:
        target = getattr(message, field.name)
        target.SetInParent()
        _set_message(target, field, value)
    else:
        setattr(message, field.name, _plain(value, field))


def _plain(value: Any, field: _Field) -> Any:
    """The value that protobuf takes for an enum name or a NumPy scalar."""
    if field.enum_type is not None:
        if not isinstance(value, str):
            return value
        if value not in field.enum_type.values_by_name:
            raise ValueError(f"expected one of {', '.join(field.enum_type.values_by_name)}")
        return field.enum_type.values_by_name[value].number
    if isinstance(value, np.generic):
        value = cast("Any", value).item()
    if field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return float(value)
    return value


def _set_message(target: Any, field: _Field, value: Any) -> None:
    name = field.message_type.name
    if isinstance(value, Message):
        target.CopyFrom(value)
    elif field.message_type.full_name == _WEIGHTS:
        stored.encode(value, target)
    elif name == "BorderAmounts" and not isinstance(value, Mapping):
        for start, end in value:
            target.borderAmounts.add(startEdgeSize=int(start), endEdgeSize=int(end))
    elif name in ("SamplingMode", "BoxCoordinatesMode") and isinstance(value, str):
        only = target.DESCRIPTOR.fields[0]
        setattr(target, only.name, _plain(value, only))
    elif name == "ActivationParams" and not isinstance(value, Mapping):
        choice = value if isinstance(value, Choice) else Choice(value)
        _fill(target, _on_the_wire(target.DESCRIPTOR, {"NonlinearityType": choice}, name))
    else:
        _fill(target, _on_the_wire(target.DESCRIPTOR, cast("Mapping[str, Any]", value), name))


def _set_scalar_choice(target: Any, value: Any) -> None:
    if isinstance(value, bool):
        target.boolValue = value
    elif isinstance(value, int):
        setattr(target, "intValue" if -(2**31) <= value < 2**31 else "longValue", value)
    elif isinstance(value, float):
        target.doubleValue = value
    elif isinstance(value, str):
        target.stringValue = value
    elif value is not None:  # a parameter without a value is legal
        raise TypeError(f"a parameter must be a bool, int, float or str, got {type(value).__name__}")
