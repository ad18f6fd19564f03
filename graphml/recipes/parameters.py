"""The parameters of an update: their keys, the values that a file allows, and the check of one value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np

from graphml.errors import UpdateError, closest, with_suggestions
from graphml.spec.layers import snake_case


@dataclass(frozen=True)
class ParameterKey:
    """The name of a parameter and its scope: the stage, layer or part of a recipe that it belongs to.

    `ParameterKey.WEIGHTS.scoped(to="dense")` are the weights of layer `dense`. Scopes nest from the outside in: first
    a stage of a pipeline, then a layer of it, then one of several weights of that layer:
    `ParameterKey.WEIGHTS.scoped(to="lstm").scoped(to="output_gate_weight_matrix")`. Every function that takes a key
    also takes its name: "learning_rate", "learningRate", "dense/weights".

    Args:
        name: the name in snake_case.
        scope: from the outside in.
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
        """The same parameter, one level further in.

        Args:
            to: the stage, layer or weight that it belongs to.
        """
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
    """The key with a name.

    Args:
        key: a key, which is returned as it is, or a name in snake_case or camelCase, after its scope: "dense/weights".

    Raises:
        UpdateError: no parameter has this name.
    """
    found = _found(key)
    if found is None:
        names = f"; the names are {', '.join(_NAMES)}" if closest(str(key), _names_beside(key)) is None else ""
        raise UpdateError(f"{_unknown(key)}{names}")
    return found


def _found(key: ParameterKey | str) -> ParameterKey | None:
    if isinstance(key, ParameterKey):
        return key
    scope, _, last = key.rpartition("/")
    name = snake_case(last)
    return ParameterKey(name, (scope,) if scope else ()) if name in _NAMES else None


def _unknown(key: ParameterKey | str) -> str:
    return f"there is no parameter {with_suggestions([key], _names_beside(key))}"


def _names_beside(key: ParameterKey | str) -> list[str]:
    """The names of all parameters, in the scope of a key."""
    scope = str(key).rpartition("/")[0]
    return [f"{scope}/{name}" if scope else name for name in _NAMES]


Kind = Literal["integer", "number", "switch", "text"]

_LARGEST = float(np.finfo(np.float32).max)  # the training step takes numbers as float32
_MOST_SHOWN = 20  # allowed values in one message
MOST_EPOCHS = 2**31 - 1  # random keys take the index of an epoch as 32 bits
LARGEST_INTEGER = 2**63 - 1  # files store integers in 64 bits


@dataclass(frozen=True)
class ParameterDescription:
    """What a file says about one parameter.

    Args:
        key: the parameter.
        default: its value unless another is given. Any: of its kind.
        kind: integer, number, switch (a bool) or text (a str).
        minimum: the inclusive lower bound; None for none.
        maximum: the inclusive upper bound; None for none.
        allowed: the only allowed values, which must be within the bounds too; None if only bounds matter.
    """

    key: ParameterKey
    default: Any
    kind: Kind = "number"
    minimum: float | None = None
    maximum: float | None = None
    allowed: frozenset[int] | None = None

    def check(self, value: Any) -> Any:
        """Check a value.

        Args:
            value: a number, bool or string of Python, NumPy or JAX.

        Returns:
            The value as a plain int, float, bool or str.

        Raises:
            UpdateError: the value is not allowed; the message says what is.
        """
        plain = plain_value(value, self.kind)
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
        """The largest value that training can take, even if the file allows larger ones."""
        if self.kind == "number":
            return _LARGEST
        return MOST_EPOCHS if self.key.name == "epochs" else LARGEST_INTEGER

    def within(self, other: ParameterDescription) -> ParameterDescription:
        """This description, restricted to the bounds of another one as well."""
        low = max((one.minimum for one in (self, other) if one.minimum is not None), default=None)
        high = min((one.maximum for one in (self, other) if one.maximum is not None), default=None)
        return replace(self, minimum=low, maximum=high)

    @property
    def allows(self) -> str:
        """What `check` accepts, as text."""
        if self.allowed is not None:
            legal = sorted(value for value in self.allowed if self._allows(value))
            if not legal:
                return "no value, because the allowed set is empty"
            return "{" + ", ".join(map(str, legal[:_MOST_SHOWN])) + (", ...}" if len(legal) > _MOST_SHOWN else "}")
        if self.kind in ("switch", "text"):
            return "True or False" if self.kind == "switch" else "a string"
        if self.minimum is not None and self.maximum is not None and not self.minimum <= self.maximum:
            return f"no value, because the range {self.minimum} to {self.maximum} is empty"
        noun = "an integer" if self.kind == "integer" else "a number"
        if self.minimum is None:
            return noun if self.maximum is None else f"{noun} up to {self.maximum}"
        return f"{noun} from {self.minimum}" + ("" if self.maximum is None else f" to {self.maximum}")


