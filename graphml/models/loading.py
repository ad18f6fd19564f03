"""`load`: turns any source of a model into an object of the class that runs its kind."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar, overload, runtime_checkable

from google.protobuf.message import Message

from graphml import spec
from graphml.errors import SpecError, UnsupportedError, with_article
from graphml.models.configuration import ModelConfiguration
from graphml.models.kinds import KINDS
from graphml.models.model import Model


@runtime_checkable
class HasSpec(Protocol):
    """An object that has a Model message, such as an MLModel of coremltools."""

    def get_spec(self) -> Message: ...


M = TypeVar("M", bound=Model)


@overload
def load(
    source: str | os.PathLike[str] | bytes | Message | HasSpec,
    *,
    configuration: ModelConfiguration | None = None,
    custom_layers: Mapping[str, Callable[..., Any]] | None = None,
    custom_models: Mapping[str, Callable[..., Any]] | None = None,
    function_name: str | None = None,
    weights_dir: str | os.PathLike[str] | None = None,
) -> Model: ...


@overload
def load(
    source: str | os.PathLike[str] | bytes | Message | HasSpec,
    *,
    configuration: ModelConfiguration | None = None,
    custom_layers: Mapping[str, Callable[..., Any]] | None = None,
    custom_models: Mapping[str, Callable[..., Any]] | None = None,
    function_name: str | None = None,
    weights_dir: str | os.PathLike[str] | None = None,
    kind: type[M],
) -> M: ...


def load(
    source: str | os.PathLike[str] | bytes | Message | HasSpec,
    *,
    configuration: ModelConfiguration | None = None,
    custom_layers: Mapping[str, Callable[..., Any]] | None = None,
    custom_models: Mapping[str, Callable[..., Any]] | None = None,
    function_name: str | None = None,
    weights_dir: str | os.PathLike[str] | None = None,
    kind: type[M] | None = None,
) -> M | Model:
    """Load a model of any kind.

    A model that is invalid, too new or not supported still loads; using it raises an error that says why.

    Args:
        source: The path of a .mlmodel file or .mlpackage folder, the bytes of a .mlmodel file, a Model message, or an
            object whose `get_spec()` returns one, such as an MLModel of coremltools. A message of another class than
            graphml's is copied.
        configuration: Where and how the model runs.
        custom_layers: {class name: function} for networks with custom layers; see `register_custom_layer`.
        custom_models: {class name: function} for custom models; see `register_custom_model`.
        function_name: The function of an ML Program to run. None: that of the MLModel, or the default function of the
            file.
        weights_dir: The folder of the weight files of a message. Paths and MLModels know theirs.
        kind: The class that is expected, such as `graphml.models.network.NeuralNetwork`, so that type checkers and
            editors know what is returned.

    Returns:
        The model, of the class of its kind.

    Raises:
        SpecError: The bytes are not a model, the model is not of the expected kind, or it has no function of this name.
        UnsupportedError: The weight files of an MLModel no longer exist.
    """
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    if path is not None:
        message = spec.read(path)
    elif isinstance(source, bytes | bytearray | memoryview):
        message = spec.parse(bytes(source))
    elif isinstance(source, HasSpec):
        message = _own_message(source.get_spec())
        if weights_dir is None:
            path, weights_dir = _files_of(source)
        if function_name is None and message.description.functions:
            function_name = getattr(source, "function_name", None)
    else:
        message = _own_message(source)
    found = kind_of(message)
    if kind is not None and not issubclass(found, kind):
        name = message.WhichOneof("Type") or "unknown kind"
        raise SpecError(f"expected a model of class {kind.__name__}, got {with_article(found.__name__)} ({name})")
    own: dict[str, Any] = {} if function_name is None else {"function_name": function_name}
    if own and KINDS.get(message.WhichOneof("Type") or "") != KINDS["mlProgram"]:
        name = message.WhichOneof("Type") or "unknown kind"
        raise SpecError(f"only ML Programs have functions; this model ({name}) has no {function_name!r}")
    if weights_dir is not None:
        if not os.path.isdir(weights_dir):
            raise SpecError(f"weights_dir must be a folder, got {os.fspath(weights_dir)!r}")
        own["weights_dir"] = Path(weights_dir)
    return found(
        message, configuration=configuration, custom_layers=custom_layers, custom_models=custom_models, path=path, **own
    )


def _own_message(source: Any) -> Any:
    """The message as an instance of graphml's own class, parsed from the same bytes."""
    if isinstance(source, spec.Model):
        return source
    if isinstance(source, Message) and source.DESCRIPTOR.name == "Model":
        return spec.parse(spec.serialize(source))  # pyright: ignore[reportArgumentType]  (a Model of another class)
    what = f"{source.DESCRIPTOR.name} message" if isinstance(source, Message) else type(source).__name__
    raise SpecError(
        f"a model must be a path, bytes, a Model message or an object with get_spec(), got {with_article(what)}"
    )


def _files_of(source: Any) -> tuple[Path | None, Path | None]:
    """Where an MLModel of coremltools has the weights of ML Programs: its package, or else a folder of weights."""
    package, weights = getattr(source, "package_path", None), getattr(source, "weights_dir", None)
    if package is not None and os.path.isdir(package):
        return Path(package), None
    if weights is None or os.path.isdir(weights):
        return None, None if weights is None else Path(weights)
    raise UnsupportedError(
        f"the weights of this model were in {os.fspath(weights)!r}, which is gone; save the model as an .mlpackage and "
        "load that"
    )


def kind_of(message: Message) -> type[Model]:
    """The class that runs a Model message; `Model` itself if no class runs its kind."""
    where = KINDS.get(message.WhichOneof("Type") or "")
    if where is None:
        return Model
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)
