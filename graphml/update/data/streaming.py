"""Reading ahead: a thread makes the values of an iterator while the caller computes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from graphml.update import ending

T = TypeVar("T")

_END = object()


def read_ahead(values: Iterable[T], depth: int, check: Callable[[], None] = lambda: None) -> Iterator[T]:
    """The values in order, made by a thread; exceptions of the source are raised here.

    Args:
        values: the source.
        depth: the number of values that may be waiting.
        check: called repeatedly while waiting; may raise to stop.
    """
    ready: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: tuple[Any, BaseException | None]) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        try:
            if all(put((value, None)) for value in values):
                put((_END, None))
        except BaseException as error:  # raised in the thread of the caller
            put((_END, error))

    # daemon: a source that never returns must not keep the program alive
    reader = threading.Thread(target=make, name="graphml reads ahead", daemon=True)
    ending.start(reader)
    ending.wait_briefly_for(reader)
    try:
        while True:
            check()
            try:
                value, error = ready.get(timeout=0.1)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            if value is _END:
                return
            yield value
    finally:
        stopped.set()


def in_pieces(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The values in lists of `size`; the last one may be shorter."""
    iterator = iter(values)
    while piece := list(islice(iterator, size)):
        yield piece
