"""The signed root of a bundle: an in-toto Statement about the manifest.

Source: in-toto Attestation Framework, Statement v1; predicate type ``urn:airgap:bundle:1`` (docs/format.md).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from airgap.core import canonical
from airgap.core.authentic import Authentic
from airgap.core.digest import parse_sha256
from airgap.core.errors import FormatError
from airgap.core.names import check_token
from airgap.core.schema import validate
from airgap.core.times import format_time, parse_time

STATEMENT_V1: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "urn:airgap:bundle:1"


class Container(StrEnum):
    """How the payload travels."""

    ARCHIVE = "archive"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class Base:
    """What a delta stands on."""

    receipt: bytes
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the exporter's signers say.

    Attributes:
        manifest: SHA-256 of the manifest area as it stands, padding included.
        sequence: 1, 2, 3 ... within the channel.
        previous: manifest digest of the bundle before, None for the first.
        destination: a site's name, None for any.
        size: bytes of the archive, or of all files of a directory but the head.
        artifacts: number of artifacts carried.
        content: bytes of all entries carried.
    """

    manifest: bytes
    channel: str
    sequence: int
    previous: bytes | None
    created: datetime
    expires: datetime
    destination: str | None
    container: Container
    size: int
    base: Base | None
    artifacts: int
    content: int
    tool: str

    @classmethod
    def parse(cls, authentic: Authentic) -> Self:
        """Read the statement that the signatures cover.

        Raises:
            FormatError: anything but what ``encode`` writes.
        """
        return cls.peek(authentic.payload)

    @classmethod
    def peek(cls, raw: bytes) -> Self:
        """Read a statement whose signatures nobody verified: for display, and for the exporter's own bundles."""
        value = canonical.decode(raw, what="statement")
        validate("statement", value, what="statement")
        said = value["predicate"]
        check_token(said["channel"], what="channel")
        if said["destination"] is not None:
            check_token(said["destination"], what="destination")
        if (said["sequence"] == 1) != (said["previous"] is None):
            raise FormatError("statement: expected a previous manifest from sequence 2 on, got the opposite")
        base = said["base"]
        return cls(
            manifest=parse_sha256(value["subject"][0]["digest"]["sha256"]),
            channel=said["channel"],
            sequence=said["sequence"],
            previous=None if said["previous"] is None else parse_sha256(said["previous"]),
            created=parse_time(said["created"]),
            expires=parse_time(said["expires"]),
            destination=said["destination"],
            container=Container(said["container"]),
            size=said["archiveSize"],
            base=None if base is None else Base(parse_sha256(base["receipt"]), base["sequence"]),
            artifacts=said["totals"]["artifacts"],
            content=said["totals"]["bytes"],
            tool=said["tool"],
        )

    def value(self) -> dict[str, Any]:
        """The statement as a JSON value."""
        base = self.base and {"receipt": self.base.receipt.hex(), "sequence": self.base.sequence}
        return {
            "_type": STATEMENT_V1,
            "subject": [{"name": "manifest.json", "digest": {"sha256": self.manifest.hex()}}],
            "predicateType": PREDICATE,
            "predicate": {
                "channel": self.channel,
                "sequence": self.sequence,
                "previous": self.previous and self.previous.hex(),
                "created": format_time(self.created),
                "expires": format_time(self.expires),
                "destination": self.destination,
                "container": self.container,
                "archiveSize": self.size,
                "base": base,
                "totals": {"artifacts": self.artifacts, "bytes": self.content},
                "tool": self.tool,
            },
        }

    def encode(self) -> bytes:
        """The one encoding of the statement: the payload that gets signed."""
        return canonical.encode(self.value())
