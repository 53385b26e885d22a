"""Printing: text for people, one JSON document for programs; what others wrote is always escaped."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from airgap.core.display import printable


def say(text: str = "") -> None:
    """One line for people on standard output; a line break that somebody else wrote is escaped like all controls."""
    print(printable(text, limit=4000))


def warn(text: str) -> None:
    """One line for people on standard error."""
    print(printable(text, limit=4000), file=sys.stderr)


def emit(value: Mapping[str, Any]) -> None:
    """The one JSON document of a command; everything but ASCII is escaped by JSON itself."""
    print(json.dumps(value, indent=2, sort_keys=False, ensure_ascii=True))


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, on a terminal only.

    Args:
        label: what is being done.
        total: bytes, None when nobody knows yet.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn(label), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda size: bar.advance(task, size)
