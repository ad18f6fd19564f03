"""The interpreter: a Graph becomes a pure function of parameters and inputs.

The shape is that of `jax.core.eval_jaxpr`: an environment of blobs; each node reads, its row computes, the results are
written, dead blobs are dropped. Rows are looked up by kind; no operator is known here by name.

Four things happen around a row and nowhere else: weights get their run-time form, image-like arrays get the layout that
the row wants (`ChannelsLast` remembers it, so a chain of such rows never converts back), scalars become vectors for
rows that know arrays with axes only, and errors gain the layer's name. A scalar that leaves the network has the
shape [1].
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.catalogue import Op, Target
from graphml.errors import GraphError, GraphmlError, ShapeError, UnsupportedError, quoted, typed
from graphml.graph import EXIT, Graph, Node, Port, Region, check_sides, last_reads, live_after, reads, used, writes
from graphml.interpreter.budget import VALUE_UNSEEN, check_call, check_shape
from graphml.interpreter.control import MOST_TURNS, Block, Control, known, peek, too_many_turns
from graphml.interpreter.fold import Folded, fold
from graphml.interpreter.sequences import reading
from graphml.spec.layers import KEEP_SCALARS, REGIONS, snake_case
from graphml.spec.weights import Quantized

jax.tree_util.register_dataclass(Quantized, data_fields=["codes", "scale", "bias", "table"], meta_fields=["bits"])

Params = Mapping[str, Any]
Arrays = Mapping[str, Any]


class ChannelsLast(NamedTuple):
    """An image-like array held as [..., height, width, channels]; the blob it stands for is [..., C, H, W]."""

    array: Any


@dataclass(frozen=True, eq=False)
class Lowered:
    """A network as pure functions. `params` holds the weights as stored, in wire layout."""

    graph: Graph
    params: Params
    target: Target
    dtype: Any
    known: frozenset[str]
    """Keys of constant layers whose values decide shapes: they are part of the program, not of `params`."""

    def fn(
        self,
        params: Params,
        inputs: Arrays,
        *,
        key: jax.Array | None = None,
        train: bool = False,
        static: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The network: {output: array} from {input: array}. Pure; jit, grad and vmap it.

        Arrays have the shapes of the interface; leading sequence and batch axes may be added where the mapping is
        rank 5. Images are pixel values [channels, height, width]. key: for layers that draw random numbers.
        static: {blob: value} for values that decide shapes and cannot be seen under `jax.jit`; the compiled program
        holds for these values only. Raises UnsupportedError naming the layer and the blob where one is missing.
        """
        return self._run(params, inputs, key=key, train=train, prepared=False, static=static)

    @property
    def endless(self) -> bool:
        """Whether a layer may run without end, and is better run so that it can be interrupted."""
        return any(catalogue.row(node.kind).endless(node.inputs, node.attributes) for node in self.graph.body.walk())

    @cached_property
    def _counted(self) -> Mapping[str, Node]:
        """Inputs of the network that say how often a loop runs, whatever happens in it, and the first such loop."""
        found: dict[str, Node] = {}
        inputs = {port.name for port in self.graph.inputs}
        for node in self.graph.body.nodes:
            body = node.regions.get("body")
            if body is not None and "condition" not in node.regions and EXIT not in writes(body):
                found = dict.fromkeys(inputs.intersection(node.inputs), node) | found
            inputs -= {*node.outputs, *_writes(node)}
        return found

    def check_counts(self, inputs: Arrays) -> None:
        """Raise UnsupportedError when an input asks for more turns of a loop than can be counted and nothing else ends
        it. A compiled program cannot; who calls it looks at the inputs first. Inputs that are traced are passed over.
        """
        for name, node in self._counted.items():
            if name in inputs and known(inputs[name]) and np.size(inputs[name]) == 1:
                turns = np.asarray(peek(inputs[name])).item()
                if turns >= MOST_TURNS:
                    raise too_many_turns(turns).in_context(node.label)

    @cached_property
    def folded(self) -> Folded:
        """The network that runs on prepared weights: some of its layers are part of others."""
        with catalogue.lowering_for(self.target):
            return fold(self.graph)

    def prepare(self, params: Params) -> Params:
        """Weights in the form in which rows use them; make it once, then call `run_prepared` many times."""
        folded = self.folded
        with catalogue.lowering_for(self.target):
            params = folded.absorbed(params, partial(_in_floats, dtype=self.dtype))
            return {
                node.key: _ready_weights(catalogue.row(node.kind), node, params[node.key], self.dtype)
                for node in folded.graph.body.walk()
                if node.key in params
            }

    def run_prepared(self, prepared: Params, inputs: Arrays, *, key: jax.Array | None = None) -> dict[str, Any]:
        """`fn` on the result of `prepare`."""
        return self._run(prepared, inputs, key=key, train=False, prepared=True)

    def intermediates(
        self, params: Params, inputs: Arrays, names: Iterable[str] | None = None, *, key: jax.Array | None = None
    ) -> dict[str, Any]:
        """The named blobs (None: all of them) in wire layout; scalars have the shape [1]."""
        wanted = {name for node in self.graph.body.nodes for name in node.outputs} if names is None else set(names)
        env = self._evaluate(params, inputs, keep=frozenset(wanted), key=key, train=False, prepared=False)
        missing = sorted(wanted - env.keys())
        if missing:
            raise GraphError(f"the network has no blob {', '.join(map(repr, missing))}")
        return {name: at_least_1d(wire(env[name])) for name in sorted(wanted)}

    def _run(self, params, inputs, *, key, train, prepared, static=None) -> dict[str, Any]:
        names = frozenset(port.name for port in self.graph.outputs)
        env = self._evaluate(params, inputs, keep=names, key=key, train=train, prepared=prepared, static=static)
        return self.leave({port.name: wire(env[port.name]) for port in self.graph.outputs})

    def _evaluate(self, params, inputs, *, keep, key, train, prepared, static=None) -> dict[str, Any]:
        env = self.enter(inputs)
        run = Run(self, params, key, prepared, origins(self.graph), {}, dict(static or {}))
        with catalogue.lowering_for(self.target.replace(train=train)):
            try:
                _run_region(self.folded.graph.body if prepared else self.graph.body, env, keep, run)
            except ShapeError as error:
                words = reading(self.graph)
                if not words:
                    raise
                raise ShapeError(f"{error}\n{words}") from error
        return env

    def enter(self, inputs: Arrays) -> dict[str, Any]:
        """The blobs of the inputs, as the first layer finds them."""
        unknown = sorted(set(inputs) - {port.name for port in self.graph.inputs})
        if unknown:
            legal = ", ".join(port.name for port in self.graph.inputs)
            raise GraphError(f"the network has no input {', '.join(map(repr, unknown))}; its inputs are {legal}")
        with catalogue.lowering_for(self.target):
            return {port.name: self._entered(port, inputs.get(port.name)) for port in self.graph.inputs}

    def _entered(self, port: Port, value: Any) -> Any:
        try:
            entered = _enter(self.graph, port, value, self.dtype)
            check_shape(wire(entered).shape, wire(entered).dtype)
            return entered
        except ShapeError as error:
            raise error.in_context(f"input {quoted(port.name)}") from None
        except (GraphmlError, *VALUE_UNSEEN):
            raise
        except Exception as error:
            raise typed(error, f"input {quoted(port.name)}") from error

    def leave(self, blobs: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs, from blobs in wire layout."""
        return {port.name: _leave(self.graph, port, blobs[port.name]) for port in self.graph.outputs}


def lower(
    graph: Graph,
    *,
    dtype: Any = jnp.float32,
    platform: str | None = None,
    custom_layers: Mapping[str, Callable[..., Any]] | None = None,
    low_precision: bool = False,
    max_iterations: int | None = None,
    max_array_bytes: int | None = None,
    debug: bool = False,
) -> Lowered:
    """Make the pure function of a graph.

    dtype: of everything inside; float64 needs `jax.enable_x64`. platform: cpu, cuda, tpu ... (None: JAX's default);
    it decides between equivalent forms of a layer, not what is computed. custom_layers: class name -> function.
    max_iterations: turns after which a loop ends that has no bound of its own, so that it has derivatives. A loop whose
        count an input gives has a bound of its own; its derivative is NaN where the count is larger than this.
    max_array_bytes: how many bytes one array may take, 4 GiB unless given; a layer that makes a larger one is refused
    when it is traced.
    debug: refuse values that are otherwise let pass, such as an index that an array does not have; only where they can
    be seen, outside of `jit`.
    Raises UnsupportedError listing every layer that cannot run.
    """
    target = Target(
        platform=platform or jax.default_backend(),
        exact=graph.exact,
        debug=debug,
        max_iterations=max_iterations,
        low_precision=low_precision,
        max_array_bytes=catalogue.MAX_ARRAY_BYTES if max_array_bytes is None else max_array_bytes,
        custom_layers=dict(custom_layers or {}),
    )
    with catalogue.lowering_for(target):
        refuse_unsupported(graph)
    check_sides(graph, known_blobs(graph.body))
    known = _shape_constants(graph.body)
    params = {key: value for key, value in graph.parameters().items() if key not in known}
    return Lowered(graph, params, target, dtype, known)


def refuse_unsupported(graph: Graph) -> None:
    """Raise one UnsupportedError that names every layer which cannot run, and why."""
    reasons = []
    for node in graph.body.walk():
        row = catalogue.rows().get(node.kind)
        reason = f"no operator runs layers of kind {node.kind}" if row is None else row.supported(node.attributes)
        if reason:
            reasons.append(f"{node.label}: {reason}")
    if reasons:
        raise UnsupportedError("this network cannot run here:\n" + "\n".join(reasons))


# Evaluation ----------------------------------------------------------------------------------------------------------


class ValueNeeded(UnsupportedError):
    """The value of an input decides a shape, and cannot be seen while tracing. `positions`: of all such inputs."""

    positions: tuple[int, ...] = ()


class Run(NamedTuple):
    """What stays the same during one evaluation.

    static: values of blobs, given by whoever traces. sizes: for one node, the sizes that its inputs lead to.
    """

    lowered: Lowered
    params: Params
    key: jax.Array | None
    prepared: bool
    origins: Mapping[str, str]
    blocks: dict[tuple[Node, ...], dict]
    static: Mapping[str, Any]
    sizes: tuple[Node, tuple[int, ...]] | None = None


def _run_region(region: Region, env: dict[str, Any], keep: frozenset[str], run: Run) -> None:
    """Run the nodes of a region on the blobs in `env`; afterwards `env` holds those of `keep` that exist."""
    lives, deads = live_after(region, keep), last_reads(region, keep)
    for position, (node, live, dead) in enumerate(zip(region.nodes, lives, deads, strict=True)):
        try:
            run_node(node, env, live, run)
        except Exception as error:
            raise explained(error, node, env, run) from error
        for name in dead:
            env.pop(name, None)
        if may_leave(node, env):
            if not known(env[EXIT]):
                run_unless_left(Region(region.nodes[position + 1 :]), env, keep, run)
                return
            if is_set(env[EXIT]):
                return


def run_node(node: Node, env: dict[str, Any], live: frozenset[str], run: Run) -> None:
    """Run one node on the blobs in `env`. live: what is wanted after it of the blobs that its sub-networks write."""
    row = catalogue.row(node.kind)
    with jax.named_scope(node.key):
        if node.regions:
            env.update(_call_regions(row, node, env, live, run))
        else:
            results = _call(row, node, [_read(env, name) for name in node.inputs], run)
            env.update(zip(node.outputs, results, strict=True))


def may_leave(node: Node, env: Mapping[str, Any]) -> bool:
    """Whether a node that has run may have left the turn of the loop around it, as the blob EXIT then says."""
    return EXIT in env and (EXIT in node.outputs or ("body" not in node.regions and EXIT in _writes(node)))


def is_set(left: Any) -> bool:
    """Whether a known EXIT says that the turn was left."""
    return float(peek(left).reshape(())) != 0


def _read(env: Mapping[str, Any], name: str):
    if name not in env:
        raise GraphError(
            f"{name!r} was not written: it is left by one side of a branch only, or by a loop that had no turn"
        )
    return env[name]


def _writes(node: Node) -> frozenset[str]:
    return frozenset().union(*(writes(region) for region in node.regions.values()))


def run_unless_left(rest: Region, env: dict[str, Any], keep: frozenset[str], run: Run) -> None:
    """What stands behind a possible break or continue runs under a condition. Blobs that it would have created are
    zeros of their shapes when it does not run."""
    remaining = block(rest, run)
    state = {name: wire(value) for name, value in env.items() if name in remaining.reads | remaining.writes | {EXIT}}
    new = remaining.writes & keep - state.keys()
    shapes = remaining.shapes(state, new)
    state |= {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in shapes.items()}
    stay = state[EXIT].reshape(()) == 0
    env.update(Control(state, keep | {EXIT}, run.lowered.target.max_iterations).branch(stay, remaining, None))
    env.update({name: state[name] for name in new & state.keys() - env.keys()})


def _call_regions(row: Op, node: Node, env: dict[str, Any], live: frozenset[str], run: Run) -> dict[str, Any]:
    """The blobs that a node with sub-networks leaves."""
    state = {name: wire(env[name]) for name in used(node) if name in env}
    blocks = blocks_of(node, run)
    live |= {EXIT} if EXIT in state else set()
    control = Control(state, live, run.lowered.target.max_iterations)
    inputs = [_given(name, _read(state, name), run) for name in node.inputs]
    return control_flow(row, node, inputs, blocks, control)


def blocks_of(node: Node, run: Run) -> dict[str, Block]:
    """The sub-networks of a node as functions, by name."""
    return {
        name: block(region, run._replace(key=key_inside(run.key, node, name))) for name, region in node.regions.items()
    }


def key_inside(key: jax.Array | None, node: Node, name: str) -> jax.Array | None:
    """The key of a sub-network: its layers draw other numbers than those around it and in its siblings."""
    if key is None:
        return None
    which = list(REGIONS[node.kind].values()).index(name)
    return jax.random.fold_in(jax.random.fold_in(key, node.position), which)


def control_flow(
    row: Op, node: Node, inputs: Sequence[Any], blocks: Mapping[str, Block], control: Control
) -> dict[str, Any]:
    """What the row of a node with sub-networks makes of its inputs, blocks by name of the region, and control."""
    by_field = {snake_case(field): blocks.get(name) for field, name in REGIONS[node.kind].items()}
    keywords = {name: node.attributes[name] for name in row.attributes}
    return row.function(*inputs, control=control, **by_field, **keywords)


def block(region: Region, run: Run) -> Block:
    """A region as a function; what is traced of it is kept for the whole evaluation."""
    written = writes(region)

    def evaluate(params, key, state, wanted):
        env = dict(state)
        _run_region(region, env, wanted, run._replace(params=params, key=key))
        return {name: wire(value) for name, value in env.items()}

    params = {node.key: run.params[node.key] for node in region.walk() if node.key in run.params}
    traced = run.blocks.setdefault(region.nodes, {})
    return Block(evaluate, params, run.key, reads(region), written, traced)


def _call(row: Op, node: Node, values: Sequence[Any], run: Run) -> list[Any]:
    """The outputs of one node, as they go into the environment."""
    arrays, laid = _arrange(row.layout_for(node.attributes), values)
    if node.kind not in KEEP_SCALARS:
        arrays = [at_least_1d(array) for array in arrays]
    function = catalogue.images_laid(laid)(partial(row.function, **_keywords(row, node, run)))
    numbers = node.attributes
    if run.sizes is not None and run.sizes[0] is node:
        numbers = {**numbers, "sizes": run.sizes[1]}
        function = partial(function, sizes=run.sizes[1])
    else:
        _see_values(row, node, arrays, run)
    check_call(function, arrays, row.concrete, numbers)
    if not node.weights and not row.random and arrays and all(isinstance(a, np.ndarray) for a in arrays):
        with jax.ensure_compile_time_eval():  # all inputs are known, so the result is, also under jit
            results = [np.asarray(result) for result in _sequence(function(*arrays))]
    else:
        results = _sequence(function(*arrays))
    for result in results:
        check_shape(result.shape, result.dtype)
    if len(results) < len(node.outputs):
        raise GraphError(f"the layer declares {len(node.outputs)} outputs but produced {len(results)}")
    return [ChannelsLast(r) if laid and r.ndim >= 3 else r for r in results[: len(node.outputs)]]


def _see_values(row: Op, node: Node, arrays: list[Any], run: Run) -> None:
    """Replace, in place, the arrays that decide a shape by their values. Raises ValueNeeded where one is unseen."""
    positions = [position for position in row.concrete if position < len(arrays)]
    for position in positions:
        arrays[position] = _given(node.inputs[position], arrays[position], run)
    unseen = [node.inputs[position] for position in positions if not known(arrays[position])]
    if unseen:
        needed = value_needed(unseen)
        needed.positions = tuple(positions)
        raise needed


def value_needed(names: Sequence[str]) -> ValueNeeded:
    """The refusal where the values of these blobs cannot be seen."""
    return ValueNeeded(
        f"the value of {' and '.join(map(repr, names))} decides a shape, and it is not known when it is traced; "
        f"give it with static={{{names[0]!r}: ...}}, or run the network outside of jit"
    )


def _given(name: str, array: Any, run: Run) -> Any:
    """The value of a blob where whoever traces has given it, or where it can be seen; else the array itself."""
    if name not in run.static or known(array):
        return peek(array)
    value = np.asarray(run.static[name], array.dtype)
    if value.size != array.size:
        raise ShapeError(f"static gives {name!r} {value.size} values, it has shape {list(array.shape)}")
    return value.reshape(array.shape)


def _keywords(row: Op, node: Node, run: Run) -> dict[str, Any]:
    """Everything that the row's function takes by keyword."""
    keywords = {name: node.attributes[name] for name in row.attributes}
    if node.key in run.lowered.known:
        # a constant that decides shapes: its value goes along as NumPy
        return {**keywords, **dict.fromkeys(row.weights), **_numpy_weights(node)}
    weights = run.params.get(node.key, {})
    if not run.prepared:
        weights = _ready_weights(row, node, weights, run.lowered.dtype)
    keywords |= dict.fromkeys(row.weights) | dict(weights)
    if row.random:
        if run.key is None and node.attributes.get("seed", -1) < 0:
            raise GraphError("this layer draws random numbers without a seed of its own: pass key=jax.random.key(...)")
        keywords["key"] = None if run.key is None else jax.random.fold_in(run.key, node.position)
    return keywords


def _ready_weights(row: Op, node: Node, weights: Mapping[str, Any], dtype) -> dict[str, Any]:
    """Weights of the wire in the form in which the row takes them."""

    ready = _in_floats(weights, dtype, leave=row.quantized)
    return dict(row.prepare(ready, node.attributes)) if row.prepare and ready else ready


def _in_floats(weights: Mapping[str, Any], dtype, leave: bool = False) -> dict[str, Any]:
    """Weights as arrays of the network's type. leave: what is quantized stays so."""

    def floats(leaf):
        if isinstance(leaf, Quantized):
            return leaf if leave else jax.tree.map(jnp.asarray, leaf).dequantize().astype(dtype)
        return jnp.asarray(leaf, dtype)

    return jax.tree.map(floats, dict(weights), is_leaf=lambda leaf: isinstance(leaf, Quantized))


def _numpy_weights(node: Node) -> dict[str, Any]:
    def floats(leaf):
        return np.asarray(leaf.dequantize() if isinstance(leaf, Quantized) else leaf, np.float32)

    return jax.tree.map(floats, dict(node.weights), is_leaf=lambda leaf: isinstance(leaf, Quantized))


def _sequence(result) -> list[Any]:
    return list(result) if isinstance(result, tuple | list) else [result]


# Layouts -------------------------------------------------------------------------------------------------------------


def _arrange(layout: catalogue.Layout, values: Sequence[Any]) -> tuple[list[Any], bool]:
    """Arrays in the layout that a row wants, and whether its results are channels-last."""
    laid = any(isinstance(v, ChannelsLast) for v in values)
    if layout == "last" or (layout == "either" and laid):
        return [_last(v) if _rank(v) >= 3 else wire(v) for v in values], True
    if layout == "any" and laid and len({_rank(v) for v in values}) == 1:
        return [_last(v) for v in values], True
    return [wire(v) for v in values], False


def _rank(value) -> int:
    return value.array.ndim if isinstance(value, ChannelsLast) else value.ndim


def _last(value):
    return value.array if isinstance(value, ChannelsLast) else jnp.moveaxis(value, -3, -1)


def wire(value):
    """A blob in the layout of the format."""
    return jnp.moveaxis(value.array, -1, -3) if isinstance(value, ChannelsLast) else value


def at_least_1d(array):
    """A scalar as a vector of one number; every other array as it is."""
    return array.reshape(1) if array.ndim == 0 else array


# The edge: interface shapes <-> blobs --------------------------------------------------------------------------------


def _enter(graph: Graph, port: Port, value, dtype):
    """The blob of an input: preprocessed if it is an image, and of the rank that the mapping asks for."""
    if value is None:
        if not port.optional or port.shape is None:
            raise GraphError(f"the input {port.name!r} is missing")
        check_shape(port.shape, dtype)
        value = jnp.full(port.shape, port.default, dtype)
    x = _floats(value, dtype)
    if port.image:
        x = _preprocess(port, x)
        rank = 4 if graph.image_rank4 else 5
        return x.reshape((1,) * (rank - x.ndim) + x.shape) if x.ndim < rank else x
    if graph.exact:
        return at_least_1d(x)
    declared = x.ndim if port.shape is None or x.ndim == 5 else len(port.shape)
    if declared == 1 and x.ndim <= 3:
        x = x[..., None, None]
    elif declared == 2 or not 1 <= x.ndim <= 5:
        raise ShapeError(
            f"input {port.name!r} has shape {list(np.shape(value))}; with rank-5 mapping it is [channels], "
            "[channels, height, width] or [sequence, batch, channels, height, width]"
        )
    return x.reshape((1,) * (5 - x.ndim) + x.shape)


def _floats(value, dtype):
    """An input in the network's type. What is known stays known under jit, where it may decide a shape."""
    if not known(value):
        return value.astype(dtype)
    with jax.ensure_compile_time_eval():
        return jnp.asarray(value).astype(dtype)


def _preprocess(port: Port, x: jax.Array) -> jax.Array:
    if x.ndim < 3:
        raise ShapeError(f"image {port.name!r} has shape {list(x.shape)}; it is [channels, height, width]")
    steps = port.preprocessing
    if steps is None:
        return x
    if steps.mean is not None:
        return x - jnp.asarray(steps.mean, x.dtype)
    x = x * jnp.asarray(steps.scale, x.dtype)
    return x + jnp.asarray(steps.bias, x.dtype)[:, None, None] if steps.bias else x


def _leave(graph: Graph, port: Port, blob):
    """The value of an output: in its declared shape when the number of elements agrees, else without what the mapping
    has added in front (and behind, for what is declared a vector)."""
    if port.shape is not None and math.prod(port.shape) == blob.size:
        return blob.reshape(port.shape)
    if graph.exact or blob.ndim != 5:
        return at_least_1d(blob)
    front, core = blob.shape[:2], blob.shape[2:]
    vector = len(port.shape) == 1 if port.shape is not None else front == (1, 1)
    if vector and core[1:] == (1, 1):
        core = core[:1]
    while front and front[0] == 1:
        front = front[1:]
    return blob.reshape(front + core)


# Constants that decide shapes ----------------------------------------------------------------------------------------


def _shape_constants(region: Region) -> frozenset[str]:
    """Keys of constants that decide a shape, a branch or a number of turns, through nodes that can be folded."""
    foldable = _folded(region, frozenset())
    producer: dict[str, Node] = {}
    wanted: list[str] = []
    for node in region.walk():
        producer |= dict.fromkeys(node.outputs, node)
        concrete = catalogue.row(node.kind).concrete
        wanted += node.inputs if node.regions else [node.inputs[p] for p in concrete if p < len(node.inputs)]
    known: set[str] = set()
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen or name not in foldable:
            continue
        seen.add(name)
        node = producer[name]
        if node.weights:
            known.add(node.key)
        wanted += node.inputs
    return frozenset(known)


def known_blobs(region: Region) -> frozenset[str]:
    """The blobs whose values follow from constants and from shapes alone. What is written in several places is not."""
    writers = Counter(name for node in region.walk() for name in node.outputs)
    return _folded(region, frozenset(name for name, count in writers.items() if count > 1))


def _folded(region: Region, never: frozenset[str]) -> frozenset[str]:
    folded: set[str] = set()
    for node in region.walk():
        row = catalogue.row(node.kind)
        constant = not node.inputs and bool(node.weights)
        plain = not row.random and not node.weights and not node.regions
        if constant or row.shape_only or (plain and node.inputs and folded.issuperset(node.inputs)):
            folded |= set(node.outputs) - never
    return frozenset(folded)


# Errors --------------------------------------------------------------------------------------------------------------


def origins(graph: Graph) -> dict[str, str]:
    origins = {port.name: "an input" for port in graph.inputs}
    for node in graph.body.walk():
        origins |= dict.fromkeys(node.outputs, f"layer {node.name!r}")
    return origins


def explained(error: Exception, node: Node, env: Mapping[str, Any], run: Run) -> Exception:
    """What a layer has raised, as an error of ours that names the layer and the shapes of its inputs.

    Errors by which JAX says that a value is not known while tracing stay what they are, with a note.
    """
    if isinstance(error, VALUE_UNSEEN):
        error.add_note(f"in {node.label}")
        return error
    return typed(error, node.label, _facts(node, env, run))


def _facts(node: Node, env: Mapping[str, Any], run: Run) -> list[str]:
    lines = []
    for name in node.inputs[:_MOST_INPUTS_SHOWN]:
        if name in env:
            value = wire(env[name])
            origin = run.origins.get(name, "a sub-network")
            lines.append(f"  {name}  {value.dtype}{list(value.shape)}  from {origin}")
    return lines


_MOST_INPUTS_SHOWN = 20
