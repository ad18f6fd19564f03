"""Reading ahead: an iterator whose values are made by a thread while the caller computes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from graphml.update import ending

T = TypeVar("T")

_END = object()


def read_ahead(values: Iterable[T], depth: int, check: Callable[[], None] = lambda: None) -> Iterator[T]:
    """The values in order, at most `depth` of them waiting; what making them raises is raised here.

    check: called again and again while nothing is there yet, so that a caller who has lost interest may raise.
    """
    ready: queue.Queue = queue.Queue(depth)
    enough = threading.Event()

    def put(item: tuple[object, BaseException | None]) -> bool:
        while not enough.is_set():
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
        except BaseException as error:  # the caller's to handle
            put((_END, error))

    # a source that never answers must not keep the program from ending
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
        enough.set()


def in_pieces(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The values in lists of `size`; the last may be shorter."""
    iterator = iter(values)
    while piece := list(islice(iterator, size)):
        yield piece
