"""The command line keeps compiled programs for its next run, in the user's cache directory unless told otherwise."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer", reason="typer is an optional extra and is not installed here")

from graphml import spec
from graphml.build import NeuralNetworkBuilder, array
from graphml.cli import cache
from graphml.models.compile import cache_files, content
from graphml.models.compile.cache_files import UNFINISHED, shrink_to


@pytest.fixture
def home(tmp_path, monkeypatch, run):
    """A home without anything in it, and no variable that says where the cache is."""
    monkeypatch.delenv(cache.VARIABLE, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def model(tmp_path):
    builder = NeuralNetworkBuilder({"x": array(3)}, {"y": array(3)})
    builder.add("bias", "b", ["x"], ["y"], bias=np.float32([1, 2, 3]), shape=[3])
    spec.write(builder.spec, tmp_path / "m.mlmodel")
    return tmp_path / "m.mlmodel"


def predict(run, model, *more):
    content.forget()
    status, out, err = run("predict", model, "-i", "x=[1,1,1]", *more)
    assert (status, err) == (0, "")
    assert out == "y  [2., 3., 4.]\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the directory has another name on this platform")
def test_a_prediction_is_kept_in_the_cache_directory_of_the_user(home, model, run):
    predict(run, model)
    folder = home / ".cache/graphml"
    assert len(list(folder.glob("*/program"))) == 1
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert cache.VARIABLE not in os.environ
    predict(run, model)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize("place", ["first", "last"])
def test_nothing_is_kept_on_request(place, home, model, run):
    if place == "last":
        predict(run, model, "--no-cache")
    else:
        status, _, _ = run("--no-cache", "predict", model, "-i", "x=[1,1,1]")
        assert status == 0
    assert list(home.iterdir()) == []


def test_the_environment_names_another_directory_or_none(home, model, run, monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "mine"))
    predict(run, model)
    assert list((tmp_path / "mine").glob("*/program"))
    predict(run, model, "--no-cache")
    assert os.environ[cache.VARIABLE] == str(tmp_path / "mine")
    assert list(home.iterdir()) == []


RULES = [
    ("linux", {}, ".cache/graphml"),
    ("linux", {"XDG_CACHE_HOME": "/var/mine"}, "/var/mine/graphml"),
    ("linux", {"XDG_CACHE_HOME": "relative"}, ".cache/graphml"),
    ("darwin", {"XDG_CACHE_HOME": "/var/mine"}, "Library/Caches/graphml"),
    ("win32", {"LOCALAPPDATA": "/local"}, "/local/graphml/Cache"),
    ("win32", {"LOCALAPPDATA": ""}, "AppData/Local/graphml/Cache"),
]


@pytest.mark.parametrize(("platform", "variables", "folder"), RULES)
def test_rules_of_platforms(platform, variables, folder, home, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache.default_directory() == home / folder


def test_without_a_writable_home_nothing_is_cached(home, monkeypatch):
    with cache.kept(no_cache=False):
        assert cache.VARIABLE in os.environ
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with cache.kept(no_cache=False):
        assert cache.VARIABLE not in os.environ

    def nobody():
        raise RuntimeError("no home")

    monkeypatch.setattr(os, "access", lambda path, mode: True)
    monkeypatch.setattr(Path, "home", nobody)
    with cache.kept(no_cache=False):
        assert cache.VARIABLE not in os.environ


def test_the_directory_does_not_grow_without_limit(tmp_path, monkeypatch):
    now = 1_000_000.0
    monkeypatch.setattr(cache_files.time, "time", lambda: now)
    for age, name in enumerate(("new", "middle", "old", f"{UNFINISHED}new", f"{UNFINISHED}old")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "program").write_bytes(bytes(100_000))
        when = now - (2 * 24 * 3600 if name.endswith("old") else age)
        os.utime(tmp_path / name, (when, when))
    shrink_to(tmp_path, 250_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{UNFINISHED}new", "middle", "new"]
    shrink_to(tmp_path, 150_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{UNFINISHED}new", "new"]
    shrink_to(tmp_path / "nowhere", 0)


@pytest.mark.skipif(sys.platform != "linux", reason="the directory has another name on this platform")
def test_a_run_shrinks_only_the_default_directory(home, model, run, monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "MOST_BYTES", 0)
    predict(run, model)
    assert list((home / ".cache/graphml").iterdir()) == []
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "mine"))
    predict(run, model)
    assert list((tmp_path / "mine").glob("*/program"))
