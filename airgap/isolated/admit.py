"""Admission: what was verified becomes objects and the next generation, with one rename as the commit point.

The order of the durable steps is docs/store.md, "Commit"; a crash between any two of them leaves the old or the new
generation, and ``Store.recover`` removes the rest.
"""

import os
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from airgap.bundle.argument import Examined
from airgap.bundle.rules import Last
from airgap.core.entries import Artifact, Entry
from airgap.core.errors import FormatError, StoreError
from airgap.core.manifest import Manifest
from airgap.core.reasons import Reason
from airgap.core.statement import Statement
from airgap.core.trust import Believed
from airgap.core.verdict import Standing
from airgap.isolated.indexes import check_documents, write_indexes
from airgap.isolated.shown import Shown
from airgap.isolated.staging import Staging
from airgap.isolated.store.objects import read_object, scratch
from airgap.isolated.store.state import FILE, State
from airgap.isolated.store.store import Store
from airgap.isolated.views import tree


@dataclass(frozen=True, slots=True)
class Approved:
    """A bundle whose verdict is accepted. Made by ``approve`` only; admission demands it."""

    statement: Statement
    manifest: Manifest
    head: Sequence[bytes]
    trust: Believed
    updates: tuple[tuple[int, bytes], ...]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Admitted:
    """What admission did."""

    generation: int
    stored: int
    healed: int
    state: State


def approve(examined: Examined) -> Approved | None:
    """The bundle for admission, or None when it was not accepted."""
    claims = examined.claims
    if examined.verdict.standing is not Standing.ACCEPTED:
        return None
    if claims.statement is None or claims.manifest is None or claims.head is None:
        return None
    start = claims.trust.trust.version - len(claims.updates) + 1
    updates = tuple((start + n, envelope.encode() + b"\n") for n, envelope in enumerate(claims.updates))
    return Approved(claims.statement, claims.manifest, claims.head.parts, claims.trust, updates, not claims.is_known)


def admit(store: Store, staging: Staging, approved: Approved, at: datetime) -> Admitted:
    """Publish a staged bundle.

    Raises:
        FormatError: with reason name-clash, when another channel already shows another file under one of the names; or a
            document that an index is made from is none.
        StoreError: the disk failed; recovery brings the old generation back.
    """
    old = store.state()
    entries = list(approved.manifest.entries)
    _check_owners(store, old, approved)
    staging.settle()
    check_documents((entry, staging.path(index, entry)) for index, entry in enumerate(entries))
    store.disk.sync(staging.root)
    published = _Objects(store, old.generation + 1)
    try:
        for index, entry in enumerate(entries):
            published.add(entry, staging.path(index, entry))
        state = next_state(old, approved, at, healed=published.digests)
        if approved.is_new:
            _link_left_out(store, staging, approved.manifest)
        else:
            staging.start_over()  # it brings bytes back, not its names: newer bundles may have replaced those
        shown = Shown(store, old)
        _show_again(store, staging, shown, published.digests & old.withdrawn, state.recalled)
        carry = tree.Carry(inodes=store.index.inodes(), source=shown.source, moved=published.moved)
        tree.carry_over(store.disk, store.layout.generation(old.generation), staging.generation, carry)
        _keep_documents(store, approved)
        write_indexes(store, state, staging.generation)
        publish(store, staging.generation, state, at, manifest=approved.statement.manifest)
    except StoreError:
        if os.path.lexists(staging.generation):
            published.undo()  # once it is among the generations, recovery finds its objects by it
        raise
    if approved.is_new:
        store.index.add(approved.statement, approved.manifest)
    store.index.see(store.look(entries))
    store.index.conclude(state.generation)  # when the index fails, the next run rebuilds it
    return Admitted(state.generation, published.stored, published.healed, state)


def publish(store: Store, folder: str, state: State, at: datetime, *, manifest: bytes | None) -> None:
    """Turn a finished folder into the current generation.

    Args:
        store: locked exclusively.
        folder: the generation's tree, below staging.
        state: of the new generation.
        at: now.
        manifest: digest of the bundle that made it, None when a check did.
    """
    disk, layout = store.disk, store.layout
    disk.write_file(os.path.join(folder, FILE), state.encode())
    disk.sync(layout.root)
    disk.rename(folder, layout.generation(state.generation))
    disk.sync_folder(layout.generations)
    store.ledger.append("prepared", at, generation=state.generation, manifest=manifest.hex() if manifest else None)
    store.move_current(state.generation)
    store.ledger.append("committed", at, generation=state.generation)


def next_state(old: State, approved: Approved, at: datetime, *, healed: Set[bytes]) -> State:
    """The state after a bundle; floor, sequence and trust version only ever rise."""
    statement = approved.statement
    # at the end also when it was listed before: content that goes back under a new number is the newest
    others = tuple(manifest for manifest in old.manifests if manifest != statement.manifest)
    last = Last(statement.sequence, statement.manifest)
    return replace(
        old,
        generation=old.generation + 1,
        floor=max(old.floor, statement.created, approved.trust.trust.issued, at),
        trust=max(old.trust, approved.trust.trust.version),
        channels={**old.channels, statement.channel: last} if approved.is_new else old.channels,
        manifests=(*others, statement.manifest) if approved.is_new else old.manifests,
        withdrawn=old.withdrawn - healed,
        recalled=old.recalled - _names(approved) if approved.is_new else old.recalled,
    )


def _names(approved: Approved) -> frozenset[str]:
    """The names that a bundle says anew."""
    return frozenset(name for entry in approved.manifest.named if (name := tree.known_as(entry.path)))


