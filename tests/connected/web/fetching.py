"""What the tests of downloads share."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.web.access import Access
from airgap.connected.web.fetcher import Fetcher
from airgap.connected.web.wanted import Download, Page
from airgap.core.errors import FormatError, UsageError


class Watch:
    """A progress that keeps what it is told, and can interrupt."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.told: list[Any] = []
        self.bytes = 0
        self.files = 0
        self._interrupt_at = interrupt_at

    def begin(self, files: int, size: int | None) -> None:
        self.told.append((files, size))

    def advance(self, size: int) -> None:
        self.bytes += size
        if self._interrupt_at is not None and self.bytes >= self._interrupt_at:
            raise KeyboardInterrupt

    def finish_file(self) -> None:
        self.files += 1


def patient(cache: Path, **more: Any) -> Fetcher:
    """A fetcher that does not really wait."""
    more.setdefault("pause", lambda _: None)
    return Fetcher(str(cache), more.pop("access", Access()), **more)


def promised(*urls: str, content: bytes, size: int | None = -1, name: str = "f.whl", **digests: Any) -> Download:
    """A download of which the digest is known; a size of -1 is the content's."""
    sha = {"sha256": hashlib.sha256(content).hexdigest()}
    return Download(urls=urls, digests=digests or sha, size=len(content) if size == -1 else size, name=name)


def page(url: str, **more: Any) -> Page:
    return Page(url=url, accept="application/json", name="index of f", **more)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def content_of(file: str) -> bytes:
    return Path(file).read_bytes()


def parts(cache: Path) -> dict[str, bytes]:
    """The unfinished files, by name."""
    return {path.name: path.read_bytes() for path in cache.rglob("*.part")}


@contextmanager
def failing(kind: type[FormatError | UsageError], *lines: str) -> Iterator[list[Any]]:
    """Expect an error whose message is these lines; it can be looked at afterwards."""
    caught: list[Any] = []
    with pytest.raises(kind) as raised:
        yield caught
    caught.append(raised.value)
    assert [raised.value.message, *raised.value.others] == list(lines)


Pauses = list[float]


def noting() -> tuple[Pauses, Callable[[float], None]]:
    """A list of pauses, and what fills it in place of waiting."""
    pauses: Pauses = []
    return pauses, pauses.append
