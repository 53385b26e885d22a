import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from airgap.core.anchors import Kind
from airgap.core.envelope import pae
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import sigstore
from airgap.evidence.bundles.trusted_root import TrustedRoot
from airgap.evidence.pubkey import Key
from airgap.evidence.recognise import needs
from airgap.evidence.subject import Pins
from tests.evidence.bench import NOW, anchor, piece, pins, subject
from tests.evidence.sigstore_forge import (
    ISSUER,
    NOON,
    REF,
    REPOSITORY,
    WORKFLOW,
    Content,
    Instance,
    Signer,
    b64,
    instance,
    spki,
    workflow_extensions,
)
from tests.evidence.sigstore_forge import statement as statement_of
from tests.evidence.sigstoring import ARTIFACT, ENVELOPE, MESSAGE, publisher, root_piece, signer

KEY = Signer(ec.generate_private_key(ec.SECP256R1()))
DSSE, INTOTO2 = ("dsse", "0.0.1"), ("intoto", "0.0.2")


def judge(tmp_path: Path, bundle: Any, believed: Pins, *beside: Any, content: bytes = ARTIFACT) -> Finding:
    raw = bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode()
    evidence = piece("a.txt.sigstore.json", raw)
    (finding,) = sigstore.verify(subject(tmp_path, content), evidence, beside or [root_piece()], believed)
    return finding


@pytest.mark.parametrize(("content", "kind"), [(MESSAGE, ("hashedrekord", "0.0.1")), (ENVELOPE, DSSE), (ENVELOPE, INTOTO2)])
def test_a_bundle_by_the_expected_publisher_is_verified(tmp_path: Path, content: Content, kind: Any) -> None:
    finding = judge(tmp_path, instance().bundle(signer(), content, kind), pins(publisher()))

    assert finding.result is Result.VERIFIED
    assert finding.identity == f"'{WORKFLOW}' ('{ISSUER}')"
    proof = finding.proof
    assert proof is not None
    assert (proof.anchor, proof.vouches, proof.algorithm) == ("producer", Vouches.PUBLISHER, "ecdsa-p256/sha256")
    assert (proof.signed_at, proof.time_proof, proof.key_then) == ("2026-03-01T12:00:00Z", "log", "valid")
    assert proof.fingerprint.startswith("sha256:")


def test_a_certificate_that_is_over_for_years_still_vouches_for_what_it_signed(tmp_path: Path) -> None:
    later = NOW.replace(year=2045)
    assert judge(tmp_path, instance().bundle(signer(), MESSAGE), pins(publisher(), at=later)).result is Result.VERIFIED


def test_another_publisher_fails_in_words(tmp_path: Path) -> None:
    expected = publisher(issuer=ISSUER, repository="acme/gadget")
    finding = judge(tmp_path, instance().bundle(signer(), MESSAGE), pins(expected))

    assert finding.result is Result.FAILED
    assert (finding.expected, finding.got) == ("publisher: repository 'acme/gadget'", "'acme/widget'")


def test_one_of_several_anchors_is_enough(tmp_path: Path) -> None:
    other = instance().trusted_root(lambda value: value.pop("ctlogs"))
    anchors = [
        publisher(issuer=ISSUER, repository="acme/gadget"),
        publisher(b"a root that nobody brought"),
        publisher(other),
        publisher(),
    ]
    beside = [root_piece(), root_piece(other)]
    bundle = instance().bundle(signer(), MESSAGE)

    assert judge(tmp_path, bundle, pins(*anchors), *beside).result is Result.VERIFIED
    assert judge(tmp_path, bundle, pins(*anchors[:-1]), *beside).result is Result.FAILED


def test_without_an_anchor_the_signer_is_named_and_a_pin_proposed(tmp_path: Path) -> None:
    finding = judge(tmp_path, instance().bundle(signer(), MESSAGE), pins())

    assert finding.result is Result.UNTRUSTED_KEY
    assert finding.got == f"'{WORKFLOW}' ('{ISSUER}') by its own certificate"
    assert finding.proof is not None
    assert (finding.proof.signed_at, finding.proof.key_then) == ("", "")
    assert finding.proof.hint == (
        "airgap trust anchor add TRUST -o NEXT --name NAME --kind sigstore --from trusted_root.json"
        f" --set issuer={ISSUER} --set repository={REPOSITORY} --set workflow=release.yml --artifacts pkg:generic/a.txt"
    )


