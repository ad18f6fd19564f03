"""How the stages of a pipeline run: one by one, or several fused into one compiled program.

In a fused program each stage computes in the same precision as alone: networks in float32, all other kinds in float64.
JAX chooses the precision by a context manager, which may change in the middle of a trace.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.descriptions import FeatureDescription, FeatureType
from graphml.errors import GraphmlError, ShapeError, UnsupportedError
from graphml.interpreter.programs import Compiled, Latest, forms_of_inputs
from graphml.models.compile.programs import compiler_options
from graphml.models.compile.random_keys import fresh_key
from graphml.models.configuration import pick_device
from graphml.models.features.transforms import given
from graphml.models.graph_model import GraphModel
from graphml.models.interface.conversion import Declared, stage_inputs, with_colors
from graphml.models.model import Model
from graphml.models.pipelines.linked import LinkedModel
from graphml.models.program import MLProgram

LabelledModel = tuple[str, Model]
"""A stage of a pipeline: its label in error messages, and its model."""

_log = logging.getLogger("graphml")

_ARRAYS = (FeatureType.MULTI_ARRAY, FeatureType.DOUBLE)


def stage_key(model: Model, key: jax.Array | None, position: int) -> dict[str, Any]:
    """The keyword argument `key` for a stage, a different one for each position; empty if it draws no numbers."""
    return {} if key is None or not model.draws() else {"key": jax.random.fold_in(key, position)}


@contextlib.contextmanager
def inside(label: str) -> Iterator[None]:
    """Add a label to the errors that are raised in the block."""
    try:
        yield
    except GraphmlError as error:
        raise error.in_context(label) from error


# Segments ------------------------------------------------------------------------------------------------------------


class Single:
    """A segment of one stage.

    Args:
        stage: The stage.
        position: Its index in the pipeline.
        declared: The features that it can read, as their sources declare them.
    """

    def __init__(self, stage: LabelledModel, position: int, declared: Declared) -> None:
        self.stages = [stage]
        self._position = position
        self._declared = declared

    def __call__(self, env: Mapping[str, Any], key: jax.Array | None) -> dict[str, Any]:
        label, model = self.stages[0]
        with inside(label):
            inputs = stage_inputs(model, env, self._declared)
            return model.predict(inputs, **stage_key(model, key, self._position))


class Fused:
    """A segment of several stages that are compiled into one program.

    Only the first stage reads features from outside of the segment.

    Args:
        stages: The stages, in order.
        position: The index of the first one in the pipeline.
        declared: For each stage the features that it can read, as their sources declare them.
        wanted: Names of the features that are read after the segment.
        programs: Where compiled programs are kept.
    """

    def __init__(
        self,
        stages: Sequence[LabelledModel],
        position: int,
        declared: Sequence[Declared],
        wanted: set[str],
        programs: Latest[Any],
    ) -> None:
        self.stages = list(stages)
        self._position = position
        self._declared = declared[0]
        self._singles = [Single(stage, position + i, declared[i]) for i, stage in enumerate(stages)]
        self._wanted = wanted
        self._programs = programs
        self._stepwise = False

    def __call__(self, env: Mapping[str, Any], key: jax.Array | None) -> dict[str, Any]:
        if key is None and self._draws:
            key = fresh_key()
        if not self._stepwise:
            try:
                return self._run(env, key)
            except UnsupportedError as error:  # a shape that depends on values
                _log.info("the stages run one by one: %s", error)
                self._stepwise = True
        out: dict[str, Any] = {}
        for single in self._singles:
            out |= single({**env, **out}, key)
        return out

    @functools.cached_property
    def _draws(self) -> bool:
        return any(model.draws() for _, model in self.stages)

    def _run(self, env: Mapping[str, Any], key: jax.Array | None) -> dict[str, Any]:
        label, first = self.stages[0]
        with inside(label):
            given_values = first.check(stage_inputs(first, env, self._declared))
        weights, program, device = self._program
        with jax.enable_x64(True), contextlib.nullcontext() if device is None else jax.default_device(device):
            inputs = {name: np.asarray(v) if isinstance(v, float) else v for name, v in given_values.items()}
            results = jax.device_get(program(weights, inputs, key))
        out: dict[str, Any] = {}
        for (label, model), blobs in zip(self.stages, results, strict=True):
            if blobs is not None:
                with inside(label):
                    out |= present(model, blobs)
        return out

    @functools.cached_property
    def _program(self) -> tuple[list[Any], Callable, Any]:
        """This segment's weights; the program, shared with pipelines that have other weights; the device."""
        device = pick_device(self.stages[0][1].configuration)
        platform = jax.default_backend() if device is None else device.platform
        traceables = [model.traceable() for _, model in self.stages]
        which = self._position, len(self.stages), tuple(id(t.program) for t in traceables)
        kept = self._programs.get(which)
        if kept is None:
            functions = [t.function for t in traceables]
            wanted = [any(f.name in self._wanted for f in model.description.outputs) for _, model in self.stages]

            def graphml_pipeline(weights, inputs, key):
                blobs = chain(self.stages, functions, weights, inputs, key, first=self._position)
                return [b if w else None for b, w in zip(blobs, wanted, strict=True)]

            most = self.stages[0][1].configuration.most_programs
            options = compiler_options(platform)
            compiled = Compiled(graphml_pipeline, most=most, which=forms_of_inputs, compiler_options=options)
            kept = compiled, [t.program for t in traceables]  # kept alive: ids are not reused
            self._programs.put(which, kept)
        return [t.weights for t in traceables], kept[0], device


