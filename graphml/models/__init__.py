"""Models of every kind: a file goes in, an object that predicts and saves comes out.

`loading` has `load`, `model` what all kinds share; `graph_model` is what networks and ML Programs share, and the
folders hold the other kinds. Start with `model`, then `graph_model`.
"""

from graphml.descriptions import Description as Description
from graphml.descriptions import FeatureDescription as FeatureDescription
from graphml.descriptions import FeatureType as FeatureType
from graphml.descriptions import ImageConstraint as ImageConstraint
from graphml.models.configuration import ComputeUnits as ComputeUnits
from graphml.models.configuration import ModelConfiguration as ModelConfiguration
from graphml.models.interface.images import CropAndScale as CropAndScale
from graphml.models.interface.images import ImageOptions as ImageOptions
from graphml.models.interface.values import FeatureValue as FeatureValue
from graphml.models.interface.values import check as check
from graphml.models.loading import load as load
from graphml.models.model import Model as Model
from graphml.models.state import State as State
