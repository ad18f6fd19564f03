"""Every error that graphml raises on purpose.

An error is raised where the fault is found, and names only what is known there ("x has 512 features, expected 768").
Callers that know more (the file, the layer, its position) add it through `in_context`. Errors of Python, NumPy and JAX
are converted by `typed`.

Names and lists in messages come from files and may have megabytes, so long messages are shortened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from graphml.visible import visible_lines

# A text is shortened to these sizes if it is more than a fifth larger, so that the lines that `in_context` adds rarely
# make it shorten the text again.
_LONGEST_LINE = 1000  # characters
_LONGEST_NAME = 100
_MOST_LINES = 60
_SLACK = 1.2


class GraphmlError(Exception):
    """The base class of all errors of graphml."""

    def __init__(self, text: object = "") -> None:
        super().__init__(shortened(str(text)))

    def __str__(self) -> str:
        return visible_lines(super().__str__())  # names in it may come from an untrusted file

    def in_context(self, where: str) -> GraphmlError:
        """Add a place to the error.

        Args:
            where: The place, which becomes the first line.

        Returns:
            An error of the same class, with the current message indented below the place.
        """
        text = "\n".join("  " + line for line in str(self).splitlines())
        return type(self)(f"{where}\n{text}")


class SpecError(GraphmlError):
    """The bytes or messages are not a legal Core ML model."""


class GraphError(GraphmlError):
    """Layers are connected wrongly: missing or duplicate blobs, cycles, unknown names."""


class ShapeError(GraphmlError):
    """An array has a shape, rank or size that a layer cannot take."""


class FeatureError(GraphmlError):
    """A value that was given to a model does not match its interface."""


class UpdateError(GraphmlError):
    """A model cannot be trained as asked, because of its recipe, its layers or the data."""


class UnsupportedError(GraphmlError):
    """The model is legal, but graphml cannot run it; the message lists everything that is not supported."""


class ConversionError(GraphmlError):
    """A model was converted, but does not give what its source gives."""


class MissingExtraError(GraphmlError, ImportError):
    """An optional package is missing; the message names the extra that installs it."""


def need(package: str, extra: str) -> Any:
    """Import an optional package.

    Args:
        package: The module to import.
        extra: The extra of graphml that installs it.

    Returns:
        The module. (Any: editors cannot know a module that is named by a string.)

    Raises:
        MissingExtraError: If the package is not installed.
    """
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingExtraError(f"this needs the package '{package}': pip install 'graphml-jax[{extra}]'") from error


def typed(error: Exception, where: str, facts: Iterable[str] = ()) -> GraphmlError:
    """Convert any exception to an error of graphml.

    Args:
        error: The exception.
        where: The place where it was raised; the first line of the message.
        facts: Lines that follow the message of the exception.

    Returns:
        An error of the same class if it is a GraphmlError. Otherwise a ShapeError if sizes or values do not match or
        do not fit into memory, an UnsupportedError for NotImplementedError, and a GraphmlError in all other cases.
    """
    if isinstance(error, GraphmlError):
        kind, message = type(error), str(error)
    elif isinstance(error, _OF_SHAPES):
        kind, message = ShapeError, str(error) or type(error).__name__
    else:
        kind = UnsupportedError if isinstance(error, NotImplementedError) else GraphmlError
        message = f"{type(error).__name__}: {error}"
    return kind("\n".join([message, *facts])).in_context(where)


_OF_SHAPES = (TypeError, ValueError, IndexError, OverflowError, ZeroDivisionError, MemoryError)

# Shortening ----------------------------------------------------------------------------------------------------------


def shortened(text: str) -> str:
    """The text without the middle of long lines, and without all but the first of very many lines."""
    if len(text) <= _LONGEST_LINE:
        return text
    lines = text.splitlines()
    if len(lines) > _MOST_LINES * _SLACK:
        lines[_MOST_LINES:] = [f"... and {len(lines) - _MOST_LINES:,} more lines"]
    return "\n".join(without_middle(line, _LONGEST_LINE) for line in lines)


def quoted(name: str) -> str:
    """A name in quotation marks, shortened if it is long."""
    return repr(without_middle(name, _LONGEST_NAME))


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that an unknown one is probably meant to be; None if no name is close to it."""
    import difflib

    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def with_suggestions(names: Iterable[Any], known: Iterable[str]) -> str:
    """Unknown names in quotation marks, each with a known one that is close to it."""
    known, texts = list(known), list[str]()
    for name in sorted(map(str, names)):
        close = closest(name, known)
        texts.append(quoted(name) if close is None else f"{quoted(name)} (did you mean {quoted(close)}?)")
    return ", ".join(texts)


def in_words(value: Any) -> str:
    """A short description of a value: its type, and its shape or its text."""
    import numpy as np

    if isinstance(value, int) and value.bit_length() > 256:  # Python refuses to print one of thousands of digits
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, str | bytes | int | float | np.generic):
        plain = value.item() if isinstance(value, np.number | np.bool) else value
        text = repr(plain[:40] if isinstance(plain, str | bytes) else plain)
        return f"{text if len(text) <= 40 else text[:37] + '...'} ({type(value).__name__})"
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"{with_article(str(dtype))} array {list(shape)}"
    return with_article(type(value).__name__)


def expect(value: Any, kind: type | tuple[type, ...], message: str) -> None:
    """Refuse an argument of the wrong type, before it fails somewhere inside.

    Args:
        value: The argument.
        kind: What it must be.
        message: The beginning of the message: "recipe must be a Recipe". What was given is appended.

    Raises:
        FeatureError: It is of another type.
    """
    if not isinstance(value, kind):
        raise FeatureError(f"{message}, got {in_words(value)}")


def reason(error: Exception) -> str:
    """The message of an exception; an OSError without its number and path, since the message around it has the path."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def with_article(name: str) -> str:
    """A name after "a" or "an", depending on its pronunciation: an int, a str, a uint8, an mlProgram."""
    return f"{'an' if _LIKE_A_VOWEL.match(name) else 'a'} {name}"


_LIKE_A_VOWEL = re.compile(r"(?i:[aei]|o(?!ne)|u(?!int|ni|nary|func|ser))|ml[A-Z]")


def without_middle(text: str, longest: int) -> str:
    """A text without its middle if it is much longer than allowed, and how many characters are left out."""
    if len(text) <= longest * _SLACK:
        return text
    end = longest // 4
    start = longest - end
    return f"{text[:start]}... ({len(text) - longest:,} characters) ...{text[-end:]}"
