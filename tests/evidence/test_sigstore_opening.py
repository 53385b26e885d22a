import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from airgap.core.verdict import Result
from airgap.evidence.pubkey import Key
from airgap.evidence.sigstore import EvidenceError, load_bundle, peek_bundle
from tests.evidence.sigstore_forge import NOON, WORKFLOW, Content, Instance, Signer, b64, der, instance, spki
from tests.evidence.sigstoring import ARTIFACT, ENVELOPE, MESSAGE, digest, opened, refused, root, signer

HASHED, HASHED2 = ("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2")
DSSE, DSSE2 = ("dsse", "0.0.1"), ("dsse", "0.0.2")
KEY = Signer(ec.generate_private_key(ec.SECP256R1()))
PINNED = Key.parse(spki(KEY.key))


@pytest.mark.parametrize(
    ("content", "kind", "is_stamped"),
    [
        (MESSAGE, HASHED, False),
        (MESSAGE, HASHED2, True),
        (ENVELOPE, DSSE, False),
        (ENVELOPE, DSSE2, True),
        (ENVELOPE, HASHED, False),
        (ENVELOPE, HASHED2, True),
        (ENVELOPE, ("intoto", "0.0.1"), False),
        (ENVELOPE, ("intoto", "0.0.2"), False),
    ],
)
def test_a_bundle_of_every_kind_opens_at_its_proven_time(content: Content, kind: Any, is_stamped: bool) -> None:
    found = opened(instance().bundle(signer(), content, kind, is_stamped=is_stamped))

    assert found.payload == content.payload
    assert found.identity is not None
    assert found.identity.san == WORKFLOW
    assert (found.signed_at, found.time_proof) == (NOON, "timestamp" if is_stamped else "log")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_the_bundle_opens(version: int) -> None:
    assert opened(instance().bundle(signer(), MESSAGE, version=version)).signed_at == NOON


def test_an_old_bundle_opens_with_a_promise_alone_and_a_newer_one_does_not() -> None:
    assert opened(instance().bundle(signer(), MESSAGE, version=1, has_proof=False)).signed_at == NOON
    refused(instance().bundle(signer(), MESSAGE, version=2, has_proof=False), "expected an inclusion proof")
    refused(instance().bundle(signer(), MESSAGE, version=1, is_promised=False), "expected a promise in a bundle 0.1")


def test_both_proofs_of_time_have_to_lie_within_the_certificate() -> None:
    assert opened(instance().bundle(signer(), MESSAGE, is_stamped=True)).time_proof == "log"
    late = instance().bundle(signer(), MESSAGE, is_stamped=True)
    other = instance().bundle(signer(), MESSAGE, is_stamped=True, at=NOON + timedelta(days=1))
    signature = base64.b64decode(late["messageSignature"]["signature"])
    token = instance().tsa.stamp(signature, NOON + timedelta(days=1))
    late["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"].append({"signedTimestamp": b64(token)})

    refused(late, "expected one valid at the proven time 2026-03-02", Result.EXPIRED_AT_SIGNING)
    refused(other, "expected one valid at the proven time 2026-03-02", Result.EXPIRED_AT_SIGNING)


def test_a_bundle_without_a_proven_time_is_refused() -> None:
    refused(instance().bundle(signer(), MESSAGE, is_promised=False), "expected a proven time of signing, got none")
    refused(instance().bundle(signer(), ENVELOPE, DSSE2), "expected a proven time of signing, got none")


def test_t134_a_bundle_with_nothing_but_a_timestamp_is_refused_unless_the_site_says_that_its_root_has_no_log() -> None:
    bundle = instance().bundle(signer(), ENVELOPE, None, is_stamped=True)

    refused(bundle, "expected a log entry, got none")
    assert opened(bundle, is_log_required=False).time_proof == "timestamp"
    refused(instance().bundle(signer(), ENVELOPE, None), "expected a proven time", is_log_required=False)


def test_a_certificate_that_no_log_has_seen_is_believed_only_under_a_root_without_such_logs() -> None:
    hidden = instance().signer(is_logged=False)
    bundle = instance().bundle(hidden, ENVELOPE, None, is_stamped=True)
    private = root(lambda value: value.pop("ctlogs"))

    refused(bundle, "expected a timestamp of a log, got none", is_log_required=False)
    refused(instance().bundle(hidden, MESSAGE), "expected a timestamp of a log", root=private)
    assert opened(bundle, root=private, is_log_required=False).signed_at == NOON


