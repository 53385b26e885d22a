"""What a bundle claims, read without believing any of it: for inspect, sign and the exporter's own previous bundle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airgap.bundle.contents import NullSink, check_archive, read_archive
from airgap.bundle.directory import HeadFile, read_directory
from airgap.bundle.head import MAX_MANIFEST, Head, read_head
from airgap.bundle.medium import is_directory, open_medium
from airgap.core import canonical
from airgap.core.digest import sha256
from airgap.core.envelope import Envelope
from airgap.core.errors import FormatError
from airgap.core.manifest import Manifest
from airgap.core.reasons import Reason
from airgap.core.statement import Statement
from airgap.core.verdict import Finding

MAX_ENTRIES: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Heard:
    """The head of a bundle in values; nobody verified any of it."""

    head: Head
    updates: Sequence[Any]
    envelope: Envelope
    statement: Statement

    def manifest(self) -> Manifest:
        """The manifest, if it is the one the statement names.

        Raises:
            FormatError: it is not, or it is malformed.
        """
        if sha256(self.head.manifest) != self.statement.manifest:
            raise FormatError("manifest: expected the stated digest, got another", reason=Reason.MANIFEST_MISMATCH)
        area = self.head.manifest
        return Manifest.parse(area, max_entries=MAX_ENTRIES, size=canonical.text_size(area, what="manifest area"))


def read_claims(paths: Sequence[str]) -> Heard:
    """Read the head of a bundle.

    Raises:
        FormatError: it is no bundle.
        UsageError: there is no such file.
    """
    if len(paths) == 1 and is_directory(paths[0]):
        file = HeadFile(paths[0])
        try:
            return hear(read_head(file, max_manifest=MAX_MANIFEST))
        finally:
            file.close()
    with open_medium(paths) as medium:
        return hear(read_head(medium, max_manifest=MAX_MANIFEST))


def check_claims(paths: Sequence[str], *, progress: Callable[[int], None]) -> tuple[Heard, list[Finding]]:
    """Read a whole bundle and compare its content with its own manifest, whoever signed it.

    This is what a second signer's signature says, so ``airgap sign`` does it first.

    Raises:
        FormatError, UsageError: as for ``read_claims``.
    """
    if len(paths) == 1 and is_directory(paths[0]):
        claims = read_claims(paths)
        return claims, read_directory(paths[0], claims.manifest(), sink=NullSink(), progress=progress)
    with open_medium(paths) as medium:
        claims = hear(read_head(medium, max_manifest=MAX_MANIFEST))
        if medium.length != claims.statement.size:
            raise FormatError(
                f"bundle: expected {claims.statement.size} bytes, got {medium.length}", reason=Reason.WRONG_SIZE
            )
        manifest = claims.manifest()
        head = claims.head.sizes.head
        check_archive(claims.statement, manifest, head=head)
        findings = read_archive(
            medium,
            manifest,
            head=head,
            mtime=int(claims.statement.created.timestamp()),
            sink=NullSink(),
            progress=progress,
        )
    return claims, findings


def read_updates(head: Head) -> list[Any]:
    """The trust-document updates that a head carries, oldest first, as JSON values.

    Raises:
        FormatError: malformed.
    """
    updates = canonical.decode(canonical.unpad(head.trust, what="trust area"), what="trust area")
    if not isinstance(updates, list):
        raise FormatError("trust area: expected a list, got another value")
    return updates


def hear(head: Head) -> Heard:
    """The values in a head.

    Raises:
        FormatError: malformed.
    """
    updates = read_updates(head)
    envelope = Envelope.parse(canonical.unpad(head.envelope, what="envelope area"))
    return Heard(head, updates, envelope, Statement.peek(envelope.payload))
