"""Receipts: what a site says about a bundle that it verified, and how long its ledger was then.

The whole receipt is a document with proofs that the ledger only grew since earlier receipts. The short form is one line
that fits into a QR code; it names the whole one by its digest and proves no growth.

Source: SLSA Verification Summary Attestation v1, in an in-toto Statement v1, in a DSSE envelope signed by the site's key;
RFC 6962, 2.1.2 (consistency proofs).
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from airgap.core import canonical
from airgap.core.checkpoint import Checkpoint
from airgap.core.digest import parse_sha256, sha256
from airgap.core.envelope import STATEMENT_TYPE, Envelope, authenticate
from airgap.core.errors import FormatError
from airgap.core.keys import LIBRARY, PrivateKey, PublicKey
from airgap.core.names import check_token
from airgap.core.reasons import Reason
from airgap.core.schema import validate
from airgap.core.statement import STATEMENT_V1, Statement
from airgap.core.times import format_time, parse_time
from airgap.core.verdict import Result, Standing, Verdict

PREDICATE: Final = "https://slsa.dev/verification_summary/v1"
MAX_EARLIER: Final = 8
"""Earlier receipts to which one receipt proves that the ledger only grew."""
MAX_SHORT: Final = 400
"""Characters of the short form: what a QR code still holds in a size that a telephone reads from a screen."""

_SHORT_MARK: Final = "airgap-receipt-1"
_TOKEN: Final = r"[a-z0-9._-]{1,64}"  # noqa: S105 -- a name, no secret
_NUMBER: Final = r"0|[1-9][0-9]{0,15}"
_HASH: Final = r"[A-Za-z0-9_-]{43}"
_SHORT = re.compile(
    rf"{_SHORT_MARK} ({_TOKEN}) ({_TOKEN}) ({_NUMBER}) ({_HASH}) ({_NUMBER}) ({_HASH}) ({_HASH}) ([A-Za-z0-9_-]{{86}})"
)
_LIBRARY = re.compile(r"([a-z0-9][a-z0-9._-]*) ([0-9A-Za-z][0-9A-Za-z.+_-]*)")
_SITE: Final = "urn:airgap:site:"


@dataclass(frozen=True, slots=True)
class Earlier:
    """The ledger as it was at an earlier receipt, and the proof that it only grew since: nodes of the tree."""

    size: int
    root: bytes
    proof: tuple[bytes, ...]

    def value(self) -> dict[str, Any]:
        """As a JSON value."""
        return {"size": self.size, "root": self.root.hex(), "proof": [node.hex() for node in self.proof]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a site confirmed, by its own signature.

    Attributes:
        digest: SHA-256 of the whole receipt's statement: the name under which a delta stands on it.
        channel, sequence, manifest: of the bundle that was imported.
        ledger: how long it was afterwards, and its root.
        at: when it was verified, None in the short form.
        generation: that the import made, None in the short form.
        earlier: lengths since which the ledger provably only grew; none in the short form.
    """

    digest: bytes
    channel: str
    sequence: int
    manifest: bytes
    ledger: Checkpoint
    at: datetime | None = None
    generation: int | None = None
    earlier: tuple[Earlier, ...] = ()

    @property
    def is_short(self) -> bool:
        """Whether it was read from the short form."""
        return self.at is None

    def short(self, key: PrivateKey) -> str:
        """The short form, signed: one line of at most 400 characters."""
        return f"{self.body} {_base64(key.sign(self.body.encode()))}"

    @property
    def body(self) -> str:
        """The short form without its signature, which covers it. It begins like nothing else that a site signs."""
        ledger = self.ledger
        return (
            f"{_SHORT_MARK} {ledger.site} {self.channel} {self.sequence} {_base64(self.manifest)} "
            f"{ledger.size} {_base64(ledger.root)} {_base64(self.digest)}"
        )


def receipt_statement(  # noqa: PLR0913 -- a receipt says that much, and each by name
    *,
    site: str,
    at: datetime,
    version: str,
    statement: Statement,
    trust: int,
    policy: str,
    verdict: Verdict,
    generation: int,
    checkpoint: Checkpoint,
    earlier: Sequence[Earlier] = (),
) -> Envelope:
    """The receipt for an imported bundle, still without signature.

    Args:
        site: who verified.
        at: when, UTC.
        version: of this program.
        statement: of the bundle.
        trust: version of the trust document that was in force.
        policy: text of the policy.
        verdict: with all findings, of which the receipt carries the digest.
        generation: that the import made.
        checkpoint: of the ledger, the import included.
        earlier: lengths of the ledger at earlier receipts, with proofs.
    """
    findings = canonical.encode([finding.value() for finding in verdict.findings])
    value: dict[str, Any] = {
        "_type": STATEMENT_V1,
        "subject": [{"name": "manifest.json", "digest": {"sha256": statement.manifest.hex()}}],
        "predicateType": PREDICATE,
        "predicate": {
            "verifier": {"id": f"{_SITE}{site}", "version": {"airgap": version, **_libraries(verdict)}},
            "timeVerified": format_time(at),
            "resourceUri": f"urn:airgap:channel:{statement.channel}:{statement.sequence}",
            "policy": {"uri": "urn:airgap:policy", "digest": {"sha256": sha256(policy.encode()).hex()}},
            "inputAttestations": [{"uri": "urn:airgap:statement", "digest": {"sha256": sha256(statement.encode()).hex()}}],
            "verificationResult": "PASSED" if verdict.standing is Standing.ACCEPTED else "FAILED",
            "verifiedLevels": [],
            "slsaVersion": "1.1",
            "airgap": {
                "channel": statement.channel,
                "sequence": statement.sequence,
                "generation": generation,
                "trustVersion": trust,
                "findings": sha256(findings).hex(),
                **_lenient(verdict),
                "ledger": {
                    "size": checkpoint.size,
                    "root": checkpoint.root.hex(),
                    "consistency": [one.value() for one in earlier],
                },
            },
        },
    }
    validate("receipt", value, what="receipt")
    return Envelope(STATEMENT_TYPE, canonical.encode(value), ())


