"""Versions of the libraries that `convert` uses."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from importlib import metadata

TRIED: Mapping[str, str] = {
    "coremltools": "9.0",
    "numpy": "2.3",
    "torch": "2.13",
    "tensorflow": "2.21",
    "keras": "3.15",
    "jax": "0.10",
    "jax2onnx": "0.17",
    "stablehlo-coreml": "0.1",
    "onnx": "1.23",
    "onnx2coreml": "1.1",
}
"""The versions that conversions were tested with."""

_PACKAGES: Mapping[str, tuple[str, ...]] = {"tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-macos")}


@functools.cache
def version(package: str) -> str:
    """The version of an installed package; "of unknown version" if it declares none."""
    for name in _PACKAGES.get(package, (package,)):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "of unknown version"


def tried(packages: Iterable[str]) -> list[str]:
    """Notes on versions for a conversion that fails.

    Args:
        packages: The packages involved.

    Returns:
        One line for each package whose installed version differs from the tested one.
    """
    lines: list[str] = []
    for package in packages:
        known, here = TRIED[package], version(package)
        if here.split("+")[0].split(".")[:2] != known.split("."):
            lines.append(f"tested with {package} {known}; installed is {package} {here}")
    return lines
