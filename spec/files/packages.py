"""An `.mlpackage`: a folder with a manifest, the message, and other items such as the weights of an ML Program."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from graphml.errors import SpecError
from graphml.spec.files.disk import flush_folder, open_regular, read_bytes, temporary_beside, write_new
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.program_pb2 import Value

_MANIFEST = "Manifest.json"
_DATA = "Data"
_ROOT_PATH = "com.apple.CoreML/model.mlmodel"
_BLOBS = "@model_path/"  # a weight file is named relative to the folder of the message
_LARGEST_MANIFEST = 1 << 20  # bytes; a thousand items take a third of it
_LONGEST_PATH = 1024  # characters of an item's path
_CHUNK = 1 << 20  # bytes that are copied at a time


class Package(NamedTuple):
    """What a package holds besides the message.

    Attributes:
        manifest: The content of the manifest.
        root: The path of the message, relative to the data folder.
        items: {path relative to the data folder: the file to copy}.
    """

    manifest: bytes
    root: str
    items: Mapping[str, Path]


def root_model(package: Path) -> Path:
    """The `.mlmodel` inside a package, found through its manifest, with symbolic links resolved.

    Raises:
        SpecError: If the manifest is missing or damaged, or the model is missing or outside the package.
    """
    _, manifest = _read_manifest(package)
    try:
        inner = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"]
    except (LookupError, TypeError):
        raise SpecError(f"{_MANIFEST} names no root model") from None
    inner = _item_path(inner, "the root model")
    model = _inside(package, Path(_DATA, inner), f"{_MANIFEST}: the path {inner!r}")
    if not model.is_file():
        raise SpecError(f"{_MANIFEST}: the root model {f'{_DATA}/{inner}'!r} is missing")
    return model


def new_package(source: Path | None) -> Package:
    """The package to write: a copy of what `source` holds besides its message, or an empty one.

    Args:
        source: The file or package that the model was read from, if any.

    Raises:
        SpecError: If `source` is a damaged package.
    """
    fresh = Package(_manifest(), _ROOT_PATH, {})
    if source is None or not source.is_dir():
        return fresh
    data, manifest = _read_manifest(source)
    model, entries = root_model(source), manifest["itemInfoEntries"]
    root = _item_path(entries[manifest["rootModelIdentifier"]]["path"], "the root model")
    items: dict[str, Path] = {}
    for name in sorted(entries.keys() - {manifest["rootModelIdentifier"]}):
        if not isinstance(entries[name], dict):
            raise SpecError(f"{_MANIFEST}: the item {name!r} has no path")
        items.update(_files(source, _item_path(entries[name].get("path"), f"the item {name!r}")))
    items = {inner: file for inner, file in items.items() if file != model and inner != root}
    return Package(data, root, items) if items else fresh


def write_package(package: Path, data: bytes, parts: Package) -> None:
    """Write a whole package atomically.

    Args:
        package: The folder, which is absent or empty.
        data: The bytes of the message.
        parts: Everything else.
    """
    temporary = temporary_beside(package)
    try:
        temporary.mkdir(0o700 if package.is_dir() else 0o777)
        folders = {temporary}
        for inner, content in ((Path(_DATA, parts.root), [data]), (Path(_MANIFEST), [parts.manifest])):
            folders |= _put(temporary, inner, content)
        for item, file in parts.items.items():
            with open_regular(file) as opened:
                folders |= _put(temporary, Path(_DATA, item), iter(lambda: opened.read(_CHUNK), b""))
        for folder in sorted(folders, reverse=True):
            flush_folder(folder)
        if package.is_dir():
            shutil.copymode(package, temporary)
        os.replace(temporary, package)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    flush_folder(package.parent)


def refuse_without_weights(model: Model, path: Path, source: Path | None, package: Package | None) -> None:
    """Refuse to write a model without the weight files that it refers to.

    Args:
        model: The message.
        path: Where it is to be written.
        source: What it was read from, if known.
        package: The new package, if a whole package is written.

    Raises:
        SpecError: If a weight file would be missing at `path`.
    """
    names = sorted(_weight_files(model))
    if not names:
        return
    words = f"the weights of this model are in {', '.join(map(repr, names[:3]))}"
    if path.suffix.lower() == ".mlmodel":
        raise SpecError(f"{words}, which an .mlmodel cannot hold; write it as an .mlpackage")
    if package is None:
        if source is not None and os.path.realpath(source) != os.path.realpath(path):
            raise SpecError(f"{words}, but the package that exists here has weights of its own; remove it first")
        return
    folder = os.path.dirname(package.root)
    held = {_BLOBS + os.path.relpath(item, folder or ".") for item in package.items}
    missing = [name for name in names if name not in held]
    if missing:
        where = "no package is given as its source" if source is None else f"{source} does not contain it"
        raise SpecError(f"{words}; {missing[0]!r} cannot be copied: {where}")


# The weight files of a message ----------------------------------------------------------------------------------------


def _weight_files(model: Model) -> set[str]:
    """The names of the weight files that a model refers to, stages of pipelines included."""
    if model.WhichOneof("Type") == "mlProgram":
        return set(_file_names(model.mlProgram))
    kind = model.WhichOneof("Type") or ""
    if not kind.startswith("pipeline"):
        return set()
    pipeline = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    return set[str]().union(*map(_weight_files, pipeline.models))


def _file_names(message: Any) -> Iterator[str]:
    if isinstance(message, Value.BlobFileValue):
        yield message.fileName
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                for one in value.values():
                    yield from _file_names(one)
        else:
            for one in value if field.is_repeated else (value,):
                yield from _file_names(one)


# The manifest and its items -------------------------------------------------------------------------------------------


def _read_manifest(package: Path) -> tuple[bytes, Any]:
    """The manifest of a package as bytes, and as JSON."""
    file = _inside(package, _MANIFEST, _MANIFEST)
    if not file.exists():
        raise SpecError(f"this is a folder without {_MANIFEST}, so it is not an .mlpackage")
    data = read_bytes(file, _LARGEST_MANIFEST)
    try:
        return data, json.loads(data)
    except (ValueError, RecursionError):
        raise SpecError(f"{_MANIFEST} is not JSON") from None


def _manifest() -> bytes:
    """The manifest of a package that holds only a model.

    The identifier has to be unique within the package only. It depends on the item's path and not on the content, so
    that equal models give equal packages, and rewriting a package changes one file only.
    """
    identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, _ROOT_PATH)).upper()
    author, _, name = _ROOT_PATH.partition("/")
    item = {"author": author, "description": "Model", "name": name, "path": _ROOT_PATH}
    manifest = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": {identifier: item},
        "rootModelIdentifier": identifier,
    }
    return (json.dumps(manifest, indent=4, sort_keys=True) + "\n").encode()


def _item_path(inner: Any, what: str) -> str:
    """The normalized path of an item, relative to the data folder."""
    if not isinstance(inner, str) or not 0 < len(inner) <= _LONGEST_PATH or "\0" in inner:
        raise SpecError(f"{_MANIFEST}: {what} has no path of at most {_LONGEST_PATH} characters")
    if PurePosixPath(inner).is_absolute() or os.path.normpath(inner).split(os.sep)[0] == os.pardir:
        raise SpecError(f"{_MANIFEST}: the path {inner!r} leaves the package")
    return os.path.normpath(inner)


def _inside(package: Path, inner: str | Path, what: str) -> Path:
    """A path in a package with symbolic links resolved. A link may lead anywhere inside; outside of the package are
    files that the user did not ask to read or replace."""
    file = Path(os.path.realpath(package / inner))
    if not file.is_relative_to(os.path.realpath(package)):
        raise SpecError(f"{what} leaves the package: it leads to {str(file)!r}")
    return file


def _files(package: Path, item: str) -> Iterator[tuple[str, Path]]:
    """The files of an item, each with its path relative to the data folder; none if the item is missing."""
    place = _inside(package, Path(_DATA, item), f"{_MANIFEST}: the path {item!r}")
    if not place.is_dir():
        if place.exists():
            yield item, place
        return
    for name in sorted(os.listdir(place)):
        if (place / name).is_symlink() and (place / name).is_dir():
            _inside(package, Path(_DATA, item, name), f"the item {item!r}")
            raise SpecError(f"the item {item!r} contains a symbolic link to a folder, {name!r}; it may be circular")
        yield from _files(package, os.path.normpath(os.path.join(item, name)))


def _put(package: Path, inner: Path, content: Iterable[bytes]) -> set[Path]:
    """Write one file of a package. Returns the folders that contain it."""
    (package / inner).parent.mkdir(parents=True, exist_ok=True)
    write_new(package / inner, content)
    return {package / folder for folder in inner.parents}
