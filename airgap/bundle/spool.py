"""What is kept while a bundle is only verified: documents, and the artifacts whose evidence signs the content itself.

It lies in a private folder below TMPDIR that is gone when the run ends, unless it is killed.
"""

import os
import tempfile
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Self

from airgap.core.entries import Document, Entry
from airgap.core.errors import StoreError


class Spool:
    """A sink that keeps what evidence will be judged by.

    Args:
        wanted: paths of the artifacts to keep; looked at when an artifact starts.
    """

    def __init__(self, wanted: Container[str]) -> None:
        self._wanted = wanted
        self._folder = tempfile.TemporaryDirectory(prefix="airgap-")
        self._files: dict[str, str] = {}
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        self._folder.cleanup()

    def begin(self, entry: Entry) -> None:
        """An entry starts."""
        if isinstance(entry, Document) or entry.path in self._wanted:
            path = self._files[entry.path] = os.path.join(self._folder.name, str(len(self._files)))
            with _full():
                self._file = open(path, "xb")  # noqa: SIM115 -- closed at the end of the entry

    def write(self, views: Sequence[memoryview]) -> None:
        """More of its content."""
        if self._file is not None:
            with _full():
                self._file.writelines(views)

    def end(self) -> None:
        """All of its content was written."""
        if self._file is not None:
            with _full():
                self._file.close()
            self._file = None

    def kept(self, entry: Entry) -> str:
        """Path of the file that holds an entry, "" when it was not kept."""
        return self._files.get(entry.path, "")


@contextmanager
def _full() -> Iterator[None]:
    """A temporary folder that takes no more is nobody's fault but the machine's."""
    try:
        yield
    except OSError as exc:
        raise StoreError(
            f"temporary folder: expected room for what evidence is about, got {os.strerror(exc.errno or 0)}",
            hint="TMPDIR names another folder",
        ) from exc
