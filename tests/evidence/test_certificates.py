"""Chains: to a pinned certificate, at one time, for one purpose."""

import base64
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from asn1crypto.x509 import Certificate, Time  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.evidence.x509.certificates import (
    check_chain,
    is_valid_at,
    key_of,
    load_certificate,
    pin_of,
    read_certificates,
)
from tests.evidence.issuing import CODE, DAY, MAIL, NOON, STAMP, authority, issue, key, name, purpose, usage

ROOT_KEY, MIDDLE_KEY, LEAF_KEY = key(name="root"), key(name="middle"), key(name="leaf")
ROOT = authority("root", ROOT_KEY)
MIDDLE = authority("middle", MIDDLE_KEY, ROOT, ROOT_KEY, length=0)
LEAF = issue("leaf", LEAF_KEY, MIDDLE, MIDDLE_KEY, extensions=[purpose(CODE)])


def fault(
    leaf: x509.Certificate,
    *others: x509.Certificate,
    root: x509.Certificate = ROOT,
    at: datetime = NOON,
    eku: x509.ObjectIdentifier | None = CODE,
) -> FormatError:
    with pytest.raises(FormatError) as caught:
        check_chain(leaf, others, [root], at, eku=eku)
    return caught.value


def test_a_chain_leads_from_the_leaf_to_the_pinned_certificate() -> None:
    assert check_chain(LEAF, [MIDDLE], [ROOT], NOON, eku=CODE) == [LEAF, MIDDLE, ROOT]


def test_a_pinned_issuer_needs_nothing_above_it() -> None:
    assert check_chain(LEAF, [], [MIDDLE], NOON, eku=CODE) == [LEAF, MIDDLE]


def test_a_pinned_certificate_may_be_the_leaf_itself() -> None:
    alone = issue("alone", LEAF_KEY, extensions=[purpose(CODE)])
    assert check_chain(alone, [], [alone], NOON, eku=CODE) == [alone]


def test_carried_certificates_are_never_a_reason_to_trust() -> None:
    other = authority("other", MIDDLE_KEY)
    assert "none" in fault(LEAF, MIDDLE, ROOT, root=other).message


def test_without_anything_pinned_there_is_no_chain() -> None:
    with pytest.raises(FormatError, match="no pinned certificate"):
        check_chain(LEAF, [MIDDLE, ROOT], [], NOON, eku=CODE)


def test_an_authority_of_the_same_name_with_another_key_is_another_authority() -> None:
    assert "got none" in fault(LEAF, MIDDLE, root=authority("root", MIDDLE_KEY)).message


@pytest.mark.parametrize("at", [NOON - 101 * DAY, NOON + 101 * DAY])
def test_a_leaf_outside_its_dates_is_expired(at: datetime) -> None:
    error = fault(LEAF, MIDDLE, at=at)
    assert error.reason is Reason.EVIDENCE_EXPIRED
    assert error.message.endswith("(leaf: 2025-11-21T12:00:00Z to 2026-06-09T12:00:00Z)")


def test_a_chain_is_judged_at_the_given_time_in_any_zone() -> None:
    short = issue("leaf", LEAF_KEY, MIDDLE, MIDDLE_KEY, extensions=[purpose(CODE)], start=NOON, end=NOON)
    assert check_chain(short, [MIDDLE], [ROOT], NOON.astimezone(), eku=CODE)
    assert is_valid_at(short, NOON)
    assert not is_valid_at(short, NOON + DAY)


@pytest.mark.parametrize("late", ["root", "middle"])
def test_t135_an_issuer_that_expired_before_its_leaf_ends_the_chain(late: str) -> None:
    root = authority("root", ROOT_KEY, end=NOON + DAY) if late == "root" else ROOT
    middle = authority("middle", MIDDLE_KEY, root, ROOT_KEY, end=NOON + DAY) if late == "middle" else MIDDLE
    assert check_chain(LEAF, [middle], [root], NOON, eku=CODE)
    assert fault(LEAF, middle, root=root, at=NOON + 2 * DAY).reason is Reason.EVIDENCE_EXPIRED


