"""Index pages on disk, for a short time."""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from typing import Any, Final, NamedTuple

from airgap.connected.web.wanted import Answer, Page
from airgap.core.errors import UsageError

_MAX_HEAD: Final = 64 * 1024


class Kept(NamedTuple):
    """An answer as it came, and how to ask whether it still holds. ``at`` is in seconds since 1970."""

    answer: Answer
    at: float
    etag: str
    modified: str

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that make an unchanged page a mere 304. Source: RFC 9110, 13.1.2 and 13.1.3."""
        found = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in found.items() if value}


class Shelf:
    """Pages by URL and Accept header, each in a file of a line of JSON and the page itself."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError as exc:
            raise UsageError(f"{folder}: expected a folder for index pages, got {exc.strerror}") from exc

    def find(self, page: Page) -> Kept | None:
        """The page as it was kept; None when it was not, or is damaged, or is larger than it may be now."""
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError), open(self._path(page), "rb") as file:
            head = json.loads(file.readline(_MAX_HEAD))
            content = file.read(page.limit + 1)
            if len(content) <= page.limit and head["sha256"] == hashlib.sha256(content).hexdigest():
                return _kept(head, content)
        return None

    def put(self, page: Page, kept: Kept) -> None:
        """Keep a page in place of an older one."""
        head = {
            "sha256": hashlib.sha256(kept.answer.content).hexdigest(),
            "status": kept.answer.status,
            "type": kept.answer.content_type,
            "url": kept.answer.url,
            "at": kept.at,
            "etag": kept.etag,
            "modified": kept.modified,
        }
        fd, path = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(json.dumps(head).encode() + b"\n" + kept.answer.content)
            os.rename(path, self._path(page))
        except BaseException:
            os.unlink(path)
            raise

    def _path(self, page: Page) -> str:
        name = hashlib.sha256(f"{page.url}\n{page.accept}".encode(errors="backslashreplace")).hexdigest()
        return os.path.join(self._folder, name)


def _kept(head: dict[str, Any], content: bytes) -> Kept:
    answer = Answer(int(head["status"]), str(head["type"]), content, str(head["url"]))
    return Kept(answer, float(head["at"]), str(head["etag"]), str(head["modified"]))
