"""Write every generated file of the repository.

    python generate.py            after a change of the schema, of an operator or of a test case
    python generate.py --check    write nothing, and exit with status 1 if a file is stale

Each generator is a script of its own, because the messages of the schema must be written before graphml can be
imported. Later generators read what earlier ones write.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
GENERATORS = (
    ("spec/generate.py",),  # spec/wire/*_pb2.py and *_pb2.pyi, from the .proto files
    ("-m", "graphml.build.generate"),  # graphml/build/layer_methods.py, from its table and the operators
    ("-m", "graphml.build.generate_program"),  # graphml/build/program_methods.py, from the table of operations
    ("tests/coverage_table.py",),  # docs/layers.md, from the catalogue and the test cases
    ("tests/operation_table.py",),  # docs/operations.md, from the catalogue and the cases of operations
    ("tests/onnx_table.py",),  # docs/onnx_operators.md, from the catalogue of converters
    ("tests/model_table.py",),  # docs/models.md, from the model types
)


def main(arguments: list[str]) -> int:
    """Run the generators; with --check all of them, else up to the first that fails.

    Args:
        arguments: Passed to each generator: nothing, or "--check".

    Returns:
        The exit status: 0 if every generator succeeded.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    status = 0
    for generator in GENERATORS:
        command = [sys.executable, *generator, *arguments]
        failed = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
        status = status or failed
        if failed and not arguments:
            break
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
