"""One index page: from the shelf while it is fresh, else from its server.

A run that was interrupted asks again for what an index says, and for as long as it gets the same answers it wants the same
files, of which none is downloaded twice. Ten minutes are enough for that, and short enough that nobody misses a release.
"""

from collections.abc import Callable
from contextlib import closing
from typing import Final

from airgap.connected.web.address import is_file, shown
from airgap.connected.web.crew import Run
from airgap.connected.web.fault import Fault
from airgap.connected.web.patience import Patience
from airgap.connected.web.reply import Reply
from airgap.connected.web.shelf import Kept, Shelf
from airgap.connected.web.visit import Visitor
from airgap.connected.web.wanted import Answer, Page, shown_name
from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason

FRESH: Final = 600.0
"""Seconds for which a page is believed without asking again."""
_CHUNK: Final = 64 * 1024
_NOT_THERE: Final = frozenset({404, 410})


class PageReader:
    """Reads pages.

    Args:
        shelf: where pages are kept.
        visitor: asks servers.
        patience: asks them again.
        fresh: seconds for which a page is believed.
        clock: seconds since 1970.
    """

    def __init__(
        self, shelf: Shelf, visitor: Visitor, patience: Patience, *, fresh: float, clock: Callable[[], float]
    ) -> None:
        self._shelf = shelf
        self._visitor = visitor
        self._patience = patience
        self._fresh = fresh
        self._clock = clock

    def read(self, page: Page, run: Run) -> Answer:
        """What the index says.

        Raises:
            FormatError: too-large: more than the limit.
            UsageError: no answer, or that it is not there where it has to be.
        """
        kept = None if is_file(page.url) else self._shelf.find(page)
        # a clock that was set back makes no page fresh
        if kept and 0 <= self._clock() - kept.at < self._fresh and _is_wanted(page, kept.answer.status):
            return kept.answer
        try:
            return self._patience.keep_trying(lambda: self._ask(page, kept, run), lambda: 0, run)
        except Fault as fault:
            self._visitor.give_up(fault)
            raise UsageError(
                f"{shown_name(page.name)}: expected to read {shown(page.url)}, got {fault.got}", hint=fault.hint
            ) from fault

    def _ask(self, page: Page, kept: Kept | None, run: Run) -> Answer:
        conditions = kept.conditions if kept and kept.answer.status == 200 else {}
        accepted = {200} | ({304} if conditions else set()) | (_NOT_THERE if page.is_optional else set())
        headers = {"Accept": page.accept, "Accept-Encoding": "gzip", **conditions}
        at = self._clock()
        with closing(self._visitor.visit("GET", page.url, headers, accepted)) as reply:
            found = _renewed(kept, at) if kept and reply.status == 304 else self._take(reply, page, at, run)
        if not is_file(page.url):
            self._shelf.put(page, found)
        return found.answer

    def _take(self, reply: Reply, page: Page, at: float, run: Run) -> Kept:
        content = bytearray()
        while chunk := reply.read(_CHUNK):
            run.check()
            content += chunk
            if len(content) > page.limit:
                raise _too_large(page)
        run.check()
        kind = reply.headers.get("content-type", "")
        answer = Answer(reply.status, kind, bytes(content), reply.url)
        return Kept(answer, at, reply.headers.get("etag", ""), reply.headers.get("last-modified", ""))


def _is_wanted(page: Page, status: int) -> bool:
    return status == 200 or (page.is_optional and status in _NOT_THERE)


def _renewed(kept: Kept, at: float) -> Kept:
    return kept._replace(at=at)


def _too_large(page: Page) -> FormatError:
    message = f"{shown_name(page.name)}: expected at most {page.limit} bytes from {shown(page.url)}, got more"
    return FormatError(message, reason=Reason.TOO_LARGE, hint="no index page is that large; ask whoever runs that server")
