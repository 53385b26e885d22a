"""Collect everything that a request asks for, each source by the collector of its ecosystem."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from airgap.bundle.tree import medium_faults
from airgap.connected.collect.files import collect_files
from airgap.connected.collected import Carried, Collected, Planned
from airgap.connected.request import FilesSource, NpmSource, PypiSource, Request, Source
from airgap.core.entries import Artifact, Document, Loss, inside
from airgap.core.errors import UsageError
from airgap.core.names import check_distinct
from airgap.core.placed import check_artifact, check_document

if TYPE_CHECKING:
    from airgap.connected.web.fetcher import OpenFetcher


class Resolved(Protocol):
    """A source of which everything is known but the bytes."""

    @property
    def losses(self) -> Sequence[Loss]:
        """What will not travel, as far as the index tells."""
        ...

    def planned(self) -> Sequence[Planned]:
        """What would travel."""
        ...

    def collect(self) -> Iterable[Collected | Carried | Loss]:
        """Download and verify all of it."""
        ...


@dataclass(frozen=True, slots=True)
class Gathered:
    """What travels, and what does not."""

    artifacts: Sequence[Collected]
    losses: Sequence[Loss]
    documents: Sequence[Carried] = ()

    @property
    def content(self) -> int:
        """Bytes of all artifacts and documents."""
        documents = {source.path: source.size for item in self.artifacts for source, _, _ in item.evidence}
        documents |= {document.source.path: document.source.size for document in self.documents}
        return sum(item.source.size for item in self.artifacts) + sum(documents.values())

    def size_of(self, paths: Collection[str]) -> int:
        """Bytes of the artifacts under these paths."""
        return sum(item.source.size for item in self.artifacts if item.source.path in paths)

    @property
    def warnings(self) -> list[str]:
        """Files that a directory bundle could not put on every medium."""
        return [
            f"{item.source.path}: {fault}"
            for item in self.artifacts
            for fault in medium_faults(item.source.path, item.source.size)
        ]


@dataclass(frozen=True, slots=True)
class Survey:
    """What would travel, before anything of it was downloaded."""

    planned: Sequence[Planned]
    losses: Sequence[Loss]


def gather(request: Request, open_fetcher: "OpenFetcher | None" = None) -> Gathered:
    """Collect all sources of a request.

    Args:
        request: what is asked for.
        open_fetcher: how to download; None where nothing needs to be.

    Raises:
        UsageError: a source that matches nothing, an extra that is not installed, or a file that cannot be had.
        FormatError: a name that is not portable, or a file that is not the one that was promised.
    """
    found = [item for source in request.sources for item in _collect(source, open_fetcher)]
    artifacts = _distinct(item for item in found if isinstance(item, Collected))
    documents = [item for item in found if isinstance(item, Carried)]
    _check_placed(artifacts, documents)
    return Gathered(
        artifacts,
        _lost((item for item in found if isinstance(item, Loss)), {item.purl for item in artifacts}),
        documents,
    )


def survey(request: Request, open_fetcher: "OpenFetcher | None") -> Survey:
    """Find out what a request asks for; of an index, only its metadata is read.

    Raises:
        UsageError, FormatError: as by ``gather``.
    """
    planned: dict[str, Planned] = {}
    losses: dict[Loss, None] = {}
    for source in request.sources:
        if isinstance(source, FilesSource):
            for item in collect_files(source):
                if isinstance(item, Loss):
                    losses[item] = None
                else:
                    planned[item.source.path] = Planned(item.source.path, item.purl, item.source.size)
            continue
        resolved = _resolve(source, open_fetcher)
        planned |= {item.path: item for item in resolved.planned()}
        losses |= dict.fromkeys(resolved.losses)
    check_distinct(map(inside, planned))
    return Survey(list(planned.values()), _lost(losses, {item.purl for item in planned.values()}))


def _collect(source: Source, open_fetcher: "OpenFetcher | None") -> Iterator[Collected | Carried | Loss]:
    if isinstance(source, FilesSource):
        yield from collect_files(source)
        return
    yield from _resolve(source, open_fetcher).collect()


def _resolve(source: PypiSource | NpmSource, open_fetcher: "OpenFetcher | None") -> Resolved:
    """The collector of a source, loaded when it is asked for: plain files need none of its libraries.

    Raises:
        UsageError: a library of the extra is not installed.
    """
    if open_fetcher is None:
        raise UsageError("request: expected files only, got a source that has to be downloaded")
    try:
        if isinstance(source, PypiSource):
            from airgap.connected.collect.pypi import resolve_pypi  # noqa: PLC0415 -- the extra may be missing

            return resolve_pypi(source, open_fetcher)
        from airgap.connected.collect.npm import resolve_npm  # noqa: PLC0415 -- the extra may be missing

        return resolve_npm(source, open_fetcher)
    except ModuleNotFoundError as exc:
        raise UsageError(
            f"export: expected the library {exc.name} for this ecosystem, got none", hint="pip install 'airgap[connected]'"
        ) from exc


def _distinct(items: Iterable[Collected]) -> list[Collected]:
    """One of each: two sources may ask for the same file of an index. The first one's custody stays, all evidence counts.

    Two different files under one name are left for the manifest to refuse.
    """
    found: dict[tuple[str, object], Collected] = {}
    for item in items:
        key = (item.source.path, item.source.sha256 or item.source.file)
        known = found.get(key, item)
        found[key] = known._replace(evidence=tuple(dict.fromkeys((*known.evidence, *item.evidence))))
    return list(found.values())


def _check_placed(artifacts: Sequence[Collected], documents: Iterable[Carried]) -> None:
    """Prove, as an import will, that the paths of packages and of what stands beside them say what package URLs say.

    Raises:
        FormatError: they do not.
    """
    for item in artifacts:
        check_artifact(Artifact(item.source.path, item.source.size, bytes(32), item.purl))
    paths = {inside(item.source.path) for item in artifacts}
    pieces = chain.from_iterable(item.evidence for item in artifacts)
    for source, role, media in chain(pieces, documents):
        check_document(Document(source.path, source.size, bytes(32), role, media), paths)


def _lost(losses: Iterable[Loss], travelling: Collection[str]) -> list[Loss]:
    """What is lost, once each: a package of npm that one source leaves behind may travel for another.

    Args:
        losses: of all sources.
        travelling: purls of what travels; of npm they name one file each.
    """

    def is_brought(loss: Loss) -> bool:
        return loss.what == "not-selected" and loss.purl.startswith("pkg:npm/") and loss.purl in travelling

    return [loss for loss in dict.fromkeys(losses) if not is_brought(loss)]
