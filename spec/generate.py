"""Compiles the schema: spec/wire/*.proto -> *_pb2.py and *_pb2.pyi beside them.

    python spec/generate.py            after a .proto has changed
    python spec/generate.py --check    write nothing, and exit with status 1 if a module is stale

`python generate.py` runs this and all other generators. The script does not import graphml, which needs the messages.
"""

from __future__ import annotations

import argparse
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

# The dev extra pins the same version: others generate different code, which may need a newer protobuf.
GRPCIO_TOOLS = "1.76.0"
WIRE = Path(__file__).resolve().parent / "wire"


def compile_protos(out: Path) -> dict[str, bytes]:
    """Compile every .proto file.

    Args:
        out: An empty folder for the modules.

    Returns:
        {file name: content} of what spec/wire should contain.
    """
    from grpc_tools import protoc  # pyright: ignore[reportMissingTypeStubs]

    compiler: Any = protoc

    # The files are in spec/, but import each other as graphml/spec.
    arguments = [f"-Igraphml/spec={WIRE.parent}", f"--python_out={out}", f"--pyi_out={out}"]
    if compiler.main(["protoc", *arguments, *map(str, sorted(WIRE.glob("*.proto")))]):
        raise SystemExit("protoc refused the .proto files, see above")
    found = {path.name: path.read_bytes() for path in out.rglob("*_pb2.py*")}
    return {name: typed(content) if name.endswith(".pyi") else content for name, content in found.items()}


def typed(stub: bytes) -> bytes:
    """The stub with typed mappings in place of messages; with bare ones type checkers see every message as partly
    unknown.

    Args:
        stub: What protoc writes.
    """
    if b"_Mapping]" not in stub:
        return stub
    return stub.replace(b"_Mapping]", b"_Mapping[str, _Any]]").replace(
        b"\nfrom typing import ", b"\nfrom typing import Any as _Any, ", 1
    )


def main(argv: list[str] | None = None) -> int:
    """Write the modules, or check them. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Compile spec/wire/*.proto.")
    parser.add_argument("--check", action="store_true", help="write nothing, only report what is stale")
    check = parser.parse_args(argv).check
    if version("grpcio-tools") != GRPCIO_TOOLS:
        raise SystemExit(f"expected grpcio-tools {GRPCIO_TOOLS}, but {version('grpcio-tools')} is installed")
    with tempfile.TemporaryDirectory() as out:
        fresh = compile_protos(Path(out))
    present = {path.name: path.read_bytes() for path in WIRE.glob("*_pb2.py*")}
    stale = sorted(name for name in fresh.keys() | present.keys() if fresh.get(name) != present.get(name))
    for name in stale:
        print(f"{'stale' if check else 'written' if name in fresh else 'removed'}: spec/wire/{name}")
        if not check and name in fresh:
            (WIRE / name).write_bytes(fresh[name])
        elif not check:
            (WIRE / name).unlink()
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
