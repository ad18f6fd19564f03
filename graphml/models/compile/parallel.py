"""Compilations that do not depend on each other, in threads: XLA lets other threads run while it compiles."""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import jax

from graphml.models.compile.cache_keys import flags

Item = TypeVar("Item")


def in_threads(call: Callable[[Item], Any], items: Sequence[Item]) -> None:
    """Call a function for each item, in as many threads as there are cores.

    Settings of JAX that hold for the calling thread only, such as those of `jax.default_matmul_precision`, do not hold
    for other threads. With any of these, all calls are made in this thread.

    Args:
        call: The function.
        items: Its arguments.

    Raises:
        Exception: Of the first item, in order, for which the function raises one.
    """
    threads = min(len(items), os.cpu_count() or 1)
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            if pool.submit(_settings).result() == _settings():
                for _ in pool.map(call, items):
                    pass
                return
    for item in items:
        call(item)


def _settings() -> tuple[Any, ...]:
    return flags(), getattr(jax.config, "jax_default_device", None)
