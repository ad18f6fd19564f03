"""Keras models and files, converted as a concrete function of TensorFlow."""

# Keras is imported where it is used, without its types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphml.convert.coremltools import quiet
from graphml.convert.request import ConversionRequest
from graphml.convert.tensorflow import TensorFlowSource, declared_input, load_tensorflow, refuse_backend
from graphml.convert.versions import version
from graphml.errors import FeatureError, SpecError, need
from graphml.inspect.references import Array


class KerasSource(TensorFlowSource):
    """A Keras model.

    Args:
        source: The model, or the path of its file. Files that contain code (Lambda layers) are refused.
        request: The request.

    Raises:
        SpecError: The file cannot be read.
        UnsupportedError: Keras does not run on TensorFlow.
        FeatureError: The inputs of the model are unknown.
    """

    def __init__(self, source: Any, request: ConversionRequest) -> None:
        self.request = request
        self._tf = load_tensorflow()
        with quiet():
            keras = need("keras", "tensorflow")
        backend = keras.backend.backend()
        if backend != "tensorflow":
            raise refuse_backend(backend)
        self._model = _read(keras, Path(source)) if isinstance(source, str | Path) else source
        self._kind = f"a Keras model (Keras {version('keras')})"
        tensors = getattr(self._model, "inputs", None)
        if not tensors:
            raise FeatureError("the Keras model has no known inputs: call it once, or build it")
        names: Sequence[Any] = getattr(self._model, "output_names", None) or [self._model.layers[-1].name]
        self._names = [str(name) for name in names]
        self._inputs = request.named({_name(tensor.name): declared_input(tensor) for tensor in tensors})
        many = len(tensors) > 1

        def call(given: Sequence[Any]) -> Any:
            return self._model(list(given) if many else given[0], training=False)

        self._trace(self._model, call, list(self._inputs))
        self._finish()

    def weights(self) -> Mapping[str, tuple[Array, bool]]:
        trained = {id(variable) for variable in self._model.trainable_variables}
        return {
            str(getattr(variable, "path", variable.name)): (np.asarray(variable), id(variable) in trained)
            for variable in self._model.variables
            if str(variable.dtype).startswith("float")
        }


def _name(name: str) -> str:
    return name.partition(":")[0]


def _read(keras: Any, path: Path) -> Any:
    try:
        with quiet():
            return keras.saving.load_model(str(path), compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many classes
        raise SpecError(f"{path} cannot be loaded by Keras {version('keras')}: {error}") from None
