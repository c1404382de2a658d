"""Who may ask, and how often."""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from sightline.core.errors import SightlineError
from sightline.serve.problem import Problem
from sightline.serve.stamp import stamp_of

LOG = logging.getLogger("sightline.serve")
SHORTEST = 16
"""Characters of a key: what is shorter can be guessed."""
MAKE = "make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
REMEMBERED = 10_000
"""Clients whose pace is remembered."""


class Keys:
    """The keys of a file, one a line; empty lines and those that begin with # are passed over."""

    def __init__(self, path: Path) -> None:
        """Raises SightlineError where the file cannot be read or holds no usable key."""
        self._path, self._stamp = path, stamp_of(path)
        self._digests = _digests(path)

    def changed(self) -> bool:
        """Whether another file lies there than when it was last looked at."""
        return stamp_of(self._path) != self._stamp

    def reload(self) -> None:
        """Takes the keys of the file that lies there now; where it holds none, those that were read stay."""
        self._stamp = stamp_of(self._path)
        try:
            self._digests = _digests(self._path)
        except SightlineError as error:
            LOG.warning("the keys stay as they were: %s", error.what)
        else:
            LOG.info("%d keys are known now", len(self._digests))

    def client(self, header: str) -> str:
        """Whose key an `Authorization` header holds: a name for it that is not the key. Raises Problem for none.

        Digests are compared, all of them and in constant time: how long it takes tells nothing about a key.
        """
        scheme, _, key = header.partition(" ")
        digest, found = hashlib.sha256(key.strip().encode(errors="replace")).digest(), False
        for known in self._digests:
            found |= hmac.compare_digest(digest, known)
        if not found or scheme.lower() != "bearer":
            what = "the key is not one of this server's" if header else "this server asks for a key"
            raise Problem(
                401, "no-key", what, "send the header: Authorization: Bearer KEY", {"www-authenticate": "Bearer"}
            )
        return f"key {digest.hex()}"


def _digests(path: Path) -> list[bytes]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        open_to_all = path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SightlineError(f"the key file cannot be read ({why})", str(path), MAKE) from None
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise SightlineError("the key file holds no key", str(path), MAKE)
    for number, line in enumerate(lines, 1):
        if line in keys and (len(line) < SHORTEST or not line.isascii() or " " in line):
            what = f"line {number} is no key: at least {SHORTEST} characters, ASCII, without spaces"
            raise SightlineError(what, str(path), MAKE)
    if open_to_all and os.name == "posix":
        LOG.warning("every user of this machine may read or write the key file; to keep it: chmod 600 %s", path)
    return [hashlib.sha256(key.encode()).digest() for key in keys]


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Rates:
    """Images a second for each client: a bucket that holds what two seconds give. `rate` 0 sets no limit."""

    def __init__(self, rate: float) -> None:
        self.rate, self.most = rate, max(1.0, 2 * rate)
        self._buckets: dict[str, _Bucket] = {}

    def ask(self, client: str) -> None:
        """Raises Problem where the client has asked for more than it may."""
        if self.rate and (left := self._bucket(client).left) <= 0:
            seconds = math.ceil((1 - left) / self.rate)
            raise Problem(
                429, "too-many-requests", f"more than {self.rate:g} images a second from one client",
                f"ask again in {seconds} s", {"retry-after": str(seconds)},
            )  # fmt: skip

    def charge(self, client: str, images: int) -> None:
        """Counts images; one request may take more than there is, and the next then waits for it."""
        if self.rate:
            self._bucket(client).left -= images

    def _bucket(self, client: str) -> _Bucket:
        now = time.monotonic()
        if len(self._buckets) > REMEMBERED:
            full = self.most / self.rate
            self._buckets = {c: b for c, b in self._buckets.items() if b.left < 0 or now - b.at < full}
        bucket = self._buckets.setdefault(client, _Bucket(self.most, now))
        bucket.left = min(self.most, bucket.left + (now - bucket.at) * self.rate)
        bucket.at = now
        return bucket