def test_t133_an_entry_about_another_signature_is_refused_though_the_log_holds_it() -> None:
    mine, other = instance().bundle(signer(), MESSAGE), instance().bundle(signer(), MESSAGE)
    assert mine["messageSignature"] != other["messageSignature"]
    mine["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]

    refused(mine, "expected this signature by this signer")


def test_t133_an_entry_by_another_certificate_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    one, other = instance().signer(key=key), instance().signer("joe@acme.test", {"8": "https://mail"}, key=key)
    signature = one.sign(ARTIFACT)
    bundle = instance().bundle(one, MESSAGE, signature=signature)
    bundle["verificationMaterial"]["certificate"] = {"rawBytes": b64(der(other.certificate))}  # type: ignore[arg-type]

    refused(bundle, "expected this signature by this signer")


def test_a_signature_that_does_not_hold_is_refused_before_anything_else() -> None:
    refused(instance().bundle(signer(), MESSAGE, signature=signer().sign(b"other")), "expected a signature by sha256:")
    refused(instance().bundle(signer(), ENVELOPE, DSSE, signature=KEY.sign(ENVELOPE.signed)), "expected a signature by")


def test_the_digest_that_a_bundle_repeats_has_to_be_the_artifacts() -> None:
    bundle = instance().bundle(signer(), MESSAGE)
    bundle["messageSignature"]["messageDigest"]["digest"] = b64(hashlib.sha256(b"other").digest())

    refused(bundle, "expected the digest of this artifact")
    del bundle["messageSignature"]["messageDigest"]
    assert opened(bundle).signed_at == NOON


def test_a_signature_over_an_artifact_is_refused_where_only_an_envelope_will_do() -> None:
    refused(instance().bundle(signer(), MESSAGE), "expected an envelope", digest=None)


@pytest.mark.parametrize("name", ["own", "sha256"])
def test_longer_curves_may_sign_with_their_own_hash_or_with_sha256(name: str) -> None:
    long = instance().signer(key=ec.generate_private_key(ec.SECP384R1()))
    chosen = hashes.SHA256() if name == "sha256" else None

    for content, kind in ((ENVELOPE, DSSE), (MESSAGE, HASHED)):
        bundle = instance().bundle(long, content, kind, signature=long.sign(content.signed, chosen))
        assert opened(bundle).key.algorithm == "ecdsa-p384"


def test_a_certificate_of_another_instance_is_not_trusted_rather_than_failed() -> None:
    other = Instance()

    refused(other.bundle(other.signer(), MESSAGE), "expected one issued under the trusted root", Result.UNTRUSTED_KEY)
    refused(instance().bundle(signer(), MESSAGE), "expected a pinned trusted root", Result.UNTRUSTED_KEY, root=None)


def test_a_key_bundle_opens_with_the_pinned_key_alone() -> None:
    for kind in (HASHED, None):
        found = opened(instance().bundle(KEY, MESSAGE, kind), root=None, key=PINNED)
        assert (found.identity, found.signed_at, found.key.key_id) == (None, None, PINNED.key_id)
    refused(instance().bundle(KEY, MESSAGE), "expected a certificate", Result.UNTRUSTED_KEY)
    refused(
        instance().bundle(signer(), MESSAGE), "expected a pinned trusted root", Result.UNTRUSTED_KEY, root=None, key=PINNED
    )


def test_a_key_bundle_gets_a_time_from_a_pinned_log() -> None:
    found = opened(instance().bundle(KEY, ENVELOPE, ("intoto", "0.0.2")), key=PINNED)

    assert (found.identity, found.signed_at, found.time_proof) == (None, NOON, "log")
    refused(instance().bundle(KEY, MESSAGE, None), "expected a log entry", key=PINNED)
    assert opened(instance().bundle(KEY, MESSAGE, None), key=PINNED, is_log_required=False).signed_at is None


def test_a_key_bundle_by_another_key_is_refused() -> None:
    other = Key.parse(spki(ec.generate_private_key(ec.SECP256R1())))

    refused(instance().bundle(KEY, MESSAGE), "expected a signature by sha256:", root=None, key=other)


def test_an_ed25519_key_signs_the_message_itself() -> None:
    edward = Signer(ed25519.Ed25519PrivateKey.generate())
    bundle = instance().bundle(edward, MESSAGE, None)
    key = Key.parse(spki(edward.key))

    @contextmanager
    def message() -> Iterator[memoryview]:
        yield memoryview(ARTIFACT)

    refused(bundle, "expected RSA or ECDSA over a digest", Result.UNSUPPORTED, root=None, key=key)
    assert opened(bundle, root=None, key=key, message=message).key == key


def test_a_log_and_an_authority_are_believed_in_their_window_only() -> None:
    def ends(name: str, at: str) -> Any:
        def edit(value: Any) -> None:
            for one in value[name]:
                one.get("publicKey", one)["validFor"]["end"] = at

        return edit

    bundle = instance().bundle(signer(), MESSAGE)
    stamped = instance().bundle(signer(), MESSAGE, HASHED2, is_stamped=True)
    before, just = "2026-03-01T11:59:59Z", "2026-03-01T12:00:00Z"
    for name, words in (
        ("tlogs", "to be believed|while .* is believed"),
        ("certificateAuthorities", "an authority that the trusted root believes"),
        ("ctlogs", "a timestamp while its log is believed"),
    ):
        refused(bundle, words, root=root(ends(name, before)))
        assert opened(bundle, root=root(ends(name, just))).signed_at == NOON
    refused(stamped, "an authority of the trusted root in its time", root=root(ends("timestampAuthorities", before)))
    assert opened(stamped, root=root(ends("timestampAuthorities", just))).signed_at == NOON


def test_a_timestamp_of_an_authority_that_is_not_pinned_is_refused() -> None:
    bundle = instance().bundle(signer(), MESSAGE, HASHED2, is_stamped=True)

    refused(bundle, "got a root without any", root=root(lambda value: value.pop("timestampAuthorities")))
    other = Instance("other").bundle(signer(), MESSAGE, HASHED, is_stamped=True)
    bundle["verificationMaterial"]["timestampVerificationData"] = other["verificationMaterial"]["timestampVerificationData"]
    refused(bundle, "timestamp|certificate")


def test_an_authority_lends_its_window_to_nobody_else() -> None:
    """Two authorities under one root: what the later one stamps does not count in the window of the first."""
    mini = instance()

    def edit(value: Any) -> None:
        (one,) = value["timestampAuthorities"]
        stranger = {"rawBytes": b64(der(Instance("third").tsa.certificate))}
        borrowed = {"certificates": [stranger, one["certChain"]["certificates"][-1]]}
        closed = one | {"validFor": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}}
        value["timestampAuthorities"] = [closed, one | {"certChain": borrowed}]

    bundle = mini.bundle(signer(), MESSAGE, HASHED2)
    signature = base64.b64decode(bundle["messageSignature"]["signature"])
    token = {"signedTimestamp": b64(mini.tsa.stamp(signature, NOON, is_embedded=True))}
    bundle["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": [token]}

    assert opened(bundle).signed_at == NOON
    refused(bundle, "an authority of the trusted root in its time", root=root(edit))


