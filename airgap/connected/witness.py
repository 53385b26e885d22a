"""The exporter's own look at evidence, before anything is signed: a bad package costs least where it can be replaced."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime

from airgap.bundle.writer import Digests
from airgap.connected.collected import Collected, FileSource
from airgap.core.entries import Role
from airgap.core.errors import FormatError, UsageError
from airgap.core.manifest import Manifest
from airgap.core.trust import Trust
from airgap.core.verdict import Finding
from airgap.evidence.prove import Prover
from airgap.evidence.recognise import Needs, needs
from airgap.evidence.subject import MAX_PIECE, Piece


class Witness:
    """Judges the evidence of what was collected.

    Args:
        artifacts: what was collected.
        trust: whose anchors to judge by; None to find only what is broken whoever signed it.
        at: now, UTC.
    """

    def __init__(self, artifacts: Sequence[Collected], trust: Trust | None, at: datetime) -> None:
        self.findings: list[Finding] = []
        self._artifacts = {item.source.path: item for item in artifacts if item.evidence}
        self._prover = Prover(trust, at)
        self._needs: dict[str, Needs] = {}

    def further(self) -> Mapping[str, Set[str]]:
        """By path, the digests beside SHA-256 that the evidence of an artifact will ask for."""
        wanted: dict[str, Set[str]] = {}
        for path, item in self._artifacts.items():
            names: Set[str] = frozenset()
            for source, role, media in item.evidence:
                names |= self._needs_of(source, role, media).digests
            if names:
                wanted[path] = names
        return wanted

    def judge(self, manifest: Manifest, digests: Mapping[str, Digests]) -> None:
        """Judge all evidence, now that everything was read.

        Raises:
            FormatError: a piece speaks against its artifact; with that piece's reason.
        """
        documents = {document.path: document for document in manifest.documents}
        for artifact in manifest.artifacts:
            item = self._artifacts.get(artifact.path)
            if item is None:
                continue
            stored = [(documents[source.path], source.file) for source, _, _ in item.evidence]
            self.findings += self._prover.prove(artifact, stored, digests.get(artifact.path, {}), item.source.file)
        _refuse(self.findings)

    def _needs_of(self, source: FileSource, role: Role, media: str) -> Needs:
        if source.path not in self._needs:
            content = b""
            if source.size <= MAX_PIECE:
                try:
                    with open(source.file, "rb") as file:
                        content = file.read(source.size)
                except OSError as exc:
                    raise UsageError(f"{source.file}: expected to read it, got {exc.strerror}") from exc
            self._needs[source.path] = needs(Piece(source.path, role, media, content, source.file))
        return self._needs[source.path]


def _refuse(findings: Sequence[Finding]) -> None:
    """Raise the first finding that speaks against an artifact."""
    for finding in findings:
        if finding.reason is not None:
            document = finding.proof.document if finding.proof else finding.kind
            raise FormatError(
                f"{finding.subject}: expected {finding.expected}, got {finding.got} ({document})", reason=finding.reason
            )
