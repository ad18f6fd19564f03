"""The classes that coremltools imports from `libcoremlpython`, with the method names of that library.

A proxy loads everything when it is created: coremltools removes its temporary file right after. Errors of graphml
become RuntimeErrors, like those of Core ML; coremltools keeps one from the constructor and shows it when `predict` is
called.
"""

# coremltools is untyped, and JAX is only partly typed
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
import weakref
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np

import graphml
from graphml import spec
from graphml.descriptions import ImageConstraint
from graphml.errors import FeatureError, GraphmlError
from graphml.interop.coremltools.compiled import model_in, write_compiled
from graphml.models.configuration import ComputePrecision, ComputeUnits, ModelConfiguration
from graphml.models.graph_model import GraphModel
from graphml.spec.files.packages import blob_values
from graphml.spec.program import programs
from graphml.spec.program.operations import SPECIFICATIONS
from graphml.spec.versions import NEWEST, required

_UNITS = {
    "CPU_ONLY": ComputeUnits.CPU_ONLY,
    "CPU_AND_GPU": ComputeUnits.CPU_AND_GPU,
    "CPU_AND_NE": ComputeUnits.CPU_ONLY,  # "not the GPU": there is no Neural Engine here
    "ALL": ComputeUnits.ALL,
}
_HALF = np.dtype(np.float16)
_LOW_PRECISION = "allowLowPrecisionAccumulationOnGPU"


def library(precision: str | None) -> dict[str, Any]:
    """The names that coremltools imports.

    Args:
        precision: The `compute_precision` of the models.

    Raises:
        FeatureError: There is no such precision.
    """
    ModelConfiguration(compute_precision=cast("ComputePrecision | None", precision))
    return {
        "_MLModelProxy": type("_MLModelProxy", (ModelProxy,), {"precision": precision}),
        "_MLModelAssetProxy": AssetProxy,
        "_MLComputePlanProxy": ComputePlanProxy,
        "_MLCPUComputeDeviceProxy": CPUProxy,
        "_MLGPUComputeDeviceProxy": GPUProxy,
        "_MLNeuralEngineComputeDeviceProxy": NeuralEngineProxy,
    }


@contextlib.contextmanager
def _as_runtime_error() -> Generator[None]:
    try:
        yield
    except GraphmlError as error:
        raise RuntimeError(str(error)) from error


