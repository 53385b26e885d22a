"""Read many objects: large ones in two threads, many small ones in two processes.

Hashing a small file costs about as much interpreter time as hashing it takes, and threads share one interpreter; a second
process gains fully. It is a plain fork with a pipe: the multiprocessing package would bring network modules in.
"""

import hashlib
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, zip_longest
from threading import local
from typing import BinaryIO, Final

from airgap.core.errors import StoreError
from airgap.core.reasons import Reason
from airgap.isolated.store.objects import Reading, read_object, scratch

Wanted = tuple[bytes, int]
Place = Callable[[bytes], str]
Further = Mapping[bytes, Set[str]]
_SMALL: Final = 64 * 1024
_MANY: Final = 2000
"""Small objects from which on a second process pays for its start."""
_BATCH: Final = 64
_ITEM: Final = struct.Struct("<BqQHH")
_FAULTS: Final = (None, Reason.OBJECT_MISSING, Reason.OBJECT_TRUNCATED, Reason.OBJECT_ROTTEN)


def read_all(wanted: Sequence[Wanted], place: Place, further: Further) -> Iterator[tuple[bytes, int, Reading]]:
    """Read objects and compare each with its digest; small ones come first.

    Args:
        wanted: digest and size in bytes of each.
        place: path of an object.
        further: of some objects, the digests beside SHA-256 that somebody will ask for.
    """
    small = [item for item in wanted if item[1] <= _SMALL]
    large = [item for item in wanted if item[1] > _SMALL]
    if len(small) >= _MANY and (os.cpu_count() or 1) > 1:
        yield from _read_forked(small, place, further)
    else:
        yield from _read_here(small, place, further)
    yield from _read_threaded(large, place, further)


def _read_here(wanted: Iterable[Wanted], place: Place, further: Further) -> Iterator[tuple[bytes, int, Reading]]:
    buffer = scratch()
    for digest, size in wanted:
        yield digest, size, read_object(place(digest), digest, size, buffer, further.get(digest, frozenset()))


def _read_threaded(wanted: Sequence[Wanted], place: Place, further: Further) -> Iterator[tuple[bytes, int, Reading]]:
    own = local()

    def read(item: Wanted) -> Reading:
        if not hasattr(own, "buffer"):
            own.buffer = scratch()
        digest, size = item
        return read_object(place(digest), digest, size, own.buffer, further.get(digest, frozenset()))

    rest = iter(wanted)
    with ThreadPoolExecutor(2) as pool:
        while batch := list(islice(rest, _BATCH)):
            for (digest, size), reading in zip(batch, pool.map(read, batch), strict=True):
                yield digest, size, reading


def _read_forked(wanted: Sequence[Wanted], place: Place, further: Further) -> Iterator[tuple[bytes, int, Reading]]:
    """A child reads every second object, this process the others.

    A fork copies only this thread: the child reads, writes to its pipe and leaves, and touches nothing that another one (a
    progress bar's) could hold.
    """
    theirs, ours = wanted[1::2], wanted[::2]
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover -- coverage does not follow the fork
        os.close(receiver)
        _serve(sender, theirs, place, further)
    os.close(sender)
    try:
        with os.fdopen(receiver, "rb", buffering=1 << 16) as pipe:
            # in turn, so that the child never waits long for room in the pipe
            for mine, other in zip_longest(_read_here(ours, place, further), theirs):
                yield mine
                if other is not None:
                    yield other[0], other[1], _receive(pipe, further.get(other[0], frozenset()))
    finally:
        os.waitpid(child, 0)  # the pipe is closed: a child that still waited for room in it ends


def _serve(  # pragma: no cover -- runs in the child only
    sender: int, wanted: Sequence[Wanted], place: Place, further: Further
) -> None:
    """Read objects, write one record for each, and leave without running anybody's cleanup."""
    try:
        with os.fdopen(sender, "wb", buffering=1 << 16) as pipe:
            for _, _, reading in _read_here(wanted, place, further):
                text = reading.got.encode()[:1000] or b"".join(reading.digests[name] for name in sorted(reading.digests))
                head = (_FAULTS.index(reading.fault), reading.modified, reading.inode, reading.mode, len(text))
                pipe.write(_ITEM.pack(*head) + text)
    finally:
        os._exit(0)


def _receive(pipe: BinaryIO, further: Set[str]) -> Reading:
    """One record: what is wrong, in words, or of a sound object the digests that were asked for."""
    head = pipe.read(_ITEM.size)
    if len(head) < _ITEM.size:
        raise StoreError("check: expected the second process to report on every object, got it ended early")
    fault, modified, inode, mode, length = _ITEM.unpack(head)
    text = pipe.read(length)
    if _FAULTS[fault] is not None:
        return Reading(_FAULTS[fault], text.decode(), modified, inode, mode)
    return Reading(None, "", modified, inode, mode, _digests(text, further))


def _digests(text: bytes, further: Set[str]) -> Mapping[str, bytes]:
    digests = {}
    for name in sorted({"sha256", *further}) if further else ():
        size = hashlib.new(name).digest_size
        digests[name], text = text[:size], text[size:]
    return digests
