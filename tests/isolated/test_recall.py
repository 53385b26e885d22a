"""What was recalled stays out of the views until somebody takes the recall back: no damage and no import does."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.seal import Sealed
from airgap.core.reasons import Reason
from airgap.core.verdict import Standing
from airgap.isolated.intake import Order, update_trust
from airgap.isolated.recheck import recheck
from airgap.isolated.store.store import Store
from tests.connected.exporting import exported, plant, request
from tests.forge.build import bundle
from tests.forge.keys import ALICE, BOB
from tests.forge.producers import CAROL, pem_anchor, raw_signature
from tests.forge.site import make_store, refused, take
from tests.forge.text import NOW
from tests.forge.trust import document, revoked, trust_envelope, trust_file

TOOL = b"a tool\n"
DIGEST = hashlib.sha256(TOOL)
SIGNED: Mapping[str, bytes] = {"tool": TOOL, "tool.sig": raw_signature(TOOL, by=CAROL), "other": b"x"}
OWNED = {
    name: {"signers": [signer], "threshold": 1, "artifacts": ["pkg:generic/*"], "destinations": []}
    for name, signer in (("main", "alice"), ("side", "bob"))
}


def site(folder: Path, **more: Any) -> Store:
    return make_store(folder / "store", trust=trust_file(document(**more)))


def sealed(folder: Path, files: Mapping[str, bytes], name: str, **options: Any) -> Sealed:
    return exported(request(plant(folder / f"{name}-files", files)), folder / name, **options)


def move_trust(store: Store, **more: Any) -> None:
    update_trust(store, trust_file(document(2, **more)), Order(at=NOW, run_id="trust", version="1"))


def check(store: Store) -> set[str | None]:
    return {finding.reason for finding in recheck(store, at=NOW, run_id="check").damage}


def names(store: Store) -> list[str]:
    return sorted(os.listdir(Path(store.layout.current) / "files"))


def rot(path: str, at: int) -> None:
    raw = bytearray(Path(path).read_bytes())
    raw[at] ^= 1
    os.chmod(path, 0o644)
    Path(path).write_bytes(raw)


@pytest.fixture
def recalled(tmp_path: Path) -> tuple[Store, Sealed]:
    """A store that does not show ``tool``, whose producer's key was revoked."""
    store = site(tmp_path, anchors=[pem_anchor()])
    done = sealed(tmp_path, SIGNED, "1")
    take(store, *done.paths)
    move_trust(store, anchors=[pem_anchor()], revoked=revoked(keys=CAROL.public.key_id))
    assert check(store) == {Reason.EVIDENCE_REVOKED}
    assert names(store) == ["other", "tool.sig"]
    return store, done


@pytest.mark.parametrize("is_missing", [False, True])
def test_evidence_that_rots_takes_no_recall_back(recalled: tuple[Store, Sealed], is_missing: bool) -> None:
    store, done = recalled
    path = store.layout.object(done.manifest.documents[0].sha256)
    if is_missing:
        os.unlink(path)
    else:
        rot(path, 0)

    for _ in range(2):
        assert Reason.EVIDENCE_REVOKED not in check(store)
        assert names(store) == ["other"]


def test_an_object_that_rots_and_is_healed_under_another_name_takes_no_recall_back(
    recalled: tuple[Store, Sealed], tmp_path: Path
) -> None:
    store, done = recalled
    rot(store.layout.object(DIGEST.digest()), 0)
    check(store)

    take(store, *sealed(tmp_path, {"copy": TOOL}, "2", after=done.paths).paths)

    assert names(store) == ["copy", "other", "tool.sig"]
    assert store.state().withdrawn == frozenset()
    assert check(store) == {Reason.EVIDENCE_REVOKED}
    assert names(store) == ["copy", "other", "tool.sig"]


def test_a_head_that_rots_takes_no_recall_back(recalled: tuple[Store, Sealed]) -> None:
    store, done = recalled
    head = store.layout.head(done.statement.manifest)
    rot(head, Path(head).read_bytes().index(b'"sig":"') + 20)

    assert Reason.BAD_SIGNATURE in check(store)
    assert names(store) == ["other", "tool.sig"]


