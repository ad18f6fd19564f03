"""Model files: `.mlmodel` (one message, no header) and `.mlpackage` (a folder whose manifest names the message).

Reading is lenient: any version, unknown fields (kept for writing) and contradictions pass; `validate` judges them.
Whatever the bytes are, a failure is a SpecError. Writing leaves the old file or the new one, never a part of one. What
a package holds beside the message, such as the weights of an ML program, goes along into a new package.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

from google.protobuf.message import DecodeError, EncodeError

from graphml.errors import SpecError
from graphml.spec.blobs import FOLDER, blob_files
from graphml.spec.counts import check_counts
from graphml.spec.wire.model_pb2 import Model

_LARGEST = 2**31 - 1  # bytes of a message that protobuf can hold
_LARGEST_MANIFEST = 1 << 20  # a thousand items take a third of it
_CHUNK = 1 << 20  # bytes that are copied at once
_START = 512  # bytes by which what is not a model is known
_MANIFEST = "Manifest.json"
_DATA = "Data"
_LONGEST_PATH = 1024  # characters, of an item
_ROOT_PATH = "com.apple.CoreML/model.mlmodel"

# Bytes: parsing and serializing ---------------------------------------------------------------------------------------


def parse(data: bytes) -> Model:
    """The model in the bytes of an `.mlmodel`. Raises SpecError for anything else, saying what that looks like."""
    if not data:
        raise SpecError("the file is empty")
    if len(data) > _LARGEST:
        raise SpecError(f"{len(data)} bytes are more than a model can have ({_LARGEST})")
    model = Model()
    try:
        model.ParseFromString(data)
    except (DecodeError, RecursionError):
        raise SpecError(f"this is not an .mlmodel file: {_guess(data) or _DAMAGED}") from None
    if model.WhichOneof("Type") is None and not model.description.ByteSize():
        raise SpecError(f"this is not an .mlmodel file: {_guess(data) or 'it has no description and no model type'}")
    check_counts(model)
    return model


_DAMAGED = "the bytes are truncated, damaged or nested too deep, or were never a model"


def _guess(data: bytes) -> str | None:
    """What bytes that are no model seem to be."""
    start = bytes(data[:_START])
    if start.startswith(b"version https://git-lfs"):
        return "it is a git-lfs pointer; `git lfs pull` fetches the file itself"
    for magic, what in _MAGIC.items():
        if start.startswith(magic):
            return f"it looks like {what}"
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "it looks like an HTML page, perhaps of a download that failed"
    if start.isascii() and all(byte >= 32 or byte in b"\t\n\r" for byte in start):
        return "it looks like text"
    return None


_MAGIC = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89HDF": "an HDF5 file",
    b"\x80\x02": "a Python pickle",
    b"\x80\x04": "a Python pickle",
}


def serialize(model: Model) -> bytes:
    """The bytes of a model; the same model always gives the same bytes, unknown fields included."""
    try:
        return model.SerializeToString(deterministic=True)
    except (EncodeError, ValueError, RecursionError) as error:
        raise SpecError(f"the model cannot be written: {error}") from None


# Reading --------------------------------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str]) -> Model:
    """The model in an `.mlmodel` file or an `.mlpackage` folder. Raises SpecError that names the path."""
    path = Path(path)
    with _naming(path):
        _refuse_compiled(path)
        return parse(_bytes(_model_file(path) if path.is_dir() else path, _LARGEST, check=_check_start))


def model_file(path: str | os.PathLike[str]) -> Path:
    """The file that holds the message: the path itself, or one inside of an `.mlpackage`."""
    path = Path(path)
    with _naming(path):
        return _model_file(path) if path.is_dir() else path


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of any file that is no larger than a model can be. Raises SpecError that names the path."""
    path = Path(path)
    with _naming(path):
        return _bytes(path, _LARGEST)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors of the operating system become SpecErrors, and every SpecError begins with the path."""
    try:
        yield
    except SpecError as error:
        raise error.in_context(str(path)) from None
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, OSError) and error.errno is not None and reason == os.strerror(error.errno):
            reason = reason[:1].lower() + reason[1:]  # ours may begin with the name of a file
        raise SpecError(f"{path}\n  {reason}") from error


def _refuse_compiled(path: Path) -> None:
    if path.suffix.lower() == ".mlmodelc" or (path / "coremldata.bin").is_file():
        raise SpecError(
            "an .mlmodelc is a compiled folder in a private format that only Core ML reads; use the .mlmodel that it "
            "was made from"
        )


def open_regular(file: str | os.PathLike[str]) -> BinaryIO:
    """A file, opened to be read as bytes. Raises OSError for what is not a regular file: a pipe or device would block,
    or never end."""

    def opener(name: str, flags: int) -> int:
        descriptor = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, f"the file {Path(file).name} is not a regular file")
        return descriptor

    return open(file, "rb", opener=opener)


def _bytes(file: Path, largest: int, check: Callable[[bytes], None] = lambda start: None) -> bytes:
    """All of a regular file. check: judges how it starts before the rest is read."""
    with open_regular(file) as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > largest:
            raise SpecError(f"{file.name} has {size} bytes, more than the {largest} that it can have")
        check(opened.read(_START))
        opened.seek(0)
        return opened.read(largest + 1)


def _check_start(start: bytes) -> None:
    """Refuse by its first byte what may be gigabytes of zeros: a message starts with the number of a field, from 1 on,
    above three bits that say how it is stored."""
    if start and start[0] < 1 << 3:
        raise SpecError(f"this is not an .mlmodel file: {_guess(start) or _DAMAGED}")


def _model_file(package: Path) -> Path:
    """The `.mlmodel` inside a package, through its manifest, with symbolic links resolved."""
    _, manifest = _read_manifest(package)
    try:
        inner = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"]
    except (LookupError, TypeError):
        raise SpecError(f"{_MANIFEST} names no root model") from None
    inner = _path_of(inner, "the root model")
    model = _inside(package, Path(_DATA, inner), f"{_MANIFEST}: the path {inner!r}")
    if not model.is_file():
        raise SpecError(f"{_MANIFEST}: the root model {f'{_DATA}/{inner}'!r} is missing")
    return model


def _read_manifest(package: Path) -> tuple[bytes, Any]:
    """The manifest of a package as bytes, and as JSON."""
    file = _inside(package, _MANIFEST, _MANIFEST)
    if not file.exists():
        raise SpecError(f"this is a folder without {_MANIFEST}, so it is not an .mlpackage")
    data = _bytes(file, _LARGEST_MANIFEST)
    try:
        return data, json.loads(data)
    except (ValueError, RecursionError):
        raise SpecError(f"{_MANIFEST} is not JSON") from None


def _path_of(inner: Any, what: str) -> str:
    """The path of an item, below the folder of the data."""
    if not isinstance(inner, str) or not 0 < len(inner) <= _LONGEST_PATH or "\0" in inner:
        raise SpecError(f"{_MANIFEST}: {what} has no path of at most {_LONGEST_PATH} characters")
    if PurePosixPath(inner).is_absolute() or os.path.normpath(inner).split(os.sep)[0] == os.pardir:
        raise SpecError(f"{_MANIFEST}: the path {inner!r} leaves the package")
    return os.path.normpath(inner)


def _inside(package: Path, inner: str | Path, what: str) -> Path:
    """A path of a package with symbolic links resolved. They may lead anywhere in the package; what leaves it belongs
    to somebody else, who has not asked for it to be read or replaced."""
    file = Path(os.path.realpath(package / inner))
    if not file.is_relative_to(os.path.realpath(package)):
        raise SpecError(f"{what} leaves the package: it leads to {str(file)!r}")
    return file


# Writing --------------------------------------------------------------------------------------------------------------


def write(model: Model, path: str | os.PathLike[str], *, source: str | os.PathLike[str] | None = None) -> None:
    """Write a model as `.mlmodel` or `.mlpackage`, whichever the name says.

    All or nothing: on any failure the path holds what it held before. In a package that exists only the root model is
    replaced; the manifest and the other items stay.

    Args:
        model: The message.
        path: Where to write it.
        source: What the model was read from. If that is a package, its other items go along into a new one.

    Raises:
        SpecError: It cannot be written, or its weights, which are in files beside it, would not be where it is. The
            error names the path.
    """
    path, source = Path(path), None if source is None else Path(source)
    with _naming(path):
        data = serialize(model)
        file, whole = _target(path)
        package = _new_package(source) if whole else None
        _refuse_without_weights(model, path, source, package)
        replace_file(file, data) if package is None else _write_package(file, data, package)


def refuse_unwritable(path: str | os.PathLike[str]) -> None:
    """Raise the SpecError that `write` would raise for the path, as far as that can be known without a model.

    An empty file is made and removed where `write` would put its own, so that rights, read-only file systems and
    folders that do not exist are found.
    """
    path = Path(path)
    with _naming(path):
        file, whole = _target(path)
        if file.is_dir() and not whole:
            raise SpecError("this is a directory; an .mlmodel is a file")
        if not file.parent.is_dir():
            raise SpecError(f"there is no folder {file.parent}")
        probe(file)


def probe(file: Path) -> None:
    """Make and remove a file beside another, which may not be there yet. Raises OSError where that cannot be done."""
    temporary = _temporary(file)
    try:
        _write_through(temporary, [])
    finally:
        temporary.unlink(missing_ok=True)


def _target(path: Path) -> tuple[Path, bool]:
    """The file or folder to put in place of another, and whether it is a whole package."""
    _refuse_compiled(path)
    kind = path.suffix.lower()
    if kind not in (".mlmodel", ".mlpackage"):
        raise SpecError("the name of a model ends in .mlmodel or .mlpackage")
    file = Path(os.path.realpath(path))  # a link stays, and what it points to is replaced
    if kind == ".mlmodel":
        return file, False
    # One file of an existing package changes, and replacing one file is atomic; replacing a folder is not.
    if file.is_dir() and any(file.iterdir()):
        return _model_file(file), False
    if file.exists() and not file.is_dir():
        raise SpecError("this is a file, not a directory; an .mlpackage is one")
    return file, True


class _Package(NamedTuple):
    """What a package holds beside the message. root, items: paths below the folder of the data; items: {path: the file
    to copy}."""

    manifest: bytes
    root: str
    items: Mapping[str, Path]


def _new_package(source: Path | None) -> _Package:
    """A package with nothing but a model, or one with all that lies beside the model in another."""
    fresh = _Package(_manifest(), _ROOT_PATH, {})
    if source is None or not source.is_dir():
        return fresh
    data, manifest = _read_manifest(source)
    model, entries = _model_file(source), manifest["itemInfoEntries"]
    root = _path_of(entries[manifest["rootModelIdentifier"]]["path"], "the root model")
    items: dict[str, Path] = {}
    for name in sorted(entries.keys() - {manifest["rootModelIdentifier"]}):
        if not isinstance(entries[name], dict):
            raise SpecError(f"{_MANIFEST}: the item {name!r} has no path")
        items.update(_files(source, _path_of(entries[name].get("path"), f"the item {name!r}")))
    items = {inner: file for inner, file in items.items() if file != model and inner != root}
    return _Package(data, root, items) if items else fresh


def _files(package: Path, item: str) -> Iterator[tuple[str, Path]]:
    """The files of an item, each with its path below the folder of the data; none if the item is missing."""
    place = _inside(package, Path(_DATA, item), f"{_MANIFEST}: the path {item!r}")
    if not place.is_dir():
        if place.exists():
            yield item, place
        return
    for name in sorted(os.listdir(place)):
        if (place / name).is_symlink() and (place / name).is_dir():
            _inside(package, Path(_DATA, item, name), f"the item {item!r}")
            raise SpecError(f"the item {item!r} holds a link to a folder, {name!r}, which may lead in a circle")
        yield from _files(package, os.path.normpath(os.path.join(item, name)))


def _refuse_without_weights(model: Model, path: Path, source: Path | None, package: _Package | None) -> None:
    """Refuse a model that would be parted from its files of weights. package: the one that is made, if any."""
    names = sorted(blob_files(model))
    if not names:
        return
    words = f"the weights of this model are in {', '.join(map(repr, names[:3]))}"
    if path.suffix.lower() == ".mlmodel":
        raise SpecError(f"{words}, in files which an .mlmodel cannot hold; write it as an .mlpackage")
    if package is None:
        if source is not None and os.path.realpath(source) != os.path.realpath(path):
            raise SpecError(f"{words}, and there is a package already, whose own weights would stay; remove it before")
        return
    folder = os.path.dirname(package.root)
    held = {FOLDER + os.path.relpath(item, folder or ".") for item in package.items}
    missing = [name for name in names if name not in held]
    if missing:
        where = "no package is given as its source" if source is None else f"{source} has no item with it"
        raise SpecError(f"{words}; {missing[0]!r} cannot be copied: {where}")


def _write_package(package: Path, data: bytes, parts: _Package) -> None:
    temporary = _temporary(package)
    try:
        temporary.mkdir(0o700 if package.is_dir() else 0o777)
        folders = {temporary}
        for inner, content in ((Path(_DATA, parts.root), [data]), (Path(_MANIFEST), [parts.manifest])):
            folders |= _put(temporary, inner, content)
        for item, file in parts.items.items():
            with open_regular(file) as opened:
                folders |= _put(temporary, Path(_DATA, item), iter(lambda: opened.read(_CHUNK), b""))
        for folder in sorted(folders, reverse=True):
            _flush_folder(folder)
        if package.is_dir():
            shutil.copymode(package, temporary)
        os.replace(temporary, package)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _flush_folder(package.parent)


def _put(package: Path, inner: Path, content: Iterable[bytes]) -> set[Path]:
    """Write one file of a package. Returns the folders that it is in."""
    (package / inner).parent.mkdir(parents=True, exist_ok=True)
    _write_through(package / inner, content)
    return {package / folder for folder in inner.parents}


def _manifest() -> bytes:
    """The manifest of a package with nothing but a model.

    The identifier only has to be unique in its package. It depends on the item's path and not on the content, so that
    equal models give equal packages, and rewriting a package changes one file only.
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


