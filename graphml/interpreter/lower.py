"""The entry point of the interpreter: a `Graph` and its `Interface` become pure functions of parameters and inputs.

    lowered = lower(graph, interface)
    outputs = jax.jit(lowered.fn)(lowered.params, {"x": x})

`evaluate` runs the nodes; `weights`, `layout`, `constants` and `control` are what it needs for that.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.catalogue import Target
from graphml.errors import GraphError, GraphmlError, ShapeError, UnsupportedError, quoted, typed
from graphml.graph import EXIT, Graph, Node, check_branches, check_wiring, signature, writes, written_by
from graphml.interpreter.arguments import check_names, check_params
from graphml.interpreter.attach import Attached, attach
from graphml.interpreter.budget import OF_JAX, check_shape
from graphml.interpreter.constants import known_blobs, shape_constants, static_constants
from graphml.interpreter.evaluate import Evaluation, origins, run_region
from graphml.interpreter.fold import Folded, fold
from graphml.interpreter.interface import Blobs, Interface
from graphml.interpreter.layout import wire
from graphml.interpreter.loop import MOST_ITERATIONS, SANE_BOUND, too_many_iterations
from graphml.interpreter.quantization import is_compressed
from graphml.interpreter.sharding import left_to_compiler
from graphml.interpreter.values import known, peek
from graphml.interpreter.weights import ready_weights, weight_arrays

Params = Mapping[str, Any]
Arrays = Mapping[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class Lowered:
    """A graph as pure functions.

    Attributes:
        graph: what is computed.
        interface: how values enter and leave it.
        source: the graph that the parameters come from; `graph` may be a piece of it.
        target: what it is lowered for.
        dtype: the type that it is lowered for; the dialect decides what that means for each value.
        known: keys of constants whose values decide shapes: they are part of the program, not of `params`.
    """

    graph: Graph
    interface: Interface
    source: Graph
    target: Target
    dtype: Any
    known: frozenset[str]

    @cached_property
    def params(self) -> Params:
        """The weights as stored, {node: {weight: array or Quantized}}.

        `jax.grad` refuses the integers of quantized ones: `graphml.dequantize(params)` has floats instead.
        """
        return self.read_params()

    def read_params(self) -> Params:
        """`params`, without caching them."""
        return {key: value for key, value in self.source.parameters().items() if key not in self.known}

    def __repr__(self) -> str:
        graph = self.graph
        nodes = sum(1 for _ in graph.body.walk())
        dtype = "declared types" if self.dtype is None else np.dtype(self.dtype).name
        packed = sum(map(is_compressed, jax.tree.leaves(self.params, is_leaf=is_compressed)))
        advice = f"; compressed arrays: {packed}, which graphml.dequantize(params) makes floats for gradients"
        return (
            f"<Lowered: {signature(graph.inputs, graph.outputs, graph.state)}; {nodes} nodes, "
            f"{len(self.params)} of them with parameters{advice if packed else ''}; {dtype}, {self.target.platform}>"
        )

    def fn(
        self,
        params: Params,
        inputs: Arrays,
        *,
        state: Arrays | None = None,
        key: jax.Array | None = None,
        train: bool = False,
        static: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the graph. A pure function: jit, grad and vmap it.

        Args:
            params: the weights, as `self.params`.
            inputs: {input: array}. Arrays have the shapes of the interface. In a neural network, leading sequence and
                batch axes may be added where the mapping is rank 5, and images are pixels [channels, height, width].
            state: {name: array} of a graph that has state.
            key: for nodes that draw random numbers.
            train: whether a derivative is taken for training.
            static: {blob: value} for values that decide shapes and cannot be seen under `jax.jit`; the compiled program
                holds for these values only.

        Returns:
            {output: array}. Of a graph that has state: ({output: array}, {name: array}), the state after the call.

        Raises:
            FeatureError: Inputs or states are not given by name.
            GraphError: An input, state or parameter is missing or unknown.
            ShapeError: Shapes do not fit; the message names the node or the parameter.
            UnsupportedError: A value decides a shape and cannot be seen; the message names the node and the blob.
        """
        return self._run(params, inputs, state=state, key=key, train=train, prepared=False, static=static)

    def run_prepared(
        self, prepared: Params, inputs: Arrays, *, state: Arrays | None = None, key: jax.Array | None = None
    ) -> Any:
        """`fn` on the result of `prepare`."""
        return self._run(prepared, inputs, state=state, key=key, train=False, prepared=True)

    def prepare(self, params: Params) -> Params:
        """Weights in the form in which rows use them; make it once, then call `run_prepared` many times."""
        folded = self.folded
        with catalogue.lowering_for(self.target):
            params = self._attached.weights(params)
            params = folded.absorbed(params, lambda node, weights: weight_arrays(node, weights, self.dtype))
            return {
                node.key: ready_weights(catalogue.row(node), node, params[node.key], self.dtype)
                for node in folded.graph.body.walk()
                if node.key in params
            }

    @cached_property
    def folded(self) -> Folded:
        """The graph that runs on prepared weights: some of its nodes are part of others."""
        with catalogue.lowering_for(self.target):
            return fold(self._attached.graph)

    @cached_property
    def _attached(self) -> Attached:
        return attach(self.graph, self.known)

    def intermediates(
        self,
        params: Params,
        inputs: Arrays,
        names: Iterable[str] | None = None,
        *,
        state: Arrays | None = None,
        key: jax.Array | None = None,
    ) -> dict[str, Any]:
        """The named blobs (None: all of them), in their internal form.

        Raises:
            GraphError: The graph has no such blob.
        """
        wanted = {name for node in self.graph.body.nodes for name in node.outputs} if names is None else set(names)

        def blobs(params: Params, inputs: Arrays, state: Arrays | None, key: jax.Array | None) -> dict[str, Any]:
            keep = frozenset(wanted)
            env = self._evaluate(params, inputs, keep=keep, state=state, key=key, train=False, prepared=False)
            missing = sorted(wanted - env.keys())
            if missing:
                raise GraphError(f"the network has no blob {', '.join(map(repr, missing))}")
            inside = self.interface.inside((), wanted)
            return {name: inside.leave(name, wire(env[name])) for name in sorted(wanted)}

        return left_to_compiler(blobs, params, inputs, state, key)

    def blob_shapes(self, names: Iterable[str] | None = None) -> dict[str, tuple[int, ...]]:
        """The internal shapes of blobs, for inputs of the declared shapes. Nothing is computed.

        Args:
            names: the blobs. None: the inputs, and what the nodes outside of regions write, in order.

        Raises:
            GraphError: The graph has no such blob, or an input has no declared shape.
            UnsupportedError: A size depends on data.
            ShapeError: A node does not fit its inputs.
        """
        written = [name for node in self.graph.body.nodes for name in node.outputs]
        wanted = tuple(dict.fromkeys([*self.graph.inputs, *written] if names is None else names))

        def blobs(params: Params, inputs: Arrays, key: jax.Array) -> dict[str, Any]:
            return self.intermediates(params, inputs, wanted, key=key)

        inputs = self.interface.declared_inputs(np.float32)
        found = jax.eval_shape(blobs, self.params, inputs, jax.eval_shape(lambda: jax.random.key(0)))
        return {name: tuple(found[name].shape) for name in wanted}

    def _run(
        self,
        params: Params,
        inputs: Arrays,
        *,
        state: Arrays | None,
        key: jax.Array | None,
        train: bool,
        prepared: bool,
        static: Mapping[str, Any] | None = None,
    ) -> Any:
        names = frozenset((*self.graph.outputs, *self.graph.state))

        self.check_arguments(params, inputs, prepared=prepared)

        def results(params: Params, inputs: Arrays, state: Arrays | None, key: jax.Array | None) -> Any:
            env = self._evaluate(
                params, inputs, keep=names, state=state, key=key, train=train, prepared=prepared, static=static
            )
            return self.leave({name: wire(env[name]) for name in names})

        return left_to_compiler(results, params, inputs, state, key)

    def _evaluate(
        self,
        params: Params,
        inputs: Arrays,
        *,
        keep: frozenset[str],
        state: Arrays | None,
        key: jax.Array | None,
        train: bool,
        prepared: bool,
        static: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        env = self.enter(inputs, state)
        evaluation = self.evaluation(params, key, prepared=prepared, train=train, static=static)
        with catalogue.lowering_for(evaluation.target):
            try:
                run_region(self.folded.graph.body if prepared else self.graph.body, env, keep, evaluation)
            except ShapeError as error:
                advice = self.interface.advice(self.graph)
                if not advice:
                    raise
                raise ShapeError(f"{error}\n{advice}") from error
        return env

    def evaluation(
        self,
        params: Params,
        key: jax.Array | None,
        *,
        prepared: bool = False,
        train: bool = False,
        static: Mapping[str, Any] | None = None,
    ) -> Evaluation:
        """A new evaluation."""
        target = self.target.replace(train=train)
        given = dict(static or {})
        return Evaluation(target, self.dtype, self.known, params, key, prepared, self._origins, {}, given)

    @cached_property
    def _origins(self) -> Mapping[str, str]:
        return origins(self.graph)

    def check_arguments(self, params: Any, inputs: Any, *, prepared: bool) -> None:
        """Check the names of parameters and inputs, and the shapes of parameters.

        Raises:
            FeatureError: The inputs are not given by name.
            GraphError: A parameter or input is unknown, or a parameter is missing.
            ShapeError: A parameter has another shape.
        """
        if not prepared:
            # a piece of a graph takes the parameters of the whole; constants that decide shapes are in the program
            check_params(params, self._expected, may_be_there=self.params.keys() | self.known)
        check_names("input", inputs, self.graph.inputs)

    @cached_property
    def _expected(self) -> Params:
        return {node.key: self.params[node.key] for node in self.graph.body.walk() if node.key in self.params}

    # Entering and leaving --------------------------------------------------------------------------------------------

    def enter(self, inputs: Arrays, state: Arrays | None = None) -> dict[str, Any]:
        """The blobs before the first node: those of the inputs, and the state."""
        check_names("input", inputs, self.graph.inputs)
        given: Arrays = {} if state is None else state
        check_names("state", given, self.graph.state)
        missing = [name for name in self.graph.state if name not in given]
        if missing:
            raise GraphError(f"the state {', '.join(map(repr, missing))} is missing: pass state={{name: array}}")
        with catalogue.lowering_for(self.target):
            blobs = {name: self._entered(name, inputs.get(name)) for name in self.graph.inputs}
            return blobs | self._entered_state(given)

    def _entered_state(self, given: Arrays) -> dict[str, Any]:
        state = {name: jnp.asarray(given[name]) for name in self.graph.state}
        for name, declared in self.interface.declared_state().items():
            if name in state and state[name].shape != declared.shape:
                shapes = [list(each.shape) for each in (declared, state[name])]
                raise ShapeError(f"the state {quoted(name)} has shape {shapes[0]}, got {shapes[1]}")
        return state

    def _entered(self, name: str, value: Any) -> Any:
        shape: Any = getattr(value, "shape", ())
        if any(map(jax.export.is_symbolic_dim, shape)):
            raise UnsupportedError(
                f"input {quoted(name)} has shape {list(shape)}, but sizes must be integers; export a program for each"
            )
        try:
            entered = self.interface.enter(name, value, self.dtype)
            blob = wire(entered)
            check_shape(blob.shape, blob.dtype)
            return entered
        except ShapeError as error:
            raise error.in_context(f"input {quoted(name)}") from None
        except (GraphmlError, *OF_JAX):
            raise
        except Exception as error:
            raise typed(error, f"input {quoted(name)}") from error

    def leave(self, blobs: Mapping[str, Any]) -> Any:
        """What `fn` returns, from the blobs after the last node."""
        outputs = {name: self.interface.leave(name, blobs[name]) for name in self.graph.outputs}
        if not self.graph.state:
            return outputs
        return outputs, {name: jnp.asarray(blobs[name]) for name in self.graph.state}

    # Loops -----------------------------------------------------------------------------------------------------------

    @property
    def endless(self) -> bool:
        """Whether a node may run without end, so that it should be possible to interrupt it."""
        return any(is_endless(node) for node in self.graph.body.walk())

    def check_counts(self, inputs: Arrays) -> None:
        """Check inputs that say how often a loop runs, which a compiled program cannot. Traced ones are skipped.

        Raises:
            UnsupportedError: An input asks for more iterations than can be counted, and nothing else ends the loop.
        """
        for name, node in self._counted.items():
            if name in inputs and known(inputs[name]) and np.size(inputs[name]) == 1:
                iterations = np.asarray(peek(inputs[name])).item()
                if iterations >= MOST_ITERATIONS:
                    raise too_many_iterations(iterations).in_context(node.label)

    @cached_property
    def _counted(self) -> Mapping[str, Node]:
        """Inputs of the graph that alone decide the iteration count of a loop, and the first such loop."""
        found: dict[str, Node] = {}
        inputs = set(self.graph.inputs)
        for node in self.graph.body.nodes:
            body = node.regions.get("body")
            if body is not None and "condition" not in node.regions and EXIT not in writes(body):
                found = dict.fromkeys(inputs.intersection(node.inputs), node) | found
            inputs -= written_by(node)
        return found


def is_endless(node: Node) -> bool:
    """Whether a node has no practical bound on how long it runs."""
    most = catalogue.row(node).most_iterations(node.inputs, node.attributes)
    return most is not None and most > SANE_BOUND


def lower(
    graph: Graph,
    interface: Interface | None = None,
    *,
    dtype: Any = jnp.float32,
    platform: str | None = None,
    custom_layers: Mapping[str, Callable[..., Any]] | None = None,
    low_precision: bool = False,
    max_iterations: int | None = None,
    max_array_bytes: int | None = None,
    debug: bool = False,
) -> Lowered:
    """Make pure functions from a graph.

    Args:
        graph: from a front end (`graphml.frontends`) or made by hand.
        interface: how values enter and leave it; None for blobs without conversion.
        dtype: what its floats are computed in, as far as the dialect leaves the choice; float64 needs
            `jax.enable_x64`.
        platform: cpu, cuda, tpu ... (None: JAX's default); it chooses between equivalent forms of an operator, and does
            not change what is computed.
        custom_layers: class name -> function.
        low_precision: on GPUs, accumulate dots and convolutions in half precision.
        max_iterations: iterations after which an otherwise unbounded loop ends, so that it has derivatives. A loop
            whose count is an input is bounded by it; its derivative is NaN where the count is larger.
        max_array_bytes: bytes that one array may take, by default 4 GiB; a node that makes a larger one is refused
            when it is traced.
        debug: refuse values that are otherwise accepted, such as an index that an array does not have; only where they
            can be seen, outside of `jit`.

    Raises:
        GraphError: The graph is wired wrongly, or a node is not what its operator takes; the message names the node.
        UnsupportedError: Nodes cannot run here; the message lists all of them.
    """
    interface = Blobs() if interface is None else interface
    target = Target(
        platform=platform or jax.default_backend(),
        dtype=dtype,
        blob_rank=interface.blob_rank,
        debug=debug,
        max_iterations=max_iterations,
        low_precision=low_precision,
        max_array_bytes=catalogue.MAX_ARRAY_BYTES if max_array_bytes is None else max_array_bytes,
        custom_layers=dict(custom_layers or {}),
    )
    check_wiring(graph)
    with catalogue.lowering_for(target):
        refuse_unsupported(graph)
    for node in graph.body.walk():
        _check_node(node)
    check_branches(graph, known_blobs(graph))
    constants = shape_constants(graph.body) | static_constants(graph.body)
    return Lowered(graph, interface, graph, target, dtype, constants)


def refuse_unsupported(graph: Graph) -> None:
    """Raise one UnsupportedError that names every node which cannot run, and why."""
    reasons: list[str] = []
    for node in graph.body.walk():
        try:
            reason = catalogue.row(node).supported(node.attributes)
        except UnsupportedError as error:
            reason = str(error)
        if reason:
            reasons.append(f"{node.label}: {reason}")
    if reasons:
        raise UnsupportedError("this network cannot run here:\n" + "\n".join(reasons))


def _check_node(node: Node) -> None:
    """Raise GraphError where a node is not what its operator takes."""
    row = catalogue.row(node)
    fewest, most = row.input_range
    faults: list[str] = []
    if not fewest <= len(node.inputs) <= most:
        legal = f"{fewest}" if fewest == most else f"{fewest} or more" if most > 1e9 else f"{fewest} to {most}"
        faults.append(f"it has {len(node.inputs)} inputs; {node.kind} takes {legal}")
    for what, legal, given in (
        ("attribute", row.attributes, node.attributes.keys()),
        ("weight", row.weights, node.weights.keys()),
        ("region", frozenset(row.regions.values()), node.regions.keys()),
    ):
        absent = sorted(legal - given) if what == "attribute" else []
        unknown = sorted(given - legal) if what != "attribute" else []  # the format may have some that rows do not use
        faults += [f"it lacks the {what} {name!r}" for name in absent]
        names = ", ".join(sorted(legal)) or "none"
        faults += [f"{node.kind} has no {what} {name!r}; it has {names}" for name in unknown]
    if faults:
        raise GraphError("; ".join(faults)).in_context(node.label)
