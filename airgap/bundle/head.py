"""The head of a bundle: everything that is read before a signature holds.

Source: docs/format.md, "Head". All integers are little-endian u32.
"""

import struct
from dataclasses import dataclass
from typing import Final, Protocol

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason

SKIPPABLE: Final = 0x184D2A50
"""Magic of a zstd skippable frame, which stock zstd steps over. Source: RFC 8878, 3.1.2."""
SIGNATURE: Final = b"AIRGAP\x00"
VERSION: Final = 1
PREFIX: Final = struct.Struct("<II7sBIII")
MAX_TRUST: Final = 1024 * 1024
MAX_ENVELOPE: Final = 256 * 1024
MAX_MANIFEST: Final = 1024 * 1024 * 1024
FILE_NAME: Final = "bundle.head"


class Stream(Protocol):
    """Bytes read once, from front to back."""

    @property
    def length(self) -> int:
        """Bytes in all."""
        ...

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, or fewer at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of the three areas."""

    trust: int
    envelope: int
    manifest: int

    @property
    def head(self) -> int:
        """Bytes of the whole head; the first frame stands here."""
        return PREFIX.size + self.trust + self.envelope + self.manifest

    @property
    def envelope_at(self) -> int:
        """Offset of the envelope area."""
        return PREFIX.size + self.trust

    def prefix(self) -> bytes:
        """The fixed bytes in front of the areas."""
        return PREFIX.pack(SKIPPABLE, self.head - 8, SIGNATURE, VERSION, self.trust, self.envelope, self.manifest)


@dataclass(frozen=True, slots=True)
class Head:
    """The three areas, padding included; untrusted."""

    trust: bytes
    envelope: bytes
    manifest: bytes

    @property
    def sizes(self) -> Sizes:
        """Their sizes."""
        return Sizes(len(self.trust), len(self.envelope), len(self.manifest))

    @property
    def parts(self) -> tuple[bytes, bytes, bytes, bytes]:
        """The bytes of the head, one area after the other; joined, a large manifest would be in memory twice."""
        return self.sizes.prefix(), self.trust, self.envelope, self.manifest


def read_head(stream: Stream, *, max_manifest: int) -> Head:
    """Read the head; nothing behind it is touched.

    Args:
        stream: untrusted.
        max_manifest: the policy's cap in bytes.

    Raises:
        FormatError: with reason not-a-bundle, unsupported-version, wrong-size or too-large.
    """
    sizes = read_sizes(stream.read(PREFIX.size), max_manifest=max_manifest)
    if sizes.head > stream.length:
        raise FormatError(f"head: expected {sizes.head} bytes, got a file of {stream.length}", reason=Reason.WRONG_SIZE)
    areas = [stream.read(size) for size in (sizes.trust, sizes.envelope, sizes.manifest)]
    if [len(area) for area in areas] != [sizes.trust, sizes.envelope, sizes.manifest]:
        raise FormatError("head: expected all of it, got the end of the file", reason=Reason.WRONG_SIZE)
    return Head(*areas)


def read_sizes(prefix: bytes, *, max_manifest: int = MAX_MANIFEST) -> Sizes:
    """Read the fixed bytes in front of the areas.

    Raises:
        FormatError: with reason not-a-bundle, unsupported-version or too-large.
    """
    if len(prefix) < PREFIX.size:
        raise FormatError("expected an airgap bundle, got a file too short to be one", reason=Reason.NOT_A_BUNDLE)
    magic, length, signature, version, trust, envelope, manifest = PREFIX.unpack(prefix)
    if magic != SKIPPABLE or signature != SIGNATURE:
        raise FormatError("expected an airgap bundle, got another kind of file", reason=Reason.NOT_A_BUNDLE)
    if version != VERSION:
        raise FormatError(f"expected bundle format {VERSION}, got {version}", reason=Reason.UNSUPPORTED_VERSION)
    sizes = Sizes(trust, envelope, manifest)
    if length != sizes.head - 8:
        raise FormatError("head: expected its length to be the sum of its areas, got another", reason=Reason.MALFORMED)
    for name, size, cap in (
        ("trust area", trust, MAX_TRUST),
        ("envelope area", envelope, MAX_ENVELOPE),
        ("manifest area", manifest, min(max_manifest, MAX_MANIFEST)),
    ):
        if size > cap:
            raise FormatError(f"{name}: expected at most {cap} bytes, got {size}", reason=Reason.TOO_LARGE)
    return sizes
