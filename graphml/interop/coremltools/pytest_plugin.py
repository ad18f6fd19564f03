"""`pytest -p graphml.interop.coremltools.pytest_plugin`: a test suite whose coremltools predicts with graphml."""

from __future__ import annotations

import pytest

from graphml.interop.coremltools import install, uninstall


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--coreml-precision", default="declared", help="how ML Programs compute: declared (default), strict or float32"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before a conftest can import coremltools. The workers of pytest-xdist skip this hook, but have the next one."""
    install(early_config.known_args_namespace.coreml_precision)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    install(config.option.coreml_precision)


def pytest_unconfigure() -> None:
    uninstall()
