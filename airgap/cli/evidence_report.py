"""Evidence for people: who signed what, with which key, pinned by which anchor, and what to do where nobody did."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from airgap.cli.terminal import emit, say
from airgap.core.verdict import Finding, Proof, Result

if TYPE_CHECKING:
    from airgap.isolated.query import Found
    from airgap.isolated.trace import Hop

WORDS: Final[Mapping[Result, str]] = {
    Result.VERIFIED: "ok",
    Result.NOT_CHECKED: "open",
    Result.UNSUPPORTED: "carried",
    Result.UNTRUSTED_KEY: "unknown",
}
_INSIDE: Final = ("artifacts/", "documents/")


def evidence(finding: Finding) -> None:
    """One finding about one signature."""
    assert finding.proof is not None
    name = plain(finding.subject)
    if finding.reason is not None:
        say(f"  FAILED  {finding.check:10} {finding.reason}: {name}, {finding.kind} in {plain(finding.proof.document)}")
        say(f"          expected {finding.expected}")
        say(f"          got      {finding.got}")
    else:
        say(f"  {WORDS.get(finding.result, finding.result):7} {finding.check:10} {name}: {finding.kind}, {finding.got}")
    detail = details(finding.proof)
    if detail:
        say(f"          {detail}")
    if finding.proof.hint:
        say(f"          pin it: {finding.proof.hint}")


def details(proof: Proof) -> str:
    """Key, anchor, time and state of a signature, as far as they are known."""
    known = [
        (proof.anchor, f"anchor {proof.anchor}"),
        (proof.fingerprint, f"key {proof.fingerprint}"),
        (proof.algorithm, proof.algorithm),
        (proof.signed_at, f"signed {proof.signed_at} ({proof.time_proof or 'unproven'})"),
        (proof.key_now not in {"", "valid"}, f"key today {proof.key_now}"),
        (proof.tier not in {"", "strict"}, f"tier {proof.tier}"),
        (proof.note, proof.note),
    ]
    return ", ".join(text for is_known, text in known if is_known)


def plain(path: str) -> str:
    """A path without the part that all of its kind share."""
    return next((path.removeprefix(start) for start in _INSIDE if path.startswith(start)), path)


def ways(found: Sequence[tuple["Found", Sequence["Hop"]]], *, is_json: bool) -> None:
    """The way of each artifact."""
    if is_json:
        values = [
            {"purl": item.artifact.purl, "path": item.artifact.path, "hops": [hop.value() for hop in hops]}
            for item, hops in found
        ]
        emit({"artifacts": values})
        return
    for item, hops in found:
        say(f"{item.artifact.purl}")
        for hop in hops:
            when = f", {hop.at}" if hop.at else ""
            say(f"  {hop.kind:10} {hop.who}{when}")
            say(f"             {'proven by' if hop.proves else 'rests on'} {hop.proof}")
            if hop.proves:
                say(f"             gives {', '.join(hop.proves)}")