Segment = Single | Fused
"""Consecutive stages that run together: f({name: value}, key) -> {output: value}."""


def declared_before(stages: Sequence[LabelledModel], inputs: Iterable[FeatureDescription]) -> list[Declared]:
    """For each stage the features that it can read: inputs of the pipeline, and outputs of the stages before it."""
    found: list[Declared] = [{f.name: f for f in inputs}]
    for _, model in stages[:-1]:
        found.append({**found[-1], **{f.name: f for f in model.description.outputs}})
    return found


def segments(
    stages: Sequence[LabelledModel], declared: Sequence[Declared], outputs: Iterable[str], programs: Latest[Any]
) -> list[Segment]:
    """Divide the stages of a pipeline into segments.

    Args:
        stages: The stages, in order.
        declared: See `declared_before`.
        outputs: Names of the features that are read after the last stage.
        programs: Where compiled programs are kept.
    """
    found: list[Segment] = []
    outputs = set(outputs)
    last_read = {f.name: position for position, (_, model) in enumerate(stages) for f in model.description.inputs}
    start = 0
    while start < len(stages):
        end = max(start + 1, _end(stages, start))
        part = stages[start:end]
        if len(part) > 1 and any(model.has_network() for _, model in part):
            made = {f.name for _, model in part for f in model.description.outputs}
            wanted = {name for name in made if name in outputs or last_read.get(name, 0) >= end}
            found.append(Fused(part, start, declared[start:end], wanted, programs))
        else:  # a segment that starts at a later one of these stages would have no network either
            found += [Single(stage, position, declared[position]) for position, stage in enumerate(part, start)]
        start = end
    return found


def _end(stages: Sequence[LabelledModel], start: int) -> int:
    """Where the segment that begins at `start` ends."""
    made: dict[str, FeatureDescription] = {}
    for position in range(start, len(stages)):
        model = stages[position][1]
        inputs, outputs = model.description.inputs, model.description.outputs
        if position > start and not all(f.name in made and _passes(f) and _passes(made[f.name]) for f in inputs):
            return position
        if not _has_function(model):
            return position
        made |= {f.name: f for f in outputs}
        if not all(map(_passes, outputs)):
            # other outputs are made from arrays after the program has run, so only the last stage may have them
            return position + 1 if isinstance(_itself(model), GraphModel) else position
    return len(stages)


def _passes(feature: FeatureDescription) -> bool:
    return feature.type in _ARRAYS


def _itself(model: Model) -> Model:
    """The model that a chain of links leads to."""
    while isinstance(model, LinkedModel):
        model = model.target
    return model


def _has_function(model: Model) -> bool:
    try:
        model.traceable()
    except GraphmlError:
        return False
    return True


# Inside a program ----------------------------------------------------------------------------------------------------


