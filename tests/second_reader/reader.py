"""A second reader of bundle format 1, written from docs/format.md alone; it shares no line with the program.

It has no store, site or policy, so of the reader's argument it makes steps 1 to 9, and of steps 3 and 5 what needs no
memory. Numbers in comments are sections of docs/format.md.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import zstandard

from tests.second_reader.signing import envelope_of, pinned, updated, verify
from tests.second_reader.values import (
    MANIFEST,
    STATEMENT,
    Refused,
    canonical,
    check_distinct,
    check_path,
    fits,
    instant,
    is_odd,
    is_sorted,
    must,
    sha256,
)

BLOCK = 131072


class Entry(NamedTuple):
    path: str
    size: int
    sha256: str


# 4, 11: medium and head


class Medium:
    """Volumes or one file, read once from front to back."""

    def __init__(self, paths: list[str]) -> None:
        for path in paths:
            must(os.path.isfile(path) and not os.path.islink(path), "not-a-bundle")
        if len(paths) > 1:
            paths = sorted(paths, key=lambda path: int(path.rpartition(".")[2]))
            must([int(path[-3:]) for path in paths] == list(range(1, len(paths) + 1)), "volume-missing")
        self.size = sum(map(os.path.getsize, paths))
        self.pieces = self._read(paths)
        self.rest = b""

    @staticmethod
    def _read(paths: list[str]) -> Iterator[bytes]:
        for path in paths:
            with open(path, "rb") as file:
                while piece := file.read(1 << 20):
                    yield piece

    def take(self, size: int, reason: str = "wrong-size") -> bytes:
        while len(self.rest) < size:
            piece = next(self.pieces, b"")
            must(piece, reason)
            self.rest += piece
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken


def area(raw: bytes, depth: int = 16) -> Any:
    must(raw.endswith(b"\n"))
    return canonical(raw[:-1].rstrip(b" "), depth)


def read_head(medium: Medium) -> tuple[bytes, bytes, bytes]:
    magic, length, name, version, *sizes = struct.unpack("<II7sBIII", medium.take(28, "not-a-bundle"))
    must(magic == 0x184D2A50 and name == b"AIRGAP\x00", "not-a-bundle")
    must(version == 1, "unsupported-version")
    must(length == 20 + sum(sizes))
    must(all(size <= cap for size, cap in zip(sizes, (1 << 20, 1 << 18, 1 << 30), strict=True)), "too-large")
    must(28 + sum(sizes) <= medium.size, "wrong-size")
    trust, envelope, manifest = (medium.take(size) for size in sizes)
    return trust, envelope, manifest


# 6, 7: statement and manifest


def statement_of(payload: bytes) -> Any:
    said = canonical(payload)
    must(fits(said, STATEMENT) and len(said["subject"]) == 1)
    predicate = said["predicate"]
    must((predicate["sequence"] == 1) == (predicate["previous"] is None))
    return {**predicate, "manifest": said["subject"][0]["digest"]["sha256"]}


def manifest_of(raw: bytes, statement: Any) -> tuple[list[Entry], Any]:
    must(sha256(raw) == statement["manifest"], "manifest-mismatch")
    said = area(raw, 18)
    must(fits(said, MANIFEST))
    documents = [one["path"] for one in said["documents"]]
    must(is_sorted(documents) and is_sorted([one["path"] for one in said["artifacts"]]))
    for one in said["artifacts"]:
        must(set(one["evidence"]) <= set(documents) and len(set(one["evidence"])) == len(one["evidence"]))
        must(not is_odd([one], 17) and len(json.dumps(one["metadata"], ensure_ascii=False).encode()) <= 1 << 20)
    for frame in said["frames"]:
        must(len(frame) == 3 and type(frame[0]) is type(frame[1]) is int and not isinstance(frame[2], int))
    named = [one["path"] for one in said["documents"] + said["artifacts"]]
    for path in named:
        check_path(path)
    check_distinct(named)
    carried = [one for one in said["artifacts"] if one["stored"]]
    must(statement["base"] is not None or len(carried) == len(said["artifacts"]), "bad-totals")
    entries = [Entry(one["path"], one["size"], one["sha256"]) for one in said["documents"] + carried]
    totals = {"artifacts": len(carried), "bytes": sum(entry.size for entry in entries)}
    must(statement["totals"] == totals, "bad-totals")
    return entries, said


# 9, 10: stream and frames


def block(name: bytes, prefix: bytes, size: int, mtime: int, kind: bytes) -> bytes:
    front = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0%011o\0" % (size, mtime)
    back = kind + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + prefix.ljust(155, b"\0") + bytes(12)
    return front + b"%06o\0 " % (sum(front) + sum(back) + 8 * 32) + back


def header(path: str, size: int, mtime: int) -> bytes:
    raw, records, prefix = path.encode(), b"", b""
    cut = raw.find(b"/", max(0, len(raw) - 101)) if len(raw) > 100 else 0
    if not path.isascii() or cut < 0 or cut > 155 or cut == len(raw) - 1:
        records, name = record(b"path", raw), b"file"
    else:
        prefix, name = (raw[:cut], raw[cut + 1 :]) if cut else (b"", raw)
    if size > 8589934591:
        records, size = records + record(b"size", b"%d" % size), 0
    pax = block(b"pax", b"", len(records), mtime, b"x") + records + zeros(len(records)) if records else b""
    return pax + block(name, prefix, size, mtime, b"0")


def record(key: bytes, value: bytes) -> bytes:
    body = b" %b=%b\n" % (key, value)
    length = next(n for n in range(len(body), len(body) + 9) if len(str(n)) + len(body) == n)
    return b"%d%b" % (length, body)


def zeros(size: int) -> bytes:
    return bytes(-size % 512)


def frame_header(size: int) -> bytes:
    if size < 256:
        return b"\x28\xb5\x2f\xfd\x20" + struct.pack("<B", size)
    if size < 65792:
        return b"\x28\xb5\x2f\xfd\x60" + struct.pack("<H", size - 256)
    return b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", size)


def raw_size(size: int) -> int:
    return len(frame_header(size)) + 3 * -(-size // BLOCK) + size


def unframe(frame: bytes, size: int, digest: str | None) -> bytes:
    start = frame_header(size)
    must(frame.startswith(start), "frame-damaged")
    if digest is None:
        must(len(frame) == raw_size(size), "frame-damaged")
        at, piece = len(start), b""
        while len(piece) < size:
            length = min(BLOCK, size - len(piece))
            last = len(piece) + length == size
            must(frame[at : at + 3] == (length * 8 + last).to_bytes(3, "little"), "frame-damaged")
            piece, at = piece + frame[at + 3 : at + 3 + length], at + 3 + length
        return piece
    must(sha256(frame) == digest, "frame-damaged")
    try:
        piece = zstandard.ZstdDecompressor().decompress(frame, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as exc:
        raise Refused("frame-damaged") from exc
    must(len(piece) == size, "frame-damaged")
    return piece


def sums(entries: list[Entry]) -> bytes:
    return "".join(f"{entry.sha256}  {entry.path}\n" for entry in entries).encode()


def read_archive(medium: Medium, head: int, entries: list[Entry], manifest: Any, statement: Any) -> None:
    must(medium.size == statement["archiveSize"], "wrong-size")
    mtime = int(instant(statement["created"]).timestamp())
    must(0 <= mtime < 8**11)
    frames, full, lines = manifest["frames"], manifest["frameSize"], sums(entries)
    for at, (compressed, uncompressed, _) in enumerate(frames):
        must(compressed <= raw_size(full), "bad-totals")
        must(uncompressed == full or (at + 1 == len(frames) and 0 < uncompressed < full))
    every = [*entries, Entry("SHA256SUMS", len(lines), sha256(lines))]
    stream = sum(len(header(e.path, e.size, mtime)) + e.size + len(zeros(e.size)) for e in every) + 1024
    must(sum(f[1] for f in frames) == stream and head + sum(f[0] for f in frames) == medium.size, "bad-totals")
    pieces = (unframe(medium.take(f[0]), f[1], f[2]) for f in frames)
    rest = b""

    def take(size: int) -> bytes:
        nonlocal rest
        while len(rest) < size:
            rest += next(pieces)
        taken, rest = rest[:size], rest[size:]
        return taken

    for entry in every:
        expected = header(entry.path, entry.size, mtime)
        must(take(len(expected)) == expected, "filler-mismatch")
        hasher = hashlib.sha256()
        for start in range(0, entry.size, full):
            hasher.update(take(min(full, entry.size - start)))
        reason = "content-mismatch" if entry.path != "SHA256SUMS" else "filler-mismatch"
        must(hasher.hexdigest() == entry.sha256, reason)
        must(not any(take(-entry.size % 512)), "filler-mismatch")
    must(take(1024) == bytes(1024), "filler-mismatch")


def read_directory(folder: str, entries: list[Entry], manifest: Any, statement: Any) -> None:
    lines = sums(entries)
    must(statement["archiveSize"] == sum(entry.size for entry in entries) + len(lines), "wrong-size")
    must(not manifest["frames"], "bad-totals")
    declared = {entry.path for entry in entries} | {"bundle.head", "SHA256SUMS"}
    parents = {path[:at] for path in declared for at, c in enumerate(path) if c == "/"}
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            full = os.path.join(where, name)
            path = os.path.relpath(full, folder)
            must(not os.path.islink(full), "undeclared-file")
            must(path in parents if os.path.isdir(full) else os.path.isfile(full) and path in declared, "undeclared-file")
    for entry in entries:
        full = os.path.join(folder, entry.path)
        must(os.path.isfile(full), "unreadable")
        must(os.path.getsize(full) == entry.size, "wrong-size")
        with open(full, "rb") as file:
            must(hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256, "content-mismatch")
    with open(os.path.join(folder, "SHA256SUMS"), "rb") as file:
        must(file.read() == lines, "filler-mismatch")


# 13: the argument


def read(paths: list[str], trust: bytes, now: datetime) -> list[Entry]:
    """The entries of a bundle, all of which hold what was signed.

    Raises:
        Refused: with a reason code.
    """
    is_folder = os.path.isdir(paths[0])
    medium = Medium([os.path.join(paths[0], "bundle.head")] if is_folder else paths)
    trust_area, envelope_area, manifest_area = read_head(medium)
    head = 28 + len(trust_area) + len(envelope_area) + len(manifest_area)
    must(not is_folder or medium.size == head, "wrong-size")
    believed = updated(pinned(trust), area(trust_area))
    must(now < believed.expires, "trust-expired")
    envelope = area(envelope_area)
    must(not envelope_of(envelope)[2].keys() & believed.revoked, "revoked-key")
    payload, ids = verify(envelope, "application/vnd.in-toto+json", believed.keys)
    statement = statement_of(payload)
    channel = believed.channels.get(statement["channel"])
    must(channel, "wrong-channel")
    believed.check(ids, channel, now)
    allowed = channel["destinations"]
    must(statement["destination"] is None or not allowed or statement["destination"] in allowed, "wrong-destination")
    must(now < instant(statement["expires"]), "expired")
    entries, manifest = manifest_of(manifest_area, statement)
    must(statement["container"] == ("directory" if is_folder else "archive"))
    if is_folder:
        read_directory(paths[0], entries, manifest, statement)
    else:
        read_archive(medium, head, entries, manifest, statement)
    return entries
