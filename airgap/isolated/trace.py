"""The way one artifact came, hop by hop, and what proves each hop; judged anew from the store's own signed documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airgap.core.errors import FormatError
from airgap.core.times import format_time
from airgap.core.verdict import Finding, Result, Vouches
from airgap.isolated.query import Found, Judged
from airgap.isolated.store.store import Store
from airgap.isolated.views import tree
from airgap.isolated.witness import authenticate_head

ALL: Final = ("provenance", "integrity", "accountability")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One station on the way of an artifact.

    Attributes:
        kind: producer, registry, mirror, proxy, re-host, agent, exporter, importer or store.
        who: its name, as whoever proves the hop knows it.
        at: when, as text; "" when nobody says.
        proof: what proves it, in words.
        proves: which of provenance, integrity and accountability follow from that proof; none for a mere statement.
    """

    kind: str
    who: str
    at: str = ""
    proof: str
    proves: Sequence[str] = ()

    def value(self) -> dict[str, Any]:
        """The hop as a JSON value."""
        return {"kind": self.kind, "who": self.who, "at": self.at, "proof": self.proof, "proves": list(self.proves)}


def trace(store: Store, found: Found, judged: Judged) -> list[Hop]:
    """All hops of an artifact, from its producer to the view.

    Args:
        store: that holds it.
        found: the artifact, and the bundle that brought it.
        judged: what it and its evidence are worth now.
    """
    records = store.ledger.read(store.public_key()).records
    return [
        *_signers(found.artifact.path, judged.findings),
        *_stated(found),
        _exporter(store, found),
        _importer(store, found, records),
        _store(store, found, judged, records),
    ]


def _signers(path: str, findings: Sequence[Finding]) -> list[Hop]:
    """Producer and registry: by their own signatures of this artifact, or by nothing; those of its pieces do not count."""
    findings = [finding for finding in findings if finding.subject == path]
    hops = [
        Hop(
            kind="registry" if finding.proof.vouches is Vouches.REGISTRY else "producer",
            who=finding.identity,
            at=finding.proof.signed_at,
            proof=f"{finding.kind} signature, key {finding.proof.fingerprint or '-'}, anchor {finding.proof.anchor}",
            proves=ALL,
        )
        for finding in findings
        if finding.result is Result.VERIFIED and finding.proof and finding.proof.vouches
    ]
    if not any(hop.kind == "producer" for hop in hops):
        others = sorted({finding.result for finding in findings if finding.result is not Result.VERIFIED})
        hops.insert(0, Hop(kind="producer", who="unknown", proof=f"nothing: evidence {', '.join(others) or 'absent'}"))
    return hops


def _stated(found: Found) -> list[Hop]:
    """Hops that the exporter wrote down: his word, and nobody else's."""
    return [
        Hop(kind=hop["kind"], who=hop["name"], proof="the exporter's statement in the signed manifest")
        for hop in found.artifact.custody
    ]


def _exporter(store: Store, found: Found) -> Hop:
    statement = found.heard.statement
    who = ", ".join(found.signers) or "unknown"
    try:
        authenticate_head(store, found.heard)
    except FormatError as exc:
        return Hop(kind="exporter", who=who, at=format_time(statement.created), proof=f"nothing any more: {exc.message}")
    name = f"bundle {statement.channel} {statement.sequence}, manifest {statement.manifest.hex()}"
    return Hop(kind="exporter", who=who, at=format_time(statement.created), proof=f"signature over {name}", proves=ALL)


def _importer(store: Store, found: Found, records: Sequence[Mapping[str, Any]]) -> Hop:
    """When this site admitted the bundle: the newest record that names its manifest."""
    manifest = found.heard.statement.manifest.hex()
    record = next((r for r in reversed(records) if r["kind"] == "prepared" and r.get("manifest") == manifest), None)
    if record is None:
        return Hop(kind="importer", who=store.site, proof="nothing: no record of the ledger names the bundle")
    proof = f"ledger record of generation {record['generation']}, signed checkpoint"
    return Hop(kind="importer", who=store.site, at=record["time"], proof=proof, proves=("integrity", "accountability"))


def _store(store: Store, found: Found, judged: Judged, records: Sequence[Mapping[str, Any]]) -> Hop:
    """What is there now."""
    checks = [record for record in records if record["kind"] == "recheck"]
    last = f"last check {checks[-1]['time']}: {checks[-1]['result']}" if checks else "not checked yet"
    shown = tree.place(found.artifact.path)
    if judged.fault:
        return Hop(kind="store", who=store.site, proof=f"nothing: {judged.fault}; {last}")
    where = "not shown: recalled" if found.is_recalled else f"shown as {shown or 'nothing'}"
    proof = f"object {found.artifact.sha256.hex()}, hashed again now; {where}; {last}"
    return Hop(kind="store", who=store.site, proof=proof, proves=("integrity",))
