"""Updating (personalizing) a model by the recipe in its file.

    from graphml.update import ParameterKey, UpdateTask

    task = UpdateTask("MNIST_Model.mlmodel", {"image": images, "output_true": digits})
    task.resume(with_parameters={ParameterKey.LEARNING_RATE: 0.002})
    task.wait()
    task.model.save("personal.mlmodel")

What the format leaves open is decided here as follows.

- Losses: the mean over the mini-batch of the mean over the elements of a sample. Cross entropy is computed from
  what goes into the softmax, so that it and its gradient stay finite where a probability is rounded to zero.
- SGD: v = momentum v - learning_rate g, w += v. Adam: moments corrected for their start at zero.
- The last mini-batch of an epoch may be short; its loss is the mean over the samples that it has. A batch size above
  the number of samples means one mini-batch of all of them, at the cost of that.
- The loss at EPOCH_END is the mean over the samples of the epoch, each with the weights of its moment.
- Shuffle: see `graphml.update.step.training.epoch_order`; it depends on seed and epoch only. Absent in the file: no
  shuffle.
- Seed: absent in the file, it is 0. The same seed gives the same bits on one platform.
- Parameters set in a handler hold from the next mini-batches on; batch size, shuffle and seed from the next epoch on.
- cancel() ends a task as FAILED with `cancelled` set and what was learned in `model`; the completion handler runs.
- A loss that is not finite ends the task as FAILED; the model that was given never changes, and `best` is the model
  after the epoch of the lowest mean loss (or of what the recipe monitors).
- Of a pipeline the last stage learns, from what the others make of each sample once; its parameters carry its name:
  "head/learning_rate", or no name.
- Nearest neighbours keep the samples that they are given, all or, if one of them is bad, none. Handlers hear of one
  epoch with one mini-batch, without a loss; number_of_neighbors becomes the default in the file.
- Data of any kind are read once and checked as they come; what does not fit in memory goes to files, so that a
  generator can be shuffled and trained on for many epochs.
- The same samples, recipe and seed give the same bits, whether the samples are in memory or in files, and however often
  the process was interrupted and restored from its checkpoints.
- Trained weights are float32 in the updated model, whatever their storage was, unless the recipe says otherwise
  (`quantized="straight-through"`, `half="float16"`). All others keep theirs.
- Statistics of batchnorm layers stay, unless the recipe says statistics="updated".
"""

from graphml.recipes import recipe_of as recipe_of
from graphml.recipes.parameters import ParameterDescription as ParameterDescription
from graphml.recipes.parameters import ParameterKey as ParameterKey
from graphml.update.data.samples import ArrayBatchProvider as ArrayBatchProvider
from graphml.update.edit.head import replace_head as replace_head
from graphml.update.edit.updatable import make_updatable as make_updatable
from graphml.update.learners.descriptions import parameter_descriptions as parameter_descriptions
from graphml.update.learners.descriptions import parameter_value as parameter_value
from graphml.update.progress.events import MetricKey as MetricKey
from graphml.update.progress.events import TaskState as TaskState
from graphml.update.progress.events import UpdateContext as UpdateContext
from graphml.update.progress.events import UpdateEvent as UpdateEvent
from graphml.update.progress.events import UpdateProgressHandlers as UpdateProgressHandlers
from graphml.update.progress.history import History as History
from graphml.update.progress.history import Record as Record
from graphml.update.step.training import Batch as Batch
from graphml.update.step.training import make_step as make_step
from graphml.update.step.trunk import take_apart as take_apart
from graphml.update.task.task import UpdateTask as UpdateTask
from graphml.update.task.task import update as update
from graphml.update.users.deltas import Delta as Delta
from graphml.update.users.deltas import apply_delta as apply_delta
from graphml.update.users.deltas import save_delta as save_delta
from graphml.update.users.federated import federated_average as federated_average
from graphml.update.users.many import PersonalModels as PersonalModels
from graphml.update.users.many import update_many as update_many