def test_an_expired_chain_to_somebody_else_is_not_called_expired() -> None:
    assert fault(LEAF, MIDDLE, root=authority("root", key(name="x")), at=NOON + 101 * DAY).reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("extensions", "words"),
    [
        ([], "missing required extension"),
        ([purpose(MAIL)], "a certificate for other purposes"),
        ([purpose(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)], "a certificate for other purposes"),
        ([purpose(CODE), (usage("key_encipherment"), True)], "a certificate that may not sign"),
        ([purpose(CODE), (x509.PolicyConstraints(0, None), True)], "unaccounted-for critical extensions"),
    ],
)
def test_a_leaf_that_may_not_sign_code_is_refused(extensions: list[tuple[x509.ExtensionType, bool]], words: str) -> None:
    assert words in fault(issue("leaf", LEAF_KEY, MIDDLE, MIDDLE_KEY, extensions=extensions), MIDDLE).message


def test_without_a_purpose_any_purpose_will_do() -> None:
    leaf = issue("leaf", LEAF_KEY, MIDDLE, MIDDLE_KEY, extensions=[(usage("content_commitment"), True)])
    assert check_chain(leaf, [MIDDLE], [ROOT], NOON, eku=None)


def test_an_issuer_for_another_purpose_is_refused() -> None:
    stamps = authority("middle", MIDDLE_KEY, ROOT, ROOT_KEY, extensions=[purpose(STAMP)])
    assert "an issuer for other purposes" in fault(LEAF, stamps).message
    for purposes in ([CODE], [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]):
        middle = authority("middle", MIDDLE_KEY, ROOT, ROOT_KEY, extensions=[purpose(*purposes)])
        assert check_chain(LEAF, [middle], [ROOT], NOON, eku=CODE)


def test_who_is_no_authority_issues_nothing() -> None:
    plain = issue("middle", MIDDLE_KEY, ROOT, ROOT_KEY)
    assert "basicConstraints" in fault(LEAF, plain).message
    mute = [(x509.BasicConstraints(ca=True, path_length=None), True), (usage("crl_sign"), True)]
    assert "may not sign certificates" in fault(LEAF, issue("middle", MIDDLE_KEY, ROOT, ROOT_KEY, extensions=mute)).message


def test_a_path_longer_than_its_authority_allows_is_refused() -> None:
    second_key = key(name="second")
    second = authority("second", second_key, MIDDLE, MIDDLE_KEY)
    leaf = issue("leaf", LEAF_KEY, second, second_key, extensions=[purpose(CODE)])
    assert "got none" in fault(leaf, second, MIDDLE).message


def test_a_loop_of_issuers_ends() -> None:
    loop = [authority("loop", MIDDLE_KEY, authority("loop", MIDDLE_KEY), MIDDLE_KEY) for _ in range(32)]
    leaf = issue("leaf", LEAF_KEY, loop[0], MIDDLE_KEY, extensions=[purpose(CODE)])
    assert "got none" in fault(leaf, *loop).message


def test_weak_keys_and_hashes_are_refused_everywhere() -> None:
    weak = key("rsa1024")
    assert fault(issue("leaf", weak, MIDDLE, MIDDLE_KEY, extensions=[purpose(CODE)]), MIDDLE).reason is Reason.WEAK_KEY
    root = authority("weak", weak)
    assert "got none" in fault(issue("leaf", LEAF_KEY, root, weak, extensions=[purpose(CODE)]), root=root).message
    strong = key("rsa2048")
    root = authority("sha1", strong)
    leaf = issue("leaf", LEAF_KEY, root, strong, extensions=[purpose(CODE)], digest=hashes.SHA224())
    assert "got none" in fault(leaf, root=root).message


