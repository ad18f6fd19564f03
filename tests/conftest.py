"""Settings shared by all tests: hypothesis profiles and the folder of real models."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from compiling import QUICK, as_flags
from hypothesis import HealthCheck, settings

os.environ.setdefault("XLA_FLAGS", as_flags(QUICK))
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in background jobs of a shell; tests of Ctrl-C would not end
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["GRAPHML_CACHE"] = ""  # the command line would keep programs in the user's directory

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("ci", max_examples=4, deadline=None, derandomize=True, suppress_health_check=_SLOW_IS_FINE)
settings.register_profile("thorough", max_examples=200, deadline=None, suppress_health_check=_SLOW_IS_FINE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


# Tracing makes many small objects and few cycles; by default every 700 of them ask for a garbage collection.
gc.set_threshold(50_000)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Test modules and cases live to the end: garbage collection need not scan a million objects each time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


_PROGRAMS_OF_A_CONTEXT = 50  # the constants of its programs are freed with it


@pytest.fixture(scope="session", autouse=True)
def contexts_of_mlir_are_shared():
    """JAX makes one for each program that it lowers, which takes half of the time of lowering a small one."""
    from jax._src.interpreters import mlir

    make, kept = mlir.make_ir_context, threading.local()

    def shared():
        kept.left = getattr(kept, "left", 0) - 1
        if kept.left < 0:
            kept.context, kept.left = make(), _PROGRAMS_OF_A_CONTEXT
        return kept.context

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlir, "make_ir_context", shared)
        yield


_MOST_MEMORY = 2 << 30


@pytest.fixture(scope="module", autouse=True)
def compiled_programs_are_dropped():
    """Thousands of small programs add up; machines that run these tests may be small too."""
    yield
    pages = Path("/proc/self/statm")
    if pages.exists() and int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > _MOST_MEMORY:
        import jax

        from graphml.allocator import return_free_memory

        jax.clear_caches()
        gc.unfreeze()
        gc.collect()
        return_free_memory()  # or the next modules would find it full, too
    gc.freeze()  # tests that collect garbage need not look at what earlier modules keep


@pytest.fixture(autouse=True)
def programs_are_not_shared_between_tests():
    """Models of equal content share compiled programs; a test that counts them must not depend on those before it."""
    content = sys.modules.get("graphml.models.compile.content")
    if content is not None:
        content.forget()


@pytest.fixture(scope="session")
def real_models() -> Path:
    """The folder of real models; tests that need it are skipped where it is not."""
    folder = os.environ.get("GRAPHML_MODELS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("the environment variable GRAPHML_MODELS names no folder of real models here")
    return Path(folder)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process: (exit status, standard output, standard error)."""
    from graphml import cli

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["graphml", *map(str, arguments)])
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = stop.code or 0
        out, err = capsys.readouterr()
        return status, out, err

    return call
