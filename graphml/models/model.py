"""What every kind of model shares, and `load`, which picks the kind.

A kind is a subclass of `Model`; `KINDS` says where. It implements `_predict`, which receives checked values, and may
have a function of arrays (`as_function`), by which pipelines compile several stages as one. A kind that is not listed
still loads, can be inspected and saved; only predicting is refused, with the reason.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar, overload, runtime_checkable

from google.protobuf.message import Message

from graphml import spec
from graphml.descriptions import MOST_PIXELS, Description, describe
from graphml.errors import SpecError, UnsupportedError, with_article
from graphml.interpreter.lower import Lowered
from graphml.models.configuration import ModelConfiguration
from graphml.models.interface.values import feature_check
from graphml.spec.layers import NETWORKS
from graphml.spec.versions import NEWEST as NEWEST_VERSION
from graphml.visible import visible

_NETWORK = "graphml.models.network:NeuralNetwork"
_PIPELINE = "graphml.models.pipelines.pipeline:Pipeline"
_SYSTEM = "graphml.models.system:SystemModel"

KINDS: dict[str, str] = {
    "neuralNetwork": _NETWORK,
    "neuralNetworkClassifier": _NETWORK,
    "neuralNetworkRegressor": _NETWORK,
    "pipeline": _PIPELINE,
    "pipelineClassifier": _PIPELINE,
    "pipelineRegressor": _PIPELINE,
    "linkedModel": "graphml.models.pipelines.linked:LinkedModel",
    "customModel": "graphml.models.custom:CustomModel",
    "arrayFeatureExtractor": "graphml.models.features.transforms:ArrayFeatureExtractor",
    "classConfidenceThresholding": "graphml.models.features.transforms:ClassConfidenceThresholding",
    "imputer": "graphml.models.features.transforms:Imputer",
    "normalizer": "graphml.models.features.transforms:Normalizer",
    "scaler": "graphml.models.features.transforms:Scaler",
    "categoricalMapping": "graphml.models.features.categories:CategoricalMapping",
    "dictVectorizer": "graphml.models.features.categories:DictVectorizer",
    "featureVectorizer": "graphml.models.features.categories:FeatureVectorizer",
    "oneHotEncoder": "graphml.models.features.categories:OneHotEncoder",
    "nonMaximumSuppression": "graphml.models.features.nms:NonMaximumSuppression",
    "soundAnalysisPreprocessing": "graphml.models.features.sound:SoundAnalysisPreprocessing",
    **dict.fromkeys(("glmRegressor", "glmClassifier"), "graphml.models.tabular.linear:LinearModel"),
    **dict.fromkeys(("treeEnsembleRegressor", "treeEnsembleClassifier"), "graphml.models.tabular.trees:TreeEnsemble"),
    **dict.fromkeys(
        ("supportVectorRegressor", "supportVectorClassifier"), "graphml.models.tabular.support_vectors:SupportVectors"
    ),
    "bayesianProbitRegressor": "graphml.models.tabular.bayesian_probit:BayesianProbit",
    "kNearestNeighborsClassifier": "graphml.models.tabular.neighbors:NearestNeighbors",
    "itemSimilarityRecommender": "graphml.models.tabular.item_similarity:ItemSimilarity",
    "identity": "graphml.models.identity:Identity",
    **dict.fromkeys(("visionFeaturePrint", "audioFeaturePrint"), _SYSTEM),
    **dict.fromkeys(("textClassifier", "wordTagger", "gazetteer", "wordEmbedding", "serializedModel"), _SYSTEM),
}
"""Kind (field of the oneof `Type`) -> module:class that runs it."""

_REASONS = {"mlProgram": "ML Programs are not supported yet"}


@runtime_checkable
class HasSpec(Protocol):
    """What has a Model message: an MLModel of coremltools, for example."""

    def get_spec(self) -> Message: ...


M = TypeVar("M", bound="Model")


@overload
def load(
    source: str | os.PathLike[str] | bytes | Message | HasSpec,
    *,
    configuration: ModelConfiguration | None = None,
    custom_layers: Mapping[str, Callable[..., Any]] | None = None,
    custom_models: Mapping[str, Callable[..., Any]] | None = None,
) -> Model: ...


@overload
def load(
    source: str | os.PathLike[str] | bytes | Message | HasSpec,
    *,
    configuration: ModelConfiguration | None = None,
    custom_layers: Mapping[str, Callable[..., Any]] | None = None,
    custom_models: Mapping[str, Callable[..., Any]] | None = None,
    kind: type[M],
) -> M: ...


def load(
    source: str | os.PathLike[str] | bytes | Message | HasSpec,
    *,
    configuration: ModelConfiguration | None = None,
    custom_layers: Mapping[str, Callable[..., Any]] | None = None,
    custom_models: Mapping[str, Callable[..., Any]] | None = None,
    kind: type[M] | None = None,
) -> M | Model:
    """Load a model of any kind.

    A model that breaks rules, is newer than this reader or cannot run here does load; using it says why it cannot run.

    Args:
        source: The path of a .mlmodel file or .mlpackage folder, the bytes of a .mlmodel file, a Model message, or an
            object whose `get_spec()` returns one, such as an MLModel of coremltools. A message of another class than
            graphml's is copied.
        configuration: Where and how the model runs.
        custom_layers: {class name: function} for networks with custom layers; see `register_custom_layer`.
        custom_models: {class name: function} for custom models; see `register_custom_model`.
        kind: The class that is expected, such as `graphml.models.network.NeuralNetwork`, so that type checkers and
            editors know what is returned.

    Returns:
        The model, of the class of its kind.

    Raises:
        SpecError: The bytes are not a model, or the model is not of the expected kind.
        UnsupportedError: The weights of an MLModel are in files that belong to no package.
    """
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    if path is not None:
        message = spec.read(path)
    elif isinstance(source, bytes | bytearray | memoryview):
        message = spec.parse(bytes(source))
    elif isinstance(source, HasSpec):
        path, message = _package(source), _own_message(source.get_spec())
    else:
        message = _own_message(source)
    found = kind_of(message)
    if kind is not None and not issubclass(found, kind):
        name = message.WhichOneof("Type") or "unknown kind"
        raise SpecError(f"expected a model of class {kind.__name__}, got {with_article(found.__name__)} ({name})")
    return found(
        message, configuration=configuration, custom_layers=custom_layers, custom_models=custom_models, path=path
    )


def _own_message(source: Any) -> Any:
    """A Model message of graphml's class, of one of any class with the same wire."""
    if isinstance(source, spec.Model):
        return source
    if isinstance(source, Message) and source.DESCRIPTOR.name == "Model":
        return spec.parse(spec.serialize(source))  # type: ignore[arg-type]
    what = f"{source.DESCRIPTOR.name} message" if isinstance(source, Message) else type(source).__name__
    raise SpecError(f"a model is a path, bytes, a Model message or an object with get_spec(), not {with_article(what)}")


