"""What the caller of `convert` asks for, as frozen data: inputs, their shapes and types, and the kind of the result."""

# arrays of other libraries are untyped here
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np

from graphml.errors import FeatureError, reason, with_article
from graphml.visible import visible

Target = Literal["neuralnetwork", "mlprogram"]
Precision = Literal["float32", "float16"]
Color = Literal["RGB", "BGR", "GRAYSCALE"]

INTEGERS = ("int64", "int32", "int16", "int8", "uint8", "bool")
"""Types of inputs that are int32 in the Core ML model."""

TARGETS: tuple[Target, ...] = ("neuralnetwork", "mlprogram")


_OPEN = 16  # the default size of axes of unknown size


@dataclass(frozen=True)
class Flexible:
    """The size of an axis that may differ between predictions.

    Axes with equal `Flexible` values change together, as the lengths of a text and its mask do.

    Attributes:
        low: The smallest size.
        high: The largest size; None for no limit.
        sizes: The only sizes, in place of a range.
        default: The size with which the source is run. 0: the smallest one, or the first of `sizes`.
        name: The name of the dimension, which distinguishes equal ranges that change independently.
    """

    low: int = 1
    high: int | None = None
    sizes: tuple[int, ...] = ()
    default: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        if self.sizes:
            object.__setattr__(self, "low", min(self.sizes))
            object.__setattr__(self, "high", max(self.sizes))
        chosen = self.default or (self.sizes[0] if self.sizes else self.low)
        object.__setattr__(self, "default", chosen)
        if self.low < 1 or (self.high is not None and self.high < self.low):
            raise FeatureError(
                f"the sizes of an axis must be at least 1 and not decrease, got {self.low} to {self.high}"
            )
        if not self.allows(chosen):
            raise FeatureError(f"the default size of an axis must be {self}, got {chosen}")

    def allows(self, size: int) -> bool:
        """Whether the axis may have this size."""
        if self.sizes:
            return size in self.sizes
        return self.low <= size and (self.high is None or size <= self.high)

    def __str__(self) -> str:
        if self.sizes:
            return "one of " + ", ".join(map(str, self.sizes))
        return f"{self.low} to {'any size' if self.high is None else self.high}"


Axis = int | Flexible


@dataclass(frozen=True)
class Input:
    """An input of the source.

    Attributes:
        shape: The size of each axis; None: what the source declares, or the shape of the example.
        dtype: The type of the elements, such as "float32" or "int32"; None: what the source declares, or float32.
        example: An array to run the source with.
    """

    shape: tuple[Axis, ...] | None = None
    dtype: str | None = None
    example: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.shape is not None:
            object.__setattr__(self, "shape", tuple(_axis(size) for size in self.shape))

    @property
    def default_shape(self) -> tuple[int, ...]:
        """The shape with the default size of each axis."""
        return tuple(axis.default if isinstance(axis, Flexible) else axis for axis in self.shape or ())

    @property
    def flexible(self) -> tuple[Flexible, ...]:
        """The axes that may change."""
        return tuple(axis for axis in self.shape or () if isinstance(axis, Flexible))

    def __str__(self) -> str:
        sizes = "?" if self.shape is None else ", ".join(map(str, self.shape))
        return f"{self.dtype or 'float32'} [{sizes}]"


