"""Writing models in code: the mirror image of reading them."""

from graphml.build.network import NeuralNetworkBuilder as NeuralNetworkBuilder
from graphml.build.network import array as array
from graphml.build.network import image as image
