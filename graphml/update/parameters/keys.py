"""The values that steer an update: their keys, what a file allows of them, and the check of one value against
that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np

from graphml.errors import UpdateError
from graphml.spec.layers import snake_case


@dataclass(frozen=True)
class ParameterKey:
    """The name of a parameter, and the stage or layer that it belongs to.

    `ParameterKey.WEIGHTS.scoped(to="dense")` are the weights of layer `dense`. Scopes nest from the outside in: a
    stage of a pipeline first, then a layer of it, then one of several weights of that layer:
    `ParameterKey.WEIGHTS.scoped(to="lstm").scoped(to="output_gate_weight_matrix")`. Wherever a key is asked for, its
    name does too: "learning_rate", "learningRate", "dense/weights".
    """

    name: str
    scope: tuple[str, ...] = ()

    LEARNING_RATE: ClassVar[ParameterKey]
    MOMENTUM: ClassVar[ParameterKey]
    MINI_BATCH_SIZE: ClassVar[ParameterKey]
    BETA1: ClassVar[ParameterKey]
    BETA2: ClassVar[ParameterKey]
    EPS: ClassVar[ParameterKey]
    EPOCHS: ClassVar[ParameterKey]
    SHUFFLE: ClassVar[ParameterKey]
    SEED: ClassVar[ParameterKey]
    NUMBER_OF_NEIGHBORS: ClassVar[ParameterKey]
    LINKED_MODEL_FILE_NAME: ClassVar[ParameterKey]
    LINKED_MODEL_SEARCH_PATH: ClassVar[ParameterKey]
    WEIGHTS: ClassVar[ParameterKey]
    BIASES: ClassVar[ParameterKey]

    def scoped(self, to: str) -> ParameterKey:
        """The same parameter one level further in: of stage or layer `to`."""
        return replace(self, scope=(*self.scope, to))

    def __str__(self) -> str:
        return "/".join((*self.scope, self.name))


_CONSTANTS = (
    *("learning_rate", "momentum", "mini_batch_size", "beta1", "beta2", "eps", "epochs", "shuffle", "seed"),
    *("number_of_neighbors", "linked_model_file_name", "linked_model_search_path", "weights", "biases"),
)
for _name in _CONSTANTS:
    setattr(ParameterKey, _name.upper(), ParameterKey(_name))
_NAMES = (
    *_CONSTANTS,
    *("decay", "weight_decay", "clip_norm", "statistics_momentum", "warmup", "decay_final", "decay_every"),
    *("decay_factor", "loss_weight", "label_smoothing", "delta", "margin", "dropout_rate", "flip_horizontal"),
    *("flip_vertical", "shift_fraction", "rotation_degrees", "brightness_fraction"),
)


def as_key(key: ParameterKey | str) -> ParameterKey:
    """The key behind a name in either spelling. Raises UpdateError for a name that no parameter has."""
    if isinstance(key, ParameterKey):
        return key
    scope, _, last = key.rpartition("/")
    name = snake_case(last)
    if name not in _NAMES:
        raise UpdateError(f"there is no parameter {key!r}; the names are {', '.join(_NAMES)}")
    return ParameterKey(name, (scope,) if scope else ())


Kind = Literal["integer", "number", "switch", "text"]

_LARGEST = float(np.finfo(np.float32).max)  # the step takes its numbers as float32
_MOST_SHOWN = 20  # of the values that a file allows
_MOST_EPOCHS = 2**31 - 1  # the number of an epoch goes into random keys, as 32 bits


@dataclass(frozen=True)
class ParameterDescription:
    """What a file says about one parameter.

    default: its value if nobody gives another. minimum, maximum: inclusive bounds, None where there is none.
    allowed: the only legal values, as far as they are within the bounds; None where bounds (or nothing) decide.
    kind: integer, number, switch or text.
    """

    key: ParameterKey
    default: Any
    kind: Kind = "number"
    minimum: float | None = None
    maximum: float | None = None
    allowed: frozenset[int] | None = None

    def check(self, value: Any) -> Any:
        """`value` as a plain int, float or bool. Raises UpdateError that names the key, the value and what is
        allowed."""
        plain = _plain(value, self.kind)
        if plain is None or not self._allows(plain):
            raise UpdateError(f"{self.key}={value!r} is refused; allowed: {self.allows}")
        if isinstance(plain, int | float) and abs(plain) > self._limit:
            raise UpdateError(f"{self.key}={value!r} is refused; training takes no more than {self._limit}")
        return plain

    def _allows(self, value: Any) -> bool:
        if self.allowed is not None and value not in self.allowed:
            return False
        low = self.minimum is None or value >= self.minimum
        return low and (self.maximum is None or value <= self.maximum)

    @property
    def _limit(self) -> float:
        """The largest value that training can take, whatever the file allows."""
        if self.kind == "number":
            return _LARGEST
        return _MOST_EPOCHS if self.key.name == "epochs" else math.inf

    @property
    def allows(self) -> str:
        """In words, what `check` accepts."""
        if self.allowed is not None:
            legal = sorted(value for value in self.allowed if self._allows(value))
            if not legal:
                return "no value, because the allowed set is empty"
            return "{" + ", ".join(map(str, legal[:_MOST_SHOWN])) + (", ...}" if len(legal) > _MOST_SHOWN else "}")
        if self.kind in ("switch", "text"):
            return "True or False" if self.kind == "switch" else "a text"
        if self.minimum is not None and self.maximum is not None and not self.minimum <= self.maximum:
            return f"no value, because the range {self.minimum} to {self.maximum} is empty"
        noun = "an integer" if self.kind == "integer" else "a number"
        if self.minimum is None:
            return noun if self.maximum is None else f"{noun} up to {self.maximum}"
        return f"{noun} from {self.minimum}" + ("" if self.maximum is None else f" to {self.maximum}")


def _plain(value: Any, kind: Kind) -> int | float | bool | str | None:
    """The Python value of a scalar, or None when it is not of this kind."""
    if isinstance(value, np.generic) or (hasattr(value, "ndim") and hasattr(value, "item") and value.ndim == 0):
        value = value.item()
    if kind in ("switch", "text"):
        return value if isinstance(value, bool if kind == "switch" else str) else None
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    if kind == "integer":
        return int(value) if isinstance(value, Integral) else None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


_KINDS: dict[str, Kind] = {"Int64Parameter": "integer", "DoubleParameter": "number", "BoolParameter": "switch"}


def describe(key: ParameterKey, message: Any, *, positive: bool = False) -> ParameterDescription:
    """What an Int64Parameter, DoubleParameter or BoolParameter says. positive: the format wants it above zero.

    A bound of zero is not stored, so a range that holds only `maxValue` begins at zero.
    """
    kind = _KINDS[message.DESCRIPTOR.name]
    minimum = 1 if positive else None
    maximum = allowed = None
    constraint = message.WhichOneof("AllowedValues") if kind != "switch" else None
    if constraint == "set":
        allowed = frozenset(message.set.values)
    elif constraint == "range":
        minimum, maximum = message.range.minValue, message.range.maxValue
        minimum = max(minimum, 1) if positive else minimum
    return ParameterDescription(key, message.defaultValue, kind, minimum, maximum, allowed)


def checked(
    given: Mapping[Any, Any] | None, descriptions: Mapping[ParameterKey, ParameterDescription]
) -> dict[ParameterKey, Any]:
    """The given values under their keys, each checked. Raises one UpdateError that lists everything refused.

    Weights and biases are passed through: only the network can check them.
    """
    out: dict[ParameterKey, Any] = {}
    refused: list[str] = []
    for name, value in (given or {}).items():
        try:
            key = as_key(name)
            if key.name in ("weights", "biases"):
                out[key] = value
            elif key in descriptions:
                out[key] = descriptions[key].check(value)
            else:
                legal = ", ".join(map(str, descriptions))
                raise UpdateError(f"this model has no parameter {key}; it has {legal}")
        except UpdateError as error:
            refused.append(str(error))
    if refused:
        raise UpdateError("\n".join(refused))
    return out


def refuse_unless_allowed(
    values: Mapping[ParameterKey, Any], descriptions: Mapping[ParameterKey, ParameterDescription]
) -> None:
    """Raise one UpdateError for all values in force that are not allowed. Those that somebody gives were checked when
    they were given; what is left are defaults that a file does not allow itself."""
    refused: list[str] = []
    for key, description in descriptions.items():
        try:
            description.check(values[key])
        except UpdateError as error:
            refused.append(f"the default {error}")
    if refused:
        raise UpdateError("\n".join(refused))
