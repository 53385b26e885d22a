"""Digests as npm writes them, and which of them are the law.

Source: Subresource Integrity (W3C), 3.3 and 3.5: of several algorithms the strongest counts. Several digests of one
algorithm, of which any may hold there, are refused here: a lock pins one content.
"""

import base64
from collections.abc import Mapping
from typing import Final

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason

Digests = Mapping[str, str]
"""Names of ``hashlib`` and lower-case hex."""

_SIZES: Final = {"sha512": 64, "sha384": 48, "sha256": 32, "sha1": 20}
"""In bytes, strongest first."""
MAX_TEXT: Final = 2048


def parse(text: str, *, what: str) -> Digests:
    """The digests in an integrity; those of algorithms that prove nothing (md5) are left out.

    Raises:
        FormatError: not base64 of the right length, or two digests of one algorithm.
    """
    found: dict[str, str] = {}
    for item in text[:MAX_TEXT].split():
        algorithm, _, rest = item.partition("-")
        if algorithm not in _SIZES:
            continue
        digest = _digest(rest.partition("?")[0])
        if len(digest) != 2 * _SIZES[algorithm]:
            raise FormatError(f"{what}: expected an integrity, got {item!a:.120}")
        if found.setdefault(algorithm, digest) != digest:
            raise FormatError(f"{what}: expected one {algorithm} digest, got two")
    return found


def _digest(text: str) -> str:
    """Base64 as hex; "" for anything else."""
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:
        return ""
    return digest.hex() if base64.b64encode(digest).decode() == text else ""


def of_sha1(text: str, *, what: str) -> Digests:
    """The digest in a ``shasum`` of a registry, or behind the ``#`` of a URL of yarn.

    Raises:
        FormatError: no 40 hexadecimal digits.
    """
    lower = text.lower()
    if len(lower) != 40 or not set(lower) <= set("0123456789abcdef"):
        raise FormatError(f"{what}: expected a sha1 digest, got {text!a:.60}")
    return {"sha1": lower}


def merge(one: Digests, other: Digests, *, what: str) -> Digests:
    """All digests of two sources that speak of the same file.

    Args:
        one: whose word is the law.
        other: who repeats it.
        what: the file, for the message.

    Raises:
        FormatError: with reason content-mismatch, when they speak of different files.
    """
    for algorithm in one.keys() & other.keys():
        if one[algorithm] != other[algorithm]:
            raise FormatError(
                f"{what}: expected {algorithm}:{one[algorithm]}, got {algorithm}:{other[algorithm]}",
                reason=Reason.CONTENT_MISMATCH,
            )
    return {**other, **one}


def law(locked: Digests, indexed: Digests, *, what: str) -> Digests:
    """What a download has to hash to: the lock's strongest digest, and the registry's where the lock has no SHA-512.

    Raises:
        FormatError: the two disagree (reason content-mismatch), or there is no digest at all.
    """
    everything = merge(locked, indexed, what=what)
    own = _strongest(locked)
    if "sha512" in own:
        return own
    wanted = {**_strongest(everything), **own}
    if not wanted:
        raise FormatError(f"{what}: expected an integrity in the lock or at the registry, got none")
    return wanted


def _strongest(digests: Digests) -> Digests:
    return next(({name: digests[name]} for name in _SIZES if name in digests), {})


def write_sha512(digests: Digests) -> str | None:
    """The integrity that a registry signs; None without a SHA-512."""
    if "sha512" not in digests:
        return None
    return "sha512-" + base64.b64encode(bytes.fromhex(digests["sha512"])).decode()
