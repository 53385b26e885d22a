"""Evidence that people supply beside a request, matched by name: a mirror that hides it does not end the chain."""

from collections.abc import Iterable

from airgap.connected.collect.found import Keys, find, find_keys, sort_out
from airgap.connected.collect.pairing import pair
from airgap.connected.collect.suffixes import kind_of
from airgap.connected.collected import FileSource
from airgap.connected.request import PypiSource
from airgap.core.entries import Loss, Role
from airgap.core.purl import file_purl

Evidence = tuple[FileSource, Role, str]


class Supplied:
    """What a source brings along for the files that travel.

    Raises:
        UsageError: evidence for nothing, or two pieces of one name.
    """

    def __init__(self, wanted: PypiSource, file_names: Iterable[str]) -> None:
        faults: dict[str, str] = {}
        self.keys: Keys = find_keys(wanted.folder, wanted.keys, faults)
        beside = sort_out(find(wanted.folder, wanted.evidence), faults)
        # they are not here yet, and their names are all that pairing looks at
        named = {name: FileSource(name, "", 0, 0) for name in file_names}
        self._evidence = pair(named, beside)
        self.losses = [Loss(file_purl(path), "not-selected", what) for path, what in sorted(faults.items())]

    def evidence_of(self, file_name: str) -> list[Evidence]:
        """The evidence of one file."""
        found = sorted(self._evidence.get(file_name, {}).items())
        return [(source._replace(path=f"documents/pypi/{path}"), *kind_of(path)) for path, source in found]
