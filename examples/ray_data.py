"""Predict for a data set with Ray Data: each worker loads the model once, and a killed run can be continued.

    python examples/ray_data.py FOLDER             # FOLDER/drawings/*.parquet -> FOLDER/predictions/*.parquet

Needs the extra "ray". Each file of the data set is a block. Its predictions go to a file of the same name, which
appears only when it is complete. When the program is started again, only blocks without predictions are processed.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"
MODEL = DATA / "QuickDrawUpdatable.mlmodel"
WORKERS = 2


class Predict:
    """A worker's model, loaded once and compiled once for each block size."""

    def __init__(self, model: str, folder: str) -> None:
        import graphml

        self._model, self._folder = graphml.load(model), Path(folder)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, Any]:
        """Predict for the blocks named in a batch; return the number of rows of each."""
        return {"block": batch["block"], "rows": np.array([self._block(str(name)) for name in batch["block"]])}

    def _block(self, name: str) -> int:
        import pyarrow as pa
        from pyarrow import parquet

        table = parquet.read_table(self._folder / "drawings" / name)
        drawings = [np.reshape(drawing, (28, 28)) for drawing in table["drawing"].to_pylist()]
        answers = self._model.predict_batch([{"image": drawing} for drawing in drawings])
        labels = [answer["classLabel"] for answer in answers]
        found = pa.table({"id": table["id"], "label": labels, "process": [os.getpid()] * len(labels)})
        finished = self._folder / "predictions" / name
        temporary = finished.with_name(f".{name}.{os.getpid()}")
        parquet.write_table(found, temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, finished)
        return len(labels)


def write_drawings(folder: Path, blocks: int = 6) -> None:
    """Write the data set: a Parquet file for each block, with an id for each row."""
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir(parents=True)
    drawings = np.load(DATA / "quickdraw.npz")["drawings"].reshape(blocks, -1, 28 * 28)
    for number, block in enumerate(drawings):
        ids = np.arange(len(block)) + number * len(block)
        parquet.write_table(pa.table({"id": ids, "drawing": list(block)}), folder / f"{number}.parquet")


def missing(folder: Path) -> list[str]:
    """The blocks without predictions."""
    finished = {path.name for path in (folder / "predictions").glob("*.parquet")}
    return sorted(path.name for path in (folder / "drawings").glob("*.parquet") if path.name not in finished)


def predict(folder: Path, worker: Any = Predict) -> int:
    """Predict for all blocks without predictions, and return how many there were."""
    import ray
    from ray.data import ActorPoolStrategy

    (folder / "predictions").mkdir(exist_ok=True)
    blocks = missing(folder)
    if blocks:
        names = ray.data.from_items([{"block": name} for name in blocks], override_num_blocks=len(blocks))
        arguments = (str(MODEL), str(folder))
        pool = ActorPoolStrategy(size=min(WORKERS, len(blocks)))
        names.map_batches(worker, fn_constructor_args=arguments, batch_size=1, compute=pool, num_cpus=1).materialize()
    return len(blocks)


def start() -> None:
    """Start Ray on this machine; on a cluster, `ray.init()` connects to it."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # no usage statistics
    import ray

    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    ray.init(
        num_cpus=WORKERS,
        include_dashboard=False,
        object_store_memory=100 << 20,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": paths}},
    )
    ray.data.DataContext.get_current().enable_progress_bars = False


def main() -> None:
    from pyarrow import parquet

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(temporary)
        if not (folder / "drawings").exists():
            write_drawings(folder / "drawings")
        start()
        import ray

        try:
            print(f"predicted {predict(folder)} blocks")
            print(f"started again: predicted {predict(folder)} blocks")
        finally:
            ray.shutdown()
        found = parquet.read_table(folder / "predictions")
        print(f"{found.num_rows} predictions by {len(set(found['process'].to_pylist()))} workers")
        assert sorted(found["id"].to_pylist()) == list(range(300)), "each row is predicted once"


if __name__ == "__main__":
    main()
