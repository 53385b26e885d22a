"""What OpenPGP signatures are about, as Sequoia reads it and as it is hashed.

Source: RFC 9580, 5.2.1 and 7. With judge.py the only door to pysequoia.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import pysequoia

from airgap.core.errors import FormatError
from airgap.evidence.pgp.clear import Clear
from airgap.evidence.pgp.mathematics import Feed
from airgap.evidence.pgp.packets import Packet
from airgap.evidence.pgp.signature import Signature
from airgap.evidence.subject import Subject

BINARY, TEXT = 0x00, 0x01
"""Types of signatures of documents (RFC 9580, 5.2.1)."""
_CHUNK: Final = 1 << 20


class Message(Protocol):
    """What a signature is about."""

    kinds: frozenset[int]

    def ask(self, packet: Packet, certificate: pysequoia.Cert) -> pysequoia.Decrypted:
        """Sequoia's answer about one signature.

        Raises:
            RuntimeError: the signature does not hold, or Sequoia's policy refuses it.
            FormatError: the message is no such thing.
        """

    def feed(self, signature: Signature, /) -> Feed:
        """The octets that are hashed."""


class Detached:
    """An artifact, or another piece: read from its file, never into memory."""

    kinds = frozenset({BINARY, TEXT})

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def ask(self, packet: Packet, certificate: pysequoia.Cert) -> pysequoia.Decrypted:
        """As ``Message``."""
        signature = pysequoia.Sig.from_bytes(packet.raw)
        return pysequoia.verify(file=self._subject.file, store=lambda _: [certificate], signature=signature)

    def feed(self, signature: Signature, /) -> Feed:
        """As ``Message``."""
        return partial(self._feed, signature.kind == TEXT)

    def _feed(self, is_text: bool, update: Callable[[bytes | memoryview], object]) -> None:
        with self._subject.message() as message:
            if not is_text:
                update(message)
                return
            kept = b""
            for at in range(0, len(message), _CHUNK):
                block = kept + bytes(message[at : at + _CHUNK])
                # a carriage return at the end may be half of a line end
                kept = b"\r" if block.endswith(b"\r") else b""
                update(_canonical(block.removesuffix(kept)))
            update(kept)


class Cleartext:
    """Clearsigned text."""

    kinds = frozenset({TEXT})

    def __init__(self, clear: Clear) -> None:
        self._clear = clear

    def ask(self, packet: Packet, certificate: pysequoia.Cert) -> pysequoia.Decrypted:
        """As ``Message``."""
        answer = pysequoia.verify(bytes=self._clear.with_one(packet), store=lambda _: [certificate])
        # two programs have to read one message in one way, or none of them is believed (T130)
        if (answer.bytes or b"").replace(b"\r\n", b"\n") != self._clear.text:
            raise FormatError("clearsigned text: expected one way to read it, got two")
        return answer

    def feed(self, _: Signature, /) -> Feed:
        """As ``Message``."""
        return self._feed

    def _feed(self, update: Callable[[bytes | memoryview], object]) -> None:
        update(b"\r\n".join(self._clear.lines))


def _canonical(text: bytes) -> bytes:
    """Text as it is hashed: every line ends with CR and LF (RFC 9580, 5.2.1.2)."""
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
