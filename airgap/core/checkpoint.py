"""Checkpoints of the ledger: signed notes that say how long it was and what its root was.

Source: C2SP signed-note and tlog-checkpoint.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from airgap.core.errors import FormatError
from airgap.core.keys import PrivateKey, PublicKey

_ED25519: Final = b"\x01"
_NOTE = re.compile(r"(airgap/[a-z0-9._-]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n\n— (\S+) ([A-Za-z0-9+/=]+)\n")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ledger of a site at one moment: number of records, root of their tree."""

    site: str
    size: int
    root: bytes

    @property
    def origin(self) -> str:
        """The name of the log."""
        return f"airgap/{self.site}"

    def sign(self, key: PrivateKey) -> str:
        """The signed note."""
        signature = _key_hash(self.origin, key.public) + key.sign(self._body().encode())
        return f"{self._body()}\n— {self.origin} {base64.b64encode(signature).decode()}\n"

    @classmethod
    def parse(cls, note: str, key: PublicKey) -> Self:
        """Read a note that this key signed; accepts exactly what ``sign`` writes.

        Raises:
            FormatError: anything else.
        """
        found = _NOTE.fullmatch(note)
        if not found or found[4] != found[1]:
            raise FormatError("checkpoint: expected a signed note, got other text")
        try:
            root, signature = base64.b64decode(found[3], validate=True), base64.b64decode(found[5], validate=True)
        except binascii.Error as exc:
            raise FormatError("checkpoint: expected base64, got other text") from exc
        checkpoint = cls(found[1].removeprefix("airgap/"), int(found[2]), root)
        body = checkpoint._body()
        if signature[:4] != _key_hash(checkpoint.origin, key) or not key.is_signed(body.encode(), signature[4:]):
            raise FormatError("checkpoint: expected a signature of the site's key, got another")
        if f"{body}\n— {checkpoint.origin} {base64.b64encode(signature).decode()}\n" != note:
            raise FormatError("checkpoint: expected canonical base64, got another encoding")
        return checkpoint

    def _body(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def _key_hash(name: str, key: PublicKey) -> bytes:
    """Four bytes that say which key. Source: C2SP signed-note, "Signatures" (key name, newline, type, key)."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.raw).digest()[:4]
