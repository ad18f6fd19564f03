"""The C library's allocator: how it treats large blocks of memory, which matters for the speed of batches on CPUs, and
memory that it keeps for nothing."""

from __future__ import annotations

import ctypes
import os

# From glibc's malloc.h: M_MMAP_MAX = 0 (no mmap for large blocks), M_TRIM_THRESHOLD (the heap is never returned to the
# system), M_ARENA_MAX = 1 (one heap).
_SETTINGS = {-4: 0, -1: 2**31 - 1, -8: 1}
_tuned = False


def tune_host_allocator() -> bool:
    """Let this process keep and reuse large blocks of memory; this needs glibc.

    XLA allocates temporaries and results anew in each call. By default glibc returns large ones to the system, which
    zeroes their pages the next time: image networks with a batch of 8 then take up to twice as long. Single images gain
    nothing, and may be a few percent slower. Afterwards the process never returns memory to the system, whichever
    library allocated it, so graphml does not do this on its own. Call it early, before threads create heaps of their
    own. Calling it again changes nothing.

    Returns:
        True if the settings were changed, False without glibc.
    """
    if not _is_glibc():
        return False
    global _tuned
    mallopt = ctypes.CDLL(None).mallopt
    _tuned = all(mallopt(ctypes.c_int(option), ctypes.c_int(value)) == 1 for option, value in _SETTINGS.items())
    return _tuned


def return_free_memory() -> None:
    """Return what is free to the system, after work that needed far more memory than it leaves; this needs glibc, and
    does nothing after `tune_host_allocator`. A compilation of a large network leaves hundreds of megabytes free, and
    glibc would keep them."""
    if _is_glibc() and not _tuned:
        ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):  # not POSIX, or another C library
        return False
