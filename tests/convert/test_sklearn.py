"""Estimators of scikit-learn and the models made of them give the same answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import compose, discriminant_analysis, ensemble, linear_model, multiclass, svm, tree
from sklearn import feature_selection as selection
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction import DictVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from threadpoolctl import threadpool_limits

import graphml
from graphml.convert.sklearn import from_sklearn, supported
from graphml.errors import FeatureError, SpecError, UnsupportedError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
NEW = np.concatenate([RNG.normal(size=(20, 4)), X[:10]])
NUMBER = X @ [1, -2, 0.5, 3] + RNG.normal(size=60)
SEVERAL = np.column_stack([NUMBER, -NUMBER])
TWO = np.where(X[:, 0] > 0, 7, 2)
THREE = np.array(["ant", "bee", "cow"])[(X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Threads of OpenMP wait for each other by spinning, which takes seconds on a busy machine."""
    with threadpool_limits(1):
        yield


def _answers(model: Any, rows: Any) -> list[dict[str, Any]]:
    return model.predict_batch([{"input": row} for row in rows])


def check_classifier(model: Any, estimator: Any, rows: Any, atol: float = 1e-13, labels: bool = True) -> None:
    """Labels are equal, and probabilities of estimators that have them."""
    answers, classes = _answers(model, rows), estimator.classes_.tolist()
    if labels:
        assert [answer["classLabel"] for answer in answers] == estimator.predict(rows).tolist()
    assert ("classProbability" in answers[0]) == hasattr(estimator, "predict_proba")
    if hasattr(estimator, "predict_proba"):
        found = [[answer["classProbability"][label] for label in classes] for answer in answers]
        np.testing.assert_allclose(found, estimator.predict_proba(rows), rtol=0, atol=atol)


CLASSIFIERS = [
    linear_model.LogisticRegression(),
    multiclass.OneVsRestClassifier(linear_model.LogisticRegression()),
    discriminant_analysis.LinearDiscriminantAnalysis(),
    linear_model.SGDClassifier(loss="log_loss", random_state=0),
    linear_model.SGDClassifier(random_state=0),
    linear_model.Perceptron(),
    linear_model.RidgeClassifier(),
    svm.LinearSVC(),
    svm.SVC(gamma=0.3),
    svm.NuSVC(kernel="poly", nu=0.2, coef0=0.5),
    tree.DecisionTreeClassifier(random_state=0),
    tree.ExtraTreeClassifier(max_depth=3, random_state=0),
    ensemble.RandomForestClassifier(6, random_state=0),
    ensemble.ExtraTreesClassifier(6, max_depth=2, random_state=0),
    ensemble.GradientBoostingClassifier(n_estimators=4, random_state=0),
    ensemble.GradientBoostingClassifier(n_estimators=2, init="zero", random_state=0),
    ensemble.HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5),
]


@pytest.mark.parametrize("target", [TWO, THREE], ids=["integers", "strings"])
@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=str)
def test_classifiers(estimator, target):
    fitted = estimator.fit(X, target)
    model = from_sklearn(fitted)
    assert model.spec.specificationVersion == 1
    check_classifier(model, fitted, NEW)


def test_exponential_loss():
    fitted = ensemble.GradientBoostingClassifier(n_estimators=3, loss="exponential").fit(X, TWO)
    check_classifier(from_sklearn(fitted), fitted, NEW)


@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_probabilities_of_support_vectors():
    """scikit-learn's libsvm finds them by an iteration, which it ends early for two classes: at a change of 0.0025."""
    for target, atol in ((THREE, 1e-12), (TWO, 0.005)):
        fitted = svm.SVC(probability=True, random_state=0).fit(X, target)
        check_classifier(from_sklearn(fitted), fitted, NEW, atol)


def test_forests_divide_by_the_number_of_trees_and_keep_ties():
    """With an even number of votes of 1 and 0, classes tie; scikit-learn then returns the first one."""
    rows = RNG.integers(0, 3, (40, 2)).astype(float)
    target = RNG.integers(0, 4, 40)
    fitted = ensemble.RandomForestClassifier(6, random_state=1).fit(rows, target)
    grid = np.array([[a, b] for a in range(3) for b in range(3)], float)
    sorted_shares = np.sort(fitted.predict_proba(grid), axis=1)
    fitted_ties = ensemble.ExtraTreesClassifier(6, max_features=1, random_state=3).fit(X[:12], np.arange(12) % 3)
    shares = np.sort(fitted_ties.predict_proba(NEW), axis=1)
    assert (shares[:, -1] == shares[:, -2]).any()
    check_classifier(
        from_sklearn(fitted), fitted, grid, labels=bool((sorted_shares[:, -1] > sorted_shares[:, -2]).all())
    )
    check_classifier(from_sklearn(fitted_ties), fitted_ties, NEW)


