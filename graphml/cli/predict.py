"""graphml predict: run a model once."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from graphml.cli.app import AsJson, FunctionName, GivenInputs, ModelFile, app, examples
from graphml.cli.features import read_features
from graphml.cli.output import print_json, print_line, refuse_unwritable_folder, write, writing
from graphml.visible import visible


@app.command(
    short_help="Run a model once.",
    epilog=examples(
        "graphml predict net.mlmodel -i image=photo.jpg", "graphml predict net.mlmodel -i x=[1,2,3] --json"
    ),
)
def predict(
    file: ModelFile,
    given: GivenInputs = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="folder to write arrays and images to")] = None,
    seed: Annotated[
        int | None, typer.Option(help="seed of random layers; without it, each run draws new numbers")
    ] = None,
    function: FunctionName = None,
    json_too: AsJson = False,
) -> None:
    """Run a model once. A model that has a state starts from zeros, and the state after the run is discarded."""
    from graphml.models import load

    if output is not None:
        refuse_unwritable_folder(output, file)
    model = load(file, function_name=function)
    more: dict[str, Any] = {"state": model.make_state()} if model.has_state() else {}
    if seed is not None and model.draws():
        import jax

        more["key"] = jax.random.key(seed)
    result = model.predict(read_features(model.description.inputs, given or []), **more)
    if output is not None:
        with writing(output):
            output.mkdir(parents=True, exist_ok=True)
    shown = {name: _shown(name, value, output, abridged=not json_too) for name, value in result.items()}
    if json_too:
        print_json(shown)
        return
    for name, value in shown.items():
        if isinstance(value, dict):
            probabilities = cast(dict[str | int, float], value)
            best = sorted(probabilities.items(), key=lambda item: -item[1])[:5]
            value = "  ".join(f"{label}: {probability:.4g}" for label, probability in best)
        print_line(visible(f"{name}  {value}"))


def _shown(name: str, value: Any, folder: Path | None, *, abridged: bool) -> Any:
    """An output in a form that JSON can hold; arrays and images are written to `folder` if there is one.

    abridged: whether arrays are a line of text instead, with the digits of their type and the ends of long axes.
    """
    import numpy as np

    if hasattr(value, "save") and hasattr(value, "size"):
        if folder is None:
            return f"image {value.size[0]} x {value.size[1]} (use --output FOLDER to save it)"
        kind = "TIFF" if value.mode == "F" else "PNG"  # PNG cannot hold floats
        path, data = folder / f"{_file_name(name)}.{kind.lower()}", io.BytesIO()
        value.save(data, format=kind)
        write(path, data.getvalue())
        return str(path)
    if isinstance(value, np.ndarray):
        if folder is None and abridged:
            text = np.array2string(cast(np.ndarray, value), max_line_width=2**31, separator=", ")
            return re.sub(r" +(?=[,\]])|(?<=\[) +", "", " ".join(text.split()))
        if folder is None:
            return value.tolist()
        path, data = folder / f"{_file_name(name)}.npy", io.BytesIO()
        np.save(data, cast(np.ndarray, value), allow_pickle=False)
        write(path, data.getvalue())
        return str(path)
    return value


def _file_name(name: str) -> str:
    """Turn a feature name into a file name without path separators."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name).lstrip(".") or "output"