def test_an_ed25519_leaf_is_accepted_and_an_ed25519_issuer_is_not() -> None:
    plain = key("ed25519")
    leaf = issue("leaf", plain, MIDDLE, MIDDLE_KEY, extensions=[purpose(CODE)])
    assert check_chain(leaf, [MIDDLE], [ROOT], NOON, eku=CODE)
    assert key_of(leaf).algorithm == "ed25519"
    root = authority("plain", plain)
    assert "algorithm" in fault(issue("leaf", LEAF_KEY, root, plain, extensions=[purpose(CODE)]), root=root).message


def test_a_name_constraint_binds_the_leaf() -> None:
    bound = (x509.NameConstraints([x509.RFC822Name("a.example")], None), True)
    root = authority("bound", ROOT_KEY, extensions=[bound])
    for address, is_within in (("b@a.example", True), ("b@c.example", False)):
        said = (x509.SubjectAlternativeName([x509.RFC822Name(address)]), False)
        leaf = issue("leaf", LEAF_KEY, root, ROOT_KEY, extensions=[purpose(CODE), said])
        if is_within:
            assert check_chain(leaf, [], [root], NOON, eku=CODE)
        else:
            assert "name constraints" in fault(leaf, root=root).message


def organisation(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)])


def subtrees(names: list[x509.Name] | None) -> list[x509.GeneralName] | None:
    return [x509.DirectoryName(one) for one in names] if names else None


@pytest.mark.parametrize(
    ("permitted", "excluded", "is_within"),
    [
        ([name("leaf")], None, True),
        ([name("LEAF ")], None, True),
        ([organisation("partner"), name("leaf")], None, True),
        ([organisation("partner")], None, False),
        (None, [organisation("partner")], True),
        (None, [name("Leaf")], False),
    ],
    ids=["its-own", "in-another-case", "one-of-two", "another", "not-excluded", "excluded"],
)
def test_a_name_constraint_binds_the_subject_even_where_it_is_not_critical(
    permitted: list[x509.Name] | None, excluded: list[x509.Name] | None, is_within: bool
) -> None:
    """openssl holds subjects to it, and the library passes over it: an authority of partners must not name our producer."""
    bound = (x509.NameConstraints(subtrees(permitted), subtrees(excluded)), False)
    middle = authority("middle", MIDDLE_KEY, ROOT, ROOT_KEY, extensions=[bound])
    leaf = issue("leaf", LEAF_KEY, middle, MIDDLE_KEY, extensions=[purpose(CODE)])
    if is_within:
        assert check_chain(leaf, [middle], [ROOT], NOON, eku=CODE)
    else:
        assert "may not name" in fault(leaf, middle).message


@pytest.mark.parametrize("is_said_twice", [True, False])
def test_an_address_in_a_subject_is_held_to_constraints_too(is_said_twice: bool) -> None:
    bound = (x509.NameConstraints([x509.RFC822Name("a.example")], None), True)
    middle = authority("middle", MIDDLE_KEY, ROOT, ROOT_KEY, extensions=[bound])
    address = "b@a.example"
    subject = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, address)])
    builder = x509.CertificateBuilder(middle.subject, subject, LEAF_KEY.public_key(), 5, NOON - DAY, NOON + DAY)
    builder = builder.add_extension(*purpose(CODE))
    if is_said_twice:
        leaf = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
        assert check_chain(leaf.sign(MIDDLE_KEY, hashes.SHA256()), [middle], [ROOT], NOON, eku=CODE)
    else:
        assert "may not name" in fault(builder.sign(MIDDLE_KEY, hashes.SHA256()), middle).message


def test_a_date_that_no_calendar_has_is_no_certificate() -> None:
    der = LEAF.public_bytes(Encoding.DER)
    start = f"{LEAF.not_valid_before_utc:%y%m%d%H%M%SZ}".encode()
    old, new = b"\x17\x0d" + start, b"\x18\x0f00000101000000Z"
    changed = Certificate.load(der)
    changed["tbs_certificate"]["validity"]["not_before"] = Time.load(new)

    assert old in der
    with pytest.raises(FormatError, match=r"expected X\.509 in DER"):
        load_certificate(bytes(changed.dump(force=True)))


