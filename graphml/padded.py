"""Programs that serve several sizes: an axis is longer than what counts of it, and what is behind that is masked.

A program is traced for a size that occurs nowhere else in it, a probe; wherever that number turns up as a length, it is
the padded axis. Its equations are then evaluated one by one for the size that is wanted: most do not mix the positions
of an axis and are left alone, sums and products over it are masked, and what is joined to it goes behind what counts.
Anything else is refused, and so is a program that computes with the size itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core

Axes = Mapping[str, int]
"""Blob -> its axis that is padded."""


class NotPaddable(Exception):
    """A program mixes the positions of an axis, or computes with its length."""


@dataclass(frozen=True)
class Padded:
    """A function of arrays whose axis `axes[name]` may be filled up. `grown`: for each result (axis, how much longer it
    is than the inputs), or None where it has no such axis."""

    run: Callable[..., list[Any]]
    tree: Any
    grown: tuple[tuple[int, int] | None, ...]


def padded(function: Callable[[Any, Any, Any], Any], params: Any, key: Any, arrays: Any, axes: Axes) -> Padded:
    """`function(params, key, arrays)` as one that takes the count as well: `run(params, key, arrays, count)`.

    arrays: of the size to fill up to. Raises NotPaddable.
    """
    lengths = _lengths((params, arrays))
    probes = _probes(max(arrays[name].shape[axis] for name, axis in axes.items()), lengths)
    made, trees = [], []
    for size in (*probes, None):
        shapes = {name: _resized(value, axes.get(name), size) for name, value in arrays.items()}
        jaxpr, tree = jax.make_jaxpr(function, return_shape=True)(params, key, shapes)
        made.append(jaxpr)
        trees.append(jax.tree.structure(tree))
    first, second, real = made
    marks = _Marks(probes[0])
    if trees[0] != trees[2] or not _alike(first, second, probes):
        raise NotPaddable("what is computed depends on the size")
    if _forms(first) != _forms(real):
        raise NotPaddable("another size is computed in another way")
    marks.check_constants(first)
    marks.check(first.jaxpr)

    def run(params, key, arrays, count):
        flat = jax.tree.leaves((params, key, arrays))
        return _evaluate(real.jaxpr, first.jaxpr, real.consts, flat, count, marks)

    return Padded(run, trees[2], tuple(marks.axis(v.aval) for v in first.jaxpr.outvars))


def _resized(value: Any, axis: int | None, size: int | None) -> jax.ShapeDtypeStruct:
    shape = list(value.shape)
    if axis is not None and size is not None:
        shape[axis] = size
    return jax.ShapeDtypeStruct(tuple(shape), value.dtype)


def _lengths(tree: Any) -> set[int]:
    return {length for leaf in jax.tree.leaves(tree) for length in np.shape(leaf)}


_ROOM = 64  # how much longer a padded axis may become within a program


def _probes(size: int, taken: set[int]) -> tuple[int, int]:
    """Two primes near a size, far from each other's room and from lengths that are in use."""
    found: list[int] = []
    candidate = size + 1
    while len(found) < 2:
        near = any(abs(candidate - other) <= 2 * _ROOM for other in (*taken - {size}, *found))
        if not near and candidate % 2 and all(candidate % d for d in range(3, math.isqrt(candidate) + 1, 2)):
            found.append(candidate)
        candidate += 1
    return found[0], found[1]


def _alike(first: Any, second: Any, probes: tuple[int, int]) -> bool:
    """Whether two programs, or parts of them, differ only where one has one probe and the other the other."""
    if isinstance(first, core.ClosedJaxpr):
        constants = all(np.array_equal(a, b) for a, b in zip(first.consts, second.consts, strict=False))
        return constants and _alike(first.jaxpr, second.jaxpr, probes)
    if isinstance(first, core.Jaxpr):
        return len(first.eqns) == len(second.eqns) and all(map(partial(_alike, probes=probes), first.eqns, second.eqns))
    if isinstance(first, core.JaxprEqn):
        if first.primitive is not second.primitive or first.params.keys() != second.params.keys():
            return False
        operands = [[getattr(v, "val", None) for v in e.invars] for e in (first, second)]
        shapes = [[getattr(v.aval, "shape", ()) for v in (*e.invars, *e.outvars)] for e in (first, second)]
        values = [[e.params[name] for name in sorted(first.params)] for e in (first, second)]
        return all(_alike(a, b, probes) for a, b in (operands, shapes, values))
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(partial(_alike, probes=probes), first, second))
    if isinstance(first, int) and isinstance(second, int):
        return first == second or (0 <= first - probes[0] <= _ROOM and first - probes[0] == second - probes[1])
    if isinstance(first, float | np.ndarray | np.generic) and isinstance(second, type(first)):
        return np.array_equal(first, second, equal_nan=True)
    # what is left are names, types and functions, which say by their words whether they are the same
    return type(first) is type(second) and _ADDRESS.sub("", repr(first)) == _ADDRESS.sub("", repr(second))


