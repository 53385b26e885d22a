from datetime import datetime
from typing import Any

import pytest

from airgap.core import canonical
from airgap.core.checkpoint import Checkpoint
from airgap.core.digest import sha256
from airgap.core.envelope import STATEMENT_TYPE, TRUST_TYPE, Envelope
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.receipt import open_receipt, receipt_statement
from airgap.core.verdict import Check, Finding, Result, Verdict, judge
from tests.core.test_statement import FIRST
from tests.forge.edit import Edit, drop, put
from tests.forge.keys import MALLORY, key

SITE = key("site")
FINDING = Finding(check=Check.CONTENT, subject="bundle", kind="bundle", result=Result.VERIFIED)
PASSED = judge([FINDING], required=[])
FAILED = judge([FINDING], required=[Check.POLICY])


def receipt(now: datetime, verdict: Verdict = PASSED) -> Envelope:
    return receipt_statement(
        site="lab",
        at=now,
        version="0.1.0",
        statement=FIRST,
        trust=3,
        policy="[limits]\n",
        verdict=verdict,
        generation=7,
        checkpoint=Checkpoint("lab", 12, bytes(range(32))),
    )


def test_a_receipt_is_a_verification_summary_of_the_bundle(now: datetime) -> None:
    raw = receipt(now).with_signatures([SITE]).encode()

    assert open_receipt(raw + b"\n", SITE.public) == open_receipt(raw, SITE.public) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "manifest.json", "digest": {"sha256": FIRST.manifest.hex()}}],
        "predicateType": "https://slsa.dev/verification_summary/v1",
        "predicate": {
            "verifier": {"id": "urn:airgap:site:lab", "version": {"airgap": "0.1.0"}},
            "timeVerified": "2026-11-23T08:00:00Z",
            "resourceUri": "urn:airgap:channel:main:1",
            "policy": {"uri": "urn:airgap:policy", "digest": {"sha256": sha256(b"[limits]\n").hex()}},
            "inputAttestations": [{"uri": "urn:airgap:statement", "digest": {"sha256": sha256(FIRST.encode()).hex()}}],
            "verificationResult": "PASSED",
            "verifiedLevels": [],
            "slsaVersion": "1.1",
            "airgap": {
                "channel": "main",
                "sequence": 1,
                "generation": 7,
                "trustVersion": 3,
                "findings": sha256(canonical.encode([FINDING.value()])).hex(),
                "ledger": {"size": 12, "root": bytes(range(32)).hex()},
            },
        },
    }  # fmt: skip


def test_a_receipt_of_a_rejected_bundle_says_that_it_failed(now: datetime) -> None:
    raw = receipt(now, FAILED).with_signatures([SITE]).encode()

    assert open_receipt(raw, SITE.public)["predicate"]["verificationResult"] == "FAILED"


def test_a_receipt_without_a_trust_document_is_not_written(now: datetime) -> None:
    with pytest.raises(FormatError, match=r"^receipt: expected minimum 1 at 'predicate.airgap.trustVersion'"):
        receipt_statement(
            site="lab",
            at=now,
            version="0.1.0",
            statement=FIRST,
            trust=0,
            policy="",
            verdict=PASSED,
            generation=1,
            checkpoint=Checkpoint("lab", 0, bytes(32)),
        )


def test_a_receipt_by_another_key_is_refused(now: datetime) -> None:
    with pytest.raises(FormatError) as caught:
        open_receipt(receipt(now).with_signatures([MALLORY]).encode(), SITE.public)

    assert caught.value.reason is Reason.UNKNOWN_SIGNER


def test_an_unsigned_receipt_is_refused(now: datetime) -> None:
    with pytest.raises(FormatError) as caught:
        open_receipt(receipt(now).encode(), SITE.public)

    assert caught.value.reason is Reason.UNSIGNED


@pytest.mark.parametrize(
    ("edit", "got"),
    [
        (drop("predicate", "airgap"), 'required ["airgap"'),
        (put("predicate", "verificationResult", to="MAYBE"), 'enum ["PASSED", "FAILED"]'),
        (put("predicateType", to="urn:airgap:bundle:1"), 'const "https://slsa.dev/verification_summary/v1"'),
    ],
)
def test_a_signed_statement_that_is_no_receipt_is_refused(now: datetime, edit: Edit[Any], got: str) -> None:
    value = edit(canonical.decode(receipt(now).payload, what="x"))
    raw = Envelope(STATEMENT_TYPE, canonical.encode(value), ()).with_signatures([SITE]).encode()

    with pytest.raises(FormatError) as caught:
        open_receipt(raw, SITE.public)

    assert caught.value.message.startswith(f"receipt: expected {got}")


def test_a_trust_document_of_the_site_key_is_no_receipt(now: datetime) -> None:
    raw = Envelope(TRUST_TYPE, receipt(now).payload, ()).with_signatures([SITE]).encode()

    with pytest.raises(FormatError, match=r"^receipt: expected payload type application/vnd\.in-toto\+json, got "):
        open_receipt(raw, SITE.public)
