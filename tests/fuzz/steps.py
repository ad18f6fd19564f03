"""What a user can do with a file, and what is allowed to come of it.

Allowed: success, or an error of graphml, within `SECONDS` of processor time and `BYTES` of memory for each step.
Everything else is a finding: another exception, an error text of many pages, a crash, a hang.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import graphml
from graphml import GraphmlError, ModelConfiguration, UpdateTask, codegen, spec
from graphml.cli.inspect import InspectFormat
from graphml.cli.inspect import inspect as inspect_command
from graphml.inspect import flow
from graphml.inspect.code import listing
from graphml.inspect.summary import summarize
from graphml.inspect.viewer import as_html
from graphml.models import FeatureDescription, FeatureType
from graphml.models.graph_model import GraphModel
from graphml.models.network import NeuralNetwork
from graphml.models.pipelines.pipeline import Pipeline
from graphml.spec.validate import problems, update_problems

SECONDS, BYTES = 2.0, 500_000_000
LONGEST_TEXT = 20_000  # characters of an error
MOST_ITERATIONS = 20  # of a loop without a bound: a program that never ends is legal
LARGEST_INPUT = 1 << 20  # elements that are given to an input

_HERE = str(Path(graphml.__file__).parent)
_MEMORY = Path("/proc/self/clear_refs"), Path("/proc/self/status")


class Finding(NamedTuple):
    """Something that is not allowed. where: the innermost line of graphml; told: the end of the traceback."""

    step: str
    what: str
    where: str
    told: str = ""


def findings(data: bytes, rng: random.Random, seconds: float = SECONDS, costly: float = 1.0) -> Iterator[Finding]:
    """Everything that goes wrong with a file. costly: the share of files that are compiled and trained."""
    for name, act in _steps(data, rng, costly):
        found = tried(name, act, seconds)
        if found is not None:
            yield found
            if name == "load":
                return


def tried(name: str, act: Callable[[], Any], seconds: float) -> Finding | None:
    watched = _watch_memory()
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            act()
    except GraphmlError as error:
        if len(str(error)) > LONGEST_TEXT:
            return Finding(name, f"a text of {len(str(error))} characters", type(error).__name__)
    except Exception as error:
        lines = traceback.extract_tb(error.__traceback__)
        ours = [f"{Path(f.filename).name}:{f.lineno}" for f in lines if f.filename.startswith(_HERE)]
        told = "".join(traceback.format_exception(error))[-3000:]
        return Finding(name, type(error).__name__, ours[-1] if ours else "", told)
    taken, grown = time.process_time() - start, _grown(watched)
    if taken > seconds:
        return Finding(name, f"took {taken:.1f} s", "")
    if grown > BYTES:
        return Finding(name, f"took {grown >> 20} MiB", "")
    return None


# Steps ----------------------------------------------------------------------------------------------------------------


def _steps(data: bytes, rng: random.Random, costly: float) -> Iterator[tuple[str, Callable[[], Any]]]:
    found: dict[str, Any] = {}

    def load() -> None:
        found["model"] = graphml.load(data, configuration=ModelConfiguration(max_loop_iterations=MOST_ITERATIONS))

    yield "load", load
    if "model" not in found:
        return
    model = found["model"]
    yield "problems", lambda: [str(p) for p in problems(model.spec)]
    yield "update problems", lambda: [str(p) for p in update_problems(model.spec)]
    yield "summary", lambda: json.dumps(summarize(model.spec), ensure_ascii=False)
    yield "repr", lambda: (repr(model), as_html(summarize(model.spec), "model"))
    yield "codegen", lambda: codegen.generate(model.spec)
    yield "package", lambda: _packaged(model)
    yield "inspect", lambda: _inspected(data)
    if isinstance(model, NeuralNetwork):
        yield "shapes", lambda: found.update(shapes=_shapes(model))
    if isinstance(model, GraphModel):
        yield "code", lambda: listing(model.graph, model.interface, found.get("shapes"))
        yield "flow", lambda: flow.as_text(flow.flow(model.lower()))
    if rng.random() >= costly:
        return
    yield "predict", lambda: model.predict(_inputs(model, rng))
    # each of these compiles programs; one of them is enough for one file
    others: dict[str, Callable[[], Any]] = {
        "predict batch": lambda: model.predict_batch([_inputs(model, rng) for _ in range(3)]),
        "linked": lambda: _linked(data, model, rng),
    }
    if isinstance(model, NeuralNetwork):
        others["warm up"] = model.warm_up
        others["function"] = lambda: model.as_function()(model.arrays(_inputs(model, rng)))
        others["intermediates"] = lambda: model.intermediates(_inputs(model, rng))
    if isinstance(model, Pipeline):
        others["stages"] = lambda: [stage.predict(_inputs(stage, rng)) for stage in model.models.values()]
    yield rng.choice(list(others.items()))
    if model.is_updatable:
        yield "update", lambda: _trained(model, rng)


def _shapes(model: NeuralNetwork) -> dict[str, tuple[int, ...]]:
    import jax

    lowered = model.lower()
    inputs = {}
    for port in lowered.interface.inputs:
        if port.shape is None:
            return {}
        inputs[port.name] = jax.ShapeDtypeStruct(port.shape, np.float32)
    blobs = jax.eval_shape(lambda params, x: lowered.intermediates(params, x), lowered.params, inputs)
    return {name: blob.shape for name, blob in blobs.items()}


def _packaged(model: Any) -> None:
    """Save the model as a package; what is loaded from there must be the same."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.mlpackage")
        model.save(path)
        if spec.serialize(graphml.load(path).spec) != spec.serialize(model.spec):
            raise AssertionError("another model came back")


