"""The mathematics of OpenPGP signatures, without anybody's policy.

Source: RFC 9580, 5.2.4 (what is hashed) and 9 (algorithms).
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa, utils

from airgap.core.errors import FormatError
from airgap.core.keys import check_point
from airgap.evidence.pgp.packets import Key, Reader
from airgap.evidence.pgp.signature import Signature
from airgap.evidence.pubkey import MAX_RSA, MIN_RSA

Feed = Callable[[Callable[[bytes | memoryview], object]], None]
"""Passes a message to a hash, piece by piece."""

HASHES: Final[Mapping[int, str]] = {
    1: "md5",
    2: "sha1",
    3: "ripemd160",
    8: "sha256",
    9: "sha384",
    10: "sha512",
    11: "sha224",
    12: "sha3-256",
    14: "sha3-512",
}
"""RFC 9580, 9.5."""
WEAK_HASHES: Final = {1, 2, 3}
_CHECKED: Final[Mapping[int, hashes.HashAlgorithm]] = {
    2: hashes.SHA1(),  # noqa: S303 -- only between a key and itself; never over data
    8: hashes.SHA256(),
    9: hashes.SHA384(),
    10: hashes.SHA512(),
    11: hashes.SHA224(),
    12: hashes.SHA3_256(),
    14: hashes.SHA3_512(),
}
_RSA: Final = {1, 3}
_DSA, _ECDSA, _EDDSA, _ED25519 = 17, 19, 22, 27
_OTHERS: Final = {28: "ed448", 30: "ml-dsa-65+ed25519", 31: "ml-dsa-87+ed448"}
_CURVES: Final[Mapping[bytes, tuple[str, ec.EllipticCurve]]] = {
    bytes.fromhex("2a8648ce3d030107"): ("ecdsa-p256", ec.SECP256R1()),
    bytes.fromhex("2b81040022"): ("ecdsa-p384", ec.SECP384R1()),
    bytes.fromhex("2b81040023"): ("ecdsa-p521", ec.SECP521R1()),
}
_OID_ED25519: Final = bytes.fromhex("2b06010401da470f01")


def name_of(key: Key) -> str:
    """The algorithm of a key, in the words of findings: ``rsa-3072``, ``ed25519``."""
    try:
        return _named(key)
    except FormatError:
        return f"broken-{key.algorithm}"


def _named(key: Key) -> str:
    if key.algorithm in _RSA:
        return f"rsa-{key.numbers(1)[0][0].bit_length()}"
    if key.algorithm == _DSA:
        return f"dsa-{key.numbers(1)[0][0].bit_length()}"
    if key.algorithm == _ECDSA:
        return _CURVES[oid][0] if (oid := _point(key)[0]) in _CURVES else "ecdsa-other"
    if key.algorithm == _ED25519 or (key.algorithm == _EDDSA and _point(key)[0] == _OID_ED25519):
        return "ed25519"
    return _OTHERS.get(key.algorithm, f"algorithm-{key.algorithm}")


def is_weak(key: Key) -> bool:
    """Whether nobody should rely on a key any more: RSA and DSA of less than 2048 bits."""
    kind, _, bits = name_of(key).partition("-")
    return kind in {"rsa", "dsa"} and int(bits) < MIN_RSA


def is_signed(signature: Signature, key: Key, feed: Feed) -> bool | None:
    """Whether a signature over a message holds; None where this module does not know the algorithm or the hash."""
    chosen = _CHECKED.get(signature.hash)
    if chosen is None or signature.version != key.version or signature.algorithm != key.algorithm:
        return None if chosen is None else False
    running = hashlib.new(HASHES[signature.hash].replace("sha3-", "sha3_"))
    running.update(signature.salt)
    feed(running.update)
    running.update(signature.trailer)
    try:
        return _holds(key, signature.values, running.digest(), chosen)
    except (FormatError, ValueError, OverflowError, InvalidSignature, UnsupportedAlgorithm):
        return False


def _holds(key: Key, values: bytes, digest: bytes, chosen: hashes.HashAlgorithm) -> bool | None:
    """Raises for a signature that does not hold, and for broken keys."""
    hashed = utils.Prehashed(chosen)
    if key.algorithm in _RSA:
        (n, e), _ = key.numbers(2)
        if n.bit_length() > MAX_RSA:
            return None
        size = (n.bit_length() + 7) // 8
        rsa.RSAPublicNumbers(e, n).public_key().verify(
            Reader(values, "RSA signature").integer().to_bytes(size, "big"), digest, padding.PKCS1v15(), hashed
        )
    elif key.algorithm == _DSA:
        (p, q, g, y), _ = key.numbers(4)
        parameters = dsa.DSAParameterNumbers(p, q, g)
        dsa.DSAPublicNumbers(y, parameters).public_key().verify(_pair(values), digest, hashed)
    elif key.algorithm == _ECDSA and _point(key)[0] in _CURVES:
        oid, point = _point(key)
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[oid][1], point).verify(_pair(values), digest, ec.ECDSA(hashed))
    elif _named(key) == "ed25519":
        _verify_ed25519(key, values, digest)
    else:
        return None
    return True


def _verify_ed25519(key: Key, values: bytes, digest: bytes) -> None:
    """EdDSA of RFC 9580 signs the digest; the older form writes the point and both halves as integers."""
    if key.algorithm == _ED25519:
        point, signature = key.material, values
    else:
        prefixed = _point(key)[1]
        point = prefixed[1:] if prefixed[:1] == b"\x40" else b""
        reader = Reader(values, "EdDSA signature")
        signature = reader.integer().to_bytes(32, "big") + reader.integer().to_bytes(32, "big")
    check_point(point)
    ed25519.Ed25519PublicKey.from_public_bytes(point).verify(signature, digest)


def _pair(values: bytes) -> bytes:
    reader = Reader(values, "signature")
    return utils.encode_dss_signature(reader.integer(), reader.integer())


def _point(key: Key) -> tuple[bytes, bytes]:
    """The curve's object identifier and the point of a key (RFC 9580, 5.5.5.4)."""
    reader = Reader(key.material, "OpenPGP key")
    oid = reader.take(reader.number(1))
    return oid, reader.take((reader.number(2) + 7) // 8)
