"""Builders: models written in Python.

`NeuralNetworkBuilder` takes the types of a model's inputs and outputs, then one call for each layer, and gives a Model
message, a file or a model that predicts. Read `network` first, then `core`. `layer_methods` is generated from `table`,
`parameters` and the operators.

`ProgramBuilder` does the same for ML Programs, with values instead of names: read `program`, then `program_core`.
`program_methods` is generated from the table of operations and the operators.

Models that are not networks are written by one call each, which returns a checked Model message: `neighbors`, `linear`
(with support vectors), `transforms`, `pipelines`. `TreeEnsembleBuilder` takes trees node by node. `messages` has what
they share.
"""

from graphml.build import datatypes as datatypes
from graphml.build.datatypes import array as array
from graphml.build.datatypes import image as image
from graphml.build.linear import linear_classifier as linear_classifier
from graphml.build.linear import linear_regressor as linear_regressor
from graphml.build.linear import support_vector_classifier as support_vector_classifier
from graphml.build.linear import support_vector_regressor as support_vector_regressor
from graphml.build.neighbors import nearest_neighbors_classifier as nearest_neighbors_classifier
from graphml.build.network import NeuralNetworkBuilder as NeuralNetworkBuilder
from graphml.build.pipelines import pipeline as pipeline
from graphml.build.program import ProgramBuilder as ProgramBuilder
from graphml.build.transforms import array_feature_extractor as array_feature_extractor
from graphml.build.transforms import categorical_mapping as categorical_mapping
from graphml.build.transforms import dict_vectorizer as dict_vectorizer
from graphml.build.transforms import feature_vectorizer as feature_vectorizer
from graphml.build.transforms import imputer as imputer
from graphml.build.transforms import normalizer as normalizer
from graphml.build.transforms import one_hot_encoder as one_hot_encoder
from graphml.build.transforms import scaler as scaler
from graphml.build.trees import TreeEnsembleBuilder as TreeEnsembleBuilder
from graphml.build.updating import AdamParams as AdamParams
from graphml.build.updating import SgdParams as SgdParams
