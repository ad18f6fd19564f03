"""The update task: a training run in the background, with states, events and handlers as Core ML has them."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from graphml.errors import GraphmlError, UpdateError
from graphml.models import Model, ModelConfiguration, load
from graphml.models.configuration import pick_device
from graphml.models.network import NeuralNetwork
from graphml.spec.validate import update_problems
from graphml.update import training
from graphml.update.data import check_targets, read_samples
from graphml.update.events import Callback, MetricKey, TaskState, UpdateContext, UpdateEvent, UpdateProgressHandlers
from graphml.update.parameters import ParameterKey, checked
from graphml.update.programs import programs_for
from graphml.update.recipe import network_of, parameter_descriptions, recipe_of

TrainingData = Iterable[Mapping[str, Any]] | Mapping[str, Any]

_SLICE_SECONDS = 1.0
_OVER = (TaskState.COMPLETED, TaskState.FAILED)
_WEIGHT_NAMES = {"weights": "weights", "biases": "bias"}  # parameter key -> weight of a layer


class UpdateTask:
    """Trains a model by its own recipe, in a thread of its own.

        task = UpdateTask("net.mlmodel", samples)
        task.resume()
        task.wait()
        task.model.save("new.mlmodel")

    training_data: an `ArrayBatchProvider`, a dict of arrays, or any iterable of dicts; it is read when the task
    starts.
    configuration: device, and values for parameters. strict: keep all of Core ML's rules about what may be trained;
    False trains the layers that are marked updatable, or all if none is, as long as gradients reach them.

    Raises UpdateError when the model cannot be trained as asked. What fails later ends the task as FAILED, with
    the reason in `error`; the model that was given never changes. The completion handler runs once when a started
    task has ended, however it did. A program that ends without waiting goes on until the task is over; leaving a
    `with` block waits.
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
    ) -> None:
        loaded = model if isinstance(model, Model) else load(model, configuration=configuration)
        configuration = loaded.configuration if configuration is None else configuration
        handlers = UpdateProgressHandlers(UpdateEvent(0)) if progress_handlers is None else progress_handlers
        if completion_handler is not None and handlers.completion_handler is not None:
            raise UpdateError("two completion handlers are given; one is called")
        network_of(loaded.spec)
        assert isinstance(loaded, NeuralNetwork)
        if strict:
            _refuse_unless_legal(loaded)
        self.task_identifier = uuid.uuid4().hex
        self._model = loaded
        self._training_data = training_data
        self._handlers = handlers
        self._completion = handlers.completion_handler if completion_handler is None else completion_handler
        self._descriptions = parameter_descriptions(loaded.spec)
        self._recipe = recipe_of(loaded.spec, configuration.parameters)
        self._device = pick_device(configuration)
        self._programs = programs_for(loaded, self._recipe, self._device)
        self._state = TaskState.SUSPENDED
        self._error: GraphmlError | None = None
        self._cancelled = False
        self._lock = threading.RLock()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._metrics: dict[MetricKey, Any] = {}
        self._train, self._frozen = self._programs.parts.split(loaded.parameters)
        self._pending: dict[ParameterKey, Any] = {}
        self._ask_for(configuration.parameters)

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
    def model(self) -> NeuralNetwork:
        """The model as trained up to now: a new model, which shares what did not change with the one that was
        given."""
        return self._snapshot(self._train)

    @property
    def metrics(self) -> dict[MetricKey, Any]:
        """What was measured last; empty before the first mini-batch is done."""
        return dict(self._metrics)

    @property
    def parameters(self) -> dict[ParameterKey, Any]:
        """The value in force of every parameter."""
        return self._recipe.values

    # What one does with it -------------------------------------------------------------------------------------------

    def resume(self, with_parameters: Mapping[Any, Any] | None = None) -> None:
        """Start the task; or, while it runs (in a handler or from any thread), give parameters other values.

        Numbers of the optimizer hold from the next mini-batches on, weights and biases too; batch size, shuffle
        and seed from the next epoch on; epochs is the number of all epochs, those that are over included.
        Raises UpdateError for values that the file does not allow, and when the task is over.
        """
        with self._lock:
            if self._state in _OVER:
                raise UpdateError("the task is over; training on takes a new one, with the model of this one")
            self._ask_for(with_parameters)
            if self._state is TaskState.SUSPENDED:
                self._state = TaskState.RUNNING
                name = f"graphml update {self.task_identifier[:8]}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=False)
                self._thread.start()

    def cancel(self) -> None:
        """Stop soon: the state is CANCELLING until the mini-batches at work are done (about a second), then FAILED
        with `cancelled` set. A task that was never started is over at once; one that is over stays as it is."""
        with self._lock:
            if self._state is TaskState.RUNNING:
                self._state = TaskState.CANCELLING
            elif self._state is TaskState.SUSPENDED:
                self._end(TaskState.FAILED, UpdateError("the update was cancelled before it began"), cancelled=True)
                self._done.set()

    def wait(self, timeout: float | None = None) -> TaskState:
        """Wait until the task is over and its completion handler has returned, or for `timeout` seconds; the state
        then.

        Ctrl-C meanwhile cancels the task, waits for its end and goes on as KeyboardInterrupt. Raises UpdateError
        when the task was not started, or is waiting for itself.
        """
        if self._state is TaskState.SUSPENDED:
            raise UpdateError("the task was not started: call resume() first")
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

    def __enter__(self) -> UpdateTask:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None:
            self.cancel()
        if self._state is not TaskState.SUSPENDED:
            self.wait()

    # The thread ------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        device = contextlib.nullcontext() if self._device is None else jax.default_device(self._device)
        try:
            with device:
                self._learn()
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
            self._done.set()

    def _learn(self) -> None:
        parts = self._programs.parts
        samples = read_samples(self._model, self._recipe.loss, self._training_data)
        self._stop_if_cancelled("before training began")
        blobs = training.run_trunk(self._programs.trunk, self._trunk_parameters(), samples.inputs)
        data = training.Data(blobs, jax.device_put(samples.target, self._device))
        self._train, self._frozen = jax.device_put((self._train, self._frozen), self._device)
        check_targets(samples, self._recipe.loss, training.blob_shape(parts, self._train, self._frozen, data))
        state = training.initial_state(parts, self._recipe, self._train)
        self._apply_pending()
        self._tell(UpdateEvent.TRAINING_BEGIN)
        epoch = 0
        while epoch < self._recipe.epochs:
            state = self._learn_epoch(epoch, data, state)
            epoch += 1

    def _learn_epoch(self, epoch: int, data: training.Data, state: Any) -> Any:
        recipe, count = self._recipe, data.count
        order = training.epoch_order(count, recipe.batch_size, seed=recipe.seed, epoch=epoch, shuffle=recipe.shuffle)
        order = jax.device_put(order, self._device)
        rows = np.minimum(recipe.batch_size, count - recipe.batch_size * np.arange(len(order)))
        key = training.epoch_key(self._programs.parts, recipe.seed, epoch)
        each = UpdateEvent.MINI_BATCH_END in self._handlers.for_events
        length, total, done = 1, 0.0, 0
        while done < len(order):
            self._stop_if_cancelled(f"in epoch {epoch}, before mini-batch {done}")
            stop = min(done + length, len(order))
            began = time.monotonic()
            hyper = training.hyper_values(self._recipe)
            train, state, losses = self._programs.slice(
                self._train, self._frozen, state, data, order, done, stop, hyper, key
            )
            values = np.asarray(losses, np.float64)[done:stop]
            _refuse_unless_finite(values, epoch, done, self._recipe.hyper)
            self._train = train
            total += float(values @ rows[done:stop])
            taken = time.monotonic() - began
            # the first slice is one mini-batch, because it may compile; its time says how many make a second
            length = 1 if each else max(1, min(4 * length, int(length * _SLICE_SECONDS / max(taken, 1e-4))))
            done = stop
            last = done - 1
            self._metrics = {
                MetricKey.LOSS_VALUE: float(values[-1]),
                MetricKey.EPOCH_INDEX: epoch,
                MetricKey.MINI_BATCH_INDEX: last,
            }
            if each:
                self._tell(UpdateEvent.MINI_BATCH_END)
            else:
                self._apply_pending()
        self._metrics = {**self._metrics, MetricKey.LOSS_VALUE: total / count}
        self._tell(UpdateEvent.EPOCH_END)
        return state

    def _tell(self, event: UpdateEvent) -> None:
        """Call the progress handler, then heed what it asked for."""
        handler = self._handlers.progress_handler
        if handler is not None and event in self._handlers.for_events:
            try:
                handler(self._context(event))
            except Exception as error:
                raise _handler_failed("progress", error) from error
        self._apply_pending()
        epoch = self._metrics.get(MetricKey.EPOCH_INDEX)
        self._stop_if_cancelled("before the first mini-batch" if epoch is None else f"in epoch {epoch}")

    def _context(self, event: UpdateEvent) -> UpdateContext:
        train = self._train
        return UpdateContext(self, event, self.metrics, self.parameters, lambda: self._snapshot(train))

    def _snapshot(self, train: Any) -> NeuralNetwork:
        return self._model.with_parameters(jax.device_get(train))

    def _stop_if_cancelled(self, when: str) -> None:
        if self._state is TaskState.CANCELLING:
            raise _Cancelled(when)

    def _end(self, state: TaskState, error: GraphmlError | None = None, *, cancelled: bool = False) -> None:
        with self._lock:
            self._state, self._error = state, error
            self._cancelled = cancelled
            self._training_data = ()

    # Parameters ------------------------------------------------------------------------------------------------------

    def _ask_for(self, values: Mapping[Any, Any] | None) -> None:
        """Check values and leave them for the thread to apply."""
        legal = checked(values, self._descriptions)
        for key, value in legal.items():
            if key.name in _WEIGHT_NAMES:
                legal[key] = self._checked_weight(key, value)
        with self._lock:
            self._pending |= legal

    def _checked_weight(self, key: ParameterKey, value: Any) -> np.ndarray:
        trained = self._programs.parts.trained
        layer, weight = "/".join(key.scope), _WEIGHT_NAMES[key.name]
        if weight not in trained.get(layer, ()):
            legal = ", ".join(f"{layer}/{name}" for layer, names in trained.items() for name in names)
            raise UpdateError(f"{key} cannot be set; what is trained and can be set: {legal}")
        array, old = np.asarray(value, np.float32), self._train[layer][weight]
        if array.size != old.size:
            raise UpdateError(f"{key} has shape {list(array.shape)}; the layer's is {list(old.shape)}")
        return array.reshape(old.shape)

    def _apply_pending(self) -> None:
        with self._lock:
            values, self._pending = self._pending, {}
        self._recipe = self._recipe.replaced(values)
        for key, value in values.items():
            if key.name in _WEIGHT_NAMES:
                layer = "/".join(key.scope)
                self._train = {**self._train, layer: {**self._train[layer], _WEIGHT_NAMES[key.name]: value}}

    def _trunk_parameters(self) -> dict[str, Any]:
        known = self._programs.parts.trunk.known
        used = {node.key for node in self._programs.parts.trunk.graph.body.walk()} - known
        return jax.device_put({k: v for k, v in self._model.parameters.items() if k in used}, self._device)


