"""What the end of the program means for tasks that still run.

It waits for them. Ctrl-C meanwhile cancels them, so that the program ends when their mini-batches are done; a second
Ctrl-C ends it at once. To end while a thread computes would abort the process: Python takes such a thread away in the
midst of code that cannot be left.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401  (what it does at the end comes after what this does; see below)
import contextlib
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator

from graphml.errors import UpdateError

_READERS_SECONDS = 1.0
_POLL_SECONDS = 0.2  # on some systems Ctrl-C does not end a long wait

_running: dict[threading.Event, Callable[[], None]] = {}
_readers: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


def start(thread: threading.Thread) -> None:
    """Start a thread. Raises UpdateError where none can be started, such as Python 3.12.0 and 3.12.1 do not let any
    once the main program has ended."""
    with no_thread_is_typed():
        thread.start()


@contextlib.contextmanager
def no_thread_is_typed() -> Iterator[None]:
    """Inside, a thread that cannot be started is an UpdateError."""
    try:
        yield
    except RuntimeError as error:
        words = f"no thread can be started: {error}"
        if "shutdown" in str(error):
            words += "; let the program wait for the update before it ends"
        raise UpdateError(words) from error


def wait_for(over: threading.Event, cancel: Callable[[], None]) -> None:
    """Have the program wait for an event, until `forget`. cancel: makes it come soon."""
    _running[over] = cancel


def forget(over: threading.Event) -> None:
    _running.pop(over, None)


def wait_briefly_for(reader: threading.Thread) -> None:
    """Have the program give a thread a moment to come to its end; it may be reading from what never answers."""
    _readers.add(reader)


def _at_exit() -> None:
    try:
        try:
            _wait_for_all()
        except KeyboardInterrupt:
            print("interrupted: updates are cancelled", file=sys.stderr)
            for cancel in tuple(_running.values()):
                cancel()
            _wait_for_all()
        end = time.monotonic() + _READERS_SECONDS
        for reader in tuple(_readers):
            reader.join(max(0.0, end - time.monotonic()))
    except KeyboardInterrupt:
        os._exit(130)


def _wait_for_all() -> None:
    # not by joining threads: a join that Ctrl-C interrupts leaves a thread that seems to have ended (Python 3.11)
    for over in tuple(_running):
        while not over.wait(_POLL_SECONDS):
            pass


# Functions of `atexit` are called when executors, which reading and writing need, have ended. `threading` calls its own
# earlier, the last one first; that of executors was registered when they were imported.
getattr(threading, "_register_atexit", atexit.register)(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_running.clear)  # their threads are not in the copy
