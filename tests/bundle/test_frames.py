"""Frames: what the encoder writes stock zstd reads, and the decoder reads nothing else."""

import subprocess
from hashlib import sha256

import pytest
import zstandard

from airgap.bundle.frames import BLOCK, Decoder, Encoder, decode_raw, encode_raw, frame_header, max_size, raw_size
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from tests.forge.build import raw_frame
from tests.forge.caps import MIB, below

SIZES = [1, 255, 256, 257, 65791, 65792, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, MIB]


def noise(size: int) -> bytes:
    return b"".join(sha256(b"%d" % n).digest() for n in range(size // 32 + 1))[:size]


def joined(views: list[memoryview]) -> bytes:
    return b"".join(views)


@pytest.mark.parametrize("size", SIZES)
def test_a_frame_of_raw_blocks_is_read_by_stock_zstd_and_by_us(size: int) -> None:
    content = noise(size)
    frame = b"".join(encode_raw(memoryview(content)))

    assert frame == raw_frame(content)
    assert len(frame) == raw_size(size) == max_size(size)
    assert subprocess.run(["zstd", "-dc"], input=frame, capture_output=True, check=True).stdout == content
    assert joined(decode_raw(memoryview(frame), size)) == content


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("level", range(1, 20))
def test_what_compresses_is_compressed_and_its_digest_is_of_the_compressed_bytes(size: int, level: int) -> None:
    content = bytes(size)
    buffers, length, digest = Encoder(level, MIB).encode(memoryview(content))
    frame = b"".join(buffers)

    assert len(frame) == length <= max_size(size)
    if size > 256:
        assert digest == sha256(frame).digest()
        assert frame.startswith(frame_header(size))
    assert joined(Decoder().decode(frame, size, digest)) == content
    assert zstandard.ZstdDecompressor().decompress(frame) == content


@pytest.mark.parametrize("size", [100, 5000, MIB])
def test_what_does_not_compress_is_stored_as_it_is(size: int) -> None:
    content = noise(size)
    buffers, length, digest = Encoder(3, MIB).encode(memoryview(content))

    assert (length, digest) == (raw_size(size), None)
    assert b"".join(buffers) == raw_frame(content)


def test_what_looks_promising_and_is_not_is_stored_as_it_is() -> None:
    # the probe sees eight samples; only they compress
    step, piece = MIB // 8, bytearray(noise(MIB))
    for at in range(step // 2, MIB - 4096, step):
        piece[at : at + 4096] = bytes(4096)
    _, length, digest = Encoder(3, MIB).encode(memoryview(piece))

    assert (length, digest) == (raw_size(MIB), None)


def test_a_frame_is_decoded_only_when_its_digest_is_the_signed_one() -> None:
    frame = zstandard.ZstdCompressor().compress(b"x" * 300)
    with pytest.raises(FormatError, match="expected the signed digest") as caught:
        Decoder().decode(frame, 300, bytes(32))

    assert caught.value.reason is Reason.FRAME_DAMAGED


@pytest.mark.parametrize("size", [299, 301, 0])
def test_a_frame_of_another_size_is_refused_by_its_header(size: int) -> None:
    frame = zstandard.ZstdCompressor().compress(b"x" * 300)
    with pytest.raises(FormatError, match=f"expected the header for {size} bytes"):
        Decoder().decode(frame, size, sha256(frame).digest())


def test_a_frame_that_holds_less_than_its_header_says_is_refused() -> None:
    short = frame_header(300) + (200 << 3 | 1).to_bytes(3, "little") + bytes(200)
    with pytest.raises(FormatError, match="frame: expected"):
        Decoder().decode(short, 300, sha256(short).digest())


def test_a_library_that_gave_fewer_bytes_than_it_promised_would_not_be_believed() -> None:
    class Short:
        def decompress(self, *_: object, **__: object) -> bytes:
            return b"x"

    frame = zstandard.ZstdCompressor().compress(b"x" * 300)
    decoder = Decoder()
    decoder._decompressor = Short()  # type: ignore[assignment]
    with pytest.raises(FormatError, match="frame: expected 300 bytes, got 1"):
        decoder.decode(frame, 300, sha256(frame).digest())


def test_a_bomb_never_gets_more_room_than_was_signed() -> None:
    block = (BLOCK << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    bomb = frame_header(MIB) + block * 8000
    with below(8 * MIB), pytest.raises(FormatError, match="one whole zstd frame"):
        Decoder().decode(bomb, MIB, sha256(bomb).digest())
