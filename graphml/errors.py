"""Every error that graphml raises on purpose.

Rules are checked where the facts are, with local words only ("x has 512 features, weights expect 768").
What surrounds the fact (file, layer, position) is added once, by whoever knows it, through `in_context`.
"""

from __future__ import annotations

from graphml.visible import visible_lines


class GraphmlError(Exception):
    """Base of all errors here: catch this to catch them all."""

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