REGRESSORS = [
    linear_model.LinearRegression(),
    linear_model.Ridge(fit_intercept=False),
    linear_model.Lasso(),
    linear_model.ElasticNetCV(cv=2),
    linear_model.HuberRegressor(),
    linear_model.RANSACRegressor(random_state=0),
    svm.LinearSVR(),
    svm.SVR(),
    svm.NuSVR(kernel="sigmoid", gamma=0.1),
    tree.DecisionTreeRegressor(random_state=0),
    ensemble.RandomForestRegressor(5, random_state=0),
    ensemble.ExtraTreesRegressor(5, max_depth=3, random_state=0),
    ensemble.GradientBoostingRegressor(n_estimators=4, random_state=0),
    ensemble.GradientBoostingRegressor(n_estimators=4, loss="quantile", random_state=0),
    ensemble.HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=5),
]


@pytest.mark.parametrize("estimator", REGRESSORS, ids=str)
def test_regressors(estimator):
    fitted = estimator.fit(X, NUMBER)
    answers = _answers(from_sklearn(fitted), NEW)
    np.testing.assert_allclose([a["prediction"] for a in answers], fitted.predict(NEW), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "estimator", [linear_model.Ridge(), tree.DecisionTreeRegressor(), ensemble.RandomForestRegressor(3)], ids=str
)
def test_regressors_of_several_outputs_return_an_array(estimator):
    fitted = estimator.fit(X, SEVERAL)
    answers = _answers(from_sklearn(fitted), NEW)
    np.testing.assert_allclose([a["prediction"] for a in answers], fitted.predict(NEW), rtol=1e-12)


# Nearest neighbours -------------------------------------------------------------------------------------------------


def test_neighbors_vote_and_can_be_updated():
    rows = X.astype(np.float32).astype(np.float64)
    fitted = KNeighborsClassifier(3).fit(rows, TWO)
    model = from_sklearn(fitted)
    check_classifier(model, fitted, NEW)
    task = graphml.UpdateTask(model, [{"input": np.full(4, 9.0), "classLabel": 5}])
    task.resume()
    task.wait()
    assert task.error is None
    assert 5 in task.model.predict({"input": np.full(4, 9.0)})["classProbability"]


def test_a_scaler_before_neighbors_stays_updatable():
    fitted = make_pipeline(StandardScaler(), KNeighborsClassifier(1)).fit(X, THREE)
    model = from_sklearn(fitted)
    assert model.spec.isUpdatable
    check_classifier(model, fitted, NEW)


# Transformers -------------------------------------------------------------------------------------------------------

WITH_GAPS = np.where(RNG.random(X.shape) < 0.3, np.nan, X)

TRANSFORMERS = [
    (StandardScaler(), X),
    (StandardScaler(with_mean=False), X),
    (StandardScaler(with_std=False), X),
    (MinMaxScaler((-1, 2)), X),
    (MaxAbsScaler(), X),
    (RobustScaler(), X),
    (Normalizer("l1"), X),
    (Normalizer(), X),
    (SimpleImputer(), WITH_GAPS),
    (SimpleImputer(strategy="median", missing_values=0), np.round(X)),
    (SimpleImputer(strategy="constant", fill_value=-7), WITH_GAPS),
    (SimpleImputer(), np.where([True, False, True, True], WITH_GAPS, np.nan)),  # a column without numbers is dropped
    (selection.VarianceThreshold(0.9), X),
    (PCA(2), X),
    (PCA(3, whiten=True), X),
    (TruncatedSVD(1, random_state=0), X),
    (FeatureUnion([("scaled", MinMaxScaler()), ("pca", PCA(1)), ("same", FunctionTransformer())]), X),
    (make_pipeline(SimpleImputer(), "passthrough", PCA(2), MinMaxScaler()), WITH_GAPS),
]


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values:UserWarning")
@pytest.mark.parametrize(
    ("transformer", "rows"), TRANSFORMERS, ids=lambda value: "" if hasattr(value, "dtype") else str(value)
)
def test_transformers(transformer, rows):
    fitted = transformer.fit(rows)
    answers = _answers(from_sklearn(fitted), rows[:10])
    np.testing.assert_allclose([a["output"] for a in answers], fitted.transform(rows[:10]), rtol=1e-12, atol=1e-12)


def test_selection_with_a_target():
    fitted = make_pipeline(selection.SelectKBest(k=2), linear_model.LogisticRegression()).fit(X, TWO)
    check_classifier(from_sklearn(fitted), fitted, NEW)


# Categories ---------------------------------------------------------------------------------------------------------