def test_messages_do_not_repeat_names_of_others() -> None:
    odd = issue("evil\x1b[31m", LEAF_KEY, extensions=[purpose(CODE)])
    assert "evil" not in fault(odd).message


def test_certificates_are_read_from_der_and_from_pem() -> None:
    der, pem = LEAF.public_bytes(Encoding.DER), LEAF.public_bytes(Encoding.PEM)
    assert read_certificates(der) == [LEAF]
    assert read_certificates(pem + MIDDLE.public_bytes(Encoding.PEM)) == [LEAF, MIDDLE]
    assert pin_of(LEAF) == LEAF.fingerprint(hashes.SHA256()).hex()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x30\x00",
        LEAF.public_bytes(Encoding.DER)[:-1],
        LEAF.public_bytes(Encoding.DER) + b"\0",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
        LEAF.public_bytes(Encoding.PEM) * 33,
        # a version that nobody knows, for which the library has an error of its own
        b"-----BEGIN CERTIFICATE-----\n%b\n-----END CERTIFICATE-----\n"
        % b64encode(LEAF.public_bytes(Encoding.DER).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x32")),
    ],
)
def test_other_bytes_are_no_certificates(raw: bytes) -> None:
    with pytest.raises(FormatError, match="expected"):
        read_certificates(raw)


def test_an_encoding_that_the_library_only_warns_about_is_refused() -> None:
    leaf = issue("leaf", LEAF_KEY, MIDDLE, MIDDLE_KEY, serial=0x55AA55AA55AA)
    der = bytearray(leaf.public_bytes(Encoding.DER))
    start = der.index(leaf.serial_number.to_bytes(6, "big"))
    der[start] |= 0x80  # a negative serial number
    with pytest.raises(FormatError, match=r"X\.509"):
        load_certificate(bytes(der))


def test_a_file_in_pem_warns_nobody_of_what_is_refused_anyway() -> None:
    der = issue("negative", LEAF_KEY, serial=0x7001020304050607).public_bytes(Encoding.DER)
    negative = der.replace(b"\x70\x01\x02\x03", b"\xf0\x01\x02\x03", 1)
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(negative) + b"-----END CERTIFICATE-----\n"

    with pytest.raises(FormatError, match=r"expected X\.509 in DER"):
        read_certificates(pem)


def test_a_key_of_another_algorithm_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import x448

    other = (
        x509.CertificateBuilder()
        .subject_name(name("leaf"))
        .issuer_name(ROOT.subject)
        .public_key(x448.X448PrivateKey.generate().public_key())
        .serial_number(5)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .sign(ROOT_KEY, hashes.SHA256())
    )
    with pytest.raises(FormatError, match="another algorithm"):
        key_of(other)


def test_an_extension_that_cannot_be_read_breaks_the_chain() -> None:
    rotten = (x509.UnrecognizedExtension(ExtensionOID.KEY_USAGE, b"\x05\x00"), True)
    leaf = issue("leaf", LEAF_KEY, MIDDLE, MIDDLE_KEY, extensions=[purpose(CODE), rotten])
    assert "got none" in fault(leaf, MIDDLE).message
    with pytest.raises(FormatError, match=r"X\.509"):
        load_certificate(leaf.public_bytes(Encoding.DER))


def test_a_signature_of_a_certificate_has_whole_bytes() -> None:
    leaf = next(one for _ in range(64) if (one := issue("leaf", LEAF_KEY)).signature[-1] % 2 == 0)
    der = bytearray(leaf.public_bytes(Encoding.DER))
    der[-len(leaf.signature) - 1] = 1
    with pytest.raises(FormatError, match="unused bits"):
        load_certificate(bytes(der))
