"""What all kinds of models have in common, and `load`, which picks the class.

Each kind is a subclass of `Model`, listed in `KINDS`. It implements `_predict`, which receives checked values (networks
override `predict` instead). It may also offer a function of arrays (`traceable`), which lets pipelines compile several
stages into one program. A kind that is not listed can still be loaded, inspected and saved; only `predict` raises, with
the reason.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeVar, overload, runtime_checkable

from google.protobuf.message import Message

from graphml import spec
from graphml.descriptions import MOST_PIXELS, Description, default_dtype, describe
from graphml.errors import FeatureError, SpecError, UnsupportedError, with_article, without_middle
from graphml.models.configuration import ModelConfiguration
from graphml.models.interface.values import feature_check
from graphml.models.lowered import LoweredModel
from graphml.models.state import NO_STATE, State
from graphml.spec.versions import NEWEST as NEWEST_VERSION
from graphml.visible import visible

_NETWORK = "graphml.models.network:NeuralNetwork"
_PROGRAM = "graphml.models.program:MLProgram"
_PIPELINE = "graphml.models.pipelines.pipeline:Pipeline"
_SYSTEM = "graphml.models.system:SystemModel"

_MOST_LINES, _LONGEST_LINE = 30, 300  # of a repr

KINDS: dict[str, str] = {
    "neuralNetwork": _NETWORK,
    "neuralNetworkClassifier": _NETWORK,
    "neuralNetworkRegressor": _NETWORK,
    "mlProgram": _PROGRAM,
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
"""Kind (a field of the oneof `Type`) -> "module:class" that runs it."""


@runtime_checkable
class HasSpec(Protocol):
    """An object that has a Model message, such as an MLModel of coremltools."""

    def get_spec(self) -> Message: ...


M = TypeVar("M", bound="Model")


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

    A model that breaks rules, is newer than this reader or cannot run here does load; using it says why it cannot run.

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
        UnsupportedError: The weights of an MLModel are in files that are gone.
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
    if own and KINDS.get(message.WhichOneof("Type") or "") != _PROGRAM:
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
    """The message as one of graphml's own class, which reads the same bytes."""
    if isinstance(source, spec.Model):
        return source
    if isinstance(source, Message) and source.DESCRIPTOR.name == "Model":
        return spec.parse(spec.serialize(source))  # type: ignore[arg-type]
    what = f"{source.DESCRIPTOR.name} message" if isinstance(source, Message) else type(source).__name__
    raise SpecError(f"a model is a path, bytes, a Model message or an object with get_spec(), not {with_article(what)}")


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


