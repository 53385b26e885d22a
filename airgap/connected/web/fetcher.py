"""Downloads, some at a time: index pages, files whose digest is known, and their sizes."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from airgap.connected.web.access import Access
from airgap.connected.web.cache import Cache
from airgap.connected.web.crew import Run, work
from airgap.connected.web.download import Downloader
from airgap.connected.web.failures import raise_all
from airgap.connected.web.fault import Fault
from airgap.connected.web.patience import Patience
from airgap.connected.web.progress import SILENT, Progress
from airgap.connected.web.read_page import FRESH, PageReader
from airgap.connected.web.shelf import Shelf
from airgap.connected.web.transport import Transport
from airgap.connected.web.visit import Visitor
from airgap.connected.web.wanted import Answer, Download, Fetched, Page
from airgap.core.errors import FormatError, StoreError, UsageError

T = TypeVar("T")
R = TypeVar("R")


class Fetcher:
    """Reads pages and downloads files into a cache that several programs may share.

    A run that was interrupted is repeated at little cost: finished files are in the cache, unfinished ones are continued,
    and pages are believed for some minutes.

    Args:
        cache: folder, made when it is not there.
        access: certificates and credentials.
        progress: told about files.
        jobs: how many at a time.
        fresh: seconds for which a page is believed without asking again.
        clock: seconds since 1970.
        pause: waits so many seconds before another attempt, in place of the clock.

    Raises:
        UsageError: no such folder can be made, or the certificates cannot be read.
    """

    def __init__(
        self,
        cache: str,
        access: Access,
        *,
        progress: Progress = SILENT,
        jobs: int = 8,
        fresh: float = FRESH,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        self._cache = Cache(cache)
        self._progress = progress
        self._jobs = jobs
        self._transport = Transport(access.cafile, jobs, access.proxy)
        self._visitor = Visitor(self._transport, access)
        self._patience = Patience(pause)
        shelf = Shelf(f"{cache}/pages")
        self._pages = PageReader(shelf, self._visitor, self._patience, fresh=fresh, clock=clock)
        self._files = Downloader(self._cache, self._visitor, self._patience)

    def pages(self, wanted: Sequence[Page]) -> list[Answer]:
        """What an index says, in the order of the questions.

        Raises:
            UsageError: some page is not to be had; all are named.
            FormatError: too-large: some page is larger than it may be.
        """
        return self._all(wanted, self._pages.read, SILENT)

    def files(self, wanted: Sequence[Download]) -> list[Fetched]:
        """Files that hold all their digests, in the order of the wishes.

        Raises:
            FormatError: content-mismatch: some address gave other bytes than promised; all failures are named.
            UsageError: some file is not to be had; all are named.
        """
        sizes = [one.size for one in wanted if one.size is not None]
        self._progress.begin(len(wanted), sum(sizes) if len(sizes) == len(wanted) else None)
        return self._all(wanted, self._files.fetch, self._progress)

    def sizes(self, wanted: Sequence[Download]) -> list[int | None]:
        """Bytes of each file: as promised, as in the cache, as its server says, or None when nobody does."""

        def ask(one: Download, run: Run) -> int | None:
            return _on_disk(lambda: self._size(one, run))

        return work(wanted, ask, jobs=self._jobs, progress=SILENT, wake=self._transport.stop)

    def keep(self, content: bytes) -> Fetched:
        """Put bytes that were made here into the cache, as a file among the others."""
        return _on_disk(lambda: self._cache.keep(content))

    def _all(self, wanted: Sequence[T], fetch: Callable[[T, Run], R], progress: Progress) -> list[R]:
        def attempt(one: T, run: Run) -> R | FormatError | UsageError:
            try:
                return _on_disk(lambda: fetch(one, run))
            except (FormatError, UsageError) as exc:
                return exc

        found = work(wanted, attempt, jobs=self._jobs, progress=progress, wake=self._transport.stop)
        raise_all([one for one in found if isinstance(one, FormatError | UsageError)])
        return [one for one in found if not isinstance(one, FormatError | UsageError)]

    def _size(self, wanted: Download, run: Run) -> int | None:
        known = self._cache.size_of(wanted) if wanted.size is None else wanted.size
        if known is not None:
            return known
        asked = (self._ask_size(url, run) for url in wanted.urls)
        return next((size for size in asked if size is not None), None)

    def _ask_size(self, url: str, run: Run) -> int | None:
        try:
            reply = self._patience.keep_trying(lambda: self._visitor.visit("HEAD", url, {}, {200}), lambda: 0, run)
        except Fault as fault:
            self._visitor.give_up(fault)
            return None
        reply.drop()
        return reply.length


def _on_disk(action: Callable[[], T]) -> T:
    """Do what writes to the cache.

    Raises:
        StoreError: the disk does not take it; no other file would fare better.
    """
    try:
        return action()
    except OSError as exc:
        raise StoreError(f"download cache: expected to use it, got {exc.strerror or 'an error of the disk'}") from exc


OpenFetcher = Callable[[Access], Fetcher]
"""Makes what downloads, for one ecosystem's way in: certificates, credentials, proxy."""
