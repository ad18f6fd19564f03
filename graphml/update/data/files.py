"""Training data from files, for the command line: folders of images, JSON lines, CSV, NumPy arrays and archives.

The files are untrusted. Only regular files are read, never pickle, and the sizes that a header claims are
compared with the size of the file before memory is allocated.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from graphml.errors import FeatureError, reason
from graphml.spec.files import open_regular

_LONGEST_HEADER = 10_000  # bytes, of a .npy file; NumPy's own limit, because Python's parser reads it
_LONGEST_LINE = 1 << 27  # characters in a line of text
_ALWAYS_UNPACKED = 1 << 30  # bytes that any archive may unpack to
_RATIO = 100  # a larger archive may unpack to this many times its size
_IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}


@dataclass(frozen=True)
class FileSamples:
    """The samples of a file, which is read again in each iteration.

    Attributes:
        path: the file.
        read: yields its samples.
    """

    path: Path
    read: Callable[[Path], Iterable[dict[str, Any]]]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        count = 0
        try:
            for sample in self.read(self.path):
                yield sample
                count += 1
        except (OSError, ValueError) as error:  # ValueError: bytes that are not UTF-8, a path with a null character
            raise FeatureError(f"{self.path} cannot be read: {reason(error)}") from None
        if not count:
            raise FeatureError(f"{self.path} contains no samples")


def read_samples(path: Path, model: Any) -> Iterable[Mapping[str, Any]]:
    """The samples in a file or folder, for the training inputs of a model.

    Args:
        path: a folder with a folder of images for each class; a .jsonl file with a feature dictionary on each line; a
            .csv file whose header names the features, arrays as columns name[0], name[1] ...; or a .npz file with an
            array for each feature, samples along the first axis. Lines are read lazily, so text files may be larger
            than memory.
        model: the Model message.

    Raises:
        FeatureError: the file cannot be read; later errors name the line too.
    """
    if path.is_dir():
        return _image_folder(path, model)
    readers = {".jsonl": _json_lines, ".csv": _csv, ".npz": _archive}
    if path.suffix not in readers:
        what = "there is no such file or folder; " if not os.path.lexists(path) else ""
        raise FeatureError(f"{path}: {what}training data must be a folder of images or a {', '.join(readers)} file")
    try:
        open_regular(path).close()  # fail now rather than when training reads the first sample
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise FeatureError(f"{path} cannot be read: {reason(error)}") from None
    return FileSamples(path, readers[path.suffix])


def _image_folder(path: Path, model: Any) -> list[dict[str, Any]]:
    declared = model.description.trainingInput or model.description.input
    images = [feature.name for feature in declared if feature.type.HasField("imageType")]
    label = model.description.predictedFeatureName
    if len(images) != 1 or not label:
        raise FeatureError(
            f"{path}: a folder of images needs a classifier with one image input, which this model is not"
        )
    integer = any(f.name == label and f.type.HasField("int64Type") for f in model.description.output)
    samples = [
        {images[0]: str(file), label: _whole(folder) if integer else folder.name}
        for folder in sorted(path.iterdir())
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in _IMAGES
    ]
    if not samples:
        raise FeatureError(f"{path} contains no images; expected {path}/CLASS/IMAGE.png")
    return samples


def _whole(folder: Path) -> int:
    try:
        return int(folder.name)
    except ValueError:
        raise FeatureError(f"{folder}: the classes of this model are integers, but {folder.name!r} is not") from None


# Text ----------------------------------------------------------------------------------------------------------------


def _lines(path: Path) -> Iterator[str]:
    """The lines of a text file with their ends. Raises FeatureError for one that is too long to be a sample."""
    with open_regular(path) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
        for number in itertools.count(1):
            line = text.readline(_LONGEST_LINE + 1)
            if not line:
                return
            if len(line) > _LONGEST_LINE:
                raise FeatureError(f"{path}, line {number}: the line has more than {_LONGEST_LINE} characters")
            yield line


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        sample = from_json(line, f"{path}, line {number}")
        if not isinstance(sample, dict):
            what = type(sample).__name__
            raise FeatureError(f"{path}, line {number}: a sample must be a JSON object of features, got {what}")
        yield sample


def from_json(text: str, where: str) -> Any:
    """The value of a JSON text. Raises FeatureError that begins with `where`."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise FeatureError(f"{where}: not JSON ({error.msg})") from None
    except RecursionError:
        raise FeatureError(f"{where}: lists or objects are nested too deep") from None
    except ValueError:  # Python limits the number of digits of integers
        raise FeatureError(f"{where}: a number has too many digits") from None


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    rows = csv.DictReader(_lines(path), strict=True)
    try:
        for row in rows:
            if None in row or None in row.values():
                raise FeatureError(
                    f"{path}, line {rows.line_num}: the row and the header differ in their number of columns"
                )
            yield _gathered({name: _cell(text, f"{path}, line {rows.line_num}") for name, text in row.items()})
    except csv.Error as error:
        raise FeatureError(f"{path}, line {rows.reader.line_num}: {error}") from None


