"""The parts of recipes that files hold. Parts with Python functions are not among them."""

from __future__ import annotations

from graphml.recipes.losses import (
    BinaryCrossEntropy,
    Contrastive,
    CosineDistance,
    CrossEntropy,
    Hinge,
    Huber,
    SquaredError,
)
from graphml.recipes.metrics import Accuracy, TopK
from graphml.recipes.optimizers import (
    SGD,
    Adam,
    AdamW,
    Constant,
    CosineDecay,
    LinearDecay,
    Lion,
    RMSprop,
    StepDecay,
)
from graphml.recipes.part import Part
from graphml.recipes.regularization import Brightness, Flip, Rotate, Shift

Kinds = tuple[type[Part], ...]

LOSSES: Kinds = (CrossEntropy, SquaredError, BinaryCrossEntropy, Huber, CosineDistance, Hinge, Contrastive)
OPTIMIZERS: Kinds = (SGD, Adam, AdamW, RMSprop, Lion)
SCHEDULES: Kinds = (Constant, CosineDecay, LinearDecay, StepDecay)
AUGMENTATIONS: Kinds = (Flip, Shift, Rotate, Brightness)
METRICS: Kinds = (Accuracy, TopK)
