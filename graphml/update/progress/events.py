"""What an update reports while it runs: the states of a task, the events of training, and the keys of metrics."""

from __future__ import annotations

import enum


class TaskState(enum.Enum):
    """The state of a task. COMPLETED and FAILED are final; a cancelled task is FAILED, with `cancelled` set."""

    SUSPENDED = 1
    RUNNING = 2
    CANCELLING = 3
    COMPLETED = 4
    FAILED = 5


class UpdateEvent(enum.Flag):
    """When progress handlers are called; combine events with `|`.

    With MINI_BATCH_END each mini-batch is a separate compiled call, which is slower.
    """

    TRAINING_BEGIN = 1
    EPOCH_END = 2
    MINI_BATCH_END = 4


class MetricKey(enum.Enum):
    """What is measured.

    LOSS_VALUE is the mean loss over the mini-batch, or at EPOCH_END over the samples of the epoch. Indices begin at 0.
    VALIDATION_LOSS and METRICS, {name: value}, are measured at EPOCH_END if the recipe asks for them.
    """

    LOSS_VALUE = "loss_value"
    EPOCH_INDEX = "epoch_index"
    MINI_BATCH_INDEX = "mini_batch_index"
    VALIDATION_LOSS = "validation_loss"
    METRICS = "metrics"
