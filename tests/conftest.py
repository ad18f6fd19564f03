"""Settings shared by all tests: hypothesis profiles and the folder of real models."""

from __future__ import annotations

import gc
import os
import signal
import sys
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


_MOST_MEMORY = 2 << 30


@pytest.fixture(scope="module", autouse=True)
def compiled_programs_are_dropped():
    """Thousands of small programs add up; machines that run these tests may be small too."""
    yield
    pages = Path("/proc/self/statm")
    if pages.exists() and int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > _MOST_MEMORY:
        import jax

        jax.clear_caches()
        gc.collect()


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
