"""Builders: models written in Python.

The types of a model's inputs and outputs enter `NeuralNetworkBuilder`, then one call for each layer; a Model message, a
file or a model that predicts leaves. Read `network` first, then `core`. `layer_methods` is generated from `table`,
`parameters` and the operators.

`ProgramBuilder` does the same for ML Programs, with values in place of names: read `program`, then `program_core`.
`program_methods` is generated from the table of operations and the operators.
"""

from graphml.build import datatypes as datatypes
from graphml.build.datatypes import array as array
from graphml.build.datatypes import image as image
from graphml.build.network import NeuralNetworkBuilder as NeuralNetworkBuilder
from graphml.build.program import ProgramBuilder as ProgramBuilder
from graphml.build.updating import AdamParams as AdamParams
from graphml.build.updating import SgdParams as SgdParams