@dataclass(frozen=True)
class ImageInput(Input):
    """An input that is an image in the Core ML model: `predict` then takes pictures, and the model scales their pixels.

    Attributes:
        scale: The factor of each pixel, 0 to 255; one number for all channels.
        bias: Added after scaling: one number, or one for each channel.
        color: The order of the channels.
    """

    scale: float = 1.0
    bias: float | tuple[float, ...] = 0.0
    color: Color = "RGB"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.color not in get_args(Color):
            raise FeatureError(f"the color of an image is one of {', '.join(get_args(Color))}, got {self.color!r}")
        if np.ndim(self.scale):
            raise FeatureError(f"the scale of an image is one number for all channels, got {self.scale}")
        if np.shape(self.bias) not in ((), (self.channels,)):
            expected = "one number" if self.channels == 1 else f"one number or {self.channels}"
            raise FeatureError(f"the bias of an image ({self.color}) is {expected}, got {self.bias}")
        object.__setattr__(self, "scale", float(self.scale))
        bias = tuple(map(float, np.ravel(self.bias)))
        object.__setattr__(self, "bias", bias if np.ndim(self.bias) else bias[0])

    @property
    def channels(self) -> int:
        """The number of channels."""
        return 1 if self.color == "GRAYSCALE" else 3

    @property
    def channels_first(self) -> bool:
        """Whether the channels come before height and width in the source.

        Raises:
            FeatureError: The shape is not that of one image.
        """
        sizes = self.default_shape
        if len(sizes) != 4 or sizes[0] != 1 or self.channels not in (sizes[1], sizes[3]):
            raise FeatureError(
                f"an image ({self.color}) needs the shape [1, {self.channels}, height, width] or "
                f"[1, height, width, {self.channels}], got {list(sizes)}"
            )
        return sizes[1] == self.channels

    def __str__(self) -> str:
        return f"{self.color} image {super().__str__()}, pixels * {self.scale:g} + {self.bias}"


def open_axis(position: int, name: str = "") -> Flexible:
    """The size of an axis whose size the source does not declare.

    Args:
        position: The index of the axis. The first one is assumed to be a batch, which is 1 by default.
        name: The name of the dimension in the source.
    """
    return Flexible(default=_OPEN if position else 1, name=name)


def enumerated_shapes(one: Input) -> list[tuple[int, ...]]:
    """The shapes of an input whose axes have enumerated sizes: the first size of each axis, the second of each, and so
    on. An axis with fewer sizes keeps its last one.

    Args:
        one: The input.
    """
    count = max((len(axis.sizes) for axis in one.flexible), default=1)

    def size(axis: Axis, number: int) -> int:
        if not isinstance(axis, Flexible):
            return axis
        return axis.sizes[min(number, len(axis.sizes) - 1)] if axis.sizes else axis.default

    return [tuple(size(axis, number) for axis in one.shape or ()) for number in range(count)]


