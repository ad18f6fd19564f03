"""Neural networks: neuralNetwork, neuralNetworkClassifier, neuralNetworkRegressor.

Loading decodes nothing. The first use builds the graph, lowers it and compiles it for the shapes at hand; weights go to
the device once. Predictions run a folded graph, in which scales and shifts are part of the layers before them (see
`graphml.interpreter.fold`). Models made by `with_parameters` share the compiled program.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import FeatureError, GraphmlError, SpecError, UnsupportedError
from graphml.frontends.layer_interface import LayerInterface
from graphml.frontends.layers import read_network
from graphml.frontends.sequences import sequence_advice
from graphml.graph import Graph
from graphml.interpreter.budget import check_shape
from graphml.interpreter.lower import Lowered, lower
from graphml.interpreter.stages import Staged
from graphml.interpreter.values import known
from graphml.models.compile.cache import Cache, usable
from graphml.models.compile.programs import Compilation, Program
from graphml.models.compile.random_keys import checked_key, fresh_key, fresh_seeds, key_of
from graphml.models.compile.zeros import declared_shapes, zeros
from graphml.models.configuration import Device, cache_directory, low_precision, pick_device
from graphml.models.interface import ports
from graphml.models.interface.values import feature_check
from graphml.models.model import Model, Traceable
from graphml.models.network_values import classified, input_check, output_conversion
from graphml.models.network_weights import NetworkWeights, Parameters
from graphml.spec import versions
from graphml.spec.networks import all_kinds, draws, is_exact


class NeuralNetwork(Model):
    """A network behind its declared interface.

    Outputs are what the description declares: arrays of the declared dtype (read-only; integers are rounded to nearest,
    halves to even), Python floats for doubles, Pillow images; a classifier gives the most probable label and, where one
    is named, the dictionary of probabilities.
    """

    def __init__(self, message: Any, **keyword: Any) -> None:
        super().__init__(message, **keyword)
        self.programs: dict[Any, Any] = {}  # compiled; shared by all models that `with_parameters` makes of this one

    # The functional face ---------------------------------------------------------------------------------------------

    @functools.cached_property
    def graph(self) -> Graph:
        """The network as nodes and blobs, with this model's weights."""
        return self.weights.applied_to(self._original)

    @property
    def parameters(self) -> Parameters:
        """{layer: {weight: array or Quantized}}, as stored and in the layout of the format."""
        return self.weights.current

    def with_parameters(self, parameters: Parameters) -> NeuralNetwork:
        """The same model with other weights: {layer: {weight: array}}, or a part of it.

        Raises GraphError for a layer or weight that does not exist, ShapeError for one of another shape.
        """
        other = copy.copy(self)
        other.weights = self.weights.with_changes(parameters)
        for cached in ("graph", "_program", "_encoded"):
            other.__dict__.pop(cached, None)
        return other

    def lower(
        self,
        dtype: Any = None,
        platform: str | None = None,
        *,
        max_iterations: int | None = None,
        max_array_bytes: int | None = None,
        debug: bool = False,
    ) -> Lowered:
        """The network as a pure function of parameters and inputs; see `graphml.interpreter.lower.lower`.

        dtype: of everything inside, float32 unless given. platform: what to lower for, unless for this model's device.
        max_iterations: turns after which a loop ends that has no bound of its own, so that it has derivatives.
        max_array_bytes: how many bytes one array may take, unless what the configuration says.
        debug: values are checked where they can be seen, that is outside of `jax.jit`.
        """
        self._usable  # noqa: B018  (checked once)
        return self._lowered(
            self.graph,
            dtype,
            platform,
            max_iterations=max_iterations,
            max_array_bytes=max_array_bytes,
            debug=debug,
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
            dtype=jnp.float32 if dtype is None else dtype,
            platform=platform,
            custom_layers=self.custom_layers,
            low_precision=low_precision(self.configuration, platform),
            max_iterations=self.configuration.max_loop_iterations if max_iterations is None else max_iterations,
            max_array_bytes=self.configuration.max_array_bytes if max_array_bytes is None else max_array_bytes,
            debug=debug,
        )

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """{output: array} from {input: array} with this model's weights; to be jitted, differentiated, vmapped.

        Arrays are those of the layers: images are pixels [channels, height, width], a classifier gives probabilities.
        Under `jax.jit` the weights become constants; `lower().fn` takes them as an argument. Outside of it the network
        runs compiled, in stages where shapes depend on values, and `jax.grad` goes through them.
        """
        lowered = self.lower()
        params = jax.device_put(lowered.params, self._device)
        staged = Staged(lowered)  # compiler options are refused where derivatives are taken

        def function(inputs: Mapping[str, Any], *, key: jax.Array | None = None, **more: Any) -> dict[str, Any]:
            if more or not all(map(known, jax.tree.leaves(inputs))):
                return lowered.fn(params, inputs, key=key, **more)
            return staged(params, inputs, key)

        return function

    def traceable(self) -> Traceable:
        """This network for a program of several models: in float32, whatever surrounds it."""
        self._usable  # noqa: B018  (checked once)
        if self._cache is not None:
            raise UnsupportedError("a network whose program is kept in a cache directory runs alone")
        program = self._program

        def function(prepared, inputs, key):
            with jax.enable_x64(False):
                return program.lowered.run_prepared(prepared, inputs, key=key)

        return Traceable(self.weights.prepared(program), function, program)

    def has_network(self) -> bool:
        return True

    def draws(self) -> bool:
        return self._draws

    @functools.cached_property
    def _draws(self) -> bool:
        return draws(self._network.layers)

    def _key(self, key: jax.Array | None) -> jax.Array | None:
        """The key of a call: the given one, or a fresh one where the network needs any."""
        return fresh_key() if key is None and self.draws() else checked_key(key)

    # Predicting ------------------------------------------------------------------------------------------------------

    @property
    def trace_count(self) -> int:
        """How often the network was traced and compiled: once for each set of input shapes."""
        return self._program.trace_count

    def compilations(self) -> tuple[Compilation, ...]:
        """What was compiled so far, why, and how long it took; programs of `lower` and `intermediates` left out."""
        return tuple(self._program.compilations)

    def warm_up(self, shapes: Iterable[Mapping[str, Sequence[int]]] | None = None) -> None:
        """Compile ahead for these input shapes, so that the first `predict` with one of them is fast.

        shapes: {input: shape} for each program; an input that is left out has its default shape, an image is [height,
        width]. None: the enumerated shapes of the interface, or the default ones. The network runs once on zeros
        for each; where shapes depend on values, other values may need more programs. Raises FeatureError for a shape
        that the interface does not allow.
        """
        self._usable  # noqa: B018  (checked once)
        inputs = self.description.inputs
        key = jax.random.key(0) if self.draws() else None
        for row in declared_shapes(inputs) if shapes is None else shapes:
            unknown = sorted(set(row) - {feature.name for feature in inputs})
            if unknown:
                raise FeatureError(f"no input is called {', '.join(map(repr, unknown))}")
            blank = {feature.name: zeros(feature, row.get(feature.name)) for feature in inputs}
            jax.block_until_ready(self._program.run(self._prepared, self._check(blank), key))

    def predict(self, features: Mapping[str, Any], *, key: jax.Array | None = None) -> dict[str, Any]:
        """{output: value} for {input: value}; see `Model.predict`.

        key: what layers draw random numbers with that have no seed of their own; without it each call draws anew.
        """
        self._usable  # noqa: B018  (checked once)
        return self.present(self._program.run(self._prepared, self._check(features), self._key(key)))

    def predict_batch(self, rows: Iterable[Mapping[str, Any]], *, key: jax.Array | None = None) -> list[dict[str, Any]]:
        """`predict` for each of many, in order; rows of equal shapes run together.

        key: every row draws what `predict` draws with it; without it each row draws anew.
        """
        self._usable  # noqa: B018  (checked once)
        values = []
        for number, features in enumerate(rows):
            try:
                values.append(self._check(features))
            except GraphmlError as error:
                raise error.in_context(f"row {number + 1}") from None
        key = checked_key(key)
        if key is None and self.draws():
            key = key_of(fresh_seeds(len(values)))
        return [self.present(outputs) for outputs in self._program.run_rows(self._prepared, values, key)]

    def arrays(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """What `lower().fn` takes, from what `predict` takes: checked, images as pixels [channels, height, width]."""
        return self._check(features)

    def intermediates(
        self, features: Mapping[str, Any], names: Iterable[str] | None = None, *, key: jax.Array | None = None
    ) -> dict[str, np.ndarray]:
        """The named blobs (None: all) as the layers see them. Raises GraphError for a blob that does not exist.

        key: as `predict` takes it.
        """
        self._usable  # noqa: B018  (checked once)
        key = self._key(key)
        lowered = self._program.lowered
        wanted = None if names is None else tuple(names)
        params = {k: v for k, v in self.parameters.items() if k not in lowered.known}
        inputs = self._check(features)

        def run(params, inputs, key):
            return lowered.intermediates(params, inputs, wanted, key=key)

        try:
            blobs = jax.jit(run)(params, inputs, key)
        except UnsupportedError:  # shapes that depend on values are known only when it runs layer by layer
            blobs = run(params, inputs, key)
        return {name: np.asarray(blob) for name, blob in blobs.items()}

    # Saving ----------------------------------------------------------------------------------------------------------

    @property
    def spec(self) -> Any:
        """The model as a message. Weights that were replaced are stored anew, all others as they were read."""
        return self._encoded if self.weights.replaced else self._message

    @functools.cached_property
    def _encoded(self) -> Any:
        message = type(self._message)()
        message.CopyFrom(self._message)
        network = getattr(message, self.kind)
        self.weights.write_to(network.layers, self._original.body)
        # half-precision and quantized weights came with later versions
        message.specificationVersion = max(message.specificationVersion, versions.required(message))
        return message

    # What is made once -----------------------------------------------------------------------------------------------

    @property
    def _network(self) -> Any:
        return getattr(self._message, self.kind)

    @functools.cached_property
    def classes(self) -> ports.Classes | None:
        """The labels of a classifier and the names under which it answers; None for other networks."""
        return ports.classes_of(self._network, self.description)

    @property
    def _original(self) -> Graph:
        return self._read[0]

    @property
    def interface(self) -> LayerInterface:
        """How arrays enter and leave the network; with `graph` it is what `graphml.lower` takes."""
        return self._read[1]

    @functools.cached_property
    def _read(self) -> tuple[Graph, LayerInterface]:
        inputs = ports.input_ports(self._network, self.description)
        outputs = ports.output_ports(self.description, self.classes)
        return read_network(self._network, inputs, outputs)

    @functools.cached_property
    def weights(self) -> NetworkWeights:
        """The owner of this model's weights, stored and prepared."""
        return NetworkWeights(lambda: self._original.parameters())

    @functools.cached_property
    def _device(self) -> Device | None:
        return pick_device(self.configuration)

    @property
    def _platform(self) -> str:
        return jax.default_backend() if self._device is None else self._device.platform

    @functools.cached_property
    def _program(self) -> Program:
        if "shared" not in self.programs:
            self.programs["shared"] = self._program_of(self._lower_original, self._cache)
        shared = self.programs["shared"]
        # constants that decide shapes are part of the program
        differs = self.weights.replaced and self.weights.differ_in(shared.lowered.known)
        return self._program_of(self.lower) if differs else shared

    def _program_of(self, make: Callable[[], Lowered], cache: Cache | None = None) -> Program:
        return Program(make, self._platform, self._device, cache, most=self.configuration.most_programs)

    def _lower_original(self) -> Lowered:
        return self._lowered(self._original)

    @functools.cached_property
    def _cache(self) -> Cache | None:
        """What this model has in the cache directory, if there is one. Custom layers are functions, which have no key
        by which another process could know them again."""
        folder = cache_directory(self.configuration)
        try:
            if folder is None or "custom" in all_kinds(self._network.layers) or not usable(folder):
                return None
        except GraphmlError:  # not a legal model, as its use will tell
            return None
        device = jax.devices()[0] if self._device is None else self._device
        precision = low_precision(self.configuration, self._platform)
        limits = self.configuration.max_loop_iterations, self.configuration.max_array_bytes
        return Cache(folder, self._message, device, "float32", precision, *limits)

    @functools.cached_property
    def _usable(self) -> bool:
        # what is in the cache was checked before it came there
        return (self._cache is not None and self._cache.weights is not None) or super()._usable

    @property
    def _prepared(self) -> Any:
        return self.weights.prepared(self._program)

    @functools.cached_property
    def _check(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        inputs, rank5 = ports.input_ports(self._network, self.description), not is_exact(self._network)
        shapes = {port.name: (port.shape, port.default) for port in inputs}
        check = feature_check(
            self.description.inputs,
            lambda feature: input_check(feature, lambda: self._advice(feature.name), rank5=rank5),
        )
        blanks = {}
        for feature in self.description.inputs:
            shape, default = shapes[feature.name]
            if feature.optional and shape is not None:
                check_shape(shape)
                blanks[feature.name] = np.full(shape, default, np.float32)
        return (lambda features: blanks | check(features)) if blanks else check

    def _advice(self, name: str) -> str:
        """How to give an input that is a sequence; empty for others."""
        vectors = {given: size for given, size in self.interface.vectors.items() if given == name}
        return sequence_advice(self._original, vectors)

    @functools.cached_property
    def present(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Outputs as the description declares them, from the blobs."""
        classes = self.classes
        if classes is not None and not classes.labels:
            raise SpecError("the classifier has no labels")
        named = () if classes is None else (classes.label_name, classes.probabilities_name)
        plain = [(f.name, output_conversion(f)) for f in self.description.outputs if f.name not in named]

        def present(blobs: Mapping[str, Any]) -> dict[str, Any]:
            out = {name: convert(blobs[name]) for name, convert in plain}
            return out if classes is None else out | classified(np.asarray(blobs[classes.blob]), classes)

        return present
