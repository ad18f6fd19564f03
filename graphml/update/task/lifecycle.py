"""The states of a task: suspended, running, cancelling, and finally completed or failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from graphml.errors import GraphmlError, UpdateError
from graphml.update import ending
from graphml.update.progress.events import TaskState

_OVER = (TaskState.COMPLETED, TaskState.FAILED)
_POLL_SECONDS = 0.2  # on some systems Ctrl-C does not interrupt a long wait


class Lifecycle:
    """The state of a task and the thread that does its work.

    Attributes:
        lock: held while the state changes.
        state: the current state.
        error: why the task has failed; None otherwise.
        cancelled: whether the task failed because it was cancelled.
    """

    def __init__(self, release: Callable[[], None]) -> None:
        """A task that is not started. release: frees what the task holds, just before it is over."""
        self.lock = threading.RLock()
        self.state = TaskState.SUSPENDED
        self.error: GraphmlError | None = None
        self.cancelled = False
        self._release = release
        self._done = threading.Event()
        self._when_done: list[Callable[[], Any]] = []
        self._thread: threading.Thread | None = None

    @property
    def is_over(self) -> bool:
        """Whether the task is completed or failed."""
        return self.state in _OVER

    def start(self, work: Callable[[], None], name: str) -> None:
        """Run `work` in a thread, with the state RUNNING; does nothing unless the state is SUSPENDED.

        Raises:
            UpdateError: no thread can be started; the state is SUSPENDED again.
        """
        with self.lock:
            if self.state is not TaskState.SUSPENDED:
                return
            self.state = TaskState.RUNNING
            self._thread = threading.Thread(target=work, name=name, daemon=False)
            ending.wait_for(self._done, self.cancel)
            try:
                ending.start(self._thread)
            except UpdateError:
                ending.forget(self._done)
                self.state = TaskState.SUSPENDED
                raise

    def cancel(self) -> None:
        """Ask the thread to stop; a task that was not started ends immediately, one that is over does not change."""
        with self.lock:
            if self.state is TaskState.RUNNING:
                self.state = TaskState.CANCELLING
            elif self.state is TaskState.SUSPENDED:
                self.end(TaskState.FAILED, UpdateError("the update was cancelled before it began"), cancelled=True)
                self.finish()

    def end(self, state: TaskState, error: GraphmlError | None = None, *, cancelled: bool = False) -> None:
        """Set the final state; completion handlers may still be running."""
        with self.lock:
            self.state, self.error, self.cancelled = state, error, cancelled

    def finish(self) -> None:
        """Release all waiting threads: the last step of a task."""
        self._release()
        with self.lock:
            self._done.set()
            ending.forget(self._done)
            calls, self._when_done = self._when_done, []
        for call in calls:
            call()

    def when_done(self, call: Callable[[], Any]) -> None:
        """Call a function when the task is over, or now if it is."""
        with self.lock:
            if not self._done.is_set():
                self._when_done.append(call)
                return
        call()

    def refuse_unless_started(self) -> None:
        """Raise UpdateError for a task that nobody has started: waiting for it would never end."""
        if self.state is TaskState.SUSPENDED:
            raise UpdateError("the task was not started: call resume() first")

    def wait(self, timeout: float | None = None) -> TaskState:
        """Wait until the task is over, for at most `timeout` seconds; see `UpdateTask.wait`."""
        self.refuse_unless_started()
        if threading.current_thread() is self._thread:
            raise UpdateError("a handler cannot wait for the task that calls it")
        end = None if timeout is None else time.monotonic() + timeout
        try:
            while not self._done.wait(_POLL_SECONDS if end is None else min(_POLL_SECONDS, _until(end))):
                if end is not None and time.monotonic() >= end:
                    break
        except KeyboardInterrupt:
            self.cancel()
            self._done.wait()
            raise
        return self.state


def _until(end: float) -> float:
    return max(0.0, end - time.monotonic())
