"""Nearest neighbours in 128 dimensions, against faiss (where it is installed) and scikit-learn.

    python benchmarks/neighbors.py                     # 10^5 samples, on one core, about a minute
    python benchmarks/neighbors.py 1000000 --threads 2

Ten neighbours of 1 and of 256 queries; graphml is called as its users call it, `predict` and `predict_batch`, which
also checks inputs and counts votes; the peers search only. The neighbours agree before anything is timed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import timing

DIMENSIONS, NEIGHBORS, QUERIES = 128, 10, (1, 256)


def core_ml(samples: Any) -> Any:
    """A classifier with these samples and ten labels."""
    from graphml.build import array
    from graphml.spec import Model
    from graphml.spec.neighbors import add_samples

    model = Model(specificationVersion=4)
    model.description.input.add(name="x").type.CopyFrom(array(DIMENSIONS))
    model.description.output.add(name="label").type.int64Type.SetInParent()
    model.description.predictedFeatureName = "label"
    classifier = model.kNearestNeighborsClassifier
    classifier.numberOfNeighbors.defaultValue = NEIGHBORS
    classifier.uniformWeighting.SetInParent()
    classifier.int64ClassLabels.vector.extend(i % 10 for i in range(len(samples)))
    index = classifier.nearestNeighborsIndex
    index.numberOfDimensions = DIMENSIONS
    index.linearIndex.SetInParent()
    index.squaredEuclideanDistance.SetInParent()
    add_samples(index, samples)
    return model


def peers(samples: Any) -> dict[str, Callable[[Any], Any]]:
    """Name -> function from queries to the positions of their neighbours."""
    found: dict[str, Callable[[Any], Any]] = {}
    try:
        import faiss  # pyright: ignore[reportMissingImports]
    except ImportError:
        print("faiss is not installed: it is left out", file=sys.stderr)
    else:
        index = faiss.IndexFlatL2(DIMENSIONS)
        index.add(samples)
        found["faiss"] = lambda queries: index.search(queries, NEIGHBORS)[1]
    from sklearn.neighbors import NearestNeighbors

    judge = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute").fit(samples)
    found["scikit-learn"] = lambda queries: judge.kneighbors(queries, return_distance=False)
    return found


def measure(count: int, rounds: int) -> dict[str, dict[str, timing.Reading]]:
    import numpy as np

    import graphml

    rng = np.random.default_rng(0)
    samples = rng.normal(size=(count, DIMENSIONS)).astype(np.float32)
    model = graphml.load(core_ml(samples))
    others = peers(samples)
    results = {}
    for number in QUERIES:
        queries = rng.normal(size=(number, DIMENSIONS)).astype(np.float32)
        rows = [{"x": query} for query in queries]
        mine = np.array([position for position, _, _ in model.neighbors(rows[0])])  # pyright: ignore
        for name, search in others.items():
            differ = int((search(queries)[0] != mine).sum())
            if differ:
                raise SystemExit(f"{name} finds {differ} other neighbours")
        calls: dict[str, Callable[[], Any]] = {
            "graphml": (lambda rows=rows: model.predict(rows[0]))
            if number == 1
            else (lambda rows=rows: model.predict_batch(rows))
        }
        for name, search in others.items():
            calls[name] = lambda search=search, queries=queries: search(queries)
        results[f"{count} samples, {number} at once"] = timing.measure(calls, rounds=rounds)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("samples", nargs="*", type=int, default=[100_000], help="how many there are (100000)")
    parser.add_argument("--threads", type=int, default=1, help="cores to use (1)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (5)")
    options = parser.parse_args()
    timing.pin(options.threads)
    results = {name: row for count in options.samples for name, row in measure(count, options.rounds).items()}
    print(timing.table(results, "graphml", "cpu" if options.threads == 1 else "wall_p10"))
    print(timing.machine(options.threads), file=sys.stderr)


if __name__ == "__main__":
    main()
