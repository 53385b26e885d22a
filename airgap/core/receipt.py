"""Receipts: what a site says about a bundle that it verified.

Source: SLSA Verification Summary Attestation v1, in an in-toto Statement v1, in a DSSE envelope signed by the site's key.
"""

from datetime import datetime
from typing import Any, Final

from airgap.core import canonical
from airgap.core.checkpoint import Checkpoint
from airgap.core.digest import sha256
from airgap.core.envelope import STATEMENT_TYPE, Envelope, authenticate
from airgap.core.keys import PublicKey
from airgap.core.schema import validate
from airgap.core.statement import STATEMENT_V1, Statement
from airgap.core.times import format_time
from airgap.core.verdict import Standing, Verdict

PREDICATE: Final = "https://slsa.dev/verification_summary/v1"


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
    """
    findings = canonical.encode([finding.value() for finding in verdict.findings])
    value: dict[str, Any] = {
        "_type": STATEMENT_V1,
        "subject": [{"name": "manifest.json", "digest": {"sha256": statement.manifest.hex()}}],
        "predicateType": PREDICATE,
        "predicate": {
            "verifier": {"id": f"urn:airgap:site:{site}", "version": {"airgap": version}},
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
                "ledger": {"size": checkpoint.size, "root": checkpoint.root.hex()},
            },
        },
    }
    validate("receipt", value, what="receipt")
    return Envelope(STATEMENT_TYPE, canonical.encode(value), ())


def open_receipt(raw: bytes, key: PublicKey) -> dict[str, Any]:
    """What a receipt says, if the site's key signed it.

    Raises:
        FormatError: it did not, or this is no receipt.
    """
    envelope = Envelope.parse(raw.removesuffix(b"\n"), what="receipt")
    authentic = authenticate(envelope, STATEMENT_TYPE, {key.key_id: key}, what="receipt")
    value: dict[str, Any] = canonical.decode(authentic.payload, what="receipt")
    validate("receipt", value, what="receipt")
    return value
