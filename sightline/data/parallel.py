"""Work on many examples with several processes, in order, with bounded memory."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar, cast

from sightline.core.errors import SightlineError

In = TypeVar("In")
Out = TypeVar("Out")

_job: Callable[[Any], Any] | None = None


def cpus() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers(count: int) -> int:
    """How many workers pay for `count` examples: none for few, as a process costs some 20 ms to start."""
    return 0 if count < 24 else cpus()


def part_size(count: int, workers: int) -> int:
    """How many examples a worker takes at a time: at most 64, and few enough that all workers end together."""
    return max(1, min(64, count // (8 * max(workers, 1))))


def ordered_map(job: Callable[[In], Out], parts: Iterable[In], workers: int) -> Iterator[Out]:
    """`map(job, parts)` by `workers` processes (0: this one), results in order, few parts ahead at a time.

    Processes are forked, so `job` may be any closure and nothing it holds is copied; where a system cannot fork,
    threads serve. Raises SightlineError if a worker is killed.
    """
    if workers < 1:
        yield from map(job, parts)
        return
    with _executor(job, workers) as pool:
        waiting: deque[Future[Out]] = deque()
        try:
            for part in parts:
                waiting.append(
                    pool.submit(_call, part) if isinstance(pool, ProcessPoolExecutor) else pool.submit(job, part)
                )
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise SightlineError(
                "a worker process was killed, most likely for want of memory", fix="try again with --workers 0"
            ) from None
        finally:
            for future in waiting:
                future.cancel()


def _executor(job: Callable[[Any], Any], workers: int) -> Executor:
    if "fork" in multiprocessing.get_all_start_methods() and os.name == "posix":
        context = multiprocessing.get_context("fork")
        return ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(job,))
    return ThreadPoolExecutor(workers)


def _begin(job: Callable[[Any], Any]) -> None:
    global _job
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _job = job


def _call(part: Any) -> Any:
    return cast("Callable[[Any], Any]", _job)(part)
