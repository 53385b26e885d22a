"""Intake: open -> verify -> admit -> views -> receipt. The path a bundle takes into the store."""

import os
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from airgap.bundle.argument import Examined, examine
from airgap.bundle.head import Head
from airgap.bundle.rules import Asker, Base
from airgap.core.checkpoint import Checkpoint
from airgap.core.digest import sha256
from airgap.core.entries import Artifact
from airgap.core.envelope import STATEMENT_TYPE, Envelope, authenticate
from airgap.core.errors import FormatError, StoreError, TrustStop, UsageError
from airgap.core.manifest import Manifest
from airgap.core.receipt import receipt_statement
from airgap.core.trust import Trust, apply_update
from airgap.core.verdict import Check, Finding, Result, Standing, Verdict
from airgap.evidence.prove import Prover
from airgap.isolated.admit import Admitted, Approved, admit, approve, publish
from airgap.isolated.indexes import write_indexes
from airgap.isolated.receipts import prove_growth
from airgap.isolated.shown import Shown
from airgap.isolated.staging import Staging
from airgap.isolated.store.lock import locked
from airgap.isolated.store.objects import read_object, scratch
from airgap.isolated.store.state import State
from airgap.isolated.store.store import Store
from airgap.isolated.views import tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How to import.

    Attributes:
        at: now, UTC.
        run_id: names the staging folder.
        allow_gap: why bundles in between may be missing, None when they may not.
        is_dry: verify only.
        version: of this program, for the receipt.
    """

    at: datetime
    run_id: str
    version: str
    allow_gap: str | None = None
    is_dry: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an import: the verdict, and what was admitted when it is accepted and new."""

    verdict: Verdict
    examined: Examined
    admitted: Admitted | None
    receipt: Envelope | None
    recovered: Sequence[str]


def take_in(store: Store, paths: Sequence[str], order: Order, *, progress: Callable[[int], None]) -> Outcome:
    """Verify a bundle and, when all of it holds, make it the next generation.

    Raises:
        BusyError: another run holds the store.
        UsageError: no such file, or a bundle inside the store (T190).
        StoreError: the disk failed; the old generation stays.
    """
    _check_outside(store, paths)
    with locked(store.layout.lock):
        recovered = store.recover(order.at).actions
        state = store.state()
        asker = _asker(store, state, order)
        if order.is_dry:
            examined = examine(paths, asker, sink=None, progress=progress)
            return Outcome(examined.verdict, examined, None, None, recovered)
        staging = Staging(store, order.run_id)
        try:
            examined = examine(paths, asker, sink=staging, progress=progress)
            return _conclude(store, staging, state, examined, order, recovered)
        finally:
            staging.discard()


def _conclude(
    store: Store, staging: Staging, old: State, examined: Examined, order: Order, recovered: Sequence[str]
) -> Outcome:
    """Admit what was accepted, record what was not."""
    approved = approve(examined)
    if approved is None:
        return _refuse(store, examined, examined.verdict, order, recovered)
    if not examined.claims.is_read:
        return Outcome(examined.verdict, examined, None, _receipt(store, examined, approved, old, order), recovered)
    try:
        admitted = admit(store, staging, approved, order.at)
    except FormatError as exc:
        return _refuse(store, examined, _against(examined.verdict, exc), order, recovered)
    if order.allow_gap is not None and _is_gap(old, approved):
        store.ledger.append("override", order.at, generation=admitted.generation, reason=order.allow_gap)
    store.ledger.close(store.private_key())
    receipt = _receipt(store, examined, approved, admitted.state, order)
    return Outcome(examined.verdict, examined, admitted, receipt, recovered)


def _is_gap(old: State, approved: Approved) -> bool:
    last = old.last(approved.statement.channel)
    return approved.is_new and approved.statement.sequence > (last.sequence if last else 0) + 1


def _receipt(store: Store, examined: Examined, approved: Approved, state: State, order: Order) -> Envelope:
    """What the site says of a bundle that is in the store; kept beside the generation unless one is there already.

    A bundle that is imported again gets one too: the first may have been lost with the power.
    """
    history = store.ledger.read(store.public_key())
    statement = receipt_statement(
        site=store.site,
        at=order.at,
        version=order.version,
        statement=approved.statement,
        trust=approved.trust.trust.version,
        policy=store.policy().text,
        verdict=examined.verdict,
        generation=state.generation,
        checkpoint=Checkpoint(store.site, len(history.lines), history.root),
        earlier=prove_growth(store, history.lines),
    )
    receipt = statement.with_signatures([store.private_key()])
    path = store.layout.receipt(state.generation)
    if not os.path.lexists(path):
        store.disk.write_file(path, receipt.encode() + b"\n", 0o444)
    return receipt


