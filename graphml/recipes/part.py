"""What all parts of a recipe share: bounded hyperparameters, which are traced, and settings, which are compiled in."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self, cast

from graphml.errors import UpdateError
from graphml.recipes.parameters import LARGEST_INTEGER, ParameterDescription, ParameterKey, finite, plain_value


class _Number(NamedTuple):
    """The metadata of a numeric field; see `number`."""

    low: float
    high: float | None
    parameter: str | None
    optional: bool


def number(
    default: float | None,
    low: float = 0.0,
    high: float | None = None,
    *,
    parameter: str | None = None,
    optional: bool = False,
) -> Any:
    """A field for a number with inclusive bounds. Any because a dataclass takes what its fields take.

    Args:
        default: its value.
        low: the lower bound.
        high: the upper bound; None for none.
        parameter: the name under which an update sets it, if that is not the name of the field; empty for a number
            that no update sets.
        optional: whether it may be None, which switches off what the number is for. So does a default of None.
    """
    return field(default=default, metadata={"number": _Number(low, high, parameter, optional or default is None)})


def not_compiled(default: Any) -> Any:
    """A field that the compiled programs of training do not depend on."""
    return field(default=default, metadata={"compiled": False})


def integer(value: Any, name: str, least: int = 1, most: int = LARGEST_INTEGER) -> int:
    """`value` as an int.

    Raises:
        UpdateError: it is not an integer from `least` to `most`.
    """
    plain = None if isinstance(value, bool) or not isinstance(value, Integral) else int(value)
    if plain is None or plain < least:
        raise UpdateError(f"{name} must be an integer of at least {least}, got {value!r}")
    if plain > most:
        raise UpdateError(f"{name} must be at most {most}, got {value!r}")
    return plain


def switch(value: Any, name: str) -> bool:
    """`value` as a bool.

    Raises:
        UpdateError: it is something else.
    """
    plain = plain_value(value, "switch")
    if not isinstance(plain, bool):
        raise UpdateError(f"{name} must be True or False, got {value!r}")
    return plain


@dataclass(frozen=True)
class Part:
    """A frozen part of a recipe, or the whole recipe.

    Raises:
        UpdateError: a number is outside its bounds.
    """

    wire: ClassVar[str] = ""
    """The member of the oneof `kind` that stores the part in our message."""

    def __post_init__(self) -> None:
        for one, (low, high, _, optional) in _numbers(self):
            value: Any = getattr(self, one.name)
            if value is None and optional:
                continue
            plain = finite(value)
            if plain is None or plain < low or (high is not None and plain > high):
                allowed = f"of at least {low:g}" if high is None else f"from {low:g} to {high:g}"
                raise UpdateError(f"{type(self).__name__}: {one.name} must be a number {allowed}, got {value!r}")

    @property
    def scope(self) -> tuple[str, ...]:
        """The scope of its parameters: nothing, or the loss, blob or input that it is about."""
        return ()

    @property
    def hyper(self) -> dict[str, float]:
        """The hyperparameters, which training traces, by parameter name; those of inner parts too."""
        return {str(one.key): one.default for one in self.parameters()}

    @property
    def form(self) -> Hashable:
        """Everything that training programs depend on: parts of the same form differ only in hyperparameters."""
        known = {one.name for one, _ in _numbers(self)}
        compiled = [one.name for one in fields(self) if one.metadata.get("compiled", True)]
        values = ((name, getattr(self, name)) for name in compiled)
        return (type(self), *(value is not None if name in known else _form(value) for name, value in values))

    def with_fields(self, **values: Any) -> Self:
        """A copy with other values, which are not checked: traced hyperparameters, or defaults of a file that another
        value may still replace."""
        other = copy.copy(self)
        for name, value in values.items():
            object.__setattr__(other, name, value)
        return other

    def with_numbers(self, numbers: Mapping[str, Any]) -> Self:
        """A copy with other hyperparameters, which are not checked; those of inner parts too.

        Args:
            numbers: by the names of their parameters, as in `hyper`. Other names are ignored.
        """
        changes = {one.name: numbers[str(key)] for one, key in self._keys() if str(key) in numbers}
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, Part):
                changes[one.name] = value.with_numbers(numbers)
            elif isinstance(value, tuple) and any(isinstance(p, Part) for p in cast("tuple[object, ...]", value)):
                changes[one.name] = tuple(p.with_numbers(numbers) for p in cast("tuple[Part, ...]", value))
        return self.with_fields(**changes)

    def _keys(self) -> Iterator[tuple[Field[Any], ParameterKey]]:
        """(field, key) of its own hyperparameters that are not None."""
        for one, known in _numbers(self):
            if known.parameter != "" and getattr(self, one.name) is not None:
                yield one, ParameterKey(known.parameter or one.name, self.scope)

    def parameters(self) -> Iterator[ParameterDescription]:
        """The parameters behind `hyper`, with their bounds; the default is the value of the part."""
        for one, key in self._keys():
            known: _Number = one.metadata["number"]
            yield ParameterDescription(key, float(getattr(self, one.name)), "number", known.low, known.high)
        for one in fields(self):
            value = getattr(self, one.name)
            for inner in cast("tuple[object, ...]", value if isinstance(value, tuple) else (value,)):
                if isinstance(inner, Part):
                    yield from inner.parameters()


def _numbers(part: Part) -> list[tuple[Field[Any], _Number]]:
    return [(one, one.metadata["number"]) for one in fields(part) if "number" in one.metadata]


def _form(value: Any) -> Hashable:
    if isinstance(value, Part):
        return value.form
    return tuple(map(_form, cast("tuple[object, ...]", value))) if isinstance(value, tuple) else value
