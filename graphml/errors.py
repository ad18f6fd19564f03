"""Every error that graphml raises on purpose.

Rules are checked where the facts are, with local words only ("x has 512 features, weights expect 768").
What surrounds the fact (file, layer, position) is added once, by whoever knows it, through `in_context`. Errors that
Python, NumPy or JAX raise become ours through `typed`.

Names and lists come from files and may have megabytes, so the text of an error is shortened where it is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphml.visible import visible_lines

# A text is shortened to these sizes when it is larger by a fifth, so that what `in_context` adds later rarely shortens
# it a second time.
_LONGEST_LINE = 1000  # characters
_LONGEST_NAME = 100
_MOST_LINES = 60
_SLACK = 1.2


class GraphmlError(Exception):
    """Base of all errors here: catch this to catch them all."""

    def __init__(self, text: object = "") -> None:
        super().__init__(shortened(str(text)))

    def __str__(self) -> str:
        return visible_lines(super().__str__())  # names in it may come from anybody's file

    def in_context(self, where: str) -> GraphmlError:
        """The same kind of error with `where` as its first line and the present message below it."""
        text = "\n".join("  " + line for line in str(self).splitlines())
        return type(self)(f"{where}\n{text}")


class SpecError(GraphmlError):
    """The bytes or messages are not a legal Core ML model."""


class GraphError(GraphmlError):
    """Layers are wired wrongly: dangling or duplicate blobs, cycles, unknown names."""


class ShapeError(GraphmlError):
    """An array has a shape, rank or size that a layer cannot take."""


class FeatureError(GraphmlError):
    """A value given to a model is not what its interface declares."""


class UpdateError(GraphmlError):
    """A model cannot be trained as asked: its recipe, its layers or its data forbid it."""


class UnsupportedError(GraphmlError):
    """Legal, but graphml cannot run it; the message lists everything that stands in the way."""


class MissingExtraError(GraphmlError, ImportError):
    """An optional package is needed; the message says which extra installs it."""


def need(package: str, extra: str):
    """Import an optional package, or say which extra of graphml brings it."""
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingExtraError(f"this needs the package '{package}': pip install 'graphml-jax[{extra}]'") from error


def typed(error: Exception, where: str, facts: Iterable[str] = ()) -> GraphmlError:
    """The error as one of ours.

    Args:
        error: anything that was raised.
        where: what it happened to; the first line of the text.
        facts: lines that follow the message of the error.

    Returns:
        An error of the same type if it is a GraphmlError. Otherwise a ShapeError where sizes or values do not fit each
        other or memory, an UnsupportedError where something is not implemented, and a GraphmlError in all other cases.
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

# Texts of any size ---------------------------------------------------------------------------------------------------


def shortened(text: str) -> str:
    """The text with the middle of long lines, and all but the first of very many lines, left out."""
    if len(text) <= _LONGEST_LINE:
        return text
    lines = text.splitlines()
    if len(lines) > _MOST_LINES * _SLACK:
        lines[_MOST_LINES:] = [f"... and {len(lines) - _MOST_LINES:,} more lines"]
    return "\n".join(_without_middle(line, _LONGEST_LINE) for line in lines)


def quoted(name: str) -> str:
    """A name in quotation marks, as errors call it."""
    return repr(_without_middle(name, _LONGEST_NAME))


def with_article(name: str) -> str:
    """A name behind "a" or "an", as it is pronounced: an int, a str, a uint8, an mlProgram."""
    return f"{'an' if _LIKE_A_VOWEL.match(name) else 'a'} {name}"


_LIKE_A_VOWEL = re.compile(r"(?i:[aei]|o(?!ne)|u(?!int|ni|nary|func|ser))|ml[A-Z]")


def _without_middle(text: str, longest: int) -> str:
    if len(text) <= longest * _SLACK:
        return text
    end = longest // 4
    start = longest - end
    return f"{text[:start]}... ({len(text) - longest:,} characters) ...{text[-end:]}"
