"""How much memory one array may take: a file of a few bytes can ask for arrays of any size.

The limit is `Target.max_array_bytes`. It holds for the results of an operator and for intermediate arrays inside of it,
and is checked on shapes, before anything is allocated. An operator that makes a NumPy array, which exists as soon as it
is traced, checks its shape itself with `check_shape`; `check_call` checks everything else.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from graphml.catalogue import ValueUnseen, target
from graphml.errors import ShapeError

# Values are hidden while shapes are evaluated; whatever needs one is checked by the call itself.
VALUE_UNSEEN = (jax.errors.JAXTypeError, jax.errors.JAXIndexError)
# Errors that JAX means for the user: the above, and a NaN or infinity that `jax.debug_nans` or `debug_infs` has found.
OF_JAX = (*VALUE_UNSEEN, FloatingPointError)


def check_shape(shape: Sequence[int], dtype: Any = np.float32) -> None:
    """Raise ShapeError when an array of this shape takes more bytes than the limit, or a size is negative."""
    if any(size < 0 for size in shape):
        raise ShapeError(f"an array cannot have the shape {list(shape)}; sizes must not be negative")
    dtype = np.dtype(dtype) if isinstance(dtype, type | str) else dtype  # NumPy does not know the dtype of keys
    limit = target().max_array_bytes
    # logarithms do not grow with the number of axes as products do
    needed = -math.inf if 0 in shape else sum(map(math.log2, (dtype.itemsize, *shape)))
    if needed > math.log2(limit) + 1e-9:
        raise ShapeError(
            f"an array {dtype.name}{list(shape)} takes {_bytes(needed)}, more than the limit of "
            f"{_bytes(math.log2(limit))}; max_array_bytes of ModelConfiguration or lower() raises it"
        )


def _bytes(exponent: float) -> str:
    """2^exponent bytes as text, with a unit."""
    units = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    power = int(exponent // 10)
    return f"{2 ** (exponent - 10 * power):.4g} {units[power]}" if power < len(units) else f"2^{exponent:.0f} bytes"


def check_call(
    function: Callable[..., Any], arrays: Sequence[Any], concrete: Collection[int], numbers: Mapping[str, Any]
) -> None:
    """Raise ShapeError when `function(*arrays)` makes an array that takes more bytes than the limit.

    Args:
        function: a pure function of arrays.
        arrays: its operands; None for an absent one.
        concrete: positions of operands whose values the function needs, because they decide a shape.
        numbers: what else may decide shapes.

    Raises:
        ShapeError: an array is too large. What the function itself raises about these shapes is passed on.
    """
    known = [arrays[position] for position in concrete if position < len(arrays)]
    values = [*numbers.values(), *known]
    traced = any(isinstance(array, Tracer) for array in arrays)
    if _ordinary(values) if traced else _surely_small(arrays, values):
        return
    unseen = [i for i, array in enumerate(arrays) if i not in concrete and array is not None]

    def of_shapes(*hidden: Any) -> list[Any]:
        given = list(arrays)
        for i, array in zip(unseen, hidden, strict=True):
            given[i] = array
        made = function(*given)
        results: list[Any] = list(made) if isinstance(made, tuple | list) else [made]
        for result in results:
            check_shape(result.shape, result.dtype)
        return [result for result in results if not isinstance(result, np.ndarray)]  # which may be a view

    try:
        shapes = [jax.ShapeDtypeStruct(arrays[i].shape, arrays[i].dtype) for i in unseen]
        program = jax.make_jaxpr(of_shapes)(*shapes)
    except (*VALUE_UNSEEN, ValueUnseen):
        return
    for value in _values(program.jaxpr):
        check_shape(value.shape, value.dtype)


_ORDINARY = 1 << 12


def _ordinary(numbers: Iterable[Any]) -> bool:
    """Whether all numbers are as small as in real models. Then it is enough to check the shapes of the results, since
    nothing is allocated while tracing; tracing each operator twice would double the time that it takes."""
    return all(abs(number) <= _ORDINARY for number in _flat(numbers))


def _surely_small(arrays: Iterable[Any], numbers: Iterable[Any]) -> bool:
    """Whether no product of three sizes and of all numbers comes near the limit, so that there is nothing to check."""
    total = 3 * math.log2(1 + sum(array.size for array in arrays if array is not None))
    most = math.log2(target().max_array_bytes) - 4
    for number in _flat(numbers):
        if total > most or not math.isfinite(number):
            return False
        total += abs(math.log2(abs(number))) if number else 0
    return total <= most


def _flat(values: Iterable[Any]) -> Iterator[float]:
    for value in values:
        if isinstance(value, int | float):
            yield value
        elif isinstance(value, np.ndarray | jax.Array) and not isinstance(value, Tracer):
            if value.size > 64:
                yield math.inf
            else:
                yield from np.asarray(value, np.float64).ravel().tolist()
        elif isinstance(value, Mapping):
            yield from _flat(value.values())
        elif isinstance(value, tuple | list):
            yield from _flat(value)


def _values(jaxpr: Any) -> Iterator[Any]:
    """The type of every array that a program makes, inner programs included."""
    for equation in jaxpr.eqns:
        yield from (variable.aval for variable in equation.outvars if hasattr(variable.aval, "shape"))
        for parameter in equation.params.values():
            for inner in parameter if isinstance(parameter, tuple | list) else [parameter]:
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    yield from _values(inner)