class _Cancelled(Exception):
    """Leaves the training loop; says when."""


def _caused(message: str, cause: BaseException) -> UpdateError:
    error = UpdateError(message)
    error.__cause__ = cause
    return error


def _handler_failed(which: str, error: BaseException) -> UpdateError:
    return _caused(f"the {which} handler raised {type(error).__name__}: {error}", error)


def _refuse_unless_legal(model: Model) -> None:
    problems = [str(p) for p in update_problems(model.spec) if p.severity == "error"]
    if not model.is_updatable and not problems:
        problems = ["model: is not marked updatable"]
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise UpdateError(f"Core ML would not update this model (strict=False asks for less):\n{lines}")


def _refuse_unless_finite(losses: np.ndarray, epoch: int, first: int, hyper: Mapping[str, float]) -> None:
    bad = np.flatnonzero(~np.isfinite(losses))
    if bad.size:
        numbers = ", ".join(f"{name}={value:g}" for name, value in hyper.items())
        raise UpdateError(
            f"the loss is {losses[bad[0]]} in mini-batch {first + bad[0]} of epoch {epoch} ({numbers}); the inputs "
            "may hold such values, or the learning rate may be too large. The model that was given is unchanged"
        )


def update(
    model: Model | str | os.PathLike[str], data: TrainingData, *, strict: bool = True, **parameters: Any
) -> Model:
    """The model trained on `data`: `UpdateTask` without a thread to look after. parameters: learning_rate=0.1 and
    so on.

    Raises whatever the task failed with.
    """
    with UpdateTask(model, data, strict=strict) as task:
        task.resume(parameters)
    if task.error is not None:
        raise task.error
    return task.model
