"""Plain files: paths and globs become artifacts, signatures beside them become their evidence."""

from collections.abc import Iterator

from airgap.connected.collect.found import Keys, find, find_keys, sort_out
from airgap.connected.collect.pairing import pair
from airgap.connected.collect.suffixes import kind_of
from airgap.connected.collected import Collected, FileSource
from airgap.connected.request import FilesSource
from airgap.core.entries import Loss
from airgap.core.errors import UsageError
from airgap.core.names import check_path
from airgap.core.purl import file_purl


def collect_files(wanted: FilesSource) -> Iterator[Collected | Loss]:
    """Artifacts with their evidence, and what cannot be carried, in the order of their paths.

    Raises:
        UsageError: a path that matches nothing, two files of one name, evidence for nothing, or a purl for several files.
        FormatError: a name that is not portable.
    """
    losses: dict[str, str] = {}
    keys = find_keys(wanted.folder, wanted.keys, losses)
    beside = sort_out(find(wanted.folder, wanted.evidence), losses)
    aside = {source.file for source in beside.values()} | {source.file for source, _, _ in keys}
    found = sort_out((item for item in find(wanted.folder, wanted.paths) if item[1] not in aside), losses)
    evidence = pair(found, beside)
    artifacts = sorted(found)
    if wanted.purl and len(artifacts) != 1:
        raise UsageError(f"request: expected one file for a purl, got {len(artifacts)}")
    for path in artifacts:
        own = evidence.get(path, {})
        yield _collected(path, found.pop(path), own, wanted, keys)
        if not own and wanted.without_evidence:
            yield Loss(wanted.purl or file_purl(_inside(path, wanted)), wanted.without_evidence, "said by the request")
    for path, what in sorted(losses.items()):
        yield Loss(file_purl(path), "not-selected", what)


def _collected(
    path: str, source: FileSource, evidence: dict[str, FileSource], wanted: FilesSource, keys: Keys
) -> Collected:
    inside = _inside(path, wanted)
    check_path(inside)
    return Collected(
        source=source._replace(path=f"artifacts/files/{inside}"),
        purl=wanted.purl or file_purl(inside),
        custody=(wanted.requested_by,) if wanted.requested_by else (),
        evidence=(
            *(
                (source._replace(path=f"documents/files/{_inside(name, wanted)}"), *kind_of(name))
                for name, source in sorted(evidence.items())
            ),
            *(keys if evidence else ()),
        ),
    )


def _inside(path: str, wanted: FilesSource) -> str:
    """Where a file stands in the view."""
    return f"{wanted.into}/{path}" if wanted.into else path
