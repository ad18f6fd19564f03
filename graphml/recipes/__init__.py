"""Recipes for training, as plain data, and how they are stored in a model.

    from graphml import recipes

    recipe = recipes.Recipe(
        recipes.AdamW(0.001, schedule=recipes.CosineDecay(warmup=0.5)),
        losses=recipes.CrossEntropy(label_smoothing=0.1),
        epochs=20, dropout={"features": 0.2}, augmentation=[recipes.Flip(), recipes.Shift(0.1)],
        validation_fraction=0.2, early_stopping=recipes.EarlyStopping(3), metrics=[recipes.Accuracy()],
    )
    graphml.UpdateTask(model, samples, recipe=recipe, strict=False)

`write_recipe` stores one in a model: in the words of Core ML where those suffice, else in a field of our own that Core
ML passes over (see extension.proto).
"""

from graphml.recipes import parts as parts
from graphml.recipes.files import completed as completed
from graphml.recipes.files import core_ml_problems as core_ml_problems
from graphml.recipes.files import label_kind as label_kind
from graphml.recipes.files import network_of as network_of
from graphml.recipes.files import read_recipe as read_recipe
from graphml.recipes.files import replaced as replaced
from graphml.recipes.files import write_recipe as write_recipe
from graphml.recipes.parts import SGD as SGD
from graphml.recipes.parts import Accuracy as Accuracy
from graphml.recipes.parts import Adam as Adam
from graphml.recipes.parts import AdamW as AdamW
from graphml.recipes.parts import Augmentation as Augmentation
from graphml.recipes.parts import BinaryCrossEntropy as BinaryCrossEntropy
from graphml.recipes.parts import Brightness as Brightness
from graphml.recipes.parts import Constant as Constant
from graphml.recipes.parts import Contrastive as Contrastive
from graphml.recipes.parts import CosineDecay as CosineDecay
from graphml.recipes.parts import CosineDistance as CosineDistance
from graphml.recipes.parts import CrossEntropy as CrossEntropy
from graphml.recipes.parts import Dropout as Dropout
from graphml.recipes.parts import EarlyStopping as EarlyStopping
from graphml.recipes.parts import Flip as Flip
from graphml.recipes.parts import Hinge as Hinge
from graphml.recipes.parts import Huber as Huber
from graphml.recipes.parts import LinearDecay as LinearDecay
from graphml.recipes.parts import Lion as Lion
from graphml.recipes.parts import Loss as Loss
from graphml.recipes.parts import Metric as Metric
from graphml.recipes.parts import Optimizer as Optimizer
from graphml.recipes.parts import Recipe as Recipe
from graphml.recipes.parts import RMSprop as RMSprop
from graphml.recipes.parts import Rotate as Rotate
from graphml.recipes.parts import Schedule as Schedule
from graphml.recipes.parts import Shift as Shift
from graphml.recipes.parts import SquaredError as SquaredError
from graphml.recipes.parts import StepDecay as StepDecay
from graphml.recipes.parts import TopK as TopK
