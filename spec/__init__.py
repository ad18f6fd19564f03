"""The format: bytes <-> messages <-> NumPy. Nothing here imports JAX.

Bytes and paths enter `files`, and `Model` messages leave. `attributes` turns the message of a layer into plain Python
values, and `weights` its stored weights into arrays; both also do the inverse. `layers` has the facts about layer kinds
that the schema cannot state. `validate` says what is wrong with a model, by the `rules`. The schema, documented message
by message, is in `wire/*.proto`: read it first, then `attributes`.
"""

if __name__ != "graphml.spec":
    raise ImportError("import this package as graphml.spec; a top-level 'spec' would be a second copy of it")

from graphml.spec.files import parse as parse
from graphml.spec.files import read as read
from graphml.spec.files import serialize as serialize
from graphml.spec.files import write as write
from graphml.spec.wire.data_pb2 import Int64Parameter as Int64Parameter
from graphml.spec.wire.features_pb2 import ArrayFeatureType as ArrayFeatureType
from graphml.spec.wire.features_pb2 import FeatureType as FeatureType
from graphml.spec.wire.features_pb2 import ImageFeatureType as ImageFeatureType
from graphml.spec.wire.model_pb2 import FeatureDescription as FeatureDescription
from graphml.spec.wire.model_pb2 import Model as Model
from graphml.spec.wire.model_pb2 import ModelDescription as ModelDescription
from graphml.spec.wire.network_pb2 import NetworkUpdateParameters as NetworkUpdateParameters
from graphml.spec.wire.network_pb2 import NeuralNetwork as NeuralNetwork
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer as NeuralNetworkLayer
from graphml.spec.wire.weights_pb2 import WeightParams as WeightParams
