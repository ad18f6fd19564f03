"""Pipelines: models one after the other, joined by the names of what they give and take.

A stage finds an input under its name among the pipeline's inputs and the outputs of earlier stages; a later output
hides an earlier one of the same name. `predict` goes stage by stage, each value in its declared type, so that strings,
dictionaries and sequences pass too. Consecutive stages that are functions of arrays run as one compiled program, if a
network is among them: feature engineering alone takes less time in NumPy than a program takes to compile.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax

from graphml.errors import FeatureError, GraphError, GraphmlError, UnsupportedError
from graphml.interpreter.programs import Latest
from graphml.models.compile.random_keys import checked_key
from graphml.models.configuration import for_stage
from graphml.models.interface.descriptions import Description, FeatureDescription, FeatureType
from graphml.models.interface.handing import Declared, handed, stage_inputs
from graphml.models.interface.values import checker, feature_check
from graphml.models.model import Model, Traceable, kind_of
from graphml.models.pipelines.fusion import Run, declared_before, function_of, inside, runs, stage_key
from graphml.models.pipelines.linked import follow
from graphml.spec import versions
from graphml.spec.rules.updates import pipeline_of

Features = dict[str, Any]


class Pipeline(Model):
    """pipeline, pipelineClassifier and pipelineRegressor.

    `models` are its stages by name. Errors inside a stage say which. Parameters nest as {stage: parameters}.
    Source: Pipeline, PipelineClassifier, PipelineRegressor.
    """

    def __init__(self, message: Any, **keyword: Any) -> None:
        super().__init__(message, **keyword)
        self._replaced: Mapping[str, Model] = {}
        # compiled; shared by all pipelines made of this one
        self._programs: Latest[Any] = Latest(self.configuration.most_programs)

    # Stages ----------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def models(self) -> dict[str, Model]:
        """The stages in order, by their names: those that the file gives, else model0, model1 ..."""
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
            )
        return loaded

    def _described(self) -> Description:
        """The interface as declared; a dictionary that a stage reads with keys of the other type takes both."""
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
                break  # what later stages read is this one's
        return feature

    @property
    def last(self) -> Model:
        """The last stage: the one that an update trains, if the pipeline is updatable."""
        return next(reversed(self.models.values()))

    def with_stage(self, name: str, model: Model) -> Pipeline:
        """The same pipeline with another model as one of its stages.

        Raises GraphError for a stage that does not exist, or a model that takes or gives other features.
        """
        old = self._stage(name).description
        for what, before, after in (
            ("takes", old.inputs, model.description.inputs),
            ("gives", old.outputs, model.description.outputs),
        ):
            if {f.name: f.type for f in before} != {f.name: f.type for f in after}:
                features = ", ".join(f"{f.name!r} ({f.takes})" for f in before)
                raise GraphError(f"the stage {name!r} {what} {features}; the model in its place does not")
        other = copy.copy(self)
        other._replaced = {**self._replaced, name: model}
        for cached in ("models", "_encoded", "_runs", "_declared"):
            other.__dict__.pop(cached, None)
        return other

    def _stage(self, name: str) -> Model:
        if name not in self.models:
            raise GraphError(f"no stage is called {name!r}; they are {', '.join(map(repr, self.models))}")
        return self.models[name]

    @property
    def _labelled(self) -> list[tuple[str, Model]]:
        """The stages as errors call them."""
        count = len(self.models)
        return [
            (f"stage {name!r} ({model.kind}), number {position + 1} of {count}", model)
            for position, (name, model) in enumerate(self.models.items())
        ]

    def before_last(
        self, rows: Iterable[Mapping[str, Any]], label: Callable[[int], str] = lambda i: f"row {i + 1}"
    ) -> list[Features]:
        """What the last stage is trained on: for each row the training inputs of that stage (its inputs, where it
        declares none), computed by the stages before it or taken from the row. Random numbers are the same every time.

        A row has the pipeline's inputs and the target. The stages before the last are frozen in an update, so this is
        computed once for each row. label: what errors call a row. Raises FeatureError for a row that lacks something.
        """
        self._usable  # noqa: B018  (checked once)
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
        envs = self._stages(envs, self._labelled[:-1], jax.random.key(0))  # an update that is resumed sees the same
        declared, out = self._declared[-1], []
        for number, (env, own) in enumerate(zip(envs, given, strict=True)):
            env = {**own, **{f.name: handed(f, env[f.name], declared.get(f.name)) for f in wanted if f.name in env}}
            missing = [f.name for f in wanted if f.name not in env and not f.optional]
            if missing:
                raise FeatureError(f"{label(number)}\n  {', '.join(map(repr, missing))} is missing, for the last stage")
            out.append({feature.name: env[feature.name] for feature in wanted if feature.name in env})
        return out

    # Predicting ------------------------------------------------------------------------------------------------------

    def predict(self, features: Mapping[str, Any], *, key: jax.Array | None = None) -> Features:
        """{output: value} for {input: value}; see `Model.predict`.

        key: what stages draw random numbers with that have no seed of their own; without it each call draws anew.
        """
        self._usable  # noqa: B018  (checked once)
        return self._predict(self._check(features), key=checked_key(key))

    def _predict(self, values: Features, *, key: jax.Array | None = None) -> Features:
        return self._outputs(self._wires(values, key))

    def _wires(self, values: Features, key: jax.Array | None) -> Features:
        """Everything that has a name, after the last stage."""
        env = dict(values)
        for run in self._runs:
            env |= run(env, key)
        return env

    @functools.cached_property
    def _runs(self) -> Sequence[Run]:
        wanted = {feature.name for feature in self.description.outputs}
        return runs(self._labelled, self._declared, wanted, self._programs)

    @functools.cached_property
    def _declared(self) -> Sequence[Declared]:
        return declared_before(self._labelled, self.description.inputs)

    def predict_batch(self, rows: Iterable[Mapping[str, Any]], *, key: jax.Array | None = None) -> list[Features]:
        """`predict` for each of many, in order: every stage takes all rows at once, in its own way.

        key: every row draws what `predict` draws with it; without it each row draws anew.
        """
        self._usable  # noqa: B018  (checked once)
        envs = []
        for number, row in enumerate(rows):
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
        """The outputs as the pipeline declares them, which may differ in details from how the stage declares them."""
        out = {}
        for feature in self.description.outputs:
            if feature.name not in env:
                raise FeatureError(f"the output {feature.name!r} is an input that was left out")
            value = env[feature.name]
            out[feature.name] = value if feature.image is not None else checker(feature)(handed(feature, value, None))
        return out

    def intermediates(
        self, features: Mapping[str, Any], names: Iterable[str] | None = None, *, key: jax.Array | None = None
    ) -> Features:
        """What passes between the stages, by name (None: all). Raises GraphError for a name that nothing has."""
        self._usable  # noqa: B018  (checked once)
        key, env = checked_key(key), dict(self._check(features))
        for position, (label, model) in enumerate(self._labelled):
            with inside(label):
                inputs = stage_inputs(model, env, self._declared[position])
                env |= model.predict(inputs, **stage_key(model, key, position))
        missing = sorted(set(names or ()) - env.keys())
        if missing:
            raise GraphError(f"nothing in the pipeline is called {', '.join(map(repr, missing))}")
        return env if names is None else {name: env[name] for name in names}

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """{output: array} from {input: array}: all stages as one function, to be jitted, differentiated, vmapped.

        Arrays are those of the stages: see their `as_function`; colours of images are in the order that the pipeline
        declares. Raises UnsupportedError naming the stages that have no
        such function. Where a stage computes in float64 call it, jitted or not, under `jax.enable_x64(True)`: JAX
        would cut its inputs to 32 bits at the door.
        """
        self._usable  # noqa: B018  (checked once)
        weights, function = function_of(self._labelled, self.description.inputs, self.description.outputs)
        return functools.partial(function, weights)

    def traceable(self) -> Traceable:
        weights, function = function_of(self._labelled, self.description.inputs, self.description.outputs)
        return Traceable(weights, function, self)

    def has_network(self) -> bool:
        return any(model.has_network() for model in self.models.values())

    def draws(self) -> bool:
        return any(model.draws() for model in self.models.values())

    # Parameters and saving -------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> Mapping[str, Any]:
        """{stage: its parameters}, for the stages that have any."""
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
        """The same pipeline with other weights: {stage: parameters}, or a part of it.

        Raises GraphError for a stage, layer or weight that does not exist, ShapeError for one of another shape.
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
        """The model as a message; stages that were replaced are written anew, all others as they were read."""
        return self._message if not self._replaced else self._encoded

    @functools.cached_property
    def _encoded(self) -> Any:
        message = type(self._message)()
        message.CopyFrom(self._message)
        for stage, (name, model) in zip(pipeline_of(message).models, self.models.items(), strict=True):
            if name in self._replaced:
                stage.CopyFrom(model.spec)
        message.specificationVersion = max(message.specificationVersion, versions.required(message))
        return message

    # Before predicting -----------------------------------------------------------------------------------------------

    def obstacles(self) -> list[str]:
        found = super().obstacles()
        follow(self)
        for label, model in self._labelled:
            with inside(label):
                found += [f"{label}: {reason}" for reason in model.obstacles()]
        return found

    @functools.cached_property
    def _usable(self) -> bool:
        usable = super()._usable
        for name, model in self._loaded.items():  # the rules of the pipeline include those of what is stored in it
            if name not in self._replaced and model.obstacles() == []:
                model.__dict__.setdefault("_usable", True)
        return usable


def stage_names(stages: Any) -> list[str]:
    """Names that tell the stages apart, whatever the file says; what is wrong with it is said when it predicts."""
    count = len(stages.models)
    named = list(stages.names) if len(stages.names) == count else [f"model{i}" for i in range(count)]
    seen: set[str] = set()
    for i, name in enumerate(named):
        named[i] = name if name not in seen else f"{name}#{i}"
        seen.add(named[i])
    return named
