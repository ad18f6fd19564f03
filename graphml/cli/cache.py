"""Where the command line caches compiled programs and prepared weights, since each run is a new process.

The environment variable GRAPHML_CACHE names another directory; if it is empty, or with --no-cache, nothing is kept.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from pathlib import Path

VARIABLE = "GRAPHML_CACHE"  # read by `ModelConfiguration.cache_directory`
MOST_BYTES = 1 << 31  # of the default directory


def default_directory() -> Path | None:
    """The user's cache directory, by the conventions of the platform; None if the user has no home."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        return home / "Library/Caches/graphml"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local") / "graphml/Cache"
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if os.path.isabs(given) else home / ".cache") / "graphml"


@contextlib.contextmanager
def kept(*, no_cache: bool) -> Generator[None]:
    """Set the cache directory of this process within the block.

    Args:
        no_cache: Whether to keep nothing.
    """
    before = os.environ.get(VARIABLE)
    folder = default_directory() if before is None and not no_cache else None
    if folder is not None and not _can_be_written(folder):
        folder = None
    if no_cache or folder is not None:
        os.environ[VARIABLE] = "" if folder is None else str(folder)
    try:
        yield
    finally:
        if before is not None:
            os.environ[VARIABLE] = before
        else:
            os.environ.pop(VARIABLE, None)
        if folder is not None:
            _shrink(folder)


def _can_be_written(folder: Path) -> bool:
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    return existing is not None and existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def _shrink(folder: Path) -> None:
    """Remove the oldest files if the directory is too large and this process may have added to it."""
    if "jax" in sys.modules:
        from graphml.models.compile.cache_files import shrink_to

        shrink_to(folder, MOST_BYTES)