def _lenient(verdict: Verdict) -> dict[str, Any]:
    """The lenient pins that something was accepted by, with the reasons that the trust document gives; mostly none."""
    pins = {
        (finding.proof.anchor, finding.proof.note)
        for finding in verdict.findings
        if finding.result is Result.VERIFIED and finding.proof and finding.proof.tier == "pinned-lenient"
    }
    return {"lenient": [{"anchor": anchor, "reason": reason} for anchor, reason in sorted(pins)]} if pins else {}


def open_receipt(raw: bytes, key: PublicKey) -> dict[str, Any]:
    """What a whole receipt says, if the site's key signed it.

    Raises:
        FormatError: it did not, or this is no receipt.
    """
    value: dict[str, Any] = canonical.decode(_payload(raw, key), what="receipt")
    validate("receipt", value, what="receipt")
    return value


def read_receipt(raw: bytes, key: PublicKey) -> Receipt:
    """The receipt in a file, whole or in its short form, if the site's key signed it.

    Raises:
        FormatError: it did not, this is no receipt, or the receipt confirms nothing.
    """
    if raw.startswith(_SHORT_MARK.encode()):
        return _read_short(raw.removesuffix(b"\n"), key)
    value = open_receipt(raw, key)
    said = value["predicate"]
    if said["verificationResult"] != "PASSED":
        raise FormatError(f"receipt: expected verificationResult PASSED, got {said['verificationResult']}")
    own = said["airgap"]
    site = said["verifier"]["id"].removeprefix(_SITE)
    for name, what in ((site, "site"), (own["channel"], "channel")):
        check_token(name, what=what)
    return Receipt(
        digest=sha256(_payload(raw, key)),
        channel=own["channel"],
        sequence=own["sequence"],
        manifest=parse_sha256(value["subject"][0]["digest"]["sha256"]),
        ledger=Checkpoint(site, own["ledger"]["size"], parse_sha256(own["ledger"]["root"])),
        at=parse_time(said["timeVerified"]),
        generation=own["generation"],
        earlier=tuple(_earlier(own["ledger"].get("consistency", ()))),  # older receipts have none
    )


def _payload(raw: bytes, key: PublicKey) -> bytes:
    envelope = Envelope.parse(raw.removesuffix(b"\n"), what="receipt")
    return authenticate(envelope, STATEMENT_TYPE, {key.key_id: key}, what="receipt").payload


def _read_short(raw: bytes, key: PublicKey) -> Receipt:
    found = _SHORT.fullmatch(raw.decode("ascii", "replace"))
    if not found:
        raise FormatError("receipt: expected the short form of a receipt, got other text")
    site, channel, sequence, manifest, size, root, digest, signature = found.groups()
    text = found[0]
    if not key.is_signed(text.rpartition(" ")[0].encode(), _bytes(signature)):
        raise FormatError(
            f"receipt: expected a signature by the site's key {key.key_id[:16]}, got one that does not hold",
            reason=Reason.BAD_SIGNATURE,
        )
    receipt = Receipt(
        digest=_bytes(digest),
        channel=channel,
        sequence=int(sequence),
        manifest=_bytes(manifest),
        ledger=Checkpoint(site, int(size), _bytes(root)),
    )
    for name, what in ((site, "site"), (channel, "channel")):
        check_token(name, what=what)
    # base64 leaves two bits of a digest and four of a signature free: one receipt has one text
    if not receipt.sequence or text != f"{receipt.body} {_base64(_bytes(signature))}":
        raise FormatError("receipt: expected canonical text of the short form, got another encoding")
    return receipt


def _earlier(values: Iterable[Mapping[str, Any]]) -> Iterable[Earlier]:
    for said in values:
        yield Earlier(said["size"], parse_sha256(said["root"]), tuple(map(parse_sha256, said["proof"])))


def _libraries(verdict: Verdict) -> dict[str, str]:
    """Name and version of what made the mathematics: the signatures of the bundle, and the evidence in it."""
    said = {LIBRARY, *(finding.proof.library for finding in verdict.findings if finding.proof)}
    return {found[1]: found[2] for text in said if (found := _LIBRARY.fullmatch(text))}


def _base64(raw: bytes) -> str:
    """Source: RFC 4648, section 5, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """The bytes in base64 of a length that the expression above made sure of."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
