"""Feature engineering: each kind against scikit-learn or numbers by hand, in float64, traced and not."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_model import DOUBLE, INT, INTS, PLACES, STRING, STRINGS, WORDS, array, doubles, made, optional

import graphml
from graphml import FeatureError, ShapeError, SpecError, UnsupportedError

pytest.importorskip("sklearn", reason="scikit-learn is the judge of feature engineering")
from sklearn.feature_extraction import DictVectorizer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import Normalizer, OneHotEncoder, StandardScaler

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(20, 5)) * [1, 10, 1e-3, 1e6, 1]


def one(message, x):
    """The only output for the only input."""
    return next(iter(graphml.load(message).predict({message.description.input[0].name: x}).values()))


def traced(message, x, jit=False):
    function = graphml.load(message).as_function()
    with jax.enable_x64(True):
        return np.asarray((jax.jit(function) if jit else function)({"x": x})["y"])


def numeric(kind, shape=(5,), **content):
    return made(kind, {"x": doubles(*shape)}, {"y": doubles(*shape)}, **content)


# Scaler, normalizer, imputer ------------------------------------------------------------------------------------------


def test_a_scaler_is_scikit_learn_s():
    judge = StandardScaler().fit(ROWS)
    mean, scale = np.asarray(judge.mean_), np.asarray(judge.scale_)
    message = numeric("scaler", shiftValue=-mean, scaleValue=1 / scale)
    for row, want in zip(ROWS, judge.transform(ROWS), strict=True):
        np.testing.assert_allclose(one(message, row), want, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(traced(message, ROWS[0], jit=True), judge.transform(ROWS)[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("content", "want"),
    [
        ({}, [1, 2]),
        ({"shiftValue": [1]}, [2, 3]),
        ({"scaleValue": [0]}, [0, 0]),
        ({"shiftValue": [1, 0], "scaleValue": [3]}, [6, 6]),
    ],
)
def test_the_shift_comes_before_the_scale(content, want):
    assert one(numeric("scaler", (2,), **content), [1, 2]).tolist() == want


def test_numbers_are_scaled_in_double_precision():
    assert one(made("scaler", {"x": DOUBLE}, {"y": DOUBLE}, shiftValue=[0.1], scaleValue=[3]), 0.2) == (0.2 + 0.1) * 3
    whole = made("scaler", {"x": INT}, {"y": INT}, scaleValue=[0.5])
    assert one(whole, 6) == 3
    assert type(one(whole, 6)) is int
    with pytest.raises(FeatureError, match=r"'y' is an integer, but the computed value is 3.5"):
        one(whole, 7)
    integers = made("scaler", {"x": array(2, dtype="int32")}, {"y": array(2, dtype="int32")}, scaleValue=[0.5])
    assert one(integers, [2, 4]).tolist() == [1, 2]
    with pytest.raises(FeatureError, match=r"'y' is an int32 array, but a computed value is 1.5"):
        one(integers, [2, 3])
    with pytest.raises(UnsupportedError, match="not a function of float arrays"):
        graphml.load(integers).as_function()


@pytest.mark.parametrize(("norm", "name"), [(0, "max"), (1, "l1"), (2, "l2")])
def test_a_normalizer_is_scikit_learn_s(norm, name):
    rows = np.abs(ROWS) if name == "max" else ROWS
    message = numeric("normalizer", normType=norm)
    for row, want in zip(rows, Normalizer(name).transform(rows), strict=True):
        np.testing.assert_allclose(one(message, row), want, rtol=1e-12)
    np.testing.assert_allclose(traced(message, rows[1]), Normalizer(name).transform(rows)[1], rtol=1e-12)


@pytest.mark.parametrize("norm", [0, 1, 2])
def test_zeros_stay_zeros(norm):
    assert one(numeric("normalizer", normType=norm), np.zeros(5)).tolist() == [0] * 5


def test_the_largest_element_counts_with_its_sign():
    assert one(numeric("normalizer", (2,)), [-4, -2]).tolist() == [2, 1]


def test_lengths_neither_overflow_nor_vanish():
    for size in (1e200, 1e-200):
        np.testing.assert_allclose(one(numeric("normalizer", (2,), normType=2), [3 * size, 4 * size]), [0.6, 0.8])


@pytest.mark.parametrize("mark", [np.nan, -1.0])
def test_an_imputer_is_scikit_learn_s(mark):
    rows = np.where(RNG.uniform(size=ROWS.shape) < 0.3, mark, ROWS)
    judge = SimpleImputer(missing_values=mark).fit(rows)
    message = numeric("imputer", imputedDoubleArray={"vector": judge.statistics_}, replaceDoubleValue=mark)
    for row, want in zip(rows, judge.transform(rows), strict=True):
        np.testing.assert_array_equal(one(message, row), want)
    np.testing.assert_array_equal(traced(message, rows[0], jit=True), judge.transform(rows)[0])


@pytest.mark.parametrize(
    ("feature", "content", "x", "want"),
    [
        (DOUBLE, {"imputedDoubleValue": 2.5}, np.nan, 2.5),
        (DOUBLE, {"imputedDoubleValue": 0.0, "replaceDoubleValue": 7.0}, 7.0, 0.0),
        (DOUBLE, {"imputedDoubleValue": 2.5, "replaceDoubleValue": 7.0}, 8.0, 8.0),
        (INT, {"imputedInt64Value": 2**60 + 1, "replaceInt64Value": -1}, -1, 2**60 + 1),
        (INT, {"imputedInt64Value": 5}, 3, 3),
        (STRING, {"imputedStringValue": "none", "replaceStringValue": ""}, "", "none"),
        (STRING, {"imputedStringValue": "none"}, "", ""),
        (doubles(3), {"imputedDoubleValue": 9.0}, [1, np.nan, 2], [1, 9, 2]),
        (array(2, dtype="int32"), {"imputedInt64Array": {"vector": [7, 8]}, "replaceInt64Value": 0}, [0, 5], [7, 5]),
        (
            WORDS,
            {"imputedStringDictionary": {"map": {"a": 1.0, "c": 3.0}}},
            {"a": np.nan, "c": 4.0},
            {"a": 1.0, "c": 4.0},
        ),
        (PLACES, {"imputedInt64Dictionary": {"map": {-3: 1.0}}}, {-3: np.nan}, {-3: 1.0}),
    ],
)
def test_missing_values_are_replaced(feature, content, x, want):
    got = one(made("imputer", {"x": feature}, {"y": feature}, **content), x)
    assert (got.tolist() if isinstance(got, np.ndarray) else got) == want
    assert type(got) is type(want) or isinstance(got, np.ndarray)


@pytest.mark.parametrize(
    ("feature", "content", "want"),
    [
        (STRING, {"imputedStringValue": "none"}, "none"),
        (doubles(2), {"imputedDoubleValue": 3.0}, [3, 3]),
        (WORDS, {"imputedStringDictionary": {"map": {"a": 1.0}}}, {"a": 1.0}),
    ],
)
def test_what_was_left_out_is_missing(feature, content, want):
    got = graphml.load(made("imputer", {"x": optional(feature)}, {"y": feature}, **content)).predict({})["y"]
    assert (got.tolist() if isinstance(got, np.ndarray) else got) == want


# Categories -----------------------------------------------------------------------------------------------------------

WORDS_SEEN, NUMBERS_SEEN = ["red", "green", "blue"], [30, -10, 20]


@pytest.mark.parametrize(("categories", "feature"), [(WORDS_SEEN, STRING), (NUMBERS_SEEN, INT)])
@pytest.mark.parametrize("unknown", ["error", "ignore"])
def test_an_encoder_is_scikit_learn_s(categories, feature, unknown):
    judge = OneHotEncoder(categories=[categories], handle_unknown=unknown, sparse_output=False)
    judge.fit(np.array(categories, object)[:, None])
    field = "stringCategories" if feature is STRING else "int64Categories"
    content = {field: {"vector": categories}, "handleUnknown": int(unknown == "ignore")}
    dense = made("oneHotEncoder", {"x": feature}, {"y": doubles(3)}, **content)
    sparse = made("oneHotEncoder", {"x": feature}, {"y": PLACES}, outputSparse=True, **content)
    strange = "pink" if feature is STRING else 7
    for category in [*categories, *([strange] if unknown == "ignore" else [])]:
        want = judge.transform(np.array([[category]], object))[0]
        assert one(dense, category).tolist() == want.tolist()
        assert one(sparse, category) == {int(i): 1.0 for i in np.flatnonzero(want)}
    if unknown == "error":
        for message in (dense, sparse):
            with pytest.raises(FeatureError, match="not among the 3 categories of 'x'"):
                one(message, strange)


def test_an_encoder_with_string_keys_gives_the_category():
    message = made(
        "oneHotEncoder", {"x": STRING}, {"y": WORDS}, stringCategories={"vector": WORDS_SEEN}, outputSparse=True
    )
    assert one(message, "green") == {"green": 1.0}


@pytest.mark.parametrize("keys", [["a", "c", "b"], [7, -3, 0]])
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), there=st.lists(st.booleans(), min_size=3, max_size=3)
)
def test_a_dictionary_vectorizer_is_scikit_learn_s(keys, values, there):
    row = {key: value for key, value, use in zip(keys, values, there, strict=True) if use}
    words = isinstance(keys[0], str)
    judge = DictVectorizer(sparse=False, sort=False).fit([{str(key): 1.0 for key in keys}])
    want = judge.transform([{str(key): value for key, value in row.items()}])[0]
    content = {"stringToIndex" if words else "int64ToIndex": {"vector": keys}}
    feature, strange = (WORDS, "unseen") if words else (PLACES, 99)
    message = made("dictVectorizer", {"x": feature}, {"y": doubles(3)}, **content)
    assert one(message, {**row, strange: 5.0}).tolist() == want.tolist()
    sparse = made("dictVectorizer", {"x": feature}, {"y": PLACES}, **content)
    assert one(sparse, {**row, strange: 5.0}) == {keys.index(key): value for key, value in row.items()}


@pytest.mark.parametrize(
    ("declared", "content"),
    [(WORDS, {"int64ToIndex": {"vector": [7, -3, 0]}}), (PLACES, {"stringToIndex": {"vector": ["7", "-3", "0"]}})],
    ids=["strings declared for integers", "integers declared for strings"],
)
def test_the_list_of_a_dictionary_vectorizer_decides_what_a_key_is(declared, content):
    message = made("dictVectorizer", {"x": declared}, {"y": doubles(3)}, **content)
    assert one(message, {-3: 2.0, 0: 1.0, 5: 9.0}).tolist() == [0, 2, 1]
    assert one(message, {"-3": 2.0, "0": 1.0}).tolist() == [0, 2, 1]
    # neither an integer in its usual form nor one that is listed: ignored, as every key that is not listed
    assert one(message, {"-03": 1.0, "cat": 2.0, "9" * 5000: 3.0}).tolist() == [0, 0, 0]
    with pytest.raises(FeatureError, match=r"the keys .* and .* mean the same entry"):
        one(message, {0: 1.0, "0": 2.0})
    with pytest.raises(FeatureError, match=r"takes a dictionary of int or str -> float, got the key 1.5"):
        one(message, {1.5: 1.0})


def test_the_first_of_equal_keys_counts():
    message = made("dictVectorizer", {"x": WORDS}, {"y": doubles(3)}, stringToIndex={"vector": ["a", "b", "a"]})
    assert one(message, {"a": 2.0}).tolist() == [2, 0, 0]


def test_mappings_go_both_ways_and_through_sequences():
    there = {"stringToInt64Map": {"map": {"cat": 3, "dog": 0}}}
    back = {"int64ToStringMap": {"map": {3: "cat", 0: ""}}}
    assert one(made("categoricalMapping", {"x": STRING}, {"y": INT}, **there), "dog") == 0
    assert one(made("categoricalMapping", {"x": INT}, {"y": STRING}, **back), 0) == ""
    assert one(made("categoricalMapping", {"x": STRINGS}, {"y": INTS}, **there), ["dog", "cat", "dog"]) == [0, 3, 0]
    with pytest.raises(FeatureError, match="'cow' is not among the 2 keys"):
        one(made("categoricalMapping", {"x": STRINGS}, {"y": INTS}, **there), ["dog", "cow"])
    assert one(made("categoricalMapping", {"x": STRING}, {"y": INT}, int64Value=0, **there), "cow") == 0
    assert one(made("categoricalMapping", {"x": INT}, {"y": STRING}, strValue="?", **back), 1) == "?"


# Rows -----------------------------------------------------------------------------------------------------------------


def vectorizer(columns, **features):
    total = sum(columns.values())
    listed = [{"inputColumn": name, "inputDimensions": size} for name, size in columns.items()]
    return made("featureVectorizer", features, {"y": doubles(total)}, inputList=listed)


def test_inputs_are_concatenated_in_the_listed_order():
    message = vectorizer({"b": 2, "d": 3, "a": 1, "i": 1}, a=DOUBLE, b=doubles(1, 2), i=INT, d=PLACES)
    features = {"a": 0.1, "b": [[1, 2]], "i": 7, "d": {2: 5.0, 0: -1.0}}
    assert graphml.load(message).predict(features)["y"].tolist() == [1, 2, -1, 0, 5, 0.1, 7]
    with pytest.raises(FeatureError, match="index 3 of 'd' is out of range for size 3"):
        graphml.load(message).predict(features | {"d": {3: 1.0}})
    with pytest.raises(UnsupportedError, match="its input 'd' takes a dictionary"):
        graphml.load(message).as_function()


def test_what_is_left_out_of_a_row_is_nan():
    message = vectorizer({"a": 1, "b": 2, "d": 1}, a=optional(DOUBLE), b=doubles(2), d=optional(PLACES))
    np.testing.assert_array_equal(graphml.load(message).predict({"b": [1, 2]})["y"], [np.nan, 1, 2, 0])


def test_rows_are_functions_of_arrays():
    function = graphml.load(vectorizer({"a": 1, "b": 2}, a=DOUBLE, b=doubles(2))).as_function()
    with jax.enable_x64(True):
        gradients = jax.jacobian(lambda b: function({"a": 3.0, "b": b})["y"])(np.ones(2))
    assert gradients.tolist() == [[0, 0], [1, 0], [0, 1]]


def test_a_flexible_input_of_a_row_is_checked_when_it_is_there():
    feature = doubles(2)
    feature.multiArrayType.shapeRange.sizeRanges.add(lowerBound=1, upperBound=-1)
    with pytest.raises(ShapeError, match="'b' has 3 elements, but the model declares 2"):
        graphml.load(vectorizer({"b": 2}, b=feature)).predict({"b": [1, 2, 3]})


def test_elements_are_extracted_in_row_major_order():
    x = np.arange(6.0).reshape(2, 3) + 0.5
    several = made("arrayFeatureExtractor", {"x": doubles(2, 3)}, {"y": doubles(3)}, extractIndex=[5, 0, 5])
    assert one(several, x).tolist() == [5.5, 0.5, 5.5]
    assert traced(several, x).tolist() == [5.5, 0.5, 5.5]
    assert one(made("arrayFeatureExtractor", {"x": doubles(2, 3)}, {"y": DOUBLE}, extractIndex=[4]), x) == 4.5
    whole = made("arrayFeatureExtractor", {"x": doubles(2, 3)}, {"y": INT}, extractIndex=[4])
    assert one(whole, np.rint(x)) == 4
    with pytest.raises(FeatureError, match=r"an integer, but the computed value is 4.5"):
        one(whole, x)


def test_every_class_counts_as_present():
    curve = {name: {"vector": [0.5]} for name in ("precisionValues", "precisionConfidenceThresholds")}
    curve |= {name: {"vector": [0.5]} for name in ("recallValues", "recallConfidenceThresholds")}
    message = made(
        "classConfidenceThresholding", {"x": array(2)}, {"y": array(2, 2)}, precisionRecallCurves=[curve] * 2
    )
    assert one(message, [0.25, 0.0]).tolist() == [[0.25, 0], [1, 1]]
    assert one(message, [0.25, 0.0]).dtype == np.float32


# All ------------------------------------------------------------------------------------------------------------------


def test_arrays_without_a_declared_type_are_doubles():
    message = numeric("scaler")
    for feature in (message.description.input[0], message.description.output[0]):
        feature.type.multiArrayType.ClearField("dataType")
    assert one(message, [0.1] * 5).tolist() == [0.1] * 5


def test_an_optional_input_that_nothing_replaces_is_named():
    message = made("scaler", {"x": optional(DOUBLE)}, {"y": DOUBLE})
    with pytest.raises(FeatureError, match="'x' is missing and has no default"):
        graphml.load(message).predict({})
    encoder = made(
        "oneHotEncoder", {"x": optional(INT)}, {"y": PLACES}, int64Categories={"vector": [1]}, outputSparse=1
    )
    with pytest.raises(FeatureError, match="'x' is missing and has no default"):
        graphml.load(encoder).predict({})


def test_malformed_content_is_refused_before_predicting():
    with pytest.raises(SpecError, match="scaleValue must have 0, 1 or 5 values, got 3"):
        one(numeric("scaler", scaleValue=[1, 2, 3]), np.zeros(5))
