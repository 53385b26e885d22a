"""What the tests of Sigstore's formats share: one artifact, one instance, one anchor."""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.verdict import Result
from airgap.evidence.bundles.trusted_root import TrustedRoot
from airgap.evidence.sigstore import EvidenceError, Opened, open_bundle
from airgap.evidence.subject import Piece
from tests.evidence import bench
from tests.evidence.sigstore_forge import ISSUER, REPOSITORY, Content, Edit, Signer, instance, statement

ARTIFACT = b"hello, isolated side\n"
MESSAGE = Content(message=ARTIFACT)
ENVELOPE = Content(payload=statement("a.txt", ARTIFACT))
VECTORS = Path(__file__).parent / "vectors" / "sigstore"


def digest(algorithm: str) -> bytes:
    return hashlib.new(algorithm, ARTIFACT).digest()


@cache
def signer() -> Signer:
    """The release workflow of acme/widget."""
    return instance().signer()


def root(edit: Edit | None = None) -> TrustedRoot:
    return TrustedRoot.parse(instance().trusted_root(edit))


def root_piece(raw: bytes | None = None) -> Piece:
    return bench.piece("trusted_root.json", raw or instance().trusted_root(), role=Role.ANCHOR_DATA)


def publisher(raw: bytes | None = None, **settings: str) -> Anchor:
    """An anchor for acme/widget under the instance of the tests."""
    pin = hashlib.sha256(raw or instance().trusted_root()).hexdigest()
    return bench.anchor(Kind.SIGSTORE, pin, **(settings or {"issuer": ISSUER, "repository": REPOSITORY}))


def opened(bundle: Any, **settings: Any) -> Opened:
    given: dict[str, Any] = {"root": root(), "key": None, "digest": digest}
    return open_bundle(bundle, **(given | settings))


def refused(bundle: Any, words: str, result: Result = Result.FAILED, **settings: Any) -> None:
    """Assert that a bundle is refused in these words."""
    with pytest.raises(EvidenceError, match=words) as caught:
        opened(bundle, **settings)
    assert caught.value.result is result


def paths(value: Any, at: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The way to every leaf of a JSON value."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [path for key, inner in items for path in paths(inner, [*at, key])]
    return [tuple(at)]


def change(value: Any, path: Sequence[Any], how: Callable[[Any], Any]) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = how(value[path[-1]])
