"""The laws that every operation of ML Programs obeys. A new one needs nothing here: its cases are in
`tests/operation_cases`.

A program that runs once costs its compilation, so all answers of a row are computed by one program, and all gradients
by another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiling import QUICK, USERS, together
from hypothesis import given
from one_layer import same
from one_operation import (
    NAME,
    VERSIONS,
    Moving,
    Program,
    answers,
    declared,
    missing_kinds,
    program,
    row_of,
    served,
)
from operation_cases import Case, Operation, load_all

from graphml import catalogue
from graphml.errors import GraphmlError
from graphml.interpreter.interface import Blobs
from graphml.interpreter.layout import ChannelsLast
from graphml.interpreter.stages import Staged
from graphml.spec.program.operations import operations as declared_operations

STATED = load_all()
every_row = pytest.mark.parametrize("name", sorted(STATED))


def test_every_operation_of_the_format_is_in_the_catalogue_and_has_cases():
    assert sorted(missing_kinds(STATED)) == [], "operations that no row runs, or that nothing is demanded of"


def test_every_row_has_cases():
    rows = {
        (kind, row_of(kind, version).version) for kind in catalogue.rows("operation") for version in _versions(kind)
    }
    stated = {(each.kind, each.version) for each in STATED.values()}
    rows = {(kind, version) for kind, version in rows if not kind.startswith("constexpr_")}
    assert sorted(rows - stated) == [], "rows that nothing is demanded of"
    assert sorted(stated - rows) == [], "cases of rows that do not exist"


def _versions(kind: str) -> list[int]:
    """The versions of the format that have an operation."""
    first = min(declared_operations()[kind])
    return [version for version in VERSIONS if version >= first]


def test_a_version_with_other_parameters_has_a_separate_row():
    """A row that is older than a parameter would never look at it."""
    for kind in catalogue.rows("operation"):
        versions = sorted(declared_operations()[kind].items())
        for (_, before), (version, says) in pairwise(versions):
            if before.parameters.keys() != says.parameters.keys():
                assert row_of(kind, version).version == version, f"{kind} has other parameters since version {version}"


def test_a_node_is_run_by_the_newest_row_that_is_not_newer():
    for kind, row in catalogue.rows("operation").items():
        assert row_of(kind, 26) is row
        found = [row_of(kind, version).version for version in _versions(kind)]
        assert found == sorted(found)
        assert all(at <= version for at, version in zip(found, _versions(kind), strict=True))


# Answers -------------------------------------------------------------------------------------------------------------


class Question(NamedTuple):
    """A function to run together with others, what it is run on, and what is checked of its results."""

    name: str
    run: Callable[[Moving], Any]
    moving: Moving
    check: Callable[[Any], None]


def ask(questions: list[Question]) -> None:
    """Run all in one program, and report all that are answered wrongly."""

    def named(question: Question) -> Callable[[Moving], Any]:
        def run(moving: Moving) -> Any:
            try:
                return question.run(moving)
            except Exception as error:
                error.add_note(f"in the case {question.name}")
                raise

        return run

    results = together([(named(question), (question.moving,)) for question in questions])
    wrong: list[str] = []
    for question, result in zip(questions, results, strict=True):
        try:
            question.check(result)
        except AssertionError as error:
            wrong.append(f"{question.name}: {error}")
    assert not wrong, "\n\n".join(wrong)


@every_row
def test_answers_are_those_of_the_oracle(name):
    """Worked examples, the base case and its variations, drawn cases; all types; constants and prepared weights; images
    that come channels-last; a batch: the functions below have one sentence on each."""
    stated = STATED[name]
    assert stated.worked, "every row has at least one example worked by hand"
    if (stated.rtol, stated.atol, stated.half) > (1e-5, 1e-5, 2e-3):
        assert len(stated.why.split()) > 3, "the reason for large tolerances is a sentence"
    ask(
        [
            *_worked(stated),
            *(_asked(variation, stated, case) for variation, case in stated.cases()),
            *(_asked(f"drawn {case}", stated, case) for case in _drawn(stated)),
            *_in_half_precision(stated),
            *_in_other_types(stated),
            *_with_constants(stated),
            *_channels_last(stated),
            *_mapped(stated),
        ]
    )


def _worked(stated: Operation) -> Iterator[Question]:
    for case, wanted in stated.worked:
        wanted = tuple(map(np.asarray, wanted if isinstance(wanted, tuple) else (wanted,)))
        says = answers(stated, case)

        def check(results, case=case, wanted=wanted, says=says):
            _compare(stated, case, results, wanted, rtol=1e-5, atol=1e-6, types=[one.dtype for one in says])
            for one, want in zip(says, wanted, strict=True):
                same(np.float64(one), np.float64(want), rtol=1e-5, atol=1e-6)

        made = program(stated, case, outputs=len(wanted) if stated.measure is None else None)
        yield Question(f"worked {case}", made.run, made.moving, check)


def _asked(name: str, stated: Operation, case: Case, **options: Any) -> Question:
    """Whether a case is what the oracle says."""
    made, wanted = program(stated, case, **options), answers(stated, case)
    return Question(name, made.run, made.moving, lambda results: _compare(stated, case, results, wanted))


def _drawn(stated: Operation) -> list[Case]:
    found: list[Case] = []

    @given(stated.draw)
    def draw(case):
        found.append(case)

    draw()
    return found


def _compare(
    stated: Operation,
    case: Case,
    results: Any,
    wanted: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    types: Any = None,
    floats: Any = np.float32,
) -> None:
    """Compare results with answers, in types and numbers.

    floats: the type of floats. types: of the answers, if these do not have them.
    """
    for number, result in enumerate(results):
        kept = wanted[number].dtype if types is None else types[number]
        assert result.dtype == _declared(stated, case, number, kept, floats), (
            f"the type of output {number} is {result.dtype}"
        )
    found = [np.asarray(one) for one in results]
    if stated.measure is not None:
        found = stated.measure(found)
    for one, want in zip(found, wanted, strict=True):
        if one.dtype == np.float16:
            with np.errstate(over="ignore"):
                one, want = np.float32(one), np.float32(np.float16(want))
        same(one, want, rtol=stated.rtol if rtol is None else rtol, atol=stated.atol if atol is None else atol)


def _declared(stated: Operation, case: Case, number: int, type_of_answer: Any, floats: Any) -> Any:
    """The type that an output must have. floats: the type of floats in this program."""
    given = stated.gives({**_defaults(stated, case), **case.attributes}) if stated.gives else ()
    name = given[number] if number < len(given) else None
    if name is not None:
        said = np.dtype({"fp16": "float16", "fp32": "float32"}.get(name, name))
        return np.dtype(np.float32) if said.kind == "f" and floats == np.float32 else said
    return np.dtype(floats) if type_of_answer.kind == "f" else type_of_answer


def _defaults(stated: Operation, case: Case) -> dict[str, Any]:
    says = declared(stated.kind, case.version or stated.version)
    return {name: each.default for name, each in says.parameters.items()}


# Types


def _in_half_precision(stated: Operation) -> Iterator[Question]:
    """Float16 inputs in a program that keeps declared types, for one value of each parameter."""
    if isinstance(stated.no_half, str):
        assert len(stated.no_half.split()) > 3, "the reason is a sentence"
        return
    assert all(len(reason.split()) > 3 for reason in stated.no_half.values()), "the reason is a sentence"
    halves = {name for name, types in _letters(stated).items() if "float16" in types}
    for variation, case in stated.cases(most=1):
        half = _floats_in(case, np.float16, halves)
        if variation in stated.no_half or half is None:
            continue
        made = program(stated, half, dtype=None, outputs=len(answers(stated, case)))
        wanted = answers(stated, _floats_in(half, np.float32, halves) or half)

        def check(results, case=case, wanted=wanted):
            half = {"rtol": stated.half, "atol": stated.half, "floats": np.float16}
            _compare(stated, case, results, wanted, **half)

        yield Question(f"float16 {variation}", made.run, made.moving, check)


def _letters(stated: Operation) -> dict[str, frozenset[str]]:
    """Parameter -> the types that the format allows it; a small set for those that take all."""
    says = served(stated.kind, stated.version).parameters.values()
    every = frozenset({"float16", "float32", "int32", "bool"})
    return {each.name: every if "any" in each.types else each.types for each in says}


def _floats_in(case: Case, dtype: Any, names: set[str]) -> Case | None:
    """The case with other floats; None if it has none. In a graph, all arrays have the same ones."""

    def converted(name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [converted(name, one) for one in value]
        is_float = isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f"
        return value.astype(dtype) if is_float and (name in names or case.graph is not None) else value

    sides = [
        {name: converted(name, value) for name, value in side.items()}
        for side in (case.inputs, case.attributes, case.state)
    ]
    made = replace(case, inputs=sides[0], attributes=sides[1], state=sides[2])
    arrays = [
        one for side in sides for value in side.values() for one in (value if isinstance(value, list) else [value])
    ]
    return made if any(getattr(one, "dtype", None) == dtype for one in arrays) else None


def _in_other_types(stated: Operation) -> Iterator[Question]:
    """The base case with inputs of every other type that the format allows; integers also as constants."""
    for label, case in _retyped(stated):
        yield _asked(label, stated, case)
        if label == "int32" and case.graph is None and not row_of(stated.kind, stated.version).random:
            constants = row_of(stated.kind, stated.version).inputs
            yield _asked("int32 constants", stated, case, constants=constants)


def _retyped(stated: Operation) -> Iterator[tuple[str, Case]]:
    if stated.base.graph is not None:
        return
    newest = served(stated.kind, stated.version)
    letters: dict[str, list[str]] = {}
    for each in newest.parameters.values():
        letters.setdefault(each.letter or each.name, []).append(each.name)
    used: set[str] = set()
    for number, (letter, names) in enumerate(letters.items()):
        given = [name for name in names if name in stated.base.inputs]
        for dtype in sorted(_letters(stated)[names[0]] - {"float16", "float32"}) if given else ():
            key = next((key for key in (f"{letter}:{dtype}", dtype) if key in stated.typed), None)
            said = stated.typed[key] if key else None
            used |= {key} if key else set()
            if isinstance(said, str):
                assert len(said.split()) > 3, "the reason is a sentence"
                continue
            case = said if said is not None else _converted(stated.base, names, np.dtype(dtype))
            if case is not None:
                version = case.version or max(newest.since, stated.version)
                yield dtype if number == 0 else f"{letter}:{dtype}", replace(case, version=version)
    assert used == stated.typed.keys(), "types that the format does not allow"


def _converted(case: Case, names: list[str], dtype: np.dtype[Any]) -> Case | None:
    """The case with some inputs and attributes in another type; None where they have it already."""

    def converted(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(map(converted, value))
        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = np.rint(array * 3)
        array = (abs(array) if dtype.kind == "u" else array).astype(dtype)
        return array if isinstance(value, np.ndarray | np.generic) else array.item()

    values = [case.inputs[name] for name in names if name in case.inputs]
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    if all(np.asarray(one).dtype == dtype for one in flat):
        return None
    inputs = {name: converted(value) if name in names else value for name, value in case.inputs.items()}
    attributes = {
        name: converted(value) if name in names and value is not None and not isinstance(value, str) else value
        for name, value in case.attributes.items()
    }
    return replace(case, inputs=inputs, attributes=attributes)


# Constants, layouts, batches


def _with_constants(stated: Operation) -> Iterator[Question]:
    """Float16 weights that constants write, in a float32 program, for one value of each parameter: prepared for
    inference, the base case also as they are."""
    row = row_of(stated.kind, stated.version)
    if not row.stored:
        return
    for variation, case in stated.cases(most=1):
        if case.graph is not None or not set(row.stored) & {*case.inputs, *case.attributes}:
            continue
        half = _floats_in(case, np.float16, set(row.stored)) or case
        wanted = answers(stated, _floats_in(half, np.float32, set(row.stored)) or case)
        for prepared in (True, False) if variation == "base" else (True,):
            made = program(stated, half, constants=row.stored, prepared=prepared, outputs=len(wanted))

            def check(results, case=case, wanted=wanted):
                _compare(stated, case, results, wanted)

            yield Question(f"constants{' prepared' * prepared} {variation}", made.run, made.moving, check)


class _ImagesChannelsLast(Blobs):
    """Inputs of rank 3 and more enter as the interpreter holds them between two operations that want channels last."""

    def enter(self, name, value, dtype):
        return ChannelsLast(jnp.moveaxis(value, -3, -1)) if value.ndim >= 3 else super().enter(name, value, dtype)


def _channels_last(stated: Operation) -> Iterator[Question]:
    for variation, case in stated.cases():
        if case.graph is not None:
            continue
        made = program(stated, case)
        node, arrays = made.lowered.graph.body.nodes[-1], {**made.known, **made.moving.inputs}
        ranks = tuple(np.ndim(arrays[name]) if name in arrays else None for name in node.inputs)
        layout = row_of(stated.kind, stated.version).layout_for(node.attributes, ranks)
        if layout == "either" or (layout == "any" and variation == "base"):
            yield _asked(f"channels last {variation}", stated, case, interface=_ImagesChannelsLast())


def _mapped(stated: Operation) -> Iterator[Question]:
    """The base case under vmap: each row of a batch is what the oracle says of it."""
    base, made = stated.base, program(stated, stated.base)
    given = made.moving.inputs, made.moving.state
    if not any(given):
        return  # a constant has nothing to map over, and known numbers are not mapped
    rows = [given, jax.tree.map(lambda x: x[..., ::-1] if np.ndim(x) else x, given)]
    inputs, state = jax.tree.map(lambda *each: np.stack(each), *rows)

    def run(moving: Moving) -> Any:
        return jax.vmap(made.run, in_axes=(Moving(None, 0, 0),))(moving)

    def check(results):
        for number, (arrays, states) in enumerate(rows):
            case = replace(base, inputs={**base.inputs, **_named(base, arrays)}, state=states)
            _compare(stated, case, [one[number] for one in results], answers(stated, case))

    yield Question("mapped", run, Moving(made.moving.params, inputs, state), check)


def _named(case: Case, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Blobs as inputs of a case: those of a parameter that takes many are a list."""
    found: dict[str, Any] = {}
    for name, value in case.inputs.items():
        if not isinstance(value, list):
            found[name] = arrays.get(name, value)
        else:
            found[name] = [arrays.get(f"{name}_{i}", one) for i, one in enumerate(value)]
    return found


