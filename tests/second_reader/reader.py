"""A second reader of bundle format 1, written from docs/format.md alone; it shares no line with the program.

It has no store, site or policy, so of the reader's argument it makes steps 1 to 9 and, of step 5, what needs no memory.
Numbers in comments are sections of docs/format.md.
"""

import base64
import hashlib
import json
import os
import re
import struct
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa

P = 2**255 - 19
BLOCK = 131072
INVISIBLE = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0}
INVISIBLE |= set(range(0xFE00, 0xFE10)) | set(range(0xE0100, 0xE01F0))
TOKEN = r"(?!.*\.\.)[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?"
PART = r"([A-Za-z0-9._~:-]|%[0-9A-F]{2})+"
PAIR = r"[a-z][a-z0-9._-]*=([A-Za-z0-9._~:/-]|%[0-9A-F]{2})+"
PURL = rf"pkg:[a-z][a-z0-9.-]*(/{PART})+(@{PART})?(\?{PAIR}(&{PAIR})*)?(#{PART}(/{PART})*)?"
DEVICE = r"(?i:con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\..*)?"
SHORT = r"(?=[^.]{1,8}(\.|$))[^.]{1,6}~[0-9]{1,6}(\.[^.]{0,3})?"


class Refused(Exception):  # noqa: N818 -- the format's own word
    """Why a bundle is refused: a reason code of section 13."""


class Entry(NamedTuple):
    path: str
    size: int
    sha256: str


def must(holds: object, reason: str = "malformed") -> None:
    if not holds:
        raise Refused(reason)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# 2, 3: values


def canonical(raw: bytes, depth: int = 16) -> Any:
    try:
        value = json.loads(raw.decode())
        again = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as exc:
        raise Refused("malformed") from exc
    must(again == raw and not is_odd(value, depth))
    return value


def is_odd(value: Any, depth: int) -> bool:
    """Whether it holds other numbers than small integers or other names than ASCII, or nests too deep."""
    if isinstance(value, dict):
        return not all(map(str.isascii, value)) or is_odd(list(value.values()), depth)
    if isinstance(value, list):
        return depth == 0 or any(is_odd(inner, depth - 1) for inner in value)
    return isinstance(value, float) or (isinstance(value, int) and abs(value) >= 2**53)


def members(value: Any, **kinds: Any) -> Any:
    """The value, if it is an object with exactly these members; text means a pattern, anything else a type."""
    must(isinstance(value, dict) and value.keys() == kinds.keys())
    for name, kind in kinds.items():
        if isinstance(kind, str):
            must(isinstance(value[name], str) and re.fullmatch(kind, value[name], re.DOTALL))
        else:
            must(isinstance(value[name], kind) and (kind is bool or not isinstance(value[name], bool)))
    return value


HEX = r"[0-9a-f]{64}"
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def unbase64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text)
    except ValueError as exc:
        raise Refused("malformed") from exc
    must(base64.b64encode(raw).decode() == text)
    return raw


def check_purl(text: str) -> None:
    must(len(text) <= 2048 and re.fullmatch(PURL, text))
    for run in re.findall(r"(?:%[0-9A-F]{2})+", text):
        must(quote(unquote(run), safe=":") == run)
    must(not re.search(r"[/#]\.{1,2}([/@?#]|$)", text))
    pairs = text.partition("?")[2].partition("#")[0]
    keys = [pair.partition("=")[0] for pair in pairs.split("&")]
    must(keys == sorted(set(keys)) and "%2F" not in pairs)


# 5, 12: signatures and trust


class Signer(NamedTuple):
    ids: frozenset[str]
    start: datetime
    end: datetime


