"""The updates of users on disk: acknowledged updates survive a crash, and nothing is partially written.

    FOLDER/anna/lock
    FOLDER/anna/00000001.3f0c.safetensors        version 1 of Anna's weights, made by the request 3f0c
    FOLDER/anna/00000002.77ab.safetensors

A version is a delta: the weights that differ from the base model. Before `save` returns, it is written to a temporary
file, flushed and renamed, and the folder is flushed. Workers on several hosts share the folder on a file system with
locks (`flock`), such as NFS 4.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphml import Model, save_delta
from graphml.errors import FeatureError
from graphml.update import Delta

KEPT = 8
"""The number of versions kept for each user, and of recent requests that can be repeated safely."""

_NAME = r"[A-Za-z0-9_-]{1,64}"
_FILE = re.compile(rf"(\d{{8}})\.({_NAME})\.safetensors")


@dataclass(frozen=True)
class Version:
    """A version of a user's weights. number: from 1; request: the id of the request that made it."""

    number: int
    request: str
    path: Path


class UserStore:
    """A folder with a subfolder for each user, which only its owner can read."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def versions(self, user: str) -> list[Version]:
        """The versions of a user that are kept, oldest first. Raises FeatureError for a malformed name."""
        try:
            names = os.listdir(self._folder_of(user))
        except FileNotFoundError:
            return []
        matches = [match for name in names if (match := _FILE.fullmatch(name))]
        found = (Version(int(match[1]), match[2], self._folder_of(user) / match[0]) for match in matches)
        return sorted(found, key=lambda version: version.number)

    def newest(self, user: str) -> Version | None:
        """The newest version of a user."""
        return max(self.versions(user), key=lambda version: version.number, default=None)

    def read(self, user: str) -> tuple[int, Delta | None]:
        """The number and the weights of the newest version; 0 and None if there is none."""
        while (newest := self.newest(user)) is not None:
            with contextlib.suppress(FileNotFoundError):  # removed in the meantime, because there are newer versions
                return newest.number, Delta.read(newest.path)
        return 0, None

    @contextlib.contextmanager
    def locked(self, user: str) -> Iterator[None]:
        """Exclude all other threads, processes and hosts from changing a user. A killed process releases its lock."""
        folder = self._folder_of(user)
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            _flush(self.folder)
        with open(folder / "lock", "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def save(self, user: str, request: str, personal: Model, base: Model) -> Version:
        """Write the next version, with the user's lock held. Once this returns, the version survives a crash."""
        if re.fullmatch(_NAME, request) is None:
            raise FeatureError(f"the id of a request must be 1 to 64 letters, digits, - or _, got {request[:80]!r}")
        before = self.versions(user)
        number = before[-1].number + 1 if before else 1
        path = self._folder_of(user) / f"{number:08}.{request}.safetensors"
        save_delta(personal, base, path)
        for old in before[: 1 - KEPT]:
            old.path.unlink(missing_ok=True)
        return Version(number, request, path)

    def _folder_of(self, user: str) -> Path:
        if re.fullmatch(_NAME, user) is None:
            raise FeatureError(f"the name of a user must be 1 to 64 letters, digits, - or _, got {user[:80]!r}")
        return self.folder / user


def _flush(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
