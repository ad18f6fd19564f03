"""Random inputs for a model, drawn from its interface: pixels for images, integers where an input is an index.

Which inputs are indices is not declared. It is inferred from a trace: an input is followed through operations that keep
its elements (reshapes, casts, selections, sums with an offset) to lookup operations, whose tables bound it.
"""

# JAX is only partly typed; the equations of a trace have no public types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from graphml import catalogue
from graphml.descriptions import FeatureDescription, FeatureType
from graphml.errors import FeatureError
from graphml.graph import last_reads, live_after
from graphml.interpreter.evaluate import run_node
from graphml.interpreter.lower import Lowered
from graphml.models.compile.zeros import zeros

_FEW = 10  # integers that are not used as indices are below this
Shape = tuple[int, ...]


def draws(
    inputs: Sequence[FeatureDescription], limits: Mapping[str, int], seed: int, shapes: Iterable[Mapping[str, Shape]]
) -> Iterator[dict[str, Any]]:
    """Draw inputs of each of some shapes.

    Args:
        inputs: The inputs of the model.
        limits: {input: how many values it has as an index}, see `index_limits`.
        seed: The same seed draws the same inputs.
        shapes: {input: shape} for each draw, see `drawn_shapes`; other inputs have their default shapes.

    Returns:
        Inputs as `predict` takes them; images are pixels [channels, height, width].

    Raises:
        FeatureError: An input declares no shape, or is neither an array, an image nor a number.
    """
    generator = np.random.default_rng(seed)
    for chosen in shapes:
        yield {
            feature.name: _drawn(feature, zeros(feature, chosen.get(feature.name)), limits, generator)
            for feature in inputs
        }


def drawn_shapes(inputs: Sequence[FeatureDescription]) -> list[dict[str, Shape]]:
    """The default shapes, then the enumerated ones, small ones first.

    Args:
        inputs: The inputs of a model. The enumerated shapes of several inputs are paired if there are equally many.

    Returns:
        {input: shape}; images are [height, width], and missing inputs have their default shapes.
    """
    others: dict[int, list[tuple[str, list[Shape]]]] = {}
    for feature in inputs:
        listed: list[Shape] = []
        if feature.array is not None:
            listed = [shape for shape in feature.array.shapes if shape != feature.array.shape]
        if feature.image is not None:
            default = feature.image.width, feature.image.height
            listed = [(height, width) for width, height in feature.image.sizes if (width, height) != default]
        others.setdefault(len(listed), []).append((feature.name, listed))
    found = [{name: listed[i] for name, listed in group} for count, group in others.items() for i in range(count)]
    return [{}, *sorted(found, key=lambda shapes: sum(map(math.prod, shapes.values())))]


def _drawn(feature: FeatureDescription, blank: Any, limits: Mapping[str, int], generator: np.random.Generator) -> Any:
    if feature.image is not None:
        return generator.integers(0, 256, blank.shape).astype(np.uint8)
    limit = limits.get(feature.name)
    kind = blank.dtype.kind if feature.array is not None else "i" if feature.type is FeatureType.INT64 else "f"
    if limit is None and kind == "f":
        values = generator.uniform(0, 1, np.shape(blank))
    else:
        values = generator.integers(0, _FEW if limit is None else max(1, limit), np.shape(blank))
    if feature.array is not None:
        return values.astype(blank.dtype)
    return int(values) if kind == "i" else float(values)


# Indices -------------------------------------------------------------------------------------------------------------


def index_limits(lowered: Lowered) -> dict[str, int]:
    """Which inputs are used as indices, and how many values each has as one.

    Args:
        lowered: The model, whose inputs must declare their shapes. It is traced up to the first unknown value that
            decides a shape; later operations are not seen.

    Returns:
        {input: size of the smallest table that it looks up}; inputs that are not an index are missing.

    Raises:
        FeatureError: An input declares no shape.
    """
    inputs = dict(lowered.interface.declared_inputs(lowered.dtype))
    for name in lowered.graph.inputs:
        if name not in inputs:
            raise FeatureError(f"the input {name!r} has no declared shape; pass inputs")
    names = sorted(inputs)

    def trace(given: Sequence[Any], params: Any, state: Any, key: jax.Array) -> list[Any]:
        return _run_until_failure(lowered, dict(zip(names, given, strict=True)), params, state, key)

    state = dict(lowered.interface.declared_state())
    key = jax.eval_shape(lambda: jax.random.key(0))
    program = jax.make_jaxpr(trace)([inputs[name] for name in names], lowered.params, state, key)
    search = _Search()
    variables = program.jaxpr.invars
    search.follow(program.jaxpr, [frozenset([i]) if i < len(names) else _NOTHING for i in range(len(variables))])
    return {names[i]: limit for i, limit in sorted(search.limits.items())}


def _run_until_failure(lowered: Lowered, inputs: Any, params: Any, state: Any, key: jax.Array) -> list[Any]:
    """Run the nodes until one fails; running the model reports the failure."""
    env = lowered.enter(inputs, state)
    body, keep = lowered.graph.body, frozenset((*lowered.graph.outputs, *lowered.graph.state))
    evaluation = lowered.evaluation(params, key)
    with catalogue.lowering_for(lowered.target):
        for node, live, dead in zip(body.nodes, live_after(body, keep), last_reads(body, keep), strict=True):
            try:
                run_node(node, env, live, evaluation)
            except Exception:
                break
            for name in dead:
                env.pop(name, None)
    return []


_Origins = frozenset[int]  # indices of the inputs that a value is made from
_NOTHING: _Origins = frozenset()

