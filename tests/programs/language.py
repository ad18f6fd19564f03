"""A small language of programs, and what a program means: plain Python and NumPy, without a look at graphml.

Blobs are arrays of rank 1 (positions of elements: rank 2). The meaning follows the format's pseudo-code: a condition
runs before each iteration and after the last, a break leaves at once, a name is kept after a branch where both sides
leave it, and after a loop where its condition leaves it, or its body if there is no condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Block = tuple["Statement", ...]
Blobs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Let:
    """A new blob: an operation on others, with a number where it takes one."""

    name: str
    operation: str
    arguments: tuple[str, ...] = ()
    number: float = 0.0


@dataclass(frozen=True)
class Copy:
    """The only statement that may overwrite a blob."""

    source: str
    target: str


@dataclass(frozen=True)
class If:
    predicate: str
    then: Block
    otherwise: Block = ()


@dataclass(frozen=True)
class Loop:
    """count: the blob that holds the number of iterations; otherwise `most` is that number, or 0 for no bound.
    variable: of the condition, evaluated before each iteration."""

    body: Block
    count: str | None = None
    most: int = 0
    condition: Block = ()
    variable: str | None = None


@dataclass(frozen=True)
class Leave:
    """kind: break or continue."""

    kind: str


Statement = Let | Copy | If | Loop | Leave


@dataclass(frozen=True)
class Program:
    inputs: Mapping[str, int]
    """Name -> number of elements."""
    body: Block
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([f"inputs {dict(self.inputs)}", *_lines(self.body), f"outputs {', '.join(self.outputs)}"])


def _lines(block: Block, indent: str = "") -> Iterable[str]:
    for each in block:
        if isinstance(each, Let):
            words = [*each.arguments, *([f"{each.number:g}"] if each.operation in NUMBERED else [])]
            yield f"{indent}{each.name} = {each.operation}({', '.join(words)})"
        elif isinstance(each, Copy):
            yield f"{indent}{each.target} := {each.source}"
        elif isinstance(each, If):
            yield f"{indent}if {each.predicate}:"
            yield from _lines(each.then, indent + "    ")
            if each.otherwise:
                yield f"{indent}else:"
                yield from _lines(each.otherwise, indent + "    ")
        elif isinstance(each, Loop):
            yield f"{indent}loop {each.count if each.count is not None else each.most or 'for ever'}:"
            if each.condition:
                yield from _lines(each.condition, indent + "  | ")
                yield f"{indent}  | while {each.variable}"
            yield from _lines(each.body, indent + "    ")
        else:
            yield f"{indent}{each.kind}"


def leaves(block: Block) -> frozenset[str]:
    """The names that a block writes and that may be read after it."""
    names: set[str] = set()
    for each in block:
        if isinstance(each, Let):
            names.add(each.name)
        elif isinstance(each, Copy):
            names.add(each.target)
        elif isinstance(each, If | Loop):
            names |= left_by(each)
    return frozenset(names)


def left_by(each: If | Loop) -> frozenset[str]:
    """The names that a branch or loop leaves."""
    if isinstance(each, If):
        return leaves(each.then) & leaves(each.otherwise)
    return leaves(each.condition) if each.condition else leaves(each.body)


# Meaning -------------------------------------------------------------------------------------------------------------


class Unfit(Exception):
    """The program proves nothing on this input: it comes too close to a threshold, grows too large or never ends, or
    reads what a loop without iterations has not written."""


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


MOST_ITERATIONS, MOST_ELEMENTS, LARGEST, CLOSE = 12, 40, 1e3, 1e-3


@dataclass
class Meaning:
    """One run of a program. decisions: every decision made during the run; they are the same for nearby inputs."""

    dtype: Any
    env: Blobs
    decisions: list[Any] = field(default_factory=list)

    def run(self, block: Block) -> None:
        for each in block:
            if isinstance(each, Let):
                self.env[each.name] = self._computed(each)
            elif isinstance(each, Copy):
                self.env[each.target] = self._value(each.source)
            elif isinstance(each, If):
                side = each.then if self._truth(each.predicate) else each.otherwise
                self._enclosed(each, lambda side=side: self.run(side))
            elif isinstance(each, Loop):
                self._enclosed(each, lambda each=each: self._loop(each))
            else:
                raise _Break if each.kind == "break" else _Continue

    def _enclosed(self, each: If | Loop, run: Callable[[], None]) -> None:
        before = set(self.env)
        try:
            run()
        finally:
            for name in set(self.env) - before - left_by(each):
                del self.env[name]

    def _loop(self, loop: Loop) -> None:
        limit = loop.most if loop.most > 0 else np.inf
        if loop.count is not None:
            limit = self._whole(self._value(loop.count)[0], int)
        iterations, go = 0, self._goes_on(loop)
        while go and iterations < limit:
            if iterations == MOST_ITERATIONS:
                raise Unfit
            try:
                self.run(loop.body)
            except _Continue:
                pass
            except _Break:
                break
            iterations += 1
            go = self._goes_on(loop)
        self.decisions.append(iterations)

    def _goes_on(self, loop: Loop) -> bool:
        if loop.variable is None:
            return True
        self.run(loop.condition)
        return self._truth(loop.variable)

    def _value(self, name: str) -> np.ndarray:
        if name not in self.env:
            raise Unfit
        return self.env[name]

    def _truth(self, name: str) -> bool:
        (value,) = np.abs(self._value(name))
        if 0 < value < CLOSE:
            raise Unfit
        self.decisions.append(bool(value))
        return bool(value)

    def _whole(self, value: float, how: Callable) -> int:
        """An integer from a value that is one, or is not close to where `how` jumps."""
        if value != np.rint(value) and abs(value - np.rint(value)) < CLOSE:
            raise Unfit
        self.decisions.append(int(how(value)))
        return int(how(value))

    def _decide(self, distance: np.ndarray) -> np.ndarray:
        """Which elements are above zero."""
        if np.any((distance != 0) & (np.abs(distance) < CLOSE)):
            raise Unfit
        self.decisions.append(tuple(distance > 0))
        return distance > 0

    def _computed(self, let: Let) -> np.ndarray:
        arguments = [self._value(name) for name in let.arguments]
        value = np.asarray(_OPERATIONS[let.operation](self, let.number, *arguments)).astype(self.dtype)
        if value.size > MOST_ELEMENTS or not np.all(np.abs(value) < LARGEST):
            raise Unfit
        return value


def _chosen(run: Meaning, yes: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if np.any((yes != 0) & (np.abs(yes) < CLOSE)):
        raise Unfit
    run.decisions.append(tuple(yes != 0))
    return np.where(yes != 0, x, y)


def _true(run: Meaning, x: np.ndarray) -> np.ndarray:
    if np.any((x != 0) & (np.abs(x) < CLOSE)):
        raise Unfit
    run.decisions.append(tuple(x != 0))
    return x != 0


def _positions(run: Meaning, x: np.ndarray) -> np.ndarray:
    return np.argwhere(_true(run, x))


def _tail(run: Meaning, x: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """x from a position on, which counts from the end where it is negative."""
    return x[run._whole(begin[0], int) :]


def _floor(run: Meaning, x: np.ndarray) -> np.ndarray:
    return np.array([run._whole(value, np.floor) for value in x])


def _limited(run: Meaning, number: float, x: np.ndarray) -> np.ndarray:
    """x between 0 and a number."""
    low, high = run._decide(x), run._decide(x - number)
    return np.where(high, number, np.where(low, x, 0))


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "constant": lambda run, number: np.array([number]),
    "triple": lambda run, number: np.array([number, number + 0.5, -number]),
    "plus": lambda run, number, x: x + number,
    "times": lambda run, number, x: x * number,
    "add": lambda run, number, x, y: x + y,
    "subtract": lambda run, number, x, y: x - y,
    "multiply": lambda run, number, x, y: x * y,
    "larger": lambda run, number, x, y: np.where(run._decide(x - y), x, y),
    "tanh": lambda run, number, x: np.tanh(x),
    "sin": lambda run, number, x: np.sin(x),
    "size": lambda run, number, x: np.where(run._decide(x), x, -x),
    "limited": _limited,
    "floor": lambda run, number, x: _floor(run, x),
    "above": lambda run, number, x: run._decide(x - number),
    "below": lambda run, number, x: ~run._decide(x - number),
    "less": lambda run, number, x, y: run._decide(y - x),
    "and": lambda run, number, x, y: _true(run, x) & _true(run, y),
    "or": lambda run, number, x, y: _true(run, x) | _true(run, y),
    "not": lambda run, number, x: ~_true(run, x),
    "choose": lambda run, number, yes, x, y: _chosen(run, yes, x, y),
    "sum": lambda run, number, x: np.sum(x, keepdims=True),
    "length": lambda run, number, x: np.array([len(x)]),
    "join": lambda run, number, x, y: np.concatenate([x, y]),
    "fill": lambda run, number, n: np.full(run._whole(n[0], int), number),
    "range": lambda run, number, n: np.arange(run._whole(n[0], np.ceil)),
    "positions": lambda run, number, x: _positions(run, x),
    "take": lambda run, number, x, where: x[where[:, 0].astype(int)],
    "tail": lambda run, number, x, begin: _tail(run, x, begin),
}

NUMBERED = frozenset({"constant", "triple", "plus", "times", "limited", "above", "below", "fill"})


def run(program: Program, inputs: Mapping[str, Any], dtype: Any = np.float64) -> Meaning:
    """What a program computes. Raises Unfit."""
    meaning = Meaning(dtype, {name: np.asarray(value, dtype) for name, value in inputs.items()})
    meaning.run(program.body)
    meaning.env = {name: meaning._value(name) for name in program.outputs}
    return meaning


def answers(program: Program, inputs: Mapping[str, Any]) -> Blobs:
    """The outputs. Raises Unfit where float32 and float64 do not agree."""
    exact, single = run(program, inputs), run(program, inputs, np.float32)
    if exact.decisions != single.decisions:
        raise Unfit
    for name, value in exact.env.items():
        if value.shape != single.env[name].shape or not np.allclose(value, single.env[name], rtol=1e-4, atol=1e-4):
            raise Unfit
    return exact.env


def weighed(blobs: Mapping[str, Any]) -> Any:
    """One number out of all outputs."""
    total: Any = 0.0
    for name in sorted(blobs):
        total = total + (blobs[name] * np.cos(np.arange(blobs[name].size))).sum()
    return total


def gradients(program: Program, inputs: Mapping[str, Any], step: float = 1e-4) -> Blobs:
    """Central differences of `weighed` with respect to each input. Raises Unfit where the program is not smooth."""
    home = run(program, inputs).decisions
    found = {}
    for name, value in inputs.items():
        x = np.asarray(value, np.float64)
        found[name] = np.zeros_like(x)
        for place in range(x.size):
            estimates = []
            for h in (step, step / 4):
                ends = []
                for sign in (1, -1):
                    moved = x.copy()
                    moved[place] += sign * h
                    meaning = run(program, {**inputs, name: moved})
                    if meaning.decisions != home:
                        raise Unfit
                    ends.append(weighed(meaning.env))
                estimates.append((ends[0] - ends[1]) / (2 * h))
            if not np.isclose(*estimates, rtol=1e-4, atol=1e-4):
                raise Unfit
            found[name][place] = estimates[1]
    return found
