"""What is wrong with a model as a whole: its version, interface, stages, and how problems are reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_problems import errors_of, warnings_of

from graphml.errors import SpecError
from graphml.spec import Model, parse, read, serialize
from graphml.spec.rules.interface import interface_problems
from graphml.spec.validate import Problem, problems, validate


@pytest.fixture
def plain(layer, network) -> Model:
    return network(layer("copy"))


# Reporting ------------------------------------------------------------------------------------------------------------


def test_a_problem_reads_as_place_and_sentence():
    assert str(Problem("input 'x'", "has no shape")) == "input 'x': has no shape"


def test_validate_lists_all_errors_in_one(layer, network):
    with pytest.raises(SpecError) as caught:
        validate(network(layer("copy", "a b", "y")))
    assert str(caught.value).splitlines() == [
        "the model has 3 errors:",
        "  layer 'copy' (copy), number 1: expected 1 input, got 2",
        "  layer 'copy' (copy), number 1: reads 'a', which is not an input and which no layer writes",
        "  layer 'copy' (copy), number 1: reads 'b', which is not an input and which no layer writes",
    ]


def test_validate_shows_the_first_fifty(layer, network):
    with pytest.raises(SpecError) as caught:
        validate(network(layer("add", " ".join(f"b{i}" for i in range(60)), "y")))
    lines = str(caught.value).splitlines()
    assert (lines[0], len(lines), lines[-1]) == ("the model has 60 errors:", 52, "  and 10 more")


def test_validate_passeswarnings(plain):
    plain.specificationVersion = 1
    assert warnings_of(plain)
    validate(plain)


def test_validate_asks_for_the_rules_of_updating_only_if_the_model_does(plain):
    assert any(problem.severity == "error" for problem in problems(plain, updating=True))
    validate(plain)
    plain.isUpdatable = True
    assert errors_of(plain) == []
    assert "network: no layer is marked as updatable" in warnings_of(plain)
    with pytest.raises(SpecError, match="no layer is marked as updatable"):
        validate(plain)


def test_a_model_deeper_than_any_file(plain):
    deep = plain
    for _ in range(150):
        outer = Model(specificationVersion=1)
        outer.pipeline.models.add().CopyFrom(deep)
        deep = outer
    assert errors_of(deep) == ["model: models or networks are nested too deep for any file"]


def test_the_deepest_models_that_a_file_holds_are_walked(layer, network):
    inner = layer("ceil", "x", "z")
    for count in range(1, 40):
        branch = layer("branch", "x", "")
        branch.branch.ifBranch.layers.add().CopyFrom(inner)
        inner = branch
        model = network(inner, layer("copy", "x", "y"))
        try:
            parse(serialize(model))
        except SpecError:
            break
        if count > 30:
            assert errors_of(model) in ([], ["model: models or networks are nested too deep for any file"])
        else:
            assert errors_of(model) == []
    assert count > 30
    assert errors_of(model) == ["model: models or networks are nested too deep for any file"]


# Versions -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, -3])
def test_versions_begin_with_one(version, plain):
    plain.specificationVersion = version
    assert errors_of(plain) == [f"model: the specification version must be at least 1, got {version}"]


def test_a_newer_version_is_a_warning(plain):
    plain.specificationVersion = 99
    assert errors_of(plain) == []
    assert "model: the specification version is 99; the newest that this reader knows is" in warnings_of(plain)[0]


def test_content_newer_than_the_version_is_a_warning(plain):
    plain.specificationVersion = 1
    what = "exact shape mapping of inputs needs 4"
    assert warnings_of(plain) == [f"model: declares specification version 1, but {what}"]


def test_a_model_without_type(plain):
    plain.ClearField("neuralNetwork")
    assert errors_of(plain) == ["model: has no type, or one that is newer than this reader"]


# Interface ------------------------------------------------------------------------------------------------------------


def _feature(plain: Model, output: bool = False):
    return plain.description.output[0] if output else plain.description.input[0]


def _array(change):
    def apply(plain: Model) -> None:
        change(_feature(plain).type.multiArrayType)

    return apply


def _image(change):
    def apply(plain: Model) -> None:
        image = _feature(plain).type.imageType
        image.width, image.height, image.colorSpace = 4, 2, image.RGB
        change(image)

    return apply


def _shapes(array, *shapes, default=None):
    for shape in shapes:
        array.enumeratedShapes.shapes.add(shape=shape)
    array.enumeratedShapes.SetInParent()
    if default is not None:
        array.shape[:] = default


def _ranges(array, *ranges, default=None):
    for low, high in ranges:
        array.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)
    if default is not None:
        array.shape[:] = default


def _sizes(image, *sizes):
    for width, height in sizes:
        image.enumeratedSizes.sizes.add(width=width, height=height)
    image.enumeratedSizes.SetInParent()


def _image_range(image, width, height):
    image.imageSizeRange.widthRange.lowerBound, image.imageSizeRange.widthRange.upperBound = width
    image.imageSizeRange.heightRange.lowerBound, image.imageSizeRange.heightRange.upperBound = height


# (what is changed, the words about input 'x')
BROKEN_INPUTS = [
    (lambda m: _feature(m).ClearField("type"), "has no type, or one that is newer"),
    (_array(lambda a: setattr(a, "dataType", 77)), "has the unknown data type 77"),
    (_array(lambda a: a.shape.append(0)), "shape 3x0 has a size that is not positive"),
    (_array(lambda a: a.shape.append(-4)), "shape 3x-4 has a size that is not positive"),
    (_array(lambda a: a.shape.append(2**60)), f"has {3 * 2**60} elements, which no machine can hold"),
    (_array(lambda a: a.shape.extend([2**62] * 5)), "elements, which no machine can hold"),
    (_array(lambda a: a.shape.extend([1] * 100)), "shape has 101 axes; expected at most 32"),
    (_array(lambda a: _shapes(a)), "enumerates no shapes, or an empty one"),
    (_array(lambda a: _shapes(a, [3], [])), "enumerates no shapes, or an empty one"),
    (_array(lambda a: _shapes(a, [3], [-1])), "an enumerated shape -1 has a size that is not positive"),
    (_array(lambda a: _shapes(a, [4], [5])), "its shape 3 is not one of its enumerated shapes"),
    (_array(lambda a: _ranges(a, (5, 2))), "axis 0 has the range 5 to 2, which is empty"),
    (_array(lambda a: _ranges(a, (1, 2))), "its default size of axis 0, 3, is outside its range"),
    (_array(lambda a: _ranges(a, (1, 5), (1, 5))), "has 1 sizes, but ranges for 2"),
    (_array(lambda a: setattr(a, "intDefaultValue", 1)), "intDefaultValue does not fit its data type"),
    (_array(lambda a: setattr(a, "doubleDefaultValue", 1)), "doubleDefaultValue does not fit its data type"),
    (
        _array(lambda a: (setattr(a, "dataType", a.INT8), setattr(a, "intDefaultValue", 200))),
        "the default value 200 does not fit into int8",
    ),
    (_image(lambda i: setattr(i, "width", 0)), "size (width, height) 0x2 has a size that is not positive"),
    (_image(lambda i: setattr(i, "height", -1)), "4x-1 has a size that is not positive"),
    (_image(lambda i: setattr(i, "width", 2**60)), "which no machine can hold"),
    (_image(lambda i: setattr(i, "colorSpace", 0)), "has no colour space, or an unknown one"),
    (_image(lambda i: setattr(i, "colorSpace", 11)), "has no colour space, or an unknown one"),
    (_image(lambda i: _sizes(i)), "enumerates no sizes"),
    (_image(lambda i: _sizes(i, (4, 0))), "an enumerated size 4x0 has a size that is not positive"),
    (_image(lambda i: _sizes(i, (8, 8))), "its size 4x2 is not one of its enumerated sizes"),
    (_image(lambda i: _image_range(i, (9, 5), (1, 9))), "width has the range 9 to 5, which is empty"),
    (_image(lambda i: _image_range(i, (1, 9), (3, 9))), "its default height, 2, is outside its range"),
    (lambda m: _feature(m).type.dictionaryType.SetInParent(), "is a dictionary without a key type"),
    (lambda m: _feature(m).type.sequenceType.SetInParent(), "is a sequence without an element type"),
    (
        lambda m: _feature(m).type.sequenceType.sizeRange.MergeFromString(b"\x08\x05\x10\x02"),
        "length has the range 5 to 2, which is empty",
    ),
    (lambda m: _feature(m).type.stateType.SetInParent(), "is a state without a shape"),
    (lambda m: m.description.input.add().CopyFrom(_feature(m)), "2 inputs have this name"),
]


@pytest.mark.parametrize(("change", "words"), BROKEN_INPUTS, ids=[words for _, words in BROKEN_INPUTS])
def test_broken_inputs_are_named(change, words, plain):
    change(plain)
    errors = errors_of(plain)
    assert any(error.startswith("input 'x'") and words in error for error in errors), errors


FINE_INPUTS = [
    _array(lambda a: _shapes(a, [3], [4])),
    _array(lambda a: _shapes(a, [5], [4], default=[])),
    _array(lambda a: _ranges(a, (1, -1))),
    _array(lambda a: _ranges(a, (3, 3), default=[])),
    _image(lambda i: None),
    _image(lambda i: _sizes(i, (4, 2), (8, 8))),
    _image(lambda i: _image_range(i, (1, -1), (2, 2))),
    _image(lambda i: (_image_range(i, (1, -1), (2, 2)), i.ClearField("width"), i.ClearField("height"))),
]


@pytest.mark.parametrize("change", FINE_INPUTS)
def test_flexible_inputs_are_fine(change, plain):
    change(plain)
    assert problems(plain) == []


def test_names_of_features(plain):
    _feature(plain).name = ""
    assert "input '': a feature needs a name" in errors_of(plain)


def test_undeclared_shapes_and_types_arewarnings(plain):
    del _feature(plain).type.multiArrayType.shape[:]
    _feature(plain, output=True).type.multiArrayType.ClearField("dataType")
    assert errors_of(plain) == []
    assert warnings_of(plain) == ["input 'x': declares no shape", "output 'y': has no data type"]


def test_outputs_are_never_optional_or_states(plain):
    _feature(plain, output=True).type.isOptional = True
    assert warnings_of(plain) == ["output 'y': is optional, but only inputs may be"]
    _feature(plain, output=True).type.stateType.arrayType.shape.append(3)
    assert "output 'y': is a state, but an output cannot be one" in errors_of(plain)


def test_there_are_outputs(plain):
    del plain.description.output[:]
    assert errors_of(plain) == ["description: there are no outputs"]


def test_each_function_has_a_separate_interface(plain):
    function = plain.description.functions.add(name="main")
    function.input.add(name="z")
    plain.description.defaultFunctionName = "other"
    assert errors_of(plain) == [
        "function 'main' > input 'z': has no type, or one that is newer than this reader",
        "description: the default function 'other' does not exist",
    ]


@pytest.mark.parametrize(
    ("kind", "name", "severity"),
    [("glmClassifier", "", "warning"), ("glmRegressor", "", "error"), ("glmRegressor", "z", "error")],
)
def test_predictors_name_what_they_predict(kind, name, severity, plain):
    getattr(plain, kind).SetInParent()
    plain.description.predictedFeatureName = name
    words = "predictedFeatureName is 'z', which is not an output" if name else f"a {kind} has no predictedFeatureName"
    assert list(interface_problems(plain)) == [Problem("description", words, severity)]


def test_what_is_predicted_has_the_right_type(plain):
    def found() -> list[str]:
        return [str(problem) for problem in interface_problems(plain)]

    plain.glmClassifier.stringClassLabels.vector.append("a")
    plain.description.predictedFeatureName = "y"
    assert found() == ["output 'y': must have the type int64Type or stringType, got multiArrayType"]
    _feature(plain, output=True).type.int64Type.SetInParent()
    assert found() == ["output 'y': has the type int64Type, but the model has stringClassLabels"]
    _feature(plain, output=True).type.stringType.SetInParent()
    assert found() == []
    plain.description.predictedProbabilitiesName = "p"
    assert found() == ["description: predictedProbabilitiesName is 'p', which is not an output"]
    plain.description.predictedProbabilitiesName = "y"
    assert found() == ["output 'y': must be a dictionary of probabilities, got stringType"]


# Nearest neighbours and links -----------------------------------------------------------------------------------------


@pytest.fixture
def neighbors(plain) -> Model:
    knn = plain.kNearestNeighborsClassifier
    knn.numberOfNeighbors.defaultValue = 2
    knn.numberOfNeighbors.range.minValue, knn.numberOfNeighbors.range.maxValue = 1, 5
    knn.uniformWeighting.SetInParent()
    knn.stringClassLabels.vector.extend(["a", "b"])
    index = knn.nearestNeighborsIndex
    index.numberOfDimensions = 3
    index.linearIndex.SetInParent()
    index.squaredEuclideanDistance.SetInParent()
    for _ in range(2):
        index.floatSamples.add(vector=[0.0, 0.0, 1.0])
    plain.description.output[0].type.stringType.SetInParent()
    plain.description.predictedFeatureName = "y"
    return plain


def _no_samples(knn):
    del knn.nearestNeighborsIndex.floatSamples[:]
    knn.ClearField("stringClassLabels")


BROKEN_NEIGHBORS = [
    (lambda k: k.stringClassLabels.vector.append("c"), "expected a label for each of the 2 samples, got 3"),
    (lambda k: k.nearestNeighborsIndex.floatSamples[1].vector.append(1), "sample 2 must have 3 numbers, got 4"),
    (
        lambda k: setattr(k.nearestNeighborsIndex, "numberOfDimensions", 0),
        "numberOfDimensions must be at least 1, got 0",
    ),
    (
        lambda k: k.nearestNeighborsIndex.floatSamples[1].vector.__setitem__(0, float("nan")),
        "sample 2 must have finite numbers, got nan",
    ),
    (lambda k: k.ClearField("uniformWeighting"), "has no weighting scheme"),
    (lambda k: k.ClearField("numberOfNeighbors"), "numberOfNeighbors is missing"),
    (
        lambda k: setattr(k.numberOfNeighbors, "defaultValue", 7),
        "default of numberOfNeighbors, 7, is outside its range",
    ),
    (
        lambda k: setattr(k.numberOfNeighbors.range, "minValue", 0),
        "numberOfNeighbors must be positive, but its allowed values include 0",
    ),
    (lambda k: setattr(k.numberOfNeighbors.range, "minValue", 9), "the range of numberOfNeighbors, 9 to 5, is empty"),
    (lambda k: k.numberOfNeighbors.set.values.extend([1, 3]), "numberOfNeighbors, 2, is not one of its allowed values"),
    (
        lambda k: setattr(k, "defaultInt64Label", 1),
        "its stringClassLabels and its defaultInt64Label have different types",
    ),
    (_no_samples, "has no samples, so it needs a default label"),
]


@pytest.mark.parametrize(("change", "words"), BROKEN_NEIGHBORS, ids=[words for _, words in BROKEN_NEIGHBORS])
def test_broken_neighbors(change, words, neighbors):
    assert problems(neighbors) == []
    change(neighbors.kNearestNeighborsClassifier)
    errors = errors_of(neighbors)
    assert any(error.startswith("nearest neighbours: ") and words in error for error in errors), errors


def test_the_index_of_neighbors_changes_no_answer(neighbors):
    index = neighbors.kNearestNeighborsClassifier.nearestNeighborsIndex
    index.singleKdTreeIndex.leafSize = 0
    index.ClearField("squaredEuclideanDistance")
    assert errors_of(neighbors) == []
    assert warnings_of(neighbors) == [
        "nearest neighbours: DistanceFunction is not set",
        "nearest neighbours: leafSize must be at least 1, got 0",
    ]


def test_a_link_leads_somewhere(plain):
    plain.linkedModel.linkedModelFile.SetInParent()
    assert errors_of(plain) == ["linked model: the name of the linked file is empty"]
    plain.linkedModel.linkedModelFile.linkedModelFileName.defaultValue = "Extractor.mlmodelc"
    assert errors_of(plain) == []


# Real files -----------------------------------------------------------------------------------------------------------


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in (".mlmodel", ".mlpackage"))


def test_real_models_have_no_errors(real_models):
    found = {path.name: errors_of(read(path)) for path in _files(real_models)}
    assert len(found) > 20
    assert {name: errors for name, errors in found.items() if errors} == {}


def test_a_real_updatable_model_that_breaks_the_rules_of_updating(real_models):
    model = read(real_models / "archdanny" / "newcoreml.mlmodel")
    assert errors_of(model) == []
    with pytest.raises(SpecError) as caught:
        validate(model)
    assert str(caught.value).splitlines() == [
        "the model has 2 errors:",
        "  model: has specification version 1; updatable models need at least 4",
        "  network: expected exactly one loss layer, got 0",
    ]


def test_other_real_updatable_models_pass_the_rules_of_updating(real_models):
    updatable = {path.name: model for path in _files(real_models) if (model := read(path)).isUpdatable}
    del updatable["newcoreml.mlmodel"]
    assert len(updatable) >= 5
    for model in updatable.values():
        validate(model)
