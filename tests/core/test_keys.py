import hashlib
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from airgap.core.errors import FormatError, UsageError
from airgap.core.keys import (
    ENTROPY,
    HYBRID,
    SIGNATURE_SIZE,
    Algorithm,
    PrivateKey,
    PublicKey,
    check_point,
    generate,
    is_encrypted,
    parse_private,
    parse_public,
)
from airgap.core.reasons import Reason
from tests.forge.keys import hybrid, key

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
FIELD = 2**255 - 19
# y of the points of order 8, as libsodium's list of refused points gives them
EIGHT = [
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]
LOW_ORDER = [*((y).to_bytes(32, "little") for y in (0, 1, FIELD - 1, FIELD, FIELD + 1)), *EIGHT]


def ec_key(curve: ec.EllipticCurve, scalar: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(scalar, curve)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_signature_holds_for_its_message_and_key_only(algorithm: Algorithm) -> None:
    one, other = key("one", algorithm), key("other", algorithm)
    signature = one.sign(b"message")

    assert len(signature) <= SIGNATURE_SIZE[algorithm]
    assert one.public.is_signed(b"message", signature)
    assert not one.public.is_signed(b"massage", signature)
    assert not other.public.is_signed(b"message", signature)


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("signature", [b"", b"\x00", b"\x00" * 64, b"\x30\x06\x02\x01\x00\x02\x01\x00", b"\xff" * 5000])
def test_bytes_that_are_no_signature_do_not_hold(algorithm: Algorithm, signature: bytes) -> None:
    assert not key("one", algorithm).public.is_signed(b"message", signature)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_changed_or_longer_signature_does_not_hold(algorithm: Algorithm) -> None:
    signer = key("one", algorithm)
    signature = signer.sign(b"message")

    for at in (0, len(signature) // 2, len(signature) - 1):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        assert not signer.public.is_signed(b"message", changed)
    assert not signer.public.is_signed(b"message", signature + b"\x00")
    assert not signer.public.is_signed(b"message", signature[:-1])


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        (Algorithm.ED25519, None),
        (Algorithm.ECDSA_P256, hashes.SHA256()),
        (Algorithm.ECDSA_P384, hashes.SHA384()),
        (Algorithm.ML_DSA_65, None),
        (Algorithm.ML_DSA_87, None),
    ],
)
def test_the_library_itself_verifies_what_was_signed(algorithm: Algorithm, digest: hashes.HashAlgorithm | None) -> None:
    signer = key("one", algorithm)
    verifier: Any = serialization.load_der_public_key(signer.public.spki)
    how = [] if digest is None else [ec.ECDSA(digest)]

    verifier.verify(signer.sign(b"message"), b"message", *how)
    with pytest.raises(InvalidSignature):
        verifier.verify(signer.sign(b"message"), b"massage", *how)


def test_ed25519_signs_as_rfc_8032_test_3() -> None:
    seed = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    signer = PrivateKey(Algorithm.ED25519, ed25519.Ed25519PrivateKey.from_private_bytes(seed))

    assert signer.public.raw.hex() == "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    assert signer.sign(b"\xaf\x82").hex() == (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )


@pytest.mark.parametrize(
    ("algorithm", "curve", "scalar", "r", "s"),
    [
        pytest.param(
            Algorithm.ECDSA_P256,
            ec.SECP256R1(),
            0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721,
            0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
            0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
            id="A.2.5",
        ),
        pytest.param(
            Algorithm.ECDSA_P384,
            ec.SECP384R1(),
            0x6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5,
            0x94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46,
            0x99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8,
            id="A.2.6",
        ),
    ],
)
def test_ecdsa_signs_as_rfc_6979(algorithm: Algorithm, curve: ec.EllipticCurve, scalar: int, r: int, s: int) -> None:
    assert decode_dss_signature(PrivateKey(algorithm, ec_key(curve, scalar)).sign(b"sample")) == (r, s)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_entropy_determines_the_key(algorithm: Algorithm) -> None:
    one, same, other = (generate(algorithm, bytes([byte]) * ENTROPY) for byte in (1, 1, 2))

    assert one.algorithm is one.public.algorithm is algorithm
    assert one.public == same.public != other.public
    assert one.public.key_id != other.public.key_id


@pytest.mark.parametrize("size", [0, 32, 63, 65])
def test_too_little_entropy_makes_no_key(size: int) -> None:
    with pytest.raises(UsageError, match=rf"^entropy: expected 64 bytes, got {size}$"):
        generate(Algorithm.ED25519, bytes(size))


