"""Values while a graph is traced: which of them can be seen."""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from typing import Any

import numpy as np
from jax import lax
from jax.core import Tracer

State = dict[str, Any]
"""Blobs by name."""


def is_fact(value: Any) -> bool:
    """Whether the value of a blob is part of the program: what follows from shapes and constants is a NumPy array."""
    return isinstance(value, np.ndarray)


def peek(value: Any) -> Any:
    """The value itself where only a derivative is being traced, which hides it; otherwise what is given."""
    if isinstance(value, Tracer) and np.issubdtype(value.dtype, np.floating):
        seen: Any = lax.stop_gradient(value)
        return value if isinstance(seen, Tracer) else seen
    return value


def known(value: Any) -> bool:
    """Whether a value can be looked at while the graph is traced."""
    return not isinstance(peek(value), Tracer)
