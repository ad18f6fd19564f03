"""Models of every kind: what they take and give, how they are loaded, run and saved."""

from graphml.models.configuration import ComputeUnits as ComputeUnits
from graphml.models.configuration import ModelConfiguration as ModelConfiguration
from graphml.models.interface.descriptions import Description as Description
from graphml.models.interface.descriptions import FeatureDescription as FeatureDescription
from graphml.models.interface.descriptions import FeatureType as FeatureType
from graphml.models.interface.images import CropAndScale as CropAndScale
from graphml.models.interface.images import ImageConstraint as ImageConstraint
from graphml.models.interface.images import ImageOptions as ImageOptions
from graphml.models.interface.values import FeatureValue as FeatureValue
from graphml.models.interface.values import check as check
from graphml.models.model import Model as Model
from graphml.models.model import load as load
