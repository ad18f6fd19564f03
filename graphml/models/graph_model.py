"""Models that are a graph of operations: what neural networks and ML Programs have in common.

Loading decodes nothing. The first use builds the graph, lowers it and compiles it for the shapes at hand; weights go to
the device once. Predictions run a folded graph, in which scales and shifts are part of the nodes before them (see
`graphml.interpreter.fold`). Models made by `with_parameters` share the compiled program.
"""

# JAX's types are partly unknown; `Model` leaves open which keywords there are
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

import copy
import functools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import jax
import numpy as np

from graphml.descriptions import ArrayConstraint
from graphml.errors import GraphmlError, UnsupportedError
from graphml.graph import Graph
from graphml.interpreter.interface import Interface
from graphml.interpreter.lower import Lowered, lower
from graphml.interpreter.quantization import requantize
from graphml.interpreter.stages import Staged
from graphml.interpreter.values import known
from graphml.models.compile.cache import Cache, usable
from graphml.models.compile.cache_keys import digest, fingerprint
from graphml.models.compile.once import once
from graphml.models.compile.parallel import in_threads
from graphml.models.compile.programs import Compilation, Program
from graphml.models.compile.random_keys import checked_key, fresh_key, fresh_seeds, key_of
from graphml.models.compile.zeros import blank_rows
from graphml.models.configuration import Device, cache_directory, low_precision, pick_device
from graphml.models.interface.arrays import presentation
from graphml.models.interface.ports import Classes
from graphml.models.interface.rows import Rows, rows_of
from graphml.models.model import Model, Traceable
from graphml.models.state import State, arrays_of, initial_arrays, state_types
from graphml.models.weights import ModelWeights, Parameters


