"""Where and how a model runs: the parts of Core ML's configuration that are meaningful outside of Apple's systems."""

from __future__ import annotations

import enum
import functools
import logging
import numbers
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from graphml.errors import FeatureError
from graphml.spec.layers import snake_case

Device = Any
"""A jax.Device. It is not annotated as such, because type checkers do not accept it as a type."""

ComputePrecision = Literal["declared", "float32", "strict"]
_PRECISIONS = get_args(ComputePrecision)

_log = logging.getLogger("graphml")


class ComputeUnits(enum.Enum):
    """The processors that a model may use. There is no Neural Engine here: requesting it causes a warning."""

    CPU_ONLY = 0
    CPU_AND_GPU = 1
    ALL = 2
    CPU_AND_NEURAL_ENGINE = 3


@dataclass(frozen=True)
class ModelConfiguration:
    """How to run a model.

    Attributes:
        compute_units: The processors that the model may use.
        preferred_device: A JAX device. It overrides JAX's default device unless `compute_units` is CPU_ONLY.
        allow_low_precision_accumulation: Allows a GPU to accumulate products in half precision; no effect on a CPU.
        parameters: Values for the parameters of the model, as update tasks, nearest neighbour models and linked models
            take them. In a pipeline a key applies to all stages, or only to the one that it is scoped to.
        model_display_name: The name that `print(model)` shows; it has no other effect.
        cache_directory: Where networks store prepared weights and compiled programs, so that the next process starts
            fast. The default is the environment variable GRAPHML_CACHE; without both nothing is stored. The directory
            contains machine code: one that belongs to another user, or that others may write to, is not used.
        max_loop_iterations: The number of iterations after which an otherwise unbounded loop ends.
        max_image_pixels: Images with more pixels are refused before they are decompressed; the default is 2**26. For
            more than twice `PIL.Image.MAX_IMAGE_PIXELS`, that limit has to be raised too.
        most_programs: The number of sets of input shapes for which a network keeps compiled programs in memory, those
            that were used last. Each takes one to two megabytes; other shapes are compiled again.
        compute_precision: In which types an ML Program computes its floats; other kinds of models do not use it.
            "declared": in the types that the file declares; products of half precision are accumulated in float32.
            "float32": in float32, regardless of the declared types. Outputs still have their declared types.
            "strict": in the declared types, and half precision also accumulates in half precision, as the narrowest
            processor may: this shows overflow that "declared" hides.
            None: "float32" on a CPU, where half precision is slow, and "declared" elsewhere.
        max_array_bytes: The largest size of an array that a network computes, in bytes; the default is 4 GiB. A layer
            that needs more, for example in a damaged file, is refused before anything is allocated.

    Raises:
        FeatureError: If one of the limits is not a positive integer, or the precision is not one of these.
    """

    compute_units: ComputeUnits = ComputeUnits.ALL
    preferred_device: Device | None = None
    allow_low_precision_accumulation: bool = False
    parameters: Mapping[Any, Any] | None = None
    model_display_name: str | None = None
    cache_directory: str | os.PathLike[str] | None = None
    max_loop_iterations: int | None = None
    max_image_pixels: int | None = None
    most_programs: int = 64
    max_array_bytes: int | None = None
    compute_precision: ComputePrecision | None = None

    def __post_init__(self) -> None:
        for name in ("max_loop_iterations", "max_image_pixels", "most_programs", "max_array_bytes"):
            value = getattr(self, name)
            if value is None and name != "most_programs":
                continue
            if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
                raise FeatureError(f"{name} must be a positive integer, got {value!r}")
        if self.compute_precision is not None and self.compute_precision not in _PRECISIONS:
            legal = ", ".join(map(repr, _PRECISIONS))
            raise FeatureError(f"compute_precision must be {legal} or None, got {self.compute_precision!r}")


def for_stage(configuration: ModelConfiguration, stage: str) -> ModelConfiguration:
    """The configuration of one stage of a pipeline.

    Args:
        configuration: The configuration of the pipeline.
        stage: The name of the stage. Parameters that are scoped to it override those for all stages.
    """
    every, own = {}, {}
    for key, value in (configuration.parameters or {}).items():
        scope = getattr(key, "scope", ())
        text = "" if hasattr(key, "scope") else key
        if "/" in text:
            if text.startswith(f"{stage}/"):
                own[text.removeprefix(f"{stage}/")] = value
        elif not scope:
            every[key] = value
        elif scope[0] == stage:
            own[replace(key, scope=scope[1:])] = value
    return replace(configuration, parameters=every | own) if every or own or configuration.parameters else configuration


def parameter(configuration: ModelConfiguration, name: str) -> Any:
    """The value of a parameter of a model, or None.

    Args:
        configuration: The configuration of the model.
        name: The name of the parameter in snake_case.
    """
    found = None
    for key, value in (configuration.parameters or {}).items():
        if not getattr(key, "scope", ()) and snake_case(getattr(key, "name", key)) == name:
            found = value  # the last one: parameters of a stage follow those for all stages
    return found


def pick_device(configuration: ModelConfiguration) -> Device | None:
    """The device to run on; None: JAX's default device at the time when the model runs.

    Args:
        configuration: The configuration of the model.
    """
    import jax

    if configuration.compute_units is ComputeUnits.CPU_ONLY:
        cpu = jax.devices("cpu")[0]
        return None if jax.default_backend() == "cpu" else cpu
    if configuration.compute_units is ComputeUnits.CPU_AND_NEURAL_ENGINE:
        warnings.warn("there is no Neural Engine here: the model runs on the default device", stacklevel=2)
    return configuration.preferred_device


def cache_directory(configuration: ModelConfiguration) -> Path | None:
    """The cache directory, from the configuration or from GRAPHML_CACHE; None: nothing is stored.

    Args:
        configuration: The configuration of the model.
    """
    given = configuration.cache_directory
    named = os.environ.get("GRAPHML_CACHE", "") if given is None else os.fspath(given)
    return Path(named).expanduser().absolute() if named else None


def low_precision(configuration: ModelConfiguration, platform: str) -> bool:
    """Whether products may be accumulated in half precision: if it is allowed, and only on accelerators.

    Args:
        configuration: The configuration of the model.
        platform: cpu, cuda, tpu ...
    """
    if configuration.allow_low_precision_accumulation and platform == "cpu":
        _say_no_effect()
    return configuration.allow_low_precision_accumulation and platform != "cpu"


@functools.cache
def _say_no_effect() -> None:
    _log.info("allow_low_precision_accumulation has no effect on a CPU")
