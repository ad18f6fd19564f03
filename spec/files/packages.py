"""An `.mlpackage`: a folder with a manifest, the message, and other items such as the weights of an ML Program."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast

from graphml.errors import SpecError
from graphml.spec.files.compiled import is_compiled
from graphml.spec.files.disk import flush_folder, open_regular, read_bytes, temporary_beside, write_new
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.program_pb2 import Value

_MANIFEST = "Manifest.json"
_DATA = "Data"
_ROOT_PATH = "com.apple.CoreML/model.mlmodel"
_WEIGHTS_PATH = "com.apple.CoreML/weights"
_BLOBS = "@model_path/"  # a weight file is named relative to the folder of the message
_LARGEST_MANIFEST = 1 << 20  # bytes; a thousand items take a third of this
_LONGEST_PATH = 1024  # characters of an item's path
_CHUNK = 1 << 20  # bytes that are copied at a time


Weights = Mapping[str, Iterable[bytes]]
"""Weight files to write: {their names in programs, such as @model_path/weights/weight.bin: their content in pieces}."""


class Package(NamedTuple):
    """What a package holds besides the message.

    Attributes:
        manifest: The content of the manifest.
        root: The path of the message, relative to the data folder.
        items: {path relative to the data folder: the file to copy, or its content in pieces}.
    """

    manifest: bytes
    root: str
    items: Mapping[str, Path | Iterable[bytes]]


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


def new_package(source: Path | None, weights: Weights) -> Package:
    """The package to write: a copy of what `source` holds besides its message, or an empty one.

    Args:
        source: The file or package that the model was read from, if any.
        weights: Weight files to write, in addition to those in `source` or in their place.

    Raises:
        SpecError: If `source` is a damaged package, or weights are named wrongly.
    """
    parts = _copied(source) or Package(_manifest(with_weights=bool(weights)), _ROOT_PATH, {})
    return parts._replace(items={**parts.items, **_weight_items(weights, parts.root)})


def replaced_weights(package: Path, weights: Weights) -> dict[Path, Iterable[bytes]]:
    """Where weight files go in an existing package.

    Args:
        package: The package.
        weights: The weight files to replace or to add.

    Returns:
        {file: its content in pieces}

    Raises:
        SpecError: If the manifest does not list the path of the weights.
    """
    if not weights:
        return {}
    _, manifest = _read_manifest(package)
    root = _item_path(manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"], "the root model")
    entries = cast("Iterable[object]", manifest["itemInfoEntries"].values())
    listed = {str(cast("dict[str, object]", entry).get("path")) for entry in entries if isinstance(entry, dict)}
    places: dict[Path, Iterable[bytes]] = {}
    for item, content in _weight_items(weights, root).items():
        above = {str(folder) for folder in PurePosixPath(item).parents} | {item}
        if not listed & above:
            raise SpecError(f"the manifest of the package that exists here does not list {item!r}; remove it first")
        places[_inside(package, Path(_DATA, item), f"the weight file {item!r}")] = content
    return places


def _weight_items(weights: Weights, root: str) -> dict[str, Iterable[bytes]]:
    """Weight files by their paths relative to the data folder."""
    for name in weights:
        if not name.startswith(_BLOBS):
            raise SpecError(f"the name of a weight file starts with {_BLOBS}, got {name!r}")
    folder, items = os.path.dirname(root), dict[str, Iterable[bytes]]()
    for name, content in weights.items():
        item = _item_path(os.path.join(folder, name.removeprefix(_BLOBS)), f"the weight file {name!r}")
        if item == root:
            raise SpecError(f"the weight file {name!r} has the place of the model")
        items[item] = content
    return items


def _copied(source: Path | None) -> Package | None:
    """What a package holds besides its message; None if nothing."""
    if source is None or not source.is_dir():
        return None
    if is_compiled(source):
        weights = {f"{_WEIGHTS_PATH}/{file.name}": file for file in sorted((source / "weights").glob("*"))}
        items = {item: _inside(source, file.relative_to(source), repr(item)) for item, file in weights.items()}
        return Package(_manifest(with_weights=bool(items)), _ROOT_PATH, items)
    data, manifest = _read_manifest(source)
    model, entries = root_model(source), manifest["itemInfoEntries"]
    root = _item_path(entries[manifest["rootModelIdentifier"]]["path"], "the root model")
    items: dict[str, Path] = {}
    for name in sorted(entries.keys() - {manifest["rootModelIdentifier"]}):
        if not isinstance(entries[name], dict):
            raise SpecError(f"{_MANIFEST}: the item {name!r} has no path")
        items.update(_files(source, _item_path(entries[name].get("path"), f"the item {name!r}")))
    items = {inner: file for inner, file in items.items() if file != model and inner != root}
    return Package(data, root, items) if items else None


def write_package(package: Path, data: bytes, parts: Package) -> None:
    """Write a whole package atomically.

    Args:
        package: The folder, which must be missing or empty.
        data: The bytes of the message.
        parts: Everything else.
    """
    temporary = temporary_beside(package)
    try:
        temporary.mkdir(0o700 if package.is_dir() else 0o777)
        folders = {temporary}
        for inner, content in ((Path(_DATA, parts.root), [data]), (Path(_MANIFEST), [parts.manifest])):
            folders |= _put(temporary, inner, content)
        for item, content in parts.items.items():
            with open_regular(content) if isinstance(content, Path) else contextlib.nullcontext() as opened:
                pieces = content if opened is None else iter(functools.partial(opened.read, _CHUNK), b"")
                folders |= _put(temporary, Path(_DATA, item), cast("Iterable[bytes]", pieces))
        for folder in sorted(folders, reverse=True):
            flush_folder(folder)
        if package.is_dir():
            shutil.copymode(package, temporary)
        os.replace(temporary, package)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    flush_folder(package.parent)


def refuse_without_weights(
    model: Model, path: Path, source: Path | None, package: Package | None, weights: Weights
) -> None:
    """Refuse to write a model without the weight files that it refers to.

    Args:
        model: The message.
        path: Where it is to be written.
        source: What it was read from, if known.
        package: The new package, if a whole package is written.
        weights: The weight files that are written.

    Raises:
        SpecError: If a weight file would be missing at `path`.
    """
    names = sorted({blob.fileName for blob in blob_values(model)} | weights.keys())
    if not names:
        return
    words = f"the weights of this model are in {', '.join(map(repr, names[:3]))}"
    if path.suffix.lower() == ".mlmodel":
        raise SpecError(f"{words}, which an .mlmodel cannot hold; write it as an .mlpackage")
    if package is None:
        elsewhere = source is not None and os.path.realpath(source) != os.path.realpath(path)
        if elsewhere and not weights.keys() >= set(names):
            raise SpecError(f"{words}, but the package that exists here has other weights; remove it first")
        return
    folder = os.path.dirname(package.root)
    held = {_BLOBS + os.path.relpath(item, folder or ".") for item in package.items}
    missing = [name for name in names if name not in held]
    if missing:
        where = "no package is given as its source" if source is None else f"{source} does not contain it"
        raise SpecError(f"{words}; {missing[0]!r} cannot be copied: {where}")


# The weight files of a message ----------------------------------------------------------------------------------------


def pipeline_stages(model: Model) -> Sequence[Model]:
    """The models of a pipeline; none if it is something else."""
    kind = model.WhichOneof("Type") or ""
    if not kind.startswith("pipeline"):
        return ()
    return (model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline).models


def blob_values(model: Model) -> Iterator[Value.BlobFileValue]:
    """Everything in a model that points to a weight file, stages of pipelines included."""
    if model.WhichOneof("Type") == "mlProgram":
        yield from _blobs_in(model.mlProgram)
    for stage in pipeline_stages(model):
        yield from blob_values(stage)


def _blobs_in(message: Any) -> Iterator[Value.BlobFileValue]:
    if isinstance(message, Value.BlobFileValue):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                for one in value.values():
                    yield from _blobs_in(one)
        else:
            for one in value if field.is_repeated else (value,):
                yield from _blobs_in(one)


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


def _manifest(*, with_weights: bool) -> bytes:
    """The manifest of a package that holds a model and perhaps its weights.

    The identifiers have to be unique within the package only. They depend on the items' paths and not on the content,
    so that equal models give equal packages, and rewriting a package changes one file only.
    """
    entries: dict[str, dict[str, str]] = {}
    for path in (_ROOT_PATH, _WEIGHTS_PATH) if with_weights else (_ROOT_PATH,):
        identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, path)).upper()
        author, _, name = path.partition("/")
        what = "Model" if path == _ROOT_PATH else "Weights"
        entries[identifier] = {"author": author, "description": what, "name": name, "path": path}
    manifest = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": entries,
        "rootModelIdentifier": next(iter(entries)),
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
    """A path in a package with symbolic links resolved. A link may lead anywhere inside the package, but not to
    files outside that the user did not ask to read or replace."""
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
