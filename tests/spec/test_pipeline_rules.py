"""Rules of pipelines: their stages, and the features between them."""

from __future__ import annotations

import time

import pytest
from model_problems import errors_of, warnings_of

from graphml.spec import Model
from graphml.spec.validate import problems


@pytest.fixture
def pipeline(layer, network) -> Model:
    """x -> first -> h -> second -> y"""
    model = network()
    model.pipeline.models.add().CopyFrom(network(layer("ceil", "x", "h"), outputs="h"))
    model.pipeline.models.add().CopyFrom(network(layer("floor", "h", "y"), inputs="h"))
    model.pipeline.models[0].description.output[0].type.multiArrayType.shape.append(3)
    model.pipeline.names.extend(["first", "second"])
    return model


def test_a_sound_pipeline(pipeline):
    assert problems(pipeline) == []


def test_stages_are_placed(pipeline):
    pipeline.pipeline.models[1].neuralNetwork.layers[0].input[0] = "z"
    assert errors_of(pipeline) == [
        "pipeline stage 2 'second' > layer 'floor' (floor), number 1: "
        "reads 'z', which is not an input and which no layer writes"
    ]


def test_an_empty_pipeline(pipeline):
    del pipeline.pipeline.models[:]
    assert errors_of(pipeline)[:2] == ["pipeline: has no stages", "pipeline: has 2 names for 0 stages"]


def test_names_of_stages_differ(pipeline):
    pipeline.pipeline.names[1] = "first"
    assert errors_of(pipeline) == ["pipeline: 2 stages are called 'first'"]


def test_stage_inputs_come_from_before(pipeline):
    pipeline.pipeline.models[0].description.output[0].name = "k"
    errors = errors_of(pipeline)
    assert (
        "pipeline stage 2 'second' > input 'h': is neither an input of the pipeline nor an output of an earlier stage"
        in errors
    )
    pipeline.pipeline.models[1].description.input[0].type.isOptional = True
    assert not any("input 'h'" in error for error in errors_of(pipeline))


def test_a_stage_that_runs_too_early_names_the_first_later_stage_with_its_input(pipeline):
    stages = pipeline.pipeline.models
    del pipeline.pipeline.names[:]
    for source, result in (("late", "own"), ("own", "late"), ("x", "late"), ("self", "self")):
        stages.add().CopyFrom(stages[1])
        stages[-1].description.input[0].name, stages[-1].description.output[0].name = source, result
    words = "is neither an input of the pipeline nor an output of an earlier stage"
    said = [error for error in errors_of(pipeline) if words in error]
    assert said == [
        f"pipeline stage 3 > input 'late': {words}; stage 4 has this output, but runs later",
        f"pipeline stage 6 > input 'self': {words}; stage 6 has this output, but is this stage",
    ]


def test_many_stages_without_an_input_are_found_in_linear_time(pipeline):
    stages = pipeline.pipeline.models
    del pipeline.pipeline.names[:]
    stages[1].description.input[0].name = "nothing"
    for _ in range(2000):
        stages.add().CopyFrom(stages[1])
    start = time.process_time()
    assert len([error for error in errors_of(pipeline) if "input 'nothing'" in error]) == 2001
    assert time.process_time() - start < 10


def test_outputs_come_from_stages(pipeline):
    pipeline.description.output[0].name = "z"
    assert errors_of(pipeline) == ["output 'z': is not an output of any stage"]


def test_stage_types_fit(pipeline):
    given = pipeline.pipeline.models[0].description.output[0].type
    given.multiArrayType.shape[:] = [1, 3]
    assert (errors_of(pipeline), len(warnings_of(pipeline))) == ([], 1)
    given.multiArrayType.shape[:] = [1, 4]
    assert errors_of(pipeline) == ["pipeline stage 2 'second' > input 'h': has 3 elements here and 4 before"]
    given.imageType.SetInParent()
    assert (
        "pipeline stage 2 'second' > input 'h': is declared as multiArrayType here and as imageType before"
        in errors_of(pipeline)
    )


@pytest.mark.parametrize(
    ("wanted", "given", "severity"),
    [("int64Type", "doubleType", "warning"), ("stringType", "doubleType", "error")],
)
def test_numbers_may_change_their_type_between_stages(wanted, given, severity, pipeline):
    for stage, kind in zip(pipeline.pipeline.models, (given, wanted), strict=True):
        stage.identity.SetInParent()
        features = stage.description.output if kind == given else stage.description.input
        getattr(features[0].type, kind).SetInParent()
    found = [problem for problem in problems(pipeline) if "is declared as" in problem.what]
    assert [(problem.severity, problem.where) for problem in found] == [
        (severity, "pipeline stage 2 'second' > input 'h'")
    ]


def test_an_updatable_stage_in_a_fixed_pipeline_is_a_warning(pipeline):
    pipeline.pipeline.models[1].isUpdatable = True
    assert "pipeline stage 2 'second': is updatable, but the pipeline is not" in warnings_of(pipeline)
