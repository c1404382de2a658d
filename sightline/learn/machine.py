"""What must be set before torch is first imported, for training on shared processors. Imports no torch itself."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

MOST_HELD = 2 * 2**30
"""Bytes that a process may hold before free memory is given back."""
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def processors() -> int:
    """How many threads may work at once: OMP_NUM_THREADS where it is set, else the processors of this process."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def prepare() -> None:
    """Makes OpenMP wait without spinning, and keeps freed memory in the process.

    Spinning threads stall each other as soon as anything else runs on the machine: a step of `cnn` took 42 ms instead
    of 209 ms beside one other process on 2 cores. Large activations are otherwise mapped and unmapped by the system at
    every step: elementwise layers ran 2 to 5 times faster without. Has no effect where torch is imported already, nor
    on other C libraries than glibc; a user's own OMP_WAIT_POLICY wins.
    """
    if "torch" in sys.modules:
        return
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if sys.platform.startswith("linux"):
        try:
            mallopt = ctypes.CDLL(None).mallopt
        except (AttributeError, OSError):
            return
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 64 * 2**20)


def release() -> None:
    """Gives memory that is free back to the system where this process holds more than MOST_HELD: batches of ever other
    sizes leave it in pieces too small for the next one. Has no effect on other C libraries than glibc.

    Not more often than that: to have the memory mapped anew took an eighth of the time of a step.
    """
    if sys.platform.startswith("linux"):
        with contextlib.suppress(AttributeError, OSError):
            if _held() > MOST_HELD:
                ctypes.CDLL(None).malloc_trim(0)


def _held() -> int:
    """Bytes of memory that this process occupies."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