def plain_value(value: Any, kind: Kind) -> int | float | bool | str | None:
    """The Python value of a scalar; None if it is not of this kind."""
    plain: Any = value
    if hasattr(value, "ndim") and hasattr(value, "item") and value.ndim == 0:
        plain = value.item()
    if kind in ("switch", "text"):
        return plain if isinstance(plain, bool if kind == "switch" else str) else None
    if kind == "integer":
        return None if isinstance(plain, bool) or not isinstance(plain, Integral) else int(plain)
    return finite(plain)


def finite(value: Any) -> float | None:
    """A real number as a float; None for anything else, and for what no finite float can hold."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def refuse_unless_seconds(value: Any, name: str) -> None:
    """Raise UpdateError unless a value is a length of time: a finite number of at least 0."""
    seconds = finite(value)
    if seconds is None or seconds < 0:
        raise UpdateError(f"{name}={value!r} is refused; allowed: a number of seconds from 0")


_KINDS: dict[str, Kind] = {"Int64Parameter": "integer", "DoubleParameter": "number", "BoolParameter": "switch"}


def describe(key: ParameterKey, message: Any, *, positive: bool = False) -> ParameterDescription:
    """Read the description of a parameter from its message.

    The format does not store a bound of zero, so a range with only `maxValue` begins at zero.

    Args:
        key: the parameter.
        message: an Int64Parameter, DoubleParameter or BoolParameter.
        positive: whether the format requires a value above zero.
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
    """Check values of parameters.

    Args:
        given: {key or name: value}. Weights and biases are not checked here: only the network can do that.
        descriptions: what is allowed.

    Returns:
        {key: value}, with plain Python values.

    Raises:
        UpdateError: values are not allowed, or there are no such parameters; the message lists all of them.
    """
    out: dict[ParameterKey, Any] = {}
    refused: list[str] = []
    legal = ", ".join(map(str, descriptions)) or "none"
    for name, value in (given or {}).items():
        try:
            key = _found(name)
            if key is None:
                raise UpdateError(f"{_unknown(name)}; this model has {legal}")
            if key.name in ("weights", "biases"):
                out[key] = value
            elif key in descriptions:
                out[key] = descriptions[key].check(value)
            else:
                raise UpdateError(f"this model has no parameter {key}; it has {legal}")
        except UpdateError as error:
            refused.append(str(error))
    if refused:
        raise UpdateError("\n".join(refused))
    return out


def refuse_unless_allowed(
    values: Mapping[ParameterKey, Any], descriptions: Mapping[ParameterKey, ParameterDescription]
) -> None:
    """Check the values that training is about to use. Given values have been checked already, so this
    refuses only defaults that the file itself does not allow.

    Args:
        values: the value of every parameter.
        descriptions: what is allowed.

    Raises:
        UpdateError: defaults are not allowed; the message lists all of them.
    """
    refused: list[str] = []
    for key, description in descriptions.items():
        try:
            description.check(values[key])
        except UpdateError as error:
            refused.append(f"the default {error}")
    if refused:
        raise UpdateError("\n".join(refused))