UNFINISHED = ".graphml-*.tmp"  # what a killed process may leave behind; never what anybody reads


def _temporary(beside: Path) -> Path:
    return beside.with_name(UNFINISHED.replace("*", uuid.uuid4().hex))


def replace_file(file: Path, data: bytes, *, private: bool = False) -> None:
    """Put `data` in the place of a file at once: whoever reads sees all of the old or all of the new.

    A new file has the permissions that the process gives to new files; one that is replaced keeps its own, and nobody
    else can read what is written meanwhile. private: only the owner may read either.
    """
    temporary = _temporary(file)
    mode = 0o600 if private else stat.S_IMODE(file.stat().st_mode) if file.exists() else None
    try:
        _write_through(temporary, [data], mode)
        os.replace(temporary, file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(file.parent)


def _write_through(file: Path, content: Iterable[bytes], mode: int | None = None) -> None:
    """Write a new file to the disk. mode: its permissions from the first byte on; None: the usual ones."""
    created = 0o666 if mode is None else mode & 0o600
    with open(file, "xb", opener=lambda name, flags: os.open(name, flags, created)) as opened:
        if mode is not None:
            os.chmod(file, mode)
        opened.writelines(content)
        opened.flush()
        os.fsync(opened.fileno())


def _flush_folder(folder: Path) -> None:
    """Make a rename survive a loss of power, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
