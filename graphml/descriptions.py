"""The inputs and outputs of a model as frozen data, read from its `ModelDescription`.

This is the only reader of feature descriptions: checks, summaries, generated code and the command line all use it.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphml.errors import with_article
from graphml.spec import ArrayFeatureType, ImageFeatureType, Model
from graphml.spec.layers import NETWORKS
from graphml.visible import visible

Shape = tuple[int, ...]
Range = tuple[int, int | None]
"""Inclusive bounds; None is unbounded."""
Size = tuple[int, int]
"""Width and height."""

MOST_PIXELS = 1 << 26
"""Pictures with more pixels are refused before they are unpacked, unless a configuration allows more: 8192 x 8192."""

_DTYPES = {
    ArrayFeatureType.FLOAT32: "float32",
    ArrayFeatureType.DOUBLE: "float64",
    ArrayFeatureType.INT32: "int32",
    ArrayFeatureType.FLOAT16: "float16",
    ArrayFeatureType.INT8: "int8",
}


class FeatureType(enum.Enum):
    """What kind of value a feature is; the numbers are Core ML's."""

    INVALID = 0
    INT64 = 1
    DOUBLE = 2
    STRING = 3
    IMAGE = 4
    MULTI_ARRAY = 5
    DICTIONARY = 6
    SEQUENCE = 7
    STATE = 8


_TYPES = {
    "int64Type": FeatureType.INT64,
    "doubleType": FeatureType.DOUBLE,
    "stringType": FeatureType.STRING,
    "imageType": FeatureType.IMAGE,
    "multiArrayType": FeatureType.MULTI_ARRAY,
    "dictionaryType": FeatureType.DICTIONARY,
    "sequenceType": FeatureType.SEQUENCE,
    "stateType": FeatureType.STATE,
}


@dataclass(frozen=True)
class ArrayConstraint:
    """Which arrays a feature takes.

    shape: the default shape: the declared one, else the first enumerated one, else the lower bounds; None where nothing
    is declared, and then any shape fits. shapes: the enumerated ones. ranges: bounds per axis. default: the value that
    fills the array when the feature is optional and left out. declared: the data type in the file if it is not
    known here.
    """

    shape: Shape | None = None
    dtype: str = "float32"
    shapes: tuple[Shape, ...] = ()
    ranges: tuple[Range, ...] = ()
    default: float | None = None
    declared: str = ""

    @property
    def flexible(self) -> bool:
        return bool(self.shapes or self.ranges)

    def allows(self, shape: Shape) -> bool:
        """Whether exactly this shape is declared."""
        if self.shape is None or shape == self.shape or shape in self.shapes:
            return True
        return len(shape) == len(self.ranges) > 0 and all(
            low <= n and (high is None or n <= high) for n, (low, high) in zip(shape, self.ranges, strict=True)
        )

    def fit(self, shape: Shape, *, rank5: bool = False) -> Shape | None:
        """The shape in which an array is taken: its own, or the declared one where they differ only by axes of size 1.

        rank5: sequence and batch axes may be added in front, and a vector may be [channels, 1, 1], as in networks with
        rank-5 mapping; with five axes, the elements of a declared vector may be spread over a sequence. None when the
        array does not fit.
        """
        if self.allows(shape) or (rank5 and self._names_steps(shape)):
            return shape
        core = tuple(n for n in shape if n != 1)
        for legal in (self.shape, *self.shapes):
            if legal is not None and core == tuple(n for n in legal if n != 1):
                return legal
        if self.ranges:
            rank = len(self.ranges)
            moved = shape[max(0, len(shape) - rank) :] if set(shape[: max(0, len(shape) - rank)]) <= {1} else shape
            moved = (1,) * (rank - len(moved)) + moved
            if self.allows(moved):
                return moved
        return shape if rank5 and self._fits_rank5(shape) else None

    def _names_steps(self, shape: Shape) -> bool:
        """Whether the elements of a declared vector are spread over the steps and rows of a sequence."""
        vector = self.shape is not None and len(self.shape) == 1 and len(shape) == 5
        return vector and shape[3:] == (1, 1) and shape[:2] != (1, 1) and self.allows((math.prod(shape),))

    def _fits_rank5(self, shape: Shape) -> bool:
        rank = 0 if self.shape is None else len(self.shape)
        if rank == 3:
            return len(shape) in (4, 5) and self.allows(shape[-3:])
        if rank == 1 and len(shape) == 5:
            return shape[3:] == (1, 1) and self.allows(shape[2:3])
        return rank == 1 and len(shape) in (2, 3) and self.allows(shape[-1:])

    def __str__(self) -> str:
        array = f"{self.declared or self.dtype} array"
        if self.shape is None:
            return f"{array} of any shape"
        if self.ranges:
            return f"{array} [{', '.join(map(_bounds, self.ranges))}]"
        shapes = dict.fromkeys((self.shape, *self.shapes))
        return f"{array} " + " or ".join(str(list(s)) for s in shapes)


