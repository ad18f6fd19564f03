"""The notebooks are programs too: each runs, apart from its benchmarks, and is committed as it ran."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.ipynb"))
SECONDS = 170

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@every_notebook
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the notebook tools, about their own libraries
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # pyzmq's, about the loop that it finds
def test_notebook_runs(path, monkeypatch):
    if path.stem == "personalize":
        monkeypatch.setenv("XLA_FLAGS", "")  # it runs longer than it compiles
    nbclient = pytest.importorskip("nbclient", reason="notebooks are run by nbclient, of the extra 'notebooks'")
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    client = nbclient.NotebookClient(
        notebook,
        timeout=SECONDS,
        resources=resources,
        skip_cells_with_tag="benchmark",  # these run on request
    )
    client.execute()  # raises where a cell does
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any(cell.outputs for cell in code)


@every_notebook
def test_notebook_is_committed_as_it_ran(path):
    text = path.read_text()
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert len(text) < 400_000
    assert not re.findall(r"/(?:home|root|work|tmp|Users)/\w+", text), "a path of one machine"
