"""The index: what is in the store, fast to ask. A copy of what signed manifests say; deleted, it is rebuilt."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from airgap.core.errors import StoreError
from airgap.core.manifest import Manifest
from airgap.core.statement import Statement
from airgap.isolated.store.layout import Layout

_SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE artifacts (
    path TEXT PRIMARY KEY, purl TEXT NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL,
    channel TEXT NOT NULL, sequence INTEGER NOT NULL, evidence INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX artifacts_by_purl ON artifacts (purl);
CREATE TABLE objects (
    sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, inode INTEGER NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One artifact, as the newest bundle that carries it says."""

    path: str
    purl: str
    sha256: bytes
    size: int
    channel: str
    sequence: int
    evidence: int


@dataclass(frozen=True, slots=True)
class Known:
    """The inode of an object when it was stored: size in bytes, time of modification in nanoseconds, number."""

    size: int
    modified: int
    inode: int


class Index:
    """The SQLite file of one store."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def generation(self) -> int | None:
        """The generation that the index describes; None when it is missing or unreadable."""
        try:
            with self._open("ro") as db:
                row = db.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
                return int(row[0]) if row else None
        except (sqlite3.Error, ValueError):
            return None

    def create(self) -> None:
        """Start with an empty index."""
        if os.path.lexists(self._layout.index):
            os.unlink(self._layout.index)
        with self._open("rwc") as db:
            db.executescript(_SCHEMA)

    def add(self, statement: Statement, manifest: Manifest) -> None:
        """Enter the artifacts of a bundle; a newer bundle's entry replaces an older one's."""
        rows = (
            (a.path, a.purl, a.sha256, a.size, statement.channel, statement.sequence, len(a.evidence))
            for a in manifest.artifacts
        )
        with self._open("rw") as db:
            db.executemany("INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def see(self, seen: Iterable[tuple[bytes, Known]]) -> None:
        """Enter what was seen of objects."""
        rows = ((digest, k.size, k.modified, k.inode) for digest, k in seen)
        with self._open("rw") as db:
            db.executemany("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", rows)

    def conclude(self, generation: int) -> None:
        """Say which generation the index describes; the last step of every change."""
        with self._open("rw") as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('generation', ?)", (str(generation),))

    def artifacts(self, *, generation: int, purl: str | None = None) -> Iterator[Row]:
        """All artifacts by path, or those of one purl.

        Raises:
            StoreError: the index describes another generation.
        """
        if self.generation() != generation:
            raise StoreError("index: expected it to match the store, got another state", hint="run airgap recover")
        condition, parameters = ("WHERE purl = ?", (purl,)) if purl else ("", ())
        with self._open("ro") as db:
            for row in db.execute(f"SELECT * FROM artifacts {condition} ORDER BY path", parameters):  # noqa: S608
                yield Row(*row)

    def known(self, digest: bytes) -> Known | None:
        """What an object's inode was when its bytes came in; None when nobody remembers."""
        try:
            with self._open("ro") as db:
                row = db.execute("SELECT size, modified, inode FROM objects WHERE sha256 = ?", (digest,)).fetchone()
        except sqlite3.Error:
            return None
        return Known(*row) if row else None

    def inodes(self) -> frozenset[int]:
        """The inode numbers of all objects; empty when the index cannot be read."""
        try:
            with self._open("ro") as db:
                return frozenset(row[0] for row in db.execute("SELECT inode FROM objects"))
        except sqlite3.Error:
            return frozenset()

    def digests(self) -> Iterator[tuple[str, bytes]]:
        """Path and digest of every artifact, up to where the index can be read."""
        with suppress(sqlite3.Error), self._open("ro") as db:
            yield from db.execute("SELECT path, sha256 FROM artifacts")

    @contextmanager
    def _open(self, mode: str) -> Iterator[sqlite3.Connection]:
        # a damaged index costs a rebuild, never data: it need not wait for the disk
        db = sqlite3.connect(f"file:{self._quoted()}?mode={mode}", uri=True)
        try:
            if mode != "ro":
                db.execute("PRAGMA synchronous = OFF")
                db.execute("PRAGMA journal_mode = MEMORY")
            with db:
                yield db
        finally:
            db.close()

    def _quoted(self) -> str:
        path = os.path.abspath(self._layout.index)
        return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