@dataclass(frozen=True)
class ImageConstraint:
    """Which images a feature takes: its default size in pixels, its colours, and what other sizes are allowed.

    color_space: GRAYSCALE, RGB, BGR or GRAYSCALE_FLOAT16. sizes: all allowed (width, height). width_range,
    height_range: inclusive bounds, None above is unbounded. most_pixels: of a picture before it is scaled. declared:
    the colour space in the file if it is not known here; such images are treated as RGB.
    """

    width: int
    height: int
    color_space: str = "RGB"
    sizes: tuple[Size, ...] = ()
    width_range: tuple[int, int | None] | None = None
    height_range: tuple[int, int | None] | None = None
    most_pixels: int = MOST_PIXELS
    declared: str = ""

    @property
    def channels(self) -> int:
        return 3 if self.color_space in ("RGB", "BGR") else 1

    @property
    def flexible(self) -> bool:
        return bool(self.sizes or self.width_range)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of the pixels in the default size: channels, height, width."""
        return self.channels, self.height, self.width

    def size_for(self, size: Size) -> Size:
        """The allowed size for an image of this size: its own, or the nearest in a range, or the default."""
        if self.width_range and self.height_range:
            width, height = (
                max(low, n if high is None else min(n, high))
                for n, (low, high) in zip(size, (self.width_range, self.height_range), strict=True)
            )
            return max(1, width), max(1, height)
        return size if size in self.sizes else (self.width, self.height)

    def __str__(self) -> str:
        text = f"{self.declared or self.color_space} {self.width} x {self.height}"
        others = [f"{w} x {h}" for w, h in self.sizes if (w, h) != (self.width, self.height)]
        if self.width_range and self.height_range:
            w, h = (
                f"{low} to {'any' if high is None else high}" for low, high in (self.width_range, self.height_range)
            )
            return f"{text} (width {w}, height {h})"
        return " or ".join([text, *others])


@dataclass(frozen=True)
class FeatureDescription:
    """One input or output of a model.

    array, image: what is allowed of arrays and images; `array` is also what a state holds. keys: INT64 or STRING, of
    the keys of a dictionary or the elements of a sequence. any_keys: whether a dictionary takes keys of the other type
    too, because the model converts them. sizes: how long a sequence may be.
    """

    name: str
    type: FeatureType
    optional: bool = False
    text: str = ""
    array: ArrayConstraint | None = None
    image: ImageConstraint | None = None
    keys: FeatureType | None = None
    sizes: Range | None = None
    any_keys: bool = False

    @property
    def words(self) -> str:
        """The type as text: float32 array [3, 8, 8], image RGB 224 x 224, dictionary of str -> float."""
        each = "int or str" if self.any_keys else "int" if self.keys is FeatureType.INT64 else "str"
        if self.type is FeatureType.MULTI_ARRAY:
            return str(self.array)
        if self.type is FeatureType.IMAGE:
            return f"image {self.image}"
        if self.type is FeatureType.SEQUENCE:
            count = "" if self.sizes is None else f" of {_bounds(self.sizes)} elements"
            return f"sequence of {each}{count}"
        return {
            FeatureType.INT64: "int",
            FeatureType.DOUBLE: "float",
            FeatureType.STRING: "str",
            FeatureType.DICTIONARY: f"dictionary of {each} -> float",
            FeatureType.STATE: "state" if self.array is None else f"state, {with_article(str(self.array))}",
        }.get(self.type, "feature of no type")

    @property
    def takes(self) -> str:
        """`words` with an article, for messages."""
        if self.type in (FeatureType.INVALID, FeatureType.STATE):
            return f"nothing: features of type {self.type.name.lower()} are not supported"
        return with_article(self.words)


@dataclass(frozen=True)
class Metadata:
    """What the author states about a model."""

    author: str = ""
    license: str = ""
    short_description: str = ""
    version: str = ""
    user_defined: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """The interface of a model."""

    inputs: tuple[FeatureDescription, ...] = ()
    outputs: tuple[FeatureDescription, ...] = ()
    training_inputs: tuple[FeatureDescription, ...] = ()
    states: tuple[FeatureDescription, ...] = ()
    predicted_feature_name: str = ""
    predicted_probabilities_name: str = ""
    metadata: Metadata = field(default_factory=Metadata)

    def __str__(self) -> str:
        groups = {"input": self.inputs, "output": self.outputs, "training input": self.training_inputs}
        rows = [
            (what, visible(f.name), f"{f.takes}{', optional' if f.optional else ''}")
            for what, fs in groups.items()
            for f in fs
        ]
        rows += [("state", visible(f.name), str(f.array) if f.array is not None else "of no type") for f in self.states]
        widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
        return "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows)


# From the wire -------------------------------------------------------------------------------------------------------


def describe_model(model: Model, function: str | None = None) -> Description:
    """The interface that a Model message declares; arrays without a type have that of the kind of model. function: the
    function of a program; the default one if None."""
    return describe(model.description, default_dtype(model.WhichOneof("Type")), function=function)


def default_dtype(kind: str | None) -> str:
    """The type of arrays for which a file states none: float32 in networks and programs, float64 in other kinds."""
    return "float32" if kind in NETWORKS or kind == "mlProgram" else "float64"


def describe(
    message: Any, dtype: str = "float32", most_pixels: int = MOST_PIXELS, function: str | None = None
) -> Description:
    """The interface that a ModelDescription message declares. dtype: of arrays for which the file states none.
    most_pixels: of pictures before they are scaled. function: the function of a program; the default one if None."""
    meta = message.metadata
    place = _of_function(message, function)
    return Description(
        inputs=tuple(describe_feature(f, dtype, most_pixels) for f in place.input),
        outputs=tuple(describe_feature(f, dtype, most_pixels) for f in place.output),
        training_inputs=tuple(describe_feature(f, dtype, most_pixels) for f in message.trainingInput),
        states=tuple(describe_feature(f, dtype, most_pixels) for f in place.state),
        predicted_feature_name=place.predictedFeatureName,
        predicted_probabilities_name=place.predictedProbabilitiesName,
        metadata=Metadata(
            author=meta.author,
            license=meta.license,
            short_description=meta.shortDescription,
            version=meta.versionString,
            user_defined=dict(sorted(meta.userDefined.items())),
        ),
    )


def _of_function(message: Any, function: str | None) -> Any:
    """The message that declares the interface of a function: that of the function, where there are several."""
    wanted = function if function is not None else message.defaultFunctionName
    return next((each for each in message.functions if each.name == wanted), message)


def describe_feature(message: Any, dtype: str = "float32", most_pixels: int = MOST_PIXELS) -> FeatureDescription:
    """One input or output from its message. dtype: of an array for which the file states none. most_pixels: of
    pictures before they are scaled."""
    feature = message.type
    member = feature.WhichOneof("Type")
    value: Any = getattr(feature, member) if member else None
    array = image = keys = sizes = None
    if member == "multiArrayType":
        array = _array(value, dtype)
    elif member == "stateType" and value.HasField("arrayType"):
        array = _array(value.arrayType, dtype)
    elif member == "imageType":
        image = _image(value, most_pixels)
    elif member == "dictionaryType":
        keys = FeatureType.INT64 if value.WhichOneof("KeyType") == "int64KeyType" else FeatureType.STRING
    elif member == "sequenceType":
        keys = FeatureType.INT64 if value.WhichOneof("Type") == "int64Type" else FeatureType.STRING
        sizes = _range(value.sizeRange) if value.HasField("sizeRange") else None
    return FeatureDescription(
        name=message.name,
        type=_TYPES.get(member, FeatureType.INVALID),
        optional=feature.isOptional,
        text=message.shortDescription,
        array=array,
        image=image,
        keys=keys,
        sizes=sizes,
    )


def _array(message: Any, dtype: str) -> ArrayConstraint:
    shapes = tuple(tuple(s.shape) for s in message.enumeratedShapes.shapes)
    ranges = tuple(_range(r) for r in message.shapeRange.sizeRanges)
    shape = tuple(message.shape)
    if not shape:
        shape = shapes[0] if shapes else tuple(low for low, _ in ranges) if ranges else None
    default = message.WhichOneof("defaultOptionalValue")
    return ArrayConstraint(
        shape=shape,
        dtype=_DTYPES.get(message.dataType, dtype),
        shapes=shapes,
        ranges=ranges,
        default=None if default is None else getattr(message, default),
        declared=""
        if message.dataType in (*_DTYPES, ArrayFeatureType.INVALID_ARRAY_DATA_TYPE)
        else f"type {message.dataType}",
    )


def _image(message: Any, most_pixels: int) -> ImageConstraint:
    sizes = tuple((s.width, s.height) for s in message.enumeratedSizes.sizes)
    ranges = message.imageSizeRange if message.HasField("imageSizeRange") else None
    widths, heights = (_range(ranges.widthRange), _range(ranges.heightRange)) if ranges else (None, None)
    width, height = message.width, message.height
    if not (width and height):
        width, height = sizes[0] if sizes else (widths[0], heights[0]) if widths and heights else (0, 0)
    known = message.colorSpace in ImageFeatureType.ColorSpace.values()
    color = ImageFeatureType.ColorSpace.Name(message.colorSpace) if known and message.colorSpace else "RGB"
    ranged = {"width_range": widths, "height_range": heights}
    declared = "" if known else f"of colour space {message.colorSpace}"
    return ImageConstraint(width, height, color, sizes, **ranged, most_pixels=most_pixels, declared=declared)


def _range(message: Any) -> Range:
    return message.lowerBound, (None if message.upperBound < 0 else message.upperBound)


def _bounds(bounds: Range) -> str:
    low, high = bounds
    return f"{low} or more" if high is None else str(low) if low == high else f"{low} to {high}"