class Trust:
    """A trust document, section 12."""

    def __init__(self, payload: bytes) -> None:
        said = members(canonical(payload), version=int, issued=INSTANT, expires=INSTANT, signers=dict, roles=dict,
                       channels=dict, anchors=list, revoked=dict)  # fmt: skip
        self.version, self.issued, self.expires = said["version"], instant(said["issued"]), instant(said["expires"])
        self.keys: dict[str, Any] = {}
        self.signers: dict[str, Signer] = {}
        for name, one in said["signers"].items():
            members(one, **{"from": INSTANT, "until": INSTANT, "keys": list})
            spkis = [unbase64(key) for key in one["keys"]]
            must(re.fullmatch(TOKEN, name) and 1 <= len(spkis) <= 4 and not self.keys.keys() & set(map(sha256, spkis)))
            self.keys |= {sha256(spki): public_key(spki) for spki in spkis}
            self.signers[name] = Signer(frozenset(map(sha256, spkis)), instant(one["from"]), instant(one["until"]))
        self.role = members(said["roles"], trust=dict)["trust"]
        self.channels = said["channels"]
        for role in (self.role, *self.channels.values()):
            must(role["signers"] == sorted(set(role["signers"]) & self.signers.keys()))
            must(1 <= role["threshold"] <= len(role["signers"]))
        self.revoked = {one["what"] for one in said["revoked"]["keys"]}

    def check(self, ids: set[str], role: Any, at: datetime | None) -> None:
        """Section 5, "Signers"."""
        must(not ids & self.revoked, "revoked-key")
        signed = {name for name, signer in self.signers.items() if signer.ids & ids}
        for signer in (self.signers[name] for name in signed):
            must(signer.ids <= ids, "incomplete-signer")
            must(at is None or signer.start <= at < signer.end, "signer-not-valid")
        must(len(signed & set(role["signers"])) >= role["threshold"], "threshold")


def public_key(spki: bytes) -> Any:
    key = serialization.load_der_public_key(spki)
    must(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo) == spki)
    if isinstance(key, ed25519.Ed25519PublicKey):
        y = int.from_bytes(key.public_bytes_raw(), "little") % 2**255
        order8 = (-121665 * pow(121666, -1, P) * y**4 + 2 * y * y - 1) % P == 0
        must(y < P and y not in (0, 1, P - 1) and not order8, "weak-key")
    is_nist = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in ("secp256r1", "secp384r1")
    must(is_nist or isinstance(key, ed25519.Ed25519PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey))
    return key


def envelope_of(value: Any) -> tuple[str, bytes, dict[str, bytes]]:
    members(value, payload=".+", payloadType=".{1,200}", signatures=list)
    pairs = [members(s, keyid=HEX, sig=".{4,8192}") for s in value["signatures"]]
    ids = [s["keyid"] for s in pairs]
    must(ids == sorted(set(ids)) and len(ids) <= 16)
    return value["payloadType"], unbase64(value["payload"]), {s["keyid"]: unbase64(s["sig"]) for s in pairs}


def verify(value: Any, kind: str, keys: dict[str, Any]) -> tuple[bytes, set[str]]:
    """The payload, and the ids of the keys that signed it; every signature has to hold."""
    said, payload, signatures = envelope_of(value)
    must(said == kind)
    must(signatures, "unsigned")
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    for key_id, signature in signatures.items():
        must(key_id in keys, "unknown-signer")
        key = keys[key_id]
        try:
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, message, ec.ECDSA(hashes.SHA256() if key.key_size == 256 else hashes.SHA384()))
            else:
                key.verify(signature, message)
        except InvalidSignature as exc:
            raise Refused("bad-signature") from exc
    return payload, set(signatures)


TRUST_TYPE = "application/vnd.airgap.trust+json"


def pinned(raw: bytes) -> Trust:
    value = canonical(raw.removesuffix(b"\n"))
    trust = Trust(envelope_of(value)[1])
    _, ids = verify(value, TRUST_TYPE, trust.keys)
    trust.check(ids, trust.role, None)
    return trust


