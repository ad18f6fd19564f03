"""What a feature accepts, what it refuses, and in which words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphml.descriptions import ArrayConstraint, FeatureDescription, FeatureType, ImageConstraint, describe_feature
from graphml.errors import FeatureError
from graphml.models.interface.values import FeatureValue, check, checker, feature_check
from graphml.spec import ArrayFeatureType
from graphml.spec import FeatureDescription as Message


def feature(kind: FeatureType, **facts) -> FeatureDescription:
    return FeatureDescription("x", kind, **facts)


def array(*shape: int, dtype: str = "float32", **facts) -> FeatureDescription:
    return feature(FeatureType.MULTI_ARRAY, array=ArrayConstraint(shape or None, dtype, **facts))


INT64, DOUBLE, STRING = feature(FeatureType.INT64), feature(FeatureType.DOUBLE), feature(FeatureType.STRING)
WORDS = feature(FeatureType.DICTIONARY, keys=FeatureType.STRING)
COUNTS = feature(FeatureType.DICTIONARY, keys=FeatureType.INT64)
TOKENS = feature(FeatureType.SEQUENCE, keys=FeatureType.INT64, sizes=(1, 3))
TEXTS = feature(FeatureType.SEQUENCE, keys=FeatureType.STRING, sizes=(0, None))
IMAGE = feature(FeatureType.IMAGE, image=ImageConstraint(2, 2))


@pytest.mark.parametrize(
    ("description", "given_value", "expected"),
    [
        (INT64, 3, 3),
        (INT64, np.int32(-3), -3),
        (INT64, np.array([7]), 7),
        (DOUBLE, 2, 2.0),
        (DOUBLE, np.float16(0.5), 0.5),
        (DOUBLE, np.array(1.25), 1.25),
        (STRING, "", ""),
        (WORDS, {"a": 1, "b": np.float32(0.5)}, {"a": 1.0, "b": 0.5}),
        (WORDS, {}, {}),
        (COUNTS, {np.int64(3): 2}, {3: 2.0}),
        (TOKENS, [1, np.int8(2)], [1, 2]),
        (TOKENS, np.array([5, 6, 7]), [5, 6, 7]),
        (TEXTS, [], []),
        (TEXTS, ("a", "b"), ["a", "b"]),
    ],
)
def test_plain_values_pass(description, given_value, expected):
    value = check(description, given_value)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("description", "given_value", "words"),
    [
        (INT64, True, "takes an int, got True (bool)"),
        (INT64, np.bool_(False), "False"),
        (INT64, 3.0, "3.0 (float)"),
        (INT64, "3", "'3' (str)"),
        (INT64, 2**63, "more than 64 bits"),
        pytest.param(INT64, 10**5000, "more than 64 bits", id="an int of 5000 digits"),
        pytest.param(DOUBLE, 10**5000, "too large for a float", id="a float of 5000 digits"),
        pytest.param(STRING, 10**5000, "an integer of 16610 bits", id="a text of 5000 digits"),
        (INT64, np.array([1, 2]), r"an int64 array \[2\]"),
        (DOUBLE, "1.0", "takes a float, got '1.0' (str)"),
        (DOUBLE, False, "False (bool)"),
        (DOUBLE, 1j, "a complex"),
        (STRING, 3, "takes a str, got 3 (int)"),
        (STRING, b"raw", "bytes"),
        (WORDS, [("a", 1)], "dictionary of str -> float, got a list"),
        (WORDS, {1: 1.0}, "the key 1 (int)"),
        (COUNTS, {"a": 1.0}, "dictionary of int -> float, got the key 'a' (str)"),
        (COUNTS, {True: 1.0}, "the key True"),
        (WORDS, {"a": "b"}, "'b' (str) under the key 'a'"),
        (WORDS, {"a": True}, "True (bool) under the key 'a'"),
        (TOKENS, [], "a sequence of int of 1 to 3 elements, got 0 elements"),
        (TOKENS, [1, 2, 3, 4], "4 elements"),
        (TOKENS, [1, "a"], "the element 'a' (str)"),
        (TOKENS, [True], "the element True (bool)"),
        (TEXTS, "abc", "a sequence of str of 0 or more elements, got 'abc' (str)"),
        (TEXTS, 3, "3 (int)"),
        (array(2), "ab", r"a float32 array \[2\], got 'ab' (str)"),
        (array(2), ["a", "b"], "got a list"),
        (array(2), np.array(["a", "b"]), "an array of <U1"),
        (array(2), np.array([1, None]), "an array of object"),
        (array(2), [1j, 2], "got a list"),
        (array(2), {"a": 1}, "got a dict"),
        (array(2, 2), [[1, 2], [3]], "cannot be read as an array"),
        (array(2, 3), np.zeros((3, 2)), r"takes a float32 array \[2, 3\], got a float64 array \[3, 2\]"),
        (array(3), np.zeros((2, 3)), r"a float64 array \[2, 3\]"),
        (array(2, dtype="int32"), [1.0, 0.5], "a float64 array that contains 0.5"),
        (array(2, dtype="int32"), [1.0, np.nan], "contains nan"),
        (array(2, dtype="int32"), [0, 2**31], "contains 2147483648"),
        (array(2, dtype="int8"), [0, -129], "contains -129"),
        (IMAGE, {"a": 1}, "takes an image RGB 2 x 2, got a dict"),
        (IMAGE, np.zeros((2, 2, 5)), r"cannot read an array of shape \[2, 2, 5\] as an image"),
        (INT64, FeatureValue.from_double(3.0), "takes an int, got a feature value of type DOUBLE"),
        (feature(FeatureType.STATE), 3, "takes nothing: features of type state are not supported"),
    ],
)
def test_refusals_say_what_was_given_and_what_is_accepted(description, given_value, words):
    with pytest.raises(FeatureError, match="the feature 'x' takes") as error:
        check(description, given_value)
    assert words.replace("\\", "") in str(error.value)


def test_integers_of_any_length_are_refused_with_a_message():
    huge = 10**5000  # Python does not even print it
    for description, value, words in (
        (INT64, huge, "an integer of 16610 bits, which needs more than 64 bits"),
        (DOUBLE, huge, "an integer of 16610 bits, which is too large for a float"),
        (WORDS, {"a": huge}, "an integer of 16610 bits, which is too large for a float"),
        (TOKENS, [huge, "a"], "the element 'a'"),
        (array(1), [huge], "got a list"),
    ):
        with pytest.raises(FeatureError, match=words):
            check(description, value)


def test_not_a_number_and_infinity_are_values():
    assert np.isnan(check(DOUBLE, np.nan))
    assert check(array(2), [np.inf, -np.inf]).tolist() == [np.inf, -np.inf]
    assert check(array(1, dtype="float16"), [1e9]).tolist() == [np.inf]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
@pytest.mark.parametrize("source", [np.float16, np.float32, np.float64, np.int64, np.uint8, np.bool_])
def test_arrays_take_the_declared_type(dtype, source):
    value = check(array(3, dtype=dtype), np.array([0, 1, 1], source))
    assert value.dtype == dtype
    assert value.tolist() == [0, 1, 1]


def test_arrays_of_other_libraries_pass():
    import array as array_module

    import jax.numpy as jnp

    assert check(array(2), jnp.array([1, 2], jnp.bfloat16)).tolist() == [1, 2]
    assert check(array(2), array_module.array("d", [1.5, 2.5])).tolist() == [1.5, 2.5]


def test_an_array_of_the_right_type_is_not_copied():
    x = np.zeros((2, 3), np.float32)
    assert check(array(2, 3), x) is x


SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@given(SHAPES, st.data())
def test_axes_of_size_one_may_be_added_or_left_out(shape, data):
    changed = [n for n in shape if n != 1]
    for _ in range(data.draw(st.integers(0, 2))):
        changed.insert(data.draw(st.integers(0, len(changed))), 1)
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(changed)
    value = check(array(*shape), x)
    assert value.shape == shape
    np.testing.assert_array_equal(value.ravel(), x.ravel())


@given(SHAPES, SHAPES)
def test_any_other_shape_is_refused(declared, offered):
    same = [n for n in declared if n != 1] == [n for n in offered if n != 1]
    if same:
        assert ArrayConstraint(declared).fit(offered) is not None
    else:
        with pytest.raises(FeatureError):
            check(array(*declared), np.zeros(offered))


@given(st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 5))), min_size=1, max_size=3), SHAPES)
def test_ranges_bound_every_axis(ranges, shape):
    ranges = tuple((low, None if high is None else low + high) for low, high in ranges)
    constraint = ArrayConstraint(tuple(low for low, _ in ranges), ranges=ranges)
    inside = len(shape) == len(ranges) and all(
        low <= n and (high is None or n <= high) for n, (low, high) in zip(shape, ranges, strict=True)
    )
    assert constraint.allows(shape) == inside or shape == constraint.shape
    if inside:
        assert constraint.fit((1, *shape)) is not None


@pytest.mark.parametrize(
    ("declared", "offered", "fits"),
    [
        ((3, 4, 5), (1, 1, 3, 4, 5), (3, 4, 5)),
        ((3, 4, 5), (7, 2, 3, 4, 5), (7, 2, 3, 4, 5)),
        ((3, 4, 5), (2, 3, 4, 5), (2, 3, 4, 5)),
        ((6,), (7, 2, 6, 1, 1), (7, 2, 6, 1, 1)),
        ((6,), (7, 6), (7, 6)),
        ((6,), (7, 2, 6), (7, 2, 6)),
        ((6,), (7, 2, 6, 1), None),
        ((6,), (7, 2, 6, 1, 2), None),
        ((3, 4, 5), (7, 2, 3, 5, 4), None),
        ((3, 4), (2, 3, 4), None),
    ],
)
def test_networks_with_rank_5_mapping_take_sequence_and_batch_axes(declared, offered, fits):
    assert ArrayConstraint(declared).fit(offered, rank5=True) == fits
    if fits != declared:
        assert ArrayConstraint(declared).fit(offered) is None


def declared(**fields) -> FeatureDescription:
    message = Message(name="x")
    message.type.multiArrayType.dataType = ArrayFeatureType.FLOAT32
    for name, value in fields.items():
        if name == "shapes":
            for shape in value:
                message.type.multiArrayType.enumeratedShapes.shapes.add(shape=shape)
        elif name == "ranges":
            for low, high in value:
                message.type.multiArrayType.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)
        elif name == "shape":
            message.type.multiArrayType.shape.extend(value)
        else:
            setattr(message.type.multiArrayType, name, value)
    return describe_feature(message)


def test_the_default_shape_is_the_declared_the_first_or_the_smallest():
    def default(**fields):
        array = declared(**fields).array
        assert array is not None
        return array.shape

    assert default(shape=[2, 3]) == (2, 3)
    assert default(shape=[4], shapes=[[2], [4]]) == (4,)
    assert default(shapes=[[2, 3], [4, 5]]) == (2, 3)
    assert default(ranges=[(1, 3), (2, -1)]) == (1, 2)
    assert default() is None


def test_flexible_shapes_say_what_they_accept():
    enumerated = declared(shapes=[[2, 3], [4, 5]])
    assert check(enumerated, np.zeros((4, 5))).shape == (4, 5)
    with pytest.raises(FeatureError, match=r"float32 array \[2, 3\] or \[4, 5\], got a float64 array \[2, 5\]"):
        check(enumerated, np.zeros((2, 5)))
    ranged = declared(shape=[1, 2], ranges=[(1, 3), (2, -1)])
    assert check(ranged, np.zeros((3, 1000))).shape == (3, 1000)
    assert check(ranged, np.zeros((1, 1, 3, 5))).shape == (3, 5)
    assert check(ranged, np.zeros(7)).shape == (1, 7)
    with pytest.raises(FeatureError, match=r"float32 array \[1 to 3, 2 or more\], got a float64 array \[4, 2\]"):
        check(ranged, np.zeros((4, 2)))
    assert check(declared(), np.zeros((1, 2, 3, 4, 5, 6))).ndim == 6


@pytest.mark.parametrize("kind", ["intDefaultValue", "floatDefaultValue", "doubleDefaultValue"])
@pytest.mark.parametrize("value", [0, 3])
def test_an_optional_array_is_filled_with_its_default(kind, value):
    message = declared(shape=[2], **{kind: value})
    optional = FeatureDescription("x", message.type, optional=True, array=message.array)
    assert feature_check([optional])({})["x"].tolist() == [value, value]
    assert feature_check([optional])({"x": None})["x"].tolist() == [value, value]
    assert feature_check([optional])({"x": [5, 6]})["x"].tolist() == [5, 6]


def test_missing_and_unknown_features_are_named():
    check_all = feature_check(
        [FeatureDescription("width", FeatureType.DOUBLE), FeatureDescription("name", FeatureType.STRING, optional=True)]
    )
    assert check_all({"width": 1}) == {"width": 1.0}
    with pytest.raises(FeatureError, match="the feature 'width' is missing; it takes a float"):
        check_all({"name": "a"})
    with pytest.raises(FeatureError, match=r"no feature 'widht' \(did you mean 'width'\?\); it has 'width', 'name'"):
        check_all({"widht": 1})
    with pytest.raises(FeatureError, match="no feature 'zzz'; it has"):
        check_all({"width": 1, "zzz": 2})
    with pytest.raises(FeatureError, match="features must be given by name, as"):
        check_all([1.0])  # type: ignore[arg-type]


def test_feature_values_hold_every_type():
    for description, value, plain in (
        (INT64, FeatureValue.from_int64(3), 3),
        (DOUBLE, FeatureValue.from_double(0.5), 0.5),
        (STRING, FeatureValue.from_string("a"), "a"),
        (WORDS, FeatureValue.from_dictionary({"a": 1.0}), {"a": 1.0}),
        (TOKENS, FeatureValue.from_sequence([1]), [1]),
    ):
        assert check(description, value) == plain
    assert check(array(2), FeatureValue.from_array([1, 2])).tolist() == [1, 2]
    pixels = np.arange(12.0, dtype=np.float32).reshape(3, 2, 2)
    np.testing.assert_array_equal(check(IMAGE, FeatureValue.from_image(pixels, ImageConstraint(2, 2))), pixels)


def test_a_network_may_ask_for_another_type_than_the_declared_one():
    take = checker(array(2, dtype="float64"), dtype="float32")
    assert take([1, 2]).dtype == np.float32
    whole = checker(array(2, dtype="int32"), dtype="float32")
    with pytest.raises(FeatureError, match=r"contains 0\.5"):
        whole([0.5, 1])


def test_a_description_is_read_from_the_wire():
    message = Message(name="x", shortDescription="words")
    message.type.sequenceType.stringType.SetInParent()
    message.type.sequenceType.sizeRange.lowerBound = 2
    message.type.sequenceType.sizeRange.upperBound = -1
    message.type.isOptional = True
    assert describe_feature(message) == FeatureDescription(
        "x", FeatureType.SEQUENCE, optional=True, text="words", keys=FeatureType.STRING, sizes=(2, None)
    )
    message = Message(name="x")
    message.type.dictionaryType.int64KeyType.SetInParent()
    assert describe_feature(message).keys is FeatureType.INT64
    assert describe_feature(Message(name="x")).type is FeatureType.INVALID
