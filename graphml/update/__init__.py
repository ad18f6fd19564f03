"""Updating (personalizing) a model by the recipe in its file.

A model, its recipe and training data go in; a model with new weights comes out, which can be saved and used like any
other.

    from graphml.update import ParameterKey, UpdateTask

    task = UpdateTask("MNIST_Model.mlmodel", {"image": images, "output_true": digits})
    task.resume(with_parameters={ParameterKey.LEARNING_RATE: 0.002})
    task.wait()
    task.model.save("personal.mlmodel")

Read `task/task.py` first, then `learners/network.py`, `learners/epochs.py` (the rules of training) and
`step/training.py` (the mathematics of one mini-batch).

The Core ML format leaves some questions open; this is how the package answers them.

- Loss of a mini-batch: the mean over its samples of the mean over the elements of a sample. Cross entropy is computed
  from the input of the softmax, so that it and its gradient stay finite where a probability rounds to zero.
- SGD: v = momentum v - learning_rate g, w += v. Adam: moments are corrected for their bias towards zero.
- Short last mini-batch: its loss is the mean over the samples that it has. A batch size above the number of samples
  means one mini-batch of all samples, and costs no more than that.
- Loss at EPOCH_END: the mean over the samples of the epoch, each with the weights at the time of its mini-batch.
- Shuffling: the order depends on seed and epoch only, see `learners.epochs.epoch_order`. If the file does not say,
  samples are not shuffled.
- Seed: 0 if the file gives none. The same seed gives the same bits on the same platform.
- Parameters that a handler sets take effect with the next mini-batches; batch size, shuffle and seed take effect with
  the next epoch.
- Cancelling: the task ends as FAILED with `cancelled` set; `model` has what was learned, and the completion handler is
  called.
- A loss that is not finite ends the task as FAILED. The original model never changes.
- Best model: the one after the epoch with the lowest mean loss, or with the best value of what the recipe monitors.
- Pipelines: the last stage learns; the other stages run once for each sample. Parameters of the stage may carry its
  name: "head/learning_rate".
- Nearest neighbors: all samples are added, or none if one of them is bad. Handlers see one epoch with one mini-batch
  and no loss; number_of_neighbors becomes the default in the file.
- Training data of any kind are read once and checked while they are read. Data that do not fit in memory go to files,
  so a generator can be shuffled and trained on for many epochs.
- The same samples, recipe and seed give the same bits, whether samples are in memory or in files, and however often the
  process is interrupted and restored from checkpoints.
- Trained weights are float32 in the updated model, unless the recipe says otherwise (`quantized="straight-through"`,
  `half="float16"`). All other weights keep their storage.
- Statistics of batch normalization do not change, unless the recipe says statistics="updated".
"""

from graphml.recipes import recipe_of as recipe_of
from graphml.recipes.parameters import ParameterDescription as ParameterDescription
from graphml.recipes.parameters import ParameterKey as ParameterKey
from graphml.update.data.samples import ArrayBatchProvider as ArrayBatchProvider
from graphml.update.edit.head import replace_head as replace_head
from graphml.update.edit.trainable import Trainable as Trainable
from graphml.update.edit.trainable import make_trainable as make_trainable
from graphml.update.edit.updatable import make_updatable as make_updatable
from graphml.update.learners.descriptions import parameter_descriptions as parameter_descriptions
from graphml.update.learners.descriptions import parameter_value as parameter_value
from graphml.update.progress.events import MetricKey as MetricKey
from graphml.update.progress.events import TaskState as TaskState
from graphml.update.progress.events import UpdateEvent as UpdateEvent
from graphml.update.progress.history import History as History
from graphml.update.progress.history import Record as Record
from graphml.update.step.training import MiniBatch as MiniBatch
from graphml.update.step.training import make_step as make_step
from graphml.update.step.trunk import take_apart as take_apart
from graphml.update.task.task import UpdateContext as UpdateContext
from graphml.update.task.task import UpdateProgressHandlers as UpdateProgressHandlers
from graphml.update.task.task import UpdateTask as UpdateTask
from graphml.update.task.task import update as update
from graphml.update.users.deltas import Delta as Delta
from graphml.update.users.deltas import apply_delta as apply_delta
from graphml.update.users.deltas import save_delta as save_delta
from graphml.update.users.federated import federated_average as federated_average
from graphml.update.users.many import PersonalModels as PersonalModels
from graphml.update.users.many import update_many as update_many