CITIES = np.array([["Oslo", 3], ["Rome", 1], ["Oslo", 2], ["Bern", 3]], object)


@pytest.mark.parametrize("keyword", [{"handle_unknown": "ignore"}, {"drop": "first"}, {"drop": "if_binary"}], ids=str)
def test_one_hot_encoder(keyword):
    encoder = OneHotEncoder(**keyword).fit(CITIES)
    model = from_sklearn(encoder)
    assert [feature.name for feature in model.description.inputs] == ["x0", "x1"]
    rows = CITIES if "handle_unknown" not in keyword else [*CITIES.tolist(), ["Kyiv", 3], ["Rome", 9]]
    answers = [model.predict({"x0": city, "x1": number})["output"] for city, number in rows]
    np.testing.assert_array_equal(answers, encoder.transform(np.array(rows, object)).toarray())


def test_a_column_with_one_category_that_is_dropped():
    encoder = OneHotEncoder(drop="first").fit([["a", 1], ["b", 1]])
    answer = from_sklearn(encoder, output_feature_names="row").predict({"x0": "b", "x1": 1})
    np.testing.assert_array_equal(answer["row"], [1])


def test_unknown_categories_are_errors_where_the_estimator_says_so():
    model = from_sklearn(OneHotEncoder().fit(CITIES))
    with pytest.raises(FeatureError, match="'Kyiv' is not among the 3 categories"):
        model.predict({"x0": "Kyiv", "x1": 3})


def test_ordinal_encoder():
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(CITIES[:, :1])
    model = from_sklearn(encoder, "city")
    for city in ("Oslo", "Bern", "Kyiv"):
        np.testing.assert_array_equal(model.predict({"city": city})["output"], encoder.transform([[city]])[0])


def test_encoded_columns_reach_a_predictor_under_the_names_of_the_data():
    columns = CITIES[:, :1]
    fitted = make_pipeline(OrdinalEncoder(), tree.DecisionTreeRegressor()).fit(columns, [1.0, 2.0, 1.0, 4.0])
    fitted[0].feature_names_in_ = np.array(["city"], object)  # as a DataFrame leaves them
    model = from_sklearn(fitted)
    del fitted[0].feature_names_in_
    for city in ("Oslo", "Rome", "Bern"):
        assert model.predict({"city": city})["prediction"] == fitted.predict([[city]])[0]
    with pytest.raises(FeatureError, match="'Kyiv' is not among the 3 keys"):
        model.predict({"city": "Kyiv"})


def test_dropped_columns_are_no_inputs():
    transformer = compose.ColumnTransformer([("scaled", StandardScaler(), [2]), ("gone", "drop", [0])])
    rows = CITIES[:, [0, 0, 1]]
    model = from_sklearn(make_pipeline(transformer, linear_model.Ridge()).fit(rows, [1.0, 2.0, 3.0, 4.0]), list("abc"))
    assert [feature.name for feature in model.description.inputs] == ["c"]


def test_dict_vectorizer():
    """Strings are one-hot: the key is name=value, the number 1."""
    data = [{"city": "Oslo", "size": 3.0}, {"city": "Rome", "age": 5.0}]
    fitted = make_pipeline(DictVectorizer(), linear_model.Ridge()).fit(data, [1.0, 2.0])
    model = from_sklearn(fitted)
    for row in ({"city": "Rome", "size": 1.0}, {"city": "Kyiv"}, {}):
        given = {f"{k}={v}" if isinstance(v, str) else k: 1.0 if isinstance(v, str) else v for k, v in row.items()}
        assert model.predict({"input": given})["prediction"] == pytest.approx(fitted.predict([row])[0])


def test_columns_of_several_types():
    transformer = compose.ColumnTransformer(
        [("city", OneHotEncoder(handle_unknown="ignore"), [0]), ("scaled", StandardScaler(), [3, 1])],
        remainder="passthrough",
    )
    rows = np.array([["Oslo", 1.0, 2.0, 5.0], ["Rome", 2.0, 1.0, 4.0], ["Oslo", 3.0, 7.0, 0.0]], object)
    fitted = make_pipeline(transformer, linear_model.LogisticRegression()).fit(rows, ["a", "b", "b"])
    model = from_sklearn(fitted, ["city", "a", "b", "c"], ("sort", "shares"))
    assert [feature.name for feature in model.description.inputs] == ["city", "a", "b", "c"]
    for city, *numbers in [*rows.tolist(), ["Kyiv", 0.5, -1.0, 2.0]]:
        answer = model.predict({"city": city, **dict(zip("abc", numbers, strict=True))})
        wanted = fitted.predict_proba(np.array([[city, *numbers]], object))[0]
        assert answer["sort"] == fitted.predict(np.array([[city, *numbers]], object))[0]
        assert list(answer["shares"].values()) == pytest.approx(wanted)