def test_a_recalled_name_that_somebody_put_back_into_the_view_is_taken_out_again(recalled: tuple[Store, Sealed]) -> None:
    store, _ = recalled
    os.link(store.layout.object(DIGEST.digest()), Path(store.layout.current) / "files/tool")

    assert check(store) == {Reason.EVIDENCE_REVOKED, Reason.EXTRA_FILE}
    assert names(store) == ["other", "tool.sig"]


@pytest.mark.parametrize("is_withdrawn", [False, True])
def test_a_name_that_is_not_shown_still_belongs_to_its_channel(tmp_path: Path, is_withdrawn: bool) -> None:
    store = site(tmp_path, channels=OWNED)
    take(store, bundle({"artifacts/files/tool": TOOL}, documents={}, keys=[ALICE]).write(tmp_path / "a"))
    if is_withdrawn:
        rot(store.layout.object(DIGEST.digest()), 0)
    else:
        move_trust(store, channels=OWNED, revoked=revoked(digests=DIGEST.hexdigest()))
    check(store)
    assert names(store) == []
    side: dict[str, Any] = {"keys": [BOB], "predicate": {"channel": "side"}, "documents": {}}

    assert refused(store, bundle({"artifacts/files/tool": b"y"}, **side).write(tmp_path / "b")).reason is Reason.NAME_CLASH
    taken = take(store, bundle({"artifacts/files/new": b"y"}, **side).write(tmp_path / "c"))
    assert taken.verdict.standing is Standing.ACCEPTED


def test_a_document_takes_no_artifacts_name_of_another_channel(tmp_path: Path) -> None:
    store = site(tmp_path, channels=OWNED)
    take(store, bundle({"artifacts/files/a.txt.sig": TOOL}, documents={}, keys=[ALICE]).write(tmp_path / "a"))

    other = bundle(keys=[BOB], predicate={"channel": "side"})

    assert refused(store, other.write(tmp_path / "b")).reason is Reason.NAME_CLASH


def test_documents_of_two_channels_may_share_a_name(tmp_path: Path) -> None:
    store = site(tmp_path, channels=OWNED)
    shared = {"documents/files/a.sig": b"1", "documents/files/b.sig": b"1"}
    take(store, bundle({"artifacts/files/a": b"a"}, documents=shared, keys=[ALICE]).write(tmp_path / "a"))

    other = bundle(
        {"artifacts/files/b": b"b"},
        documents=dict.fromkeys(shared, b"2"),
        keys=[BOB],
        predicate={"channel": "side"},
    )

    assert take(store, other.write(tmp_path / "b")).verdict.standing is Standing.ACCEPTED


def test_recalled_bytes_do_not_come_in_as_a_document(tmp_path: Path) -> None:
    store = site(tmp_path, revoked=revoked(digests=DIGEST.hexdigest()))
    made = bundle({"artifacts/files/x": b"x"}, documents={"documents/files/tool": TOOL})

    finding = refused(store, made.write(tmp_path / "a"))

    assert (finding.reason, finding.subject) == (Reason.REVOKED_ARTIFACT, "documents/files/tool")


def test_a_document_brings_in_no_name_that_the_policy_refuses(tmp_path: Path) -> None:
    policy = '[names]\nrefuse = [".git"]\n[[require]]\nartifacts = "pkg:*"\nevidence = "exporter-only"\n'
    store = make_store(tmp_path / "store", policy=policy)
    made = bundle({"artifacts/files/x": b"x"}, documents={"documents/files/.git/config": b"y"})

    finding = refused(store, made.write(tmp_path / "a"))

    assert (finding.reason, finding.subject) == (Reason.BAD_NAME, "documents/files/.git/config")


@pytest.mark.parametrize("is_recalled", [False, True])
def test_a_known_bundle_that_brings_a_newer_trust_document_is_judged_by_it(tmp_path: Path, is_recalled: bool) -> None:
    store = site(tmp_path)
    files = {"artifacts/files/tool": TOOL}
    take(store, bundle(files, documents={}).write(tmp_path / "a"))
    update = document(2, revoked=revoked(digests=DIGEST.hexdigest() if is_recalled else "0" * 64))
    again = bundle(files, documents={}, updates=[trust_envelope(update)]).write(tmp_path / "b")

    if is_recalled:
        assert refused(store, again).reason is Reason.REVOKED_ARTIFACT
    else:
        assert take(store, again).verdict.standing is Standing.ACCEPTED
    assert store.state().trust == (1 if is_recalled else 2)
    assert check(store) == set()
