"""What happens to running tasks when the program ends: it waits for them.

Ctrl-C during that wait cancels the tasks, and the program ends after their current mini-batches; a second Ctrl-C
ends it at once. Exiting while a thread computes would abort the process: Python stops such a thread inside
native code.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers its own exit function before ours; see below)
import contextlib
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator

from graphml.errors import UpdateError

_READER_SECONDS = 1.0
_POLL_SECONDS = 0.2  # on some systems Ctrl-C does not interrupt a long wait

_running: dict[threading.Event, Callable[[], None]] = {}
_readers: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


def start(thread: threading.Thread) -> None:
    """Start a thread.

    Raises:
        UpdateError: no thread can be started; Python 3.12.0 and 3.12.1 refuse to once the main program has ended.
    """
    with thread_failures_as_update_errors():
        thread.start()


@contextlib.contextmanager
def thread_failures_as_update_errors() -> Generator[None, None, None]:
    """Raise UpdateError if a thread cannot be started inside."""
    try:
        yield
    except RuntimeError as error:
        message = f"cannot start a thread: {error}"
        if "shutdown" in str(error):
            message += "; wait for the update before the program ends"
        raise UpdateError(message) from error


def wait_for(over: threading.Event, cancel: Callable[[], None]) -> None:
    """Make the program wait for an event before it ends, until `forget`. cancel: makes the event happen soon."""
    _running[over] = cancel


def forget(over: threading.Event) -> None:
    """No longer make the program wait for an event."""
    _running.pop(over, None)


def wait_briefly_for(reader: threading.Thread) -> None:
    """Make the program wait a second for a thread before it ends; the source that it reads may never return."""
    _readers.add(reader)


def _at_exit() -> None:
    try:
        try:
            _wait_for_all()
        except KeyboardInterrupt:
            print("interrupted: cancelling updates", file=sys.stderr)
            for cancel in tuple(_running.values()):
                cancel()
            _wait_for_all()
        end = time.monotonic() + _READER_SECONDS
        for reader in tuple(_readers):
            reader.join(max(0.0, end - time.monotonic()))
    except KeyboardInterrupt:
        os._exit(130)


def _wait_for_all() -> None:
    # not with join: after a join that Ctrl-C interrupts, Python 3.11 believes that the thread has ended
    for over in tuple(_running):
        while not over.wait(_POLL_SECONDS):
            pass


# `atexit` functions run after executors have shut down, but reading and writing need these. `threading` runs its own
# exit functions earlier, the newest first, and that of executors was registered by the import above.
getattr(threading, "_register_atexit", atexit.register)(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_running.clear)  # the child does not have these threads
