"""Recognises the kind of a source by its class or file, without importing any framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from graphml.convert.request import ConversionRequest
from graphml.convert.source import Source
from graphml.errors import FeatureError, SpecError, UnsupportedError, with_article
from graphml.visible import visible

_SUFFIXES: Mapping[str, str] = {
    ".onnx": "onnx",
    **dict.fromkeys((".pt", ".pth", ".pt2", ".ts", ".torchscript"), "torch"),
    **dict.fromkeys((".pb", ".pbtxt"), "tensorflow"),
    **dict.fromkeys((".keras", ".h5", ".hdf5"), "keras"),
    **dict.fromkeys((".json", ".ubj"), "xgboost"),
    ".txt": "lightgbm",
}
_PICKLED = (".pkl", ".pickle", ".joblib", ".sav", ".dill", ".cloudpickle")
_CORE_ML = (".mlmodel", ".mlpackage", ".mlmodelc")
_ACCEPTED = (
    "an ONNX file (.onnx), its bytes or message; a torch module, a scripted module or exported program (.pt, .pt2); "
    "a TensorFlow graph (.pb), SavedModel folder or concrete function; a Keras model (.keras, .h5); "
    "a JAX function, also a Flax or Equinox module; an estimator of scikit-learn, XGBoost or LightGBM; "
    "or a file that save_model of XGBoost (.json, .ubj) or LightGBM (.txt) wrote"
)


def open_source(source: Any, request: ConversionRequest) -> Source:
    """Recognise a source and open it.

    Args:
        source: What `convert` takes.
        request: The request.

    Raises:
        FeatureError: It cannot be converted, or its inputs are unknown.
        SpecError: A file cannot be read.
        MissingExtraError: Its library is not installed.
    """
    return _OPENERS[recognise(source)](source, request)


def recognise(source: Any) -> str:
    """The kind of a source: onnx, torch, tensorflow, keras, jax, xgboost, lightgbm or sklearn.

    Args:
        source: What `convert` takes.

    Raises:
        FeatureError: It is none of these.
        SpecError: There is no such file.
        UnsupportedError: The file is a pickle.
    """
    if isinstance(source, str | Path):
        return _recognise_file(Path(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return "onnx"
    libraries = {cls.__module__.partition(".")[0] for cls in type(source).__mro__}
    # estimators of XGBoost and LightGBM are derived from those of scikit-learn
    for library in ("onnx", "torch", "keras", "tf_keras", "tensorflow", "xgboost", "lightgbm", "sklearn"):
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
        raise FeatureError(f"{visible(path.name)} is already a Core ML model: graphml.load reads it")
    if path.is_dir():
        if (path / "saved_model.pb").exists():
            return "tensorflow"
        raise FeatureError(f"the folder {visible(str(path))} is not a SavedModel: it has no saved_model.pb")
    if suffix in _PICKLED or (suffix not in _SUFFIXES and _starts_as_pickle(path)):
        raise UnsupportedError(
            f"{visible(path.name)} contains pickled objects, which run code when opened. Load it yourself if you "
            "trust it, and pass the estimator to graphml.convert; models of XGBoost and LightGBM can also be saved "
            "with save_model, and given as a .json, .ubj or .txt file"
        )
    if suffix not in _SUFFIXES:
        raise FeatureError(f"files like {visible(path.name)} cannot be converted; expected {_ACCEPTED}")
    return _SUFFIXES[suffix]


def _starts_as_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.read(2)
    return len(first) == 2 and first[0] == 0x80 and first[1] <= 5


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


def _xgboost(source: Any, request: ConversionRequest) -> Source:
    from graphml.convert.xgboost import XGBoostSource

    return XGBoostSource(source, request)


def _lightgbm(source: Any, request: ConversionRequest) -> Source:
    from graphml.convert.lightgbm import LightGBMSource

    return LightGBMSource(source, request)


def _sklearn(source: Any, request: ConversionRequest) -> Source:
    from graphml.convert.sklearn.source import SklearnSource

    return SklearnSource(source, request)


_OPENERS: Mapping[str, Callable[[Any, ConversionRequest], Source]] = {
    "onnx": _onnx,
    "torch": _torch,
    "tensorflow": _tensorflow,
    "keras": _keras,
    "jax": _jax,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "sklearn": _sklearn,
}
