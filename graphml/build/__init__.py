"""Writing models in code: the mirror image of reading them."""

from graphml.build import datatypes as datatypes
from graphml.build.datatypes import array as array
from graphml.build.datatypes import image as image
from graphml.build.network import NeuralNetworkBuilder as NeuralNetworkBuilder
from graphml.build.updating import AdamParams as AdamParams
from graphml.build.updating import SgdParams as SgdParams