@dataclass(frozen=True)
class ConversionRequest:
    """What to convert, and how.

    Attributes:
        inputs: The inputs as the caller described them: by name, or in the order of the source, or not at all.
        outputs: Names for the outputs, in the order of the source; empty: those of the source.
        to: The kind of the result.
        precision: Of an ML Program.
        class_labels: The labels of a classifier; empty: the result is not a classifier.
        trainable: Patterns of names of layers that can be trained on a device; None: none was given.
        respect_trainable: Whether layers that are trainable in the source are trainable.
        check: Whether the result is compared with the source.
        tolerance: The largest relative error in that comparison.
        seed: The random seed of the inputs drawn for it.
        signature: Which signature of a SavedModel is converted.
    """

    inputs: Mapping[str, Input] | tuple[Input, ...] = ()
    outputs: tuple[str, ...] = ()
    to: Target = "neuralnetwork"
    precision: Precision = "float32"
    class_labels: tuple[str, ...] | tuple[int, ...] = ()
    trainable: tuple[str, ...] | None = None
    respect_trainable: bool = False
    check: bool = True
    tolerance: float = 1e-3
    seed: int = 0
    signature: str | None = None

    def named(self, declared: Mapping[str, Input]) -> dict[str, Input]:
        """The inputs of the source, completed by what the caller described.

        Args:
            declared: {name: input} as the source declares them, in order. A shape is None if it declares none.

        Returns:
            {name: input} in the order of the source. The caller's names are used if the source has as many inputs and
            none of these names.

        Raises:
            FeatureError: The caller described inputs that the source does not have.
        """
        given = self.inputs
        if not isinstance(given, Mapping):
            if len(given) > len(declared):
                raise FeatureError(f"the source takes {_listed(declared)}, but {len(given)} inputs were described")
            names = list(declared)
            given = dict(zip(names, given, strict=False))
        unknown = [name for name in given if name not in declared]
        if unknown and len(unknown) == len(given) == len(declared):
            return {name: _merged(old, new) for (name, new), old in zip(given.items(), declared.values(), strict=True)}
        if unknown:
            raise FeatureError(f"the source has no input {_listed(unknown)}; it takes {_listed(declared)}")
        return {name: _merged(old, given.get(name, Input())) for name, old in declared.items()}

    def wants_training(self, name: str) -> bool:
        """Whether one of the patterns of `trainable` matches a name."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.trainable or ())


def described(inputs: Any) -> Mapping[str, Input] | tuple[Input, ...]:
    """The inputs in the form that a request stores.

    Args:
        inputs: {name: input} or a sequence of inputs, where an input is an example array, a shape, or an `Input`; or a
            single one of these.

    Raises:
        FeatureError: It is none of these.
    """
    if inputs is None:
        return ()
    if isinstance(inputs, Mapping):
        return {str(name): _input(value) for name, value in cast("Mapping[Any, Any]", inputs).items()}
    if isinstance(inputs, Input) or hasattr(inputs, "shape") or _is_shape(inputs):
        return (_input(inputs),)
    if isinstance(inputs, Sequence) and not isinstance(inputs, str | bytes):
        return tuple(_input(value) for value in cast("Sequence[Any]", inputs))
    raise FeatureError(f"inputs are arrays, shapes or Input values, in a list or by name, not {_kind(inputs)}")


def read_labels(labels: Any) -> tuple[str, ...] | tuple[int, ...]:
    """The labels of a classifier.

    Args:
        labels: Strings or integers, the path of a text file with one label on each line, or None.

    Raises:
        FeatureError: The file cannot be read, or the labels are of another type or of both types.
    """
    if labels is None:
        return ()
    if isinstance(labels, str | Path):
        try:
            return tuple(Path(labels).read_text(encoding="utf-8").splitlines())
        except (OSError, ValueError) as error:
            raise FeatureError(f"the class labels cannot be read from {labels}: {reason(error)}") from None
    found: list[Any] = list(labels)
    if all(isinstance(label, str) for label in found) or all(type(label) is int for label in found):
        return tuple(found)
    raise FeatureError("class labels must be all strings or all integers")


def _input(value: Any) -> Input:
    if isinstance(value, Input):
        return value
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        shape = tuple(int(size) if isinstance(size, int) else Flexible(name=str(size)) for size in value.shape)
        abstract = not hasattr(value, "__array__") and not hasattr(value, "__getitem__")
        return Input(shape, dtype_name(value.dtype), None if abstract else value)
    if hasattr(value, "shape") and hasattr(value, "columns"):  # a table, whose columns have different types
        return Input(tuple(value.shape), None, value)
    if _is_shape(value):
        return Input(tuple(value))
    raise FeatureError(
        f"an input is an example array, a shape such as (1, 3, 224, 224) or an Input, not {_kind(value)}"
    )


def dtype_name(dtype: Any) -> str:
    """The name of a type of any library: torch.float32, tf.float32, np.dtype("float32") and jnp.float32 are float32."""
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    return str(name).rpartition(".")[2]


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(
        size is None or (isinstance(size, int | Flexible) and not isinstance(size, bool))
        for size in cast("Sequence[Any]", value)
    )


def _axis(size: Any) -> Axis:
    if isinstance(size, Flexible):
        return size
    if size is None:
        return Flexible()
    if isinstance(size, int) and not isinstance(size, bool) and size >= 0:
        return size
    raise FeatureError(f"the size of an axis is a number, a Flexible or None, not {size!r}")


def _merged(declared: Input, given: Input) -> Input:
    """What the caller described, and what the source declares for the rest."""
    shape = declared.shape if given.shape is None else given.shape
    dtype = given.dtype or declared.dtype
    example = declared.example if given.example is None and given.shape is None else given.example
    if isinstance(given, ImageInput):
        if dtype in INTEGERS and (given.scale != 1 or np.any(given.bias)):
            raise FeatureError(f"the source takes images as {dtype}, pixels as they are: leave out scale and bias")
        return ImageInput(shape, dtype, example, given.scale, given.bias, given.color)
    return Input(shape, dtype, example)


def _listed(names: Any) -> str:
    return ", ".join(repr(visible(str(name))) for name in names) or "no inputs"


def _kind(value: Any) -> str:
    return with_article(type(value).__name__)
