"""Predict and personalize over HTTP, with Ray Serve: `python examples/serving/app.py FOLDER [PORT]`.

    POST /predict           {"features": {"image": [[0, ...], ...]}, "user": "anna"}        user is optional
    POST /users/anna        {"samples": [{"image": ..., "classLabel": "Star"}, ...]}        header Idempotency-Key
    GET  /health

Errors are {"error": {"type": ..., "message": ...}}. See docs/servers.md.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import asyncio
import json
import logging
import os
import signal
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import jax
import ray
from ray import serve
from service import BATCHES, Service
from starlette.requests import Request
from starlette.responses import JSONResponse
from user_store import UserStore

import graphml
from graphml import recipes
from graphml.errors import GraphmlError

_LOG = logging.getLogger("ray.serve")
MODEL = Path(__file__).parents[1] / "data/QuickDrawUpdatable.mlmodel"
LEARNED = ("dense_3",)
MOST_BYTES = 1 << 20  # of a request body
MOST_PREDICTIONS, MOST_UPDATES = 64, 8  # that a worker has accepted but not answered


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


def make_service(folder: str) -> Service:
    """A service that trains the last layer of the model and stores updates in a folder."""
    model = graphml.make_updatable(
        graphml.load(MODEL),
        list(LEARNED),
        loss=recipes.CrossEntropy("output"),
        optimizer=recipes.SGD(0.0002, momentum=0.9),
        epochs=5,
        batch_size=8,
    )
    return Service(model, LEARNED, UserStore(folder))


@serve.deployment(
    num_replicas=2,
    ray_actor_options={"num_cpus": 1},
    max_ongoing_requests=2 * (MOST_PREDICTIONS + MOST_UPDATES),  # the worker refuses with a typed error before Ray does
    graceful_shutdown_timeout_s=30,
    graceful_shutdown_wait_loop_s=0.2,
    health_check_period_s=2,
)
class Worker:
    """One process with one copy of the model."""

    def __init__(self, folder: str) -> None:
        # a restarted worker reuses compiled programs; no user name begins with a dot
        jax.config.update("jax_compilation_cache_dir", str(Path(folder) / ".compiled"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
        self._service = make_service(folder)
        self._running = {"predictions": 0, "updates": 0}
        self._service.warm_up({"image": [[0] * 28] * 28, "classLabel": "Star"})
        self._training = asyncio.Lock()

    async def __call__(self, request: Request) -> JSONResponse:
        try:
            return JSONResponse(await self._answer(request), headers={"X-Worker": str(os.getpid())})
        except Refused as error:
            return _error(error.status, error.kind, str(error))
        except GraphmlError as error:
            return _error(422, type(error).__name__, str(error))
        except OSError as error:
            return _error(500, "StorageError", f"the update was not stored: {error.strerror}")
        except Exception as error:
            _LOG.exception("a request failed")
            return _error(500, "InternalError", type(error).__name__)

    async def _answer(self, request: Request) -> dict[str, Any]:
        path = request.url.path
        if path == "/health":
            _refuse_method(request, "GET")
            return {"status": "ok", "worker": os.getpid(), **self._running}
        if path == "/predict":
            _refuse_method(request, "POST")
            body = await _body(request)
            row = self._service.checked(_text(body, "user"), body.get("features"))
            with self._admitted("predictions", MOST_PREDICTIONS):
                version, outputs = await self._predict(row)  # type: ignore[arg-type]  (one row; Serve makes a list)
            return {"version": version, "outputs": {name: _as_json(value) for name, value in outputs.items()}}
        if path.startswith("/users/"):
            _refuse_method(request, "POST")
            body, user = await _body(request), path.removeprefix("/users/")
            key = request.headers.get("idempotency-key") or uuid.uuid4().hex
            with self._admitted("updates", MOST_UPDATES):
                async with self._training:  # one at a time: training uses all cores
                    version = await asyncio.to_thread(self._service.personalize, user, body.get("samples"), key)
            return {"user": user, "version": version}
        raise Refused(404, "NotFound", f"no such path: {path}; there are /predict, /users/NAME and /health")

    @serve.batch(max_batch_size=BATCHES[-1], batch_wait_timeout_s=0.002)
    async def _predict(self, rows: list[Any]) -> list[Any]:
        return await asyncio.to_thread(self._service.predict, rows)

    def _admitted(self, kind: str, most: int) -> _Counted:
        if self._running[kind] >= most:
            raise Refused(503, "Overloaded", f"this worker has {most} {kind} waiting; try again later")
        return _Counted(self._running, kind)


class _Counted:
    """Counts the requests inside a `with` block."""

    def __init__(self, counts: dict[str, int], kind: str) -> None:
        self._counts, self._kind = counts, kind

    def __enter__(self) -> None:
        self._counts[self._kind] += 1

    def __exit__(self, *error: object) -> None:
        self._counts[self._kind] -= 1


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object in the body; reading stops at the size limit, whatever the headers say."""
    whole = bytearray()
    async for piece in request.stream():
        whole += piece
        if len(whole) > MOST_BYTES:
            raise Refused(413, "BodyTooLarge", f"the body must have at most {MOST_BYTES} bytes")
    try:
        body = json.loads(whole, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "MalformedJSON", f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refused(400, "MalformedJSON", f"the body must be an object, got {type(body).__name__}")
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not valid JSON")


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(422, "FeatureError", f"{name!r} must be text, got {type(value).__name__}")
    return value


def _refuse_method(request: Request, allowed: str) -> None:
    if request.method != allowed:
        raise Refused(405, "MethodNotAllowed", f"{request.url.path} takes {allowed}, got {request.method}")


def _error(status: int, kind: str, message: str) -> JSONResponse:
    headers = {"Retry-After": "1"} if status == 503 else None
    return JSONResponse({"error": {"type": kind, "message": message}}, status, headers)


def _as_json(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def start(folder: str, port: int) -> None:
    """Start Ray on this machine unless it is running, and two workers behind one port."""
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100 << 20,
        log_to_driver=False,
        ignore_reinit_error=True,
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}},
    )
    serve.start(http_options={"host": "127.0.0.1", "port": port}, logging_config={"enable_access_log": False})
    serve.run(Worker.bind(folder), name="graphml")  # type: ignore[attr-defined]


def stop() -> None:
    """Stop accepting requests, wait for running ones, and end all processes."""
    serve.delete("graphml")  # before shutdown, so that the proxy can still pass on the last answers
    serve.shutdown()
    ray.shutdown()


def main() -> None:
    start(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8000)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    stop()


if __name__ == "__main__":
    main()
