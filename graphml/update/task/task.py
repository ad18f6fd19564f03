"""The update task: training in a separate thread, with the states, events and handlers of Core ML."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, cast

import jax

from graphml import recipes
from graphml.errors import FeatureError, GraphmlError, UpdateError, expect, in_words
from graphml.models import Model, ModelConfiguration, load
from graphml.models.configuration import pick_device
from graphml.recipes.parameters import ParameterDescription, ParameterKey
from graphml.update.data.samples import TrainingData, refuse_unless_samples
from graphml.update.data.storage import Limits
from graphml.update.learners.kinds import learner_for
from graphml.update.learners.learner import LearnerOptions, TaskHooks
from graphml.update.progress.checkpoints import CheckpointDirectory, Request, digest
from graphml.update.progress.events import MetricKey, TaskState, UpdateEvent
from graphml.update.progress.history import History
from graphml.update.step.programs import Precision
from graphml.update.task import asynchronous
from graphml.update.task.lifecycle import Lifecycle

# What handlers see ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class UpdateContext:
    """An event of an update, as handlers receive it.

    The models predict and save, and do not change when training continues.

    Attributes:
        task: the task, which handlers may resume with other parameters, or cancel.
        event: why the handler is called; no event at completion.
        metrics: the latest metrics; empty at TRAINING_BEGIN.
        parameters: the current value of every parameter.
    """

    task: UpdateTask
    event: UpdateEvent
    metrics: Mapping[MetricKey, Any]
    parameters: Mapping[ParameterKey, Any]
    _weights: Any = field(repr=False)
    _best_weights: Any = field(repr=False)
    _with_weights: Callable[[Any], Model] = field(repr=False)

    @functools.cached_property
    def model(self) -> Model:
        """The model as trained so far."""
        return self._with_weights(self._weights)

    @functools.cached_property
    def best(self) -> Model:
        """The model after the best epoch so far; the original one before the first epoch is done."""
        return self._with_weights(self._best_weights)


Callback = Callable[[UpdateContext], Any]


@dataclass(frozen=True)
class UpdateProgressHandlers:
    """Functions to call during an update, in its thread; training continues when they return.

    A handler may call `context.task.resume(with_parameters={...})` or `context.task.cancel()`. An exception in a
    handler ends the task as FAILED.

    Attributes:
        for_events: the events of the progress handler: one, several joined by |, or a list of them.
        progress_handler: called at these events.
        completion_handler: called once, when the task is over.

    Raises:
        FeatureError: the events are not members of UpdateEvent, or a handler cannot be called.
    """

    for_events: UpdateEvent | Iterable[UpdateEvent]
    progress_handler: Callback | None = None
    completion_handler: Callback | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "for_events", _joined(self.for_events))
        _refuse_unless_callable("progress_handler", self.progress_handler)
        _refuse_unless_callable("completion_handler", self.completion_handler)


def _joined(given: Any) -> UpdateEvent:
    several = isinstance(given, Iterable) and not isinstance(given, str)
    events = list(cast("Iterable[UpdateEvent]", given)) if several else [cast("UpdateEvent", given)]
    joined = UpdateEvent(0)
    for event in events:
        names = ", ".join(f"UpdateEvent.{known.name}" for known in UpdateEvent)
        expect(event, UpdateEvent, f"for_events must be {names}, or several of them")
        joined |= event
    return joined


def _refuse_unless_callable(name: str, handler: object) -> None:
    if handler is not None and not callable(handler):
        raise FeatureError(f"{name} must be a function of an UpdateContext, got {in_words(handler)}")


# The task ------------------------------------------------------------------------------------------------------------


class UpdateTask:
    """Updates a model in a separate thread.

    A network or ML Program is trained by its recipe, a nearest-neighbors classifier gets more samples, and of a
    pipeline the last stage is updated.

        task = UpdateTask("net.mlmodel", samples)
        task.resume()
        task.wait()                             # or, in a coroutine: await task
        task.model.save("new.mlmodel")

    What fails after the start ends the task as FAILED, with the reason in `error`; the original model never changes.
    The completion handler runs once when a started task ends, for any reason. A program that ends without waiting
    stays alive until the task is over, or until Ctrl-C cancels it. Leaving a `with` block waits.
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
        """Prepare an update; `resume` starts it.

        Args:
            model: the model, or its file.
            training_data: an `ArrayBatchProvider`, a dict of arrays, or any iterable of dicts, generators among them.
                It is read once, when the task starts, ahead of training.
            configuration: the device, and values of parameters.
            completion_handler: called once, when the task is over.
            progress_handlers: called at events of training.
            strict: apply all of Core ML's rules about what may be trained. False trains the layers that are marked as
                updatable, or all if none is, as long as gradients reach them; ML Programs need this.
            recipe: used instead of the recipe of the file. A trained network keeps it; an ML Program cannot
                hold one.
            precision: "bfloat16" computes in half precision; trained weights, optimizer and loss stay float32.
            checkpoint_dir: an empty or new directory from which `UpdateTask.restore` can continue, however this process
                ends. It also holds the training data until the task is completed. A checkpoint that cannot be written
                is a RuntimeWarning: training continues and tries again later; see `checkpoint_error`. Needs the extra
                "checkpoints".
            checkpoint_seconds: the time between checkpoints, in seconds. One is also written when the task ends.
            memory_bytes: samples that take more memory are kept in files.
            disk_bytes: samples that take more disk space are refused; None allows half of the free space.

        Raises:
            UpdateError: the model cannot be trained with these options.
            FeatureError: an argument is of the wrong type.
        """
        refuse_unless_samples(training_data)
        if configuration is not None:
            expect(configuration, ModelConfiguration, "configuration must be a ModelConfiguration(parameters={...})")
        if progress_handlers is not None:
            form = "UpdateProgressHandlers(UpdateEvent.EPOCH_END, function)"
            expect(progress_handlers, UpdateProgressHandlers, f"progress_handlers must be {form}")
        _refuse_unless_callable("completion_handler", completion_handler)
        if recipe is not None:
            expect(recipe, recipes.Recipe, "recipe must be a Recipe, such as recipes.Recipe(recipes.Adam())")
        loaded = model if isinstance(model, Model) else load(model, configuration=configuration)
        configuration = loaded.configuration if configuration is None else configuration
        handlers = UpdateProgressHandlers(UpdateEvent(0)) if progress_handlers is None else progress_handlers
        if completion_handler is not None and handlers.completion_handler is not None:
            raise UpdateError("two completion handlers are given, but only one can be called")
        self.task_identifier = uuid.uuid4().hex
        self._training_data = training_data
        self._handlers = handlers
        self._completion = handlers.completion_handler if completion_handler is None else completion_handler
        self._listeners: list[tuple[UpdateEvent, Callback]] = []
        self._device = pick_device(configuration)
        request, limits = Request(strict, precision), Limits(memory_bytes, disk_bytes)
        self._learner = learner_for(loaded, LearnerOptions(configuration, recipe, request, limits, checkpoint_seconds))
        self._lifecycle = Lifecycle(self._release)
        if checkpoint_dir is not None:
            if recipe is not None:
                recipe.refuse_unless_storable()
            directory = self._learner.checkpoints.directory = CheckpointDirectory(checkpoint_dir)
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
        """The task of a checkpoint directory as of its last checkpoint: completed, or ready to be resumed.

        It ends with the same bits as if it had never been interrupted. Handlers are notified of TRAINING_BEGIN only if
        training had not begun; a handler that was running when the process ended is called again.

        Args:
            checkpoint_dir: the directory.
            training_data: needed only if the task was interrupted before it had read all of its training data.
            configuration: its parameters replace those of the checkpoint.
            custom_layers: implementations of custom layers.
            **keyword: handlers, checkpoint_seconds and limits, as for a new task.

        Raises:
            UpdateError: the directory holds no update, or another task is using it.
        """
        if not os.path.isdir(checkpoint_dir):  # opening it would create it
            raise UpdateError(f"{checkpoint_dir} holds no update: there is no such directory")
        directory = CheckpointDirectory(checkpoint_dir)
        try:
            found = directory.request()
            if found is None:
                raise UpdateError(f"{checkpoint_dir} holds no update")
            request, expected = found
            model = load(directory.model, configuration=configuration, custom_layers=custom_layers)
            if digest(model) != expected:
                raise UpdateError(f"{directory.model} is not the model that this update began with")
            options = dataclasses.asdict(request)
            task = cls(model, () if training_data is None else training_data, configuration, **options, **keyword)
            if task._learner.restore(directory, has_data=training_data is not None):
                task._lifecycle.end(TaskState.COMPLETED)
                task._lifecycle.finish()
        except BaseException:
            directory.close()
            raise
        return task

    # State and results -----------------------------------------------------------------------------------------------

    @property
    def state(self) -> TaskState:
        """The current state."""
        return self._lifecycle.state

    @property
    def error(self) -> GraphmlError | None:
        """Why the task failed; None unless it did."""
        return self._lifecycle.error

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` ended the task; `model` then has what was learned by that time."""
        return self._lifecycle.cancelled

    @property
    def checkpoint_error(self) -> UpdateError | None:
        """Why the newest checkpoint could not be written; None if it was, or if the task writes none."""
        return self._learner.checkpoints.failure

    @property
    def model(self) -> Model:
        """The model as trained so far: a new model, which shares what did not change with the original."""
        return self._learner.with_weights(self._learner.weights)

    @property
    def best(self) -> Model:
        """The model after the best epoch so far; the original one before the first epoch is done.

        The best epoch has the lowest mean loss, or the best value of what the recipe monitors.
        """
        return self._learner.with_weights(self._learner.best_weights)

    @property
    def metrics(self) -> dict[MetricKey, Any]:
        """The latest metrics; empty before the first mini-batch is done."""
        return dict(self._learner.metrics)

    @property
    def history(self) -> History:
        """A record of each mini-batch and each epoch so far; `task.history.plot("losses.png")` draws them."""
        return History(self._learner.records)

    @property
    def parameters(self) -> dict[ParameterKey, Any]:
        """The current value of every parameter."""
        return self._learner.parameters

    @property
    def epochs(self) -> int:
        """The number of all epochs; 1 for nearest neighbors."""
        return next((value for key, value in self.parameters.items() if key.name == "epochs"), 1)

    @property
    def parameter_descriptions(self) -> dict[ParameterKey, ParameterDescription]:
        """The default and the allowed values of every parameter."""
        return dict(self._learner.descriptions)

    @property
    def sample_count(self) -> int | None:
        """The number of samples; None before all are read."""
        return self._learner.sample_count

    # Control ---------------------------------------------------------------------------------------------------------

    def resume(self, with_parameters: Mapping[Any, Any] | None = None) -> None:
        """Start the task, or change parameters while it runs, from a handler or any thread.

        Args:
            with_parameters: {ParameterKey or its name: value}. Numbers of the optimizer, weights and biases take effect
                with the next mini-batches; batch size, shuffle and seed with the next epoch. `epochs` is the number of
                all epochs, finished ones included.

        Raises:
            UpdateError: a value is not allowed, the task is over, or no thread can be started.
        """
        with self._lifecycle.lock:
            if self._lifecycle.is_over:
                raise UpdateError("the task is over: to train further, make a new task with its model")
            self._learner.set_parameters(with_parameters)
            self._lifecycle.start(self._work, f"graphml update {self.task_identifier[:8]}")

    def cancel(self) -> None:
        """Stop soon.

        The state is CANCELLING until the current mini-batches are done (about a second), then FAILED with `cancelled`
        set. A task that was not started ends at once; one that is over does not change.
        """
        self._lifecycle.cancel()

    def wait(self, timeout: float | None = None) -> TaskState:
        """Wait until the task is over and its completion handler has returned.

        Ctrl-C cancels the task, waits for its end and raises KeyboardInterrupt.

        Args:
            timeout: wait at most this long, in seconds.

        Returns:
            The state at the end of the wait. A task that has failed does not raise: see `error`.

        Raises:
            UpdateError: the task was not started, or a handler waits for its own task.
        """
        return self._lifecycle.wait(timeout)

    def save_checkpoint(self, directory: str | os.PathLike[str]) -> None:
        """Write a checkpoint from which `UpdateTask.restore` can continue; possible at any time.

        Args:
            directory: an empty or new directory. It gets no training data: pass them to `restore` again.
        """
        finished = self._lifecycle.state is TaskState.COMPLETED
        self._learner.checkpoints.save_to(directory, finished=finished)

    def __await__(self) -> Generator[Any, None, TaskState]:
        """`await task` is `wait` for coroutines; cancelling it cancels the task."""
        self._lifecycle.refuse_unless_started()
        return asynchronous.wait(self._lifecycle).__await__()

    def events(self, which: UpdateEvent = UpdateEvent.EPOCH_END) -> AsyncIterator[UpdateContext]:
        """Iterate over events: `async for context in task.events():` until the task is over.

        A task that was not started is started. Training pauses while the body of the loop runs, so new parameters or
        `cancel` take effect at once; leaving the loop lets training continue.
        """
        return asynchronous.events(self._lifecycle, self._listeners, which, self.resume)

    def __enter__(self) -> UpdateTask:
        """The task; leaving the block waits for it, and cancels it first if an exception was raised."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the task if it was started."""
        if kind is not None:
            self.cancel()
        if self.state is not TaskState.SUSPENDED:
            self.wait()

    # The thread ------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        data, self._training_data = self._training_data, ()
        hooks = TaskHooks(self._notify, self._wants, self._stop_if_cancelled)
        try:
            with contextlib.nullcontext() if self._device is None else jax.default_device(self._device):
                self._learner.learn(data, hooks)
            self._lifecycle.end(TaskState.COMPLETED)
        except _Cancelled as stopped:
            self._fail(UpdateError(f"the update was cancelled {stopped}"), cancelled=True)
        except GraphmlError as error:
            self._fail(error)
        except BaseException as error:  # waiting threads must get it
            self._fail(_caused(f"training failed with {type(error).__name__}: {error}", error))
        try:
            if self._completion is not None:
                self._completion(self._context(UpdateEvent(0)))
        except BaseException as error:
            failed = _handler_failed("completion", error)
            if self.error is None:
                self._fail(failed)
            else:  # the first error matters more
                self.error.add_note(str(failed))
        finally:
            self._lifecycle.finish()

    def _wants(self, event: UpdateEvent) -> bool:
        return event in self._handlers.for_events or any(event in which for which, _ in self._listeners)

    def _notify(self, event: UpdateEvent) -> None:
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
        weights, best = self._learner.weights, self._learner.best_weights
        return UpdateContext(self, event, self.metrics, self.parameters, weights, best, self._learner.with_weights)

    def _stop_if_cancelled(self, when: str) -> None:
        if self.state is TaskState.CANCELLING:
            raise _Cancelled(when)

    def _fail(self, error: GraphmlError, *, cancelled: bool = False) -> None:
        if self.checkpoint_error is not None:
            error.add_note(str(self.checkpoint_error))
        self._lifecycle.end(TaskState.FAILED, error, cancelled=cancelled)

    def _release(self) -> None:
        """Close the checkpoint directory and drop the training data."""
        self._training_data = ()
        if self._learner.checkpoints.directory is not None:
            self._learner.checkpoints.directory.close()


class _Cancelled(Exception):
    """Leaves the training loop; the text says when."""


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
    """Train a model and return the result: an `UpdateTask` that is started and awaited.

    Args:
        model: the model, or its file.
        data: the training data, as for `UpdateTask`.
        strict: apply all of Core ML's rules about what may be trained.
        recipe: used instead of the recipe of the file.
        **parameters: learning_rate=0.1 and so on.

    Raises:
        GraphmlError: whatever the task failed with.
    """
    with UpdateTask(model, data, strict=strict, recipe=recipe) as task:
        task.resume(parameters)
    if task.error is not None:
        raise task.error
    return task.model
