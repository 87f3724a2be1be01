"""Memory that a step frees is kept for the next one."""

import ctypes
import os
import platform
from functools import cache

# From malloc.h of glibc.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_NEVER, _GROW_BY = -1, 1 << 26  # bytes


@cache
def keep_freed_memory() -> None:
    """Let the process keep what tensors free instead of giving it back to the kernel after every step.

    Otherwise glibc may map large tensors anew each time, and the kernel fills each of their pages with zeros first
    (figures in `docs/lab-log.md`). Results are the same. Nothing is done with other C libraries, or where the user has
    set glibc's own switches.
    """
    if glibc := _glibc():
        glibc.mallopt(_MMAP_MAX, 0)
        glibc.mallopt(_TRIM_THRESHOLD, _NEVER)
        glibc.mallopt(_TOP_PAD, _GROW_BY)


def give_back_freed_memory() -> None:
    """Give the kernel back what was kept, once a run is over."""
    if glibc := _glibc():
        glibc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    chosen = "GLIBC_TUNABLES" in os.environ or any(name.startswith("MALLOC_") for name in os.environ)
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" and not chosen else None
