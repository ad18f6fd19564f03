"""The server of examples/serving over HTTP. It needs Ray, which is not in CI; load is in benchmarks/serving.py."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
if importlib.util.find_spec("ray") is None:
    pytest.skip("the package ray is an optional extra and is not installed here", allow_module_level=True)
httpx = pytest.importorskip("httpx", reason="the client of this test is httpx, which is not installed here")

BLANK = [[0] * 28] * 28
SAMPLES = [{"image": BLANK, "classLabel": "Star"}] * 4


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(process, folder, client)"""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(ROOT / "examples/serving/app.py"), str(folder / "users"), str(port)]
    with open(folder / "output", "wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120)
    try:
        deadline = time.monotonic() + 180
        while True:
            assert time.monotonic() < deadline, (folder / "output").read_text()
            assert process.poll() is None, (folder / "output").read_text()
            try:
                if client.get("/health").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        yield process, folder, client
    finally:
        client.close()
        process.terminate()
        process.wait(60)


def test_a_user_learns_and_nobody_else_does(server):
    _, _, client = server
    before = client.post("/predict", json={"features": {"image": BLANK}}).json()
    first = client.post("/users/anna", json={"samples": SAMPLES}, headers={"Idempotency-Key": "one"})
    assert (first.status_code, first.json()) == (200, {"user": "anna", "version": 1})
    again = client.post("/users/anna", json={"samples": SAMPLES}, headers={"Idempotency-Key": "one"})
    assert again.json()["version"] == 1
    for _ in range(8):  # whichever worker answers
        hers = client.post("/predict", json={"features": {"image": BLANK}, "user": "anna"}).json()
        assert hers["version"] == 1
        assert hers["outputs"]["output"]["Star"] > before["outputs"]["output"]["Star"]
    everybody = client.post("/predict", json={"features": {"image": BLANK}}).json()
    assert everybody["version"] == 0
    assert everybody["outputs"]["output"] == pytest.approx(before["outputs"]["output"], abs=1e-6)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind", "words"),
    [
        ("POST", "/predict", b"{", 400, "MalformedJSON", "not JSON"),
        ("POST", "/predict", b"[]", 400, "MalformedJSON", "got list"),
        ("POST", "/predict", b'{"features": {"image": NaN}}', 400, "MalformedJSON", "NaN"),
        ("POST", "/predict", b" " * (2 << 20), 413, "BodyTooLarge", "1048576"),
        ("POST", "/predict", b'{"features": {}}', 422, "FeatureError", "'image' is missing"),
        ("POST", "/predict", b'{"features": {"image": "/etc/passwd"}}', 422, "FeatureError", "'image' takes image"),
        ("POST", "/predict", b'{"features": {"image": [[1]]}}', 422, "FeatureError", "'image'"),
        ("POST", "/predict", b'{"user": "a/b", "features": {}}', 422, "FeatureError", "the name of a user"),
        ("POST", "/users/anna", b'{"samples": []}', 422, "FeatureError", "at least one"),
        ("GET", "/predict", b"", 405, "MethodNotAllowed", "takes POST"),
        ("GET", "/nowhere", b"", 404, "NotFound", "/nowhere"),
    ],
)
def test_refusals_are_typed_and_name_the_feature(server, method, path, body, status, kind, words):
    answer = server[2].request(method, path, content=body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["type"] == kind
    assert words in error["message"]


def test_too_many_updates_are_refused_and_the_others_are_done(server):
    _, _, client = server
    with ThreadPoolExecutor(60) as threads:
        answers = list(threads.map(lambda n: client.post(f"/users/u{n}", json={"samples": SAMPLES}), range(60)))
    assert {answer.status_code for answer in answers} == {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json()["error"]["type"] == "Overloaded"
            assert answer.headers["Retry-After"] == "1"
    assert client.get("/health").status_code == 200


def test_a_shutdown_waits_for_what_runs(server):
    """The last test of this module: the server is gone afterwards."""
    process, folder, client = server
    with ThreadPoolExecutor(12) as threads:
        running = [threads.submit(client.post, f"/users/last{n}", json={"samples": SAMPLES}) for n in range(12)]
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        statuses = [one.result().status_code for one in running]  # no connection is cut
    assert process.wait(60) == 0, (folder / "output").read_text()
    assert statuses.count(200) >= 4
    for number, status in enumerate(statuses):
        stored = list((folder / "users" / f"last{number}").glob("00000001.*.safetensors"))
        assert len(stored) == (status == 200)