def _package(source: Any) -> Path | None:
    """The package that an MLModel of coremltools lives in, if any: weights of ML programs are there, beside the
    message."""
    package, weights = getattr(source, "package_path", None), getattr(source, "weights_dir", None)
    if package is not None and os.path.isdir(package):
        return Path(package)
    if weights is not None:
        raise UnsupportedError(
            f"the weights of this model are in {os.fspath(weights)!r}, outside of the message that get_spec() gives; "
            "save it as an .mlpackage, and load that"
        )
    return None


def kind_of(message: Message) -> type[Model]:
    """The class for a Model message; `Model` itself where nothing runs its kind."""
    where = KINDS.get(message.WhichOneof("Type") or "")
    if where is None:
        return Model
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)


class Model:
    """A model of any kind. `spec` is its message; changing that after loading has no effect on predictions."""

    def __init__(
        self,
        message: Message,
        *,
        configuration: ModelConfiguration | None = None,
        custom_layers: Mapping[str, Callable[..., Any]] | None = None,
        custom_models: Mapping[str, Callable[..., Any]] | None = None,
        path: Path | None = None,
    ) -> None:
        self._message: Any = message
        self.configuration = ModelConfiguration() if configuration is None else configuration
        self.custom_layers = dict(custom_layers or {})
        self.custom_models = dict(custom_models or {})
        self.path = path

    @property
    def spec(self) -> Any:
        """The model as a protobuf message."""
        return self._message

    @property
    def kind(self) -> str:
        """The kind by its name on the wire ("neuralNetworkClassifier"); empty where the file has none that is known."""
        return self._message.WhichOneof("Type") or ""

    @property
    def is_updatable(self) -> bool:
        """Whether the file says that the model can be trained."""
        return self._message.isUpdatable

    @functools.cached_property
    def description(self) -> Description:
        """Inputs, outputs and metadata."""
        return self._described()

    def _described(self) -> Description:
        allowed = self.configuration.max_image_pixels
        return describe(
            self._message.description,
            "float32" if self.kind in NETWORKS else "float64",
            MOST_PIXELS if allowed is None else allowed,
        )

    def predict(self, features: Mapping[str, Any], **keyword: Any) -> dict[str, Any]:
        """{output: value} for {input: value}. Values may be plain or `FeatureValue`s.

        Raises FeatureError for features that the model does not take, SpecError for a model that is not legal, and
        UnsupportedError for one that cannot run here.
        """
        self._usable  # noqa: B018  (checked once)
        return self._predict(self._check(features), **keyword)

    def predict_batch(self, rows: Iterable[Mapping[str, Any]], **keyword: Any) -> list[dict[str, Any]]:
        """`predict` for each of many, in order."""
        return [self.predict(features, **keyword) for features in rows]

    def check(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """Features as the model computes with them. Raises FeatureError for what it does not take."""
        return self._check(features)

    def refuse_unless_usable(self) -> None:
        """Raise SpecError for a model that is not legal, UnsupportedError for one that cannot run here."""
        self._usable  # noqa: B018  (checked once)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a .mlmodel file or .mlpackage folder; what was not changed is written as it was read.

        What the package that it was loaded from holds beside the model, such as files of weights, goes along into a
        new package. Raises SpecError for what cannot be written, or would be parted from its weights.
        """
        spec.write(self.spec, Path(path), source=self.path)

    # What neural networks have, and other kinds may have

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The weights as a tree. Raises UnsupportedError for kinds that have none, as do the next four."""
        raise self._no_function()

    def with_parameters(self, parameters: Mapping[str, Any]) -> Model:
        """The same model with other weights."""
        raise self._no_function()

    def lower(self, dtype: Any = None, platform: str | None = None) -> Lowered:
        """The model as a pure function of parameters and inputs; networks take more options."""
        raise self._no_function()

    def warm_up(self, shapes: Iterable[Mapping[str, Sequence[int]]] | None = None) -> None:
        """Compile for these input shapes ahead of the first `predict`."""
        raise self._no_function()

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """The model as a function of its inputs."""
        raise self._no_function()

    def intermediates(
        self, features: Mapping[str, Any], names: Iterable[str] | None = None, **keyword: Any
    ) -> dict[str, Any]:
        """What is computed on the way to the outputs, by name."""
        raise self._no_function()

    def _no_function(self) -> UnsupportedError:
        return UnsupportedError(
            f"a model of kind {self.kind} is not a neural network: it has no function of parameters"
        )

    def __repr__(self) -> str:
        name = self.configuration.model_display_name
        title = visible(name if name is not None else "" if self.path is None else self.path.name)
        kind = self.kind if self.kind else "model of unknown kind"
        facts = [
            kind,
            f"specification {self._message.specificationVersion}",
            *(["updatable"] if self.is_updatable else []),
        ]
        return "\n".join(
            filter(None, [f"{title}: {', '.join(facts)}" if title else ", ".join(facts), str(self.description)])
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from graphml.inspect.summary import summarize
        from graphml.inspect.viewer import as_html

        name = self.configuration.model_display_name
        title = name if name is not None else self.kind if self.path is None else self.path.name
        return as_html(summarize(self.spec), title)

    # For kinds -------------------------------------------------------------------------------------------------------

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        """The outputs for checked values; optional inputs that were left out are not among them."""
        raise UnsupportedError(_reason(self.kind, self._message.specificationVersion))

    @functools.cached_property
    def _check(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        return feature_check(self.description.inputs)

    def obstacles(self) -> list[str]:
        """What stands in the way of predicting, however legal the model is."""
        version = self._message.specificationVersion
        runs = version <= NEWEST_VERSION and self.kind in KINDS
        return [] if runs else [_reason(self.kind, version)]

    @functools.cached_property
    def _usable(self) -> bool:
        """True, or the reason why not as an exception."""
        if found := self.obstacles():
            raise UnsupportedError("\n".join(found))
        if found := _problems(self._message):
            raise SpecError("\n".join(["this is not a legal model:", *found]))
        return True

    # As a stage of a pipeline

    def traceable(self) -> Traceable:
        """What a pipeline compiles together with other stages. Raises UnsupportedError as `as_function` does."""
        function = self.as_function()
        return Traceable((), lambda _, inputs, key: function(inputs), self)

    def has_network(self) -> bool:
        """Whether predicting runs a compiled network."""
        return False

    def draws(self) -> bool:
        """Whether `predict` takes a key for random numbers."""
        return self.has_network()


class Traceable(NamedTuple):
    """A model as a function of (weights, inputs, key) on arrays. Models with one program differ in weights only."""

    weights: Any
    function: Callable[..., dict[str, Any]]
    program: Any


def _reason(kind: str, version: int) -> str:
    if version > NEWEST_VERSION:
        return f"the model needs specification version {version}; this reader knows versions up to {NEWEST_VERSION}"
    if not kind:
        return f"the model (specification version {version}) has no type, or one that is newer than this reader"
    return f"models of kind {kind} do not run here: {_REASONS.get(kind, 'no module runs them')}"


def _problems(message: Any) -> list[str]:
    """What is wrong with a model, apart from its recipe for training, which only training needs."""
    from graphml.spec import validate

    return [str(problem) for problem in validate.problems(message) if problem.severity == "error"]