def _inspected(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder, "a.mlmodel")
        path.write_bytes(data)
        for form in (InspectFormat.text, InspectFormat.json, InspectFormat.svg):
            inspect_command(path, form=form)


def _linked(data: bytes, model: Any, rng: random.Random) -> None:
    """Predict through a model of the same interface that links to the file."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "target.mlmodel").write_bytes(data)
        link = spec.Model(specificationVersion=4)
        link.description.CopyFrom(model.spec.description)
        link.linkedModel.linkedModelFile.linkedModelFileName.defaultValue = "target.mlmodelc"
        spec.write(link, Path(folder, "link.mlmodel"))
        linked: Any = graphml.load(Path(folder, "link.mlmodel"), configuration=model.configuration)
        linked.predict(_inputs(model, rng))


def _trained(model: Any, rng: random.Random) -> None:
    declared = model.description.training_inputs
    rows = [{f.name: _some(f, rng) for f in declared} for _ in range(4)]
    with UpdateTask(model, rows) as task:
        task.resume()
        task.wait(20.0)
    if task.error is not None:
        raise task.error


def _inputs(model: Any, rng: random.Random) -> dict[str, Any]:
    features = model.description.inputs
    return {f.name: _some(f, rng) for f in features if not f.optional or rng.random() < 0.5}


def _some(feature: FeatureDescription, rng: random.Random) -> Any:
    """A value that the interface allows, as far as it can be had cheaply."""
    if feature.array is not None:
        shape = feature.array.shape or (3,)
        if any(n < 0 for n in shape) or np.prod([float(n) for n in shape]) > LARGEST_INPUT:
            shape = (2, 3)
        return np.random.default_rng(rng.randrange(1000)).integers(-1, 3, shape).astype(np.float32)
    if feature.image is not None:
        channels = () if feature.image.channels == 1 else (3,)
        size = (feature.image.height, feature.image.width)
        size = size if all(0 < n <= 1024 for n in size) else (4, 4)
        return np.full((*size, *channels), 128, np.uint8)
    words = feature.keys is FeatureType.STRING
    return {
        FeatureType.INT64: 1,
        FeatureType.DOUBLE: 1.0,
        FeatureType.STRING: rng.choice(["word", "a"]),
        FeatureType.DICTIONARY: {"word" if words else 0: 1.0},
        FeatureType.SEQUENCE: ["word" if words else 1],
    }.get(feature.type, 0)


# Memory ---------------------------------------------------------------------------------------------------------------


def _watch_memory() -> int:
    """Forget the peak so far; the bytes in use now. 0 where the system does not tell."""
    try:
        _MEMORY[0].write_text("5")
    except OSError:
        return 0
    return _peak()


def _grown(before: int) -> int:
    return _peak() - before if before else 0


def _peak() -> int:
    for line in _MEMORY[1].read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return 0
