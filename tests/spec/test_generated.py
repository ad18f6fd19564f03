"""The committed modules of the schema are what the .proto files compile to."""

import importlib.metadata
import runpy
import shutil
from pathlib import Path

import pytest

SPEC = Path(__file__).resolve().parents[2] / "spec"
SCRIPT = runpy.run_path(str(SPEC / "generate.py"))


def _installed() -> str:
    try:
        return importlib.metadata.version("grpcio-tools")
    except importlib.metadata.PackageNotFoundError:
        return "none"


pytestmark = pytest.mark.skipif(
    _installed() != SCRIPT["GRPCIO_TOOLS"],
    reason=f"the committed text is that of grpcio-tools {SCRIPT['GRPCIO_TOOLS']}; installed: {_installed()}",
)


def test_committed_modules_are_what_the_schema_compiles_to(tmp_path):
    fresh = SCRIPT["compile_protos"](tmp_path)
    committed = {path.name: path.read_bytes() for path in (SPEC / "wire").glob("*_pb2.py*")}
    assert sorted(fresh) == sorted(committed)
    for name, text in fresh.items():
        assert text == committed[name], f"spec/wire/{name} is stale: run python generate.py"


def test_script_finds_and_repairs_what_is_stale(tmp_path, capsys):
    wire = tmp_path / "spec" / "wire"
    shutil.copytree(SPEC / "wire", wire, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(SPEC / "generate.py", wire.parent)
    main = runpy.run_path(str(wire.parent / "generate.py"))["main"]
    original = (wire / "data_pb2.py").read_bytes()
    (wire / "data_pb2.py").write_bytes(original + b"# edited\n")
    (wire / "weights_pb2.pyi").unlink()
    (wire / "forgotten_pb2.py").write_bytes(b"")

    assert main(["--check"]) == 1
    stale = ["data_pb2.py", "forgotten_pb2.py", "weights_pb2.pyi"]
    assert capsys.readouterr().out == "".join(f"stale: spec/wire/{name}\n" for name in stale)
    assert (wire / "forgotten_pb2.py").exists(), "--check writes nothing"

    assert main([]) == 0
    assert (wire / "data_pb2.py").read_bytes() == original
    assert not (wire / "forgotten_pb2.py").exists()
    assert main(["--check"]) == 0