def _refuse(store: Store, examined: Examined, verdict: Verdict, order: Order, recovered: Sequence[str]) -> Outcome:
    """A refusal changes nothing but the ledger, and no more there than one record."""
    statement = examined.claims.statement
    store.ledger.append(
        "refusal",
        order.at,
        reason=str(verdict.reason),
        manifest=statement.manifest.hex() if statement else None,
    )
    store.ledger.close(store.private_key())
    return Outcome(verdict, examined, None, None, recovered)


def _asker(store: Store, state: State, order: Order) -> Asker:
    buffer = scratch()
    believed = store.trust(state.trust)

    def read_base(artifact: Artifact, further: Set[str]) -> Base | None:
        path = store.layout.object(artifact.sha256)
        reading = read_object(path, artifact.sha256, artifact.size, buffer, further)
        return Base(reading.digests, path) if reading.fault is None else None

    def is_damaged(head: Head, manifest: Manifest) -> bool:
        """Whether a bundle that was imported before can heal something: all its objects are hashed again (T186)."""
        return _is_head_lost(store, head, believed.trust) or any(
            entry.sha256 in state.withdrawn
            or read_object(store.layout.object(entry.sha256), entry.sha256, entry.size, buffer).fault is not None
            for entry in manifest.entries
        )

    return Asker(
        trust=believed,
        policy=store.policy(),
        at=order.at,
        site=store.site,
        history=state,
        allow_gap=order.allow_gap is not None,
        evidence=Prover,
        read_base=read_base,
        wants_content=is_damaged,
    )


def _is_head_lost(store: Store, head: Head, trust: Trust) -> bool:
    """Whether the store's own copy of a head is not what was admitted any more."""
    try:
        heard = store.head(sha256(head.manifest))
        authenticate(heard.envelope, STATEMENT_TYPE, trust.keys, what="envelope")
    except (FormatError, StoreError):
        return True
    return heard.head.manifest != head.manifest


def _against(verdict: Verdict, exc: FormatError) -> Verdict:
    finding = Finding(
        check=Check.MANIFEST,
        subject="bundle",
        kind="bundle",
        result=Result.FAILED,
        reason=exc.reason,
        expected=exc.message.partition(", got ")[0],
        got=exc.message.partition(", got ")[2],
    )
    return Verdict(Standing.REJECTED, exc.reason, (*verdict.findings, finding))


def _check_outside(store: Store, paths: Sequence[str]) -> None:
    """A bundle that lies in the store would be imported into what it is part of."""
    root = os.path.realpath(store.layout.root)
    for path in paths:
        if os.path.commonpath([root, os.path.realpath(path)]) == root:
            raise UsageError(f"{path}: expected a bundle outside the store, got one inside")


def update_trust(store: Store, raw: bytes, order: Order) -> int:
    """Apply an update of the trust document that came as a file. Returns the version in force.

    Raises:
        TrustStop: it does not follow from the document in force; nothing changes (T158).
    """
    with locked(store.layout.lock):
        store.recover(order.at)
        state = store.state()
        old = store.trust(state.trust).trust
        try:
            believed = apply_update(old, Envelope.parse(raw.removesuffix(b"\n"), what="trust update"))
        except FormatError as exc:
            raise TrustStop(exc.message, reason=exc.reason) from exc
        staging = Staging(store, order.run_id)
        try:
            path = store.layout.trust(believed.trust.version)
            store.disk.write_file(path, believed.envelope.encode() + b"\n", 0o444)
            new = replace(
                state,
                generation=state.generation + 1,
                floor=max(state.floor, believed.trust.issued),
                trust=believed.trust.version,
            )
            previous = store.layout.generation(state.generation)
            carry = tree.Carry(inodes=store.index.inodes(), source=Shown(store, state).source)
            tree.carry_over(store.disk, previous, staging.generation, carry)
            write_indexes(store, new, staging.generation)
            publish(store, staging.generation, new, order.at, manifest=None)
            store.index.conclude(new.generation)
            store.ledger.append("trust", order.at, version=new.trust, generation=new.generation)
            store.ledger.close(store.private_key())
        finally:
            staging.discard()
    return new.trust
