"""Small networks in the shapes of well-known ones, with random weights: each is a Core ML model and an ONNX model."""

from named_networks.convolutional import CONVOLUTIONAL
from named_networks.sequence import SEQUENCE

NETWORKS = {**CONVOLUTIONAL, **SEQUENCE}
