"""Keys of random numbers for calls that are not given one: other ones in every call."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

_IMPLEMENTATION = "threefry2x32"


def fresh_seeds(count: int) -> np.ndarray:
    """The data of so many keys, uint32 [count, 2], which `key_of` takes."""
    return np.random.default_rng().integers(2**32, size=(count, 2), dtype=np.uint32)


def key_of(seed: np.ndarray | jax.Array) -> jax.Array:
    """The key, or the array of keys, with this data: [2] or [count, 2]."""
    return jax.random.wrap_key_data(jnp.asarray(seed), impl=_IMPLEMENTATION)


def fresh_key() -> jax.Array:
    """One key."""
    return key_of(fresh_seeds(1)[0])
