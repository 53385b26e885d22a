"""A store that exists: its parts, and how it is brought back into order after a crash."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import BinaryIO, Self

from airgap.bundle.claims import Heard, hear
from airgap.bundle.head import MAX_MANIFEST, read_head
from airgap.core import canonical
from airgap.core.entries import Entry
from airgap.core.errors import FormatError, StoreError, UsageError
from airgap.core.keys import PrivateKey, PublicKey, parse_private, parse_public
from airgap.core.manifest import Manifest
from airgap.core.policy import Policy
from airgap.core.schema import validate
from airgap.core.trust import Believed, open_trust
from airgap.isolated.store.disk import Disk, RealDisk
from airgap.isolated.store.index import Index, Known
from airgap.isolated.store.layout import FORMAT, Layout
from airgap.isolated.store.ledger import Ledger
from airgap.isolated.store.leftovers import is_reached, put_back, remove_documents, remove_unpublished
from airgap.isolated.store.state import FILE, State


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a crash had left and recovery put in order."""

    damaged: int
    objects: int
    documents: int
    staged: int
    generations: int
    is_record_cut: bool
    ended: str | None
    is_index_rebuilt: bool

    @property
    def actions(self) -> list[str]:
        """In words; empty when there was nothing to do."""
        said = [
            (self.damaged, f"put {self.damaged} objects back that were on their way to quarantine"),
            (self.objects, f"removed {self.objects} objects that were never published"),
            (self.documents, f"removed {self.documents} documents that were never published"),
            (self.staged, f"removed {self.staged} unfinished staging folders"),
            (self.generations, f"removed {self.generations} generations that were never published"),
            (self.is_record_cut, "removed a ledger record that was cut short"),
            (self.ended, f"an interrupted import was {self.ended}"),
            (self.is_index_rebuilt, "rebuilt the index"),
        ]
        return [text for done, text in said if done]