_ADDRESS = re.compile(r" at 0x[0-9a-f]+|\b\d+\b")


def _forms(jaxpr: core.ClosedJaxpr) -> list[str]:
    """The kinds of all equations, in order."""
    found: list[str] = []

    def walk(inner: core.Jaxpr) -> None:
        for equation in inner.eqns:
            found.append(equation.primitive.name)
            nested = _inner(equation)
            if nested is not None:
                walk(nested.jaxpr)

    walk(jaxpr.jaxpr)
    return found


def _inner(equation: Any) -> core.ClosedJaxpr | None:
    """The program that an equation only calls."""
    for name in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        if equation.primitive.name in _CALLS and name in equation.params:
            found = equation.params[name]
            return found if isinstance(found, core.ClosedJaxpr) else core.ClosedJaxpr(found, ())
    return None


_CALLS = {"jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"}

# Each result is made from the same position of all operands.
_ELEMENTWISE = frozenset(
    re.findall(
        r"\w+",
        """add sub mul div rem max min pow integer_pow exp exp2 log log1p expm1 tanh sin cos tan asin acos atan
        sinh cosh asinh acosh atanh atan2 erf erfc erf_inv logistic sqrt rsqrt cbrt abs neg sign floor ceil
        round is_finite eq ne lt le gt ge and or xor not select_n clamp convert_element_type stop_gradient
        copy copy_p square nextafter add_any real imag reduce_precision optimization_barrier""",
    )
)
# Over other axes they leave the padded one alone; over it they are masked with this.
_REDUCTIONS: dict[str, float] = {
    "reduce_sum": 0.0,
    "reduce_prod": 1.0,
    "reduce_max": -np.inf,
    "reduce_min": np.inf,
    "argmax": -np.inf,
    "argmin": np.inf,
    "reduce_or": False,
    "reduce_and": True,
}


class _Marks:
    """Which axis of a value is the padded one, by its length in the program of a probe; and what may be done to it."""

    def __init__(self, probe: int) -> None:
        self._probe = probe

    def axis(self, aval: Any) -> tuple[int, int] | None:
        """(axis, how much longer it is than at the start)."""
        found = [(i, n - self._probe) for i, n in enumerate(aval.shape) if 0 <= n - self._probe <= _ROOM]
        if len(found) > 1:
            raise NotPaddable("a value has two padded axes")
        return found[0] if found else None

    def check_constants(self, jaxpr: core.ClosedJaxpr) -> None:
        for constant in jaxpr.consts:
            if any(0 <= n - self._probe <= _ROOM for n in np.shape(constant)):
                raise NotPaddable("a constant has the length of the axis")

    def check(self, jaxpr: core.Jaxpr) -> None:
        for equation in jaxpr.eqns:
            for operand in equation.invars:
                value = getattr(operand, "val", None)
                if value is not None and np.ndim(value) == 0 and 0 <= abs(float(value)) - self._probe <= _ROOM:
                    raise NotPaddable("the length of the axis is computed with")
            nested = _inner(equation)
            if nested is not None:
                self.check_constants(nested)
                self.check(nested.jaxpr)
            else:
                self._check_one(equation)

    def _check_one(self, equation: Any) -> None:
        name, params = equation.primitive.name, equation.params
        given = [self.axis(v.aval) for v in equation.invars]
        made = [self.axis(v.aval) for v in equation.outvars]
        if not any(given) and not any(made):
            return
        allowed = _RULES.get(name)
        if name in _ELEMENTWISE:
            fits = len({mark for mark in (*given, *made) if mark}) == 1
        elif name in _REDUCTIONS:
            fits = True
        else:
            fits = allowed is not None and allowed(equation, given, made, params)
        if not fits:
            raise NotPaddable(f"{name} mixes the positions of the axis")


# name -> whether an equation of it may be evaluated, from (equation, marks of operands, marks of results, parameters)
def _reshape(e, given, made, p):
    return (
        given[0] is not None
        and made[0] is not None
        and given[0][1] == made[0][1]
        and math.prod(e.invars[0].aval.shape[: given[0][0]]) == math.prod(e.outvars[0].aval.shape[: made[0][0]])
    )