# Programs ------------------------------------------------------------------------------------------------------------


@every_row
def test_jit_equals_eager(name):
    """The base case as users compile it; the answers above are compiled quickly."""
    stated = STATED[name]
    made = program(stated, stated.base)
    eager, jitted = made.run(made.moving), jax.jit(made.run, compiler_options=USERS)(made.moving)
    for one, other in zip(eager, jitted, strict=True):
        assert one.dtype == other.dtype
        same(one, other, rtol=2e-6, atol=2e-6)  # fusion reorders sums


@every_row
def test_values_that_decide_shapes_may_be_computed(name):
    """The host reads them between two compiled stages."""
    stated = STATED[name]
    made = program(stated, stated.base)
    if made.known and not row_of(stated.kind, stated.version).random:
        found = Staged(made.lowered)(made.moving.params, {**made.known, **made.moving.inputs})
        results = [found[output] for output in made.lowered.graph.outputs]
        _compare(stated, stated.base, results, answers(stated, stated.base))


@every_row
def test_the_program_is_pure_and_portable(name):
    """No callbacks to the host, and the same program lowers for GPU and TPU."""
    stated = STATED[name]
    made = program(stated, stated.base)
    exported = jax.export.export(jax.jit(made.run), platforms=["cpu", "cuda", "tpu"])(made.moving)
    assert "callback" not in exported.mlir_module()


