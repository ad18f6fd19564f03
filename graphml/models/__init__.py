"""Models of every kind: what they take and give, how they are loaded, run and saved."""

from graphml.models.configuration import ComputeUnits as ComputeUnits
from graphml.models.configuration import ModelConfiguration as ModelConfiguration
from graphml.models.descriptions import Description as Description
from graphml.models.descriptions import FeatureDescription as FeatureDescription
from graphml.models.descriptions import FeatureType as FeatureType
from graphml.models.features import FeatureValue as FeatureValue
from graphml.models.features import check as check
from graphml.models.images import CropAndScale as CropAndScale
from graphml.models.images import ImageConstraint as ImageConstraint
from graphml.models.images import ImageOptions as ImageOptions
from graphml.models.model import Model as Model
from graphml.models.model import load as load
