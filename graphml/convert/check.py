"""The comparison of a result with its source: both run on the same inputs, with every relevant shape."""

# models are untyped here
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from graphml.convert.report import WAYS_OUT, Check, OutputCheck
from graphml.convert.request import INTEGERS, Flexible, ImageInput, Input
from graphml.convert.source import TensorSource
from graphml.errors import ConversionError, GraphmlError, typed
from graphml.inspect.agreement import difference, first_inside, paired
from graphml.inspect.drawing import draws
from graphml.inspect.measure import measure
from graphml.inspect.references import Array, Given, answers, limits_of
from graphml.models.model import Model

_MORE = 3  # how much larger an unlimited axis is made


def check(model: Model, source: TensorSource) -> Check:
    """Compare a model with the source that it was converted from.

    Args:
        model: The model.
        source: The source.

    Raises:
        ConversionError: An output differs. The message names it, the largest difference and, where both expose
            intermediate values, the first one that differs.
    """
    request = source.request
    reference = source.reference()
    limits = limits_of(model)
    worst: dict[str, OutputCheck] = {}
    shapes: list[str] = []
    notes: list[str] = []
    for words, is_default, features in _features(model, source, limits):
        given = Given(model, features, frozenset(limits), jax.random.key(request.seed), pixels=True)
        try:
            others = reference.run(given)
        except Exception as error:  # of the source's library
            if is_default:
                advice = "check=False (--no-check) converts without running the source"
                raise typed(error, f"{source.what} fails with inputs {words}", [advice]) from error
            notes.append(f"not compared for {words}, which the source rejects: {_short(error)}")
            continue
        if any(_unlike(a, b) for a, b in zip(_values(others), _values(reference.run(given)), strict=True)):
            notes.append("not compared: the source gives different outputs in each run")
            if not model.draws():
                notes.append(
                    "the result does not: its random numbers were drawn during the conversion, as coremltools does for "
                    "fixed shapes; with a Flexible axis they are drawn in each run"
                )
            break
        try:
            own = answers(model, features, given.key)
        except GraphmlError as error:
            raise error.in_context(f"the converted model fails with inputs {words}") from error
        pairs = paired(model, own, others, reference.what)
        found = {name: measured(name, value, other) for name, value, other in pairs}
        wrong = [name for name, one in found.items() if not one.error <= request.tolerance]
        if wrong:
            texts = [str(found[name]) for name in wrong]
            texts += [t for p in pairs if p[0] in wrong and (t := difference(*p, request.tolerance, 0.0)) is not None]
            if reference.inside is not None:
                texts.append(first_inside(given, reference.inside(given), request.tolerance, 1e-5))
            raise ConversionError(
                "\n".join([f"the result differs from {source.what}, for inputs {words}:", *texts]) + f"\n{WAYS_OUT}"
            )
        shapes.append(words)
        for name, one in found.items():
            if name not in worst or one.error > worst[name].error:
                worst[name] = one
    return Check(tuple(worst.values()), tuple(shapes), tuple(notes))


def _features(
    model: Model, source: TensorSource, limits: Mapping[str, int]
) -> Iterator[tuple[str, bool, Mapping[str, Any]]]:
    """(words, whether this is the default shape, inputs) for each comparison: the example, then drawn inputs."""
    inputs = source.inputs
    examples = {name: one.example for name, one in inputs.items()}
    if inputs and all(_is_usable(one) for one in inputs.values()):
        yield "the example", True, {name: _array(value) for name, value in examples.items()}
    described = model.description.inputs
    for number, sizes in enumerate(shapes_to_try(inputs)):
        shapes = {name: _shape(one, sizes[name]) for name, one in inputs.items() if name in sizes}
        seed = source.request.seed + number
        for features in draws(described, limits, seed, [shapes]):
            _draw_integers(features, inputs, limits, np.random.default_rng(seed))
            words = ", ".join(f"{name} {list(np.shape(value))}" for name, value in features.items())
            yield words, not number, features


def shapes_to_try(inputs: Mapping[str, Input]) -> list[dict[str, tuple[int, ...]]]:
    """The default shape, every enumerated one, and the smallest and a larger one of ranges.

    Args:
        inputs: {name: input}.

    Returns:
        {name: shape} for each comparison; axes with equal `Flexible` values have equal sizes.
    """
    axes = list(dict.fromkeys(axis for one in inputs.values() for axis in one.flexible))
    count = max((len(_sizes(axis)) for axis in axes), default=1)
    found: list[dict[str, tuple[int, ...]]] = []
    for number in range(count):
        chosen = {axis: _sizes(axis)[min(number, len(_sizes(axis)) - 1)] for axis in axes}
        row = {
            name: tuple(chosen[axis] if isinstance(axis, Flexible) else axis for axis in one.shape or ())
            for name, one in inputs.items()
        }
        if row not in found:
            found.append(row)
    return found


def _sizes(axis: Flexible) -> list[int]:
    """The sizes of an axis to try, the default one first."""
    if axis.sizes:
        return list(dict.fromkeys([axis.default, *axis.sizes]))
    larger = axis.default + _MORE if axis.high is None else min(axis.high, axis.default + _MORE)
    return list(dict.fromkeys([axis.default, larger, axis.low]))


def _shape(one: Input, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in the form that `draws` takes: an image is [height, width]."""
    if not isinstance(one, ImageInput):
        return sizes
    return sizes[2:] if one.channels_first else sizes[1:3]


def _draw_integers(
    features: dict[str, Any], inputs: Mapping[str, Input], limits: Mapping[str, int], generator: np.random.Generator
) -> None:
    """Replace drawn integers that are not indices by integers in the range of the example, or by 0 and 1 as in a mask:
    larger ones might overflow as a mask, or be a number of iterations."""
    for name, one in inputs.items():
        if one.dtype not in INTEGERS or name in limits or isinstance(one, ImageInput):
            continue
        example = np.array([0, 1]) if one.example is None else _array(one.example)
        low, high = int(example.min(initial=1)), int(example.max(initial=0))
        drawn = generator.integers(min(low, high), max(low, high) + 1, np.shape(features[name]))
        features[name] = drawn.astype(np.asarray(features[name]).dtype)


def _is_usable(one: Input) -> bool:
    return (
        one.example is not None
        and not isinstance(one, ImageInput)
        and tuple(np.shape(one.example)) == one.default_shape
    )


def _array(value: Any) -> Array:
    found = np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
    if found.dtype.kind in "iub":
        return found.astype(np.int32)
    return found.astype(np.float32)


def _values(found: Any) -> list[Any]:
    return list(found.values()) if isinstance(found, Mapping) else list(found)


def _unlike(first: Any, second: Any) -> bool:
    """Whether two runs differ by more than rounding."""
    return not measure(first, second).error <= 1e-2


def measured(name: str, own: Any, other: Any) -> OutputCheck:
    """How much an output differs from that of the source.

    Args:
        name: Its name.
        own: Its value in the result.
        other: The value of the source.
    """
    if isinstance(own, str | int) or isinstance(other, str):
        return OutputCheck(name, 0.0 if own == other else float("inf"), 0.0, 0.0)
    a = np.asarray(list(own.values()) if isinstance(own, Mapping) else own, np.float64)
    b = np.asarray(list(other.values()) if isinstance(other, Mapping) else other, np.float64)
    if _core(a) == _core(b):
        a = a.reshape(b.shape)
    finite = b[np.isfinite(b)]
    found = measure(b, a)
    return OutputCheck(name, found.error, found.largest, float(np.ptp(finite)) if finite.size else 0.0)


def _core(array: Array) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)


def _short(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
