"""Linked models: stages that are stored in separate files, so that several models can share them.

Which files a link may name: the file name and the search path are part of a model file, which may come from an
untrusted source, so links are followed only in the folder of the linking file (for a package, the folder that contains
it) and below. Entries of the search path that lead elsewhere (absolute paths, "..") are ignored, and symbolic links
that leave the folder are refused. A search path from the user,
`ModelConfiguration(parameters={"linked_model_search_path": ...})`, replaces that of the file and permits the folders
that it names; a file name from the user may be any path.
Entries are separated by ":" and relative to the folder of the linking file; an empty entry or $BUNDLE_MAIN is that
folder itself. Other bundles do not exist here. `Name.mlmodelc` means Name.mlmodel or Name.mlpackage, whichever exists.

A linked file is in memory only once, for as long as a model that links to it is.
"""

from __future__ import annotations

import copy
import functools
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from graphml.errors import FeatureError, GraphmlError, SpecError, UnsupportedError, with_article
from graphml.interpreter.lower import Lowered
from graphml.models.configuration import ModelConfiguration, parameter
from graphml.models.interface.conversion import stage_inputs, with_colors
from graphml.models.interface.rows import Rows, rows_of
from graphml.models.loading import load
from graphml.models.lowered import LoweredModel
from graphml.models.model import Model, Traceable
from graphml.models.state import State
from graphml.spec.files import model_file
from graphml.spec.rules.updates import pipeline_of

_SUFFIXES = (".mlmodel", ".mlpackage")
_LONGEST = 32  # links in a chain
_MOST_STAGES = 4096  # reached by links, each counted as often as it runs: a few small files can link to billions

_shared: weakref.WeakValueDictionary[Any, Model] = weakref.WeakValueDictionary()
_lock = threading.RLock()


@dataclass(frozen=True)
class Place:
    """A folder of a search path.

    Attributes:
        folder: The folder, with symbolic links resolved.
        root: Only files inside of this folder may be opened; None: the folder may not be searched at all.
    """

    folder: Path
    root: Path | None


