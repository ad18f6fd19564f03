"""The server of examples/serving: what it stores, what it predicts for users, and over HTTP where Ray is installed."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from update.networks import classifier, classifier_data

from graphml import apply_delta
from graphml.errors import FeatureError, UpdateError

pytest.importorskip("safetensors", reason="deltas are an optional extra, which is not installed here")

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "examples/serving"


@pytest.fixture
def service(tmp_path, monkeypatch):
    """A service of a small network whose last layer learns."""
    monkeypatch.syspath_prepend(str(FOLDER))
    service, store = (importlib.import_module(name) for name in ("service", "user_store"))
    monkeypatch.setattr(service, "BATCHES", (4,))
    return service.Service(classifier(), ("conv", "top"), store.UserStore(tmp_path / "users"))


def samples(count: int = 4, seed: int = 1):
    return [{**row, "x": row["x"].tolist()} for row in classifier_data(count, seed)]


def test_a_batch_of_several_users_is_what_each_of_their_models_predicts(service):
    for number, user in enumerate(("anna", "ben")):
        assert service.personalize(user, samples(seed=number), f"request-{number}") == 1
    assert service.personalize("anna", samples(seed=5), "request-5") == 2
    features = {"x": samples()[0]["x"]}
    answers = service.predict([service.checked(user, features) for user in ("anna", None, "ben", "new")])
    assert [version for version, _ in answers] == [2, 0, 1, 0]
    assert answers[1] == answers[3]
    models = [apply_delta(service.model, service.users.newest(user).path) for user in ("anna", "ben")]
    for model, (_, found) in zip([*models, service.model], (answers[0], answers[2], answers[1]), strict=True):
        expected = model.predict(features)
        assert found["classLabel"] == expected["classLabel"]
        for label, probability in expected["p"].items():
            assert found["p"][label] == pytest.approx(probability, rel=1e-5)
    assert answers[0][1]["p"] != answers[1][1]["p"]
    assert service.personalize("anna", samples(seed=6), "request-6") == 3
    assert service.predict([service.checked("anna", features)])[0][0] == 3, "a newer version on disk is read"


def test_a_repeated_request_is_applied_once(service):
    assert service.personalize("anna", samples(), "same") == 1
    before = service.users.newest("anna").path.read_bytes()
    assert service.personalize("anna", samples(seed=2), "same") == 1
    assert service.users.newest("anna").path.read_bytes() == before


def test_bad_requests_name_the_feature_and_store_nothing(service):
    good = samples(1)[0]
    for bad, words in (
        ([{**good, "x": [[1.0]]}], "'x'"),
        ([{"x": good["x"]}], "classLabel"),
        ([{**good, "classLabel": "cow"}], "cow"),
        ([{**good, "x": "/etc/passwd"}], "'x' takes multi_array, got text"),
        ([], "at least one"),
        ("samples", "must be a list"),
        ([3], "sample 0: features must be an object"),
    ):
        with pytest.raises((FeatureError, UpdateError), match=words):
            service.personalize("anna", bad, "request")
    for features, words in (
        ({}, "'x' is missing"),
        ({"x": good["x"], "y": 1}, "'y'"),
        ({"x": "photo.png"}, "got text"),
    ):
        with pytest.raises(FeatureError, match=words):
            service.checked("anna", features)
    for user in ("", "../anna", "a/b", "a" * 65, "é"):
        with pytest.raises(FeatureError, match="the name of a user must be"):
            service.checked(user, {"x": good["x"]})
        with pytest.raises(FeatureError, match="the name of a user must be"):
            service.personalize(user, [good], "request")
    with pytest.raises(FeatureError, match="the id of a request must be"):
        service.personalize("anna", [good], "../request")
    assert service.users.versions("anna") == []


def test_simultaneous_updates_of_a_user_follow_one_another(service):
    versions, data = [], samples()

    def update(number):
        versions.append(service.personalize("anna", data, f"request-{number}"))

    threads = [threading.Thread(target=update, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(versions) == [1, 2, 3, 4]
    # each began with the result of the one before: the same as in one thread
    for number in range(4):
        service.personalize("ben", data, f"request-{number}")
    one, other = (apply_delta(service.model, service.users.newest(user).path) for user in ("anna", "ben"))
    np.testing.assert_array_equal(one.parameters["top"]["weights"], other.parameters["top"]["weights"])


def test_only_the_owner_may_enter_and_old_versions_are_removed(service, monkeypatch):
    monkeypatch.setattr(importlib.import_module("user_store"), "KEPT", 2)
    store = service.users
    for number in range(4):
        store_version = service.personalize("anna", samples(1), f"request-{number}")
    assert store_version == 4
    assert [version.number for version in store.versions("anna")] == [3, 4]
    assert {path.stat().st_mode & 0o777 for path in (store.folder, store.folder / "anna")} == {0o700}


WRITER = """
import sys
sys.path[:0] = sys.argv[1:3]
from update.networks import regression
from user_store import UserStore
base, store = regression(), UserStore(sys.argv[3])
personal = base.with_parameters({"top": {"bias": base.parameters["top"]["bias"] + 1}})
for number in range(100_000):
    with store.locked("anna"):
        print(store.save("anna", str(number), personal, base).number, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path, service):
    """The process that writes is killed at any time; what it has printed is on disk, whole, and the lock is free."""
    arguments = [str(FOLDER), str(ROOT / "tests"), str(service.users.folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen([sys.executable, "-c", WRITER, *arguments], env=environment, stdout=-1, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "1\n"
        time.sleep(0.3)
    finally:
        process.kill()
    acknowledged = int(process.communicate()[0].split()[-1])
    newest, delta = service.users.read("anna")
    assert newest - acknowledged in (0, 1), "an update may be stored whose answer was not sent"
    assert delta is not None
    assert set(delta.weights) == {"top/bias"}
    with service.users.locked("anna"):
        pass
