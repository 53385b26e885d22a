"""Answers about what is in a store, from the signed documents themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

from airgap.bundle.claims import Heard
from airgap.core.entries import Artifact
from airgap.core.envelope import Envelope
from airgap.core.errors import UsageError
from airgap.core.trust import Trust
from airgap.isolated.store.index import Row
from airgap.isolated.store.store import Store
from airgap.isolated.views import files


@dataclass(frozen=True, slots=True)
class Found:
    """One artifact and what brought it."""

    artifact: Artifact
    heard: Heard
    signers: Sequence[str]
    shown: str | None
    is_withdrawn: bool


def find(store: Store, name: str) -> list[Found]:
    """All artifacts under a purl, a path in the bundle or a path in the view; the newest bundle's entry of each path.

    Raises:
        UsageError: there is none.
    """
    state = store.state()
    wanted = {name, f"artifacts/files/{name.removeprefix('files/')}"}
    rows = [
        row
        for row in store.index.artifacts(generation=state.generation, purl=name if name.startswith("pkg:") else None)
        if row.purl == name or row.path in wanted
    ]
    if not rows:
        raise UsageError(f"{name}: expected an artifact of this store, got none", hint="airgap list --store STORE")
    trusts = [store.trust(version).trust for version in range(state.trust, 0, -1) if store.has_trust(version)]
    return [
        Found(*_origin(store, row, state.manifests, trusts), files.place(row.path), row.sha256 in state.withdrawn)
        for row in rows
    ]


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
