"""Threats 1c: the compression layer. Every frame here is signed, so only the checks behind the signature are left."""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

import gzip
import lzma
import struct
from hashlib import sha256

import pytest
import zstandard

from airgap.core.reasons import Reason
from tests.attacks.conftest import Refuse
from tests.forge.build import Frame, bundle, frame, raw_frame
from tests.forge.caps import MIB, below
from tests.forge.edit import Edit

MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00evil"


def signed(raw: bytes, size: int) -> Frame:
    return raw, size, sha256(raw).hexdigest()


def first(edit: Edit[bytes], *, raw: bool = False) -> Edit[list[Frame]]:
    """The first frame with other bytes, its size and digest signed as they are."""

    def change(frames: list[Frame]) -> list[Frame]:
        packed, size, digest = frames[0]
        if raw:
            return [(edit(raw_frame(unpacked(packed))), size, None), *frames[1:]]
        assert digest is not None
        return [signed(edit(packed), size), *frames[1:]]

    return change


def unpacked(packed: bytes) -> bytes:
    content: bytes = zstandard.ZstdDecompressor().decompress(packed)
    return content


def is_damaged(refuse: Refuse, edit: Edit[bytes], *, raw: bool = False) -> None:
    """The frame alone is accused, and nothing it decodes to is taken."""
    found = refuse(bundle(on_frames=first(edit, raw=raw)))
    assert (found.reason, found.check) == (Reason.FRAME_DAMAGED, "frames")
    assert (found.subject, found.got) == ("x.airgap", "1 of 1 frames differ")


@pytest.mark.parametrize("cut", [1, 3, 20, 100])
def test_T070_a_truncated_frame_is_refused(refuse: Refuse, cut: int) -> None:
    is_damaged(refuse, lambda raw: raw[:-cut])
    is_damaged(refuse, lambda raw: raw[:cut])


@pytest.mark.parametrize("more", [b"\0", b"x" * 10, MAGIC])
def test_T071_bytes_behind_a_frame_are_refused(refuse: Refuse, more: bytes) -> None:
    is_damaged(refuse, lambda raw: raw + more)


@pytest.mark.parametrize("more", [frame(b"x", raw=False)[0], frame(b"", raw=False)[0], SKIPPABLE])
def test_T072_a_second_frame_in_one_is_refused(refuse: Refuse, more: bytes) -> None:
    is_damaged(refuse, lambda raw: raw + more)
    is_damaged(refuse, lambda raw: more + raw)


def test_T072_two_frames_that_share_the_content_are_refused(refuse: Refuse) -> None:
    def split(raw: bytes) -> bytes:
        content = unpacked(raw)
        return frame(content[:512], raw=False)[0] + frame(content[512:], raw=False)[0]

    is_damaged(refuse, split)


def with_size(raw: bytes, size: bytes, flag: int) -> bytes:
    """A frame of fewer than 64 KiB with another content size in its header."""
    assert raw[4] == 0x60
    return MAGIC + bytes([flag]) + size + raw[7:]


@pytest.mark.parametrize(
    ("size", "flag"),
    [
        (b"", 0x00),  # none: a window byte is expected and the first block is read as one
        (b"\x58", 0x00),  # none, window of 8 MiB
        (struct.pack("<H", 0), 0x60),
        (b"\x00", 0x20),
        (struct.pack("<H", 100), 0x60),
        (struct.pack("<I", 2**31), 0xA0),
        (struct.pack("<Q", 2**40), 0xE0),
        (struct.pack("<Q", 2**64 - 1), 0xE0),
    ],
)
def test_T073_a_content_size_that_is_not_the_signed_one_is_refused(refuse: Refuse, size: bytes, flag: int) -> None:
    with below(16 * MIB):
        is_damaged(refuse, lambda raw: with_size(raw, size, flag))


def test_T073_the_signed_content_size_in_another_width_is_refused(refuse: Refuse) -> None:
    is_damaged(refuse, lambda raw: with_size(raw, struct.pack("<I", len(unpacked(raw))), 0xA0))


@pytest.mark.parametrize(
    "parameters",
    [
        {"write_checksum": True},
        {"dict_data": zstandard.ZstdCompressionDict(bytes(range(256)) * 16)},
        {"write_content_size": False},
    ],
)
def test_T074_a_frame_with_other_features_is_refused(refuse: Refuse, parameters: dict[str, object]) -> None:
    compressor = zstandard.ZstdCompressor(**parameters)  # type: ignore[arg-type]
    is_damaged(refuse, lambda raw: compressor.compress(unpacked(raw)))


