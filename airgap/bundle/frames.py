"""Frames: one zstd frame for every piece of the tar stream.

Two kinds exist. A compressed frame is authenticated by its digest before libzstd sees it. A frame of raw blocks is never
handed to libzstd: its few framing bytes are fixed, and its content is covered by the digests of the entries.

Source: RFC 8878, 3.1.1. Both kinds have a single segment, a content size, no dictionary and no checksum.
"""

import hashlib
import struct
from collections.abc import Sequence
from typing import Final

import zstandard

from airgap.core.errors import FormatError, PlatformError
from airgap.core.reasons import Reason

MAGIC: Final = b"\x28\xb5\x2f\xfd"
BLOCK: Final = 128 * 1024
"""Largest block of a zstd frame in bytes. Source: RFC 8878, 3.1.1.2.4."""
DEFAULT_LEVEL: Final = 3
_SAMPLE: Final = 4096
_WORTH_IT: Final = 0.9
"""A frame is kept compressed when it is smaller than this share: the rest costs time on both sides for nothing."""
_SMALL: Final = 256
_MEDIUM: Final = 65536 + 256

if zstandard.ZSTD_VERSION < (1, 5, 7):  # pragma: no cover -- the pinned wheel brings 1.5.7
    raise PlatformError(f"libzstd: expected 1.5.7 or newer, got {zstandard.ZSTD_VERSION}")


def frame_header(size: int) -> bytes:
    """Magic and header of a single-segment frame with this content size in bytes; there is only one.

    Source: RFC 8878, 3.1.1.1 (Frame_Content_Size_flag 0, 1 or 2; the two-byte form stores size - 256).
    """
    if size < _SMALL:
        return MAGIC + struct.pack("<BB", 0x20, size)
    if size < _MEDIUM:
        return MAGIC + struct.pack("<BH", 0x60, size - 256)
    return MAGIC + struct.pack("<BI", 0xA0, size)


def raw_size(size: int) -> int:
    """Bytes of a frame of raw blocks with this content."""
    return len(frame_header(size)) + 3 * -(-size // BLOCK) + size


def max_size(size: int) -> int:
    """Most bytes a frame with this content may take: a compressed one is only kept when it is smaller than raw."""
    return raw_size(size)


def encode_raw(piece: memoryview) -> list[bytes | memoryview]:
    """The frame of raw blocks, as buffers to write one after the other; the content is not copied."""
    parts: list[bytes | memoryview] = [frame_header(len(piece))]
    for start in range(0, len(piece), BLOCK):
        block = piece[start : start + BLOCK]
        parts += (_block_header(len(block), is_last=start + BLOCK >= len(piece)), block)
    return parts


def decode_raw(frame: memoryview, size: int) -> list[memoryview]:
    """The content of a frame of raw blocks, as views; every framing byte is compared with the only possible one.

    Raises:
        FormatError: with reason frame-damaged.
    """
    start = len(frame_header(size))
    fault = FormatError("frame: expected raw blocks in the fixed layout, got other bytes", reason=Reason.FRAME_DAMAGED)
    if len(frame) != raw_size(size) or frame[:start] != frame_header(size):
        raise fault
    views = []
    for left in range(size, 0, -BLOCK):
        length = min(left, BLOCK)
        if frame[start : start + 3] != _block_header(length, is_last=left <= BLOCK):
            raise fault
        views.append(frame[start + 3 : start + 3 + length])
        start += 3 + length
    return views


class Encoder:
    """Turns pieces into frames; one for every thread, because a zstd context must not be shared."""

    def __init__(self, level: int, frame_size: int) -> None:
        # a window as large as the piece makes a frame of a single segment; some levels would choose a smaller one
        self._compressor = zstandard.ZstdCompressor(
            compression_params=zstandard.ZstdCompressionParameters.from_level(
                level,
                source_size=frame_size,
                window_log=(frame_size - 1).bit_length(),
                write_checksum=False,
                write_content_size=True,
            )
        )
        self._probe = zstandard.ZstdCompressor(level=1, write_checksum=False)

    def encode(self, piece: memoryview) -> tuple[Sequence[bytes | memoryview], int, bytes | None]:
        """Buffers of the frame, their size in bytes, and SHA-256 of a compressed frame or None for a raw one."""
        if self._is_promising(piece):
            frame = self._compressor.compress(piece)
            if len(frame) < len(piece) * _WORTH_IT:
                return (frame,), len(frame), hashlib.sha256(frame).digest()
        return encode_raw(piece), raw_size(len(piece)), None

    def _is_promising(self, piece: memoryview) -> bool:
        """Whether interior samples compress; the ends of archives do when the rest does not."""
        if len(piece) < 32 * _SAMPLE:
            return True
        step = len(piece) // 8
        sample = b"".join(piece[at : at + _SAMPLE] for at in range(step // 2, len(piece) - _SAMPLE, step))
        return len(self._probe.compress(sample)) < len(sample) * _WORTH_IT


class Decoder:
    """Turns frames back into pieces; one for every thread."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024)

    def decode(self, frame: bytes, size: int, digest: bytes | None) -> list[memoryview]:
        """The content of a frame, whose digest is compared before anything interprets a byte of it.

        Args:
            frame: untrusted.
            size: content in bytes, from the signed manifest; nothing larger is ever produced (T075).
            digest: SHA-256 of a compressed frame, None for one of raw blocks.

        Raises:
            FormatError: with reason frame-damaged.
        """
        if digest is None:
            return decode_raw(memoryview(frame), size)
        if hashlib.sha256(frame).digest() != digest:
            raise FormatError("frame: expected the signed digest, got another", reason=Reason.FRAME_DAMAGED)
        if not frame.startswith(frame_header(size)):
            raise FormatError(f"frame: expected the header for {size} bytes, got another", reason=Reason.FRAME_DAMAGED)
        try:
            piece = self._decompressor.decompress(frame, max_output_size=size, allow_extra_data=False)
        except zstandard.ZstdError as exc:
            raise FormatError("frame: expected one whole zstd frame, got other bytes", reason=Reason.FRAME_DAMAGED) from exc
        if len(piece) != size:
            raise FormatError(f"frame: expected {size} bytes, got {len(piece)}", reason=Reason.FRAME_DAMAGED)
        return [memoryview(piece)]


def _block_header(size: int, *, is_last: bool) -> bytes:
    """Source: RFC 8878, 3.1.1.2: last flag, type 0 (raw), size; 3 bytes little-endian."""
    return (size << 3 | is_last).to_bytes(3, "little")
