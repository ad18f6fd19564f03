"""The laws that every operator obeys. A new kind needs nothing here: its cases are in `tests/cases`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case, Kind, load_all
from compiling import QUICK, USERS, one_program, together
from hypothesis import given
from one_layer import blobs, lowered, same, tolerances, traceable

from graphml import catalogue
from graphml.errors import GraphmlError
from graphml.interpreter.interface import Blobs
from graphml.interpreter.layout import ChannelsLast
from graphml.interpreter.lower import Lowered
from graphml.spec import NeuralNetworkLayer, layers
from graphml.spec.attributes import Choice, attribute_names, decode, encode, weight_names
from graphml.spec.weights import Quantized

KINDS = load_all()
every_kind = pytest.mark.parametrize("name", sorted(KINDS))


def _with_weights(kind: Kind) -> list[tuple[str, Case]]:
    return [("base", kind.base), *kind.variations()]


def test_every_kind_of_the_format_is_in_the_catalogue_and_has_cases():
    assert sorted(set(layers.kinds()) - set(catalogue.rows("layer"))) == [], "kinds that no operator runs"
    assert sorted(set(catalogue.rows("layer")) - set(KINDS)) == [], "operators that nothing is demanded of"


@every_kind
def test_answers_are_those_worked_by_hand_and_of_the_oracle(name):
    """Worked examples, and what the oracle says of all variations: compiled as one program."""
    kind = KINDS[name]
    assert kind.worked, "every kind has at least one example worked by hand"
    worked, varied = [case for case, _ in kind.worked], [case for _, case in kind.variations()]
    found = _answers(kind, [*worked, *varied])
    for (_, outputs), answers in zip(kind.worked, found[: len(worked)], strict=True):
        for got, want in zip(answers, outputs, strict=True):
            same(got, np.asarray(want, np.float32), rtol=1e-5, atol=1e-6)
    for case, answers in zip(varied, found[len(worked) :], strict=True):
        _check(kind, case, answers)


@every_kind
def test_the_base_case_as_users_compile_it(name):
    """Its answers are those of the oracle, and those without compiling."""
    kind = KINDS[name]
    network = lowered(name, kind.base)
    eager = blobs(network, network.params, kind.base.inputs)
    [jitted] = _answers(kind, [kind.base], USERS)
    _check(kind, kind.base, jitted)
    for one, other in zip(eager, jitted, strict=True):
        same(one, other, rtol=2e-6, atol=2e-6)  # fusion reorders sums


@every_kind
def test_drawn_answers_are_those_of_the_oracle(name):
    kind = KINDS[name]
    cases: list[Case] = []

    @given(kind.draw)
    def collect(case):
        cases.append(case)

    @given(kind.draw)
    def check_alone(case):
        _check(kind, case, *_answers(kind, [case]))

    collect()
    try:
        for start in range(0, len(cases), 16):
            some = cases[start : start + 16]
            for case, answers in zip(some, _answers(kind, some), strict=True):
                _check(kind, case, answers)
    except Exception:
        check_alone()  # so that hypothesis finds the smallest case that fails
        raise


def _answers(kind: Kind, cases: Sequence[Case], options: dict[str, Any] = QUICK) -> list[list[np.ndarray]]:
    """What the layer gives for each case, all in one program."""
    calls = []
    for case in cases:
        network = lowered(kind.kind, case)
        run, inputs = traceable(network, case)
        calls.append((run, (network.params, inputs)))
    return together(calls, options)


def _check(kind: Kind, case: Case, got: list[np.ndarray]) -> None:
    assert {one.dtype for one in got} == {np.dtype(np.float32)}
    with np.errstate(all="ignore"):
        wanted = kind.answers(case)
    measured = got if kind.measure is None else kind.measure([np.asarray(one) for one in got])
    for one, want in zip(measured, wanted, strict=True):
        same(one, want, **tolerances(kind))


def _either(kind: Kind) -> list[Case]:
    """The cases of a kind whose images may come channels-last as well as in wire order."""
    cases = [case for _, case in _with_weights(kind)]
    return [case for case in cases if _layout(kind, case) == "either"]


def _layout(kind: Kind, case: Case) -> str:
    attributes = lowered(kind.kind, case).graph.body.nodes[-1].attributes
    return catalogue.rows("layer")[kind.kind].layout_for(attributes, tuple(x.ndim for x in case.inputs))


@pytest.mark.parametrize("name", sorted(name for name, kind in KINDS.items() if _either(kind)))
def test_images_that_come_channels_last_give_the_same(name):
    kind = KINDS[name]
    calls = []
    for case in _either(kind):
        network = lowered(name, case)
        last = dataclasses.replace(network, interface=_ImagesChannelsLast())

        def both(inputs, network=network, last=last):
            return blobs(network, network.params, inputs), blobs(last, last.params, inputs)

        calls.append((both, (case.inputs,)))
    for wire_order, channels_last in together(calls):
        for one, other in zip(wire_order, channels_last, strict=True):
            same(one, other, **tolerances(kind))


class _ImagesChannelsLast(Blobs):
    """Inputs of rank 3 and more enter as the interpreter holds them between two layers that want channels last."""

    def enter(self, name, value, dtype):
        return ChannelsLast(jnp.moveaxis(value, -3, -1)) if value.ndim >= 3 else value


@every_kind
def test_vmap_equals_a_loop(name):
    kind = KINDS[name]
    concrete = catalogue.rows("layer")[name].concrete_for({})
    if all(i in concrete for i in range(len(kind.base.inputs))):
        return  # a constant has nothing to map over, and known numbers are not mapped
    network = lowered(name, kind.base)
    stacked = [x if i in concrete else np.stack([x, x[..., ::-1]]) for i, x in enumerate(kind.base.inputs)]
    axes = [None if i in concrete else 0 for i in range(len(stacked))]
    params = network.params

    def run(*inputs):
        return tuple(blobs(network, params, inputs))

    def both(moving):
        at = iter(moving)
        stacked = [x if i in concrete else next(at) for i, x in enumerate(kind.base.inputs)]
        rows = [run(*(x if i in concrete else x[row] for i, x in enumerate(stacked))) for row in range(2)]
        return jax.vmap(run, in_axes=axes)(*stacked), rows

    moving = [x for i, x in enumerate(stacked) if i not in concrete]
    [(mapped, rows)] = together([(both, (moving,))])
    for row, alone in enumerate(rows):
        for one, other in zip(mapped, alone, strict=True):
            same(one[row], other, rtol=1e-5, atol=1e-5)


@every_kind
def test_gradients_equal_numerical_differences(name):
    kind, row = KINDS[name], catalogue.rows("layer")[name]
    if row.differentiable is not True:
        assert len(row.differentiable.split()) > 3, "the reason is a sentence"
        return
    if isinstance(kind.smooth, str):
        assert len(kind.smooth.split()) > 3, "the reason is a sentence"
        return
    rough = kind.smooth if isinstance(kind.smooth, dict) else {}
    assert all(len(reason.split()) > 3 for reason in rough.values()), "the reason is a sentence"
    with jax.enable_x64(True):
        found: dict[
            str, _Gradient
        ] = {}  # variations that differ in values alone are one program: one of them is enough
        for variation, case in _with_weights(kind):
            if variation not in rough:
                network = lowered(name, case, jnp.float64)
                gradient = _gradient(kind, case, network)
                if jax.tree.leaves(gradient.point):
                    found.setdefault(_program(case, network), gradient)
        _check_gradients(list(found.values()))


def _program(case: Case, network: Lowered) -> str:
    """Equal for cases that are the same program."""
    shapes = jax.tree.map(np.shape, network.params), [np.shape(x) for x in case.inputs]
    return repr((network.graph.body.nodes[-1].attributes, shapes, case.outputs))


class _Gradient(NamedTuple):
    """function: (weights, inputs that have gradients) -> a sum over all outputs. point: its arguments, in float64."""

    function: Callable[..., jax.Array]
    point: tuple[Any, tuple[np.ndarray, ...]]


def _gradient(kind: Kind, case: Case, network: Lowered) -> _Gradient:
    held = {*catalogue.rows("layer")[kind.kind].concrete_for({}), *kind.whole}
    inputs = tuple(np.asarray(x, np.float64) for x in case.inputs)
    params = jax.tree.map(_as_trained, network.params, is_leaf=lambda w: isinstance(w, Quantized))

    def total(params, moving):
        rest = iter(moving)
        outputs = blobs(network, params, [x if i in held else next(rest) for i, x in enumerate(inputs)])
        return sum(jnp.vdot(y, jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape)) for y in outputs)

    return _Gradient(total, (params, tuple(x for i, x in enumerate(inputs) if i not in held)))


def _check_gradients(gradients: Sequence[_Gradient]) -> None:
    """Directional derivatives in float64: central differences against reverse mode, in inputs and weights together."""
    # one program for the values and gradients of all: compiling takes nearly all of the time
    program = one_program([jax.value_and_grad(gradient.function, argnums=(0, 1)) for gradient in gradients])
    points = [gradient.point for gradient in gradients]
    exact = [gradient for _, gradient in program(points)]
    rng = np.random.default_rng(0)
    step = 1e-6
    for _ in range(2):
        directions = jax.tree.map(lambda w: rng.standard_normal(w.shape), points)
        ahead = program(jax.tree.map(lambda w, d: w + step * d, points, directions))
        behind = program(jax.tree.map(lambda w, d: w - step * d, points, directions))
        for gradient, direction, (more, _), (less, _) in zip(exact, directions, ahead, behind, strict=True):
            pairs = zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True)
            numerical = (more - less) / (2 * step)
            np.testing.assert_allclose(sum(np.vdot(s, d) for s, d in pairs), numerical, rtol=2e-5, atol=2e-6)


def _as_trained(weight):
    """A stored weight as training has it: quantized ones in floats, as codes have no gradient."""
    return np.asarray(weight.dequantize() if isinstance(weight, Quantized) else weight, np.float64)


@every_kind
def test_a_layer_survives_bytes(name):
    kind = KINDS[name]
    for _, case in _with_weights(kind):
        layer = encode(name, dict(case.fields))
        again = NeuralNetworkLayer.FromString(layer.SerializeToString(deterministic=True))
        decoded = decode(again)
        assert encode(name, {**decoded.attributes, **decoded.weights}) == encode(
            name, {**decode(layer).attributes, **decode(layer).weights}
        )


@every_kind
def test_refusals_say_their_words(name):
    for case, words in KINDS[name].refuse:
        with pytest.raises(GraphmlError, match=re.escape(words)) as caught:
            network = lowered(name, case)
            blobs(network, network.params, case.inputs)
        assert "layer" in str(caught.value), "the error names the layer"


@every_kind
def test_every_attribute_changes_the_answer(name):
    """Hollowness: an attribute or enum value that no case can tell apart might as well not be implemented."""
    kind = KINDS[name]
    row = catalogue.rows("layer")[name]
    missing = sorted((row.attributes | row.weights) - kind.vary.keys() - kind.unseen.keys())
    assert missing == [], "attributes that no variation shows to matter"
    assert all(len(where.split()) > 3 for where in kind.unseen.values()), "where it is tested is a sentence"
    base = kind.answers(kind.base)
    for field, case in kind.variations():
        other = kind.answers(case)
        same_answer = len(base) == len(other) and all(
            a.shape == b.shape and np.allclose(a, b, equal_nan=True) for a, b in zip(base, other, strict=True)
        )
        assert not same_answer, f"the variation {field}={case.fields.get(field)!r} leaves the oracle's answer as it was"
    assert _enum_values(name) <= _shown(kind), "enum values that no case shows"


def _enum_values(name: str) -> set[str]:
    """Every enum value and oneof member that a kind's attributes can take."""
    found: set[str] = set()
    pending = [layers.descriptor(name)]
    while pending:
        message = pending.pop()
        if message.full_name in ("graphml.spec.WeightParams", "graphml.spec.NeuralNetwork"):
            continue
        if message.name == "ActivationParams" and name != "activation":
            continue  # recurrent layers take a handful of them; the activation layer shows all
        for field in message.fields:
            if field.containing_oneof is not None and len(field.containing_oneof.fields) > 1:
                found.add(field.name)
            if field.enum_type is not None:
                found |= set(field.enum_type.values_by_name)
            if field.message_type is not None and not field.message_type.GetOptions().map_entry:
                pending.append(field.message_type)
    return found


