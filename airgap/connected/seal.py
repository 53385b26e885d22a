"""Seal collected sources into a bundle: room for the head, payload in one pass, manifest, statement, signatures.

Source: docs/format.md, "Writing".
"""

import filecmp
import io
import shutil
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Final

from airgap.bundle import tarstream
from airgap.bundle.claims import MAX_ENTRIES
from airgap.bundle.frames import DEFAULT_LEVEL, max_size
from airgap.bundle.head import FILE_NAME, MAX_ENVELOPE, MAX_TRUST, Head, Sizes
from airgap.bundle.output import Output
from airgap.bundle.tree import TreeWriter
from airgap.bundle.writer import Digests, PayloadWriter
from airgap.connected.collected import Carried, Collected, FileSource
from airgap.core import canonical
from airgap.core.digest import sha256
from airgap.core.entries import Artifact, Document, Loss, Role, inside
from airgap.core.envelope import STATEMENT_TYPE, Envelope, Signature
from airgap.core.errors import FormatError, StoreError, UsageError
from airgap.core.keys import SIGNATURE_SIZE, PrivateKey
from airgap.core.manifest import SUMS, Frames, Manifest
from airgap.core.names import check_distinct
from airgap.core.reasons import Reason
from airgap.core.statement import Base, Container, Statement
from airgap.core.verdict import Finding

FRAME_SIZE: Final = 1024 * 1024
SIGNATURE_ROOM: Final = 24 * 1024
"""Bytes left free in the envelope area: four more hybrid signatures (4.6 kB each in base64) fit."""
TOOL: Final = "airgap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything about a bundle that is known before the first byte is read.

    Attributes:
        artifacts, losses: what was collected.
        documents: what travels beside it and is evidence of nothing.
        updates: trust-document updates to carry, oldest first.
        level: of zstd.
        volume_size: bytes of a volume, None for one file.
        further: by path, the digests beside SHA-256 that ``judge`` will ask for.
        judge: told manifest and digests by path once everything was read; what it raises, nobody signs.
        base: what a delta stands on, None for a full bundle.
        held: path to SHA-256 of the artifacts that the destination holds, and that do not travel.
    """

    artifacts: Sequence[Collected]
    losses: Sequence[Loss]
    channel: str
    sequence: int
    previous: bytes | None
    created: datetime
    expires: datetime
    destination: str | None
    keys: Sequence[PrivateKey]
    version: str
    documents: Sequence[Carried] = ()
    updates: Sequence[Envelope] = ()
    container: Container = Container.ARCHIVE
    level: int = DEFAULT_LEVEL
    volume_size: int | None = None
    further: Mapping[str, Set[str]] = field(default_factory=dict)
    judge: Callable[[Manifest, Mapping[str, Digests]], None] = lambda _, __: None
    base: Base | None = None
    held: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was written, and what the evidence in it was found to prove."""

    paths: Sequence[str]
    statement: Statement
    manifest: Manifest
    findings: Sequence[Finding] = ()


class _Draft:
    """The manifest while its digests are still unknown, sorted as it will be written."""

    def __init__(self, plan: Plan) -> None:
        documents = _documents(plan)
        self._documents = [documents[path] for path in sorted(documents)]
        self._artifacts = sorted(plan.artifacts, key=lambda item: item.source.path)
        self._held = plan.held
        self._losses = sorted(plan.losses)
        check_distinct(inside(source.path) for source in self._named())
        self.content = sum(source.size for source in self.sources)

    @property
    def sources(self) -> list[FileSource]:
        """All sources that travel, in the order of the tar stream."""
        return [source for source in self._named() if source.path not in self._held]

    def judged(self, plan: Plan, digests: Sequence[Digests], frames: Frames) -> Manifest:
        """The manifest of what was read, when it is what was verified before, and its evidence holds.

        Raises:
            FormatError: it is not, or it does not.
        """
        for source, digest in zip(self.sources, digests, strict=True):
            _check_same(source, digest["sha256"])
        manifest = self.manifest([digest["sha256"] for digest in digests], frames)
        plan.judge(manifest, dict(zip((source.path for source in self.sources), digests, strict=True)))
        return manifest

    def manifest(self, digests: Sequence[bytes], frames: Frames) -> Manifest:
        """The manifest for these digests, in the order of ``sources``."""
        count = len(self._documents)
        known = {**self._held, **dict(zip((source.path for source in self.sources), digests, strict=True))}
        return Manifest(
            frame_size=FRAME_SIZE,
            documents=[
                Document(source.path, source.size, digest, role, media)
                for (source, role, media), digest in zip(self._documents, digests[:count], strict=True)
            ],
            artifacts=[
                _artifact(item, known[item.source.path], is_held=item.source.path in self._held) for item in self._artifacts
            ],
            losses=self._losses,
            frames=frames,
        )

    def _named(self) -> list[FileSource]:
        """All sources, those included that do not travel."""
        return [source for source, _, _ in self._documents] + [item.source for item in self._artifacts]

    def manifest_size(self, frames: int) -> int:
        """An upper bound of the manifest's bytes: digests have fixed width, frames a largest text."""
        zero = bytes(32)
        empty = self.manifest([zero] * len(self.sources), Frames())
        widest = len(f'[{max_size(FRAME_SIZE)},{FRAME_SIZE},"{zero.hex()}"],')
        return sum(map(len, empty.parts())) + frames * widest + 1


