"""Writing models in code.

`NeuralNetworkBuilder` takes the types of a model's inputs and outputs and then one call for each layer; it returns a
Model message, a file or a model that predicts. Read `network` first.
"""

from graphml.build import datatypes as datatypes
from graphml.build.datatypes import array as array
from graphml.build.datatypes import image as image
from graphml.build.network import NeuralNetworkBuilder as NeuralNetworkBuilder
from graphml.build.updating import AdamParams as AdamParams
from graphml.build.updating import SgdParams as SgdParams
