"""Forges a valid small bundle in memory, layer by layer, and lets a test change exactly one of them.

Nothing here calls the writer under test. Every ``on_...`` parameter changes one layer before the next is made from it: a
changed manifest is hashed into the statement and signed, a changed envelope is what the head holds, and so on.
"""

import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import zstandard

from airgap.core.keys import PrivateKey
from tests.forge.edit import Edit, same
from tests.forge.keys import ALICE
from tests.forge.text import CREATED, EXPIRES, STATEMENT, area, encode, envelope, stamp

FILES: Mapping[str, bytes] = {"artifacts/files/a.txt": b"alpha\n" * 20, "artifacts/files/dir/b.bin": bytes(range(256)) * 3}
PROOF: Mapping[str, bytes] = {"documents/files/a.txt.sig": b"a signature of the producer\n"}
ROOM = 6000
FRAME_SIZE = 65536
BLOCK = 128 * 1024
PREFIX = 28

Frame = tuple[bytes, int, str | None]
"""Bytes, size of the content, SHA-256 in hex or None for raw blocks."""


@dataclass(frozen=True, repr=False)
class Bundle:
    """A forged bundle and what it was made of."""

    raw: bytes
    head: bytes
    areas: tuple[bytes, bytes, bytes]
    manifest: Mapping[str, Any]
    statement: Mapping[str, Any]
    entries: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest area in hex: what the next bundle gives as ``previous``."""
        return sha256(self.areas[2]).hexdigest()

    def write(self, path: str | os.PathLike[str]) -> str:
        """Put the archive into a file; returns its path."""
        with open(path, "wb") as file:
            file.write(self.raw)
        return os.fspath(path)

    def write_directory(self, path: str | os.PathLike[str]) -> str:
        """Lay the bundle out as a directory; returns its path."""
        contents = {**self.entries, "SHA256SUMS": sums(self.entries), "bundle.head": self.head}
        for name, content in contents.items():
            full = os.path.join(path, name)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as file:
                file.write(content)
        return os.fspath(path)


def bundle(
    files: Mapping[str, bytes] = FILES,
    *,
    documents: Mapping[str, bytes] = PROOF,
    keys: Sequence[PrivateKey] = (ALICE,),
    predicate: Mapping[str, Any] | None = None,
    updates: Sequence[Mapping[str, Any]] = (),
    frame_size: int = FRAME_SIZE,
    room: int = ROOM,
    on_tar: Edit[bytes] = same,
    on_frames: Edit[list[Frame]] = same,
    on_manifest: Edit[Any] = same,
    on_manifest_text: Edit[bytes] = same,
    on_statement: Edit[Any] = same,
    on_statement_text: Edit[bytes] = same,
    on_envelope: Edit[Any] = same,
    on_envelope_text: Edit[bytes] = same,
    on_areas: Edit[tuple[bytes, bytes, bytes]] = same,
    on_head: Edit[bytes] = same,
    on_payload: Edit[bytes] = same,
) -> Bundle:
    """A bundle of some files; without any change it is valid.

    Args:
        files: path in the bundle to content.
        documents: the same; one that is named like a file and a suffix is that file's evidence.
        keys: that sign.
        predicate: members of the statement's predicate that differ.
        updates: trust envelopes to carry.
        frame_size: bytes.
        room: blank bytes that the envelope and the manifest area leave.
        on_tar, on_frames, ...: the change of one layer.
    """
    said = dict(predicate or {})
    is_archive = said.get("container") != "directory"
    entries = {**dict(sorted(documents.items())), **dict(sorted(files.items()))}
    tar = on_tar(tar_stream(entries))
    frames = on_frames(cut(tar, frame_size) if is_archive else [])
    manifest = on_manifest(manifest_of(files, documents, frames, frame_size))
    manifest_area = area(on_manifest_text(encode(manifest)), room)
    trust_area = area(encode(list(updates)))
    payload_size = sum(len(raw) for raw, _, _ in frames)
    content = sum(map(len, entries.values()))
    # the envelope area has a fixed size in an archive, so the size of the whole is known before it is signed
    envelope_size = _envelope_size(keys, room) if is_archive else 0
    size = PREFIX + len(trust_area) + envelope_size + len(manifest_area) + payload_size
    statement = on_statement(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "manifest.json", "digest": {"sha256": sha256(manifest_area).hexdigest()}}],
            "predicateType": "urn:airgap:bundle:1",
            "predicate": {
                "channel": "main",
                "sequence": 1,
                "previous": None,
                "created": stamp(CREATED),
                "expires": stamp(EXPIRES),
                "destination": None,
                "container": "archive",
                "archiveSize": size if is_archive else content + len(sums(entries)),
                "base": None,
                "totals": {"artifacts": len(files), "bytes": content},
                "tool": "forge 1",
                **said,
            },
        }
    )
    sealed = on_envelope(envelope(STATEMENT, on_statement_text(encode(statement)), keys))
    text = on_envelope_text(encode(sealed))
    envelope_area = area(text, max(0, envelope_size - len(text) - 1))
    areas = on_areas((trust_area, envelope_area, manifest_area))
    head = on_head(prefix(areas) + b"".join(areas))
    raw = head + on_payload(b"".join(raw for raw, _, _ in frames))
    return Bundle(raw, head, areas, manifest, statement, entries)


def prefix(areas: Sequence[bytes]) -> bytes:
    """The first bytes of a head."""
    trust, sealed, manifest = map(len, areas)
    return struct.pack("<II7sBIII", 0x184D2A50, 20 + trust + sealed + manifest, b"AIRGAP\0", 1, trust, sealed, manifest)


def manifest_of(
    files: Mapping[str, bytes], documents: Mapping[str, bytes], frames: Sequence[Frame], frame_size: int = FRAME_SIZE
) -> dict[str, Any]:
    """The manifest as a JSON value."""
    return {
        "format": 1,
        "frameSize": frame_size,
        "artifacts": [_artifact(path, files[path], documents) for path in sorted(files)],
        "documents": [
            {**_entry(path, documents[path]), "role": "signature", "mediaType": "application/octet-stream"}
            for path in sorted(documents)
        ],
        "losses": [],
        "frames": [[len(raw), size, digest] for raw, size, digest in frames],
    }


def _artifact(path: str, content: bytes, documents: Mapping[str, bytes]) -> dict[str, Any]:
    inside = path.removeprefix("artifacts/files/")
    return {
        **_entry(path, content),
        "purl": f"pkg:generic/{inside}",
        "stored": True,
        "evidence": sorted(name for name in documents if name.startswith(f"documents/files/{inside}.")),
        "custody": [],
        "metadata": {},
    }


def _entry(path: str, content: bytes) -> dict[str, Any]:
    return {"path": path, "size": len(content), "sha256": sha256(content).hexdigest()}


def sums(entries: Mapping[str, bytes]) -> bytes:
    """The file SHA256SUMS."""
    return "".join(f"{sha256(content).hexdigest()}  {path}\n" for path, content in entries.items()).encode()


def tar_stream(entries: Mapping[str, bytes]) -> bytes:
    """The tar stream of these entries, SHA256SUMS last."""
    whole = {**entries, "SHA256SUMS": sums(entries)}
    return b"".join(tar_header(path, len(c)) + c + bytes(-len(c) % 512) for path, c in whole.items()) + bytes(1024)


def tar_header(path: str, size: int, *, kind: bytes = b"0", mode: int = 0o644, link: bytes = b"") -> bytes:
    """A ustar header of a path of at most 100 bytes."""
    mtime = int(CREATED.timestamp())
    fields = struct.pack(
        "100s8s8s8s12s12s8sc100s8s32s32s8s8s167s",
        path.encode(),
        b"%07o" % mode,
        b"0000000",
        b"0000000",
        b"%011o" % size,
        b"%011o" % mtime,
        b" " * 8,
        kind,
        link,
        b"ustar\x0000",
        b"",
        b"",
        b"0000000",
        b"0000000",
        b"",
    )
    return fields[:148] + b"%06o\0 " % sum(fields) + fields[156:]


def cut(stream: bytes, frame_size: int = FRAME_SIZE) -> list[Frame]:
    """The frames of a stream: compressed where that pays."""
    return [frame(stream[at : at + frame_size]) for at in range(0, len(stream), frame_size)]


def frame(piece: bytes, *, raw: bool | None = None) -> Frame:
    """One frame; ``raw`` chooses the kind, None the smaller one."""
    packed = zstandard.ZstdCompressor(level=3, write_checksum=False).compress(piece)
    if raw is False or (raw is None and len(packed) < len(piece) * 0.9):
        return packed, len(piece), sha256(packed).hexdigest()
    return raw_frame(piece), len(piece), None


def raw_frame(piece: bytes) -> bytes:
    """A zstd frame of raw blocks."""
    size = len(piece)
    if size < 256:
        parts = [struct.pack("<IBB", 0xFD2FB528, 0x20, size)]
    elif size < 65792:
        parts = [struct.pack("<IBH", 0xFD2FB528, 0x60, size - 256)]
    else:
        parts = [struct.pack("<IBI", 0xFD2FB528, 0xA0, size)]
    for at in range(0, size, BLOCK):
        block = piece[at : at + BLOCK]
        parts.append((len(block) << 3 | (at + BLOCK >= size)).to_bytes(3, "little") + block)
    return b"".join(parts)


def _envelope_size(keys: Sequence[PrivateKey], room: int) -> int:
    """Bytes of an envelope area that surely hold the statement and these signatures, and ``room`` more."""
    longest = max((len(k.sign(b"")) for k in keys), default=0)
    return 2600 + len(keys) * (longest * 4 // 3 + 120) + room