class ModelProxy:
    """A loaded model: `_MLModelProxy`.

    Args:
        path: The model; empty if there is an asset.
        compute_units: The name of a `coremltools.ComputeUnit`.
        function_name: The function of an ML Program; empty: its default function.
        optimization_hints: {name: value as text}. Only the one for low precision on GPUs has an effect.
        asset: A compiled model instead of a path.

    Raises:
        RuntimeError: The model cannot be loaded.
    """

    precision: ClassVar[ComputePrecision | None] = None

    def __init__(
        self,
        path: str,
        compute_units: str = "ALL",
        function_name: str = "",
        optimization_hints: Mapping[str, str] | None = None,
        asset: AssetProxy | None = None,
    ) -> None:
        start = time.perf_counter_ns()
        configuration = ModelConfiguration(
            compute_units=_UNITS[compute_units],
            compute_precision=self.precision,
            allow_low_precision_accumulation=(optimization_hints or {}).get(_LOW_PRECISION) == "True",
        )
        with _as_runtime_error():
            where = model_in(path if asset is None else asset.path)
            self._model = _load(where, configuration, function_name)
            self._images = [
                (feature.name, feature.image) for feature in self._model.description.inputs if feature.image is not None
            ]
        self._compiled: str | None = path if str(where) != path else None
        self._load_time = time.perf_counter_ns() - start
        self._predict_time: int | None = None

    # Predicting ------------------------------------------------------------------------------------------------------

    def predict(self, data: Mapping[str, Any], state: StateProxy | None = None) -> dict[str, Any]:
        """Run the model once.

        Raises:
            RuntimeError: The model does not take these values, or cannot run.
        """
        start = time.perf_counter_ns()
        try:
            if self._images:
                data = self._with_pixels(data)
            kept = {} if state is None else {"state": state.state}
            outputs = self._model.predict(data, **kept)
        except GraphmlError as error:
            raise RuntimeError(str(error)) from error
        self._predict_time = time.perf_counter_ns() - start
        return _results(outputs)

    def batchPredict(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Run the model for many rows.

        Raises:
            RuntimeError: The model does not take these values, or cannot run.
        """
        start = time.perf_counter_ns()
        with _as_runtime_error():
            rows = [self._with_pixels(row) for row in batch] if self._images else batch
            outputs = self._model.predict_batch(rows)
        self._predict_time = time.perf_counter_ns() - start
        return [_results(row) for row in outputs]

    def newState(self) -> StateProxy:
        """A new state, with zeros in all arrays."""
        with _as_runtime_error():
            return StateProxy(self._model.make_state())

    def _with_pixels(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The values, with Pillow images converted to the pixels that the model takes."""
        values = dict(data)
        for name, constraint in self._images:
            image = values.get(name)
            if hasattr(image, "getbands"):
                values[name] = _pixels(name, image, constraint)
        return values

    # Facts -----------------------------------------------------------------------------------------------------------

    def get_compiled_model_path(self) -> str:
        """The path of a compiled model, which exists as long as this object."""
        if self._compiled is None:
            with _as_runtime_error():
                self._compiled = write_compiled(self._model)
            weakref.finalize(self, shutil.rmtree, Path(self._compiled).parent, ignore_errors=True)
        return self._compiled

    def get_load_duration_in_nano_seconds(self) -> int:
        return self._load_time

    def get_last_predict_duration_in_nano_seconds(self) -> int | None:
        return self._predict_time

    # Functions of the library ----------------------------------------------------------------------------------------

    @staticmethod
    def maximum_supported_specification_version() -> int:
        return NEWEST

    @staticmethod
    def auto_set_specification_version(model: Any) -> Any:
        """The model with the lowest specification version that it can have, as bytes if given as bytes."""
        with _as_runtime_error():
            given = model if isinstance(model, bytes) else model.SerializeToString()
            own = spec.parse(given)
            opsets = [programs.version(function) for function in own.mlProgram.functions.values()]
            own.specificationVersion = max([required(own), *(SPECIFICATIONS[opset] for opset in opsets)])
            data = spec.serialize(own)
        return data if isinstance(model, bytes) else type(model).FromString(data)

    @staticmethod
    def compileModel(path: str) -> str:
        """Check a model and write it as a compiled model. Returns its path in a new temporary folder."""
        with _as_runtime_error():
            return write_compiled(_load(model_in(path), ModelConfiguration(), ""))

    @staticmethod
    def get_available_compute_devices() -> list[Any]:
        return devices()

    @staticmethod
    def get_all_compute_devices() -> list[Any]:
        return devices()

    @staticmethod
    def get_model_structure(path: str) -> Any:
        """The MLModelStructure of a compiled model."""
        from graphml.interop.coremltools.structure import structure_of

        with _as_runtime_error():
            return structure_of(spec.read(model_in(path)))

    @staticmethod
    def get_compute_plan(path: str, compute_units: str = "ALL") -> Any:
        """The MLComputePlan of a compiled model."""
        from coremltools.models.compute_plan import MLComputePlan

        return MLComputePlan(ComputePlanProxy(ModelProxy.get_model_structure(path), compute_units))

    @staticmethod
    def create_model_asset_from_path(path: str) -> Any:
        """An MLModelAsset of a compiled model."""
        from coremltools.models.model import MLModelAsset

        return MLModelAsset(AssetProxy(path))

    @staticmethod
    def create_model_asset_from_memory(data: bytes, blobs: Mapping[str, bytes]) -> Any:
        """An MLModelAsset of the bytes of a model and of its weight files, {path: bytes}."""
        from coremltools.models.model import MLModelAsset

        with _as_runtime_error():
            message = spec.parse(data)
            given = {name.replace("\\", "/").rpartition("/")[2]: content for name, content in blobs.items()}
            weights = {}
            for name in sorted({blob.fileName for blob in blob_values(message)}):
                last = name.rpartition("/")[2]
                if last not in given:
                    raise FeatureError(f"the blobs do not contain {last!r}, the weight file of the model")
                weights[name] = [given[last]]
            folder = tempfile.mkdtemp(prefix="graphml-")
            path = Path(folder, "model.mlpackage" if weights else "model.mlmodel")
            spec.write(message, path, weights=weights)
        asset = AssetProxy(str(path))
        weakref.finalize(asset, shutil.rmtree, folder, ignore_errors=True)
        return MLModelAsset(asset)


class StateProxy:
    """The state of a model: what `MLState` holds."""

    def __init__(self, state: Any) -> None:
        self.state = state

    def read_state(self, name: str) -> np.ndarray:
        """An array of the state; float16 as float32."""
        with _as_runtime_error():
            return _result(self.state[name])

    def write_state(self, name: str, value: Any) -> None:
        """Replace an array of the state."""
        with _as_runtime_error():
            self.state[name] = np.asarray(value).astype(self.state[name].dtype)


class AssetProxy:
    """A compiled model that is not loaded yet."""

    def __init__(self, path: str) -> None:
        self.path = path


# Compute devices and plans -------------------------------------------------------------------------------------------


class CPUProxy:
    """The CPU."""


class GPUProxy:
    """A GPU that JAX uses."""


class NeuralEngineProxy:
    """There is none outside of Apple's devices, but coremltools needs the class."""


def devices(compute_units: str = "ALL") -> list[Any]:
    """The MLComputeDevices that a model may use: the CPU, then the GPUs of JAX. Others, such as TPUs, have no class."""
    import jax
    from coremltools.models.compute_device import MLCPUComputeDevice, MLGPUComputeDevice

    gpus = (
        [] if compute_units in ("CPU_ONLY", "CPU_AND_NE") else [one for one in jax.devices() if one.platform == "gpu"]
    )
    return [MLCPUComputeDevice(CPUProxy()), *(MLGPUComputeDevice(GPUProxy()) for _ in gpus)]


class ComputePlanProxy:
    """Where the parts of a model run: all of them on the device that runs the model. Costs are not estimated.

    Args:
        structure: The MLModelStructure.
        compute_units: The name of a `coremltools.ComputeUnit`.
    """

    def __init__(self, structure: Any = None, compute_units: str = "ALL") -> None:
        self._structure = structure
        self._units = compute_units

    @property
    def model_structure(self) -> Any:
        return self._structure

    def get_compute_device_usage_for_mlprogram_operation(self, operation: Any) -> Any:
        return None if operation.operator_name == "const" else self._usage()

    def get_compute_device_usage_for_neuralnetwork_layer(self, layer: Any) -> Any:
        return self._usage()

    def get_estimated_cost_for_mlprogram_operation(self, operation: Any) -> None:
        """None, for an unknown cost: a compiled program fuses operations."""

    def _usage(self) -> Any:
        from coremltools.models.compute_plan import MLComputePlanDeviceUsage

        present = devices(self._units)
        return MLComputePlanDeviceUsage(present[-1], present)


# Values --------------------------------------------------------------------------------------------------------------


def _load(path: Path, configuration: ModelConfiguration, function_name: str) -> Any:
    """A model that is ready to predict, with all of its files read or mapped."""
    if function_name and spec.read(path).WhichOneof("Type") != "mlProgram":
        function_name = ""  # coremltools allows "main" for every kind
    model = graphml.load(path, configuration=configuration, function_name=function_name or None)
    model.refuse_unless_usable()
    if isinstance(model, GraphModel):
        _ = model.graph  # refuses what cannot run, as Core ML does when it compiles
    return model


def _pixels(name: str, image: Any, constraint: ImageConstraint) -> np.ndarray:
    """A Pillow image as the pixels [channels, height, width] of a feature. It is neither rotated nor scaled."""
    if constraint.size_for(image.size) != image.size:
        width, height = image.size
        raise FeatureError(f"the image {name!r} is {width} x {height}, which is not an allowed size: {constraint}")
    pixels = np.asarray(image, np.float32)
    if pixels.ndim == 2:
        return pixels[None]
    planes = pixels.transpose(2, 0, 1)[:3]
    return np.ascontiguousarray(planes[::-1] if constraint.color_space == "BGR" else planes)


def _result(value: Any) -> Any:
    """A value as Core ML's library returns it: arrays are owned by the caller, and never float16."""
    if isinstance(value, np.ndarray):
        return np.array(value, np.float32 if value.dtype == _HALF else None)
    return value


def _results(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _result(value) for name, value in outputs.items()}
