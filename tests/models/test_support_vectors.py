"""Support vector machines against scikit-learn, whose labels and probabilities are libsvm's.

Its copy of libsvm is old: it couples the pairs also where there is one. Since 3.23 libsvm gives that pair's own value.
"""

from __future__ import annotations

import warnings

import jax
import numpy as np
import pytest
from predictor_models import kernel, model, vectors, with_classes

from graphml.models import load

svm = pytest.importorskip("sklearn.svm", reason="scikit-learn judges the support vectors, and is not installed")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).round(1)
X[RNG.random(X.shape) < 0.2] = 0  # something for sparse vectors to leave out
SCORE = X[:, 0] - X[:, 1] * X[:, 2]
TEST = RNG.normal(size=(300, 4))
GAMMA, C0, DEGREE = 0.3, 0.7, 3
KERNELS = {
    "linear": ("linearKernel", {}),
    "rbf": ("rbfKernel", {"gamma": GAMMA}),
    "poly": ("polyKernel", {"gamma": GAMMA, "c": C0, "degree": DEGREE}),
    "sigmoid": ("sigmoidKernel", {"gamma": GAMMA, "c": C0}),
}


def _estimator(kind, name, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # probability=True, which newer versions do another way
        y = SCORE if kind.endswith("SVR") else more.pop("y")
        made = getattr(svm, kind)(kernel=name, gamma=GAMMA, coef0=C0, degree=DEGREE, **more)
        return made.fit(X, y)


def _regressor(fitted, name, sparse):
    message = model("supportVectorRegressor", 4, version=1)
    member = message.supportVectorRegressor
    kernel(member, KERNELS[name][0], **KERNELS[name][1])
    vectors(member, fitted.support_vectors_, sparse)
    member.coefficients.alpha.extend(fitted.dual_coef_[0])
    member.rho = -fitted.intercept_[0]
    return message


def _classifier(fitted, name, labels, sparse=False, probabilities="probs"):
    message = model("supportVectorClassifier", 4, version=1)
    member = message.supportVectorClassifier
    kernel(member, KERNELS[name][0], **KERNELS[name][1])
    vectors(member, fitted.support_vectors_, sparse)
    for row in fitted._dual_coef_:  # libsvm's own signs
        member.coefficients.add(alpha=row)
    member.rho.extend(-fitted._intercept_)
    member.numberOfSupportVectorsPerClass.extend(fitted.n_support_)
    member.probA.extend(fitted._probA)
    member.probB.extend(fitted._probB)
    return with_classes(message, labels, probabilities)


def _batch(message):
    return load(message).predict_batch([{"x": row} for row in TEST])


@pytest.mark.parametrize("name", KERNELS)
def test_regressors(name):
    for kind, sparse in (("SVR", False), ("NuSVR", True)):
        fitted = _estimator(kind, name)
        answers = _batch(_regressor(fitted, name, sparse))
        np.testing.assert_allclose([a["y"] for a in answers], fitted.predict(TEST), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", KERNELS)
def test_labels(name):
    y = np.digitize(SCORE, [-0.7, 0, 0.7])
    for kind, sparse in (("SVC", True), ("NuSVC", False)):
        fitted = _estimator(kind, name, y=y, **({"nu": 0.2} if kind == "NuSVC" else {}))
        answers = _batch(_classifier(fitted, name, ["a", "b", "c", "d"], sparse, probabilities=None))
        assert [a["label"] for a in answers] == ["abcd"[k] for k in fitted.predict(TEST)]


@pytest.mark.parametrize(("classes", "name"), [(3, "poly"), (6, "linear")])
def test_probabilities(classes, name):
    y = np.digitize(SCORE, np.quantile(SCORE, np.arange(1, classes) / classes))
    fitted = _estimator("SVC", name, y=y, probability=True, random_state=0)
    labels = list(range(10, 10 + classes))
    answers = _batch(_classifier(fitted, name, labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        expected = fitted.predict_proba(TEST)
    np.testing.assert_allclose([[a["probs"][k] for k in labels] for a in answers], expected, atol=1e-6)
    assert [a["label"] for a in answers] == (fitted.predict(TEST) + 10).tolist()


@pytest.mark.parametrize("name", ["rbf", "linear"])
def test_two_classes_have_the_probability_of_their_pair(name):
    fitted = _estimator("SVC", name, y=np.digitize(SCORE, [0.1]), probability=True, random_state=0)
    answers = _batch(_classifier(fitted, name, ["no", "yes"]))
    decision = -fitted.decision_function(TEST)  # scikit-learn flips the sign for two classes
    no = 1 / (1 + np.exp(fitted._probA[0] * decision + fitted._probB[0]))
    np.testing.assert_allclose([a["probs"]["no"] for a in answers], no, rtol=1e-9)
    np.testing.assert_allclose([a["probs"]["yes"] for a in answers], 1 - no, rtol=1e-9)
    assert [a["label"] for a in answers] == [("no", "yes")[k] for k in fitted.predict(TEST)]


def test_two_classes_by_hand():
    """f = 2 x; the first class has 1 / (1 + exp(-2 f + 0.3)), but never closer than 1e-7 to 0 or 1."""
    message = model("supportVectorClassifier", 1, version=1)
    member = message.supportVectorClassifier
    kernel(member, "linearKernel")
    vectors(member, np.array([[1.0], [-1.0]]), sparse=False)
    member.numberOfSupportVectorsPerClass.extend([1, 1])
    member.coefficients.add(alpha=[1.0, -1.0])
    member.rho.append(0.0)
    member.probA.append(-2.0)
    member.probB.append(0.3)
    loaded = load(with_classes(message, ["a", "b"]))
    for x in (0.0765, -1.5, 0.0, 2.0):
        p = 1 / (1 + np.exp(-4 * x + 0.3))
        answer = loaded.predict({"x": [x]})
        assert answer["probs"] == pytest.approx({"a": p, "b": 1 - p}, rel=1e-12)
        assert answer["label"] == ("a" if x > 0 else "b")
    assert loaded.predict({"x": [50.0]})["probs"] == pytest.approx({"a": 1 - 1e-7, "b": 1e-7}, rel=1e-6)
    assert loaded.predict({"x": [-50.0]})["probs"] == pytest.approx({"a": 1e-7, "b": 1 - 1e-7}, rel=1e-6)
    function = loaded.as_function()
    with jax.enable_x64(True):
        gradients = jax.jacobian(lambda x: function({"x": x})["probs"])(np.array([0.0765]))
    p = 1 / (1 + np.exp(-4 * 0.0765 + 0.3))
    np.testing.assert_allclose(gradients[:, 0], [4 * p * (1 - p), -4 * p * (1 - p)], rtol=1e-9)


def _by_hand(decisions, **more):
    """Three classes with one vector each and K(s, x) = 0, so that the decisions are -rho."""
    message = model("supportVectorClassifier", 1, version=1)
    member = message.supportVectorClassifier
    kernel(member, "linearKernel")
    vectors(member, np.zeros((3, 1)), sparse=False)
    member.numberOfSupportVectorsPerClass.extend([1, 1, 1])
    for _ in range(2):
        member.coefficients.add(alpha=[1.0, 1.0, 1.0])
    member.rho.extend(-d for d in decisions)
    for field, values in more.items():
        getattr(member, field).extend(values)
    return load(with_classes(message, ["a", "b", "c"])).predict({"x": [1.0]})


def test_ties_of_votes_go_to_the_first_and_undecided_pairs_to_the_second():
    assert _by_hand([1.0, -1.0, 1.0]) == {"label": "a", "probs": {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}}
    assert _by_hand([0.0, 0.0, 0.0]) == {"label": "c", "probs": {"a": 0.0, "b": 1 / 3, "c": 2 / 3}}
    assert _by_hand([-1.0, 1.0, 1.0])["label"] == "b"


def test_votes_decide_the_label_even_where_another_class_is_more_probable():
    answer = _by_hand([1.0, -1.0, 1.0], probA=[-0.1, -9.0, -9.0], probB=[0.0, 0.0, 0.0])
    assert answer["label"] == "a"
    assert max(answer["probs"], key=answer["probs"].get) == "b"


def test_vectors_without_the_last_features():
    """Sparse vectors end where their last number is; features behind it are zero."""
    message = model("supportVectorRegressor", 3, version=1)
    member = message.supportVectorRegressor
    kernel(member, "rbfKernel", gamma=0.5)
    vectors(member, np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]), sparse=True)
    member.coefficients.alpha.extend([1.0, -2.0])
    member.rho = 0.25
    x = np.array([1.0, 1.0, 3.0])
    expected = np.exp(-0.5 * 10) - 2 * np.exp(-0.5 * 11) - 0.25
    assert load(message).predict({"x": x})["y"] == pytest.approx(expected, rel=1e-14)
    message.description.input[0].type.multiArrayType.ClearField("shape")  # any length
    assert load(message).predict({"x": x})["y"] == pytest.approx(expected, rel=1e-14)


def test_a_gaussian_far_from_its_mean_is_zero():
    message = model("supportVectorRegressor", 2, version=1)
    member = message.supportVectorRegressor
    kernel(member, "rbfKernel", gamma=0.5)
    vectors(member, np.array([[1.0, 0.0], [0.0, 2.0]]), sparse=False)
    member.coefficients.alpha.extend([1.0, -2.0])
    rows = [{"x": np.array(x)} for x in ([np.inf, 0], [1e300, -1e300], [-np.inf, np.inf], [1e8, 0])]
    assert [a["y"] for a in load(message).predict_batch(rows)] == [0.0] * 4


def test_a_model_without_vectors_gives_its_constant():
    message = model("supportVectorRegressor", 2, version=1)
    kernel(message.supportVectorRegressor, "polyKernel", degree=2, gamma=1.0)
    vectors(message.supportVectorRegressor, np.zeros((0, 2)), sparse=False)
    message.supportVectorRegressor.rho = 1.5
    assert load(message).predict({"x": [3.0, 4.0]}) == {"y": -1.5}


def test_the_function_has_derivatives():
    """Those of the exact minimum, near which libsvm's iterations stop."""
    y = np.digitize(SCORE, [-0.5, 0.5])
    fitted = _estimator("SVC", "rbf", y=y, probability=True, random_state=0)
    function = load(_classifier(fitted, "rbf", [0, 1, 2])).as_function()
    x, step = TEST[0], 1e-6
    with jax.enable_x64(True):
        p, back = jax.jit(lambda x: jax.vjp(lambda x: function({"x": x})["probs"], x))(x)
        gradients = np.stack([back(seed)[0] for seed in np.eye(3)], 1)
    moved = [_minimum(fitted, x + step * e) - _minimum(fitted, x - step * e) for e in np.eye(4)]
    np.testing.assert_allclose(p, _minimum(fitted, x), atol=2e-3)
    np.testing.assert_allclose(gradients, np.stack(moved) / (2 * step), atol=1e-2 * np.abs(gradients).max())


def _minimum(fitted, x):
    """The probabilities of three classes that fit all pairs best, by the linear equations that they solve."""
    values = np.exp(-GAMMA * ((x - fitted.support_vectors_) ** 2).sum(1))
    owner = np.repeat(np.arange(3), fitted.n_support_)
    r = np.zeros((3, 3))
    for pair, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        weights = np.where(owner == i, fitted._dual_coef_[j - 1], 0) + np.where(owner == j, fitted._dual_coef_[i], 0)
        f = weights @ values + fitted._intercept_[pair]
        r[i, j] = 1 / (1 + np.exp(fitted._probA[pair] * f + fitted._probB[pair]))
        r[j, i] = 1 - r[i, j]
    q = np.diag((r * r).sum(0)) - r.T * r
    system = np.block([[q, -np.ones((3, 1))], [np.ones((1, 3)), np.zeros((1, 1))]])
    return np.linalg.solve(system, [0, 0, 0, 1])[:3]
