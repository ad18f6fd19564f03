"""What a source is: found by its class or its file, without importing any framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from graphml.convert.request import ConversionRequest
from graphml.convert.source import Source
from graphml.errors import FeatureError, SpecError, with_article
from graphml.visible import visible

_SUFFIXES: Mapping[str, str] = {
    ".onnx": "onnx",
    **dict.fromkeys((".pt", ".pth", ".pt2", ".ts", ".torchscript"), "torch"),
    **dict.fromkeys((".pb", ".pbtxt"), "tensorflow"),
    **dict.fromkeys((".keras", ".h5", ".hdf5"), "keras"),
}
_CORE_ML = (".mlmodel", ".mlpackage", ".mlmodelc")
_ACCEPTED = (
    "an ONNX file (.onnx), its bytes or message; a torch module, a scripted module or exported program (.pt, .pt2); "
    "a TensorFlow graph (.pb), SavedModel folder or concrete function; a Keras model (.keras, .h5); "
    "or a JAX function, also a Flax or Equinox module"
)


def open_source(source: Any, request: ConversionRequest) -> Source:
    """Recognise a source and open it.

    Args:
        source: What `convert` takes.
        request: What is asked for.

    Raises:
        FeatureError: It is nothing that can be converted, or its inputs are not known.
        SpecError: A file cannot be read.
        MissingExtraError: Its library is not installed.
    """
    return _OPENERS[recognise(source)](source, request)


def recognise(source: Any) -> str:
    """The kind of a source: onnx, torch, tensorflow, keras or jax.

    Args:
        source: What `convert` takes.

    Raises:
        FeatureError: It is none of these.
        SpecError: There is no such file.
    """
    if isinstance(source, str | Path):
        return _recognise_file(Path(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return "onnx"
    libraries = {cls.__module__.partition(".")[0] for cls in type(source).__mro__}
    for library in ("onnx", "torch", "keras", "tf_keras", "tensorflow"):
        if library in libraries:
            return library.removeprefix("tf_")
    if callable(source):
        return "jax"
    raise FeatureError(f"{with_article(type(source).__name__)} cannot be converted; expected {_ACCEPTED}")


def _recognise_file(path: Path) -> str:
    if not path.exists():
        raise SpecError(f"{visible(str(path))} does not exist")
    suffix = path.suffix.lower()
    if suffix in _CORE_ML:
        raise FeatureError(f"{visible(path.name)} is a Core ML model already: graphml.load reads it")
    if path.is_dir():
        if (path / "saved_model.pb").exists():
            return "tensorflow"
        raise FeatureError(f"the folder {visible(str(path))} is not a SavedModel: it has no saved_model.pb")
    if suffix not in _SUFFIXES:
        raise FeatureError(f"files like {visible(path.name)} cannot be converted; expected {_ACCEPTED}")
    return _SUFFIXES[suffix]


def _torch(source: Any, request: ConversionRequest) -> Source:
    from graphml.convert.torch import TorchSource, read_file

    return TorchSource(read_file(Path(source)) if isinstance(source, str | Path) else source, request)


def _tensorflow(source: Any, request: ConversionRequest) -> Source:
    from graphml.convert.tensorflow import TensorFlowSource

    return TensorFlowSource(source, request)


def _keras(source: Any, request: ConversionRequest) -> Source:
    from graphml.convert.keras import KerasSource

    return KerasSource(source, request)


def _jax(source: Any, request: ConversionRequest) -> Source:
    from graphml.convert.jax import JaxSource

    return JaxSource(source, request)


def _onnx(source: Any, request: ConversionRequest) -> Source:
    from graphml.convert.onnx_source import OnnxSource

    return OnnxSource(source, request)


_OPENERS: Mapping[str, Callable[[Any, ConversionRequest], Source]] = {
    "onnx": _onnx,
    "torch": _torch,
    "tensorflow": _tensorflow,
    "keras": _keras,
    "jax": _jax,
}