def updated(trust: Trust, updates: list[Any]) -> Trust:
    start = trust.version
    for value in updates:
        new = Trust(envelope_of(value)[1])
        if trust.version == start and new.version <= start:
            continue
        must(new.version == trust.version + 1 and new.issued >= trust.issued, "trust-update")
        _, ids = verify(value, TRUST_TYPE, {**trust.keys, **new.keys})
        trust.check(ids & trust.keys.keys(), trust.role, None)
        new.check(ids & new.keys.keys(), new.role, None)
        trust = new
    return trust


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


# 6, 7, 8: statement and manifest


def statement_of(payload: bytes) -> Any:
    said = members(canonical(payload), _type="https://in-toto.io/Statement/v1", subject=list,
                   predicateType="urn:airgap:bundle:1", predicate=dict)  # fmt: skip
    must(len(said["subject"]) == 1)
    digest = members(members(said["subject"][0], name="manifest.json", digest=dict)["digest"], sha256=HEX)
    null = type(None)
    predicate = members(said["predicate"], channel=TOKEN, sequence=int, previous=str | null, created=INSTANT,
                        expires=INSTANT, destination=str | null, container="archive|directory", archiveSize=int,
                        base=dict | null, totals=dict, tool=".{1,100}")  # fmt: skip
    must(predicate["sequence"] > 0 and (predicate["sequence"] == 1) == (predicate["previous"] is None))
    return {**predicate, "manifest": digest["sha256"]}


def check_path(path: str) -> None:
    for c in path:
        hidden = unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or ord(c) in INVISIBLE
        must(c not in "\\:" and not hidden, "bad-name")
    parts = path.split("/")
    must(unicodedata.normalize("NFC", path) == path and len(path.encode()) <= 1024 and len(parts) <= 32, "bad-name")
    for part in parts:
        must(part not in ("", ".", "..") and len(part.encode()) <= 255, "bad-name")
        must(part[-1] not in ". " and part[0] not in "~ ", "bad-name")
        must(not re.fullmatch(DEVICE, part) and not re.fullmatch(SHORT, part), "bad-name")


def check_distinct(paths: list[str]) -> None:
    files: set[str] = set()
    folders: dict[str, str] = {}
    for path in paths:
        parts = path.split("/")[1:]
        for count in range(1, len(parts)):
            folder = "/".join(parts[:count])
            must(folders.setdefault(fold(folder), folder) == folder, "name-clash")
        key = fold("/".join(parts))
        must(key not in files, "name-clash")
        files.add(key)
    must(not files & folders.keys(), "name-clash")


def fold(path: str) -> str:
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def manifest_of(raw: bytes, statement: Any) -> tuple[list[Entry], Any]:
    must(sha256(raw) == statement["manifest"], "manifest-mismatch")
    said = members(area(raw, 18), artifacts=list, documents=list, format=int, frameSize=int, frames=list, losses=list)
    must(said["format"] == 1 and 65536 <= said["frameSize"] <= 8388608)
    for one in said["artifacts"]:
        members(one, custody=list, evidence=list, metadata=dict, path="artifacts/[a-z0-9]+/.+", purl=".+", sha256=HEX,
                size=int, stored=bool)  # fmt: skip
        check_purl(one["purl"])
        must(set(one["evidence"]) <= {d.get("path") for d in said["documents"]})
        must(len(set(one["evidence"])) == len(one["evidence"]))
    for one in said["documents"]:
        members(one, mediaType=r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,100}", path="documents/.+", sha256=HEX,
                size=int, role="signature|attestation|key|anchor-data|index|sbom|scan")  # fmt: skip
    for one in said["losses"]:
        members(
            one, detail=".{0,2000}", purl=".{1,2048}", what="unsigned-upstream|withheld-by-mirror|not-selected|unresolved"
        )
    for group in (said["documents"], said["artifacts"]):
        paths = [one["path"] for one in group]
        must(paths == sorted(set(paths)) and all(one["size"] >= 0 for one in group))
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
    for at, (compressed, uncompressed, digest) in enumerate(frames):
        must(compressed <= raw_size(full), "bad-totals")
        must(digest is None or re.fullmatch(HEX, digest))
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
