"""What an update tells while it runs: states, events, metrics, and the context that handlers receive."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphml.recipes.parameters import ParameterKey

if TYPE_CHECKING:
    from graphml.models import Model
    from graphml.update.task.task import UpdateTask


class TaskState(enum.Enum):
    """Where a task stands. COMPLETED and FAILED are final; a cancelled task ends as FAILED with `cancelled` set."""

    SUSPENDED = 1
    RUNNING = 2
    CANCELLING = 3
    COMPLETED = 4
    FAILED = 5


class UpdateEvent(enum.Flag):
    """When progress handlers are called; combine with `|`. MINI_BATCH_END makes each mini-batch a call of its own,
    which costs time."""

    TRAINING_BEGIN = 1
    EPOCH_END = 2
    MINI_BATCH_END = 4


class MetricKey(enum.Enum):
    """What is measured. LOSS_VALUE: the mean loss over the mini-batch, or at EPOCH_END over the samples of the epoch.
    Indices count from 0. VALIDATION_LOSS and METRICS, {name: value}, come with EPOCH_END where the recipe asks for
    them."""

    LOSS_VALUE = "loss_value"
    EPOCH_INDEX = "epoch_index"
    MINI_BATCH_INDEX = "mini_batch_index"
    VALIDATION_LOSS = "validation_loss"
    METRICS = "metrics"


@dataclass(frozen=True, eq=False)
class UpdateContext:
    """A moment of an update.

    event: why the handler is called; no event at completion. metrics: empty at TRAINING_BEGIN. parameters: the
    values in force. `model` is the model as trained up to now, `best` as it was after the epoch of the lowest mean
    loss, or as it was given while no epoch is over: both predict and save, and stay as they are when training goes on.
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
        return self._with_weights(self._weights)

    @functools.cached_property
    def best(self) -> Model:
        return self._with_weights(self._best_weights)


Callback = Callable[[UpdateContext], Any]


@dataclass(frozen=True)
class UpdateProgressHandlers:
    """Functions to call during an update, in its thread; training goes on when they return.

    A handler may call `context.task.resume(with_parameters={...})` or `context.task.cancel()`. An exception in one
    ends the task as FAILED.
    """

    for_events: UpdateEvent
    progress_handler: Callback | None = None
    completion_handler: Callback | None = None