def test_a_borrowed_workflow_is_proposed_with_the_repository_that_borrowed_it(tmp_path: Path) -> None:
    san = "https://github.com/lender/flows/.github/workflows/build.yml@refs/heads/main"
    who = instance().signer(san, workflow_extensions(san=san, config=WORKFLOW))
    finding = judge(tmp_path, instance().bundle(who, MESSAGE), pins())
    assert finding.proof is not None
    assert f"--set repository={REPOSITORY} --set workflow=release.yml --set identity={san} " in finding.proof.hint


def test_a_person_is_proposed_by_name_and_a_strange_name_is_quoted_or_left_out(tmp_path: Path) -> None:
    for san, issuer, words in (
        ("joe@acme.test", "https://mail.test", "--set issuer=https://mail.test --set identity=joe@acme.test "),
        ("joe@acme.test", "x'; rm -rf ~; '", """--set 'issuer=x'"'"'; rm -rf ~; '"'"''"""),
        ("joe@acme.test", "\x1b[2J", "--set issuer=ISSUER --set identity=joe@acme.test "),
    ):
        who = instance().signer(san, {"8": issuer})
        finding = judge(tmp_path, instance().bundle(who, MESSAGE), pins())
        assert finding.proof is not None
        assert words in finding.proof.hint
        assert (finding.got + finding.proof.hint).isprintable()


def test_without_an_anchor_what_is_wrong_is_wrong_all_the_same(tmp_path: Path) -> None:
    bundle = instance().bundle(signer(), MESSAGE, signature=signer().sign(b"other"))
    assert judge(tmp_path, bundle, pins()).result is Result.FAILED
    about_other = instance().bundle(signer(), Content(payload=statement_of("b.txt", b"other")), DSSE)
    assert judge(tmp_path, about_other, pins()).result is Result.FAILED
    assert judge(tmp_path, instance().bundle(signer(), MESSAGE), pins(), content=b"other").result is Result.FAILED


def test_an_anchor_whose_root_nobody_brought_proves_nothing_and_says_so(tmp_path: Path) -> None:
    finding = judge(tmp_path, instance().bundle(signer(), MESSAGE), pins(publisher(b"away")))

    assert finding.result is Result.UNTRUSTED_KEY
    assert finding.got.endswith("no trusted root at hand for anchor producer")


def test_a_root_that_only_the_bundle_speaks_for_verifies_nothing(tmp_path: Path) -> None:
    other = Instance("other")
    bundle = other.bundle(other.signer(), MESSAGE)
    finding = judge(tmp_path, bundle, pins(publisher()), root_piece(other.trusted_root()), root_piece())

    assert finding.result is Result.UNTRUSTED_KEY
    assert "expected one issued under the trusted root" in finding.got


def test_a_statement_has_to_be_about_the_artifact(tmp_path: Path) -> None:
    for content, words in (
        (Content(payload=statement_of("a.txt", b"other")), "a subject with sha256:"),
        (Content(payload=statement_of("a.txt", ARTIFACT, sha1="0" * 40)), "a subject with a sha256"),
        (Content(payload=b"{}"), "in-toto Statement"),
        (Content(payload=b"\xff"), "strict JSON"),
        (
            Content(payload=statement_of("a.txt", ARTIFACT), payload_type="text/plain"),
            "payload type application/vnd.in-toto",
        ),
    ):
        finding = judge(tmp_path, instance().bundle(signer(), content, DSSE), pins(publisher()))
        assert finding.result is Result.FAILED
        assert words in finding.expected


