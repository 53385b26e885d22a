"""The one-pass writer: sources in, frames out, digests kept. Every source is read once.

Three kinds of work overlap: this thread reads the sources and writes the frames, one or two threads hash large entries, two
encode frames. All of them spend their time outside the interpreter lock, and frames leave in order, so the bytes do not
depend on the number of threads.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from threading import local
from typing import Final, Protocol

from airgap.bundle import tarstream
from airgap.bundle.frames import Encoder
from airgap.core.digest import Hashes
from airgap.core.manifest import SUMS, Frames

_LARGE: Final = 256 * 1024
"""Bytes from which on an entry is hashed in another thread; handing over a smaller one costs more than hashing it."""
_PIECES: Final = 8
Digests = Mapping[str, bytes]
Further = Mapping[str, Set[str]]
Encoded = tuple[Sequence[bytes | memoryview], int, bytes | None]


class Source(Protocol):
    """Something to pack."""

    @property
    def path(self) -> str:
        """Its path in the bundle."""
        ...

    @property
    def size(self) -> int:
        """Bytes; known before anything is read."""
        ...

    def fill(self, view: memoryview) -> None:
        """Read the whole content into a buffer of exactly its size.

        Raises:
            UsageError: it is not as large as it was.
        """
        ...

    def read(self, into: Callable[[], memoryview], done: Callable[[memoryview], None]) -> None:
        """Read the whole content: fill the buffers that ``into`` gives, report each filled part to ``done``.

        Raises:
            UsageError: it is not as large as it was.
        """
        ...


class Appender(Protocol):
    """Where frames go."""

    def write(self, buffers: Sequence[bytes | memoryview]) -> None:
        """Append buffers."""
        ...


class _Piece:
    """One frame's worth of the stream, and who still reads it."""

    def __init__(self, size: int) -> None:
        self.view = memoryview(bytearray(size))
        self.filled = 0
        self.readers: list[Future[None]] = []

    def wait(self) -> None:
        for reader in self.readers:
            reader.result()
        self.readers.clear()
        self.filled = 0


class PayloadWriter:
    """Writes one tar stream as frames."""

    def __init__(self, out: Appender, *, frame_size: int, level: int, progress: Callable[[int], None]) -> None:
        self.frames = Frames()
        self._out = out
        self._level = level
        self._frame_size = frame_size
        self._progress = progress
        self._free = [_Piece(frame_size) for _ in range(_PIECES)]
        self._piece = self._free.pop()
        self._queue: deque[tuple[_Piece, Future[Encoded]]] = deque()
        self._encoders = ThreadPoolExecutor(2)
        self._hashers = (ThreadPoolExecutor(1), ThreadPoolExecutor(1))
        self._turn = 0
        self._local = local()

    def write(self, sources: Sequence[Source], *, mtime: int, further: Further | None = None) -> list[Digests]:
        """Write all entries and SHA256SUMS; returns the entries' raw digests in order.

        Args:
            sources: what to write.
            mtime: of all headers, seconds since 1970.
            further: by path, the digests beside SHA-256 that somebody will ask for, in hashlib's words.
        """
        wanted = further or {}
        try:
            hashed = [self._entry(source, mtime, wanted.get(source.path, frozenset())) for source in sources]
            digests = [digest.result() if isinstance(digest, Future) else digest for digest in hashed]
            self._sums([source.path for source in sources], [digest["sha256"] for digest in digests], mtime)
            self._cut()
            while self._queue:
                self._drain()
        finally:
            for pool in (self._encoders, *self._hashers):
                pool.shutdown(cancel_futures=True)
        return digests

    def _entry(self, source: Source, mtime: int, further: Set[str]) -> "Digests | Future[Digests]":
        """Write one entry; returns its digests, or the thread that computes them."""
        hasher = Hashes(further)
        self._bytes(tarstream.entry_header(source.path, source.size, mtime))
        size = source.size
        room = self._room()
        if size < len(room) and size < _LARGE:
            whole = room[:size]
            source.fill(whole)
            hasher.update([whole])
            self._piece.filled += size
            self._bytes(tarstream.padding(size))
            return hasher.digests()
        self._turn ^= 1
        pool = self._hashers[self._turn]
        source.read(self._room, self._filler(lambda view: self._piece.readers.append(pool.submit(hasher.update, [view]))))
        self._bytes(tarstream.padding(size))
        return pool.submit(hasher.digests)

    def _sums(self, paths: Sequence[str], digests: Sequence[bytes], mtime: int) -> None:
        size = tarstream.sums_size(paths)
        self._bytes(tarstream.entry_header(SUMS, size, mtime))
        for lines in tarstream.sums_lines(zip(paths, digests, strict=True)):
            self._bytes(lines)
        self._bytes(tarstream.padding(size) + tarstream.END)

    def _room(self) -> memoryview:
        """The free rest of the current piece."""
        return self._piece.view[self._piece.filled :]

    def _filler(self, use: Callable[[memoryview], None]) -> Callable[[memoryview], None]:
        def done(view: memoryview) -> None:
            use(view)
            self._advance(len(view))

        return done

    def _bytes(self, content: bytes) -> None:
        """Append bytes of ours."""
        filled = self._piece.filled
        end = filled + len(content)
        if end < len(self._piece.view):
            self._piece.view[filled:end] = content
            self._piece.filled = end
            return
        at = 0
        while at < len(content):
            room = self._room()
            part = content[at : at + len(room)]
            room[: len(part)] = part
            at += len(part)
            self._advance(len(part))

    def _advance(self, size: int) -> None:
        self._piece.filled += size
        if self._piece.filled == len(self._piece.view):
            self._cut()

    def _cut(self) -> None:
        """Send the current piece to an encoder and take a free one."""
        if not self._piece.filled:
            return
        view = self._piece.view[: self._piece.filled]
        self._progress(len(view))
        self._queue.append((self._piece, self._encoders.submit(self._encode, view)))
        while not self._free:
            self._drain()
        self._piece = self._free.pop()

    def _drain(self) -> None:
        """Write the oldest frame."""
        piece, encoded = self._queue.popleft()
        buffers, size, digest = encoded.result()
        self._out.write(buffers)
        self.frames.append(size, piece.filled, digest)
        piece.wait()
        self._free.append(piece)

    def _encode(self, view: memoryview) -> Encoded:
        encoder = getattr(self._local, "encoder", None)
        if encoder is None:
            encoder = self._local.encoder = Encoder(self._level, self._frame_size)
        return encoder.encode(view)
