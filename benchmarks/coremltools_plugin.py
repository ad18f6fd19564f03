"""The overhead of predicting with graphml through coremltools, and how much of it is due to the plug-in.

    python benchmarks/coremltools_plugin.py               # on one core, about half a minute
    python benchmarks/coremltools_plugin.py --json

Three ways to the same prediction take turns in one process: `graphml.load(...).predict`, the object that the plug-in
hands to coremltools, and `MLModel.predict`, which adds coremltools' own checks. The models compute next to nothing, so
that microseconds are visible. The plug-in may add 50 microseconds; the script fails if it adds more.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import timing

MOST = 50.0  # microseconds
OURS, PROXY, OUTER = "graphml", "plug-in", "coremltools"

Call = Callable[[], Any]


def models() -> dict[str, tuple[Any, dict[str, Any]]]:
    """{what: (a message, a value for each input)}."""
    import graphml
    from graphml.build import NeuralNetworkBuilder, array, image

    rng = np.random.default_rng(0)
    network = NeuralNetworkBuilder({"x": array(64)}, {"y": array(64)})
    network.add("activation", "act", ["x"], ["y"], nonlinearity_type="ReLU")
    program = graphml.ProgramBuilder("CoreML7")
    program.output("y", program.relu(program.input("x", (1, 64))))
    picture = NeuralNetworkBuilder({"x": image(32, 32)}, {"y": array(3, 32, 32)})
    picture.add("activation", "act", ["x"], ["y"], nonlinearity_type="ReLU")
    return {
        "a network": (network.spec, {"x": rng.normal(size=64).astype(np.float32)}),
        "an ML Program": (program.model().spec, {"x": rng.normal(size=(1, 64)).astype(np.float32)}),
        "an image": (picture.spec, {"x": _picture(rng)}),
    }


def _picture(rng: np.random.Generator) -> Any:
    from PIL import Image

    return Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8))


def calls(message: Any, values: dict[str, Any]) -> dict[str, Call]:
    """The same prediction in three ways."""
    import tempfile

    import coremltools

    import graphml

    outer = coremltools.models.MLModel(
        coremltools.proto.Model_pb2.Model.FromString(message.SerializeToString()), weights_dir=tempfile.mkdtemp()
    )
    inner = graphml.load(message, configuration=graphml.ModelConfiguration(compute_precision="declared"))
    proxy = outer.__proxy__
    return {
        OURS: lambda: inner.predict(values),
        PROXY: lambda: proxy.predict(values, None),
        OUTER: lambda: outer.predict(dict(values)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print everything that was read")
    options = parser.parse_args()
    timing.pin(1)
    import graphml.interop.coremltools as plugin

    plugin.install()
    results = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, (message, values) in models().items():
            three = calls(message, values)
            expected = np.asarray(three[OURS]()["y"])
            for call in three.values():
                np.testing.assert_array_equal(call()["y"], expected)
            results[name] = timing.measure(three, rounds=options.rounds, seconds=0.1)
    machine = timing.machine(1)
    if options.json:
        print(json.dumps(timing.as_json(machine, results), indent=1))
        return
    print(f"{machine['cpu']}, load {machine['load']}; microseconds of one call, medians of CPU time\n")
    lines = [["model", *(OURS, PROXY, OUTER), "the plug-in adds", "ratio"], ["---"] + ["---:"] * 5]
    added = {}
    for name, row in results.items():
        mine, proxy, outer = (1e3 * row[who].cpu for who in (OURS, PROXY, OUTER))
        added[name] = proxy - mine
        lines.append([name, *(f"{one:.1f}" for one in (mine, proxy, outer, proxy - mine)), f"{proxy / mine:.2f}"])
    print("\n".join(f"| {' | '.join(line)} |" for line in lines))
    slow = [name for name, cost in added.items() if cost > MOST]
    if slow:
        sys.exit(f"the plug-in adds more than {MOST:.0f} microseconds: {', '.join(slow)}")


if __name__ == "__main__":
    main()
