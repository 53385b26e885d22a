"""The manifest: every entry of a bundle, and every frame of its archive.

A manifest may hold 100,000 entries, and a JSON Schema validator takes 14 seconds for so many. So the walk is shaped like
the document: the outer object and the losses go through the schema, the long arrays are read entry by entry with one
expression each, which accepts exactly the canonical text of an entry, or, where an entry holds free metadata, through the
general strict reader and the checks below. tests/core holds schema, expression and checks to one verdict.
"""

import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Self, TypeVar

from airgap.core import canonical
from airgap.core.entries import (
    ARTIFACT,
    DOCUMENT,
    NUMBER,
    Artifact,
    Document,
    Entry,
    Loss,
    encode_artifact,
    inside,
    parse_artifact,
    parse_document,
    read_artifact,
    read_document,
)
from airgap.core.errors import FormatError
from airgap.core.names import check_distinct
from airgap.core.reasons import Reason
from airgap.core.schema import validate

FORMAT: Final = 1
FRAME_SIZES: Final = range(64 * 1024, 8 * 1024 * 1024 + 1)
SUMS: Final = "SHA256SUMS"
_BATCH: Final = 2000


T = TypeVar("T")
_FRAME = re.compile(rb"\[([1-9][0-9]{0,8}),([1-9][0-9]{0,8}),(?:null|\"([0-9a-f]{64})\")\]")
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)  # linear in hostile bytes, as in canonical.py


@dataclass(slots=True)
class Frames:
    """Sizes and digests of all frames, 37 bytes each: a terabyte has a million of them."""

    compressed: "array[int]" = field(default_factory=lambda: array("I"))
    uncompressed: "array[int]" = field(default_factory=lambda: array("I"))
    digests: bytearray = field(default_factory=bytearray)
    raw: bytearray = field(default_factory=bytearray)

    def __len__(self) -> int:
        return len(self.compressed)

    def append(self, compressed: int, uncompressed: int, digest: bytes | None) -> None:
        """Add a frame; no digest means that it consists of raw blocks."""
        self.compressed.append(compressed)
        self.uncompressed.append(uncompressed)
        self.digests += digest or bytes(32)
        self.raw.append(digest is None)

    def digest(self, index: int) -> bytes | None:
        """SHA-256 of the compressed bytes, None for a frame of raw blocks."""
        return None if self.raw[index] else bytes(self.digests[index * 32 : index * 32 + 32])

    def encode(self) -> bytes:
        """The canonical text of the array."""
        parts = []
        for index, (compressed, uncompressed) in enumerate(zip(self.compressed, self.uncompressed, strict=True)):
            digest = self.digest(index)
            parts.append(b"[%d,%d,%b]" % (compressed, uncompressed, b'"%b"' % digest.hex().encode() if digest else b"null"))
        return b"[" + b",".join(parts) + b"]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All entries in the order of the tar stream: documents, then artifacts, each sorted by path."""

    frame_size: int
    artifacts: Sequence[Artifact]
    documents: Sequence[Document]
    losses: Sequence[Loss] = ()
    frames: Frames = field(default_factory=Frames)

    @classmethod
    def parse(cls, raw: bytes, *, max_entries: int, size: int | None = None) -> Self:
        """Read a manifest whose digest was signed; accepts exactly what ``encode`` writes.

        Args:
            raw: begins with the manifest.
            size: bytes of it, where padding follows; cutting that off would copy all the rest.
            max_entries: cap on artifacts, documents and losses together (T088).

        Raises:
            FormatError: malformed, too many entries, a bad or clashing name, or contradictory.
        """
        walk = _Walk(raw, max_entries)
        walk.expect(b'{"artifacts":[')
        artifacts = list(walk.items(ARTIFACT, read_artifact, parse_artifact))
        walk.expect(b',"documents":[')
        documents = list(walk.items(DOCUMENT, read_document, parse_document))
        walk.expect(b',"format":1,"frameSize":')
        frame_size = walk.integer()
        walk.expect(b',"frames":[')
        frames = _read_frames(walk)
        walk.expect(b",")
        rest = canonical.decode(b"{" + raw[walk.at : size], what="manifest")
        if rest.keys() != {"losses"}:  # any other name would be a second value for what was read above (T080)
            raise FormatError("manifest: expected losses at the end, got other members")
        shape = {"artifacts": [], "documents": [], "format": FORMAT, "frameSize": frame_size, "frames": [], **rest}
        validate("manifest", shape, what="manifest")
        losses = [Loss(**loss) for loss in rest["losses"]]
        walk.count(len(losses))
        manifest = cls(frame_size=frame_size, artifacts=artifacts, documents=documents, losses=losses, frames=frames)
        manifest.check()
        return manifest

    def check(self) -> None:
        """Prove the rules that no single entry shows: order, distinct names, evidence that exists, frame sizes.

        Raises:
            FormatError: with reason malformed or name-clash.
        """
        for entries in (self.documents, self.artifacts):
            paths = [entry.path for entry in entries]
            if any(one >= other for one, other in pairwise(paths)):
                raise FormatError("manifest: expected entries sorted by path without repetition, got another order")
        check_distinct(inside(entry.path) for entries in (self.documents, self.artifacts) for entry in entries)
        known = {document.path for document in self.documents}
        for artifact in self.artifacts:
            for path in artifact.evidence:
                if path not in known:
                    raise FormatError(f"manifest: expected evidence among the documents, got {path!a:.120}")
        sizes = self.frames.uncompressed
        if any(size != self.frame_size for size in sizes[:-1]) or (sizes and not 0 < sizes[-1] <= self.frame_size):
            raise FormatError("manifest: expected full frames and a last one that is not larger, got other sizes")

    @property
    def entries(self) -> Iterator[Entry]:
        """The entries whose bytes travel, in the order of the tar stream."""
        yield from self.documents
        for artifact in self.artifacts:
            if artifact.stored:
                yield artifact

    @property
    def named(self) -> Iterator[Entry]:
        """All entries, those of the base included."""
        yield from self.documents
        yield from self.artifacts

    def encode(self) -> bytes:
        """The one encoding of the manifest."""
        return b"".join(self.parts())

    def parts(self) -> Iterator[bytes]:
        """The encoding, piece by piece."""
        yield b'{"artifacts":['
        for start in range(0, len(self.artifacts), _BATCH):
            yield (b"," if start else b"") + b",".join(map(encode_artifact, self.artifacts[start : start + _BATCH]))
        yield b'],"documents":['
        yield b",".join(canonical.encode(d.value()) for d in self.documents)
        yield b'],"format":1,"frameSize":%d,"frames":' % self.frame_size
        yield self.frames.encode()
        yield b',"losses":' + canonical.encode([loss.value() for loss in self.losses]) + b"}"


