"""Calls that do not depend on each other, in threads: XLA lets other threads run while it compiles and computes."""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import jax

from graphml.models.compile.cache_keys import flags
from graphml.ops.kernels.platform import cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(call: Callable[[Item], Result], items: Sequence[Item], most: int | None = None) -> list[Result]:
    """Call a function for each item, in as many threads as there are cores.

    Settings of JAX that hold for the calling thread only, such as those of `jax.default_matmul_precision`, do not hold
    for other threads. With any of these, all calls are made in this thread.

    Args:
        call: The function.
        items: Its arguments.
        most: The most threads; None: as many as there are cores.

    Returns:
        What the function returns, in the order of the items.

    Raises:
        Exception: The one raised for the first failing item, in order; no further call is started.
    """
    threads = min(len(items), cores(), len(items) if most is None else most)
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            if pool.submit(_settings).result() == _settings():
                started = [pool.submit(call, item) for item in items]
                try:
                    return [each.result() for each in started]
                finally:
                    pool.shutdown(wait=False, cancel_futures=True)
    return [call(item) for item in items]


def _settings() -> tuple[Any, ...]:
    return flags(), getattr(jax.config, "jax_default_device", None)