class GraphModel(Model, ABC):
    """A graph of operations behind its declared interface.

    Outputs are what the description declares: arrays of the declared dtype (read-only; integers are rounded to nearest,
    halves to even), Python floats for doubles, Pillow images; a classifier gives the most probable label and, if the
    description names one, the dictionary of probabilities.
    """

    _node = "node"
    """What error messages call a node that has weights."""

    def __init__(self, message: Any, **keyword: Any) -> None:
        super().__init__(message, **keyword)
        self.programs: dict[Any, Any] = {}  # compiled; shared by all models that `with_parameters` makes of this one

    # For formats -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def _read_graph(self) -> tuple[Graph, Interface]:
        """The graph and the interface of the message."""

    @abstractmethod
    def _draws_numbers(self) -> bool:
        """Whether a node draws random numbers without a seed, according to the message."""

    @abstractmethod
    def _encode(self) -> Any:
        """A message with the current weights."""

    @abstractmethod
    def _make_check(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Make the check of features: what `predict` takes -> arrays."""

    @abstractmethod
    def _read_classes(self) -> Classes | None:
        """The labels of a classifier; None for other models."""

    def _make_present(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Make the conversion of blobs to what the description declares."""
        return presentation(self.description.outputs, self.classes)

    @abstractmethod
    def _compute_type(self, platform: str) -> Any:
        """The type that floats are computed in; None: each in its stored type."""

    def _low_precision(self, platform: str) -> bool:
        """Whether sums may be accumulated in half precision."""
        return low_precision(self.configuration, platform)

    def _can_be_cached(self) -> bool:
        """Whether a cache directory may have the programs of this model."""
        return True

    def _cache_facts(self) -> tuple[Any, ...]:
        """What else the prepared weights and the programs depend on, apart from the message and the common settings."""
        return ()

    # The functional face ---------------------------------------------------------------------------------------------

    @functools.cached_property
    def graph(self) -> Graph:
        """The model as nodes and blobs, with this model's weights."""
        return self.weights.applied_to(self._original)

    @property
    def interface(self) -> Interface:
        """How arrays enter and leave the graph; with `graph` it is what `graphml.lower` takes."""
        return self._read[1]

    @property
    def parameters(self) -> Parameters:
        """{node: {weight: array or Quantized}}, as stored and in the layout of the format."""
        return self.weights.current

    def with_parameters(self, parameters: Parameters) -> Self:
        """The same model with other weights.

        Args:
            parameters: {node: {weight: array}}, or a part of it.

        Raises:
            GraphError: A node or weight does not exist.
            ShapeError: A weight has another shape.
        """
        other = copy.copy(self)
        other.weights = self.weights.with_changes(parameters)
        for cached in ("graph", "_program", "_encoded"):
            vars(other).pop(cached, None)
        return other

    def requantized(self) -> Self:
        weights = self.weights
        return self.with_parameters(requantize(self.parameters, weights.stored)) if weights.replaced else self

    def lower(
        self,
        dtype: Any = None,
        platform: str | None = None,
        *,
        max_iterations: int | None = None,
        max_array_bytes: int | None = None,
        debug: bool = False,
    ) -> Lowered:
        """The model as a pure function of parameters and inputs; see `graphml.interpreter.lower.lower`.

        Args:
            dtype: The type of floats inside; by default the one that `predict` computes in.
            platform: What to lower for; by default this model's device.
            max_iterations: Iterations after which an otherwise unbounded loop ends, so that it has derivatives.
            max_array_bytes: How many bytes one array may take; by default as the configuration says.
            debug: Whether to check values where they can be seen, that is outside of `jax.jit`.
        """
        self.refuse_unless_usable()
        return self._lowered(
            self.graph, dtype, platform, max_iterations=max_iterations, max_array_bytes=max_array_bytes, debug=debug
        )

    def _lowered(
        self,
        graph: Graph,
        dtype: Any = None,
        platform: str | None = None,
        *,
        max_iterations: int | None = None,
        max_array_bytes: int | None = None,
        debug: bool = False,
    ) -> Lowered:
        platform = self._platform if platform is None else platform
        return lower(
            graph,
            self.interface,
            dtype=self._compute_type(platform) if dtype is None else dtype,
            platform=platform,
            custom_layers=self.custom_layers,
            low_precision=self._low_precision(platform),
            max_iterations=self.configuration.max_loop_iterations if max_iterations is None else max_iterations,
            max_array_bytes=self.configuration.max_array_bytes if max_array_bytes is None else max_array_bytes,
            debug=debug,
        )

    def as_function(self) -> Callable[..., Any]:
        """A function from {input: array} to {output: array} with this model's weights, for jit, grad and vmap.

        Arrays are those of the graph: images are pixels [channels, height, width], a classifier gives probabilities.
        Under `jax.jit` the weights become constants; `lower().fn` takes them as an argument. Outside of it the model
        runs compiled, in stages where shapes depend on values, and `jax.grad` goes through them.

        The function of a model that has a state also takes `state`, {name: array}, and returns outputs and the new
        state.
        """
        lowered = self.lower()
        params = jax.device_put(lowered.params, self._device)
        staged = Staged(lowered)  # compiler options are refused where derivatives are taken

        def function(
            inputs: Mapping[str, Any],
            *,
            key: jax.Array | None = None,
            state: Mapping[str, Any] | None = None,
            **more: Any,
        ) -> Any:
            arrays = state.arrays if isinstance(state, State) else state
            if more or not all(map(known, jax.tree.leaves((inputs, arrays)))):
                return lowered.fn(params, inputs, key=key, state=arrays, **more)
            return staged(params, inputs, key, state=arrays)

        return function

    def traceable(self, *, stored: bool = False) -> Traceable:
        """This model for a program of several models, always in its own precision."""
        self.refuse_unless_usable()
        if self._cache is not None and not stored:
            raise UnsupportedError("a model whose program is kept in a cache directory runs alone")
        if self._states:
            raise UnsupportedError("a model that has a state runs alone")
        program = self._program
        lowered = self.lower() if stored else None  # without it, what a cache directory has needs no lowering

        def function(weights: Any, inputs: Mapping[str, Any], key: jax.Array | None) -> dict[str, Any]:
            with jax.enable_x64(False):
                return (program.lowered.run_prepared if lowered is None else lowered.fn)(weights, inputs, key=key)

        return Traceable(self.weights.prepared(program) if lowered is None else lowered.params, function, program)

    def has_network(self) -> bool:
        return True

    def draws(self) -> bool:
        return self._draws

    @functools.cached_property
    def _draws(self) -> bool:
        return self._draws_numbers()

    def _key(self, key: jax.Array | None) -> jax.Array | None:
        """The key of a call: the given one, or a fresh one if the model needs one."""
        return fresh_key() if key is None and self.draws() else checked_key(key)

    # Predicting ------------------------------------------------------------------------------------------------------

    @property
    def trace_count(self) -> int:
        """How often the model was traced and compiled: once for each set of input shapes."""
        return self._program.trace_count

    def compilations(self) -> tuple[Compilation, ...]:
        """What was compiled so far, why, and how long it took, except for programs of `lower` and `intermediates`."""
        return tuple(self._program.compilations)

    def warm_up(self, shapes: Iterable[Mapping[str, Sequence[int]]] | None = None) -> None:
        """Compile ahead for these input shapes, so that the first `predict` with one of them is fast.

        The model runs once on zeros for each, in threads; where shapes depend on values, others may need more programs.

        Args:
            shapes: {input: shape} for each program; an input that is left out has its default shape, an image is
                [height, width]. None: the enumerated shapes of the interface, or the default ones.

        Raises:
            FeatureError: The interface does not allow a shape.
        """
        self.refuse_unless_usable()
        rows = blank_rows(self.description.inputs, shapes)
        key = jax.random.key(0) if self.draws() else None
        program, prepared = self._program, self._prepared

        def compile_for(row: dict[str, Any]) -> None:
            state = initial_arrays(self._states) if self._states else None
            jax.block_until_ready(program.run(prepared, self._check(row), key, state))

        in_threads(compile_for, rows)

    def predict(
        self, features: Mapping[str, Any], *, key: jax.Array | None = None, state: State | None = None
    ) -> dict[str, Any]:
        """Run the model once; see `Model.predict`.

        Args:
            features: {input: value}.
            key: The random key for nodes without a seed; without it each call draws different numbers.
            state: For a model that has one, from `make_state`. It is changed only if the call succeeds.
        """
        self.refuse_unless_usable()
        if state is None and not self._states:
            return self.present(self._program.run(self._prepared, self._check(features), self._key(key)))
        arrays = self._arrays_of(state)
        values, key = self._check(features), self._key(key)
        blobs, after = self._program.run(self._prepared, values, key, arrays)
        outputs = self.present(blobs)
        assert state is not None
        state.replace(after)
        return outputs

    def predict_batch(
        self, rows: Rows, *, key: jax.Array | None = None, state: State | None = None
    ) -> list[dict[str, Any]]:
        """`predict` for each of many, in order; rows of equal shapes run together.

        Args:
            rows: The features of each row, or {input: its values in all rows}.
            key: Every row draws the same numbers as `predict` with this key; without it each row draws different ones.
            state: For a model that has one: rows run one after the other, each with the state that the previous row
                has left. It is changed only if all rows succeed.
        """
        self.refuse_unless_usable()
        arrays = self._arrays_of(state) if state is not None or self._states else None
        values: list[dict[str, Any]] = []
        for number, features in enumerate(rows_of(rows)):
            try:
                values.append(self._check(features))
            except GraphmlError as error:
                raise error.in_context(f"row {number + 1}") from None
        key = checked_key(key)
        if key is None and self.draws():
            key = key_of(fresh_seeds(len(values)))
        if state is None or arrays is None:
            return [self.present(outputs) for outputs in self._program.run_rows(self._prepared, values, key)]
        blobs, after = self._program.run_in_turn(self._prepared, values, key, arrays)
        found = [self.present(outputs) for outputs in blobs]
        state.replace(after)
        return found

    # State -----------------------------------------------------------------------------------------------------------

    def make_state(self) -> State:
        self.refuse_unless_usable()
        if not self._states:
            return super().make_state()
        return State(self._states, self._owner, initial_arrays(self._states))

    def has_state(self) -> bool:
        return bool(self._states)

    @functools.cached_property
    def _states(self) -> Mapping[str, ArrayConstraint]:
        return state_types(self.description.states)

    @functools.cached_property
    def _owner(self) -> str:
        """Identifies the file: models of the same file, such as functions of a program, take each other's states."""
        return digest(None if self.path is None else os.path.realpath(self.path), fingerprint(self._message))

    def _arrays_of(self, state: State | None) -> dict[str, jax.Array]:
        return arrays_of(state, self._states, self._owner)

    def arrays(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """What `lower().fn` takes, from what `predict` takes: checked, images as pixels [channels, height, width]."""
        return self._check(features)

    def intermediates(
        self,
        features: Mapping[str, Any],
        names: Iterable[str] | None = None,
        *,
        key: jax.Array | None = None,
        state: State | None = None,
    ) -> dict[str, np.ndarray]:
        """Intermediate blobs, in the internal form of the model.

        Args:
            features: {input: value}, as `predict` takes them.
            names: The names of the blobs; None: all of them.
            key: As `predict` takes it.
            state: As `predict` takes it; here it is not changed.

        Raises:
            GraphError: A blob does not exist.
        """
        self.refuse_unless_usable()
        key = self._key(key)
        lowered = self._program.lowered
        wanted = None if names is None else tuple(names)
        params, inputs = {k: v for k, v in self.parameters.items() if k not in lowered.known}, self._check(features)
        arrays = self._arrays_of(state) if state is not None or self._states else None

        def run(params: Any, inputs: Any, key: Any, arrays: Any) -> dict[str, Any]:
            return lowered.intermediates(params, inputs, wanted, key=key, state=arrays)

        try:
            blobs = jax.jit(run)(params, inputs, key, arrays)
        except UnsupportedError:  # shapes that depend on values are known only when it runs node by node
            blobs = run(params, inputs, key, arrays)
        return {name: np.asarray(blob) for name, blob in blobs.items()}

    # Saving ----------------------------------------------------------------------------------------------------------

    @property
    def spec(self) -> Any:
        """The model as a message. Weights that were replaced are stored again, all others as they were read.

        It is read when it is needed: change a copy of it, and load that.
        """
        return self._encoded if self.weights.replaced else self._message

    @functools.cached_property
    def _encoded(self) -> Any:
        return self._encode()

    @property
    def unchanged_spec(self) -> Any:
        """The model as it was read, even if weights were replaced."""
        return self._message

    def with_message(self, message: Any) -> Self:
        """A model of the same kind with another message. Weights outside of messages stay those of this model.

        Args:
            message: The Model message; it differs in what the graph and its weights do not depend on.
        """
        return type(self)(
            message,
            configuration=self.configuration,
            custom_layers=self.custom_layers,
            custom_models=self.custom_models,
            path=self.path,
        )

    # What is made once -----------------------------------------------------------------------------------------------

    @functools.cached_property
    def classes(self) -> Classes | None:
        """The labels of a classifier and the names under which it answers; None for other models."""
        return self._read_classes()

    @functools.cached_property
    def _check(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        return self._make_check()

    @functools.cached_property
    def present(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Outputs as the description declares them, from the blobs."""
        return self._make_present()

    @once
    def _read(self) -> tuple[Graph, Interface]:
        return self._read_graph()

    @property
    def _original(self) -> Graph:
        return self._read[0]

    @once
    def weights(self) -> ModelWeights:
        """The owner of this model's weights, stored and prepared."""
        return ModelWeights(lambda: self._original.parameters(), self._node)

    @functools.cached_property
    def _device(self) -> Device | None:
        return pick_device(self.configuration)

    @property
    def _platform(self) -> str:
        return jax.default_backend() if self._device is None else self._device.platform

    @once
    def _program(self) -> Program:
        made = self.programs.get("shared") or self._program_of(self._lower_original, self._cache)
        shared = self.programs.setdefault("shared", made)  # another thread may have made one meanwhile
        # constants that decide shapes are part of the program
        differs = self.weights.replaced and self.weights.differ_in(shared.lowered.known)
        return self._program_of(self.lower) if differs else shared

    def _program_of(self, make: Callable[[], Lowered], cache: Cache | None = None) -> Program:
        most, dtype = self.configuration.most_programs, self._compute_type(self._platform)
        return Program(make, self._platform, self._device, cache, dtype=dtype, most=most)

    def _lower_original(self) -> Lowered:
        return self._lowered(self._original)

    @once
    def _cache(self) -> Cache | None:
        """What this model has in the cache directory, if there is one."""
        folder = cache_directory(self.configuration)
        try:
            if folder is None or not self._can_be_cached() or not usable(folder):
                return None
        except GraphmlError:  # not a legal model; using it reports that
            return None
        device = jax.devices()[0] if self._device is None else self._device
        dtype = self._compute_type(self._platform)
        computed = "declared" if dtype is None else np.dtype(dtype).name
        limits = self.configuration.max_loop_iterations, self.configuration.max_array_bytes
        precision = self._low_precision(self._platform)
        return Cache(folder, self._message, device, computed, precision, *limits, *self._cache_facts())

    @once
    def _usable(self) -> bool:
        # what is in the cache was checked before it was stored
        return (self._cache is not None and self._cache.weights is not None) or super()._usable

    @property
    def _prepared(self) -> Any:
        return self.weights.prepared(self._program)
