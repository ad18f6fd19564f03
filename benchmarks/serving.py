"""The server of examples/serving under load: latencies at several rates, and whether a killed worker loses an update.

    python benchmarks/serving.py                       # 20 and 80 requests a second, then 80 and a kill
    python benchmarks/serving.py --rates 10 100 --seconds 30

Needs the extra "ray" and httpx. Server and client share this machine, and all traffic stays on it. Nine of ten requests
predict for one of 50 users, one of ten is an update with four drawings. Requests begin at fixed times, whether or not
the previous ones have been answered, and latency is measured from these times. In the last row a worker is killed
(SIGKILL) in the middle of an update, after a third of the time; requests that fail for that reason are
repeated with the same id, as a client should.

At the end the updates of each user are trained again, in the order of the versions that the server has acknowledged.
The weights on disk must be equal: then no acknowledged update is lost, and none is applied twice.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import timing

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "examples/serving"))
USERS, SAMPLES, TRIES = 50, 4, 100
PORT = 8731


@dataclass
class Load:
    """What the client saw of one row of the table."""

    name: str
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    repeated: int = 0
    errors: list[str] = field(default_factory=list)

    def row(self) -> str:
        cells = [self.name, str(sum(map(len, self.seconds.values())) + len(self.errors)), str(len(self.errors))]
        cells.append(str(self.repeated))
        for kind in ("predict", "update"):
            cells += [f"{1e3 * np.quantile(self.seconds[kind], q):.0f}" for q in (0.5, 0.95, 0.99)]
        return f"| {' | '.join(cells)} |"


class Client:
    """Sends requests and remembers the updates that were acknowledged."""

    def __init__(self) -> None:
        archive = np.load(ROOT / "examples/data/quickdraw.npz")
        self.drawings = archive["drawings"].tolist()
        self.acknowledged: dict[str, dict[int, list[Any]]] = defaultdict(dict)  # user -> version -> samples
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{PORT}", timeout=60, limits=httpx.Limits(max_connections=200)
        )
        self._sent = 0

    async def run(self, name: str, rate: float, seconds: float, kill: bool = False) -> Load:
        load, begin, draw = Load(name), time.perf_counter(), np.random.default_rng(int(rate))
        tasks = []
        for number in range(int(rate * seconds)):
            due = begin + number / rate
            await asyncio.sleep(max(0, due - time.perf_counter()))
            kind = "update" if number % 10 == 9 else "predict"
            tasks.append(asyncio.create_task(self._one(kind, draw, due, load)))
            if kill and number == int(rate * seconds / 3):
                tasks.append(asyncio.create_task(self._kill()))
        await asyncio.gather(*tasks)
        return load

    async def _one(self, kind: str, draw: np.random.Generator, due: float, load: Load) -> None:
        user, some = f"user-{draw.integers(USERS)}", draw.integers(len(self.drawings), size=SAMPLES)
        self._sent += 1
        key = f"request-{self._sent}"
        if kind == "update":
            samples = [{"image": self.drawings[i], "classLabel": "Star"} for i in some]
            path, body = f"/users/{user}", {"samples": samples}
        else:
            path, body = "/predict", {"user": user, "features": {"image": self.drawings[some[0]]}}
        last = ""
        for _ in range(TRIES):
            try:
                answer = await self._http.post(path, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError as error:
                last = repr(error)
            else:
                if answer.status_code == 200:
                    break
                last = f"{answer.status_code} {answer.text[:200]}"
                if answer.status_code < 500:
                    load.errors.append(last)
                    return
            load.repeated += 1
            await asyncio.sleep(0.2)
        else:
            load.errors.append(last)
            return
        load.seconds[kind].append(time.perf_counter() - due)
        if kind == "update":
            version = answer.json()["version"]
            if version in self.acknowledged[user]:
                raise SystemExit(f"version {version} of {user} was acknowledged for two requests")
            self.acknowledged[user][version] = body["samples"]

    async def _kill(self) -> None:
        """Kill a worker in the middle of an update."""
        for _ in range(1000):
            health = (await self._http.get("/health")).json()
            if health["updates"]:
                os.kill(health["worker"], signal.SIGKILL)
                return
            await asyncio.sleep(0.002)
        raise SystemExit("no worker was seen with an update")


def lost(acknowledged: dict[str, dict[int, list[Any]]], folder: str) -> tuple[int, int]:
    """The number of acknowledged updates, and of those whose user's weights on disk differ from the expected ones."""
    import app

    import graphml

    service = app.make_service(folder)
    count = missing = 0
    for user, versions in acknowledged.items():
        count += len(versions)
        model = service.model
        for _, samples in sorted(versions.items()):
            task = graphml.UpdateTask(model, samples)
            task.resume()
            task.wait()
            model = task.model
        number, delta = service.users.read(user)
        found = graphml.apply_delta(service.model, delta) if delta is not None else service.model
        pairs = [(model.parameters[name], found.parameters[name]) for name in app.LEARNED]
        alike = all(np.allclose(a[key], b[key], rtol=1e-4, atol=1e-6) for a, b in pairs for key in a)
        if number != len(versions) or not alike:
            missing += len(versions)
    return count, missing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", nargs="+", type=float, default=[20, 80], help="requests a second")
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    import app

    async def measure(folder: str) -> tuple[list[Load], Client]:
        client = Client()
        await client.run("first requests", 10, 4)  # not reported
        loads = [await client.run(f"{rate:g}/s", rate, arguments.seconds) for rate in arguments.rates]
        rate = max(arguments.rates)
        loads.append(await client.run(f"{rate:g}/s, a worker killed", rate, 2 * arguments.seconds, kill=True))
        return loads, client

    print(timing.machine(os.cpu_count() or 1))
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        app.start(folder, PORT)
        print(f"two workers are ready after {time.perf_counter() - began:.1f} s")
        try:
            loads, client = asyncio.run(measure(folder))
        finally:
            app.stop()
        print("| load | requests | errors | repeated | predict p50 ms | p95 | p99 | update p50 ms | p95 | p99 |")
        print("| --- " + "| ---: " * 9 + "|")
        print(*(load.row() for load in loads), sep="\n")
        for load in loads:
            print(*load.errors[:3], sep="\n", end="\n" if load.errors else "")
        count, missing = lost(client.acknowledged, folder)
        print(f"{count} updates were acknowledged, {missing} of them lost")
        if missing or any(load.errors for load in loads):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
