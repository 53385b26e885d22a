"""Steps 7 to 9 of the reader's argument: frames, filler, entries; one pass over the medium.

Three kinds of work overlap, as in the writer: this thread reads the medium, compares filler and hands content to the sink;
two threads check and decode frames; two hash large entries.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from threading import local
from typing import Final, Protocol

from airgap.bundle import tarstream
from airgap.bundle.frames import Decoder, max_size
from airgap.bundle.medium import Medium
from airgap.core.digest import Hashes
from airgap.core.entries import Entry
from airgap.core.errors import FormatError
from airgap.core.manifest import Frames, Manifest
from airgap.core.reasons import Reason
from airgap.core.statement import Statement
from airgap.core.times import format_time
from airgap.core.verdict import Check, Finding, Result

LARGE: Final = 256 * 1024
"""Entries from this size in bytes on are hashed in another thread."""
_LOOKAHEAD: Final = 4
_PENDING: Final = 8
_PIECE: Final = 1024 * 1024
MAX_FINDINGS: Final = 200
"""Findings of one kind that are listed; the rest is counted."""
_ORDER: Final[dict[str, int]] = {check: step for step, check in enumerate(Check)}


class Sink(Protocol):
    """Where the content of entries goes while it is verified. It holds nothing but unverified bytes until the end."""

    def begin(self, entry: Entry) -> None:
        """An entry starts."""
        ...

    def write(self, views: Sequence[memoryview]) -> None:
        """More of its content, in bytes that nobody will change."""
        ...

    def end(self) -> None:
        """All of its content was written."""
        ...

    def kept(self, entry: Entry, /) -> str:
        """Path of a file that holds all of an entry's content, "" when it was not kept."""
        ...


class NullSink:
    """Keeps nothing: for who only compares a bundle with its own manifest."""

    def begin(self, entry: Entry) -> None:
        """Nothing to do."""

    def write(self, views: Sequence[memoryview]) -> None:
        """Nothing to do."""

    def end(self) -> None:
        """Nothing to do."""

    def kept(self, _: Entry) -> str:
        """Nothing was kept."""
        return ""


class Further:
    """Digests beside SHA-256 that somebody will ask for, computed in the one pass over the content.

    Args:
        wants: the names, in hashlib's words, for an entry; asked when the entry starts, after all documents were read.
    """

    def __init__(self, wants: Callable[[Entry], Set[str]] = lambda _: frozenset()) -> None:
        self.wants = wants
        self.digests: dict[str, Mapping[str, bytes]] = {}


class Faults:
    """Findings against the content, capped in number."""

    def __init__(self) -> None:
        self._listed: list[Finding] = []
        self._counts: Counter[Check] = Counter()

    def add(self, check: Check, subject: str, reason: Reason, *, expected: str, got: str) -> None:
        """Record one fault."""
        self._counts[check] += 1
        if self._counts[check] <= MAX_FINDINGS:
            self._listed.append(
                Finding(
                    check=check,
                    subject=subject,
                    kind="bundle" if check is not Check.CONTENT else "entry",
                    result=Result.FAILED,
                    reason=reason,
                    expected=expected,
                    got=got,
                )
            )

    def findings(self, counts: dict[Check, str]) -> list[Finding]:
        """All faults, and one good finding for every check that has none."""
        good = [
            Finding(check=check, subject="bundle", kind="bundle", result=Result.VERIFIED, got=what)
            for check, what in counts.items()
            if not self._counts[check]
        ]
        more = [
            Finding(check=check, subject="bundle", kind="bundle", result=Result.FAILED, got=f"{n - MAX_FINDINGS} more")
            for check, n in self._counts.items()
            if n > MAX_FINDINGS
        ]
        # a damaged frame explains the entries in it, so frames come first
        return good + sorted(self._listed, key=lambda finding: _ORDER[finding.check]) + more


