"""Workers that answer whatever is waiting, in batches.

A worker that is free takes its share of what waits for one model, at once: nothing waits for a batch to fill, and under
load batches grow by themselves, up to what can be answered within the latency budget. It then reads the images,
runs the graph and writes the answers, while the other workers do the same with theirs: decoding goes on beside
inference, and threads change hands once a batch.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from sightline.core.errors import SightlineError
from sightline.serve.models import Loaded
from sightline.verbs.answers import row_of
from sightline.verbs.predict import Answer

LOG = logging.getLogger("sightline.serve")
MOST = 8
"""Images in one batch: with more, what lies between two layers outgrows the caches, and each takes longer."""


@dataclass(eq=False, slots=True)
class Job:
    """One request: the bytes of its images with their names; until: when nobody waits for it any more (monotonic).

    rows: the answers as JSON texts, in the images' order. bad: how many images could not be read; failed: how many
    were not answered though nothing was wrong with them.
    """

    loaded: Loaded
    images: Sequence[tuple[str, bytes]]
    top: int
    min_confidence: float
    until: float
    future: asyncio.Future[Job]
    rows: list[str] = field(init=False)
    missing: int = field(init=False)
    bad: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        self.rows, self.missing = [""] * len(self.images), len(self.images)


class Full(Exception):  # noqa: N818 (what is the case)
    """There is no room. seconds: after which there should be."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds


Item = tuple[Job, int]


class Crew:
    """`workers` threads and what waits for them: never more than `room` images, but for one request however large."""

    def __init__(self, workers: int, room: int, budget: float, max_pixels: int) -> None:
        """budget: seconds that a batch may take; it must be made where the loop runs that is told the answers."""
        self.room, self.budget, self.max_pixels = room, budget, max_pixels
        self.waiting = self.images = self.batches = 0
        self._loop = asyncio.get_running_loop()
        self._queues: dict[Loaded, deque[Item]] = {}
        self._ready = threading.Condition()
        self._over = False
        self._threads = [threading.Thread(target=self._work, name=f"worker {n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        """Its future is set once all its images have an answer. Raises Full."""
        count = len(job.images)
        with self._ready:
            if self.waiting and self.waiting + count > self.room:
                raise Full(max(1, math.ceil(self.waiting * job.loaded.pace / len(self._threads))))
            self._queues.setdefault(job.loaded, deque()).extend((job, place) for place in range(count))
            self.waiting += count
            self._ready.notify(min(count, len(self._threads)))

    def stop(self) -> None:
        """Ends the workers once nothing waits."""
        with self._ready:
            self._over = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._ready:
                while not self.waiting:
                    if self._over:
                        return
                    self._ready.wait()
                loaded, items = self._take()
            begun = time.monotonic()
            wanted = [item for item in items if item[0].until > begun]
            for (job, place), (row, bad) in zip(wanted, self._answer(loaded, wanted), strict=True):
                job.rows[place] = row
                job.bad += bad
                job.failed += not row
            with self._ready:
                self.images += len(wanted)
                self.batches += 1
                if wanted:
                    loaded.pace = 0.8 * loaded.pace + 0.2 * (time.monotonic() - begun) / len(wanted)
                done = [job for job, _ in wanted if _count_down(job)]
            if done:
                self._loop.call_soon_threadsafe(_tell, done)

    def _take(self) -> tuple[Loaded, list[Item]]:
        """The model whose oldest image has waited longest, and a share of what waits for it."""
        loaded = min(self._queues, key=lambda one: self._queues[one][0][0].until)
        queue = self._queues[loaded]
        affordable = int(self.budget / max(loaded.pace, 1e-6))
        count = max(1, min(math.ceil(len(queue) / len(self._threads)), affordable, MOST))
        items = [queue.popleft() for _ in range(count)]
        self.waiting -= count
        if not queue:
            del self._queues[loaded]
        return loaded, items

    def _answer(self, loaded: Loaded, items: list[Item]) -> list[tuple[str, bool]]:
        """For each item its row, and whether the image was bad; an empty row for what failed for another reason."""
        try:
            answers = loaded.predictor.batch([job.images[place][1] for job, place in items], self.max_pixels)
            return [_row(item, answer) for item, answer in zip(items, answers, strict=True)]
        except Exception as error:
            if len(items) > 1:  # one of them spoils it for the others
                return [row for item in items for row in self._answer(loaded, [item])]
            if isinstance(error, SightlineError):
                return [_row(items[0], Answer(None, None, error.what))]
            if items:
                LOG.exception("an image could not be answered")
            return [("", False)] * len(items)


def _row(item: Item, answer: Answer) -> tuple[str, bool]:
    job, place = item
    row = row_of(job.images[place][0], answer, job.top, job.min_confidence)
    return json.dumps(row, ensure_ascii=False, allow_nan=False), answer.prediction is None


def _count_down(job: Job) -> bool:
    job.missing -= 1
    return not job.missing


def _tell(jobs: list[Job]) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_result(job)
