"""Reading and writing a model at a path, as `.mlmodel` or `.mlpackage`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from types import MappingProxyType

from graphml.errors import SpecError, reason
from graphml.spec.files.compiled import is_compiled, read_compiled
from graphml.spec.files.disk import probe, read_bytes, replace_file
from graphml.spec.files.message import LARGEST, check_start, parse, serialize
from graphml.spec.files.packages import (
    Weights,
    new_package,
    refuse_without_weights,
    replaced_weights,
    root_model,
    write_package,
)
from graphml.spec.wire.model_pb2 import Model

_CONVERTIBLE = (".onnx", ".pt", ".pth", ".pt2", ".pb", ".keras", ".h5", ".ubj")


def read(path: str | os.PathLike[str]) -> Model:
    """Read the model in an `.mlmodel` file, an `.mlpackage` folder, or an `.mlmodelc` folder with an ML Program.

    Raises:
        SpecError: If it cannot be read or is not a model. The error names the path.
    """
    path = Path(path)
    with _naming(path):
        if is_compiled(path):
            return read_compiled(path)
        data = read_bytes(root_model(path) if path.is_dir() else path, LARGEST, check_start)
        try:
            return parse(data)
        except SpecError as error:
            if path.suffix.lower() in _CONVERTIBLE:
                raise SpecError(f"{error}; graphml.convert makes a Core ML model of {path.suffix} files") from None
            raise


def model_file(path: str | os.PathLike[str]) -> Path:
    """The file that holds the message: the path itself, or a file inside an `.mlpackage`.

    Raises:
        SpecError: If a folder is not an `.mlpackage`. The error names the path.
    """
    path = Path(path)
    with _naming(path):
        return root_model(path) if path.is_dir() else path


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Read any file that is no larger than a model can be.

    Raises:
        SpecError: If it cannot be read. The error names the path.
    """
    path = Path(path)
    with _naming(path):
        return read_bytes(path, LARGEST)


def write(
    model: Model,
    path: str | os.PathLike[str],
    *,
    source: str | os.PathLike[str] | None = None,
    weights: Weights = MappingProxyType({}),
) -> None:
    """Write a model as `.mlmodel` or `.mlpackage`, depending on the suffix of the path.

    Writing is atomic: on any failure the path keeps its old content. In a package that exists only the root model is
    replaced, and weight files if there are new ones; the manifest and the other items stay. There, each file is
    replaced atomically, weight files first: those with new names are not used until the model is replaced.

    Args:
        model: The message.
        path: Where to write it.
        source: What the model was read from. If that is a package, its other items are copied to a new package, and so
            are the bytes of its message if `model` equals it: other writers order the entries of maps differently.
        weights: Weight files to write, in addition to those of `source` or in their place: {name in the program:
            content in pieces}.

    Raises:
        SpecError: If it cannot be written, or if its weight files would be missing. The error
            names the path.
    """
    path, source = Path(path), None if source is None else Path(source)
    with _naming(path):
        data = _as_stored(serialize(model), source)
        file, whole = _target(path)
        package = new_package(source, weights) if whole else None
        refuse_without_weights(model, path, source, package, weights)
        if package is not None:
            write_package(file, data, package)
            return
        for place, content in replaced_weights(path, weights).items():
            replace_file(place, content)
        replace_file(file, data)


def refuse_unwritable(path: str | os.PathLike[str]) -> None:
    """Raise the error that `write` would raise for this path, without a model.

    A temporary file is made and removed, so that missing permissions, read-only file systems and missing folders are
    found before any work is done.

    Raises:
        SpecError: If nothing can be written there. The error names the path.
    """
    path = Path(path)
    with _naming(path):
        file, whole = _target(path)
        if file.is_dir() and not whole:
            raise SpecError("this is a directory; an .mlmodel is a file")
        if not file.parent.is_dir():
            raise SpecError(f"there is no folder {file.parent}")
        probe(file)


def _as_stored(data: bytes, source: Path | None) -> bytes:
    """The bytes of the message in a package if they say the same as `data`, otherwise `data`."""
    if source is None or not source.is_dir() or is_compiled(source):
        return data
    with contextlib.suppress(SpecError, OSError):
        file = root_model(source)
        if file.stat().st_size == len(data):  # the order of map entries does not change the size
            stored = read_bytes(file, LARGEST)
            return stored if stored == data or serialize(parse(stored)) == data else data
    return data


@contextlib.contextmanager
def _naming(path: Path) -> Generator[None]:
    """Turn errors of the operating system into SpecErrors, and start every SpecError with the path."""
    try:
        yield
    except SpecError as error:
        raise error.in_context(str(path)) from None
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        said = reason(error)
        if isinstance(error, OSError) and error.errno is not None and said == os.strerror(error.errno):
            said = said[:1].lower() + said[1:]  # other reasons may begin with a file name
        raise SpecError(f"{path}\n  {said}") from error


def _refuse_compiled(path: Path) -> None:
    if is_compiled(path):
        raise SpecError("an .mlmodelc is a compiled model, which only Core ML writes; write an .mlpackage instead")


def _target(path: Path) -> tuple[Path, bool]:
    """The file or folder to replace, and whether it is a whole package."""
    _refuse_compiled(path)
    kind = path.suffix.lower()
    if kind not in (".mlmodel", ".mlpackage"):
        raise SpecError(f"the name of a model ends in .mlmodel or .mlpackage, got {path.name!r}")
    file = Path(os.path.realpath(path))  # a symbolic link stays, and its target is replaced
    if kind == ".mlmodel":
        return file, False
    # One file of an existing package changes, and replacing one file is atomic; replacing a folder is not.
    if file.is_dir() and any(file.iterdir()):
        return root_model(file), False
    if file.exists() and not file.is_dir():
        raise SpecError("this is a file, not a directory; an .mlpackage is a directory")
    return file, True
