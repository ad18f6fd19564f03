"""A write that fails changes nothing, and one that succeeds keeps links and permissions."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from model_files import contents

from graphml.errors import SpecError
from graphml.spec import read, write
from graphml.spec.files import refuse_unwritable


@pytest.mark.parametrize("name", ["a.txt", "a", "a.mlmodel.bak"])
def test_names_that_are_not_a_model(name, model, tmp_path):
    with pytest.raises(SpecError, match=r"the name of a model ends in \.mlmodel or \.mlpackage"):
        write(model, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["none/a.mlmodel", "none/a.mlpackage"])
def test_folders_that_do_not_exist(name, model, tmp_path):
    with pytest.raises(SpecError) as caught:
        write(model, tmp_path / name)
    assert str(caught.value).splitlines() == [str(tmp_path / name), "  no such file or directory"]
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_output_is_reported_before_training(tmp_path):
    (tmp_path / "a.mlmodel").mkdir()
    (tmp_path / "b.mlpackage").write_bytes(b"a file")
    (tmp_path / "c.mlpackage").mkdir()
    (tmp_path / "c.mlpackage" / "other").touch()
    for name, words in (
        ("a.mlmodel", "this is a directory"),
        ("b.mlpackage", "this is a file, not a directory"),
        ("c.mlpackage", "without Manifest.json"),
        ("missing/d.mlmodel", "there is no folder .*missing"),
        ("d", "ends in .mlmodel or .mlpackage"),
        ("e\0.mlmodel", "null"),
    ):
        with pytest.raises(SpecError, match=words):
            refuse_unwritable(tmp_path / name)
    for name in ("d.mlmodel", "d.mlpackage"):
        refuse_unwritable(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mlmodel", "b.mlpackage", "c.mlpackage"]


def test_no_model_is_written_where_no_file_can_be(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SpecError, match="no space left on device"):
        refuse_unwritable(tmp_path / "a.mlmodel")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way(model, tmp_path):
    (tmp_path / "a.mlmodel").mkdir()
    with pytest.raises(SpecError, match="is a directory"):
        write(model, tmp_path / "a.mlmodel")
    (tmp_path / "b.mlpackage").write_bytes(b"a file")
    with pytest.raises(SpecError, match="not a directory"):
        write(model, tmp_path / "b.mlpackage")
    assert sorted(os.listdir(tmp_path)) == ["a.mlmodel", "b.mlpackage"]


def test_folders_without_permission(model, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(SpecError, match="permission denied"):
        write(model, tmp_path / "a.mlmodel")
    tmp_path.chmod(0o700)


class _Stop(BaseException):
    """Something like Ctrl-C."""


@pytest.mark.parametrize("name", ["a.mlmodel", "a.mlpackage"])
@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), _Stop()])
@pytest.mark.parametrize("fresh", [True, False])
def test_an_interrupted_write_changes_nothing(name, function, failure, fresh, model, other, tmp_path, monkeypatch):
    if not fresh:
        write(model, tmp_path / name)
    before = contents(tmp_path)

    def fail(*arguments):
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        with pytest.raises((SpecError, _Stop)) as caught:
            write(other, tmp_path / name)
    if isinstance(failure, OSError):
        assert str(caught.value).splitlines() == [str(tmp_path / name), "  no space left on device"]
    assert contents(tmp_path) == before
    assert os.listdir(tmp_path) == ([] if fresh else [name])
    write(other, tmp_path / name)
    assert read(tmp_path / name) == other


_FULL_DISK = """
import resource, signal, sys
from graphml.errors import SpecError
from graphml.spec import read, write
model = read(sys.argv[1])
for name in sys.argv[2:]:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    try:
        write(model, name)
    except SpecError as error:
        print(error)
"""


def test_a_disk_that_really_fills_up(model, tmp_path):
    model.description.metadata.author = "x" * 5000
    write(model, tmp_path / "big.mlmodel")
    targets = [str(tmp_path / "a.mlmodel"), str(tmp_path / "a.mlpackage"), str(tmp_path / "big.mlmodel")]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, targets[-1], *targets],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.stdout.splitlines() == [line for path in targets for line in (path, "  file too large")]
    assert os.listdir(tmp_path) == ["big.mlmodel"]
    assert read(tmp_path / "big.mlmodel") == model


def test_links_stay_links(model, other, tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("a.mlmodel", "a.mlpackage"):
        write(model, tmp_path / "there" / name)
        (tmp_path / name).symlink_to(tmp_path / "there" / name)
        write(other, tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert read(tmp_path / "there" / name) == other


def test_permissions_of_a_file_stay(model, other, tmp_path):
    path = tmp_path / "a.mlmodel"
    write(model, path)
    path.chmod(0o640)
    write(other, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_is_written_meanwhile_is_as_private_as_what_it_replaces(model, other, tmp_path, monkeypatch):
    path, package = tmp_path / "a.mlmodel", tmp_path / "a.mlpackage"
    write(model, path)
    path.chmod(0o600)
    package.mkdir(0o700)
    seen, flush = [], os.fsync

    def watching(descriptor):
        seen.append({p: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.glob(".graphml-*")})
        return flush(descriptor)

    monkeypatch.setattr(os, "fsync", watching)
    write(other, path)
    write(other, package)
    modes = [mode for modes in seen for mode in modes.values()]
    assert set(modes) == {0o600, 0o700}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(package.stat().st_mode) == 0o700