def _documents(plan: Plan) -> dict[str, tuple[FileSource, Role, str]]:
    """All documents by their path; what several artifacts share travels once.

    Raises:
        UsageError: two that differ would share a path, and one of them would be lost.
    """
    found: dict[str, tuple[FileSource, Role, str]] = {}
    carried = ((document.source, document.role, document.media) for document in plan.documents)
    for one in chain(carried, *(item.evidence for item in plan.artifacts)):
        source, known = one[0], found.setdefault(one[0].path, one)[0]
        if known.file != source.file and not filecmp.cmp(known.file, source.file, shallow=False):
            raise UsageError(
                f"request: expected one file as {source.path!a:.160}, got {known.file!a:.160} and {source.file!a:.160}",
                hint="give one of the sources a folder with into, or one of the key files another name",
            )
    return found


def _check_same(source: FileSource, sha256: bytes) -> None:
    """Prove that a download was not changed on the disk after its digests were checked."""
    if source.sha256 and source.sha256 != sha256:
        raise FormatError(
            f"{source.path}: expected {source.sha256.hex()} as it was verified, got {sha256.hex()} in {source.file}",
            reason=Reason.CONTENT_MISMATCH,
        )


def seal(plan: Plan, out: str, *, progress: Callable[[int], None]) -> Sealed:
    """Write and sign a bundle. Nothing is left behind when it fails.

    Args:
        plan: what to write.
        out: path of the archive, the first part of its volumes' names, or the directory.
        progress: told bytes done.

    Raises:
        UsageError: a source changed, the name is taken, or there is no room for the head.
        FormatError: names clash, or the evidence of an artifact speaks against it.
        StoreError: the disk failed.
    """
    if not plan.artifacts:
        raise UsageError("export: expected at least one file, got none")
    draft = _Draft(plan)
    write = _seal_directory if plan.container is Container.DIRECTORY else _seal_archive
    try:
        return write(plan, draft, out, progress)
    except OSError as exc:
        got = exc.strerror or "an error of the disk"
        raise StoreError(f"{out}: expected to read what was gathered and to write the bundle, got {got}") from exc


