"""Add a signature in place, in the room that the envelope area has left."""

import os
from collections.abc import Sequence

from airgap.bundle.claims import read_claims
from airgap.bundle.head import FILE_NAME
from airgap.bundle.medium import is_directory, open_medium
from airgap.core import canonical
from airgap.core.envelope import Envelope
from airgap.core.errors import FormatError, UsageError
from airgap.core.keys import PrivateKey


def countersign(paths: Sequence[str], keys: Sequence[PrivateKey]) -> Envelope:
    """Sign the statement of a bundle once more and write the envelope area again. Returns the new envelope.

    The area is at most 256 KiB and is written with one call, then made durable.

    Raises:
        FormatError: it is no bundle, the key signed already, or there is no room left.
        UsageError: the file cannot be written.
    """
    claims = read_claims(paths)
    envelope = claims.envelope.with_signatures(keys)
    sizes = claims.head.sizes
    area = canonical.pad(envelope.encode(), sizes.envelope, what="envelope area")
    if len(paths) == 1 and is_directory(paths[0]):
        _overwrite(os.path.join(paths[0], FILE_NAME), area, sizes.envelope_at)
        return envelope
    with open_medium(paths) as medium:
        start = sizes.envelope_at
        for volume in medium.volumes:
            end = volume.start + volume.size
            if start < end and area:
                part, area = area[: end - start], area[end - start :]
                _overwrite(volume.path, part, start - volume.start)
                start += len(part)
    return envelope


def _overwrite(path: str, content: bytes, offset: int) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as exc:
        raise UsageError(f"{path}: expected to write to it, got {os.strerror(exc.errno or 0)}") from exc
    try:
        if os.pwrite(fd, content, offset) != len(content):
            raise FormatError(f"{path}: expected to write {len(content)} bytes, got a short write")
        os.fsync(fd)
    finally:
        os.close(fd)
