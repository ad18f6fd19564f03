"""Keys of the cache directory: hashes of a model and of everything else that decides what is stored for it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jaxlib.version
from google.protobuf.message import Message

import graphml
import graphml.models
import graphml.ops
import graphml.spec

# Settings under which JAX traces the same function to another program.
_FLAGS = ("jax_enable_x64", "jax_default_matmul_precision", "jax_default_prng_impl", "jax_threefry_partitionable")
_FLAGS += ("jax_random_seed_offset", "jax_high_dynamic_range_gumbel")


def surroundings(device: Any) -> str:
    """A hash of versions and of everything that machine code depends on.

    Args:
        device: The jax.Device that the code is for.
    """
    versions = graphml.__version__, _sources(), jax.__version__, jaxlib.version.__version__
    driver = getattr(getattr(device, "client", None), "platform_version", "")
    flags = [os.environ.get(name, "") for name in ("XLA_FLAGS", "LIBTPU_INIT_ARGS")]
    return digest(versions, device.platform, device.device_kind, driver, _processor(), flags)


def digest(*facts: Any) -> str:
    """A hash of values, by their `repr`."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def fingerprint(model: Any) -> str:
    """A hash of a Model message. It is serialized in pieces, such as layers and functions, to save memory."""
    kind = model.WhichOneof("Type")
    rest = [(field, value) for field, value in model.ListFields() if field.name != kind]
    found = hashlib.sha256(kind.encode())
    for field, value in [*rest, *getattr(model, kind).ListFields()]:
        for piece in itertools.chain([field.name.encode()], _serialized(value)):
            found.update(len(piece).to_bytes(8, "little"))
            found.update(piece)
    return found.hexdigest()


def _serialized(value: Any) -> Iterator[bytes]:
    """The value of a field of any type."""
    if isinstance(value, Message):
        yield value.SerializeToString(deterministic=True)
    elif hasattr(value, "add"):  # many messages
        yield from (item.SerializeToString(deterministic=True) for item in value)
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from (repr(key).encode(), *_serialized(value[key]))
    else:
        yield repr(value).encode()


@functools.cache
def _processor() -> str:
    """The features of this processor, which machine code relies on."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        return next((line for line in file if line.startswith(("flags", "Features"))), platform.machine())
    return platform.machine() + platform.processor()


@functools.cache
def _sources() -> tuple[Any, ...]:
    """Sizes and times of the files of this package: an edit may change what is kept, between releases too."""
    folders = [Path(package.__path__[0]) for package in (graphml, graphml.ops, graphml.spec)]
    files = (path for folder in folders for path in sorted(folder.rglob("*.py")))
    return tuple((path.name, status.st_size, status.st_mtime_ns) for path in files for status in [path.stat()])


def flags() -> tuple[Any, ...]:
    """The settings of JAX that decide to which program a function is traced."""
    return tuple(getattr(jax.config, name, None) for name in _FLAGS)