class LinkedModel(Model):
    """A model that is stored in another file. It cannot be trained here, and its weights are not saved with the link.

    Source: LinkedModel, LinkedModelFile (spec 4).
    """

    def __init__(self, message: Any, **keyword: Any) -> None:
        super().__init__(message, **keyword)
        self._replaced: Model | None = None

    @property
    def target(self) -> Model:
        """The model that the link leads to. It is loaded on first use and shared by all links to the same file.

        Raises:
            SpecError: If the file is missing, links form a cycle, or its inputs and outputs differ from the declared.
            UnsupportedError: If the link names a file outside of the permitted folders, or leads to too many stages.
        """
        return self._found if self._replaced is None else self._replaced

    @functools.cached_property
    def _found(self) -> Model:
        follow(self)
        _same_interface(self, self.linked)
        return self.linked

    @functools.cached_property
    def linked(self) -> Model:
        """The model that the link leads to, before its own links and its interface are checked."""
        return _load(self.resolve(), self)

    def resolve(self) -> Path:
        """The file or package that the link leads to, with symbolic links resolved."""
        file = self._message.linkedModel.linkedModelFile
        given = parameter(self.configuration, "linked_model_file_name")
        name = file.linkedModelFileName.defaultValue if given is None else given
        path = parameter(self.configuration, "linked_model_search_path")
        search = file.linkedModelSearchPath.defaultValue if path is None else path
        for what, text in (("file name", name), ("search path", search)):
            if not isinstance(text, str | os.PathLike):
                raise FeatureError(
                    f"the {what} of a linked model must be a str, not {with_article(type(text).__name__)}"
                )
        name, search = os.fspath(name), os.fspath(search)
        _check_name(name, given is not None)
        return _find(name, list(_places(self.path, search, path is not None)), given is not None)

    def has_network(self) -> bool:
        return self.target.has_network()

    def draws(self) -> bool:
        return self.target.draws()

    def has_state(self) -> bool:
        return self.target.has_state()

    def make_state(self) -> State:
        """A new state of the target."""
        return self.target.make_state()

    def lower(self, *arguments: Any, **options: Any) -> Lowered | LoweredModel:
        """The target as a pure function; see `Model.lower`."""
        return self.target.lower(*arguments, **options)

    def traceable(self, *, stored: bool = False) -> Traceable:
        inner = self.target.traceable(stored=stored)
        there = {f.name: f.image for f in self.target.description.inputs}
        images = [(f.name, f.image, there[f.name]) for f in self.description.inputs if f.image is not None]

        def function(weights, inputs, key):
            changed = {n: with_colors(inputs[n], given, wanted) for n, given, wanted in images if n in inputs}
            return inner.function(weights, {**inputs, **changed}, key)

        return inner._replace(function=function) if images else inner

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """The function of the target; see `Model.as_function`."""
        return self.target.as_function()

    def intermediates(
        self, features: Mapping[str, Any], names: Iterable[str] | None = None, **keyword: Any
    ) -> dict[str, Any]:
        return self.target.intermediates(features, names, **keyword)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the target."""
        return self.target.parameters

    def with_parameters(self, parameters: Mapping[str, Any]) -> LinkedModel:
        """The same link to a private copy of the target with other weights.

        It predicts but cannot be saved: other models that link to the file would get these weights too.

        Args:
            parameters: See `Model.with_parameters`.
        """
        other = copy.copy(self)
        other._replaced = self.target.with_parameters(parameters)
        return other

    @property
    def spec(self) -> Any:
        if self._replaced is not None:
            raise UnsupportedError(
                "the weights of a linked model are in the file that it links to; save that model instead"
            )
        return self._message

    def predict_batch(self, rows: Rows, **keyword: Any) -> list[dict[str, Any]]:
        self.refuse_unless_usable()
        found = []
        for number, row in enumerate(rows_of(rows)):
            try:
                found.append(self._converted(self._check(row)))
            except GraphmlError as error:
                raise error.in_context(f"row {number + 1}") from None
        return self.target.predict_batch(found, **keyword)

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        return self.target.predict(self._converted(values), **keyword)

    def _converted(self, values: dict[str, Any]) -> dict[str, Any]:
        """Checked values as the target declares them: images may have another size or other colours there."""
        return stage_inputs(self.target, values, {f.name: f for f in self.description.inputs})

    def obstacles(self) -> list[str]:
        found = super().obstacles()
        if found or not self._message.linkedModel.linkedModelFile.linkedModelFileName.defaultValue:
            return found
        return self.target.obstacles()


# Finding -------------------------------------------------------------------------------------------------------------


def _check_name(name: str, trusted: bool) -> None:
    if not name or "\0" in name or name in (".", ".."):
        raise SpecError(f"{name!r} is not the name of a linked model")
    if not trusted and (Path(name).is_absolute() or ".." in Path(name).parts):
        raise UnsupportedError(f"the linked model {name!r} is refused: the name leaves the folders of the search path")


def _places(path: Path | None, search: str, trusted: bool) -> Iterator[Place]:
    """The folders of a search path. trusted: it comes from the user, not from the file."""
    if "\0" in search:
        raise SpecError("the search path of the linked model contains a null character")
    home = None if path is None else Path(os.path.realpath(path)).parent
    for entry in search.split(":"):
        if entry.startswith("$BUNDLE_IDENTIFIER"):
            continue
        folder = Path(entry.replace("$BUNDLE_MAIN", ".", 1))
        if home is None and not folder.is_absolute():
            continue
        real = Path(os.path.realpath(folder if home is None else home / folder))
        if trusted:
            yield Place(real, real)
        else:
            yield Place(real, home if home is not None and real.is_relative_to(home) else None)


def _find(name: str, places: list[Place], trusted: bool) -> Path:
    """The first file that exists, in the places that may be searched.

    trusted: the name comes from the user and may lead out of these places.
    """
    stem = Path(name).with_suffix("") if Path(name).suffix.lower() in (".mlmodelc", *_SUFFIXES) else Path(name)
    names = [str(stem) + suffix for suffix in _SUFFIXES]
    names.sort(key=lambda other: other != name)
    tried, refused = [], []
    for place in places:
        for path in (place.folder / other for other in names):
            if place.root is None:
                refused.append(str(path))
                continue
            tried.append(str(path))
            if not os.path.exists(path):
                continue
            real = Path(os.path.realpath(path))
            if not trusted and not real.is_relative_to(place.root):
                raise UnsupportedError(
                    f"the linked model {path} is refused: it is a link to {real}, outside of {place.root}"
                )
            if real.suffix.lower() not in _SUFFIXES:
                raise UnsupportedError(f"the linked model {path} is refused: it is a link to {real.name!r}")
            return real
    lines = [f"the linked model {name!r} is missing"]
    lines += ["looked for:", *tried] if tried else ["there is no folder to search: the model was not read from a file"]
    if refused:
        lines += ["refused, because the file names it and it is not in the file's own folder:", *refused]
    lines.append('ModelConfiguration(parameters={"linked_model_search_path": ...}) names other folders')
    raise (UnsupportedError if refused else SpecError)("\n".join(lines))


# Loading -------------------------------------------------------------------------------------------------------------


def _load(path: Path, asking: Model) -> Model:
    """The model in a file: the same object for equal requests, as long as it is in use."""
    configuration = asking.configuration
    status = os.stat(model_file(path))
    which = (
        *(str(path), status.st_mtime_ns, status.st_size),
        *_facts(configuration),
        *(tuple(sorted((n, id(f)) for n, f in fs.items())) for fs in (asking.custom_layers, asking.custom_models)),
    )
    with _lock:
        model = _shared.get(which)
        if model is None:
            model = load(
                path,
                configuration=configuration,
                custom_layers=asking.custom_layers,
                custom_models=asking.custom_models,
            )
            _shared[which] = model
    return model


def _facts(configuration: ModelConfiguration) -> Iterator[Any]:
    """The parts of a configuration that influence a model."""
    yield configuration.compute_units
    yield configuration.preferred_device
    yield configuration.allow_low_precision_accumulation
    yield configuration.max_image_pixels
    yield configuration.max_loop_iterations
    yield configuration.most_programs
    yield configuration.max_array_bytes
    yield configuration.compute_precision
    yield None if configuration.cache_directory is None else os.fspath(configuration.cache_directory)
    yield tuple(sorted((str(key), repr(value)) for key, value in (configuration.parameters or {}).items()))


class _Reach(NamedTuple):
    """What the links of a model lead to.

    Attributes:
        stages: Number of stages that run.
        depth: Number of links in the longest chain.
    """

    stages: int
    depth: int


def follow(model: Model) -> None:
    """Visit each file that the links of a model lead to once. Call this before following the links in any other way.

    Args:
        model: The model, not necessarily a link.

    Raises:
        SpecError: If links form a cycle.
        UnsupportedError: If a chain of links is too long, or too many stages would run.
    """
    _reach(model, [], {})


def _reach(model: Model, chain: list[LinkedModel], known: dict[int, _Reach]) -> _Reach:
    """chain: the links that lead to the model; known: results by id of the model, which is kept alive by its link."""
    if isinstance(model, LinkedModel):
        return _reach_by(model, chain, known)
    if pipeline_of(model._message) is None:
        return _Reach(1, 0)
    stages = depth = 0
    for label, stage in model._labelled:  # pyright: ignore[reportAttributeAccessIssue]  (it is a Pipeline)
        try:
            reach = _reach(stage, chain, known)
            stages, depth = stages + reach.stages, max(depth, reach.depth)
            if depth and stages > _MOST_STAGES:
                raise UnsupportedError(f"with its links, the pipeline runs more than {_MOST_STAGES:,} stages")
        except GraphmlError as error:
            raise error.in_context(label) from None
    return _Reach(stages, depth)


def _reach_by(link: LinkedModel, chain: list[LinkedModel], known: dict[int, _Reach]) -> _Reach:
    if len(chain) == _LONGEST:
        raise _too_long([*chain, link])
    target, chain = link.linked, [*chain, link]
    targets = [earlier.linked for earlier in chain]
    first = next(i for i, earlier in enumerate(targets) if earlier is target)
    if first < len(targets) - 1:
        cycle = " -> ".join(str(model.path) for model in targets[first:])
        raise SpecError(f"linked models form a cycle: {cycle}")
    if id(target) not in known:
        known[id(target)] = _reach(target, chain, known)
    stages, depth = known[id(target)]
    if len(chain) + depth > _LONGEST:
        raise _too_long(chain)
    return _Reach(stages, 1 + depth)


def _too_long(chain: list[LinkedModel]) -> UnsupportedError:
    return UnsupportedError(
        f"more than {_LONGEST} links in a chain: {chain[0].linked.path} -> ... -> {chain[-1].linked.path}"
    )


def _same_interface(link: LinkedModel, target: Model) -> None:
    for what in ("inputs", "outputs"):
        here, there = ({f.name: f.type for f in getattr(m.description, what)} for m in (link, target))
        if here != there:
            raise SpecError(
                f"the {what} of the linked model {target.path} differ from those that the link "
                f"declares: {_types(there)} instead of {_types(here)}"
            )


def _types(features: Mapping[str, Any]) -> str:
    return ", ".join(f"{name!r} ({kind.name.lower()})" for name, kind in features.items())
