"""Recipes for training: files, users and the training step all share one class, `Recipe`.

    from graphml import recipes

    recipe = recipes.Recipe(
        recipes.AdamW(0.001, schedule=recipes.CosineDecay(warmup=0.5)),
        losses=recipes.CrossEntropy(label_smoothing=0.1),
        epochs=20, dropout={"features": 0.2}, augmentation=[recipes.Flip(), recipes.Shift(0.1)],
        validation_fraction=0.2, early_stopping=recipes.EarlyStopping(3), metrics=[recipes.Accuracy()],
    )
    graphml.UpdateTask(model, samples, recipe=recipe, strict=False)

Optimizers and losses of optax, and any function of (prediction, target), are accepted unchanged; such a recipe
trains in this process, and no file can hold it:

    recipes.Recipe(optax.adamw(0.001), losses=my_loss)

A Model message goes in, a `Recipe` comes out (`read_recipe`, `recipe_of`), and the other way round (`write_recipe`): in
Core ML's own fields where these suffice, otherwise in a field of ours that Core ML ignores (see extension.proto).
`recipe` is the file to read first; its parts are in `losses`, `optimizers`, `regularization` and `metrics`, the two
formats in `core_ml` and `extension`. Nothing here needs JAX.
"""

from graphml.recipes.completion import completed as completed
from graphml.recipes.completion import is_label as is_label
from graphml.recipes.core_ml import beyond_core_ml as beyond_core_ml
from graphml.recipes.files import core_ml_problems as core_ml_problems
from graphml.recipes.files import declare_training_inputs as declare_training_inputs
from graphml.recipes.files import has_recipe as has_recipe
from graphml.recipes.files import in_core_ml as in_core_ml
from graphml.recipes.files import parameter_descriptions as parameter_descriptions
from graphml.recipes.files import read_recipe as read_recipe
from graphml.recipes.files import recipe_of as recipe_of
from graphml.recipes.files import write_recipe as write_recipe
from graphml.recipes.losses import BinaryCrossEntropy as BinaryCrossEntropy
from graphml.recipes.losses import Contrastive as Contrastive
from graphml.recipes.losses import CosineDistance as CosineDistance
from graphml.recipes.losses import CrossEntropy as CrossEntropy
from graphml.recipes.losses import FunctionLoss as FunctionLoss
from graphml.recipes.losses import Hinge as Hinge
from graphml.recipes.losses import Huber as Huber
from graphml.recipes.losses import Loss as Loss
from graphml.recipes.losses import SquaredError as SquaredError
from graphml.recipes.messages import network_of as network_of
from graphml.recipes.metrics import Accuracy as Accuracy
from graphml.recipes.metrics import EarlyStopping as EarlyStopping
from graphml.recipes.metrics import Metric as Metric
from graphml.recipes.metrics import TopK as TopK
from graphml.recipes.optimizers import SGD as SGD
from graphml.recipes.optimizers import Adam as Adam
from graphml.recipes.optimizers import AdamW as AdamW
from graphml.recipes.optimizers import Constant as Constant
from graphml.recipes.optimizers import CosineDecay as CosineDecay
from graphml.recipes.optimizers import FunctionSchedule as FunctionSchedule
from graphml.recipes.optimizers import LinearDecay as LinearDecay
from graphml.recipes.optimizers import Lion as Lion
from graphml.recipes.optimizers import OptaxOptimizer as OptaxOptimizer
from graphml.recipes.optimizers import Optimizer as Optimizer
from graphml.recipes.optimizers import RMSprop as RMSprop
from graphml.recipes.optimizers import Schedule as Schedule
from graphml.recipes.optimizers import StepDecay as StepDecay
from graphml.recipes.parameters import ParameterDescription as ParameterDescription
from graphml.recipes.parameters import ParameterKey as ParameterKey
from graphml.recipes.plain import recipe_of_plain as recipe_of_plain
from graphml.recipes.recipe import Recipe as Recipe
from graphml.recipes.regularization import Augmentation as Augmentation
from graphml.recipes.regularization import Brightness as Brightness
from graphml.recipes.regularization import Dropout as Dropout
from graphml.recipes.regularization import Flip as Flip
from graphml.recipes.regularization import Rotate as Rotate
from graphml.recipes.regularization import Shift as Shift
from graphml.recipes.trainee import class_labels as class_labels
from graphml.recipes.trainee import is_float_constant as is_float_constant
from graphml.recipes.trainee import is_program as is_program
from graphml.recipes.trainee import refuse_unless_trainable as refuse_unless_trainable
