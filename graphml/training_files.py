"""Training data from files, for the command line: folders of images, JSON lines, CSV, NumPy archives."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphml.errors import FeatureError

_IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}


@dataclass(frozen=True)
class FileSamples:
    """The samples of a file, read anew, one after the other, each time that they are asked for."""

    path: Path
    read: Callable[[Path], Iterable[dict[str, Any]]]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        count = 0
        try:
            for sample in self.read(self.path):
                yield sample
                count += 1
        except (OSError, UnicodeDecodeError) as error:
            raise FeatureError(f"{self.path} cannot be read: {error}") from None
        if not count:
            raise FeatureError(f"{self.path} holds no samples")


def read_samples(path: Path, model: Any) -> Iterable[Mapping[str, Any]]:
    """Samples for a model's training inputs.

    path: a folder with one folder of images per class; a .jsonl file (one feature dictionary a line); a .csv file whose
    header names the features, arrays as columns name[0], name[1] ...; a .npz file with one array per feature, samples
    along the first axis. Lines are read when training asks for them, so that such files may be larger than memory.
    Raises FeatureError naming the file and, when it comes to it, the line.
    """
    if path.is_dir():
        return _image_folder(path, model)
    readers = {".jsonl": _json_lines, ".csv": _csv, ".npz": _archive}
    if path.suffix not in readers:
        raise FeatureError(f"{path}: training data is a folder of images or a {', '.join(readers)} file")
    return FileSamples(path, readers[path.suffix])


def _image_folder(path: Path, model: Any) -> list[dict[str, Any]]:
    declared = model.description.trainingInput or model.description.input
    images = [feature.name for feature in declared if feature.type.HasField("imageType")]
    label = model.description.predictedFeatureName
    if len(images) != 1 or not label:
        raise FeatureError(f"{path}: folders of images train classifiers with one image input; this model is not one")
    integer = any(f.name == label and f.type.HasField("int64Type") for f in model.description.output)
    samples = [
        {images[0]: str(file), label: int(folder.name) if integer else folder.name}
        for folder in sorted(path.iterdir())
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in _IMAGES
    ]
    if not samples:
        raise FeatureError(f"{path} holds no images; expected {path}/CLASS/IMAGE.png")
    return samples


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                sample = json.loads(line)
            except ValueError as error:  # no JSON, or an integer of more digits than Python reads
                raise FeatureError(f"{path}, line {number}: not JSON ({getattr(error, 'msg', error)})") from None
            if not isinstance(sample, dict):
                what = type(sample).__name__
                raise FeatureError(f"{path}, line {number}: a sample is an object of features, not {what}")
            yield sample


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, strict=True)
        try:
            for row in rows:
                if None in row or None in row.values():
                    raise FeatureError(f"{path}, line {rows.line_num}: the row is not as long as the header")
                yield _gathered({name: _cell(text) for name, text in row.items()})
        except csv.Error as error:
            raise FeatureError(f"{path}, line {rows.line_num}: {error}") from None


def _cell(text: str) -> Any:
    """A number where the text is one."""
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            pass
    return text


def _gathered(row: dict[str, Any]) -> dict[str, Any]:
    """Columns name[0], name[1] ... become one list under `name`."""
    out: dict[str, Any] = {}
    for name, value in row.items():
        base, bracket, rest = name.partition("[")
        if bracket and rest.endswith("]") and rest[:-1].isdigit():
            out.setdefault(base, []).append(value)
        else:
            out[name] = value
    return out


def _archive(path: Path) -> Iterator[dict[str, Any]]:
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except ValueError as error:
        raise FeatureError(f"{path} cannot be read: {error}") from None
    sizes = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise FeatureError(f"{path}: arrays differ in their number of samples: {sizes}")
    count = next(iter(sizes.values()), 0)
    plain = {name: array if array.ndim > 1 else array.tolist() for name, array in arrays.items()}
    return ({name: array[i] for name, array in plain.items()} for i in range(count))
