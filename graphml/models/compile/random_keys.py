"""Keys of random numbers for calls that are not given one: other ones in every call."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import FeatureError
from graphml.models.interface.values import in_words

_IMPLEMENTATION = "threefry2x32"


def fresh_seeds(count: int) -> np.ndarray:
    """The data of so many keys, uint32 [count, 2], which `key_of` takes."""
    return np.random.default_rng().integers(2**32, size=(count, 2), dtype=np.uint32)


def key_of(seed: np.ndarray | jax.Array) -> jax.Array:
    """The key, or the array of keys, with this data: [2] or [count, 2]."""
    return jax.random.wrap_key_data(jnp.asarray(seed), impl=_IMPLEMENTATION)


def checked_key(key: Any) -> jax.Array | None:
    """The key that a caller has given, if any, as a typed key; it may also be what `jax.random.PRNGKey` gives.

    Raises FeatureError for anything else.
    """
    if key is None:
        return None
    try:
        if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.ndim == 0:
            return key
        if key.dtype == np.uint32 and key.ndim == 1:
            return jax.random.wrap_key_data(jnp.asarray(key))
    except (AttributeError, TypeError, ValueError):  # not an array, or not as many numbers as a key has
        pass
    raise FeatureError(f"key must be a key of random numbers, such as jax.random.key(0), got {in_words(key)}")


def fresh_key() -> jax.Array:
    """One key."""
    return key_of(fresh_seeds(1)[0])