# Gradients -----------------------------------------------------------------------------------------------------------


@every_row
def test_gradients_equal_numerical_differences(name):
    """Directional derivatives in float64: central differences against reverse mode, in inputs and weights together."""
    stated, row = STATED[name], row_of(STATED[name].kind, STATED[name].version)
    for reason in (row.differentiable, stated.smooth):
        if isinstance(reason, str):
            assert len(reason.split()) > 3, "the reason is a sentence"
            return
    with jax.enable_x64(True):
        cases = dict(_smooth(stated))
        assert cases, "no case has a gradient: say differentiable='why' at the operation, or smooth='why' here"
        _check_gradients(cases)


def _smooth(stated: Operation) -> Iterator[tuple[str, tuple[Program, dict[str, Any]]]]:
    """Case -> its program in float64, and what moves there: all floats. Two values of each parameter are enough."""
    rough = stated.smooth if isinstance(stated.smooth, Mapping) else {}
    assert all(len(reason.split()) > 3 for reason in rough.values()), "the reason is a sentence"
    seen: set[str] = set()  # variations that differ in values alone are one program
    for number, (variation, case) in enumerate(stated.cases(most=2)):
        if variation in rough:
            continue
        case = _floats_in(case, np.float64, set(_letters(stated))) or case
        made = program(stated, case, dtype=jnp.float64, outputs=len(answers(stated, case)))
        last = made.lowered.graph.body.nodes[-1]
        held = {"params": {}, "inputs": stated.whole, "state": {}}
        moves = {
            side: {
                at: jax.tree.map(np.float64, x)
                for at, x in getattr(made.moving, side).items()
                if _floats(x) and at not in held[side]
            }
            for side in Moving._fields
        }
        text = repr((last.attributes, jax.tree.map(np.shape, made.moving), {} if case.graph is None else number))
        if any(moves.values()) and text not in seen:
            seen.add(text)
            yield f"{number} {variation}", (made, moves)


