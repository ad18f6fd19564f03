"""The structure of a model in coremltools' own classes."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from graphml.models.pipelines.pipeline import stage_names
from graphml.spec.files.packages import pipeline_stages
from graphml.spec.layers import NETWORKS
from graphml.spec.program import programs
from graphml.spec.rules.updates import pipeline_of

plan: Any = importlib.import_module("coremltools.models.compute_plan")  # untyped

_VALUE = plan.MLModelStructureProgramValue()  # it is empty
_TYPE = plan.MLModelStructureProgramValueType()  # so is this


def structure_of(message: Any) -> Any:
    """The MLModelStructure of a Model message. Kinds without a structure, such as trees, have None in all fields."""
    kind = message.WhichOneof("Type")
    network = program = pipeline = None
    if kind in NETWORKS:
        layers = [
            plan.MLModelStructureNeuralNetworkLayer(
                layer.name, layer.WhichOneof("layer"), list(layer.input), list(layer.output), None
            )
            for layer in getattr(message, kind).layers
        ]
        network = plan.MLModelStructureNeuralNetwork(layers)
    elif kind == "mlProgram":
        functions = programs.functions(message.mlProgram)
        program = plan.MLModelStructureProgram({name: _function(function) for name, function in functions.items()})
    elif pipeline_stages(message):
        names = stage_names(pipeline_of(message))
        stages = [(name, structure_of(stage)) for name, stage in zip(names, pipeline_stages(message), strict=True)]
        pipeline = plan.MLModelStructurePipeline(stages)
    return plan.MLModelStructure(network, program, pipeline)


def _function(message: Any) -> Any:
    return plan.MLModelStructureProgramFunction(_named(message.inputs), _block(programs.body(message)))


def _block(message: Any) -> Any:
    return plan.MLModelStructureProgramBlock(
        _named(message.inputs), [_operation(operation) for operation in message.operations], list(message.outputs)
    )


def _operation(message: Any) -> Any:
    return plan.MLModelStructureProgramOperation(
        {name: _argument(argument) for name, argument in message.inputs.items()},
        message.type,
        _named(message.outputs),
        [_block(block) for block in message.blocks],
        None,
    )


def _argument(message: Any) -> Any:
    bindings = [
        plan.MLModelStructureProgramBinding(one.name, None)
        if one.WhichOneof("binding") == "name"
        else plan.MLModelStructureProgramBinding(None, _VALUE)
        for one in message.arguments
    ]
    return plan.MLModelStructureProgramArgument(bindings)


def _named(values: Iterable[Any]) -> list[Any]:
    return [plan.MLModelStructureProgramNamedValueType(value.name, _TYPE) for value in values]
