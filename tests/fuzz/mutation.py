"""Damage: a few changes to the fields of a message, each legal protobuf, or to its bytes."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from fuzz.seeds import seeds
from graphml.spec import Model

INTEGERS = (0, 1, -1, 2, 3, 5, 7, 64, 255, 65535, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**31), -(2**63))
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, math.nan, math.inf, -math.inf, 1e-30, 1e30, 2.0**40, -(2.0**62))
STRINGS = ("", "x", "in0", "out0", "y", "a/b", "../..", "$exit", "\x1b[31m", "\u202e", "é" * 40, "9" * 5000, "A" * 300)
BYTES = (b"", b"\0", b"\xff" * 7, bytes(range(256)))
MOST_TIMES = 40  # a part is repeated

_INTEGER_BITS = {1: 64, 3: -64, 4: 64, 5: -32, 13: 32, 14: -32}
"""Number of a field's type in a descriptor -> bits, negative where signed, of the kinds that this format uses."""


_ZEROS = {FieldDescriptor.CPPTYPE_STRING: "", FieldDescriptor.CPPTYPE_BOOL: False}


def mutant(seed: int, number: int) -> tuple[str, bytes]:
    """The name of the seed model and the bytes of a mutant; the same two numbers give the same mutant."""
    rng = random.Random(f"{seed}:{number}")
    name = rng.choice(list(seeds()))
    return name, damaged_model(seeds()[name], rng)


def damaged_model(whole: Model, rng: random.Random) -> bytes:
    """The bytes of a model after a few changes."""
    model = Model()
    model.CopyFrom(whole)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        change(model, rng)
    data = model.SerializeToString(deterministic=True)
    return damaged(data, rng) if rng.random() < 0.1 else data


# Fields ---------------------------------------------------------------------------------------------------------------


def change(model: Message, rng: random.Random) -> None:
    """One change at a random place."""
    message = rng.choice(list(messages(model)))
    present = [field for field, _ in message.ListFields()]
    every = list(message.DESCRIPTOR.fields)
    if not every:
        return
    field = rng.choice(present) if present and rng.random() < 0.8 else rng.choice(every)
    if field.is_repeated:
        _change_list(message, field, rng)
    elif field.message_type is not None:
        _change_part(message, field, rng)
    elif rng.random() < 0.1:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, _value(field, rng, getattr(message, field.name)))


def messages(message: Any) -> Iterator[Any]:
    """A message and all messages inside it, outer before inner."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if not field.is_repeated:
            yield from messages(value)
        elif field.message_type.GetOptions().map_entry:
            yield from (m for v in value.values() if isinstance(v, Message) for m in messages(v))
        else:
            for part in value:
                yield from messages(part)


def _value(field: Any, rng: random.Random, old: Any) -> Any:
    """A value of a field's type: at the edge of the type, or near the old one."""
    if field.enum_type is not None:
        return rng.choice([*(v.number for v in field.enum_type.values), -1, 99])
    if field.type in _INTEGER_BITS:
        bits = _INTEGER_BITS[field.type]
        low, high = (0, 2**bits - 1) if bits > 0 else (-(2 ** (-bits - 1)), 2 ** (-bits - 1) - 1)
        wanted = rng.choice([*INTEGERS, old + 1, old - 1, old * 2])
        return min(high, max(low, wanted))
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return rng.choice([*FLOATS, old * 2, -old])
    if field.cpp_type == field.CPPTYPE_BOOL:
        return not old
    if field.type == field.TYPE_BYTES:
        old = old or b""
        return rng.choice([*BYTES, old[:-1], old + old])
    return rng.choice([*STRINGS, old + old])


def _change_list(message: Any, field: Any, rng: random.Random) -> None:
    values = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        values.clear() if rng.random() < 0.5 else message.ClearField(field.name)
        return
    of_messages = field.message_type is not None
    what = rng.choice(("drop", "repeat", "swap", "new", "edit", "clear"))
    if what == "clear":
        message.ClearField(field.name)
    elif (what == "new" or not values) and of_messages:
        values.add().CopyFrom(_relative(field.message_type, rng))
    elif what == "new" or not values:
        values.append(_value(field, rng, values[-1] if values else _ZEROS.get(field.cpp_type, 0)))
    elif what == "drop":
        del values[rng.randrange(len(values))]
    elif what == "repeat":
        copies = [values[rng.randrange(len(values))]] * rng.choice((1, 2, 5, MOST_TIMES))
        if not of_messages or sum(copy.ByteSize() for copy in copies) < 100_000:
            values.extend(copies)
    elif what == "swap":
        rest = list(values)
        rng.shuffle(rest)
        rest = [copied(part) if of_messages else part for part in rest]
        message.ClearField(field.name)
        getattr(message, field.name).extend(rest)
    elif of_messages:
        values[rng.randrange(len(values))].CopyFrom(_relative(field.message_type, rng))
    else:
        place = rng.randrange(len(values))
        values[place] = _value(field, rng, values[place])


def _change_part(message: Any, field: Any, rng: random.Random) -> None:
    what = rng.choice(("clear", "empty", "other"))
    if what == "clear":
        message.ClearField(field.name)
    elif what == "empty":
        message.ClearField(field.name)
        getattr(message, field.name).SetInParent()
    else:
        getattr(message, field.name).CopyFrom(_relative(field.message_type, rng))


def _relative(message_type: Any, rng: random.Random) -> Message:
    """A message of this type out of some seed; an empty one where a few seeds have none."""
    names = list(seeds())
    for name in rng.sample(names, 8):
        found = [part for part in messages(seeds()[name]) if part.DESCRIPTOR is message_type]
        if found:
            return copied(rng.choice(found))
    return message_type._concrete_class()


def copied(message: Message) -> Message:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


# Bytes ----------------------------------------------------------------------------------------------------------------


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The bytes with some changed, removed, inserted or cut off."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if not out:
            break
        place = rng.randrange(len(out))
        what = rng.choice(("flip", "set", "cut", "insert", "truncate"))
        if what == "flip":
            out[place] ^= 1 << rng.randrange(8)
        elif what == "set":
            out[place] = rng.randrange(256)
        elif what == "cut":
            del out[place : place + rng.choice((1, 2, 8))]
        elif what == "insert":
            out[place:place] = rng.randbytes(rng.choice((1, 2, 8)))
        else:
            del out[place:]
    return bytes(out)