def _floats(tree: Any) -> bool:
    return all(np.asarray(leaf).dtype.kind == "f" for leaf in jax.tree.leaves(tree))


def _check_gradients(cases: Mapping[str, tuple[Program, dict[str, Any]]]) -> None:
    def totals(points: dict[str, Any]) -> Any:
        found = {}
        for name, (made, _) in cases.items():
            moving = Moving(*({**getattr(made.moving, side), **points[name][side]} for side in Moving._fields))
            floats = [y for y in made.run(moving) if jnp.issubdtype(y.dtype, jnp.floating)]
            weights = [jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape) for y in floats]
            found[name] = sum(jnp.vdot(y, weight) for y, weight in zip(floats, weights, strict=True))
        return sum(found.values()), found

    points = {name: moves for name, (_, moves) in cases.items()}
    both = jax.jit(jax.value_and_grad(totals, has_aux=True), compiler_options=QUICK)
    gradients = both(points)[1]
    rng, step, wrong = np.random.default_rng(0), 1e-6, []
    for _ in range(2):
        direction = jax.tree.map(lambda w: rng.standard_normal(np.shape(w)), points)
        ahead = both(jax.tree.map(lambda w, d: w + step * d, points, direction))[0][1]
        behind = both(jax.tree.map(lambda w, d: w - step * d, points, direction))[0][1]
        for name in cases:
            pairs = zip(jax.tree.leaves(gradients[name]), jax.tree.leaves(direction[name]), strict=True)
            exact, numerical = sum(np.vdot(s, d) for s, d in pairs), (ahead[name] - behind[name]) / (2 * step)
            if not np.allclose(exact, numerical, rtol=2e-5, atol=2e-6):
                wrong.append(f"case {name}: gradient {exact}, difference {numerical}")
    assert not wrong, "\n".join(wrong)