def test_integer_categories_in_an_array():
    """After an imputer the columns are one array, from which the encoder's columns are taken."""
    rows = np.array([[1.0, 5.0], [2.0, np.nan], [1.0, 7.0]])
    fitted = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")).fit(rows)
    model = from_sklearn(fitted)
    for row in ([1.0, np.nan], [2.0, 7.0], [3.0, 5.0]):
        np.testing.assert_array_equal(model.predict({"input": row})["output"], fitted.transform([row]).toarray()[0])


# Interface and refusals ---------------------------------------------------------------------------------------------


def test_names_of_inputs_and_outputs():
    fitted = linear_model.LinearRegression().fit(X, NUMBER)
    model = from_sklearn(fitted, list("abcd"), "price")
    row = dict(zip("abcd", NEW[0], strict=True))
    assert model.predict(row) == {"price": pytest.approx(fitted.predict(NEW[:1])[0])}
    assert [f.name for f in from_sklearn(fitted, "row").description.inputs] == ["row"]
    with pytest.raises(SpecError, match="got 3 names in input_features for 4 features"):
        from_sklearn(fitted, list("abc"))


def test_a_search_converts_as_the_estimator_it_found():
    search = GridSearchCV(make_pipeline(StandardScaler(), svm.SVC()), {"svc__C": [1, 2]}, cv=2).fit(X, THREE)
    check_classifier(from_sklearn(search), search.best_estimator_, NEW)


def test_true_and_false_become_integers():
    fitted = linear_model.LogisticRegression().fit(X, TWO == 7)
    answers = _answers(from_sklearn(fitted), NEW)
    assert [bool(answer["classLabel"]) for answer in answers] == fitted.predict(NEW).tolist()


class OwnScaler(StandardScaler):
    """Might compute anything."""


REFUSED = [
    (lambda: linear_model.LinearRegression(), "is not fitted; call fit first"),
    (lambda: OwnScaler().fit(X), "OwnScaler is not a class of scikit-learn"),
    (lambda: GaussianNB().fit(X, TWO), "no equivalent in Core ML is known"),
    (lambda: KNeighborsRegressor().fit(X, NUMBER), "no equivalent"),
    (lambda: KNeighborsClassifier(metric="manhattan").fit(X, TWO), "the metric is 'manhattan'"),
    (lambda: KNeighborsClassifier(weights="distance").fit(X, TWO), "weights by the squared distance"),
    (lambda: Normalizer("max").fit(X), "norm='max'"),
    (lambda: MinMaxScaler(clip=True).fit(X), "clip=True"),
    (lambda: SimpleImputer(add_indicator=True).fit(WITH_GAPS), "add_indicator"),
    (lambda: SimpleImputer(strategy="most_frequent").fit(CITIES), "values that are not numbers"),
    (lambda: OneHotEncoder(min_frequency=2).fit(CITIES), "infrequent"),
    (lambda: OneHotEncoder().fit([[0.5], [1.0]]), "strings and integers"),
    (lambda: FunctionTransformer(np.log1p).fit(X), "Python code"),
    (lambda: svm.SVC(kernel="precomputed").fit(X @ X.T, TWO), "the kernel is 'precomputed'"),
    (lambda: svm.SVC(kernel=lambda a, b: a @ b.T).fit(X, TWO), "the number of its features"),
    (lambda: tree.DecisionTreeClassifier().fit(X, np.column_stack([TWO, TWO])), "several labels"),
    (
        lambda: ensemble.HistGradientBoostingRegressor(loss="poisson", max_iter=1).fit(X, np.exp(NUMBER)),
        "exp of the sum",
    ),
    (
        lambda: ensemble.HistGradientBoostingRegressor(max_iter=1, categorical_features=[0]).fit(
            np.abs(np.round(X)), NUMBER
        ),
        "sets of categories",
    ),
    (
        lambda: ensemble.GradientBoostingRegressor(n_estimators=1, init=linear_model.Ridge()).fit(X, NUMBER),
        r"init=Ridge\(\)",
    ),
    (lambda: make_pipeline(MaxAbsScaler(), GaussianNB()).fit(X, TWO), r"step 'gaussiannb' \(GaussianNB\)"),
    (lambda: FunctionTransformer().fit(X), "has no effect"),
]


@pytest.mark.parametrize(("fitted", "words"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_what_core_ml_lacks_is_refused(fitted, words):
    estimator = fitted()
    with pytest.raises(UnsupportedError, match=words):
        from_sklearn(estimator)


def test_supported_names_exist():
    from sklearn.utils import all_estimators

    assert set(supported()) <= {name for name, _ in all_estimators()}
