"""What the tests of the plain formats share: vectors, forgeries of Ed25519, and documents with one byte changed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

TEXT: Final = b"hello, isolated side\n"
"""The content that all vectors sign; its file is called a.txt."""
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Of the base point of edwards25519 (RFC 8032, 5.1): L."""
IDENTITY: Final = bytes([1]) + bytes(31)
ANYTHING: Final = IDENTITY + bytes(32)
"""R = identity, S = 0: under a key of order 1 a lax verifier takes this for a signature of every message (T139)."""
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_EIGHT = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03"
_OTHER_EIGHT = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc"
SMALL_ORDER: Final = [
    bytes.fromhex(text)
    for text in (
        "01" + "00" * 31,
        "01" + "00" * 30 + "80",
        "00" * 32,
        "00" * 31 + "80",
        "ec" + "ff" * 30 + "7f",
        "ec" + "ff" * 31,
        "ed" + "ff" * 30 + "7f",
        "ed" + "ff" * 31,
        "ee" + "ff" * 30 + "7f",
        "ee" + "ff" * 31,
        _EIGHT + "7a",
        _EIGHT + "fa",
        _OTHER_EIGHT + "05",
        _OTHER_EIGHT + "85",
    )
]
"""The 14 encodings of the points whose order divides 8, canonical or not."""


def vector(path: str) -> bytes:
    """A file of the vectors' folder."""
    return (Path(__file__).parent / "vectors" / path).read_bytes()


def changed(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The content with one byte changed, at every position and in several ways; then cut short, then longer."""
    for at, byte in enumerate(content):
        for other in {byte ^ 1, byte ^ 0x20, byte ^ 0x80, ord("A"), ord("\n"), ord("\r"), ord(" "), 0} - {byte}:
            yield at, content[:at] + bytes([other]) + content[at + 1 :]
    for size in range(len(content)):
        yield size, content[:size]
    for more in (b"\n", b"A", b"\0", b"="):
        yield len(content), content + more


def with_larger_s(signature: bytes) -> bytes:
    """The Ed25519 signature with S + L instead of S (T136)."""
    s = int.from_bytes(signature[32:], "little") + ORDER
    return signature[:32] + s.to_bytes(32, "little")


def with_high_s(signature: bytes) -> bytes:
    """The ECDSA P-256 signature's twin, which holds as well (T140)."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, P256_ORDER - s)


def with_strange_r(key: Ed25519PrivateKey, message: bytes, r: bytes) -> bytes:
    """A signature whose R is an encoding of the identity; right in every other respect (T138)."""
    hashed = bytearray(hashlib.sha512(key.private_bytes_raw()).digest()[:32])
    hashed[0] &= 248
    hashed[31] = hashed[31] & 127 | 64
    public = key.public_key().public_bytes_raw()
    k = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little")
    return r + (k * int.from_bytes(hashed, "little") % ORDER).to_bytes(32, "little")


def base64_variants(text: str) -> dict[str, str]:
    """Other spellings of the same base64, by what is wrong with them (T131)."""
    body = text.rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    wrong = {"a blank inside": f"{text[:4]} {text[4:]}", "a tab at the end": f"{text}\t", "more padding": f"{text}===="}
    if "+" in text or "/" in text:
        wrong["the URL alphabet"] = text.replace("+", "-").replace("/", "_")
    if body != text:
        wrong["no padding"] = body
        stray = alphabet[alphabet.index(body[-1]) ^ 1]
        wrong["stray bits"] = body[:-1] + stray + text[len(body) :]
    return wrong
