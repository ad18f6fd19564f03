"""The cache directory: what a second process finds there, and everything that may be wrong with it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache as jax_cache

import graphml
from graphml import spec
from graphml.build import NeuralNetworkBuilder, array
from graphml.models import ModelConfiguration, load
from graphml.models.compile import cache, cache_files, content
from graphml.models.network import NeuralNetwork

X = np.linspace(-1, 1, 40, dtype=np.float32)


def dense(seed: int = 0) -> NeuralNetworkBuilder:
    weights = np.random.default_rng(seed).normal(size=(30, 40)).astype(np.float32)
    builder = NeuralNetworkBuilder({"x": array(40)}, {"y": array(30)})
    return builder.add("innerProduct", "fc", ["x"], ["y"], weights=weights, bias=np.ones(30, np.float32))


def network(message: spec.Model, folder: Path | None, **keyword) -> NeuralNetwork:
    """A model that has only the directory, as in another process."""
    content.forget()
    model = load(message, configuration=ModelConfiguration(cache_directory=folder), **keyword)
    assert isinstance(model, NeuralNetwork)
    return model


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.delenv("GRAPHML_CACHE", raising=False)
    cache._warn.cache_clear()
    cache._warn_distrusted.cache_clear()
    return tmp_path / "cache"


SCRIPT = """
import json, sys
import jax
import numpy as np
import graphml
counts = {"hits": 0, "misses": 0}
def count(event, **facts):
    for name in counts:
        counts[name] += event == f"/jax/compilation_cache/cache_{name}"
