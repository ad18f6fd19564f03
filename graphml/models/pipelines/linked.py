"""Linked models: a stage that lives in a file of its own, so that several models share it.

Where a link may lead. The name and the search path come from a file, which may come from anybody, so they are followed
only inside the folder of the linking file (of a package: the folder that it lies in) and below. Entries of the path
that lead elsewhere (absolute ones, "..") are not looked into, and a symbolic link that leaves the folder is refused. A
search path that the user gives, `ModelConfiguration(parameters={"linked_model_search_path": ...})`, replaces that of
the file and opens the folders that it names; a file name that the user gives may be any. Entries are separated by ":"
and seen from the folder of the linking file; empty means that folder. $BUNDLE_MAIN stands for it too; other bundles do
not exist here. `Name.mlmodelc` means Name.mlmodel or Name.mlpackage, whichever is there.

One copy of a linked file is in memory, however many link to it, as long as one of them is.
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

from graphml import spec
from graphml.errors import FeatureError, GraphmlError, SpecError, UnsupportedError, with_article
from graphml.models.configuration import ModelConfiguration, parameter
from graphml.models.interface.handing import recoloured, stage_inputs
from graphml.models.model import Model, Traceable, load
from graphml.naming import Names
from graphml.spec.files import model_file
from graphml.spec.rules.updates import pipeline_of

_SUFFIXES = (".mlmodel", ".mlpackage")
_LONGEST = 32  # links that follow each other
_MOST_STAGES = 4096  # behind links, counted as often as they run: a few small files can link to billions

_shared: weakref.WeakValueDictionary[Any, Model] = weakref.WeakValueDictionary()
_lock = threading.RLock()


@dataclass(frozen=True)
class Place:
    """A folder to look in. root: what is opened must lie in it; None: this folder may not be looked into at all."""

    folder: Path
    root: Path | None


class LinkedModel(Model):
    """Another file's model under this one's description. It cannot be trained, and its weights are not saved here.

    Source: LinkedModel, LinkedModelFile (spec 4).
    """

    def __init__(self, message: Any, **keyword: Any) -> None:
        super().__init__(message, **keyword)
        self._replaced: Model | None = None

    @property
    def target(self) -> Model:
        """The model that is linked to; loaded on first use and shared with all who link to it.

        Raises SpecError where it is missing, links in a circle, or takes or gives other features than declared here,
        UnsupportedError where the link leads to places that a file may not name, or to too many stages.
        """
        return self._found if self._replaced is None else self._replaced

    @functools.cached_property
    def _found(self) -> Model:
        follow(self)
        _same_interface(self, self.linked)
        return self.linked

    @functools.cached_property
    def linked(self) -> Model:
        """The model that is linked to, whatever that one links to and however it fits."""
        return _load(self.resolve(), self)

    def resolve(self) -> Path:
        """The file or package that is linked to, with symbolic links resolved."""
        file = self._message.linkedModel.linkedModelFile
        given = parameter(self.configuration, "linked_model_file_name")
        name = file.linkedModelFileName.defaultValue if given is None else given
        path = parameter(self.configuration, "linked_model_search_path")
        search = file.linkedModelSearchPath.defaultValue if path is None else path
        for what, text in (("file name", name), ("search path", search)):
            if not isinstance(text, str | os.PathLike):
                raise FeatureError(f"the {what} of a linked model is a str, not {with_article(type(text).__name__)}")
        name, search = os.fspath(name), os.fspath(search)
        _check_name(name, given is not None)
        return _find(name, list(_places(self.path, search, path is not None)), given is not None)

    def has_network(self) -> bool:
        return self.target.has_network()

    def draws(self) -> bool:
        return self.target.draws()

    def traceable(self) -> Traceable:
        inner = self.target.traceable()
        there = {f.name: f.image for f in self.target.description.inputs}
        images = [(f.name, f.image, there[f.name]) for f in self.description.inputs if f.image is not None]

        def function(weights, inputs, key):
            changed = {n: recoloured(inputs[n], given, wanted) for n, given, wanted in images if n in inputs}
            return inner.function(weights, {**inputs, **changed}, key)

        return inner._replace(function=function) if images else inner

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """That of the model linked to."""
        return self.target.as_function()

    def intermediates(
        self, features: Mapping[str, Any], names: Iterable[str] | None = None, **keyword: Any
    ) -> dict[str, Any]:
        return self.target.intermediates(features, names, **keyword)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Those of the model linked to."""
        return self.target.parameters

    def with_parameters(self, parameters: Mapping[str, Any]) -> LinkedModel:
        """The same link to a private copy with other weights; it predicts, but saving refuses: the weights would be
        those of everybody who links to the file."""
        other = copy.copy(self)
        other._replaced = self.target.with_parameters(parameters)
        return other

    @property
    def spec(self) -> Any:
        if self._replaced is not None:
            raise UnsupportedError("the weights of a linked model are in the file that it links to; save that one anew")
        return self._message

    def predict_batch(self, rows: Iterable[Mapping[str, Any]], **keyword: Any) -> list[dict[str, Any]]:
        self._usable  # noqa: B018  (checked once)
        found = []
        for number, row in enumerate(rows):
            try:
                found.append(self._handed(self._check(row)))
            except GraphmlError as error:
                raise error.in_context(f"row {number + 1}") from None
        return self.target.predict_batch(found, **keyword)

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        return self.target.predict(self._handed(values), **keyword)

    def _handed(self, values: dict[str, Any]) -> dict[str, Any]:
        """What the model linked to takes, which may declare another size or other colours of an image."""
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
    """The folders of a search path. trusted: the user gives it; otherwise all of them lie in the linking file's."""
    if "\0" in search:
        raise SpecError("the search path of the linked model holds a null character")
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
    """The first candidate that exists, less those in folders that may not be looked into.

    trusted: the name is the user's, and may lead anywhere from a folder that may be looked into.
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
    lines += ["looked for:", *tried] if tried else ["there is no folder to look in: the model was not read from a file"]
    if refused:
        lines += ["refused, because the file names it and it is not in the file's own folder:", *refused]
    lines.append('ModelConfiguration(parameters={"linked_model_search_path": ...}) names other folders')
    raise (UnsupportedError if refused else SpecError)("\n".join(lines))


# Loading -------------------------------------------------------------------------------------------------------------


def _load(path: Path, asking: Model) -> Model:
    """The model in a file; the same object for all who ask in the same way while somebody holds it."""
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
    """What of a configuration has an influence on a model."""
    yield configuration.compute_units
    yield configuration.preferred_device
    yield configuration.allow_low_precision_accumulation
    yield configuration.max_image_pixels
    yield configuration.max_loop_iterations
    yield configuration.most_programs
    yield configuration.max_array_bytes
    yield None if configuration.cache_directory is None else os.fspath(configuration.cache_directory)
    yield tuple(sorted((str(key), repr(value)) for key, value in (configuration.parameters or {}).items()))


class _Reach(NamedTuple):
    """What the links of a model lead to. stages: how many run; depth: how many links follow each other."""

    stages: int
    depth: int


def follow(model: Model) -> None:
    """Go once through each file that the links of a model lead to, before anything else follows them.

    Raises SpecError where they go in a circle, UnsupportedError where too many follow each other or too many stages
    would run.
    """
    _reach(model, [], {})


def _reach(model: Model, chain: list[LinkedModel], known: dict[int, _Reach]) -> _Reach:
    """chain: the links that lead to the model. known: what the models that were seen, which the links hold, reach."""
    if isinstance(model, LinkedModel):
        return _reach_by(model, chain, known)
    if pipeline_of(model._message) is None:
        return _Reach(1, 0)
    stages = depth = 0
    for label, stage in model._labelled:  # type: ignore[attr-defined]
        try:
            reach = _reach(stage, chain, known)
            stages, depth = stages + reach.stages, max(depth, reach.depth)
            if depth and stages > _MOST_STAGES:
                raise UnsupportedError(f"with what is linked to, the pipeline runs more than {_MOST_STAGES:,} stages")
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
        circle = " -> ".join(str(model.path) for model in targets[first:])
        raise SpecError(f"linked models go in a circle: {circle}")
    if id(target) not in known:
        known[id(target)] = _reach(target, chain, known)
    stages, depth = known[id(target)]
    if len(chain) + depth > _LONGEST:
        raise _too_long(chain)
    return _Reach(stages, 1 + depth)


def _too_long(chain: list[LinkedModel]) -> UnsupportedError:
    return UnsupportedError(
        f"more than {_LONGEST} links follow each other: {chain[0].linked.path} -> ... -> {chain[-1].linked.path}"
    )


def _same_interface(link: LinkedModel, target: Model) -> None:
    for what in ("inputs", "outputs"):
        here, there = ({f.name: f.type for f in getattr(m.description, what)} for m in (link, target))
        if here != there:
            raise SpecError(
                f"the linked model {target.path} has the {what} {', '.join(map(repr, there))}, or other types of them; "
                f"declared for it are {', '.join(map(repr, here))}"
            )


# Making --------------------------------------------------------------------------------------------------------------


def link(
    models: Iterable[str | os.PathLike[str] | Model],
    shared_path: str | os.PathLike[str],
    paths: Iterable[str | os.PathLike[str]],
) -> list[Model]:
    """Take out the stages with which several pipelines begin, and write them once.

        graphml.link(["drawing.mlmodel", "sketch.mlmodel"], "out/Embedding.mlmodel", ["out/drawing.mlmodel", ...])

    models: pipelines, or files of them. shared_path: where the common stages go, the longest run of leading stages
    with equal bytes in all of them that are neither updatable nor links: a model if it is one stage, else a pipeline.
    paths: where the pipelines go that link to it, one for each, in folders that hold `shared_path` or a folder of it.
    Returns what was written there, loaded. Parameters of several common stages move below the scope "shared".
    Raises SpecError where there is nothing in common, or a path cannot reach the shared file.
    """
    given = [model if isinstance(model, Model) else load(model) for model in models]
    shared_path, paths = Path(shared_path), [Path(path) for path in paths]
    if len(given) != len(paths) or not given:
        raise SpecError(f"{len(given)} models and {len(paths)} paths are given; each model needs one")
    messages = [model.spec for model in given]
    count = _common(messages)
    stages = list(pipeline_of(messages[0]).models)[:count]
    searches = []
    for path in paths:
        search = os.path.relpath(os.path.realpath(shared_path.parent), os.path.realpath(path.parent))
        if search.split(os.sep)[0] == os.pardir or ":" in search or os.path.isabs(search):
            raise SpecError(f"{shared_path} is not in the folder of {path}, where links are followed")
        searches.append("" if search == os.curdir else search)
    wanted = [_wanted(message, count) for message in messages]
    shared = _shared_model(stages, messages[0], set().union(*wanted))
    spec.write(shared, shared_path)
    name = shared_path.with_suffix(".mlmodelc").name
    for message, path, search in zip(messages, paths, searches, strict=True):
        spec.write(_linking(message, count, shared, name, search), path)
    return [load(path) for path in paths]


def _common(messages: list[Any]) -> int:
    """How many leading stages are the same in all pipelines."""
    for message in messages:
        if pipeline_of(message) is None:
            raise SpecError(
                f"only pipelines have stages to share; this is a model of kind {message.WhichOneof('Type')}"
            )
    count = 0
    for stages in zip(*(pipeline_of(message).models for message in messages), strict=False):
        first = stages[0].SerializeToString(deterministic=True)
        same = all(stage.SerializeToString(deterministic=True) == first for stage in stages[1:])
        if not same or stages[0].isUpdatable or stages[0].WhichOneof("Type") == "linkedModel":
            break
        count += 1
    if not count:
        raise SpecError("the pipelines have no leading stage in common: stages are compared byte by byte")
    return count


def _wanted(message: Any, count: int) -> set[str]:
    """What is read of the first stages: by later ones, or as an output."""
    later = pipeline_of(message).models[count:]
    return {f.name for model in later for f in model.description.input} | {f.name for f in message.description.output}


def _shared_model(stages: list[Any], pipeline: Any, wanted: set[str]) -> Any:
    if len(stages) == 1:
        shared = type(pipeline)()
        shared.CopyFrom(stages[0])
        return shared
    shared = type(pipeline)(specificationVersion=max(stage.specificationVersion for stage in stages))
    shared.pipeline.models.extend(stages)
    shared.pipeline.names.extend(list(pipeline_of(pipeline).names)[: len(stages)])
    made: dict[str, Any] = {}
    for stage in stages:
        for feature in stage.description.input:
            if feature.name not in made and all(feature.name != f.name for f in shared.description.input):
                outer = [f for f in pipeline.description.input if f.name == feature.name]
                shared.description.input.add().CopyFrom(outer[0] if outer else feature)
        made |= {feature.name: feature for feature in stage.description.output}
    shared.description.output.extend(feature for name, feature in made.items() if name in wanted)
    return shared


def _linking(message: Any, count: int, shared: Any, name: str, search: str) -> Any:
    out = type(message)()
    out.CopyFrom(message)
    pipeline = pipeline_of(out)
    rest = list(pipeline.models)[count:]
    names = list(pipeline.names) or [f"model{i}" for i in range(len(pipeline.models))]
    stage = type(message)(specificationVersion=4)
    for field in ("input", "output"):
        getattr(stage.description, field).extend(getattr(shared.description, field))
    file = stage.linkedModel.linkedModelFile
    file.linkedModelFileName.defaultValue = name
    file.linkedModelSearchPath.defaultValue = search
    del pipeline.models[:], pipeline.names[:]
    pipeline.models.extend([stage, *rest])
    pipeline.names.extend([names[0] if count == 1 else Names(names[count:]).free("shared"), *names[count:]])
    out.specificationVersion = max(4, out.specificationVersion)
    return out
