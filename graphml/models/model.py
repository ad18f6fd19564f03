"""What all kinds of models have in common.

Each kind is a subclass of `Model`, listed in `kinds`, from which `loading` picks the class. It implements `_predict`,
which receives checked values (networks override `predict` instead). It may also offer a function of arrays
(`traceable`), which lets pipelines compile several stages into one program. A kind that is not listed can still be
loaded, inspected and saved; only `predict` raises, with the reason.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from google.protobuf.message import Message

from graphml import spec
from graphml.descriptions import MOST_PIXELS, Description, default_dtype, describe
from graphml.errors import FeatureError, SpecError, UnsupportedError, without_middle
from graphml.models.configuration import ModelConfiguration
from graphml.models.interface.rows import Rows, rows_of
from graphml.models.interface.values import input_check_of
from graphml.models.kinds import KINDS
from graphml.models.lowered import LoweredModel
from graphml.models.state import NO_STATE, State
from graphml.spec.versions import NEWEST as NEWEST_VERSION
from graphml.visible import visible

_MOST_LINES, _LONGEST_LINE = 30, 300  # of a repr


class Model:
    """A model of any kind.

    All kinds have `predict`, `predict_batch`, `description`, `spec` and `save`. What only some kinds have, such as
    `lower`, `intermediates` and `warm_up`, raises UnsupportedError for the others.
    """

    conversion: Any = None
    """How the model was converted, a `graphml.convert.report.Conversion`; None for models that were not converted."""

    _wanted_function: str | None = None
    """The function of a program that was requested."""

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
        self.configuration: ModelConfiguration = ModelConfiguration() if configuration is None else configuration
        self.custom_layers: dict[str, Callable[..., Any]] = dict(custom_layers or {})
        self.custom_models: dict[str, Callable[..., Any]] = dict(custom_models or {})
        self.path = path
        self.weights_dir = weights_dir

    @property
    def spec(self) -> Any:
        """The model as a protobuf message. It is read when it is needed: change a copy of it, and load that."""
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
        self.refuse_unless_usable()
        if keyword.get("state") is not None and not self.has_state():
            raise FeatureError(NO_STATE)
        return self._predict(self._check(features), **keyword)

    def predict_batch(self, rows: Rows, **keyword: Any) -> list[dict[str, Any]]:
        """Run the model for many inputs.

        Args:
            rows: The features of each row, as `predict` takes them, or {input: its values in all rows}: an array whose
                first axis counts the rows, or a list.
            **keyword: `key`, for models that draw random numbers.

        Returns:
            The outputs of each row, in order.
        """
        return [self.predict(features, **keyword) for features in rows_of(rows)]

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
        self._usable  # noqa: B018  (raises; the result is cached)

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
            UnsupportedError: If the model is not a function of arrays, or does not take these options.
        """
        weights, function, _ = self.traceable(stored=True)
        if dtype is not None or platform is not None:
            raise UnsupportedError(f"lower() of a model of kind {self.kind} takes neither dtype nor platform")
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
        """Intermediate values by name."""
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
        return input_check_of(self.description)

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
