"""What commands print: values of the other layers as text and as JSON."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from airgap.cli.evidence_report import WORDS, evidence
from airgap.cli.terminal import emit, say
from airgap.core.display import amount, plural
from airgap.core.envelope import Envelope
from airgap.core.guarantees import Counted, guarantees
from airgap.core.reasons import ADVICE, Reason
from airgap.core.statement import Statement
from airgap.core.times import format_time
from airgap.core.verdict import Finding, Standing, Verdict
from airgap.core.vouching import UNSIGNED, WITHHELD

if TYPE_CHECKING:
    from airgap.bundle.argument import Examined
    from airgap.bundle.claims import Heard
    from airgap.core.keys import PublicKey
    from airgap.core.trust import Believed
    from airgap.isolated.intake import Outcome
    from airgap.isolated.query import Found, Judged
    from airgap.isolated.report import Report
    from airgap.isolated.store.index import Row
    from airgap.isolated.store.ledger import History

_SHOWN = 20


def fingerprint(envelope: Envelope) -> str:
    """What people compare out of band: the first 160 bits of the payload's SHA-256, in groups of four digits.

    Signatures are left out, so the fingerprint stays the same when one more signer signs.
    """
    from airgap.core.digest import sha256

    digits = sha256(envelope.payload).hex()[:40]
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def signed(statement: Statement, envelope: Envelope, *, is_json: bool) -> None:
    """What a further signer signed."""
    if is_json:
        emit({"result": "signed", "bundle": bundle(statement), "keyIds": [s.key_id for s in envelope.signatures]})
        return
    say(f"signed channel {statement.channel}, sequence {statement.sequence}, {plural(statement.artifacts, 'artifact')}")
    say(f"  manifest {statement.manifest.hex()}, {plural(len(envelope.signatures), 'signature')} now")


def bundle(statement: Statement | None) -> dict[str, Any] | None:
    """A statement for JSON."""
    if statement is None:
        return None
    return {**statement.value()["predicate"], "manifest": statement.manifest.hex()}


def claims(heard: "Heard", *, with_manifest: bool, with_losses: bool, is_json: bool) -> None:
    """What a bundle says of itself."""
    statement = heard.statement
    manifest = heard.manifest()
    if is_json:
        value: dict[str, Any] = {
            "verified": False,
            "bundle": bundle(statement),
            "keyIds": [s.key_id for s in heard.envelope.signatures],
            "trustUpdates": len(heard.updates),
            "counts": {"artifacts": len(manifest.artifacts), "documents": len(manifest.documents)},
        }
        if with_manifest:
            value["entries"] = [entry.value() for entry in manifest.named]
        if with_losses:
            value["losses"] = [loss.value() for loss in manifest.losses]
        emit(value)
        return
    say("NOTHING WAS VERIFIED: this is what the bundle claims; airgap verify proves it")
    for name, said in (bundle(statement) or {}).items():
        if said is not None:
            text = ", ".join(f"{k} {v}" for k, v in said.items()) if isinstance(said, dict) else said
            say(f"  {name:12} {text}")
    for signature in heard.envelope.signatures:
        say(f"  signature    by a key that calls itself {signature.key_id[:16]}")
    say(f"  entries      {plural(len(manifest.artifacts), 'artifact')}, {plural(len(manifest.documents), 'document')}")
    if with_manifest:
        for entry in manifest.named:
            say(f"{entry.sha256.hex()}  {entry.size:>12}  {entry.path}")
    if with_losses or manifest.losses:
        print_losses(manifest.losses)


def verdict(examined: "Examined", *, seconds: float, is_json: bool) -> None:
    """What came of the argument about a bundle."""
    if is_json:
        emit(verdict_value(examined.verdict, examined, seconds=seconds, sandbox=()))
        return
    print_verdict(examined.verdict, examined)


def verdict_value(judged: Verdict, examined: "Examined", *, seconds: float, sandbox: Sequence[str]) -> dict[str, Any]:
    """A verdict for JSON: ``schemas/verdict.schema.json``."""
    manifest = examined.claims.manifest
    artifacts = len(manifest.artifacts) if manifest else 0
    return {
        "result": judged.standing,
        "reason": judged.reason,
        "bundle": bundle(examined.claims.statement),
        "findings": [finding.value() for finding in judged.findings],
        "guarantees": guarantees(judged, Counted.of(artifacts, examined.claims.vouching.values())),
        "sandbox": list(sandbox),
        "counts": {"artifacts": artifacts, "documents": len(manifest.documents) if manifest else 0},
        "seconds": round(seconds, 3),
    }


def print_verdict(judged: Verdict, examined: "Examined") -> None:
    """A verdict for people: every step, then the result and what to do."""
    findings(judged.findings)
    statement = examined.claims.statement
    name = f"channel {statement.channel}, sequence {statement.sequence}" if statement else "this file"
    if judged.standing is Standing.ACCEPTED:
        say(f"accepted: {name}")
        return
    assert judged.reason is not None
    say(f"{judged.standing}: {judged.reason}")
    say(f"hint: {ADVICE[judged.reason]}")


def new_store(root: str, site: str, believed: "Believed", key: "PublicKey", *, is_json: bool) -> None:
    """A store that was made."""
    trust = believed.trust
    if is_json:
        emit({"store": root, "site": site, "trust": mark(believed), "keyId": key.key_id})
        return
    say(f"store {root} of site {site}")
    say(f"  believes trust document version {trust.version}, fingerprint")
    say(f"    {fingerprint(believed.envelope)}")
    say("  compare it with what its signers tell you by phone or on paper before the first import")
    say(f"  site key {key.key_id[:16]} signs checkpoints and receipts: site.pub.pem")


def outcome(done: "Outcome", *, seconds: float, sandbox: Sequence[str], is_json: bool) -> None:
    """What came of an import."""
    if is_json:
        value = verdict_value(done.verdict, done.examined, seconds=seconds, sandbox=sandbox)
        if done.admitted:
            value["counts"] |= {
                "generation": done.admitted.generation,
                "stored": done.admitted.stored,
                "healed": done.admitted.healed,
            }
        emit(value)
        return
    for action in done.recovered:
        say(f"recovered: {action}")
    print_verdict(done.verdict, done.examined)
    if done.verdict.standing is not Standing.ACCEPTED:
        say("the store is unchanged; its ledger has one record more")
    elif done.admitted:
        healed = f", {plural(done.admitted.healed, 'object')} healed" if done.admitted.healed else ""
        say(f"imported as generation {done.admitted.generation}: {plural(done.admitted.stored, 'new object')}{healed}")
    elif done.examined.claims.is_known:
        say("imported before; every object of it was hashed again and is sound: nothing to do")
    else:
        say("dry run: nothing was changed")


def recheck(report: "Report", *, seconds: float, sandbox: Sequence[str], is_json: bool) -> None:
    """What came of a check."""
    damage = report.damage
    result = "damaged" if damage else "clean"
    if is_json:
        emit(
            {
                "result": result,
                "reason": damage[0].reason if damage else None,
                "bundle": None,
                "findings": [finding.value() for finding in report.findings],
                "guarantees": {"integrity": {"store": "does not hold" if damage else "holds"}},
                "sandbox": list(sandbox),
                "counts": {
                    "objects": report.objects,
                    "bytes": report.content,
                    "artifacts": report.artifacts,
                    "damage": len(damage),
                    "withdrawn": len(report.withdrawn),
                    "recalled": len(report.recalled),
                },
                "seconds": round(seconds, 3),
            }
        )
        return
    for action in report.recovered:
        say(f"recovered: {action}")
    findings(report.findings)
    if report.withdrawn:
        say(f"{plural(len(report.withdrawn), 'object')} moved to quarantine and out of the views; nothing was deleted")
    if report.recalled:
        say(f"{plural(len(report.recalled), 'name')} taken out of the views: nobody may vouch for them any more")
    say(f"{result}: {plural(report.objects, 'object')}, {amount(report.content)} hashed")
    for reason in dict.fromkeys(finding.reason for finding in damage):
        say(f"hint: {reason}: {ADVICE[Reason(reason or '')]}")


def listing(rows: Iterable["Row"], withdrawn: frozenset[bytes], *, is_json: bool) -> None:
    """What is in a store."""
    if is_json:
        emit({"artifacts": [_row(row, withdrawn) for row in rows]})
        return
    count = 0
    for row in rows:
        count += 1
        mark = "  (in quarantine)" if row.sha256 in withdrawn else ""
        say(f"{row.size:>12}  {row.sha256.hex()[:12]}  {row.channel} {row.sequence}  {row.purl}{mark}")
    say(f"{plural(count, 'artifact')}")


def artifact(found: "Sequence[tuple[Found, Judged]]", *, is_json: bool) -> None:
    """One artifact and what proves it."""
    values = [_found(item) for item, _ in found]
    if is_json:
        emit(
            {
                "artifacts": [
                    {**value, "fault": judged.fault, "findings": [finding.value() for finding in judged.findings]}
                    for value, (_, judged) in zip(values, found, strict=True)
                ]
            }
        )
        return
    for value, (_, judged) in zip(values, found, strict=True):
        hops = [f"{hop['kind']}:{hop['name']}" for hop in value["custody"]]
        for name, said in {**value, "view": value["view"] or "", "custody": hops}.items():
            say(f"{name:10} {', '.join(said) if isinstance(said, list) else said}")
        if judged.fault:
            say(f"damaged    {judged.fault}")
        findings(judged.findings)


def history(read: "History", *, is_json: bool) -> None:
    """The records of a ledger."""
    if is_json:
        emit({"records": list(read.records), "root": read.root.hex(), "faults": list(read.faults)})
        return
    for number, record in enumerate(read.records):
        details = ", ".join(f"{k} {v}" for k, v in record.items() if k not in {"kind", "time"} and v not in (None, []))
        say(f"{number:>5}  {record['time']}  {record['kind']:<12} {details}")


def proof(read: "History", *, is_json: bool) -> None:
    """Whether a ledger is whole."""
    if is_json:
        result, counts = "damaged" if read.faults else "clean", {"records": len(read.lines)}
        emit({"result": result, "root": read.root.hex(), "faults": list(read.faults), "counts": counts})
        return
    for fault in read.faults:
        say(f"broken: {fault}")
    say(f"{plural(len(read.lines), 'record')}, root {read.root.hex()}")


def mark(believed: "Believed") -> dict[str, Any]:
    """A trust document in short, for JSON."""
    return {"version": believed.trust.version, "fingerprint": fingerprint(believed.envelope)}


def _row(row: "Row", withdrawn: frozenset[bytes]) -> dict[str, Any]:
    return {
        "path": row.path,
        "purl": row.purl,
        "sha256": row.sha256.hex(),
        "size": row.size,
        "channel": row.channel,
        "sequence": row.sequence,
        "evidence": row.evidence,
        "withdrawn": row.sha256 in withdrawn,
    }


def _found(item: "Found") -> dict[str, Any]:
    statement = item.heard.statement
    return {
        "purl": item.artifact.purl,
        "path": item.artifact.path,
        "view": item.shown,
        "sha256": item.artifact.sha256.hex(),
        "size": item.artifact.size,
        "channel": statement.channel,
        "sequence": statement.sequence,
        "created": format_time(statement.created),
        "manifest": statement.manifest.hex(),
        "signers": list(item.signers),
        "evidence": list(item.artifact.evidence),
        "custody": [dict(hop) for hop in item.artifact.custody],
        "withdrawn": item.is_withdrawn,
        "recalled": item.is_recalled,
    }


def findings(found: Sequence[Finding]) -> None:
    """Good steps as one line each, faults with what was expected and got; long lists are cut and counted."""
    by_check: dict[tuple[str, bool], int] = {}
    for finding in found:
        against = finding.reason is not None
        group = (finding.check, against)
        by_check[group] = by_check.get(group, 0) + 1
        if by_check[group] > _SHOWN:
            continue
        who = f" by {finding.identity}" if finding.identity else ""
        if finding.proof:
            evidence(finding)
        elif against:
            say(f"  FAILED  {finding.check:10} {finding.reason}: {finding.subject}")
            say(f"          expected {finding.expected}")
            say(f"          got      {finding.got}")
        else:
            say(f"  {WORDS.get(finding.result, finding.result):7} {finding.check:10} {finding.got}{who}")
    for (check, _), count in by_check.items():
        if count > _SHOWN:
            say(f"          {check}: {count - _SHOWN} more findings; --json lists them all")


def print_losses(losses: Sequence[Any]) -> None:
    missing = [loss for loss in losses if loss.what not in {UNSIGNED, WITHHELD}]
    for loss in missing[:_SHOWN]:
        say(f"not carried: {loss.purl}: {loss.what}, {loss.detail}")
    if len(missing) > _SHOWN:
        say(f"not carried: {len(missing) - _SHOWN} more; --json lists them all")
    # a detail may begin with the name of one of several files
    bare = Counter((loss.what, loss.detail.rpartition(": ")[2]) for loss in losses if loss.what in {UNSIGNED, WITHHELD})
    for (what, detail), count in bare.most_common(_SHOWN):
        say(f"without evidence: {plural(count, 'artifact')}, {what}: {detail}")