# What is stated ------------------------------------------------------------------------------------------------------


@every_row
def test_every_attribute_changes_the_answer(name):
    """Hollowness: an attribute that no case can tell apart might as well not be implemented."""
    stated = STATED[name]
    row, says = row_of(stated.kind, stated.version), declared(stated.kind, stated.version).parameters
    optional = {each for each in row.inputs if each in says and says[each].optional}
    missing = sorted((row.attributes | row.weights | optional) - stated.vary.keys() - stated.unseen.keys())
    assert missing == [], "attributes and optional inputs that no variation shows to matter"
    assert all(len(where.split()) > 3 for where in stated.unseen.values()), "where it is tested is a sentence"
    base = answers(stated, stated.base)
    for variation, case in stated.cases()[1:]:
        other = answers(stated, case)
        same_answer = len(base) == len(other) and all(map(_equal, base, other)) and not stated.measure
        said = {**case.inputs, **case.attributes}.get(variation)
        assert not same_answer, f"the variation {variation}={said!r} leaves the oracle's answer as it was"


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    alike = one.shape == other.shape and one.dtype.kind == other.dtype.kind
    return alike and np.allclose(np.float64(one), np.float64(other), equal_nan=True)


@every_row
def test_optional_inputs_may_be_absent(name):
    stated = STATED[name]
    row, says = row_of(stated.kind, stated.version), declared(stated.kind, stated.version).parameters
    for parameter in row.inputs:
        if parameter in says and says[parameter].optional and parameter not in stated.unseen:
            given = {parameter in {**case.inputs, **case.attributes} for _, case in stated.cases()}
            assert given == {True, False}, f"{parameter} is optional: a case must have it, and another one must not"


@every_row
def test_refusals_say_their_words(name):
    stated = STATED[name]
    for case, words in stated.refuse:
        with pytest.raises(GraphmlError, match=re.escape(words)) as caught:
            made = program(stated, case, outputs=(served(stated.kind, stated.version).outputs or (1,))[0])
            made.run(made.moving)
        assert f"operation {NAME!r}" in str(caught.value), "the error names the operation"


def test_every_row_has_a_docstring():
    for kind, row in catalogue.rows("operation").items():
        assert row.summary, f"{kind} has no docstring"