def test_a_log_less_bundle_needs_an_anchor_that_says_so(tmp_path: Path) -> None:
    bundle = instance().bundle(signer(), ENVELOPE, None, is_stamped=True)
    said: Any = {"issuer": ISSUER, "repository": REPOSITORY}

    assert judge(tmp_path, bundle, pins(publisher())).expected == "bundle: a log entry"
    assert judge(tmp_path, bundle, pins(publisher(**(said | {"tsa-only": "no"})))).result is Result.FAILED
    finding = judge(tmp_path, bundle, pins(publisher(**(said | {"tsa-only": "yes"}))))
    assert finding.result is Result.VERIFIED
    assert finding.proof is not None
    assert finding.proof.time_proof == "timestamp"


def test_a_signature_after_the_certificates_end_is_expired_at_signing(tmp_path: Path) -> None:
    bundle = instance().bundle(signer(), MESSAGE, at=NOON.replace(hour=13))
    assert judge(tmp_path, bundle, pins(publisher())).result is Result.EXPIRED_AT_SIGNING


def test_a_key_that_was_withdrawn_is_revoked(tmp_path: Path) -> None:
    bundle = instance().bundle(signer(), MESSAGE)
    good = judge(tmp_path, bundle, pins(publisher()))
    assert good.proof is not None
    withdrawn = {good.proof.fingerprint.removeprefix("sha256:"): "stolen"}

    finding = judge(tmp_path, bundle, pins(publisher(), revoked=withdrawn))
    assert (finding.result, finding.got) == (Result.REVOKED, "revoked: 'stolen'")


def test_what_a_withdrawn_key_of_the_instance_vouches_for_is_not_believed(tmp_path: Path) -> None:
    root = TrustedRoot.parse(instance().trusted_root())
    chain = root.authorities[0].chain
    keys = [root.logs[0].key.key_id, root.ct_logs[0].key.key_id, *(Key.of(link.public_key()).key_id for link in chain)]
    bundle = instance().bundle(signer(), MESSAGE)

    for key in keys:
        assert judge(tmp_path, bundle, pins(publisher(), revoked={key: "stolen"})).result is Result.FAILED
    stamped = instance().bundle(signer(), MESSAGE, None, is_stamped=True)
    said: Any = {"issuer": ISSUER, "repository": REPOSITORY, "tsa-only": "yes"}
    private = publisher(**said)
    assert judge(tmp_path, stamped, pins(private)).result is Result.VERIFIED
    stamper = Key.of(root.timestampers[0].chain[0].public_key()).key_id
    for key in (keys[1], stamper):
        assert judge(tmp_path, stamped, pins(private, revoked={key: "stolen"})).result is Result.FAILED


def test_the_text_that_an_envelope_signs_is_no_file_that_its_signer_released(tmp_path: Path) -> None:
    content = pae("application/vnd.in-toto+json", statement_of("a.txt", ARTIFACT))
    by_key = instance().bundle(KEY, Content(message=content), None)
    by_certificate = instance().bundle(signer(), Content(message=content))

    for bundle, believed in ((by_key, anchor(Kind.PEM, b64(spki(KEY.key)))), (by_certificate, publisher())):
        finding = judge(tmp_path, bundle, pins(believed), content=content)
        assert (finding.result, finding.got) == (Result.FAILED, "the text that a DSSE envelope signs")


@pytest.mark.parametrize(("content", "format_"), [(MESSAGE, "raw"), (ENVELOPE, "dsse")])
def test_a_key_that_is_pinned_for_one_format_counts_in_no_other(tmp_path: Path, content: Content, format_: str) -> None:
    bundle = instance().bundle(KEY, content, None)
    results = {}
    for said in ("raw", "dsse"):
        pinned = anchor(Kind.PEM, b64(spki(KEY.key)), format=said)
        results[said] = judge(tmp_path, bundle, pins(pinned)).result

    assert results.pop(format_) is Result.VERIFIED
    assert list(results.values()) == [Result.UNTRUSTED_KEY]


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b"\xff", b'{"mediaType": {}}', b'{"verificationMaterial": {"publicKey": []}}']
)
def test_bytes_that_are_no_bundle_are_a_failed_finding(tmp_path: Path, raw: bytes) -> None:
    for believed in (pins(), pins(publisher()), pins(anchor(Kind.COSIGN, b64(spki(KEY.key))))):
        assert judge(tmp_path, raw, believed).result is Result.FAILED


