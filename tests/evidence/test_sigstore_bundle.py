from typing import Any

import pytest

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.verdict import Result
from airgap.evidence.bundles.bundle import Bundle, EvidenceError
from airgap.evidence.bundles.protojson import read_bytes, read_items, read_message, read_number, read_text, read_time
from tests.evidence.sigstore_forge import instance
from tests.evidence.sigstoring import ENVELOPE, MESSAGE, signer

GONE = object()


def changed(content: Any, *path: Any, to: Any, version: int = 3, stamped: bool = False) -> Any:
    kind = ("dsse", "0.0.1") if content is ENVELOPE else ("hashedrekord", "0.0.1")
    value = instance().bundle(signer(), content, kind, version=version, is_stamped=stamped)
    inner: Any = value
    for key in path[:-1]:
        inner = inner[key]
    if to is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return value


MATERIAL = "verificationMaterial"
ENTRY = (MATERIAL, "tlogEntries", 0)


@pytest.mark.parametrize(
    ("content", "path", "to", "words"),
    [
        (MESSAGE, ["mediaType"], GONE, "expected mediaType"),
        (MESSAGE, ["mediaType"], 3, "expected text, got int"),
        (MESSAGE, ["mediaType"], "\ud800", "got half a character"),
        (MESSAGE, [*ENTRY, "inclusionProof", "checkpoint", "envelope"], "\u2014\udfff", "got half a character"),
        (MESSAGE, ["extra"], 1, "expected known members only, got 'extra'"),
        (MESSAGE, [MATERIAL], [], "expected an object, got list"),
        (MESSAGE, [MATERIAL, "extra"], 1, "got 'extra'"),
        (MESSAGE, [MATERIAL, "certificate"], GONE, "expected one of certificate, publicKey, got none"),
        (MESSAGE, [MATERIAL, "certificate"], None, "got none"),
        (MESSAGE, [MATERIAL, "publicKey"], {}, "expected one of certificate, publicKey, got certificate, publicKey"),
        (MESSAGE, [MATERIAL, "certificate", "rawBytes"], "!", "expected base64"),
        (MESSAGE, [MATERIAL, "certificate", "rawBytes"], "QQ", "expected base64"),
        (MESSAGE, [MATERIAL, "certificate", "rawBytes"], "QR==", "expected canonical base64"),
        (MESSAGE, [MATERIAL, "tlogEntries"], {}, "a list of at most 8"),
        (MESSAGE, [MATERIAL, "tlogEntries"], [{}] * 9, "a list of at most 8"),
        (MESSAGE, [*ENTRY, "inclusionProof"], GONE, "expected an inclusion proof"),
        (MESSAGE, [*ENTRY, "inclusionProof", "checkpoint"], GONE, "expected an inclusion proof with a checkpoint"),
        (MESSAGE, [*ENTRY, "inclusionProof", "hashes"], ["AA=="] * 65, "a list of at most 64"),
        (MESSAGE, [*ENTRY, "logIndex"], "-1", "a number up to 2"),
        (MESSAGE, [*ENTRY, "logIndex"], True, "a number up to 2"),
        (MESSAGE, [*ENTRY, "logIndex"], 1.0, "a number up to 2"),
        (MESSAGE, [*ENTRY, "logIndex"], "01", "a number up to 2"),
        (MESSAGE, [*ENTRY, "logIndex"], str(2**53), "a number up to 2"),
        (MESSAGE, [*ENTRY, "logId"], GONE, "expected logId"),
        (MESSAGE, [*ENTRY, "canonicalizedBody"], GONE, "expected canonicalizedBody"),
        (MESSAGE, ["messageSignature"], GONE, "expected one of messageSignature and dsseEnvelope"),
        (MESSAGE, ["dsseEnvelope"], {}, "expected one of messageSignature and dsseEnvelope"),
        (MESSAGE, ["messageSignature", "messageDigest", "algorithm"], "SHA1", "expected one of SHA2_256"),
        (MESSAGE, ["messageSignature", "messageDigest", "digest"], GONE, "expected digest"),
        (ENVELOPE, ["messageSignature"], {}, "expected one of messageSignature and dsseEnvelope"),
        (ENVELOPE, ["dsseEnvelope", "signatures"], [], "expected one signature, got none"),
        (ENVELOPE, ["dsseEnvelope", "signatures"], [{}, {}], "a list of at most 1"),
        (ENVELOPE, ["dsseEnvelope", "signatures", 0, "keyid"], "other", "expected the key id of the bundle's signer"),
        (ENVELOPE, ["dsseEnvelope", "payloadType"], GONE, "expected payloadType"),
    ],
)
def test_what_the_format_does_not_allow_is_refused(content: Any, path: Any, to: Any, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        Bundle.parse(changed(content, *path, to=to))


def test_versions_differ_in_what_names_the_signer() -> None:
    with pytest.raises(FormatError, match="expected one of certificate, publicKey, got x509CertificateChain"):
        Bundle.parse(changed(MESSAGE, "mediaType", version=2, to="application/vnd.dev.sigstore.bundle+json;version=0.3"))
    with pytest.raises(FormatError, match="expected one of publicKey, x509CertificateChain, got certificate"):
        Bundle.parse(changed(MESSAGE, "mediaType", to="application/vnd.dev.sigstore.bundle+json;version=0.2"))
    with pytest.raises(FormatError, match="chain: expected a certificate, got none"):
        Bundle.parse(changed(MESSAGE, MATERIAL, "x509CertificateChain", "certificates", version=2, to=[]))


def test_a_version_that_is_not_known_is_unsupported() -> None:
    with pytest.raises(EvidenceError, match="got media type") as caught:
        Bundle.parse(changed(MESSAGE, "mediaType", to="application/vnd.dev.sigstore.bundle.v0.4+json"))
    assert caught.value.result is Result.UNSUPPORTED


def test_numbers_may_be_numbers_and_null_is_nothing() -> None:
    plain = instance().bundle(signer(), MESSAGE)
    numbers = changed(MESSAGE, *ENTRY, "logIndex", to=1004)
    assert Bundle.parse(numbers).entries[0].index == Bundle.parse(plain).entries[0].index == 1004
    for name in ("publicKey", "timestampVerificationData"):
        assert Bundle.parse(changed(MESSAGE, MATERIAL, name, to=None)).hint == ""
    assert Bundle.parse(changed(MESSAGE, MATERIAL, "timestampVerificationData", to={})).timestamps == ()
    assert Bundle.parse(changed(MESSAGE, MATERIAL, "tlogEntries", to=None)).entries == ()


def test_errors_of_other_parsers_keep_what_their_reason_says() -> None:
    own = EvidenceError("x", result=Result.UNSUPPORTED)
    assert EvidenceError.of(own) is own
    assert EvidenceError.of(FormatError("x")).result is Result.FAILED
    assert EvidenceError.of(FormatError("x", reason=Reason.WEAK_KEY)).result is Result.WEAK_ALGORITHM
    assert EvidenceError.of(FormatError("x", reason=Reason.EVIDENCE_EXPIRED)).result is Result.EXPIRED_AT_SIGNING


def test_protocol_buffers_in_json_have_one_form_here() -> None:
    assert read_message({"a": 1, "b": None}, {"a", "b"}, what="x") == {"a": 1}
    assert read_items(None, what="x", limit=1) == ()
    assert read_text("a", what="x") == "a"
    assert read_bytes("QQ==", what="x") == b"A"
    assert read_number("0", what="x") == read_number(0, what="x") == 0
    assert read_time("2026-03-01T12:00:00.5Z", what="x").microsecond == 500_000
    for text in ("2026-03-01T12:00:00", "now", ""):
        with pytest.raises(FormatError, match="x: expected a time"):
            read_time(text, what="x")
    with pytest.raises(FormatError, match="x: expected b, got none"):
        read_message({"b": None}, {"b"}, what="x", needed={"b"})
