"""Public keys of producers: RSA, ECDSA and Ed25519, as SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).

The algorithm is a property of the key; a signature or a file never chooses it. Weak keys are refused when they are read.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from airgap.core.digest import sha256
from airgap.core.errors import FormatError
from airgap.core.keys import check_point
from airgap.core.reasons import Reason
from airgap.evidence.subject import Subject

HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
MIN_RSA: Final = 2048
MAX_RSA: Final = 16384
_CURVES: Final = {
    "secp256r1": ("ecdsa-p256", "sha256"),
    "secp384r1": ("ecdsa-p384", "sha384"),
    "secp521r1": ("ecdsa-p521", "sha512"),
}
_Any = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Key:
    """A producer's public key that passed the checks of ``parse``."""

    algorithm: str
    spki: bytes
    _key: _Any

    @classmethod
    def parse(cls, spki: bytes) -> Self:
        """Read a DER SubjectPublicKeyInfo.

        Raises:
            FormatError: malformed, of another algorithm, or (reason weak-key) too weak for anybody to rely on.
        """
        try:
            key = serialization.load_der_public_key(spki)
        except (ValueError, UnsupportedAlgorithm) as exc:
            raise FormatError("public key: expected a SubjectPublicKeyInfo, got other bytes") from exc
        return cls.of(key)

    @classmethod
    def of(cls, key: object) -> Self:
        """The key in an object of the cryptography package, for example a certificate's.

        Raises:
            FormatError: as for ``parse``.
        """
        match key:
            case rsa.RSAPublicKey():
                if not MIN_RSA <= key.key_size <= MAX_RSA:
                    raise FormatError(
                        f"public key: expected RSA of {MIN_RSA} bits or more, got {key.key_size}", reason=Reason.WEAK_KEY
                    )
                return cls(f"rsa-{key.key_size}", _spki(key), key)
            case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
                return cls(_CURVES[key.curve.name][0], _spki(key), key)
            case ed25519.Ed25519PublicKey():
                check_point(key.public_bytes_raw())
                return cls("ed25519", _spki(key), key)
            case _:
                raise FormatError("public key: expected RSA, ECDSA (P-256, P-384, P-521) or Ed25519, got another algorithm")

    @property
    def key_id(self) -> str:
        """SHA-256 of the SPKI in hex: what a revocation names."""
        return sha256(self.spki).hex()

    @property
    def fingerprint(self) -> str:
        """The key id as findings show it."""
        return f"sha256:{self.key_id}"

    @property
    def own_hash(self) -> str:
        """The hash that belongs to the key: that of its curve, else SHA-256."""
        return _CURVES[self._key.curve.name][1] if isinstance(self._key, ec.EllipticCurvePublicKey) else "sha256"

    @property
    def is_prehashed(self) -> bool:
        """Whether a digest of the message is enough to verify a signature; Ed25519 needs the message itself."""
        return not isinstance(self._key, ed25519.Ed25519PublicKey)

    def is_signed(self, message: bytes | memoryview, signature: bytes, *, algorithm: str | None = None) -> bool:
        """Whether the signature over a message was made with this key (RSA: PKCS #1 v1.5, RFC 8017, 8.2).

        Args:
            message: what is signed.
            signature: ECDSA in DER, RSA as its integer, Ed25519 as 64 bytes.
            algorithm: the hash, one of ``HASHES``; the key's own when not given.
        """
        return self._holds(signature, message, HASHES[algorithm or self.own_hash])

    def is_digest_signed(self, digest: bytes, signature: bytes, *, algorithm: str | None = None) -> bool:
        """The same where only the message's digest is at hand.

        Raises:
            FormatError: an Ed25519 key, for which there is no such thing.
        """
        if not self.is_prehashed:
            raise FormatError("public key: expected RSA or ECDSA for a digest, got ed25519")
        chosen = HASHES[algorithm or self.own_hash]
        return len(digest) == chosen.digest_size and self._holds(signature, digest, utils.Prehashed(chosen))

    def is_subject_signed(self, subject: Subject, signature: bytes, *, algorithm: str | None = None) -> bool:
        """The same for an artifact: by its digest where that is enough, else by its mapped content."""
        if self.is_prehashed:
            name = algorithm or self.own_hash
            return self.is_digest_signed(subject.digest(name), signature, algorithm=name)
        with subject.message() as message:
            return self.is_signed(message, signature)

    def _holds(self, signature: bytes, data: bytes | memoryview, chosen: hashes.HashAlgorithm | utils.Prehashed) -> bool:
        try:
            match self._key:
                case rsa.RSAPublicKey() as key:
                    key.verify(signature, bytes(data), padding.PKCS1v15(), chosen)
                case ec.EllipticCurvePublicKey() as key:
                    key.verify(signature, data, ec.ECDSA(chosen))
                case ed25519.Ed25519PublicKey() as key:  # pragma: no branch -- there is no other
                    key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


def read_key(raw: bytes) -> Key:
    """A public key in a file: PEM or DER.

    Raises:
        FormatError: neither, another algorithm, or a weak key.
    """
    if b"-----BEGIN " not in raw:
        return Key.parse(raw)
    try:
        return Key.of(serialization.load_pem_public_key(raw))
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise FormatError("public key: expected one in PEM, got other text") from exc


def pinned_key(pin: str) -> Key:
    """The key that is itself the pin of an anchor: base64 of its SPKI.

    Raises:
        FormatError: it is none, or a weak one.
    """
    return Key.parse(strict_base64(pin, what="pin"))


def strict_base64(text: str, *, what: str) -> bytes:
    """Bytes in standard base64, padded, in their one encoding (T131).

    Raises:
        FormatError: anything else.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise FormatError(f"{what}: expected base64, got other text") from exc
    if base64.b64encode(raw).decode() != text:
        raise FormatError(f"{what}: expected canonical base64, got another encoding of the same bytes")
    return raw


def _spki(key: _Any) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
