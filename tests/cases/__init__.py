"""What every layer kind must do: cases and independent answers. `tests/laws` runs them all.

A family module states, for each kind, an oracle (NumPy, written from the format's prose, sharing no code with the
operator), one base case, variations that show that each attribute matters, refusals, numbers worked by hand, and a
hypothesis strategy. Fields have the names and forms that `graphml.spec.attributes.decode` gives, so an oracle can also
be run on the layers of a real model.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

Arrays = Sequence[np.ndarray]


@dataclass(frozen=True, eq=False)
class Case:
    """One layer and its inputs. exact: blobs keep their rank; otherwise all inputs are rank 5.

    layers: a whole network from in0, in1 ... to out0, out1 ..., for a kind that does nothing alone.
    """

    inputs: tuple[np.ndarray, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)
    exact: bool = True
    outputs: int = 1
    layers: tuple[Any, ...] = ()

    def but(self, *, inputs: tuple[np.ndarray, ...] | None = None, outputs: int | None = None, **fields: Any) -> Case:
        """The same case with other fields (None removes one), inputs or number of outputs."""
        merged = {k: v for k, v in {**self.fields, **fields}.items() if v is not None}
        changes = {"inputs": inputs, "outputs": outputs}
        return replace(self, fields=merged, **{k: v for k, v in changes.items() if v is not None})


@dataclass(frozen=True, eq=False)
class Kind:
    """All that is demanded of a layer kind.

    oracle: (inputs, fields) -> array or tuple of arrays. vary: field -> values (each differs from the base case in that
    field only, and changes the answer) or ready cases. draw: strategy of cases. worked: (case, outputs) by hand.
    refuse: (case, words of the error). smooth: the base case and variations are away from kinks, so gradients are
    checked; or the reason why they are not, for the kind or by variation. whole: inputs that are read as integers,
    which have no gradient. rtol, atol: against the oracle in float32.
    measure: outputs -> arrays that the oracle can answer for, where nobody can know the outputs (random numbers).
    unseen: fields that such an oracle cannot tell apart -> the sentence that says where they are tested.
    """

    kind: str
    oracle: Callable[[Arrays, Mapping[str, Any]], Any]
    base: Case
    vary: Mapping[str, Sequence[Any]]
    draw: st.SearchStrategy[Case]
    worked: Sequence[tuple[Case, Any]] = ()
    refuse: Sequence[tuple[Case, str]] = ()
    smooth: bool | str | Mapping[str, str] = True
    whole: tuple[int, ...] = ()
    rtol: float = 1e-5
    atol: float = 1e-5
    measure: Callable[[Arrays], Arrays] | None = None
    unseen: Mapping[str, str] = field(default_factory=dict)

    def variations(self) -> list[tuple[str, Case]]:
        return [
            (name, value if isinstance(value, Case) else self.base.but(**{name: value}))
            for name, values in self.vary.items()
            for value in values
        ]

    def answers(self, case: Case) -> tuple[np.ndarray, ...]:
        """The oracle's outputs, always as a tuple, and no more of them than the case names."""
        result = self.oracle(case.inputs, case.fields)
        if not isinstance(result, tuple | list):
            return (result,)
        return tuple(result) if self.measure else tuple(result)[: case.outputs]


KINDS: dict[str, Kind] = {}


def kind(name: str, **facts: Any) -> None:
    """State what a layer kind must do."""
    assert name not in KINDS, name
    KINDS[name] = Kind(name, **facts)


def load_all() -> dict[str, Kind]:
    """Import every family module beside this one."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return KINDS


# Arrays for cases ----------------------------------------------------------------------------------------------------


def numbers(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    """Reproducible float32 numbers, spread evenly over [low, high) and at least 1e-3 of the range apart."""
    rng = np.random.default_rng([seed, *shape])
    count = int(np.prod(shape))
    grid = (np.arange(count) + rng.uniform(0.2, 0.8, count)) / max(count, 1)
    return (low + (high - low) * rng.permutation(grid)).reshape(shape).astype(np.float32)


def arrays(shape, low: float = -2.0, high: float = 2.0) -> st.SearchStrategy[np.ndarray]:
    """Arrays of one shape; hypothesis chooses among a few seeds, because the shapes are what compiles."""
    return st.integers(0, 20).map(lambda seed: numbers(*shape, low=low, high=high, seed=seed))


def shapes(min_rank: int = 1, max_rank: int = 5) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes from a small pool, so that compiled programs are used again."""
    pool = [(3,), (1,), (2, 3), (1, 4), (2, 1, 3), (3, 4, 2), (2, 3, 4, 5), (1, 2, 1, 3), (2, 1, 3, 2, 2)]
    pool.append((1, 1, 2, 3, 3))
    return st.sampled_from([s for s in pool if min_rank <= len(s) <= max_rank])


# For oracles that answer element by element --------------------------------------------------------------------------


def filled(shape, source):
    """An array whose element at each place is what `source(place)` gives."""
    out = np.zeros(shape, np.float64)
    for place in itertools.product(*map(range, shape)):
        out[place] = source(place)
    return out


def moved(place, axis, to):
    """A place with another coordinate on one axis."""
    return (*place[:axis], to, *place[axis + 1 :])