@pytest.mark.parametrize(
    ("algorithm", "curve"), [(Algorithm.ECDSA_P256, ec.SECP256R1()), (Algorithm.ECDSA_P384, ec.SECP384R1())]
)
def test_an_ecdsa_scalar_is_between_one_and_the_order(algorithm: Algorithm, curve: ec.EllipticCurve) -> None:
    """Entropy of zero gives the base point; entropy of order - 2 its negative: the same x, so the order is the curve's."""
    order = curve.group_order
    smallest = generate(algorithm, bytes(ENTROPY)).public
    largest = generate(algorithm, (order - 2).to_bytes(ENTROPY, "big")).public
    wrapped = generate(algorithm, (order - 1).to_bytes(ENTROPY, "big")).public

    assert smallest.spki == ec_key(curve, 1).public_key().public_bytes(DER, SPKI)
    assert largest.spki == ec_key(curve, order - 1).public_key().public_bytes(DER, SPKI)
    assert wrapped == smallest


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_public_key_is_read_as_it_is_written(algorithm: Algorithm) -> None:
    public = key("one", algorithm).public

    assert PublicKey.parse(public.spki) == public
    assert parse_public(public.pem) == (public,)


def test_a_key_id_is_the_digest_of_the_spki() -> None:
    public = key("one").public

    assert public.key_id == hashlib.sha256(public.spki).hexdigest()


def test_only_ed25519_keys_have_a_raw_form() -> None:
    with pytest.raises(UsageError, match=r"^key: expected ed25519, got ml-dsa-65$"):
        _ = key("one", Algorithm.ML_DSA_65).public.raw


@pytest.mark.parametrize("sign", [0, 0x80], ids=["positive x", "negative x"])
@pytest.mark.parametrize("point", LOW_ORDER, ids=bytes.hex)
def test_t139_a_point_under_which_anybody_can_sign_is_refused(point: bytes, sign: int) -> None:
    with pytest.raises(FormatError, match=r"^public key: expected a point of full order, got a weak one$") as caught:
        check_point(point[:31] + bytes([point[31] | sign]))

    assert caught.value.reason is Reason.WEAK_KEY


def test_t139_the_identity_point_verifies_one_signature_for_every_message_and_is_refused() -> None:
    """The danger is real: the library takes the point and the signature."""
    identity = (1).to_bytes(32, "little")
    weak = ed25519.Ed25519PublicKey.from_public_bytes(identity)

    weak.verify(identity + bytes(32), b"one message")
    weak.verify(identity + bytes(32), b"any other message")
    with pytest.raises(FormatError) as caught:
        PublicKey.parse(weak.public_bytes(DER, SPKI))
    assert caught.value.reason is Reason.WEAK_KEY


@pytest.mark.parametrize("y", [FIELD, FIELD + 3, FIELD + 18])
def test_t138_a_point_with_a_coordinate_beyond_the_field_is_refused(y: int) -> None:
    with pytest.raises(FormatError) as caught:
        check_point(y.to_bytes(32, "little"))

    assert caught.value.reason is Reason.WEAK_KEY


@pytest.mark.parametrize("y", [4 * pow(5, -1, FIELD) % FIELD, 3, FIELD - 3])
def test_the_base_point_and_its_like_pass(y: int) -> None:
    check_point(y.to_bytes(32, "little"))


