"""Where and how a model runs: Core ML's configuration, as far as it means something outside Apple's systems."""

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
from typing import Any

from graphml.errors import FeatureError
from graphml.spec.layers import snake_case

Device = Any
"""A jax.Device, which type checkers take for a variable."""

_log = logging.getLogger("graphml")


class ComputeUnits(enum.Enum):
    """Which processors a model may use. The Neural Engine has no equivalent here: asking for it warns."""

    CPU_ONLY = 0
    CPU_AND_GPU = 1
    ALL = 2
    CPU_AND_NEURAL_ENGINE = 3


@dataclass(frozen=True)
class ModelConfiguration:
    """How to run a model.

    preferred_device: a JAX device; it wins over JAX's default unless `compute_units` is CPU_ONLY.
    allow_low_precision_accumulation: lets a GPU accumulate products in half precision; on a CPU it has no effect.
    parameters: values for the model's parameters, as an update task, a neighbours model or a linked model takes them;
        in a pipeline a key counts for all stages, or for the one that it is scoped to.
    model_display_name: shown by `print(model)`; nothing else depends on it.
    cache_directory: where networks keep their weights and programs in the form in which they run, so that the next
        process starts fast; unless it is given, the environment variable GRAPHML_CACHE names it, and without both
        nothing is kept. The directory holds machine code: one that belongs to another user, or to which others may
        write, is not used.
    max_loop_iterations: turns after which a loop ends that has no bound of its own.
    max_image_pixels: pictures with more pixels are refused before they are unpacked; 2**26 unless this says otherwise.
        Beyond twice `PIL.Image.MAX_IMAGE_PIXELS` that one has to be raised too.
    most_programs: for how many sets of input shapes a network keeps compiled programs in memory, where each takes one
        to two megabytes: those that were used last; another set of shapes compiles anew.
    max_array_bytes: how many bytes one array that a network makes may take; 4 GiB unless given. A layer that asks for
        more, as a damaged file may, is refused before anything is allocated.
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

    def __post_init__(self) -> None:
        for name in ("max_loop_iterations", "max_image_pixels", "most_programs", "max_array_bytes"):
            value = getattr(self, name)
            if value is None and name != "most_programs":
                continue
            if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
                raise FeatureError(f"{name} must be a positive integer, got {value!r}")


def for_stage(configuration: ModelConfiguration, stage: str) -> ModelConfiguration:
    """The configuration of one stage of a pipeline: parameters scoped to it win over those for all stages."""
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
    """The value of a parameter of this model by its name in Python spelling; None where none is given."""
    found = None
    for key, value in (configuration.parameters or {}).items():
        if not getattr(key, "scope", ()) and snake_case(getattr(key, "name", key)) == name:
            found = value  # the last one: that of a stage comes after those of all stages
    return found


def pick_device(configuration: ModelConfiguration) -> Device | None:
    """The device to run on; None stands for JAX's default, whatever that is when the model runs."""
    import jax

    if configuration.compute_units is ComputeUnits.CPU_ONLY:
        cpu = jax.devices("cpu")[0]
        return None if jax.default_backend() == "cpu" else cpu
    if configuration.compute_units is ComputeUnits.CPU_AND_NEURAL_ENGINE:
        warnings.warn("there is no Neural Engine here: the model runs on the default device", stacklevel=2)
    return configuration.preferred_device


def cache_directory(configuration: ModelConfiguration) -> Path | None:
    """Where to keep what makes the next start fast; None: nowhere."""
    given = configuration.cache_directory
    named = os.environ.get("GRAPHML_CACHE", "") if given is None else os.fspath(given)
    return Path(named).expanduser().absolute() if named else None


def low_precision(configuration: ModelConfiguration, platform: str) -> bool:
    """Whether products may be accumulated in half precision: if it was allowed, and on accelerators only."""
    if configuration.allow_low_precision_accumulation and platform == "cpu":
        _say_no_effect()
    return configuration.allow_low_precision_accumulation and platform != "cpu"


@functools.cache
def _say_no_effect() -> None:
    _log.info("allow_low_precision_accumulation has no effect on a CPU")
