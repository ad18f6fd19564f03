"""A task seen from asyncio: waiting for its end, and its events as an asynchronous iterator."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from graphml.update.progress.events import TaskState, UpdateEvent
from graphml.update.task.lifecycle import Lifecycle

T = TypeVar("T")


async def wait(lifecycle: Lifecycle) -> TaskState:
    """Wait for the end of a task, and return its final state. Cancelling the wait cancels the task."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    lifecycle.when_done(lambda: _call_in(loop, over.set))
    try:
        await over.wait()
    except asyncio.CancelledError:
        lifecycle.cancel()
        raise
    return lifecycle.state


async def events(
    lifecycle: Lifecycle,
    listeners: list[tuple[UpdateEvent, Callable[[T], None]]],
    which: UpdateEvent,
    start: Callable[[], None],
) -> AsyncIterator[T]:
    """The contexts of some events, until the task is over.

    Training pauses while the body of the loop runs, as it does for a progress handler.

    Args:
        lifecycle: of the task.
        listeners: the functions that the task calls; this function adds and removes its own.
        which: the events.
        start: starts the task if it is suspended.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[T, threading.Event] | None] = asyncio.Queue()
    closed = threading.Event()

    def listen(context: T) -> None:
        handled = threading.Event()
        if not _call_in(loop, queue.put_nowait, (context, handled)):
            return
        while not handled.wait(0.1):  # training continues when the body has left the loop, or the loop is closed
            if closed.is_set() or loop.is_closed():
                return

    listeners.append((which, listen))
    lifecycle.when_done(lambda: _call_in(loop, queue.put_nowait, None))
    try:
        if lifecycle.state is TaskState.SUSPENDED:
            start()
        while (item := await queue.get()) is not None:
            context, handled = item
            try:
                yield context
            finally:
                handled.set()
    finally:
        closed.set()
        listeners.remove((which, listen))


def _call_in(loop: asyncio.AbstractEventLoop, function: Callable[..., Any], *arguments: Any) -> bool:
    """Call a function in the thread of a loop; whether the loop is still open."""
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        return False
    return True
