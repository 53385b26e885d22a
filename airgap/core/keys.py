"""Keys: the one door to the cryptography package.

A key file holds one PEM block, or two for a hybrid signer. Private keys are PKCS#8 (RFC 5958), public keys
SubjectPublicKeyInfo (RFC 5280), in PEM (RFC 7468). A key's id is the SHA-256 of its SPKI and only ever a hint.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import cryptography
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa

from airgap.core.digest import sha256
from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason

_Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
_Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey


class Algorithm(StrEnum):
    """Signature algorithms; the algorithm is a property of the key, never of a message (T128)."""

    ED25519 = "ed25519"
    ECDSA_P256 = "ecdsa-p256"
    ECDSA_P384 = "ecdsa-p384"
    ML_DSA_65 = "ml-dsa-65"
    ML_DSA_87 = "ml-dsa-87"


HYBRID: Final = (Algorithm.ED25519, Algorithm.ML_DSA_65)
LIBRARY: Final = f"cryptography {cryptography.__version__}"
"""What makes all mathematics of this module; receipts name it."""
ENTROPY: Final = 64
"""Bytes of entropy that ``generate`` asks for."""

# Longest signature of each algorithm in bytes. Sources: RFC 8032; SEC 1 in DER (two integers with sign bytes); FIPS 204.
SIGNATURE_SIZE: Final = {
    Algorithm.ED25519: 64,
    Algorithm.ECDSA_P256: 72,
    Algorithm.ECDSA_P384: 104,
    Algorithm.ML_DSA_65: 3309,
    Algorithm.ML_DSA_87: 4627,
}

_FIELD: Final = 2**255 - 19
_PEM_PRIVATE = re.compile(
    rb"-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END (?:ENCRYPTED )?PRIVATE KEY-----\n"
)
_PEM_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----\n")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that passed the checks of ``parse``."""

    algorithm: Algorithm
    spki: bytes
    _key: _Public

    @classmethod
    def parse(cls, spki: bytes) -> Self:
        """Read a DER SubjectPublicKeyInfo; accepts exactly the encoding that would be written.

        Raises:
            FormatError: another algorithm, another encoding, or a point under which anybody can sign.
        """
        try:
            key = serialization.load_der_public_key(spki)
        except (ValueError, UnsupportedAlgorithm) as exc:
            raise FormatError("public key: expected a SubjectPublicKeyInfo, got other bytes") from exc
        algorithm = _algorithm_of(key)
        encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if encoded != spki:
            raise FormatError("public key: expected the canonical DER encoding, got another one")
        if isinstance(key, ed25519.Ed25519PublicKey):
            check_point(key.public_bytes_raw())
        return cls(algorithm, spki, key)  # type: ignore[arg-type]  # _algorithm_of refused every other class

    @property
    def key_id(self) -> str:
        """SHA-256 of the SPKI as 64 hex digits; a hint, never a reason to trust."""
        return sha256(self.spki).hex()

    @property
    def pem(self) -> bytes:
        """The key as a PEM block."""
        return self._key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def raw(self) -> bytes:
        """The 32 bytes of an Ed25519 key (for signed notes).

        Raises:
            UsageError: the key is of another algorithm.
        """
        if not isinstance(self._key, ed25519.Ed25519PublicKey):
            raise UsageError(f"key: expected ed25519, got {self.algorithm}")
        return self._key.public_bytes_raw()

    def is_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature over the message was made with this key."""
        try:
            if isinstance(self._key, ec.EllipticCurvePublicKey):
                self._key.verify(signature, message, _ecdsa(self.algorithm))
            else:
                self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key; its text form never appears in a message."""

    algorithm: Algorithm
    _key: _Private

    @property
    def public(self) -> PublicKey:
        """The public half."""
        spki = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return PublicKey.parse(spki)

    def sign(self, message: bytes) -> bytes:
        """A signature over the message; ECDSA is deterministic (RFC 6979), ML-DSA is not."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(message, _ecdsa(self.algorithm, deterministic=True))
        return self._key.sign(message)

    def pem(self, passphrase: bytes | None) -> bytes:
        """The key as PKCS#8 PEM, encrypted when a passphrase is given.

        Raises:
            UsageError: the passphrase is empty.
        """
        cipher: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase == b"":
            raise UsageError("private key: expected a passphrase, got an empty one")
        if passphrase is not None:
            cipher = serialization.BestAvailableEncryption(passphrase)
        return self._key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher)


def generate(algorithm: Algorithm, entropy: bytes) -> PrivateKey:
    """The private key that 64 bytes of entropy determine.

    Args:
        algorithm: which key.
        entropy: from the operating system; the caller's, because this layer has no randomness.
    """
    if len(entropy) != ENTROPY:
        raise UsageError(f"entropy: expected {ENTROPY} bytes, got {len(entropy)}")
    seed = sha256(entropy)
    match algorithm:
        case Algorithm.ED25519:
            return PrivateKey(algorithm, ed25519.Ed25519PrivateKey.from_private_bytes(seed))
        case Algorithm.ECDSA_P256:
            return PrivateKey(algorithm, _derive(ec.SECP256R1(), entropy))
        case Algorithm.ECDSA_P384:
            return PrivateKey(algorithm, _derive(ec.SECP384R1(), entropy))
        case Algorithm.ML_DSA_65:
            return PrivateKey(algorithm, mldsa.MLDSA65PrivateKey.from_seed_bytes(seed))
        case Algorithm.ML_DSA_87:  # pragma: no branch -- mypy proves that there is no other
            return PrivateKey(algorithm, mldsa.MLDSA87PrivateKey.from_seed_bytes(seed))


def parse_private(pem: bytes, passphrase: bytes | None) -> tuple[PrivateKey, ...]:
    """All private keys of a key file.

    Raises:
        UsageError: the file is no key file, or the passphrase is missing or wrong.
    """
    return tuple(_load_private(block, passphrase) for block in _blocks(pem, _PEM_PRIVATE, "private key file"))


def parse_public(pem: bytes) -> tuple[PublicKey, ...]:
    """All public keys of a key file.

    Raises:
        UsageError: the file is no key file.
        FormatError: a key of it is refused.
    """
    blocks = _blocks(pem, _PEM_PUBLIC, "public key file")
    return tuple(PublicKey.parse(_spki_of(block)) for block in blocks)


def is_encrypted(pem: bytes) -> bool:
    """Whether a private key file asks for a passphrase."""
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem


def check_point(point: bytes) -> None:
    """Refuse an Ed25519 public key that is not canonical or has low order.

    OpenSSL accepts them; under the identity point one fixed signature verifies for every message (T139).
    Source: RFC 8032, 5.1.3 (canonical y); the eight torsion points of edwards25519.

    Raises:
        FormatError: with reason weak-key.
    """
    y = int.from_bytes(point, "little") & (2**255 - 1)
    if y >= _FIELD or _has_low_order(y):
        raise FormatError("public key: expected a point of full order, got a weak one", reason=Reason.WEAK_KEY)


def _has_low_order(y: int) -> bool:
    """Whether eight times the point with this y is the identity.

    Orders 1, 2 and 4 have y = 1, -1 and 0. A point of order 8 doubles to one with y = 0, so x^2 = -y^2, which the curve
    equation -x^2 + y^2 = 1 + d x^2 y^2 turns into d y^4 + 2 y^2 - 1 = 0.
    """
    d = -121665 * pow(121666, -1, _FIELD)
    return y in (0, 1, _FIELD - 1) or (d * pow(y, 4, _FIELD) + 2 * y * y - 1) % _FIELD == 0


def _derive(curve: ec.EllipticCurve, entropy: bytes) -> ec.EllipticCurvePrivateKey:
    """Source: FIPS 186-5, A.2.1 (extra random bits: 64 bytes are at least 128 bits more than either order)."""
    order = _ORDERS[curve.name]
    return ec.derive_private_key(int.from_bytes(entropy, "big") % (order - 1) + 1, curve)


_ORDERS: Final = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16
    ),
}


def _ecdsa(algorithm: Algorithm, *, deterministic: bool = False) -> ec.ECDSA:
    digest = hashes.SHA384() if algorithm is Algorithm.ECDSA_P384 else hashes.SHA256()
    return ec.ECDSA(digest, deterministic_signing=deterministic)


def _algorithm_of(key: object) -> Algorithm:
    """The algorithm of a key object; the curve belongs to it.

    Raises:
        FormatError: a class or curve that this program does not use.
    """
    match key:
        case ed25519.Ed25519PublicKey() | ed25519.Ed25519PrivateKey():
            return Algorithm.ED25519
        case mldsa.MLDSA65PublicKey() | mldsa.MLDSA65PrivateKey():
            return Algorithm.ML_DSA_65
        case mldsa.MLDSA87PublicKey() | mldsa.MLDSA87PrivateKey():
            return Algorithm.ML_DSA_87
        case ec.EllipticCurvePublicKey() | ec.EllipticCurvePrivateKey() if key.curve.name == "secp256r1":
            return Algorithm.ECDSA_P256
        case ec.EllipticCurvePublicKey() | ec.EllipticCurvePrivateKey() if key.curve.name == "secp384r1":
            return Algorithm.ECDSA_P384
    raise FormatError(f"key: expected one of {', '.join(Algorithm)}, got another algorithm")


def _blocks(pem: bytes, pattern: re.Pattern[bytes], what: str) -> Sequence[bytes]:
    blocks = pattern.findall(pem)
    if not blocks or b"".join(blocks) != pem:
        raise UsageError(f"{what}: expected PEM blocks and nothing else, got other text")
    return blocks


def _load_private(block: bytes, passphrase: bytes | None) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(block, passphrase if is_encrypted(block) else None)
    except TypeError as exc:
        raise UsageError("private key: expected a passphrase, got none") from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise UsageError("private key: expected PKCS#8 and the right passphrase, got other bytes or a wrong one") from exc
    return PrivateKey(_algorithm_of(key), key)  # type: ignore[arg-type]  # _algorithm_of refused every other class


def _spki_of(block: bytes) -> bytes:
    try:
        key = serialization.load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise UsageError("public key: expected a SubjectPublicKeyInfo in PEM, got other bytes") from exc
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