def test_a_version_from_the_future_is_unsupported(tmp_path: Path) -> None:
    bundle = instance().bundle(signer(), MESSAGE) | {"mediaType": "application/vnd.dev.sigstore.bundle.v0.9+json"}
    for believed in (pins(), pins(publisher())):
        assert judge(tmp_path, bundle, believed).result is Result.UNSUPPORTED


@pytest.mark.parametrize("kind", [Kind.COSIGN, Kind.PEM])
@pytest.mark.parametrize("content", [MESSAGE, ENVELOPE])
def test_a_bundle_by_a_pinned_key_is_verified(tmp_path: Path, kind: Kind, content: Content) -> None:
    entry = DSSE if content is ENVELOPE else ("hashedrekord", "0.0.1")
    finding = judge(tmp_path, instance().bundle(KEY, content, entry), pins(anchor(kind, b64(spki(KEY.key)))))

    assert finding.result is Result.VERIFIED
    assert finding.proof is not None
    assert (finding.proof.anchor, finding.proof.key_now, finding.proof.signed_at) == ("producer", "valid", "")


def test_an_ed25519_key_reads_the_artifact(tmp_path: Path) -> None:
    edward = Signer(ed25519.Ed25519PrivateKey.generate())
    bundle = instance().bundle(edward, MESSAGE, None)
    pinned = pins(anchor(Kind.COSIGN, b64(spki(edward.key))))

    assert judge(tmp_path, bundle, pinned).result is Result.VERIFIED
    assert judge(tmp_path, bundle, pinned, content=b"other").result is Result.FAILED
    assert needs(piece("a.txt.sigstore.json", json.dumps(bundle).encode())).is_message


def test_a_key_that_nobody_pinned_is_untrusted_and_a_pinned_one_that_does_not_fit_fails(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    bundle = instance().bundle(KEY, MESSAGE)
    forged = instance().bundle(KEY, MESSAGE, signature=Signer(other).sign(ARTIFACT))
    broken = anchor(Kind.COSIGN, "no key")

    assert judge(tmp_path, bundle, pins()).result is Result.UNTRUSTED_KEY
    assert judge(tmp_path, bundle, pins(broken, anchor(Kind.COSIGN, b64(spki(other))))).result is Result.UNTRUSTED_KEY
    assert judge(tmp_path, forged, pins(anchor(Kind.COSIGN, b64(spki(KEY.key))))).result is Result.FAILED
    assert judge(tmp_path, bundle, pins(), content=b"other").result is Result.FAILED
    assert judge(tmp_path, bundle, pins(publisher())).result is Result.UNTRUSTED_KEY


def test_a_key_bundle_about_something_else_fails(tmp_path: Path) -> None:
    bundle = instance().bundle(KEY, Content(payload=statement_of("a.txt", b"other")), DSSE)
    assert judge(tmp_path, bundle, pins(anchor(Kind.PEM, b64(spki(KEY.key))))).result is Result.FAILED


def test_a_pinned_key_that_was_withdrawn_is_revoked(tmp_path: Path) -> None:
    pinned = anchor(Kind.PEM, b64(spki(KEY.key)))
    bundle = instance().bundle(KEY, MESSAGE)
    good = judge(tmp_path, bundle, pins(pinned))
    assert good.proof is not None
    withdrawn = {good.proof.fingerprint.removeprefix("sha256:"): "lost"}
    assert judge(tmp_path, bundle, pins(pinned, revoked=withdrawn)).result is Result.REVOKED


def test_an_anchor_without_an_identity_verifies_nothing(tmp_path: Path) -> None:
    finding = judge(tmp_path, instance().bundle(signer(), MESSAGE), pins(publisher(ref=REF)))
    assert (finding.result, finding.got) == (Result.FAILED, "neither")
