"""Timestamps: what a pinned authority saw, and when."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import core, tsp  # type: ignore[import-untyped]
from asn1crypto.x509 import GeneralName  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.evidence.x509.certificates import read_certificates
from airgap.evidence.x509.timestamp import MAX_TOKEN, open_token, read_stamp
from tests.evidence.issuing import DAY, NOON, STAMP, authority, issue, key, purpose
from tests.evidence.signing import attribute, bound, make, raw_attribute, response, stamp

VECTORS = Path(__file__).parent / "vectors" / "timestamp"
MESSAGE = b"a signature, for example"
ROOT_KEY, TSA_KEY = key(name="root"), key(name="tsa")
ROOT = authority("root", ROOT_KEY)


def tsa(*extensions: tuple[x509.ExtensionType, bool], **more: Any) -> x509.Certificate:
    return issue("tsa", TSA_KEY, ROOT, ROOT_KEY, extensions=extensions or (purpose(STAMP, critical=True),), **more)


TSA = tsa()
TOKEN = stamp(MESSAGE, TSA, TSA_KEY)


def opened(token: bytes, *, message: bytes = MESSAGE, root: x509.Certificate = ROOT) -> datetime:
    return open_token(token, message, roots=[root])


def fault(token: bytes, *, message: bytes = MESSAGE, root: x509.Certificate = ROOT) -> FormatError:
    with pytest.raises(FormatError) as caught:
        opened(token, message=message, root=root)
    return caught.value


def test_a_token_says_when_its_authority_saw_the_message() -> None:
    assert opened(TOKEN) == NOON
    assert read_stamp(TOKEN, MESSAGE, roots=[ROOT]).chain == [TSA, ROOT]


@pytest.mark.parametrize("status", [0, 1])
def test_a_response_is_opened_like_the_token_in_it(status: int) -> None:
    assert opened(response(TOKEN, status)) == NOON


def test_a_refusal_is_no_timestamp() -> None:
    assert "a refusal" in fault(response(TOKEN, 2)).message
    assert fault(bytes.fromhex("30053003020102")).reason is Reason.MALFORMED


@pytest.mark.parametrize("hashed", ["sha256", "sha384", "sha512"])
def test_every_hash_of_the_sha_2_family_will_do(hashed: str) -> None:
    assert opened(stamp(MESSAGE, TSA, TSA_KEY, hashed=hashed, digest=hashed)) == NOON


def test_a_token_is_about_one_message() -> None:
    assert "one of another" in fault(TOKEN, message=MESSAGE + b"!").message


def test_an_imprint_by_sha_1_is_weak() -> None:
    assert fault(stamp(MESSAGE, TSA, TSA_KEY, hashed="sha1")).reason is Reason.EVIDENCE_WEAK
    assert fault(stamp(MESSAGE, TSA, TSA_KEY, hashed="sha224")).reason is Reason.EVIDENCE_UNSUPPORTED


def test_fractions_of_a_second_are_kept() -> None:
    at = NOON + timedelta(milliseconds=250)
    assert opened(stamp(MESSAGE, TSA, TSA_KEY, at=at)) == at


@pytest.mark.parametrize("text", ["20260301120000+0100", "20260301120000", "202603011200Z", "20260301120000.50Z", "x"])
def test_a_time_in_another_zone_or_form_is_refused(text: str) -> None:
    def change(info: Any) -> None:
        info["gen_time"] = core.GeneralizedTime(contents=text.encode())

    assert "TSTInfo: expected strict DER" in fault(stamp(MESSAGE, TSA, TSA_KEY, change=change)).message


def test_everything_that_a_token_may_say_besides_is_read_over() -> None:
    def change(info: Any) -> None:
        info["accuracy"] = {"seconds": 1, "millis": 5, "micros": 9}
        info["ordering"] = True
        info["nonce"] = 2**64 + 1
        info["tsa"] = GeneralName("uniform_resource_identifier", "https://tsa.example")
        info["extensions"] = [{"extn_id": "1.2.3.4", "critical": False, "extn_value": b"\x05\x00"}]

    assert opened(stamp(MESSAGE, TSA, TSA_KEY, change=change)) == NOON


def test_a_critical_extension_is_one_that_somebody_has_to_understand() -> None:
    def change(info: Any) -> None:
        info["extensions"] = [{"extn_id": "1.2.3.4", "critical": True, "extn_value": b"\x05\x00"}]

    assert "critical extension" in fault(stamp(MESSAGE, TSA, TSA_KEY, change=change)).message


def test_another_version_is_refused() -> None:
    def change(info: Any) -> None:
        info["version"] = "v2"

    assert "version 1" in fault(stamp(MESSAGE, TSA, TSA_KEY, change=change)).message


@pytest.mark.parametrize(
    ("extensions", "words"),
    [
        ([purpose(STAMP)], "critically for timestamps alone"),
        ([purpose(ExtendedKeyUsageOID.CODE_SIGNING, critical=True)], "critically for timestamps alone"),
        ([purpose(STAMP, ExtendedKeyUsageOID.CODE_SIGNING, critical=True)], "critically for timestamps alone"),
        ([(x509.BasicConstraints(ca=False, path_length=None), True)], "one for anything"),
    ],
)
def test_a_certificate_that_is_not_for_timestamps_alone_stamps_nothing(
    extensions: list[tuple[x509.ExtensionType, bool]], words: str
) -> None:
    assert words in fault(stamp(MESSAGE, tsa(*extensions), TSA_KEY)).message


def test_the_chain_is_judged_at_the_time_that_the_token_states() -> None:
    short = tsa(end=NOON + DAY)
    assert opened(stamp(MESSAGE, short, TSA_KEY, at=NOON)) == NOON
    for at in (NOON + 2 * DAY, NOON - 200 * DAY):
        assert fault(stamp(MESSAGE, short, TSA_KEY, at=at)).reason is Reason.EVIDENCE_EXPIRED


def test_an_authority_that_nobody_pinned_proves_no_time() -> None:
    assert "got none" in fault(TOKEN, root=authority("root", key(name="another"))).message
    with pytest.raises(FormatError, match="no pinned certificate"):
        open_token(TOKEN, MESSAGE, roots=[])


def test_a_token_without_certificates_is_opened_with_those_of_the_trusted_root() -> None:
    token = stamp(MESSAGE, TSA, TSA_KEY, carried=[])
    assert open_token(token, MESSAGE, roots=[ROOT], intermediates=[TSA]) == NOON
    assert open_token(token, MESSAGE, roots=[TSA]) == NOON
    assert "authority's certificate" in fault(token).message


@pytest.mark.parametrize(
    "bind",
    [[bound(TSA, version=1)], [bound(TSA, "sha512")], [bound(TSA), bound(TSA, version=1)]],
    ids=["v1", "512", "both"],
)
def test_the_certificate_may_be_named_in_either_version(bind: list[Any]) -> None:
    assert opened(stamp(MESSAGE, TSA, TSA_KEY, bind=bind)) == NOON


def test_a_token_that_names_no_certificate_or_another_is_refused() -> None:
    other = tsa(serial=99)
    for bind in ([], [bound(other)], [bound(other, version=1)], [bound(TSA), bound(other, version=1)]):
        assert "names its certificate by hash" in fault(stamp(MESSAGE, TSA, TSA_KEY, bind=bind)).message


def test_a_binding_of_nothing_or_by_a_weak_hash_is_refused() -> None:
    nothing = attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": []}))
    assert "names its certificate" in fault(stamp(MESSAGE, TSA, TSA_KEY, bind=[nothing])).message
    assert fault(stamp(MESSAGE, TSA, TSA_KEY, bind=[bound(TSA, "sha1")])).reason is Reason.EVIDENCE_WEAK
    rotten = raw_attribute("1.2.840.113549.1.9.16.2.47", b"\x02\x01\x05")
    assert "strict DER" in fault(stamp(MESSAGE, TSA, TSA_KEY, bind=[rotten])).message


def test_a_token_has_exactly_one_signature() -> None:
    def twice(document: Any) -> None:
        document["signer_infos"] = [document["signer_infos"][0], document["signer_infos"][0]]

    def none(document: Any) -> None:
        document["signer_infos"] = []

    for change in (twice, none):
        assert "one signature over a TSTInfo" in fault(stamp(MESSAGE, TSA, TSA_KEY, change_document=change)).message


def test_a_signature_over_something_else_is_no_timestamp() -> None:
    for token in (
        make(MESSAGE, TSA, TSA_KEY, embedded=True, extra=[bound(TSA)]),
        make(b"", TSA, TSA_KEY, kind="tst_info", extra=[bound(TSA)]),
    ):
        assert "one signature over a TSTInfo" in fault(token).message
    assert (
        "TSTInfo: expected strict DER"
        in fault(make(b"\x30\x00", TSA, TSA_KEY, kind="tst_info", embedded=True, extra=[bound(TSA)])).message
    )


def test_a_token_without_signed_attributes_is_refused() -> None:
    assert "names its certificate" in fault(stamp(MESSAGE, TSA, TSA_KEY, plain=True)).message


def test_too_many_bytes_are_not_read() -> None:
    assert "262144 bytes" in fault(TOKEN + b"\0" * MAX_TOKEN).message


def test_no_change_of_one_byte_is_accepted_nor_raises_anything_else() -> None:
    accepted = []
    for place in range(len(TOKEN)):
        for flip in (0x01, 0x80, 0xFF):
            changed = bytearray(TOKEN)
            changed[place] ^= flip
            try:
                opened(bytes(changed))
            except FormatError:
                continue
            accepted.append(place)
    assert accepted == []


def test_no_cut_of_a_token_is_accepted() -> None:
    for size in range(len(TOKEN)):
        fault(TOKEN[:size])
    fault(TOKEN + b"\0")


@pytest.mark.parametrize("name", ["sha256.tsr", "sha384.tsr", "sha512.tsr", "version1.tsr", "bare.tsr", "token.der"])
def test_what_openssl_stamped_is_opened(name: str) -> None:
    content, token = (VECTORS / "content").read_bytes(), (VECTORS / name).read_bytes()
    root, middle, leaf = ((VECTORS / f"{one}.pem").read_bytes() for one in ("root", "middle", "tsa"))
    beside = [*read_certificates(middle), *read_certificates(leaf)]

    assert open_token(token, content, roots=read_certificates(root), intermediates=beside) == datetime(
        2026, 6, 1, 12, tzinfo=UTC
    )
    with pytest.raises(FormatError, match="one of another"):
        open_token(token, content + b"!", roots=read_certificates(root), intermediates=beside)
    with pytest.raises(FormatError):
        open_token(token, content, roots=[ROOT], intermediates=beside)


def test_what_openssl_stamped_with_sha_1_is_weak() -> None:
    with pytest.raises(FormatError) as caught:
        open_token((VECTORS / "weak.tsr").read_bytes(), b"", roots=read_certificates((VECTORS / "root.pem").read_bytes()))
    assert caught.value.reason is Reason.EVIDENCE_WEAK