def test_issuers_that_a_bundle_brings_along_have_to_be_those_of_the_root() -> None:
    bundle = instance().bundle(signer(), MESSAGE, version=2)
    chain = bundle["verificationMaterial"]["x509CertificateChain"]["certificates"]
    chain.append({"rawBytes": b64(der(instance().ca))})
    assert opened(bundle).signed_at == NOON
    chain.append({"rawBytes": b64(der(Instance().ca))})

    refused(bundle, "expected issuers of the trusted root only")


def test_a_peek_checks_the_signature_and_nothing_else() -> None:
    other = Instance()
    found = peek_bundle(other.bundle(other.signer(), MESSAGE), digest=digest)
    assert (found.signed_at, found.time_proof) == (None, "")

    with pytest.raises(EvidenceError, match="expected a signature by"):
        peek_bundle(other.bundle(other.signer(), MESSAGE, signature=KEY.sign(ARTIFACT)), digest=digest)
    with pytest.raises(EvidenceError, match=r"got a key named 'ab\\n'") as caught:
        peek_bundle(other.bundle(KEY, MESSAGE, hint="ab\n"), digest=digest)
    assert caught.value.result is Result.UNTRUSTED_KEY
    with pytest.raises(EvidenceError, match="expected the digest of this artifact"):
        peek_bundle(other.bundle(KEY, Content(message=b"other")), digest=digest)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"a": 1, "a": 2}', b'{"a": NaN}', b'{"a":' * 100, b'"\xff"', b"\xff\xfe{\x00}\x00"]
)
def test_a_bundle_is_strict_json(raw: bytes) -> None:
    with pytest.raises(EvidenceError):
        load_bundle(raw)
