"""Pipelines: models that run in order, connected by the names of their features.

A stage finds its inputs by name among the inputs of the pipeline and the outputs of earlier stages; a later output
hides an earlier one of the same name. `predict` runs one stage after the other and passes each value in its declared
type, so that strings, dictionaries and sequences can be passed too. Consecutive stages that are functions of arrays run
as one compiled program if one of them is a network; without a network NumPy is faster than compiling.
"""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import jax

from graphml.descriptions import Description, FeatureDescription, FeatureType
from graphml.errors import FeatureError, GraphError, GraphmlError, UnsupportedError
from graphml.interpreter.programs import Latest
from graphml.models.compile.random_keys import checked_key
from graphml.models.configuration import for_stage
from graphml.models.interface.conversion import Declared, converted, stage_inputs
from graphml.models.interface.rows import Rows, rows_of
from graphml.models.interface.values import checker, feature_check
from graphml.models.loading import kind_of
from graphml.models.model import Model, Traceable
from graphml.models.pipelines.fusion import Segment, declared_before, function_of, inside, segments, stage_key
from graphml.models.pipelines.linked import follow
from graphml.spec import versions
from graphml.spec.files import write
from graphml.spec.files.packages import blob_values
from graphml.spec.program.packages import weight_files
from graphml.spec.program.replacing import replace_weights
from graphml.spec.program.values import WeightFiles
from graphml.spec.rules.updates import pipeline_of

Features = dict[str, Any]


