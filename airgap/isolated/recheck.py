"""Recheck: does the store still hold what was signed, by people who are still trusted?

Five looks: bytes (objects against signed manifests, never against the index), structure (views, modes, extra files, index),
trust (every admitted bundle against today's trust document), evidence (the producers' signatures against today's anchors
and revocations), history (the ledger's tree and checkpoint). What is damaged goes to quarantine and out of the views; what
nobody may vouch for any more goes out of the views; nothing is deleted.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from airgap.core.errors import BusyError
from airgap.core.reasons import Reason
from airgap.isolated.admit import publish, quarantine
from airgap.isolated.evidenced import Proofs
from airgap.isolated.indexes import write_indexes
from airgap.isolated.report import Look, Memory, Report
from airgap.isolated.shown import Shown
from airgap.isolated.staging import Staging
from airgap.isolated.store.index import Known
from airgap.isolated.store.lock import locked, upgrade
from airgap.isolated.store.objects import MODE, Reading
from airgap.isolated.store.reading import read_all
from airgap.isolated.store.state import State
from airgap.isolated.store.store import Store
from airgap.isolated.structure import check_structure
from airgap.isolated.views import tree
from airgap.isolated.witness import check_history, check_trust


def recheck(store: Store, *, at: datetime, run_id: str, progress: Callable[[int], None] = lambda _: None) -> Report:
    """One full pass over a store.

    Args:
        store: to check.
        at: now, UTC.
        run_id: names the staging folder, if one is needed.
        progress: told the bytes hashed.

    Raises:
        BusyError: an import holds the store.
    """
    with locked(store.layout.lock) as _:
        recovered = store.recover(at).actions
    with locked(store.layout.lock, shared=True) as lock:
        state = store.state()
        report = Report(recovered=recovered)
        check_history(store, report)
        memory = check_trust(store, state, at, report)
        proofs = Proofs(store, store.trust(state.trust).trust, at, memory, state.manifests)
        damaged, inodes = _check_bytes(store, state, proofs, report, progress)
        proofs.check(state.withdrawn | set(damaged), report)
        check_structure(store, state, memory, inodes, report)
        try:
            upgrade(lock, store.layout.lock)
        except BusyError:
            if damaged or _recalled(memory, state) != state.recalled:
                report.add(Look.STRUCTURE, "quarantine", Reason.CHECK_NOT_RUN, expected="the lock", got="another run")
            return report
        _conclude(store, state, memory, report, damaged, at, run_id)
    return report


def _check_bytes(
    store: Store, state: State, proofs: Proofs, report: Report, progress: Callable[[int], None]
) -> tuple[list[bytes], dict[bytes, int]]:
    """Hash every object; returns the damaged ones, and the inode numbers of all that are there."""
    memory = proofs.memory
    damaged = []
    inodes = {}
    wanted = [(digest, size) for digest, size in sorted(memory.objects.items()) if digest not in state.withdrawn]
    for digest, size, reading in read_all(wanted, store.layout.object, proofs.further()):
        report.objects += 1
        report.content += size
        progress(size)
        if reading.mode != MODE:
            report.add(
                Look.STRUCTURE, _name(digest), Reason.WRONG_MODE, expected=f"mode {MODE:04o}", got=f"{reading.mode:04o}"
            )
        if reading.inode:
            inodes[digest] = reading.inode
        if reading.digests:
            proofs.digests[digest] = reading.digests
        if reading.fault is None:
            continue
        damaged.append(digest)
        reason = _how(reading, store.index.known(digest))
        report.add(
            Look.BYTES,
            _name(digest),
            reason,
            expected=f"{memory.name_of(digest)}, {size} bytes, sha256 {digest.hex()}",
            got=reading.got,
        )
    for digest in sorted(state.withdrawn & memory.objects.keys()):
        path = memory.name_of(digest)
        report.add(
            Look.BYTES, _name(digest), Reason.OBJECT_MISSING, expected=path, got="in quarantine since an earlier check"
        )
    if not damaged and not state.withdrawn:
        report.add(Look.BYTES, "objects", None, got=f"{report.objects} objects, {report.content} bytes")
    return damaged, inodes


def _how(reading: Reading, before: Known | None) -> Reason:
    """Rot leaves the inode's times alone; somebody who writes does not."""
    assert reading.fault is not None
    if reading.fault is Reason.OBJECT_MISSING or before is None:
        return reading.fault
    if (reading.modified, reading.inode) == (before.modified, before.inode):
        return reading.fault
    return Reason.OBJECT_CHANGED


def _name(digest: bytes) -> str:
    return f"objects/sha256/{digest.hex()[:2]}/{digest.hex()}"


def _conclude(
    store: Store,
    state: State,
    memory: Memory,
    report: Report,
    damaged: Sequence[bytes],
    at: datetime,
    run_id: str,
) -> None:
    """Quarantine, withdraw, record."""
    recalled = _recalled(memory, state)
    current = store.layout.generation(state.generation)
    if damaged or recalled != state.recalled or any(os.path.lexists(f"{current}/{name}") for name in recalled):
        _republish(store, state, memory, damaged, recalled, at, run_id)
        report.withdrawn = damaged
        report.recalled = recalled - state.recalled
    store.ledger.append(
        "recheck",
        at,
        result="damaged" if report.damage else "clean",
        objects=report.objects,
        bytes=report.content,
        findings=len(report.damage),
        withdrawn=[digest.hex() for digest in damaged],
        recalled=len(report.recalled),
    )
    store.ledger.close(store.private_key())


def _recalled(memory: Memory, state: State) -> frozenset[str]:
    """The names that nobody may vouch for any more; damage never takes a recall back."""
    unjudged = {tree.place(path) for path in memory.unjudged}
    kept = (name for name in state.recalled if memory.is_partial or name in unjudged)
    return frozenset(name for path in memory.recalled if (name := tree.known_as(path))).union(kept)


def _republish(
    store: Store,
    state: State,
    memory: Memory,
    damaged: Sequence[bytes],
    recalled: frozenset[str],
    at: datetime,
    run_id: str,
) -> None:
    """Move damaged objects to quarantine, and publish a generation that shows what is sound and vouched for."""
    gone = set(damaged)
    left_out = {name for path, digest in memory.names.items() if digest in gone and (name := tree.place(path))}
    number = state.generation + 1
    for digest in damaged:
        if os.path.lexists(store.layout.object(digest)):
            quarantine(store, digest, number)
    staging = Staging(store, run_id)
    try:
        shown = Shown(store, state)
        carry = tree.Carry(inodes=store.index.inodes(), source=shown.source, left_out=left_out | recalled)
        tree.carry_over(store.disk, store.layout.generation(state.generation), staging.generation, carry)
        known: set[str] = set()
        for name in sorted(state.recalled - recalled - left_out):
            if source := shown.source(name):  # vouched for again: a recall was taken back
                tree.show(store.disk, source, staging.generation, name, known)
        new = replace(state, generation=number, withdrawn=state.withdrawn | gone, recalled=recalled)
        write_indexes(store, new, staging.generation)
        publish(store, staging.generation, new, at, manifest=None)
        store.index.conclude(number)
    finally:
        staging.discard()
