"""The state of a model: arrays that it keeps from one prediction to the next, such as the keys and values of a decoder.

    state = model.make_state()
    model.predict(x, state=state)       # changes the state

A model holds no state itself, so one model can serve several conversations, each with its own state.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.descriptions import ArrayConstraint, FeatureDescription
from graphml.errors import FeatureError, SpecError, in_words, with_article
from graphml.interpreter.budget import check_shape

NO_STATE = "the model has no state: call it without `state`"
"""The message of a model that gets a state and has none."""

_MOST_SHOWN = 4

Arrays = Mapping[str, jax.Array]


class State(Mapping[str, np.ndarray]):
    """Named arrays that predictions read and change. `GraphModel.make_state` makes one.

    `state["name"]` is a copy, and `state["name"] = value` replaces an array. A prediction changes all arrays or, if it
    fails, none. Do not use a state in two predictions at the same time.

    Args:
        types: The type and shape of each array.
        owner: Identifies the file that the state belongs to. The functions of a file share their states by name.
        arrays: The arrays, of these types and shapes.
    """

    def __init__(self, types: Mapping[str, ArrayConstraint], owner: str, arrays: Arrays) -> None:
        self._types = dict(types)
        self._owner = owner
        self._arrays = dict(arrays)

    @property
    def arrays(self) -> dict[str, jax.Array]:
        """The arrays on their device, as `lower().fn` takes them."""
        return dict(self._arrays)

    def copy(self) -> State:
        """An independent copy of this state."""
        return State(self._types, self._owner, self._arrays)  # arrays of JAX never change

    def arrays_for(self, types: Mapping[str, ArrayConstraint], owner: str) -> dict[str, jax.Array]:
        """The arrays that a model needs.

        Args:
            types: The type and shape of each.
            owner: Identifies the file of the model.

        Raises:
            FeatureError: The state belongs to another file, or has no array that the model needs.
        """
        if owner != self._owner:
            raise FeatureError("the state belongs to another model; make one with make_state() of this model")
        for name, constraint in types.items():
            if self._types.get(name) != constraint:
                held = f"has {self._types[name]}" if name in self._types else "has none"
                raise FeatureError(f"the state {name!r} is {with_article(str(constraint))}; the given state {held}")
        return {name: self._arrays[name] for name in types}

    def replace(self, arrays: Arrays) -> None:
        """Replace all arrays by those that a prediction has computed."""
        self._arrays |= arrays

    def __getitem__(self, name: str) -> np.ndarray:
        self._refuse_unknown(name)
        array = np.array(self._arrays[name])
        array.setflags(write=False)
        return array

    def __setitem__(self, name: str, value: Any) -> None:
        constraint = self._refuse_unknown(name)
        try:
            array = value if isinstance(value, jax.Array) else np.asarray(value)
        except Exception as error:  # ragged lists, tensors of other frameworks
            raise FeatureError(f"the state {name!r} takes {with_article(str(constraint))}: {error}") from None
        if array.shape != constraint.shape or array.dtype != constraint.dtype:
            raise FeatureError(f"the state {name!r} takes {with_article(str(constraint))}, got {in_words(array)}")
        self._arrays[name] = array if isinstance(array, jax.Array) else jnp.asarray(np.array(array))

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def __repr__(self) -> str:
        shown = [f"{name}: {self._types[name]}" for name in list(self._types)[:_MOST_SHOWN]]
        more = len(self._types) - len(shown)
        return f"State({', '.join(shown)}{f', and {more} more' if more else ''})"

    def _refuse_unknown(self, name: str) -> ArrayConstraint:
        if name not in self._types:
            names = ", ".join(map(repr, self._types))
            raise FeatureError(f"the model has no state {name!r}; its states are {names}")
        return self._types[name]


def initial_arrays(types: Mapping[str, ArrayConstraint]) -> dict[str, jax.Array]:
    """Zeros of declared types and shapes."""
    return {name: jnp.zeros(constraint.shape or (), constraint.dtype) for name, constraint in types.items()}


def state_types(features: Iterable[FeatureDescription]) -> dict[str, ArrayConstraint]:
    """The type and shape of each array of a state.

    Args:
        features: The states that a model declares.

    Raises:
        SpecError: One is not an array, or its shape is not declared.
        ShapeError: One is too large.
    """
    found: dict[str, ArrayConstraint] = {}
    for feature in features:
        if feature.array is None or feature.array.shape is None:
            raise SpecError(f"the state {feature.name!r} is {feature.takes}; a state is an array of known shape")
        check_shape(feature.array.shape, feature.array.dtype)
        found[feature.name] = feature.array
    return found


def arrays_of(state: State | None, types: Mapping[str, ArrayConstraint], owner: str) -> dict[str, jax.Array]:
    """The arrays of the state that was passed to a model.

    Args:
        state: The state, None if none was passed.
        types: The type and shape of each array that the model needs; empty if it has no state.
        owner: Identifies the file of the model.

    Raises:
        FeatureError: A state is missing, is not needed, or belongs to another model.
    """
    if not types:
        raise FeatureError(NO_STATE)
    if state is None:
        names = ", ".join(map(repr, types))
        raise FeatureError(
            f"the model keeps {names} from one prediction to the next: pass state=model.make_state(), and the same "
            "object to later predictions"
        )
    if not isinstance(state, State):  # pyright: ignore[reportUnnecessaryIsInstance]  (callers may pass anything)
        raise FeatureError(f"state must come from make_state() of this model, got {in_words(state)}")
    return state.arrays_for(types, owner)
