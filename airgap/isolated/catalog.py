"""What the indexes of the views are made from: packages as signed manifests name them, never as files happen to lie there.

Who may carry a package decides what is said about it: metadata counts only from a channel that brought the package itself,
so that a channel with a narrow scope cannot give somebody else's package other dependencies.
"""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from airgap.core.entries import Artifact
from airgap.core.manifest import Manifest
from airgap.core.packument import PACKUMENTS, parse_packument
from airgap.isolated.views import npm, pypi
from airgap.isolated.views.tree import INDEX, place

_METADATA: Final = ".metadata"


class _Owned(NamedTuple):
    """A digest, and the channel that says it."""

    sha256: bytes
    channel: str


class _Package(NamedTuple):
    """An artifact, and the channel that brought it."""

    artifact: Artifact
    channel: str


@dataclass(slots=True)
class Catalog:
    """All packages of all admitted bundles; newer bundles win.

    Attributes:
        wheels: name in the generation to artifact, of Python's.
        beside: name in the generation to document, of what stands beside those.
        tarballs: package name to name in the generation to artifact, of npm's.
        packuments: package name to what indexes said about it, oldest first.
    """

    wheels: dict[str, _Package] = field(default_factory=dict)
    beside: dict[str, _Owned] = field(default_factory=dict)
    tarballs: dict[str, dict[str, _Package]] = field(default_factory=dict)
    packuments: dict[str, dict[_Owned, None]] = field(default_factory=dict)

    def add(self, channel: str, manifest: Manifest) -> None:
        """Take in what a bundle says."""
        for artifact in manifest.artifacts:
            shown = place(artifact.path) or ""
            if shown.startswith("pypi/"):
                self.wheels[shown] = _Package(artifact, channel)
            elif shown.startswith("npm/"):
                self.tarballs.setdefault(shown[len("npm/") :].rpartition("/-/")[0], {})[shown] = _Package(artifact, channel)
        for document in manifest.documents:
            if document.path.startswith("documents/pypi/") and (shown := place(document.path) or ""):
                self.beside[shown] = _Owned(document.sha256, channel)
            elif document.path.startswith(PACKUMENTS):
                said = self.packuments.setdefault(document.path[len(PACKUMENTS) :].rpartition("/")[0], {})
                said.pop(_Owned(document.sha256, channel), None)  # what is said again is the newest
                said[_Owned(document.sha256, channel)] = None

    def render(self, hidden: "Hidden", read: Callable[[bytes], bytes | None]) -> Iterator[tuple[str, bytes | None]]:
        """All index files of a generation: path and content; no content where a document for it is not at hand.

        Args:
            hidden: what the generation does not show.
            read: the content of an object; None when it is not what it was.
        """
        files = list(self._files(hidden))
        if files:
            yield from pypi.render(files)
        for name in sorted(self.tarballs.keys() | self.packuments.keys()):
            yield from self._packument(name, hidden, read)

    def _files(self, hidden: "Hidden") -> Iterator[pypi.File]:
        for shown, (artifact, channel) in self.wheels.items():
            if hidden.has(shown, artifact.sha256):
                continue
            metadata = self._beside(shown + _METADATA, channel, hidden)
            name = shown.partition("/")[2]
            yield pypi.File(name, artifact.sha256, artifact.size, artifact.metadata, metadata)

    def _beside(self, shown: str, channel: str, hidden: "Hidden") -> bytes | None:
        """The digest of a document beside a file, when the same channel brought it."""
        found = self.beside.get(shown)
        if found is None or found.channel != channel or hidden.has(shown, found.sha256):
            return None
        return found.sha256

    def _packument(
        self, name: str, hidden: "Hidden", read: Callable[[bytes], bytes | None]
    ) -> Iterator[tuple[str, bytes | None]]:
        own = self.tarballs.get(name, {})
        owners = {package.channel for package in own.values()}
        said = []
        for document in self.packuments.get(name, ()):
            if (owners and document.channel not in owners) or document.sha256 in hidden.withdrawn:
                continue
            raw = read(document.sha256)
            if raw is None:
                yield f"npm/{name}/{INDEX}", None
                return
            said.append(parse_packument(raw))
        gone = {shown for shown, (artifact, _) in own.items() if hidden.has(shown, artifact.sha256)}
        yield from npm.render(name, said, shown=own.keys() - gone, gone=gone)


class Hidden(NamedTuple):
    """What a generation does not show: digests of damaged objects, and names that nobody may vouch for."""

    withdrawn: Set[bytes]
    recalled: Set[str]

    def has(self, shown: str, digest: bytes) -> bool:
        """Whether it is one of them."""
        return digest in self.withdrawn or shown in self.recalled
