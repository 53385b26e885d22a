"""What the signature of a model says: which files it covers, each by its digest.

Source: OpenSSF Model Signing 1.0, predicate ``https://model_signing/signature/v1.0``. Serialization by files with SHA-256
only. Files on the signed list of ignored paths, and files that a signer or a verifier was told to pass over, are covered by
nothing: whoever asks about one gets no for an answer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from airgap.core.digest import parse_sha256
from airgap.core.envelope import STATEMENT_TYPE
from airgap.core.errors import FormatError
from airgap.core.verdict import Result
from airgap.evidence.bundles.bundle import EvidenceError
from airgap.evidence.dsse import STATEMENTS, Statement, open_statement
from airgap.evidence.subject import Piece, Subject

PREDICATE: Final = "https://model_signing/signature/v1.0"
WHOLE: Final = "."
"""How a resource is named when the model is a single file."""
MAX_RESOURCES: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files of a model, by their paths in its folder, and the paths that the signer passed over."""

    model: str
    resources: Mapping[str, bytes]
    ignored: Sequence[str]

    def check(self, subject: Subject, piece: Piece) -> tuple[str, str] | None:
        """What is wrong between the model and one artifact, as expected and got; None when the signature covers it.

        Args:
            subject: a file that lies in the folder of the signature, or deeper.
            piece: the signature; its place says where the model begins.
        """
        folder, path = _below_root(piece.path).rpartition("/")[0], _below_root(subject.path)
        if folder and not path.startswith(f"{folder}/"):
            return f"a file below {folder!a:.120}", f"{path!a:.160}"
        path = path.removeprefix(f"{folder}/") if folder else path
        digest = self._digest_of(path)
        if digest is None:
            passed = "ignores" if self._is_ignored(path) else "does not name"
            return "a file that the model's signature covers", f"{path!a:.160}, which it {passed}"
        if digest != subject.digests["sha256"]:
            return f"{path!a:.160} with sha256:{digest.hex()}", subject.covers
        return None

    def _digest_of(self, path: str) -> bytes | None:
        if self.resources.keys() == {WHOLE}:
            return self.resources[WHOLE] if path == self.model else None
        return self.resources.get(path)

    def _is_ignored(self, path: str) -> bool:
        return any(path == skipped or path.startswith(f"{skipped}/") for skipped in self.ignored)


def read_manifest(payload_type: str, payload: bytes) -> Manifest:
    """The manifest in a payload whose signature holds.

    Raises:
        EvidenceError: a form that is not supported (result unsupported): shards, BLAKE2, version 0.2.
        FormatError: anything else that is no manifest, or one whose parts contradict its whole.
    """
    if payload_type != STATEMENT_TYPE:
        raise FormatError(f"model signature: expected {STATEMENT_TYPE}, got {payload_type!a:.80}")
    return _parse(payload)


@lru_cache(maxsize=2)
def _parse(payload: bytes) -> Manifest:
    """Kept for a while: a model of a thousand files asks a thousand times."""
    statement = open_statement(payload)
    if statement.predicate_type != PREDICATE or statement.type != STATEMENTS[0]:
        raise _unsupported(PREDICATE, statement.predicate_type)
    said = statement.predicate
    ignored = _check_serialization(said.get("serialization"))
    items = said.get("resources")
    if not isinstance(items, list) or not 0 < len(items) <= MAX_RESOURCES:
        raise FormatError(f"model signature: expected 1 to {MAX_RESOURCES} resources, got another value")
    resources = dict(map(_read_resource, items))
    if len(resources) != len(items):
        raise FormatError("model signature: expected each file once, got one twice")
    return Manifest(model=_check_root(statement, resources), resources=resources, ignored=ignored)


def _check_root(statement: Statement, resources: Mapping[str, bytes]) -> str:
    """The model's name; its digest has to be that of all the resources' digests, in their order."""
    root = hashlib.sha256(b"".join(resources.values())).hexdigest()
    subjects = list(statement.subjects.items())
    if len(subjects) != 1 or subjects[0][1].get("sha256") != root:
        raise FormatError(f"model signature: expected one subject with sha256:{root}, got another")
    return subjects[0][0]


def _check_serialization(said: Any) -> Sequence[str]:
    """The paths that the signer passed over."""
    if not isinstance(said, Mapping):
        raise FormatError("model signature: expected how the model was serialized, got another value")
    how = (said.get("method"), said.get("hash_type"))
    if how != ("files", "sha256"):
        raise _unsupported("files and sha256", how)
    ignored = said.get("ignore_paths", [])
    if not isinstance(ignored, list) or not all(isinstance(path, str) for path in ignored):
        raise FormatError("model signature: expected ignored paths as text, got another value")
    return tuple(ignored)


def _read_resource(item: Any) -> tuple[str, bytes]:
    name, digest = (item.get("name"), item.get("digest")) if isinstance(item, Mapping) else (None, None)
    if not isinstance(name, str) or not isinstance(digest, str) or not name:
        raise FormatError("model signature: expected resources with a name and a digest, got another value")
    if item.get("algorithm") != "sha256":
        raise _unsupported("sha256", item.get("algorithm"))
    return name, parse_sha256(digest)


def _unsupported(expected: str, got: object) -> EvidenceError:
    return EvidenceError(f"model signature: expected {expected}, got {got!a:.120}", result=Result.UNSUPPORTED)


def _below_root(path: str) -> str:
    """A path in the bundle without its area, ``artifacts`` or ``documents``, which a file and its evidence do not share."""
    return path.partition("/")[2]