class EntryHasher:
    """Hashes entries as their content passes by, large ones in other threads, and compares with what was signed."""

    def __init__(self, faults: Faults, further: Further) -> None:
        self._faults = faults
        self._further = further
        self._pools = (ThreadPoolExecutor(1), ThreadPoolExecutor(1))
        self._turn = 0
        self._hasher = Hashes()
        self._entry: Entry | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._pending: deque[Future[None]] = deque()
        self._digests: deque[tuple[Entry, Future[Mapping[str, bytes]]]] = deque()

    def begin(self, entry: Entry) -> None:
        """An entry starts."""
        self._entry = entry
        self._hasher = Hashes(self._further.wants(entry))
        self._pool = None
        if entry.size >= LARGE:
            self._turn ^= 1
            self._pool = self._pools[self._turn]

    def update(self, views: Sequence[memoryview]) -> None:
        """More of its content."""
        if self._pool is None:
            self._hasher.update(views)
            return
        self._pending.append(self._pool.submit(self._hasher.update, views))
        while len(self._pending) > _PENDING:
            self._pending.popleft().result()

    def end(self, *, is_whole: bool) -> None:
        """All of its content passed; ``is_whole`` is false where a damaged frame left a hole."""
        entry = self._entry
        assert entry is not None
        if not is_whole:
            self._fault(entry, "bytes in a damaged frame")
        elif self._pool is None:
            self._compare(entry, self._hasher.digests())
        else:
            self._digests.append((entry, self._pool.submit(self._hasher.digests)))

    def close(self) -> None:
        """Wait for all threads and compare what they hashed."""
        for pool in self._pools:
            pool.shutdown()
        for entry, digests in self._digests:
            self._compare(entry, digests.result())

    def _compare(self, entry: Entry, digests: Mapping[str, bytes]) -> None:
        if digests["sha256"] != entry.sha256:
            self._fault(entry, f"sha256 {digests['sha256'].hex()}")
        elif len(digests) > 1:
            self._further.digests[entry.path] = digests

    def _fault(self, entry: Entry, got: str) -> None:
        self._faults.add(
            Check.CONTENT, entry.path, Reason.CONTENT_MISMATCH, expected=f"sha256 {entry.sha256.hex()}", got=got
        )


def check_archive(statement: Statement, manifest: Manifest, *, head: int) -> None:
    """Prove that the frames add up to the tar stream and to the archive, so that reading never runs past either.

    Args:
        statement: gives the size of the archive and the time of all tar headers.
        manifest: the one that it names.
        head: bytes of the head.

    Raises:
        FormatError: with reason bad-totals, or malformed for a time that a tar header cannot say.
    """
    if not 0 <= int(statement.created.timestamp()) <= tarstream.MAX_MTIME:
        raise FormatError(
            f"statement: expected a time of creation between 1970 and 2242, got {format_time(statement.created)}"
        )
    frames = manifest.frames
    if max(frames.compressed, default=0) > max_size(manifest.frame_size):
        raise FormatError(
            "manifest: expected frames that are not larger than raw ones, got others", reason=Reason.BAD_TOTALS
        )
    stream = tarstream.stream_size((entry.path, entry.size) for entry in manifest.entries)
    if sum(frames.uncompressed) != stream or head + sum(frames.compressed) != statement.size:
        raise FormatError("manifest: expected frames that add up to the archive, got others", reason=Reason.BAD_TOTALS)


def read_archive(
    medium: Medium,
    manifest: Manifest,
    *,
    head: int,
    mtime: int,
    sink: Sink,
    progress: Callable[[int], None],
    further: Further | None = None,
) -> list[Finding]:
    """Read all frames once and prove that they hold what the manifest says, and nothing else.

    Args:
        medium: stands behind the head.
        manifest: passed ``check_archive``.
        head: bytes of the head.
        mtime: of all tar headers, seconds since 1970.
        sink: gets the content of the entries, unverified.
        progress: told the bytes of content done.
        further: gets digests beside SHA-256.
    """
    faults = Faults()
    frames = _FrameReader(medium, manifest.frames)
    hasher = EntryHasher(faults, further or Further())
    entries = list(manifest.entries)
    sums = tarstream.sums_size(entry.path for entry in entries)
    try:
        for segment in tarstream.segments(entries, sums, mtime):
            if isinstance(segment, bytes):
                if not frames.is_next(segment):
                    faults.add(
                        Check.FILLER,
                        medium.volume_at(head + frames.offset),
                        Reason.FILLER_MISMATCH,
                        expected="the headers and padding that the manifest implies",
                        got=f"other bytes in frame {frames.index}",
                    )
            else:
                _read_entry(segment, frames, hasher, sink)
                progress(segment.size)
    finally:
        frames.close()
        hasher.close()
    _report_damage(frames.damaged, manifest.frames, medium, head, faults)
    return faults.findings(
        {
            Check.FRAMES: f"{len(manifest.frames)} frames",
            Check.FILLER: "headers and padding",
            Check.CONTENT: f"{len(entries)} entries",
        }
    )


