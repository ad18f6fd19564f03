"""What every operation of ML Programs must do: cases and independent answers. `tests/laws/test_operation_laws.py` runs
them all.

A family module states, for each row of the catalogue (an operation, and the version since which it means what it
means), an oracle, a base case, variations, refusals, numbers worked by hand and a hypothesis strategy. `activation` is
the module to read first; `Operation` explains every field.

An oracle is written in NumPy from the facts of the format and shares no code with the operator. Its floats may have any
float type; integers and bools must have the type that the format gives to the result, because that is checked.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from cases import arrays as arrays
from cases import numbers as numbers
from cases import shapes as shapes
from hypothesis import strategies as st

from graphml.graph import Graph

Named = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Case:
    """One operation, its inputs and its attributes.

    Attributes:
        inputs: {parameter: array}, a list of arrays where the format takes many. What is left out is absent. Floats are
            float32; the laws make the other types of them.
        attributes: {parameter: number, string, bool or (nested) tuple of them}. What is left out has its default in the
            format, else None. Which parameters are inputs is the operator's choice: a case may give them as either.
        version: of the node; None for that of the row.
        graph: a whole graph, for an operation that does nothing alone. Its inputs are `inputs`, and the answers are its
            outputs, then the states after the call. `nodes` of tests/one_operation.py helps to write one.
        state: {name: array}, the state before the call; the oracle sees it among the inputs.
        debug: whether it is lowered with debug=True.
    """

    inputs: Named
    attributes: Named = field(default_factory=dict)
    version: int | None = None
    graph: Graph | None = None
    state: Named = field(default_factory=dict)
    debug: bool = False

    def __str__(self) -> str:
        """The case on one line, for messages: large arrays as types and shapes."""
        given = {**self.inputs, **self.state, **self.attributes}
        return ", ".join(f"{name}={_short(value)}" for name, value in given.items())

    def but(self, **changes: Any) -> Case:
        """The same case with other inputs and attributes; None removes one."""
        inputs, attributes = dict(self.inputs), dict(self.attributes)
        for name, value in changes.items():
            is_input = name in inputs or isinstance(value, np.ndarray)
            side, other = (inputs, attributes) if is_input and name not in attributes else (attributes, inputs)
            other.pop(name, None)
            side[name] = value
        given = [{name: value for name, value in side.items() if value is not None} for side in (inputs, attributes)]
        return replace(self, inputs=given[0], attributes=given[1])


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    if isinstance(value, np.ndarray) and value.size > 6:
        return f"{value.dtype}{list(value.shape)}"
    return f"{value.dtype}({value.tolist()})" if isinstance(value, np.ndarray | np.generic) else repr(value)


@dataclass(frozen=True, eq=False)
class Operation:
    """All that is demanded of a row.

    Attributes:
        kind: the operation.
        version: of the row in the catalogue.
        oracle: (inputs, attributes) -> array or tuple of arrays. Inputs that are absent are None; attributes have their
            defaults.
        base: the case that the others are variations of.
        vary: parameter -> values, or ready cases; each changes the answer of the base case. Every attribute and every
            optional input must be here.
        draw: strategy of cases.
        worked: (case, answer or tuple of answers) by hand.
        refuse: (case, words of the error).
        smooth: whether gradients are checked at the base case and its variations, which are then away from kinks; or
            the reason why not, for the row or {variation: reason}.
        whole: float inputs that are read as integers, and have no gradient.
        typed: type -> the reason why the base case is not run with inputs of this type, or the case that is run
            instead. The laws run the base case in every type that the format allows. Where another letter of the format
            than the first is meant, the key is "I:int16".
        half: relative and absolute tolerance in float16 against the oracle, which gets the same numbers.
        no_half: the reason why float16 is not checked, for the row or {variation: reason}.
        rtol, atol: against the oracle in float32.
        why: the sentence that explains tolerances larger than the usual ones.
        gives: attributes -> the declared type of each result, None for those that have the type of the inputs. For
            operations with an attribute that names a type.
        measure: outputs -> arrays that the oracle can answer for, where nobody can know the outputs (random numbers).
        unlike_coremltools: variation, "worked ...", "drawn" or "" for all cases -> the reason why coremltools says
            something else, or refuses it.
        unseen: attributes that the oracle cannot tell apart -> the sentence that says where they are tested.
    """

    kind: str
    version: int
    oracle: Callable[[Named, Named], Any]
    base: Case
    vary: Mapping[str, Sequence[Any]]
    draw: st.SearchStrategy[Case]
    worked: Sequence[tuple[Case, Any]]
    refuse: Sequence[tuple[Case, str]] = ()
    smooth: bool | str | Mapping[str, str] = True
    whole: tuple[str, ...] = ()
    typed: Mapping[str, Case | str] = field(default_factory=dict)
    half: float = 2e-3
    no_half: str | Mapping[str, str] = field(default_factory=dict)
    rtol: float = 1e-5
    atol: float = 1e-5
    why: str = ""
    gives: Callable[[Named], Sequence[str | None]] | None = None
    measure: Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]] | None = None
    unlike_coremltools: Mapping[str, str] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.version}"

    def cases(self, most: int | None = None) -> list[tuple[str, Case]]:
        """The base case and its variations, by the name of what varies. most: variations of one parameter."""
        found = [("base", self.base)]
        for name, values in self.vary.items():
            found += [(name, self._varied(name, value)) for value in values[:most]]
        return found

    def _varied(self, name: str, value: Any) -> Case:
        return value if isinstance(value, Case) else self.base.but(**{name: value})


OPERATIONS: dict[str, Operation] = {}


def operation(kind: str, version: int, **facts: Any) -> None:
    """State what a row must do; see `Operation`."""
    stated = Operation(kind, version, **facts)
    assert stated.name not in OPERATIONS, stated.name
    OPERATIONS[stated.name] = stated


def operations(kinds: Mapping[str, Mapping[str, Any]], version: int, **facts: Any) -> None:
    """State a family of rows of one version: {kind: its own facts}, and the facts that all share."""
    for kind, own in kinds.items():
        operation(kind, version, **{**facts, **own})


def load_all() -> dict[str, Operation]:
    """Import every family module beside this one."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return OPERATIONS
