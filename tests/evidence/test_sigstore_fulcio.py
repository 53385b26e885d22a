from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from airgap.core.verdict import Result
from airgap.evidence.bundles.trusted_root import TrustedRoot
from tests.evidence import issuing
from tests.evidence.sigstore_forge import NOON, Instance, Signer, b64, der, instance
from tests.evidence.sigstoring import MESSAGE, opened, refused, root, signer

EKU, USAGE, SAN = x509.ExtendedKeyUsage, x509.KeyUsage, x509.SubjectAlternativeName


def by(**settings: Any) -> Any:
    return instance().bundle(instance().signer(**settings), MESSAGE)


def test_a_certificate_is_judged_at_the_proven_time_both_ends_included() -> None:
    for minutes in (-1, 0, 9):
        at = NOON + timedelta(minutes=minutes)
        assert opened(instance().bundle(signer(), MESSAGE, at=at)).signed_at == at
    for seconds in (-61, 541):
        bundle = instance().bundle(signer(), MESSAGE, at=NOON + timedelta(seconds=seconds))
        refused(bundle, "expected one valid at the proven time", Result.EXPIRED_AT_SIGNING)


@pytest.mark.parametrize(
    ("without", "more", "words"),
    [
        ([EKU], [], "to a pinned certificate, got none"),
        ([EKU], [issuing.purpose(ExtendedKeyUsageOID.CLIENT_AUTH)], "to a pinned certificate, got none"),
        ([USAGE], [], "expected a key usage, got none"),
        ([USAGE], [(issuing.usage("key_agreement"), True)], "expected a key that signs and issues nothing"),
        ([USAGE], [(issuing.usage("digital_signature", "key_cert_sign"), True)], "that signs and issues nothing"),
        ([], [(x509.BasicConstraints(ca=True, path_length=None), True)], "expected a signer's, got an authority's"),
        (
            [],
            [(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b""), True)],
            "to a pinned certificate, got none",
        ),
        ([SAN], [], "expected a subject alternative name, got none"),
    ],
)
def test_a_certificate_has_the_profile_of_a_signer(without: Any, more: Any, words: str) -> None:
    refused(by(without=without, more=more), words)


def test_a_certificate_of_a_signer_may_say_that_it_is_no_authority() -> None:
    assert opened(by(more=[(x509.BasicConstraints(ca=False, path_length=None), True)])).signed_at == NOON


def test_an_issuer_is_known_by_its_key_where_the_certificate_names_it_and_else_by_its_name() -> None:
    other = Instance()
    refused(other.bundle(other.signer(), MESSAGE), "expected one issued under the trusted root", Result.UNTRUSTED_KEY)
    unnamed = other.signer(without=[x509.AuthorityKeyIdentifier])
    refused(other.bundle(unnamed, MESSAGE), "expected a log of the trusted root")
    assert opened(by(without=[x509.AuthorityKeyIdentifier])).signed_at == NOON


def test_a_certificate_that_names_the_pinned_issuer_and_is_not_signed_by_it_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    good = instance().signer(key=key)
    assert good.certificate is not None
    extensions = [(extension.value, extension.critical) for extension in good.certificate.extensions]
    mine = ec.generate_private_key(ec.SECP384R1())
    span: Any = {"start": NOON - timedelta(minutes=1), "end": NOON + timedelta(minutes=9), "serial": 77}
    forged = issuing.issue("", key, instance().ca, mine, extensions=extensions, **span)

    refused(instance().bundle(Signer(key, forged), MESSAGE), "expected a chain to a pinned certificate, got none")


def test_an_authority_may_issue_without_an_intermediate() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    mini = Instance("flat")
    mini.ca_key, mini.ca = mini.root_key, mini.root
    bundle = mini.bundle(mini.signer(key=key), MESSAGE)

    def edit(value: Any) -> None:
        value["certificateAuthorities"][0]["certChain"]["certificates"] = [{"rawBytes": b64(der(mini.root))}]

    assert opened(bundle, root=TrustedRoot.parse(mini.trusted_root(edit))).signed_at == NOON


