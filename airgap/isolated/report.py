"""What a recheck collects: findings, and what all admitted bundles say together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from airgap.core.entries import Artifact, Document
from airgap.core.reasons import Reason
from airgap.core.verdict import Finding, Result
from airgap.isolated.catalog import Catalog
from airgap.isolated.views import tree


class Look(StrEnum):
    """What a recheck looks at."""

    BYTES = "bytes"
    STRUCTURE = "structure"
    TRUST = "trust"
    EVIDENCE = "evidence"
    HISTORY = "history"


@dataclass(slots=True)
class Report:
    """What a recheck found."""

    findings: list[Finding] = field(default_factory=list)
    objects: int = 0
    content: int = 0
    artifacts: int = 0
    withdrawn: Sequence[bytes] = ()
    recalled: frozenset[str] = frozenset()
    recovered: Sequence[str] = ()

    @property
    def damage(self) -> list[Finding]:
        """The findings that speak against the store."""
        return [finding for finding in self.findings if finding.reason is not None]

    def add(self, look: Look, subject: str, reason: Reason | None, *, expected: str = "", got: str = "") -> None:
        """Record one finding."""
        result = Result.VERIFIED if reason is None else Result.FAILED
        self.findings.append(
            Finding(check=look, subject=subject, kind="store", result=result, reason=reason, expected=expected, got=got)
        )


@dataclass(slots=True)
class Memory:
    """What all admitted bundles say together.

    Attributes:
        objects: digest to size in bytes.
        names: path of an artifact or document to digest; newer bundles win.
        catalog: what the indexes of the views are made from.
        evidenced: path of an artifact that came with evidence to its newest entry and that evidence.
        recalled: path of an artifact that nobody may vouch for any more to why.
        unjudged: paths of artifacts whose evidence nobody could judge, because its bytes or theirs are damaged.
        is_partial: a bundle is not what was admitted any more, so that nobody knows all that speaks against artifacts.
    """

    objects: dict[bytes, int] = field(default_factory=dict)
    names: dict[str, bytes] = field(default_factory=dict)
    catalog: Catalog = field(default_factory=Catalog)
    evidenced: dict[str, tuple[Artifact, Sequence[Document]]] = field(default_factory=dict)
    recalled: dict[str, str] = field(default_factory=dict)
    unjudged: set[str] = field(default_factory=set)
    is_partial: bool = False

    def shown(self, path: str) -> bytes | None:
        """The digest of what a generation shows under a path."""
        return next((digest for entry in tree.entries(path) if (digest := self.names.get(entry))), None)

    def name_of(self, digest: bytes) -> str:
        """One of the paths of an object."""
        return next((path for path, known in self.names.items() if known == digest), "of an older bundle")
