"""How the C library hands out large blocks of memory, which decides the speed of batches on CPUs."""

from __future__ import annotations

import ctypes
import os

# Numbers of glibc's malloc.h: large blocks come from the heap, not from mmap; the heap is never given back; one heap.
_SETTINGS = {-4: 0, -1: 2**31 - 1, -8: 1}


def tune_host_allocator() -> bool:
    """Let this process keep and reuse large blocks of memory; True if that was possible, which takes glibc.

    XLA allocates temporaries and results anew in each call. By default glibc hands large ones back to the system, which
    zeroes their pages the next time: image networks with a batch of 8 then take up to twice as long. Single images
    gain nothing, and may be some percent slower. Afterwards the process holds on to the most memory that it ever used,
    whatever library asked for it; hence this is not done unasked. Call it early, before threads have heaps of their
    own. Calling it again changes nothing.
    """
    if not _is_glibc():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(ctypes.c_int(what), ctypes.c_int(value)) == 1 for what, value in _SETTINGS.items())


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):  # not POSIX, or another C library
        return False