def _shown(kind: Kind) -> set[str]:
    """Every string and choice in the decoded layers of the base case and its variations."""
    found: set[str] = set()

    def walk(value):
        if isinstance(value, Choice):
            found.add(value.name)
            walk(dict(value.fields))
        elif isinstance(value, dict):
            for item in value.values():
                walk(item)
        elif isinstance(value, tuple | list):
            for item in value:
                walk(item)
        elif isinstance(value, str):
            found.add(value)

    for _, case in _with_weights(kind):
        walk(decode(encode(kind.kind, dict(case.fields))).attributes)
    return found


@every_kind
def test_the_program_is_pure_and_portable(name):
    """No callbacks to the host, and the same program lowers for GPU and TPU."""
    kind = KINDS[name]
    network = lowered(name, kind.base)
    run, inputs = traceable(network, kind.base)
    program = jax.jit(run)
    assert "callback" not in str(jax.make_jaxpr(program)(network.params, inputs))
    jax.export.export(program, platforms=["cpu", "cuda", "tpu"])(network.params, inputs)


def test_the_signature_of_a_row_is_the_wire():
    for name, row in catalogue.rows("layer").items():
        assert row.attributes | row.weights <= attribute_names(name)
        assert row.weights <= weight_names(name)
        assert row.summary, f"{name} has no docstring"
