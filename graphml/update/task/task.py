"""The update task: a training run in the background, with states, events and handlers as Core ML has them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from typing import Any

import jax

from graphml import recipes
from graphml.errors import GraphmlError, UpdateError
from graphml.models import Model, ModelConfiguration, load
from graphml.recipes.parameters import ParameterDescription, ParameterKey
from graphml.update import ending
from graphml.update.data.samples import TrainingData
from graphml.update.data.storage import Limits
from graphml.update.learners.learner import LearnerOptions, learner_for
from graphml.update.progress.checkpoints import CheckpointDirectory, Request, digest
from graphml.update.progress.events import (
    Callback,
    MetricKey,
    TaskState,
    UpdateContext,
    UpdateEvent,
    UpdateProgressHandlers,
)
from graphml.update.progress.history import History, batch_records
from graphml.update.step.programs import Precision
from graphml.update.task import asynchronous

_OVER = (TaskState.COMPLETED, TaskState.FAILED)


class UpdateTask:
    """Trains a network by its own recipe, in a thread of its own; adds samples to nearest neighbours; of a pipeline it
    updates the last stage.

        task = UpdateTask("net.mlmodel", samples)
        task.resume()
        task.wait()                             # or, in a coroutine: await task
        task.model.save("new.mlmodel")

    training_data: an `ArrayBatchProvider`, a dict of arrays, or any iterable of dicts, generators among them. It is
        read once, when the task starts, ahead of what computes; samples that fill more than `memory_bytes` are kept in
        files, and refused when these would fill more than `disk_bytes` (half of what is free, unless it is given).
    configuration: device, and values for parameters. strict: keep all of Core ML's rules about what may be trained;
        False trains the layers that are marked updatable, or all if none is, as long as gradients reach them.
    recipe: of `graphml.recipes`, in place of that of the file; the trained model keeps it.
    precision: "bfloat16" computes in half precision; the weights that are trained, the optimizer and the loss keep
        float32.
    checkpoint_dir: an empty or new directory that `UpdateTask.restore` can go on from, however this process ends;
        there is a checkpoint every `checkpoint_seconds`, and one when the task ends. It holds the training data too,
        until the task has completed. One that cannot be written is a RuntimeWarning: training goes on, and tries again
        when the next is due; see `checkpoint_error`. Needs the extra "checkpoints".

    Raises UpdateError when the model cannot be trained as asked. What fails later ends the task as FAILED, with
    the reason in `error`; the model that was given never changes. The completion handler runs once when a started
    task has ended, however it did. A program that ends without waiting goes on until the task is over, or
    until Ctrl-C cancels it; leaving a `with` block waits.
    """

    def __init__(
        self,
        model: Model | str | os.PathLike[str],
        training_data: TrainingData,
        configuration: ModelConfiguration | None = None,
        *,
        completion_handler: Callback | None = None,
        progress_handlers: UpdateProgressHandlers | None = None,
        strict: bool = True,
        recipe: recipes.Recipe | None = None,
        precision: Precision = "float32",
        checkpoint_dir: str | os.PathLike[str] | None = None,
        checkpoint_seconds: float = 30.0,
        memory_bytes: int = Limits.memory_bytes,
        disk_bytes: int | None = None,
    ) -> None:
        loaded = model if isinstance(model, Model) else load(model, configuration=configuration)
        configuration = loaded.configuration if configuration is None else configuration
        handlers = UpdateProgressHandlers(UpdateEvent(0)) if progress_handlers is None else progress_handlers
        if completion_handler is not None and handlers.completion_handler is not None:
            raise UpdateError("two completion handlers are given; one is called")
        self.task_identifier = uuid.uuid4().hex
        self._training_data = training_data
        self._handlers = handlers
        self._completion = handlers.completion_handler if completion_handler is None else completion_handler
        self._listeners: list[tuple[UpdateEvent, Callable[[UpdateContext], None]]] = []
        request, limits = Request(strict, precision), Limits(memory_bytes, disk_bytes)
        self._run = learner_for(loaded, LearnerOptions(configuration, recipe, request, limits, checkpoint_seconds))
        self._state = TaskState.SUSPENDED
        self._error: GraphmlError | None = None
        self._cancelled = False
        self._lock = threading.RLock()
        self._done = threading.Event()
        self._at_end: list[Callable[[], Any]] = []
        self._thread: threading.Thread | None = None
        if checkpoint_dir is not None:
            if recipe is not None:
                recipe.refuse_unless_storable()
            directory = self._run.checkpoints.directory = CheckpointDirectory(checkpoint_dir)
            directory.refuse_unless_empty()

    @classmethod
    def restore(
        cls,
        checkpoint_dir: str | os.PathLike[str],
        training_data: TrainingData | None = None,
        configuration: ModelConfiguration | None = None,
        *,
        custom_layers: Mapping[str, Callable[..., Any]] | None = None,
        **keyword: Any,
    ) -> UpdateTask:
        """The task of a checkpoint directory, as it stood at its last checkpoint: completed, or to be resumed. It ends
        with the same bits as if it had never been interrupted.

        training_data: read again if the task was interrupted before it had read them all, and needed then only.
        configuration: its parameters replace those of the checkpoint. keyword: handlers, checkpoint_seconds and limits,
        as for a new task.
        TRAINING_BEGIN is told only if the task had not begun; a handler that was at work when the process ended is
        called again. Raises UpdateError when the directory holds no update, or when another task works there.
        """
        if not os.path.isdir(checkpoint_dir):  # to open one would make it
            raise UpdateError(f"{checkpoint_dir} holds no update: there is no such directory")
        directory = CheckpointDirectory(checkpoint_dir)
        try:
            found = directory.request()
            if found is None:
                raise UpdateError(f"{checkpoint_dir} holds no update")
            request, named = found
            model = load(directory.model, configuration=configuration, custom_layers=custom_layers)
            if digest(model.spec) != named:
                raise UpdateError(f"{directory.model} is not the model that the update began with")
            asked = dataclasses.asdict(request)
            task = cls(model, () if training_data is None else training_data, configuration, **asked, **keyword)
            if task._run.go_on_from(directory, has_data=training_data is not None):
                task._end(TaskState.COMPLETED)
                task._over()
        except BaseException:
            directory.close()
            raise
        return task

    # What is known about it ------------------------------------------------------------------------------------------

    @property
    def state(self) -> TaskState:
        return self._state

    @property
    def error(self) -> GraphmlError | None:
        """Why the task has failed; None as long as it has not."""
        return self._error

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` ended the task; `model` then has what was learned until that moment."""
        return self._cancelled

    @property
    def checkpoint_error(self) -> UpdateError | None:
        """Why the newest checkpoint could not be written; None if it was, or if the task keeps none."""
        return self._run.checkpoints.failure

    @property
    def model(self) -> Model:
        """The model as trained up to now: a new model, which shares what did not change with the one that was
        given."""
        return self._run.with_weights(self._run.moment.train)

    @property
    def best(self) -> Model:
        """The model as it was after the epoch of the lowest mean loss; before an epoch is over, as it was given."""
        return self._run.with_weights(self._run.best_weights)

    @property
    def metrics(self) -> dict[MetricKey, Any]:
        """What was measured last; empty before the first mini-batch is done."""
        return dict(self._run.moment.metrics)

    @property
    def history(self) -> History:
        """A record of each mini-batch and each epoch up to now; `task.history.plot("losses.png")` draws them."""
        moment = self._run.moment
        over = moment.history and moment.history[-1].epoch == moment.epoch
        return History((*moment.history, *(() if over else batch_records(moment.epoch, moment.losses))))

    @property
    def parameters(self) -> dict[ParameterKey, Any]:
        """The value in force of every parameter."""
        return self._run.values

    @property
    def epochs(self) -> int:
        """The number of all epochs; 1 for neighbours."""
        return next((value for key, value in self.parameters.items() if key.name == "epochs"), 1)

    @property
    def parameter_descriptions(self) -> dict[ParameterKey, ParameterDescription]:
        """Default and allowed values of every parameter."""
        return dict(self._run.descriptions)

    @property
    def sample_count(self) -> int | None:
        """The number of samples; None before all are read."""
        return self._run.sample_count

    # Control ---------------------------------------------------------------------------------------------------------

    def resume(self, with_parameters: Mapping[Any, Any] | None = None) -> None:
        """Start the task; or, while it runs (in a handler or from any thread), give parameters other values.

        Numbers of the optimizer hold from the next mini-batches on, weights and biases too; batch size, shuffle
        and seed from the next epoch on; epochs is the number of all epochs, those that are over included.
        Raises UpdateError for values that the file does not allow, when the task is over, and when no thread can be
        started for it.
        """
        with self._lock:
            if self._state in _OVER:
                raise UpdateError("the task is over; training on takes a new one, with the model of this one")
            self._run.ask_for(with_parameters)
            if self._state is TaskState.SUSPENDED:
                self._state = TaskState.RUNNING
                name = f"graphml update {self.task_identifier[:8]}"
                self._thread = threading.Thread(target=self._work, name=name, daemon=False)
                ending.wait_for(self._done, self.cancel)
                try:
                    ending.start(self._thread)
                except UpdateError:
                    ending.forget(self._done)
                    self._state = TaskState.SUSPENDED
                    raise

    def cancel(self) -> None:
        """Stop soon: the state is CANCELLING until the mini-batches at work are done (about a second), then FAILED
        with `cancelled` set. A task that was never started is over at once; one that is over stays as it is."""
        with self._lock:
            if self._state is TaskState.RUNNING:
                self._state = TaskState.CANCELLING
            elif self._state is TaskState.SUSPENDED:
                self._end(TaskState.FAILED, UpdateError("the update was cancelled before it began"), cancelled=True)
                self._over()

    def wait(self, timeout: float | None = None) -> TaskState:
        """Wait until the task is over and its completion handler has returned, or for `timeout` seconds; the state
        then.

        Ctrl-C meanwhile cancels the task, waits for its end and goes on as KeyboardInterrupt. Raises UpdateError
        when the task was not started, or is waiting for itself.
        """
        self._refuse_to_wait()
        if threading.current_thread() is self._thread:
            raise UpdateError("a handler cannot wait for the task that calls it")
        end = None if timeout is None else time.monotonic() + timeout
        try:
            # in short waits, because on some systems Ctrl-C does not end a long one
            while not self._done.wait(0.2 if end is None else min(0.2, max(0.0, end - time.monotonic()))):
                if end is not None and time.monotonic() >= end:
                    break
        except KeyboardInterrupt:
            self.cancel()
            self._done.wait()
            raise
        return self._state

    def save_checkpoint(self, directory: str | os.PathLike[str]) -> None:
        """Write where the task stands to an empty or new directory, at any time, for `UpdateTask.restore` to go on
        from; it holds no training data, which are given again there."""
        kept = CheckpointDirectory(directory)
        try:
            kept.refuse_unless_empty()
            kept.begin(self._run.model.spec, self._run.request)
            kept.save(self._run.step(), finished=self._state is TaskState.COMPLETED)
        finally:
            kept.close()

    def __await__(self) -> Generator[Any, None, TaskState]:
        """`await task` is `wait` for coroutines; cancelling it cancels the task."""
        self._refuse_to_wait()
        return asynchronous.wait(self).__await__()

    def events(self, which: UpdateEvent = UpdateEvent.EPOCH_END) -> AsyncIterator[UpdateContext]:
        """`async for context in task.events():` gives what a progress handler gets, until the task is over.

        A task that was not started is started. Training stands still while the body of the loop runs, so that new
        parameters or `cancel` in it hold at once; leaving the loop lets training go on.
        """
        return asynchronous.events(self, which)

    def __enter__(self) -> UpdateTask:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None:
            self.cancel()
        if self._state is not TaskState.SUSPENDED:
            self.wait()

    def _refuse_to_wait(self) -> None:
        if self._state is TaskState.SUSPENDED:
            raise UpdateError("the task was not started: call resume() first")

    def _when_over(self, call: Callable[[], Any]) -> None:
        """Call it when the task is over, or now if it is."""
        with self._lock:
            if not self._done.is_set():
                self._at_end.append(call)
                return
        call()

    def _over(self) -> None:
        """The last thing that happens to a task."""
        if self._run.checkpoints.directory is not None:
            self._run.checkpoints.directory.close()
        with self._lock:
            self._done.set()
            ending.forget(self._done)
            calls, self._at_end = self._at_end, []
        for call in calls:
            call()

    # The thread ------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        device, data = self._run.device, self._training_data
        self._training_data = ()
        try:
            with contextlib.nullcontext() if device is None else jax.default_device(device):
                self._run.learn(data, self._tell, self._wanted, self._stop_if_cancelled)
            self._end(TaskState.COMPLETED)
        except _Cancelled as stopped:
            self._end(TaskState.FAILED, UpdateError(f"the update was cancelled {stopped}"), cancelled=True)
        except GraphmlError as error:
            self._end(TaskState.FAILED, error)
        except BaseException as error:  # whoever waits must hear of it
            self._end(TaskState.FAILED, _caused(f"training failed with {type(error).__name__}: {error}", error))
        try:
            if self._completion is not None:
                self._completion(self._context(UpdateEvent(0)))
        except BaseException as error:
            failed = _handler_failed("completion", error)
            if self._error is None:
                self._end(TaskState.FAILED, failed)
            else:  # what went wrong first matters more
                self._error.add_note(str(failed))
        finally:
            self._over()

    def _wanted(self, event: UpdateEvent) -> bool:
        return event in self._handlers.for_events or any(event in which for which, _ in self._listeners)

    def _tell(self, event: UpdateEvent) -> None:
        """Call the progress handler, and whoever else listens."""
        handler = self._handlers.progress_handler
        if handler is not None and event in self._handlers.for_events:
            try:
                handler(self._context(event))
            except Exception as error:
                raise _handler_failed("progress", error) from error
        for which, listener in tuple(self._listeners):
            if event in which:
                listener(self._context(event))

    def _context(self, event: UpdateEvent) -> UpdateContext:
        weights, best = self._run.moment.train, self._run.best_weights
        return UpdateContext(self, event, self.metrics, self.parameters, weights, best, self._run.with_weights)

    def _stop_if_cancelled(self, when: str) -> None:
        if self._state is TaskState.CANCELLING:
            raise _Cancelled(when)

    def _end(self, state: TaskState, error: GraphmlError | None = None, *, cancelled: bool = False) -> None:
        if error is not None and self.checkpoint_error is not None:
            error.add_note(str(self.checkpoint_error))
        with self._lock:
            self._state, self._error = state, error
            self._cancelled = cancelled
            self._training_data = ()


class _Cancelled(Exception):
    """Leaves the training loop; says when."""


def _caused(message: str, cause: BaseException) -> UpdateError:
    error = UpdateError(message)
    error.__cause__ = cause
    return error


def _handler_failed(which: str, error: BaseException) -> UpdateError:
    return _caused(f"the {which} handler raised {type(error).__name__}: {error}", error)


def update(
    model: Model | str | os.PathLike[str],
    data: TrainingData,
    *,
    strict: bool = True,
    recipe: recipes.Recipe | None = None,
    **parameters: Any,
) -> Model:
    """The model trained on `data`: `UpdateTask` without a thread to look after. parameters: learning_rate=0.1 and
    so on.

    Raises whatever the task failed with.
    """
    with UpdateTask(model, data, strict=strict, recipe=recipe) as task:
        task.resume(parameters)
    if task.error is not None:
        raise task.error
    return task.model
