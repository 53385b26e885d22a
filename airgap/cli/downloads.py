"""What an export shows and keeps while it downloads."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airgap.connected.request import Request

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from airgap.connected.web.access import Access
    from airgap.connected.web.fetcher import Fetcher, OpenFetcher


@contextmanager
def downloading(wanted: Request, cache: str, jobs: int) -> Iterator["OpenFetcher | None"]:
    """How to download, with a progress bar on a terminal; None for plain files, which need no library for it.

    Args:
        wanted: what is asked for.
        cache: folder of the downloads; ``~`` is the user's home.
        jobs: downloads at a time.

    Raises:
        UsageError: the library is not installed.
    """
    if wanted.is_local:
        yield None
        return
    from airgap.core.errors import UsageError

    try:
        from airgap.connected.web.fetcher import Fetcher
        from airgap.connected.web.progress import SILENT
    except ModuleNotFoundError as exc:
        raise UsageError(
            f"export: expected the library {exc.name} for downloads, got none", hint="pip install 'airgap[connected]'"
        ) from exc

    folder = os.path.expanduser(cache)
    if not sys.stderr.isatty():
        yield lambda access: Fetcher(folder, access, progress=SILENT, jobs=jobs)
        return
    with _bar() as bar:
        shown = _Shown(bar)

        def open_fetcher(access: "Access") -> "Fetcher":
            return Fetcher(folder, access, progress=shown, jobs=jobs)

        yield open_fetcher


class _Shown:
    """A bar on a terminal: bytes, rate, time left, and how many files are done."""

    def __init__(self, bar: "Bar") -> None:
        self._bar = bar
        self._task: TaskID | None = None
        self._files = self._done = 0

    def begin(self, files: int, size: int | None) -> None:
        """Start over with so many files, and so many bytes where that is known."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._files, self._done = files, 0
        self._task = self._bar.add_task("download", total=size, files=self._count)

    def advance(self, size: int) -> None:
        """So many bytes more."""
        if self._task is not None:
            self._bar.advance(self._task, size)

    def finish_file(self) -> None:
        """One file more is there."""
        self._done += 1
        if self._task is not None:
            self._bar.update(self._task, files=self._count)

    @property
    def _count(self) -> str:
        return f"{self._done}/{self._files} files"


def _bar() -> "Bar":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[files]}"),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)
