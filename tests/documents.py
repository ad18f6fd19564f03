"""The Python blocks of README and docs, run as one program for each page.

A block whose first line is `# needs torch, tensorflow` runs where these packages are installed. A block without a
language after one is what it prints. What a reader would have at hand, such as `net.onnx`, comes from `readers_desk`.

    python tests/documents.py docs/tutorials/jax.md      # one page, in an empty folder, in a separate process
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib.util
import inspect
import io
import re
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```)?", re.DOTALL | re.MULTILINE)
_NEEDS = re.compile(r"# needs (.+)")


class Block(NamedTuple):
    """A block of a page: its first line in the file, its code, what it prints ("" if the page does not say)."""

    line: int
    code: str
    printed: str

    @property
    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        needs = _NEEDS.match(self.code)
        names = needs[1].split(", ") if needs else []
        return [name for name in names if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


def pages() -> list[Path]:
    """README and all pages of docs/ that have Python blocks."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in found if "```python" in path.read_text()]


def blocks(page: Path) -> list[Block]:
    """The Python blocks of a page, in order."""
    text = page.read_text()
    return [Block(text.count("\n", 0, found.start()) + 2, found[1], found[2] or "") for found in _BLOCK.finditer(text)]


def run(page: Path, names: dict[str, Any]) -> int:
    """Run the blocks of a page in the current folder, and compare what they print with what the page says.

    Args:
        page: The page.
        names: The variables that the reader has; the blocks add theirs.

    Returns:
        How many blocks ran.
    """
    count = 0
    for block in blocks(page):
        if block.missing:
            continue
        count += 1
        out = io.StringIO()
        place = f"{page.relative_to(ROOT)}:{block.line}"
        # line numbers of tracebacks are those of the page
        padded = "\n" * (block.line - 1) + block.code
        code = compile(padded, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with contextlib.redirect_stdout(out):
            if code.co_flags & inspect.CO_COROUTINE:
                asyncio.run(_awaited(code, names))
            else:
                exec(code, names)
        if block.printed:
            assert out.getvalue() == block.printed, f"{place} prints\n{out.getvalue()}and not\n{block.printed}"
    return count


async def _awaited(code: Any, names: dict[str, Any]) -> None:
    await eval(code, names)


if __name__ == "__main__":
    warnings.simplefilter("error")
    run(ROOT / sys.argv[1], {"__name__": "page"})
