"""Two looks of a recheck: is the ledger whole, and are the signers of what is stored still believed?"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from airgap.bundle.claims import Heard
from airgap.core.authentic import Authentic
from airgap.core.entries import Artifact
from airgap.core.envelope import STATEMENT_TYPE, authenticate
from airgap.core.errors import FormatError, StoreError
from airgap.core.reasons import Reason
from airgap.core.times import format_time
from airgap.core.trust import Trust, check_threshold
from airgap.isolated.report import Look, Memory, Report
from airgap.isolated.store.state import State
from airgap.isolated.store.store import Store

_WITHDRAWN: Final = frozenset({Reason.REVOKED_KEY, Reason.UNKNOWN_SIGNER, Reason.THRESHOLD, Reason.SIGNER_NOT_VALID})


def check_history(store: Store, report: Report) -> None:
    """Every record is covered by the signed checkpoint, and none is missing."""
    history = store.ledger.read(store.public_key())
    for fault in history.faults:
        report.add(Look.HISTORY, "ledger", Reason.HISTORY_BROKEN, expected="what the checkpoint covers", got=fault)
    if not history.faults:
        report.add(Look.HISTORY, "ledger", None, got=f"{len(history.records)} records")


def check_trust(store: Store, state: State, at: datetime, report: Report) -> Memory:
    """Every admitted bundle against the trust document in force, and what all of them say."""
    memory = Memory()
    trusts = [store.trust(version).trust for version in range(state.trust, 0, -1) if store.has_trust(version)]
    if trusts[0].expires <= at:
        got = f"version {trusts[0].version}, expired {format_time(trusts[0].expires)}"
        report.add(Look.TRUST, "trust document", Reason.TRUST_EXPIRED, expected="one in force", got=got)
    left = {digest: why for digest in state.manifests if (why := _check_bundle(store, digest, trusts, memory, report))}
    if left:
        _withdraw_bundles(store, state, left, memory, report)
    report.artifacts = sum(path.startswith("artifacts/") for path in memory.names)
    return memory


def _check_bundle(store: Store, digest: bytes, trusts: Sequence[Trust], memory: Memory, report: Report) -> str | None:
    """One admitted bundle: is it still what was admitted, and would its signers still be believed?

    Returns:
        Why its signers are not believed any more, None when they are, or when nobody can say.
    """
    subject = f"manifests/{digest.hex()}.head"
    try:
        heard = store.head(digest)
        if heard.statement.manifest != digest:
            raise FormatError("head: expected the manifest it is named after, got another")
        _learn(heard, memory)
        _check_recalls(heard, trusts[0], memory, report)
        _authenticate(heard, trusts)
    except StoreError as exc:
        memory.is_partial = True
        report.add(Look.TRUST, subject, Reason.OBJECT_MISSING, expected="the head of the bundle", got=exc.message)
    except FormatError as exc:
        is_withdrawn = exc.reason in _WITHDRAWN
        memory.is_partial |= not is_withdrawn
        reason = Reason.TRUST_WITHDRAWN if is_withdrawn else exc.reason
        report.add(Look.TRUST, subject, reason, expected="a bundle of people who are trusted", got=exc.message)
        return exc.message if is_withdrawn else None
    else:
        report.add(Look.TRUST, subject, None, got=f"{heard.statement.channel} {heard.statement.sequence}")
    return None


def _withdraw_bundles(store: Store, state: State, left: Mapping[bytes, str], memory: Memory, report: Report) -> None:
    """Name what nobody but signers who are not believed any more has signed (T211)."""
    theirs: dict[str, tuple[bytes, str, str]] = {}
    for digest, why in left.items():
        for entry in store.head(digest).manifest().named:
            theirs[entry.path] = (entry.sha256, entry.purl if isinstance(entry, Artifact) else entry.path, why)
    for digest in state.manifests:
        if digest in left:
            continue
        with suppress(FormatError, StoreError):  # reported already; what cannot be read vouches for nothing
            for entry in store.head(digest).manifest().named:
                if theirs.get(entry.path, (b"",))[0] == entry.sha256:
                    del theirs[entry.path]
    for path, (sha256, subject, why) in sorted(theirs.items()):
        if memory.names.get(path) == sha256:
            memory.recalled[path] = why
            report.add(Look.TRUST, subject, Reason.TRUST_WITHDRAWN, expected="a signer who is trusted", got=why)


def authenticate_head(store: Store, heard: Heard) -> Authentic:
    """Prove that the signers of an admitted bundle are believed today.

    Raises:
        FormatError: they are not.
    """
    version = store.state().trust
    return _authenticate(heard, [store.trust(n).trust for n in range(version, 0, -1) if store.has_trust(n)])


def _authenticate(heard: Heard, trusts: Sequence[Trust]) -> Authentic:
    """A signature counts under the newest trust document that knows its signers; revocations of today always count.

    A signer who has left since is no reason to distrust what he signed while he was in office; a revoked key is.
    """
    first: FormatError | None = None
    revoked = {s.key_id for s in heard.envelope.signatures} & trusts[0].revoked_keys.keys()
    if revoked:
        raise FormatError(f"key {min(revoked)[:16]} is revoked", reason=Reason.REVOKED_KEY)
    for trust in trusts:
        try:
            authentic = authenticate(heard.envelope, STATEMENT_TYPE, trust.keys, what="envelope")
            names = trust.signers_of(authentic, at=heard.statement.created)
            channel = trust.channels.get(heard.statement.channel)
            if channel is None:
                raise FormatError(f"channel {heard.statement.channel} is unknown", reason=Reason.UNKNOWN_SIGNER)
            check_threshold(names, channel.role, what=f"channel {heard.statement.channel}")
        except FormatError as exc:
            first = first or exc
        else:
            return authentic
    assert first is not None
    raise first


def _learn(heard: Heard, memory: Memory) -> None:
    """Remember what a bundle says; of an untrusted one too, so that its files are not taken for strangers."""
    manifest = heard.manifest()
    documents = {document.path: document for document in manifest.documents}
    for entry in manifest.named:
        memory.objects[entry.sha256] = entry.size
        memory.names[entry.path] = entry.sha256
    memory.catalog.add(heard.statement.channel, manifest)
    for artifact in manifest.artifacts:
        if artifact.evidence:
            memory.evidenced[artifact.path] = (artifact, [documents[path] for path in artifact.evidence])
        elif artifact.path in memory.evidenced and memory.evidenced[artifact.path][0].sha256 != artifact.sha256:
            # the same bytes keep what came with them before: a bundle that leaves it out must not make them unrevoked
            del memory.evidenced[artifact.path]


def _check_recalls(heard: Heard, trust: Trust, memory: Memory, report: Report) -> None:
    """Artifacts of a bundle, and documents by their digest, that were recalled since."""
    for document in heard.manifest().documents if trust.revoked_digests else ():
        if revoked := trust.revoked_digests.get(document.sha256.hex()):
            got = f"recalled {format_time(revoked.date)}: {revoked.reason}"
            memory.recalled[document.path] = got
            report.add(Look.TRUST, document.path, Reason.REVOKED_ARTIFACT, expected="documents in force", got=got)
        else:
            memory.recalled.pop(document.path, None)
    for artifact in heard.manifest().artifacts if trust.revoked_digests or trust.revoked_artifacts else ():
        revoked = trust.revocation_of(artifact.purl, artifact.sha256)
        if revoked:
            got = f"recalled {format_time(revoked.date)}: {revoked.reason}"
            memory.recalled[artifact.path] = got
            report.add(Look.TRUST, artifact.purl, Reason.REVOKED_ARTIFACT, expected="artifacts in force", got=got)
        else:
            memory.recalled.pop(artifact.path, None)  # a newer bundle gives the name to something else