def test_a_signer_that_a_root_lists_as_its_own_authority_is_none() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    good = instance().signer(key=key).certificate
    assert good is not None
    extensions = [
        (extension.value, extension.critical)
        for extension in good.extensions
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier)
    ]
    span: Any = {"start": NOON - timedelta(minutes=1), "end": NOON + timedelta(minutes=9)}
    alone = issuing.issue("alone", key, extensions=extensions, **span)

    def edit(value: Any) -> None:
        value["certificateAuthorities"][0]["certChain"]["certificates"] = [{"rawBytes": b64(der(alone))}]

    refused(
        instance().bundle(Signer(key, alone), MESSAGE),
        "expected an authority that the trusted root believes",
        root=root(edit),
    )


def test_two_authorities_of_one_name_are_told_apart_by_what_they_signed() -> None:
    """Windows of one name overlap where an instance changes its key."""
    twin = Instance()

    def edit(value: Any) -> None:
        (one,) = value["certificateAuthorities"]
        chain = {"certificates": [{"rawBytes": b64(der(certificate))} for certificate in (twin.ca, twin.root)]}
        value["certificateAuthorities"] = [one | {"certChain": chain}, one]

    assert opened(by(without=[x509.AuthorityKeyIdentifier]), root=root(edit)).signed_at == NOON
    assert opened(by(), root=root(edit)).signed_at == NOON


def test_a_timestamp_of_a_log_is_for_this_certificate_alone() -> None:
    other = instance().sct(b"other", NOON)
    refused(by(sct=lambda _: other), "expected a timestamp signed by 'https://ct.test'")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _: b"\x00\x00", "expected one timestamp of a log, got 0|none that can be read"),
        (lambda raw: (2 * (len(raw) - 2)).to_bytes(2, "big") + raw[2:] * 2, "expected one timestamp of a log, got 2"),
        (lambda raw: raw[:4] + b"\x01" + raw[5:], "expected X.509 in DER"),
        (lambda raw: raw[:5] + b"l" * 32 + raw[37:], "expected a timestamp of a log of the trusted root, got log 6c6c"),
        (lambda raw: raw[:47] + b"\x05" + raw[48:], "over SHA-256|none that can be read"),
        (lambda raw: raw[:47] + b"\x63" + raw[48:], "timestamp|certificate"),
        (lambda raw: raw[:37] + b"\xff" * 8 + raw[45:], "timestamp|certificate"),
        (lambda raw: raw[:-1], "timestamp|certificate"),
        (lambda _: b"", "timestamp|certificate"),
    ],
)
def test_a_timestamp_that_is_not_as_it_should_be_is_refused(change: Any, words: str) -> None:
    refused(by(sct=change), words)


def test_a_weak_key_is_weak_whoever_certified_it() -> None:
    weak = instance().signer(key=rsa.generate_private_key(65537, 1024))
    bundle = instance().bundle(weak, MESSAGE, signature=b"x" * 128)

    refused(bundle, "expected RSA of 2048 bits or more", Result.WEAK_ALGORITHM)


STRANGE = [
    x509.DNSName("acme.test"),
    x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])),
    x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x0c\x01a"),
]


@pytest.mark.parametrize("names", [[name] for name in STRANGE] + [[STRANGE[0], STRANGE[0]], []])
def test_a_certificate_has_one_name_of_a_known_kind(names: Any) -> None:
    if names:
        refused(by(names=names), "expected one URI, mail address or user name")


def test_a_name_of_a_kind_that_the_library_cannot_read_is_refused_and_raises_nothing_else() -> None:
    # an ediPartyName and an x400Address (RFC 5280, 4.2.1.6)
    for raw in (b"\x30\x06\xa5\x04\xa1\x02\x0c\x00", b"\x30\x04\xa3\x02\x30\x00", b"\x30\x03\x86\x01\xff", b"\x30"):
        san = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), raw)
        refused(by(without=[SAN], more=[(san, True)]), "certificate: expected")
