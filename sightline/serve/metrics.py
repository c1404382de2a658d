"""What the server counts, as Prometheus reads it (text format 0.0.4). Changed in the loop's thread alone."""

from __future__ import annotations

import bisect
import os
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the histogram of answering times, in seconds."""
Line = tuple[str, str, str, float]
"""Name, kind, what it is, value: of a metric without labels."""


class Metrics:
    """Requests by address, model and status; how long they took; and what else is asked for when it is read."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._times: dict[str, list[int]] = {}
        self._seconds: Counter[str] = Counter()
        self._begun = time.time()

    def count(self, address: str, model: str, status: int, seconds: float) -> None:
        """One answer. address: as documented, without names in it."""
        self._requests[address, model, status] += 1
        self._times.setdefault(address, [0] * (len(EDGES) + 1))[bisect.bisect_left(EDGES, seconds)] += 1
        self._seconds[address] += seconds  # pyright: ignore[reportArgumentType]

    def text(self, lines: Iterable[Line]) -> str:
        """All of it; `lines` are what others count."""
        out = _head("sightline_requests_total", "counter", "Requests answered.")
        for (address, model, status), count in sorted(self._requests.items()):
            labels = f'address="{address}",model="{_escaped(model)}",status="{status}"'
            out.append(f"sightline_requests_total{{{labels}}} {count}")
        out += _head("sightline_request_seconds", "histogram", "From the head of a request to the end of its answer.")
        for address, counts in sorted(self._times.items()):
            total = 0
            for edge, count in zip((*map(str, EDGES), "+Inf"), counts, strict=True):
                total += count
                out.append(f'sightline_request_seconds_bucket{{address="{address}",le="{edge}"}} {total}')
            out.append(f'sightline_request_seconds_sum{{address="{address}"}} {self._seconds[address]:.6f}')
            out.append(f'sightline_request_seconds_count{{address="{address}"}} {total}')
        ours = [("process_start_time_seconds", "gauge", "When the server started, since the epoch.", self._begun)]
        for name, kind, what, value in (*lines, *ours, *_memory()):
            out += [*_head(name, kind, what), f"{name} {value:.15g}"]
        return "\n".join(out) + "\n"


def _head(name: str, kind: str, what: str) -> list[str]:
    return [f"# HELP {name} {what}", f"# TYPE {name} {kind}"]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _memory() -> list[Line]:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError):  # not Linux
        return []
    size = float(pages * os.sysconf("SC_PAGE_SIZE"))
    return [("process_resident_memory_bytes", "gauge", "Memory in use.", size)]