class Store:
    """One local repository."""

    def __init__(self, layout: Layout, disk: Disk, site: str) -> None:
        self.layout = layout
        self.disk = disk
        self.site = site
        self.index = Index(layout)
        self.ledger = Ledger(layout, disk, site)

    @classmethod
    def open(cls, root: str, disk: Disk | None = None) -> Self:
        """The store in a folder.

        Raises:
            StoreError: there is none, it is a link (T190), or a newer program wrote it.
        """
        layout = Layout(os.path.abspath(root))
        try:
            if not stat.S_ISDIR(os.lstat(layout.root).st_mode):
                raise StoreError(f"{root}: expected a store's own folder, got a link or file")
            value = canonical.decode(_read(layout.mark).removesuffix(b"\n"), what="store.json")
            validate("store", value, what="store.json")
        except (FileNotFoundError, NotADirectoryError) as exc:
            raise StoreError(
                f"{root}: expected a store, got none", hint="airgap init STORE --trust TRUST --site NAME makes one"
            ) from exc
        except OSError as exc:
            raise StoreError(f"{root}: expected to read it, got {os.strerror(exc.errno or 0)}") from exc
        except FormatError as exc:
            raise StoreError(f"{root}: {exc.message}") from exc
        if value["format"] != FORMAT:
            raise StoreError(f"{root}: expected store format {FORMAT}, got {value['format']}")
        return cls(layout, disk or RealDisk(), value["site"])

    def state(self) -> State:
        """The current generation.

        Raises:
            StoreError: it is missing or unreadable.
        """
        try:
            return State.parse(_read(os.path.join(self.layout.current, FILE)))
        except (OSError, FormatError) as exc:
            raise StoreError(f"{self.layout.current}: expected a generation, got {exc}") from exc

    def trust(self, version: int) -> Believed:
        """One version of the trust document."""
        path = self.layout.trust(version)
        with _intact(path):
            return open_trust(self._document(path))

    def has_trust(self, version: int) -> bool:
        """Whether one version of the trust document was ever in force here."""
        return os.path.lexists(self.layout.trust(version))

    def policy(self) -> Policy:
        """The site's policy."""
        with _intact(self.layout.policy):
            return Policy.parse(self._document(self.layout.policy).decode("utf-8", "replace"))

    def private_key(self) -> PrivateKey:
        """The site's key."""
        with _intact(self.layout.private_key):
            return parse_private(self._document(self.layout.private_key), None)[0]

    def public_key(self) -> PublicKey:
        """Its public half."""
        with _intact(self.layout.public_key):
            return parse_public(self._document(self.layout.public_key))[0]

    def head(self, manifest: bytes) -> Heard:
        """The head of an admitted bundle, read anew; the caller verifies it.

        Raises:
            FormatError: it is not what it was.
            StoreError: it is missing.
        """
        path = self.layout.head(manifest)
        try:
            with open(path, "rb") as file:
                head = read_head(_File(file), max_manifest=MAX_MANIFEST)
                if file.read(1):
                    raise FormatError("head: expected its end, got more bytes")
                return hear(head)
        except OSError as exc:
            raise _unread(path, exc) from exc

    def heads(self, state: State) -> Iterator[Heard]:
        """The heads of all admitted bundles, in order of admission."""
        return (self.head(manifest) for manifest in state.manifests)

    def recover(self, at: datetime) -> Recovered:
        """Put in order what a crash left: whatever ``current`` does not reach goes, and the ledger says so.

        Runs under the exclusive lock at the start of every change; doing it twice changes nothing (T182).
        """
        state = self.state()
        is_cut = self.ledger.trim()
        ended = self._end_import(state, at)
        damaged = put_back(self.layout, self.disk, state)
        objects = remove_unpublished(self.layout, self.disk, state, lambda: self._named(state))
        documents = remove_documents(self.layout, self.disk, state)
        staged = self._remove_all(self.layout.staging, keep=lambda _: False)
        unpublished = self._remove_all(self.layout.generations, keep=lambda name: is_reached(name, state))
        is_rebuilt = self.index.generation() != state.generation
        if is_rebuilt:
            self.rebuild_index(state)
        return Recovered(damaged, objects, documents, staged, unpublished, is_cut, ended, is_rebuilt)

    def rebuild_index(self, state: State) -> None:
        """Make the index again from signed manifests and the objects' inodes."""
        self.index.create()
        for heard, manifest in self._admitted(state):
            self.index.add(heard.statement, manifest)
            self.index.see(self.look(manifest.entries))
        self.index.conclude(state.generation)

    def look(self, entries: Iterable[Entry]) -> Iterator[tuple[bytes, Known]]:
        """The inodes of entries' objects, in the order of their digests, which is the order of the index."""
        for entry in sorted(entries, key=attrgetter("sha256")):
            try:
                status = os.lstat(self.layout.object(entry.sha256))
            except FileNotFoundError:
                continue
            yield entry.sha256, Known(entry.size, status.st_mtime_ns, status.st_ino)

    def move_current(self, generation: int) -> None:
        """The commit point: from here on everybody sees the new generation."""
        self.disk.point(self.layout.current, f"generations/{generation}")

    def _admitted(self, state: State) -> Iterator[tuple[Heard, Manifest]]:
        for digest in state.manifests:
            with _intact(self.layout.head(digest)):
                heard = self.head(digest)
                manifest = heard.manifest()
            yield heard, manifest

    def _named(self, state: State) -> frozenset[bytes]:
        """Digests of everything that admitted bundles name."""
        return frozenset(entry.sha256 for _, manifest in self._admitted(state) for entry in manifest.named)

    def _end_import(self, state: State, at: datetime) -> str | None:
        """Record how an import ended that was prepared and then interrupted."""
        prepared = self.ledger.open_import()
        if prepared is None:
            return None
        is_done = prepared["generation"] <= state.generation
        self.ledger.append("committed" if is_done else "rolled-back", at, generation=prepared["generation"])
        self.ledger.close(self.private_key())
        return "completed" if is_done else "rolled back"

    def _remove_all(self, folder: str, keep: Callable[[str], bool]) -> int:
        names = [name for name in os.listdir(folder) if not keep(name)]
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isdir(path) and not os.path.islink(path):
                self.disk.remove_tree(path)
            else:
                self.disk.unlink(path)
        return len(names)

    def _document(self, path: str) -> bytes:
        try:
            return _read(path)
        except OSError as exc:
            raise _unread(path, exc) from exc


class _File:
    """A file as a stream of known length: read area by area, a large head is in memory only once."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.length = os.fstat(file.fileno()).st_size


@contextmanager
def _intact(path: str) -> Iterator[None]:
    """What the store itself wrote and cannot be read any more is the store's fault, not a bundle's."""
    try:
        yield
    except (FormatError, UsageError) as exc:
        raise StoreError(f"{path}: {exc.message}") from exc


def _unread(path: str, exc: OSError) -> StoreError:
    return StoreError(f"{path}: expected to read it, got {os.strerror(exc.errno or 0)}")


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
