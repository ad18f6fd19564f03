"""graphml: Core ML models anywhere JAX runs.

    import graphml

    model = graphml.load("MNISTClassifier.mlmodel")
    model.predict({"image": "seven.png"})          # {'classLabel': '7', ...}
    lowered = model.lower()                        # a pure function and its parameters, for jit, grad and vmap

Read and run     load, Model, State, lower, link, FeatureValue, ImageConstraint, ImageOptions, CropAndScale
Configure        ModelConfiguration, ComputeUnits, limit_program_memory, program_memory, tune_host_allocator
Extend           register_custom_layer, register_custom_model, register_provider
Train            UpdateTask, UpdateContext, UpdateEvent, UpdateProgressHandlers, TaskState, MetricKey, ParameterKey,
                 ArrayBatchProvider, BackgroundUpdate, update_in_background, recipes
Make trainable   make_updatable, make_trainable, replace_head
Many users       update_many, save_delta, apply_delta, federated_average
Convert          convert, export
Build            NeuralNetworkBuilder, ProgramBuilder, SgdParams, AdamParams, datatypes
Weights          Quantized, dequantize, requantize
Tools            codegen, utils
Errors           GraphmlError, SpecError, GraphError, ShapeError, FeatureError, UnsupportedError, UpdateError

help(graphml.load) explains one of them. Documentation: https://graphml.github.io/graphml
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# `convert` is also the name of a package. Importing the package sets the attribute; this sets it to the function.
from graphml.convert.door import convert as convert

if TYPE_CHECKING:
    from graphml import build as build
    from graphml import errors as errors
    from graphml import inspect as inspect
    from graphml import interop as interop
    from graphml import models as models
    from graphml import ops as ops
    from graphml import recipes as recipes
    from graphml import spec as spec
    from graphml import testing as testing
    from graphml import update as update
    from graphml import utils as utils
    from graphml.allocator import tune_host_allocator as tune_host_allocator
    from graphml.build import AdamParams as AdamParams
    from graphml.build import NeuralNetworkBuilder as NeuralNetworkBuilder
    from graphml.build import ProgramBuilder as ProgramBuilder
    from graphml.build import SgdParams as SgdParams
    from graphml.build import datatypes as datatypes
    from graphml.convert.export import export as export
    from graphml.descriptions import ImageConstraint as ImageConstraint
    from graphml.errors import FeatureError as FeatureError
    from graphml.errors import GraphError as GraphError
    from graphml.errors import GraphmlError as GraphmlError
    from graphml.errors import ShapeError as ShapeError
    from graphml.errors import SpecError as SpecError
    from graphml.errors import UnsupportedError as UnsupportedError
    from graphml.errors import UpdateError as UpdateError
    from graphml.inspect import codegen as codegen
    from graphml.interpreter.program_memory import limit_program_memory as limit_program_memory
    from graphml.interpreter.program_memory import program_memory as program_memory
    from graphml.interpreter.quantization import Quantized as Quantized
    from graphml.interpreter.quantization import dequantize as dequantize
    from graphml.interpreter.quantization import requantize as requantize
    from graphml.models import Model as Model
    from graphml.models import load as load
    from graphml.models.configuration import ComputeUnits as ComputeUnits
    from graphml.models.configuration import ModelConfiguration as ModelConfiguration
    from graphml.models.custom import register_custom_model as register_custom_model
    from graphml.models.interface.images import CropAndScale as CropAndScale
    from graphml.models.interface.images import ImageOptions as ImageOptions
    from graphml.models.interface.values import FeatureValue as FeatureValue
    from graphml.models.lowered import lower as lower
    from graphml.models.pipelines.linking import link as link
    from graphml.models.state import State as State
    from graphml.models.system import register_provider as register_provider
    from graphml.ops.layers.custom import register_custom_layer as register_custom_layer
    from graphml.update import ArrayBatchProvider as ArrayBatchProvider
    from graphml.update import MetricKey as MetricKey
    from graphml.update import ParameterKey as ParameterKey
    from graphml.update import TaskState as TaskState
    from graphml.update import UpdateContext as UpdateContext
    from graphml.update import UpdateEvent as UpdateEvent
    from graphml.update import UpdateProgressHandlers as UpdateProgressHandlers
    from graphml.update import UpdateTask as UpdateTask
    from graphml.update import apply_delta as apply_delta
    from graphml.update import federated_average as federated_average
    from graphml.update import make_trainable as make_trainable
    from graphml.update import make_updatable as make_updatable
    from graphml.update import replace_head as replace_head
    from graphml.update import save_delta as save_delta
    from graphml.update import update_many as update_many
    from graphml.update.task.background import BackgroundUpdate as BackgroundUpdate
    from graphml.update.task.background import update_in_background as update_in_background

_HOME = {
    **dict.fromkeys(("BackgroundUpdate", "update_in_background"), "graphml.update.task.background"),
    **dict.fromkeys(
        ("NeuralNetworkBuilder", "ProgramBuilder", "SgdParams", "AdamParams", "datatypes"), "graphml.build"
    ),
    **dict.fromkeys(("FeatureError", "GraphError", "GraphmlError", "ShapeError", "SpecError"), "graphml.errors"),
    **dict.fromkeys(("UnsupportedError", "UpdateError"), "graphml.errors"),
    "export": "graphml.convert.export",
    **dict.fromkeys(("limit_program_memory", "program_memory"), "graphml.interpreter.program_memory"),
    "lower": "graphml.models.lowered",
    **dict.fromkeys(("Quantized", "dequantize", "requantize"), "graphml.interpreter.quantization"),
    **dict.fromkeys(("Model", "load"), "graphml.models"),
    **dict.fromkeys(("ComputeUnits", "ModelConfiguration"), "graphml.models.configuration"),
    "FeatureValue": "graphml.models.interface.values",
    "ImageConstraint": "graphml.descriptions",
    **dict.fromkeys(("CropAndScale", "ImageOptions"), "graphml.models.interface.images"),
    "State": "graphml.models.state",
    "link": "graphml.models.pipelines.linking",
    "register_custom_layer": "graphml.ops.layers.custom",
    "register_custom_model": "graphml.models.custom",
    "register_provider": "graphml.models.system",
    "tune_host_allocator": "graphml.allocator",
    "codegen": "graphml.inspect.codegen",
    "recipes": "graphml.recipes",
    "utils": "graphml.utils",
    **dict.fromkeys(
        (
            "ArrayBatchProvider",
            "MetricKey",
            "ParameterKey",
            "TaskState",
            "UpdateContext",
            "UpdateEvent",
            "UpdateProgressHandlers",
            "UpdateTask",
            "apply_delta",
            "federated_average",
            "make_trainable",
            "make_updatable",
            "replace_head",
            "save_delta",
            "update_many",
        ),
        "graphml.update",
    ),
}

# `graphml.build.pipeline` works after `import graphml` alone. dir() lists only what is used most.
_MODULES = ("build", "errors", "inspect", "interop", "models", "ops", "spec", "testing", "update")

# There is no __all__: help(graphml) would print every class in full.
_PUBLIC = ["__version__", "convert", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    # Names are resolved when they are first used, so that what needs no JAX starts without it.
    if name in _MODULES:
        return importlib.import_module(f"graphml.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'graphml' has no attribute {name!r}")
    home = importlib.import_module(_HOME[name])
    value = getattr(home, name, home)  # some of these names are modules
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(_PUBLIC)
