from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from airgap.core import canonical
from airgap.core.checkpoint import Checkpoint
from airgap.core.digest import sha256
from airgap.core.envelope import STATEMENT_TYPE, TRUST_TYPE, Envelope
from airgap.core.errors import FormatError
from airgap.core.keys import LIBRARY, Algorithm, PrivateKey
from airgap.core.reasons import Reason
from airgap.core.receipt import MAX_SHORT, Earlier, Receipt, open_receipt, read_receipt, receipt_statement
from airgap.core.statement import Statement
from airgap.core.verdict import Check, Finding, Proof, Result, Verdict, judge
from tests.core.test_statement import FIRST
from tests.forge.edit import Edit, drop, put
from tests.forge.keys import MALLORY, key

SITE = key("site")
FINDING = Finding(check=Check.CONTENT, subject="bundle", kind="bundle", result=Result.VERIFIED)
PASSED = judge([FINDING], required=[])
FAILED = judge([FINDING], required=[Check.POLICY])
ROOT = bytes(range(32))
EARLIER = Earlier(5, b"\5" * 32, (b"\1" * 32, b"\2" * 32))


def receipt(
    now: datetime, verdict: Verdict = PASSED, *, statement: Statement = FIRST, site: str = "lab", size: int = 12
) -> Envelope:
    return receipt_statement(
        site=site,
        at=now,
        version="0.1.0",
        statement=statement,
        trust=3,
        policy="[limits]\n",
        verdict=verdict,
        generation=7,
        checkpoint=Checkpoint(site, size, ROOT),
        earlier=[EARLIER],
    )


def whole(now: datetime, **changes: Any) -> Receipt:
    return read_receipt(receipt(now, **changes).with_signatures([SITE]).encode(), SITE.public)


def test_a_receipt_repeats_every_lenient_pin_that_something_was_accepted_by(now: datetime) -> None:
    lenient = Proof(document="documents/files/a.asc", anchor="old", tier="pinned-lenient", note="SHA-1 self-signature")
    good = replace(FINDING, proof=lenient)
    strict = replace(FINDING, proof=replace(lenient, anchor="new", tier="strict", note=""))
    failed = replace(FINDING, result=Result.FAILED, proof=replace(lenient, anchor="bad"))
    verdict = judge([good, good, strict, failed], required=[])

    said = open_receipt(receipt(now, verdict).with_signatures([SITE]).encode(), SITE.public)

    assert said["predicate"]["airgap"]["lenient"] == [{"anchor": "old", "reason": "SHA-1 self-signature"}]