@pytest.mark.parametrize("flag", [0x68, 0x70, 0x64, 0x61, 0x63, 0x40])
def test_T074_reserved_unused_checksum_dictionary_and_window_bits_are_refused(refuse: Refuse, flag: int) -> None:
    is_damaged(refuse, lambda raw: raw[:4] + bytes([flag]) + raw[5:])


@pytest.mark.parametrize("blocks", [1, 1000])
def test_T075_a_bomb_of_run_length_blocks_is_refused_without_room_for_it(refuse: Refuse, blocks: int) -> None:
    def bomb(raw: bytes) -> bytes:
        block = (128 * 1024 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
        last = (128 * 1024 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0"
        return raw[:7] + block * blocks + last

    with below(16 * MIB):
        is_damaged(refuse, bomb)


@pytest.mark.parametrize("size", [8 * MIB + 1, 2**30, 999_999_999])
def test_T075_a_frame_size_beyond_the_format_is_refused(refuse: Refuse, size: int) -> None:
    found = refuse(bundle(frame_size=size))

    assert found.reason is Reason.MALFORMED


def test_T076_the_library_is_one_that_refuses_the_known_corrupt_frames() -> None:
    assert zstandard.ZSTD_VERSION >= (1, 5, 7)


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_T076_a_block_of_another_type_is_refused(refuse: Refuse, kind: int) -> None:
    def corrupt(raw: bytes) -> bytes:
        content = unpacked(raw)
        return raw[:7] + (len(content) << 3 | kind << 1 | 1).to_bytes(3, "little") + content

    is_damaged(refuse, corrupt)


@pytest.mark.parametrize("at", [10, 12, 20, 40, -1])
def test_T076_a_corrupt_block_is_refused(refuse: Refuse, at: int) -> None:
    """What still decodes is other content: then an entry or the filler is accused."""
    found = refuse(bundle(on_frames=first(lambda raw: raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at:][1:])))

    assert found.reason in {Reason.FRAME_DAMAGED, Reason.FILLER_MISMATCH, Reason.CONTENT_MISMATCH}


@pytest.mark.parametrize("magic", [b"\x27\xb5\x2f\xfd", b"\x1e\xb5\x2f\xfd", b"\x50\x2a\x4d\x18", b"\0\0\0\0"])
def test_T077_another_magic_is_refused(refuse: Refuse, magic: bytes) -> None:
    is_damaged(refuse, lambda raw: magic + raw[4:])


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_T077_another_codec_is_refused(refuse: Refuse, pack: Edit[bytes]) -> None:
    is_damaged(refuse, lambda raw: pack(unpacked(raw)))


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, lambda raw: zstandard.ZstdCompressor().compress(raw)])
def test_T070_to_T077_a_compressed_file_is_no_bundle(refuse: Refuse, pack: Edit[bytes]) -> None:
    found = refuse(pack(b"content " * 1000))

    assert found.reason is Reason.NOT_A_BUNDLE


@pytest.mark.parametrize(
    "edit",
    [
        lambda raw: raw[:-1],
        lambda raw: raw + b"\0",
        lambda raw: raw[:4] + b"\x70" + raw[5:],
        lambda raw: raw[:7] + bytes([raw[7] ^ 1]) + raw[8:],  # not the last block
        lambda raw: raw[:7] + bytes([raw[7] ^ 2]) + raw[8:],  # run-length
        lambda raw: raw[:7] + bytes([raw[7] ^ 4]) + raw[8:],  # compressed
        lambda raw: raw[:7] + bytes([raw[7] ^ 8]) + raw[8:],  # another length
        lambda raw: b"\x27" + raw[1:],
    ],
)
def test_T070_to_T077_a_frame_of_raw_blocks_in_another_layout_is_refused(refuse: Refuse, edit: Edit[bytes]) -> None:
    is_damaged(refuse, edit, raw=True)


def test_a_frame_of_raw_blocks_whose_content_was_changed_accuses_the_entry(refuse: Refuse) -> None:
    found = refuse(bundle(on_frames=first(lambda raw: raw.replace(b"alpha", b"alphA", 1), raw=True)))

    assert (found.reason, found.subject) == (Reason.CONTENT_MISMATCH, "artifacts/files/a.txt")