class _Walk:
    """A position in the manifest's bytes."""

    def __init__(self, raw: bytes, max_entries: int) -> None:
        self.raw = raw
        self.at = 0
        self._left = max_entries

    def expect(self, literal: bytes) -> None:
        """Step over these bytes and no others."""
        if not self.raw.startswith(literal, self.at):
            raise FormatError(f"manifest: expected {literal.decode()} at byte {self.at}, got other bytes")
        self.at += len(literal)

    def integer(self) -> int:
        """Step over an integer."""
        found = re.compile(NUMBER).match(self.raw, self.at)
        if not found:
            raise FormatError(f"manifest: expected an integer at byte {self.at}, got other bytes")
        self.at = found.end()
        return int(found[1])

    def count(self, number: int) -> None:
        """Take entries off the cap."""
        self._left -= number
        if self._left < 0:
            raise FormatError("manifest: expected fewer entries, got more than the policy allows", reason=Reason.TOO_LARGE)

    def items(
        self, pattern: re.Pattern[bytes], fast: Callable[[re.Match[bytes]], T], slow: Callable[[Any], T]
    ) -> Iterator[T]:
        """Step over the entries of an array and its closing bracket."""
        if self.raw.startswith(b"]", self.at):
            self.at += 1
            return
        while True:
            self.count(1)
            found = pattern.match(self.raw, self.at)
            if found:
                self.at = found.end()
                yield fast(found)
            else:
                yield slow(self.slow_item())
            separator = self.raw[self.at : self.at + 1]
            self.at += 1
            if separator == b"]":
                return
            if separator != b",":
                raise FormatError(f"manifest: expected ',' or ']' at byte {self.at - 1}, got another byte")

    def slow_item(self) -> Any:
        """Step over one JSON value of any shape and return it, strictly read."""
        depth = 0
        for found in _TOKEN.finditer(self.raw, self.at):
            if found[0] in b"[{":
                depth += 1
            elif found[0] in b"]}":
                depth -= 1
            if depth == 0:
                value = canonical.decode(self.raw[self.at : found.end()], what="manifest")
                self.at = found.end()
                return value
        raise FormatError("manifest: expected an entry, got the end")


def _read_frames(walk: _Walk) -> Frames:
    """Step over the array of frames."""
    frames = Frames()
    if walk.raw.startswith(b"]", walk.at):
        walk.at += 1
        return frames
    while True:
        found = _FRAME.match(walk.raw, walk.at)
        if not found:
            raise FormatError(f"manifest: expected a frame at byte {walk.at}, got other bytes")
        frames.append(int(found[1]), int(found[2]), bytes.fromhex(found[3].decode()) if found[3] else None)
        separator = walk.raw[found.end() : found.end() + 1]
        walk.at = found.end() + 1
        if separator == b"]":
            return frames
        if separator != b",":
            raise FormatError(f"manifest: expected ',' or ']' at byte {walk.at - 1}, got another byte")
