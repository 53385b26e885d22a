"""Wishes: what an isolated site asks to be brought, signed by the site's key. Source: ``schemas/wish.schema.json``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

from airgap.core import canonical
from airgap.core.checkpoint import Checkpoint
from airgap.core.digest import parse_sha256
from airgap.core.entries import Artifact, Document
from airgap.core.envelope import Envelope, authenticate
from airgap.core.errors import FormatError
from airgap.core.keys import PrivateKey, PublicKey
from airgap.core.names import check_path, check_token
from airgap.core.purl import check_purl
from airgap.core.schema import validate
from airgap.core.times import format_time, parse_time

WISH_TYPE: Final = "application/vnd.airgap.wish+json"
MAX_DAMAGED: Final = 10_000
MAX_NEEDED: Final = 1000


class Confirmed(NamedTuple):
    """The last bundle of a channel that the site admitted."""

    sequence: int
    manifest: bytes


class Damaged(NamedTuple):
    """An object that the site lost: under which path and name it came, its digest, and its size in bytes.

    ``purl`` is None for a document.
    """

    path: str
    purl: str | None
    sha256: bytes
    size: int

    @classmethod
    def of(cls, entry: Artifact | Document) -> Self:
        """The object of a manifest's entry."""
        return cls(entry.path, entry.purl if isinstance(entry, Artifact) else None, entry.sha256, entry.size)

    def value(self) -> dict[str, Any]:
        """As a JSON value."""
        return {"path": self.path, "purl": self.purl, "sha256": self.sha256.hex(), "size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a site has and what it asks for.

    Attributes:
        site: its name.
        at: when it was written, UTC.
        channels: the last bundle that was admitted, by channel.
        damaged: objects that are lost, sorted by path.
        needed: purls that people at the site asked for, sorted.
        ledger: how long it was then, and its root.
    """

    site: str
    at: datetime
    channels: Mapping[str, Confirmed]
    damaged: Sequence[Damaged]
    needed: Sequence[str]
    ledger: Checkpoint

    @classmethod
    def open(cls, raw: bytes, key: PublicKey) -> Self:
        """The wish in a file, if the site's key signed it.

        Raises:
            FormatError: it did not, or this is no wish.
        """
        envelope = Envelope.parse(raw.removesuffix(b"\n"), what="wish")
        return cls.parse(authenticate(envelope, WISH_TYPE, {key.key_id: key}, what="wish").payload)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a wish that was authenticated; accepts exactly what ``encode`` writes.

        Raises:
            FormatError: anything else.
        """
        value = canonical.decode(raw, what="wish")
        validate("wish", value, what="wish")
        for name in (value["site"], *value["channels"]):
            check_token(name, what="wish")
        for purl in value["needed"]:
            check_purl(purl)
        damaged = tuple(map(_damaged, value["damaged"]))
        wish = cls(
            site=value["site"],
            at=parse_time(value["time"]),
            channels={
                name: Confirmed(said["sequence"], parse_sha256(said["manifest"]))
                for name, said in value["channels"].items()
            },
            damaged=damaged,
            needed=tuple(value["needed"]),
            ledger=Checkpoint(value["site"], value["ledger"]["size"], parse_sha256(value["ledger"]["root"])),
        )
        if wish.encode() != raw:
            raise FormatError("wish: expected sorted lists without repetition, got others")
        return wish

    def sign(self, key: PrivateKey) -> Envelope:
        """The wish as it leaves the site.

        Raises:
            FormatError: more objects or purls than a wish has room for.
        """
        value = self.value()
        validate("wish", value, what="wish")
        return Envelope(WISH_TYPE, canonical.encode(value), ()).with_signatures([key])

    def value(self) -> dict[str, Any]:
        """The wish as a JSON value."""
        return {
            "site": self.site,
            "time": format_time(self.at),
            "channels": {
                name: {"sequence": last.sequence, "manifest": last.manifest.hex()} for name, last in self.channels.items()
            },
            "damaged": [one.value() for one in sorted(set(self.damaged), key=_place)],
            "needed": sorted(set(self.needed)),
            "ledger": {"size": self.ledger.size, "root": self.ledger.root.hex()},
        }

    def encode(self) -> bytes:
        """The one encoding of the wish: the payload that gets signed."""
        return canonical.encode(self.value())

    def unanswered(self, artifacts: Sequence[Artifact], documents: Sequence[Document]) -> "Unanswered":
        """What a bundle with these entries does not bring. Nothing counts that a delta leaves out."""
        brought = {artifact.sha256 for artifact in artifacts if artifact.stored}
        brought |= {document.sha256 for document in documents}
        return Unanswered(
            damaged=[one for one in self.damaged if one.sha256 not in brought],
            needed=[purl for purl in self.needed if not any(_is_version_of(a.purl, purl) for a in artifacts)],
        )


class Unanswered(NamedTuple):
    """What of a wish a bundle leaves open."""

    damaged: Sequence[Damaged] = ()
    needed: Sequence[str] = ()


def _damaged(said: Mapping[str, Any]) -> Damaged:
    check_path(said["path"])
    if said["purl"] is not None:
        check_purl(said["purl"])
    return Damaged(said["path"], said["purl"], parse_sha256(said["sha256"]), said["size"])


def _place(one: Damaged) -> tuple[str, bytes]:
    return one.path, one.sha256


def _is_version_of(purl: str, wanted: str) -> bool:
    """Whether a purl is the one wanted, or one of its versions when no version was named."""
    return purl == wanted or purl.startswith((f"{wanted}@", f"{wanted}?"))
