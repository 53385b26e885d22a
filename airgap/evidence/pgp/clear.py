"""Clearsigned text, taken apart strictly: there is exactly one reading of it, or none.

Source: RFC 9580, 7.
"""

import base64
from typing import Final, NamedTuple

from airgap.core.errors import FormatError
from airgap.evidence.pgp.packets import Packet

_CLEAR: Final = b"-----BEGIN PGP SIGNED MESSAGE-----"
_CLEAR_END: Final = b"-----BEGIN PGP SIGNATURE-----"


class Clear(NamedTuple):
    """A clearsigned message: its lines as they are signed, and the parts to put it together again."""

    lines: list[bytes]
    head: bytes
    signatures: bytes

    @property
    def text(self) -> bytes:
        """The text that is signed, with plain line ends; the last line end is not part of it (RFC 9580, 7.2)."""
        return b"\n".join(self.lines)

    def with_one(self, packet: Packet) -> bytes:
        """The message with one of its signatures only."""
        body = base64.encodebytes(packet.raw)
        return self.head + _CLEAR_END + b"\n\n" + body + b"-----END PGP SIGNATURE-----\n"


def read_clear_text(raw: bytes) -> Clear:
    """Take a clearsigned message apart (RFC 9580, 7); there is exactly one reading, or none.

    Raises:
        FormatError: bytes before or after it, other headers than Hash, a line that should have been escaped, or a lone
            carriage return.
    """
    lines = raw.split(b"\n")
    plain = [line.rstrip(b" \t\r") for line in lines]
    if plain[0] != _CLEAR:
        raise FormatError("clearsigned text: expected to start with its BEGIN line, got other bytes")
    if b"" not in plain or _CLEAR_END not in plain:
        raise FormatError("clearsigned text: expected an empty line, the text and a signature, got less")
    start, stop = plain.index(b"") + 1, plain.index(_CLEAR_END)
    if start > stop or not all(line.startswith(b"Hash: ") for line in plain[1 : start - 1]):
        raise FormatError("clearsigned text: expected Hash headers and an empty line, got something else")
    ends = [at for at, line in enumerate(plain) if line == b"-----END PGP SIGNATURE-----"]
    if len(ends) != 1 or any(lines[ends[0] + 1 :]):
        raise FormatError("clearsigned text: expected to end with its one END line, got more")
    text = [_unescape(line) for line in plain[start:stop]]
    return Clear(text, b"".join(line + b"\n" for line in lines[:stop]), b"\n".join(lines[stop:]))


def _unescape(line: bytes) -> bytes:
    if b"\r" in line:
        raise FormatError("clearsigned text: expected whole line ends, got a lone carriage return")
    if line.startswith(b"-"):
        if line[1:2] != b" ":
            raise FormatError("clearsigned text: expected a dash that is escaped, got a bare one")
        return line[2:].rstrip(b" \t")
    return line