def _broadcast(e, given, made, p):
    if given[0] is None:
        return True  # the same at all positions
    return made[0] == (p["broadcast_dimensions"][given[0][0]], given[0][1])


def _whole(e, given, made, p):
    """Slices and the like that take all of the axis."""
    return given[0] is not None and made[0] == given[0] and not any(given[1:])


def _concatenate(e, given, made, p):
    if given[0] is None or made[0] is None:
        return False
    if p["dimension"] != given[0][0]:
        return all(mark == given[0] for mark in given) and made[0] == given[0]
    more = sum(v.aval.shape[p["dimension"]] for v in e.invars[1:])
    return not any(given[1:]) and made[0] == (given[0][0], given[0][1] + more)


def _dot(e, given, made, p):
    contracted = p["dimension_numbers"][0]
    inside = [mark is not None and mark[0] in axes for mark, axes in zip(given, contracted, strict=True)]
    return given[0] == given[1] or given[0][1] == given[1][1] if all(inside) else not any(inside)


def _gather(e, given, made, p):
    return given[0] is None and made[0] is not None and given[1] is not None and given[1][1] == made[0][1]


def _cumulative(e, given, made, p):
    return made[0] == given[0] and not (p.get("reverse") and p["axis"] == given[0][0])


_RULES: dict[str, Callable[..., bool]] = {
    "reshape": _reshape,
    "squeeze": _reshape,
    "expand_dims": _reshape,
    "broadcast_in_dim": _broadcast,
    "transpose": lambda e, given, made, p: True,
    "iota": lambda e, given, made, p: True,
    "slice": _whole,
    "dynamic_slice": _whole,
    "split": lambda e, given, made, p: p["axis"] != given[0][0] and all(mark == given[0] for mark in made),
    "rev": lambda e, given, made, p: given[0][0] not in p["dimensions"],
    "concatenate": _concatenate,
    "dot_general": _dot,
    "gather": _gather,
    **dict.fromkeys(("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"), _cumulative),
}


# Evaluation -----------------------------------------------------------------------------------------------------------


def _evaluate(real, probe, constants: Sequence[Any], arguments: Sequence[Any], count: Any, marks: _Marks) -> list[Any]:
    env: dict[Any, Any] = dict(zip(real.constvars, constants, strict=True))
    env |= dict(zip(real.invars, arguments, strict=True))

    def read(operand):
        return operand.val if isinstance(operand, core.Literal) else env[operand]

    for equation, like in zip(real.eqns, probe.eqns, strict=True):
        values = [read(operand) for operand in equation.invars]
        given = [marks.axis(operand.aval) for operand in like.invars]
        nested, nested_like = _inner(equation), _inner(like)
        if nested is not None and nested_like is not None:
            results = _evaluate(nested.jaxpr, nested_like.jaxpr, nested.consts, values, count, marks)
        else:
            results = _one(equation, values, given, count)
        env |= dict(zip(equation.outvars, results, strict=True))
    return [read(operand) for operand in real.outvars]


def _one(equation: Any, values: list[Any], given: list[Any], count: Any) -> list[Any]:
    name, params = equation.primitive.name, equation.params
    if name in _REDUCTIONS and given[0] is not None and given[0][0] in params["axes"]:
        values = [_masked(values[0], given[0], count, _REDUCTIONS[name])]
    elif name == "dot_general" and any(given):
        contracted = params["dimension_numbers"][0]
        if all(mark is not None and mark[0] in axes for mark, axes in zip(given, contracted, strict=True)):
            values = [_masked(value, mark, count, 0) for value, mark in zip(values, given, strict=True)]
    elif name == "concatenate" and given[0] is not None and params["dimension"] == given[0][0]:
        axis, more = given[0]
        whole = equation.primitive.bind(*values, **params)
        joined = jnp.concatenate(values[1:], axis)
        return [lax.dynamic_update_slice_in_dim(whole, joined, count + more, axis)]
    results = equation.primitive.bind(*values, **params)
    return list(results) if equation.primitive.multiple_results else [results]


def _masked(value: Any, mark: tuple[int, int], count: Any, neutral: float) -> Any:
    """A value with everything behind the count replaced."""
    axis, more = mark
    there = lax.broadcasted_iota(jnp.int32, value.shape, axis) < count + more
    if value.dtype == jnp.bool_ or jnp.issubdtype(value.dtype, jnp.floating):
        return jnp.where(there, value, jnp.asarray(neutral, value.dtype))
    limits = jnp.iinfo(value.dtype)
    whole = limits.min if neutral == -np.inf else limits.max if neutral == np.inf else int(neutral)
    return jnp.where(there, value, jnp.asarray(whole, value.dtype))
