"""What a recipe changes at random in training: blobs (dropout) and samples (augmentation)."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from graphml.recipes.part import Part, number


@dataclass(frozen=True)
class Dropout(Part):
    """In training, each element of a blob is 0 with probability `rate`; the others are divided by 1 - rate."""

    blob: str
    rate: float = number(0.5, 0, 0.99, parameter="dropout_rate")

    @property
    def scope(self) -> tuple[str, ...]:
        """The blob."""
        return (self.blob,)


@dataclass(frozen=True)
class Augmentation(Part):
    """A random change of images, drawn anew for each sample in each epoch.

    Args:
        input: the image input; empty for all of them.
    """

    _: KW_ONLY
    input: str = ""

    @property
    def scope(self) -> tuple[str, ...]:
        """The input, if it is named."""
        return (self.input,) if self.input else ()


@dataclass(frozen=True)
class Flip(Augmentation):
    """Mirror images left to right and top to bottom, with these probabilities."""

    horizontal: float = number(0.5, 0, 1, parameter="flip_horizontal")
    vertical: float = number(0.0, 0, 1, parameter="flip_vertical")
    wire: ClassVar[str] = "flip"


@dataclass(frozen=True)
class Shift(Augmentation):
    """Move images by up to this fraction of their width and height. The edge is repeated outside the image."""

    fraction: float = number(0.1, 0, 1, parameter="shift_fraction")
    wire: ClassVar[str] = "shift"


@dataclass(frozen=True)
class Rotate(Augmentation):
    """Rotate images by up to this angle in either direction. The edge is repeated outside the image."""

    degrees: float = number(10.0, 0, 180, parameter="rotation_degrees")
    wire: ClassVar[str] = "rotate"


@dataclass(frozen=True)
class Brightness(Augmentation):
    """Make images brighter or darker by up to this fraction of 255."""

    fraction: float = number(0.1, 0, 1, parameter="brightness_fraction")
    wire: ClassVar[str] = "brightness"