def _seal_archive(plan: Plan, draft: _Draft, out: str, progress: Callable[[int], None]) -> Sealed:
    stream = tarstream.stream_size((source.path, source.size) for source in draft.sources)
    sizes = _head_sizes(plan, draft.manifest_size(-(-stream // FRAME_SIZE)))
    output = Output(out, volume_size=plan.volume_size)
    try:
        output.seek_start(sizes.head)
        writer = PayloadWriter(output, frame_size=FRAME_SIZE, level=plan.level, progress=progress)
        digests = writer.write(draft.sources, mtime=int(plan.created.timestamp()), further=plan.further)
        manifest = draft.judged(plan, digests, writer.frames)
        head, statement = _sign(plan, draft, manifest, sizes, output.size)
        output.write_head(head.parts)
        paths = output.commit()
    except BaseException:
        output.abort()
        raise
    return Sealed(paths, statement, manifest)


def _seal_directory(plan: Plan, draft: _Draft, out: str, progress: Callable[[int], None]) -> Sealed:
    sizes = _head_sizes(plan, draft.manifest_size(0))
    tree = TreeWriter(out)
    try:
        paths = [source.path for source in draft.sources]
        digests = [tree.write(source, progress, plan.further.get(source.path, frozenset())) for source in draft.sources]
        manifest = draft.judged(plan, digests, Frames())
        sums = [digest["sha256"] for digest in digests]
        lines = b"".join(tarstream.sums_lines(zip(paths, sums, strict=True)))
        tree.write_bytes(SUMS, lines)
        head, statement = _sign(plan, draft, manifest, sizes, draft.content + len(lines))
        tree.write_bytes(FILE_NAME, b"".join(head.parts))
        tree.commit()
    except BaseException:
        shutil.rmtree(tree.temporary, ignore_errors=True)
        raise
    return Sealed([out], statement, manifest)


def _sign(plan: Plan, draft: _Draft, manifest: Manifest, sizes: Sizes, size: int) -> tuple[Head, Statement]:
    """The head for a finished payload."""
    area = _manifest_area(manifest, sizes.manifest)
    # whatever an index said, an import has to be able to read it
    Manifest.parse(area, max_entries=MAX_ENTRIES, size=canonical.text_size(area, what="manifest area"))
    statement = _statement(plan, sha256(area), size, draft)
    envelope = Envelope(STATEMENT_TYPE, statement.encode(), ()).with_signatures(plan.keys)
    head = Head(
        canonical.pad(_updates(plan), sizes.trust, what="trust area"),
        canonical.pad(envelope.encode(), sizes.envelope, what="envelope area"),
        area,
    )
    return head, statement


def _manifest_area(manifest: Manifest, size: int) -> bytes:
    """The padded manifest, built once in place: at 100,000 entries every copy of it is 25 MB."""
    area = io.BytesIO()
    for part in manifest.parts():
        area.write(part)
    area.write(canonical.pad(b"", size - area.tell(), what="manifest area"))
    return area.getvalue()


def _head_sizes(plan: Plan, manifest: int) -> Sizes:
    """Room for the areas: what is known exactly, the largest text of what is not, and space for more signatures."""
    widest = Statement(
        manifest=bytes(32),
        channel=plan.channel,
        sequence=plan.sequence,
        previous=plan.previous,
        created=plan.created,
        expires=plan.expires,
        destination=plan.destination,
        container=plan.container,
        size=canonical.MAX_INTEGER,
        base=plan.base,
        artifacts=canonical.MAX_INTEGER,
        content=canonical.MAX_INTEGER,
        tool=f"{TOOL} {plan.version}",
    )
    signatures = tuple(
        Signature(f"{index:064x}", bytes(SIGNATURE_SIZE[key.algorithm])) for index, key in enumerate(plan.keys)
    )
    envelope = len(Envelope(STATEMENT_TYPE, widest.encode(), signatures).encode()) + SIGNATURE_ROOM
    trust = len(_updates(plan)) + 1
    if envelope > MAX_ENVELOPE or trust > MAX_TRUST:
        raise UsageError("export: expected fewer signatures and trust updates, got more than a head has room for")
    return Sizes(trust, envelope, manifest)


def _updates(plan: Plan) -> bytes:
    return canonical.encode([envelope.value() for envelope in plan.updates])


def _statement(plan: Plan, manifest: bytes, size: int, draft: _Draft) -> Statement:
    return Statement(
        manifest=manifest,
        channel=plan.channel,
        sequence=plan.sequence,
        previous=plan.previous,
        created=plan.created,
        expires=plan.expires,
        destination=plan.destination,
        container=plan.container,
        size=size,
        base=plan.base,
        artifacts=len(plan.artifacts) - len(plan.held),
        content=draft.content,
        tool=f"{TOOL} {plan.version}",
    )


def _artifact(item: Collected, digest: bytes, *, is_held: bool) -> Artifact:
    return Artifact(
        item.source.path,
        item.source.size,
        digest,
        item.purl,
        stored=not is_held,
        evidence=tuple(sorted({source.path for source, _, _ in item.evidence})),
        custody=item.custody,
        metadata=item.metadata,
    )