def chain(
    stages: Sequence[LabelledModel],
    functions: Sequence[Callable[..., dict[str, Any]]],
    weights: Sequence[Any],
    inputs: Mapping[str, Any],
    key: jax.Array | None,
    *,
    declared: Declared | None = None,
    first: int = 0,
) -> list[dict[str, Any]]:
    """Trace several stages in a row.

    Args:
        stages: The stages, in order.
        functions: `Traceable.function` of each stage.
        weights: `Traceable.weights` of each stage.
        inputs: {name: array} that the stages may read.
        key: For random numbers; None if no stage draws any.
        declared: How the inputs are declared; None: as the first stage declares them.
        first: The index of the first stage in the pipeline.

    Returns:
        {name: array} of each stage.
    """
    env, out = dict(inputs), []
    declared = dict({} if declared is None else declared)
    for position, ((label, model), function, weight) in enumerate(zip(stages, functions, weights, strict=True)):
        own = None if key is None else jax.random.fold_in(key, first + position)
        with inside(label):
            taken = {
                f.name: _taken(model, f, env[f.name], declared.get(f.name))
                for f in model.description.inputs
                if f.name in env
            }
            with jax.named_scope(label):
                blobs = function(weight, taken, own)
            given = {f.name: _declared(f, blobs[f.name]) for f in model.description.outputs if f.name in blobs}
        env |= given
        declared |= {f.name: f for f in model.description.outputs}
        out.append({**blobs, **given})
    return out


def _taken(model: Model, feature: FeatureDescription, value: Any, giver: FeatureDescription | None) -> Any:
    """Convert an array to the form that the stage which reads it declares."""
    value = jnp.asarray(value)
    if feature.image is not None:
        return value if giver is None else with_colors(value, giver.image, feature.image)
    if feature.array is None:
        return value.reshape(1) if value.size == 1 else value
    network = model.has_network() and not isinstance(_itself(model), MLProgram)  # it converts arrays itself
    shape = feature.array.fit(value.shape, rank5=network)
    if shape is None:
        raise ShapeError(f"the feature {feature.name!r} takes {feature.takes}, got shape {list(value.shape)}")
    value = value.reshape(shape)
    return value if network else value.astype(feature.array.dtype)


def _declared(feature: FeatureDescription, value: Any) -> Any:
    """Convert an array to the form that the stage which computes it declares."""
    if feature.array is None:
        return value.astype("float64").reshape(()) if feature.type is FeatureType.DOUBLE else value
    shape, dtype = feature.array.shape, np.dtype(feature.array.dtype)
    if shape is not None and not feature.array.flexible and value.size == np.prod(shape):
        value = value.reshape(shape)
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        value = jnp.clip(jnp.rint(jnp.nan_to_num(value.astype("float64"))), limits.min, limits.max)
    return value.astype(dtype)


def present(model: Model, blobs: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the arrays that the function of a stage returns to the outputs that the stage declares."""
    model = _itself(model)
    if isinstance(model, GraphModel):
        return model.present(blobs)
    return {f.name: given(f, blobs[f.name]) for f in model.description.outputs}


def function_of(
    stages: Sequence[LabelledModel],
    inputs: Sequence[FeatureDescription],
    outputs: Sequence[FeatureDescription],
    *,
    stored: bool = False,
) -> tuple[list[Any], Callable[..., dict[str, Any]]]:
    """A whole pipeline as one function.

    Args:
        stages: The stages, in order.
        inputs: The inputs of the pipeline.
        outputs: The outputs of the pipeline.
        stored: See `Model.traceable`.

    Returns:
        (weights, f(weights, inputs, key) -> arrays). The arrays are the outputs of the pipeline and everything that
        its last stage computes.

    Raises:
        UnsupportedError: If a stage is not a function of arrays; the message lists all of them.
    """
    traceables, reasons = [], []
    for label, model in stages:
        try:
            traceables.append(model.traceable(stored=stored))
        except UnsupportedError as error:
            reasons.append(f"{label}: {error}")
    if reasons:
        raise UnsupportedError("\n".join(["this pipeline has no function of arrays:", *reasons]))
    functions = [t.function for t in traceables]

    declared = {f.name: f for f in inputs}

    def function(weights, inputs, key=None):
        blobs = chain(stages, functions, weights, inputs, key, declared=declared)
        env = {name: jnp.asarray(value) for name, value in inputs.items()}
        for arrays in blobs:
            env |= arrays
        return {f.name: env[f.name] for f in outputs if f.name in env} | (blobs[-1] if blobs else {})

    return [t.weights for t in traceables], function
