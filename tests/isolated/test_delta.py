"""Bundles that leave out what the store is said to hold, forged; tests/connected/test_delta.py has the exporter's."""

import os
from hashlib import sha256
from typing import Any

import pytest

from airgap.core.reasons import Reason
from airgap.core.verdict import Standing
from airgap.isolated.recheck import recheck
from airgap.isolated.store.store import Store
from tests.forge.build import Bundle, bundle
from tests.forge.site import make_store, refused, take
from tests.forge.text import NOW
from tests.isolated.scene import faults, rot

HELD = {"artifacts/files/held.txt": b"held\n"}
NEW = {"artifacts/files/new.txt": b"new\n"}


def leave_out(manifest: Any) -> Any:
    """Name the artifact of the first bundle as one that does not travel again."""
    (content,) = HELD.values()
    (new,) = manifest["artifacts"]
    held = {**new, "path": next(iter(HELD)), "purl": "pkg:generic/held.txt", "size": len(content), "stored": False}
    return {**manifest, "artifacts": [{**held, "sha256": sha256(content).hexdigest()}, new]}


@pytest.fixture
def store(tmp_path: object) -> Store:
    return make_store(f"{tmp_path}/store")


@pytest.fixture
def delta(store: Store, tmp_path: object) -> str:
    """A bundle that stands on the first one, which is imported."""
    first = bundle(HELD, documents={})
    assert take(store, first.write(f"{tmp_path}/first.airgap")).verdict.standing is Standing.ACCEPTED
    return second(first).write(f"{tmp_path}/second.airgap")


def second(first: Bundle) -> Bundle:
    said = {"sequence": 2, "previous": first.digest, "base": {"receipt": "00" * 32, "sequence": 1}}
    return bundle(NEW, documents={}, predicate=said, on_manifest=leave_out)


def test_a_delta_shows_what_it_brings_and_what_it_stands_on(store: Store, delta: str) -> None:
    assert take(store, delta).verdict.standing is Standing.ACCEPTED
    assert sorted(os.listdir(f"{store.layout.current}/files")) == ["held.txt", "new.txt"]
    assert faults(recheck(store, at=NOW, run_id="check").findings) == []


@pytest.mark.parametrize("damage", [rot, os.unlink])
def test_a_delta_on_a_base_that_is_missing_or_rotten_is_refused(damage: Any, store: Store, delta: str) -> None:
    damage(store.layout.object(sha256(b"held\n").digest()))
    found = refused(store, delta)

    assert (found.reason, found.subject) == (Reason.BASE_MISSING, "artifacts/files/held.txt")
    assert found.expected == f"bundle main 1 (receipt {'00' * 8}) here"
