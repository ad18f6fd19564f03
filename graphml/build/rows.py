"""What a row of the table of `add_...` methods says, and the layer that it makes of a call's arguments."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from graphml.spec import layers
from graphml.spec.weights import Quantized

# Parameters that name blobs: always the layer's inputs and outputs, never fields.
BLOBS = ("input_name", "input_names", "output_name", "output_names")

Fields = dict[str, Any]
Conversion = Callable[[Any], Any]


class Written(NamedTuple):
    """A layer about to be added."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    fields: Fields


@dataclass(frozen=True)
class Row:
    """One `add_...` method.

    kinds: the layer kinds that it writes; where there are several, `pick` chooses by the arguments. signature: the
    parameters after `name`, as in a `def`. fields: parameter -> field, or (field, conversion), where the name differs
    or the value does; a parameter that is not listed goes to the field of its own name, and None leaves a field out.
    make: arguments -> all fields, for what is more than that; `fields` then says which parameter ends up where
    (several fields: separated by spaces). derived: parameter -> why it is no field itself. incomplete: the layer may be
    filled in afterwards, so nobody judges it when it is added.
    """

    kinds: str | tuple[str, ...]
    signature: str
    fields: Mapping[str, str | tuple[str, Conversion]] = field(default_factory=dict)
    make: Callable[[Any], Fields] | None = None
    pick: Callable[[Any], str] | None = None
    derived: Mapping[str, str] = field(default_factory=dict)
    incomplete: bool = False

    @property
    def all_kinds(self) -> tuple[str, ...]:
        return (self.kinds,) if isinstance(self.kinds, str) else self.kinds

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The parameters after `name`, in order."""
        arguments = ast.parse(f"lambda {self.signature}: 0", mode="eval").body.args  # type: ignore[attr-defined]
        required = len(arguments.args) - len(arguments.defaults)
        defaults = [inspect.Parameter.empty] * required + [ast.literal_eval(d) for d in arguments.defaults]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return {
            argument.arg: inspect.Parameter(argument.arg, kind, default=default)
            for argument, default in zip(arguments.args, defaults, strict=True)
        }

    def goes_to(self, parameter: str) -> tuple[str, ...]:
        """The fields in which a parameter ends up, in snake_case; none for blobs and for what is derived."""
        if parameter in BLOBS or parameter in self.derived:
            return ()
        target = self.fields.get(parameter, parameter)
        return tuple((target if isinstance(target, str) else target[0]).split())

    def written(self, arguments: Mapping[str, Any]) -> Written:
        """The layer that a call describes. Raises SpecError for arguments that make none."""
        given = SimpleNamespace(**arguments)
        given.inputs = _names(arguments, "input_name", "input_names")
        given.outputs = _names(arguments, "output_name", "output_names")
        kind = self.pick(given) if self.pick else self.all_kinds[0]
        fields = self.make(given) if self.make else self._renamed(arguments)
        return Written(kind, given.inputs, given.outputs, {n: _plain(kind, n, v) for n, v in fields.items()})

    def _renamed(self, arguments: Mapping[str, Any]) -> Fields:
        fields = {}
        for parameter, value in arguments.items():
            if parameter in BLOBS or parameter in self.derived or value is None:
                continue
            target = self.fields.get(parameter, parameter)
            name, convert = (target, None) if isinstance(target, str) else target
            fields[name] = convert(value) if convert else value
        return fields


def _names(arguments: Mapping[str, Any], *parameters: str) -> list[str]:
    """The blobs of a call, which may be one name or several."""
    value = next((arguments[p] for p in parameters if arguments.get(p) is not None), ())
    return [value] if isinstance(value, str) else list(value)


def _plain(kind: str, name: str, value: Any) -> Any:
    """Names of enum values in capitals, and weights as float32: `add` alone stores other types as they are."""
    wire = next((f for f in layers.descriptor(kind).fields if name in (f.name, layers.snake_case(f.name))), None)
    if wire is None:
        return value
    inner = wire.message_type.name if wire.message_type else ""
    if isinstance(value, str) and (wire.enum_type or inner in ("SamplingMode", "BoxCoordinatesMode")):
        return value.upper()
    if inner == "WeightParams" and not wire.is_repeated and not isinstance(value, Quantized):
        return np.asarray(value, np.float32)
    return value


def plain_row(kind: str) -> Row:
    """The row of a kind without options: blobs in, blobs out."""
    inputs, outputs = layers.input_range(kind)[1], layers.output_range(kind)[1]
    blobs = ["input_name"] if inputs == 1 else ["input_names"] if inputs else []
    return Row(kind, ", ".join([*blobs, *(["output_name"] if outputs else [])]))
