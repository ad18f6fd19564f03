"""Which kind of processor the program being traced is for, and how many cores there are."""

from __future__ import annotations

import os

from graphml.catalogue import target


def on_cpu() -> bool:
    """Whether the program being traced is for CPUs.

    This is read from the context and not passed as an argument: derivative rules need it too, and they receive only the
    arguments of the mathematical function.
    """
    return target().platform == "cpu"


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