def _read_entry(entry: Entry, frames: "_FrameReader", hasher: EntryHasher, sink: Sink) -> None:
    hasher.begin(entry)
    sink.begin(entry)
    left = entry.size
    is_whole = True
    while left:
        size = min(left, _PIECE)
        views = frames.take(size)
        left -= size
        if views is None:
            is_whole = False
            continue
        hasher.update(views)
        sink.write(views)
    sink.end()
    hasher.end(is_whole=is_whole)


class _FrameReader:
    """The stream inside the frames, in pieces; damaged frames leave holes."""

    def __init__(self, medium: Medium, frames: Frames) -> None:
        self.damaged: list[int] = []
        self.index = -1
        self.offset = 0
        self._medium = medium
        self._frames = frames
        self._pool = ThreadPoolExecutor(2)
        self._local = local()
        self._ahead: deque[Future[list[memoryview] | None]] = deque()
        self._read = 0
        self._views: list[memoryview] | None = []
        self._view = memoryview(b"")
        self._left = 0

    def take(self, size: int) -> list[memoryview] | None:
        """The next ``size`` bytes as views, or None when any of them lies in a damaged frame."""
        if self._views is not None and len(self._view) > size:
            view = self._view[:size]
            self._view = self._view[size:]
            self._left -= size
            return [view]
        return self._take_across(size)

    def is_next(self, expected: bytes) -> bool:
        """Whether exactly these bytes come next; in a damaged frame nobody can say, and the frame is reported."""
        views = self.take(len(expected))
        if views is None:
            return True
        return views[0] == expected if len(views) == 1 else b"".join(views) == expected

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def _take_across(self, size: int) -> list[memoryview] | None:
        taken: list[memoryview] = []
        is_whole = True
        while size:
            if not self._left:
                self._next()
            if self._views is None:
                step = min(size, self._left)
                is_whole = False
            else:
                while not self._view:
                    self._view = self._views.pop(0)
                step = min(size, len(self._view))
                taken.append(self._view[:step])
                self._view = self._view[step:]
            self._left -= step
            size -= step
        return taken if is_whole else None

    def _next(self) -> None:
        """Step into the next frame, keeping some more under way."""
        while self._read < len(self._frames) and len(self._ahead) < _LOOKAHEAD:
            index = self._read
            frame = self._medium.read(self._frames.compressed[index])
            self._ahead.append(
                self._pool.submit(self._decode, frame, self._frames.uncompressed[index], self._frames.digest(index))
            )
            self._read += 1
        if self.index >= 0:
            self.offset += self._frames.compressed[self.index]
        self.index += 1
        self._views = self._ahead.popleft().result()
        self._view = memoryview(b"")
        self._left = self._frames.uncompressed[self.index]
        if self._views is None:
            self.damaged.append(self.index)

    def _decode(self, frame: bytes, size: int, digest: bytes | None) -> list[memoryview] | None:
        decoder = getattr(self._local, "decoder", None)
        if decoder is None:
            decoder = self._local.decoder = Decoder()
        try:
            return decoder.decode(frame, size, digest)
        except FormatError:
            return None


def _report_damage(damaged: Sequence[int], frames: Frames, medium: Medium, head: int, faults: Faults) -> None:
    """One finding per volume, so that people know which one to copy again."""
    if not damaged:
        return
    per_volume: Counter[str] = Counter()
    bad: Counter[str] = Counter()
    wanted = set(damaged)
    at = head
    for index, size in enumerate(frames.compressed):
        name = medium.volume_at(at)
        per_volume[name] += 1
        bad[name] += index in wanted
        at += size
    for name, count in bad.items():
        if count:
            faults.add(
                Check.FRAMES,
                name,
                Reason.FRAME_DAMAGED,
                expected="all frames as signed",
                got=f"{count} of {per_volume[name]} frames differ",
            )
