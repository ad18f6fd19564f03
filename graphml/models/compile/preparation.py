"""Weights in the form that the layers use, computed without compiling where that is possible.

Most preparations are transpositions, sums and products for each layer. NumPy computes them instead of a program that
XLA would take seconds to compile, and that would run once. Preparations with other operations are compiled.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false, reportUnknownLambdaType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal, jaxpr_as_fun

from graphml.interpreter.lower import Lowered
from graphml.spec.weights import aligned_empty


def _broadcast(x, *, shape, broadcast_dimensions, **_):
    whole = [1] * len(shape)
    for axis, size in zip(broadcast_dimensions, x.shape, strict=True):
        whole[axis] = size
    return np.broadcast_to(x.reshape(whole), shape)


def _slice(x, *, start_indices, limit_indices, strides, **_):
    steps = (None,) * x.ndim if strides is None else strides
    return x[tuple(map(slice, start_indices, limit_indices, steps))]


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": lambda a, b, **_: a + b,
    "sub": lambda a, b, **_: a - b,
    "mul": lambda a, b, **_: a * b,
    "div": lambda a, b, **_: a / b,
    "neg": lambda x, **_: -x,
    "sqrt": lambda x, **_: np.sqrt(x),
    "convert_element_type": lambda x, *, new_dtype, **_: x.astype(new_dtype, copy=False),
    "dot_general": lambda a, b, *, dimension_numbers, **_: np.tensordot(a, b, dimension_numbers[0]),
}
_MOVEMENT: dict[str, Callable[..., Any]] = {
    "transpose": lambda x, *, permutation, **_: np.transpose(x, permutation),
    "reshape": lambda x, *, new_sizes, **_: np.reshape(x, new_sizes),
    "squeeze": lambda x, *, dimensions, **_: np.squeeze(x, tuple(dimensions)),
    "broadcast_in_dim": _broadcast,
    "slice": _slice,
    "concatenate": lambda *parts, dimension, **_: np.concatenate(parts, dimension),
}
_OPERATIONS = _ARITHMETIC | _MOVEMENT


class Preparation:
    """`Lowered.prepare` for weights of certain shapes. It does not refer to any weights.

    Args:
        lowered: The network.
        tree: The structure of its parameters.
        forms: The shapes and types of its leaves.

    Attributes:
        compiled: Whether XLA computes a part of it.
    """

    def __init__(self, lowered: Lowered, tree: Any, forms: Sequence[jax.ShapeDtypeStruct]) -> None:
        structures: list[Any] = []

        def prepare(leaves):
            made, structure = jax.tree.flatten(lowered.prepare(tree.unflatten(leaves)))
            structures.append(structure)
            return made

        closed = jax.make_jaxpr(prepare)(list(forms))
        jaxpr = closed.jaxpr
        self._structure, self._jaxpr, self._constants = structures[-1], jaxpr, closed.consts
        places = {var: place for place, var in enumerate(jaxpr.invars)}
        # for each result the index of the weight that it is unchanged, which `jit` would copy; None if it is computed
        self._passed = [None if isinstance(var, Literal) else places.get(var) for var in jaxpr.outvars]
        self.compiled = not all(map(_is_numpys, jaxpr.eqns))
        self._last_use = {var: i for i, equation in enumerate(jaxpr.eqns) for var in _variables(equation.invars)}
        self._last_use |= dict.fromkeys(_variables(jaxpr.outvars), len(jaxpr.eqns))

        def computed(leaves):
            made = jaxpr_as_fun(closed)(*leaves)
            return [leaf for leaf, place in zip(made, self._passed, strict=True) if place is None]

        self._program = jax.jit(computed)

    def __call__(self, leaves: Sequence[Any], device: Any) -> Any:
        """The prepared weights on a device; those used as stored are passed on.

        Args:
            leaves: The stored weights.
            device: As `jax.device_put` takes it.
        """
        if self.compiled or not all(map(_is_on_host, leaves)):
            leaves = jax.device_put(leaves, device)
            made = iter(self._program(leaves) if None in self._passed else ())
        else:
            made = iter(jax.device_put(self._by_numpy([np.asarray(leaf) for leaf in leaves]), device))
            used = {place for place in self._passed if place is not None}
            leaves = [jax.device_put(leaf, device) if i in used else None for i, leaf in enumerate(leaves)]
        return self._structure.unflatten(next(made) if place is None else leaves[place] for place in self._passed)

    def _by_numpy(self, leaves: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The results that are computed; intermediate values are freed as soon as possible."""
        jaxpr = self._jaxpr
        values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*self._constants, *leaves), strict=True))

        def value(var: Any) -> np.ndarray:
            return np.asarray(var.val, _form(var).dtype) if isinstance(var, Literal) else np.asarray(values[var])

        with np.errstate(all="ignore"):
            for i, equation in enumerate(jaxpr.eqns):
                operation = _OPERATIONS[equation.primitive.name]
                values[equation.outvars[0]] = operation(*map(value, equation.invars), **equation.params)
                for var in _variables(equation.invars):
                    if self._last_use[var] == i:
                        values.pop(var, None)
        made: list[np.ndarray] = []
        for var, place in zip(jaxpr.outvars, self._passed, strict=True):
            if place is None:
                made.append(aligned_empty(_form(var).shape, _form(var).dtype))
                made[-1][...] = value(var)
        return made


def _form(atom: Any) -> Any:
    """Shape and type."""
    return atom.aval


def _variables(atoms: Sequence[Any]) -> list[Any]:
    return [atom for atom in atoms if not isinstance(atom, Literal)]


def _is_numpys(equation: Any) -> bool:
    """Whether NumPy computes the same."""
    name = equation.primitive.name
    types = [_form(atom).dtype for atom in (*equation.invars, *equation.outvars)]
    if name in _MOVEMENT:
        return not any(jnp.issubdtype(kind, jax.dtypes.extended) for kind in types)
    if name == "convert_element_type":
        return jnp.issubdtype(types[-1], jnp.floating)
    if name == "dot_general":  # in half precision NumPy rounds sums differently
        return set(types) <= {np.dtype(np.float32)} and not any(equation.params["dimension_numbers"][1])
    return name in _ARITHMETIC and all(jnp.issubdtype(kind, jnp.floating) for kind in types)


def _is_on_host(leaf: Any) -> bool:
    if isinstance(leaf, jax.Array):
        return len(leaf.devices()) == 1 and next(iter(leaf.devices())).platform == "cpu"
    return isinstance(leaf, np.ndarray)
