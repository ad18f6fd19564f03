"""Keys for random numbers: fresh ones for calls without a key, and a check for keys that callers pass."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import FeatureError, in_words

_IMPLEMENTATION = "threefry2x32"


def fresh_seeds(count: int) -> np.ndarray:
    """Random data for keys.

    Args:
        count: The number of keys.

    Returns:
        uint32 [count, 2], see `key_of`.
    """
    return np.random.default_rng().integers(2**32, size=(count, 2), dtype=np.uint32)


def key_of(seed: np.ndarray | jax.Array) -> jax.Array:
    """The key, or the array of keys, with the given data.

    Args:
        seed: uint32 [2] or [count, 2].
    """
    return jax.random.wrap_key_data(jnp.asarray(seed), impl=_IMPLEMENTATION)


def checked_key(key: Any) -> jax.Array | None:
    """Check the key that a caller has passed.

    Args:
        key: A key from `jax.random.key` or `jax.random.PRNGKey`, or None.

    Returns:
        A typed key, or None.

    Raises:
        FeatureError: If it is anything else.
    """
    if key is None:
        return None
    try:
        if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.ndim == 0:
            return key
        if key.dtype == np.uint32 and key.ndim == 1:
            return jax.random.wrap_key_data(jnp.asarray(key))
    except (AttributeError, TypeError, ValueError):  # not an array, or of the wrong size
        pass
    raise FeatureError(f"key must be a random key such as jax.random.key(0), got {in_words(key)}")


def fresh_key() -> jax.Array:
    """A key that is different in every call."""
    return key_of(fresh_seeds(1)[0])