class _Objects:
    """Gives staged files their place among the objects."""

    def __init__(self, store: Store, generation: int) -> None:
        self.healed = 0
        self.moved: dict[int, str] = {}
        self._store = store
        self._generation = generation
        self._fresh: set[bytes] = set()
        self._new: list[bytes] = []
        self._buffer = scratch()

    @property
    def stored(self) -> int:
        """How many were not there before."""
        return len(self._new)

    @property
    def digests(self) -> Set[bytes]:
        """Everything that is there and sound now."""
        return self._fresh

    def add(self, entry: Entry, path: str) -> None:
        """Publish one staged file; an object that is already there is hashed again, not trusted (T186)."""
        store = self._store
        name = store.layout.object(entry.sha256)
        if store.disk.link(path, name):
            self._new.append(entry.sha256)
        else:
            if entry.sha256 not in self._fresh:
                self._heal(entry, path, name)
            # one inode for one content: the view shows the object itself
            store.disk.unlink(path)
            store.disk.link(name, path)
        self._fresh.add(entry.sha256)

    def undo(self) -> None:
        """Take back what was published: nothing shows it yet. What the disk refuses now is left to recovery."""
        with suppress(StoreError):
            for digest in self._new:
                self._store.disk.unlink(self._store.layout.object(digest))

    def _heal(self, entry: Entry, path: str, name: str) -> None:
        reading = read_object(name, entry.sha256, entry.size, self._buffer)
        if reading.fault is None:
            return
        aside = quarantine(self._store, entry.sha256, self._generation)
        self.moved[os.lstat(aside).st_ino] = name
        self._store.disk.link(path, name)
        self.healed += 1


def quarantine(store: Store, digest: bytes, generation: int) -> str:
    """Move a damaged object aside; it is never deleted. Returns its new path."""
    aside = os.path.join(store.layout.quarantine, f"{digest.hex()}.{generation}")
    store.disk.rename(store.layout.object(digest), aside)
    return aside


def _link_left_out(store: Store, staging: Staging, manifest: Manifest) -> None:
    """Show the artifacts that a delta did not carry; the argument hashed them again."""
    known: set[str] = set()
    for artifact in manifest.artifacts:
        shown = tree.place(artifact.path)
        if not artifact.stored and shown is not None:
            tree.show(store.disk, store.layout.object(artifact.sha256), staging.generation, shown, known)


def _show_again(store: Store, staging: Staging, shown: Shown, healed: Set[bytes], recalled: Set[str]) -> None:
    """Bring back the names, of whatever bundle, that were withdrawn with objects that are sound again; no recalled one."""
    if not healed:
        return
    known: set[str] = set()
    for name, digest in shown.digests.items():
        if digest in healed and name not in recalled:
            tree.show(store.disk, store.layout.object(digest), staging.generation, name, known)


def _check_owners(store: Store, old: State, approved: Approved) -> None:
    """A channel replaces its own files only; one channel must not shadow another's."""
    _check_manifest_owner(store, old, approved)
    current = store.layout.generation(old.generation)
    if not any(tree.names(current)) and not old.recalled and not old.withdrawn:
        return
    # a document stands in the same view as an artifact; one that nobody sees now still has its owner
    replaced = {
        shown: entry
        for entry in approved.manifest.named
        if (shown := tree.place(entry.path))
        and (shown in old.recalled or _is_other(store, entry, f"{current}/{shown}", is_there=not old.withdrawn))
    }
    if not replaced:
        return
    for heard in store.heads(old):
        if heard.statement.channel == approved.statement.channel:
            continue
        for entry in heard.manifest().named:
            other = replaced.get(tree.place(entry.path) or "")
            if other is None or other.sha256 == entry.sha256:
                continue
            if isinstance(entry, Artifact) or isinstance(other, Artifact):  # lists of two channels may share a name
                raise FormatError(
                    f"{other.path}: expected a name that channel {heard.statement.channel} does not hold, "
                    f"got one that channel {approved.statement.channel} gives to another file",
                    reason=Reason.NAME_CLASH,
                )


def _check_manifest_owner(store: Store, old: State, approved: Approved) -> None:
    """Heads are kept by manifest: with the same one, another channel would take the names over."""
    statement = approved.statement
    if not approved.is_new or statement.manifest not in old.manifests:
        return
    owner = store.head(statement.manifest).statement.channel
    if owner != statement.channel:
        raise FormatError(
            f"manifest: expected one that channel {owner} did not bring, got the same from channel {statement.channel}",
            reason=Reason.NAME_CLASH,
        )


def _is_other(store: Store, entry: Entry, shown: str, *, is_there: bool) -> bool:
    """Whether the view shows another file under an entry's name.

    Args:
        store: to look into.
        entry: that comes in.
        shown: path of the name.
        is_there: all names are shown; otherwise the one may be another's that is withdrawn.
    """
    try:
        there = os.lstat(shown).st_ino
    except (FileNotFoundError, NotADirectoryError):
        return not is_there
    try:
        return os.lstat(store.layout.object(entry.sha256)).st_ino != there
    except FileNotFoundError:
        return True


def _keep_documents(store: Store, approved: Approved) -> None:
    """Keep the signed documents byte for byte as they were received."""
    documents: list[tuple[str, Sequence[bytes]]] = [(store.layout.head(approved.statement.manifest), approved.head)]
    documents += [(store.layout.trust(version), [raw]) for version, raw in approved.updates]
    for path, parts in documents:
        # an admitted head that comes again must not be missing for a moment: a crash would lose it
        temporary = f"{path}.new"
        store.disk.write_file(temporary, b"".join(parts), 0o444)
        store.disk.rename(temporary, path)
        store.disk.sync_folder(os.path.dirname(path))