@pytest.mark.parametrize(
    "spki",
    [
        pytest.param(ec_key(ec.SECP521R1(), 7).public_key().public_bytes(DER, SPKI), id="P-521"),
        pytest.param(ec_key(ec.SECP256K1(), 7).public_key().public_bytes(DER, SPKI), id="secp256k1"),
        pytest.param(rsa.RSAPublicNumbers(65537, 2**2047 + 1).public_key().public_bytes(DER, SPKI), id="RSA"),
        pytest.param(
            x25519.X25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes(DER, SPKI), id="X25519"
        ),
        pytest.param(ed448.Ed448PrivateKey.from_private_bytes(bytes(57)).public_key().public_bytes(DER, SPKI), id="Ed448"),
        pytest.param(
            mldsa.MLDSA44PrivateKey.from_seed_bytes(bytes(32)).public_key().public_bytes(DER, SPKI), id="ML-DSA-44"
        ),
    ],
)
def test_t128_a_key_of_another_algorithm_is_refused(spki: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        PublicKey.parse(spki)

    assert caught.value.message == (
        "key: expected one of ed25519, ecdsa-p256, ecdsa-p384, ml-dsa-65, ml-dsa-87, got another algorithm"
    )


ED25519 = key("one").public.spki
P256 = key("one", Algorithm.ECDSA_P256).public


@pytest.mark.parametrize(
    ("spki", "got"),
    [
        pytest.param(b"", "a SubjectPublicKeyInfo, got other bytes", id="nothing"),
        pytest.param(ED25519 + b"\x00", "a SubjectPublicKeyInfo, got other bytes", id="a byte behind"),
        pytest.param(ED25519[:-1], "a SubjectPublicKeyInfo, got other bytes", id="a byte less"),
        pytest.param(ED25519[12:], "a SubjectPublicKeyInfo, got other bytes", id="the raw point"),
        pytest.param(b"\x30\x81\x2a" + ED25519[2:], "a SubjectPublicKeyInfo, got other bytes", id="longer length"),
        pytest.param(P256.pem, "a SubjectPublicKeyInfo, got other bytes", id="PEM"),
        pytest.param(
            b"\x30\x39" + P256.spki[2:23] + b"\x03\x22\x00" + bytes([2 + (P256.spki[-1] & 1)]) + P256.spki[27:59],
            "the canonical DER encoding, got another one",
            id="T125 compressed point",
        ),
    ],
)
def test_t125_a_key_in_another_encoding_is_refused(spki: bytes, got: str) -> None:
    with pytest.raises(FormatError) as caught:
        PublicKey.parse(spki)

    assert caught.value.message == f"public key: expected {got}"


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_private_key_is_read_as_it_is_written(algorithm: Algorithm, passphrase: bytes | None) -> None:
    signer = key("one", algorithm)
    pem = signer.pem(passphrase)
    (read,) = parse_private(pem, passphrase)

    assert is_encrypted(pem) is (passphrase is not None)
    assert (read.algorithm, read.public) == (algorithm, signer.public)


def test_a_hybrid_signer_has_two_blocks_in_one_file() -> None:
    keys = hybrid("one")

    assert [k.algorithm for k in parse_private(b"".join(k.pem(None) for k in keys), None)] == list(HYBRID)
    assert parse_public(b"".join(k.public.pem for k in keys)) == tuple(k.public for k in keys)


def test_a_passphrase_for_a_key_without_one_is_not_needed() -> None:
    assert parse_private(key("one").pem(None), b"not asked for")[0].public == key("one").public


@pytest.mark.parametrize(
    ("passphrase", "said"),
    [
        (None, "private key: expected a passphrase, got none"),
        (b"", "private key: expected a passphrase, got none"),
        (b"wrong", "private key: expected PKCS#8 and the right passphrase, got other bytes or a wrong one"),
    ],
)
def test_a_key_is_not_read_without_its_passphrase(passphrase: bytes | None, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_private(key("one").pem(b"right"), passphrase)

    assert caught.value.message == said


def test_an_empty_passphrase_protects_nothing_and_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^private key: expected a passphrase, got an empty one$"):
        key("one").pem(b"")


PRIVATE = key("one").pem(None)
PUBLIC = key("one").public.pem


@pytest.mark.parametrize(
    "pem", [b"", b"\n" + PRIVATE, PRIVATE + b"\n", PRIVATE[:-1], PRIVATE.replace(b"\n", b"\r\n"), PUBLIC]
)
def test_a_private_key_file_holds_nothing_else(pem: bytes) -> None:
    with pytest.raises(UsageError, match=r"^private key file: expected PEM blocks and nothing else, got other text$"):
        parse_private(pem, None)


@pytest.mark.parametrize("pem", [b"", b"x" + PUBLIC, PUBLIC + b"x", PUBLIC + PRIVATE, PRIVATE])
def test_a_public_key_file_holds_nothing_else(pem: bytes) -> None:
    with pytest.raises(UsageError, match=r"^public key file: expected PEM blocks and nothing else, got other text$"):
        parse_public(pem)


def test_blocks_that_hold_no_key_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^public key: expected a SubjectPublicKeyInfo in PEM, got other bytes$"):
        parse_public(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    with pytest.raises(UsageError, match=r"^private key: expected PKCS#8 and the right passphrase, got other bytes"):
        parse_private(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", None)


def test_key_files_of_another_algorithm_are_refused() -> None:
    other = x25519.X25519PrivateKey.from_private_bytes(bytes(32))
    private = other.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    for read in (lambda: parse_private(private, None), lambda: parse_public(other.public_key().public_bytes(PEM, SPKI))):
        with pytest.raises(FormatError, match=r"^key: expected one of .*, got another algorithm$"):
            read()


def test_no_message_and_no_text_form_shows_key_material() -> None:
    signer = key("one")

    assert PRIVATE.split(b"\n")[1].decode() not in repr(signer)
