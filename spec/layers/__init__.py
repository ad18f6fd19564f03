"""The layer kinds of the neural network format: the facts that are not in the protobuf descriptors.

A kind is named by its field in `NeuralNetworkLayer.layer` ("softmaxND"). Every fact has a default, and a table lists
only the kinds that differ from it, so most kinds appear in few tables. `graphml.spec.attributes` reads the tables to
decode and encode layers, `graphml.spec.rules` to check models. `tests/test_every_kind.py` lists what a new kind
needs.

Read `kinds` first; `weight_shapes` says what shapes stored weights have, and which fields follow from them.
"""

from graphml.spec.layers.kinds import EXITS as EXITS
from graphml.spec.layers.kinds import KEEP_SCALARS as KEEP_SCALARS
from graphml.spec.layers.kinds import NEEDED_REGIONS as NEEDED_REGIONS
from graphml.spec.layers.kinds import NETWORKS as NETWORKS
from graphml.spec.layers.kinds import REGIONS as REGIONS
from graphml.spec.layers.kinds import ZERO_MEANS as ZERO_MEANS
from graphml.spec.layers.kinds import descriptor as descriptor
from graphml.spec.layers.kinds import input_range as input_range
from graphml.spec.layers.kinds import kinds as kinds
from graphml.spec.layers.kinds import kinds_of as kinds_of
from graphml.spec.layers.kinds import output_range as output_range
from graphml.spec.layers.kinds import since as since
from graphml.spec.layers.kinds import snake_case as snake_case
from graphml.spec.layers.weight_shapes import Shape as Shape
from graphml.spec.layers.weight_shapes import implied as implied
from graphml.spec.layers.weight_shapes import output_channel_axis as output_channel_axis
from graphml.spec.layers.weight_shapes import switched_off as switched_off
from graphml.spec.layers.weight_shapes import weight_shape as weight_shape