class Pipeline(Model):
    """A model made of stages: pipeline, pipelineClassifier and pipelineRegressor.

    `models` has the stages by name; parameters are nested as {stage: parameters}. Errors name the stage.

    Source: Pipeline, PipelineClassifier, PipelineRegressor.
    """

    def __init__(self, message: Any, **keyword: Any) -> None:
        super().__init__(message, **keyword)
        self._replaced: Mapping[str, Model] = {}
        # compiled programs; shared by all pipelines that are derived from this one
        self._programs: Latest[Any] = Latest(self.configuration.most_programs)

    # Stages ----------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def models(self) -> dict[str, Model]:
        """{name: stage}, in order. Stages without a name in the file are called model0, model1 ..."""
        own = {} if not self._replaced else self._replaced
        return {name: own.get(name, model) for name, model in self._loaded.items()}

    @functools.cached_property
    def _loaded(self) -> dict[str, Model]:
        stages = pipeline_of(self._message)
        loaded = {}
        for name, message in zip(stage_names(stages), stages.models, strict=True):
            loaded[name] = kind_of(message)(
                message,
                configuration=for_stage(self.configuration, name),
                custom_layers=self.custom_layers,
                custom_models=self.custom_models,
                path=self.path,
                weights_dir=self.weights_dir,
            )
        return loaded

    def _described(self) -> Description:
        """The declared interface. A dictionary accepts both types of keys if a stage reads it with the other type."""
        declared = super()._described()
        return replace(declared, inputs=tuple(map(self._with_keys_of_readers, declared.inputs)))

    def _with_keys_of_readers(self, feature: FeatureDescription) -> FeatureDescription:
        if feature.type is not FeatureType.DICTIONARY:
            return feature
        for model in self.models.values():
            own = next((f for f in model.description.inputs if f.name == feature.name), None)
            if own is not None and own.type is feature.type and (own.any_keys or own.keys is not feature.keys):
                return replace(feature, any_keys=True)
            if any(f.name == feature.name for f in model.description.outputs):
                break  # later stages read this output
        return feature

    @property
    def last(self) -> Model:
        """The last stage, which an update of the pipeline trains."""
        return next(reversed(self.models.values()))

    def with_stage(self, name: str, model: Model) -> Self:
        """The same pipeline with another model as one of its stages.

        Args:
            name: The name of the stage.
            model: The new stage, with the same inputs and outputs.

        Raises:
            GraphError: If there is no such stage, or the model has other inputs or outputs.
        """
        old = self._stage(name).description
        for what, before, after in (
            ("takes", old.inputs, model.description.inputs),
            ("returns", old.outputs, model.description.outputs),
        ):
            if {f.name: f.type for f in before} != {f.name: f.type for f in after}:
                features = ", ".join(f"{f.name!r} ({f.takes})" for f in before)
                raise GraphError(f"the stage {name!r} {what} {features}; the new model does not")
        other = copy.copy(self)
        other._replaced = {**self._replaced, name: model}
        for cached in ("models", "_encoded", "_segments", "_declared"):
            other.__dict__.pop(cached, None)
        return other

    def _stage(self, name: str) -> Model:
        if name not in self.models:
            raise GraphError(f"no stage is called {name!r}; the stages are {', '.join(map(repr, self.models))}")
        return self.models[name]

    @property
    def _labelled(self) -> list[tuple[str, Model]]:
        """The stages with their labels in error messages."""
        count = len(self.models)
        return [
            (f"stage {name!r} ({model.kind}), number {position + 1} of {count}", model)
            for position, (name, model) in enumerate(self.models.items())
        ]

    def before_last(
        self, rows: Iterable[Mapping[str, Any]], label: Callable[[int], str] = lambda i: f"row {i + 1}"
    ) -> list[Features]:
        """The training samples of the last stage.

        An update trains the last stage only, so the stages before it run once for each sample. Random numbers are the
        same in every call.

        Args:
            rows: Samples with the inputs of the pipeline and the targets.
            label: What error messages call the row of an index.

        Returns:
            For each row the training inputs of the last stage, or its inputs if it declares none: outputs of earlier
            stages, or values of the row.

        Raises:
            FeatureError: If a row lacks a feature.
        """
        self.refuse_unless_usable()
        last = self.last.description
        wanted = last.training_inputs if last.training_inputs else last.inputs
        names = {feature.name for feature in self.description.inputs}
        targets = {f.name: f for f in (*self.description.training_inputs, *wanted) if f.name not in names}
        envs, given = [], []
        for number, row in enumerate(rows):
            try:
                inputs = {name: value for name, value in row.items() if name in names or name not in targets}
                envs.append(self._check(inputs))
                own = {name: row[name] for name in targets if name in row}
                given.append(feature_check(targets[name] for name in own)(own))
            except GraphmlError as error:
                raise error.in_context(label(number)) from None
        envs = self._stages(envs, self._labelled[:-1], jax.random.key(0))  # a resumed update must see the same
        declared, out = self._declared[-1], []
        for number, (env, own) in enumerate(zip(envs, given, strict=True)):
            env = {**own, **{f.name: converted(f, env[f.name], declared.get(f.name)) for f in wanted if f.name in env}}
            missing = [f.name for f in wanted if f.name not in env and not f.optional]
            if missing:
                raise FeatureError(
                    f"{label(number)}\n  {', '.join(map(repr, missing))} is missing; the last stage needs it"
                )
            out.append({feature.name: env[feature.name] for feature in wanted if feature.name in env})
        return out

    # Predicting ------------------------------------------------------------------------------------------------------

    def predict(self, features: Mapping[str, Any], *, key: jax.Array | None = None) -> Features:
        """Run the pipeline once; see `Model.predict`.

        Args:
            features: {input: value}.
            key: For layers that draw random numbers and have no seed; without it each call draws different numbers.
        """
        self.refuse_unless_usable()
        return self._predict(self._check(features), key=checked_key(key))

    def _predict(self, values: Features, *, key: jax.Array | None = None) -> Features:
        return self._outputs(self._wires(values, key))

    def _wires(self, values: Features, key: jax.Array | None) -> Features:
        """All values by name, after the last stage."""
        env = dict(values)
        for segment in self._segments:
            env |= segment(env, key)
        return env

    @functools.cached_property
    def _segments(self) -> Sequence[Segment]:
        wanted = {feature.name for feature in self.description.outputs}
        return segments(self._labelled, self._declared, wanted, self._programs)

    @functools.cached_property
    def _declared(self) -> Sequence[Declared]:
        return declared_before(self._labelled, self.description.inputs)

    def predict_batch(self, rows: Rows, *, key: jax.Array | None = None) -> list[Features]:
        """Run the pipeline for many inputs: each stage processes all rows; see `Model.predict_batch`.

        Args:
            rows: The features of each row, or {input: its values in all rows}.
            key: For random numbers: each row draws the same as `predict` with this key; without it all rows differ.
        """
        self.refuse_unless_usable()
        envs = []
        for number, row in enumerate(rows_of(rows)):
            try:
                envs.append(self._check(row))
            except GraphmlError as error:
                raise error.in_context(f"row {number + 1}") from None
        return [self._outputs(env) for env in self._stages(envs, self._labelled, checked_key(key))]

    def _stages(
        self, envs: list[Features], stages: Sequence[tuple[str, Model]], key: jax.Array | None = None
    ) -> list[Features]:
        envs = [dict(env) for env in envs]
        for position, (label, model) in enumerate(stages):
            with inside(label):
                batch = [stage_inputs(model, env, self._declared[position]) for env in envs]
                results = model.predict_batch(batch, **stage_key(model, key, position))
            for env, result in zip(envs, results, strict=True):
                env |= result
        return envs

    def _outputs(self, env: Features) -> Features:
        """The outputs, converted from how the stages declare them to how the pipeline does."""
        out = {}
        for feature in self.description.outputs:
            if feature.name not in env:
                raise FeatureError(f"the output {feature.name!r} is an optional input that was left out")
            value = env[feature.name]
            out[feature.name] = (
                value if feature.image is not None else checker(feature)(converted(feature, value, None))
            )
        return out

    def intermediates(
        self, features: Mapping[str, Any], names: Iterable[str] | None = None, *, key: jax.Array | None = None
    ) -> Features:
        """The values that are passed between the stages.

        Args:
            features: {input: value}.
            names: Names of the wanted values; None returns all of them.
            key: See `predict`.

        Raises:
            GraphError: If no value has such a name.
        """
        self.refuse_unless_usable()
        key, env = checked_key(key), dict(self._check(features))
        for position, (label, model) in enumerate(self._labelled):
            with inside(label):
                inputs = stage_inputs(model, env, self._declared[position])
                env |= model.predict(inputs, **stage_key(model, key, position))
        missing = sorted(set(names or ()) - env.keys())
        if missing:
            raise GraphError(f"no feature of the pipeline is called {', '.join(map(repr, missing))}")
        return env if names is None else {name: env[name] for name in names}

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """All stages as one function from {input: array} to {output: array}, for jit, grad and vmap.

        Arrays have the form that `as_function` of the stages takes; images have the colours that the pipeline declares.
        If a stage computes in float64, call the function under `jax.enable_x64(True)`: otherwise JAX converts inputs to
        32 bits.

        Raises:
            UnsupportedError: If a stage is not a function of arrays; the message lists all of them.
        """
        self.refuse_unless_usable()
        weights, function = function_of(self._labelled, self.description.inputs, self.description.outputs)
        return functools.partial(function, weights)

    def traceable(self, *, stored: bool = False) -> Traceable:
        self.refuse_unless_usable()
        inputs, outputs = self.description.inputs, self.description.outputs
        weights, function = function_of(self._labelled, inputs, outputs, stored=stored)
        if not stored:
            return Traceable(weights, function, self)
        # by name, as in `parameters`; stages without weights are left out
        named = {name: own for name, own in zip(self.models, weights, strict=True) if jax.tree.leaves(own)}

        def of_stages(weights: Any, inputs: Mapping[str, Any], key: jax.Array | None = None) -> dict[str, Any]:
            return function([weights.get(name, {}) for name in self.models], inputs, key)

        return Traceable(named, of_stages, self)

    def has_network(self) -> bool:
        return any(model.has_network() for model in self.models.values())

    def draws(self) -> bool:
        return any(model.draws() for model in self.models.values())

    # Parameters and saving -------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> Mapping[str, Any]:
        """{stage: its parameters}, for the stages that have parameters.

        Raises:
            UnsupportedError: If no stage has parameters.
        """
        out = {}
        for name, model in self.models.items():
            try:
                out[name] = model.parameters
            except UnsupportedError:
                continue
        if not out:
            raise UnsupportedError("no stage of this pipeline is a network: it has no parameters")
        return out

    def with_parameters(self, parameters: Mapping[str, Any]) -> Pipeline:
        """The same pipeline with other weights.

        Args:
            parameters: {stage: parameters}, or a part of it; the others stay.

        Raises:
            GraphError: If a stage, layer or weight does not exist.
            ShapeError: If a weight has another shape.
        """
        other = self
        for name, inner in parameters.items():
            stage = self._stage(name)
            with inside(f"stage {name!r}"):
                changed = stage.with_parameters(inner)
            other = other.with_stage(name, changed)
        return other

    @property
    def spec(self) -> Any:
        """The model as a message. Stages that were replaced are encoded, all others are as they were read."""
        return self._message if not self._replaced else self._encoded

    @functools.cached_property
    def _encoded(self) -> Any:
        new = self.new_constants()
        message = self.spec_without_new_constants()
        return replace_weights(message, self._weight_files, new).model if new else message

    @property
    def _weight_files(self) -> WeightFiles:
        return weight_files(self.path, self.weights_dir)

    def requantized(self) -> Self:
        other = self
        for name, stage in self._replaced.items():
            other = other.with_stage(name, stage.requantized())
        return other

    def _write(self, path: str | os.PathLike[str]) -> None:
        new, files = self.new_constants(), self._weight_files
        model = self._message if new else self.spec
        weights = dict[str, Iterable[bytes]]()
        if self.weights_dir is not None:  # otherwise they are copied from the package
            for name in {blob.fileName for blob in blob_values(model)}:
                file = files.file(name)
                weights[name] = file.chunks(0, file.size)
        if new:
            model, changed = replace_weights(self.spec_without_new_constants(), files, new)
            weights |= changed
        write(model, path, source=self.path, weights=weights)

    def new_constants(self) -> Mapping[tuple[Any, ...], Any]:
        models = enumerate(self.models.values()) if self._replaced else ()
        return {(i, *key): value for i, model in models for key, value in model.new_constants().items()}

    def spec_without_new_constants(self) -> Any:
        if not self._replaced:
            return self._message
        message = type(self._message)()
        message.CopyFrom(self._message)
        for stage, (name, model) in zip(pipeline_of(message).models, self.models.items(), strict=True):
            if name in self._replaced:
                stage.CopyFrom(model.spec_without_new_constants())
        message.specificationVersion = max(message.specificationVersion, versions.required(message))
        return message

    # Before predicting -----------------------------------------------------------------------------------------------

    def obstacles(self) -> list[str]:
        found = super().obstacles()
        follow(self)
        for label, model in self._labelled:
            with inside(label):
                reasons = model.obstacles()
                if not reasons and model.has_state():
                    reasons = ["it has a state, which a pipeline cannot keep; run the stage as a separate model"]
                found += [f"{label}: {reason}" for reason in reasons]
        return found

    @functools.cached_property
    def _usable(self) -> bool:
        usable = super()._usable
        for name, model in self._loaded.items():  # validating the pipeline has validated the stages in it
            if name not in self._replaced and model.obstacles() == []:
                model.__dict__.setdefault("_usable", True)
        return usable


def stage_names(stages: Any) -> list[str]:
    """Unique names for the stages, even if those in the file are not; validation reports them before predicting.

    Args:
        stages: A Pipeline message.
    """
    count = len(stages.models)
    named = list(stages.names) if len(stages.names) == count else [f"model{i}" for i in range(count)]
    seen: set[str] = set()
    for i, name in enumerate(named):
        named[i] = name if name not in seen else f"{name}#{i}"
        seen.add(named[i])
    return named
