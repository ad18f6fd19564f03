"""The format: bytes <-> messages <-> NumPy. Nothing here imports JAX.

The schema is in `wire/*.proto` (documented there, message by message); `files` reads and writes models, `weights`
turns stored weights into arrays and back, `layers` turns a layer's message into plain attributes and back, `validate`
says what is wrong with a model and where.
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
