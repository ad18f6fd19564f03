"""The types of features, in all the forms that the builder takes."""

from __future__ import annotations

import pytest

from graphml.build import array, datatypes, image
from graphml.build.datatypes import Array, Dictionary, Double, Int64, String, feature_type
from graphml.errors import SpecError


def test_arrays_by_sizes_or_by_a_list_of_them():
    assert Array(3, 8, 8) == Array((3, 8, 8)) == Array([3, 8, 8])
    assert Array(3, 8, 8).dimensions == (3, 8, 8)
    assert Array(3, 8, 8).num_elements == 192
    assert Array().num_elements == 1


@pytest.mark.parametrize(("dtype", "wire"), [("float32", 65568), ("float64", 65600), ("int32", 131104)])
def test_array_messages(dtype, wire):
    feature = array(2, 3, dtype=dtype, optional=True)
    assert list(feature.multiArrayType.shape) == [2, 3]
    assert feature.multiArrayType.dataType == wire
    assert feature.isOptional
    assert feature_type(Array(2, 3), dtype).multiArrayType == feature.multiArrayType
    assert not array(2).isOptional


def test_arrays_have_one_of_four_types():
    with pytest.raises(SpecError, match="dtype is 'int8'; expected one of float32, float64, int32, float16"):
        array(2, dtype="int8")


def test_image_messages():
    feature = image(8, 6, "BGR").imageType
    assert (feature.width, feature.height, feature.colorSpace) == (8, 6, feature.BGR)
    assert image(8, 6).imageType.colorSpace == feature.RGB
    assert image(8, 6, "GRAYSCALE").imageType.colorSpace == feature.GRAYSCALE


@pytest.mark.parametrize(
    ("forms", "member"),
    [
        ((Int64(), Int64, "Int64"), "int64Type"),
        ((Double(), Double, "Double"), "doubleType"),
        ((String(), String, "String"), "stringType"),
    ],
)
def test_scalars_by_instance_class_or_name(forms, member):
    for form in forms:
        assert feature_type(form, "float32").WhichOneof("Type") == member


@pytest.mark.parametrize(
    ("form", "member"),
    [
        (Dictionary(), "stringKeyType"),
        (Dictionary, "stringKeyType"),
        (Dictionary(str), "stringKeyType"),
        (Dictionary(Int64()), "int64KeyType"),
        (Dictionary(Int64), "int64KeyType"),
        (Dictionary(int), "int64KeyType"),
    ],
)
def test_dictionaries_by_the_type_of_their_keys(form, member):
    assert feature_type(form, "float32").dictionaryType.WhichOneof("KeyType") == member


def test_a_message_is_returned_unchanged_and_none_means_an_array_of_unknown_shape():
    message = image(4, 4)
    assert feature_type(message, "float32") is message
    unknown = feature_type(None, "float64").multiArrayType
    assert (list(unknown.shape), unknown.dataType) == ([], 65600)


def test_other_things_are_refused():
    with pytest.raises(SpecError, match=r"3 is not a type; expected Array"):
        feature_type(3, "float32")
    with pytest.raises(SpecError, match=r"'Int32' is not a type; expected Array"):
        feature_type("Int32", "float32")
    with pytest.raises(SpecError, match=r"key_type is Double; expected Int64\(\) or String\(\)"):
        feature_type(Dictionary(Double()), "float32")
    assert datatypes.Array is Array  # as people's scripts import it