def _cell(text: str, where: str) -> Any:
    """The text, as a number if it is one."""
    for convert in (int, float):
        try:
            number = convert(text)
        except ValueError:
            continue
        if isinstance(number, float) and math.isinf(number) and re.search(r"\d", text):
            raise FeatureError(f"{where}: the number {text[:20]}{'...' if len(text) > 20 else ''} is too large")
        return number
    return text


def _gathered(row: dict[str, Any]) -> dict[str, Any]:
    """Gather columns name[0], name[1] ... into one list `name`."""
    out: dict[str, Any] = {}
    for name, value in row.items():
        base, bracket, rest = name.partition("[")
        if bracket and rest.endswith("]") and rest[:-1].isdigit():
            out.setdefault(base, []).append(value)
        else:
            out[name] = value
    return out


# NumPy ---------------------------------------------------------------------------------------------------------------


def read_array(path: str | os.PathLike[str]) -> Any:
    """The array in a .npy file.

    Raises:
        FeatureError: the file is damaged, contains Python objects, or is shorter than its header claims.
    """
    try:
        with open_regular(path) as file:
            return _array(file, os.fstat(file.fileno()).st_size, str(path))
    except (OSError, ValueError) as error:
        raise FeatureError(f"{path} cannot be read as an array: {reason(error)}") from None


def _array(file: IO[bytes], size: int, where: str) -> Any:
    """The array in an open .npy file of `size` bytes; no memory is allocated beyond what the file contains."""
    import numpy as np

    try:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise FeatureError(f"{where} has version {version[0]}.{version[1]} of the .npy format; only 1.0 is read")
        length = int.from_bytes(file.read(2), "little")
        if length > _LONGEST_HEADER:  # NumPy's own message suggests pickle
            raise FeatureError(f"{where} has a header of {length} bytes, more than {_LONGEST_HEADER}")
        file.seek(-2, os.SEEK_CUR)
        shape, columns_first, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=_LONGEST_HEADER)
    except FeatureError:
        raise
    except Exception as error:  # the header is a Python expression, so a damaged one raises any kind of error
        raise FeatureError(f"{where} is not a .npy file: {str(error)[:200]}") from None
    if dtype.hasobject or not dtype.itemsize:
        raise FeatureError(f"{where} holds {dtype}; only numbers are read")
    size_wanted, held = math.prod(shape) * dtype.itemsize, size - file.tell()
    if min(shape, default=0) < 0 or size_wanted > held:
        claim = f"{dtype} {list(shape)}" if size_wanted < 1 << 64 else f"more than {1 << 64} bytes"
        raise FeatureError(f"{where} is truncated or damaged: its header claims {claim}, but {held} bytes follow")
    data = file.read(size_wanted)
    if len(data) < size_wanted:
        raise FeatureError(f"{where} is truncated")
    array = np.frombuffer(data, dtype)
    return array.reshape(shape[::-1]).T if columns_first else array.reshape(shape)


def _archive(path: Path) -> Iterator[dict[str, Any]]:
    with open_regular(path) as file:
        arrays = _arrays(file, os.fstat(file.fileno()).st_size, path)
    sizes = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise FeatureError(f"{path}: arrays differ in their number of samples: {sizes}")
    count = next(iter(sizes.values()), 0)
    plain = {name: array if array.ndim > 1 else array.tolist() for name, array in arrays.items()}
    return ({name: array[i] for name, array in plain.items()} for i in range(count))


def _arrays(file: IO[bytes], size: int, path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            total, most = sum(entry.file_size for entry in entries), max(_ALWAYS_UNPACKED, _RATIO * size)
            if total > most:
                raise FeatureError(
                    f"{path} would unpack to {total} bytes; at most {most} are allowed for an archive of {size} bytes"
                )
            found: dict[str, Any] = {}
            for entry in entries:
                with archive.open(entry) as opened:
                    name = entry.filename.removesuffix(".npy")
                    found[name] = _array(opened, entry.file_size, f"{path}, array {name!r}")
            return found
    except FeatureError:
        raise
    except Exception as error:  # a damaged archive raises any kind of error
        raise FeatureError(f"{path} cannot be read: {reason(error)}") from None