# Operations whose results hold elements of their operands, or these shifted by an offset.
_KEEP = {
    *("convert_element_type", "reshape", "squeeze", "broadcast_in_dim", "transpose", "expand_dims", "copy", "slice"),
    *("rev", "concatenate", "pad", "select_n", "clamp", "max", "min", "add", "sub", "floor", "ceil", "round", "rem"),
    *("reduce_precision", "stop_gradient", "reduce_max", "reduce_min", "split", "optimization_barrier"),
}
_SHAPED = ("broadcast_in_dim", "reshape", "convert_element_type")
_ITERATIONS = 4  # of a loop, after which the origins of its values no longer change in practice


class _Search:
    """Follows inputs through the equations of a trace; `limits` is the result."""

    def __init__(self) -> None:
        self.limits: dict[int, int] = {}
        self._counted: dict[Any, int] = {}  # variables that count 0, 1, 2 ... along an axis -> the count

    def follow(self, program: Any, given: Sequence[_Origins]) -> list[_Origins]:
        """The origins of the results of a program, from those of its operands."""
        known = dict(zip(program.invars, given, strict=True))

        def origins(variable: Any) -> _Origins:
            return _NOTHING if hasattr(variable, "val") else known.get(variable, _NOTHING)

        for equation in program.eqns:
            operands = [origins(variable) for variable in equation.invars]
            for variable, found in zip(equation.outvars, self._results(equation, operands), strict=True):
                known[variable] = found
        return [origins(variable) for variable in program.outvars]

    def _results(self, equation: Any, operands: list[_Origins]) -> list[_Origins]:
        name, count = equation.primitive.name, len(equation.outvars)
        if name == "iota":
            self._counted[equation.outvars[0]] = equation.params["shape"][equation.params["dimension"]]
        if name in _SHAPED and not hasattr(equation.invars[0], "val") and equation.invars[0] in self._counted:
            self._counted[equation.outvars[0]] = self._counted[equation.invars[0]]
        if not any(operands):
            return [_NOTHING] * count
        if name in ("while", "scan", "cond"):
            return self._control(name, equation.params, operands)
        for inner in equation.params.values():
            program = getattr(inner, "jaxpr", inner)
            if hasattr(program, "eqns") and len(program.invars) == len(operands):
                found = self.follow(program, operands)
                return found if len(found) == count else [_NOTHING] * count
        for positions, limit in self._looked_up(equation):
            for position in positions:
                self._limit(operands[position], limit)
        kept = _NOTHING
        if name in _KEEP:
            kept = _NOTHING.union(*operands)
        elif name in ("gather", "dynamic_slice"):
            kept = operands[0]
        elif name == "dynamic_update_slice":
            kept = operands[0] | operands[1]
        return [kept] * count

    def _looked_up(self, equation: Any) -> Iterator[tuple[Sequence[int], int]]:
        """(operands that are indices, how many values they have). An axis that is taken as a whole gives no limit: its
        index is 0, and part of a list of indices with other relevant ones."""
        name, params = equation.primitive.name, equation.params
        shapes = [variable.aval.shape for variable in equation.invars]
        if name == "gather":
            numbers, sizes = params["dimension_numbers"], params["slice_sizes"]
            yield [1], _least(shapes[0][d] - sizes[d] + 1 for d in numbers.start_index_map)
        elif name.startswith("scatter"):
            numbers = params["dimension_numbers"]
            yield [1], _least(shapes[0][d] for d in numbers.scatter_dims_to_operand_dims)
        elif name in ("dynamic_slice", "dynamic_update_slice"):
            first = 1 if name == "dynamic_slice" else 2
            sizes = params["slice_sizes"] if name == "dynamic_slice" else shapes[1]
            for d, (whole, part) in enumerate(zip(shapes[0], sizes, strict=True)):
                if whole > part:
                    yield [first + d], whole - part + 1
        elif name == "eq":  # one-hot: compared with 0, 1, 2 ...
            for i, variable in enumerate(equation.invars):
                if not hasattr(variable, "val") and variable in self._counted:
                    yield [1 - i], self._counted[variable]

    def _limit(self, origins: _Origins, limit: int) -> None:
        for origin in origins:
            self.limits[origin] = min(limit, self.limits.get(origin, limit))

    def _control(self, name: str, params: Mapping[str, Any], operands: list[_Origins]) -> list[_Origins]:
        if name == "cond":
            found = [self.follow(branch.jaxpr, operands[1:]) for branch in params["branches"]]
            return [_NOTHING.union(*each) for each in zip(*found, strict=True)]
        if name == "scan":
            constants, count = operands[: params["num_consts"]], params["num_carry"]
            carry, rows = operands[len(constants) :][:count], operands[len(constants) + count :]
            after: list[_Origins] = []
            for _ in range(_ITERATIONS):
                after = self.follow(params["jaxpr"].jaxpr, [*constants, *carry, *rows])
                carry = [a | b for a, b in zip(carry, after[:count], strict=True)]
            return [*carry, *after[count:]]
        decides = operands[: params["cond_nconsts"]]
        constants = operands[len(decides) :][: params["body_nconsts"]]
        carry = operands[len(decides) + len(constants) :]
        for _ in range(_ITERATIONS):
            after = self.follow(params["body_jaxpr"].jaxpr, [*constants, *carry])
            carry = [a | b for a, b in zip(carry, after, strict=True)]
        self.follow(params["cond_jaxpr"].jaxpr, [*decides, *carry])
        return carry


def _least(limits: Iterable[int]) -> int:
    return min((limit for limit in limits if limit > 1), default=1)
