"""Staging: where a bundle's entries wait, unverified, until the whole argument holds.

They are written where the next generation will show them, so that publishing is one rename. The folder is private (T174).
Large entries are written by a thread of its own while the next piece is verified; for small ones the two threads would only
hand the interpreter to each other.
"""

import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from airgap.bundle.contents import LARGE
from airgap.core.entries import Entry
from airgap.isolated.store.store import Store
from airgap.isolated.views import tree

_AHEAD: Final = 4


class Staging:
    """Entries of one bundle, in the order of its stream."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._disk = store.disk
        self.root = os.path.join(store.layout.staging, run_id)
        self.generation = os.path.join(self.root, "generation")
        self._shown = self.generation
        self._count = 0
        self._aside: dict[str, str] = {}
        self._known: set[str] = set()
        self._fd = -1
        self._is_large = False
        self._thread = ThreadPoolExecutor(1)
        self._ahead: deque[Future[None]] = deque()
        self._disk.make_folder(self.root, 0o700)
        self._make_generation()
        self._disk.make_folder(os.path.join(self.root, "aside"))

    def begin(self, entry: Entry) -> None:
        """Create the file of an entry; its name was checked with the manifest."""
        shown = tree.place(entry.path)
        if shown is not None and (folder := shown.rpartition("/")[0]) not in self._known:
            tree.make_folders(self._disk, self._shown, folder, self._known)
        path = self.path(self._count, entry)
        if shown is None:
            self._aside[entry.path] = path
        self._fd = self._disk.create(path)
        self._is_large = entry.size >= LARGE
        self._count += 1

    def path(self, index: int, entry: Entry) -> str:
        """Where the entry with this number in the stream is staged."""
        shown = tree.place(entry.path)
        return f"{self.root}/aside/{index}" if shown is None else f"{self._shown}/{shown}"

    def write(self, views: Sequence[memoryview]) -> None:
        """Append to it.

        Raises:
            StoreError: the disk failed, now or at a piece that was handed over before.
        """
        if not self._is_large:
            self._disk.write(self._fd, views)
            return
        self._ahead.append(self._thread.submit(self._disk.write, self._fd, views))
        while len(self._ahead) > _AHEAD:
            self._ahead.popleft().result()

    def end(self) -> None:
        """Close it."""
        fd, self._fd = self._fd, -1
        if self._is_large:
            self._ahead.append(self._thread.submit(self._disk.close, fd))
        else:
            self._disk.close(fd)

    def kept(self, entry: Entry) -> str:
        """Path of the file that holds all of an entry that ended.

        Raises:
            StoreError: the disk failed.
        """
        self.settle()
        return self._aside.get(entry.path) or f"{self._shown}/{tree.place(entry.path)}"

    def start_over(self) -> None:
        """Begin another, empty generation; what was staged stays where it is until it is discarded."""
        self.generation = os.path.join(self.root, "next")
        self._make_generation()

    def settle(self) -> None:
        """Wait until everything was written.

        Raises:
            StoreError: the disk failed.
        """
        while self._ahead:
            self._ahead.popleft().result()

    def discard(self) -> None:
        """Remove everything that was staged."""
        self._thread.shutdown()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if os.path.isdir(self.root):
            self._disk.remove_tree(self.root)

    def _make_generation(self) -> None:
        self._disk.make_folder(self.generation)
        self._disk.make_folder(os.path.join(self.generation, tree.FILES))