def test_a_receipt_is_a_verification_summary_of_the_bundle(now: datetime) -> None:
    raw = receipt(now).with_signatures([SITE]).encode()

    assert open_receipt(raw + b"\n", SITE.public) == open_receipt(raw, SITE.public) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "manifest.json", "digest": {"sha256": FIRST.manifest.hex()}}],
        "predicateType": "https://slsa.dev/verification_summary/v1",
        "predicate": {
            "verifier": {
                "id": "urn:airgap:site:lab",
                "version": {"airgap": "0.1.0", "cryptography": LIBRARY.removeprefix("cryptography ")},
            },
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
                "ledger": {
                    "size": 12,
                    "root": ROOT.hex(),
                    "consistency": [{"size": 5, "root": "05" * 32, "proof": ["01" * 32, "02" * 32]}],
                },
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


def test_a_receipt_names_the_libraries_that_made_the_mathematics(now: datetime) -> None:
    proofs = [Proof(document="x", library=said) for said in ("pysequoia 0.1.35", "", "two words 1", "Bad/Name 1")]
    findings = [
        Finding(check=Check.EVIDENCE, subject="x", kind="openpgp", result=Result.VERIFIED, proof=proof) for proof in proofs
    ]
    said = receipt(now, judge(findings, required=[]))
    value = canonical.decode(said.payload, what="x")

    assert set(value["predicate"]["verifier"]["version"]) == {"airgap", "cryptography", "pysequoia"}
    assert value["predicate"]["verifier"]["version"]["pysequoia"] == "0.1.35"


def test_a_receipt_is_read_into_what_the_site_confirmed(now: datetime) -> None:
    envelope = receipt(now).with_signatures([SITE])

    assert read_receipt(envelope.encode() + b"\n", SITE.public) == Receipt(
        digest=sha256(envelope.payload),
        channel="main",
        sequence=1,
        manifest=FIRST.manifest,
        ledger=Checkpoint("lab", 12, ROOT),
        at=now,
        generation=7,
        earlier=(EARLIER,),
    )


def test_an_older_receipt_without_proofs_is_read_too(now: datetime) -> None:
    value = drop("predicate", "airgap", "ledger", "consistency")(canonical.decode(receipt(now).payload, what="x"))
    raw = Envelope(STATEMENT_TYPE, canonical.encode(value), ()).with_signatures([SITE]).encode()

    assert read_receipt(raw, SITE.public).earlier == ()


@pytest.mark.parametrize(
    ("edit", "got"),
    [
        (put("predicate", "verificationResult", to="FAILED"), "receipt: expected verificationResult PASSED, got FAILED"),
        (put("predicate", "verifier", "id", to="urn:airgap:site:A b"), "site: expected 1 to 64 of a-z 0-9 . _ -"),
        (put("predicate", "airgap", "channel", to="a..b"), "channel: expected "),
        (put("predicate", "timeVerified", to="2026-02-30T00:00:00Z"), "time: expected "),
        (put("predicate", "airgap", "ledger", "consistency", to=[EARLIER.value()] * 9), "receipt: expected maxItems 8"),
        (
            put("predicate", "airgap", "ledger", "consistency", 0, "proof", to=["00" * 32] * 65),
            "receipt: expected maxItems",
        ),
        (put("predicate", "airgap", "ledger", "more", to=1), "receipt: expected additionalProperties"),
    ],
)
def test_a_signed_receipt_that_confirms_nothing_is_refused(now: datetime, edit: Edit[Any], got: str) -> None:
    value = edit(canonical.decode(receipt(now).payload, what="x"))
    raw = Envelope(STATEMENT_TYPE, canonical.encode(value), ()).with_signatures([SITE]).encode()

    with pytest.raises(FormatError) as caught:
        read_receipt(raw, SITE.public)

    assert caught.value.message.startswith(got)


def test_the_short_form_says_the_same_but_how_and_when(now: datetime) -> None:
    one = whole(now)
    line = one.short(SITE)
    read = read_receipt(line.encode() + b"\n", SITE.public)

    assert line == one.short(SITE)
    assert read == Receipt(digest=one.digest, channel="main", sequence=1, manifest=one.manifest, ledger=one.ledger)
    assert (one.is_short, read.is_short) == (False, True)


def test_the_longest_short_form_fits(now: datetime) -> None:
    largest = canonical.MAX_INTEGER
    statement = replace(FIRST, channel="c" * 64, sequence=largest, previous=bytes(32))
    line = whole(now, statement=statement, site="s" * 64, size=largest).short(SITE)

    assert len(line) == MAX_SHORT - 1
    assert read_receipt(line.encode(), SITE.public).ledger.site == "s" * 64


def test_the_short_form_is_signed_for_its_own_purpose_only(now: datetime) -> None:
    line = whole(now).short(SITE)

    assert line.startswith("airgap-receipt-1 lab main 1 ")
    assert not Checkpoint("lab", 12, ROOT).sign(SITE).startswith("airgap-receipt-1 ")
    assert SITE.public.is_signed(line.rpartition(" ")[0].encode(), urlsafe_b64decode(line.rpartition(" ")[2] + "=="))


def test_every_changed_character_of_the_short_form_is_noticed(now: datetime) -> None:
    line = whole(now).short(SITE).encode()

    for at in range(len(line)):
        for byte in b"Az0_ \n":
            changed = line[:at] + bytes([byte]) + line[at + 1 :]
            if changed != line:
                with pytest.raises(FormatError):
                    read_receipt(changed, SITE.public)


@pytest.mark.parametrize("more", [b" ", b"\n\n", b"\r\n", b" x", b"\xff"])
def test_the_short_form_has_one_text(now: datetime, more: bytes) -> None:
    with pytest.raises(FormatError, match=r"^receipt: expected the short form of a receipt, got other text"):
        read_receipt(whole(now).short(SITE).encode() + more, SITE.public)


def test_spare_bits_of_base64_do_not_give_a_second_text(now: datetime) -> None:
    line = whole(now).short(SITE)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = line[:-1] + alphabet[alphabet.index(line[-1]) + 1]

    assert urlsafe_b64decode(other[-86:] + "==") == urlsafe_b64decode(line[-86:] + "==")
    with pytest.raises(FormatError, match=r"^receipt: expected canonical text of the short form, got another encoding"):
        read_receipt(other.encode(), SITE.public)


@pytest.mark.parametrize("site", ["a..b", "-a"])
def test_a_short_form_with_names_that_are_none_is_refused_though_it_is_signed(now: datetime, site: str) -> None:
    one = whole(now)
    odd = replace(one, ledger=replace(one.ledger, site=site))

    with pytest.raises(FormatError, match=r"^site: expected "):
        read_receipt(odd.short(SITE).encode(), SITE.public)
    with pytest.raises(FormatError, match=r"^receipt: expected canonical text"):
        read_receipt(replace(one, sequence=0).short(SITE).encode(), SITE.public)


@pytest.mark.parametrize("other", [MALLORY, key("site", Algorithm.ML_DSA_65)])
def test_a_short_form_by_another_key_is_refused(now: datetime, other: PrivateKey) -> None:
    with pytest.raises(FormatError) as caught:
        read_receipt(whole(now).short(SITE).encode(), other.public)

    assert caught.value.reason is Reason.BAD_SIGNATURE
