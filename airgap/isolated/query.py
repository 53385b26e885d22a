"""Answers about what is in a store, from the signed documents themselves."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from airgap.bundle.claims import Heard
from airgap.core.entries import Artifact
from airgap.core.envelope import Envelope
from airgap.core.errors import UsageError
from airgap.core.trust import Trust
from airgap.core.verdict import Finding
from airgap.evidence.prove import Prover
from airgap.isolated.store.index import Row
from airgap.isolated.store.objects import read_object, scratch
from airgap.isolated.store.store import Store
from airgap.isolated.views import tree


@dataclass(frozen=True, slots=True)
class Found:
    """One artifact and what brought it."""

    artifact: Artifact
    heard: Heard
    signers: Sequence[str]
    shown: str | None
    is_withdrawn: bool
    is_recalled: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """What a stored artifact and its evidence are worth now.

    Attributes:
        fault: why its bytes are not what was admitted, "" when they are.
        findings: about its evidence; none when its bytes are not what they were.
    """

    fault: str
    findings: Sequence[Finding]


def find(store: Store, name: str) -> list[Found]:
    """All artifacts under a purl, a path in the bundle or a path in the view; the newest bundle's entry of each path.

    Raises:
        UsageError: there is none.
    """
    state = store.state()
    wanted = {name, f"artifacts/{name}", f"artifacts/files/{name}"}
    rows = [
        row
        for row in store.index.artifacts(generation=state.generation, purl=name if name.startswith("pkg:") else None)
        if row.purl == name or row.path in wanted
    ]
    if not rows:
        raise UsageError(f"{name}: expected an artifact of this store, got none", hint="airgap list --store STORE")
    trusts = [store.trust(version).trust for version in range(state.trust, 0, -1) if store.has_trust(version)]
    return [
        Found(
            *_origin(store, row, state.manifests, trusts),
            tree.place(row.path),
            row.sha256 in state.withdrawn,
            tree.place(row.path) in state.recalled,
        )
        for row in rows
    ]


def judge(store: Store, found: Found, at: datetime) -> Judged:
    """Hash a stored artifact again and judge its evidence by today's trust document."""
    artifact = found.artifact
    documents = {document.path: document for document in found.heard.manifest().documents}
    stored = [(documents[path], store.layout.object(documents[path].sha256)) for path in artifact.evidence]
    missing = next((document.path for document, file in stored if not os.path.exists(file)), None)
    if missing:
        return Judged(f"{missing}: expected its evidence in the store, got none", ())
    prover = Prover(store.trust(store.state().trust).trust, at)
    further, _ = prover.needs(artifact, stored)
    path = store.layout.object(artifact.sha256)
    reading = read_object(path, artifact.sha256, artifact.size, scratch(), further)
    if reading.fault is not None:
        return Judged(f"{reading.fault}: {reading.got}", ())
    return Judged("", prover.prove(artifact, stored, reading.digests, path))


def _origin(
    store: Store, row: Row, manifests: Sequence[bytes], trusts: Sequence[Trust]
) -> tuple[Artifact, Heard, list[str]]:
    """The newest entry of a path, the bundle it came in, and who signed that."""
    for digest in reversed(manifests):
        heard = store.head(digest)
        if heard.statement.channel != row.channel or heard.statement.sequence != row.sequence:
            continue
        for artifact in heard.manifest().artifacts:
            if artifact.path == row.path:
                return artifact, heard, _names(heard.envelope, trusts)
    raise UsageError(f"{row.path}: expected the bundle that brought it, got none", hint="run airgap recover")


def _names(envelope: Envelope, trusts: Sequence[Trust]) -> list[str]:
    """Signers as the trust documents of this store name them; admission verified their signatures, check does again."""
    ids = {signature.key_id for signature in envelope.signatures}
    names = {s.name for trust in trusts for s in trust.signers.values() if ids & {key.key_id for key in s.keys}}
    return sorted(names)
