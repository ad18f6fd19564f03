"""Pages of the site that are made when it is built, links to files outside of `docs/`, and `llms.txt`.

The README, CHANGELOG and CONTRIBUTING become pages, and so do the examples and notebooks, as they were committed with
their results. The commands are added to the page of the command line.
"""

from __future__ import annotations

import ast
import base64
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = [path.name for pattern in ("*.py", "*.ipynb") for path in sorted((ROOT / "examples").glob(pattern))]


def _page_of(example: str) -> str:
    """personalize.md for personalize.py, personalize_notebook.md for personalize.ipynb."""
    stem, _, suffix = example.rpartition(".")
    return f"{stem}_notebook.md" if suffix == "ipynb" else f"{stem}.md"


# files of the repository that are pages of the site
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "examples/bert_qa/README.md": "examples/bert_qa_model.md",
    "examples/data/README.md": "examples/data.md",
    "tests/data/README.md": "examples/test_data.md",
    **{f"examples/{name}": f"examples/{_page_of(name)}" for name in EXAMPLES},
}
COMMANDS = "reference/command_line.md"  # the commands are added to this page
ORIGINS = {page: name for name, page in PAGES.items()}
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")

_blurbs: dict[str, str] = {}
_nav: Any = None  # the Navigation; Any because mkdocs leaves the type of its items open


# Pages ---------------------------------------------------------------------------------------------------------------


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are not in `docs/`."""
    for name, page in PAGES.items():
        path = ROOT / name
        if path.suffix == ".ipynb":
            content = _notebook(path, page, files, config)
        else:
            content = _program(path) if path.suffix == ".py" else path.read_text()
        files.append(File.generated(config, page, content=content))
    files.append(File.generated(config, "examples/index.md", content=_examples()))
    return files


def _title(path: Path) -> str:
    """What an example is about, in its own words."""
    if path.suffix == ".py":
        return (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()[0].rstrip(".")
    return "".join(json.loads(path.read_text())["cells"][0]["source"]).splitlines()[0].lstrip("# ")


def _examples() -> str:
    rows = [f"| [{name}]({_page_of(name)}) | {_title(ROOT / 'examples' / name)} |" for name in EXAMPLES]
    about = "Programs and notebooks of the repository, which the tests run. They are started from its root.\n"
    return "\n".join(["# Examples\n", about, "| | |", "| --- | --- |", *rows, ""])


def _program(path: Path) -> str:
    name = path.relative_to(ROOT).as_posix()
    return f"# {path.stem}\n\n`python {name}`\n\n```python\n{path.read_text()}```\n"


def _notebook(path: Path, page: str, files: Files, config: MkDocsConfig) -> str:
    parts: list[str] = []
    for number, cell in enumerate(json.loads(path.read_text())["cells"]):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        for place, output in enumerate(cell["outputs"]):
            picture = f"{page.removesuffix('.md')}_{number}_{place}.png"
            data: dict[str, Any] = output.get("data", {})
            if "image/png" in data:
                content = base64.b64decode("".join(data["image/png"]))
                files.append(File.generated(config, picture, content=content))
                parts.append(f"![result of the cell above]({PurePosixPath(picture).name})")
            else:
                shown = "".join(output.get("text", data.get("text/plain", "")))
                parts.append(f"```\n{shown.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def _command_line() -> str:
    import typer.main

    from graphml.cli import app

    group: Any = typer.main.get_command(app)  # Any: not every version of typer has types for what follows
    parts: list[str] = []
    for name, command in sorted(group.commands.items()):
        context = typer.Context(command, info_name=f"graphml {name}")
        parts += [f"## {name}", f"```\n{command.get_usage(context).removeprefix('Usage: ')}\n```", command.help or ""]
        rows = [
            f"| `{record[0]}` | {_cell(record[1])} |"
            for one in command.params
            if (record := one.get_help_record(context))
        ]
        if rows:
            parts.append("\n".join(["| | |", "| --- | --- |", *rows]))
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# Links ---------------------------------------------------------------------------------------------------------------


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to files of the repository into links to their pages; what has no page stays as text."""
    here = page.file.src_uri
    _blurbs[here] = _first_sentence(markdown)
    origin = ORIGINS.get(here, f"docs/{here}")
    if here == COMMANDS:
        markdown = f"{markdown}\n\n{_command_line()}"
    return _LINK.sub(lambda link: _linked(link, here, PurePosixPath(origin).parent), markdown)


def _linked(link: re.Match[str], here: str, folder: PurePosixPath) -> str:
    text, target, anchor = link[1], link[2], link[3] or ""
    name = os.path.normpath(folder / target)
    if not (ROOT / name).exists():
        return link[0]  # a page that exists on the site only, or no link at all
    if name not in PAGES and not name.startswith("docs/"):
        return text
    page = PAGES.get(name, name.removeprefix("docs/"))
    return f"[{text}]({os.path.relpath(page, PurePosixPath(here).parent)}{anchor})"


# llms.txt ------------------------------------------------------------------------------------------------------------


def on_nav(nav: Navigation, *, config: MkDocsConfig, files: Files) -> None:
    """Keep the navigation for `llms.txt`."""
    global _nav
    _nav = nav


def on_post_build(*, config: MkDocsConfig) -> None:
    """Write `llms.txt`: every page of the navigation, in its order, with its first sentence."""
    lines = [f"# {config.site_name}", "", f"> {config.site_description}", ""]
    lines += _listed(_nav.items, "Start")
    (Path(config.site_dir) / "llms.txt").write_text("\n".join(lines) + "\n")


def _listed(items: Iterable[Any], section: str) -> Iterator[str]:
    pages = [item for item in items if item.is_page]
    if pages:
        yield from (f"## {section}", "")
        for page in pages:
            blurb = _blurbs.get(page.file.src_uri)
            yield f"- [{page.title}]({page.url or '.'})" + (f": {blurb}" if blurb else "")
        yield ""
    for item in items:
        if item.is_section:
            yield from _listed(item.children, item.title)


def _first_sentence(markdown: str) -> str:
    """The first sentence of the first paragraph that is neither code nor a table, without its markup."""
    prose = re.sub(r"^(```.*?^```|[#|<!-].*?|    .*?)$", "", markdown, flags=re.DOTALL | re.MULTILINE).strip()
    plain = _LINK.sub(r"\1", prose.split("\n\n")[0]).replace("**", "")
    return re.split(r"(?<=\.)\s", " ".join(plain.split()), maxsplit=1)[0]
