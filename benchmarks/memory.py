"""Memory use of models: programs for many input shapes, and the number of copies of a network's weights.

    python benchmarks/memory.py                              # 2,000 shapes; ResNet-50 and MobileNetV2
    python benchmarks/memory.py --shapes 300 --limit 64      # at most 64 MiB of programs

A new shape compiles a program, which takes at least 40 ms of CPU time for a small network.
"""

from __future__ import annotations

import argparse
import gc
import os
from typing import Any

import numpy as np


def resident() -> float:
    """The resident memory of this process in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def many_shapes(count: int) -> None:
    """A small network that takes vectors of any length, with one program for each length."""
    import jax

    import graphml
    from graphml.build import NeuralNetworkBuilder, array

    builder = NeuralNetworkBuilder({"x": array(5)}, {"y": array(5)})
    builder.add("softmaxND", "y", ["x"], ["y"], axis=-1)
    message = builder.spec
    for feature in (message.description.input[0], message.description.output[0]):
        size = feature.type.multiArrayType.shapeRange.sizeRanges.add()
        size.lowerBound, size.upperBound = 1, max(5, count)
    # more programs than the memory limit allows, so that the limit takes effect
    model = graphml.load(message, configuration=graphml.ModelConfiguration(most_programs=count))
    print("\n| shapes so far | resident MB | programs kept | their size by `graphml.program_memory()`, MB |")
    print("| ---: | ---: | ---: | ---: |")
    for number in range(1, count + 1):
        model.predict({"x": np.zeros(number, np.float32)})
        if number == 1 or number % max(1, count // 10) == 0:
            kept = len(jax.local_devices()[0].client.live_executables())
            print(f"| {number} | {resident():.0f} | {kept} | {graphml.program_memory() / 1e6:.0f} |", flush=True)


def copies(name: str) -> None:
    """Where the weights of a network are after a prediction."""
    import architectures
    import jax
    from rendering import graphml_spec

    import graphml

    network = getattr(architectures, name)()
    message = graphml_spec(network).SerializeToString()
    size = len(message) / 1e6
    gc.collect()
    before = resident()
    model: Any = graphml.load(message)
    print(f"\n{name}, a file of {size:.0f} MB. Resident, more than before:")
    print(f"  after loading {resident() - before:.0f} MB", end="")
    model.predict({"x": network.sample(1)[0]})
    gc.collect()
    print(f", after a prediction {resident() - before:.0f} MB", end="")
    places = {leaf.unsafe_buffer_pointer(): leaf.nbytes for leaf in jax.live_arrays()}
    stored = {id(leaf): leaf for leaf in jax.tree.leaves(model.parameters)}
    print(f", and with `model.parameters` {resident() - before:.0f} MB")
    held = sum(leaf.nbytes for leaf in stored.values())
    shared = sum(leaf.nbytes for leaf in stored.values() if leaf.ctypes.data in places)
    print(f"  Weights: in the message {model.spec.ByteSize() / 1e6:.0f} MB, ", end="")
    print(f"on the device {sum(places.values()) / 1e6:.0f} MB, ", end="")
    print(f"as stored {held / 1e6:.0f} MB ({shared / 1e6:.0f} MB of these are those on the device)")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shapes", type=int, default=2000, help="how many input shapes to compile for (2000)")
    parser.add_argument(
        "--limit", type=int, help="MiB that compiled programs may take; the library's default otherwise"
    )
    options = parser.parse_args()
    import graphml

    if options.limit is not None:
        graphml.limit_program_memory(options.limit << 20)
    for name in ("mobilenet_v2", "resnet50"):
        copies(name)
    many_shapes(options.shapes)


if __name__ == "__main__":
    main()