jax.monitoring.register_event_listener(count)
model = graphml.load(sys.argv[1])
y = model.predict({"x": np.linspace(-1, 1, 40, dtype=np.float32)})["y"]
print(json.dumps({"bits": y.tobytes().hex(), "traces": model.trace_count, **counts}))
"""


def start(model: Path, folder: Path) -> subprocess.Popen:
    environment = {**os.environ, "GRAPHML_CACHE": str(folder), "PYTHONPATH": str(Path(graphml.__path__[0]).parent)}
    command = [sys.executable, "-c", SCRIPT, str(model)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(process: subprocess.Popen) -> dict:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Warning" not in err
    return json.loads(out)


# What a second process finds -----------------------------------------------------------------------------------------


def test_a_second_process_neither_traces_nor_compiles(folder, tmp_path):
    spec.write(dense().spec, tmp_path / "dense.mlmodel")
    first = answer(start(tmp_path / "dense.mlmodel", folder))
    before = contents(folder)
    second = answer(start(tmp_path / "dense.mlmodel", folder))
    assert (first["traces"], first["hits"], first["misses"]) == (1, 0, 1)
    assert (second["traces"], second["hits"], second["misses"]) == (0, 1, 0)
    assert second["bits"] == first["bits"]
    assert contents(folder) == before


def test_two_processes_at_once_leave_one_cache(folder, tmp_path):
    spec.write(dense().spec, tmp_path / "dense.mlmodel")
    both = [start(tmp_path / "dense.mlmodel", folder) for _ in range(2)]
    answers = [answer(process) for process in both]
    assert answers[0]["bits"] == answers[1]["bits"]
    assert not [name for name in os.listdir(folder) if name.startswith(cache.UNFINISHED)]
    assert len(os.listdir(folder)) == 3  # weights, options and a program
    again = network(spec.read(tmp_path / "dense.mlmodel"), folder)
    assert again.predict({"x": X})["y"].tobytes().hex() == answers[0]["bits"]
    assert again.trace_count == 0


def test_weights_lie_in_the_mapping(folder):
    network(dense().spec, folder).predict({"x": X})
    model = network(dense().spec, folder)
    model.predict({"x": X})
    assert model._cache is not None
    mapped = model._cache.weights
    assert mapped is not None
    assert not any(leaf.flags.writeable for leaf in mapped)
    assert all(leaf.ctypes.data % 64 == 0 for leaf in mapped)
    if jax.default_backend() == "cpu":
        assert [leaf.unsafe_buffer_pointer() for leaf in model._prepared.leaves] == [a.ctypes.data for a in mapped]


def test_nothing_is_decoded_where_everything_is_there(folder):
    network(dense().spec, folder).predict({"x": X})
    model = network(dense().spec, folder)
    model.predict({"x": X})
    assert "_original" not in model.__dict__
    assert "lowered" not in model._program.__dict__


def test_rows_are_kept_as_well(folder):
    rows = [{"x": X}, {"x": 2 * X}, {"x": 3 * X}]
    want = network(dense().spec, folder).predict_batch(rows)
    model = network(dense().spec, folder)
    got = model.predict_batch(rows)
    assert model.trace_count == 0
    assert all(np.array_equal(a["y"], b["y"]) for a, b in zip(want, got, strict=True))


def test_random_layers_take_their_key(folder):
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(4)})
    builder.add("randomNormalLike", "y", ["x"], ["y"], seed=-1, mean=0.0, std_dev=1.0)
    x = np.zeros(4, np.float32)
    want = [network(builder.spec, folder).predict({"x": x}, key=jax.random.key(n))["y"] for n in range(2)]
    model = network(builder.spec, folder)
    got = [model.predict({"x": x}, key=jax.random.key(n))["y"] for n in range(2)]
    assert model.trace_count == 0
    np.testing.assert_array_equal(got, want)
    assert (got[0] != got[1]).any()


def test_shapes_that_depend_on_values_still_run(folder):
    builder = NeuralNetworkBuilder({"x": array(4)}, {"y": array(2, 1)})
    builder.add("whereNonZero", "y", ["x"], ["y"])
    for _ in range(2):
        y = network(builder.spec, folder).predict({"x": np.array([0, 5, 0, 1], np.float32)})["y"]
        np.testing.assert_array_equal(y, [[1], [3]])


# What is not mistaken for something else -----------------------------------------------------------------------------


def traces(model: NeuralNetwork) -> int:
    model.predict({"x": X})
    return model.trace_count


def test_other_weights_versions_and_settings_are_other_entries(folder, monkeypatch):
    assert traces(network(dense().spec, folder)) == 1
    assert traces(network(dense().spec, folder)) == 0
    other = network(dense(seed=1).spec, folder)
    assert traces(other) == 1
    assert not np.array_equal(other.predict({"x": X})["y"], network(dense().spec, folder).predict({"x": X})["y"])
    with jax.default_matmul_precision("highest"):
        assert traces(network(dense().spec, folder)) == 1
    for module in (graphml, jax):
        with monkeypatch.context() as patch:
            patch.setattr(module, "__version__", "0.0.0")
            assert traces(network(dense().spec, folder)) == 1


def test_replaced_weights_leave_no_trace(folder):
    model = network(dense().spec, folder)
    want = model.predict({"x": X})["y"]
    before = contents(folder)
    other = model.with_parameters({"fc": {"bias": np.zeros(30, np.float32)}})
    np.testing.assert_allclose(other.predict({"x": X})["y"], want - 1, atol=1e-6)
    np.testing.assert_array_equal(model.predict({"x": X})["y"], want)
    assert contents(folder) == before


def test_custom_layers_are_not_kept(folder):
    builder = NeuralNetworkBuilder({"x": array(40)}, {"y": array(40)})
    builder.add("custom", "y", ["x"], ["y"], class_name="Times")
    for factor in (2, 3):
        times = {"Times": lambda x, *, weights, parameters: factor * x}
        model = network(builder.spec, folder, custom_layers=times)
        np.testing.assert_allclose(model.predict({"x": X})["y"], factor * X, rtol=1e-6)
    assert not folder.exists()


# Damage --------------------------------------------------------------------------------------------------------------


def flipped(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def replaced(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


DAMAGE = {
    "header": lambda path: flipped(path, 30),
    "last byte": lambda path: flipped(path, -1),
    "truncated": lambda path: replaced(path, path.read_bytes()[:-64]),
    "empty": lambda path: replaced(path, b""),
    "longer": lambda path: replaced(path, path.read_bytes() + bytes(64)),
    "foreign": lambda path: replaced(path, b"\x89PNG" * 100),
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("kind", ["*.weights", "*.options", "*/program", "*/jit_*"])
def test_damage_is_repaired(folder, kind):
    want = network(dense().spec, folder).predict({"x": X})["y"]
    for damage in DAMAGE.values():
        (path,) = folder.glob(kind)
        damage(path)
        np.testing.assert_array_equal(network(dense().spec, folder).predict({"x": X})["y"], want)
        before = contents(folder)
        assert traces(network(dense().spec, folder)) == 0
        assert contents(folder) == before
        assert len(before) == 4  # and nothing unfinished


def test_what_belongs_to_another_model_is_foreign(folder):
    """Its checksums are right, but it has another name."""
    network(dense(seed=1).spec, folder).predict({"x": X})
    (weights,), (program,) = folder.glob("*.weights"), folder.glob("*/program")
    (options,) = folder.glob("*.options")
    others = {path: path.read_bytes() for path in (weights, program)}
    cache.discard(weights)
    cache.discard(program.parent)
    want = network(dense().spec, folder).predict({"x": X})["y"]
    (weights_path,), (program_path,) = folder.glob("*.weights"), folder.glob("*/program")
    for path, data in ((weights_path, others[weights]), (program_path, others[program]), (options, others[weights])):
        path.write_bytes(data)
        model = network(dense().spec, folder)
        np.testing.assert_array_equal(model.predict({"x": X})["y"], want)
        assert path.read_bytes() != data


@pytest.mark.parametrize("kind", ["*.weights", "*.options", "*/program", "*/jit_*"])
def test_what_is_not_a_file_is_created_again(folder, kind):
    want = network(dense().spec, folder).predict({"x": X})["y"]
    for make in (os.mkfifo, os.mkdir):
        (path,) = folder.glob(kind)
        cache.discard(path)
        make(path)
        np.testing.assert_array_equal(network(dense().spec, folder).predict({"x": X})["y"], want)
        assert traces(network(dense().spec, folder)) == 0


@pytest.mark.parametrize("header", [{}, {"known": {"a": 1}}, {"known": [3]}, {"known": ["xla_dump_to"]}])
def test_a_file_of_options_sets_no_others(folder, header):
    network(dense().spec, folder).predict({"x": X})
    (path,) = folder.glob("*.options")
    cache.write(path, header, [])
    wanted = {"xla_one": 1, "xla_two": 2}
    other = cache.Cache(folder, dense().spec, jax.devices()[0])
    assert other.options(wanted, lambda: {"xla_two": 2}) == {"xla_two": 2}
    assert other.options(wanted, lambda: pytest.fail("the file is right now")) == {"xla_two": 2}


def test_damage_in_large_weights_is_found_by_a_sample(folder, monkeypatch):
    monkeypatch.setattr(cache, "_CHECKED", 100)
    monkeypatch.setattr(cache_files, "_BLOCK", 16)
    want = network(dense().spec, folder).predict({"x": X})["y"]
    (path,) = folder.glob("*.weights")
    intact = path.read_bytes()
    read = cache.read(path, 100)
    assert read is not None
    size = read[1].size
    for start, length in ((len(intact) - size, 1), (len(intact) - size // 2, 64), (len(intact) - 1, 1)):
        data = bytearray(intact)
        data[start : start + length] = bytes(byte ^ 4 for byte in data[start : start + length])
        path.write_bytes(data)
        assert cache.read(path, 100) is None
        np.testing.assert_array_equal(network(dense().spec, folder).predict({"x": X})["y"], want)
        assert path.read_bytes() == intact


def test_a_sample_does_not_depend_on_how_the_payload_is_cut():
    data = np.random.default_rng(0).integers(0, 256, 3_000_000, np.uint8)
    whole = cache_files._sampled([data], data.size)
    for cuts in ([1], [4096, 4097], [0, 5, 2_999_999], list(range(0, 3_000_000, 1000))):
        assert cache_files._sampled(np.split(data, cuts), data.size) == whole
    for size in (0, 1, 4096, 4097):
        part = data[:size]
        assert cache_files._sampled(np.split(part, [size // 2]), size) == cache_files._sampled([part], size)
    data[1_500_000:1_600_000] = 0
    assert cache_files._sampled([data], data.size) != whole


# Other users ---------------------------------------------------------------------------------------------------------


def test_the_directory_is_created_for_its_owner_alone(folder):
    old = os.umask(0o002)
    try:
        network(dense().spec, folder).predict({"x": X})
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (program,) = folder.glob("*/program")
    assert stat.S_IMODE(program.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (*folder.glob("*.*"), program)} == {0o600}


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_directory_that_others_may_write_to_is_not_used(folder, mode, caplog):
    folder.mkdir()
    folder.chmod(mode)
    for _ in range(2):
        model = network(dense().spec, folder)
        assert traces(model) == 1
    assert not list(folder.iterdir())
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert record.message == (
        f"the cache directory {folder} is not used: other users may write to it; `chmod go-w` prevents that"
    )


def test_a_name_with_a_null_character_is_no_obstacle(caplog):
    assert traces(network(dense().spec, Path("a\0b"))) == 1
    assert "is not used: it cannot have this name: embedded null" in caplog.text


def foreign(path: Path, monkeypatch) -> None:
    """Let a file or directory belong to another user."""
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)


def test_a_directory_of_another_user_is_not_used(folder, monkeypatch, caplog):
    folder.mkdir(0o700)
    foreign(folder, monkeypatch)
    assert traces(network(dense().spec, folder)) == 1
    assert not list(folder.iterdir())
    assert f"the cache directory {folder} is not used: it belongs to another user" in caplog.text


def test_a_file_of_another_user_is_not_read(folder, monkeypatch):
    network(dense().spec, folder).predict({"x": X})
    (path,) = folder.glob("*.weights")
    assert cache.read(path) is not None
    foreign(path, monkeypatch)
    assert cache.read(path) is None


def test_an_entry_that_jax_refuses_is_made_again(folder, monkeypatch):
    """Its checksum is right, so only JAX can tell."""
    want = network(dense().spec, folder).predict({"x": X})["y"]
    (entry,) = folder.glob("*/jit_*")
    entry.write_bytes(b"not an executable")
    with monkeypatch.context() as patch:
        patch.setattr(cache, "_stored_program", _trusting(cache._stored_program, entry))
        with pytest.warns(UserWarning, match="Error reading persistent compilation cache entry"):
            np.testing.assert_array_equal(network(dense().spec, folder).predict({"x": X})["y"], want)
    assert traces(network(dense().spec, folder)) == 1
    assert traces(network(dense().spec, folder)) == 0


def _trusting(original, entry: Path):
    """`_stored_program`, which finds no fault the first time."""
    asked = []

    def stored(home):
        asked.append(home)
        if len(asked) > 1:
            return original(home)
        header, payload = cache.read(home / "program", name=home.name) or ({}, np.empty(0, np.uint8))
        return payload[: header["length"]].tobytes()

    return stored


def test_a_directory_that_cannot_be_one_costs_a_warning(folder, caplog):
    folder.write_text("a file")
    for _ in range(2):
        model = network(dense().spec, folder)
        np.testing.assert_allclose(model.predict({"x": X})["y"], network(dense().spec, None).predict({"x": X})["y"])
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "nothing is stored in the cache directory" in record.message


def test_a_full_disk_costs_a_warning(folder, caplog, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "write", full)
    want = network(dense().spec, None).predict({"x": X})["y"]
    np.testing.assert_allclose(network(dense().spec, folder).predict({"x": X})["y"], want, rtol=1e-6)
    assert [record.levelname for record in caplog.records if record.name == "graphml"] == ["WARNING"]
    assert not contents(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write to read-only directories")
def test_a_read_only_directory_is_still_read(folder):
    network(dense().spec, folder).predict({"x": X})
    folder.chmod(0o500)
    try:
        assert traces(network(dense().spec, folder)) == 0
        network(dense(seed=1).spec, folder).predict({"x": X})
        assert traces(network(dense(seed=1).spec, folder)) == 1
    finally:
        folder.chmod(0o700)


# Only on request -----------------------------------------------------------------------------------------------------


def test_nothing_is_kept_without_request(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("read", "write", "jax_entries"):
        monkeypatch.setattr(cache, name, None)  # a call would fail
    model = network(dense().spec, None)
    model.predict({"x": X})
    assert model._cache is None
    assert not list(tmp_path.iterdir())


def test_the_environment_names_the_default(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHML_CACHE", str(folder))
    network(dense().spec, None).predict({"x": X})
    assert len(contents(folder)) == 4
    network(dense().spec, tmp_path / "other").predict({"x": X})
    assert len(contents(tmp_path / "other")) == 4


def test_three_settings_of_jax_change_and_are_put_back(folder, monkeypatch):
    before, changed, original = dict(jax.config.values), [], jax.config.update

    def update(name, value):
        if jax.config.values[name] != value:
            changed.append(name)
        original(name, value)

    monkeypatch.setattr(jax.config, "update", update)
    for _ in range(2):
        network(dense().spec, folder).predict({"x": X})
    names = ["compilation_cache_dir", "persistent_cache_enable_xla_caches", "persistent_cache_min_compile_time_secs"]
    assert sorted(set(changed)) == [f"jax_{name}" for name in names]
    assert dict(jax.config.values) == before


def test_threads_put_the_settings_of_jax_back(folder):
    before = dict(jax.config.values)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda seed: traces(network(dense(seed).spec, folder)), range(4)))
    assert made == [1] * 4
    assert dict(jax.config.values) == before
    assert [traces(network(dense(seed).spec, folder)) for seed in range(4)] == [0] * 4
    assert len(list(folder.glob("*/jit_*"))) == 4


def test_without_jaxs_cache_the_traced_program_is_kept(folder):
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        found = [traces(network(dense().spec, folder)) for _ in range(2)]
    finally:
        jax.config.update("jax_enable_compilation_cache", True)
    assert found == [1, 0]
    assert not list(folder.glob("*/jit_*"))
    assert traces(network(dense().spec, folder)) == 0  # JAX now adds its entry: the next process makes all of it again
    assert [traces(network(dense().spec, folder)) for _ in range(2)] == [1, 0]


def test_the_callers_own_cache_of_jax_stays_as_it_was(folder, tmp_path):
    names = ["jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs"]
    names += ["jax_persistent_cache_min_entry_size_bytes", "jax_enable_compilation_cache"]
    before = {name: getattr(jax.config, name) for name in names}
    own = {**before, names[0]: str(tmp_path / "own"), names[1]: 0.0, names[2]: -1}
    try:
        for name, value in own.items():
            jax.config.update(name, value)
        jax_cache.reset_cache()
        jax.jit(lambda x: x * 3 + 1)(X)
        mine = len(contents(tmp_path / "own"))
        assert mine >= 1
        network(dense().spec, folder).predict({"x": X})
        network(dense().spec, folder).predict({"x": X})
        assert {name: getattr(jax.config, name) for name in names} == own
        assert not list((tmp_path / "own").glob("jit_graphml_network*"))
        jax.jit(lambda x: x * 5 + 2)(X)
        assert len(contents(tmp_path / "own")) > mine
        assert len(contents(folder)) == 4
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        jax_cache.reset_cache()