class Model:
    """A model of any kind.

    All kinds have `predict`, `predict_batch`, `description`, `spec` and `save`. What only some kinds have, such as
    `lower`, `intermediates` and `warm_up`, raises UnsupportedError for the others. Changing the message `spec` after
    loading has no effect on predictions.
    """

    conversion: Any = None
    """How the model was converted, a `graphml.convert.report.Conversion`; None for models that were not converted."""

    _wanted_function: str | None = None
    """The function of a program that was asked for."""

    def __init__(
        self,
        message: Message,
        *,
        configuration: ModelConfiguration | None = None,
        custom_layers: Mapping[str, Callable[..., Any]] | None = None,
        custom_models: Mapping[str, Callable[..., Any]] | None = None,
        path: Path | None = None,
        weights_dir: Path | None = None,
    ) -> None:
        self._message: Any = message
        self.configuration = ModelConfiguration() if configuration is None else configuration
        self.custom_layers = dict(custom_layers or {})
        self.custom_models = dict(custom_models or {})
        self.path = path
        self.weights_dir = weights_dir

    @property
    def spec(self) -> Any:
        """The model as a protobuf message."""
        return self._message

    @property
    def kind(self) -> str:
        """The name of the kind in the format, such as "neuralNetworkClassifier"; empty if it is missing or unknown."""
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
            default_dtype(self.kind),
            MOST_PIXELS if allowed is None else allowed,
        )

    def predict(self, features: Mapping[str, Any], **keyword: Any) -> dict[str, Any]:
        """Run the model once.

        Args:
            features: {input: value}. Values may be plain or `FeatureValue`s.
            **keyword: `key`, for models that draw random numbers, and `state`, for those that have one (`make_state`).

        Returns:
            {output: value}, in the types that the description declares.

        Raises:
            FeatureError: If the model does not take these features.
            SpecError: If the model is not valid.
            UnsupportedError: If the model cannot run here.
        """
        self._usable  # noqa: B018  (checked once)
        if keyword.get("state") is not None and not self.has_state():
            raise FeatureError(NO_STATE)
        return self._predict(self._check(features), **keyword)

    def predict_batch(self, rows: Iterable[Mapping[str, Any]], **keyword: Any) -> list[dict[str, Any]]:
        """Run the model for many inputs.

        Args:
            rows: The features of each row, as `predict` takes them.
            **keyword: `key`, for models that draw random numbers.

        Returns:
            The outputs of each row, in order.
        """
        return [self.predict(features, **keyword) for features in rows]

    def check(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """Check features and convert them to the types that the model computes with.

        Raises:
            FeatureError: If the model does not take these features.
        """
        return self._check(features)

    def refuse_unless_usable(self) -> None:
        """Check that the model can predict.

        Raises:
            SpecError: If the model is not valid.
            UnsupportedError: If the model cannot run here.
        """
        self._usable  # noqa: B018  (checked once)

    def save(self, path: str | os.PathLike[str], *, requantize: bool = False) -> None:
        """Write the model to a file; what was not changed is written as it was read.

        Args:
            path: A .mlmodel file or .mlpackage folder. A new package also receives the other files of the package that
                the model was loaded from, such as weights.
            requantize: Whether weights that were quantized in the file, and were replaced by floats, are quantized
                again, with the bits that they had. Otherwise they are stored as floats, which takes up to 32 times
                the space.

        Raises:
            SpecError: If the model cannot be written, or would be separated from the files of its weights.
        """
        model = self.requantized() if requantize else self
        model._write(path)

    def _write(self, path: str | os.PathLike[str]) -> None:
        spec.write(self.spec, Path(path), source=self.path)

    def requantized(self) -> Self:
        """The same model, whose weights are stored as they were in the file; see `save`."""
        return self

    def new_constants(self) -> Mapping[tuple[Any, ...], Any]:
        """Constants of ML Programs that were replaced, as `graphml.spec.program.replacing` takes them: their values may
        be in weight files, which all stages of a pipeline share."""
        return {}

    def spec_without_new_constants(self) -> Any:
        """The message with everything that was changed, apart from `new_constants`."""
        return self.spec

    # What neural networks and ML Programs have, and other kinds may have

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The weights as a tree. Raises UnsupportedError for kinds that have none, as do the next four."""
        raise self._no_function()

    def with_parameters(self, parameters: Mapping[str, Any]) -> Model:
        """The same model with other weights."""
        raise self._no_function()

    # Any: a union of Lowered and LoweredModel would make everyone who loads a network narrow it
    def lower(self, dtype: Any = None, platform: str | None = None) -> Any:
        """The model as a pure function of parameters and inputs; networks take more options.

        Returns:
            A `Lowered` of networks and programs, otherwise a `LoweredModel`.

        Raises:
            UnsupportedError: If the model is not a function of arrays, or is none of a type or platform of choice.
        """
        weights, function, _ = self.traceable(stored=True)
        if dtype is not None or platform is not None:
            raise UnsupportedError(f"lower() of a model of kind {self.kind} takes no dtype and no platform")
        inputs = tuple(feature.name for feature in self.description.inputs)
        outputs = tuple(feature.name for feature in self.description.outputs)
        return LoweredModel(weights or {}, inputs, outputs, self.kind, function)

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
            f"a model of kind {self.kind} is neither a neural network nor an ML Program: it has no function of "
            "parameters"
        )

    def __repr__(self) -> str:
        lines = str(self).splitlines()
        if len(lines) > _MOST_LINES:
            lines[_MOST_LINES:] = [f"... and {len(lines) - _MOST_LINES} more features; print(model) shows all of them"]
        return "\n".join(without_middle(line, _LONGEST_LINE) for line in lines)

    def __str__(self) -> str:
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
        """The model as HTML, for notebooks."""
        from graphml.inspect.summary import summarize
        from graphml.inspect.viewer import as_html

        name = self.configuration.model_display_name
        title = name if name is not None else self.kind if self.path is None else self.path.name
        return as_html(summarize(self.spec, self._wanted_function), title)

    # For kinds -------------------------------------------------------------------------------------------------------

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        """The outputs for checked values. Optional inputs that were left out are missing from `values`."""
        raise UnsupportedError(_reason(self.kind, self._message.specificationVersion))

    @functools.cached_property
    def _check(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        return feature_check(self.description.inputs)

    def obstacles(self) -> list[str]:
        """The reasons why the model cannot run here, even if it is valid; empty if it can."""
        version = self._message.specificationVersion
        runs = version <= NEWEST_VERSION and self.kind in KINDS
        return [] if runs else [_reason(self.kind, version)]

    @functools.cached_property
    def _usable(self) -> bool:
        """True; raises an exception that says why if the model cannot be used."""
        if found := self.obstacles():
            raise UnsupportedError("\n".join(found))
        if found := _problems(self._message):
            raise SpecError("\n".join(["this is not a legal model:", *found]))
        return True

    # As a stage of a pipeline

    def traceable(self, *, stored: bool = False) -> Traceable:
        """The model as a function that a pipeline can compile together with other stages.

        Args:
            stored: Whether it takes weights as `parameters` has them, instead of their run-time form.

        Raises:
            UnsupportedError: If the model is not a function of arrays.
        """
        function = self.as_function()
        return Traceable((), lambda _, inputs, key: function(inputs), self)

    def has_network(self) -> bool:
        """Whether predicting runs a compiled network."""
        return False

    def draws(self) -> bool:
        """Whether `predict` takes a `key` to draw random numbers with."""
        return self.has_network()

    def has_state(self) -> bool:
        """Whether `predict` needs a `state`."""
        return False

    def make_state(self) -> State:
        """A new state, with zeros in all arrays, for `predict(..., state=state)`.

        Raises:
            FeatureError: The model has no state.
        """
        raise FeatureError("the model has no state: call predict without one")


class Traceable(NamedTuple):
    """A model as a function of arrays.

    Attributes:
        weights: A tree of arrays.
        function: f(weights, inputs, key) -> {output: array}.
        program: Identifies the function: models with the same program differ in their weights only.
    """

    weights: Any
    function: Callable[..., dict[str, Any]]
    program: Any


def _reason(kind: str, version: int) -> str:
    if version > NEWEST_VERSION:
        return f"the model needs specification version {version}; this reader knows versions up to {NEWEST_VERSION}"
    if not kind:
        return f"the model (specification version {version}) has no type, or one that is newer than this reader"
    return f"models of kind {kind} do not run here: no module runs them"


def _problems(message: Any) -> list[str]:
    """The errors of a model, except those of its recipe for training, which only training needs."""
    from graphml.spec import validate

    return [str(problem) for problem in validate.problems(message) if problem.severity == "error"]
