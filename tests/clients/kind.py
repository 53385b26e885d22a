"""What a demonstration needs to know about one kind of signature: an artifact, its evidence, and how a person pins it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

VECTORS: Final = Path(__file__).parents[1] / "evidence" / "vectors"
TEXT: Final = b"hello, isolated side\n"
"""The content of a.txt, which most vectors sign."""


def vector(path: str) -> bytes:
    """A file of the verifiers' vectors."""
    return (VECTORS / path).read_bytes()


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One anchor.

    Attributes:
        kind: of the anchor.
        source: the producer's key file, certificate, key list or trusted root.
        other: the same of somebody else: pinned instead, it vouches for nothing here.
        settings: of the anchor.
        holds: whether the anchor holds what it names; else that travels among the kind's keys.
    """

    kind: str
    source: bytes
    other: bytes
    settings: Mapping[str, str] = field(default_factory=dict)
    holds: bool = True

    def options(self, file: str) -> list[str]:
        """Of ``airgap trust anchor add``, for a file that holds the source."""
        said = [word for name, text in self.settings.items() for word in ("--set", f"{name}={text}")]
        return ["--kind", self.kind, "--from", file, *said, *(() if self.holds else ("--no-material",))]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of signature.

    Attributes:
        name: of the folder that holds all of it, and how its anchors' names begin.
        finding: the kind that findings carry.
        pins: one for each of its signatures.
        evidence: signatures, attestations and lists, by name.
        keys: what anchors name and do not hold, by name.
        purl: of the artifact; one of a plain file when nothing else is said.
        blamed: by the name of a document that is no signature itself, the one whose finding tells that it was changed.
        flips: by name, the byte that a test changes; the one in the middle where nothing is said.
        is_keyless: whether an identity vouches, and not a key.
    """

    name: str
    finding: str
    pins: Sequence[Pin]
    evidence: Mapping[str, bytes]
    keys: Mapping[str, bytes] = field(default_factory=dict)
    file: str = "a.txt"
    content: bytes = TEXT
    purl: str = ""
    blamed: Mapping[str, str] = field(default_factory=dict)
    flips: Mapping[str, int] = field(default_factory=dict)
    is_keyless: bool = False

    @property
    def path(self) -> str:
        """Of the artifact in a bundle."""
        return f"artifacts/files/{self.name}/{self.file}"

    @property
    def named(self) -> str:
        """The purl under which trust documents speak of it."""
        return self.purl or f"pkg:generic/{self.name}/{self.file}"

    @property
    def anchors(self) -> Mapping[str, Pin]:
        """Its anchors by their names."""
        return {self.name if at == 0 else f"{self.name}-{at + 1}": pin for at, pin in enumerate(self.pins)}

    @property
    def altered(self) -> Mapping[str, str]:
        """By its place in the folder, each file that a test changes, and the document that has to be named then."""
        first = next(iter(self.evidence))
        documents = {f"signed/{name}": self.blamed.get(name, name) for name in self.evidence}
        return {self.file: "", **documents, **{f"keys/{name}": self.blamed.get(name, first) for name in self.keys}}

    def write(self, root: Path) -> None:
        """Lay out everything below ``root/name``: the artifact, ``signed``, ``keys`` and ``pins``."""
        pins = {f"{name}.{half}": raw for name, pin in self.anchors.items() for half, raw in _halves(pin)}
        for folder, files in (
            ("", {self.file: self.content}),
            ("signed", self.evidence),
            ("keys", self.keys),
            ("pins", pins),
        ):
            for name, content in files.items():
                path = root / self.name / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    @property
    def source(self) -> str:
        """Its part of a request."""
        said = {
            "ecosystem": "files",
            "path": f"{self.name}/{self.file}",
            "into": self.name,
            "purl": self.named,
            "evidence": f"{self.name}/signed",
            **({"keys": f"{self.name}/keys"} if self.keys else {}),
        }
        return "[[source]]\n" + "".join(f"{name} = {json.dumps(text)}\n" for name, text in said.items())

    def commands(self, root: Path) -> list[list[str]]:
        """The options of ``airgap trust anchor add`` that pin it, once for each anchor."""
        return [
            ["--name", name, "--artifacts", self.named, *pin.options(f"{root}/{self.name}/pins/{name}.source")]
            for name, pin in self.anchors.items()
        ]


def _halves(pin: Pin) -> list[tuple[str, bytes]]:
    return [("source", pin.source), ("other", pin.other)]
