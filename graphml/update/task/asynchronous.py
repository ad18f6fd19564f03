"""An update task from asyncio: waiting for it, and its events as an asynchronous iterator."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from graphml.update.progress.events import TaskState, UpdateContext, UpdateEvent

if TYPE_CHECKING:
    from graphml.update.task.task import UpdateTask


async def wait(task: UpdateTask) -> TaskState:
    """The state when the task is over; the loop goes on meanwhile. Cancelling the wait cancels the task."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    task._when_over(lambda: _tell_loop(loop, over.set))
    try:
        await over.wait()
    except asyncio.CancelledError:
        task.cancel()
        raise
    return task.state


async def events(task: UpdateTask, which: UpdateEvent) -> AsyncIterator[UpdateContext]:
    """The contexts of the events, until the task is over; a task that was not started is started.

    Training stands still while the body of the loop runs, as it does for a progress handler.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[UpdateContext, threading.Event] | None] = asyncio.Queue()
    left = threading.Event()

    def tell(context: UpdateContext) -> None:
        go_on = threading.Event()
        if not _tell_loop(loop, waiting.put_nowait, (context, go_on)):
            return
        while not go_on.wait(0.1):  # whoever has left the loop, or ended it, holds nobody up
            if left.is_set() or loop.is_closed():
                return

    task._listeners.append((which, tell))
    task._when_over(lambda: _tell_loop(loop, waiting.put_nowait, None))
    try:
        if task.state is TaskState.SUSPENDED:
            task.resume()
        while (item := await waiting.get()) is not None:
            context, go_on = item
            try:
                yield context
            finally:
                go_on.set()
    finally:
        left.set()
        task._listeners.remove((which, tell))


def _tell_loop(loop: asyncio.AbstractEventLoop, function, *arguments) -> bool:
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:  # the loop has ended; nobody is interested any more
        return False
    return True
